"""A pod's log in pages: every line once, even if the connection breaks, many lines share a time, or the node rotates.

The kubelet gives the lines since a time, in the order of its file, each with the time at which the runtime read it.
Two streams (standard output and error) are written to that file by two threads, so two times may be slightly out of
order. A request therefore begins a little before the last line that was read. The reader skips the lines of that span
that it has read before, and compares their digests with those of the cursor.

The answer of a request is read to its end, a page at a time, before the next request: the cost is linear in the log.
Where the span that would come again is large, a request for the last line alone finds out whether there is a new one.
An API server that loses the kubelet in the middle of an answer ends the answer as if it were whole (it drops the error
of its copy), so the last line of an ended container is asked for as well.
Lines that the node rotated away before the first request are not found here; the worker's own log has them.
"""

import datetime as dt
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from radiant.operators.log_line import cut

PAGE_LINES = 2000
PAGE_BYTES = 256 * 1024
PIECE_BYTES = 16 * 1024
"""A runtime cuts lines here; older kubelets put a time between the pieces when they join them."""
MUCH_BYTES = 64 * 1024
"""With so much of the log coming again, a request for the last line alone is made first."""
_BACK_S = 2
"""By how many seconds the times of two lines may be out of order."""
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ")
_ROTATED = (
    "(the node has rotated the log of this pod: lines before this one may be missing; the worker's own log has them)"
)


