"""What is counted and kept of whole families: genotype combinations, candidates for compound heterozygous pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.domain import call_quality
from radiant.domain.mendel import CHILD_FAILS, FATHER_FAILS, MOTHER_FAILS
from radiant.domain.quality import QualityCounts
from radiant.vcf.bulk import numbers
from radiant.vcf.bulk.alleles import CLASSES
from radiant.vcf.bulk.columns import decoded
from radiant.vcf.bulk.fields import Fields
from radiant.vcf.bulk.genotypes import CODE_BITS, REGIONS, Genotypes
from radiant.vcf.bulk.pairs import CANDIDATES, LOCUS_COLUMNS
from radiant.vcf.bulk.plain import Kept, Places
from radiant.vcf.bulk.samples import Samples
from radiant.vcf.bulk.slices import Integers, Mask, encoded, ranges
from radiant.vcf.bulk.tables import Rows, Table
from radiant.vcf.genotypes import Zygosity
from radiant.vcf.people import Person

_FAILING_BITS = 3
_MIXED = len(CLASSES)
_TYPES = (*CLASSES, "mixed")
_OCCURRENCE_COLUMNS = (
    *LOCUS_COLUMNS, "source_pos", "source_ref", "source_alt", "calls", "phased", "phase_set", "parental_origin"
)  # fmt: skip


def count_families(  # noqa: PLR0913, PLR0917 - what is counted, by what
    counts: QualityCounts, kept: Kept, places: Places, ok: Mask, classes: NDArray[np.int8], genotypes: Genotypes
) -> None:
    """Count the genotype combinations of plain lines, see `QualityCounts.add`.

    Args:
        counts: Where to.
        kept: The lines.
        places: Their contigs.
        ok: Which of them are plain.
        classes: Code of the variant class of each stored ALT.
        genotypes: The known genotypes.
    """
    if not kept.samples:
        return
    mine = np.flatnonzero(ok)
    first = np.flatnonzero(np.diff(kept.alts.line[kept.stored], prepend=-1))
    low, high = (operation.reduceat(classes, first)[mine] for operation in (np.minimum, np.maximum))
    kind = np.where(low == high, low, _MIXED).astype(np.int64)
    site = (kept.contig[mine] * len(REGIONS) + kept.region[mine]) * len(_TYPES) + kind
    site_codes, sites = encoded(pa.array(site))
    mask = (1 << CODE_BITS) - 1
    failing = [_fails(sample, mine, genotypes) for sample in kept.samples]
    for place, (father, mother) in enumerate(counts.parents):
        codes = [kept.samples[one].genotype[mine] if one is not None else np.zeros(len(mine), np.int64)
                 for one in (place, father, mother)]  # fmt: skip
        trio = (codes[0] << CODE_BITS | codes[1]) << CODE_BITS | codes[2]
        fails = np.zeros(len(mine), np.int64)
        for one, code in ((place, CHILD_FAILS), (father, FATHER_FAILS), (mother, MOTHER_FAILS)):
            if one is not None:
                fails |= np.where(failing[one], code, 0)
        index, distinct = encoded(pa.array((trio << _FAILING_BITS | fails) * len(sites) + site_codes))
        for key, times in zip(distinct, np.bincount(index, minlength=len(distinct)).tolist(), strict=True):
            both, at = divmod(key, len(sites))
            trio_key = both >> _FAILING_BITS
            rest, type_code = divmod(sites[at], len(_TYPES))
            contig, region = divmod(rest, len(REGIONS))
            counts.add_member(
                chromosome=str(places.chromosomes[contig]),
                region=REGIONS[region],
                variant_type=_TYPES[type_code],
                place=place,
                child=genotypes.calls[trio_key >> (2 * CODE_BITS)],
                father=genotypes.calls[(trio_key >> CODE_BITS) & mask],
                mother=genotypes.calls[trio_key & mask],
                failing=both & ((1 << _FAILING_BITS) - 1),
                times=times,
            )


def _fails(sample: Samples, lines: Integers, genotypes: Genotypes) -> Mask:
    """Return which genotypes of one member do not pass quality, see `call_quality.passes`."""
    gq, reads = sample.gq[lines], sample.dp[lines]
    reads = np.where(reads == numbers.MISSING, sample.depths.total[lines], reads)
    has_gq = gq != numbers.MISSING
    least = np.where(has_gq, call_quality.MINIMUM_READS, call_quality.MINIMUM_READS_WITHOUT_GQ)
    failing = (has_gq & (gq < call_quality.MINIMUM_GQ)) | ((reads != numbers.MISSING) & (reads < least))
    if len(sample.depths.value):
        for allele in genotypes.distinct(sample.genotype[lines]):
            support = sample.depths.of(lines, np.maximum(allele, 0))
            few = (support != numbers.MISSING) & (support < call_quality.MINIMUM_ALLELE_READS)
            failing |= (allele >= 0) & few
    return failing


def find_candidates(rows: Rows, people: Sequence[Person], minimum_impact: int) -> Table | None:
    """Find what may be half of a compound heterozygous pair, as `pairs.CANDIDATES`, in the order of the file."""
    if rows.fields is None or not people:
        return None
    score = rows.fields.score
    genes = _affected_genes(rows.fields, rows.group, np.flatnonzero(score >= minimum_impact), score)
    may = np.array([[person.may_have_pairs_in(region) for region in REGIONS] for person in people], dtype=np.bool_)
    region = rows.kept.region[rows.carried.place[rows.allele]]
    het = rows.occurrence_columns["zygosity"].dictionary.index(Zygosity.HET.value).as_py()
    is_het = rows.occurrence_columns["zygosity"].indices.to_numpy(zero_copy_only=False) == het
    has_gene = np.zeros(len(rows.carried), dtype=np.bool_)
    has_gene[genes.allele] = True
    some = np.flatnonzero(has_gene[rows.allele] & may[rows.who, region] & is_het)
    if not len(some):
        return None
    # Every such occurrence with every gene of its allele.
    low = np.searchsorted(genes.allele, rows.allele[some])
    count = np.searchsorted(genes.allele, rows.allele[some], side="right") - low
    occurrence, gene = np.repeat(some, count), pa.array(ranges(low, count))
    taken = {name: decoded(rows.occurrence_columns[name].take(pa.array(occurrence))) for name in _OCCURRENCE_COLUMNS}
    columns = {name: taken[name] for name in (*LOCUS_COLUMNS, "phased", "phase_set", "parental_origin")}
    columns["person"] = pa.array(rows.who[occurrence].astype(np.int32))
    columns["gene_id"], columns["symbol"] = genes.gene.take(gene), genes.symbol.take(gene)
    site = (taken[name].cast(pa.string()) for name in ("chromosome", "source_pos", "source_ref", "source_alt"))
    columns["site"] = pc.call_function("binary_join_element_wise", [*site, "-"])
    columns["haplotype"] = _haplotype(taken["calls"])
    batch = pa.RecordBatch.from_arrays([columns[field.name] for field in CANDIDATES], schema=CANDIDATES)
    return Table(batch, rows.line[rows.allele[occurrence]])


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
    codes, names = encoded(gene.take(pa.array(named)))
    key = group[strong[named]] * max(1, len(names)) + codes
    # The symbol is that of the strongest entry, the first among equals.
    order = np.lexsort((-score[strong[named]], key))
    _, best = np.unique(key[order], return_index=True)
    _, first = np.unique(key, return_index=True)
    appearance = np.argsort(first)
    chosen = pa.array(named[order[best]][appearance])
    return _Genes(group[strong[named[first[appearance]]]], gene.take(chosen), symbol.take(chosen))


def _haplotype(calls: pa.ListArray) -> pa.Array:
    """Return the index of the first call of the allele, which every carrier has."""
    flat = calls.flatten().to_numpy()
    length = calls.value_lengths().to_numpy()
    first = np.cumsum(length) - length
    place = np.where(flat == 1, np.arange(len(flat)), len(flat))
    return pa.array((np.minimum.reduceat(place, first) - first).astype(np.int32))
