"""What this process has read from and written to object stores. Local files are counted by the kernel.

Requests are those that this package asks for; retries by a store's client, and requests by other libraries, are not in
the count.
"""

import dataclasses
import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests and bytes."""

    read_requests: int = 0
    """GET and HEAD."""
    write_requests: int = 0
    """PUT, POST, LIST, DELETE: stores charge more for the first three."""
    bytes_read: int = 0
    bytes_written: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        """Return the sum, field by field."""
        return Traffic(*(mine + its for mine, its in zip(_values(self), _values(other), strict=True)))

    def __sub__(self, other: "Traffic") -> "Traffic":
        """Return the difference, field by field."""
        return Traffic(*(mine - its for mine, its in zip(_values(self), _values(other), strict=True)))


class _Counter:
    """Sums over all threads of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sum = Traffic()

    def add(self, traffic: Traffic) -> None:
        with self._lock:
            self._sum += traffic

    @property
    def sum(self) -> Traffic:
        return self._sum


_COUNTER = _Counter()


def count(read_requests: int = 0, write_requests: int = 0, bytes_read: int = 0, bytes_written: int = 0) -> None:
    """Add requests and bytes."""
    add_traffic(Traffic(read_requests, write_requests, bytes_read, bytes_written))


def add_traffic(traffic: Traffic) -> None:
    """Add what another process counted: a child of this one."""
    _COUNTER.add(traffic)


def traffic_so_far() -> Traffic:
    """Return the sum since the start of the process; of a piece of work, take the difference of two sums."""
    return _COUNTER.sum


def _values(traffic: Traffic) -> tuple[int, ...]:
    return dataclasses.astuple(traffic)
