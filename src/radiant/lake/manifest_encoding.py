"""Entries of manifests as Avro, several in a block: PyIceberg 0.12 writes each in a block of its own, byte by byte.

Source: Avro 1.11 specification, binary encoding and object container files; Iceberg table specification, manifests.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Self, cast

from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.avro.writer import (
    BinaryWriter,
    IntegerWriter,
    ListWriter,
    MapWriter,
    OptionWriter,
    StringWriter,
    StructWriter,
    Writer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from pyiceberg.io import OutputStream
    from pyiceberg.manifest import ManifestEntry

BLOCK_BYTES = 64 * 1024
"""Of a block before it is compressed."""

_SMALL = 1 << 14


def _long(value: int) -> bytes:
    """Return a number in zigzag and variable length, seven bits a byte, the lowest first."""
    rest = (value << 1) ^ (value >> 63)
    found = bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    found.append(rest)
    return bytes(found)


_LONGS = {value: _long(value) for value in range(_SMALL)}
"""Of the numbers that come most: counts, lengths and field ids."""


def _number(value: int) -> bytes:
    return _LONGS.get(value) or _long(value)


def _binary(value: bytes) -> bytes:
    return _number(len(value)) + value


def _text(value: str) -> bytes:
    return _binary(value.encode())


class BlockOutputFile(AvroOutputFile["ManifestEntry"]):
    """PyIceberg's Avro file, whose blocks have many entries.

    All is written at the end: the header has the metadata of then.
    """

    def __enter__(self) -> Self:
        """Open the file."""
        super().__enter__()
        self._encode = encoding(self.writer)
        self._blocks: list[bytes] = []
        self._pending: list[bytes] = []
        self._bytes = 0
        return self

    def _write_header(self) -> None:
        """Write nothing yet."""

    def __exit__(
        self, exctype: type[BaseException] | None, excinst: BaseException | None, exctb: TracebackType | None
    ) -> None:
        """Write header and blocks, nothing after an error."""
        if exctype is None:
            self._flush()
            super()._write_header()
            self.encoder.write(b"".join(self._blocks))
        super().__exit__(exctype, excinst, exctb)

    def write_block(self, objects: list[ManifestEntry]) -> None:
        """Add entries; a block ends when it is large enough."""
        for one in objects:
            data = self._encode(one)
            self._pending.append(data)
            self._bytes += len(data)
        if self._bytes >= BLOCK_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        block = b"".join(self._pending)
        if codec := self.compression_codec():
            block, _ = codec.compress(block)
        self._blocks.append(_number(len(self._pending)) + _binary(block) + self.sync_bytes)
        self._pending.clear()
        self._bytes = 0


def encoding(writer: Writer) -> Callable[[object], bytes]:
    """Return a function that returns what one of PyIceberg's writers writes for a value."""
    match writer:
        case OptionWriter():
            return _optional(encoding(writer.option))
        case MapWriter(key_writer=IntegerWriter(), value_writer=IntegerWriter() | BinaryWriter() as values):
            return _map_of_numbers if isinstance(values, IntegerWriter) else _map_of_binaries
        case MapWriter():
            return _map(encoding(writer.key_writer), encoding(writer.value_writer))
        case ListWriter():
            return _list(encoding(writer.element_writer))
        case StructWriter():
            return _struct([(at, encoding(one)) for at, one in writer.field_writers])
        case _:
            return _PLAIN.get(type(writer)) or _as_pyiceberg(writer)


_PLAIN: dict[type[Writer], Callable[[Any], bytes]] = {
    IntegerWriter: _number,
    StringWriter: _text,
    BinaryWriter: _binary,
}


def _as_pyiceberg(writer: Writer) -> Callable[[object], bytes]:
    def encode(value: object) -> bytes:
        with io.BytesIO() as stream:
            writer.write(BinaryEncoder(cast("OutputStream", stream)), value)
            return stream.getvalue()

    return encode


def _optional(encode: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def encode_optional(value: object) -> bytes:
        return b"\x00" if value is None else b"\x02" + encode(value)

    return encode_optional


def _map(key: Callable[[object], bytes], value: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def encode(found: object) -> bytes:
        pairs = cast("Mapping[object, object]", found)
        return _counted(len(pairs), [key(name) + value(one) for name, one in pairs.items()])

    return encode


def _map_of_numbers(found: object) -> bytes:
    pairs = cast("Mapping[int, int]", found)
    try:
        parts = [_LONGS[one] for pair in pairs.items() for one in pair]
    except KeyError:
        parts = [_number(one) for pair in pairs.items() for one in pair]
    return _counted(len(pairs), parts)


def _map_of_binaries(found: object) -> bytes:
    pairs = cast("Mapping[int, bytes]", found)
    try:
        parts = [part for key, value in pairs.items() for part in (_LONGS[key], _LONGS[len(value)], value)]
    except KeyError:
        parts = [part for key, value in pairs.items() for part in (_number(key), _binary(value))]
    return _counted(len(pairs), parts)


def _list(element: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def encode(found: object) -> bytes:
        parts = list(map(element, cast("Sequence[object]", found)))
        return _counted(len(parts), parts)

    return encode


def _counted(count: int, parts: Sequence[bytes]) -> bytes:
    """Return an array or a map of one block: the number of its items, what they are encoded to, and the end."""
    return b"".join((_number(count), *parts, b"\x00")) if count else b"\x00"


def _struct(fields: Sequence[tuple[int | None, Callable[[object], bytes]]]) -> Callable[[object], bytes]:
    def encode(record: object) -> bytes:
        values = cast("Sequence[object]", record)
        return b"".join([one(None if at is None else values[at]) for at, one in fields])

    return encode
