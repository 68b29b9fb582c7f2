"""The layout of a table's data files, from a table reference; without PyIceberg, which takes 50 MiB to import."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from radiant.domain.columns import Encoding, Table, Type
from radiant.domain.tables import COLUMNS, KEY_COLUMNS

IcebergObject = Mapping[str, Any]
"""A schema, a field or a type as Iceberg writes it in metadata; Iceberg defines the keys."""

PARTITION_COLUMN, CASE_COLUMN = KEY_COLUMNS

BOUNDED_COLUMNS = frozenset(name for name, column in COLUMNS.items() if column.bounded)
"""Columns whose lower and upper bounds are kept, in Parquet row groups and in Iceberg manifests."""


def encoding(name: str) -> Encoding:
    """Return how data files store a column; a column that no declaration names has a dictionary."""
    column = COLUMNS.get(name)
    return Encoding.DICTIONARY if column is None else column.encoding


FIELD_ID = b"PARQUET:field_id"
"""Where Arrow keeps a Parquet field id."""

_PRIMITIVE: dict[str, pa.DataType] = {
    Type.BOOLEAN: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.FLOAT: pa.float32(),
    Type.DOUBLE: pa.float64(),
    Type.STRING: pa.string(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def file_schema(schema: IcebergObject, names: Iterable[str]) -> pa.Schema:
    """Return the Arrow schema of a data file with some columns of a table, with Iceberg's field ids.

    Args:
        schema: The table's schema as Iceberg writes it in metadata.
        names: Which of its columns.
    """
    wanted = set(names)
    return pa.schema(
        [
            _field(field["name"], field["type"], field["id"], nullable=not field["required"])
            for field in schema["fields"]
            if field["name"] in wanted
        ]
    )


def row_schema(table: Table, file: pa.Schema) -> pa.Schema:
    """Return the Arrow schema of the rows that a reader of VCF files makes: with the columns that no file stores.

    Args:
        table: Its declaration.
        file: The `file_schema` of its stored columns.
    """
    return pa.schema(
        [
            file.field(column.name) if column.stored else pa.field(column.name, _PRIMITIVE[column.type])
            for column in table.columns
        ]
    )


def _field(name: str, type_: str | IcebergObject, field_id: int, *, nullable: bool) -> pa.Field:
    return pa.field(name, _arrow_type(type_), nullable=nullable, metadata={FIELD_ID: str(field_id).encode()})


def _arrow_type(type_: str | IcebergObject) -> pa.DataType:
    if isinstance(type_, str):
        return _PRIMITIVE[type_]
    if type_["type"] == "list":
        element = _field("element", type_["element"], type_["element-id"], nullable=not type_["element-required"])
        return pa.list_(element)
    key = _field("key", type_["key"], type_["key-id"], nullable=False)
    return pa.map_(key, _field("value", type_["value"], type_["value-id"], nullable=not type_["value-required"]))
