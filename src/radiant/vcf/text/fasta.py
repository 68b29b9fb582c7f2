"""The reference FASTA: opened, checked against its index, read; nothing is written beside it.

htslib builds a missing index beside the FASTA, and does not check one that is there. Here a missing index (`.fai`, or
`.gzi` of a FASTA compressed with bgzip) is built in a temporary folder, which works with a folder mounted read-only;
an index that is there must fit: the name before each primary contig and the end of its sequence are compared.

Source: faidx(5) of samtools (`.fai`); bgzip(1) of htslib (`.gzi`).
"""

import string
import struct
import tempfile
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

from radiant import storage
from radiant.domain.assembly import assembly_of_lengths, canonical_chromosome
from radiant.errors import InputError
from radiant.vcf.text.bgzf import DAMAGED, EOF_BLOCK, GZIP, WBITS_GZIP, is_bgzf

_HEADER_BYTES = 4096
"""The longest `>` line whose name is compared."""
_LINE_END_BYTES = 64
_BLOCK_BYTES = 1 << 16
_INDEX_COLUMNS = 5
_GZI_COUNT = struct.Struct("<Q")
_GZI_ENTRY = struct.Struct("<QQ")


def missing_indices(fasta: str) -> list[str]:
    """Return the names of the index files that a FASTA lacks; none for what is no local FASTA.

    Args:
        fasta: Path or URI of a FASTA, plain or compressed with bgzip.
    """
    path = storage.local_path(storage.to_uri(fasta))
    if path is None or not path.is_file():
        return []
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
    return [index.name for index in _indices(path, packed=packed) if not index.is_file()]


def _indices(path: Path, *, packed: bool) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in (".fai", ".gzi")[: 1 + packed]]


