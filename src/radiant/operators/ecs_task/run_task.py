"""The arguments of RunTask for a job, made from an order and the settings."""

import json
import re
from typing import Any

from radiant.costs.fargate_size import FREE_SCRATCH_GIB, MOST_SCRATCH_GIB
from radiant.ecs_settings import Ecs
from radiant.errors import JobRefusedError
from radiant.jobs.run_ids import short_name
from radiant.operators.ecs_task.size import MANAGED, task_size
from radiant.operators.ecs_task.task_status import AwsObject
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.operators.tenant_marks import cost_tags, worker_variables
from radiant.settings import Settings

LONGEST_OVERRIDES = 8192
"""Characters of the overrides, those of the JSON included.

Source: Amazon ECS API reference, "RunTask".
"""
RUN_TAG = "radiant:run-key"
"""Tag of every task of a DAG run; its value is `radiant.operators.task_folder.run_key`."""
_LONGEST_TOKEN = 64
_LONGEST_TAG = 256
_NOT_IN_TAGS = re.compile(r"[^\w\s+\-=.:/@]", re.ASCII)


def run_task_call(order: ContainerOrder, settings: Settings) -> AwsObject:
    """Return the arguments of RunTask.

    Environment and secrets are the task definition's: the overrides hold the command line, the size, the tenant and the
    trace.

    Raises:
        JobRefusedError: the task could not run as it is asked for: too large, no subnets, overrides too long.
    """
    ecs = settings.ecs
    provider = ecs.last_resort if order.on_demand else ecs.capacity_provider
    overrides = _overrides(order, settings, provider)
    length = len(json.dumps(overrides))
    if length > LONGEST_OVERRIDES:
        msg = (
            f"the overrides of {order.job.name} have {length} characters, ECS takes {LONGEST_OVERRIDES}: shorten "
            "RADIANT_WORK_URI or the run's id, which are in the command line"
        )
        raise JobRefusedError(msg)
    call: dict[str, Any] = {
        "cluster": ecs.cluster,
        "taskDefinition": family(ecs, order.job.name),
        "count": 1,
        "clientToken": client_token(order),
        "startedBy": order.attempt,
        "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
        "overrides": overrides,
        "tags": [*tags(order.task, order.job.name, order.run), *_tenant_tags(settings)],
        "propagateTags": "TASK_DEFINITION",
        "enableECSManagedTags": True,
    }
    if provider in MANAGED:
        call["platformVersion"] = ecs.platform_version
        if not ecs.subnets:
            msg = "RADIANT_ECS__SUBNETS is empty: a Fargate task needs at least one subnet; `radiant ecs doctor` helps"
            raise JobRefusedError(msg)
    if ecs.subnets:
        call["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(ecs.subnets),
                "securityGroups": list(ecs.security_groups),
                "assignPublicIp": "ENABLED" if ecs.assign_public_ip else "DISABLED",
            }
        }
    return call


def family(ecs: Ecs, job: str) -> str:
    """Return the name of a job's task definition."""
    return f"{ecs.task_definition}-{job}"


def log_stream(ecs: Ecs, definition: str, arn: str) -> str:
    """Return the name that ECS gives the log of a task.

    Args:
        ecs: the settings.
        definition: name of the task definition.
        arn: of the task.
    """
    return f"{ecs.log_prefix or definition}/{ecs.container}/{arn.rpartition('/')[2]}"


def client_token(order: ContainerOrder) -> str:
    """Return the token that makes a repeated RunTask the same one.

    After a refusal it is another: ECS must not answer a new question with the old refusal.
    """
    token = f"{order.attempt}.{order.refusals}" if order.refusals else order.attempt
    return token[-_LONGEST_TOKEN:]


def tags(task: TaskFacts, job: str, run: str = "") -> list[dict[str, str]]:
    """Return the tags of a task: its Airflow task, never a person."""
    facts = {
        "radiant:dag": task.dag_id,
        "radiant:run": task.run_id,
        "radiant:task": task.task_id,
        "radiant:map-index": str(task.map_index),
        "radiant:job": job,
    }
    if run:
        facts[RUN_TAG] = run
    return [{"key": key, "value": _tag(value)} for key, value in facts.items()]


def _tenant_tags(settings: Settings) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in cost_tags(settings, "radiant:tenant").items()]


def _tag(value: str) -> str:
    # A run id of another script, or one that does not fit, gets a digest: two runs never have the same tags.
    if value.isascii():
        value = _NOT_IN_TAGS.sub("_", value)
    return short_name(value, _LONGEST_TAG, _NOT_IN_TAGS)


def _overrides(order: ContainerOrder, settings: Settings, provider: str) -> AwsObject:
    size = task_size(order.job.resources.cpu, order.memory_mib, provider)
    container: dict[str, Any] = {
        "name": settings.ecs.container,
        "command": order.argv,
        "cpu": size.cpu_units,
        "memory": size.memory_mib,
    }
    traced = {name.upper(): value for name, value in sorted(order.trace_context.items())}
    if environment := worker_variables(settings) | traced:
        container["environment"] = [{"name": name, "value": value} for name, value in environment.items()]
    overrides: dict[str, Any] = {
        "cpu": str(size.cpu_units),
        "memory": str(size.memory_mib),
        "containerOverrides": [container],
    }
    scratch = order.job.resources.scratch_gib
    if provider in MANAGED and scratch > FREE_SCRATCH_GIB:
        if scratch > MOST_SCRATCH_GIB:
            msg = (
                f"{order.job.name} needs {scratch} GiB of scratch disk, a Fargate task has {MOST_SCRATCH_GIB} at most: "
                f"lower RADIANT_JOBS__{order.job.name.replace('-', '_').upper()}__SCRATCH_GIB"
            )
            raise JobRefusedError(msg)
        overrides["ephemeralStorage"] = {"sizeInGiB": scratch}
    return overrides
