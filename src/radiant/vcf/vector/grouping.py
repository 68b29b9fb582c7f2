"""Rows that are alike in several columns of numbers are one group: a rule is evaluated once per group.

    person  0 0 1 0        index   0 0 1 2        one number per row
    allele  5 5 5 7        values  (0, 5)  (1, 5)  (0, 7)        one tuple per group, in order of first appearance

The columns are packed into one 64-bit key per row, which Arrow numbers in one pass. Where the key would overflow, what
is packed so far is numbered first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.vcf.vector.slices import Integers

_LIMIT = 1 << 62


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of rows."""

    index: Integers
    """Number of each row's group."""
    first: Integers
    """The first row of each group, ascending."""
    values: list[tuple[int, ...]]
    """The values of each group, one per column."""

    def __len__(self) -> int:
        """Return how many groups there are."""
        return len(self.values)


def group_rows(*columns: Integers) -> Groups:
    """Group rows by columns of numbers from 0, all of one length.

    `group_rows(a, b).values[index]` of a row is `(a[row], b[row])`.
    """
    key, size = columns[0], _size(columns[0])
    for column in columns[1:]:
        own = _size(column)
        if size * own > _LIMIT:
            key, size = _numbered(key)
        key, size = key * own + column, size * own
    index, count = _numbered(key)
    first = np.empty(count, dtype=np.int64)
    first[index[::-1]] = np.arange(len(index) - 1, -1, -1)
    return Groups(index, first, list(zip(*(column[first].tolist() for column in columns), strict=True)))


def look_up(rule: Callable[..., Any], dtype: Any, *columns: Integers) -> NDArray[Any]:
    """Return what a rule gives for the numbers of each row; it is called once per distinct row."""
    groups = group_rows(*columns)
    return np.array([rule(*values) for values in groups.values], dtype=dtype)[groups.index]


def _size(column: Integers) -> int:
    return int(column.max(initial=0)) + 1


def _numbered(key: Integers) -> tuple[Integers, int]:
    found = pa.array(key).dictionary_encode()
    return found.indices.to_numpy().astype(np.int64), len(found.dictionary)
