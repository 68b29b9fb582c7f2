"""The text of a shard of a bgzip file: whole blocks, and the lines that begin in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radiant.vcf.text.bgzf import DAMAGED, EOF_BLOCK, Blocks, decompressed, end_of_block, has_header
from radiant.vcf.text.limits import MAX_LINE_BYTES, inflates_too_much
from radiant.vcf.text.whole_lines import TextMarks, without_cr
from radiant.vcf.vector.slices import Buffer


class NeedsOneReaderError(Exception):
    """Shards of this file cannot be read apart: one reader reads it, or its message says why not."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a file that one process reads by itself."""

    index: int
    blocks: Blocks
    """Whole BGZF blocks."""
    skip: int
    """Decompressed bytes at the beginning that are the header's, or of a line that began before."""
    tail: bytes
    """After the blocks: the end of the last line."""
    last: bool = False
    """Whether the file's text certainly ends with it."""


def end_of_blocks(data: bytes, start: int, size: int) -> int:
    """Return where the last whole block ends that begins between `start` and `start + size`.

    Raises:
        NeedsOneReaderError: there is something else than blocks.
    """
    at = start
    while at < start + size and has_header(data, at):
        end = end_of_block(data, at)
        if end is None:
            raise NeedsOneReaderError
        if end > len(data):
            break
        at = end
    return at


def first_line(pieces: Iterator[bytes]) -> tuple[bytes, int]:
    """Return the decompressed text up to and including the first line break, and its length."""
    piece = b""
    parts: list[bytes] = []
    length = 0
    for piece in pieces:
        for more in _decompressed(piece):
            end = more.find(b"\n") + 1
            parts.append(more[:end] if end else more)
            length += len(parts[-1])
            if end:
                return b"".join(parts), length
            if length > MAX_LINE_BYTES:
                raise NeedsOneReaderError
    if not piece.endswith(EOF_BLOCK):
        raise NeedsOneReaderError  # a line longer than a shard
    return b"".join(parts), length


def _decompressed(blocks: Blocks) -> Iterator[bytes]:
    try:
        yield from decompressed(blocks)
    except DAMAGED as error:
        raise NeedsOneReaderError from error


def whole_lines(shard: Shard, size: int, marks: TextMarks) -> Iterator[Buffer]:
    """Yield the lines that begin in a shard, about `size` bytes at a time, without a reference to what was yielded.

    Raises:
        NeedsOneReaderError: damage, or text beyond a limit, which one reader names.
    """
    skip = shard.skip
    parts: list[bytes] = []
    have = total = 0
    for piece in _texts(shard):
        total += len(piece)
        if have > max(size, MAX_LINE_BYTES) or inflates_too_much(total, len(shard.blocks)):
            raise NeedsOneReaderError
        text = piece[skip:] if skip else piece
        skip = max(0, skip - len(piece))
        if not text:  # of the end-of-file block, for one
            continue
        parts.append(text)
        have += len(text)
        if have >= size and b"\n" in text:
            yield _buffer(_cut(parts), marks)
            have = len(parts[0])
    if have:
        marks.ended_without_break = not parts[-1].endswith(b"\n")
        if shard.last:
            parts = _without_empty_end(parts, marks)
        if parts:
            yield _buffer(parts, marks)


def _without_empty_end(parts: list[bytes], marks: TextMarks) -> list[bytes]:
    """Drop empty lines from the end of the file."""
    text = without_cr(b"".join(parts), marks)
    size = len(text.rstrip(b"\n"))
    end = text.find(b"\n", size) + 1 if size else 0
    if end == len(text) or (size and not end):
        return [text]
    marks.ended_with_empty_lines = True
    return [text[:end]] if end else []


def _cut(parts: list[bytes]) -> list[bytes]:
    """Take all up to the last line break, which is in the last part; the rest is left."""
    last = parts.pop()
    end = last.rfind(b"\n") + 1
    whole = [*parts, last[:end]]
    parts[:] = [last[end:]]
    return whole


def _texts(shard: Shard) -> Iterator[bytes]:
    yield from _decompressed(shard.blocks)
    if shard.tail:
        yield shard.tail


def _buffer(parts: Sequence[bytes], marks: TextMarks) -> Buffer:
    if not any(b"\r" in part for part in parts):
        return Buffer.of(*parts)
    return Buffer.of(without_cr(b"".join(parts), marks))
