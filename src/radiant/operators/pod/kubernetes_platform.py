"""The calls of the Kubernetes API behind one pod's life."""

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from kubernetes.client import ApiException
from kubernetes.client import models as k8s
from urllib3.exceptions import HTTPError

from radiant.errors import JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.reasons import Reason
from radiant.operators.platform import ContainerOrder, ContainerStatus, Handle, LogPage, State
from radiant.operators.pod.client import (
    TIMEOUT_S,
    Cluster,
    Denials,
    api_errors,
    cluster_of,
    foreign,
    is_missing,
    message_of,
    require_kind,
    status_of,
)
from radiant.operators.pod.pod_log import MUCH_BYTES, LogReader, PodLogCursor, is_last
from radiant.operators.pod.pod_status import (
    CONTAINER,
    RUN_LABEL,
    PodEvent,
    missing_pod_status,
    placement_of,
    pod_name,
    pod_status,
    wants_events,
)
from radiant.settings import Settings

_T = TypeVar("_T")
_CONFLICT, _FORBIDDEN, _INVALID = 409, 403, 422
_GET_LOG = "get pods/log"
_LAST_LINE = [("tailLines", "1")]
_LOG_TYPE = "text/plain"
"""Content type that the API server gives every log."""
_CHUNK = 64 * 1024
_LOG_LOST = (
    "(the pod was removed before its log was read to the end: lines may be missing here; the worker's own log has them)"
)
_LOG_CUT = "(the API server gives this log without its end: lines may be missing here; the worker's own log has them)"
_LAST_LINE_TRIES = 4
"""How often the log of an ended pod is read in search of its last line."""
_DEFAULT_NAMESPACE = "default"
_MOST_EVENTS = 50


@dataclass(frozen=True, slots=True)
class _OpenLog:
    """The answer of a request for a log that is not read to its end."""

    cursor: str
    """Where its next page begins."""
    response: Any
    reader: LogReader
    ended: bool
    """The container had ended when the request was made."""


