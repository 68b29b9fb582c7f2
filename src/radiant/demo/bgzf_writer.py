"""A BGZF writer whose bytes depend on its input alone: fixed block size and level, no timestamps, no file name.

Source: SAM/BAM specification, section 4.1 (The BGZF compression format).
"""

import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, Self

_BLOCK = 0xFF00
"""Input bytes per block, as in bgzip: even incompressible data then fits the 16-bit block size."""

_LEVEL = 4
"""zlib level: near level 6 in size on VCF text at half the time."""

_AHEAD = 64
"""Blocks in flight: bounds the memory to about 4 MiB."""

_HEADER = bytes.fromhex("1f8b08040000000000ff0600424302 00".replace(" ", ""))
_EOF = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def bgzf_block(data: bytes) -> bytes:
    """Return one BGZF block that holds at most 65,280 bytes."""
    body = zlib.compress(data, _LEVEL, wbits=-15)
    size = len(_HEADER) + 2 + len(body) + 8
    return b"".join((_HEADER, struct.pack("<H", size - 1), body, struct.pack("<II", zlib.crc32(data), len(data))))


class BgzfWriter:
    """Writes bytes as BGZF, compressing on a second thread while the caller makes the next lines.

    Writes the end-of-file block only when its `with` block ends without an error, so that readers detect a file that
    was cut short.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._buffer = bytearray()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bgzf")
        self._pending: deque[Future[bytes]] = deque()

    def write(self, data: bytes) -> None:
        """Add bytes to the stream."""
        self._buffer += data
        whole = len(self._buffer) - len(self._buffer) % _BLOCK
        for start in range(0, whole, _BLOCK):
            self._submit(bytes(self._buffer[start : start + _BLOCK]))
        del self._buffer[:whole]

    def _submit(self, block: bytes) -> None:
        while len(self._pending) >= _AHEAD:
            self._file.write(self._pending.popleft().result())
        self._pending.append(self._pool.submit(bgzf_block, block))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self._buffer:
                    self._submit(bytes(self._buffer))
                while self._pending:
                    self._file.write(self._pending.popleft().result())
                self._file.write(_EOF)
        finally:
            self._pool.shutdown(cancel_futures=True)
