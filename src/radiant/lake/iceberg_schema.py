"""Column declarations -> Iceberg and Arrow schemas."""

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    TimestamptzType,
)

from radiant.domain.columns import Table, Type
from radiant.lake.file_layout import BOUNDED_COLUMNS, FIELD_ID, PARTITION_COLUMN

_PRIMITIVE: dict[Type, IcebergType] = {
    Type.BOOLEAN: BooleanType(),
    Type.INT: IntegerType(),
    Type.LONG: LongType(),
    Type.FLOAT: FloatType(),
    Type.DOUBLE: DoubleType(),
    Type.STRING: StringType(),
    Type.TIMESTAMP: TimestamptzType(),
}

_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "1",
    "write.metadata.metrics.default": "counts",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    # Several parts commit at once to the same tables: each loser tries again on top of the winner.
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "100",
    "commit.retry.max-wait-ms": "5000",
    "commit.retry.total-timeout-ms": "600000",
}


def iceberg_type(type_: Type, next_id: int) -> tuple[IcebergType, int]:
    """Return the Iceberg type and the next free field id after those of its elements."""
    if type_ in _PRIMITIVE:
        return _PRIMITIVE[type_], next_id
    if type_ is Type.STRING_MAP:
        return MapType(next_id, StringType(), next_id + 1, StringType(), value_required=False), next_id + 2
    element = IntegerType() if type_ is Type.INTS else StringType()
    return ListType(next_id, element, element_required=False), next_id + 1


def iceberg_schema(table: Table) -> Schema:
    """Return the schema a new table is created with.

    The catalog assigns its own field ids on creation: never take ids from here, take them from the table.
    """
    fields: list[NestedField] = []
    nested_id = len(table.stored_columns) + 1
    for field_id, column in enumerate(table.stored_columns, 1):
        type_, nested_id = iceberg_type(column.type, nested_id)
        fields.append(NestedField(field_id, column.name, type_, required=column.required_in_files, doc=column.doc))
    return Schema(*fields)


def partition_spec(schema: Schema) -> PartitionSpec:
    """Return identity(part): a part can be loaded, replaced and read alone."""
    source = schema.find_field(PARTITION_COLUMN).field_id
    return PartitionSpec(PartitionField(source, 1000, IdentityTransform(), PARTITION_COLUMN))


def sort_order(table: Table, schema: Schema) -> SortOrder:
    """Return the order other writers are asked to keep.

    Our own files follow the VCF, whose chromosome order is not alphabetical, so they do not claim this order.
    """
    return SortOrder(
        *(SortField(schema.find_field(name).field_id, transform=IdentityTransform()) for name in table.sort)
    )


def table_properties(table: Table) -> dict[str, str]:
    """Return the properties a new table is created with."""
    bounded = {
        f"write.metadata.metrics.column.{column.name}": "truncate(16)" if column.type is Type.STRING else "full"
        for column in table.stored_columns
        if column.name in BOUNDED_COLUMNS
    }
    return _PROPERTIES | bounded | {"comment": table.doc}


def full_file_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema of a data file with all columns of a table, even of other versions."""
    fields = schema_to_pyarrow(schema)
    return pa.schema([_small_field(field) for field in fields])


def _small(type_: pa.DataType) -> pa.DataType:
    """Replace the large (64-bit offset) types of PyIceberg's reader by the usual ones: Parquet has no other."""
    if pa.types.is_large_string(type_):
        return pa.string()
    if pa.types.is_large_binary(type_):
        return pa.binary()
    if pa.types.is_struct(type_):
        # Arrow writes no struct that is null and has a required field.
        return pa.struct(
            [_small_field(type_.field(index)).with_nullable(nullable=True) for index in range(type_.num_fields)]
        )
    if pa.types.is_large_list(type_):
        return pa.list_(_small_field(type_.value_field))
    if pa.types.is_map(type_):
        return pa.map_(_small_field(type_.key_field), _small_field(type_.item_field))
    return type_


def _small_field(field: pa.Field) -> pa.Field:
    return field.with_type(_small(field.type)).with_metadata(_id_only(field))


def _id_only(field: pa.Field) -> dict[bytes, bytes]:
    return {FIELD_ID: (field.metadata or {})[FIELD_ID]}
