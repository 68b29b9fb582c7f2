"""Arrow schemas and record batches of the tables that `domain/tables.py` declares."""

from collections.abc import Mapping
from functools import cache

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
        self._names: list[str] = self._schema.names
        self._known = frozenset(self._names)
        self._rows: list[tuple[object, ...]] = []

    def __len__(self) -> int:
        """Return how many rows wait for the next batch."""
        return len(self._rows)

    def add(self, *parts: Mapping[str, object]) -> None:
        """Add one row, given in parts; a column that no part has is null.

        Raises:
            SchemaMismatchError: two parts have the same column, or a column that the table has not.
        """
        row: dict[str, object] = {}
        for part in parts:
            row.update(part)
        if len(row) != sum(map(len, parts)) or not row.keys() <= self._known:
            msg = f"columns {sorted(row)} are not each once and in the table"
            raise SchemaMismatchError(msg)
        self._rows.append(tuple(map(row.get, self._names)))

    def take(self) -> pa.RecordBatch | None:
        """Take the waiting rows as a batch; None when there are none.

        Raises:
            SchemaMismatchError: a required column holds a null.
        """
        if not self._rows:
            return None
        arrays = [
            pa.array(values, type=field.type)
            for field, values in zip(self._schema, zip(*self._rows, strict=True), strict=True)
        ]
        for field, array in zip(self._schema, arrays, strict=True):
            if not field.nullable and array.null_count:
                msg = f"column {field.name} is required, but {array.null_count} rows have no value"
                raise SchemaMismatchError(msg)
        self._rows.clear()
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)
