"""Where a task's documents are, and writing and reading them; the same on every backend."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from opentelemetry import propagate

from radiant import storage
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Result, decode_result, log_uri, outcome_uri, request_uri, run_uri, task_uri
from radiant.jobs.run_ids import folder_name
from radiant.jobs.spec import Argv, JobSpec
from radiant.settings import load_settings


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """The folder of one task instance below the work URI; every try uses the same."""

    run_uri: str
    uri: str

    @classmethod
    def of(cls, context: Mapping[str, Any], work_uri: str) -> "TaskPlace":
        """Return the place of the task instance of an Airflow context."""
        instance = context["ti"]
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
        """Return where the worker of an attempt keeps its own log, compressed."""
        return log_uri(storage.join(self.attempt_uri(attempt), "result.json"))

    def argv(self, job: str, attempt: str) -> list[str]:
        """Return the command line of the job, with documents that belong to this attempt alone."""
        folder = self.attempt_uri(attempt)
        return Argv(job, storage.join(folder, "request.json"), storage.join(folder, "result.json")).render()

    def ask(self, request: Request) -> None:
        """Write the request, and make its attempt the one that counts.

        A container of an earlier attempt keeps its own request and its own place for a result.
        """
        data = encode(request)
        storage.write_bytes(storage.join(self.attempt_uri(request.attempt), "request.json"), data)
        storage.write_bytes(self.request_uri, data)

    def answer(self, attempt: str) -> Result | JobProtocolError | None:
        """Return what the worker of an attempt answered, None where it did not, or the error of reading it."""
        return _result_at(storage.join(self.attempt_uri(attempt), "result.json"))

    def keep_outcome(self, result: Result) -> None:
        """Write the result that counts for its attempt, `outcome.json`; later jobs of the run read this one.

        No worker writes it: what an attempt answers after the operator has judged it changes nothing.
        """
        storage.write_bytes(outcome_uri(self.uri, result.attempt), encode(result))

    def outcome(self, attempt: str) -> Result | JobProtocolError | None:
        """Return the result that counts for an attempt, None before it is judged, or the error of reading it."""
        return _result_at(outcome_uri(self.uri, attempt))

    def read_memory_mib(self) -> int:
        """Return the limit that an earlier try's out-of-memory asked for, 0 where there was none.

        Kept beside the request because Airflow clears a task's XComs between its tries.
        """
        note = self.read("memory.json")
        return int(note["memory_mib"]) if note else 0

    def write_memory_mib(self, memory_mib: int) -> None:
        """Keep the limit for later tries."""
        self.write("memory.json", {"memory_mib": memory_mib})

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a small JSON object kept here, None where there is none."""
        try:
            found: dict[str, Any] = json.loads(storage.read_bytes(storage.join(self.uri, name)))
        except (InputError, ValueError):
            return None
        return found

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Keep a small JSON object here."""
        storage.write_bytes(storage.join(self.uri, name), json.dumps(content).encode())


def task_folder(instance: Any, task_id: str) -> str:
    """Return the folder of a task of the run that a task instance belongs to, or of all instances of a mapped task.

    For templates, since no worker has the ids of tasks.
    """
    run = run_uri(load_settings().effective_work_uri, instance.dag_id, instance.run_id)
    return task_uri(run, task_id)


def run_key(run: str) -> str:
    """Return what the containers of a DAG run are marked with: short, and another for the same run id elsewhere.

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


def new_request(
    job: JobSpec, arguments: Mapping[str, Any], place: TaskPlace, *, memory_mib: int, image: str | None
) -> Request:
    """Return a request with an attempt of its own and the trace context of the running task."""
    trace: dict[str, str] = {}
    propagate.inject(trace)
    return Request(
        job=job.name,
        attempt=str(uuid.uuid4()),
        run_uri=place.run_uri,
        arguments=dict(arguments),
        memory_mib=memory_mib,
        cpu=job.resources.cpu,
        radiant_version=metadata.version("radiant"),
        image=image,
        trace_context=trace,
        task_uri=place.uri,
    )
