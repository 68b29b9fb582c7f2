"""What a pod's status and events mean."""

import datetime as dt
import json
from types import SimpleNamespace

import pytest
from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from radiant.errors import JobNotYetError, JobRefusedError
from radiant.jobs.usage import Placement
from radiant.operators.platform import ContainerStatus, State
from radiant.operators.pod.kubernetes_platform import _refusal
from radiant.operators.pod.pod_status import PodEvent, missing_pod_status, placement_of, pod_status

STATUS = {"kind": "Status", "apiVersion": "v1"}
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def pod(state=None, *, phase="Running", deleted=False, conditions=(), reason=None, message=None):  # noqa: PLR0913 - tests vary each
    statuses = None
    if state is not None:
        statuses = [
            k8s.V1ContainerStatus(name="worker", state=state, image="", image_id="", ready=False, restart_count=0)
        ]
    found = [k8s.V1PodCondition(type="PodScheduled", status="True"), *conditions]
    status = k8s.V1PodStatus(phase=phase, container_statuses=statuses, conditions=found, reason=reason, message=message)
    return k8s.V1Pod(metadata=k8s.V1ObjectMeta(deletion_timestamp=NOW if deleted else None), status=status)


def terminated(code, reason="Error", message=None):
    ended = k8s.V1ContainerStateTerminated(
        exit_code=code, reason=reason, message=message, started_at=NOW, finished_at=NOW + dt.timedelta(seconds=7)
    )
    return k8s.V1ContainerState(terminated=ended)


def waiting(reason, message=None):
    return k8s.V1ContainerState(waiting=k8s.V1ContainerStateWaiting(reason=reason, message=message))


def disruption(reason):
    return k8s.V1PodCondition(type="DisruptionTarget", status="True", reason=reason)


def test_exit_0_has_no_reason_whatever_happened_around_it():
    look = pod_status(pod(terminated(0, "OOMKilled"), deleted=True, conditions=[disruption("EvictionByEvictionAPI")]))
    assert (look.state, look.exit_code, look.reason) == (State.ENDED, 0, None)
    assert look.finished_at - look.started_at == 7


@pytest.mark.parametrize(("code", "seen"), [(137, -9), (70, 70), (1, 1)])
def test_out_of_memory_is_what_the_runtime_says_also_of_a_child(code, seen):
    look = pod_status(pod(terminated(code, "OOMKilled")))
    assert (look.reason, look.exit_code, look.hopeless) == ("OutOfMemory", seen, False)


def test_bad_input_stays_bad_input_though_a_child_ran_out_of_memory():
    assert pod_status(pod(terminated(65, "OOMKilled"))).reason is None


def test_a_kill_without_a_reason_is_no_lack_of_memory():
    look = pod_status(pod(terminated(137)))
    assert (look.reason, look.exit_code) == (None, -9)


@pytest.mark.parametrize("code", [65, 70, 78])
def test_a_job_s_own_verdict_counts_though_its_pod_is_being_deleted(code):
    assert pod_status(pod(terminated(code), deleted=True)).reason is None


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("EvictionByEvictionAPI", "Evicted"),
        ("TerminationByKubelet", "Evicted"),
        ("PreemptionByScheduler", "Preempted"),
        ("DeletionByTaintManager", "NodeLost"),
    ],
)
def test_a_disruption_is_named(condition, reason):
    look = pod_status(pod(terminated(143), deleted=True, conditions=[disruption(condition)]))
    assert (look.reason, look.hopeless) == (reason, False)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("DeadlineExceeded", "DeadlineExceeded"),
        ("Evicted", "Evicted"),
        ("NodeLost", "NodeLost"),
        ("Preempting", "Preempted"),
        ("OutOfcpu", "Unschedulable"),
        ("Something", "Lost"),
    ],
)
def test_a_pod_that_failed_without_a_container_is_named(said, reason):
    look = pod_status(pod(phase="Failed", reason=said, message="why"))
    assert (look.state, look.reason, look.detail) == (State.ENDED, reason, "why.")


def test_a_disk_that_is_too_small_stays_too_small():
    text = 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi".'
    assert pod_status(pod(phase="Failed", reason="Evicted", message=text)).hopeless


def test_a_pod_deleted_from_outside_is_lost():
    look = pod_status(pod(terminated(143), deleted=True))
    assert (look.reason, look.exit_code) == ("Lost", -15)
    assert "was deleted" in look.detail


def test_a_pod_on_a_lost_node_is_gone_though_it_is_still_listed():
    look = pod_status(pod(k8s.V1ContainerState(running=k8s.V1ContainerStateRunning()), deleted=True, reason="NodeLost"))
    assert (look.state, look.reason) == (State.GONE, "NodeLost")


