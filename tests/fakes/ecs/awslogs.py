"""A container's output as the awslogs driver delivers it to CloudWatch Logs."""

import heapq
import itertools
import sys
import threading
import time
import traceback

from moto.core import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends

TICK_MS = 10
"""Events are stamped to this many milliseconds, so that lines written together share a time stamp, as they do."""
LONGEST = 262_118
"""Bytes of an event; the driver cuts a longer line in pieces."""


class Delivery:
    """Puts events into CloudWatch Logs, each when it is due; `catch_up` does not wait for its thread."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Stream, list[dict[str, object]]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def put(self, stream: "Stream", events: list[dict[str, object]], delay_s: float) -> None:
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._number), stream, events))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            self.catch_up()

    def catch_up(self) -> None:
        """Put in all that is due by now."""
        with self._changed:
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, stream, events = heapq.heappop(self._due)
                try:
                    stream.deliver(events)
                except Exception:  # noqa: BLE001 - one stream's trouble must not stop the others'
                    traceback.print_exc(file=sys.stderr)


class Stream:
    """The log of one container: `<prefix>/<container>/<task id>`.

    Raises:
        KeyError: there is no such log group; AWS then fails the task's start.
    """

    def __init__(self, delivery: Delivery, region: str, group: str, name: str, delay_s: float) -> None:
        self._backend = logs_backends[DEFAULT_ACCOUNT_ID][region]
        self._delivery = delivery
        self._group = group
        self._name = name
        self._delay_s = delay_s
        self._rest = b""
        self._backend.groups[group].create_log_stream(name)

    def write(self, chunk: bytes) -> None:
        """Take what the container has just written; a line is an event, an empty line none."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._send(lines)

    def close(self) -> None:
        """Take the last line, even if it has no end."""
        self._send([self._rest])
        self._rest = b""

    def deliver(self, events: list[dict[str, object]]) -> None:
        group = self._backend.groups.get(self._group)
        if group is not None:
            group.put_log_events(self._name, events)

    def _send(self, lines: list[bytes]) -> None:
        stamp = int(time.time() * 1000) // TICK_MS * TICK_MS
        pieces = [line[at : at + LONGEST] for line in lines for at in range(0, len(line), LONGEST)]
        events: list[dict[str, object]] = [
            {"timestamp": stamp, "message": piece.decode(errors="replace")} for piece in pieces
        ]
        if events:
            self._delivery.put(self, events, self._delay_s)
