"""The alleles of a chunk that get rows, their locus columns, and rows as a table."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.columns import Table as TableDeclaration
from radiant.vcf.fast import allele_columns
from radiant.vcf.fast.genotype_columns import Genotypes
from radiant.vcf.fast.lines import Kept
from radiant.vcf.fast.locus_columns import Loci
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.schema import arrow_schema
from radiant.vcf.vector.slices import Integers, Mask


@dataclass(frozen=True, eq=False)
class Carried:
    """The alleles that get rows. One value per allele."""

    place: Integers
    """Index of its line among the kept lines."""
    alt: Integers
    """Index of its ALT among all ALTs."""
    alt_index: Integers
    """Which ALT of the line, from 1."""
    stored: Integers
    """Index among the stored ALTs."""
    by: NDArray[np.bool_]
    """Whether each member carries it: one row per member."""

    def __len__(self) -> int:
        """Return how many alleles there are."""
        return len(self.place)


def find_carried(kept: Kept, ok: Mask, genotypes: Genotypes, *, everybody: bool) -> tuple[Carried, int]:
    """Find the alleles that get rows.

    Args:
        kept: The kept lines.
        ok: Which of them the fast path reads.
        genotypes: The known genotypes.
        everybody: True for a file without samples: every allele gets rows.

    Returns:
        The alleles, and how many others there are, which no member carries.
    """
    alts = kept.alts
    of = alts.line[kept.stored]
    mine = np.flatnonzero(ok[of])
    place, alt = of[mine], kept.stored[mine]
    alt_index = alt - alts.first[place] + 1
    by = np.zeros((len(kept.samples), len(mine)), dtype=np.bool_)
    for member, sample in enumerate(kept.samples):
        by[member] = genotypes.carried(sample.genotype[place], alt_index)
    some = np.ones(len(mine), dtype=np.bool_) if everybody else by.any(axis=0)
    carried = Carried(place[some], alt[some], alt_index[some], mine[some], by[:, some])
    return carried, len(mine) - len(carried)


def owners(kept: Kept, carried: Carried, line: Integers, alt_index: Integers) -> Integers:
    """Return the carried allele of each of some entries, -1 for none."""
    row_of = np.full(len(kept.alts.alts), -1, dtype=np.int64)
    row_of[carried.alt] = np.arange(len(carried))
    # An entry whose ALT was not found is of a line that is left to the rules, and of no allele here.
    matched = alt_index > 0
    return np.where(matched, row_of[kept.alts.first[line] + alt_index - matched], -1)


def locus_columns(kept: Kept, loci: Loci, carried: Carried, trimmed: allele_columns.Trimmed) -> dict[str, pa.Array]:
    """Return the locus columns, one value per allele."""
    contig = kept.contig[carried.place]
    names = _chromosome_names(loci)
    keys = allele_columns.loci(names.take(pa.array(contig)), trimmed)
    return {
        "locus": pa.DictionaryArray.from_arrays(pa.array(np.arange(len(keys), dtype=np.int32)), keys),
        "locus_hash": pa.array(allele_columns.locus_hashes(keys)),
        "chromosome": pa.DictionaryArray.from_arrays(pa.array(contig.astype(np.int32)), names),
        "start": pa.array(trimmed.start),
        "end": pa.array(trimmed.end),
        "reference": trimmed.ref.strings().dictionary_encode(),
        "alternate": trimmed.alt.strings().dictionary_encode(),
    }


def _chromosome_names(loci: Loci) -> pa.Array:
    """Return the canonical names by contig code, empty for contigs outside the primary set: no row is there."""
    return pa.array([name or "" for name in loci.chromosomes], pa.string())


def row_table(table: TableDeclaration, columns: Mapping[str, pa.Array], line: Integers) -> RowTable:
    """Return rows of a table; columns that are not given are null."""
    schema = arrow_schema(table)
    count = len(line)
    arrays = [columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in schema]
    fields = [pa.field(field.name, array.type, field.nullable) for field, array in zip(schema, arrays, strict=True)]
    return RowTable(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), line)
