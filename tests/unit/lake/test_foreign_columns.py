"""Columns that another engine added to a table stay: null in new rows, their values kept in all others."""

import datetime as dt
import uuid
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimeType,
    UUIDType,
)

from radiant import lake
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.settings import load_settings
from staging import NAMESPACE, commit, read, stage

PAIR = StructType(
    NestedField(901, "a", StringType(), required=False), NestedField(902, "n", LongType(), required=False)
)
ALL = StructType(
    NestedField(911, "lists", ListType(912, PAIR, element_required=False), required=False),
    NestedField(
        913,
        "maps",
        MapType(914, StringType(), 915, ListType(916, IntegerType(), element_required=False), value_required=False),
        required=False,
    ),
)
REQUIRED = StructType(NestedField(901, "a", StringType(), required=True))

KINDS = {
    "struct": (PAIR, {"a": "x", "n": 7}),
    "struct_of_required": (REQUIRED, {"a": "x"}),
    "list_of_struct": (ListType(900, PAIR, element_required=False), [{"a": "x", "n": None}, None]),
    "map_of_struct": (MapType(900, StringType(), 905, PAIR, value_required=False), [("k", {"a": None, "n": 2})]),
    "map_of_structs": (MapType(900, PAIR, 905, BooleanType(), value_required=False), [({"a": "k", "n": 2}, True)]),
    "list_of_list": (ListType(900, ListType(903, DoubleType(), element_required=False), element_required=False),
                     [[1.5, None], [], None]),
    "list_of_required": (ListType(900, IntegerType(), element_required=True), [1, 2]),
    "struct_of_all": (ALL, {"lists": [{"a": "", "n": 1}], "maps": [("k", [1, None])]}),
    "decimal": (DecimalType(12, 3), Decimal("1.250")),
    "date": (DateType(), dt.date(2024, 2, 29)),
    "time": (TimeType(), dt.time(1, 2, 3)),
    "timestamp": (TimestampType(), dt.datetime(2024, 2, 29, 1, 2, 3)),  # noqa: DTZ001 - without a zone on purpose
    "binary": (BinaryType(), b"\x00\xff"),
    "fixed": (FixedType(3), b"abc"),
    "uuid": (UUIDType(), uuid.UUID(int=5)),
}  # fmt: skip

TABLES = {**{name: table.name for name, table in CASE_TABLES.items()}, "case_load": CASE_LOAD.name}
SHOWN_EMPTY = {"list_of_struct", "map_of_struct", "map_of_structs"}
"""PyIceberg 0.12 shows a null list or map of structs as an empty one, although its file says null."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        yield catalog


def load(catalog, name: str):
    return catalog.load_table((NAMESPACE, TABLES[name]))


def rows(catalog, name: str) -> dict[int, list[dict]]:
    """The rows of each case as PyIceberg shows them."""
    found: dict[int, list[dict]] = {}
    for row in load(catalog, name).scan().to_arrow().to_pylist():
        found.setdefault(row["case_id"], []).append(row)
    return found


def stored(catalog, name: str, kind: str) -> dict[int, list]:
    """The values of a column as the data files have them; null where a file lacks it."""
    found: dict[int, list] = {}
    for task in load(catalog, name).scan().plan_files():
        table = pq.ParquetFile(task.file.file_path.removeprefix("file://")).read()
        values = table[kind].to_pylist() if kind in table.column_names else [None] * len(table)
        for case_id, value in zip(table["case_id"].to_pylist(), values, strict=True):
            found.setdefault(case_id, []).append(value)
    return found


def fill_and_compact(catalog, name: str) -> None:
    """Write the whole table as one file, with values in the foreign columns, as another engine does."""
    table = load(catalog, name)
    found = table.scan().to_arrow()
    schema = table.schema().as_arrow()
    for kind, (_, value) in KINDS.items():
        at = schema.get_field_index(kind)
        found = found.set_column(at, schema.field(at), pa.array([value] * len(found), schema.field(at).type))
    table.overwrite(found.cast(schema))


@pytest.fixture(scope="module", params=TABLES)
def history(request, catalog):
    """A table to which another engine added columns of every kind, after each of the commits that followed."""
    name = request.param
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, case, f"{name}-a", rows=3) for case in (1, 2)], f"{name}-1")
    with load(catalog, name).update_schema() as update:
        for kind, (type_, _) in KINDS.items():
            update.add_column(kind, type_, required=False)
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 3, f"{name}-a", rows=3), stage(refs, 1, f"{name}-b", rows=3)], f"{name}-2")
    added = {kind: stored(catalog, name, kind) for kind in KINDS}, rows(catalog, name)
    fill_and_compact(catalog, name)
    before = rows(catalog, name)
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 2, f"{name}-c", rows=2)], f"{name}-3")
    return name, added, before, ({kind: stored(catalog, name, kind) for kind in KINDS}, rows(catalog, name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_another_engine_is_null_in_new_rows(history, kind):
    name, (files, shown), _, (files_after, shown_after) = history
    count = 1 if name == "case_load" else 3
    assert files[kind] == dict.fromkeys((1, 2, 3), [None] * count)
    empty = [[], None] if kind in SHOWN_EMPTY and name == "case_load" else [None]
    assert all(row[kind] in empty for case in (1, 2, 3) for row in shown[case])
    assert set(files_after[kind][2]) == {None}
    assert all(row[kind] in empty for row in shown_after[2])


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_of_another_engine_keeps_its_values_after_a_compaction(history, kind):
    _, _, before, (_, after) = history
    value = KINDS[kind][1]
    for case in (1, 3):
        assert [row[kind] for row in after[case]] == [value] * len(before[case])


def test_all_other_columns_are_as_before(history, catalog):
    name, _, before, (_, after) = history
    assert {case: after[case] for case in (1, 3)} == {case: before[case] for case in (1, 3)}
    if name != "case_load":
        assert len(read(catalog, 1, name)) == 3
        assert len(read(catalog, 2, name)) == 2
