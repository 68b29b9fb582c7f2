"""Sample columns that arrays do not read: the rules read each by itself, and its values go into the arrays.

So a read count too many costs the time of one column, and not that of the whole line with its entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radiant.vcf.fast.genotype_columns import Genotypes
from radiant.vcf.findings import BrokenRuleError, Piece
from radiant.vcf.rules.genotypes import FormatReader
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices

_MISSING = int(numbers.MISSING)


@dataclass(frozen=True, eq=False)
class DepthLists:
    """Reads per allele of some sample columns; see `sample_columns.Depths`."""

    value: Integers
    first: Integers
    total: Integers


@dataclass(frozen=True, eq=False)
class SampleColumns:
    """What sample columns under one FORMAT hold. One value per sample column, members one after the other."""

    genotype: Integers
    dp: Integers
    gq: Integers
    phase_set: tuple[Integers, Slices]
    """The columns that have one, and the text of each."""
    depths: DepthLists
    ok: Mask
    pieces: list[tuple[int, Piece]]
    """Pieces left out, each with the index of its column."""


def with_odd(
    found: SampleColumns, reader: FormatReader, columns: Slices, n_alts: Integers, genotypes: Genotypes
) -> SampleColumns:
    """Return sample columns with the values of those that are not `ok`; of these, what breaks a rule stays so.

    Args:
        found: As arrays read them.
        reader: What reads one column.
        columns: Their text.
        n_alts: How many ALTs the line of each has.
        genotypes: The known genotypes; new ones are added.
    """
    odd = np.flatnonzero(~found.ok)
    if not len(odd):
        return found
    read: list[tuple[int, int, int, int, int, int]] = []
    depths: list[int] = []
    pieces: list[tuple[int, Piece]] = []
    before = len(found.depths.value)
    for index, text, alts in zip(odd.tolist(), columns[odd].texts(), n_alts[odd].tolist(), strict=True):
        try:
            call, left_out = reader.read(text, alts)
        except BrokenRuleError:
            continue
        code = genotypes.none if call.gt is None else genotypes.code(call.gt)
        if code < 0:
            continue
        own = [_number(one) for one in call.depths or ()]
        first = before + len(depths) if own else -1
        read.append((index, code, _number(call.dp), _number(call.gq), first, _total(own)))
        depths += own
        pieces += [(index, piece) for piece in left_out]
    at, *values = np.array(read, dtype=np.int64).reshape(-1, 6).T
    into = [found.genotype, found.dp, found.gq, found.depths.first, found.depths.total]
    genotype, dp, gq, first, total = (_with(one, at, value) for one, value in zip(into, values, strict=True))
    value = np.concatenate((found.depths.value, np.array(depths, dtype=np.int64)))
    ok = found.ok.copy()
    ok[at] = True
    return SampleColumns(genotype, dp, gq, found.phase_set, DepthLists(value, first, total), ok, pieces)


def _with(values: Integers, at: Integers, others: Integers) -> Integers:
    values = values.copy()
    values[at] = others
    return values


def _number(value: int | None) -> int:
    return _MISSING if value is None else value


def _total(depths: Sequence[int]) -> int:
    return sum(depths) if depths and _MISSING not in depths else _MISSING
