"""BGZF: gzip whose members are blocks of at most 64 KiB, each with its size in its header.

    block   | 1f 8b 08 04 | time, flags | 06 00 | BC 02 00 | size - 1 | deflated data | checksum, length |
    byte      0             4             10      12         16         18

Source: SAM specification 4.1 (BGZF) and 4.1.2 (end-of-file marker); RFC 1952 (gzip).
"""

from collections.abc import Iterator
from mmap import mmap
from typing import cast

from isal import isal_zlib

GZIP = b"\x1f\x8b"
WBITS_GZIP = 31
EOF_BLOCK = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a BGZF file."""
DAMAGED = cast("type[Exception]", isal_zlib.error)
_HEADER_BYTES = 18
_START, _EXTRA = b"\x1f\x8b\x08\x04", b"\x06\x00BC\x02\x00"

Blocks = bytes | mmap | memoryview


def is_bgzf(start: bytes) -> bool:
    """Return whether a gzip member's header has the extra field BC of BGZF, among others or alone."""
    return len(start) >= _HEADER_BYTES and start[3] & 4 != 0 and b"BC\x02\x00" in start[12:64]


def end_of_block(data: Blocks, at: int) -> int | None:
    """Return where the block that begins at `at` ends; None where no block with BC as its only extra field begins."""
    if data[at : at + 4] != _START or data[at + 10 : at + 16] != _EXTRA:
        return None
    return at + int.from_bytes(data[at + 16 : at + _HEADER_BYTES], "little") + 1


def has_header(data: Blocks, at: int) -> bool:
    """Return whether a whole block header fits after `at`."""
    return at + _HEADER_BYTES <= len(data)


def decompressed(blocks: Blocks) -> Iterator[bytes]:
    """Yield the text of whole blocks, block by block.

    Raises:
        DAMAGED: a block is not what its checksum says, or no block.
    """
    at = 0
    while at < len(blocks):
        end = end_of_block(blocks, at)
        if end is None:
            msg = "no BGZF block"
            raise DAMAGED(msg)
        yield isal_zlib.decompress(blocks[at:end], WBITS_GZIP)
        at = end
