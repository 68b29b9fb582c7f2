"""A case's VCF becomes record batches: the straightforward reader, one line at a time.

`bulk.reader` gives the same faster; this is where the rules can be read, and what the tests compare with.

It streams: memory is the rows of one batch per table. Rows come in the file's order, which must be sorted.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata

import pyarrow as pa

from radiant.domain.assembly import CHROMOSOMES, assembly_named, canonical_chromosome
from radiant.domain.case import Member
from radiant.domain.entry_columns import FREQUENCY_COLUMNS, IMPACT_SCORES
from radiant.domain.quality import QualityCounts
from radiant.errors import RadiantError, VcfFormatError, VcfTruncatedError
from radiant.vcf.alleles import AlleleError, Rule
from radiant.vcf.compound import CompoundHets, PairsOneByOne
from radiant.vcf.fasta import Fasta
from radiant.vcf.findings import BrokenRuleError, Finding
from radiant.vcf.genotypes import Zygosity
from radiant.vcf.header import FIXED_COLUMNS, Header, check_assembly, read_header
from radiant.vcf.info_map import DEFAULT, InfoOptions
from radiant.vcf.line import BEYOND_CONTIG, Line, LineReader
from radiant.vcf.people import Person, find_people
from radiant.vcf.record import TwoContigsError
from radiant.vcf.remarks import listed, remarks
from radiant.vcf.report import Counts, ImportReport, LineCounts, MemberQuality, Provenance
from radiant.vcf.schema import Rows
from radiant.vcf.source import Source

FIRST_REJECTED = 10
"""How many rejected lines the error names."""
LOOK_AHEAD_LINES = 10_000
"""How many more lines are read for them once the case has failed."""
MAX_PIECES_PER_RULE = 10_000
"""Quarantine rows for pieces of kept lines, per rule; all are counted."""
_OF_THE_REFERENCE = (Rule.REF_MISMATCH.value, Rule.CONTIG_NOT_IN_FASTA.value, BEYOND_CONTIG)
"""Rules that a line breaks when its variants were called against another reference."""
_BATCH_ROWS = 16_384
_BATCH_BYTES = 32 << 20
_CHUNK_BYTES = 8 << 20
_LONGEST_CONTIG = 40
"""A longer CHROM of a rejected line is not taken for a name."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read."""

    assembly: str = "GRCh38"
    """`GRCh38` or `GRCh37`."""
    tolerate: int = 0
    """Up to this many rejected data lines let the case through. 0 is strict; above 0, header lines that break a rule
    go to quarantine too, uncounted."""
    fasta: str | None = None
    """Path or URI of a reference FASTA on this machine: REF is checked, indels are left-aligned. See `fasta.Fasta`."""
    compound_het_impact: str = "MODERATE"
    """VEP impact from which two heterozygous alleles of a gene can be a pair: HIGH, MODERATE or LOW."""
    info: InfoOptions = DEFAULT
    """What frequencies are read from, and where INFO keys without a column go."""
    batch_rows: int = _BATCH_ROWS
    """A table's batch is handed out when it has this many rows (or the lines behind it 32 MiB of text)."""
    chunk_bytes: int = _CHUNK_BYTES
    """Text that is read at once, and more where a line is longer. Memory is about ten times as much."""
    owner: str = ""
    """What the file belongs to, `case:17`: it makes the ids of samples without a pedigree unique. Empty for none."""
    dictionaries: bool = False
    """Whether columns of repeating text may come as Arrow dictionary arrays, which are cheaper to write."""


