"""Bring arrays to a type that holds the same values: Arrow's own cast refuses some structs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def recast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of a schema, by name, in its types and order; null where the batch has none of that name."""
    given = set(batch.schema.names)
    columns = [
        recast(batch.column(field.name), field.type) if field.name in given else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def recast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return the same values with small or large strings and lists, as the type has them.

    A struct that is null has null in each field, even in a required one, where Arrow's cast fails.
    """
    if array.type == type_:
        return array
    if pa.types.is_struct(type_):
        fields = [type_.field(index) for index in range(type_.num_fields)]
        values = [recast(array.field(index), field.type) for index, field in enumerate(fields)]
        return pa.StructArray.from_arrays(values, fields=fields, mask=array.is_null() if array.null_count else None)
    if pa.types.is_map(type_):
        return _relisted(array, type_, pa.struct([type_.key_field, type_.item_field]))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _relisted(array, type_, type_.value_type)
    return array.cast(type_)


def _relisted(array: pa.Array, type_: pa.DataType, elements: pa.DataType) -> pa.Array:
    """Return lists or maps with elements of another type."""
    found, wanted = (np.int64 if pa.types.is_large_list(one) else np.int32 for one in (array.type, type_))
    offsets = np.frombuffer(array.buffers()[1], dtype=found)[array.offset : array.offset + len(array) + 1]
    valid = array.is_valid().buffers()[1] if array.null_count else None
    buffers = [valid, pa.py_buffer(offsets.astype(wanted))]
    children = [recast(array.values, elements)]
    return pa.Array.from_buffers(type_, len(array), buffers, array.null_count, 0, children)
