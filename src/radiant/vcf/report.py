"""The import report: where every line of the file went, and what the numbers say about its quality."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from radiant.errors import RadiantError


@dataclass(slots=True)
class LineCounts:
    """Data lines by what became of them; every line is in exactly one bucket."""

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
        """Add another piece of the same file."""
        for name in ("read", "kept", "split", "skipped", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


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
        """Add another piece of the same file."""
        for name in ("alleles", "het", "hom", "hem", "unknown", "transitions", "transversions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, Any]:
        """Return the counts and the two ratios; a ratio over 0 is null."""
        return asdict(self) | {
            "het_hom": round(self.het / self.hom, 4) if self.hom else None,
            "ti_tv": round(self.transitions / self.transversions, 4) if self.transversions else None,
        }


@dataclass(frozen=True, slots=True)
class Provenance:
    """What was read."""

    vcf_uri: str
    vcf_size: int
    """Bytes of the file as stored."""
    vcf_sha256: str
    """Of those bytes, lower-case hexadecimal."""
    compression: str
    """bgzf, gzip or none."""
    format: str
    """VCF or BCF."""
    fileformat: str
    """For example VCFv4.2."""
    header_sha256: str
    """Of the header lines."""
    caller: str | None
    vep_version: str | None
    annotator: str | None
    """Whose entries became consequences: VEP, SnpEff or bcftools csq; None when no header line declares any."""
    annotator_version: str | None
    """As the header states it."""
    annotation_key: str | None
    """The INFO key that holds them."""
    assembly: str
    """The case's, which the header's contig lengths did not contradict."""
    assembly_checked: bool
    """Whether the header states contig lengths at all."""
    radiant_version: str


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

    def line(self, contig: str, bucket: str) -> None:
        """Count one line in its bucket, `kept`, `split`, `skipped` or `rejected`."""
        for counts in (self.total, self.contigs.setdefault(contig, LineCounts())):
            counts.read += 1
            setattr(counts, bucket, getattr(counts, bucket) + 1)

    def merge(self, other: "Counts") -> None:
        """Add another piece of the same file."""
        self.total.merge(other.total)
        for contig, counts in other.contigs.items():
            self.contigs.setdefault(contig, LineCounts()).merge(counts)
        names = (
            "skipped",
            "other_contigs",
            "rejected",
            "alleles",
            "pieces",
            "consequences",
            "annotations",
            "structural",
            "frequencies",
        )
        for name in names:
            mine: Counter[str] = getattr(self, name)
            mine.update(getattr(other, name))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of one file. Complete when the reader is exhausted."""

    lines: LineCounts
    contigs: dict[str, LineCounts]
    """By contig as the file spells it, primary contigs and others."""
    skipped: dict[str, int]
    """Skipped lines by reason: contig, reference_block, spanning_deletion, symbolic, breakend, telomere."""
    other_contigs: dict[str, int]
    """Lines skipped because of their contig, by its name."""
    rejected: dict[str, int]
    """Rejected lines by rule; `header` counts rejected header lines, which are no data lines."""
    alleles: dict[str, int]
    """Alleles of the kept and split lines: carried, not_carried (no row), and those without a sequence by kind."""
    pieces: dict[str, int]
    """Pieces of kept lines that went to quarantine, by rule."""
    consequences: dict[str, int]
    """Entries stored, of alleles that no member carries, of alleles without a row, assumed to be about the only ALT
    (of bcftools csq: about every ALT), and those whose effect is written elsewhere, at another position."""
    annotations: dict[str, int]
    """INFO keys of annotators, read or not, and on how many kept and split lines each is."""
    crowded_genes: dict[str, int]
    """Genes without compound heterozygous pairs, as one member has too many alleles there: the most that one has."""
    frequencies: dict[str, Any]
    """By frequency column: `rows`, how many variant rows have a value, and `sources`, what the header declares that it
    is read from (`CSQ gnomADe_AF`, `INFO EXACAF`), the first one first."""
    rows: dict[str, int]
    """Rows by table."""
    quality: tuple[MemberQuality, ...]
    """In the order of the members."""
    family: dict[str, Any]
    """`mendel`, `trios`, `people`: whether the genotypes fit the pedigree; see docs/inheritance.md."""
    provenance: Provenance
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that no line is lost.

        Raises:
            RadiantError: the lines read are not the sum of the buckets: a bug.
        """
        for name, counts in (("all contigs", self.lines), *self.contigs.items()):
            if counts.read != counts.accounted:
                msg = (
                    f"{name}: {counts.read} lines read, but {counts.accounted} accounted for. This is a bug of radiant"
                )
                raise RadiantError(msg)
        if sum(counts.read for counts in self.contigs.values()) != self.lines.read:
            msg = f"the contigs' lines do not add up to the {self.lines.read} lines read. This is a bug of radiant"
            raise RadiantError(msg)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON types."""
        return {
            "lines": asdict(self.lines),
            "contigs": {name: asdict(counts) for name, counts in self.contigs.items()},
            "skipped": self.skipped,
            "other_contigs": self.other_contigs,
            "rejected": self.rejected,
            "alleles": self.alleles,
            "pieces": self.pieces,
            "consequences": self.consequences,
            "annotations": self.annotations,
            "crowded_genes": self.crowded_genes,
            "frequencies": self.frequencies,
            "rows": self.rows,
            "quality": [one.to_json() for one in self.quality],
            **self.family,
            "provenance": asdict(self.provenance),
            "warnings": list(self.warnings),
        }