def test_without_a_node_it_waits_and_says_why():
    unscheduled = k8s.V1PodCondition(
        type="PodScheduled", status="False", reason="Unschedulable", message="0/1 nodes are available"
    )
    found = pod(phase="Pending")
    found.status.conditions = [unscheduled]
    nowhere = Placement("kubernetes")
    assert pod_status(found) == ContainerStatus(
        State.WAITING, "Unschedulable", "0/1 nodes are available.", placement=nowhere
    )
    found.status.conditions = None
    assert pod_status(found) == ContainerStatus(State.WAITING, placement=nowhere)


def test_it_has_a_place_since_it_was_scheduled():
    found = pod(terminated(0))
    found.status.conditions[0].last_transition_time = NOW - dt.timedelta(seconds=3)
    look = pod_status(found)
    assert look.placed_at == look.started_at - 3
    assert look.times(look.placed_at - 60, None, 0.0).waiting_s == 60


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, Placement("kubernetes", node="n1")),
        (
            {
                "node.kubernetes.io/instance-type": "m7g.xlarge",
                "topology.kubernetes.io/zone": "eu-west-1a",
                "kubernetes.io/arch": "arm64",
                "karpenter.sh/capacity-type": "spot",
                "karpenter.sh/nodepool": "jobs",
            },
            Placement("kubernetes", "n1", "m7g.xlarge", "eu-west-1a", "arm64", "jobs", spot=True),
        ),
        (
            {"kubernetes.io/arch": "amd64", "eks.amazonaws.com/capacityType": "ON_DEMAND"},
            Placement("kubernetes", "n1", architecture="x86_64", spot=False),
        ),
        (
            {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-nodepool": "p"},
            Placement("kubernetes", "n1", capacity="p", spot=True),
        ),
    ],
)
def test_the_place_of_a_pod_comes_from_the_labels_of_its_node(labels, expected):
    found = pod(terminated(0))
    found.spec = k8s.V1PodSpec(node_name="n1", containers=[])
    assert placement_of(found, labels) == expected


@pytest.mark.parametrize(
    ("reason", "message", "name", "hopeless"),
    [
        ("ContainerCreating", None, None, False),
        ("ErrImageNeverPull", "not present", "ImagePull", True),
        ("InvalidImageName", "couldn't parse", "ImagePull", True),
        ("ErrImagePull", "rpc error: code = NotFound: not found", "ImagePull", True),
        ("ErrImagePull", "pull access denied", "ImagePull", True),
        ("ErrImagePull", "dial tcp: i/o timeout", "ImagePull", False),
        ("ErrImagePull", "unexpected status: 503", "ImagePull", False),
        ("CreateContainerConfigError", 'secret "x" not found', "Config", True),
        ("CreateContainerConfigError", "container has runAsNonRoot and image will run as root", "Config", True),
        ("CreateContainerConfigError", "failed to sync secret cache: timed out", "Config", False),
    ],
)
def test_a_container_that_waits_says_why_and_whether_there_is_hope(reason, message, name, hopeless):
    look = pod_status(pod(waiting(reason, message), phase="Pending"))
    assert (look.state, look.reason, look.hopeless) == (State.STARTING, name, hopeless)


def test_back_off_is_explained_by_the_event_before_it():
    event = PodEvent("Warning", "Failed", 'Failed to pull image "x": not found')
    found = pod(waiting("ImagePullBackOff", "Back-off pulling image"), phase="Pending")
    assert not pod_status(found).hopeless
    assert pod_status(found, [event]).hopeless


def test_a_command_that_does_not_exist_is_a_wrong_configuration():
    look = pod_status(pod(terminated(128, "StartError", "exec: no such file or directory")))
    assert (look.reason, look.hopeless) == ("Config", True)


def test_what_is_not_there_any_more_is_named_by_what_was_seen_before_or_its_events():
    assert missing_pod_status([], None).reason == "Lost"
    assert missing_pod_status([], ContainerStatus(State.RUNNING, started_at=3.0)).started_at == 3.0
    assert missing_pod_status([], ContainerStatus(State.ENDED, "Evicted")).reason == "Evicted"
    assert missing_pod_status([], None).log_is_lost
    assert missing_pod_status([], ContainerStatus(State.RUNNING, started_at=3.0)).log_is_lost
    assert not missing_pod_status([], ContainerStatus(State.STARTING)).log_is_lost
    assert missing_pod_status([PodEvent("Warning", "Preempted", "by x")], None).reason == "Preempted"


