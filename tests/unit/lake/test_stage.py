"""Staging: what is written, what is refused, what is deleted."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.conversions import from_bytes
from pyiceberg.types import LongType, StringType

import random_rows
from radiant import lake, storage
from radiant.domain.columns import Encoding
from radiant.domain.tables import CASE_TABLES, COLUMNS
from radiant.errors import LakeError, SchemaMismatchError, StorageError
from radiant.jobs.codec import decode, encode
from radiant.lake import datafile
from radiant.settings import load_settings
from staging import NAMESPACE


@pytest.fixture
def refs(tmp_path):
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)})) as catalog:
        return lake.ensure_tables(catalog, NAMESPACE)


def parquet_files(tmp_path: Path) -> list[Path]:
    return sorted(tmp_path.rglob("*.parquet"))


def staged(refs, *writes: tuple[str, pa.RecordBatch], load: str = "a", run: str = "", may_delete=None) -> lake.Manifest:
    with lake.Stager(refs, 3, 12, load, run=run, may_delete=may_delete) as stager:
        for name, batch in writes:
            stager.write(name, batch)
        return stager.finish()


def rows_in(manifest: lake.Manifest, name: str) -> list[dict]:
    tables = [pq.ParquetFile(file.path.removeprefix("file://")).read() for file in manifest.files[name]]
    return [row for table in tables for row in table.to_pylist()]


def test_files_are_below_part_case_and_load(refs):
    manifest = staged(refs, ("variant", random_rows.batch("variant", 4)))
    (file,) = manifest.files["variant"]
    assert file.path.startswith(f"{refs['variant'].location}/data/part=3/case=12/a/")
    assert file.path.endswith("-00000.parquet")


def test_a_table_without_rows_has_no_file_and_zero_rows(refs, tmp_path):
    manifest = staged(refs, ("variant", random_rows.batch("variant", 0)))
    assert manifest.rows == dict.fromkeys(CASE_TABLES, 0)
    assert manifest.files == dict.fromkeys(CASE_TABLES, ())
    assert parquet_files(tmp_path) == []


def test_the_manifest_survives_json(refs):
    manifest = staged(refs, *((name, random_rows.batch(name, 9)) for name in CASE_TABLES))
    assert decode(lake.Manifest, encode(manifest), where="here", what="a manifest", remedy="") == manifest


def test_the_reference_survives_json(refs):
    for ref in refs.values():
        again = lake.TableRef.from_json(json.loads(json.dumps(ref.to_json())))
        assert (again.schema, again.spec) == (ref.schema, ref.spec)
        assert again.location == ref.location


@pytest.mark.parametrize("short_name", CASE_TABLES)
def test_every_field_of_a_file_has_the_tables_field_id(refs, short_name):
    manifest = staged(refs, (short_name, random_rows.batch(short_name, 3)))
    schema = pq.read_schema(manifest.files[short_name][0].path.removeprefix("file://"))
    expected = {field.name: field.field_id for field in refs[short_name].schema.fields}
    assert {field.name: int(field.metadata[b"PARQUET:field_id"]) for field in schema} == expected
    for field in schema:
        for nested in [field.type.field(index) for index in range(field.type.num_fields)]:
            inner = [nested, *(nested.type.field(index) for index in range(nested.type.num_fields))]
            assert any(b"PARQUET:field_id" in (one.metadata or {}) for one in inner)


def test_statistics_of_a_file_are_those_of_its_rows(refs):
    batch = random_rows.batch("variant", 50, start=list(range(1000, 1050)), chromosome=["7"] * 25 + ["X"] * 25)
    (file,) = staged(refs, ("variant", batch)).files["variant"]
    ids = {field.name: field.field_id for field in refs["variant"].schema.fields}
    assert (file.record_count, file.part) == (50, 3)
    assert file.size_bytes == Path(file.path.removeprefix("file://")).stat().st_size
    bounds = {
        name: tuple(from_bytes(kind, bytes.fromhex(side[ids[name]])) for side in (file.lower_bounds, file.upper_bounds))
        for name, kind in (("start", LongType()), ("case_id", LongType()), ("chromosome", StringType()))
    }
    assert bounds == {"start": (1000, 1049), "case_id": (12, 12), "chromosome": ("7", "X")}
    assert file.null_value_counts[ids["hgvsc"]] == batch.column("hgvsc").null_count
    assert set(file.value_counts.values()) == {50}
    assert len(file.split_offsets) == 1
    assert set(file.column_sizes) >= {ids["alternate"], ids["start"]}


def test_all_null_columns_are_written(refs):
    batch = random_rows.batch("occurrence", 10, null_share=1.0)
    manifest = staged(refs, ("occurrence", batch))
    (file,) = manifest.files["occurrence"]
    ids = {field.name: field.field_id for field in refs["occurrence"].schema.fields}
    assert file.null_value_counts[ids["info_af"]] == 10
    assert [row["filter"] for row in rows_in(manifest, "occurrence")] == [None] * 10


def test_columns_may_come_in_any_order(refs):
    batch = random_rows.batch("variant", 5)
    turned = batch.select(batch.schema.names[::-1])
    first, second = staged(refs, ("variant", batch)), staged(refs, ("variant", turned), load="b")
    assert first.digests == second.digests
    assert rows_in(first, "variant") == rows_in(second, "variant")


def as_dictionaries(batch: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([as_dictionary(one) for one in batch.columns], names=batch.schema.names)


def as_dictionary(column: pa.Array) -> pa.Array:
    if pa.types.is_map(column.type):
        maps = column.to_pylist()
        pairs = [pair for one in maps for pair in one or ()]
        keys, items = (pa.array([pair[at] for pair in pairs], pa.string()).dictionary_encode() for at in (0, 1))
        offsets = pa.array([0, *itertools.accumulate(len(one or ()) for one in maps)], pa.int32())
        return pa.MapArray.from_arrays(offsets, keys, items, mask=pa.array([one is None for one in maps]))
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def as_large(batch: pa.RecordBatch) -> pa.RecordBatch:
    kinds = {pa.string(): pa.large_string(), pa.list_(pa.string()): pa.large_list(pa.large_string())}
    columns = [one.cast(kinds.get(one.type, one.type)) for one in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


@pytest.mark.parametrize("encode", [as_dictionaries, as_large])
@pytest.mark.parametrize("short_name", CASE_TABLES)
def test_encodings_of_text_change_nothing(refs, short_name, encode):
    batches = [random_rows.batch(short_name, 30, seed) for seed in range(3)]
    plain = staged(refs, *((short_name, one) for one in batches))
    encoded = staged(refs, *((short_name, encode(one)) for one in batches), load="b")
    mixed = staged(refs, (short_name, batches[0]), (short_name, encode(batches[1])), (short_name, batches[2]), load="c")
    assert plain.digests == encoded.digests == mixed.digests
    assert rows_in(plain, short_name) == rows_in(encoded, short_name) == rows_in(mixed, short_name)


def test_a_later_batch_may_encode_other_columns_than_its_file(refs, monkeypatch):
    monkeypatch.setattr(datafile, "ROW_GROUP_ROWS", 10)
    batches = [random_rows.batch("variant", 10, seed) for seed in range(4)]
    plain = staged(refs, *(("variant", one) for one in batches))
    turns = (as_dictionaries, lambda one: one)
    mixed = staged(refs, *(("variant", turns[at % 2](one)) for at, one in enumerate(batches)), load="b")
    assert rows_in(plain, "variant") == rows_in(mixed, "variant")


def test_a_null_inside_a_dictionary_is_a_null(refs):
    batch = random_rows.batch("quarantine", 2)
    hidden = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array([None, "x"]))
    batch = batch.set_column(batch.schema.get_field_index("text"), "text", hidden)
    manifest = staged(refs, ("quarantine", batch))
    assert [row["text"] for row in rows_in(manifest, "quarantine")] == [None, "x"]
    ids = {field.name: field.field_id for field in refs["quarantine"].schema.fields}
    assert manifest.files["quarantine"][0].null_value_counts[ids["text"]] == 1
    with pytest.raises(SchemaMismatchError, match="rule is required and has 1 nulls"):
        staged(refs, ("quarantine", batch.set_column(batch.schema.get_field_index("rule"), "rule", hidden)), load="b")


def test_a_null_inside_a_dictionary_of_a_map_is_a_null(refs):
    values = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([None, "x"]))
    maps = pa.MapArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array(["a", "b"]), values)
    batch = change(random_rows.batch("consequence", 2), "extra", maps)
    assert [row["extra"] for row in rows_in(staged(refs, ("consequence", batch)), "consequence")] == maps.to_pylist()


def change(batch: pa.RecordBatch, column: str, array: pa.Array | None) -> pa.RecordBatch:
    index = batch.schema.get_field_index(column)
    return batch.remove_column(index) if array is None else batch.set_column(index, column, array)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda one: change(one, "hgvsc", None), "hgvsc is missing"),
        (lambda one: one.append_column("surplus", pa.nulls(4, pa.int32())), "surplus is not a column of the table"),
        (lambda one: one.append_column("part", pa.nulls(4, pa.int32())), "part is not a column"),
        (lambda one: one.append_column("hgvsc", pa.nulls(4, pa.string())), "hgvsc comes twice"),
        (lambda one: change(one, "start", pa.array([1, 2, 3, 4], pa.int32())), "start is int32, declared long"),
        (lambda one: change(one, "start", pa.array([1, 2, None, 4], pa.int64())), "start is required and has 1 nulls"),
        (lambda one: change(one, "start", pa.nulls(4)), "start is required and has 4 nulls"),
        (lambda one: change(one, "rsnumber", pa.array(["rs1"] * 4)), "rsnumber is string, declared list<string>"),
        (
            lambda one: change(one, "rsnumber", pa.array([[1]] * 4)),
            "rsnumber is list<item: int64>, declared list<string>",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name(refs, tmp_path, spoil, words):
    with pytest.raises(SchemaMismatchError) as caught:
        staged(refs, ("variant", spoil(random_rows.batch("variant", 4))))
    assert words in str(caught.value)
    assert "germline_snv_variant" in str(caught.value)
    assert parquet_files(tmp_path) == []


def test_an_unknown_table_is_refused(refs):
    with pytest.raises(SchemaMismatchError, match=", ".join(CASE_TABLES)):
        staged(refs, ("variants", random_rows.batch("variant", 1)))


def test_an_error_in_the_block_deletes_what_was_staged(refs, tmp_path, monkeypatch):
    monkeypatch.setattr(datafile, "FILE_BYTES", 1)
    monkeypatch.setattr(datafile, "ROW_GROUP_ROWS", 5)

    def fail_late():
        with lake.Stager(refs, 3, 12, "a") as stager:
            stager.write("variant", random_rows.batch("variant", 5))
            stager.write("variant", random_rows.batch("variant", 3))
            assert len(parquet_files(tmp_path)) == 1
            stager.finish()
            assert len(parquet_files(tmp_path)) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_late()
    assert [path for path in tmp_path.rglob("data/**/*") if path.is_file()] == []


def test_leaving_the_block_unfinished_deletes_what_was_staged(refs, tmp_path):
    with lake.Stager(refs, 3, 12, "a") as stager:
        stager.write("variant", random_rows.batch("variant", 5))
    assert [path for path in tmp_path.rglob("data/**/*") if path.is_file()] == []


def test_starting_again_clears_an_earlier_attempt_of_the_load(refs, tmp_path):
    staged(refs, ("variant", random_rows.batch("variant", 5)), ("occurrence", random_rows.batch("occurrence", 5)))
    other = staged(refs, ("variant", random_rows.batch("variant", 5)), load="b")
    again = staged(refs, ("variant", random_rows.batch("variant", 2)), may_delete=lambda: True)
    assert {f"file://{path}" for path in parquet_files(tmp_path)} == {
        again.files["variant"][0].path,
        other.files["variant"][0].path,
    }


@pytest.mark.parametrize("mark", [False, True])
def test_starting_again_clears_nothing_that_a_commit_took(refs, mark):
    first = staged(refs, ("variant", random_rows.batch("variant", 5)))
    if mark:
        path = Path(first.files["variant"][0].path.removeprefix("file://"))
        (path.parent / "_committed").touch()  # as commits of radiant 0.1 did
    staged(refs, ("variant", random_rows.batch("variant", 2)), may_delete=lambda: mark)
    assert lake.missing_files(first.all_files) == {}


def test_starting_again_clears_nothing_of_an_attempt_that_staged_meanwhile(refs):
    """An attempt that is replaced finds that out at any time: what the later one wrote is not its to delete."""
    later = []

    def slow_answer():
        later.append(staged(refs, ("variant", random_rows.batch("variant", 5))))
        return True

    first = staged(refs, ("variant", random_rows.batch("variant", 5)))
    staged(refs, ("variant", random_rows.batch("variant", 2)), may_delete=slow_answer)
    assert set(lake.missing_files(first.all_files)) == {first.files["variant"][0].path}
    assert lake.missing_files(later[0].all_files) == {}


@pytest.mark.parametrize("run", ["", "file:///work/import-vcf/run1"])
def test_files_that_are_gone_cut_or_of_another_size_are_named(refs, run):
    whole, gone, cut = (
        staged(refs, ("variant", random_rows.batch("variant", 5)), load=load, run=run) for load in ("a", "b", "c")
    )
    paths = [Path(one.files["variant"][0].path.removeprefix("file://")) for one in (gone, cut)]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    found = lake.missing_files([*whole.all_files, *gone.all_files, *cut.all_files])
    size = cut.files["variant"][0].size_bytes
    assert found == {
        f"file://{paths[0]}": f"file://{paths[0]} is gone",
        f"file://{paths[1]}": f"file://{paths[1]} has {size - 1} bytes, {size} were staged",
    }


def test_the_files_of_a_run_are_in_one_folder_of_a_table_and_part(refs):
    found = [
        staged(refs, ("variant", random_rows.batch("variant", 1)), load=load, run=run).files["variant"][0].path
        for load, run in (("a", "file:///work/run1"), ("b", "file:///work/run1"), ("c", "file:///work/run2"))
    ]
    of_run = [path.partition("/case=12/")[0] for path in found]
    assert of_run[0] == of_run[1] != of_run[2]
    assert all("/part=3/run=" in path for path in found)


def test_finish_twice_returns_the_same_manifest_and_takes_no_more_rows(refs):
    with lake.Stager(refs, 3, 12, "a") as stager:
        stager.write("variant", random_rows.batch("variant", 5))
        assert stager.finish() is stager.finish()
        with pytest.raises(LakeError, match="takes no more rows"):
            stager.write("variant", random_rows.batch("variant", 5))


@pytest.mark.parametrize("load_id", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_load_id_that_is_no_folder_name_is_refused(refs, load_id):
    with pytest.raises(LakeError, match="folder's name"):
        lake.Stager(refs, 1, 1, load_id)


def test_files_roll_at_their_size_and_keep_the_order(refs, monkeypatch):
    monkeypatch.setattr(datafile, "FILE_BYTES", 20_000)
    monkeypatch.setattr(datafile, "ROW_GROUP_ROWS", 50)
    batches = [random_rows.batch("variant", 50, seed) for seed in range(8)]
    manifest = staged(refs, *(("variant", one) for one in batches))
    assert len(manifest.files["variant"]) > 1
    assert sum(file.record_count for file in manifest.files["variant"]) == 400
    starts = [row["start"] for row in rows_in(manifest, "variant")]
    assert starts == [value for one in batches for value in one.column("start").to_pylist()]


def test_small_batches_share_a_row_group(refs):
    manifest = staged(
        refs, *(("variant", as_dictionaries(random_rows.batch("variant", 3, seed))) for seed in range(40))
    )
    (file,) = manifest.files["variant"]
    assert pq.ParquetFile(file.path.removeprefix("file://")).metadata.num_row_groups == 1


def test_a_full_disk_is_a_storage_error(refs, monkeypatch):
    def full(self, table):
        del self, table
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datafile._OpenFile, "write", full)
    with pytest.raises(StorageError, match="No space left on device"):
        staged(refs, ("variant", random_rows.batch("variant", 3)))


def test_files_go_to_an_object_store(refs):
    moved = {
        name: lake.TableRef.from_json(
            ref.to_json() | {"data_location": f"memory://bucket-{name}/data", "location": f"memory://bucket-{name}"}
        )
        for name, ref in refs.items()
    }
    manifest = staged(moved, *((name, random_rows.batch(name, 5)) for name in CASE_TABLES))
    for name in CASE_TABLES:
        (file,) = manifest.files[name]
        assert len(storage.read_bytes(file.path)) == file.size_bytes
    with lake.Stager(moved, 3, 12, "b") as stager:
        stager.write("variant", random_rows.batch("variant", 5))
    assert not any("/b/" in uri for uri in storage.list_files("memory://bucket-variant/data"))


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 40), max_size=6), short_name=st.sampled_from(list(CASE_TABLES)))
def test_the_digest_does_not_depend_on_batches(cuts, short_name):
    batch = random_rows.batch(short_name, 40)
    whole, pieces = lake.RowDigest(), lake.RowDigest()
    whole.update(batch)
    edges = [0, *sorted(cuts), 40]
    for at, (first, last) in enumerate(itertools.pairwise(edges)):
        piece = batch.slice(first, last - first)
        pieces.update(as_dictionaries(piece) if at % 2 else piece)
    assert whole.hexdigest() == pieces.hexdigest()


@pytest.mark.parametrize("short_name", CASE_TABLES)
def test_the_digest_sees_every_cell(short_name):
    batch = random_rows.batch(short_name, 6, null_share=0)
    other = random_rows.batch(short_name, 6, 1, null_share=0)
    seen = {digest_of(batch)}
    for column in batch.schema.names:
        cell = [*batch.column(column).to_pylist()]
        for row in range(6):
            changed = list(cell)
            changed[row] = next((one for one in other.column(column).to_pylist() if one != cell[row]), None)
            seen.add(digest_of(change(batch, column, pa.array(changed, batch.column(column).type))))
    assert len(seen) == 1 + 6 * batch.num_columns


def digest_of(batch: pa.RecordBatch) -> str:
    digest = lake.RowDigest()
    digest.update(batch)
    return digest.hexdigest()


def test_the_digest_separates_null_from_empty_and_orders():
    def of(values):
        return digest_of(pa.RecordBatch.from_arrays([pa.array(values, pa.list_(pa.string()))], names=["x"]))

    cells = [[], [[]], [None], [[None]], [[""]], [["a", "b"]], [["ab"]], [["b", "a"]], [["a"], ["b"]], [[], []]]
    assert len({of(one) for one in cells}) == len(cells)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 40), max_size=4), short_name=st.sampled_from(list(CASE_TABLES)))
def test_digests_of_pieces_follow_each_other(cuts, short_name):
    batch = random_rows.batch(short_name, 40)
    together = lake.RowDigest()
    for first, last in itertools.pairwise([0, *sorted(cuts), 40]):
        piece = lake.RowDigest()
        piece.update(batch.slice(first, last - first))
        together.follow(piece)
    assert together.hexdigest() == digest_of(batch)


@pytest.mark.parametrize("short_name", CASE_TABLES)
def test_a_data_file_stores_each_column_as_its_declaration_says(refs, short_name):
    rows = random_rows.batch(short_name, 50, null_share=0)
    assert_encoded(staged(refs, (short_name, rows)), short_name)


def assert_encoded(manifest, short_name):
    (file,) = manifest.files[short_name]
    group = pq.ParquetFile(file.path.removeprefix("file://")).metadata.row_group(0)
    for chunk in map(group.column, range(group.num_columns)):
        declared = COLUMNS[chunk.path_in_schema.partition(".")[0]]
        expected = {"RLE_DICTIONARY", "PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"} & set(chunk.encodings)
        if declared.encoding is Encoding.DICTIONARY and chunk.physical_type != "BOOLEAN":
            assert "RLE_DICTIONARY" in expected, declared.name
        elif declared.encoding is not Encoding.DICTIONARY:
            assert expected == {declared.encoding.value}, declared.name


def test_a_column_of_numbers_can_be_stored_by_bytes(refs, monkeypatch):
    declared = replace(COLUMNS["info_fs"], encoding=Encoding.BYTE_STREAM_SPLIT)
    monkeypatch.setitem(COLUMNS, "info_fs", declared)
    assert_encoded(staged(refs, ("occurrence", random_rows.batch("occurrence", 50, null_share=0))), "occurrence")
