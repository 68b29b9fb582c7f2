"""The backend `ecs`: a job is a task on Amazon ECS, on Fargate or on instances of a capacity provider."""

from collections.abc import Mapping
from typing import Any

from radiant.jobs.catalogue import JobSpec
from radiant.operators.container import ContainerJobOperator
from radiant.operators.ecs_task.size import task_size
from radiant.settings import Settings


class EcsJobOperator(ContainerJobOperator):
    """Runs a job as an ECS task; the group `ecs` of the settings describes the cluster.

    It replaces the Amazon provider's `EcsRunTaskOperator`, which stops a healthy task when one read of it is throttled,
    starts a second one when an answer is lost, and loses one that ended between two of its processes; connection and
    clients are the provider's. A job gets the whole of the Fargate size that holds what it asks for.
    """

    backend = "ecs"

    def __init__(self, *, job: str, arguments: Mapping[str, object], **airflow_kwargs: Any) -> None:
        """Describe the task, see `JobOperator`."""
        super().__init__(job=job, arguments=arguments, **airflow_kwargs)

    def memory_limit(self, job: JobSpec, memory_mib: int, settings: Settings) -> int:
        """Return the memory of the Fargate size that holds the job: it is paid for, so the job may use it."""
        return task_size(job.resources.cpu, memory_mib, settings.ecs.capacity_provider).memory_mib
