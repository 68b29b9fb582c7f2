"""Simulated chunks as text: VCF lines and truth lines."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radiant.demo.allele_shapes import ALT_COUNT, SHARES, STAR_FIRST, WINDOW, Shape, alleles, reference_windows, trim
from radiant.demo.annotation import VepAllele, effect_of, entries, intergenic, vep_alleles
from radiant.demo.calls import FORMAT, CallTexts, call_keys
from radiant.demo.families import Family
from radiant.demo.genes import DemoGene
from radiant.demo.header import has_allele_number
from radiant.demo.record_positions import RecordChunk, chunks
from radiant.demo.simulation import Simulated, simulate
from radiant.demo.stories import SLOTS, plants
from radiant.demo.truth import COLUMNS, ProbandAllele, carried, kind_of
from radiant.domain.assembly import CHROMOSOMES
from radiant.domain.case import Sex

_POOL = 4096
"""Values of an INFO field that are drawn once, then used by all records: to draw each record's own takes longer."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A chunk as text."""

    vcf: str
    truth: str


class _Placed(NamedTuple):
    """POS, REF and ALTs of a record."""

    position: int
    reference: str
    alternates: tuple[str, ...]


class _Known(NamedTuple):
    """The entries of public databases about a record."""

    existing: str
    """Existing_variation."""
    frequency: float
    """Of the first ALT."""
    maximum: str
    """MAX_AF; empty where no population has the record."""


_LATER_ALT = 0.2
"""Frequency of ALTs after the first, as a share of the first's."""

_IN_GNOMAD = 0.0001
"""A first ALT that is rarer is in no population."""

_BENIGN = 0.05
"""Above this frequency a ClinVar entry, where there is one, is benign."""


class _Pools:
    """INFO fields drawn in advance, as text."""

    def __init__(self, rng: np.random.Generator) -> None:
        def texts(name: str, values: NDArray[np.float64], digits: int) -> list[str]:
            return [f"{name}={value:.{digits}f}" for value in values.tolist()]

        normal = rng.normal(0.0, 1.0, (3, _POOL))
        self.base_q_rank_sum = texts("BaseQRankSum", normal[0], 3)
        self.mq_rank_sum = texts("MQRankSum", np.round(normal[1] * 0.4, 3) + 0.0, 3)
        self.read_pos_rank_sum = texts("ReadPosRankSum", normal[2], 3)
        self.fs = texts("FS", np.maximum(rng.exponential(3.0, _POOL) - 1.0, 0.0), 3)
        self.sor = texts("SOR", rng.gamma(6.0, 0.15, _POOL), 3)
        self.mq = texts("MQ", np.where(rng.random(_POOL) < 0.8, 60.0, rng.uniform(35.0, 60.0, _POOL)), 2)  # noqa: PLR2004
        self.vqslod = texts("VQSLOD", rng.normal(15.0, 4.0, _POOL), 2)
        self.excess_het = texts("ExcessHet", rng.exponential(3.0, _POOL), 4)
        self.quality_by_depth = np.round(rng.uniform(8.0, 34.0, _POOL), 2).tolist()


def _frequency(value: float) -> str:
    """Return a frequency as GATK writes it: three significant digits."""
    return f"{value:.3g}" if value in {0.0, 1.0} else f"{value:.3f}" if value >= 0.1 else f"{value:.3g}"  # noqa: PLR2004


def _maximum(frequency: float, entropy: int) -> str:
    """Return MAX_AF of the first ALT: its frequency in the population with the highest one."""
    if frequency < _IN_GNOMAD:
        return ""
    return f"{frequency * (1 + (1 - frequency) * ((entropy >> 12) % 1000 / 1000)):.6g}"


def _existing(contig_number: int, position: int, frequency: float, entropy: int) -> tuple[str, str]:
    """Return ID and Existing_variation; numbers start at 9 billion, where dbSNP has none."""
    if frequency < 0.0002 and entropy % 4:  # noqa: PLR2004 - most private variants are unknown to dbSNP
        return ".", ""
    first = f"rs{9_000_000_000 + contig_number * 250_000_000 + position}"
    if entropy % 29 == 0:
        second = f"rs{9_900_000_000 + position}"
        return f"{first};{second}", f"{first}&{second}"
    if entropy % 17 == 0:
        return first, f"{first}&COSV{50_000_000 + position % 9_999_999}"
    return (".", first) if entropy % 5 == 0 else (first, first)


