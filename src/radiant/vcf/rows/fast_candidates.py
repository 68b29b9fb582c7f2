"""Candidates for compound heterozygous pairs among the rows of a chunk; the rules: `vcf.rules.pair_candidates`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.vcf.fast.csq_field_columns import Fields
from radiant.vcf.fast.genotype_columns import REGIONS
from radiant.vcf.header.people import Person
from radiant.vcf.rows.compound_het import CANDIDATES, LOCUS_COLUMNS
from radiant.vcf.rows.occurrence import Occurrences
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.rules.genotypes import Zygosity
from radiant.vcf.vector.arrow import decoded
from radiant.vcf.vector.grouping import group_rows
from radiant.vcf.vector.slices import Integers, encoded, ranges

_OCCURRENCE_COLUMNS = (
    *LOCUS_COLUMNS, "source_pos", "source_ref", "source_alt", "calls", "phased", "phase_set", "parental_origin"
)  # fmt: skip


def find_candidates(  # noqa: PLR0913, PLR0917 - what decides
    occurrences: Occurrences,
    fields: Fields,
    group: Integers,
    region: Integers,
    line: Integers,
    people: Sequence[Person],
    minimum_impact: int,
) -> RowTable | None:
    """Find what may be half of a compound heterozygous pair, as `compound_het.CANDIDATES`, in the order of the file.

    Args:
        occurrences: The rows.
        fields: The consequence entries of the alleles.
        group: The allele of each entry, ascending.
        region: Code of the region class of each allele.
        line: The line of each allele.
        people: The members.
        minimum_impact: Entries of a lower impact do not count.
    """
    if not people:
        return None
    score = fields.score
    genes = _affected_genes(fields, group, np.flatnonzero(score >= minimum_impact), score)
    may = np.array([[person.may_have_pairs_in(region) for region in REGIONS] for person in people], dtype=np.bool_)
    allele, who = occurrences.allele, occurrences.who
    het = occurrences.columns["zygosity"].dictionary.index(Zygosity.HET.value).as_py()
    has_gene = np.zeros(len(line), dtype=np.bool_)
    has_gene[genes.allele] = True
    some = np.flatnonzero(has_gene[allele] & may[who, region[allele]] & (occurrences.zygosity == het))
    if not len(some):
        return None
    # Every such occurrence with every gene of its allele.
    low = np.searchsorted(genes.allele, allele[some])
    count = np.searchsorted(genes.allele, allele[some], side="right") - low
    occurrence, gene = np.repeat(some, count), pa.array(ranges(low, count))
    at = pa.array(occurrence)
    taken = {name: decoded(occurrences.columns[name].take(at)) for name in _OCCURRENCE_COLUMNS}
    columns = {name: taken[name] for name in (*LOCUS_COLUMNS, "phased", "phase_set", "parental_origin")}
    columns["person"] = pa.array(who[occurrence].astype(np.int32))
    columns["gene_id"], columns["symbol"] = genes.gene.take(gene), genes.symbol.take(gene)
    site = (taken[name].cast(pa.string()) for name in ("chromosome", "source_pos", "source_ref", "source_alt"))
    columns["site"] = pc.call_function("binary_join_element_wise", [*site, "-"])
    columns["haplotype"] = _haplotype(taken["calls"])
    batch = pa.RecordBatch.from_arrays([columns[field.name] for field in CANDIDATES], schema=CANDIDATES)
    return RowTable(batch, line[allele[occurrence]])


@dataclass(frozen=True, eq=False)
class _Genes:
    """The genes that alleles affect, allele by allele, in the order of their entries; see `compound.affected_genes`."""

    allele: Integers
    gene: pa.Array
    symbol: pa.Array


def _affected_genes(fields: Fields, group: Integers, strong: Integers, score: NDArray[Any]) -> _Genes:
    """Return the genes of the entries that are strong enough."""
    at = pa.array(strong)
    symbol, gene = (decoded(fields.columns[name].take(at)) for name in ("symbol", "gene_id"))
    gene = pc.call_function("coalesce", [gene, symbol])
    named = np.flatnonzero(gene.is_valid().to_numpy(zero_copy_only=False))
    codes, _ = encoded(gene.take(pa.array(named)))
    allele = group[strong[named]]
    groups = group_rows(allele, codes)
    # The symbol is that of the strongest entry, the first among equals.
    order = np.lexsort((-score[strong[named]], groups.index))
    best = order[np.flatnonzero(np.diff(groups.index[order], prepend=-1))]
    chosen = pa.array(named[best])
    return _Genes(allele[groups.first], gene.take(chosen), symbol.take(chosen))


def _haplotype(calls: pa.ListArray) -> pa.Array:
    """Return the index of the first call of the allele, which every carrier has."""
    flat = calls.flatten().to_numpy()
    length = calls.value_lengths().to_numpy()
    first = np.cumsum(length) - length
    place = np.where(flat == 1, np.arange(len(flat)), len(flat))
    return pa.array((np.minimum.reduceat(place, first) - first).astype(np.int32))
