"""The positions of a family's records: how many lie in each gene, and where.

A third of the records lie between genes, as in a genome. In a small file most of the others lie in named genes; a
larger file has more of them in the made-up genes between (10 million records: one per 300 bases).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from radiant.demo.genes import Y_SPAN, DemoGene, genes
from radiant.domain.assembly import GRCH38, RegionClass

MIN_GAP = 16
"""Bases between two planned positions; no REF is longer than 12, so records overlap only on purpose."""

MIN_RECORDS = 500
"""Fewest records of a family: they hold every planted variant, and ordinary ones."""

MAX_RECORDS = 50_000_000
"""More would not fit the genome at a plausible density."""

CHUNK = 8192
"""Records simulated at a time."""

_CELL = 150_000
"""Between named genes, every stretch of this many bases holds one made-up gene."""

_BETWEEN_SHARE = 1 / 3
"""Share of the records without a story that lie between genes."""

_NEAR_GENE = 5000
"""No record between genes is this close to one: VEP would call it upstream or downstream of the gene."""

_NAMED_SHARE = 0.9
"""Share of the records in genes that lie in named genes, as far as these have room."""
_BASES_PER_NAMED_RECORD = 200
_EDGE = 100_000
"""No records this close to the ends of a chromosome: telomeres are N."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A gene or a space between genes, all of one region class."""

    contig: str
    region: RegionClass
    gene: DemoGene | None
    """None between genes."""
    start: int
    """1-based first base."""
    end: int
    """1-based last base."""

    @property
    def length(self) -> int:
        """Bases."""
        return self.end - self.start + 1


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """Consecutive records of one chromosome and region class."""

    contig: str
    region: RegionClass
    positions: NDArray[np.int64]
    """1-based, ascending, at least `MIN_GAP` apart."""
    genes: list[DemoGene | None]
    """Per record."""
    slots: NDArray[np.int64]
    """Per record, its ordinal within its gene or space, from 0."""


def _split_at_par(contig: str, start: int, end: int) -> Iterator[tuple[RegionClass, int, int]]:
    if contig == "chrM":
        yield RegionClass.M, start, end
    elif contig == "chrY":
        yield RegionClass.Y, max(start, Y_SPAN[0]), min(end, Y_SPAN[1])
    elif contig == "chrX":
        (_, par1_end), (par2_start, par2_end) = GRCH38.pars["X"]
        for region, first, last in (
            (RegionClass.PAR, 10_001, par1_end),
            (RegionClass.X, par1_end + 1, par2_start - 1),
            (RegionClass.PAR, par2_start, par2_end),
        ):
            if max(first, start) <= min(last, end):
                yield region, max(first, start), min(last, end)
    else:
        yield RegionClass.AUTOSOME, start, end


def _cells(contig: str, start: int, end: int, number: int) -> Iterator[tuple[DemoGene | None, int, int]]:
    """Divide a space between named genes into made-up genes and the spaces far from any gene."""
    for first in range(start, end + 1, _CELL):
        last = min(first + _CELL - 1, end)
        middle = first + (last - first) * 3 // 5
        if contig != "chrM" and last - first > _CELL // 3:
            number += 1
            strand = 1 if number % 2 else -1
            yield DemoGene(number, contig, f"DEMO{number}", first, middle, strand), first, middle
            first = middle + 1  # noqa: PLW2901 - the rest of the cell is the space after its gene
        if last - first >= 2 * _NEAR_GENE:
            yield None, first + _NEAR_GENE, last - _NEAR_GENE


@cache
def _stretches(*, with_y: bool) -> tuple[Stretch, ...]:
    """Return the whole genome as stretches, in order."""
    found: list[Stretch] = []
    number = 1000
    for name, length in GRCH38.lengths.items():
        contig = f"chr{name}"
        if contig == "chrY" and not with_y:
            continue
        edge = 1 if contig == "chrM" else _EDGE
        low, high = Y_SPAN if contig == "chrY" else (edge, length - edge)
        pieces: list[tuple[DemoGene | None, int, int]] = []
        for gene in genes():
            if gene.contig == contig:
                pieces.extend(_cells(contig, low, gene.start - 1, number))
                number += len(pieces)
                pieces.append((gene, gene.start, gene.end))
                low = gene.end + 1
        pieces.extend(_cells(contig, low, high, number))
        number += len(pieces)
        found.extend(
            Stretch(contig, region, gene, first, last)
            for gene, start, end in pieces
            for region, first, last in _split_at_par(contig, start, end)
        )
    return tuple(found)


