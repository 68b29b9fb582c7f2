"""The status of a pod: pure functions from the API's objects to the status of a container.

Source: Kubernetes documentation, "Pod Lifecycle", "Disruptions" (pod disruption conditions), "Node-pressure Eviction";
kubelet `pkg/kubelet/images/types.go` and `pkg/kubelet/kuberuntime/kuberuntime_container.go` for the waiting reasons.
"""

import dataclasses
import datetime as dt
import math
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from radiant.errors import EXIT_BAD_INPUT, EXIT_BUG, EXIT_CONFIG
from radiant.jobs.reasons import Reason
from radiant.jobs.usage import Placement
from radiant.operators.platform import ContainerStatus, State

KubernetesObject = dict[str, Any]
"""An object of the Kubernetes API as JSON or YAML; Kubernetes defines the keys."""

CONTAINER = "worker"
RUN_LABEL = "radiant-run"
"""Label of every pod of a DAG run; its value is `radiant.operators.task_folder.run_key`."""
_SIGNAL = 128
"""An exit code above is a signal's number plus this."""
_SIGNALS = range(_SIGNAL + 1, _SIGNAL + 32)

_HOPELESS_IMAGE = {"ErrImageNeverPull", "InvalidImageName"}
_IMAGE = {*_HOPELESS_IMAGE, "ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"}
_NO_SUCH_IMAGE = re.compile(
    r"not found|manifest unknown|does not exist|no such image|unauthorized|denied|authentication required|"
    r"no basic auth",
    re.IGNORECASE,
)
"""Words of registries about an image that will not come; anything else (a time-out, a 500) may pass."""
_CANNOT_CREATE = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_CANNOT_START = {"StartError", "ContainerCannotRun", "CreateContainerError", "RunContainerError"}
"""Reasons of a terminated container that never ran."""
_HOPELESS_START = re.compile(
    r"not found|no such file|couldn't find key|permission denied|runAsNonRoot|non-numeric user|will run as root",
    re.IGNORECASE,
)
"""A secret, a key of it or a command that does not exist, a user that may not be; anything else may pass."""
_NO_SUCH_VOLUME = re.compile(r'MountVolume.*\b(?:secret|configmap) "(?!kube-root-ca)[^"]+" not found')
"""Words of the kubelet about a volume whose Secret or ConfigMap does not exist; twice, it is not being made now."""
_OWN_VERDICT = frozenset({EXIT_BAD_INPUT, EXIT_BUG, EXIT_CONFIG})
"""Exit codes by which the job itself reports why it failed; a stop at the same time has not caused that."""

_POD_REASONS = {
    "Evicted": Reason.EVICTED,
    "DeadlineExceeded": Reason.DEADLINE_EXCEEDED,
    "NodeLost": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "Shutdown": Reason.NODE_LOST,
    "Terminated": Reason.NODE_LOST,
    "Preempting": Reason.PREEMPTED,
    "UnexpectedAdmissionError": Reason.UNSCHEDULABLE,
    "NodeAffinity": Reason.UNSCHEDULABLE,
}
"""`status.reason` of a pod that the kubelet or a controller ended."""
_DISRUPTIONS = {
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
    "PreemptionByScheduler": Reason.PREEMPTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
}
"""Reasons of the condition `DisruptionTarget` (Kubernetes 1.26 and later)."""
_EVENTS = {
    "Preempted": Reason.PREEMPTED,
    "Evicted": Reason.EVICTED,
    "TaintManagerEviction": Reason.NODE_LOST,
    "NodeNotReady": Reason.NODE_LOST,
}
"""Events with the reason why a pod was ended, where its status has none."""
_OVER_ITS_DISK = re.compile(r"exceeds? the (?:total )?limit|exceeded its local ephemeral storage limit", re.IGNORECASE)

