"""The sizes of a Fargate task.

Source: Amazon ECS developer guide, "Fargate task CPU and memory" and "Fargate task ephemeral storage".
"""

import math
from dataclasses import dataclass

from radiant.errors import JobRefusedError

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

MANAGED = frozenset({"FARGATE", "FARGATE_SPOT"})
"""Capacity providers that are Fargate; others are groups of EC2 instances."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a task gets."""

    cpu_units: int
    memory_mib: int


def fargate_size(cpu: float, memory_mib: int) -> Size:
    """Return the smallest size that Fargate has with at least this many cores and this much memory.

    Fewest cores first: for the same memory they are never dearer.

    Raises:
        JobRefusedError: Fargate has none that large.
    """
    for units, sizes in FARGATE_MIB.items():
        if units >= math.ceil(cpu * 1024) and sizes[-1] >= memory_mib:
            return Size(units, next(size for size in sizes if size >= memory_mib))
    msg = (
        f"{cpu:g} cores with {memory_mib} MiB are more than a Fargate task can have (16 cores, 122880 MiB): lower the "
        "job's numbers and RADIANT_JOBS__MEMORY_CAP_MIB, or name an EC2 capacity provider in "
        "RADIANT_ECS__CAPACITY_PROVIDER"
    )
    raise JobRefusedError(msg)


def task_size(cpu: float, memory_mib: int, provider: str) -> Size:
    """Return the size of a task on a capacity provider: on EC2 instances exactly what is asked for.

    Raises:
        JobRefusedError: Fargate has none that large.
    """
    if provider in MANAGED:
        return fargate_size(cpu, memory_mib)
    return Size(math.ceil(cpu * 1024), memory_mib)
