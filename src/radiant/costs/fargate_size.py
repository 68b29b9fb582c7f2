"""The sizes of a Fargate task.

Source: Amazon ECS developer guide, "Fargate task CPU and memory" and "Fargate task ephemeral storage".
"""

import math
from dataclasses import dataclass
from functools import lru_cache

_GB = 1024

FARGATE_MIB: dict[int, range | tuple[int, ...]] = {
    256: (512, 1 * _GB, 2 * _GB),
    512: range(1 * _GB, 4 * _GB + 1, _GB),
    1024: range(2 * _GB, 8 * _GB + 1, _GB),
    2048: range(4 * _GB, 16 * _GB + 1, _GB),
    4096: range(8 * _GB, 30 * _GB + 1, _GB),
    8192: range(16 * _GB, 60 * _GB + 1, 4 * _GB),
    16384: range(32 * _GB, 120 * _GB + 1, 8 * _GB),
}
"""Memory in MiB that goes with each number of CPU units (1,024 are one core), both ascending."""

FREE_SCRATCH_GIB = 20
"""Every Fargate task has this much; more is asked for, and paid."""
MOST_SCRATCH_GIB = 200


@dataclass(frozen=True, slots=True)
class Size:
    """What a task gets."""

    cpu_units: int
    memory_mib: int


@lru_cache(maxsize=1024)
def smallest_size(cpu: float, memory_mib: int) -> Size | None:
    """Return the smallest size with at least this many cores and this much memory, None where there is none.

    Fewest cores first: for the same memory they are never dearer. 2 cores with 2,048 MiB become 2 cores with 4,096 MiB.
    """
    for units, sizes in FARGATE_MIB.items():
        if units >= math.ceil(cpu * 1024) and sizes[-1] >= memory_mib:
            return Size(units, next(size for size in sizes if size >= memory_mib))
    return None
