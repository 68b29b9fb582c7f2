"""Candidates for compound heterozygous pairs are collected while the file is read; pairs are made at its end.

A whole genome has some ten thousand candidates, so memory stays small. `domain/compound_het.py` has the rule.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, cast

import pyarrow as pa

from radiant.domain.compound_het import compound_het_pairs
from radiant.domain.tables import CASE_TABLES
from radiant.vcf.header.people import Person
from radiant.vcf.rules.pair_candidates import Candidate
from radiant.vcf.schema import Rows

MAX_CANDIDATES = 200
"""Heterozygous alleles of one member and gene from which pairs are still made: 19,900 pairs at most."""


class CompoundHets(ABC):
    """Candidates of one case, or of a piece of its file; pieces are merged in the file's order.

    Pairs grow with the square of a gene's candidates: a gene with more than `MAX_CANDIDATES` in one member is left out
    and counted in `warnings`, so that memory stays bounded for every file.
    """

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self.counts: list[Counter[str]] = [Counter() for _ in people]
        """How many candidates each member had by gene."""

    def empty(self) -> Self:
        """Return a collection of the same case without candidates."""
        return type(self)(self._people)

    @abstractmethod
    def add(self, found: Sequence[tuple[int, Candidate]]) -> None:
        """Add candidates in the file's order, each with its member (index among the case's members)."""

    @abstractmethod
    def merge(self, later: "CompoundHets") -> None:
        """Add the candidates of a later piece of the same file, one of the same class."""

    @abstractmethod
    def batches(self, minimum_impact: int, most_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the table: each pair twice, member by member, gene by gene, in the file's order.

        Args:
            minimum_impact: Candidates of a lower impact take no part.
            most_rows: Of a batch.
        """

    @property
    def crowded(self) -> dict[str, int]:
        """The genes of which no pairs were made, and the most candidates that one member has; the fullest first."""
        found = Counter[str]()
        for counts in self.counts:
            found |= Counter({gene: count for gene, count in counts.items() if count > MAX_CANDIDATES})
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def warnings(self) -> Iterator[str]:
        """Yield a warning when genes were left out. It names none: a gene's name is text of the file."""
        crowded = self.crowded
        if crowded:
            yield (
                f"compound heterozygotes: no pairs were made of {len(crowded)} genes in which one member has more than "
                f"{MAX_CANDIDATES} heterozygous alleles above the impact threshold, {max(crowded.values())} at most; "
                "the report names them (crowded_genes)"
            )


class PairsOneByOne(CompoundHets):
    """The straightforward way: an object per candidate, a row per pair."""

    def __init__(self, people: Sequence[Person]) -> None:
        super().__init__(people)
        self._found: list[dict[str, list[Candidate]]] = [{} for _ in people]
        """Candidates of each member by gene, in the file's order; none are kept of a gene that has too many."""

    def add(self, found: Sequence[tuple[int, Candidate]]) -> None:
        """Add candidates in the file's order."""
        for person, candidate in found:
            self._extend(person, candidate.allele.gene, [candidate], 1)

    def merge(self, later: CompoundHets) -> None:
        """Add the candidates of a later piece of the same file."""
        found = cast("PairsOneByOne", later)._found  # noqa: SLF001 - another one of these
        for person, counts in enumerate(later.counts):
            for gene, count in counts.items():
                self._extend(person, gene, found[person][gene], count)

    def batches(self, minimum_impact: int, most_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the table's rows; see `CompoundHets.batches`."""
        rows = Rows(CASE_TABLES["compound_het"])
        for row in self._rows(minimum_impact):
            rows.add(*row)
            if len(rows) >= most_rows and (batch := rows.take()) is not None:
                yield batch
        if (batch := rows.take()) is not None:
            yield batch

    def _rows(self, minimum_impact: int) -> Iterator[tuple[Mapping[str, object], ...]]:
        for person, genes in zip(self._people, self._found, strict=True):
            who = {name: person.columns[name] for name in ("patient_id", "experiment_id", "sample", "is_proband")}
            for found in genes.values():
                known = {id(one.allele): one for one in found}
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

    def _extend(self, person: int, gene: str, more: Sequence[Candidate], count: int) -> None:
        kept = self._found[person].setdefault(gene, [])
        self.counts[person][gene] += count
        if self.counts[person][gene] > MAX_CANDIDATES:
            kept.clear()
        else:
            kept.extend(more)
