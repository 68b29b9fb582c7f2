"""One try of one task instance, with everything that its job needs: built once, then passed as one value."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from opentelemetry import propagate

from radiant.jobs.catalogue import JobSpec
from radiant.jobs.documents import Request
from radiant.operators.ending import Ended
from radiant.operators.platform import TaskFacts
from radiant.operators.task_folder import TaskFolder
from radiant.settings import Settings


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A try, as the operators and the trigger see it."""

    settings: Settings
    job: JobSpec
    """With the overrides of the settings."""
    folder: TaskFolder
    """Of the task instance; all its tries share it."""
    task: TaskFacts
    request: Request
    """Of this try, or of the earlier try whose container this try adopted."""
    deadline: float | None = None
    """End of the task's own execution time-out, in seconds since the epoch."""
    ended: Ended | None = None
    """The stored end of the container that this try has adopted, None where it has none."""
    instance: Any = None
    """Airflow's task instance; None in the triggerer, which has none."""
    ready_at: float | None = None
    """Since when the task could start, in seconds since the epoch."""


def new_request(  # noqa: PLR0913 - all but three by name
    job: JobSpec,
    arguments: Mapping[str, object],
    folder: TaskFolder,
    *,
    memory_mib: int,
    image: str | None,
    tenant: str = "",
) -> Request:
    """Return a request with an attempt of its own and the context of the current span."""
    trace: dict[str, str] = {}
    propagate.inject(trace)
    return Request(
        job=job.name,
        attempt=str(uuid.uuid4()),
        run_uri=folder.run_uri,
        arguments=dict(arguments),
        memory_mib=memory_mib,
        cpu=job.resources.cpu,
        radiant_version=metadata.version("radiant"),
        image=image,
        trace_context=trace,
        task_uri=folder.uri,
        tenant=tenant,
    )


def task_facts(instance: Any) -> TaskFacts:
    """Return which try of which task one of Airflow's task instances is."""
    index: int | None = instance.map_index
    tries = getattr(instance, "max_tries", None)
    return TaskFacts(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        map_index=-1 if index is None else index,
        try_number=instance.try_number,
        last_try=tries is not None and instance.try_number > tries,
    )
