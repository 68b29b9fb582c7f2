"""What a job's handler is: called with a request, the settings and the job's meter, returns a result or raises."""

from collections.abc import Callable
from dataclasses import dataclass, field

from radiant import storage
from radiant.domain.case import WaitingCases
from radiant.errors import InputError, TerminatedError
from radiant.jobs.documents import Request, decode_request, request_uri
from radiant.jobs.usage import JobTry
from radiant.settings import Settings
from radiant.worker.usage import UsageMeter


@dataclass(frozen=True, slots=True)
class HandlerResult:
    """The job's own part of the result document."""

    output: object
    """A dataclass of `radiant.jobs.contracts`, or plain JSON types; small, since it is part of the XCom."""
    rows: dict[str, int] = field(default_factory=dict[str, int])
    """Rows by table (short names), for jobs that make rows."""
    digests: dict[str, str] = field(default_factory=dict[str, str])
    """sha256 by name, for what must be comparable between runs."""
    records: int = 0
    """Data lines of the VCF, for a job that reads one."""
    bytes_stored: int = 0
    """Bytes of the tables' data files that the job wrote."""
    import_tries: tuple[JobTry, ...] = ()
    """Of imports whose end the job has read, for its metrics."""
    waiting: WaitingCases | None = None
    """The cases that wait at the end of the job, for its metrics; None where it does not read the registry, or exports
    none."""


Handler = Callable[[Request, Settings, UsageMeter], HandlerResult]
"""The meter runs already; a handler that reports its progress reads the memory in use there."""


def require_current(request: Request) -> None:
    """Return when the request's attempt counts: no later attempt of the same task instance was requested.

    A container that starts late must not disturb the one that replaced it.

    Raises:
        TerminatedError: another attempt has replaced this one.
        StorageError: the work URI does not answer.
        JobProtocolError: the task's request is of another version.
    """
    if not request.task_uri:
        return
    uri = request_uri(request.task_uri)
    try:
        current = decode_request(storage.read_bytes(uri), uri)
    except InputError:
        return
    if current.attempt != request.attempt:
        msg = f"attempt {request.attempt} ends: attempt {current.attempt} of the same task has replaced it"
        raise TerminatedError(msg)
