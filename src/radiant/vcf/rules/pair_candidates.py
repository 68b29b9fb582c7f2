"""Candidates for compound heterozygous pairs: heterozygous alleles that affect a gene at or above the impact threshold.

`domain/compound_het.py` has the rule for pairs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from radiant.domain.compound_het import GeneAllele
from radiant.domain.inheritance import ParentalOrigin
from radiant.vcf.rules.consequences import Consequence


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene that an allele affects."""

    gene_id: str
    symbol: str | None
    impact_score: int
    """The highest of the allele's consequences in this gene."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A heterozygous allele of one member and one gene."""

    allele: GeneAllele
    symbol: str | None
    locus: Mapping[str, object]
    """The locus columns of the allele."""


def affected_genes(entries: Iterable[Consequence], minimum_impact: int) -> dict[str, Gene]:
    """Return the genes on which one allele has at least this impact, by gene id (or symbol where there is none)."""
    genes: dict[str, Gene] = {}
    for entry in entries:
        symbol = cast("str | None", entry.columns["symbol"])
        gene_id = cast("str | None", entry.columns["gene_id"]) or symbol
        score = cast("int | None", entry.columns["impact_score"]) or 0
        if gene_id is None or score < minimum_impact:
            continue
        known = genes.get(gene_id)
        if known is None or known.impact_score < score:
            genes[gene_id] = Gene(gene_id, symbol, score)
    return genes


def candidates(
    genes: Mapping[str, Gene],
    locus: Mapping[str, object],
    source: Mapping[str, object],
    genotype: Sequence[Mapping[str, object]],
) -> Iterator[Candidate]:
    """Yield one candidate for each gene, from the parts of the occurrence's row."""
    row: dict[str, object] = {}
    for part in genotype:
        row.update(part)
    for gene in genes.values():
        allele = GeneAllele(
            locus=str(locus["locus"]),
            line=f"{locus['chromosome']}-{source['source_pos']}-{source['source_ref']}-{source['source_alt']}",
            gene=gene.gene_id,
            impact_score=gene.impact_score,
            zygosity=str(row["zygosity"]),
            calls=cast("tuple[int, ...]", row["calls"]),
            phased=bool(row["phased"]),
            phase_set=cast("str | None", row["phase_set"]),
            parental_origin=ParentalOrigin(str(row["parental_origin"])),
        )
        yield Candidate(allele, gene.symbol, locus)
