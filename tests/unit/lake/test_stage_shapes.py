"""Rows are staged as they are, whatever arrays they come in: values, digests, counts of nulls and bounds."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from pyiceberg.conversions import from_bytes

import random_rows
from arrow_shapes import STAGED, arrays
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.lake import datafile
from radiant.lake.computed import SAME_AS
from radiant.lake.file_layout import BOUNDED_COLUMNS
from radiant.settings import load_settings
from slow_digest import slow_digest
from staging import NAMESPACE, as_read


@pytest.fixture(scope="module")
def refs(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        return lake.ensure_tables(catalog, NAMESPACE)


@st.composite
def batches(draw: st.DrawFn, short_name: str) -> pa.RecordBatch:
    """Rows of a table, some columns of them in arrays of any shape."""
    table = CASE_TABLES[short_name]
    count = draw(st.integers(0, 6))
    rows = random_rows.batch(short_name, count, draw(st.integers(0, 3)))
    for column in draw(st.lists(st.sampled_from(random_rows.columns_of(table)), max_size=6, unique=True)):
        array = draw(arrays(random_rows.ARROW[column.type], count, replace(STAGED, nulls=not column.required)))
        rows = rows.set_column(rows.schema.get_field_index(column.name), column.name, array)
    for name, other in SAME_AS.items():
        if name in rows.schema.names and draw(st.booleans()):
            rows = rows.set_column(rows.schema.get_field_index(name), name, rows[other])
    return rows


def read(manifest: lake.Manifest, name: str) -> list[dict]:
    found = [pq.ParquetFile(file.path.removeprefix("file://")).read() for file in manifest.files[name]]
    return [row for one in found for row in as_read(one, name).to_pylist()]


def followed(row: dict) -> dict:
    """A row with the columns that no file stores as they follow from the others, whatever was written."""
    if "locus" not in row:
        return row
    locus = "-".join(str(row[name]) for name in ("chromosome", "start", "reference", "alternate"))
    number = xxhash.xxh3_64_intdigest(locus.encode())
    return row | {"locus": locus, "locus_hash": number - (1 << 64) * (number >> 63)}


@pytest.mark.parametrize("short_name", CASE_TABLES)
@settings(max_examples=60)
@given(data=st.data())
def test_rows_of_any_shape_are_staged_as_they_are(refs, short_name, data):
    written = data.draw(st.lists(batches(short_name), min_size=1, max_size=3))
    with pytest.MonkeyPatch.context() as patch, lake.Stager(refs, 3, 12, "a") as stager:
        patch.setattr(datafile, "ROW_GROUP_ROWS", data.draw(st.sampled_from([1, 4, 1000])))
        for one in written:
            stager.write(short_name, one)
        manifest = stager.finish()
    expected = [followed(row) for one in written for row in one.to_pylist()]
    assert read(manifest, short_name) == expected
    assert manifest.digests[short_name] == slow_digest(written)
    for file in manifest.files[short_name]:
        assert_described(file, refs[short_name], [as_stored(row) for row in expected])


def as_stored(row: dict) -> dict:
    """A row with null where a column has another one's value."""
    copies = (name for name, other in SAME_AS.items() if name in row and row[name] == row[other])
    return row | dict.fromkeys(copies)


def assert_described(file: datafile.StagedFile, ref: lake.TableRef, rows: list[dict]) -> None:
    """Compare the description of a file that holds all rows with its rows."""
    fields = {field.name: field for field in ref.schema.fields if field.name in rows[0]}
    for name, field in fields.items():
        values = [row[name] for row in rows if row[name] is not None]
        if not field.field_type.is_primitive:
            assert field.field_id not in file.null_value_counts
            continue
        assert file.value_counts[field.field_id] == len(rows), name
        assert file.null_value_counts[field.field_id] == len(rows) - len(values), name
        if name not in BOUNDED_COLUMNS or not values:
            continue
        low, high = file.lower_bounds[field.field_id], file.upper_bounds.get(field.field_id)
        kind = field.field_type
        shortest = min(values)[:16] if isinstance(values[0], str) else min(values)
        assert from_bytes(kind, bytes.fromhex(low)) == shortest, name
        assert high is None or from_bytes(kind, bytes.fromhex(high)) == max(values), name
