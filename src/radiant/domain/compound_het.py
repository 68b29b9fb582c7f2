"""Compound heterozygotes: two different alleles of one gene, one on each copy of it.

A pair of heterozygous alleles of a gene counts when both are on different copies (in trans), or may be. Trans is
*known* when

- one came from the mother and the other from the father,
- both are ALTs of one line of the file (`1/2`), or
- both are phased in one phase set, on different haplotypes.

A place of which the person has one copy has no pairs: M, Y, and a male's X outside the PAR. An unknown sex leaves X its
second copy.

The same evidence for one copy (both from one parent, or on one haplotype) rules the pair out. Without evidence, or with
evidence that contradicts itself, trans is *assumed*.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.inheritance import ParentalOrigin
from radiant.domain.trio import Calls, expected_copies

DEFAULT_MINIMUM_IMPACT = 3
"""MODERATE: HIGH 4, MODERATE 3, LOW 2, MODIFIER 1."""


class InTrans(StrEnum):
    """How it is known that two alleles are on different copies."""

    KNOWN = "known"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class GeneAllele:
    """One allele of one person and one gene that it affects."""

    locus: str
    """`chrom-pos-ref-alt`."""
    line: str
    """What the alleles of one line of the file have in common, for example `source_pos-source_ref-source_alt`."""
    gene: str
    """Gene id; an allele in two genes is given twice."""
    impact_score: int
    """The highest of the allele's consequences in this gene."""
    zygosity: str
    """Only HET takes part: HOM needs no partner, HEM has no second copy, UNK has too few reads."""
    calls: Calls
    """0 reference, 1 this allele, -1 missing or another ALT; in the order of the haplotypes when `phased`."""
    phased: bool
    phase_set: str | None
    """PS; phased alleles without one share the chromosome's one set, as the VCF specification says."""
    parental_origin: ParentalOrigin


@dataclass(frozen=True, slots=True)
class Pair:
    """Two alleles of one gene on different copies of it."""

    first: GeneAllele
    """The one given earlier."""
    second: GeneAllele
    in_trans: InTrans


def compound_het_pairs(alleles: Iterable[GeneAllele], minimum_impact: int = DEFAULT_MINIMUM_IMPACT) -> list[Pair]:
    """Find the compound heterozygous pairs of one person.

    Time grows with the square of the heterozygous alleles of a gene above the threshold.

    Args:
        alleles: Of one person, of any number of genes of one or more chromosomes.
        minimum_impact: Alleles of a lower `impact_score` do not take part.

    Returns:
        Each pair once for each gene that both alleles affect, gene by gene, in the order given.
    """
    genes: defaultdict[str, list[GeneAllele]] = defaultdict(list)
    for allele in alleles:
        if allele.zygosity == "HET" and allele.impact_score >= minimum_impact:
            genes[allele.gene].append(allele)
    pairs: list[Pair] = []
    for rows in genes.values():
        for first, second in combinations(rows, 2):
            trans = in_trans(first, second)
            if trans is not None and first.locus != second.locus:
                pairs.append(Pair(first, second, trans))
    return pairs


def has_second_copy(region: RegionClass, sex: Sex) -> bool:
    """Return whether a person has two copies of a place, without which no two alleles are in trans."""
    return expected_copies(region, sex) > 1


def in_trans(first: GeneAllele, second: GeneAllele) -> InTrans | None:
    """Return whether two heterozygous alleles of a person are on different copies; None when they are on the same."""
    evidence = {_by_line(first, second), _by_origin(first, second), _by_phase(first, second)} - {None}
    if evidence == {True}:
        return InTrans.KNOWN
    return None if evidence == {False} else InTrans.ASSUMED


def _by_line(first: GeneAllele, second: GeneAllele) -> bool | None:
    return True if first.line == second.line else None


def _by_origin(first: GeneAllele, second: GeneAllele) -> bool | None:
    origins = (first.parental_origin, second.parental_origin)
    if not set(origins) <= {ParentalOrigin.FATHER, ParentalOrigin.MOTHER}:
        return None
    return origins[0] is not origins[1]


def _by_phase(first: GeneAllele, second: GeneAllele) -> bool | None:
    if not (first.phased and second.phased) or first.phase_set != second.phase_set:
        return None
    if first.phase_set is None and _chromosome(first) != _chromosome(second):
        return None
    return first.calls.index(1) != second.calls.index(1)


def _chromosome(allele: GeneAllele) -> str:
    return allele.locus.partition("-")[0]
