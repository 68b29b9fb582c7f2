"""Compound heterozygous pairs: candidates are kept while the file is read, pairs are made at its end.

Only heterozygous alleles above the impact threshold are kept, some ten thousand of a whole genome, so memory stays
small. `domain/compound_het.py` has the rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from radiant.domain.compound_het import GeneAllele, compound_het_pairs
from radiant.domain.inheritance import ParentalOrigin
from radiant.vcf.consequences import Consequence
from radiant.vcf.people import Person


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


class CompoundHets:
    """Candidates of one case, or of a piece of its file; pieces are merged in the file's order."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self.found: list[list[Candidate]] = [[] for _ in people]
        """Candidates of each member, in the file's order."""

    def add(self, person: int, candidate: Candidate) -> None:
        """Keep a candidate of one member (index among the case's members)."""
        self.found[person].append(candidate)

    def merge(self, later: "CompoundHets") -> None:
        """Add the candidates of a later piece of the same file."""
        for mine, other in zip(self.found, later.found, strict=True):
            mine.extend(other)

    def rows(self, minimum_impact: int) -> Iterator[tuple[Mapping[str, object], ...]]:
        """Yield the rows of the table: each pair twice, member by member, gene by gene, in the file's order."""
        for person, found in zip(self._people, self.found, strict=True):
            known = {id(one.allele): one for one in found}
            who = {name: person.columns[name] for name in ("patient_id", "experiment_id", "sample", "is_proband")}
            for pair in compound_het_pairs((one.allele for one in found), minimum_impact):
                for own, partner in ((pair.first, pair.second), (pair.second, pair.first)):
                    candidate = known[id(own)]
                    yield (
                        who,
                        candidate.locus,
                        {
                            "gene_id": own.gene,
                            "symbol": candidate.symbol,
                            "partner_locus": partner.locus,
                            "in_trans": pair.in_trans.value,
                        },
                    )


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
            line=f"{source['source_pos']}-{source['source_ref']}-{source['source_alt']}",
            gene=gene.gene_id,
            impact_score=gene.impact_score,
            zygosity=str(row["zygosity"]),
            calls=cast("tuple[int, ...]", row["calls"]),
            phased=bool(row["phased"]),
            phase_set=cast("str | None", row["phase_set"]),
            parental_origin=ParentalOrigin(str(row["parental_origin"])),
        )
        yield Candidate(allele, gene.symbol, locus)