class KubernetesPlatform:
    """One Kubernetes cluster, reached through an Airflow connection; implements `radiant.operators.platform.Platform`.

    A handle is `{"name", "namespace", "uid"}`. A pod of the same name with another uid is not ours.
    """

    name = "kubernetes"
    noun = "pod"
    timeout_reason = Reason.DEADLINE_EXCEEDED
    interruptions = frozenset({Reason.EVICTED, Reason.PREEMPTED, Reason.NODE_LOST, Reason.UNSCHEDULABLE})

    def __init__(self, settings: Settings) -> None:
        """Store the arguments; the connection is read when it is needed."""
        self._settings = settings
        self._conn_id = settings.kubernetes.conn_id
        self._denials = Denials()
        self._last_status: dict[str, ContainerStatus] = {}
        self._open_log: _OpenLog | None = None
        self._without_end: dict[str, int] = {}

    def start(self, order: ContainerOrder) -> Handle:
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
            made = self._call("create pods", lambda cluster: self._create(cluster, namespace, pod), starting=True)
        except ApiException as error:
            if error.status != _CONFLICT:
                raise _refusal(error) from error
            if (status_of(error) or {}).get("reason") != "AlreadyExists":
                msg = f"Kubernetes has not made pod {pod_name(order.attempt)} yet: {message_of(error)}"
                raise PlatformUnavailableError(msg, reason="Conflict") from error
            found = self.find(order.attempt, order.job.name)
            if found is None:
                msg = f"pod {pod_name(order.attempt)} is there and is not: it is being deleted"
                raise PlatformUnavailableError(msg) from error
            return found
        return _handle(_pod(made, "create pods", pod_name(order.attempt)))

    def find(self, attempt: str, job: str) -> Handle | None:
        """Return the pod of an attempt."""
        del job
        pod = self._read(pod_name(attempt), self._namespace())
        return None if pod is None else _handle(pod)

    def status(self, handle: Handle) -> ContainerStatus:
        """Return the status of the pod now."""
        pod = self._read(handle["name"], handle["namespace"])
        if pod is not None and pod.metadata.uid != handle["uid"]:
            pod = None
        found = self._judge(pod, (), handle)
        if wants_events(found):
            found = self._judge(pod, self._events(handle), handle)
        if pod is not None and found.state is State.ENDED:
            found = dataclasses.replace(found, placement=placement_of(pod, self._labels(pod.spec.node_name)))
        self._last_status[handle["uid"]] = found
        return found

    def read_log(self, handle: Handle, cursor: str, status: ContainerStatus) -> LogPage:
        """Return the lines after the cursor."""
        if status.state is State.GONE or (status.state is State.ENDED and status.started_at is None):
            return LogPage([_LOG_LOST] if status.log_is_lost else [], cursor)
        try:
            with api_errors(_GET_LOG, self._conn_id):
                if (self._open_log is None or self._open_log.cursor != cursor) and not self._begin_log(
                    handle, PodLogCursor.decode(cursor), cursor, ended=status.state is State.ENDED
                ):
                    return LogPage([], cursor)
                return self._next_page(handle, ended=status.state is State.ENDED)
        except ApiException as error:
            self._close_log()
            if is_missing(error, handle["name"]):
                return LogPage([_LOG_LOST] if status.state is State.ENDED else [], cursor)
            if status.state is State.RUNNING and "ContainerCreating" in message_of(error):
                return LogPage([], cursor)
            msg = f"Kubernetes does not give the log of pod {handle['name']}: {error.status} {message_of(error)}"
            raise PlatformUnavailableError(msg) from error
        except BaseException:
            self._close_log()
            raise

    def _begin_log(self, handle: Handle, position: PodLogCursor, cursor: str, *, ended: bool) -> bool:
        """Open the log after a position; False when there is nothing new and it was not opened."""
        self._close_log()
        if position.size >= MUCH_BYTES:
            with contextlib.closing(self._log(handle, _LAST_LINE)) as response:
                if is_last(_chunks(response), position):
                    return False
        since = position.since_time()
        response = self._log(handle, [("sinceTime", since)] if since else [])
        self._open_log = _OpenLog(cursor, response, LogReader(_chunks(response), position, ended=ended), ended)
        return True

    def _next_page(self, handle: Handle, *, ended: bool) -> LogPage:
        """Return the next page of the open log; the answer is closed at its end.

        An answer that began before the container ended need not hold its last lines, and one that began later may
        have been cut.
        """
        opened = self._open_log
        if opened is None:
            return LogPage([], "")
        page = opened.reader.page()
        cursor = page.position.encode()
        if page.full:
            self._open_log = dataclasses.replace(opened, cursor=cursor)
            return LogPage(page.lines, cursor, more=True)
        self._open_log = None
        opened.response.release_conn()
        if not opened.ended:
            return LogPage(page.lines, cursor, more=ended)
        return self._at_its_end(handle, LogPage(page.lines, cursor), page.position)

    def _at_its_end(self, handle: Handle, page: LogPage, position: PodLogCursor) -> LogPage:
        """Return the last page; the log is read again while it does not hold the last line; a gap is reported in it."""
        try:
            with contextlib.closing(self._log(handle, _LAST_LINE)) as response:
                whole = is_last(_chunks(response), position, ended=True)
        except (ApiException, HTTPError, PlatformUnavailableError):  # the next read has the failure
            whole = False
        if whole:
            return page
        tries = self._without_end[handle["uid"]] = self._without_end.get(handle["uid"], 0) + 1
        if tries < _LAST_LINE_TRIES:
            return dataclasses.replace(page, more=True)
        return dataclasses.replace(page, lines=[*page.lines, _LOG_CUT])

    def _close_log(self) -> None:
        """Close the answer that is being read; its connection cannot be used again, since part of it was not read."""
        opened, self._open_log = self._open_log, None
        if opened is not None:
            opened.response.close()
            opened.response.release_conn()

    def stop(self, handle: Handle, reason: str) -> None:
        """Delete the pod: SIGTERM, and SIGKILL after its grace period."""
        del reason
        self._delete(handle)

    def release(self, handle: Handle) -> None:
        """Delete what is left of the pod."""
        self._delete(handle)

    def sweep(self, run: str) -> list[str]:
        """Delete every pod of a DAG run."""
        namespace = self._namespace()
        try:
            found = self._call(
                "list pods",
                lambda cluster: cluster.api.list_namespaced_pod(
                    namespace, label_selector=f"{RUN_LABEL}={run}", _request_timeout=TIMEOUT_S
                ),
            )
        except ApiException as error:
            msg = f"Kubernetes does not list the pods of the run: {message_of(error)}"
            raise PlatformUnavailableError(msg) from error
        require_kind(found, "list pods", "PodList")
        handles = [_handle(one) for one in found.items]
        for handle in handles:
            self._delete(handle)
        return [handle["name"] for handle in handles]

    def _judge(self, pod: Any, events: tuple[PodEvent, ...], handle: Handle) -> ContainerStatus:
        return (
            missing_pod_status(events, self._last_status.get(handle["uid"])) if pod is None else pod_status(pod, events)
        )

    def _namespace(self) -> str:
        return self._settings.kubernetes.namespace or cluster_of(self._conn_id).namespace or _DEFAULT_NAMESPACE

    def _call(self, what: str, call: Callable[[Cluster], _T], *, starting: bool = False) -> _T:
        with api_errors(what, self._conn_id, self._denials if starting else None):
            return call(cluster_of(self._conn_id))

    def _create(self, cluster: Cluster, namespace: str, pod: k8s.V1Pod) -> Any:
        return cluster.api.create_namespaced_pod(namespace, pod, _request_timeout=TIMEOUT_S)

    def _read(self, name: str, namespace: str) -> Any:
        try:
            found = self._call(
                "get pods", lambda cluster: cluster.api.read_namespaced_pod(name, namespace, _request_timeout=TIMEOUT_S)
            )
            return _pod(found, "get pods", name)
        except ApiException as error:
            if is_missing(error, name):
                return None
            msg = f"Kubernetes does not answer about pod {name}: {message_of(error)}"
            raise PlatformUnavailableError(msg) from error

    def _labels(self, node: str | None) -> Mapping[str, str]:
        """Return a node's labels; none without the right to read nodes, which no job needs."""
        if node is None:
            return {}
        try:
            found: Any = cluster_of(self._conn_id).api.read_node(node, _request_timeout=TIMEOUT_S)
        except (ApiException, HTTPError):
            return {}
        return dict(found.metadata.labels or {})

    def _events(self, handle: Handle) -> tuple[PodEvent, ...]:
        """Return the pod's events, oldest first; without the right to read them, that."""
        try:
            with api_errors("list events", self._conn_id):
                core = cluster_of(self._conn_id).api
                return read_events(core, handle["namespace"], handle["name"], handle["uid"])
        except (ApiException, PlatformUnavailableError) as error:
            text = message_of(error) if isinstance(error, ApiException) else str(error)
            return (PodEvent("Warning", "EventsUnknown", text),)

    def _log(self, handle: Handle, more: list[tuple[str, str]]) -> Any:
        """Open the log; `CoreV1Api.read_namespaced_pod_log` has no `sinceTime`."""
        response = cluster_of(self._conn_id).api.api_client.call_api(
            "/api/v1/namespaces/{namespace}/pods/{name}/log",
            "GET",
            {"namespace": handle["namespace"], "name": handle["name"]},
            [("container", CONTAINER), ("timestamps", "true"), *more],
            {"Accept": "*/*"},
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=TIMEOUT_S,
        )
        kind = response.headers.get("Content-Type") or _LOG_TYPE
        if not kind.startswith(_LOG_TYPE):
            response.close()
            response.release_conn()
            raise foreign(_GET_LOG, f"{response.status} {kind}")
        return response

    def _delete(self, handle: Handle) -> None:
        mine = k8s.V1DeleteOptions(preconditions=k8s.V1Preconditions(uid=handle["uid"]))
        try:
            found = self._call(
                "delete pods",
                lambda cluster: cluster.api.delete_namespaced_pod(
                    handle["name"], handle["namespace"], body=mine, _request_timeout=TIMEOUT_S
                ),
            )
            require_kind(found, "delete pods", "Pod", "Status")
        except ApiException as error:
            if is_missing(error, handle["name"]):
                return
            # A conflict: the name is another pod's now, or the API server has the object in use.
            if error.status != _CONFLICT or self._is_there(handle):
                msg = f"Kubernetes does not delete pod {handle['name']}: {message_of(error)}"
                raise PlatformUnavailableError(msg) from error

    def _is_there(self, handle: Handle) -> bool:
        pod = self._read(handle["name"], handle["namespace"])
        return pod is not None and pod.metadata.uid == handle["uid"]


