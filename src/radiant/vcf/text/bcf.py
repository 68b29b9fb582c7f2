"""BCF becomes lines of VCF text that keep every digit.

htslib turns records into text, but writes floats with six significant digits. BCF has them as 32-bit floats, so they
are taken from the record's bytes and written with as many digits as a 32-bit float needs to be read again: a VCF with
`AF=0.1234567` and the BCF of it give the same rows.

Source: VCF 4.3, section 6.3 (BCF2 records and typed values).
"""

import math
import struct
from collections.abc import Generator, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from radiant.errors import VcfFormatError, VcfTruncatedError
from radiant.vcf.text.limits import MAX_HEADER_BYTES, MAX_LINE_BYTES

Integers = NDArray[np.int64]

MAGIC = b"BCF\x02"
_INT8, _INT16, _INT32, _FLOAT, _CHAR = 1, 2, 3, 5, 7
_WIDTH = {0: 0, _INT8: 1, _INT16: 2, _INT32: 4, _FLOAT: 4, _CHAR: 1}
_WIDTHS = np.array([_WIDTH.get(kind, 0) for kind in range(16)], dtype=np.int64)
_BATCH_BYTES = 1 << 20
"""Records that are looked at together; as much as a chunk of the file, and one record more."""
_INTEGER = {_INT8: struct.Struct("<b"), _INT16: struct.Struct("<h"), _INT32: struct.Struct("<i")}
_LENGTH_FOLLOWS = 15
_MISSING = 0x7F800001
_AS_FLOAT = struct.Struct("<f")
_END = 0x7F800002
_MISSING_BITS, _END_OF_VECTOR = (struct.pack("<I", bits) for bits in (_MISSING, _END))
_HEADER_LENGTH = struct.Struct("<I")
_LENGTHS = struct.Struct("<II")
_FIXED = struct.Struct("<iiiIII")
"""CHROM, POS, length of REF, QUAL as bits, alleles and INFO fields, FORMAT fields and samples."""
_QUAL_BYTES = slice(12, 16)
_INFO_COLUMN, _QUAL_COLUMN, _FIRST_SAMPLE = 7, 5, 9


