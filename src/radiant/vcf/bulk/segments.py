r"""One bgzip file read by several processes: whole blocks go out in segments, rows and counts come back in order.

    file      | block | block | block | block | block | block | end |
    segments  |           0           |           1           |
    lines       .....\n.......\n...............\n....\n....      each line belongs to the segment it begins in

Who hands out the segments decompresses the first blocks of each, up to the first line break: what is before it is the
end of the line that began in the segment before, and goes there. Nothing else is decompressed twice.

Several readers know less than one: a line's number, what the lines before a segment were. So this is for files
without a fault. Whatever is odd (a rejected line, an allele on both sides of a border, damage, no end-of-file block) is
a `NeedsOneReaderError`: the file is then read again by one reader, which finds the words for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from mmap import MAP_PRIVATE, mmap
from operator import itemgetter
from typing import IO, TypeVar

import pyarrow as pa

from radiant.domain.case import Member
from radiant.domain.quality import QualityCounts
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError
from radiant.vcf.bulk.chunks import Chunk
from radiant.vcf.bulk.pairs import BulkPairs
from radiant.vcf.bulk.plain import PlainReader
from radiant.vcf.bulk.reader import BulkReader, ChunkWork
from radiant.vcf.bulk.segment_text import (
    NeedsOneReaderError,
    Segment,
    TextMarks,
    end_of_blocks,
    first_line,
    whole_lines,
)
from radiant.vcf.bulk.tables import TableMaker
from radiant.vcf.compound import CompoundHets
from radiant.vcf.line import LineReader
from radiant.vcf.reader import MAX_PIECES_PER_RULE, ReadOptions
from radiant.vcf.record import Duplicates, Order
from radiant.vcf.report import Counts, MemberQuality
from radiant.vcf.schema import arrow_schema
from radiant.vcf.source import EOF_BLOCK, Compression

_READ_BYTES = 256 << 10
_BLOCK_BYTES = 1 << 16
_LEAST_BYTES = 1 << 20
"""Of the last segments."""
_FIRST_LINE = 1
"""Lines of a segment count from here; whoever merges knows what came before."""


_T = TypeVar("_T")


@dataclass(slots=True)
class Answer:
    """What a segment held, apart from its rows."""

    index: int
    lines: int
    """Data lines."""
    alone: int
    counts: Counts
    quality: list[MemberQuality]
    family: QualityCounts
    pairs: CompoundHets
    undeclared_info: dict[str, int]
    undeclared_formats: set[str]
    undeclared_filters: set[str]
    quarantine: list[pa.RecordBatch]
    rows: dict[str, int]
    stretches: list[tuple[str, int, int]]
    """Contig, first and last position of each stretch of records."""
    head: set[tuple[str, int, str, str]]
    """Alleles near its beginning."""
    tail: set[tuple[str, int, str, str]]
    """Alleles near its end."""
    text: TextMarks = field(default_factory=TextMarks)
    spelling: dict[str, str] = field(default_factory=dict[str, str])
    """The contig of each chromosome."""


# --- Handing out and merging ------------------------------------------------------------------------------------------


class SplitReader(BulkReader):
    """Hands out a file's segments and puts together what comes back."""

    def __init__(self, uri: str, members: Sequence[Member] | None, options: ReadOptions) -> None:
        super().__init__(uri, members, options)
        self._reader: LineReader | None = None
        self._waiting_answers: dict[int, Answer] = {}
        self._next = 0
        self._order = Order()
        self._tail: set[tuple[str, int, str, str]] = set()
        self._spelling: dict[str, str] = {}
        self._lines = 0
        self._pieces_seen: dict[str, int] = {}

    def read_header(self) -> list[bytes]:
        """Read the header and return its lines: what a `SegmentReader` must know.

        Raises:
            RadiantError: as `batches` does for the header.
            NeedsOneReaderError: no bgzip file, a header with a fault, or a FASTA, which one reader uses.
        """
        if self.options.fasta is not None:
            raise NeedsOneReaderError
        lines: list[tuple[int, bytes]] = []
        source, feed = self.source, self.source.feed(1 << 16).lines()
        self._reader = self._begin(_noted(feed, lines.append))
        feed.close()
        if source.compression is not Compression.BGZF or source.is_bcf or source.had_bom or source.had_crlf:
            raise NeedsOneReaderError
        if self._reader.header.findings:
            raise NeedsOneReaderError
        return [line for _, line in lines]

    def segments(self, size: int, readers: int) -> Iterator[Segment]:
        """Yield the file's segments, after `read_header`; every byte is hashed.

        Args:
            size: Compressed bytes of a segment, up to one block more; the last segments are smaller.
            readers: How many read at once: towards the end each gets less, so that none waits long for another.

        Raises:
            InputError: the file is gone.
            StorageError: the store does not answer, or the file was replaced since its header was read.
            NeedsOneReaderError: no bgzip file without a fault.
        """
        source = self.source
        self._lines = self._line_reader.header.lines
        source.start_over()
        with source.open() as file:
            yield from self._cut(file, size, readers)

    def _cut(self, file: IO[bytes], size: int, readers: int) -> Iterator[Segment]:
        skip = self._line_reader.header.size
        index = 0
        blocks: memoryview | None = None
        for index, group in groupby(self._pieces(file, size, readers), itemgetter(0)):
            pieces = map(itemgetter(1), group)
            room = memory_for(size + _BLOCK_BYTES)
            if blocks is not None:
                tail, length = first_line(_noted(pieces, room.write))
                yield Segment(index - 1, blocks, skip, tail, last=not tail.endswith(b"\n"))
                skip = length
            for piece in pieces:
                room.write(piece)
            blocks = memoryview(room)[: room.tell()]
        if blocks is not None:
            yield Segment(index, blocks, skip, b"", last=True)

    def _pieces(self, file: IO[bytes], size: int, readers: int) -> Iterator[tuple[int, bytes]]:
        """Yield the index of a segment and whole blocks of it, all blocks of the file, as few at once as are read."""
        left = 0 if self.source.version is None else self.source.version.size
        wanted = _share(left, size, readers)
        index = have = 0
        piece = rest = b""
        while more := file.read(_READ_BYTES):
            self.source.note(more)
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

    def add(self, answer: Answer) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Take what a segment held, in any order; yield the quarantine rows that are next in the file.

        Raises:
            NeedsOneReaderError: a line was rejected, records are out of order, or an allele comes twice.
        """
        self._waiting_answers[answer.index] = answer
        while self._next in self._waiting_answers:
            one = self._waiting_answers.pop(self._next)
            self._next += 1
            yield from self._merge(one)

    def _merge(self, one: Answer) -> Iterator[tuple[str, pa.RecordBatch]]:
        reader = self._line_reader
        if one.counts.total.rejected or not self._order.continues([(name, low) for name, low, _ in one.stretches]):
            raise NeedsOneReaderError
        if self._tail & one.head:
            raise NeedsOneReaderError
        if any(self._spelling.setdefault(chromosome, name) != name for chromosome, name in one.spelling.items()):
            raise NeedsOneReaderError
        self._order.pass_over([(name, high) for name, _, high in one.stretches])
        if one.stretches:
            self._tail = one.tail
        for batch in one.quarantine:
            yield from self._numbered(batch)
        self._lines += one.lines
        self.lines_alone += one.alone
        self.counts.merge(one.counts)
        for mine, other in zip(self.quality, one.quality, strict=True):
            mine.merge(other)
        self.family.merge(one.family)
        self.pairs.merge(one.pairs)
        for name, count in one.undeclared_info.items():
            reader.undeclared_info[name] = reader.undeclared_info.get(name, 0) + count
        reader.undeclared_formats |= one.undeclared_formats
        reader.undeclared_filters |= one.undeclared_filters
        for name, count in one.rows.items():
            self.rows[name].written += count
        self.source.had_crlf |= one.text.had_crlf
        self.source.ended_without_break |= one.text.ended_without_break
        self.source.ended_with_empty_lines |= one.text.ended_with_empty_lines

    def _numbered(self, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Give quarantine rows their line numbers in the file, and keep so many of a rule as one reader keeps."""
        rows = batch.to_pylist()
        kept: list[dict[str, object]] = []
        for row in rows:
            count = self._pieces_seen[row["rule"]] = self._pieces_seen.get(row["rule"], 0) + 1
            if count <= MAX_PIECES_PER_RULE:
                kept.append({**row, "line": row["line"] + self._lines})
        if kept:
            self.rows["quarantine"].written += len(kept)
            yield "quarantine", pa.RecordBatch.from_pylist(kept, schema=arrow_schema(CASE_TABLES["quarantine"]))

    @property
    def _line_reader(self) -> LineReader:
        if self._reader is None:
            msg = "read_header() was not called"
            raise RadiantError(msg)
        return self._reader

    def finish(self) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Check the whole file and yield the rows that need all of it; the report is there afterwards.

        Raises:
            RadiantError: as `batches` does at the end.
        """
        yield from self._shaped(self._end(self._line_reader))
        yield from self._shaped(self._waiting())


def _share(left: int, size: int, readers: int) -> int:
    """Return the size of the next segment: half of what is left for each reader, within bounds."""
    return min(size, max(_LEAST_BYTES, left // (2 * readers)))


def memory_for(size: int) -> mmap:
    """Return memory to write to that is the system's again as soon as nobody knows it.

    On the heap, what else comes to lie between texts of this size would keep the room that they leave.
    """
    return mmap(-1, size, MAP_PRIVATE)


def _noted(items: Iterator[_T], note: Callable[[_T], object]) -> Iterator[_T]:
    """Yield items, and note those that were taken."""
    for item in items:
        note(item)
        yield item


# --- Reading ----------------------------------------------------------------------------------------------------------


class SegmentReader(BulkReader):
    """Reads segments of one file, in any order; the file itself it does not open."""

    def __init__(
        self, uri: str, members: Sequence[Member] | None, options: ReadOptions, header: Sequence[bytes]
    ) -> None:
        """Know the header, from `SplitReader.read_header`."""
        super().__init__(uri, members, options)
        self._reader = self._begin(enumerate(header, 1))
        self._plain = PlainReader(
            self._reader.header,
            self._reader.people,
            self._assembly,
            self._reader.consequence_format,
            self._reader.spelling,
            self._reader.info_plan,
        )
        self._maker = TableMaker(self._reader.people, self._plain.genotypes, self._reader.consequence_format)
        self._answer: Answer | None = None

    def read(self, segment: Segment) -> Iterator[tuple[str, pa.RecordBatch]]:
        """Yield the rows of a segment, quarantine apart; then `answer` has the rest.

        Raises:
            NeedsOneReaderError: see there.
        """
        reader, people = self._reader, self._reader.people
        self.counts = Counts()
        self.quality = [MemberQuality(person.member.is_proband) for person in people]
        self.family = QualityCounts([person.member for person in people])
        self.pairs = BulkPairs(people)
        self.lines_alone = 0
        reader.order, reader.duplicates = Order(), Duplicates()
        reader.spelling.clear()
        reader.undeclared_info.clear()
        reader.undeclared_formats.clear()
        reader.undeclared_filters.clear()
        answer = Answer(
            segment.index, 0, 0, self.counts, self.quality, self.family, self.pairs, {}, set(), set(), [],
            dict.fromkeys(CASE_TABLES, 0), [], set(), set(),
        )  # fmt: skip
        number = _FIRST_LINE
        for buffer in whole_lines(segment, self.options.chunk_bytes, answer.text):
            chunk = Chunk.of(number, buffer, reader.header.columns)
            work = ChunkWork(self, reader, self._plain, self._maker, chunk)
            batches = work.run()
            if self.counts.total.rejected:
                raise NeedsOneReaderError
            _continue(answer, work)
            number += len(chunk)
            del buffer, chunk, work  # what takes the rows needs the memory
            for name, batch in self._shaped(batches):
                if name == "quarantine":
                    answer.quarantine.append(batch)
                else:
                    answer.rows[name] += batch.num_rows
                    yield name, batch
        answer.lines, answer.alone = number - _FIRST_LINE, self.lines_alone
        answer.tail = reader.duplicates.keys
        answer.spelling = dict(reader.spelling)
        answer.undeclared_info = dict(reader.undeclared_info)
        answer.undeclared_formats = set(reader.undeclared_formats)
        answer.undeclared_filters = set(reader.undeclared_filters)
        self._answer = answer

    @property
    def answer(self) -> Answer:
        """What the segment held that was read last."""
        if self._answer is None:
            msg = "no segment was read"
            raise RadiantError(msg)
        return self._answer


def _continue(answer: Answer, work: ChunkWork) -> None:
    """Add a chunk's stretches, and its alleles near the segment's beginning."""
    for name, low, high in work.stretches:
        if answer.stretches and answer.stretches[-1][0] == name:
            answer.stretches[-1] = (name, answer.stretches[-1][1], high)
        else:
            answer.stretches.append((name, low, high))
    if answer.stretches and work.stretches:
        name, low, _ = answer.stretches[0]
        contig, here, _ = work.stretches[0]
        if contig == name and here <= low + Duplicates.REACH:
            answer.head |= work.alleles_to(name, low + Duplicates.REACH)
