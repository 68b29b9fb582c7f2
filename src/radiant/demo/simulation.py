"""Genotypes and reads of a chunk of records: founder haplotypes, transmission, mutation, sequencing.

Alleles are numbers as in VCF; `MISSING` is a call that was not made, `ABSENT` a copy that does not exist (the second
at a hemizygous position, both on a woman's Y).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiant.demo.allele_shapes import ALT_COUNT, Shape
from radiant.demo.families import Family
from radiant.demo.record_positions import RecordChunk
from radiant.demo.stories import Plant
from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex

MISSING = -1
ABSENT = -2

_MISSING_CALLS = 0.012
_HALF_CALLS = 0.004
_LOW_DEPTH = 0.015
_CROSSOVER = 0.002
_SPANNING = 0.012
_COMMON_SITES = 0.55
_SECOND_ALT = 0.3
_RARE_FREQUENCY = 0.002
_SHAPE_CAP_DEPTH = 250
_DEPTH = {
    RegionClass.AUTOSOME: 34.0,
    RegionClass.PAR: 34.0,
    RegionClass.X: 34.0,
    RegionClass.Y: 17.0,
    RegionClass.M: 900.0,
}
_ALLELES = 4
_DIPLOID = frozenset({RegionClass.AUTOSOME, RegionClass.PAR})


@dataclass(frozen=True, slots=True)
class Simulated:
    """True and called genotypes, one row per record."""

    shapes: NDArray[np.int8]
    """`Shape`s."""
    frequencies: NDArray[np.float64]
    """Population frequency of the first ALT."""
    true_calls: NDArray[np.int8]
    """Records x members x 2: the true alleles, copy from the mother first."""
    calls: NDArray[np.int8]
    """Records x members x 2: the called alleles."""
    depths: NDArray[np.int64]
    """Records x members x 4: reads per allele."""
    mutated: NDArray[np.int8]
    """The proband's copy (0 from the mother, 1 from the father) that is a de novo mutation, -1 without one."""
    spanning_first: NDArray[np.bool_]
    """Whether `*` is the first ALT of a `SPANNING` record, else it is the second."""
    plants: dict[int, Plant]
    """The planted records by row."""


