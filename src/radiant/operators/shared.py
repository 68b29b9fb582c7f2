"""What all tasks of one process share: clients, connections, the pace of requests. No other module has such state."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_T = TypeVar("_T")
_Key = tuple[Hashable, ...]
_values: dict[_Key, Any] = {}
_lock = threading.RLock()


def shared(key: _Key, make: Callable[[], _T]) -> _T:
    """Return the value of a key, made at the first call; one thread at a time makes values.

    Example: `shared(("reader", conn_id), make)` is the same reader in all threads.
    """
    with _lock:
        if key not in _values:
            _values[key] = make()
        found: _T = _values[key]
        return found


def discard(*prefix: Hashable) -> None:
    """Discard the values whose keys begin so, all of them without a prefix: the next calls make them again.

    Example: `discard("cluster", conn_id)` after the credential of a connection changed.
    """
    with _lock:
        for key in [key for key in _values if key[: len(prefix)] == prefix]:
            del _values[key]
