"""What is counted while a file is read. A part of the file has totals of its own; parts are merged in order.

chunk   chunk   chunk       shard: chunks          file: shards, or chunks
└───────┴──merge──┴──▶  totals ──────merge──────▶  totals ──▶ report
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from radiant.domain.counts import add_counts
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.domain.quality import QualityCounts
from radiant.vcf.findings import Finding, Undeclared
from radiant.vcf.rows.pair_collection import CompoundHets
from radiant.vcf.rules.genotypes import Zygosity
from radiant.vcf.rules.line import Line

FIRST_REJECTED = 10
"""How many rejected lines the error names."""
_LONGEST_CONTIG = 40
"""A longer CHROM of a rejected line is not taken for a name."""


@dataclass(slots=True)
class LineCounts:
    """Data lines by bucket; every line is in exactly one."""

    read: int = 0
    kept: int = 0
    """One allele of the line was stored or could have been (no member may carry it)."""
    split: int = 0
    """Two alleles or more were."""
    skipped: int = 0
    """Nothing of the line is a small variant of the primary chromosomes."""
    rejected: int = 0
    """The line breaks a rule; it is in quarantine."""

    @property
    def accounted(self) -> int:
        """The sum of the buckets."""
        return self.kept + self.split + self.skipped + self.rejected

    def merge(self, other: "LineCounts") -> None:
        """Add a later part of the same file."""
        add_counts(self, other)


@dataclass(slots=True)
class FallbackCounts:
    """Data lines that the fast path left to the rules: their rows are the same, and each takes more time."""

    lines: int = 0
    with_finding: int = 0
    """Of these lines, those that the rules rejected or that have a piece in quarantine."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """Lines by `FallbackReason`: the first part of a line that the fast path does not read."""

    def merge(self, other: "FallbackCounts") -> None:
        """Add a later part of the same file."""
        add_counts(self, other)
        self.reasons.update(other.reasons)

    def to_json(self) -> dict[str, object]:
        """Return the counts as JSON types."""
        return {
            "lines": self.lines,
            "with_finding": self.with_finding,
            "reasons": dict(sorted(self.reasons.items())),
        }


@dataclass(slots=True)
class MemberQuality:
    """Numbers about one member's alleles; no name, the order is that of the case's members."""

    is_proband: bool
    alleles: int = 0
    """Rows of the occurrence table."""
    het: int = 0
    hom: int = 0
    hem: int = 0
    unknown: int = 0
    transitions: int = 0
    transversions: int = 0

    def merge(self, other: "MemberQuality") -> None:
        """Add a later part of the same file."""
        add_counts(self, other)

    def to_json(self) -> dict[str, object]:
        """Return the counts and the two ratios; a ratio over 0 is null."""
        counts: dict[str, object] = asdict(self)
        return counts | {
            "het_hom": round(self.het / self.hom, 4) if self.hom else None,
            "ti_tv": round(self.transitions / self.transversions, 4) if self.transversions else None,
        }


@dataclass(slots=True)
class Counts:
    """The counters while a file is read."""

    total: LineCounts = field(default_factory=LineCounts)
    contigs: dict[str, LineCounts] = field(default_factory=dict[str, LineCounts])
    skipped: Counter[str] = field(default_factory=Counter[str])
    other_contigs: Counter[str] = field(default_factory=Counter[str])
    rejected: Counter[str] = field(default_factory=Counter[str])
    alleles: Counter[str] = field(default_factory=Counter[str])
    pieces: Counter[str] = field(default_factory=Counter[str])
    consequences: Counter[str] = field(default_factory=Counter[str])
    annotations: Counter[str] = field(default_factory=Counter[str])
    structural: Counter[str] = field(default_factory=Counter[str])
    """Structural alleles by kind; none has a row."""
    frequencies: Counter[str] = field(default_factory=Counter[str])
    """Variant rows with a value, by frequency column."""

    def add_lines(self, contig: str, bucket: str, times: int = 1) -> None:
        """Count lines of a contig in their bucket, `kept`, `split`, `skipped` or `rejected`."""
        for counts in (self.total, self.contigs.setdefault(contig, LineCounts())):
            counts.read += times
            setattr(counts, bucket, getattr(counts, bucket) + times)

    def merge(self, other: "Counts") -> None:
        """Add a later part of the same file."""
        self.total.merge(other.total)
        for contig, counts in other.contigs.items():
            self.contigs.setdefault(contig, LineCounts()).merge(counts)
        for one in fields(self):
            counter = getattr(self, one.name)
            if isinstance(counter, Counter):
                counter.update(getattr(other, one.name))


@dataclass(slots=True)
class ReadTotals:
    """Everything that is counted of one case's file, or of a part of it."""

    counts: Counts
    quality: list[MemberQuality]
    """In the order of the members."""
    family: QualityCounts
    """Genotype combinations, for the checks of the pedigree."""
    pairs: CompoundHets
    """Candidates for compound heterozygous pairs."""
    undeclared: Undeclared = field(default_factory=Undeclared)
    fallback: FallbackCounts = field(default_factory=FallbackCounts)
    """Data lines that the fast path left to the rules."""
    first_rejected: list[Finding] = field(default_factory=list[Finding])
    """The first ten rejected lines, header lines included."""
    rows: Counter[str] = field(default_factory=Counter[str])
    """Rows handed out, by short name of the table."""

    @property
    def lines(self) -> int:
        """Data lines read."""
        return self.counts.total.read

    def empty(self) -> "ReadTotals":
        """Return totals of the same case that hold nothing yet."""
        quality = [MemberQuality(one.is_proband) for one in self.quality]
        return ReadTotals(Counts(), quality, self.family.empty(), self.pairs.empty())

    def merge(self, later: "ReadTotals") -> None:
        """Add the totals of a later part of the same file."""
        self.counts.merge(later.counts)
        for own, other in zip(self.quality, later.quality, strict=True):
            own.merge(other)
        self.family.merge(later.family)
        self.pairs.merge(later.pairs)
        self.undeclared.merge(later.undeclared)
        self.fallback.merge(later.fallback)
        self.first_rejected += later.first_rejected[: FIRST_REJECTED - len(self.first_rejected)]
        self.rows.update(later.rows)

    # --- Lines that the rules read ------------------------------------------------------------------------------------

    def add_line(self, contig: str, line: Line) -> None:
        """Count a line that is not rejected."""
        counts = self.counts
        counts.add_lines(contig, line.bucket)
        _add(counts.structural, line.structural)
        if line.bucket == "skipped":
            counts.skipped[line.reason] += 1
            if line.reason == "contig":
                counts.other_contigs[contig] += 1
            return
        for index, zygosity, change, _ in line.occurrences:
            _count_quality(self.quality[index], zygosity, change)
        for row in line.variants:
            for column in FREQUENCY_COLUMNS:
                if any(part.get(column) is not None for part in row):
                    counts.frequencies[column] += 1
        if line.site is not None:
            site = line.site
            self.family.add(site.chromosome, site.region, site.variant_type, site.calls, passing=site.passing)
        _add(counts.alleles, line.alleles)
        _add(counts.consequences, line.entries)
        for name in line.annotations:
            counts.annotations[name] += 1
        for piece in line.pieces:
            counts.pieces[str(piece.rule)] += 1

    def reject_line(self, contig: str, finding: Finding, known: Container[str]) -> None:
        """Count a rejected data line; its CHROM may be anything unless an earlier line has it (`known`)."""
        is_name = contig in known or contig in self.counts.contigs
        self.counts.add_lines(contig if is_name else _short(contig), "rejected")
        self._reject(finding.rule, finding)

    def reject_header(self, findings: Sequence[Finding]) -> None:
        """Count rejected header lines, which are no data lines."""
        for finding in findings:
            self._reject("header", finding)

    def _reject(self, rule: str, finding: Finding) -> None:
        self.counts.rejected[rule] += 1
        if len(self.first_rejected) < FIRST_REJECTED:
            self.first_rejected.append(finding)


def _add(counts: Counter[str], found: Mapping[str, int]) -> None:
    """Add a few counts; `Counter.update` takes ten times as long for them."""
    for name, count in found.items():
        counts[name] += count


def _count_quality(quality: MemberQuality, zygosity: Zygosity, change: str | None) -> None:
    quality.alleles += 1
    if zygosity is Zygosity.HET:
        quality.het += 1
    elif zygosity is Zygosity.HOM:
        quality.hom += 1
    elif zygosity is Zygosity.HEM:
        quality.hem += 1
    else:
        quality.unknown += 1
    if change == "ti":
        quality.transitions += 1
    elif change == "tv":
        quality.transversions += 1


def _short(contig: str) -> str:
    """Return a name for the report's contigs from a line that may be anything."""
    return (
        contig if 0 < len(contig) <= _LONGEST_CONTIG and contig.isprintable() and " " not in contig else "(unreadable)"
    )
