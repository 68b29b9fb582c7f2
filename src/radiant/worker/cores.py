"""The number of cores that this process may use."""

import math
import os
from pathlib import Path

from radiant.worker.control_groups import LISTED_IN, MOUNTED_AT, own_groups


def usable_cores(limit: float | None = None, root: Path = MOUNTED_AT, own: Path = LISTED_IN) -> int:
    """Return the least of the job's limit, the container's CPU limit and the cores it may run on; at least 1.

    A container sees all cores of its node; the limit is a quota of its control group (version 2 or 1).

    Args:
        limit: The job's own, in cores; None for none.
        root: Where control groups are mounted.
        own: Which control groups this process is in.
    """
    limits = [float(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else float(os.cpu_count() or 1)]
    limits += [one for one in (limit, *_quotas(root, own)) if one is not None]
    return max(1, math.floor(min(limits) + 0.01))


def _quotas(root: Path, own: Path) -> list[float]:
    """Return the quotas of this process's control groups and all groups above them, in cores."""
    found: list[float] = []
    for folder in _groups(root, own):
        two = _words(folder / "cpu.max")
        if len(two) == 2 and two[0].isdigit():  # noqa: PLR2004 - quota and period
            found.append(int(two[0]) / int(two[1]))
        quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
        if quota and period and int(quota[0]) > 0:
            found.append(int(quota[0]) / int(period[0]))
    return found


def _groups(root: Path, own: Path) -> set[Path]:
    folders = {root, root / "cpu", root / "cpu,cpuacct"}
    for group in own_groups(own):
        relative = Path(group.path)
        folders |= {group.mounted(root) / part for part in (relative, *relative.parents)}
    return folders


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