def lines(uri: str, path: Path, content: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the header's lines, numbered from 1, then one line per record, numbered from 1 again.

    Args:
        uri: For messages.
        path: The file, for htslib.
        content: Its decompressed bytes.

    Raises:
        VcfFormatError: no BCF that htslib reads, or beyond a limit (`limits.py`).
        VcfTruncatedError: the bytes end inside the header.
    """
    import pysam  # noqa: PLC0415 - 0.1 s that only BCF needs

    pysam.set_verbosity(0)
    _, rest = _header_and_rest(uri, b"", content)  # before htslib, which has no limit
    try:
        with pysam.VariantFile(str(path)) as file:
            for number, line in enumerate(str(file.header).splitlines(), 1):
                yield number, line.encode()
            # Ours first: it refuses a record that htslib would make room for.
            for number, (raw, record) in enumerate(zip(_records(rest, content), file, strict=True), 1):
                line = str(record).rstrip("\n")
                yield number, (line if raw is None else exact(line, raw)).encode()
    except (OSError, ValueError, struct.error, IndexError, KeyError, NotImplementedError) as error:
        msg = (
            f"{uri}: htslib cannot read this BCF: {error}. Write it again, for example with bcftools; GATK and Picard "
            "write the older BCF 2.1, which bcftools cannot read either: have them write .vcf.gz"
        )
        raise VcfFormatError(msg) from error


def header_lines(uri: str, first: bytes, content: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the header's lines, numbered from 1; no record is read, and htslib is not needed.

    Args:
        uri: For messages.
        first: The beginning of the decompressed bytes, with `MAGIC`.
        content: What follows.

    Raises:
        VcfFormatError: the header is longer than `limits.MAX_HEADER_BYTES`.
        VcfTruncatedError: the bytes end inside the header.
    """
    text, _ = _header_and_rest(uri, first, content)
    yield from enumerate(text.rstrip(b"\0").removesuffix(b"\n").split(b"\n"), 1)


class Record(NamedTuple):
    """The bytes of one record."""

    shared: bytes
    """CHROM to INFO."""
    individual: bytes
    """FORMAT and samples."""


def _records(rest: bytes, content: Iterator[bytes]) -> Iterator[Record | None]:
    """Cut what follows the header into records, None for one of which htslib's text has every digit."""
    parts, size = [rest], len(rest)
    wanted = _BATCH_BYTES
    for chunk in content:
        parts.append(chunk)
        size += len(chunk)
        if size < wanted:
            continue
        data = b"".join(parts)
        at = yield from _batch(data, 0)
        parts, size = [data[at:]], len(data) - at
        wanted = max(_BATCH_BYTES, 2 * size)  # of a long record
    data = b"".join(parts)
    if (yield from _batch(data, 0)) < len(data):
        msg = "the last record is not whole"
        raise ValueError(msg)


def _header_and_rest(uri: str, first: bytes, content: Iterator[bytes]) -> tuple[bytes, bytes]:
    """Read the header.

    Returns:
        Its text, and the bytes after it that were read already.

    Raises:
        VcfFormatError: it is too long.
        VcfTruncatedError: the bytes end inside the header.
    """
    data = bytearray(first)
    begin = len(MAGIC) + 1 + _HEADER_LENGTH.size
    _fill(data, begin, uri, content)
    end = begin + _HEADER_LENGTH.unpack_from(data, len(MAGIC) + 1)[0]
    if end > MAX_HEADER_BYTES:
        msg = f"{uri}: states a header of {end} bytes, more than {MAX_HEADER_BYTES >> 20} MiB: this is not a BCF file"
        raise VcfFormatError(msg)
    _fill(data, end, uri, content)
    return bytes(data[begin:end]), bytes(data[end:])


def _fill(data: bytearray, size: int, uri: str, content: Iterator[bytes]) -> None:
    """Add content until there are at least `size` bytes.

    Raises:
        VcfTruncatedError: there are not.
    """
    while len(data) < size:
        part = next(content, b"")
        if not part:
            msg = f"{uri}: ends inside the header: the file is truncated. Copy it again and compare checksums"
            raise VcfTruncatedError(msg)
        data += part


def _batch(data: bytes, at: int) -> Generator[Record | None, None, int]:
    """Yield the whole records from byte `at` on; return where they end."""
    starts: list[int] = []
    shared: list[int] = []
    while at + _LENGTHS.size <= len(data):
        of_shared, individual = _LENGTHS.unpack_from(data, at)
        if of_shared + individual > MAX_LINE_BYTES:
            msg = f"a record of {of_shared + individual} bytes, more than {MAX_LINE_BYTES >> 20} MiB"
            raise ValueError(msg)
        end = at + _LENGTHS.size + of_shared + individual
        if end > len(data):
            break
        starts.append(at + _LENGTHS.size)
        shared.append(of_shared)
        at = end
    if not starts:
        return at
    ends = [*(start - _LENGTHS.size for start in starts[1:]), at]
    long = _Batch(data, np.array(starts, dtype=np.int64), np.array(shared, dtype=np.int64)).with_long_floats()
    for start, middle, end, is_long in zip(starts, shared, ends, long.tolist(), strict=True):
        yield Record(data[start : start + middle], data[start + middle : end]) if is_long else None
    return at


class _Batch:
    """Many records at once: which have a float that six digits do not hold?

    All records are walked in step, field by field: the n-th INFO of each, then the n-th FORMAT.
    """

    def __init__(self, data: bytes, start: Integers, shared: Integers) -> None:
        self._bytes = data
        self._data = np.frombuffer(data, dtype=np.uint8)
        self._start = start
        self._shared = shared
        self._found: list[tuple[Integers, Integers]] = []
        """Record and place of floats."""

    def with_long_floats(self) -> NDArray[np.bool_]:
        """Return whether each record has one."""
        start, everyone = self._start, np.arange(len(self._start))
        alleles_info, formats_samples = self._number(start + 16), self._number(start + 20)
        self._found.append((everyone, start + _QUAL_BYTES.start))
        at = start + _FIXED.size
        at = self._walk(at, (alleles_info >> 16) + 2, keyed=False, repeated=np.ones_like(at))  # ID, alleles, FILTER
        self._walk(at, alleles_info & 0xFFFF, keyed=True, repeated=np.ones_like(at))
        self._walk(start + self._shared, formats_samples >> 24, keyed=True, repeated=formats_samples & 0xFFFFFF)
        record, place = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        bits, index = np.unique(self._number(place), return_inverse=True)
        long = np.array([not _is_short(one) for one in bits.tolist()], dtype=np.bool_)[index]
        return np.bincount(record[long], minlength=len(start)) > 0

    def _walk(self, at: Integers, count: Integers, *, keyed: bool, repeated: Integers) -> Integers:
        """Pass over `count` typed values of each record; return where they end."""
        at = at.copy()
        for place in range(int(count.max(initial=0))):
            record = np.flatnonzero(count > place)
            here = at[record]
            if keyed:  # one integer
                here += 1 + _WIDTHS[self._data[here] & 0xF]
            kind, length = self._data[here] & 0xF, (self._data[here] >> 4).astype(np.int64)
            here += 1
            for one in np.flatnonzero(length == _LENGTH_FOLLOWS).tolist():
                _, length[one], here[one] = _typed(self._bytes, int(here[one]) - 1)
            length *= repeated[record]
            if ((length < 0) | (length > len(self._bytes))).any():
                msg = "a value that is longer than its record"
                raise ValueError(msg)
            floats = np.flatnonzero(kind == _FLOAT)
            if len(floats):
                many = length[floats]
                index = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
                places = np.repeat(here[floats], many) + index * _WIDTH[_FLOAT]
                self._found.append((np.repeat(record[floats], many), places))
            at[record] = here + length * _WIDTHS[kind]
        return at

    def _number(self, place: Integers) -> Integers:
        """Read 32 bits at each place."""
        return sum(
            (self._data[place + byte].astype(np.int64) << (8 * byte) for byte in range(4)),
            start=np.zeros(len(place), dtype=np.int64),
        )


@lru_cache(maxsize=1 << 18)
def _is_short(bits: int) -> bool:
    """Return whether htslib's six digits are read as the same float again."""
    if bits in {_MISSING, _END}:
        return True
    (value,) = _AS_FLOAT.unpack(bits.to_bytes(4, "little"))
    return not math.isfinite(value) or _digits(value, 6, bits.to_bytes(4, "little")) is not None


def exact(line: str, record: Record) -> str:
    """Return htslib's text of a record with the floats as the record has them."""
    _, _, _, quality, alleles_info, formats_samples = _FIXED.unpack_from(record.shared)
    columns = line.split("\t")
    if quality != _MISSING:
        columns[_QUAL_COLUMN] = _text(record.shared[_QUAL_BYTES])
    infos = alleles_info & 0xFFFF
    if infos:
        columns[_INFO_COLUMN] = _info(columns[_INFO_COLUMN], record.shared, infos, alleles_info >> 16)
    samples = formats_samples & 0xFFFFFF
    if samples:
        _put_formats(columns, record.individual, formats_samples >> 24, samples)
    return "\t".join(columns)


def _info(text: str, shared: bytes, count: int, alleles: int) -> str:
    """Put the floats of INFO into its text."""
    at = _FIXED.size
    for _ in range(alleles + 2):  # ID, alleles, FILTER
        kind, length, at = _typed(shared, at)
        at += length * _WIDTH[kind]
    entries = text.split(";")
    entry = 0
    for _ in range(count):
        at += 1 + _WIDTH[shared[at] & 0xF]  # the key, one integer
        kind, length, at = _typed(shared, at)
        end = at + length * _WIDTH[kind]
        if kind == _FLOAT:
            exact_text = _text(shared[at:end]) if length == 1 else _floats(shared, at, end)
            entries[entry] = f"{entries[entry].partition('=')[0]}={exact_text}"
        elif kind == _CHAR:
            entry += shared.count(b";", at, end)  # a value with what separates entries
        entry += 1
        at = end
    return ";".join(entries)


def _put_formats(columns: list[str], individual: bytes, formats: int, samples: int) -> None:
    """Put the floats of the samples into their columns."""
    found: list[tuple[int, int, int]] = []
    """Type, where the values begin, bytes of a sample."""
    at = 0
    for _ in range(formats):
        at += 1 + _WIDTH[individual[at] & 0xF]  # the key, one integer
        kind, length, at = _typed(individual, at)
        found.append((kind, at, length * _WIDTH[kind]))
        at += length * _WIDTH[kind] * samples
    if not any(kind == _FLOAT and size for kind, _, size in found):
        return
    for sample in range(samples):
        fields = columns[_FIRST_SAMPLE + sample].split(":")
        place = 0
        for kind, first, size in found:
            start = first + sample * size
            if kind == _FLOAT and size:
                fields[place] = _floats(individual, start, start + size)
            elif kind == _CHAR:
                place += individual.count(b":", start, start + size)  # a value with what separates fields
            place += 1
        columns[_FIRST_SAMPLE + sample] = ":".join(fields)


def _typed(data: bytes, at: int) -> tuple[int, int, int]:
    """Read a type descriptor: type, how many values, where they begin."""
    descriptor = data[at]
    kind, length = descriptor & 0xF, descriptor >> 4
    at += 1
    if length == _LENGTH_FOLLOWS:
        of_length = data[at] & 0xF
        (length,) = _INTEGER[of_length].unpack_from(data, at + 1)
        at += 1 + _WIDTH[of_length]
    return kind, length, at


def _floats(data: bytes, start: int, end: int) -> str:
    texts: list[str] = []
    for at in range(start, end, _WIDTH[_FLOAT]):
        bits = data[at : at + _WIDTH[_FLOAT]]
        if bits == _END_OF_VECTOR:
            break
        texts.append(_text(bits))
    return ",".join(texts) or "."


@lru_cache(maxsize=1 << 16)
def _text(bits: bytes) -> str:
    """Return a text that a 32-bit float is read from again, as short as can be; `.` for the missing one."""
    if bits == _MISSING_BITS:
        return "."
    (value,) = _AS_FLOAT.unpack(bits)
    found = (_digits(value, digits, bits) for digits in range(6, 9))
    return next((text for text in found if text is not None), f"{value:.9g}")


def _digits(value: float, digits: int, bits: bytes) -> str | None:
    """Return a float with a number of significant digits, None where they are read as another float."""
    text = f"{value:.{digits}g}"
    try:
        return text if _AS_FLOAT.pack(float(text)) == bits else None
    except OverflowError:  # rounded up beyond the greatest float
        return None
