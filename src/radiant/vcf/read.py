"""How a chunk of a file is read: the whole way from text to rows, on this page.

    chunk ──▶ fast path ──▶ lines that it reads ──▶ rows, counts ──┐
                 │                                                 ├──▶ rows in the file's order, totals, state
                 └── fallback: the other lines ──▶ rules ──────────┘

The fast path reads many lines at once, with arrays; the rules read one line at a time. Both give the same rows. A file
is a loop over `read_chunk` (`case.py`); several processes read shards of it, each a loop, whose results are merged
(`shards.py`). With `ReadOptions(fast=False)` every line is left to the rules: what the fast path is compared with.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from radiant.domain.tables import CASE_TABLES
from radiant.vcf.fallback import FallbackRows, add_recent_alleles, read_fallback
from radiant.vcf.fast.fallback_reason import FallbackReason
from radiant.vcf.fast.lines import FastLines
from radiant.vcf.fast.locus_columns import Loci, Stretch
from radiant.vcf.fast_totals import count_kept, count_lines
from radiant.vcf.findings import Finding
from radiant.vcf.plan import ReadPlan
from radiant.vcf.rows.compound_het import PairsInColumns, candidate_rows
from radiant.vcf.rows.fast_rows import FastRows
from radiant.vcf.rows.quarantine import quarantine_rows
from radiant.vcf.rows.splice import RowTable, spliced
from radiant.vcf.rules.sequence import AlleleKey, Duplicates, ReadState
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.totals import ReadTotals


@dataclass(frozen=True, slots=True)
class ChunkFailure:
    """Why no further line is read."""

    line: int
    """Index in the chunk of the line with which one line too many was rejected."""
    fatal: Finding | None
    """Set where the file is refused whatever is tolerated."""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What a chunk holds."""

    batches: list[tuple[str, pa.RecordBatch]]
    """Short name of the table, and its rows in the order of the file; none after a failure."""
    totals: ReadTotals
    """Of this chunk."""
    state: ReadState
    """For the lines after it."""
    stretches: list[Stretch]
    """Where its lines on primary chromosomes are."""
    head: set[AlleleKey]
    """Alleles near its beginning: those that a line before the chunk could have."""
    failure: ChunkFailure | None


def read_chunk(chunk: Chunk, state: ReadState, plan: ReadPlan) -> ChunkResult:
    """Read a chunk.

    Args:
        chunk: Whole lines.
        state: What the lines before it left; stays as it is.
        plan: What was decided before the first record.
    """
    before, state, totals = state, state.copy(), plan.no_totals()
    lines, rows = _read_fast(chunk, state, totals, plan)
    rest = read_fallback(chunk, lines, plan, state, totals)
    end = len(chunk) if rest.stopped_at is None else rest.stopped_at + 1
    stretches = _move_on(lines, before, state, end)
    state.contigs |= totals.counts.contigs.keys()
    if rest.stopped_at is not None:
        return ChunkResult([], totals, state, stretches, set(), ChunkFailure(rest.stopped_at, rest.fatal))
    _add_candidates(totals, rows, rest)
    tables = {} if rows is None else rows.tables
    found = {name: spliced(tables.get(name), rest.tables.get(name)) for name in CASE_TABLES}
    pieces = [] if rows is None else rows.pieces
    found["quarantine"] = quarantine_rows(plan.tables["quarantine"], chunk.first_line, [*pieces, *rest.findings], state)
    batches = [(name, batch) for name, batch in found.items() if batch is not None and batch.num_rows]
    return ChunkResult(batches, totals, state, stretches, _head(lines, stretches, state), None)


def _read_fast(chunk: Chunk, state: ReadState, totals: ReadTotals, plan: ReadPlan) -> tuple[FastLines, FastRows | None]:
    """Read and count the lines that the fast path can read; return all lines as it reads them, and the rows."""
    fast = plan.fast
    if fast is None:
        return FastLines.none_of(chunk, Loci.unknown(len(chunk)), FallbackReason.REQUESTED), None
    lines = fast.reader.read(chunk, state)
    count_lines(totals.counts, lines)
    if lines.kept is None:
        return lines, None
    rows = fast.rows.make(lines, lines.kept, everybody=not plan.header.samples)
    count_kept(totals, lines, lines.kept, rows, plan.header, fast.genotypes)
    return lines, rows


def _move_on(lines: FastLines, before: ReadState, state: ReadState, end: int) -> list[Stretch]:
    """Move the state on to the line before `end`; return the stretches up to there, none if lines are not in order.

    The fallback has moved the order on to its last line; the stretches start before the chunk and include its lines.
    """
    stretches = lines.loci.stretches(end)
    if stretches is None or not lines.in_order:
        return []
    state.order = before.order.copy()
    state.order.pass_over([(contig, last) for contig, _, last in stretches])
    add_recent_alleles(state.duplicates, lines, end)
    return stretches


def _add_candidates(totals: ReadTotals, rows: FastRows | None, rest: FallbackRows) -> None:
    """Add the candidates for pairs, in the order of their lines."""
    fast = None if rows is None else rows.candidates
    if fast is None:
        totals.pairs.add(rest.candidates)
        return
    slow = None
    if rest.candidates:
        slow = RowTable(candidate_rows(rest.candidates), np.array(rest.candidate_lines, dtype=np.int64))
    found = spliced(fast, slow)
    if found is not None and isinstance(totals.pairs, PairsInColumns):
        totals.pairs.add_columns(found)


def _head(lines: FastLines, stretches: list[Stretch], state: ReadState) -> set[AlleleKey]:
    """Return the alleles of kept lines near the chunk's first position, which a line before it may have."""
    head = state.duplicates.keys
    kept = lines.kept
    if kept is None or not stretches:
        return head
    contig, first, _ = stretches[0]
    code = lines.loci.names.index(contig)
    of = kept.alts.line[kept.stored]
    near = lines.ok[of] & (kept.contig[of] == code) & (kept.trimmed.start <= first + Duplicates.REACH)
    trimmed = kept.trimmed[near]
    chromosome = str(lines.loci.chromosomes[code])
    texts = zip(trimmed.start.tolist(), trimmed.ref.texts(), trimmed.alt.texts(), strict=True)
    return head | {(chromosome, *one) for one in texts}
