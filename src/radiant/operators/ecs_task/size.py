"""The size of an ECS task, on Fargate and on instances."""

import math

from radiant.costs.fargate_size import Size, smallest_size
from radiant.errors import JobRefusedError

MANAGED = frozenset({"FARGATE", "FARGATE_SPOT"})
"""Capacity providers that are Fargate; others are groups of EC2 instances."""


def fargate_size(cpu: float, memory_mib: int) -> Size:
    """Return the smallest size that Fargate has with at least this many cores and this much memory.

    Raises:
        JobRefusedError: Fargate has none that large.
    """
    size = smallest_size(cpu, memory_mib)
    if size is not None:
        return size
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
