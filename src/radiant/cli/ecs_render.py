"""What `radiant ecs render` prints: the RunTask of a job, as the operator builds it."""

import re
from typing import Any

from radiant.jobs.catalogue import effective_job
from radiant.operators.ecs_task.run_task import run_task_call
from radiant.operators.ecs_task.task_status import AwsObject
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.operators.task_folder import TaskFolder
from radiant.settings import Settings, mask_secret

_ACCOUNT = re.compile(r"(?<=:)\d{12}(?=:)")


def render(settings: Settings, job: str, *, on_demand: bool) -> AwsObject:
    """Return the arguments of RunTask for a job, passwords and account numbers replaced by `***`.

    What an Airflow task adds is there by its name: `DAG`, `RUN`, `TASK`, `ATTEMPT`.

    Args:
        settings: as the operator reads them.
        job: its name in the catalogue.
        on_demand: as for the last try.

    Raises:
        ConfigError: there is no such job.
        JobRefusedError: ECS would never start it.
    """
    spec = effective_job(job, settings)
    run = f"{settings.effective_work_uri.rstrip('/')}/DAG/RUN"
    folder = TaskFolder(run, f"{run}/TASK")
    order = ContainerOrder(
        job=spec,
        argv=folder.argv(spec.name, "ATTEMPT"),
        attempt="ATTEMPT",
        memory_mib=spec.resources.memory_mib,
        task=TaskFacts("DAG", "RUN", "TASK", map_index=-1, try_number=1, last_try=on_demand),
        image=settings.image,
        on_demand=on_demand,
    )
    return redacted(run_task_call(order, settings))


def redacted(found: Any) -> Any:
    """Return the same with passwords and account numbers replaced by `***`, at any depth."""
    if isinstance(found, dict):
        return {name: redacted(value) for name, value in found.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(found, list | tuple):
        return [redacted(one) for one in found]  # pyright: ignore[reportUnknownVariableType]
    return _ACCOUNT.sub("***", mask_secret(found)) if isinstance(found, str) else found
