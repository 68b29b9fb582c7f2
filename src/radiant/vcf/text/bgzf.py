"""The text of a piece of a bgzip file: whole blocks, and the lines that begin in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

from isal import isal_zlib

from radiant.vcf.text.source import DAMAGED, EOF_BLOCK, WBITS_GZIP
from radiant.vcf.text.whole_lines import TextMarks, without_cr
from radiant.vcf.vector.slices import Buffer

_HEADER_BYTES = 18


class NeedsOneReaderError(Exception):
    """Several readers cannot read this file; one can, or says why not."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of the file."""

    index: int
    blocks: bytes | mmap | memoryview
    """Whole BGZF blocks."""
    skip: int
    """Decompressed bytes at the beginning that are the header's, or of a line that began before."""
    tail: bytes
    """Behind the blocks: the end of the last line."""
    last: bool = False
    """Whether the file's text is known to end with it."""


def end_of_blocks(data: bytes, start: int, size: int) -> int:
    """Return where the last whole block ends that begins between `start` and `start + size`."""
    at = start
    while at < start + size and at + _HEADER_BYTES <= len(data):
        if data[at : at + 4] != b"\x1f\x8b\x08\x04" or data[at + 10 : at + 16] != b"\x06\x00BC\x02\x00":
            raise NeedsOneReaderError
        end = at + int.from_bytes(data[at + 16 : at + 18], "little") + 1
        if end > len(data):
            break
        at = end
    return at


def first_line(pieces: Iterator[bytes]) -> tuple[bytes, int]:
    """Return the decompressed text up to and including the first line break, and its length."""
    text = piece = b""
    for piece in pieces:
        for more in _decompressed(piece):
            text += more
            end = text.find(b"\n") + 1
            if end:
                return text[:end], end
    if not piece.endswith(EOF_BLOCK):
        raise NeedsOneReaderError  # a line longer than a shard
    return text, len(text)


def _decompressed(blocks: bytes | mmap | memoryview) -> Iterator[bytes]:
    at = 0
    while at < len(blocks):
        end = at + int.from_bytes(blocks[at + 16 : at + 18], "little") + 1
        try:
            yield isal_zlib.decompress(blocks[at:end], WBITS_GZIP)
        except DAMAGED as error:
            raise NeedsOneReaderError from error
        at = end


def whole_lines(shard: Shard, size: int, marks: TextMarks) -> Iterator[Buffer]:
    """Yield the lines that begin in a shard, about `size` bytes at a time, without a reference to what was yielded."""
    skip = shard.skip
    parts: list[bytes] = []
    have = 0
    for piece in _texts(shard):
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
