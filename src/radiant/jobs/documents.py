"""The two documents: what Airflow asks (`request.json`) and what the container answers (`result.json`).

Plain JSON objects, version 2. Nothing secret is ever in one: credentials come from the environment of whoever needs
them. `attempt` ties an answer to its question: a result counts only when it repeats the request's attempt.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from radiant.errors import JobProtocolError
from radiant.jobs.run_ids import folder_name

PROTOCOL = 2


class Status(StrEnum):
    """How a job ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    """Written by the operator for a job that ended without a word."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the operator asks of the worker."""

    job: str
    attempt: str
    """Unique for each start of a container; a container that is adopted keeps the attempt it was started with."""
    run_uri: str
    """Where the requests and results of all tasks of this DAG run are; see `task_uri`."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """The job's own arguments. URIs and numbers, never data, never a secret."""
    memory_mib: int | None = None
    """The memory limit of this attempt, None where there is none."""
    cpu: float | None = None
    """The CPU limit of this attempt in cores, None where there is none."""
    radiant_version: str = ""
    image: str | None = None
    """Image reference the operator asked for, None for a local process."""
    trace_context: dict[str, str] = field(default_factory=dict)
    """W3C `traceparent` and `tracestate`, so that spans nest."""
    task_uri: str = ""
    """Folder of the task instance, see `task_uri`; empty for a request that no task made."""
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed."""

    code: str
    """`code` of the error class, or the platform's reason for a lost job (OutOfMemory, Evicted, Lost)."""
    message: str
    retryable: bool
    exit_code: int | None
    """65, 70, 75 or 78; None when the process did not end by itself."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the job used, measured by itself."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and its children."""
    peak_memory_mib: float
    """Highest sum of the resident memory of the process and its children."""
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True, slots=True)
class Result:
    """What the worker answers."""

    job: str
    attempt: str
    status: Status
    failure: Failure | None = None
    """Set unless `status` is succeeded."""
    output: Any = None
    """The job's own answer; small, it becomes the XCom."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table, for jobs that make rows."""
    digests: dict[str, str] = field(default_factory=dict)
    """sha256 by name, for what must be comparable between runs."""
    usage: Usage | None = None
    radiant_version: str = ""
    image: str | None = None
    python_version: str = ""
    started_at: str = ""
    """ISO 8601, UTC."""
    finished_at: str = ""
    protocol: int = PROTOCOL


_D = TypeVar("_D", Request, Result)


def encode(document: Request | Result) -> bytes:
    """Return the document as UTF-8 JSON with sorted keys."""
    return json.dumps(dataclasses.asdict(document), sort_keys=True, ensure_ascii=False, indent=1).encode()


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
    raw = _decode(Result, data, where)
    try:
        return dataclasses.replace(
            raw,
            status=Status(raw.status),
            failure=Failure(**raw.failure) if isinstance(raw.failure, dict) else None,
            usage=Usage(**raw.usage) if isinstance(raw.usage, dict) else None,
        )
    except (TypeError, ValueError) as error:
        msg = f"{where} is not a result document of protocol {PROTOCOL}: {error}"
        raise JobProtocolError(msg) from error


def _decode(kind: type[_D], data: bytes, where: str) -> _D:
    try:
        raw = json.loads(data)
        version = raw["protocol"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{where} is not a {kind.__name__.lower()} document: {error!r}"
        raise JobProtocolError(msg) from error
    if version != PROTOCOL:
        msg = (
            f"{where} speaks protocol {version}, this side speaks {PROTOCOL}: "
            "run the same radiant version in Airflow and in the image"
        )
        raise JobProtocolError(msg)
    try:
        return kind(**raw)
    except TypeError as error:
        msg = f"{where} is not a {kind.__name__.lower()} document of protocol {PROTOCOL}: {error}"
        raise JobProtocolError(msg) from error


def run_uri(work_uri: str, dag_id: str, run_id: str) -> str:
    """Return the folder of one DAG run below the work URI; every part is one name that is safe, see `folder_name`."""
    return "/".join((work_uri.rstrip("/"), folder_name(dag_id), folder_name(run_id)))


def task_uri(run: str, task_id: str, map_index: int = -1) -> str:
    """Return the folder of one task instance below `run_uri`.

    It holds `request.json`, the request that was written last, and a folder for each attempt: the attempt's own
    `request.json`, the worker's `result.json` and log, and `outcome.json`, the result that counts. The try number is
    not in it: the next try finds the container of an earlier one there.
    """
    name = folder_name(task_id)
    return f"{run}/{name}" if map_index < 0 else f"{run}/{name}/{map_index}"


def outcome_uri(task: str, attempt: str) -> str:
    """Return where the operator writes the result that counts for an attempt, below `task_uri`."""
    return f"{task}/{folder_name(attempt)}/outcome.json"


def log_uri(result_uri: str) -> str:
    """Return where a worker keeps its own log, gzip, beside its result: text, a line as on standard output."""
    return f"{result_uri.rpartition('/')[0]}/worker.log.gz"