@dataclass(frozen=True, slots=True)
class PodLogCursor:
    """How far a log has been read."""

    since: int = 0
    """Second since the epoch at which the next request begins; 0 is the beginning of the log."""
    seconds: tuple[tuple[int, int, str], ...] = ()
    """Of each second from there on: the second, its lines that have been read, and their digest."""
    newest: str = ""
    """Time of the newest line read, as `_stamp` returns it."""
    last: str = ""
    """Digest of the line read last; of one that the runtime cut, of its last piece without a time."""
    size: int = 0
    """Bytes of the lines that have been read and would come again."""
    gap: bool = False
    """Lines are missing before the next one, which is not reported yet."""

    @property
    def skip(self) -> int:
        """Lines from `since` on that have been read."""
        return sum(count for _, count, _ in self.seconds)

    def encode(self) -> str:
        """Return the cursor."""
        if self == PodLogCursor():
            return ""
        return json.dumps(
            [self.since, self.seconds, self.newest, self.last, self.size, self.gap], separators=(",", ":")
        )

    def since_time(self) -> str:
        """Return the time at which the next request begins, as the API writes it; empty for the beginning."""
        return dt.datetime.fromtimestamp(self.since, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if self.since else ""

    @classmethod
    def decode(cls, cursor: str) -> "PodLogCursor":
        """Return the position of a cursor; the beginning for one of another version."""
        if not cursor:
            return cls()
        try:
            since, seconds, newest, last, size, gap = json.loads(cursor)
            return cls(since, tuple((one, count, digest) for one, count, digest in seconds), newest, last, size, gap)
        except (ValueError, TypeError):
            return cls()


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds and where the next begins."""

    lines: list[str]
    position: PodLogCursor
    full: bool
    """The page ended because it was full, not because the answer did."""


class _Second:
    """The lines of one second that have been read."""

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, line: bytes) -> None:
        self.count += 1
        self.size += len(line)
        self.digest.update(line)

    def found(self) -> tuple[int, str]:
        return self.count, _short(self.digest.digest())


class LogReader:
    """Reads the answer of one request, a page at a time."""

    def __init__(self, chunks: Iterable[bytes], position: PodLogCursor, *, ended: bool) -> None:
        """Begin; nothing is read yet.

        Args:
            chunks: the log since `position.since` with a time before every line, in pieces of any size.
            position: how far it has been read.
            ended: the log is complete, so that a last line without a line end is a line, too.
        """
        self._lines = _lines(chunks, ended=ended)
        self._position = position
        self._seconds: dict[int, _Second] = {}
        self._begun = False

    def page(self) -> Page:
        """Return the next lines."""
        fresh: list[bytes] = []
        if not self._begun:
            self._begun, given = True, self._position
            skipped = self._skip_known()
            if skipped is None:
                return Page([], given, full=False)
            fresh = skipped
        size = sum(map(len, fresh))
        full = False
        for line in self._lines:
            self._read(line)
            fresh.append(line)
            size += len(line)
            if len(fresh) >= PAGE_LINES or size >= PAGE_BYTES:
                full = True
                break
        texts = [text for line in fresh for text in _texts(line)]
        gap = self._position.gap
        if gap and texts:
            texts.insert(0, _ROTATED)
            gap = False
        seconds = tuple((second, *one.found()) for second, one in sorted(self._seconds.items()))
        known = sum(one.size for one in self._seconds.values())
        self._position = PodLogCursor(
            self._position.since, seconds, self._position.newest, self._position.last, known, gap
        )
        return Page(texts, self._position, full)

    def _skip_known(self) -> list[bytes] | None:
        """Read the lines that were read before; return the new ones among them, which only another file has.

        An answer that ends before them and has nothing newer was cut within them: there is None to go on from.
        """
        position = self._position
        newer: list[bytes] = []
        count = 0
        for line in itertools.islice(self._lines, position.skip):
            self._read(line)
            count += 1
            if _stamp(line) > position.newest:
                newer.append(line)
        if count < position.skip and not newer:
            return None
        found = {second: one.found() for second, one in self._seconds.items() if second >= position.since}
        if found == {second: (count, digest) for second, count, digest in position.seconds}:
            return []
        # Other lines than those that were read: the file is a new one. Lines newer than the newest are unread.
        now = self._position
        self._position = PodLogCursor(now.since, (), now.newest, now.last, 0, gap=True)
        return newer

    def _read(self, line: bytes) -> None:
        stamp, position = _stamp(line), self._position
        second = _second(stamp)
        self._seconds.setdefault(second, _Second()).add(line)
        newest = max(position.newest, stamp)
        since = max(position.since, _second(newest) - _BACK_S)
        if since != position.since:
            # The node drops what is older than the second asked for, line by line.
            for old in [one for one in self._seconds if one < since]:
                del self._seconds[old]
        elif second < since:
            del self._seconds[second]
        self._position = PodLogCursor(since, position.seconds, newest, _line_digest(line), position.size, position.gap)


def is_last(chunks: Iterable[bytes], position: PodLogCursor, *, ended: bool = False) -> bool:
    """Return whether the last line of a log is the one that was read last.

    Args:
        chunks: the answer to a request for the last line.
        position: how far the log has been read.
        ended: the container has ended, so that a log may be empty and its last line without a line end.
    """
    found = list(_lines(chunks, ended=ended))
    if not found:
        return ended and not position.last
    return position.last in {_digest(found[-1]), _digest(_TIME.sub(b"", found[-1], count=1))}


def _line_digest(line: bytes) -> str:
    """Return the digest of a line as a request for the last line gives it: of a long one, its last piece."""
    pieces = _pieces(line)
    return _digest(line if len(pieces) == 1 else pieces[-1])


def _digest(line: bytes) -> str:
    return _short(hashlib.sha256(line).digest())


def _short(digest: bytes) -> str:
    return digest[:8].hex()


def _lines(chunks: Iterable[bytes], *, ended: bool) -> Iterator[bytes]:
    """Yield whole lines with their times, without their ends.

    A line without a time is a message of the kubelet, for example that the container is gone; it is left out.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from filter(_TIME.match, whole)
    if ended and _TIME.match(rest):
        yield rest


def _stamp(line: bytes) -> str:
    """Return the time of a line in seconds since the epoch, as text that sorts."""
    found = _TIME.match(line)
    if found is None:
        msg = "a line of a pod's log without a time"
        raise ValueError(msg)
    whole, fraction, zone = found.groups()
    # A node writes its local time, and leaves out the last zeros of the fraction.
    moment = dt.datetime.fromisoformat(f"{whole.decode()}{'+00:00' if zone == b'Z' else zone.decode()}")
    return f"{int(moment.timestamp()):012d}.{(fraction or b'').decode():0<9}"


def _second(stamp: str) -> int:
    """Return the second of a time, 0 of none."""
    return int(stamp[:12] or 0)


def _texts(line: bytes) -> Iterator[str]:
    """Yield the text of a line without its time, in pieces when it is very long.

    The runtime cuts a long line anywhere, even within a character: its pieces are joined before the text is cut.
    """
    yield from (piece.decode("utf-8", "replace").rstrip("\r") for piece in cut(b"".join(_pieces(line)), PIECE_BYTES))


def _pieces(line: bytes) -> list[bytes]:
    """Return the pieces that the runtime made of a line, without their times."""
    rest = _TIME.sub(b"", line, count=1)
    pieces: list[bytes] = []
    while True:
        pieces.append(rest[:PIECE_BYTES])
        rest = rest[PIECE_BYTES:]
        if not rest:
            return pieces
        if joint := _TIME.match(rest):
            rest = rest[joint.end() :]
