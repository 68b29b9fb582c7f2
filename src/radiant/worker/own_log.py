"""The worker's own log at the work URI, for platforms that keep no log."""

import logging
import threading
import time
import zlib
from types import TracebackType
from typing import Self

from radiant import storage
from radiant.errors import RadiantError

log = logging.getLogger("radiant.worker")

SAVE_S = 30.0
"""Between two copies while the job runs: a worker that is killed leaves the last one."""
MOST_BYTES = 32 << 20
"""Compressed; the rest of a longer log is left out, with a line about it."""
_SMALL_BYTES = 1 << 20
"""A larger copy is written again only after the log has grown by a quarter, so that all copies together stay linear."""
_GROWTH = 1.25
_GZIP = zlib.MAX_WBITS | 16
_FINAL_PAUSE_S = 2.0


class OwnLog(logging.Handler):
    """Stores every line that is logged, compressed, and writes them to a URI at intervals and at the end.

    A context manager around the job. The file is complete gzip at any time. A log that cannot be written fails no job.
    """

    def __init__(self, uri: str, formatter: logging.Formatter) -> None:
        """Prepare; entering the block begins.

        Args:
            uri: Of the copy; each replaces the one before.
            formatter: Of a line.
        """
        super().__init__()
        self.setFormatter(formatter)
        self._uri = uri
        self._packer = zlib.compressobj(wbits=_GZIP)
        self._packed = bytearray()
        self._lines = self._saved_lines = self._saved_bytes = 0
        self._full = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._save_at_intervals, daemon=True)

    def __enter__(self) -> Self:
        """Add the handler to the root logger."""
        logging.getLogger().addHandler(self)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the last copy."""
        logging.getLogger().removeHandler(self)
        self._ended.set()
        self._thread.join()
        try:
            self._save()
        except RadiantError:
            time.sleep(_FINAL_PAUSE_S)
            try:
                self._save()
            except RadiantError as again:
                log.warning("the worker's own log could not be written to %s: %s", self._uri, again)

    def emit(self, record: logging.LogRecord) -> None:
        """Store one line."""
        if self._full:
            return
        line = f"{self.format(record)}\n"
        self._full = len(self._packed) > MOST_BYTES
        if self._full:
            line += f"(the log goes on; its first {MOST_BYTES >> 20} MiB are here)\n"
        self._packed += self._packer.compress(line.encode("utf-8", "replace"))
        self._lines += 1

    def _save_at_intervals(self) -> None:
        while not self._ended.wait(SAVE_S):
            large = self._saved_bytes > _SMALL_BYTES
            if self._lines == self._saved_lines or (large and len(self._packed) < self._saved_bytes * _GROWTH):
                continue
            try:
                self._save()
            except RadiantError as error:
                log.debug("%s", error)

    def _save(self) -> None:
        self.acquire()
        try:
            lines, content = self._lines, bytes(self._packed) + self._packer.copy().flush()
        finally:
            self.release()
        if lines != self._saved_lines:
            storage.write_bytes(self._uri, content)
            self._saved_lines, self._saved_bytes = lines, len(content)
