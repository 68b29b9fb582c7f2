"""Lines that may have an allele in common: the fast path leaves them to the rules, which reject the second of two.

`vcf.rules.sequence.Duplicates` stores the alleles of earlier lines and rejects a line that has one of them again. The
fast path compares with no earlier line, so it reads only lines that share no allele with another line of the chunk or
just before it. Alleles of kept lines are compared. A line of which the fast path does not read the alleles may have
them anywhere in its `Reach`.
"""

from dataclasses import dataclass

import numpy as np

from radiant.domain.assembly import CHROMOSOMES
from radiant.vcf.fast.lines import Kept
from radiant.vcf.fast.locus_columns import Loci
from radiant.vcf.vector.slices import Integers, Mask

_CODES = {name: code for code, name in enumerate(CHROMOSOMES)}
_BITS = 40
"""Enough for a position."""


@dataclass(frozen=True, eq=False)
class Reach:
    """Where lines may have alleles: one value per line, positions from 1, both ends included."""

    contig: Integers
    """Code of CHROM; -1 for a line that is on no primary chromosome."""
    first: Integers
    last: Integers


def without_neighbours(kept: Kept, loci: Loci, unknown: Reach, recent: set[tuple[str, int]]) -> Mask:
    """Return which kept lines share no allele with another line.

    Args:
        kept: The lines; the fast path can read those where `ok` is set.
        loci: Where all lines of the chunk are.
        unknown: Lines of the chunk that are left to the rules already, and are not among those kept.
        recent: Chromosome and start of the alleles just before this chunk.
    """
    ok = kept.ok.copy()
    of = kept.alts.line[kept.stored]
    codes = np.array([-1 if name is None else _CODES[name] for name in [*loci.chromosomes, None]], dtype=np.int64)
    start = _coordinate(codes[kept.contig[of]], kept.trimmed.start)
    ok[of[_in_two_lines(kept, start, of)]] = False
    if recent:
        chromosomes, starts = zip(*((_CODES[name], at) for name, at in recent), strict=True)
        ok[of[np.isin(start, _coordinate(np.array(chromosomes), np.array(starts)))]] = False
    somewhere = np.flatnonzero(unknown.contig >= 0)
    chromosome = codes[unknown.contig[somewhere]]
    first, last = (_coordinate(chromosome, one[somewhere]) for one in (unknown.first, unknown.last))
    order = np.argsort(start, kind="stable")
    ok[of[order[_covered(start[order], first, last)]]] = False
    return ok


def _coordinate(chromosome: Integers, pos: Integers) -> Integers:
    """Return positions of the whole genome as one number each, in the order of the chromosomes' codes."""
    return chromosome.astype(np.int64) << _BITS | pos


def _covered(starts: Integers, first: Integers, last: Integers) -> Integers:
    """Return the indexes of those ascending coordinates that are in one of the intervals."""
    change = np.zeros(len(starts) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(starts, first), 1)
    np.add.at(change, np.searchsorted(starts, last, side="right"), -1)
    return np.flatnonzero(np.cumsum(change)[:-1] > 0)


def _in_two_lines(kept: Kept, start: Integers, of: Integers) -> Integers:
    """Return the stored alleles that are the same as one of another line."""
    order = np.argsort(start, kind="stable")
    near = np.diff(start[order]) == 0
    if not near.any():
        return np.zeros(0, dtype=np.int64)
    member = np.append(near, False) | np.append(False, near)
    some = order[member]
    trimmed = kept.trimmed[some]
    seen: dict[tuple[int, str, str], int] = {}
    found: list[int] = []
    keys = zip(start[some].tolist(), trimmed.ref.texts(), trimmed.alt.texts(), strict=True)
    for index, key in zip(some.tolist(), keys, strict=True):
        other = seen.setdefault(key, index)
        if of[other] != of[index]:
            found += [other, index]
    return np.array(found, dtype=np.int64)
