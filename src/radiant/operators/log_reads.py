"""The reads of a container's log: how far it was read, and when a read that failed is repeated."""

from dataclasses import dataclass

_LOG_PAUSE_S = 2.0
"""After the first read of the log that failed; twice as long after each further one."""
_LONGEST_LOG_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class LogPosition:
    """How far the log of one container was read."""

    attempt: str
    """Of the container; in the log of any other one it is the beginning."""
    cursor: str = ""


@dataclass(slots=True)
class LogReads:
    """The reads of one container's log: whether there is another page, and when a failed read is repeated."""

    more: bool = False
    """There is another page to read at once."""
    news: str = ""
    """The failure, until it is reported."""
    failed_since: float | None = None
    pause_s: float = _LOG_PAUSE_S
    next_at: float = 0.0

    def failed(self, error: Exception, now: float) -> None:
        """Record a read that failed; the next one waits."""
        if self.failed_since is None:
            self.failed_since = now
            self.news = f"the log cannot be read: {error}; asking again, the job goes on"
            self.pause_s = _LOG_PAUSE_S
        self.next_at = now + self.pause_s
        self.pause_s = min(_LONGEST_LOG_PAUSE_S, self.pause_s * 2)

    def take_news(self) -> str:
        """Return the failure, once."""
        news, self.news = self.news, ""
        return news
