"""Arrow schemas and record batches of the tables that `domain/tables.py` declares."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain

import pyarrow as pa

from radiant.domain.columns import Table, Type
from radiant.domain.tables import KEY_COLUMNS
from radiant.errors import SchemaMismatchError

ARROW_TYPES: dict[Type, pa.DataType] = {
    Type.BOOLEAN: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.FLOAT: pa.float32(),
    Type.DOUBLE: pa.float64(),
    Type.STRING: pa.string(),
    Type.INTS: pa.list_(pa.int32()),
    Type.STRINGS: pa.list_(pa.string()),
    Type.STRING_MAP: pa.map_(pa.string(), pa.string()),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


@cache
def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a table's batches: its columns in order, without `part` and `case_id`."""
    return pa.schema(
        [
            pa.field(column.name, ARROW_TYPES[column.type], nullable=not column.required)
            for column in table.columns
            if column.name not in KEY_COLUMNS
        ]
    )


class Rows:
    """Rows of one table on their way to a record batch."""

    def __init__(self, table: Table) -> None:
        self._schema = arrow_schema(table)
        self._rows: list[tuple[Mapping[str, object], ...]] = []

    def __len__(self) -> int:
        """Return how many rows wait for the next batch."""
        return len(self._rows)

    def add(self, *parts: Mapping[str, object]) -> None:
        """Add one row, given in parts, as many as all rows have; a column that no part has is null."""
        self._rows.append(parts)

    def take(self) -> pa.RecordBatch | None:
        """Take the waiting rows as a batch; None when there are none.

        Raises:
            SchemaMismatchError: two parts have the same column, a column that the table has not, or a required column
                holds a null.
        """
        if not self._rows:
            return None
        values = self._columns()
        count = len(self._rows)
        arrays = [
            pa.array(values[one.name], type=one.type) if one.name in values else pa.nulls(count, one.type)
            for one in self._schema
        ]
        for field, array in zip(self._schema, arrays, strict=True):
            if not field.nullable and array.null_count:
                msg = f"column {field.name} is required, but {array.null_count} rows have no value"
                raise SchemaMismatchError(msg)
        self._rows.clear()
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _columns(self) -> dict[str, list[object]]:
        """Return the values of each column that a part has, part by part of all rows."""
        columns: dict[str, list[object]] = {}
        for parts in zip(*self._rows, strict=True):
            found = _values(parts)
            if not columns.keys().isdisjoint(found) or not found.keys() <= set(self._schema.names):
                msg = f"columns {sorted(found)} are not each once and in the table"
                raise SchemaMismatchError(msg)
            columns |= found
        return columns


def _values(parts: Sequence[Mapping[str, object]]) -> dict[str, list[object]]:
    """Return the values by key of mappings that have mostly the same keys."""
    if len(set(map(len, parts))) == 1:
        try:
            return {name: [part[name] for part in parts] for name in parts[0]}
        except KeyError:
            pass  # as many keys, but others
    return {name: [part.get(name) for part in parts] for name in dict.fromkeys(chain.from_iterable(parts))}