class FamilyWriter:
    """Makes the lines of one family."""

    def __init__(self, family: Family, records: int, seed: int) -> None:
        """Draw the planted records; the random stream depends on seed and family number alone."""
        self._family = family
        self._records = records
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, family.number])))
        self._pools = _Pools(self._rng)
        self._plants = {(plant.gene, plant.slot): plant for plant in plants(family, records, self._rng)}
        self._texts = CallTexts()
        self._counts: dict[tuple[int, ...], tuple[str, str]] = {}
        self._allele_number = has_allele_number(family)

    def chunks(self) -> Iterator[Lines]:
        """Yield the records of the family, in order."""
        yield Lines("", "\t".join(COLUMNS) + "\n")
        planned = chunks(
            records=self._records,
            with_y=any(member.sex is Sex.MALE for member in self._family.members),
            reserved={gene: SLOTS for gene, _ in self._plants},
            rng=self._rng,
        )
        for chunk in planned:
            yield self._lines(chunk, simulate(self._family, chunk, self._plants, SHARES, self._rng))

    def _placed(self, chunk: RecordChunk, simulated: Simulated, entropy: list[int]) -> list[_Placed]:
        """Return POS, REF and ALTs of each record; a spanning record moves into the deletion before it."""
        windows = reference_windows(CHROMOSOMES.index(chunk.contig[3:]), chunk.positions)
        positions = chunk.positions.tolist()
        placed: list[_Placed] = []
        for row, shape in enumerate(simulated.shapes.tolist()):
            position, bases, bits = positions[row], windows[row * WINDOW : (row + 1) * WINDOW], entropy[row]
            if shape == Shape.SPANNING:
                before = placed[-1]
                inside = 1 + bits % (len(before.reference) - 1)
                position, bases = before.position + inside, before.reference[inside:]
                bits = bits | STAR_FIRST if simulated.spanning_first[row] else bits & ~STAR_FIRST
            placed.append(_Placed(position, *alleles(shape, bases, bits)))
        return placed

    def _count_texts(self, counts: tuple[int, ...]) -> tuple[str, str]:
        """Return AC, AF and AN, and MLEAC and MLEAF; `counts` is AN and the count of each ALT."""
        texts = self._counts.get(counts)
        if texts is None:
            number, *of_alts = counts
            alleles_text = ",".join(map(str, of_alts))
            frequencies = ",".join(_frequency(count / number) if number else "." for count in of_alts)
            texts = self._counts[counts] = (
                f"AC={alleles_text};AF={frequencies};AN={number};",
                f"MLEAC={alleles_text};MLEAF={frequencies};",
            )
        return texts

    def _annotation(
        self, gene: DemoGene | None, placed: _Placed, known: _Known, entropy: int, wanted: str | None
    ) -> str:
        """Return the value of CSQ; empty when `*` is the only ALT."""
        found: list[str] = []
        spelled = vep_alleles(placed.reference, placed.alternates)
        for number, (alternate, allele) in enumerate(zip(placed.alternates, spelled, strict=True), start=1):
            if alternate == "*":
                continue
            frequency = known.frequency if number == 1 else known.frequency * _LATER_ALT
            # One record in five is in another population than those of gnomAD's genomes.
            share = f"{frequency:.6g}|" if known.maximum and entropy % 5 else "|"
            frequencies = share + known.maximum
            if gene is None:
                found.append(intergenic(allele, number, known.existing, frequencies, allele_number=self._allele_number))
                continue
            start, shortest, changed = trim(placed.position, placed.reference, alternate)
            bits = entropy >> number
            significance = ""
            if wanted and entropy % 7 == 0:
                significance = "pathogenic"
            elif frequency > _BENIGN and entropy % 41 == 0:
                significance = "benign" if entropy & 1 else "benign&likely_benign"
            site = VepAllele(gene, start, shortest, changed, allele, number, known.existing, frequencies, significance)
            effect = effect_of(shortest, changed, bits, wanted)
            found.extend(entries(site, effect, bits, allele_number=self._allele_number, planted=wanted is not None))
        return ",".join(found)

    def _lines(self, chunk: RecordChunk, simulated: Simulated) -> Lines:
        count = len(chunk.positions)
        rng = self._rng
        entropy = rng.integers(0, 1 << 40, count).tolist()
        placed = self._placed(chunk, simulated, entropy)
        contig_number = CHROMOSOMES.index(chunk.contig[3:])
        alts_count = ALT_COUNT[simulated.shapes].astype(np.int64)
        calls = simulated.calls
        keys = call_keys(calls, simulated.depths, alts_count + 1).tolist()
        allele_counts = np.stack([(calls == allele).sum(axis=(1, 2)) for allele in range(1, 4)], axis=1).tolist()
        numbers = (calls >= 0).sum(axis=(1, 2)).tolist()
        depth = simulated.depths.sum(axis=(1, 2)).tolist()
        carriers = (calls > 0).any(axis=2)
        carrier_depth = (simulated.depths.sum(axis=2) * carriers).sum(axis=1).tolist()
        het = ((calls[:, :, 0] != calls[:, :, 1]) & (calls >= 0).all(axis=2)).any(axis=1).tolist()
        pool = rng.integers(0, _POOL, (count, 8)).tolist()
        doubtful = (rng.random(count) < 0.05).tolist()  # noqa: PLR2004 - of a hundred records, five fail a filter
        frequencies = simulated.frequencies.tolist()
        pools, texts, family_plants = self._pools, self._texts, simulated.plants
        contig = chunk.contig
        lines: list[str] = []
        for row in range(count):
            here = placed[row]
            position, reference, alts = here
            bits, draw, plant = entropy[row], pool[row], family_plants.get(row)
            name, existing = _existing(contig_number, position, frequencies[row], bits)
            known = _Known(existing, frequencies[row], _maximum(frequencies[row], bits))
            csq = self._annotation(chunk.genes[row], here, known, bits, plant.consequence if plant else None)
            ahead, after = self._count_texts((numbers[row], *allele_counts[row][: len(alts)]))
            by_depth = pools.quality_by_depth[draw[0]]
            quality = by_depth * carrier_depth[row]
            if quality < 30:  # noqa: PLR2004 - GATK's own calling threshold
                verdict = "LowQual"
            elif doubtful[row] and plant is None:
                snv = len(reference) == 1 and max(map(len, alts)) == 1
                verdict = "VQSRTrancheSNP99.90to100.00" if snv else "VQSRTrancheINDEL99.00to99.90"
            else:
                verdict = "PASS"
            ranks = het[row]
            lines.append(
                f"{contig}\t{position}\t{name}\t{reference}\t{','.join(alts)}\t{quality:.2f}\t{verdict}\t{ahead}"
                f"{pools.base_q_rank_sum[draw[1]] + ';' if ranks else ''}DP={depth[row]};{pools.excess_het[draw[2]]};"
                f"{pools.fs[draw[3]]};{after}{pools.mq[draw[4]]};"
                f"{pools.mq_rank_sum[draw[5]] + ';' if ranks else ''}QD={by_depth:.2f};"
                f"{pools.read_pos_rank_sum[draw[6]] + ';' if ranks else ''}{pools.sor[draw[7]]};"
                f"{pools.vqslod[draw[1]]};culprit={('MQ', 'FS', 'QD', 'SOR')[draw[0] & 3]}"
                f"{';CSQ=' + csq if csq else ''}\t{FORMAT}\t" + "\t".join([texts[key] for key in keys[row]]) + "\n"
            )
        return Lines("".join(lines), self._truth(chunk, simulated, placed))

    def _truth(self, chunk: RecordChunk, simulated: Simulated, placed: list[_Placed]) -> str:
        of_alts: list[ProbandAllele] = [carried(self._family, chunk.region, simulated, allele) for allele in (1, 2, 3)]
        reads = simulated.depths[:, 0].tolist()
        chromosome = chunk.contig[3:]
        has = np.stack([item.carried for item in of_alts], axis=1)
        lines: list[str] = []
        for row in np.nonzero(has.any(axis=1))[0].tolist():
            plant = simulated.plants.get(row)
            gene = chunk.genes[row]
            position, reference, alternates = placed[row]
            for allele, item in enumerate(of_alts[: len(alternates)], start=1):
                if not item.carried[row] or alternates[allele - 1] == "*":
                    continue
                start, shortest, changed = trim(position, reference, alternates[allele - 1])
                origin = item.origin[row]
                lines.append(
                    f"{chromosome}-{start}-{shortest}-{changed}\t{gene.symbol if gene else '.'}\t{origin}\t"
                    f"{'yes' if item.determined[row] else 'no'}\t{item.zygosity[row]}\t"
                    f"{kind_of(chunk.region, origin)}\t{plant.story if plant else '.'}\t"
                    f"{plant.pair if plant else '.'}\t{reads[row][allele]}\n"
                )
        return "".join(lines)
