"""The control groups that this process is in, as the kernel lists them; `cores` and `memory` read their limits and use.

Source: Linux documentation, "Control Group v2" and "Control Groups version 1"; cgroups(7).
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

MOUNTED_AT = Path("/sys/fs/cgroup")
LISTED_IN = Path("/proc/self/cgroup")


class OwnGroup(NamedTuple):
    """One control group of this process."""

    controllers: str
    """`cpu,cpuacct` and the like in version 1, where each set is a folder of that name; empty in version 2."""
    path: str
    """Below the folder of the controllers, without the leading slash; a container may see that of its host."""

    def mounted(self, root: Path) -> Path:
        """Return the folder that the path is below."""
        return root / self.controllers if self.controllers else root


def own_groups(listed_in: Path = LISTED_IN) -> list[OwnGroup]:
    """Return the control groups of this process; none where the system has none."""
    with contextlib.suppress(OSError):
        rows = (line.split(":", 2) for line in listed_in.read_text().splitlines())
        return [OwnGroup(controllers, path.lstrip("/")) for _, controllers, path in rows]
    return []
