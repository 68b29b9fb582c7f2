"""How a job ended: what the platform saw and what the result document holds, brought together."""

import dataclasses
import signal
from dataclasses import dataclass

from radiant.errors import EXIT_OK, JobProtocolError
from radiant.jobs.codec import JsonObject
from radiant.jobs.documents import Failure, JobSummary, Request, Result, Status
from radiant.jobs.reasons import BY_EXIT_CODE, OF_ANOTHER_NAME, Reason, reason_named
from radiant.jobs.usage import Placement, Times

LAST_LINES = 15
"""Of a job's log, in the error of its task."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What the platform saw of a job's end."""

    exit_code: int | None
    """As the process left it; negative for a signal, None when it is unknown."""
    reason: str | None
    """The name of a `Reason`, or one of another release; None when the job ended by itself."""
    seconds: float
    """From start to end."""
    memory_limit_mib: int
    """The limit that the job had."""
    peak_memory_mib: float | None
    """Highest sum of the resident memory of its processes as the platform measured it, None when it did not."""
    retryable: bool = True
    """With `reason`: another try may end in another way."""
    detail: str = ""
    """What else the platform reports, one sentence."""
    last_lines: tuple[str, ...] = ()
    """The end of the job's log."""
    memory_asked_mib: int | None = None
    """The limit that was asked for, where the platform gave another; None where it gave what was asked for."""
    times: Times | None = None
    """When it passed each step, without `ready_at`."""
    placement: Placement | None = None
    """Where it ran."""


def read_together(request: Request, ended: Ended, result: Result | JobProtocolError | None) -> Result:
    """Return the result that counts.

    Success needs exit code 0 and a result of this very attempt with the status `succeeded`. Everything else becomes a
    failed result: the job's own where it is one, otherwise one of status `lost` made here.

    Args:
        request: of the attempt.
        ended: what the platform saw.
        result: the document found, the error of reading it, or None where there is none.
    """
    if ended.reason is not None:
        return _lost(request, ended.reason, _what_the_platform_did(ended), retryable=ended.retryable)
    if isinstance(result, JobProtocolError):
        return _lost(request, result.code, str(result), retryable=False)
    if result is None or result.attempt != request.attempt:
        reason, retryable = BY_EXIT_CODE.get(ended.exit_code or 0, (Reason.LOST, True))
        whose = "without a result" if result is None else "without a result of this attempt"
        return _lost(request, reason, f"the job ended {whose}, {_exit(ended.exit_code)}. {ended.detail}", retryable)
    succeeded = result.status is Status.SUCCEEDED
    if succeeded != (ended.exit_code == EXIT_OK) or succeeded == (result.failure is not None):
        text = f"its result has the status {result.status}, but it ended {_exit(ended.exit_code)}. {ended.detail}"
        return _lost(request, Reason.LOST, text, retryable=True)
    return result


def summary(result: Result, ended: Ended) -> JsonObject:
    """Return the XCom of a job's task, see `JobSummary`."""
    usage, failure = result.usage, result.failure
    return JobSummary(
        job=result.job,
        status=result.status,
        output=result.output,
        rows=result.rows,
        seconds=round(ended.seconds, 1),
        cpu_s=usage.cpu_s if usage else None,
        peak_memory_mib=usage.peak_memory_mib if usage else ended.peak_memory_mib,
        memory_limit_mib=ended.memory_limit_mib,
        radiant_version=result.radiant_version,
        image=result.image,
        tries=result.tries,
        code=failure.code if failure else None,
        reason=failure.message if failure else None,
    ).to_xcom()


def _lost(request: Request, code: str, message: str, retryable: bool) -> Result:  # noqa: FBT001 - named by its callers
    return Result(
        job=request.job,
        attempt=request.attempt,
        status=Status.LOST,
        failure=Failure(code=str(code), message=message.strip(), retryable=retryable, exit_code=None),
        radiant_version=request.radiant_version,
        image=request.image,
    )


def with_message(result: Result, message: str) -> Result:
    """Return a failed result with another message."""
    if result.failure is None:
        return result
    return dataclasses.replace(result, failure=dataclasses.replace(result.failure, message=message))


def _what_the_platform_did(ended: Ended) -> str:
    name = ended.reason or ""
    reason = reason_named(name)
    peak = "" if ended.peak_memory_mib is None else f"; its processes used {ended.peak_memory_mib:.0f} MiB at most"
    changed = (
        ""
        if ended.memory_asked_mib is None
        else f"; {ended.memory_asked_mib} MiB were asked for, something in the cluster (a webhook, a policy) changed it"
    )
    sentence = (OF_ANOTHER_NAME if reason is None else reason.sentence).format(
        name=name, seconds=round(ended.seconds), limit_mib=ended.memory_limit_mib, peak=peak, changed=changed
    )
    return f"{sentence}. {ended.detail}"


def _exit(code: int | None) -> str:
    if code is None:
        return "with an unknown exit code"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"killed by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
