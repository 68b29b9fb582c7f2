r"""One bgzip file read by several processes: whole blocks go out in shards, rows and totals come back and are merged.

    file    | block | block | block | block | block | block | end |
    shards  |           0           |           1           |
    lines     .....\n.......\n...............\n....\n....      each line belongs to the shard it begins in

The parent process decompresses the first blocks of each shard, up to the first line break: what is before it is the end
of the line that began in the shard before, and goes there. Nothing else is decompressed twice.

A shard is read with a `ReadState` and `ReadTotals` of its own, its first line as number 1; `ShardedReader.merge` puts
them together in the file's order. That works for files without a fault. Everything else (a rejected line, an allele on
both sides of a border, damage, no end-of-file block) is a `NeedsOneReaderError`: one reader then reads the file again,
and its message says what is wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from mmap import MAP_PRIVATE, mmap
from operator import itemgetter
from typing import IO, TypeVar

import pyarrow as pa

from radiant.domain.case import Member
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError
from radiant.jobs.reading_progress import ReadSoFar
from radiant.vcf.case import finish, last_locus
from radiant.vcf.fast.locus_columns import Stretch
from radiant.vcf.header.declarations import read_header
from radiant.vcf.plan import ReadOptions, ReadPlan
from radiant.vcf.read import ChunkResult, read_chunk
from radiant.vcf.report import ImportReport, make_report
from radiant.vcf.rows.quarantine import MAX_PIECES_PER_RULE
from radiant.vcf.rows.splice import shaped
from radiant.vcf.rules.sequence import AlleleKey, Duplicates, ReadState
from radiant.vcf.schema import arrow_schema
from radiant.vcf.text.bgzf import EOF_BLOCK
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.text.fasta import missing_indices
from radiant.vcf.text.shard_text import NeedsOneReaderError, Shard, end_of_blocks, first_line, whole_lines
from radiant.vcf.text.source import Compression, Source
from radiant.vcf.text.whole_lines import TextMarks
from radiant.vcf.totals import ReadTotals

__all__ = ["NeedsOneReaderError", "Shard", "ShardReader", "ShardResult", "ShardedReader", "memory_for"]

_READ_BYTES = 256 << 10
_BLOCK_BYTES = 1 << 16
_LEAST_BYTES = 1 << 20
"""Of the last shards."""
_FIRST_LINE = 1

_T = TypeVar("_T")


@dataclass(slots=True)
class ShardResult:
    """What a shard holds, apart from its rows."""

    index: int
    totals: ReadTotals
    state: ReadState
    """After its last line, from an empty one before its first."""
    stretches: list[Stretch]
    """Where its lines on primary chromosomes are."""
    head: set[AlleleKey]
    """Alleles near its beginning."""
    quarantine: list[pa.RecordBatch]
    """Rows whose line numbers count from the shard's beginning."""
    marks: TextMarks
    size: int
    """Compressed bytes."""


# --- Reading a shard --------------------------------------------------------------------------------------------------


class ShardReader:
    """Reads shards of one file, in any order; it does not open the file itself."""

    def __init__(
        self, uri: str, members: Sequence[Member] | None, options: ReadOptions, header: Sequence[bytes]
    ) -> None:
        """Take the lines of the header, from `ShardedReader.header`."""
        self._plan = ReadPlan(uri, read_header(uri, enumerate(header, 1)), members, options)

    def read(self, shard: Shard, write: Callable[[str, pa.RecordBatch], None]) -> ShardResult:
        """Read a shard: a loop over `read_chunk`, as `CaseReader` is for a file.

        Args:
            shard: What to read.
            write: Takes the short name of a table and rows for it, those of quarantine apart.

        Raises:
            NeedsOneReaderError: see there.
        """
        plan, options = self._plan, self._plan.options
        result = ShardResult(shard.index, plan.no_totals(), ReadState(), [], set(), [], TextMarks(), len(shard.blocks))
        number = _FIRST_LINE
        for buffer in whole_lines(shard, options.chunk_bytes, result.marks):
            chunk = Chunk.of(number, buffer, plan.header.columns)
            found = read_chunk(chunk, result.state, plan)
            if found.totals.counts.total.rejected:
                raise NeedsOneReaderError
            _add_chunk(result, found)
            number += len(chunk)
            batches = found.batches
            del buffer, chunk, found  # what takes the rows needs the memory
            for name, batch in batches:
                for one in shaped(batch, plan.tables[name], options.batch_rows, dictionaries=options.dictionaries):
                    if name == "quarantine":
                        result.quarantine.append(one)
                    else:
                        result.totals.rows[name] += one.num_rows
                        write(name, one)
        return result


