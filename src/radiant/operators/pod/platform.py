"""The calls of the Kubernetes API behind one pod's life."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from kubernetes.client import ApiException
from kubernetes.client import models as k8s

from radiant.errors import JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.operators.ending import (
    CONFIG,
    DEADLINE_EXCEEDED,
    EVICTED,
    NODE_LOST,
    PREEMPTED,
    QUOTA_EXCEEDED,
    UNSCHEDULABLE,
)
from radiant.operators.platform import Handle, LogPage, Look, Order, State
from radiant.operators.pod.client import TIMEOUT_S, Cluster, Denials, api_errors, cluster_of, is_missing, message_of
from radiant.operators.pod.ending import PodEvent, look_at, look_at_nothing, wants_events
from radiant.operators.pod.events import read_events
from radiant.operators.pod.log import Place, read_page
from radiant.operators.pod.name import CONTAINER, pod_name
from radiant.settings import Settings

_T = TypeVar("_T")
_CONFLICT, _FORBIDDEN, _INVALID = 409, 403, 422
_CHUNK = 64 * 1024
_DEFAULT_NAMESPACE = "default"


class KubernetesPlatform:
    """One Kubernetes cluster, reached through an Airflow connection; implements `radiant.operators.platform.Platform`.

    A handle is `{"name", "namespace", "uid"}`. A pod of the same name with another uid is not ours.
    """

    name = "kubernetes"
    noun = "pod"
    timeout_reason = DEADLINE_EXCEEDED
    interruptions = frozenset({EVICTED, PREEMPTED, NODE_LOST, UNSCHEDULABLE})

    def __init__(self, settings: Settings) -> None:
        """Only remember; the connection is read when it is needed."""
        self._settings = settings
        self._conn_id = settings.kubernetes.conn_id
        self._denials = Denials()
        self._seen: dict[str, Look] = {}

    def start(self, order: Order) -> Handle:
        """Create the pod, or find the one that an unanswered create of the same attempt made.

        Raises:
            JobNotYetError: a quota has no room.
            JobRefusedError: the API server will never accept this pod.
            PlatformUnavailableError: it does not answer.
        """
        # Here and not above: it costs seconds, and only a process that builds a pod needs it.
        from radiant.operators.pod.spec import build_pod  # noqa: PLC0415

        namespace = self._namespace()
        pod = build_pod(order, self._settings, namespace=namespace)
        try:
            made = self._call("create pods", lambda cluster: self._create(cluster, namespace, pod))
        except ApiException as error:
            if error.status != _CONFLICT:
                raise _refusal(error) from error
            found = self.find(order.attempt)
            if found is None:
                msg = f"pod {pod_name(order.attempt)} is there and is not: it is being deleted"
                raise PlatformUnavailableError(msg) from error
            return found
        return _handle(made)

    def find(self, attempt: str) -> Handle | None:
        """Return the pod of an attempt."""
        pod = self._read(pod_name(attempt), self._namespace())
        return None if pod is None else _handle(pod)

    def look(self, handle: Handle) -> Look:
        """Return what the pod does now."""
        pod = self._read(handle["name"], handle["namespace"])
        if pod is not None and pod.metadata.uid != handle["uid"]:
            pod = None
        found = self._judge(pod, (), handle)
        if wants_events(found):
            found = self._judge(pod, self._events(handle), handle)
        self._seen[handle["uid"]] = found
        return found

    def read_log(self, handle: Handle, cursor: str, look: Look) -> LogPage:
        """Return the lines after the cursor."""
        if look.state is State.GONE or (look.state is State.ENDED and look.started_at is None):
            return LogPage([], cursor)
        place = Place.decode(cursor)
        try:
            response = self._call("get pods/log", lambda cluster: self._log(cluster, handle, place))
        except ApiException as error:
            if is_missing(error):
                return LogPage([], cursor)
            if look.state is State.RUNNING and "ContainerCreating" in message_of(error):
                return LogPage([], cursor)
            msg = f"Kubernetes does not give the log of pod {handle['name']}: {message_of(error)}"
            raise PlatformUnavailableError(msg) from error
        read_to_its_end = False
        try:
            with api_errors("get pods/log", self._conn_id, self._denials):
                page = read_page(_chunks(response), place, ended=look.state is State.ENDED)
            read_to_its_end = not page.full
        finally:
            if not read_to_its_end:  # what was not read stays in the connection: it cannot be used again
                response.close()
            response.release_conn()
        return LogPage(page.lines, page.place.encode(), more=page.full)

    def stop(self, handle: Handle, reason: str) -> None:
        """Delete the pod: SIGTERM, and SIGKILL after its grace period."""
        del reason
        self._delete(handle)

    def release(self, handle: Handle) -> None:
        """Delete what is left of the pod."""
        self._delete(handle)

    def _judge(self, pod: Any, events: tuple[PodEvent, ...], handle: Handle) -> Look:
        return look_at_nothing(events, self._seen.get(handle["uid"])) if pod is None else look_at(pod, events)

    def _namespace(self) -> str:
        return self._settings.kubernetes.namespace or cluster_of(self._conn_id).namespace or _DEFAULT_NAMESPACE

    def _call(self, what: str, call: Callable[[Cluster], _T]) -> _T:
        with api_errors(what, self._conn_id, self._denials):
            return call(cluster_of(self._conn_id))

    def _create(self, cluster: Cluster, namespace: str, pod: k8s.V1Pod) -> Any:
        return cluster.api.create_namespaced_pod(namespace, pod, _request_timeout=TIMEOUT_S)

    def _read(self, name: str, namespace: str) -> Any:
        try:
            return self._call(
                "get pods", lambda cluster: cluster.api.read_namespaced_pod(name, namespace, _request_timeout=TIMEOUT_S)
            )
        except ApiException as error:
            if is_missing(error):
                return None
            msg = f"Kubernetes does not say what pod {name} does: {message_of(error)}"
            raise PlatformUnavailableError(msg) from error

    def _events(self, handle: Handle) -> tuple[PodEvent, ...]:
        """Return the pod's events, oldest first; without the right to read them, that."""
        try:
            with api_errors("list events", self._conn_id, Denials()):
                core = cluster_of(self._conn_id).api
                return read_events(core, handle["namespace"], handle["name"], handle["uid"])
        except (ApiException, PlatformUnavailableError) as error:
            text = message_of(error) if isinstance(error, ApiException) else str(error)
            return (PodEvent("Warning", "EventsUnknown", text),)

    def _log(self, cluster: Cluster, handle: Handle, place: Place) -> Any:
        """Open the log; `CoreV1Api.read_namespaced_pod_log` knows no `sinceTime`."""
        query = [("container", CONTAINER), ("timestamps", "true")]
        if since := place.since_time():
            query.append(("sinceTime", since))
        return cluster.api.api_client.call_api(
            "/api/v1/namespaces/{namespace}/pods/{name}/log",
            "GET",
            {"namespace": handle["namespace"], "name": handle["name"]},
            query,
            {"Accept": "*/*"},
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=TIMEOUT_S,
        )

    def _delete(self, handle: Handle) -> None:
        mine = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid=handle["uid"]))
        try:
            self._call(
                "delete pods",
                lambda cluster: cluster.api.delete_namespaced_pod(
                    handle["name"], handle["namespace"], body=mine, _request_timeout=TIMEOUT_S
                ),
            )
        except ApiException as error:
            if not is_missing(error) and error.status != _CONFLICT:  # a conflict: another uid, not ours
                msg = f"Kubernetes does not delete pod {handle['name']}: {message_of(error)}"
                raise PlatformUnavailableError(msg) from error


