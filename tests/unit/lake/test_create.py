"""Tables are created when missing, grow by added columns, and are never dropped."""

import dataclasses

import pytest
from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.transforms import BucketTransform, IdentityTransform
from pyiceberg.types import IntegerType, StringType

import random_rows
import staging
from radiant import lake
from radiant.domain.columns import Column, Type
from radiant.domain.tables import CASE_TABLES, OCCURRENCE, TABLES, VARIANT
from radiant.errors import LakeUnavailableError, SchemaMismatchError
from radiant.lake import create
from radiant.lake import iceberg_schema as schemas
from radiant.settings import load_settings
from staging import NAMESPACE, commit, raw_rows, read, stage

KINDS = {
    Type.BOOLEAN: "boolean",
    Type.INT: "int",
    Type.LONG: "long",
    Type.FLOAT: "float",
    Type.DOUBLE: "double",
    Type.STRING: "string",
    Type.INTS: "list<int>",
    Type.STRINGS: "list<string>",
    Type.STRING_MAP: "map<string, string>",
    Type.TIMESTAMP: "timestamptz",
}


@pytest.fixture
def catalog(tmp_path):
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)})) as opened:
        yield opened


def load(catalog, declared):
    return catalog.load_table((NAMESPACE, declared.name))


@pytest.mark.parametrize("declared", TABLES.values(), ids=lambda one: one.name)
def test_a_new_table_is_as_declared(catalog, declared):
    lake.ensure_tables(catalog, NAMESPACE)
    table = load(catalog, declared)
    found = [(field.name, str(field.field_type), field.required, field.doc) for field in table.schema().fields]
    assert found == [(one.name, KINDS[one.type], one.required_in_files, one.doc) for one in declared.stored_columns]
    assert [(field.name, str(field.transform)) for field in table.spec().fields] == [("part", "identity")]
    names = [table.schema().find_column_name(field.source_id) for field in table.sort_order().fields]
    assert names == list(declared.sort)
    assert table.format_version == 2
    assert table.properties["write.parquet.compression-codec"] == "zstd"


def test_creating_again_changes_nothing(catalog):
    first = lake.ensure_tables(catalog, NAMESPACE)
    before = [load(catalog, one).metadata_location for one in TABLES.values()]
    assert lake.ensure_tables(catalog, NAMESPACE) == first
    assert [load(catalog, one).metadata_location for one in TABLES.values()] == before


def test_rows_survive_creating_again(catalog):
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t1")
    lake.ensure_tables(catalog, NAMESPACE)
    assert len(read(catalog, 1)) == 20


def redeclare(monkeypatch, *columns: Column, base=VARIANT, without: str = ""):
    """Let this version of radiant declare other columns of a table."""
    kept = tuple(one for one in base.columns if one.name != without)
    changed = dataclasses.replace(base, columns=(*kept, *columns))
    short = next(name for name, one in CASE_TABLES.items() if one == base)
    for where in (TABLES, CASE_TABLES):
        monkeypatch.setitem(where, short, changed)
    return changed


def test_a_missing_column_is_added_and_old_rows_have_null(catalog, monkeypatch):
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t1")
    old_ids = {field.name: field.field_id for field in refs["variant"].schema.fields}
    with monkeypatch.context() as patch:
        new = (Column("cadd", Type.FLOAT, "CADD.", required=True), Column("tags", Type.STRING_MAP, "Tags."))
        redeclare(patch, *new)
        refs = lake.ensure_tables(catalog, NAMESPACE)
        fields = {field.name: field for field in refs["variant"].schema.fields}
        assert {name: fields[name].field_id for name in old_ids} == old_ids
        assert (str(fields["cadd"].field_type), fields["cadd"].required, fields["cadd"].doc) == (
            "float",
            False,
            "CADD.",
        )
        commit(catalog, [stage(refs, 2, "b")], "t2")
        assert {row["cadd"] for row in read(catalog, 1, "variant")} == {None}
        assert [row["cadd"] for row in read(catalog, 2, "variant")] == random_rows.batch("variant", 20, 2)[
            "cadd"
        ].to_pylist()
    assert raw_rows(catalog, "variant").num_rows == 40


