"""The quota of a tenant on ECS, which has none of its own for a cluster: what runs there is counted before a start."""

import threading
from collections.abc import Iterator
from typing import Any

from radiant.errors import JobNotYetError, JobRefusedError
from radiant.jobs.reasons import Reason
from radiant.operators.ecs_task.api import asking
from radiant.operators.ecs_task.task_status import AwsObject
from radiant.settings import Settings

STARTS = threading.Lock()
"""Held from the count to the start: two threads of a triggerer never take the same last place."""
_PAGE = 100
_CPU_UNITS = 1024
_MIB = 1024


def has_quota(settings: Settings) -> bool:
    """Return whether the tenant has a quota.

    Raises:
        JobRefusedError: it has one, and no stack of its own whose tasks could be counted.
    """
    own = settings.tenant_settings
    if own is None or (own.most_jobs, own.most_cpu, own.most_memory_gib) == (None, None, None):
        return False
    if own.ecs_stack is None:
        msg = (
            f"tenant {settings.tenant} has a quota and shares its ECS cluster: name its own stack in RADIANT_TENANTS "
            "(ecs_stack), or leave most_jobs, most_cpu and most_memory_gib out"
        )
        raise JobRefusedError(msg)
    return True


def require_room(client: Any, settings: Settings, call: AwsObject) -> None:
    """Return when the tenant's quota has room for one more task.

    Args:
        client: Of ECS.
        settings: Of a tenant with a quota.
        call: The arguments of RunTask.

    Raises:
        JobNotYetError: it has none now.
        JobRefusedError: the task alone is larger than the quota.
        PlatformUnavailableError: ECS does not answer.
    """
    own = settings.tenants[str(settings.tenant)]
    cpu = int(call["overrides"]["cpu"]) / _CPU_UNITS
    memory_gib = int(call["overrides"]["memory"]) / _MIB
    limits = (("jobs", own.most_jobs, 1.0), ("cores", own.most_cpu, cpu), ("GiB", own.most_memory_gib, memory_gib))
    for what, limit, needed in limits:
        if limit is not None and needed > limit:
            msg = f"the job needs {needed:g} {what}, and the quota of tenant {settings.tenant} is {limit:g}: raise it"
            raise JobRefusedError(msg)
    with asking("ListTasks"):
        running = list(_running(client, settings.ecs.cluster))
    sizes = _sizes(client, settings.ecs.cluster, running) if own.most_cpu or own.most_memory_gib else (0.0, 0.0)
    for (what, limit, needed), used in zip(limits, (float(len(running)), *sizes), strict=True):
        if limit is not None and used + needed > limit:
            msg = f"the quota of tenant {settings.tenant} has no room: {used:g} of {limit:g} {what} are in use"
            raise JobNotYetError(msg, reason=Reason.QUOTA_EXCEEDED)


def _running(client: Any, cluster: str) -> Iterator[str]:
    """Yield the tasks that run or are to run."""
    more: dict[str, str] = {}
    while True:
        answer = client.list_tasks(cluster=cluster, desiredStatus="RUNNING", maxResults=_PAGE, **more)
        yield from answer["taskArns"]
        if not answer.get("nextToken"):
            return
        more = {"nextToken": answer["nextToken"]}


def _sizes(client: Any, cluster: str, arns: list[str]) -> tuple[float, float]:
    """Return cores and GiB of tasks."""
    cpu = memory_gib = 0.0
    for first in range(0, len(arns), _PAGE):
        with asking("DescribeTasks"):
            for task in client.describe_tasks(cluster=cluster, tasks=arns[first : first + _PAGE])["tasks"]:
                cpu += int(task["cpu"]) / _CPU_UNITS
                memory_gib += int(task["memory"]) / _MIB
    return cpu, memory_gib
