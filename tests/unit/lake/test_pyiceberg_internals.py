"""The private names of PyIceberg that radiant uses have the form that it expects."""

import inspect

from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Transaction
from pyiceberg.table.update.snapshot import _OverwriteFiles, _SnapshotProducer

from radiant.lake.pyiceberg_internals import ReplaceFiles, RewriteManifests


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


def test_a_scan_of_pyiceberg_yields_the_batches_of_a_task():
    assert parameters(ArrowScan._record_batches_from_scan_tasks_and_deletes) == [
        *("self", "tasks", "deletes_per_file"),
    ]
