"""A job in a real pod, without Airflow: shows that the image comes, starts, and reaches the work URI."""

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from radiant import storage
from radiant.cli.check_result import CheckResult, good, unknown, wrong
from radiant.cli.kube_cluster_checks import TIMEOUT_S, message_from
from radiant.errors import ConfigError, JobRefusedError, RadiantError
from radiant.jobs.catalogue import effective_job
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, decode_result
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.operators.platform import ContainerOrder, ContainerStatus
    from radiant.operators.pod.pod_status import PodEvent

_LOOK_S = 0.5
_LOG_LINES = 5
_PULLS = 2
"""Looks at an image that does not come; a job would go on waiting."""


def check_pod(api: Any, namespace: str, settings: Settings, *, wait_s: float) -> Iterator[CheckResult]:
    """Run the job `poc` in a pod of its own and delete it.

    Args:
        api: client of the cluster.
        namespace: of the pod.
        settings: image, work URI, and all that a pod gets.
        wait_s: seconds for it to start and end.
    """
    from radiant.cli.kube_pod import order_of  # noqa: PLC0415 - imports Airflow
    from radiant.operators.pod.spec import build_pod  # noqa: PLC0415 - imports Airflow

    attempt = str(uuid.uuid4())
    order = order_of(effective_job("poc", settings), settings, run_id=f"doctor__{attempt}", attempt=attempt)
    folder = order.argv[3].rpartition("/")[0]
    try:
        pod = build_pod(order, settings, namespace=namespace)
    except (JobRefusedError, ConfigError) as error:
        yield wrong("image" if "image" in str(error) else "storage", str(error), "correct that setting")
        return
    try:
        storage.write_bytes(order.argv[3], encode(_request(order, folder)))
    except (RadiantError, OSError, ImportError) as error:
        yield wrong(
            "storage", f"this machine cannot write {folder}: {error}", "correct RADIANT_WORK_URI or its credentials"
        )
        return
    try:
        yield from _run(api, namespace, pod, order, wait_s)
    finally:
        storage.delete_prefix(folder)


def _request(order: "ContainerOrder", folder: str) -> Request:
    from importlib import metadata  # noqa: PLC0415 - only here

    return Request(
        job=order.job.name,
        attempt=order.attempt,
        run_uri=folder,
        arguments={"pause_s": 0},
        memory_mib=order.memory_mib,
        cpu=order.job.resources.cpu,
        radiant_version=metadata.version("radiant"),
        image=order.image,
        trace_context={},
    )


def _run(api: Any, namespace: str, pod: Any, order: "ContainerOrder", wait_s: float) -> Iterator[CheckResult]:
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    core = client.CoreV1Api(api)
    began = time.monotonic()
    try:
        made: Any = core.create_namespaced_pod(namespace, pod, _request_timeout=TIMEOUT_S)
    except client.ApiException as error:
        yield wrong(
            "pod", f"the cluster refuses it: {message_from(error)}", "`radiant kube render --job poc` shows the pod"
        )
        return
    name = made.metadata.name
    try:
        status = _wait(core, made, began + wait_s)
        if status is None or status.exit_code is None:
            yield _not_started(status, time.monotonic() - began)
            return
        yield good("image", f"{pod.spec.containers[0].image} came and ended in {time.monotonic() - began:.1f} s")
        yield _judge(core, made, status, order)
    finally:
        try:
            core.delete_namespaced_pod(name, namespace, grace_period_seconds=0, _request_timeout=TIMEOUT_S)
        except client.ApiException as error:
            yield unknown("pod", f"{name} could not be deleted: {message_from(error)}", f"kubectl delete pod {name}")


def _wait(core: Any, made: Any, until: float) -> "ContainerStatus | None":
    """Return the last status of the pod: at its end, when it does not start, or when time is over."""
    from radiant.jobs.reasons import Reason  # noqa: PLC0415 - imports Airflow
    from radiant.operators.platform import State  # noqa: PLC0415 - as above
    from radiant.operators.pod.pod_status import pod_status, wants_events  # noqa: PLC0415 - as above

    status: ContainerStatus | None = None
    pulls = 0
    while time.monotonic() < until:
        pod: Any = core.read_namespaced_pod(made.metadata.name, made.metadata.namespace, _request_timeout=TIMEOUT_S)
        status = pod_status(pod)
        if wants_events(status) or status.state is State.WAITING:
            status = pod_status(pod, _events(core, made))
        pulls += status.reason == Reason.IMAGE_PULL
        if status.state in {State.ENDED, State.GONE} or status.hopeless or pulls >= _PULLS:
            break
        time.sleep(_LOOK_S)
    return status


def _events(core: Any, pod: Any) -> "tuple[PodEvent, ...]":
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    from radiant.operators.pod.kubernetes_platform import read_events  # noqa: PLC0415 - imports Airflow

    try:
        return read_events(core, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)
    except client.ApiException:
        return ()


def _not_started(status: "ContainerStatus | None", waited_s: float) -> CheckResult:
    reason = status.reason if status is not None else None
    detail = status.detail if status is not None else ""
    about = "image" if reason == "ImagePull" else "pod"
    fix = "RADIANT_IMAGE, RADIANT_KUBERNETES__PULL_POLICY and __PULL_SECRETS name the image and how it is pulled"
    if about == "pod":
        fix = "`radiant kube render --job poc` shows the pod; --wait gives it more time"
    return wrong(about, f"it did not run within {waited_s:.0f} s: {reason or 'no reason given'}. {detail}".strip(), fix)


def _judge(core: Any, pod: Any, status: "ContainerStatus", order: "ContainerOrder") -> CheckResult:
    try:
        result = decode_result(storage.read_bytes(order.argv[5]), order.argv[5])
    except RadiantError:
        result = None
    if status.exit_code == 0 and result is not None and result.status is Status.SUCCEEDED:
        return good(
            "storage", f"a pod read its request and left its result below {order.argv[5].rpartition('/doctor')[0]}"
        )
    message = result.failure.message if result is not None and result.failure is not None else _log(core, pod)
    return wrong(
        "storage",
        f"the job ended with {status.exit_code} ({status.reason or 'by itself'}): {status.detail} {message}".strip(),
        "the pod must read and write RADIANT_WORK_URI: its credentials (RADIANT_KUBERNETES__ENV_FROM), "
        "its service account, its volume (__MOUNTS), its user's rights, the NetworkPolicy",
    )


def _log(core: Any, pod: Any) -> str:
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    try:
        text: Any = core.read_namespaced_pod_log(
            pod.metadata.name, pod.metadata.namespace, tail_lines=_LOG_LINES, _request_timeout=TIMEOUT_S
        )
    except client.ApiException:
        return ""
    return " | ".join(str(text).split("\n")).strip(" |")
