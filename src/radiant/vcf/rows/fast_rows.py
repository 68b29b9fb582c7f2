"""Rows of one chunk from the lines that the fast path reads, table by table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radiant.domain.tables import CASE_TABLES
from radiant.vcf.fast import allele_columns
from radiant.vcf.fast.csq_field_columns import FieldReader
from radiant.vcf.fast.genotype_columns import Genotypes
from radiant.vcf.fast.info_map_columns import AlleleInfoColumns
from radiant.vcf.fast.lines import FastLines, Kept
from radiant.vcf.findings import Piece
from radiant.vcf.header.people import Person
from radiant.vcf.rows.carried import Carried, find_carried, locus_columns, row_table
from radiant.vcf.rows.fast_candidates import find_candidates
from radiant.vcf.rows.occurrence import OccurrenceMaker, Occurrences
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.rows.variant import consequence_rows, read_consequences, variant_rows
from radiant.vcf.rules.csq_fields import ConsequenceFormat


@dataclass(frozen=True, eq=False)
class FastRows:
    """The rows of the lines of one chunk that the fast path reads."""

    carried: Carried
    not_carried: int
    """Alleles without a row: no member carries them."""
    trimmed: allele_columns.Trimmed
    """Of the carried alleles."""
    occurrences: Occurrences | None
    """None where there are no rows."""
    tables: Mapping[str, RowTable]
    """By short name."""
    pieces: list[tuple[int, Piece]]
    """Pieces left out of the lines, each with the index of its line."""
    candidates: RowTable | None
    """What may be half of a compound heterozygous pair, as `compound_het.CANDIDATES`."""


class RowMaker:
    """Makes the rows of one file."""

    def __init__(
        self,
        people: Sequence[Person],
        genotypes: Genotypes,
        format_: ConsequenceFormat | None,
        minimum_impact: int,
    ) -> None:
        """Take what is the same for all chunks.

        Args:
            people: The members.
            genotypes: The genotypes that the samples are coded with.
            format_: What the header says of consequence entries.
            minimum_impact: Impact from which a heterozygous allele can be half of a pair.
        """
        self._people = people
        self._genotypes = genotypes
        self._minimum_impact = minimum_impact
        self._occurrences = OccurrenceMaker(people, genotypes)
        self._fields = None if format_ is None else FieldReader(format_)

    def make(self, lines: FastLines, kept: Kept, *, everybody: bool) -> FastRows:
        """Make the rows of a chunk.

        Args:
            lines: Of the chunk.
            kept: Its kept lines.
            everybody: True for a file without samples: every allele gets rows.
        """
        carried, not_carried = find_carried(kept, lines.ok, self._genotypes, everybody=everybody)
        trimmed = kept.trimmed[carried.stored]
        pieces = [(int(kept.lines[at]), piece) for at, piece in kept.pieces if lines.ok[at]]
        if not len(carried):
            return FastRows(carried, not_carried, trimmed, None, {}, pieces, None)
        line = kept.lines[carried.place]
        locus = locus_columns(kept, lines.loci, carried, trimmed)
        info = AlleleInfoColumns.of(kept.info.fields, carried.place, carried.alt_index, kept.alts.count)
        entries = None if self._fields is None else read_consequences(kept, carried, self._fields)
        occurrences = self._occurrences.make(kept, carried, locus)
        tables = {
            "occurrence": row_table(CASE_TABLES["occurrence"], occurrences.columns, line[occurrences.allele]),
            "variant": variant_rows(kept, carried, trimmed, locus, entries, info, line),
        }
        candidates = None
        if entries is not None:
            tables["consequence"] = consequence_rows(locus, entries, info, line)
            region = kept.region[carried.place]
            candidates = find_candidates(
                occurrences, entries.fields, entries.allele, region, line, self._people, self._minimum_impact
            )
        return FastRows(carried, not_carried, trimmed, occurrences, tables, pieces, candidates)
