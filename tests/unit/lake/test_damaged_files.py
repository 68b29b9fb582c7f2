"""A file of a table that is cut off, overwritten or gone: the error names it, and no command loses anything by it."""

import datetime as dt
import inspect
from pathlib import Path

import pyiceberg.manifest
import pytest
from pyiceberg.avro.file import AvroFile
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.serializers import FromInputFile

from radiant import lake, storage
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import LakeError, RadiantError
from radiant.lake.avro_blocks import header
from radiant.lake.damaged_files import _FETCH_ENTRIES
from radiant.lake.erase import erase_rows
from radiant.lake.scan import plan
from radiant.settings import load_settings
from staging import NAMESPACE, commit, read, stage

NOW = dt.datetime.now(dt.UTC)
VARIANT = (NAMESPACE, CASE_TABLES["variant"].name)

DAMAGES = {
    "cut": lambda content: content[: len(content) * 2 // 3],
    "empty": lambda _: b"",
    "zeros": lambda content: bytes(len(content)),
    "zeros at its end": lambda content: content[: len(content) // 2].ljust(len(content), b"\0"),
    "of another program": lambda content: b"<html>" * (len(content) // 6),
}


@pytest.fixture
def refs(catalog):
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    commit(catalog, [stage(refs, 3, "c")], "t2")
    return refs


def path(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def files(catalog) -> dict[str, Path]:
    """A file of each kind of the variant table, and the data file of `case_load`."""
    table = catalog.load_table(VARIANT)
    snapshot = table.current_snapshot()
    gate = catalog.load_table((NAMESPACE, CASE_LOAD.name))
    found = {
        "list of manifests": snapshot.manifest_list,
        "manifest": snapshot.manifests(table.io)[0].manifest_path,
        "metadata": table.metadata_location,
        "data of case 3": next(one for one in lake_files(table) if "case=3/" in one),
        "data of case_load": next(iter(lake_files(gate))),
    }
    return {kind: path(uri) for kind, uri in found.items()}


def lake_files(table) -> list[str]:
    return [task.file.file_path for task in plan(table, pyiceberg.expressions.AlwaysTrue())]


def reading(catalog, _refs) -> None:
    read(catalog, 3, "variant")


def committing(catalog, refs) -> None:
    commit(catalog, [stage(refs, 2, "d")], "t3")


def maintaining(catalog, _refs) -> None:
    later = NOW + dt.timedelta(days=9)
    lake.maintain_tables(catalog, NAMESPACE, lake.Cutoffs(replaced=later, orphans=later), (), target_bytes=1 << 20)


def erasing(catalog, _refs) -> None:
    erase_rows(catalog, NAMESPACE, 2, part=1, begun_at=NOW, delete=lambda _what, uris, *_: storage.delete_files(uris))


WORKS = [reading, committing, maintaining, erasing]


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("kind", ["list of manifests", "manifest", "metadata", "data of case_load"])
def test_a_damaged_file_is_named_with_its_table_and_the_remedy_and_nothing_is_lost(home, catalog, refs, kind, work):
    whole = read(catalog, 3, "variant")
    file = files(catalog)[kind]
    content = file.read_bytes()
    for damage in DAMAGES.values():
        file.write_bytes(damage(content))
        with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as fresh:
            with pytest.raises(RadiantError) as caught:
                work(fresh, refs)
            text = str(caught.value)
            assert str(file) in text
            assert "case_load" in text if kind == "data of case_load" else f"{NAMESPACE}/{VARIANT[1]}" in text
            assert "put the file back" in text
            file.write_bytes(content)
            assert read(fresh, 3, "variant") == whole


@pytest.mark.parametrize("kind", ["list of manifests", "manifest", "metadata", "data of case 3", "data of case_load"])
def test_a_file_that_is_gone_is_named_and_another_try_may_help(home, catalog, refs, kind):
    file = files(catalog)[kind]
    file.unlink()
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as fresh:
        with pytest.raises((RadiantError, FileNotFoundError), match=r"(?s)put the file back") as caught:
            reading(fresh, refs)
        assert str(file) in str(caught.value)
        if "data" not in kind:
            with pytest.raises(RadiantError, match=r"put the file back") as caught:
                maintaining(fresh, refs)
            assert str(file) in str(caught.value)
            assert caught.value.retryable


def test_a_case_whose_data_file_is_damaged_is_named_and_imported_again(catalog, refs):
    file = files(catalog)["data of case 3"]
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(LakeError, match=r"variant: .*case=3/.* is damaged: .*import its cases again"):
        reading(catalog, refs)
    commit(catalog, [stage(refs, 3, "e", rows=7)], "t3")
    assert len(read(catalog, 3, "variant")) == 7


@pytest.mark.usefixtures("refs")
@pytest.mark.parametrize("kind", ["list of manifests", "manifest"])
def test_a_table_never_has_fewer_files_because_its_manifests_are_cut_off(catalog, kind):
    """PyIceberg 0.12 takes some of these files for whole ones that end earlier."""
    table = catalog.load_table(VARIANT)
    file = files(catalog)[kind]
    content = file.read_bytes()
    first_block = header(content)[1]
    # A list that ends before its first block is one of no manifest; how long a manifest is, its list says.
    sizes = [*range(0, len(content), 101), *range(first_block + (kind == "list of manifests"), len(content), 3)]
    for size in sizes:
        file.write_bytes(content[:size])
        with pytest.raises(LakeError, match="is damaged"):
            lake_files(table)
    file.write_bytes(content)
    assert len(lake_files(table)) == 3


def test_tables_whose_metadata_is_damaged_are_pointed_back_to_a_backup(home, catalog, refs):
    backup = lake.table_pointers(catalog, NAMESPACE)
    first = files(catalog)["metadata"]
    commit(catalog, [stage(refs, 3, "e", rows=7)], "t3")
    for file in (first, files(catalog)["metadata"]):
        file.write_bytes(b"")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as fresh:
        assert lake.lost_files(backup) == []
        with pytest.raises(RadiantError, match="--replace"):
            lake.pointers_to_change(fresh, NAMESPACE, backup)
        lake.register_pointers(fresh, NAMESPACE, lake.pointers_to_change(fresh, NAMESPACE, backup, replace=True))
        assert len(read(fresh, 3, "variant")) == 20


@pytest.mark.usefixtures("refs")
def test_a_data_file_that_is_cut_off_counts_as_lost_in_a_restore(catalog):
    backup = lake.table_pointers(catalog, NAMESPACE)
    file = files(catalog)["data of case 3"]
    file.write_bytes(file.read_bytes()[:-1])
    (lost,) = lake.lost_files(backup)
    assert (lost.table, [path(one) for one in lost.paths], lost.cases) == (VARIANT[1], [file], {3})


def test_pyiceberg_reads_these_files_by_what_is_replaced():
    for function in (pyiceberg.manifest.read_manifest_list, _FETCH_ENTRIES):
        assert "with AvroFile[" in inspect.getsource(function)
    assert issubclass(pyiceberg.manifest.AvroFile, AvroFile)
    entries = inspect.getsource(_FETCH_ENTRIES)
    assert "io.new_input(self.manifest_path)" in entries
    assert list(inspect.signature(_FETCH_ENTRIES).parameters) == ["self", "io", "discard_deleted"]
    assert "self.input_file.open()" in inspect.getsource(AvroFile.__enter__)
    assert "FromInputFile.table_metadata(file)" in inspect.getsource(SqlCatalog._convert_orm_to_iceberg)
    assert list(inspect.signature(FromInputFile.table_metadata).parameters) == ["input_file", "encoding"]
