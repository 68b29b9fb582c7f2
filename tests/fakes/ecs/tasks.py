"""The calls about tasks: RunTask, DescribeTasks, ListTasks, StopTask and the tags of a task."""

import json
import threading
import time
import uuid
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import ec2_backends
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, TaskDefinition, ecs_backends

from fakes.ecs import life
from fakes.ecs.calls import Call
from fakes.ecs.errors import refuse
from fakes.ecs.faults import Fault
from fakes.ecs.sizes import check_fargate
from fakes.ecs.task import Stop, Task, plan_containers

MANAGED = ("FARGATE", "FARGATE_SPOT")
_LONGEST_OVERRIDES = 8192
_CONFLICT = (
    "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use with a "
    "different RunTask request. The resourceIds are the existing task ARNs which are already associated with the "
    "clientToken."
)


class Tasks:
    """All tasks there are; a stopped one is kept for `retain_s` seconds, about an hour on AWS."""

    def __init__(self, host: life.Host) -> None:
        self.host = host
        self.retain_s = 3600.0
        self._tasks: dict[str, Task] = {}
        self._tokens: dict[tuple[str, str], tuple[str, list[str]]] = {}
        self._lock = threading.RLock()

    def answer(self, call: Call, faults: dict[str, Fault]) -> dict[str, Any] | None:
        """Return what the service says, None for a call that is not about tasks."""
        action = call.name.removeprefix("ecs:")
        asked = call.parameters
        with self._lock:
            self._expire_old()
            if action == "RunTask":
                return self._run(asked, call.region, faults)
            if action == "DescribeTasks":
                return self._describe(asked, call.region, missing="missing" in faults)
            if action == "ListTasks":
                return self._list(asked, call.region)
            if action == "StopTask":
                return self._stop(asked, call.region)
            if action in {"TagResource", "UntagResource", "ListTagsForResource"} and ":task/" in asked["resourceArn"]:
                return self._tags(action, asked)
        return None

    def all(self) -> list[Task]:
        with self._lock:
            return list(self._tasks.values())

    def clear(self, *, within_s: float = 10.0) -> None:
        """Stop and remove every task."""
        for task in self.all():
            task.ask_to_stop(Stop("UserInitiated", "the fake is cleared"))
        until = time.monotonic() + within_s
        while any(task.status != "STOPPED" for task in self.all()) and time.monotonic() < until:
            time.sleep(0.02)
        with self._lock:
            self._tasks.clear()
            self._tokens.clear()

    def expire(self, arn: str) -> None:
        """Remove a task, as ECS does a while after its end."""
        with self._lock:
            self._tasks.pop(arn, None)

    def interrupt(self, arn: str, stop: Stop) -> None:
        self._tasks[arn].ask_to_stop(stop)

    def _expire_old(self) -> None:
        now = time.time()
        for arn, task in list(self._tasks.items()):
            if task.status == "STOPPED" and now - task.times["stoppedAt"] > self.retain_s:
                del self._tasks[arn]

    def _run(self, asked: dict[str, Any], region: str, faults: dict[str, Fault]) -> dict[str, Any]:
        backend = ecs_backends[DEFAULT_ACCOUNT_ID][region]
        cluster = _cluster(backend, asked)
        token = asked.get("clientToken", "")
        words = json.dumps({name: value for name, value in asked.items() if name != "clientToken"}, sort_keys=True)
        if token and (cluster.arn, token) in self._tokens:
            known, arns = self._tokens[cluster.arn, token]
            if known != words:
                refuse(_CONFLICT, "ConflictException", resourceIds=arns)
            return {"tasks": [self._tasks[arn].shown(with_tags=True) for arn in arns], "failures": []}
        definition = _definition(backend, asked["taskDefinition"])
        launch_type, provider = _capacity(asked, cluster, backend)
        _check(asked, definition)
        cpu, memory = _size(asked, definition, fargate=launch_type == "FARGATE")
        if "capacity" in faults:
            return {"tasks": [], "failures": [{"reason": faults["capacity"].words()}]}
        _check_network(asked, definition, region)
        started: list[Task] = []
        for _ in range(asked.get("count", 1)):
            arn = f"arn:aws:ecs:{region}:{DEFAULT_ACCOUNT_ID}:task/{cluster.name}/{uuid.uuid4().hex}"
            task = Task(
                arn=arn,
                cluster_arn=cluster.arn,
                definition_arn=definition.arn,
                family=definition.family,
                plans=plan_containers(definition, asked.get("overrides", {})),
                cpu=cpu,
                memory=memory,
                launch_type=launch_type,
                capacity_provider=provider,
                parameters=asked,
                tags=_all_tags(asked, definition, cluster.name),
                attachments=_attachments(asked),
                region=region,
                faults=dict(faults),
            )
            self._tasks[arn] = task
            started.append(task)
        if token:
            self._tokens[cluster.arn, token] = (words, [task.arn for task in started])
        answer = {"tasks": [task.shown(with_tags=True) for task in started], "failures": []}
        for task in started:
            life.begin(task, self.host)
        return answer

    def _describe(self, asked: dict[str, Any], region: str, *, missing: bool) -> dict[str, Any]:
        cluster = _cluster(ecs_backends[DEFAULT_ACCOUNT_ID][region], asked)
        wanted = asked.get("tasks", [])
        if not wanted:
            refuse("Tasks cannot be empty.")
        if len(wanted) > 100:
            refuse("Tasks cannot have more than 100 elements.")
        found: list[dict[str, Any]] = []
        failures: list[dict[str, str]] = []
        for name in wanted:
            task = None if missing else self._find(cluster, name)
            if task is None:
                arn = name if name.startswith("arn:") else f"{cluster.arn.replace(':cluster/', ':task/')}/{name}"
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(task.shown(with_tags="TAGS" in asked.get("include", [])))
        return {"tasks": found, "failures": failures}

    def _list(self, asked: dict[str, Any], region: str) -> dict[str, Any]:
        cluster = _cluster(ecs_backends[DEFAULT_ACCOUNT_ID][region], asked)
        if "startedBy" in asked and any(name in asked for name in ("family", "serviceName", "containerInstance")):
            refuse("startedBy cannot be combined with other filters.")
        wanted = {
            "desired": asked.get("desiredStatus", "RUNNING"),
            "family": asked.get("family"),
            "launch_type": asked.get("launchType"),
        }
        arns = [
            task.arn
            for task in self._tasks.values()
            if task.cluster_arn == cluster.arn
            and all(value is None or getattr(task, name) == value for name, value in wanted.items())
            and asked.get("startedBy") in {None, task.parameters.get("startedBy")}
        ]
        begin, size = int(asked.get("nextToken", "0")), asked.get("maxResults", 100)
        if not 1 <= size <= 100:
            refuse("maxResults must be between 1 and 100.")
        more = {"nextToken": str(begin + size)} if begin + size < len(arns) else {}
        return {"taskArns": arns[begin : begin + size], **more}

    def _stop(self, asked: dict[str, Any], region: str) -> dict[str, Any]:
        task = self._find(_cluster(ecs_backends[DEFAULT_ACCOUNT_ID][region], asked), asked["task"])
        if task is None:
            refuse("The referenced task was not found.")
        task.ask_to_stop(Stop("UserInitiated", asked.get("reason", "Task stopped by user")))
        return {"task": task.shown(with_tags=False)}

    def _tags(self, action: str, asked: dict[str, Any]) -> dict[str, Any]:
        task = self._tasks.get(asked["resourceArn"])
        if task is None:
            refuse("The specified task is not found. Specify a valid task ARN and try again.")
        if action == "ListTagsForResource":
            return {"tags": task.tags}
        gone = {tag["key"] for tag in asked.get("tags", [])} | set(asked.get("tagKeys", []))
        task.tags = [tag for tag in task.tags if tag["key"] not in gone] + asked.get("tags", [])
        return {}

    def _find(self, cluster: Cluster, name: str) -> Task | None:
        task = next((one for one in self._tasks.values() if name in {one.arn, one.id}), None)
        return task if task is not None and task.cluster_arn == cluster.arn else None


