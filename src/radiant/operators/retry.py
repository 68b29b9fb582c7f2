"""The retry policy, in one place: bad input never, what may pass always, out of memory with more memory."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from radiant.jobs.documents import Failure
from radiant.operators.ending import (
    CONFIG,
    DEADLINE_EXCEEDED,
    DRAINED,
    EVICTED,
    IMAGE_PULL,
    KILLED,
    LOST,
    NO_CAPACITY,
    NODE_LOST,
    OUT_OF_MEMORY,
    PREEMPTED,
    QUOTA_EXCEEDED,
    SPOT_INTERRUPTED,
    START_FAILED,
    START_TIMEOUT,
    THROTTLED,
    TIMEOUT,
    UNSCHEDULABLE,
)

TASK_DEFAULTS: dict[str, Any] = {
    "retries": 2,
    "retry_delay": dt.timedelta(seconds=10),
    "retry_exponential_backoff": 3.0,
    "max_retry_delay": dt.timedelta(minutes=10),
    # Of the tasks that wait, the short ones around the imports go first, so that an urgent run can begin, and a run
    # whose cases are read can end, while others' imports wait; `import_case` has weight 1.
    "priority_weight": 10,
    "weight_rule": "absolute",
}
"""Airflow arguments of every task; of those that are no job, too: their process can be killed like any other."""

_PEAK_FACTOR = 1.3
_LIMIT_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows a failure."""

    retry: bool
    """False ends the task at once, whatever tries it has left."""
    memory_mib: int | None
    """Limit of all later tries when it must grow, else None."""
    hint: str
    """What the person who reads the failure can do."""


def decide(  # noqa: PLR0913 - all but one by name
    failure: Failure,
    *,
    job: str,
    try_number: int,
    limit_mib: int,
    peak_mib: float | None,
    cap_mib: int,
    asked_mib: int | None = None,
    fit: Callable[[int], int] = int,
) -> Decision:
    """Return what follows this failure; Airflow's `retries` still bounds the number of tries.

    Args:
        failure: why the job failed.
        job: its name.
        try_number: from 1.
        limit_mib: memory limit of this try.
        peak_mib: highest memory measured, None when nobody measured.
        cap_mib: memory never grows beyond this.
        asked_mib: the limit that was asked for, where the platform gave another.
        fit: what a platform with fixed sizes gives when so much is asked for.
    """
    prefix = f"RADIANT_JOBS__{job.replace('-', '_').upper()}__"
    if failure.code == OUT_OF_MEMORY:
        grown = min(fit(min(next_memory_mib(limit_mib, peak_mib), cap_mib)), cap_mib)
        if asked_mib is not None and limit_mib < asked_mib and grown <= asked_mib:
            hint = (
                f"Find what lowers the limits of pods (a webhook, a policy) and let it give {prefix}MEMORY_MIB; "
                f"another try asks for {asked_mib} MiB again"
            )
            return Decision(retry=True, memory_mib=None, hint=hint)
        if grown <= limit_mib:
            hint = (
                f"The limit cannot grow beyond RADIANT_JOBS__MEMORY_CAP_MIB={cap_mib}: raise it, or {prefix}MEMORY_MIB"
            )
            return Decision(retry=False, memory_mib=None, hint=hint)
        hint = f"Another try gets {grown} MiB; set {prefix}MEMORY_MIB to start with more"
        return Decision(retry=True, memory_mib=grown, hint=hint)
    if failure.code in {TIMEOUT, DEADLINE_EXCEEDED}:
        # A hang passes with a second try, a job that is too slow does not: four hours twice is enough.
        hint = f"If it was not hanging, raise {prefix}TIMEOUT_S"
        return Decision(retry=try_number == 1, memory_mib=None, hint=hint)
    return Decision(retry=failure.retryable, memory_mib=None, hint=_HINTS.get(failure.code, _hint_for(failure)))


def next_memory_mib(limit_mib: int, peak_mib: float | None) -> int:
    """Return the limit after running out of memory: the measured peak x 1.3, at least the limit x 1.5."""
    return math.ceil(max((peak_mib or 0) * _PEAK_FACTOR, limit_mib * _LIMIT_FACTOR))


_HINTS = {
    KILLED: "Clear the task to run it again",
    DRAINED: "Another try starts over",
    LOST: "Another try starts over; if it happens again, look at the machine it ran on (disk, memory, its system log)",
    NO_CAPACITY: "Another try waits as long again; RADIANT_CONTAINER__QUEUE_TIMEOUT_S says how long",
    IMAGE_PULL: "See that RADIANT_IMAGE exists, for this CPU architecture, and that the platform may pull it",
    START_FAILED: "The platform says above what it could not start: roles, secrets, network, log group, command",
    START_TIMEOUT: "See what the platform says above; RADIANT_CONTAINER__START_TIMEOUT_S is how long a start may take",
    SPOT_INTERRUPTED: "Another try starts over; RADIANT_CONTAINER__RESTARTS says how often that happens within one try",
    THROTTLED: "The container goes on and the next try adopts it; RADIANT_CONTAINER__LOOK_S says how often tasks ask",
    "Bug": "Trying again changes nothing",
    EVICTED: "Another try starts over; if it used more disk than it has, raise RADIANT_JOBS__<JOB>__SCRATCH_GIB",
    PREEMPTED: "Another try starts over; RADIANT_KUBERNETES__PRIORITY_CLASS gives jobs a higher priority",
    NODE_LOST: "Another try starts over on another node",
    UNSCHEDULABLE: "Add a node or ask for less by RADIANT_JOBS__*; look for cordoned nodes, taints, selectors",
    QUOTA_EXCEEDED: "Raise the ResourceQuota of the namespace, or run fewer jobs at once (an Airflow pool)",
    "Unauthorized": "Renew the credential of the Airflow connection; the container goes on and the next try adopts it",
    "Forbidden": "Give the account of the Airflow connection the rights that the message names",
    CONFIG: "Correct the setting or the installation that the log above names, then clear the task",
    "Protocol": "Install the same radiant version in Airflow and for the worker, then clear the task",
}


def _hint_for(failure: Failure) -> str:
    if failure.retryable:
        return "This may pass; another try starts over"
    return "Trying again changes nothing: mend what the message names, then run the case again"