class Fasta:
    """A reference FASTA on this machine: a `ReferenceSequence`."""

    def __init__(self, fasta: str, assembly: str) -> None:
        """Open a FASTA and check it.

        Args:
            fasta: Path or URI of a FASTA, plain or compressed with bgzip.
            assembly: The case's.

        Raises:
            InputError: no such local file, no FASTA, shorter than its index, an index of another FASTA, a bgzip file
                that is truncated, or contig lengths that are another assembly's.
        """
        self.uri = storage.to_uri(fasta)
        """Of the FASTA."""
        path = storage.local_path(self.uri)
        if path is None or not path.is_file():
            msg = f"{self.uri}: no such local file. The reference FASTA must be on this machine, beside its .fai index"
            raise InputError(msg)
        self.warning: str | None = None
        """What the report says of the index."""
        self._file = self._opened(path)
        self._lengths: dict[str, int] = dict(zip(self._file.references, self._file.lengths, strict=True))
        other = assembly_of_lengths(self._lengths)
        if other not in {None, assembly}:
            msg = (
                f"{self.uri}: its contig lengths are those of {other}, but the case is {assembly}. Use the FASTA of "
                f"{assembly}, or set the case's assembly to {other} if the variants were called against it"
            )
            raise InputError(msg)

    def get_reference_length(self, reference: str) -> int:
        """Length in bases; KeyError if there is no such contig."""
        return self._lengths[reference]

    def fetch(self, reference: str, start: int, end: int) -> str:
        """Bases from `start` (0-based) to `end` (excluded), fewer at the end of the contig.

        Raises:
            InputError: the FASTA has not what its index says.
        """
        end = min(end, self._lengths[reference])
        if start >= end:
            return ""
        what = f"contig {reference} has no bases from {start + 1} to {end}"
        try:
            text: str = self._file.fetch(reference, start, end)
        except (OSError, ValueError) as error:
            raise self._unlike(what) from error
        if len(text) != end - start or text.encode().translate(None, _BASES):
            raise self._unlike(what)
        return text

    def _opened(self, path: Path) -> Any:
        with storage.open_read(self.uri) as file, storage.answering(self.uri):
            packed = self._is_packed(file)
            indices = _indices(path, packed=packed)
            missing = [index.name for index in indices if not index.is_file()]
            if not missing:
                self._check(file, indices[0], indices[1] if packed else None)
                return self._open(path, path.name)
        self.warning = (
            f"the reference FASTA has no index ({', '.join(missing)}): one was built in a temporary folder, for this "
            f"case alone, and removed. samtools faidx {path.name} writes it once, which saves the time"
        )
        try:
            with tempfile.TemporaryDirectory(prefix="radiant-fasta-") as folder:
                link = Path(folder) / path.name
                link.symlink_to(path.absolute())
                return self._open(link, path.name)  # htslib writes beside the link
        except OSError as error:
            msg = (
                f"{self.uri}: has no index ({', '.join(missing)}), and none can be written to the temporary folder: "
                f"{error.strerror or error}. Write it once beside the FASTA: samtools faidx {path}"
            )
            raise InputError(msg) from error

    def _open(self, path: Path, name: str) -> Any:
        import pysam  # noqa: PLC0415 - 0.1 s that only a FASTA needs

        pysam.set_verbosity(0)
        try:
            return pysam.FastaFile(str(path))
        except (OSError, ValueError) as error:
            msg = (
                f"{self.uri}: cannot be read as a FASTA. Each contig is a line `>name` and lines of bases of "
                f"the same length; samtools faidx {name} says what is wrong"
            )
            raise InputError(msg) from error

    def _is_packed(self, file: IO[bytes]) -> bool:
        """Return whether the FASTA is compressed with bgzip; refuse another compression and a truncated file."""
        start = file.read(_LINE_END_BYTES)
        if not start.startswith(GZIP):
            return False
        if not is_bgzf(start):
            msg = (
                f"{self.uri}: is compressed with gzip, which no index can address. Compress it with bgzip: "
                "gzip -dc FILE | bgzip > FILE.fa.gz, then samtools faidx FILE.fa.gz"
            )
            raise InputError(msg)
        size = file.seek(0, 2)
        file.seek(max(0, size - len(EOF_BLOCK)))
        if file.read() != EOF_BLOCK:
            msg = (
                f"{self.uri}: ends at byte {size} without the BGZF end-of-file block: the FASTA is truncated. "
                "Copy it again and compare checksums"
            )
            raise InputError(msg)
        return True

    # --- The index ----------------------------------------------------------------------------------------------------

    def _check(self, file: IO[bytes], fai: Path, gzi: Path | None) -> None:
        """Compare the index with the FASTA: names, and where the sequences begin and end."""
        contigs = self._contigs(fai)
        at = _plain(file) if gzi is None else _packed(file, self._blocks(gzi))
        last = max(contigs, key=lambda contig: contig.end, default=None)
        for contig in contigs:
            if contig is not last and canonical_chromosome(contig.name) is None:
                continue
            try:
                self._check_contig(contig, at)
            except (DAMAGED, EOFError) as error:
                msg = f"there is no block of bgzip where {gzi.name if gzi else fai.name} says"
                raise self._unlike(msg) from error

    def _check_contig(self, contig: "_Contig", at: Callable[[int, int], bytes]) -> None:
        before = max(0, contig.offset - _HEADER_BYTES)
        header = at(before, contig.offset - before)
        line = header.rstrip(b"\r\n").rpartition(b"\n")[2]
        if not header.endswith(b"\n") or line[:1] != b">" or line[1:].split(maxsplit=1)[:1] != [contig.name.encode()]:
            msg = f"contig {contig.name} does not begin at byte {contig.offset}, where the index has it"
            raise self._unlike(msg)
        if not contig.length:
            return
        rest = at(contig.end - 1, _LINE_END_BYTES)
        if not rest:
            msg = f"it ends before the end of contig {contig.name}, byte {contig.end} according to the index"
            raise self._unlike(msg)
        after = rest[1:]
        if rest[:1].isspace() or after.lstrip(b"\r\n")[:1] not in {b"", b">"} or after[:1] not in {b"", b"\r", b"\n"}:
            msg = f"contig {contig.name} does not end at byte {contig.end}, where the index has its end"
            raise self._unlike(msg)

    def _contigs(self, fai: Path) -> "list[_Contig]":
        try:
            text = storage.read_bytes(storage.file_uri(fai)).decode()
            rows = [line.split("\t") for line in text.splitlines()]
            contigs = [_Contig(row[0], *map(int, row[1:_INDEX_COLUMNS])) for row in rows]
        except (ValueError, TypeError) as error:
            msg = f"{fai.name} is no index of a FASTA"
            raise self._unlike(msg) from error
        if not contigs or any(one.line_bases < 1 for one in contigs if one.length):
            msg = f"{fai.name} is no index of a FASTA"
            raise self._unlike(msg)
        return contigs

    def _blocks(self, gzi: Path) -> list[tuple[int, int]]:
        data = storage.read_bytes(storage.file_uri(gzi))
        count = _GZI_COUNT.unpack_from(data)[0] if len(data) >= _GZI_COUNT.size else -1
        if len(data) != _GZI_COUNT.size + count * _GZI_ENTRY.size:
            msg = f"{gzi.name} is no index of a bgzip file"
            raise self._unlike(msg)
        return [(0, 0), *((text, byte) for byte, text in _GZI_ENTRY.iter_unpack(data[_GZI_COUNT.size :]))]

    def _unlike(self, what: str) -> InputError:
        """Return the error for a FASTA that its index does not describe."""
        path = storage.local_path(self.uri)
        name = "" if path is None else path.name
        return InputError(
            f"{self.uri}: the FASTA and its index ({name}.fai) do not belong together: {what}. Either the FASTA is "
            "truncated, then copy it again and compare checksums; or the index is of another file or older, then "
            f"remove {name}.fai (and {name}.gzi) and write it again: samtools faidx {name}"
        )


@dataclass(frozen=True, slots=True)
class _Contig:
    """One line of a `.fai`."""

    name: str
    length: int
    offset: int
    """Byte of the first base in the text."""
    line_bases: int
    line_width: int
    """Bytes of a line, its end included."""

    @property
    def end(self) -> int:
        """Byte after the last base."""
        if not self.length:
            return self.offset
        lines, left = divmod(self.length - 1, self.line_bases)
        return self.offset + lines * self.line_width + left + 1


_BASES = f"{string.ascii_letters}*-".encode()
"""A letter for each base, `*` and `-` for gaps."""


def _plain(file: IO[bytes]) -> Callable[[int, int], bytes]:
    """Return what reads (offset, size) of a text."""

    def at(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size)

    return at


def _packed(file: IO[bytes], blocks: list[tuple[int, int]]) -> Callable[[int, int], bytes]:
    """Return what reads (offset, size) of a text in bgzip blocks; each block is (byte of the text, of the file)."""

    def at(offset: int, size: int) -> bytes:
        text, byte = blocks[bisect_right(blocks, (offset, 1 << 63)) - 1]
        file.seek(byte)
        wanted = offset - text + size
        found, data = b"", b""
        while len(found) < wanted:
            data = data or file.read(_BLOCK_BYTES)
            if not data:
                break
            member = isal_zlib.decompressobj(WBITS_GZIP)
            found += member.decompress(data)
            while not member.eof:
                more = file.read(_BLOCK_BYTES)
                if not more:
                    raise EOFError
                found += member.decompress(more)
            data = member.unused_data
        return found[offset - text :][:size]

    return at
