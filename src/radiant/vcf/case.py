"""A case's VCF or BCF becomes record batches, a chunk at a time.

Memory is that of one chunk and its rows. Rows come in the file's order, which must be sorted.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import pyarrow as pa

from radiant.domain.case import Member
from radiant.errors import RadiantError, VcfFormatError, VcfTruncatedError
from radiant.jobs.reading_progress import ReadSoFar
from radiant.vcf.fallback import read_line
from radiant.vcf.fast.locus_columns import Stretch
from radiant.vcf.findings import Rule
from radiant.vcf.header.declarations import read_header
from radiant.vcf.plan import ReadOptions, ReadPlan, rejection
from radiant.vcf.read import ChunkResult, read_chunk
from radiant.vcf.report import ImportReport, make_report
from radiant.vcf.report_warnings import listed
from radiant.vcf.rows.splice import shaped
from radiant.vcf.rules.line import BEYOND_CONTIG
from radiant.vcf.rules.sequence import ReadState
from radiant.vcf.schema import Rows
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.text.source import Source
from radiant.vcf.totals import FIRST_REJECTED, ReadTotals
from radiant.vcf.vector.slices import Buffer

LOOK_AHEAD_LINES = 10_000
"""Lines that are read after a failure, to name the first rejected lines together."""
_OF_THE_REFERENCE = (Rule.REF_MISMATCH.value, Rule.CONTIG_NOT_IN_FASTA.value, BEYOND_CONTIG)
"""Rules that a line breaks when its variants were called against another reference."""


def read_case(uri: str, members: Sequence[Member] | None, options: ReadOptions) -> "CaseReader":
    """Make a reader of a case's VCF or BCF; nothing is opened yet.

    Args:
        uri: Where the file is.
        members: The case's members; None makes every sample of the file a member of its own.
        options: How to read.
    """
    return CaseReader(uri, members, options)


class CaseReader:
    """Reads one file once: a loop over `read_chunk`."""

    def __init__(self, uri: str, members: Sequence[Member] | None, options: ReadOptions) -> None:
        self._members = None if members is None else tuple(members)
        self._options = options
        self._source = Source(uri)
        self._totals: ReadTotals | None = None
        self._report: ImportReport | None = None
        self._locus: tuple[str, int] | None = None
        self.tables = options.info.tables
        """The tables that rows are for, by short name."""

    @property
    def lines_read(self) -> int:
        """Data lines read so far."""
        return 0 if self._totals is None else self._totals.lines

    @property
    def so_far(self) -> ReadSoFar:
        """What has been read."""
        return ReadSoFar(self.lines_read, self._source.bytes_of_lines, self._source.total_bytes, self._locus)

    @property
    def fallback_lines(self) -> int:
        """Data lines so far that the fast path left to the rules."""
        return 0 if self._totals is None else self._totals.fallback.lines

    @property
    def report(self) -> ImportReport:
        """The report, once `batches()` is exhausted.

        Raises:
            RadiantError: it is not, or it ended with an error.
        """
        if self._report is None:
            msg = f"{self._source.uri}: the report is there only once all batches were read"
            raise RadiantError(msg)
        return self._report

    def batches(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield (short name of the table, rows without `part` and `case_id`).

        With `ReadOptions.dictionaries`, columns of text that repeat are dictionary arrays. A batch may come before an
        error: publish nothing until this is exhausted.

        Raises:
            VcfFormatError: the file breaks a rule of the specification, with the first ten rejected lines; or its
                contig lengths are another assembly's.
            VcfTruncatedError: the file is not whole.
            SampleMismatchError: a member is not a sample of the file.
            InputError: no such file, a folder, no permission.
            StorageError: the store does not answer.
        """
        source = self._source
        feed = source.feed(self._options.chunk_bytes)
        plan = ReadPlan(source.uri, read_header(source.uri, feed.lines()), self._members, self._options)
        totals = self._totals = plan.no_totals()
        state = ReadState()
        yield from _counted(totals, plan, reject_header(plan, totals))
        for first_line, text in feed.pieces():
            chunk = Chunk.of(first_line, Buffer.of(text), plan.header.columns)
            del text  # the chunk has its own
            result = read_chunk(chunk, state, plan)
            state = result.state
            totals.merge(result.totals)
            self._locus = last_locus(result.stretches) or self._locus
            if result.failure is not None:
                after = range(result.failure.line + 1, len(chunk))
                rest = chain(((first_line + line, chunk.raw(line)) for line in after), feed.lines())
                raise VcfFormatError(_failure_message(plan, result, totals, rest))
            batches = result.batches
            del chunk, result  # what takes the rows needs the memory
            yield from _counted(totals, plan, batches)
        yield from _counted(totals, plan, finish(plan, source, totals))
        self._report = make_report(plan, source, totals)


def last_locus(stretches: Sequence[Stretch]) -> tuple[str, int] | None:
    """Return contig and position of the last line on a primary chromosome; None where there is none."""
    return (stretches[-1][0], stretches[-1][2]) if stretches else None


