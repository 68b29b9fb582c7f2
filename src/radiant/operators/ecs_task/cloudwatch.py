"""The log of a task in CloudWatch: in order, nothing lost, nothing twice, the end included; and how often it is read.

CloudWatch gives a page and the token of the next one. Its pages may be empty before the end; the end is reached when
the token that comes back is the one that was sent. Lines arrive some seconds late, even after the task has ended.

CloudWatch allows an account 25 GetLogEvents a second in a region, all its programs together. One process takes less
than half of that, and reads a log without news ever more rarely. A read that is not allowed now is left out: the next
step asks again.

Source: CloudWatch Logs API reference, "GetLogEvents".
"""

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from radiant.errors import PlatformUnavailableError
from radiant.operators.ecs_task.api import asking, code_of
from radiant.operators.ecs_task.task_status import AwsObject
from radiant.operators.platform import ContainerStatus, LogPage, State

_MUCH = 1000
"""Lines of a page after which the next one is read at once."""
_GIVE_UP_S = 120.0
"""How long, besides the delay, the end of a log that cannot be read is waited for."""


PER_S = 10.0
"""Reads a second of one process."""
_SHORTEST_S = 2.0
_LONGEST_S = 30.0
_SILENCE_S = 1.0
"""Without reads after the first that is not answered."""
_SLOWER = 1.5
_UNUSED_S = 600.0
"""A log that was not read for this long, of a task that was killed for example, is discarded."""


@dataclass(slots=True)
class _Turn:
    next_at: float
    gap_s: float


class ReadPace:
    """The turns of one process; safe in threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with the reads of one second.

        Args:
            clock: seconds, monotonic.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}
        self._allowed = PER_S
        self._counted_at = clock()
        self._silent_until = float("-inf")
        self._silence_s = _SILENCE_S

    def may_read(self, stream: str, *, ended: bool) -> bool:
        """Return whether a log may be read now, and count the read; the rest of an ended log does not wait for news."""
        with self._lock:
            now = self._clock()
            self._allowed = min(PER_S, self._allowed + (now - self._counted_at) * PER_S)
            self._counted_at = now
            turn = self._turns.setdefault(stream, _Turn(now, _SHORTEST_S))
            if now < self._silent_until or self._allowed < 1 or (now < turn.next_at and not ended):
                return False
            self._allowed -= 1
            return True

    def read(self, stream: str, *, lines: int) -> None:
        """Record how much there was to read."""
        with self._lock:
            now = self._clock()
            self._silence_s = _SILENCE_S
            turn = self._turns.setdefault(stream, _Turn(now, _SHORTEST_S))
            turn.gap_s = _SHORTEST_S if lines else min(_LONGEST_S, turn.gap_s * _SLOWER)
            turn.next_at = now + (0 if lines else turn.gap_s)

    def unanswered(self) -> None:
        """Send no request for a while, longer after each failure."""
        with self._lock:
            self._silent_until = self._clock() + self._silence_s
            self._silence_s = min(_LONGEST_S, self._silence_s * 2)

    def discard(self, stream: str) -> None:
        """Discard a log that is read to its end, and those that are not read any more."""
        with self._lock:
            self._turns.pop(stream, None)
            now = self._clock()
            for name, turn in list(self._turns.items()):
                if now - turn.next_at > _UNUSED_S:
                    del self._turns[name]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a log is read."""

    token: str | None = None
    """Of the next page."""
    begin_ms: int | None = None
    """The pages are those from this time on: an expired token was replaced."""
    last_ms: int = 0
    """Time stamp of the last line."""
    with_last: int = 0
    """How many lines with this time stamp were read."""
    arrived_ms: int = 0
    """When the last line arrived in CloudWatch."""
    skip: int = 0
    """Lines of `begin_ms` that were read before and come again."""

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Return the cursor of its text; the empty text is the beginning."""
        return cls(**json.loads(text)) if text else cls()

    def __str__(self) -> str:
        values = dataclasses.asdict(self)
        return json.dumps({name: value for name, value in values.items() if value}, separators=(",", ":"))


def read_page(  # noqa: PLR0913 - all but three by name
    client: Any, pace: ReadPace, text: str, *, group: str, stream: str, status: ContainerStatus, delay_s: float
) -> LogPage:
    """Return the lines that follow a cursor.

    Never raises for a log that cannot be read, since the job counts. A line reports it once it is given up.

    Args:
        client: of CloudWatch Logs.
        pace: of this process.
        text: the cursor.
        group: the log group.
        stream: the log's name in it.
        status: the last one of the task.
        delay_s: how long after the task's end, or after its last line arrived, more is waited for.
    """
    cursor, ended = Cursor.of(text), status.state in {State.ENDED, State.GONE}
    late_s = time.time() - (status.finished_at or 0) - delay_s
    if not pace.may_read(stream, ended=ended):
        return LogPage([], text, more=ended)
    try:
        answer = _get(client, group, stream, cursor)
    except PlatformUnavailableError as error:
        pace.unanswered()
        if not ended or late_s < _GIVE_UP_S:
            return LogPage([], text, more=ended)
        pace.discard(stream)
        line = f"the rest of the log could not be read from {group}/{stream}: {error}"
        return LogPage([line], text)
    if answer is None:  # nothing was written yet, or never
        pace.read(stream, lines=0)
        return LogPage([], text, more=ended and late_s < 0)
    after, lines = _take(cursor, answer)
    pace.read(stream, lines=len(lines))
    if not ended:
        return LogPage(lines, str(after), more=len(lines) >= _MUCH)
    arrived_s = time.time() - after.arrived_ms / 1000 - delay_s
    at_end = not lines and after.token == cursor.token and min(late_s, arrived_s) >= 0
    if at_end:
        pace.discard(stream)
    return LogPage(lines, str(after), more=not at_end)


def _get(client: Any, group: str, stream: str, cursor: Cursor) -> AwsObject | None:
    """Return a page, None where there is no such log (yet)."""
    wanted: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    if cursor.token is not None:
        wanted["nextToken"] = cursor.token
    if cursor.begin_ms is not None:
        wanted["startTime"] = cursor.begin_ms
    with asking("GetLogEvents"):
        try:
            found: AwsObject = client.get_log_events(**wanted)
            return {"events": found["events"], "nextForwardToken": found["nextForwardToken"]}
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return None
            if code_of(error) == "InvalidParameterException" and cursor.token is not None:
                # Tokens live for 24 hours.
                return {"events": [], "nextForwardToken": None}
            raise


def _take(cursor: Cursor, answer: AwsObject) -> tuple[Cursor, list[str]]:
    """Return the cursor after a page, and its lines."""
    token = answer["nextForwardToken"]
    if token is None:
        again = dataclasses.replace(cursor, token=None, begin_ms=cursor.last_ms, skip=cursor.with_last)
        return again, []
    events = answer["events"]
    skip = min(cursor.skip, sum(event["timestamp"] == cursor.begin_ms for event in events))
    events = events[skip:]
    if not events:
        return dataclasses.replace(cursor, token=token, skip=cursor.skip - skip), []
    last_ms = events[-1]["timestamp"]
    with_last = sum(event["timestamp"] == last_ms for event in events)
    after = dataclasses.replace(
        cursor,
        token=token,
        last_ms=last_ms,
        with_last=with_last + (cursor.with_last if last_ms == cursor.last_ms else 0),
        arrived_ms=max(event.get("ingestionTime", 0) for event in events),
        skip=0,
    )
    return after, [line for event in events for line in event["message"].rstrip("\r\n").split("\n")]