def test_events_are_said_once_without_the_node_s_own_noise():
    events = [PodEvent("Warning", "FailedMount", "no claim")] * 2 + [PodEvent("Warning", "MissingClusterDNS", "x")]
    look = pod_status(pod(waiting("ContainerCreating"), phase="Pending"), events)
    assert look.detail == "FailedMount: no claim."


def deleting(found, **changes):
    found.metadata.deletion_timestamp = NOW
    for name, value in changes.items():
        setattr(found.status, name, value)
    return found


def running():
    return k8s.V1ContainerState(running=k8s.V1ContainerStateRunning(started_at=NOW))


@pytest.mark.parametrize(("after_s", "state", "reason"), [(29, State.RUNNING, None), (31, State.GONE, "NodeLost")])
def test_a_container_that_runs_on_after_its_grace_period_is_on_a_lost_node(after_s, state, reason):
    look = pod_status(deleting(pod(running())), now=NOW.timestamp() + after_s)
    assert (look.state, look.reason) == (state, reason)


@pytest.mark.parametrize("state", [None, waiting("ContainerCreating"), waiting("PodInitializing")])
def test_a_pod_deleted_before_its_container_began_is_gone(state):
    look = pod_status(deleting(pod(state, phase="Pending")), now=NOW.timestamp())
    assert (look.state, look.reason) == (State.GONE, "Lost")
    preempted = pod_status(deleting(pod(state, phase="Pending")), [PodEvent("Warning", "Preempted", "by x")])
    assert preempted.reason == "Preempted"


def test_an_init_container_that_failed_is_named_with_its_exit_code():
    found = pod(waiting("PodInitializing"), phase="Failed")
    found.status.init_container_statuses = [
        k8s.V1ContainerStatus(
            name="vault-agent", state=terminated(2), image="", image_id="", ready=False, restart_count=0
        )
    ]
    look = pod_status(found)
    assert (look.state, look.reason, look.hopeless) == (State.ENDED, "StartFailed", False)
    assert "vault-agent ended with exit code 2" in look.detail


@pytest.mark.parametrize(
    ("message", "count", "hopeless"),
    [
        ('MountVolume.SetUp failed for volume "m" : secret "keys" not found', 2, True),
        ('MountVolume.SetUp failed for volume "m" : configmap "keys" not found', 9, True),
        ('MountVolume.SetUp failed for volume "m" : secret "keys" not found', 1, False),
        ('MountVolume.SetUp failed for volume "k" : configmap "kube-root-ca.crt" not found', 9, False),
        ('MountVolume.SetUp failed for volume "m" : object "a"/"keys" not registered', 9, False),
        ("Unable to attach or mount volumes: timed out", 9, False),
    ],
)
def test_a_secret_that_no_mount_finds_is_without_hope(message, count, hopeless):
    look = pod_status(
        pod(waiting("ContainerCreating"), phase="Pending"), [PodEvent("Warning", "FailedMount", message, count)]
    )
    assert (look.state, look.hopeless) == (State.STARTING, hopeless)


@pytest.mark.parametrize(("text", "mib"), [("512Mi", 512), ("1Gi", 1024), ("100M", 95), (None, None)])
def test_the_limit_is_that_of_the_pod_as_it_was_admitted(text, mib):
    found = pod(running())
    limits = None if text is None else {"memory": text}
    resources = k8s.V1ResourceRequirements(limits=limits)
    found.spec = k8s.V1PodSpec(containers=[k8s.V1Container(name="worker", resources=resources)])
    assert pod_status(found).memory_limit_mib == mib


def refusal(status, message):
    return _refusal(
        ApiException(
            http_resp=SimpleNamespace(
                status=status, reason="", data=json.dumps(STATUS | {"message": message}), getheaders=dict
            )
        )
    )


def test_a_full_quota_is_waited_for_and_one_that_is_too_small_is_not():
    text = "exceeded quota: q, requested: limits.memory=512Mi,pods=1, used: pods=3, limited: limits.memory={},pods=3"
    assert isinstance(refusal(403, text.format("1Gi")), JobNotYetError)
    never = refusal(403, text.format("500Mi"))
    assert isinstance(never, JobRefusedError)
    assert never.reason == "QuotaExceeded"
    assert "limits.memory" in str(never)


def test_a_quota_that_wants_a_limit_names_the_setting():
    found = refusal(403, "pods radiant-1 is forbidden: failed quota: cpu: must specify limits.cpu")
    assert isinstance(found, JobRefusedError)
    assert "limits.cpu: set RADIANT_KUBERNETES__CPU_LIMIT" in str(found)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_the_api_does_not_accept_is_never_asked_again(status):
    assert isinstance(refusal(status, "no"), JobRefusedError)
