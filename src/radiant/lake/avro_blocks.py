"""The decompressed bytes of an Avro file: manifests are searched without their schema."""

import bz2
import zlib
from collections.abc import Callable, Iterator

import pyarrow as pa

_MAGIC = b"Obj\x01"
_SYNC = 16
_CRC = 4
_CUT_OFF = "the Avro file is cut off"


def plain_blocks(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the header of an Avro object container, then each block decompressed; and whether it is all there is of it.

    Nothing but the bytes themselves for data that is no Avro file. Of a file that is cut off, as a full disk or a kill
    leaves it, or of a codec that no engine writes into manifests, what is there, with False: the last block as far as
    it can be decompressed, and as it is. Source: Avro 1.11 specification, object container files.
    """
    if not data.startswith(_MAGIC):
        yield data, True
        return
    at = 0
    try:
        entries, at = header(data)
        yield data[:at], True
        decompress = _codec(entries.get(b"avro.codec", b"null"))
        while at < len(data):
            start = _long(data, at)[1]
            size, begin = _long(data, start)
            if begin + size + _SYNC > len(data):
                yield _inflated(data[begin:]), False
                break
            yield decompress(data[begin : begin + size]), True
            at = begin + size + _SYNC
    except (ValueError, IndexError, OSError, zlib.error):
        pass
    if at < len(data):
        yield data[at:], False


def _inflated(cut: bytes) -> bytes:
    """Return what the beginning of a deflated block decompresses to; nothing for bytes that are no deflated block."""
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    found = bytearray()
    try:
        for byte in cut:
            found += inflate.decompress(bytes((byte,)))
    except zlib.error:
        pass
    return bytes(found)


def require_whole(data: bytes) -> None:
    """Raise an error unless this is an Avro object container with nothing but whole blocks.

    Raises:
        ValueError: it is cut off, or has other bytes where it must have Avro's own.
    """
    if not data:
        msg = "it is empty"
        raise ValueError(msg)
    if not data.startswith(_MAGIC):
        msg = "it does not begin as an Avro file does"
        raise ValueError(msg)
    _, at = header(data)
    sync = data[at - _SYNC : at]
    while at < len(data):
        _, at = _long(data, at)
        size, at = _long(data, at)
        at += size + _SYNC
        if size >= 0 and at <= len(data) and data[at - _SYNC : at] != sync:
            msg = f"it has other bytes where the block before byte {at} must end"
            raise ValueError(msg)
        if size < 0 or at > len(data):
            raise ValueError(_CUT_OFF)


def header(data: bytes) -> tuple[dict[bytes, bytes], int]:
    """Return what the header of an Avro object container says by its keys, and where the first block begins.

    Raises:
        ValueError: the file is cut off.
    """
    at, entries = len(_MAGIC), dict[bytes, bytes]()
    while count := (pair := _long(data, at))[0]:
        at = pair[1]
        if count < 0:
            count, at = -count, _long(data, at)[1]
        for _ in range(count):
            key, at = _bytes(data, at)
            entries[key], at = _bytes(data, at)
    at = pair[1] + _SYNC
    if at > len(data):
        raise ValueError(_CUT_OFF)
    return entries, at


def _codec(name: bytes) -> Callable[[bytes], bytes]:
    if name == b"null":
        return bytes
    if name == b"deflate":
        return lambda block: zlib.decompress(block, wbits=-zlib.MAX_WBITS)
    if name == b"bzip2":
        return bz2.decompress
    if name == b"zstandard":
        return _zstandard
    if name == b"snappy":
        return lambda block: _snappy(block[:-_CRC])
    msg = f"an Avro file has the codec {name.decode(errors='replace')!r}, which is not read"
    raise ValueError(msg)


def _zstandard(block: bytes) -> bytes:
    with pa.input_stream(pa.py_buffer(block), compression="zstd") as stream:
        plain: bytes = stream.read()
    return plain


def _snappy(block: bytes) -> bytes:
    size, at, shift = 0, 0, 0
    while True:  # the block begins with its size: seven bits a byte, the lowest first
        size |= (block[at] & 0x7F) << shift
        if block[at] < 0x80:  # noqa: PLR2004 - the last byte has no eighth bit
            break
        at, shift = at + 1, shift + 7
    return pa.decompress(block, decompressed_size=size, codec="snappy", asbytes=True)


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return a zigzag number and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise ValueError(_CUT_OFF)
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - as above
            return (value >> 1) ^ -(value & 1), at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    if size < 0 or at + size > len(data):
        raise ValueError(_CUT_OFF)
    return data[at : at + size], at + size
