"""Numbers of consequence entries, read all at once; the rules are those of the parsers in `vcf.rules.csq_fields`.

A parser is asked once per distinct text, and numbers are nearly all distinct. A reader here is sure only of texts that
the parser reads in full, and then of the same values.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.vcf.rules import csq_fields
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Mask, Slices

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

Numbers = NDArray[Any]
Reader = Callable[[Slices], tuple[tuple[Numbers, ...], Mask]]
"""Pieces, none of them empty, to the values of each column, and which pieces were read."""

_SLASH = ord("/")
_MOST_DIGITS_OF_RANK = 3
_FREQUENCY = f"^(?:{csq_fields.FREQUENCY.pattern})$"


def _whole_numbers(text: Slices) -> tuple[tuple[Numbers, ...], Mask]:
    value, sure = numbers.whole_numbers(text)
    return (value,), sure


def _ranks(text: Slices) -> tuple[tuple[Numbers, ...], Mask]:
    slash = np.zeros(len(text), dtype=np.int64)
    for at in range(_MOST_DIGITS_OF_RANK, 0, -1):
        slash[text.byte(at) == _SLASH] = at
    between = text.start + slash
    found = (slash > 0) & (slash < text.length)
    rank, fine = numbers.whole_numbers(Slices(text.buffer, text.start, between))
    total, also = numbers.whole_numbers(Slices(text.buffer, np.minimum(between + 1, text.end), text.end))
    return (rank, total), found & fine & also


def _frequencies(text: Slices) -> tuple[tuple[Numbers, ...], Mask]:
    strings = text.strings()
    sure = pc.match_substring_regex(strings, _FREQUENCY)
    value = pc.if_else(sure, strings, pa.scalar(None, pa.string())).cast(pa.float64())
    found = value.to_numpy(zero_copy_only=False)
    return (found,), sure.to_numpy(zero_copy_only=False) & (found <= 1)


READERS: Mapping[csq_fields.Parser, Reader] = {
    csq_fields.whole_number: _whole_numbers,
    csq_fields.rank: _ranks,
    csq_fields.frequency: _frequencies,
}
"""By the parser whose rule it is."""
