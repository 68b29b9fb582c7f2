"""Arrow columns from what numpy found: codes, numbers with missing values, ratios, phase sets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from radiant.vcf.bulk import numbers
from radiant.vcf.bulk.samples import Samples
from radiant.vcf.bulk.slices import Integers, Mask


def spread(column: pa.Array, index: Integers) -> pa.Array:
    """Repeat the values of a column, one per index; strings become dictionaries."""
    at = pa.array(index.astype(np.int32))
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices.take(at), column.dictionary)
    if pa.types.is_string(column.type) and not column.null_count:
        return pa.DictionaryArray.from_arrays(at, column)
    return column.take(at)


def coded(texts: Sequence[Any], index: Integers, null: Mask | None = None) -> pa.DictionaryArray:
    """Return a dictionary column of `texts[index]`, null where the mask says so."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([distinct[text] for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes[index], mask=null), pa.array(list(distinct), pa.string()))


def number(values: Integers) -> pa.Array:
    """Return 32-bit integers; `numbers.MISSING` becomes null."""
    null = values == numbers.MISSING
    return pa.array(np.where(null, 0, values).astype(np.int32), mask=null)


def ratio(alt: Integers, total: Integers) -> pa.Array:
    """Return `alt / total`, null where one is missing or the total is 0."""
    null = (alt == numbers.MISSING) | (total == numbers.MISSING) | (total == 0)
    return pa.array((np.where(null, 0, alt) / np.where(null, 1, total)).astype(np.float32), mask=null)


def phase_sets(samples: Sequence[Samples], who: Integers, place: Integers) -> pa.Array:
    """Return PS of each row, given its member and its line's place among the kept lines."""
    if not any(sample.phase_set is not None for sample in samples):
        return pa.nulls(len(who), pa.string())
    parts: list[pa.Array] = []
    rows: list[Integers] = []
    for member, sample in enumerate(samples):
        mine = np.flatnonzero(who == member)
        rows.append(mine)
        if sample.phase_set is None:
            parts.append(pa.nulls(len(mine), pa.string()))
        else:
            found = sample.phase_set[place[mine]]
            parts.append(found.strings(found.length == 0))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))
