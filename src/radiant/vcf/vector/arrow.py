"""Arrow columns from what numpy found: codes, numbers with missing values, ratios."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask


def spread(columns: Mapping[str, pa.Array], index: Integers | pa.Array) -> dict[str, pa.Array]:
    """Repeat the values of columns, one per index (null where an Arrow index is).

    They become dictionaries of their values, except strings that are none yet (a Parquet file keeps dictionaries of
    strings only if no value comes twice) and values of which only some are wanted. Columns that repeat in the same way
    share the indices, which makes their digest cheap.
    """
    at = index if isinstance(index, pa.Array) else pa.array(index.astype(np.int32))
    known: dict[tuple[object, ...], pa.Array] = {}
    found: dict[str, pa.Array] = {}
    for name, column in columns.items():
        if column.null_count == len(column):
            # Lists have a value type, too.
            found[name] = pa.nulls(len(at), _plain(column.type))
            continue
        if pa.types.is_string(column.type) or (len(column) > len(at) and not pa.types.is_dictionary(column.type)):
            found[name] = column.take(at)
            continue
        if not pa.types.is_dictionary(column.type):
            found[name] = pa.DictionaryArray.from_arrays(at, column)
            continue
        indices = column.indices
        key = (*(None if one is None else one.address for one in indices.buffers()), indices.offset, indices.type.id)
        if key not in known:
            known[key] = indices.take(at)
        found[name] = pa.DictionaryArray.from_arrays(known[key], column.dictionary)
    return found


def decoded(column: pa.Array) -> pa.Array:
    """Return a column without dictionaries."""
    if pa.types.is_dictionary(column.type):
        return column.dictionary.take(column.indices)
    if pa.types.is_map(column.type):
        return column.cast(pa.map_(_plain(column.type.key_type), _plain(column.type.item_type)))
    return column


def _plain(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def coded(texts: Sequence[Any], index: Integers, null: Mask | None = None) -> pa.DictionaryArray:
    """Return a dictionary column of `texts[index]`, null where the mask says so."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([distinct[text] for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes[index], mask=null), pa.array(list(distinct), pa.string()))


def only_used(codes: NDArray[np.int32], values: pa.Array) -> pa.DictionaryArray:
    """Return a dictionary column of `values[codes]`, of those values alone that a code names.

    A file stores the whole dictionary, and codes of as many bits as it needs.
    """
    used = np.zeros(len(values), dtype=np.bool_)
    used[codes] = True
    if used.all():
        return pa.DictionaryArray.from_arrays(pa.array(codes), values)
    renumbered = (np.cumsum(used) - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(renumbered[codes]), values.filter(pa.array(used)))


def number(values: Integers) -> pa.Array:
    """Return 32-bit integers; `numbers.MISSING` becomes null."""
    null = values == numbers.MISSING
    return pa.array(np.where(null, 0, values).astype(np.int32), mask=null)


def ratio(alt: Integers, total: Integers) -> pa.Array:
    """Return `alt / total`, null where one is missing or the total is 0."""
    null = (alt == numbers.MISSING) | (total == numbers.MISSING) | (total == 0)
    return pa.array((np.where(null, 0, alt) / np.where(null, 1, total)).astype(np.float32), mask=null)
