r"""Bytes at a URI become numbered lines of text.

Reads bgzip, plain gzip and uncompressed VCF, with `\n` or `\r\n` line ends, with or without a byte order mark; BCF
goes through a library. Memory: a few chunks of 256 KiB and the longest line; `limits.py` has the bounds. Every byte
that is read is hashed.

Completeness: a BGZF file must end with its empty end-of-file block, a gzip member must have its trailer with the right
checksum. Uncompressed text carries no proof of being whole but the line break at the end of its last line.

Source: SAM specification 4.1 (BGZF) and 4.1.2 (end-of-file marker); RFC 1952 (gzip).
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Generator, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

from isal import isal_zlib

from radiant import storage
from radiant.errors import StorageError, VcfFormatError, VcfTruncatedError
from radiant.vcf.text import bcf
from radiant.vcf.text.bgzf import DAMAGED, GZIP, WBITS_GZIP, is_bgzf
from radiant.vcf.text.limits import MAX_EMPTY_LINES, MAX_INFLATION, MAX_LINE_BYTES, inflates_too_much
from radiant.vcf.text.whole_lines import Gathered, TextMarks, without_cr

_CHUNK = 256 << 10
_MOST_AT_ONCE = 1 << 20
"""Text from one step of decompression: 256 KiB of well-packed text can be hundreds of MiB."""

_BOM = b"\xef\xbb\xbf"
_FOREIGN = {
    b"BZh": ("bzip2", "bzip2 -dc"),
    b"\xfd7zXZ\x00": ("xz", "xz -dc"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -dc"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4 -dc"),
    b"\x5d\x00\x00": ("lzma", "xz --format=lzma -dc"),
    b"\x1f\x9d": ("compress", "gzip -dc"),
    b"PK\x03\x04": ("zip", "unzip -p"),
    b"7z\xbc\xaf\x27\x1c": ("7z", "7z x -so"),
}
"""Compressions that a VCF does not come in: how a file begins, name, command that decompresses it."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Compression(StrEnum):
    """How the bytes are packed."""

    BGZF = "bgzf"
    GZIP = "gzip"
    NONE = "none"


