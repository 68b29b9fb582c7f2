"""The status of a task from its description: its state, and the reason of its end. Pure functions.

Source: Amazon ECS developer guide, "Task lifecycle" and "Amazon ECS stopped tasks error messages".
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from radiant.jobs.reasons import Reason
from radiant.jobs.usage import Placement
from radiant.operators.ecs_task.size import MANAGED
from radiant.operators.platform import ContainerStatus, State

AwsObject = Mapping[str, Any]
"""What a call of AWS takes or returns, or a part of it; AWS defines the keys."""

STOPPED_BY_US = "radiant: "
"""Begin of the reason of our own StopTask; the name of a `Reason` follows."""

_KILLED = 137
"""Exit code of a container that got SIGKILL: 128 + 9."""

_SPOT_OF = {"FARGATE": False, "FARGATE_SPOT": True}
"""Whether capacity can be taken away; ECS does not report it of an EC2 capacity provider."""
_TAKEN_AWAY = frozenset({"SpotInterruption", "TerminationNotice"})
_HOST_GONE = re.compile(r"host ec2 .*(terminated|stopped)", re.IGNORECASE)
_SPOT = re.compile(r"spot task was interrupted", re.IGNORECASE)

_NO_ROOM = re.compile(
    r"capacity is unavailable|^RESOURCE:|^AGENT|reached the limit on the number|EMPTY CAPACITY PROVIDER|"
    r"NO ACTIVE INSTANCES|No Container Instances were found|PROVISIONING state|insufficient (memory|cpu)",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"CannotPull\w*Error|CannotPullImage", re.IGNORECASE)
_MAY_PASS = re.compile(
    r"toomanyrequests|rate ?exceeded|i/o timeout|TLS handshake timeout|connection re(set|fused)|"
    r"deadline exceeded|context canceled|temporary failure|50\d (Internal|Bad|Service|Gateway)|\bEOF\b|"
    r"Client\.Timeout|request canceled|no such host|no space left on device|i/o error|broken pipe|server misbehaving",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"AccessDenied|not authorized|executable file not found|no such file or directory|exec format error|"
    r"ResourceNotFoundException|does not exist|permission denied|ParameterNotFound|invalid (reference|argument)",
    re.IGNORECASE,
)


def task_status(task: AwsObject, container: str) -> ContainerStatus:
    """Return the status that a description of a task shows.

    Args:
        task: as DescribeTasks has it.
        container: name of the container that runs the job.
    """
    found = _status(task, container)
    return dataclasses.replace(found, placed_at=_placed_at(task), placement=_placement(task))


def _status(task: AwsObject, container: str) -> ContainerStatus:
    status = task.get("lastStatus", "")
    if status == "STOPPED":
        return _ended(task, _container(task, container))
    started_at = _seconds(task.get("startedAt"))
    if status == "RUNNING":
        return ContainerStatus(State.RUNNING, started_at=started_at)
    if started_at is not None:
        # On its way down; its end has a name only when it is STOPPED, and its time is no longer the job's.
        return ContainerStatus(State.RUNNING)
    provider = task.get("capacityProviderName")
    if status == "PROVISIONING" and provider is not None and provider not in MANAGED:
        return ContainerStatus(
            State.WAITING, Reason.NO_CAPACITY, f"ECS waits for an instance of the capacity provider {provider}."
        )
    return ContainerStatus(State.STARTING, detail=f"The task is {status}.")


def is_no_room(reason: str) -> bool:
    """Return whether a failure of RunTask, or the end of a task that never ran, means that there is no room now."""
    return _NO_ROOM.search(reason) is not None


def _placed_at(task: AwsObject) -> float | None:
    """Return since when a task has room: Fargate's from its creation, another's from the pull of its image."""
    managed = task.get("capacityProviderName") in MANAGED or task.get("launchType") == "FARGATE"
    return _seconds(task.get("createdAt") if managed else task.get("pullStartedAt"))


def _placement(task: AwsObject) -> Placement:
    provider: str | None = task.get("capacityProviderName") or task.get("launchType")
    instance = task.get("containerInstanceArn")
    attributes = {one.get("name"): one.get("value") for one in task.get("attributes", ())}
    return Placement(
        backend="ecs",
        node=None if instance is None else instance.rpartition("/")[2],
        zone=task.get("availabilityZone"),
        architecture=attributes.get("ecs.cpu-architecture"),
        capacity=provider,
        spot=None if provider is None else _SPOT_OF.get(provider),
    )


def _ended(task: AwsObject, container: AwsObject) -> ContainerStatus:
    code: int | None = container.get("exitCode")
    reason, hopeless = _reason(task, container)
    return ContainerStatus(
        State.ENDED,
        reason,
        _words(task, container),
        hopeless=hopeless,
        exit_code=128 - code if code is not None and 128 < code < 128 + 65 else code,  # noqa: PLR2004 - 64 signals
        started_at=_seconds(task.get("startedAt")),
        finished_at=_seconds(task.get("executionStoppedAt") or task.get("stoppedAt")),
    )


def _reason(task: AwsObject, container: AwsObject) -> tuple[str | None, bool]:
    """Return the reason of the end, None when the task ended by itself, and whether another try would end the same."""
    code, stop = container.get("exitCode"), task.get("stopCode", "")
    said, stopped = container.get("reason", ""), task.get("stoppedReason", "")
    if code == 0:
        # The job was done, and its result decides, however the task ended after it.
        return None, False
    if stop in _TAKEN_AWAY or _SPOT.search(stopped) or _HOST_GONE.search(stopped):
        return Reason.SPOT_INTERRUPTED, False
    if stopped.startswith(STOPPED_BY_US):
        return stopped.removeprefix(STOPPED_BY_US) or Reason.LOST, False
    if "OutOfMemory" in said or (code == _KILLED and stop == "EssentialContainerExited"):
        # A container that was not stopped gets SIGKILL from the kernel alone; ECS stops all when another one ends.
        beside = "OutOfMemory" not in said and _failed_beside(task, container)
        return Reason.LOST if beside else Reason.OUT_OF_MEMORY, False
    if "startedAt" not in task or stop == "TaskFailedToStart":
        return _why_not_started(f"{stopped} {said}".strip())
    return (Reason.LOST, False) if code is None or stop == "UserInitiated" else (None, False)


def _why_not_started(text: str) -> tuple[str, bool]:
    if is_no_room(text):
        return Reason.NO_CAPACITY, False
    if _IMAGE.search(text):
        return Reason.IMAGE_PULL, _MAY_PASS.search(text) is None
    return Reason.START_FAILED, _NEVER.search(text) is not None and _MAY_PASS.search(text) is None


def _failed_beside(task: AwsObject, container: AwsObject) -> list[str]:
    """Return how other containers of the task ended, those that failed."""
    others = [one for one in task.get("containers", []) if one.get("name") != container.get("name")]
    return [
        f"Container {one.get('name')} of the task ended with exit code {one['exitCode']}"
        for one in others
        if one.get("exitCode") not in {None, 0}
    ]


def _words(task: AwsObject, container: AwsObject) -> str:
    """Return ECS's own words about the end, in sentences."""
    beside = _failed_beside(task, container) if container.get("exitCode") != 0 else []
    said = [container.get("reason", ""), task.get("stoppedReason", ""), *beside]
    texts = [text.strip().rstrip(".") for text in said if text and not text.startswith(STOPPED_BY_US)]
    if task.get("stopCode") == "UserInitiated" and texts:
        texts.insert(0, "The ECS task was stopped from outside")
    return " ".join(f"{text}." for text in dict.fromkeys(texts) if text != "Essential container in task exited")


def _container(task: AwsObject, name: str) -> AwsObject:
    return next((one for one in task.get("containers", []) if one.get("name") == name), {})


def _seconds(when: Any) -> float | None:
    """Return seconds since the epoch of a time as boto3 gives it."""
    return None if when is None else float(when.timestamp())
