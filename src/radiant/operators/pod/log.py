"""A pod's log in pages: every line once, also when the connection breaks, many lines share a time, or the node rotates.

The kubelet gives the lines since a time, in the order of its file, each with the time at which the runtime read it.
Two streams (standard output and error) are written to that file by two threads, so times may run backwards by a hair.
A page therefore asks from a little before the last line it knows, skips as many lines as it knows of that span, and
makes sure by a digest that they are those lines.
"""

import datetime as dt
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PAGE_LINES = 2000
PAGE_BYTES = 256 * 1024
PIECE_BYTES = 16 * 1024
"""A runtime cuts lines here; older kubelets put a time between the pieces when they join them."""
_BACK_S = 2
"""By how much the times of two lines may be in the wrong order."""
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d) ")
_ROTATED = "(the node has rotated the log of this pod: lines before this one may be missing)"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log has been read."""

    since: int = 0
    """Whole second since the epoch from which the next page asks; 0 is the beginning."""
    skip: int = 0
    """Lines from there on that have been read."""
    digest: str = ""
    """Of those lines."""
    newest: str = ""
    """Time of the newest line read, as `_stamp` returns it."""

    def encode(self) -> str:
        """Return the cursor."""
        return json.dumps([self.since, self.skip, self.digest, self.newest]) if self != Place() else ""

    def since_time(self) -> str:
        """Return the time to ask from, as the API writes it; empty for the beginning."""
        return dt.datetime.fromtimestamp(self.since, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if self.since else ""

    @classmethod
    def decode(cls, cursor: str) -> "Place":
        """Return the place of a cursor."""
        return cls(*json.loads(cursor)) if cursor else cls()


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds and where the next begins."""

    lines: list[str]
    place: Place
    full: bool
    """The page ended because it was full, not because the log did."""


def read_page(chunks: Iterable[bytes], place: Place, *, ended: bool) -> Page:
    """Return the lines that follow a place.

    Args:
        chunks: the log since `place.since` with a time before every line, in pieces of any size.
        place: how far it has been read.
        ended: nothing will follow; a last line without an end is then a line, not one that is still being written.
    """
    lines = _lines(chunks, ended=ended)
    known = list(itertools.islice(lines, place.skip))
    rotated = hashlib.sha256(b"".join(known)).hexdigest()[:16] != place.digest if place.skip else False
    # When they are not the lines we know, the file is a new one: what is newer than our newest has not been read.
    fresh = [line for line in known if _stamp(line) > place.newest] if rotated else []
    seen = known
    size = 0
    full = False
    for line in lines:
        seen.append(line)
        fresh.append(line)
        size += len(line)
        if len(fresh) >= PAGE_LINES or size >= PAGE_BYTES:
            full = True
            break
    if not fresh and not rotated:
        return Page([], place, full=False)
    found = [text for line in fresh for text in _texts(line)]
    if rotated and found:
        found.insert(0, _ROTATED)
    return Page(found, _next(place, seen), full)


def _next(place: Place, seen: list[bytes]) -> Place:
    """Return where the page after this one begins."""
    newest = max((place.newest, *map(_stamp, seen)))
    since = max(place.since, _second(newest) - _BACK_S)
    # The node drops what is older than the second asked for, line by line: the rest is what must be skipped.
    kept = [line for line in seen if _second(_stamp(line)) >= since]
    digest = hashlib.sha256(b"".join(kept)).hexdigest()[:16]
    return Place(since, len(kept), digest if kept else "", newest)


def _lines(chunks: Iterable[bytes], *, ended: bool) -> Iterator[bytes]:
    """Yield whole lines with their times, without their ends.

    What has no time is no line of the log but the kubelet's own word, for example that the container is gone already.
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
    """Yield the text of a line without its time, in pieces when it is very long."""
    text = _TIME.sub(b"", line, count=1)
    while True:
        piece, text = text[:PIECE_BYTES], text[PIECE_BYTES:]
        yield piece.decode("utf-8", "replace").rstrip("\r")
        if not text:
            return
        if joint := _TIME.match(text):
            text = text[joint.end() :]
