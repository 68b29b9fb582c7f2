"""Objects of a store are read in ranges, the next ones while the last is worked on.

    asked for      |--|--|--|--
    ranges         | 1/4 | 1/2 |   1   |   2   | 2 MiB | 2 MiB |
                                   read    waiting, or on their way

Ranges begin small, since many readers want a header alone, and grow as the reading goes on. A range that does not come
whole is asked for again, a few times. That all ranges are of one version of the object is the file system's business:
its fetch asks for the entity tag that the object had when it was opened.
"""

import errno
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from fsspec.caching import BaseCache, register_cache

from radiant.errors import InputError, StorageError
from radiant.storage.store_errors import is_of_a_store, replaced
from radiant.storage.traffic import count

NAME = "radiant-read-ahead"
"""The `cache_type` for fsspec."""
FIRST_BYTES = 256 << 10
RANGE_BYTES = 2 << 20
"""At 100 MB/s and 50 ms to the first byte, four such ranges at once come with 60 MB/s; two cores read 9 MB/s."""
AHEAD = 4
"""Ranges on their way or waiting, as much as importing processes take at once (`import_case.SEGMENT_BYTES`); with the
one that is read, memory is five times `RANGE_BYTES`."""
PAUSES_S = (0.5, 2.0, 8.0)
"""Before each further try; the store's client has tried by itself, too."""


def whole(
    fetch: Callable[[], bytes],
    uri: str,
    what: str = "its content",
    size: int | None = None,
    closed: threading.Event | None = None,
) -> bytes:
    """Return bytes of an object, asked for again when they do not come.

    Args:
        fetch: Asks for them once.
        uri: Of the object, for messages.
        what: Which of its bytes, for messages.
        size: How many must come; None where the client counts them.
        closed: Set when they are no longer wanted.

    Raises:
        InputError: the object is gone, or there is no right to it.
        StorageError: it was replaced, or the bytes did not come in several tries.
    """
    closed = closed or threading.Event()
    for pause_s in (*PAUSES_S, None):
        try:
            data = fetch()
        except Exception as error:
            if (final := _final(uri, error, opened=size is not None)) is not None:
                raise final from error
            problem, cause = str(error) or type(error).__name__, error
        else:
            if size is None or len(data) == size:
                return data
            problem, cause = f"{len(data)} bytes came", None
        if pause_s is None or closed.is_set():
            msg = f"{uri}: {what} did not come in {len(PAUSES_S) + 1} tries: {problem}"
            raise StorageError(msg) from cause
        closed.wait(pause_s)
    raise AssertionError


def _final(uri: str, error: Exception, *, opened: bool) -> Exception | None:
    """Return the error to raise for one that a retry does not fix."""
    if not (isinstance(error, OSError) or is_of_a_store(error)):
        return error
    if isinstance(error, FileNotFoundError):
        return InputError(f"{uri}: was deleted while it was read") if opened else error
    if isinstance(error, PermissionError):
        return InputError(f"{uri}: permission denied. Give the user that runs radiant the right to it")
    cause = error.__cause__
    throttled = isinstance(cause, Exception) and is_of_a_store(cause)  # s3fs has the same number for it
    if isinstance(error, OSError) and error.errno == errno.EBUSY and not throttled:  # the error of fsspec's stores
        return replaced(uri)
    return None


class ReadAhead(BaseCache):
    """Gives one reader an object's bytes, in order; a jump elsewhere starts again.

    fsspec calls `_fetch(start, stop)`, which must return exactly these bytes.
    """

    name = NAME

    def __init__(self, blocksize: int, fetcher: Callable[[int, int], bytes], size: int, uri: str = "") -> None:
        super().__init__(blocksize, fetcher, size)
        self._uri = uri
        self._next = 0
        """Where the range after the last one begins."""
        self._length = min(FIRST_BYTES, blocksize)
        self._ranges: deque[tuple[int, int, Future[bytes]]] = deque()
        """Start, end and content, without a gap; the first one is being read."""
        self._threads: ThreadPoolExecutor | None = None
        self._closed = threading.Event()

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        at, end = start or 0, min(self.size if stop is None else stop, self.size)
        parts: list[bytes] = []
        while at < end:
            begin, data = self._range_at(at)
            parts.append(data[at - begin : end - begin])
            at += len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _range_at(self, at: int) -> tuple[int, bytes]:
        """Return start and content of the range that holds a place, and ask for the next ones."""
        ahead = AHEAD + 1
        if not self._ranges or not self._ranges[0][0] <= at <= self._next:
            self._ranges.clear()
            self._next, self._length = at, min(FIRST_BYTES, self.blocksize)
            ahead = 1
        while self._ranges and self._ranges[0][1] <= at:
            self._ranges.popleft()
        while len(self._ranges) < ahead and self._next < self.size:
            self._ask()
        begin, _, content = self._ranges[0]
        return begin, content.result()

    def _ask(self) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AHEAD, thread_name_prefix="read-ahead")
        stop = min(self._next + self._length, self.size)
        self._ranges.append((self._next, stop, self._threads.submit(self._whole, self._next, stop)))
        self._next = stop
        self._length = min(2 * self._length, self.blocksize)

    def _whole(self, start: int, stop: int) -> bytes:
        """Return a range, asked for again when it does not come."""

        def fetch() -> bytes:
            count(read_requests=1)
            data: bytes = self.fetcher(start, stop)
            count(bytes_read=len(data))
            return data

        return whole(fetch, self._uri, f"bytes {start} to {stop - 1}", stop - start, self._closed)

    def close(self) -> None:
        """Drop all ranges, even those on their way."""
        self._closed.set()
        self._ranges.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)


register_cache(ReadAhead, clobber=True)
