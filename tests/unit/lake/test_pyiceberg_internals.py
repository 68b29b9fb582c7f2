"""The private names of PyIceberg that radiant uses have the form that it expects."""

import inspect

import pytest
from pyiceberg.catalog import Catalog, MetastoreCatalog, delete_files
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import ManifestFile, ManifestWriter
from pyiceberg.table import Table, Transaction
from pyiceberg.table.metadata import TableMetadataUtil
from pyiceberg.table.update import update_table_metadata
from pyiceberg.table.update.snapshot import _OverwriteFiles, _SnapshotProducer

from radiant import lake, storage
from radiant.lake import pyiceberg_internals
from radiant.lake.pyiceberg_internals import ReplaceFiles, RewriteManifests
from radiant.settings import load_settings
from staging import NAMESPACE, commit, stage


@pytest.fixture
def refs(catalog):
    return lake.ensure_tables(catalog, NAMESPACE)


def parameters(function) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_a_commit_of_pyiceberg_collects_its_manifests_by_the_methods_that_are_replaced():
    assert issubclass(_OverwriteFiles, _SnapshotProducer)
    assert parameters(_OverwriteFiles._existing_manifests) == ["self"]
    assert "_existing_manifests" in inspect.getsource(_SnapshotProducer._manifests)
    assert {"has_added_files", "has_existing_files"} <= set(dir(ManifestFile))
    for public in ("delete_by_predicate", "delete_data_file", "append_data_file", "commit"):
        assert hasattr(ReplaceFiles, public)


def test_a_transaction_of_pyiceberg_builds_its_metadata_of_the_table_and_the_updates():
    source = inspect.getsource(Transaction.table_metadata.fget)
    assert "update_table_metadata(self._table.metadata, self._updates)" in source
    assert parameters(_SnapshotProducer._deleted_entries) == ["self"]
    assert parameters(_OverwriteFiles._validate_required_deletes) == ["self", "deleted_entries"]
    assert parameters(_SnapshotProducer._build_manifest_evaluator) == ["self", "spec_id"]


def test_a_commit_of_pyiceberg_deletes_its_manifests_by_the_methods_that_are_replaced():
    source = inspect.getsource(Transaction.commit_transaction)
    assert "producer._clean_all_uncommitted()" in source
    assert "_cleanup_uncommitted()" in inspect.getsource(Transaction._cleanup_uncommitted_manifests)
    assert "self._written_manifest_lists.append(" in inspect.getsource(_SnapshotProducer._commit)
    for name in ("_clean_all_uncommitted", "_cleanup_uncommitted"):
        assert parameters(getattr(_SnapshotProducer, name)) == ["self"]
        for producer in (ReplaceFiles, RewriteManifests):
            assert getattr(producer, name) is not getattr(_SnapshotProducer, name)


def test_a_commit_of_pyiceberg_deletes_earlier_metadata_by_the_method_that_is_replaced():
    source = inspect.getsource(Table._do_commit)
    assert "self.catalog._delete_old_metadata(self.io, self.metadata, response.metadata)" in source
    assert parameters(Catalog._delete_old_metadata) == ["io", "base", "metadata"]
    assert "io.delete(file)" in inspect.getsource(delete_files)


def test_a_scan_of_pyiceberg_yields_the_batches_of_a_task():
    assert parameters(ArrowScan._record_batches_from_scan_tasks_and_deletes) == [
        *("self", "tasks", "deletes_per_file"),
    ]


def test_a_sql_catalog_of_pyiceberg_reads_and_stages_metadata_in_the_methods_that_are_replaced():
    assert parameters(SqlCatalog._convert_orm_to_iceberg) == ["self", "orm_table"]
    assert parameters(MetastoreCatalog._update_and_stage_table) == [
        *("self", "current_table", "table_identifier", "requirements", "updates"),
    ]
    source = inspect.getsource(SqlCatalog.commit_table)
    assert "self.load_table(" in source
    assert "self._update_and_stage_table(current_table" in source
    assert "self._convert_orm_to_iceberg(" in inspect.getsource(SqlCatalog.load_table)


def test_a_manifest_of_pyiceberg_is_written_by_the_methods_that_are_replaced():
    assert parameters(_SnapshotProducer.new_manifest_writer) == ["self", "spec"]
    assert parameters(ManifestWriter.new_writer) == ["self"]
    assert parameters(ManifestWriter._with_partition) == ["self", "format_version"]
    assert "self._writer.write_block([self.prepare_entry(entry)])" in inspect.getsource(ManifestWriter.add_entry)


def test_metadata_without_a_copied_history_is_that_of_pyiceberg(catalog, refs, monkeypatch):
    for number in range(3):
        commit(catalog, [stage(refs, number, "a")], f"t{number}")
    updated = []
    real = pyiceberg_internals._updated

    def both(base, updates):
        found = real(base, updates)
        updated.append((found, update_table_metadata(base, updates)))
        return found

    monkeypatch.setattr(pyiceberg_internals, "_updated", both)
    commit(catalog, [stage(refs, 9, "b")], "t9")
    assert len(updated) == len(refs)
    assert all(ours == theirs for ours, theirs in updated)


def test_the_file_that_a_commit_writes_has_the_whole_history(catalog, refs):
    for number in range(3):
        commit(catalog, [stage(refs, number, "a")], f"t{number}")
    table = catalog.load_table(table_name(refs))
    written = TableMetadataUtil.parse_raw(storage.read_bytes(table.metadata_location).decode())
    assert written == table.metadata
    assert [one.sequence_number for one in written.snapshots] == [1, 2, 3]
    assert [one.snapshot_id for one in written.snapshot_log] == [one.snapshot_id for one in written.snapshots]
    assert [one.parent_snapshot_id for one in written.snapshots[1:]] == [
        one.snapshot_id for one in written.snapshots[:-1]
    ]


def test_a_catalog_reads_each_metadata_file_once_and_finds_the_commit_of_another(catalog, refs, home, monkeypatch):
    read = []
    real = SqlCatalog._convert_orm_to_iceberg

    def noted(self, row):
        if self is catalog:
            read.append(row.metadata_location)
        return real(self, row)

    monkeypatch.setattr(SqlCatalog, "_convert_orm_to_iceberg", noted)
    before = catalog.load_table(table_name(refs))
    assert catalog.load_table(table_name(refs)).metadata is before.metadata
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as other:
        commit(other, [stage(refs, 1, "a")], "t1")
    after = catalog.load_table(table_name(refs))
    assert len(after.snapshots()) == len(before.snapshots()) + 1
    assert len(read) == len(set(read))


def table_name(refs) -> tuple[str, str]:
    return NAMESPACE, refs["variant"].identifier.rpartition(".")[2]
