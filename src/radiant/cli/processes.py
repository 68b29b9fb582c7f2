"""Finding and ending processes by a mark in their environment.

Airflow, its tasks and their jobs put themselves into sessions and process groups of their own, and lose their parent
when it is killed; the environment they were started with stays. `setproctitle` would overwrite it, unless `SPT_NOENV`
is set.

Source: proc(5), `/proc/[pid]/environ`; setproctitle's README, "Environment variables".
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from radiant.errors import ConfigError

_PROC = Path("/proc")
_STEP_S = 0.1


def require_proc() -> None:
    """Make sure that processes can be found on this machine.

    Raises:
        ConfigError: it has no `/proc`.
    """
    if not (_PROC / "self" / "environ").exists():
        msg = "`radiant run` needs Linux: without /proc it cannot find, and so not end, what Airflow starts"
        raise ConfigError(msg)


def find_marked(mark: tuple[str, str]) -> list[int]:
    """Return the ids of all living processes, this one excepted, that have `NAME=value` in their environment."""
    wanted = f"{mark[0]}={mark[1]}".encode()
    return [
        pid for pid in _process_ids() if pid != os.getpid() and wanted in _environment(pid) and state(pid) not in "ZX "
    ]


def end_marked(mark: tuple[str, str], grace_s: float, *, last: int | None = None) -> int:
    """End all processes with that mark: SIGTERM, then SIGKILL for what is left after `grace_s` seconds.

    A KeyboardInterrupt meanwhile means that the person does not want to wait: SIGKILL at once.

    Args:
        mark: name and value of the variable.
        grace_s: how long they may take to end by themselves.
        last: a process that hears of it only when the others are gone, because it reads what they write.

    Returns:
        How many processes there were.
    """
    reported: set[int] = set()
    deadline = time.monotonic() + grace_s
    try:
        while (left := find_marked(mark)) and time.monotonic() < deadline:
            # Again each time: a process that was just being forked has not heard yet.
            new = [pid for pid in left if pid not in reported and (pid != last or left == [last])]
            _signal(new, signal.SIGTERM)
            reported.update(new)
            time.sleep(_STEP_S)
    except KeyboardInterrupt:
        pass
    while left := find_marked(mark):
        reported.update(left)
        _signal(left, signal.SIGKILL)
        time.sleep(_STEP_S)
    return len(reported)


def children(parent: int) -> dict[int, str]:
    """Return the command line of each living child of a process, by process id."""
    return {pid: command(pid) for pid in _process_ids() if _parent(pid) == parent and state(pid) not in "ZX "}


def command(pid: int) -> str:
    """Return a process's command line, empty when it is gone."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def state(pid: int) -> str:
    """Return the one-letter state of a process (`Z` is a zombie), a space when it is gone."""
    fields = _status_fields(pid)
    return fields[0] if fields else " "


def _process_ids() -> Iterator[int]:
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            yield int(entry.name)


def _environment(pid: int) -> list[bytes]:
    return _read(pid, "environ").split(b"\0")


def _parent(pid: int) -> int:
    fields = _status_fields(pid)
    return int(fields[1]) if fields else -1


def _status_fields(pid: int) -> list[str]:
    # "pid (name) state ppid ...": the name may hold spaces and parentheses.
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(pid: int, name: str) -> bytes:
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:  # ended meanwhile, or another user's
        return b""


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