def test_an_older_version_writes_to_a_table_with_more_columns(catalog, monkeypatch):
    with monkeypatch.context() as patch:
        redeclare(patch, Column("cadd", Type.FLOAT, "CADD."))
        lake.ensure_tables(catalog, NAMESPACE)
    refs = lake.ensure_tables(catalog, NAMESPACE)
    assert "cadd" in {field.name for field in refs["variant"].schema.fields}
    commit(catalog, [stage(refs, 1, "a")], "t1")
    assert {row["cadd"] for row in read(catalog, 1, "variant")} == {None}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("hgvsc", Type.INT, ""), "hgvsc is string, declared int"),
        (Column("rsnumber", Type.INTS, ""), "rsnumber is list<string>, declared list<int>"),
        (Column("start", Type.INT, "", required=True), "start is long, declared int"),
        (Column("start", Type.LONG, ""), "start is required, declared optional"),
    ],
)
def test_an_incompatible_column_is_refused_and_nothing_changes(catalog, monkeypatch, column, words):
    lake.ensure_tables(catalog, NAMESPACE)
    before = load(catalog, VARIANT).metadata_location
    redeclare(monkeypatch, column, without=column.name)
    with pytest.raises(SchemaMismatchError) as caught:
        lake.ensure_tables(catalog, NAMESPACE)
    assert words in str(caught.value)
    assert "germline_snv_variant" in str(caught.value)
    assert load(catalog, VARIANT).metadata_location == before


def test_a_required_column_of_another_engine_is_refused(catalog, monkeypatch):
    lake.ensure_tables(catalog, NAMESPACE)
    redeclare(monkeypatch, without="reference")
    with pytest.raises(SchemaMismatchError, match="reference is required, and this version does not fill it"):
        lake.ensure_tables(catalog, NAMESPACE)


def test_a_column_that_earlier_versions_stored_becomes_optional_and_is_computed_for_old_and_new_rows(
    catalog, monkeypatch
):
    with monkeypatch.context() as patch:
        stored = tuple(dataclasses.replace(one, stored=True) for one in VARIANT.columns)
        patch.setitem(TABLES, "variant", dataclasses.replace(VARIANT, columns=stored))
        patch.setitem(CASE_TABLES, "variant", TABLES["variant"])
        refs = lake.ensure_tables(catalog, NAMESPACE)
        assert refs["variant"].schema.find_field("locus").required
        earlier = stage(refs, 1, "a")  # staged by a worker of before, committed afterwards
    refs = lake.ensure_tables(catalog, NAMESPACE)
    assert not refs["variant"].schema.find_field("locus").required
    commit(catalog, [earlier, stage(refs, 2, "b")], "t1")
    assert {row["locus"] is None for row in raw_rows(catalog, "variant").slice(20).to_pylist()} == {True}
    for case_id in (1, 2):
        rows = read(catalog, case_id, "variant")
        given = random_rows.batch("variant", 20, case_id)
        for name in ("locus", "locus_hash"):
            assert [row[name] for row in rows] == given[name].to_pylist()


def test_a_column_that_earlier_versions_had_in_each_row_becomes_optional_and_old_and_new_rows_have_its_value(
    catalog, monkeypatch
):
    with monkeypatch.context() as patch:
        full = tuple(dataclasses.replace(one, same_as=None) for one in OCCURRENCE.columns)
        patch.setitem(TABLES, "occurrence", dataclasses.replace(OCCURRENCE, columns=full))
        refs = lake.ensure_tables(catalog, NAMESPACE)
        assert refs["occurrence"].schema.find_field("source_pos").required
    with_same_positions(monkeypatch)
    # A worker of this version, whose import was prepared before the table was upgraded, has the value in each row.
    prepared_before = stage(refs, 1, "a")
    refs = lake.ensure_tables(catalog, NAMESPACE)
    assert not refs["occurrence"].schema.find_field("source_pos").required
    commit(catalog, [prepared_before, stage(refs, 2, "b")], "t1")
    stored = raw_rows(catalog, "occurrence").to_pylist()
    assert {(row["case_id"], row["source_pos"] is None) for row in stored} == {(1, False), (2, True)}
    for case_id in (1, 2):
        rows = read(catalog, case_id)
        assert [row["source_pos"] for row in rows] == [row["start"] for row in rows]