def _cluster(backend: EC2ContainerServiceBackend, asked: dict[str, Any]) -> Cluster:
    cluster = backend.clusters.get(asked.get("cluster", "default").rpartition("/")[2])
    if cluster is None or cluster.status != "ACTIVE":
        refuse("Cluster not found.", "ClusterNotFoundException")
    return cluster


def _definition(backend: EC2ContainerServiceBackend, name: str) -> TaskDefinition:
    family, _, revision = name.rpartition("/")[2].partition(":")
    known = backend.task_definitions.get(family, {})
    active = {number: one for number, one in known.items() if one.status == "ACTIVE"}
    found = active.get(int(revision)) if revision.isdigit() else active.get(max(active, default=0))
    if found is None:
        refuse("TaskDefinition is inactive" if known else "TaskDefinition not found.", "ClientException")
    return found


def _capacity(asked: dict[str, Any], cluster: Cluster, backend: EC2ContainerServiceBackend) -> tuple[str, str | None]:
    """Return launch type and capacity provider."""
    strategy = asked.get("capacityProviderStrategy") or []
    if asked.get("launchType") and strategy:
        refuse("Specifying both a launch type and capacity provider strategy is not supported. Remove one.")
    if not asked.get("launchType") and not strategy:
        strategy = cluster.default_capacity_provider_strategy or []
    if not strategy:
        launch_type = asked.get("launchType", "EC2")
        if launch_type == "EC2" and not backend.container_instances.get(cluster.name):
            refuse("No Container Instances were found in your cluster.")
        return launch_type, None
    for item in strategy:
        name = item["capacityProvider"]
        if name not in MANAGED and name not in backend.capacity_providers:
            msg = f"The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
            refuse(msg)
        if name not in (cluster.capacity_providers or []):
            refuse(f"The capacity provider '{name}' is not associated with the cluster '{cluster.name}'.")
    if len({item["capacityProvider"] in MANAGED for item in strategy}) > 1:
        refuse("A capacity provider strategy cannot mix Fargate with Auto Scaling group capacity providers.")
    best = max(strategy, key=lambda item: (int(item.get("base", 0)), int(item.get("weight", 0))))["capacityProvider"]
    return ("FARGATE" if best in MANAGED else "EC2"), best


