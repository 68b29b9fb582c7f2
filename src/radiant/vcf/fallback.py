"""Lines that the fast path leaves: the rules read each by itself, in the order of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from radiant.domain.columns import Table as TableDeclaration
from radiant.vcf.fast.lines import FastLines
from radiant.vcf.findings import BrokenRuleError, Finding, Piece
from radiant.vcf.plan import ReadPlan
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.rules.line import Line
from radiant.vcf.rules.pair_candidates import Candidate
from radiant.vcf.rules.sequence import TWO_CONTIGS, Duplicates, ReadState
from radiant.vcf.schema import Rows
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.totals import ReadTotals


@dataclass(slots=True)
class FallbackRows:
    """The rows of the lines of one chunk that the rules read."""

    tables: dict[str, RowTable] = field(default_factory=dict[str, RowTable])
    """By short name; without quarantine."""
    findings: list[tuple[int, Finding | Piece]] = field(default_factory=list[tuple[int, Finding | Piece]])
    """Rejected lines, and pieces left out of kept ones, each with its line."""
    candidates: list[tuple[int, Candidate]] = field(default_factory=list[tuple[int, Candidate]])
    """Candidates for compound heterozygous pairs, each with its member."""
    candidate_lines: list[int] = field(default_factory=list[int])
    """The line of each candidate."""
    stopped_at: int | None = None
    """The line with which one line too many was rejected; the lines after it are not read."""
    fatal: Finding | None = None
    """Why the file is refused whatever is tolerated."""


def read_line(plan: ReadPlan, number: int, raw: bytes, state: ReadState, totals: ReadTotals) -> Line | Finding:
    """Read one line and count it.

    Returns:
        What it holds, or why it is rejected.
    """
    text = raw.decode("utf-8", errors="replace")
    try:
        raw.decode("utf-8")
        line = plan.rules.read(number, text, state, totals.undeclared)
    except UnicodeDecodeError as error:
        rule, message = "utf8", f"not UTF-8 at byte {error.start} of the line"
    except BrokenRuleError as error:
        rule, message = str(error.rule), str(error)
    else:
        totals.add_line(text.partition("\t")[0], line)
        return line
    rejected = Finding(number, rule, message, record_kept=False, text=text)
    totals.reject_line(text.partition("\t")[0], rejected, state.contigs)
    state.rejected += 1
    return rejected


def read_fallback(chunk: Chunk, lines: FastLines, plan: ReadPlan, state: ReadState, totals: ReadTotals) -> FallbackRows:
    """Read the lines that the fast path leaves; none of them shares an allele with a line of the chunk that it reads.

    Args:
        chunk: The chunk.
        lines: The same as the fast path reads it.
        plan: How the file is read.
        state: Of the lines before the chunk; moved on to the last line that is read here.
        totals: Of the chunk; the lines are added.
    """
    found = FallbackRows()
    totals.fallback.lines += len(lines.fallback)
    totals.fallback.reasons.update(lines.reasons)
    builders = {name: _Builder(plan.tables[name]) for name in ("occurrence", "variant", "consequence")}
    for at in lines.fallback.tolist():
        line = read_line(plan, chunk.first_line + at, chunk.raw(at), state, totals)
        if isinstance(line, Finding) or line.pieces:
            totals.fallback.with_finding += 1
        if isinstance(line, Finding):
            found.findings.append((at, line))
            if line.rule == TWO_CONTIGS:
                found.fatal = line
            if found.fatal is not None or state.rejected > plan.options.tolerate:
                found.stopped_at = at
                return found
            continue
        _add_rows(builders, at, line)
        found.findings += [(at, piece) for piece in line.pieces]
        found.candidates += line.pair_candidates
        found.candidate_lines += [at] * len(line.pair_candidates)
    found.tables = {name: table for name, one in builders.items() if (table := one.table()) is not None}
    return found


def add_recent_alleles(duplicates: Duplicates, lines: FastLines, end: int) -> None:
    """Add the alleles of the fast path's lines just before a line of the chunk, which those after it may have again.

    Args:
        duplicates: Where they go.
        lines: Of the chunk.
        end: Index of the line.
    """
    kept, loci = lines.kept, lines.loci
    here = np.flatnonzero(loci.primary[:end])
    if kept is None or not len(here):
        return
    contig, last = int(loci.contig[here[-1]]), int(loci.pos[here[-1]])
    before = lines.ok & (kept.lines < end) & (kept.contig == contig)
    of = kept.alts.line[kept.stored]
    reach = np.where(kept.trimmed.is_indel, Duplicates.REACH_OF_INDELS, Duplicates.REACH)
    some = np.flatnonzero(before[of] & (kept.trimmed.start >= last - reach))
    alleles = kept.trimmed[some]
    keys = zip(alleles.start.tolist(), alleles.ref.texts(), alleles.alt.texts(), strict=True)
    numbers = (lines.chunk.first_line + kept.lines[of[some]]).tolist()
    for key, number in zip(keys, numbers, strict=True):
        duplicates.add(str(loci.chromosomes[contig]), [key], number)


class _Builder:
    """Rows of one table with the line of each; as objects only a few at once, which the processor's cache holds."""

    _MOST_OBJECTS = 500

    def __init__(self, table: TableDeclaration) -> None:
        self._rows = Rows(table)
        self._batches: list[pa.RecordBatch] = []
        self._lines: list[int] = []

    def add(self, line: int, *parts: Mapping[str, object]) -> None:
        """Add a row, given in parts."""
        self._rows.add(*parts)
        self._lines.append(line)
        if len(self._rows) >= self._MOST_OBJECTS:
            self._take()

    def _take(self) -> None:
        batch = self._rows.take()
        if batch is not None:
            self._batches.append(batch)

    def table(self) -> RowTable | None:
        """Return the rows, None without any."""
        self._take()
        if not self._batches:
            return None
        return RowTable(pa.concat_batches(self._batches), np.array(self._lines, dtype=np.int64))


def _add_rows(builders: Mapping[str, _Builder], at: int, line: Line) -> None:
    for *_, row in line.occurrences:
        builders["occurrence"].add(at, *row)
    for row in line.variants:
        builders["variant"].add(at, *row)
    for row in line.consequences:
        builders["consequence"].add(at, *row)
