"""The folder of a task instance below the work URI, and its documents; the same on every backend."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from radiant import storage
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.catalogue import Argv
from radiant.jobs.codec import decode, encode
from radiant.jobs.documents import (
    Request,
    Result,
    decode_request,
    decode_result,
    log_uri,
    outcome_uri,
    request_uri,
    run_uri,
    task_uri,
)
from radiant.jobs.run_ids import folder_name
from radiant.settings import load_settings

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _MemoryLimit:
    """`memory.json`."""

    memory_mib: int


@dataclass(frozen=True, slots=True)
class TaskFolder:
    """The folder of one task instance below the work URI; every try uses the same."""

    run_uri: str
    uri: str

    @classmethod
    def of(cls, instance: Any, work_uri: str) -> "TaskFolder":
        """Return the folder of one of Airflow's task instances."""
        run = run_uri(work_uri, instance.dag_id, instance.run_id)
        index: int | None = instance.map_index
        return cls(run, task_uri(run, instance.task_id, -1 if index is None else index))

    @property
    def request_uri(self) -> str:
        """`request.json`, the request that was written last: its attempt is the one that counts."""
        return request_uri(self.uri)

    def attempt_uri(self, attempt: str) -> str:
        """Return the folder of one attempt: its worker writes there and nowhere else."""
        return storage.join(self.uri, folder_name(attempt))

    def log_uri(self, attempt: str) -> str:
        """Return where the worker of an attempt stores its own log, compressed."""
        return log_uri(storage.join(self.attempt_uri(attempt), "result.json"))

    def argv(self, job: str, attempt: str) -> list[str]:
        """Return the command line of the job, with documents that belong to this attempt alone."""
        folder = self.attempt_uri(attempt)
        return Argv(job, storage.join(folder, "request.json"), storage.join(folder, "result.json")).render()

    def write_request(self, request: Request) -> None:
        """Write the request, and make its attempt the one that counts.

        A container of an earlier attempt keeps its own request and its own folder for a result.
        """
        data = encode(request)
        storage.write_bytes(storage.join(self.attempt_uri(request.attempt), "request.json"), data)
        storage.write_bytes(self.request_uri, data)

    def read_request(self) -> Request | None:
        """Return the request that was written last, None where there is none that this version can read."""
        try:
            return decode_request(storage.read_bytes(self.request_uri), self.request_uri)
        except (InputError, JobProtocolError):
            return None

    def read_result(self, attempt: str) -> Result | JobProtocolError | None:
        """Return the result of an attempt's worker, None where there is none, or the error of reading it."""
        return _result_at(storage.join(self.attempt_uri(attempt), "result.json"))

    def write_outcome(self, result: Result) -> None:
        """Write the result that counts for its attempt, `outcome.json`; later jobs of the run read this one.

        No worker writes it: a result that arrives after the operator has judged the attempt changes nothing.
        """
        storage.write_bytes(outcome_uri(self.uri, result.attempt), encode(result))

    def read_outcome(self, attempt: str) -> Result | JobProtocolError | None:
        """Return the result that counts for an attempt, None before it is judged, or the error of reading it."""
        return _result_at(outcome_uri(self.uri, attempt))

    def read_memory_mib(self) -> int:
        """Return the limit that a try gets after an earlier one ran out of memory, 0 where none did.

        Stored beside the request because Airflow clears a task's XComs between its tries.
        """
        found = self.read_document("memory.json", _MemoryLimit)
        return found.memory_mib if found else 0

    def write_memory_mib(self, memory_mib: int) -> None:
        """Store the limit for later tries."""
        self.write_document("memory.json", _MemoryLimit(memory_mib))

    def read_document(self, name: str, kind: type[T]) -> T | None:
        """Return a document of this folder as its type; see `read_document`."""
        return read_document(storage.join(self.uri, name), kind)

    def write_document(self, name: str, value: "DataclassInstance") -> None:
        """Store a small document here."""
        storage.write_bytes(storage.join(self.uri, name), encode(value))


def read_document(uri: str, kind: type[T]) -> T | None:
    """Return a document as its type, None where there is none that this version can read."""
    try:
        return decode(kind, storage.read_bytes(uri), where=uri, what=f"a {kind.__name__}", remedy="")
    except (InputError, JobProtocolError):
        return None


def task_folder_uri(instance: Any, task_id: str, tenant: str | None = None) -> str:
    """Return the folder of a task of the run that a task instance belongs to, or of all instances of a mapped task.

    For templates, since no worker has the ids of tasks.
    """
    run = run_uri(load_settings(tenant=tenant).effective_work_uri, instance.dag_id, instance.run_id)
    return task_uri(run, task_id)


def run_key(run: str) -> str:
    """Return the label that all containers of a DAG run have: short, and another one for the same run id elsewhere.

    Args:
        run: the run's folder, whose work URI belongs to one installation.
    """
    return hashlib.sha256(run.encode()).hexdigest()[:20]


def _result_at(uri: str) -> Result | JobProtocolError | None:
    try:
        return decode_result(storage.read_bytes(uri), uri)
    except InputError:
        return None
    except JobProtocolError as error:
        return error