def _add_chunk(shard: ShardResult, chunk: ChunkResult) -> None:
    """Add the next chunk of a shard."""
    shard.totals.merge(chunk.totals)
    shard.state = chunk.state
    for name, low, high in chunk.stretches:
        if shard.stretches and shard.stretches[-1][0] == name:
            shard.stretches[-1] = (name, shard.stretches[-1][1], high)
        else:
            shard.stretches.append((name, low, high))
    if chunk.stretches:
        name, low, _ = shard.stretches[0]
        contig, here, _ = chunk.stretches[0]
        if contig == name and here <= low + Duplicates.REACH_OF_INDELS:
            shard.head |= chunk.head


# --- Cutting and merging ----------------------------------------------------------------------------------------------


class ShardedReader:
    """Cuts a file into shards, and merges their results."""

    def __init__(self, uri: str, members: Sequence[Member] | None, options: ReadOptions) -> None:
        """Read the header.

        Raises:
            RadiantError: as `CaseReader.batches` does for the header.
            NeedsOneReaderError: no bgzip file, a header with a fault, or a FASTA without an index, which each reader
                would build.
        """
        if options.fasta is not None and missing_indices(options.fasta):
            raise NeedsOneReaderError
        source = self._source = Source(uri)
        lines: list[tuple[int, bytes]] = []
        feed = source.feed(1 << 16).lines()
        self._plan = ReadPlan(uri, read_header(uri, _noted(feed, lines.append)), members, options)
        feed.close()
        if source.compression is not Compression.BGZF or source.is_bcf or source.marks.had_bom or source.marks.had_crlf:
            raise NeedsOneReaderError
        if self._plan.header.findings:
            raise NeedsOneReaderError
        self.header = [line for _, line in lines]
        """The lines of the header: what a `ShardReader` needs."""
        self._totals = self._plan.no_totals()
        self._state = ReadState()
        self._waiting: dict[int, ShardResult] = {}
        self._next = 0
        self._so_far = ReadSoFar(total_bytes=source.total_bytes)
        self._last = -1
        self._report: ImportReport | None = None

    @property
    def lines_read(self) -> int:
        """Data lines merged so far."""
        return self._totals.lines

    @property
    def so_far(self) -> ReadSoFar:
        """What has been read, with the shards that wait for earlier ones; the locus is that of the last one of all."""
        return self._so_far

    @property
    def fallback_lines(self) -> int:
        """Data lines so far that the fast path left to the rules."""
        return self._totals.fallback.lines

    @property
    def report(self) -> ImportReport:
        """The report, once `finish()` is exhausted.

        Raises:
            RadiantError: it is not.
        """
        if self._report is None:
            msg = f"{self._source.uri}: the report is there only once all shards were merged"
            raise RadiantError(msg)
        return self._report

    def shards(self, size: int, readers: int) -> Iterator[Shard]:
        """Yield the file's shards; every byte is hashed.

        Args:
            size: Compressed bytes of a shard, up to one block more; the last shards are smaller.
            readers: How many read at once: towards the end each gets less, so that none waits long for another.

        Raises:
            InputError: the file is gone.
            StorageError: the store does not answer, or the file was replaced since its header was read.
            NeedsOneReaderError: no bgzip file without a fault.
        """
        self._source.start_over()
        with self._source.open() as file:
            yield from self._cut(file, size, readers)

    def _cut(self, file: IO[bytes], size: int, readers: int) -> Iterator[Shard]:
        skip = self._plan.header.size
        index = 0
        blocks: memoryview | None = None
        for index, group in groupby(self._pieces(file, size, readers), itemgetter(0)):
            pieces = map(itemgetter(1), group)
            room = memory_for(size + _BLOCK_BYTES)
            if blocks is not None:
                tail, length = first_line(_noted(pieces, room.write))
                yield Shard(index - 1, blocks, skip, tail, last=not tail.endswith(b"\n"))
                skip = length
            for piece in pieces:
                room.write(piece)
            blocks = memoryview(room)[: room.tell()]
        if blocks is not None:
            yield Shard(index, blocks, skip, b"", last=True)

    def _pieces(self, file: IO[bytes], size: int, readers: int) -> Iterator[tuple[int, bytes]]:
        """Yield the index of a shard and whole blocks of it, all blocks of the file, as few at once as are read."""
        left = 0 if self._source.version is None else self._source.version.size
        wanted = _share(left, size, readers)
        index = have = 0
        piece = rest = b""
        while more := file.read(_READ_BYTES):
            self._source.note(more)
            data = rest + more
            at = 0
            while at < len(data):
                if have >= wanted:
                    index, left, have = index + 1, left - have, 0
                    wanted = _share(left, size, readers)
                end = end_of_blocks(data, at, wanted - have)
                if end == at:
                    break
                piece = data[at:end]
                yield index, piece
                have += end - at
                at = end
            rest = data[at:]
        if rest or not piece.endswith(EOF_BLOCK):
            raise NeedsOneReaderError

    def merge(self, result: ShardResult) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Take a result, in any order; yield the quarantine rows that are next in the file.

        Raises:
            NeedsOneReaderError: a line was rejected, records are out of order, or an allele comes twice.
        """
        self._note(result)
        self._waiting[result.index] = result
        while self._next in self._waiting:
            one = self._waiting.pop(self._next)
            self._next += 1
            if one.totals.counts.total.rejected or not _follows(self._state, one):
                raise NeedsOneReaderError
            pieces = Counter(self._state.pieces)
            for batch in one.quarantine:
                rows = _in_file(batch, self._plan.header.lines + self._totals.lines, pieces)
                if rows is not None:
                    self._totals.rows["quarantine"] += rows.num_rows
                    yield "quarantine", rows
            self._totals.merge(one.totals)
            self._state.merge(one.state)
            self._source.marks.merge(one.marks)

    def _note(self, result: ShardResult) -> None:
        before = self._so_far
        locus = last_locus(result.stretches) if result.index > self._last else None
        self._last = max(self._last, result.index)
        self._so_far = ReadSoFar(
            records=before.records + result.totals.lines,
            bytes_read=before.bytes_read + result.size,
            total_bytes=before.total_bytes,
            locus=locus or before.locus,
        )

    def finish(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Check the whole file and yield the rows that need all of it; the report is there afterwards.

        Raises:
            RadiantError: as `CaseReader.batches` does at the end.
        """
        plan, options = self._plan, self._plan.options
        for name, batch in finish(plan, self._source, self._totals):
            self._totals.rows[name] += batch.num_rows
            yield from (
                (name, one)
                for one in shaped(batch, plan.tables[name], options.batch_rows, dictionaries=options.dictionaries)
            )
        self._report = make_report(plan, self._source, self._totals)