def _handle(pod: Any) -> Handle:
    return {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": pod.metadata.uid}


def _chunks(response: Any) -> Iterator[bytes]:
    yield from response.stream(_CHUNK)


_QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: .+?, limited: (.+)$")


def _refusal(error: ApiException) -> JobNotYetError | JobRefusedError:
    """Return what a refused create means: no room now, or never."""
    text = message_of(error)
    if error.status == _FORBIDDEN and (found := _QUOTA.search(text)):
        quota, requested, limited = found.groups()
        wanted, most = _quantities(requested), _quantities(limited)
        never = [name for name, amount in wanted.items() if amount > most.get(name, amount)]
        if not never:
            return JobNotYetError(f"{text}", reason=QUOTA_EXCEEDED)
        msg = f"the quota {quota} can never hold this pod, whatever else runs ({', '.join(never)}): {text}"
        return JobRefusedError(msg, reason=QUOTA_EXCEEDED)
    if error.status == _INVALID:
        return JobRefusedError(f"Kubernetes does not accept the pod: {text}", reason=CONFIG)
    return JobRefusedError(f"Kubernetes refuses the pod: {text}", reason=CONFIG)


def _quantities(text: str) -> dict[str, float]:
    """Return the numbers of `pods=1,limits.memory=512Mi`."""
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 - rarely needed

    pairs = (item.partition("=") for item in text.split(","))
    return {name.strip(): float(parse_quantity(value.strip())) for name, _, value in pairs if value.strip()}