def with_same_positions(monkeypatch) -> None:
    """Let the rows that `stage` makes have POS where they start."""

    def batch(name, rows, seed):
        made = random_rows.batch(name, rows, seed)
        if "source_pos" in made.schema.names:
            made = made.set_column(made.schema.get_field_index("source_pos"), "source_pos", made["start"])
        return made

    monkeypatch.setattr(staging, "batch", batch)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (PartitionField(1, 1000, BucketTransform(4), "part_bucket"),),
        (PartitionField(1, 1000, IdentityTransform(), "part"), PartitionField(2, 1001, IdentityTransform(), "case_id")),
    ],
)
def test_another_partitioning_is_refused(catalog, fields):
    catalog.create_namespace(NAMESPACE)
    catalog.create_table(
        (NAMESPACE, OCCURRENCE.name), schemas.iceberg_schema(OCCURRENCE), partition_spec=PartitionSpec(*fields)
    )
    with pytest.raises(SchemaMismatchError, match="not by identity"):
        lake.ensure_tables(catalog, NAMESPACE)


def test_two_processes_that_add_the_same_column_both_succeed(catalog, monkeypatch):
    lake.ensure_tables(catalog, NAMESPACE)
    redeclare(monkeypatch, Column("cadd", Type.FLOAT, "CADD."))
    real = type(catalog).commit_table
    turns = []

    def another_first(self, table, requirements, updates):
        turns.append(table)
        if len(turns) == 1:
            lake.ensure_tables(self, NAMESPACE)
        return real(self, table, requirements, updates)

    monkeypatch.setattr(type(catalog), "commit_table", another_first)
    monkeypatch.setattr(create.time, "sleep", lambda _: None)
    assert "cadd" in {field.name for field in lake.ensure_tables(catalog, NAMESPACE)["variant"].schema.fields}
    names = [field.name for field in load(catalog, VARIANT).schema().fields]
    assert names.count("cadd") == 1
    assert len(turns) == 2


def test_a_schema_change_that_always_loses_gives_up(catalog, monkeypatch):
    lake.ensure_tables(catalog, NAMESPACE)
    redeclare(monkeypatch, Column("cadd", Type.FLOAT, "CADD."))

    def lose(*_):
        message = "another writer"
        raise CommitFailedException(message)

    monkeypatch.setattr(type(catalog), "commit_table", lose)
    monkeypatch.setattr(create.time, "sleep", lambda _: None)
    with pytest.raises(LakeUnavailableError, match="germline_snv_variant"):
        lake.ensure_tables(catalog, NAMESPACE)


@pytest.mark.parametrize("lost_by", [NamespaceAlreadyExistsError("taken"), RuntimeError("UNIQUE constraint failed")])
def test_a_namespace_created_meanwhile_is_fine(catalog, monkeypatch, lost_by):
    real = type(catalog).create_namespace

    def lose(self, name, properties):
        real(self, name, properties)
        raise lost_by

    monkeypatch.setattr(type(catalog), "create_namespace", lose)
    assert set(lake.ensure_tables(catalog, NAMESPACE)) == {*CASE_TABLES, "case_load"}


def test_a_catalog_that_fails_is_named(catalog, monkeypatch):
    def fail(*_):
        message = "no route to host"
        raise ConnectionError(message)

    monkeypatch.setattr(type(catalog), "namespace_exists", fail)
    with pytest.raises(LakeUnavailableError, match="no route to host"):
        lake.ensure_tables(catalog, NAMESPACE)


def test_partitions_and_paths_hold_no_sample(catalog):
    for ref in lake.ensure_tables(catalog, NAMESPACE).values():
        assert [ref.schema.find_column_name(field.source_id) for field in ref.spec.fields] == ["part"]


def test_every_declared_type_has_an_iceberg_type():
    assert {KINDS[one] for one in Type} == {str(schemas.iceberg_type(one, 1)[0]) for one in Type}
    assert isinstance(schemas.iceberg_type(Type.INTS, 1)[0].element_type, IntegerType)
    assert isinstance(schemas.iceberg_type(Type.STRING_MAP, 1)[0].value_type, StringType)
