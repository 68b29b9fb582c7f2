"""How a table's data files look, from what a table reference says; knows no PyIceberg, which takes 50 MiB to import."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

PARTITION_COLUMN = "part"
CASE_COLUMN = "case_id"

BOUNDED_COLUMNS = frozenset(
    {
        "part",
        "case_id",
        "is_proband",
        "chromosome",
        "start",
        "end",
        "locus_hash",
        "parental_origin",
        "impact_score",
        "line",
    }
)
"""Columns whose lower and upper bounds are kept, in Parquet row groups and in Iceberg manifests: those that a reader
filters by and that are clustered. Bounds of the others prune nothing, and statistics on all columns cost 15 % of the
writing time and most of a manifest's bytes."""

FIELD_ID = b"PARQUET:field_id"
"""Where Arrow keeps a Parquet field id."""

_PRIMITIVE: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}


def file_schema(schema: Mapping[str, Any], names: Iterable[str]) -> pa.Schema:
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


def _field(name: str, type_: str | Mapping[str, Any], field_id: int, *, nullable: bool) -> pa.Field:
    return pa.field(name, _arrow_type(type_), nullable=nullable, metadata={FIELD_ID: str(field_id).encode()})


def _arrow_type(type_: str | Mapping[str, Any]) -> pa.DataType:
    if isinstance(type_, str):
        return _PRIMITIVE[type_]
    if type_["type"] == "list":
        element = _field("element", type_["element"], type_["element-id"], nullable=not type_["element-required"])
        return pa.list_(element)
    key = _field("key", type_["key"], type_["key-id"], nullable=False)
    return pa.map_(key, _field("value", type_["value"], type_["value-id"], nullable=not type_["value-required"]))