def _counted(
    totals: ReadTotals, plan: ReadPlan, batches: Iterable[tuple[str, pa.RecordBatch]]
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Bring batches into the form that the options ask for, and count their rows."""
    options = plan.options
    for name, batch in batches:
        totals.rows[name] += batch.num_rows
        for one in shaped(batch, plan.tables[name], options.batch_rows, dictionaries=options.dictionaries):
            yield name, one


def reject_header(plan: ReadPlan, totals: ReadTotals) -> list[tuple[str, pa.RecordBatch]]:
    """Count the rejected lines of the header, and return their quarantine rows."""
    totals.reject_header(plan.header.findings)
    rows = Rows(plan.tables["quarantine"])
    for finding in plan.header.findings:
        rows.add(finding.row())
    batch = rows.take()
    return [] if batch is None else [("quarantine", batch)]


# --- The whole file ---------------------------------------------------------------------------------------------------


def finish(plan: ReadPlan, source: Source, totals: ReadTotals) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Check a file that was read to its end, and yield the rows that need all of it: compound heterozygous pairs.

    Raises:
        VcfTruncatedError: no records, and nothing proves that the file is whole.
        VcfFormatError: no line is on a primary chromosome, or no member has a genotype on any line.
    """
    _check_not_empty(plan, source, totals)
    _check_contigs(plan, source, totals)
    _check_called(source, totals)
    for batch in totals.pairs.batches(plan.minimum_impact, plan.options.batch_rows):
        yield "compound_het", batch


def _check_not_empty(plan: ReadPlan, source: Source, totals: ReadTotals) -> None:
    """Refuse a file without records unless something proves that it is whole.

    The trailer of bgzip or gzip proves it. A caller that dies leaves bare text that stops after the header.
    """
    if totals.lines or not plan.header.samples or source.proven_complete:
        return
    msg = (
        f"{source.uri}, line {plan.header.lines}: the file has samples but no records, and nothing proves that it is "
        "whole. If it is meant to be empty, compress it with bgzip, whose end-of-file block proves it"
    )
    raise VcfTruncatedError(msg)


def _check_contigs(plan: ReadPlan, source: Source, totals: ReadTotals) -> None:
    """Refuse a file of which no line is on a primary chromosome: it names its contigs in another way."""
    counts, lines = totals.counts, totals.lines
    if lines == 0 or counts.skipped["contig"] < lines:
        return
    first = 1 if source.is_bcf else plan.header.lines + 1
    msg = (
        f"{source.uri}, line {first}: from here on none of its {lines} records is on a chromosome known "
        f"here (1 to 22, X, Y, M, with or without chr); its contigs are {listed(counts.other_contigs)}. Rename "
        "them, for example with bcftools annotate --rename-chrs"
    )
    raise VcfFormatError(msg)


def _check_called(source: Source, totals: ReadTotals) -> None:
    """Refuse a file in which no member of the case has a called genotype: it would be a case without variants.

    Such a case reads like one in which nothing was found, and nothing was looked for.
    """
    lines = totals.family.lines_without_any_call()
    if not lines:
        return
    msg = (
        f"{source.uri}: no member of the case has a called GT on any of the {lines:,} lines that were read, so "
        "nothing would be imported. A somatic caller writes no GT, and a sample that failed has ./. everywhere: use "
        "the file of a germline caller, or call the samples again"
    )
    raise VcfFormatError(msg)


# --- A file that is refused -------------------------------------------------------------------------------------------


def _failure_message(plan: ReadPlan, result: ChunkResult, totals: ReadTotals, rest: Iterator[tuple[int, bytes]]) -> str:
    """Return the message for a file whose reading stopped; `rest` are the lines after the one it stopped at."""
    if result.failure is not None and (fatal := result.failure.fatal) is not None:
        return f"{plan.uri}, line {fatal.line}: {fatal.message} [{fatal.rule}]"
    found = _look_ahead(plan, result.state, totals, rest)
    rejected = totals.counts.rejected + found.counts.rejected
    count = sum(rejected.values())
    first = [*totals.first_rejected, *found.first_rejected][:FIRST_REJECTED]
    remedy = _other_reference(plan) if any(rejected[rule] for rule in _OF_THE_REFERENCE) else None
    return rejection(plan.uri, plan.options.tolerate, count, first, remedy)


def _look_ahead(plan: ReadPlan, state: ReadState, totals: ReadTotals, lines: Iterator[tuple[int, bytes]]) -> ReadTotals:
    """Read on until ten rejected lines are known, so that all of them can be corrected at once; return their totals."""
    state, found = state.copy(), plan.no_totals()
    for number, raw in itertools.islice(lines, LOOK_AHEAD_LINES):
        if len(totals.first_rejected) + len(found.first_rejected) >= FIRST_REJECTED:
            break
        read_line(plan, number, raw, state, found)
    return found


def _other_reference(plan: ReadPlan) -> str:
    """Return what to do about lines that contradict the reference: to correct a few lines is no remedy."""
    fasta = ("", "") if plan.fasta is None else (f", and the FASTA {plan.fasta.uri}", " and the FASTA")
    return (
        "Lines contradict the reference: most likely the variants were called against another one than "
        f"{plan.assembly.name}{fasta[0]}. Set the case's assembly{fasta[1]} to what they were called against; the "
        "positions of the other lines would be wrong, too"
    )