def _check(asked: dict[str, Any], definition: TaskDefinition) -> None:
    overrides = asked.get("overrides", {})
    if len(json.dumps(overrides, separators=(",", ":"))) > _LONGEST_OVERRIDES:
        refuse("Container Overrides length must be at most 8192")
    names = {one["name"] for one in definition.container_definitions}
    for change in overrides.get("containerOverrides", []):
        if change.get("name") not in names:
            refuse(f"Override for container named {change.get('name')} is not a container in the TaskDefinition.")
    if not 1 <= asked.get("count", 1) <= 10:
        refuse("Count must be between 1 and 10.")
    if len(asked.get("startedBy", "")) > 128:
        refuse("startedBy must be at most 128 characters.")
    if len(asked.get("clientToken", "")) > 64:
        refuse("clientToken must be at most 64 characters.")
    _check_tags(asked.get("tags", []))


def _check_tags(tags: list[dict[str, str]]) -> None:
    if len(tags) > 50:
        refuse("Tags cannot have more than 50 elements.")
    for tag in tags:
        key, value = tag.get("key", ""), tag.get("value", "")
        allowed = all(one.isalnum() or one in " _.:/=+-@" for one in key + value)
        if not allowed or not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            refuse(f"Invalid tag: {key}={value}")


def _all_tags(asked: dict[str, Any], definition: TaskDefinition, cluster: str) -> list[dict[str, str]]:
    """Return the tags of a task: those asked for, the definition's where they are propagated, and ECS's own."""
    found = {tag["key"]: tag["value"] for tag in definition.tags} if "propagateTags" in asked else {}
    found |= {tag["key"]: tag["value"] for tag in asked.get("tags", [])}
    if asked.get("enableECSManagedTags"):
        found["aws:ecs:clusterName"] = cluster
    return [{"key": key, "value": value} for key, value in found.items()]


def _size(asked: dict[str, Any], definition: TaskDefinition, *, fargate: bool) -> tuple[str, str]:
    overrides = asked.get("overrides", {})
    cpu, memory = overrides.get("cpu", definition.cpu), overrides.get("memory", definition.memory)
    scratch = overrides.get("ephemeralStorage", {}).get("sizeInGiB")
    if scratch is not None and not 21 <= scratch <= 200:
        refuse("Ephemeral storage size should be between 21 and 200 GiB.")
    if not fargate:
        return str(cpu or ""), str(memory or "")
    if "FARGATE" not in (definition.requires_compatibilities or []):
        refuse("Task definition does not support launch_type FARGATE.")
    units, mib = check_fargate(cpu, memory)
    for plan in plan_containers(definition, overrides):
        if plan.memory_mib is not None and plan.memory_mib > mib:
            refuse(f"The 'memory' setting for container '{plan.name}' is greater than for the task.", "ClientException")
        if int(plan.cpu) > units:
            refuse(f"The 'cpu' setting for container '{plan.name}' is greater than for the task.", "ClientException")
    return str(units), str(mib)


def _check_network(asked: dict[str, Any], definition: TaskDefinition, region: str) -> None:
    if definition.network_mode != "awsvpc":
        return
    network = asked.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network is None:
        refuse("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if not network.get("subnets"):
        refuse("subnets can not be empty.")
    ec2 = ec2_backends[DEFAULT_ACCOUNT_ID][region]
    subnets = {subnet.id for subnet in ec2.describe_subnets()}
    groups = {group.id for group in ec2.describe_security_groups()}
    for name in network["subnets"]:
        if name not in subnets:
            text = f"The subnet ID '{name}' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
            refuse(f"Error retrieving subnet information for [{name}]: {text}")
    for name in network.get("securityGroups", []):
        if name not in groups:
            text = f"The security group '{name}' does not exist (ErrorCode: InvalidGroup.NotFound)"
            refuse(f"Error retrieving security group information for [{name}]: {text}")


def _attachments(asked: dict[str, Any]) -> list[dict[str, Any]]:
    network = asked.get("networkConfiguration", {}).get("awsvpcConfiguration")
    if network is None:
        return []
    details = {"subnetId": network["subnets"][0], "networkInterfaceId": f"eni-{uuid.uuid4().hex[:17]}"}
    return [
        {
            "id": str(uuid.uuid4()),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }
    ]