def _share(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Divide a total by weights into whole numbers that add up to it."""
    edges = np.floor(np.cumsum(weights) / weights.sum() * total + 1e-9).astype(np.int64)
    edges[-1] = total
    return np.diff(edges, prepend=0)


def _counts(stretches: tuple[Stretch, ...], records: int, reserved: dict[int, int]) -> NDArray[np.int64]:
    """Return the number of records of each stretch; `reserved` is the minimum of a gene."""
    lengths = np.array([stretch.length for stretch in stretches], dtype=np.float64)
    named = np.array([stretch.gene is not None and stretch.gene.number < 1000 for stretch in stretches])  # noqa: PLR2004 - made-up genes count from 1000
    needed = np.array([reserved.get(stretch.gene.number, 0) if stretch.gene else 0 for stretch in stretches])
    mitochondrial = np.array([stretch.region is RegionClass.M for stretch in stretches])
    room = np.floor(lengths / np.where(mitochondrial, 2 * MIN_GAP, _BASES_PER_NAMED_RECORD)).astype(np.int64)
    left = records - int(needed.sum())
    counts = np.zeros(len(stretches), dtype=np.int64)
    between = np.array([stretch.gene is None for stretch in stretches]) & ~mitochondrial
    counts[between] = _share(round(left * _BETWEEN_SHARE), lengths[between])
    left -= int(counts[between].sum())
    counts[named] = np.minimum(_share(int(left * _NAMED_SHARE), np.sqrt(lengths[named])), room[named])
    made_up = ~named & ~between & ~mitochondrial
    counts[made_up] = _share(left - int(counts[named].sum()), lengths[made_up])
    return needed + counts


def _positions(stretch: Stretch, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw sorted positions at least `MIN_GAP` apart, that leave room for the longest REF at the end."""
    free = stretch.length - count * MIN_GAP
    offsets = np.sort((rng.random(count) * free).astype(np.int64))
    return stretch.start + offsets + np.arange(count, dtype=np.int64) * MIN_GAP


def chunks(*, records: int, with_y: bool, reserved: dict[int, int], rng: np.random.Generator) -> Iterator[RecordChunk]:
    """Draw the positions of all records, in the order of the genome.

    Args:
        records: Their number.
        with_y: Whether a member in the VCF is male.
        reserved: Minimum number of records by gene number.
        rng: Random numbers.

    Yields:
        At most `CHUNK` records at a time (more only where one stretch holds more).
    """
    stretches = _stretches(with_y=with_y)
    counts = _counts(stretches, records, reserved)
    waiting: list[tuple[Stretch, NDArray[np.int64], NDArray[np.int64]]] = []
    held = 0

    def flush() -> RecordChunk:
        first = waiting[0][0]
        return RecordChunk(
            contig=first.contig,
            region=first.region,
            positions=np.concatenate([positions for _, positions, _ in waiting]),
            genes=[stretch.gene for stretch, positions, _ in waiting for _ in range(len(positions))],
            slots=np.concatenate([slots for _, _, slots in waiting]),
        )

    for stretch, count in zip(stretches, counts.tolist(), strict=True):
        if not count:
            continue
        if waiting and (waiting[0][0].contig, waiting[0][0].region) != (stretch.contig, stretch.region):
            yield flush()
            waiting, held = [], 0
        positions = _positions(stretch, count, rng)
        slots = np.arange(count, dtype=np.int64)
        for start in range(0, count, CHUNK):
            waiting.append((stretch, positions[start : start + CHUNK], slots[start : start + CHUNK]))
            held += len(waiting[-1][1])
            if held >= CHUNK:
                yield flush()
                waiting, held = [], 0
    if waiting:
        yield flush()
