"""Which rights a call needs, and whether an IAM policy grants them.

Source: Service authorization reference, "Actions, resources, and condition keys" of Amazon ECS, CloudWatch Logs, S3.
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ecs.models import ecs_backends

from fakes.ecs.calls import Call

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Need:
    """One right: an action on a resource, under conditions."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def needs_of(call: Call) -> list[Need]:
    """Return every right that a call needs."""
    service, _, action = call.name.partition(":")
    asked = call.parameters
    if service == "ecs":
        return _ecs(call, action)
    if service == "logs" and "logStreamName" in asked:
        group, stream = asked.get("logGroupName", asked.get("logGroupIdentifier")), asked["logStreamName"]
        where = f"arn:aws:logs:{call.region}:{DEFAULT_ACCOUNT_ID}"
        return [Need(call.name, f"{where}:log-group:{group}:log-stream:{stream}")]
    if service == "s3":
        path = asked["path"].strip("/")
        if action == "ListBucket":
            return [Need(call.name, f"arn:aws:s3:::{path}", (("s3:prefix", asked.get("prefix", "")),))]
        paths = [f"{path}/{key}" for key in asked["keys"]] if "keys" in asked else [path]
        return [Need(call.name, f"arn:aws:s3:::{one}") for one in paths]
    return [Need(call.name, "*")]


def grants(policy: Policy, need: Need) -> bool:
    """Return whether the policy allows it."""
    context = dict(need.context)
    fitting = [one for one in policy["Statement"] if _fits(one, need, context)]
    return any(one["Effect"] == "Allow" for one in fitting) and all(one["Effect"] == "Allow" for one in fitting)


def _ecs(call: Call, action: str) -> list[Need]:
    asked = call.parameters
    where = f"arn:aws:ecs:{call.region}:{DEFAULT_ACCOUNT_ID}"
    cluster = asked.get("cluster", "default").rpartition("/")[2]
    within = (("ecs:cluster", f"{where}:cluster/{cluster}"),)
    if action in {"DescribeTasks", "StopTask"}:
        names = asked.get("tasks") or [asked.get("task", "*")]
        arns = [name if name.startswith("arn:") else f"{where}:task/{cluster}/{name}" for name in names]
        return [Need(call.name, arn, within) for arn in arns]
    if action == "ListTasks":
        return [Need(call.name, f"{where}:container-instance/{cluster}/*", within)]
    if action != "RunTask":
        return [Need(call.name, "*", within)]
    name = asked["taskDefinition"].rpartition("/")[2]
    found = [Need(call.name, f"{where}:task-definition/{name}", within)]
    if asked.get("tags"):
        created = (("ecs:CreateAction", "RunTask"),)
        found.append(Need("ecs:TagResource", f"{where}:task/{cluster}/*", created))
    passed = (("iam:PassedToService", "ecs-tasks.amazonaws.com"),)
    return found + [Need("iam:PassRole", arn, passed) for arn in _roles(call.region, name)]


def _roles(region: str, definition: str) -> list[str]:
    family, _, revision = definition.partition(":")
    known = ecs_backends[DEFAULT_ACCOUNT_ID][region].task_definitions.get(family, {})
    found = known.get(int(revision)) if revision else known.get(max(known, default=0))
    roles = (getattr(found, "execution_role_arn", None), getattr(found, "task_role_arn", None))
    return [role for role in roles if role]


def _fits(statement: Mapping[str, Any], need: Need, context: Mapping[str, str]) -> bool:
    return (
        any(fnmatch.fnmatchcase(need.action.lower(), one.lower()) for one in _listed(statement["Action"]))
        and any(fnmatch.fnmatchcase(need.resource, one) for one in _listed(statement["Resource"]))
        and all(
            _holds(operator, key, _listed(values), context)
            for operator, wanted in statement.get("Condition", {}).items()
            for key, values in wanted.items()
        )
    )


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    if operator not in {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}:
        msg = f"the fake does not support the condition {operator}"
        raise ValueError(msg)
    if key not in context:
        return False
    if operator == "StringEquals":
        return context[key] in values
    return any(fnmatch.fnmatchcase(context[key], value) for value in values)


def _listed(found: str | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else found
