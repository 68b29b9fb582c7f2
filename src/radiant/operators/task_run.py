"""One try of one task instance, with everything that its job needs: built once, then passed as one value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radiant.jobs.documents import Request
from radiant.jobs.spec import JobSpec
from radiant.operators.ending import Ended
from radiant.operators.platform import TaskFacts
from radiant.operators.request import TaskPlace
from radiant.settings import Settings


@dataclass(frozen=True, slots=True)
class TaskRun:
    """A try, as the operators and the trigger see it."""

    settings: Settings
    job: JobSpec
    """With the overrides of the settings."""
    folder: TaskPlace
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


def task_facts(context: Mapping[str, Any]) -> TaskFacts:
    """Return which try of which task an Airflow context is of."""
    instance = context["ti"]
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