def read_events(core: Any, namespace: str, name: str, uid: str) -> tuple[PodEvent, ...]:
    """Return a pod's events, oldest first.

    Args:
        core: `CoreV1Api`.
        namespace: The pod's.
        name: The pod's.
        uid: The pod's; events of another pod of the same name are left out.

    Raises:
        ApiException: the API server does not give them.
        PlatformUnavailableError: something else answers.
    """
    # By name and not by uid: the controller that acts on taints gives none.
    selector = f"involvedObject.kind=Pod,involvedObject.name={name}"
    found = core.list_namespaced_event(
        namespace, field_selector=selector, limit=_MOST_EVENTS, _request_timeout=TIMEOUT_S
    )
    require_kind(found, "list events", "EventList")
    mine = [one for one in found.items if one.involved_object.uid in {None, "", uid}]
    items: list[Any] = sorted(mine, key=lambda one: str(one.last_timestamp or one.event_time))
    return tuple(PodEvent(one.type, one.reason, one.message or "", one.count or 1) for one in items)


def _pod(found: Any, what: str, name: str) -> Any:
    """Return a pod as the API server gave it.

    Raises:
        PlatformUnavailableError: it is no pod of this name.
    """
    metadata = getattr(found, "metadata", None)
    if metadata is None or (found.kind, metadata.name) != ("Pod", name) or not metadata.uid or found.status is None:
        raise foreign(what, f"no pod {name}")
    return found


