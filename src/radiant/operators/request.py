"""Where a task's documents are, and writing and reading them; the same on every backend."""

import dataclasses
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from opentelemetry import propagate

from radiant import storage
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.catalogue import find_job
from radiant.jobs.documents import Request, Result, decode_result, encode, run_uri, task_uri
from radiant.jobs.spec import Argv, JobSpec
from radiant.settings import JobOverrides, Settings


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
        """`request.json`."""
        return storage.join(self.uri, "request.json")

    @property
    def result_uri(self) -> str:
        """`result.json`."""
        return storage.join(self.uri, "result.json")

    def argv(self, job: str) -> list[str]:
        """Return the command line of the job."""
        return Argv(job, self.request_uri, self.result_uri).render()

    def ask(self, request: Request) -> None:
        """Write the request; a result of an earlier try goes first, so that it can never pass for this one's."""
        storage.delete_prefix(self.result_uri)
        storage.write_bytes(self.request_uri, encode(request))

    def answer(self) -> Result | JobProtocolError | None:
        """Return the result, None where there is none, or the error of reading it."""
        try:
            return decode_result(storage.read_bytes(self.result_uri), self.result_uri)
        except InputError:
            return None
        except JobProtocolError as error:
            return error

    def replace_answer(self, result: Result) -> None:
        """Write a result in the job's stead, so that whoever reads the folder later learns what became of it."""
        storage.write_bytes(self.result_uri, encode(result))

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


def effective_job(name: str, settings: Settings) -> JobSpec:
    """Return the catalogue's job with the settings' overrides.

    Raises:
        ConfigError: there is no such job.
    """
    spec = find_job(name)
    wanted: JobOverrides = getattr(settings.jobs, name.replace("-", "_"))
    given = wanted.model_dump(exclude_none=True)
    sizes = {key: given.pop(key) for key in ("cpu", "memory_mib", "scratch_gib") if key in given}
    return dataclasses.replace(spec, resources=dataclasses.replace(spec.resources, **sizes), **given)


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
    )