def _follows(state: ReadState, shard: ShardResult) -> bool:
    """Return whether a shard's lines may follow those of a state: sorted, no allele twice, one contig a chromosome."""
    contigs = shard.state.contig_of.items()
    return (
        state.order.continues([(name, low) for name, low, _ in shard.stretches])
        and state.duplicates.keys.isdisjoint(shard.head)
        and all(state.contig_of.get(chromosome, contig) == contig for chromosome, contig in contigs)
    )


def _in_file(batch: pa.RecordBatch, lines: int, pieces: Counter[str]) -> pa.RecordBatch | None:
    """Give quarantine rows of a shard their line numbers in the file, and drop those that one reader would not write.

    Args:
        batch: Rows whose line numbers count from the shard's beginning.
        lines: Lines of the file before the shard.
        pieces: Pieces left out of these lines, by rule; the rows are added.
    """
    kept: list[dict[str, object]] = []
    for row in batch.to_pylist():
        pieces[row["rule"]] += 1
        if pieces[row["rule"]] <= MAX_PIECES_PER_RULE:
            kept.append({**row, "line": row["line"] + lines})
    return pa.RecordBatch.from_pylist(kept, schema=arrow_schema(CASE_TABLES["quarantine"])) if kept else None


def _share(left: int, size: int, readers: int) -> int:
    """Return the size of the next shard: half of what is left for each reader, within bounds."""
    return min(size, max(_LEAST_BYTES, left // (2 * readers)))


def memory_for(size: int) -> mmap:
    """Return memory to write to that the system has again as soon as nothing refers to it.

    On the heap, what else comes to lie between texts of this size would keep the room that they leave.
    """
    return mmap(-1, size, MAP_PRIVATE)


def _noted(items: Iterator[_T], note: Callable[[_T], object]) -> Iterator[_T]:
    """Yield items, and note those that were taken."""
    for item in items:
        note(item)
        yield item