def _handle(pod: Any) -> Handle:
    return {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "uid": pod.metadata.uid}


def _chunks(response: Any) -> Iterator[bytes]:
    yield from response.stream(_CHUNK)


_QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: .+?, limited: (.+)$")


_UNSPECIFIED = re.compile(r"failed quota: .*must specify ([\w./,-]+)")


def _refusal(error: ApiException) -> JobNotYetError | JobRefusedError:
    """Return the error of a refused create: no room now, or never."""
    text = message_of(error)
    if error.status == _FORBIDDEN and (found := _QUOTA.search(text)):
        quota, requested, limited = found.groups()
        wanted, most = _quantities(requested), _quantities(limited)
        never = [name for name, amount in wanted.items() if amount > most.get(name, amount)]
        if not never:
            return JobNotYetError(f"{text}", reason=Reason.QUOTA_EXCEEDED)
        msg = f"the quota {quota} can never hold this pod, whatever else runs ({', '.join(never)}): {text}"
        return JobRefusedError(msg, reason=Reason.QUOTA_EXCEEDED)
    if error.status == _FORBIDDEN and (missing := _UNSPECIFIED.search(text)):
        remedy = "set RADIANT_KUBERNETES__CPU_LIMIT" if "limits.cpu" in missing[1] else "name them in the pod template"
        return JobRefusedError(
            f"the quota requires that every pod has {missing[1]}: {remedy}. {text}", reason=Reason.CONFIG
        )
    if error.status == _INVALID:
        return JobRefusedError(f"Kubernetes does not accept the pod: {text}", reason=Reason.CONFIG)
    return JobRefusedError(f"Kubernetes refuses the pod: {text}", reason=Reason.CONFIG)


def _quantities(text: str) -> dict[str, float]:
    """Return the numbers of `pods=1,limits.memory=512Mi`."""
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 - rarely needed

    pairs = (item.partition("=") for item in text.split(","))
    return {name.strip(): float(parse_quantity(value.strip())) for name, _, value in pairs if value.strip()}