_CAPACITY_TYPE = (
    "karpenter.sh/capacity-type",
    "eks.amazonaws.com/capacityType",
    "cloud.google.com/gke-spot",
    "kubernetes.azure.com/scalesetpriority",
)
_POOL = (
    "karpenter.sh/nodepool",
    "eks.amazonaws.com/nodegroup",
    "cloud.google.com/gke-nodepool",
    "kubernetes.azure.com/agentpool",
)
"""Labels of nodes by the tool that makes them."""
_ARCHITECTURES: dict[str | None, str | None] = {"amd64": "x86_64"}

_NOISE = {"MissingClusterDNS", "DNSConfigForming"}
"""Warnings about the node's own configuration that every pod gets."""

_SILENT_S = 30.0
"""How long after its grace period a deleted pod may be reported as running: clocks differ, kubelets are busy."""
_SILENT = "The pod was to be deleted, and its node has not reported since that its container ended."
DELETED_BEFORE = "The pod was deleted before its container began: by a person, a drain, or a preemption."
DELETED = "The pod was deleted before its end could be read: by a person, a drain, or an eviction."


def pod_name(attempt: str) -> str:
    """Return the name of the pod of an attempt: a start that is repeated finds the pod instead of making a second."""
    return f"radiant-{attempt}"


@dataclass(frozen=True, slots=True)
class PodEvent:
    """An event of a pod."""

    type: str
    """Normal or Warning."""
    reason: str
    message: str
    count: int = 1


def pod_status(pod: Any, events: Sequence[PodEvent] = (), *, now: float | None = None) -> ContainerStatus:
    """Return the status of a pod.

    Args:
        pod: a `V1Pod` as the API answers it.
        events: about it; only needed while it does not run and after a bad end.
        now: in seconds since the epoch; this moment when None.
    """
    found = _look_at(pod, events, time.time() if now is None else now)
    return dataclasses.replace(
        found, memory_limit_mib=_memory_limit_mib(pod), placed_at=_placed_at(pod), placement=placement_of(pod, {})
    )


def placement_of(pod: Any, labels: Mapping[str, str]) -> Placement:
    """Return where a pod runs.

    Args:
        pod: a `V1Pod`.
        labels: of its node, as far as they can be read.
    """

    def first(names: Iterable[str]) -> str | None:
        return next((labels[name] for name in names if name in labels), None)

    capacity = first(_CAPACITY_TYPE)
    return Placement(
        backend="kubernetes",
        node=pod.spec.node_name if pod.spec is not None else None,
        instance_type=first(("node.kubernetes.io/instance-type",)),
        zone=first(("topology.kubernetes.io/zone",)),
        architecture=_ARCHITECTURES.get(found := first(("kubernetes.io/arch",)), found),
        capacity=first(_POOL),
        spot=None if capacity is None else capacity.lower() in {"spot", "true"},
    )


def _placed_at(pod: Any) -> float | None:
    scheduled = next((one for one in pod.status.conditions or () if one.type == "PodScheduled"), None)
    return _seconds(scheduled.last_transition_time) if scheduled is not None and scheduled.status == "True" else None


def _look_at(pod: Any, events: Sequence[PodEvent], now: float) -> ContainerStatus:
    status = pod.status
    worker = _worker(status)
    ended = worker.state.terminated if worker is not None and worker.state is not None else None
    if ended is not None:
        return _at_its_end(pod, ended, events)
    if status.phase in {"Failed", "Succeeded"}:
        # Ended before its container began, or its container's status is gone.
        reason, hopeless = _why_ended(pod, events)
        other = _failed_beside(status)
        reason = reason or (Reason.LOST if other is None else Reason.START_FAILED)
        return ContainerStatus(
            State.ENDED, reason, _sentences(other, status.message, *_notable(events)), hopeless=hopeless
        )
    if status.reason == "NodeLost" or (status.phase == "Unknown" and pod.metadata.deletion_timestamp is not None):
        # Its node does not answer, and the pod stays as it is until the node is back.
        return ContainerStatus(
            State.GONE, Reason.NODE_LOST, _sentences(status.message, *_notable(events)), log_is_lost=True
        )
    running = worker.state.running if worker is not None and worker.state is not None else None
    if running is None:
        return _not_yet(pod, worker, events)
    started_at = _seconds(running.started_at)
    deletion = _seconds(pod.metadata.deletion_timestamp)
    if deletion is not None and now > deletion + _SILENT_S:
        # Its grace period is over and its container still runs: the node has not been heard from since.
        text = _sentences(_SILENT, *_notable(events))
        return ContainerStatus(State.GONE, Reason.NODE_LOST, text, started_at=started_at, log_is_lost=True)
    return ContainerStatus(State.RUNNING, started_at=started_at)