class Source:
    """One file, read once.

    `size`, `sha256` and `proven_complete` are final when `lines()` is exhausted.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.compression = Compression.NONE
        self.is_bcf = False
        self.size = 0
        """Bytes read so far."""
        self.version: storage.Fingerprint | None = None
        """Of the file that was opened first."""
        self.marks = TextMarks()
        self._digest = hashlib.sha256()
        self._again: Source | None = None

    @property
    def total_bytes(self) -> int:
        """Size of the file that was opened; 0 before."""
        return 0 if self.version is None else self.version.size

    @property
    def bytes_of_lines(self) -> int:
        """Bytes of the file so far whose lines were given out: `size`, of a BCF those of its second reading."""
        if not self.is_bcf:
            return self.size
        return 0 if self._again is None else self._again.size

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes read so far, lower-case hexadecimal."""
        return self._digest.hexdigest()

    @property
    def proven_complete(self) -> bool:
        """Whether the packing itself proves that the file is whole (read to its end without an error)."""
        return self.compression is not Compression.NONE

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (1-based line number, line without its line break).

        For BCF the number of a record is its ordinal, and the lines of the header count from 1 too.

        Raises:
            InputError: no such file, a folder, no permission.
            VcfTruncatedError: the file ends before its end.
            VcfFormatError: damaged or no text, or beyond a limit (`limits.py`).
            StorageError: the store does not answer.
        """
        return self.feed(_CHUNK).lines()

    def header_lines(self) -> Generator[tuple[int, bytes]]:
        """Yield lines as `lines()` does, for a reader that stops at the `#CHROM` line; of a BCF only its header's.

        No more than the beginning of the file is read, of a BCF too: that the file is whole is not checked.

        Raises:
            InputError: no such file, a folder, no permission.
            VcfTruncatedError: the file ends inside the header.
            VcfFormatError: damaged or no text, or beyond a limit (`limits.py`).
            StorageError: the store does not answer.
        """
        with self.open() as file:
            content = self._content(file)
            first = self._start(content)
            if self.is_bcf:
                yield from bcf.header_lines(self.uri, first, content)
            else:
                yield from Feed(self._whole_lines(first, content, _CHUNK)).lines()

    def open(self) -> IO[bytes]:
        """Open the file; a second time, only if it is the same version.

        Raises:
            InputError: no such file, a folder, no permission.
            StorageError: the store does not answer, or the file was replaced since it was first opened.
        """
        file = storage.open_read(self.uri, self.version)
        self.version = storage.version_of(file)
        return file

    def note(self, data: bytes) -> None:
        """Count and hash bytes of the file that the caller reads, in order."""
        self.size += len(data)
        self._digest.update(data)

    def start_over(self) -> None:
        """Count and hash from the beginning again."""
        self.size = 0
        self._digest = hashlib.sha256()

    def feed(self, size: int) -> "Feed":
        """Return the same content in pieces of about this many bytes."""
        return Feed(self._pieces(size))

    def _pieces(self, size: int) -> Iterator[tuple[int, bytes]]:
        r"""Yield (number of the first line, text of whole lines with `\n` between them).

        What was read before an error comes before the error.
        """
        with self.open() as file:
            content = self._content(file)
            first = self._start(content)
            if self.is_bcf:
                for _ in content:  # to its end: hash, checksums and the end-of-file block
                    pass
            else:
                yield from self._whole_lines(first, content, size)
                return
        yield from self._bcf_pieces(size)

    def _start(self, content: Iterator[bytes]) -> bytes:
        """Return the first bytes of the content, enough to see whether the file is a BCF."""
        first = next(content, b"")
        while len(first) < len(bcf.MAGIC) and (more := next(content, b"")):
            first += more
        self.is_bcf = first.startswith(bcf.MAGIC)
        return first

    def _content(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the decompressed content."""
        chunk = self._read(file)
        if not chunk.startswith(GZIP):
            while chunk:
                yield chunk
                chunk = self._read(file)
            return
        self.compression = Compression.BGZF if is_bgzf(chunk) else Compression.GZIP
        text = 0
        for data in self._gunzip(file, chunk):
            text += len(data)
            if inflates_too_much(text, self.size):
                raise self._inflated(text)
            yield data

    def _gunzip(self, file: IO[bytes], chunk: bytes) -> Iterator[bytes]:
        member_bytes = 0
        while chunk:
            if not chunk.startswith(GZIP[: len(chunk)]):
                msg = (
                    f"{self.uri}: {len(chunk)} or more bytes follow the last gzip member, up to byte {self.size}. "
                    "The file is damaged or was appended to; write it again with bgzip"
                )
                raise VcfFormatError(msg)
            member = isal_zlib.decompressobj(WBITS_GZIP)
            member_bytes = 0
            while True:
                data = self._decompressed(member, chunk)
                if data:
                    member_bytes += len(data)
                    yield data
                if member.eof:
                    break
                chunk = member.unconsumed_tail
                # After a full portion the decompressor may hold more.
                if not chunk and len(data) < _MOST_AT_ONCE:
                    chunk = self._read(file)
                    if not chunk:
                        msg = (
                            f"{self.uri}: ends at byte {self.size} in the middle of a compressed block: the file is "
                            "truncated. Copy it again and compare checksums"
                        )
                        raise VcfTruncatedError(msg)
            chunk = member.unused_data or self._read(file)
            if len(chunk) < len(GZIP) and chunk:
                chunk += self._read(file)
        if self.compression is Compression.BGZF and member_bytes:
            msg = (
                f"{self.uri}: ends at byte {self.size} without the BGZF end-of-file block: the file is truncated. "
                "Copy it again and compare checksums"
            )
            raise VcfTruncatedError(msg)

    def _inflated(self, text: int) -> VcfFormatError:
        return VcfFormatError(
            f"{self.uri}: its first {self.size} bytes hold {text >> 20} MiB of text, more than {MAX_INFLATION} times "
            "as much, as no VCF does: it looks made to fill memory or disk, so the rest is not read. If it is a VCF, "
            "write it again without compression"
        )

    def _decompressed(self, member: isal_zlib.Decompress, chunk: bytes) -> bytes:
        try:
            return member.decompress(chunk, _MOST_AT_ONCE)
        except DAMAGED as error:
            msg = (
                f"{self.uri}: the compressed data before byte {self.size} is damaged ({error}). "
                "Copy the file again and compare checksums"
            )
            raise VcfFormatError(msg) from error

    def _read(self, file: IO[bytes]) -> bytes:
        try:
            chunk = file.read(_CHUNK)
        except OSError as error:
            msg = f"{self.uri}: {error.strerror or error} after byte {self.size}"
            raise StorageError(msg) from error
        self.size += len(chunk)
        self._digest.update(chunk)
        return chunk

    def _check_start(self, first: bytes) -> None:
        """Refuse what is no text of VCF by how it begins."""
        for magic, (name, command) in _FOREIGN.items():
            if first.startswith(magic):
                msg = (
                    f"{self.uri}: is compressed with {name}, which is not read. Compress it with bgzip: "
                    f"{command} FILE | bgzip > FILE.vcf.gz"
                )
                raise VcfFormatError(msg)
        if first.startswith(GZIP):
            msg = f"{self.uri}: is compressed twice with gzip. Decompress it once: gzip -dc FILE > FILE.vcf.gz"
            raise VcfFormatError(msg)
        if first.startswith(_UTF16):
            msg = f"{self.uri}: is UTF-16 text. VCF is UTF-8 text: convert it, for example with iconv"
            raise VcfFormatError(msg)
        if b"\r" in first and b"\n" not in first:
            msg = (
                f"{self.uri}: has lines that end with a carriage return alone (old Mac). Convert it: "
                "tr '\\r' '\\n' < FILE"
            )
            raise VcfFormatError(msg)

    def _whole_lines(self, first: bytes, content: Iterator[bytes], size: int) -> Iterator[tuple[int, bytes]]:
        self._check_start(first)
        if first.startswith(_BOM):
            self.marks.had_bom = True
            first = first[len(_BOM) :]
        number = 1
        empty = 0
        rest = Gathered(first)
        more = True
        while more:
            more = rest.extend(content, size)
            cut = rest.cut()
            while cut:
                breaks = cut[0].count(b"\n")
                start = number - empty
                text, empty = _without_empty_end(without_cr(cut.pop(), self.marks), empty)
                cut, text = [text], b""
                number += breaks
                if cut[0]:
                    yield start, cut.pop()  # and kept here no longer
                cut.clear()
            if rest.error is not None:
                raise rest.error
            self._check_limits(number, len(rest), empty)
        last = rest.text()
        if last and not self.proven_complete:
            msg = (
                f"{self.uri}, line {number}: the last line does not end with a line break, so it is not "
                "certain that the file is whole. Copy it again; if it is whole, add a line break"
            )
            raise VcfTruncatedError(msg)
        if last:
            self.marks.ended_without_break = True
            last = without_cr(last, self.marks)
        if last:
            yield number - empty, b"\n" * empty + last
        else:
            self.marks.ended_with_empty_lines = empty > 0

    def _check_limits(self, number: int, waiting: int, empty: int) -> None:
        """Refuse a line without end, and empty lines without end before line `number`."""
        if waiting > MAX_LINE_BYTES:
            msg = (
                f"{self.uri}, line {number}: is longer than {MAX_LINE_BYTES >> 20} MiB. "
                "A VCF record is one line; is this a VCF file with line breaks?"
            )
            raise VcfFormatError(msg)
        if empty > MAX_EMPTY_LINES:
            msg = (
                f"{self.uri}, line {number - empty}: from here on {empty} or more lines are empty. Remove them, for "
                "example with grep ."
            )
            raise VcfFormatError(msg)

    def _bcf_pieces(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield the header, then the records, about `size` bytes at a time."""
        header: list[bytes] = []
        records: list[bytes] = []
        first, gathered = 1, 0
        for number, line in self._bcf_lines():
            if line.startswith(b"#"):
                header.append(line)
                continue
            if header:
                yield 1, b"\n".join(header) + b"\n"
                header.clear()
            if gathered >= size:
                yield first, b"\n".join(records) + b"\n"
                records.clear()
                gathered = 0
            if not records:
                first = number
            records.append(line)
            gathered += len(line)
        for start, lines in ((1, header), (first, records)):
            if lines:
                yield start, b"\n".join(lines) + b"\n"

    def _bcf_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the header's lines, then one line of VCF text per record."""
        with self._local() as path:
            again = self._again = Source(storage.to_uri(str(path)))
            with again.open() as file:
                yield from bcf.lines(self.uri, path, again._content(file))

    @contextlib.contextmanager
    def _local(self) -> Generator[Path]:
        """Give a path that htslib can open: the file itself, or a copy of an object."""
        path = storage.local_path(self.uri)
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="radiant-bcf-") as folder:
            copy = Path(folder) / "case.bcf"
            with self.open() as remote, copy.open("wb") as local:
                shutil.copyfileobj(remote, local, _CHUNK)
            yield copy


