"""One more try of a task: where it ran, what it used, the delays before it."""

from collections.abc import Mapping
from typing import Any

from radiant.jobs.documents import Result
from radiant.jobs.usage import JobTry, Placement, Times
from radiant.operators.ending import Ended
from radiant.operators.task_run import TaskRun
from radiant.runs.tries_document import read_tries, write_tries

_MOST = 20
"""Tries that are kept: a task that is cleared again and again must not make its XCom large."""
READY_AT = "ready_at"
"""Key of a mapped task's arguments that is not the job's: since when the task could start."""


def keep_restarted(run: TaskRun, ended: Ended) -> None:
    """Store what a container used that is started again within the same try.

    Raises:
        StorageError: it could not be written.
    """
    answer = run.folder.read_result(run.request.attempt)
    write_tries(run.folder.uri, with_try(read_tries(run.folder.uri), run, ended, answer, ended.reason))


def with_try(
    before: tuple[JobTry, ...], run: TaskRun, ended: Ended, answer: object, code: str | None
) -> tuple[JobTry, ...]:
    """Return the tries of a task with one more, whose attempt is in no other.

    Args:
        before: The tries so far.
        run: With the request of the attempt that ended.
        ended: What the platform saw.
        answer: What its worker answered, as `TaskFolder.read_result` returns it.
        code: Of its failure, None when it succeeded.
    """
    attempt = run.request.attempt
    others = tuple(one for one in before if one.attempt != attempt)
    usage = answer.usage if isinstance(answer, Result) and answer.attempt == attempt else None
    peaks = [peak for peak in (ended.peak_memory_mib, usage.peak_memory_mib if usage else None) if peak is not None]
    one = JobTry(
        attempt=attempt,
        try_number=run.task.try_number,
        code=code,
        times=_times(others, run, ended),
        placement=ended.placement or Placement(run.settings.backend),
        cpu=run.request.cpu,
        memory_limit_mib=ended.memory_limit_mib,
        peak_memory_mib=peaks[0] if peaks else None,
        usage=usage,
        radiant_version=run.request.radiant_version,
        image=run.request.image,
    )
    return (*others, one)[-_MOST:]


def ready_at(context: Any, arguments: Mapping[str, object], *, is_first: bool) -> float | None:
    """Return since when a task could start, in seconds since the epoch; None where that is unknown.

    Args:
        context: Of Airflow.
        arguments: Of a mapped task, with the time at which they were made.
        is_first: The task waits for no other: it could start with its run.
    """
    given = arguments.get(READY_AT)
    if isinstance(given, int | float):
        return float(given)
    began = getattr(context["dag_run"], "start_date", None) if is_first else None
    return None if began is None else float(began.timestamp())


def _times(before: tuple[JobTry, ...], run: TaskRun, ended: Ended) -> Times:
    times = ended.times or Times()
    if not before:
        ready = run.ready_at
    else:
        # A container that was started again within the try was never in Airflow's queue.
        same_try = before[-1].try_number == run.task.try_number
        ready = None if same_try else before[-1].times.ended_at
    return Times(ready, times.asked_at, times.placed_at, times.started_at, times.ended_at)
