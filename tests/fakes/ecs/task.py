"""One ECS task: what it was asked to be, where it is in its life, and how DescribeTasks shows it."""

import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

ORDER = (
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
)
"""The life of a task.

Source: Amazon ECS developer guide, "Task lifecycle".
"""

TIMES = {
    "PENDING": "pullStartedAt",
    "ACTIVATING": "pullStoppedAt",
    "RUNNING": "startedAt",
    "DEPROVISIONING": "executionStoppedAt",
    "STOPPED": "stoppedAt",
}


@dataclass(frozen=True)
class Stop:
    """Why a task has to stop."""

    code: str
    reason: str


@dataclass
class ContainerPlan:
    """One container: the task definition's words with the overrides' put over them."""

    name: str
    image: str
    argv: list[str]
    environment: dict[str, str]
    secrets: dict[str, str]
    """Where each variable's value is: `valueFrom`."""
    environment_files: list[str]
    """ARNs of `.env` files in S3; weaker than `environment`."""
    log: dict[str, str]
    """Options of the awslogs driver, empty without."""
    essential: bool
    stop_timeout_s: float
    cpu: str
    memory_mib: int | None
    """Hard limit, None without."""


@dataclass
class Task:
    """One task."""

    arn: str
    cluster_arn: str
    definition_arn: str
    family: str
    plans: list[ContainerPlan]
    cpu: str
    memory: str
    launch_type: str
    capacity_provider: str | None
    parameters: dict[str, Any]
    """Of its RunTask."""
    tags: list[dict[str, str]]
    attachments: list[dict[str, Any]]
    region: str
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    times: dict[str, float] = field(default_factory=lambda: {"createdAt": time.time()})
    stop: Stop | None = None
    exit_codes: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    version: int = 1
    faults: dict[str, Any] = field(default_factory=dict)
    """Faults of this task by their kind."""
    stopping: threading.Event = field(default_factory=threading.Event)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    def enter(self, status: str) -> None:
        """Go on to a status of its life."""
        if status in TIMES:
            self.times.setdefault(TIMES[status], time.time())
        if status == "PENDING":
            self.times.setdefault("connectivityAt", time.time())
        self.status = status
        self.version += 1

    def ask_to_stop(self, stop: Stop) -> None:
        """Store the first reason to stop."""
        if self.stop is None and self.status != "STOPPED":
            self.stop = stop
            self.desired = "STOPPED"
            self.times.setdefault("stoppingAt", time.time())
            self.version += 1
            self.stopping.set()

    def shown(self, *, with_tags: bool) -> dict[str, Any]:
        """Return it as DescribeTasks does."""
        asked = self.parameters
        found: dict[str, Any] = {
            "taskArn": self.arn,
            "clusterArn": self.cluster_arn,
            "taskDefinitionArn": self.definition_arn,
            "lastStatus": self.status,
            "desiredStatus": self.desired,
            "containers": [self._container(plan) for plan in self.plans],
            "cpu": self.cpu,
            "memory": self.memory,
            "launchType": self.launch_type,
            "group": asked.get("group", f"family:{self.family}"),
            "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []} | asked.get("overrides", {}),
            "attachments": self.attachments,
            "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
            "availabilityZone": f"{self.region}a",
            "enableExecuteCommand": asked.get("enableExecuteCommand", False),
            "healthStatus": "UNKNOWN",
            "inferenceAccelerators": [],
            "tags": self.tags if with_tags else [],
            "version": self.version,
            **self.times,
        }
        if "connectivityAt" in self.times:
            found["connectivity"] = "CONNECTED"
        if self.launch_type == "FARGATE":
            scratch = asked.get("overrides", {}).get("ephemeralStorage", {"sizeInGiB": 20})
            found |= {"platformVersion": "1.4.0", "platformFamily": "Linux", "ephemeralStorage": scratch}
        if self.capacity_provider:
            found["capacityProviderName"] = self.capacity_provider
        if "startedBy" in asked:
            found["startedBy"] = asked["startedBy"]
        if self.stop is not None:
            found |= {"stopCode": self.stop.code, "stoppedReason": self.stop.reason}
        return found

    def _container(self, plan: ContainerPlan) -> dict[str, Any]:
        status = self.status if self.status in {"RUNNING", "STOPPED"} else "PENDING"
        if ORDER.index(self.status) > ORDER.index("RUNNING"):
            status = "STOPPED"
        shown: dict[str, Any] = {
            "containerArn": f"{self.arn.replace(':task/', ':container/')}/{self._id(plan.name)}",
            "taskArn": self.arn,
            "name": plan.name,
            "image": plan.image,
            "lastStatus": status,
            "networkInterfaces": [],
            "healthStatus": "UNKNOWN",
            "cpu": plan.cpu,
        }
        if plan.memory_mib is not None:
            shown["memory"] = str(plan.memory_mib)
        if ORDER.index(self.status) >= ORDER.index("RUNNING") and "startedAt" in self.times:
            shown["runtimeId"] = f"{self.id}-{self._id(plan.name)[:10]}"
        if plan.name in self.exit_codes:
            shown["exitCode"] = self.exit_codes[plan.name]
        if plan.name in self.reasons:
            shown["reason"] = self.reasons[plan.name]
        return shown

    def _id(self, name: str) -> str:
        return self.ids.setdefault(name, str(uuid.uuid4()))


def plan_containers(definition: Any, overrides: dict[str, Any]) -> list[ContainerPlan]:
    """Return the containers of a task definition with the overrides of a RunTask put over them."""
    changes = {one["name"]: one for one in overrides.get("containerOverrides", [])}
    return [_plan(one, changes.get(one["name"], {})) for one in definition.container_definitions]


def _plan(container: dict[str, Any], change: dict[str, Any]) -> ContainerPlan:
    environment = {one["name"]: one["value"] for one in container.get("environment") or []}
    environment |= {one["name"]: one["value"] for one in change.get("environment") or []}
    log = container.get("logConfiguration") or {}
    memory = change.get("memory", container.get("memory"))
    return ContainerPlan(
        name=container["name"],
        image=container["image"],
        argv=[*(container.get("entryPoint") or []), *(change.get("command") or container.get("command") or [])],
        environment=environment,
        secrets={one["name"]: one["valueFrom"] for one in container.get("secrets") or []},
        environment_files=[one["value"] for one in container.get("environmentFiles") or []],
        log=log.get("options", {}) if log.get("logDriver") == "awslogs" else {},
        essential=_true(container.get("essential", True)),
        stop_timeout_s=float(container.get("stopTimeout") or 30),
        cpu=str(change.get("cpu", container.get("cpu") or 0)),
        memory_mib=None if memory is None else int(memory),
    )


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