def _without_empty_end(text: bytes, before: int) -> tuple[bytes, int]:
    """Put empty lines in front of whole lines, and take those from their end: records only if more lines follow.

    Returns:
        The text, and how many empty lines were taken.
    """
    if before:
        text = b"\n" * before + text
    if not text.endswith(b"\n\n") and text != b"\n":
        return text, 0
    whole = text.rstrip(b"\n")
    end = len(whole) + 1 if whole else 0
    return text[:end], len(text) - end


class Feed:
    """Whole lines in pieces, some of them taken one by one."""

    def __init__(self, pieces: Iterator[tuple[int, bytes]]) -> None:
        self._pieces = pieces
        self._number = 1
        self._text = b""
        self._at = 0

    def lines(self) -> Generator[tuple[int, bytes]]:
        """Take lines one by one: (number, line without its line break)."""
        while self._at < len(self._text) or self._next():
            end = self._text.find(b"\n", self._at)
            end = len(self._text) if end < 0 else end
            line = self._text[self._at : end]
            self._at = end + 1
            self._number += 1
            yield self._number - 1, line

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        r"""Take what is left: (number of the first line, whole lines with `\n` between them)."""
        while self._at < len(self._text) or self._next():
            yield self._number, self._left()

    def _left(self) -> bytes:
        text = self._text[self._at :] if self._at else self._text
        self._text, self._at = b"", 0
        return text

    def _next(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._number, self._text = piece
        self._at = 0
        return True