def missing_pod_status(events: Sequence[PodEvent], before: ContainerStatus | None) -> ContainerStatus:
    """Return the status of a pod that is not there any more.

    Args:
        events: the cluster keeps them for an hour.
        before: the last status.
    """
    reason = (
        before.reason
        if before is not None and before.reason in {Reason.EVICTED, Reason.PREEMPTED, Reason.NODE_LOST}
        else None
    )
    reason = reason or _by_event(events)
    started = before.started_at if before is not None else None
    return ContainerStatus(
        State.GONE,
        reason or Reason.LOST,
        _sentences(DELETED, *_notable(events)),
        started_at=started,
        placed_at=before.placed_at if before is not None else None,
        placement=before.placement if before is not None else None,
        log_is_lost=before is None or started is not None,
    )


def wants_events(status: ContainerStatus) -> bool:
    """Return whether the pod's events may add to its status."""
    return status.state in {State.STARTING, State.GONE} or (status.state is State.ENDED and status.exit_code != 0)


def _at_its_end(pod: Any, ended: Any, events: Sequence[PodEvent]) -> ContainerStatus:
    code = int(ended.exit_code)
    started, finished = _seconds(ended.started_at), _seconds(ended.finished_at)
    if code == 0:
        # The job came to its end. (The runtime reports OOMKilled even if only a child was.)
        return ContainerStatus(State.ENDED, exit_code=0, started_at=started, finished_at=finished)
    reason, hopeless = _why_ended(pod, events)
    said = ended.reason if ended.reason not in {None, "Error", "Completed"} else None
    if code in _OWN_VERDICT:
        reason, hopeless = None, False
    if ended.reason in _CANNOT_START:
        reason, hopeless = Reason.CONFIG, _HOPELESS_START.search(ended.message or "") is not None
    elif ended.reason == "OOMKilled" and code != EXIT_BAD_INPUT:
        # Even if a child was killed and the job then failed in its own way.
        reason, hopeless = Reason.OUT_OF_MEMORY, False
    terminated = f"container {CONTAINER}: {said or 'ended'}, exit code {code}"
    deleted = DELETED if reason == Reason.LOST else None
    detail = _sentences(deleted, pod.status.message, terminated, ended.message, *_notable(events))
    exit_code = _SIGNAL - code if code in _SIGNALS else code
    return ContainerStatus(
        State.ENDED,
        reason,
        detail,
        hopeless=hopeless,
        exit_code=exit_code,
        started_at=started,
        finished_at=finished,
    )


def _why_ended(pod: Any, events: Sequence[PodEvent]) -> tuple[str | None, bool]:
    """Return why it was ended from outside, and whether that would happen again."""
    status = pod.status
    if status.reason in _POD_REASONS:
        return _POD_REASONS[status.reason], _OVER_ITS_DISK.search(status.message or "") is not None
    if (status.reason or "").startswith("OutOf"):  # OutOfcpu, OutOfmemory, OutOfpods: the kubelet had no room after all
        return Reason.UNSCHEDULABLE, False
    for condition in status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True":
            return _DISRUPTIONS.get(condition.reason, Reason.EVICTED), False
    if pod.metadata.deletion_timestamp is not None:
        return _by_event(events) or Reason.LOST, False
    return None, False