class CaseReader:
    """Reads one file once."""

    _no_pairs: type[CompoundHets] = PairsOneByOne

    def __init__(self, uri: str, members: Sequence[Member] | None, options: ReadOptions) -> None:
        self._uri = uri
        self._members = None if members is None else tuple(members)
        self.options = options
        self._assembly = assembly_named(options.assembly)
        self.minimum_impact = IMPACT_SCORES[options.compound_het_impact]
        self.source = Source(uri)
        self.counts = Counts()
        self.tables = options.info.tables
        """The tables that rows are for, by short name."""
        self.rows = {name: Rows(table) for name, table in self.tables.items()}
        self._first_rejected: list[Finding] = []
        self._fatal: Finding | None = None
        self._text_bytes = 0
        self.quality: list[MemberQuality] = []
        self.family = QualityCounts(())
        self.pairs = self._no_pairs(())
        self._fasta: Fasta | None = None
        self._report: ImportReport | None = None

    @property
    def lines_read(self) -> int:
        """Data lines read so far."""
        return self.counts.total.read

    @property
    def failed(self) -> bool:
        """Whether one line too many was rejected, or one that fails the case whatever is tolerated."""
        return self._fatal is not None or self.counts.total.rejected > self.options.tolerate

    @property
    def report(self) -> ImportReport:
        """The report, once `batches()` is exhausted.

        Raises:
            RadiantError: it is not, or it ended with an error.
        """
        if self._report is None:
            msg = f"{self._uri}: the report is there only once all batches were read"
            raise RadiantError(msg)
        return self._report

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield (short name of the table, rows without `part` and `case_id`).

        A batch may come before an error: publish nothing until this is exhausted.

        Raises:
            VcfFormatError: the file breaks a rule of the specification, with the first ten rejected lines; or its
                contig lengths are another assembly's.
            VcfTruncatedError: the file is not whole.
            SampleMismatchError: a member is not a sample of the file.
            InputError: no such file, a folder, no permission.
            StorageError: the store does not answer.
        """
        lines = self.source.lines()
        reader = self._begin(lines)
        for number, raw in lines:
            self.take(reader, number, raw)
            yield from self._full_batches()
            if self.failed:
                self._look_ahead(reader, lines)
                raise VcfFormatError(self._rejection())
        yield from self._end(reader)
        yield from self._full_batches(everything=True)

    def _begin(self, lines: Iterator[tuple[int, bytes]]) -> LineReader:
        """Read the header and make what reads the data lines."""
        header = read_header(self._uri, lines)
        check_assembly(self._uri, header, self._assembly)
        people = find_people(self._uri, header.samples, self._members, len(FIXED_COLUMNS) + 1, self.options.owner)
        self.quality = [MemberQuality(person.member.is_proband) for person in people]
        self.family = QualityCounts([person.member for person in people])
        self.pairs = self._no_pairs(people)
        self._quarantine_header(header)
        if self.options.fasta is not None:
            self._fasta = Fasta(self.options.fasta, self._assembly.name)
        return LineReader(header, people, self._assembly, self._fasta, self.minimum_impact, self.options.info)

    def _end(self, reader: LineReader) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Check the whole file, yield the rows that need all of it, and make the report."""
        self._check_not_empty(reader.header)
        self._check_contigs(reader.header)
        for batch in self.pairs.batches(self.minimum_impact, self.options.batch_rows):
            self.rows["compound_het"].written += batch.num_rows
            yield "compound_het", batch
        self._report = self._make_report(reader.header, reader.people, reader)

    # --- Lines --------------------------------------------------------------------------------------------------------

    def take(self, reader: LineReader, number: int, raw: bytes) -> None:
        """Read one data line into its bucket."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            text = raw.decode("utf-8", errors="replace")
            self._reject(number, text, "utf8", f"not UTF-8 at byte {error.start} of the line")
            return
        try:
            line = reader.read(number, text)
        except (BrokenRuleError, AlleleError) as error:
            if isinstance(error, TwoContigsError) and not self.failed:
                self._fatal = Finding(number, error.rule, str(error), record_kept=False, text=text)
            self._reject(number, text, str(error.rule), str(error))
            return
        contig = text.partition("\t")[0]
        self.counts.line(contig, line.bucket)
        self.counts.structural.update(line.structural)
        if line.bucket == "skipped":
            self.counts.skipped[line.reason] += 1
            if line.reason == "contig":
                self.counts.other_contigs[contig] += 1
            return
        self._text_bytes += len(raw)
        self._store(number, line)

    def _store(self, number: int, line: Line) -> None:
        for index, zygosity, change, row in line.occurrences:
            self.rows["occurrence"].add(*row)
            _count_quality(self.quality[index], zygosity, change)
        for row in line.variants:
            self.rows["variant"].add(*row)
            self.counts.frequencies.update(
                column for column in FREQUENCY_COLUMNS if any(part.get(column) is not None for part in row)
            )
        for row in line.consequences:
            self.rows["consequence"].add(*row)
        for index, candidate in line.pair_candidates:
            self.pairs.add(index, candidate)
        if line.site is not None:
            site = line.site
            self.family.add(site.chromosome, site.region, site.variant_type, site.calls, passing=site.passing)
        self.counts.alleles.update(line.alleles)
        self.counts.consequences.update(line.entries)
        self.counts.annotations.update(line.annotations)
        for piece in line.pieces:
            rule = str(piece.rule)
            self.counts.pieces[rule] += 1
            if self.counts.pieces[rule] <= MAX_PIECES_PER_RULE:
                finding = Finding(number, rule, piece.message, record_kept=True, text=piece.text)
                self.rows["quarantine"].add(finding.row())

    def _reject(self, number: int, text: str, rule: str, message: str) -> None:
        contig = text.partition("\t")[0]
        self.counts.line(contig if contig in self.counts.contigs else _short(contig), "rejected")
        self.counts.rejected[rule] += 1
        finding = Finding(number, rule, message, record_kept=False, text=text)
        if len(self._first_rejected) < FIRST_REJECTED:
            self._first_rejected.append(finding)
        self.rows["quarantine"].add(finding.row())

    def _look_ahead(self, reader: LineReader, lines: Iterator[tuple[int, bytes]]) -> None:
        """Read on for up to ten rejected lines, so that a person can mend them at once."""
        if self._fatal is not None:
            return
        for number, raw in itertools.islice(lines, LOOK_AHEAD_LINES):
            if len(self._first_rejected) >= FIRST_REJECTED:
                return
            self.take(reader, number, raw)
            for rows in self.rows.values():
                rows.clear()

    def _rejection(self) -> str:
        if self._fatal is not None:
            return f"{self._uri}, line {self._fatal.line}: {self._fatal.message} [{self._fatal.rule}]"
        listed = "\n".join(f"  line {one.line}: {one.message} [{one.rule}]" for one in self._first_rejected)
        count = self.counts.total.rejected + self.counts.rejected["header"]
        return (
            f"{self._uri}: {count} or more lines break a rule of the VCF format, "
            f"{self.options.tolerate} are tolerated. The first:\n{listed}\n{self._remedy()}"
        )

    def _remedy(self) -> str:
        """Return what to do about rejected lines: another reference is no fault of a few lines."""
        if not any(self.counts.rejected[rule] for rule in _OF_THE_REFERENCE):
            return (
                "Correct the file, or let a few such lines through with --tolerate N (RADIANT_VCF__TOLERATE): they "
                "then go to quarantine and are not imported"
            )
        fasta = ("", "") if self._fasta is None else (f", and the FASTA {self._fasta.uri}", " and the FASTA")
        return (
            "Lines contradict the reference: most likely the variants were called against another one than "
            f"{self._assembly.name}{fasta[0]}. Set the case's assembly{fasta[1]} to what they were called against; the "
            "positions of the other lines would be wrong, too"
        )

    def _quarantine_header(self, header: Header) -> None:
        for finding in header.findings:
            self.counts.rejected["header"] += 1
            self.rows["quarantine"].add(finding.row())
            if len(self._first_rejected) < FIRST_REJECTED:
                self._first_rejected.append(finding)
        if header.findings and self.options.tolerate == 0:
            raise VcfFormatError(self._rejection())

    def _full_batches(self, *, everything: bool = False) -> Iterator[tuple[str, pa.RecordBatch]]:
        full = everything or self._text_bytes >= _BATCH_BYTES
        for name, rows in self.rows.items():
            if full or len(rows) >= self.options.batch_rows:
                batch = rows.take()
                if batch is not None:
                    yield name, batch
        if full:
            self._text_bytes = 0

    # --- The whole file -----------------------------------------------------------------------------------------------

    def _check_not_empty(self, header: Header) -> None:
        """Tell an empty file from one that lost its records.

        The trailer of bgzip or gzip proves that an empty file is meant; bare text that stops after its header is what
        a caller leaves behind when it dies.
        """
        if self.lines_read or not header.samples or self.source.proven_complete:
            return
        msg = (
            f"{self._uri}, line {header.lines}: the file has samples but no records, and nothing proves that it is "
            "whole. If it is meant to be empty, compress it with bgzip, whose end-of-file block proves it"
        )
        raise VcfTruncatedError(msg)

    def _check_contigs(self, header: Header) -> None:
        """Refuse a file of which no line is on a primary chromosome: its names are not ours, not its content."""
        counts = self.counts
        if self.lines_read == 0 or counts.skipped["contig"] < self.lines_read:
            return
        first = 1 if self.source.is_bcf else header.lines + 1
        msg = (
            f"{self._uri}, line {first}: from here on none of its {self.lines_read} records is on a chromosome known "
            f"here (1 to 22, X, Y, M, with or without chr); its contigs are {listed(counts.other_contigs)}. Rename "
            "them, for example with bcftools annotate --rename-chrs"
        )
        raise VcfFormatError(msg)

    def _make_report(self, header: Header, people: Sequence[Person], reader: LineReader) -> ImportReport:
        counts = self.counts
        source = self.source
        format_ = reader.consequence_format
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
            crowded_genes=self.pairs.crowded,
            frequencies={
                column: {"rows": counts.frequencies[column], "sources": reader.sources_of(column)}
                for column in FREQUENCY_COLUMNS
            },
            rows={name: rows.written + len(rows) for name, rows in self.rows.items()},
            quality=tuple(self.quality),
            family=self.family.to_json(),
            provenance=Provenance(
                vcf_uri=self._uri,
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
                assembly=self._assembly.name,
                assembly_checked=header.has_lengths,
                radiant_version=metadata.version("radiant"),
            ),
            warnings=(
                *remarks(source, header, reader, counts, len(people)),
                *([self._fasta.warning] if self._fasta is not None and self._fasta.warning is not None else []),
                *self.family.uncalled(),
                *self.family.warnings(),
                *self.pairs.warnings(),
            ),
        )


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


def _karyotype(contig: tuple[str, LineCounts]) -> tuple[int, str]:
    """Sort contigs as a karyotype does, those outside the primary set behind it by name."""
    chromosome = canonical_chromosome(contig[0])
    return (len(CHROMOSOMES) if chromosome is None else CHROMOSOMES.index(chromosome)), contig[0]
