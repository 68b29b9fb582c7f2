"""An API server of Kubernetes in memory, beneath the pool of connections of the real client library."""

import dataclasses
import datetime as dt
import functools
import io
import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from model.clock import World
from model.container import Container, Plan
from model.faults import Faults

HTML = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>load balancer</h1></body></html>"
GRACE_S = 30.0


def when(seconds: float) -> str:
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Pod:
    """A pod: its arguments and its outcome."""

    body: dict[str, Any]
    uid: str
    container: Container
    created_at: float
    node: str | None = None
    phase: str = "Pending"
    reason: str | None = None
    message: str | None = None
    conditions: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    waiting: str | None = None
    terminated_reason: str | None = None
    deleted_at: float | None = None
    finalizer: bool = False
    gone: bool = False
    log_unreadable: bool = False

    @property
    def name(self) -> str:
        return self.body["metadata"]["name"]


class Cluster:
    """The state of the cluster and its answers."""

    def __init__(self, world: World, faults: Faults, plan: Callable[[], Plan], containers: list[Container]) -> None:
        self.world = world
        self.faults = faults
        self.plan = plan
        self.containers = containers
        self.pods: dict[str, Pod] = {}
        self.all: list[Pod] = []
        self.events: list[dict[str, Any]] = []
        self.requests: list[tuple[float, str]] = []
        self.log_bytes = 0
        self.quota_full = False
        self.dead_nodes: set[str] = set()
        self.full = False
        self.on_create: Callable[[Pod], None] = lambda _pod: None

    # What happens in the cluster.

    def refresh(self, pod: Pod) -> None:
        """Let the kubelet say what its container does, unless its node is dead."""
        box = pod.container
        if pod.node in self.dead_nodes:
            return
        if pod.phase not in {"Succeeded", "Failed"}:
            if box.exit_code is not None:
                pod.phase = "Succeeded" if box.exit_code == 0 else "Failed"
                pod.terminated_reason = pod.terminated_reason or ("Completed" if box.exit_code == 0 else "Error")
            elif box.runs:
                pod.phase = "Running"
        if pod.deleted_at is not None and not pod.finalizer and not box.runs:
            self._remove(pod)

    def live(self) -> list[Pod]:
        for pod in list(self.pods.values()):
            self.refresh(pod)
        return list(self.pods.values())

    def _remove(self, pod: Pod) -> None:
        pod.gone = True
        pod.container.never = pod.container.started_at is None
        if self.pods.get(pod.name) is pod:
            del self.pods[pod.name]

    def _schedule(self, pod: Pod) -> None:
        if pod.gone or pod.node is not None or pod.phase == "Failed":
            return
        if self.full:
            text = "0/1 nodes are available: 1 Insufficient memory."
            pod.conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}]
            self.world.at(7, lambda: self._schedule(pod))
            return
        pod.conditions = [{"type": "PodScheduled", "status": "True"}]
        pod.node = f"node-{len(self.dead_nodes)}"
        pod.waiting = "ContainerCreating"
        self.world.at(2.0, lambda: self._start(pod))

    def _start(self, pod: Pod) -> None:
        if not pod.gone and pod.phase == "Pending" and pod.deleted_at is None and pod.node not in self.dead_nodes:
            pod.waiting = None
            pod.container.start()
            self.refresh(pod)

    def delete(self, pod: Pod) -> None:
        """Begin to delete, as anybody may."""
        if pod.deleted_at is None:
            pod.deleted_at = self.world.now
            self.world.say(f"pod {pod.name[:16]} is being deleted")
        pod.container.wanted_stop_at = pod.container.wanted_stop_at or self.world.now
        if pod.node is not None and pod.node not in self.dead_nodes:
            pod.container.terminate(GRACE_S)
            self.world.at(GRACE_S + 1, lambda: self.refresh(pod))
        elif pod.node is None and not pod.finalizer:
            self._remove(pod)
        self.refresh(pod)

    def out_of_memory(self, pod: Pod) -> None:
        pod.terminated_reason = "OOMKilled"
        pod.container.kill(137)

    def evict(self, pod: Pod, reason: str = "EvictionByEvictionAPI") -> None:
        """Delete it with the condition of a disruption, as an eviction or a preemption does."""
        self.refresh(pod)
        if pod.phase in {"Succeeded", "Failed"}:
            return
        pod.conditions.append({"type": "DisruptionTarget", "status": "True", "reason": reason})
        self.delete(pod)

    def preempt(self, pod: Pod) -> None:
        self.evict(pod, "PreemptionByScheduler")

    @staticmethod
    def hide_log(pod: Pod) -> None:
        """Let the kubelet answer 500 for its log, or answer again."""
        pod.log_unreadable = not pod.log_unreadable

    @staticmethod
    def hold(pod: Pod) -> None:
        """Give it a finalizer."""
        pod.finalizer = True

    def pressure(self, pod: Pod) -> None:
        """Let the kubelet evict it for the node's memory: it fails and stays."""
        self.refresh(pod)
        if pod.node is None or pod.phase in {"Succeeded", "Failed"}:
            return
        pod.container.kill(137)
        pod.phase, pod.reason, pod.message = "Failed", "Evicted", "The node was low on resource: memory."
        pod.terminated_reason = "Error"

    def node_dies(self, pod: Pod) -> None:
        """Cut its node off: the container goes on unseen; the pod is marked, then deleted and never gone."""
        self.refresh(pod)
        if pod.node is None or pod.node in self.dead_nodes:
            return
        self.dead_nodes.add(pod.node)
        self.world.say(f"node {pod.node} is cut off")
        pod.conditions.append({"type": "Ready", "status": "False", "reason": "NodeNotReady"})

        def taint() -> None:
            if not pod.gone and pod.phase not in {"Succeeded", "Failed"}:
                pod.deleted_at = pod.deleted_at or self.world.now
                pod.conditions.append(
                    {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"}
                )
                self._event(pod, "Normal", "TaintManagerEviction", "Marking for deletion")

        self.world.at(60, taint)

    def _event(self, pod: Pod, kind: str, reason: str, message: str) -> None:
        self.events.append(
            {
                "metadata": {"name": f"{pod.name}.{len(self.events)}", "namespace": "cases"},
                "involvedObject": {"kind": "Pod", "name": pod.name, "uid": pod.uid},
                "type": kind,
                "reason": reason,
                "message": message,
                "count": 1,
                "lastTimestamp": when(self.world.now),
            }
        )

    # What the API server answers.

    def request(  # noqa: PLR0913 - as urllib3 has it
        self,
        method: str,
        url: str,
        *,
        body: Any = None,
        fields: Any = None,
        preload_content: bool = True,
        timeout: Any = None,
        headers: Any = None,
        **_: Any,
    ) -> urllib3.HTTPResponse:
        """Stand in for `urllib3.PoolManager.request`."""
        del timeout, headers
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query)) | dict(fields or ())
        path = unquote(parts.path)
        what = self._what(method, path)
        self.requests.append((self.world.now, what))
        fault = self.faults.find(what)
        self.world.sleep(0.005)
        if fault is not None:
            self.world.say(f"{what}: {fault}")
            effect = functools.partial(self._answer, method, path, query, body)
            return self._fault(fault, what, effect, preload=preload_content)
        status, content = self._answer(method, path, query, body)
        if what in {"create", "delete"}:
            self.world.say(f"{what} {path.rpartition('/')[2][:24]}: {status}")
        self.world.sleep(0.005)
        return _response(status, content, preload=preload_content, json_type=what != "log" or status != 200)

    @staticmethod
    def _what(method: str, path: str) -> str:
        if path.endswith("/log"):
            return "log"
        if path.endswith("/events"):
            return "events"
        if "/nodes" in path:
            return "node"
        if method == "GET" and path.endswith("/pods"):
            return "list"
        return {"POST": "create", "GET": "get", "DELETE": "delete"}.get(method, method.lower())

    def _fault(
        self, kind: str, what: str, effect: Callable[[], tuple[int, bytes]], *, preload: bool
    ) -> urllib3.HTTPResponse:
        if kind == "refused":
            raise MaxRetryError(None, "/", NewConnectionError(None, "Connection refused"))  # type: ignore[arg-type]
        if kind == "timeout":
            self.world.sleep(20)
            raise ReadTimeoutError(None, "/", "Read timed out. (read timeout=20)")  # type: ignore[arg-type]
        if kind == "lost":
            effect()
            self.world.sleep(20)
            raise ReadTimeoutError(None, "/", "Read timed out. (read timeout=20)")  # type: ignore[arg-type]
        if kind == "reset":
            effect()
            msg = "Connection aborted."
            raise ProtocolError(msg, ConnectionResetError(104, "Connection reset by peer"))
        if kind == "cut":
            status, content = effect()
            half = content[: len(content) // 2]
            return _response(status, half, preload=preload, json_type=what != "log", broken=True)
        if kind.startswith("html"):
            code = int(kind[5:])
            return _response(code, HTML % code, preload=preload, html=True)
        if kind == "json-200":
            return _response(200, b'{"service": "gateway", "healthy": true}', preload=preload)
        texts = {
            "429": "too many requests, please try again later",
            "500": "etcdserver: request timed out",
            "503": "the server is currently unable to handle the request",
            "409": "Operation cannot be fulfilled on resourcequotas: the object has been modified",
            "401": "Unauthorized",
            "403-denied": 'pods is forbidden: User "a" cannot get resource "pods" in API group ""',
        }
        return _response(*_status(int(kind[:3]), texts[kind]), preload=preload)

    def _answer(  # noqa: C901, PLR0911, PLR0912 - a table of what there is
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, bytes]:
        if isinstance(body, str):
            body = json.loads(body)
        found = re.fullmatch(r"/api/v1/namespaces/([^/]+)/(pods|events)(?:/([^/]+))?(/log)?", path)
        if found is None:
            if node := re.fullmatch(r"/api/v1/nodes/([^/]+)", path):
                return self._node(node[1])
            return _status(404, "the server could not find the requested resource")
        _, kind, name, log = found.groups()
        self.live()
        if kind == "events":
            items = [one for one in self.events if one["involvedObject"]["name"] in query.get("fieldSelector", "")]
            return 200, json.dumps({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items}).encode()
        if name is None and method == "POST":
            return self._create(body)
        if name is None:
            return self._list(query)
        pod = self.pods.get(name)
        if pod is None:
            return _status(404, f'pods "{name}" not found', "NotFound", name)
        if log:
            return self._log(pod, query)
        if method == "DELETE":
            wanted = ((body or {}).get("preconditions") or {}).get("uid")
            if wanted not in {None, pod.uid}:
                return _status(409, f"the UID in the precondition ({wanted}) does not match", "Conflict")
            if (body or {}).get("gracePeriodSeconds") == 0 or query.get("gracePeriodSeconds") == "0":
                pod.deleted_at = pod.deleted_at or self.world.now
                pod.container.wanted_stop_at = pod.container.wanted_stop_at or self.world.now
                if pod.node not in self.dead_nodes:
                    pod.container.kill(137)
                self._remove(pod)
            else:
                self.delete(pod)
            return 200, json.dumps(self._json(pod)).encode()
        if method == "GET":
            return 200, json.dumps(self._json(pod)).encode()
        return _status(405, "the server does not allow this method on the requested resource")

    def _create(self, body: dict[str, Any]) -> tuple[int, bytes]:
        name = body["metadata"]["name"]
        if name in self.pods:
            return _status(409, f'pods "{name}" already exists', "AlreadyExists", name)
        if self.quota_full:
            text = (
                f'pods "{name}" is forbidden: exceeded quota: cases, requested: pods=1, used: pods=4, limited: pods=4'
            )
            return _status(403, text, "Forbidden")
        spec = body["spec"]["containers"][0]
        argv = [*(spec.get("command") or ()), *(spec.get("args") or ())]
        env = {one["name"]: one.get("value") or "" for one in spec.get("env") or ()}
        box = Container(self.world, f"box-{len(self.containers) + 1}", argv, self.plan(), env=env)
        self.containers.append(box)
        pod = self.pods[name] = Pod(body, str(uuid.UUID(int=len(self.all) + 1)), box, self.world.now)
        self.all.append(pod)
        self.world.say(f"pod {name[:16]} is made with {box.name}")
        self.on_create(pod)
        self.world.at(1.0, lambda: self._schedule(pod))
        return 201, json.dumps(self._json(pod)).encode()

    def _list(self, query: dict[str, str]) -> tuple[int, bytes]:
        wanted = [one.partition("=") for one in query.get("labelSelector", "").split(",") if one]
        pods = [
            pod
            for pod in self.live()
            if all((pod.body["metadata"].get("labels") or {}).get(key) == value.lstrip("=") for key, _, value in wanted)
        ]
        items = [self._json(pod) for pod in pods]
        return 200, json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}).encode()

    def _node(self, name: str) -> tuple[int, bytes]:
        ready = "Unknown" if name in self.dead_nodes else "True"
        conditions = [{"type": "Ready", "status": ready, "reason": "NodeStatusUnknown" if ready != "True" else "Ok"}]
        found = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name}, "status": {"conditions": conditions}}
        return 200, json.dumps(found).encode()

    def _log(self, pod: Pod, query: dict[str, str]) -> tuple[int, bytes]:
        box = pod.container
        if box.started_at is None:
            text = f'container "worker" in pod "{pod.name}" is waiting to start: ContainerCreating'
            return _status(400, text, "BadRequest")
        if pod.node in self.dead_nodes or pod.log_unreadable:
            return _status(500, "Get https://node:10250/containerLogs: dial tcp: i/o timeout")
        lines = box.log
        if since := query.get("sinceTime"):
            from_s = dt.datetime.fromisoformat(since).timestamp()
            lines = [one for one in lines if one[0] >= from_s]
        if tail := query.get("tailLines"):
            lines = lines[len(lines) - min(int(tail), len(lines)) :]
        out = []
        for moment, text in lines:
            stamp = dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
            out.append(f"{stamp}000Z {text}\n")
        content = "".join(out).encode()
        if limit := query.get("limitBytes"):
            content = content[: int(limit)]
        self.log_bytes += len(content)
        return 200, content

    def _json(self, pod: Pod) -> dict[str, Any]:
        box = pod.container
        meta = dict(pod.body["metadata"]) | {
            "namespace": "cases",
            "uid": pod.uid,
            "creationTimestamp": when(pod.created_at),
        }
        if pod.deleted_at is not None:
            meta |= {
                "deletionTimestamp": when(pod.deleted_at + GRACE_S),
                "deletionGracePeriodSeconds": int(GRACE_S),
            }
        seen_running = box.started_at is not None
        if pod.phase in {"Succeeded", "Failed"} and box.exit_code is not None and seen_running:
            state: dict[str, Any] = {
                "terminated": {
                    "exitCode": box.exit_code,
                    "reason": pod.terminated_reason or "Error",
                    "startedAt": when(box.started_at or 0),
                    "finishedAt": when(box.finished_at or 0),
                }
            }
        elif seen_running:
            state = {"running": {"startedAt": when(box.started_at or 0)}}
        else:
            state = {"waiting": {"reason": pod.waiting or "ContainerCreating"}}
        status: dict[str, Any] = {"phase": pod.phase, "conditions": pod.conditions}
        if pod.reason:
            status |= {"reason": pod.reason, "message": pod.message}
        if pod.node is not None:
            status["containerStatuses"] = [
                {
                    "name": "worker",
                    "image": "radiant:test",
                    "imageID": "",
                    "ready": False,
                    "restartCount": 0,
                    "state": state,
                }
            ]
        spec = dict(pod.body["spec"]) | ({"nodeName": pod.node} if pod.node else {})
        return {"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": status}


def _status(code: int, message: str, reason: str = "", name: str = "") -> tuple[int, bytes]:
    found = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    if name:
        found["details"] = {"name": name, "kind": "pods"}
    return code, json.dumps(found).encode()


class _BrokenBody(io.BytesIO):
    """Ends before its end."""

    def read(self, *args: Any) -> bytes:
        found = super().read(*args)
        if not found:
            msg = "Connection broken: IncompleteRead"
            raise ProtocolError(msg)
        return found


def _response(  # noqa: PLR0913 - all by name
    status: int, content: bytes, *, preload: bool, json_type: bool = True, html: bool = False, broken: bool = False
) -> urllib3.HTTPResponse:
    kind = "text/html" if html else "application/json" if json_type else "text/plain"
    body = (_BrokenBody if broken else io.BytesIO)(content)
    return urllib3.HTTPResponse(
        body=body, headers={"Content-Type": kind}, status=status, preload_content=preload, reason=str(status)
    )
