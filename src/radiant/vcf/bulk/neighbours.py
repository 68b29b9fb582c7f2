"""Alleles that may have been on an earlier line: those lines are read alone, in order.

`vcf.record.Duplicates` remembers alleles and refuses one that comes again. Plain lines need no memory as long as no two
of them, and no plain line and one that is read alone, can have an allele in common.
"""

import numpy as np

from radiant.domain.assembly import CHROMOSOMES
from radiant.vcf.bulk.lines import Kept
from radiant.vcf.bulk.loci import Loci
from radiant.vcf.bulk.slices import Integers, Mask

_CODES = {name: code for code, name in enumerate(CHROMOSOMES)}
_BITS = 40
"""Enough for a position."""


def without_neighbours(
    kept: Kept, loci: Loci, alone: Mask, ref_lengths: Integers, remembered: set[tuple[str, int]]
) -> Mask:
    """Tell which kept lines can have no allele in common with another line.

    Args:
        kept: The lines; those are plain so far where `ok` is set.
        loci: Where all lines of the chunk are.
        alone: Lines of the chunk that are read alone in any case.
        ref_lengths: Bases of REF (or more) of every line that is read alone.
        remembered: Chromosome and start of alleles before this chunk.
    """
    ok = kept.ok.copy()
    of = kept.alts.line[kept.stored]
    codes = np.array([-1 if name is None else _CODES[name] for name in [*loci.chromosomes, None]], dtype=np.int64)
    place = codes[kept.contig[of]] << _BITS | kept.trimmed.start
    ok[of[_twice(kept, place, of)]] = False
    if remembered:
        known = np.array([_CODES[name] << _BITS | start for name, start in remembered], dtype=np.int64)
        ok[of[np.isin(place, known)]] = False
    # A line that is read alone may have its alleles anywhere on its REF.
    lengths = ref_lengths.copy()
    lengths[kept.lines] = kept.alts.ref.length
    alone = alone.copy()
    alone[kept.lines[~ok]] = True
    order = np.argsort(place, kind="stable")
    while True:
        lines = np.flatnonzero(alone & (loci.contig >= 0))
        first = codes[loci.contig[lines]] << _BITS | loci.pos[lines]
        touched = order[_covered(place[order], first, first + np.maximum(lengths[lines], 1) - 1)]
        touched = touched[ok[of[touched]]]
        if not len(touched):
            return ok
        ok[of[touched]] = False
        alone[kept.lines[~ok]] = True


def _covered(places: Integers, first: Integers, last: Integers) -> Integers:
    """Return the indexes of those ascending places that are in one of the intervals."""
    change = np.zeros(len(places) + 1, dtype=np.int64)
    np.add.at(change, np.searchsorted(places, first), 1)
    np.add.at(change, np.searchsorted(places, last, side="right"), -1)
    return np.flatnonzero(np.cumsum(change)[:-1] > 0)


def _twice(kept: Kept, place: Integers, of: Integers) -> Integers:
    """Return the stored alleles that are the same as one of another line."""
    order = np.argsort(place, kind="stable")
    near = np.diff(place[order]) == 0
    if not near.any():
        return np.zeros(0, dtype=np.int64)
    member = np.append(near, False) | np.append(False, near)
    some = order[member]
    trimmed = kept.trimmed[some]
    seen: dict[tuple[int, str, str], int] = {}
    found: list[int] = []
    keys = zip(place[some].tolist(), trimmed.ref.texts(), trimmed.alt.texts(), strict=True)
    for index, key in zip(some.tolist(), keys, strict=True):
        other = seen.setdefault(key, index)
        if of[other] != of[index]:
            found += [other, index]
    return np.array(found, dtype=np.int64)
