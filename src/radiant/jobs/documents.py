"""The two documents of a job, `request.json` and `result.json`, and its summary, the XCom of its task.

JSON objects, version 2. None holds a secret: each process has the credentials that it needs in its environment. A
result counts only when it repeats the `attempt` of the request.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from radiant.errors import JobProtocolError
from radiant.jobs.codec import JsonObject, decode, exact, from_json, to_json
from radiant.jobs.run_ids import folder_name
from radiant.jobs.usage import JobTry, Usage

PROTOCOL = 2


class Status(StrEnum):
    """How a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    """Written by the operator for a job that ended without a result."""


@exact
@dataclass(frozen=True, slots=True)
class Request:
    """What a worker has to do: one attempt of one job."""

    job: str
    attempt: str
    """Unique for each start of a container; a container that is adopted keeps the attempt it was started with."""
    run_uri: str
    """Where the requests and results of all tasks of this DAG run are; see `task_uri`."""
    arguments: JsonObject = field(default_factory=JsonObject)
    """The job's own arguments, see `radiant.jobs.contracts`. URIs and numbers, never data, never a secret."""
    memory_mib: int | None = None
    """The memory limit of this attempt, None where there is none."""
    cpu: float | None = None
    """The CPU limit of this attempt in cores, None where there is none."""
    radiant_version: str = ""
    image: str | None = None
    """Image reference of the container, None for a local process."""
    trace_context: dict[str, str] = field(default_factory=dict[str, str])
    """W3C `traceparent` and `tracestate`, so that spans nest."""
    task_uri: str = ""
    """Folder of the task instance, see `task_uri`; empty for a request that no task made."""
    tenant: str = ""
    """Of the run; empty where the installation has none."""
    protocol: int = PROTOCOL


@exact
@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed."""

    code: str
    """`code` of the error class, or the platform's reason for a lost job (OutOfMemory, Evicted, Lost)."""
    message: str
    retryable: bool
    exit_code: int | None
    """65, 70, 75 or 78; None when the process did not end by itself."""


@exact
@dataclass(frozen=True, slots=True)
class Result:
    """How one attempt of a job ended."""

    job: str
    attempt: str
    status: Status
    failure: Failure | None = None
    """Set unless `status` is succeeded."""
    output: object = None
    """The job's own output as plain JSON types, see `radiant.jobs.contracts`; small, since it is part of the XCom."""
    rows: dict[str, int] = field(default_factory=dict[str, int])
    """Rows by table, for jobs that make rows."""
    digests: dict[str, str] = field(default_factory=dict[str, str])
    """sha256 by name, for what must be comparable between runs."""
    usage: Usage | None = None
    """As the worker measured it."""
    tries: tuple[JobTry, ...] = ()
    """Of an outcome alone, which the operator writes: this attempt last, those of the same task before it."""
    radiant_version: str = ""
    image: str | None = None
    python_version: str = ""
    started_at: str = ""
    """ISO 8601, UTC."""
    finished_at: str = ""
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class JobSummary:
    """XCom of a job's task: small, the same on every backend, also pushed when the job failed."""

    job: str
    status: Status
    output: object
    """As in `Result`; None when the job failed."""
    rows: dict[str, int]
    seconds: float
    """From start to end, as the platform saw it."""
    cpu_s: float | None
    peak_memory_mib: float | None
    memory_limit_mib: int
    radiant_version: str
    image: str | None
    code: str | None = None
    """`code` of the failure, None when the job succeeded."""
    reason: str | None = None
    """Message of the failure, None when the job succeeded."""
    tries: tuple[JobTry, ...] = ()
    """As in `Result`: where each ran, what it used, and the delays before it."""

    def to_xcom(self) -> JsonObject:
        """Return plain JSON types, without `code` and `reason` for a job that succeeded, and without empty `tries`."""
        return {name: value for name, value in to_json(self).items() if value or name not in _ONLY_WITH_CONTENT}


_ONLY_WITH_CONTENT = ("code", "reason", "tries")

_D = TypeVar("_D", Request, Result)

_REMEDY = "Run the same radiant version in Airflow and in the image"


@dataclass(frozen=True, slots=True)
class _Version:
    protocol: int


def decode_request(data: bytes, where: str) -> Request:
    """Read a request.

    Raises:
        JobProtocolError: not JSON, unknown or missing keys, or another protocol version; `where` is in the message.
    """
    return _decode(Request, data, where)


def decode_result(data: bytes, where: str) -> Result:
    """Read a result.

    Raises:
        JobProtocolError: not JSON, unknown or missing keys, or another protocol version; `where` is in the message.
    """
    return _decode(Result, data, where)


def _decode(kind: type[_D], data: bytes, where: str) -> _D:
    what = f"a {kind.__name__.lower()} document of protocol {PROTOCOL}"
    version = decode(_Version, data, where=where, what=what, remedy=_REMEDY).protocol
    if version != PROTOCOL:
        msg = (
            f"{where} speaks protocol {version}, this side speaks {PROTOCOL}: "
            "run the same radiant version in Airflow and in the image"
        )
        raise JobProtocolError(msg)
    return decode(kind, data, where=where, what=what, remedy=_REMEDY)


def read_job_summary(xcom: object, where: str) -> JobSummary:
    """Return the summary of an XCom.

    Raises:
        JobProtocolError: it is no summary of this version; `where` is in the message.
    """
    return from_json(JobSummary, xcom, where=where, what="the summary of a job of this version", remedy=_REMEDY)


def run_uri(work_uri: str, dag_id: str, run_id: str) -> str:
    """Return the folder of one DAG run below the work URI; each id is one folder, see `folder_name`."""
    return "/".join((work_uri.rstrip("/"), folder_name(dag_id), folder_name(run_id)))


def report_uri(run: str) -> str:
    """Return where the report of a run is, below `run_uri`."""
    return f"{run}/report.html"


def task_uri(run: str, task_id: str, map_index: int = -1) -> str:
    """Return the folder of one task instance below `run_uri`.

    It holds `request.json`, the request that was written last, and a folder for each attempt: the attempt's own
    `request.json`, the worker's `result.json` and log, and `outcome.json`, the result that counts. The URI has no try
    number: the next try finds the container of an earlier one there.
    """
    name = folder_name(task_id)
    return f"{run}/{name}" if map_index < 0 else f"{run}/{name}/{map_index}"


def request_uri(task: str) -> str:
    """Return the URI of the request that was written last, below `task_uri`: its attempt is the one that counts."""
    return f"{task}/request.json"


def outcome_uri(task: str, attempt: str) -> str:
    """Return the URI of the result that counts for an attempt, as the operator judged it, below `task_uri`."""
    return f"{task}/{folder_name(attempt)}/outcome.json"


def log_uri(result_uri: str) -> str:
    """Return where a worker writes its own log beside its result: the lines of its standard output, gzip."""
    return f"{result_uri.rpartition('/')[0]}/worker.log.gz"
