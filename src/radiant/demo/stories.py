"""The planted variants of every family: causes of disease and corner cases.

A story fixes the alleles of the four founder haplotypes, the haplotypes that each child receives, and the copy of the
proband that mutates; a disease story agrees with the affected members.
"""

from dataclasses import dataclass

import numpy as np

from radiant.demo.allele_shapes import Shape
from radiant.demo.families import Family
from radiant.demo.genes import DemoGene, genes
from radiant.domain.assembly import GRCH38, RegionClass
from radiant.domain.case import Sex

SLOTS = 4
"""Minimum number of records in a gene with a story; stories use slots 1 and 3, so that other records lie between."""

_STORY_GENE_LENGTH = 4_000
_BASES_PER_DE_NOVO = 45_000_000
"""About 70 de novo variants in a genome."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One planted record."""

    story: str
    """Name in the truth file: `recessive`, `compound_het`, `dominant`, `de_novo` ..."""
    gene: int
    """Number of the gene."""
    slot: int
    """Ordinal of the record in that gene, from 0."""
    shape: Shape
    haplotypes: tuple[int, int, int, int]
    """Alleles of the mother's two and the father's two haplotypes."""
    transmitted: tuple[tuple[int, int], ...]
    """Per child: the received haplotype of the mother (0, 1) and of the father (0, 1)."""
    mutated: tuple[int, int] | None = None
    """Copy (0 from the mother, 1 from the father) and the allele it mutates to in the proband; None without one."""
    consequence: str = "missense"
    """Consequence in the gene's protein-coding transcripts, a name of `annotation.EFFECTS`."""
    pair: str = "."
    """Names the compound heterozygous pair the record belongs to."""

    @property
    def frequency(self) -> float:
        """Population frequency of the first ALT: causes of disease are absent or very rare."""
        return 0.0 if self.mutated or self.pair != "." else 0.0001


def _region(gene: DemoGene) -> RegionClass:
    if gene.contig == "chrM":
        return RegionClass.M
    if gene.contig == "chrY":
        return RegionClass.Y
    if gene.contig == "chrX":
        par = any(first <= gene.start and gene.end <= last for first, last in GRCH38.pars["X"])
        return RegionClass.PAR if par else RegionClass.X
    return RegionClass.AUTOSOME


def _de_novo_count(records: int) -> int:
    """Return the number of de novo variants outside the stories: a few, at most as many as a genome has."""
    return min(2 + records // 20_000, 3_000_000_000 // _BASES_PER_DE_NOVO)


def _inherited(family: Family, take: "_Taker") -> list[Plant]:
    """Return the recessive, compound heterozygous and dominant stories."""
    kind = family.kind
    both = (0, 0)
    plants: list[Plant] = []
    if kind.affected_parent is None:
        # An affected sibling shares the proband's alleles; an unaffected one is a carrier.
        shared = tuple(both if child.affected else (0, 1) for child in kind.children)
        gene = take(RegionClass.AUTOSOME)
        plants.append(Plant("recessive", gene, 1, Shape.SNV, (1, 0, 1, 0), shared))
        gene = take(RegionClass.AUTOSOME)
        plants += [
            Plant("compound_het", gene, 1, Shape.SNV, (1, 0, 0, 0), shared, consequence="stop_gained", pair="pair1"),
            Plant("compound_het", gene, 3, Shape.DELETION, (0, 0, 1, 0), shared, consequence="indel", pair="pair1"),
        ]
    else:
        haplotypes = (1, 0, 0, 0) if kind.affected_parent == "mother" else (0, 0, 1, 0)
        shared = tuple(both if child.affected else (1, 1) for child in kind.children)
        plants.append(Plant("dominant", take(RegionClass.AUTOSOME), 1, Shape.SNV, haplotypes, shared))
    return plants


def _sex_linked(family: Family, take: "_Taker") -> list[Plant]:
    """Return the stories of X, Y and M."""
    children = family.kind.children
    plain = tuple((0, 0) for _ in children)
    healthy = tuple((0 if child.affected else 1, 0) for child in children)
    plants = [
        Plant("par_inherited", take(RegionClass.PAR), 1, Shape.SNV, (0, 0, 1, 0), plain),
        Plant("mitochondrial", take(RegionClass.M), 1, Shape.SNV, (1, 1, 0, 0), plain),
        Plant("x_de_novo", take(RegionClass.X), 1, Shape.SNV, (0, 0, 0, 0), plain, mutated=(0, 1)),
    ]
    if children[0].sex is Sex.MALE:
        plants += [
            Plant("x_linked", take(RegionClass.X), 1, Shape.SNV, (1, 0, 0, 0), healthy),
            Plant("y_linked", take(RegionClass.Y), 1, Shape.SNV, (0, 0, 1, 1), plain),
        ]
    else:
        plants.append(Plant("x_from_father", take(RegionClass.X), 1, Shape.SNV, (0, 0, 1, 1), plain))
    return plants


class _Taker:
    """Hands out genes, each once."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._free: dict[RegionClass, list[int]] = {}
        for gene in genes():
            if gene.contig == "chrM" or gene.end - gene.start >= _STORY_GENE_LENGTH:
                self._free.setdefault(_region(gene), []).append(gene.number)
        # mt-tRNA genes are too short for a story's slots.
        for numbers in self._free.values():
            rng.shuffle(numbers)
        lengths = {gene.number: gene.end - gene.start for gene in genes()}
        self._free[RegionClass.M] = [number for number in self._free[RegionClass.M] if lengths[number] > 500]  # noqa: PLR2004

    def __call__(self, region: RegionClass) -> int:
        return self._free[region].pop()


def plants(family: Family, records: int, rng: np.random.Generator) -> list[Plant]:
    """Return everything planted in a family.

    Args:
        family: The family.
        records: Records of its VCF; more records have more de novo variants.
        rng: Chooses the genes.
    """
    take = _Taker(rng)
    plain = tuple((0, 0) for _ in family.kind.children)
    found = _inherited(family, take) + _sex_linked(family, take)
    nothing = (0, 0, 0, 0)
    for index in range(_de_novo_count(records)):
        shape = Shape.DELETION if index % 8 == 7 else Shape.SNV  # noqa: PLR2004 - one in eight, as in real genomes
        consequence = "indel" if shape is Shape.DELETION else ("stop_gained", "missense")[index % 2]
        gene = take(RegionClass.AUTOSOME)
        found.append(Plant("de_novo", gene, 1, shape, nothing, plain, (index % 2, 1), consequence))
    found.append(
        # One ALT from the mother, the other new on the father's copy: 1/2 in the proband.
        Plant("de_novo_multiallelic", take(RegionClass.AUTOSOME), 1, Shape.TWO_SNVS, (1, 0, 0, 0), plain, (1, 2))
    )
    found.append(
        # One ALT from each parent, neither of them written in its shortest form: 1/2 in the proband.
        Plant("two_alts", take(RegionClass.AUTOSOME), 1, Shape.SNV_AND_DELETION, (1, 0, 2, 0), plain)
    )
    return found
