"""How often the logs of a process's tasks are read.

CloudWatch Logs allows an account 25 GetLogEvents a second in a region, all its programs together. A process takes less
than half of that, and reads a log without news ever more rarely. No caller waits: a read that is not allowed now comes
with the next step.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

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


class Pace:
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
