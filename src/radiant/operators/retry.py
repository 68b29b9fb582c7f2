"""The retry policy: from the reason's row in `jobs/reasons.py` to another try, its memory and the hint."""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from radiant.jobs.documents import Failure
from radiant.jobs.reasons import (
    HINT_IF_PERMANENT,
    HINT_IF_TRANSIENT,
    OUT_OF_MEMORY_AT_CAP,
    OUT_OF_MEMORY_LOWERED,
    Retry,
    reason_named,
)

AirflowArguments = dict[str, Any]
"""Keyword arguments of an Airflow operator, which defines their types."""

TASK_DEFAULTS: AirflowArguments = {
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
class RetryDecision:
    """What follows a failure."""

    retry: bool
    """False ends the task at once, whatever tries it has left."""
    memory_mib: int | None
    """Limit of all later tries when it must grow, else None."""
    hint: str
    """What the reader of the failure can do."""


def decide_retry(  # noqa: PLR0913 - all but one by name
    failure: Failure,
    *,
    job: str,
    try_number: int,
    limit_mib: int,
    peak_mib: float | None,
    cap_mib: int,
    asked_mib: int | None = None,
    fit: Callable[[int], int] = int,
) -> RetryDecision:
    """Return what follows this failure; Airflow's `retries` still bounds the number of tries.

    Args:
        failure: why the job failed.
        job: its name.
        try_number: from 1.
        limit_mib: memory limit of this try.
        peak_mib: highest memory measured, None when it was not measured.
        cap_mib: memory never grows beyond this.
        asked_mib: the limit that was asked for, where the platform gave another.
        fit: memory requested -> memory that a platform with fixed sizes gives, MiB.
    """
    reason = reason_named(failure.code)
    texts = {"job": f"RADIANT_JOBS__{job.replace('-', '_').upper()}__", "cap_mib": cap_mib, "asked_mib": asked_mib}
    if reason is None:
        hint = HINT_IF_TRANSIENT if failure.retryable else HINT_IF_PERMANENT
        return RetryDecision(retry=failure.retryable, memory_mib=None, hint=hint)
    if reason.retry is Retry.WITH_MORE_MEMORY:
        grown_mib = min(fit(min(next_memory_mib(limit_mib, peak_mib), cap_mib)), cap_mib)
        if asked_mib is not None and limit_mib < asked_mib and grown_mib <= asked_mib:
            return RetryDecision(retry=True, memory_mib=None, hint=OUT_OF_MEMORY_LOWERED.format_map(texts))
        if grown_mib <= limit_mib:
            return RetryDecision(retry=False, memory_mib=None, hint=OUT_OF_MEMORY_AT_CAP.format_map(texts))
        hint = reason.hint.format_map(texts | {"grown_mib": grown_mib})
        return RetryDecision(retry=True, memory_mib=grown_mib, hint=hint)
    retry = {Retry.NEVER: False, Retry.ONCE: try_number == 1, Retry.IF_TRANSIENT: failure.retryable}[reason.retry]
    return RetryDecision(retry=retry, memory_mib=None, hint=reason.hint.format_map(texts))


def next_memory_mib(limit_mib: int, peak_mib: float | None) -> int:
    """Return the limit after running out of memory: the measured peak x 1.3, at least the limit x 1.5."""
    return math.ceil(max((peak_mib or 0) * _PEAK_FACTOR, limit_mib * _LIMIT_FACTOR))
