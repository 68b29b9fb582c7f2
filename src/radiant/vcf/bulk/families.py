"""What is counted and kept of whole families: genotype combinations, candidates for compound heterozygous pairs."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.quality import QualityCounts
from radiant.vcf.bulk.alleles import CLASSES
from radiant.vcf.bulk.genotypes import CODE_BITS, REGIONS, Genotypes
from radiant.vcf.bulk.plain import Kept, Places
from radiant.vcf.bulk.slices import Mask, encoded
from radiant.vcf.bulk.tables import Rows
from radiant.vcf.compound import Candidate, affected_genes, candidates
from radiant.vcf.consequences import Consequence
from radiant.vcf.genotypes import Zygosity
from radiant.vcf.people import Person

_MIXED = len(CLASSES)
_TYPES = (*CLASSES, "mixed")
_GENE_COLUMNS = ("symbol", "gene_id", "impact_score")
_LOCUS_COLUMNS = ("locus", "locus_hash", "chromosome", "start", "end", "reference", "alternate")
_SOURCE_COLUMNS = ("source_pos", "source_ref", "source_alt")
_GENOTYPE_COLUMNS = ("zygosity", "calls", "phased", "phase_set", "parental_origin")


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
    mask = (1 << CODE_BITS) - 1
    for place, (father, mother) in enumerate(counts.parents):
        codes = [kept.samples[one].genotype[mine] if one is not None else np.zeros(len(mine), np.int64)
                 for one in (place, father, mother)]  # fmt: skip
        trio = (codes[0] << CODE_BITS | codes[1]) << CODE_BITS | codes[2]
        site_codes, sites = encoded(pa.array(site))
        index, distinct = encoded(pa.array(trio * len(sites) + site_codes))
        for key, times in zip(distinct, np.bincount(index, minlength=len(distinct)).tolist(), strict=True):
            trio_key, at = divmod(key, len(sites))
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
                times=times,
            )


def find_candidates(rows: Rows, people: Sequence[Person], minimum_impact: int) -> list[tuple[int, int, Candidate]]:
    """Find what may be half of a compound heterozygous pair: (line, member, candidate), in the order of the file."""
    if rows.fields is None:
        return []
    score = rows.fields.columns["impact_score"].fill_null(0).to_numpy(zero_copy_only=False)
    strong = np.flatnonzero(score >= minimum_impact)
    alleles = np.unique(rows.group[strong])
    may = np.array([person.may_have_pairs for person in people], dtype=np.bool_)
    het = rows.occurrence_columns["zygosity"].dictionary.index(Zygosity.HET.value).as_py()
    is_het = rows.occurrence_columns["zygosity"].indices.to_numpy(zero_copy_only=False) == het
    some = np.flatnonzero(np.isin(rows.allele, alleles) & may[rows.who] & is_het)
    if not len(some):
        return []
    genes: dict[int, list[Consequence]] = {}
    values = (rows.fields.columns[name].take(pa.array(strong)).to_pylist() for name in _GENE_COLUMNS)
    for allele, *entry in zip(rows.group[strong].tolist(), *values, strict=True):
        genes.setdefault(allele, []).append(Consequence(0, dict(zip(_GENE_COLUMNS, entry, strict=True)), {}))
    taken = pa.array(some)
    columns = {
        name: rows.occurrence_columns[name].take(taken).to_pylist()
        for name in (*_LOCUS_COLUMNS, *_SOURCE_COLUMNS, *_GENOTYPE_COLUMNS)
    }
    found: list[tuple[int, int, Candidate]] = []
    for at, (row, allele) in enumerate(zip(some.tolist(), rows.allele[some].tolist(), strict=True)):
        parts = [{name: columns[name][at] for name in names} for names in (_LOCUS_COLUMNS, _SOURCE_COLUMNS)]
        genotype = {name: columns[name][at] for name in _GENOTYPE_COLUMNS}
        genotype["calls"] = tuple(genotype["calls"])
        line, member = int(rows.line[allele]), int(rows.who[row])
        found += [
            (line, member, one)
            for one in candidates(affected_genes(genes[allele], minimum_impact), parts[0], parts[1], (genotype,))
        ]
    return found
