"""The import report: where every line of the file went, and what the numbers say about its quality."""

from dataclasses import asdict, dataclass
from importlib import metadata

from radiant.domain.assembly import CHROMOSOMES, canonical_chromosome
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.errors import RadiantError
from radiant.vcf.plan import ReadPlan
from radiant.vcf.report_warnings import listed, remarks
from radiant.vcf.text.source import Source
from radiant.vcf.totals import FallbackCounts, LineCounts, MemberQuality, ReadTotals


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


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of reading one file. Complete when the reader is exhausted."""

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
    frequencies: dict[str, object]
    """By frequency column: `rows`, how many variant rows have a value, and `sources`, what the header declares that it
    is read from (`CSQ gnomADe_AF`, `INFO EXACAF`), the first one first."""
    fallback: FallbackCounts
    """Lines that the rules read one at a time, and why. How a file is cut for reading changes them by a few lines."""
    rows: dict[str, int]
    """Rows by table."""
    quality: tuple[MemberQuality, ...]
    """In the order of the members."""
    family: dict[str, object]
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

    @property
    def fallback_note(self) -> str | None:
        """How many lines the rules read one at a time and why, for the log; None for none."""
        found = self.fallback
        if not found.lines:
            return None
        return (
            f"{found.lines} of {self.lines.read} lines were read one at a time, which takes longer and changes no row; "
            f"{found.with_finding} of them have a finding; by what the fast path does not read: {listed(found.reasons)}"
        )

    def to_json(self) -> dict[str, object]:
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
            "fallback": self.fallback.to_json(),
            "rows": self.rows,
            "quality": [one.to_json() for one in self.quality],
            **self.family,
            "provenance": asdict(self.provenance),
            "warnings": list(self.warnings),
        }


def make_report(plan: ReadPlan, source: Source, totals: ReadTotals) -> ImportReport:
    """Return the report of a file that was read to its end.

    Args:
        plan: What was decided before its first record.
        source: The file.
        totals: Of the whole file, all rows included.
    """
    counts, header, format_ = totals.counts, plan.header, plan.consequence_format
    return ImportReport(
        lines=counts.total,
        contigs=dict(sorted(counts.contigs.items(), key=_karyotype)),
        skipped=dict(sorted(counts.skipped.items())),
        other_contigs=dict(sorted(counts.other_contigs.items())),
        rejected=dict(sorted(counts.rejected.items())),
        alleles=dict(sorted(counts.alleles.items())),
        pieces=dict(sorted(counts.pieces.items())),
        consequences=dict(sorted(counts.consequences.items())),
        annotations=dict(sorted(counts.annotations.items())),
        crowded_genes=totals.pairs.crowded,
        frequencies={
            column: {"rows": counts.frequencies[column], "sources": plan.sources_of(column)}
            for column in FREQUENCY_COLUMNS
        },
        fallback=totals.fallback,
        rows={name: totals.rows[name] for name in plan.tables},
        quality=tuple(totals.quality),
        family=totals.family.to_json(),
        provenance=Provenance(
            vcf_uri=source.uri,
            vcf_size=source.size,
            vcf_sha256=source.sha256,
            compression=source.compression.value,
            format="BCF" if source.is_bcf else "VCF",
            fileformat=f"VCFv4.{header.minor}",
            header_sha256=header.sha256,
            caller=header.caller,
            vep_version=header.vep_version,
            annotator=None if format_ is None else format_.annotator.value,
            annotator_version=None if format_ is None else header.annotators.get(format_.annotator.value),
            annotation_key=None if format_ is None else format_.tag,
            assembly=plan.assembly.name,
            assembly_checked=header.has_lengths,
            radiant_version=metadata.version("radiant"),
        ),
        warnings=(
            *remarks(source, plan, totals),
            *([plan.fasta.warning] if plan.fasta is not None and plan.fasta.warning is not None else []),
            *totals.family.uncalled(),
            *totals.family.warnings(),
            *totals.pairs.warnings(),
        ),
    )


def _karyotype(contig: tuple[str, LineCounts]) -> tuple[int, str]:
    """Sort contigs as a karyotype does, those outside the primary set after it by name."""
    chromosome = canonical_chromosome(contig[0])
    return (len(CHROMOSOMES) if chromosome is None else CHROMOSOMES.index(chromosome)), contig[0]
