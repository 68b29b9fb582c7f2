"""What of a container's log waits to be read, and when the next read may be."""

import time

_PAUSE_S = 2.0
"""After the first read that failed; twice as long after each further one."""
_LONGEST_S = 30.0


class Unread:
    """What of the log waits to be read: another page, or what could not be read."""

    def __init__(self, *, more: bool = False) -> None:
        """Begin.

        Args:
            more: there is another page to read at once.
        """
        self.more = more
        self._news = ""
        self._since: float | None = None
        self._pause_s = _PAUSE_S
        self._next_at = 0.0

    def failed(self, error: Exception) -> None:
        """Note a read that failed; the next one is not at once."""
        now = time.monotonic()
        if self._since is None:
            self._since = now
            self._news = f"the log cannot be read: {error}; asking again, the job goes on"
        self._next_at = now + self._pause_s
        self._pause_s = min(_LONGEST_S, self._pause_s * 2)

    def is_pause(self) -> bool:
        """Return whether the next read has to wait."""
        return time.monotonic() < self._next_at

    def for_s(self) -> float:
        """Return for how long it could not be read."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def take_news(self) -> str:
        """Return what the person should read, once."""
        news, self._news = self._news, ""
        return news
