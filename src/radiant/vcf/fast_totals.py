"""What is counted of the lines of a chunk that the fast path reads; `totals.ReadTotals.add_line` counts one line."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from radiant.domain import call_quality
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.domain.mendel import CHILD_FAILS, FATHER_FAILS, MOTHER_FAILS
from radiant.domain.quality import QualityCounts
from radiant.vcf.fast.allele_columns import (
    CLASSES,
    SKIPS,
    STORED,
    TRANSITION,
    TRANSVERSION,
    Trimmed,
    changes,
    structural,
    variant_classes,
)
from radiant.vcf.fast.genotype_columns import REGIONS, ZYGOSITIES, Genotypes
from radiant.vcf.fast.lines import FastLines, Kept
from radiant.vcf.fast.locus_columns import Loci
from radiant.vcf.fast.sample_columns import Samples
from radiant.vcf.findings import Undeclared
from radiant.vcf.header.declarations import Header
from radiant.vcf.rows.carried import owners
from radiant.vcf.rows.fast_rows import FastRows
from radiant.vcf.rows.occurrence import Occurrences
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.rules.genotypes import Zygosity
from radiant.vcf.totals import Counts, MemberQuality, ReadTotals
from radiant.vcf.vector import numbers
from radiant.vcf.vector.arrow import decoded
from radiant.vcf.vector.grouping import group_rows
from radiant.vcf.vector.slices import Integers, Mask

_AT = ord("@")
_BUCKETS = ("kept", "split", "skipped")
_MIXED = len(CLASSES)
_TYPES = (*CLASSES, "mixed")


def count_lines(counts: Counts, lines: FastLines) -> None:
    """Count lines in their buckets."""
    loci = lines.loci
    bucket = np.full(len(lines.chunk), -1, dtype=np.int64)
    for skipped in lines.skipped:
        bucket[skipped.lines] = _BUCKETS.index("skipped")
        counts.skipped[skipped.reason] += len(skipped.lines)
        counts.structural.update(skipped.structural)
        if skipped.reason == "contig":
            for code, found in _tally(loci.contig[skipped.lines]):
                counts.other_contigs[loci.names[code]] += found
    if lines.kept is not None:
        sequences = np.bincount(lines.kept.alts.line[lines.kept.stored], minlength=len(lines.kept.lines))
        bucket[lines.kept.lines] = np.where(sequences > 1, _BUCKETS.index("split"), _BUCKETS.index("kept"))
    bucket[lines.fallback] = -1
    read = np.flatnonzero(bucket >= 0)
    groups = group_rows(loci.contig[read], bucket[read])
    for (contig, code), found in zip(groups.values, np.bincount(groups.index).tolist(), strict=True):
        counts.add_lines(loci.names[contig], _BUCKETS[code], found)


def count_kept(  # noqa: PLR0913, PLR0917 - where, and of what
    totals: ReadTotals, lines: FastLines, kept: Kept, rows: FastRows, header: Header, genotypes: Genotypes
) -> None:
    """Count what kept lines hold, and the rows made of them."""
    _count_alleles(totals.counts, kept, lines.ok, rows)
    _count_entries(totals.counts, kept, lines.ok, rows)
    totals.counts.pieces.update(str(piece.rule) for _, piece in rows.pieces)
    _find_undeclared(totals.undeclared, kept, lines.ok, header)
    for name, at in kept.info.annotations.items():
        found = int(np.count_nonzero(lines.ok[at]))
        if found:
            totals.counts.annotations[name] += found
    count_families(totals.family, kept, lines.loci, lines.ok, variant_classes(kept.trimmed), genotypes)
    if rows.occurrences is not None:
        _count_quality(totals.quality, rows.occurrences, rows.trimmed)
        _count_frequencies(totals.counts, rows.tables["variant"])


def _count_alleles(counts: Counts, kept: Kept, ok: Mask, rows: FastRows) -> None:
    mine = ok[kept.alts.line]
    for code, skip in enumerate(SKIPS):
        found = int(np.count_nonzero(mine & (kept.alts.skip == code)))
        if found:
            counts.alleles[skip.value] += found
    counts.structural.update(structural(kept.alts, ok))
    if len(rows.carried):
        counts.alleles["carried"] += len(rows.carried)
    if rows.not_carried:
        counts.alleles["not_carried"] += rows.not_carried


def _count_entries(counts: Counts, kept: Kept, ok: Mask, rows: FastRows) -> None:
    """Count the consequence entries: stored, of skipped alleles, of alleles that no member carries."""
    entries = counts.consequences
    stored = not_carried = 0
    if kept.entries is not None and ok.any():
        own = ok[kept.entries.line] & (kept.entries.alt_index > 0)
        line, alt_index = kept.entries.line[own], kept.entries.alt_index[own]
        stored = int(np.count_nonzero(owners(kept, rows.carried, line, alt_index) >= 0))
        skip = kept.alts.skip[kept.alts.first[line] + alt_index - 1]
        of_skipped = int(np.count_nonzero(skip != STORED))
        not_carried = len(line) - stored - of_skipped
        entries["of_skipped_alleles"] += of_skipped
        entries["assumed"] += int(np.count_nonzero(kept.entries.assumed[own] & (skip == STORED)))
        if kept.refers is not None:
            refers = kept.entries.field(kept.refers)
            elsewhere = int(np.count_nonzero(own & (refers.byte(0) == _AT)))
            if elsewhere:
                entries["elsewhere"] += elsewhere
    if len(rows.carried):
        entries["stored"] += stored
    if rows.not_carried:
        entries["not_carried"] += not_carried


def _find_undeclared(undeclared: Undeclared, kept: Kept, ok: Mask, header: Header) -> None:
    for name, at in kept.info.keys.items():
        found = int(np.count_nonzero(ok[at]))
        if found:
            undeclared.add_info(name, found)
    for code in np.unique(kept.filter_[ok]).tolist():
        undeclared.add_filters(kept.filters[code], header.filters)
    if kept.formats is not None:
        for code in np.unique(kept.formats.code[ok]).tolist():
            undeclared.formats.update(kept.formats.undeclared[code])


def _count_frequencies(counts: Counts, variants: RowTable) -> None:
    for column in FREQUENCY_COLUMNS:
        values = decoded(variants.batch.column(column))
        if values.null_count < len(values):
            counts.frequencies[column] += len(values) - values.null_count


def _count_quality(members: list[MemberQuality], occurrences: Occurrences, trimmed: Trimmed) -> None:
    zygosity = occurrences.zygosity
    change = changes(trimmed)[occurrences.allele]
    for member, quality in enumerate(members):
        mine = occurrences.who == member
        found = np.bincount(zygosity[mine], minlength=len(ZYGOSITIES))
        het, hom, hem = (int(found[ZYGOSITIES.index(one)]) for one in (Zygosity.HET, Zygosity.HOM, Zygosity.HEM))
        count = int(np.count_nonzero(mine))
        quality.alleles += count
        quality.het += het
        quality.hom += hom
        quality.hem += hem
        quality.unknown += count - het - hom - hem
        quality.transitions += int(np.count_nonzero(change[mine] == TRANSITION))
        quality.transversions += int(np.count_nonzero(change[mine] == TRANSVERSION))


def _tally(codes: Integers) -> Iterator[tuple[int, int]]:
    """Count how often each code is there."""
    if len(codes):
        found = np.bincount(codes)
        for code in np.flatnonzero(found).tolist():
            yield code, int(found[code])


# --- Families ---------------------------------------------------------------------------------------------------------


def count_families(  # noqa: PLR0913, PLR0917 - what is counted, by what
    counts: QualityCounts, kept: Kept, loci: Loci, ok: Mask, classes: NDArray[np.int8], genotypes: Genotypes
) -> None:
    """Count the genotype combinations of kept lines, see `QualityCounts.add`.

    Args:
        counts: Where to.
        kept: The lines.
        loci: Their contigs.
        ok: Which of them the fast path reads.
        classes: Code of the variant class of each stored ALT.
        genotypes: The known genotypes.
    """
    if not kept.samples:
        return
    mine = np.flatnonzero(ok)
    first = np.flatnonzero(np.diff(kept.alts.line[kept.stored], prepend=-1))
    low, high = (operation.reduceat(classes, first)[mine] for operation in (np.minimum, np.maximum))
    kind = np.where(low == high, low, _MIXED).astype(np.int64)
    sites = group_rows(kept.contig[mine], kept.region[mine], kind)
    failing = [_fails(sample, mine, genotypes) for sample in kept.samples]
    for place, (father, mother) in enumerate(counts.parents):
        trio = [
            np.zeros(len(mine), np.int64) if one is None else kept.samples[one].genotype[mine]
            for one in (place, father, mother)
        ]
        fails = np.zeros(len(mine), np.int64)
        for one, code in ((place, CHILD_FAILS), (father, FATHER_FAILS), (mother, MOTHER_FAILS)):
            if one is not None:
                fails |= np.where(failing[one], code, 0)
        groups = group_rows(sites.index, *trio, fails)
        times_of = np.bincount(groups.index, minlength=len(groups)).tolist()
        for (site, *codes, failed), times in zip(groups.values, times_of, strict=True):
            contig, region, type_code = sites.values[site]
            of_child, of_father, of_mother = (genotypes.calls[code] for code in codes)
            counts.add_member(
                chromosome=str(loci.chromosomes[contig]),
                region=REGIONS[region],
                variant_type=_TYPES[type_code],
                index=place,
                child=of_child,
                father=of_father,
                mother=of_mother,
                failing=failed,
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
