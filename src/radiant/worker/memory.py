"""The memory that a job uses now: of its container where it has one of its own, else of its processes.

| source | where | counted |
|---|---|---|
| cgroup2 | `memory.current`, `memory.stat` of the control group | all but file pages that the kernel drops first |
| cgroup1 | `memory.usage_in_bytes`, `memory.stat` | the same |
| ecs | `${ECS_CONTAINER_METADATA_URI_V4}/stats`, where no control group is mounted | the same |
| processes | resident memory of the process and its children | pages that they share count once for each |

Source: Linux documentation, "Control Group v2" and "Memory Resource Controller"; Amazon ECS developer guide, "Task
metadata endpoint version 4". What is left out, `inactive_file`, is what the kubelet leaves out, too: reading a large
file fills it up to the limit, and the kernel drops it before the limit counts.
"""

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import psutil

from radiant.jobs.usage import MemorySource
from radiant.worker.control_groups import LISTED_IN, MOUNTED_AT, own_groups

_INIT = 1
"""Process id of a container's first process."""
_FIND_CHILDREN_EVERY = 20
"""In calls; finding children reads the list of all processes of the machine."""
_ECS_TIMEOUT_S = 2.0


class MemoryMeter(Protocol):
    """Measures memory."""

    source: MemorySource
    every_s: float
    """How often to ask."""

    def used_bytes(self) -> int:
        """Return the memory in use, 0 where it could not be read this time."""
        ...


class ControlGroup:
    """The memory of a control group, version 1 or 2."""

    every_s = 0.1

    def __init__(self, folder: Path, source: MemorySource) -> None:
        self.source = source
        version_2 = source is MemorySource.CGROUP2
        self._usage = folder / ("memory.current" if version_2 else "memory.usage_in_bytes")
        self._stat = folder / "memory.stat"
        self._dropped_first = "inactive_file " if version_2 else "total_inactive_file "

    def used_bytes(self) -> int:
        """Return the group's memory without inactive file pages."""
        try:
            used, stat = int(self._usage.read_text()), self._stat.read_text()
        except (OSError, ValueError):
            return 0
        dropped = (line for line in stat.splitlines() if line.startswith(self._dropped_first))
        return max(0, used - int(next(dropped, "0").split()[-1]))


class EcsMetadata:
    """The memory of the ECS container, from the agent's endpoint."""

    source = MemorySource.ECS
    every_s = 5.0

    def __init__(self, uri: str) -> None:
        self._uri = urlsplit(uri)

    def used_bytes(self) -> int:
        """Return the container's memory without inactive file pages."""
        try:
            found = self._stats()["memory_stats"]
            stats = found.get("stats", {})
            dropped = stats.get("total_inactive_file", stats.get("inactive_file", 0))
            return max(0, int(found["usage"]) - int(dropped))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return 0

    def _stats(self) -> Any:
        from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - most jobs ask no endpoint

        connection = HTTPConnection(self._uri.netloc, timeout=_ECS_TIMEOUT_S)
        with contextlib.closing(connection):
            try:
                connection.request("GET", f"{self._uri.path}/stats")
                return json.loads(connection.getresponse().read())
            except HTTPException as error:
                raise ValueError from error


class Processes:
    """The resident memory of this process and its children."""

    source = MemorySource.PROCESSES
    every_s = 0.1

    def __init__(self) -> None:
        self._own = psutil.Process()
        self._found: Sequence[psutil.Process] = [self._own]
        self._calls = 0

    def used_bytes(self) -> int:
        """Return the sum; a child counts from two seconds after its start at the latest."""
        total = 0
        with contextlib.suppress(psutil.Error):
            if self._calls % _FIND_CHILDREN_EVERY == 0:
                self._found = [self._own, *self._own.children(recursive=True)]
        self._calls += 1
        for process in self._found:
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total


def memory_meter(
    metadata_uri: str | None = None,
    root: Path = MOUNTED_AT,
    own: Path = LISTED_IN,
    getpid: Callable[[], int] = os.getpid,
) -> MemoryMeter:
    """Return the meter for this process: its control group if it has one to itself, else ECS's, else its processes.

    Args:
        metadata_uri: `ECS_CONTAINER_METADATA_URI_V4`, None where it is not set.
        root: Where control groups are mounted.
        own: Which control groups this process is in.
        getpid: This process's id.
    """
    for folder, source in _groups(root, own):
        meter = ControlGroup(folder, source)
        if _has_it_alone(folder, getpid()) and meter.used_bytes():
            return meter
    if metadata_uri:
        ecs = EcsMetadata(metadata_uri)
        if ecs.used_bytes():
            return ecs
    return Processes()


def peak_of_own_process() -> int:
    """Return the highest resident memory of this process since its program began, 0 where the system has no count.

    Not `ru_maxrss`, which begins with the memory of the process that started this one: Airflow's, for a local job.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _groups(root: Path, own: Path) -> list[tuple[Path, MemorySource]]:
    """Return the control groups of memory that this process may be in, as a container sees them."""
    found: list[tuple[Path, MemorySource]] = []
    for group in own_groups(own):
        if not group.controllers:
            source, file = MemorySource.CGROUP2, "memory.current"
        elif "memory" in group.controllers.split(","):
            source, file = MemorySource.CGROUP1, "memory.usage_in_bytes"
        else:
            continue
        # A container that sees the host's path has its own group mounted at the root.
        folders = (group.mounted(root) / group.path, group.mounted(root))
        found += [(folder, source) for folder in folders if (folder / file).is_file()][:1]
    return found


def _has_it_alone(folder: Path, pid: int) -> bool:
    """Return whether a group's processes are this one alone, or with the container's first process (an init)."""
    try:
        processes = {int(one) for one in (folder / "cgroup.procs").read_text().split()}
    except (OSError, ValueError):
        return False
    return pid in processes and processes <= {pid, _INIT}