def _observed(family: Family, region: RegionClass, transmitted: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which founder haplotypes the VCF shows: those of members, and those that a child received."""
    children = family.kind.children
    seen = np.zeros((len(transmitted), 4), dtype=np.bool_)
    rows = np.arange(len(transmitted))
    for index, child in enumerate(children):
        if region is not RegionClass.Y:
            seen[rows, 0 if region is RegionClass.M else transmitted[:, index, 0]] = True
        if region in _DIPLOID:
            seen[rows, 2 + transmitted[:, index, 1]] = True
        elif (region is RegionClass.X and child.sex is Sex.FEMALE) or (
            region is RegionClass.Y and child.sex is Sex.MALE
        ):
            seen[:, 2] = True
    if family.kind.mother and region is not RegionClass.Y:
        seen[:, 0] = True
        seen[:, 1] |= region is not RegionClass.M
    if family.kind.father:
        seen[:, 2] = True
        seen[:, 3] |= region in _DIPLOID
    return seen


def _transmissions(count: int, children: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Draw the haplotype that each parent passes on: the same for a long stretch, then a crossover."""
    switches = rng.random((count, children, 2)) < _CROSSOVER
    switches[0] = rng.random((children, 2)) < 0.5  # noqa: PLR2004 - either haplotype to begin with
    return (np.cumsum(switches, axis=0) % 2).astype(np.int8)


def _shapes(chunk: RecordChunk, shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    count = len(chunk.positions)
    edges = np.cumsum(shares)
    shapes = np.searchsorted(edges, rng.random(count), side="right").astype(np.int8)
    shapes[shapes >= len(shares)] = Shape.SNV
    if chunk.region in {RegionClass.M, RegionClass.Y}:
        shapes[ALT_COUNT[shapes] > 1] = Shape.SNV
    return shapes


def _copies(
    family: Family, region: RegionClass, haplotypes: NDArray[np.int8], transmitted: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Return the alleles of every member, records x members x 2, the copy from the mother first."""
    count = len(haplotypes)
    rows = np.arange(count)
    calls = np.full((count, len(family.members), 2), ABSENT, dtype=np.int8)
    diploid = region in _DIPLOID
    for column, member in enumerate(family.members):
        male = member.sex is Sex.MALE
        if column < len(family.kind.children):
            from_mother = haplotypes[rows, transmitted[:, column, 0]]
            from_father = haplotypes[rows, 2 + transmitted[:, column, 1]]
            if diploid:
                calls[:, column, 0], calls[:, column, 1] = from_mother, from_father
            elif region is RegionClass.X:
                calls[:, column, 0] = from_mother
                calls[:, column, 1] = ABSENT if male else haplotypes[:, 2]
            elif region is RegionClass.M:
                calls[:, column, 0] = haplotypes[:, 0]
            elif male:
                calls[:, column, 1] = haplotypes[:, 2]
        elif male:
            calls[:, column, 0] = haplotypes[:, 2]
            calls[:, column, 1] = haplotypes[:, 3] if diploid else ABSENT
        elif region is RegionClass.M:
            calls[:, column, 0] = haplotypes[:, 0]
        elif region is not RegionClass.Y:
            calls[:, column, 0], calls[:, column, 1] = haplotypes[:, 0], haplotypes[:, 1]
    return calls


def _mask(
    calls: NDArray[np.int8], alts: NDArray[np.int8], *, diploid: bool, planted: list[int], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Return the calls with some missing and some half missing, but every ALT still called somewhere.

    No half calls outside diploid regions: for bcftools +mendelian 1.16 a mother's `./1` on X is an error.
    """
    count, members, _ = calls.shape
    seen = calls.copy()
    lost = rng.random((count, members)) < _MISSING_CALLS
    half = (rng.random((count, members)) < _HALF_CALLS) & diploid
    which = (rng.random((count, members)) < 0.5).astype(np.intp)  # noqa: PLR2004 - either call
    lost[planted] = False
    half[planted] = False
    seen[lost[:, :, None] & (calls != ABSENT)] = MISSING
    record, member = np.nonzero(half)
    seen[record, member, which[record, member]] = MISSING
    for allele in range(1, _ALLELES):
        gone = (alts >= allele) & ~(seen == allele).any(axis=(1, 2))
        seen[gone] = calls[gone]
    return seen


def _reads(
    calls: NDArray[np.int8], seen: NDArray[np.int8], region: RegionClass, planted: list[int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw reads per allele that support the true alleles; none where no call was made."""
    count, members, _ = calls.shape
    ploidy = (calls != ABSENT).sum(axis=2)
    mean = _DEPTH[region] * np.where((ploidy == 1) & (region is RegionClass.X), 0.5, 1.0)
    cap = 4 * _SHAPE_CAP_DEPTH if region is RegionClass.M else _SHAPE_CAP_DEPTH
    total = np.clip(rng.poisson(mean * rng.gamma(25.0, 1 / 25.0, (count, 1))), 12, cap)
    low = rng.random((count, members)) < _LOW_DEPTH
    low[planted] = False
    total = np.where(low, rng.integers(2, 8, (count, members)), total)
    total = np.where((ploidy == 0) | (seen < 0).all(axis=2), 0, total)
    first = np.where(calls[:, :, 0] >= 0, calls[:, :, 0], calls[:, :, 1])
    second = np.where(calls[:, :, 1] >= 0, calls[:, :, 1], first)
    het = (first != second) & (total > 1)
    # Between a fifth and four fifths: a more uneven share would contradict GT.
    share = np.clip(rng.normal(0.5, 0.5 / np.sqrt(np.maximum(total, 1))), 0.22, 0.78)
    of_first = np.where(het, np.clip(np.round(total * share), 1, np.maximum(total - 1, 1)), total).astype(np.int64)
    of_first = np.where(total == 0, 0, of_first)
    reads = np.zeros((count, members, _ALLELES), dtype=np.int64)
    record, member = np.indices((count, members))
    safe_first, safe_second = np.maximum(first, 0), np.maximum(second, 0)
    reads[record, member, safe_first] += of_first
    reads[record, member, safe_second] += total - of_first
    # A sequencing error now and then: one read of ALT 1 in a homozygous reference, one of REF in a homozygous ALT.
    wrong = (rng.random((count, members)) < 0.04) & ~het & (total >= 15)  # noqa: PLR2004
    record, member = np.nonzero(wrong)
    right = safe_first[record, member]
    reads[record, member, right] -= 1
    reads[record, member, np.where(right == 0, 1, 0)] += 1
    return reads


def _spanning_rows(chunk: RecordChunk, planted: list[int], rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose records that lie in a deletion: each follows another record of the same gene or space."""
    spanning = rng.random(len(chunk.positions)) < _SPANNING
    fixed = np.zeros(len(spanning), dtype=np.bool_)
    fixed[planted] = True
    spanning[0] = False
    spanning[1:] &= ~spanning[:-1] & ~fixed[1:] & ~fixed[:-1]
    spanning[1:] &= chunk.slots[1:] == chunk.slots[:-1] + 1
    spanning &= chunk.region not in {RegionClass.M, RegionClass.Y}
    return np.nonzero(spanning)[0]


@dataclass(frozen=True, slots=True)
class _Founders:
    """The founder haplotypes of a chunk."""

    haplotypes: NDArray[np.int8]
    """Records x 4: the mother's two, the father's two."""
    frequencies: NDArray[np.float64]
    spanning_first: NDArray[np.bool_]


def _founders(
    alts: NDArray[np.int8], seen: NDArray[np.bool_], after: NDArray[np.intp], rng: np.random.Generator
) -> _Founders:
    """Draw the founder haplotypes so that every ALT is on one that the VCF shows.

    Args:
        alts: ALTs per record.
        seen: Records x 4: whether the VCF shows the haplotype.
        after: Records in the deletion of the record before them.
        rng: Random numbers.
    """
    count = len(alts)
    common = rng.random(count) < _COMMON_SITES
    frequencies = np.where(common, 0.05 + 0.92 * rng.random(count), _RARE_FREQUENCY * rng.random(count) ** 3)
    draws = rng.random((count, 4))
    haplotypes = (draws < frequencies[:, None]).astype(np.int8)
    other = (rng.random((count, 4)) < _SECOND_ALT) & (haplotypes > 0)
    haplotypes[other] = np.minimum(1 + rng.integers(1, 3, (count, 4)), alts[:, None])[other]
    order = np.argsort(np.where(seen, rng.random((count, 4)), 2.0), axis=1)
    for allele in range(1, _ALLELES):
        carries = np.nonzero(alts >= allele)[0]
        haplotypes[carries, order[carries, allele - 1]] = allele

    # A haplotype with the deletion has `*` in the next record, whose other ALT needs a haplotype without the deletion.
    spanning_first = rng.random(count) < 0.5  # noqa: PLR2004 - either order
    each = np.arange(len(after))
    keeper = order[after, 1]
    deleted = haplotypes[after - 1] == 1
    deleted[each, keeper] = False
    deleted[each, order[after, 0]] = True
    haplotypes[after - 1] = deleted
    star = np.where(spanning_first[after], 1, 2)[:, None]
    plain = np.where(draws[after] < frequencies[after, None], 3 - star, 0)
    plain[each, keeper] = (3 - star)[:, 0]
    haplotypes[after] = np.where(deleted, star, plain)
    return _Founders(haplotypes, frequencies, spanning_first)


def simulate(
    family: Family,
    chunk: RecordChunk,
    planted: dict[tuple[int, int], Plant],
    shares: NDArray[np.float64],
    rng: np.random.Generator,
) -> Simulated:
    """Simulate a chunk of records.

    Every ALT is on at least one haplotype that the VCF shows, as a caller writes no other ALTs.

    Args:
        family: The family.
        chunk: The positions; `records.py` moves `SPANNING` records into the deletion before them.
        planted: The planted records by gene number and slot.
        shares: Frequency of each `Shape`.
        rng: Random numbers.
    """
    plants = {
        row: plant
        for row, (gene, slot) in enumerate(zip(chunk.genes, chunk.slots.tolist(), strict=True))
        if gene is not None and (plant := planted.get((gene.number, slot))) is not None
    }
    rows = sorted(plants)
    shapes = _shapes(chunk, shares, rng)
    transmitted = _transmissions(len(shapes), len(family.kind.children), rng)
    after = _spanning_rows(chunk, rows, rng)
    transmitted[after] = transmitted[after - 1]
    for row, plant in plants.items():
        transmitted[row] = plant.transmitted
    seen = _observed(family, chunk.region, transmitted)
    seen_count = seen.sum(axis=1)
    after = after[seen_count[after] > 1]
    shapes[after], shapes[after - 1] = Shape.SPANNING, Shape.DELETION
    shapes[ALT_COUNT[shapes] > seen_count] = Shape.SNV
    for row, plant in plants.items():
        shapes[row] = plant.shape
    alts = ALT_COUNT[shapes]

    founders = _founders(alts, seen, after, rng)
    mutated = np.full(len(shapes), -1, dtype=np.int8)
    for row, plant in plants.items():
        founders.haplotypes[row] = plant.haplotypes
        founders.frequencies[row] = plant.frequency
    calls = _copies(family, chunk.region, founders.haplotypes, transmitted)
    for row, plant in plants.items():
        if plant.mutated is not None:
            mutated[row], allele = plant.mutated
            calls[row, 0, plant.mutated[0]] = allele
    called = _mask(calls, alts, diploid=chunk.region in _DIPLOID, planted=rows, rng=rng)
    return Simulated(
        shapes=shapes,
        frequencies=founders.frequencies,
        true_calls=calls,
        calls=called,
        depths=_reads(calls, called, chunk.region, rows, rng),
        mutated=mutated,
        spanning_first=founders.spanning_first,
        plants=plants,
    )