def _by_event(events: Sequence[PodEvent]) -> str | None:
    return next((_EVENTS[one.reason] for one in reversed(events) if one.reason in _EVENTS), None)


def _not_yet(pod: Any, worker: Any, events: Sequence[PodEvent]) -> ContainerStatus:
    if pod.metadata.deletion_timestamp is not None:
        # The kubelet starts nothing in a pod that is being deleted; a finalizer may keep the object for ever.
        return ContainerStatus(
            State.GONE, _by_event(events) or Reason.LOST, _sentences(DELETED_BEFORE, *_notable(events))
        )
    scheduled = next((one for one in pod.status.conditions or () if one.type == "PodScheduled"), None)
    if scheduled is None or scheduled.status != "True":
        reason = None if scheduled is None else Reason.UNSCHEDULABLE
        return ContainerStatus(State.WAITING, reason, "" if scheduled is None else _sentences(scheduled.message))
    waiting = _waiting(pod.status, worker)
    if waiting is None or waiting.reason in {None, "ContainerCreating", "PodInitializing"}:
        missing = any(one.count > 1 and _NO_SUCH_VOLUME.search(one.message) for one in events)
        return ContainerStatus(
            State.STARTING, Reason.CONFIG if missing else None, _sentences(*_notable(events)), hopeless=missing
        )
    detail = _sentences(
        f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason, *_notable(events)
    )
    if waiting.reason in _IMAGE:
        hopeless = waiting.reason in _HOPELESS_IMAGE or _NO_SUCH_IMAGE.search(detail) is not None
        return ContainerStatus(State.STARTING, Reason.IMAGE_PULL, detail, hopeless=hopeless)
    return ContainerStatus(
        State.STARTING, Reason.CONFIG, detail, hopeless=_HOPELESS_START.search(waiting.message or "") is not None
    )


def _waiting(status: Any, worker: Any) -> Any:
    """Return why the worker waits; init containers and side-cars that cannot start hold it up, too."""
    found = [worker, *(status.init_container_statuses or ()), *(status.container_statuses or ())]
    states = [one.state.waiting for one in found if one is not None and one.state is not None and one.state.waiting]
    bad = [one for one in states if one.reason in _IMAGE | _CANNOT_CREATE]
    return next(iter((*bad, *states)), None)


def _failed_beside(status: Any) -> str | None:
    """Return how an init container ended that kept the worker from its start."""
    for one in status.init_container_statuses or ():
        ended = one.state.terminated if one.state is not None else None
        if ended is not None and ended.exit_code != 0:
            said = f" ({ended.reason})" if ended.reason not in {None, "Error"} else ""
            return f"Its init container {one.name} ended with exit code {ended.exit_code}{said}. {ended.message or ''}"
    return None


def _memory_limit_mib(pod: Any) -> int | None:
    """Return the memory limit that the worker's container has after all admission, None where it has none."""
    containers = pod.spec.containers if pod.spec is not None else ()
    worker = next((one for one in containers or () if one.name == CONTAINER), None)
    limits = worker.resources.limits if worker is not None and worker.resources is not None else None
    text = (limits or {}).get("memory")
    return None if text is None else math.floor(parse_quantity(text) / (1 << 20))


def _worker(status: Any) -> Any:
    return next((one for one in status.container_statuses or () if one.name == CONTAINER), None)


def _notable(events: Sequence[PodEvent]) -> Iterable[str]:
    """Return the last warnings, each once."""
    warnings = (one for one in events if one.type == "Warning" and one.message and one.reason not in _NOISE)
    said = {f"{one.reason}: {one.message}": None for one in warnings}
    return list(said)[-3:]


def _sentences(*texts: str | None) -> str:
    """Return the texts as sentences, each once and none very long."""
    found = (" ".join(text.split())[:500].rstrip(".") + "." for text in texts if text and text.strip())
    return " ".join(dict.fromkeys(found))


def _seconds(moment: dt.datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
