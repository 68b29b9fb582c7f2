"""Amazon ECS and CloudWatch Logs in memory, beneath the connections of the real boto3 clients."""

import dataclasses
import functools
import io
import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from model.clock import World
from model.container import Container, Plan
from model.faults import Faults
from model.kube import HTML

GRACE_S = 30.0
SPOT_GRACE_S = 120.0
REMOVES_S = 3600.0
LOG_DELAY_S = 1.0
PAGE_EVENTS = 1000
_URL = "https://aws"
_VERBS = {
    "RunTask": "create",
    "DescribeTasks": "get",
    "ListTasks": "list",
    "StopTask": "delete",
    "GetLogEvents": "log",
}


@dataclasses.dataclass
class EcsTask:
    """A task: its arguments and its outcome."""

    arn: str
    call: dict[str, Any]
    container: Container
    created_at: float
    status: str = "PROVISIONING"
    started_at: float | None = None
    stopped_at: float | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    said: str = ""
    stopping: bool = False
    cut_off: bool = False
    """Its host is gone for ECS; the container goes on."""
    log_unreadable: bool = False


class Region:
    """The state of one cluster and its logs, and the answers of AWS."""

    def __init__(self, world: World, faults: Faults, plan: Callable[[], Plan], containers: list[Container]) -> None:
        self.world = world
        self.faults = faults
        self.plan = plan
        self.containers = containers
        self.tasks: dict[str, EcsTask] = {}
        self.tokens: dict[str, str] = {}
        self.requests: list[tuple[float, str]] = []
        self.log_bytes = 0
        self.full = False
        self.no_capacity = False
        self.on_create: Callable[[EcsTask], None] = lambda _task: None

    # What happens in the region.

    def live(self) -> list[EcsTask]:
        for task in self.tasks.values():
            self.refresh(task)
        return [one for one in self.tasks.values() if one.status != "STOPPED"]

    def refresh(self, task: EcsTask) -> None:
        if task.status != "STOPPED" and task.container.exit_code is not None:
            self._stopped(task, task.stop_code or "EssentialContainerExited", "Essential container in task exited")

    def _stopped(self, task: EcsTask, code: str, reason: str) -> None:
        task.status = "STOPPED"
        task.stopped_at = self.world.now
        task.container.never = task.container.started_at is None
        task.stop_code = task.stop_code or code
        task.stopped_reason = task.stopped_reason or reason

    def _place(self, task: EcsTask) -> None:
        if task.status == "STOPPED":
            return
        if self.no_capacity:
            self._stopped(task, "TaskFailedToStart", "Capacity is unavailable at this time.")
            return
        task.status = "PENDING"
        self.world.at(2.0, lambda: self._start(task))

    def _start(self, task: EcsTask) -> None:
        if task.status == "PENDING" and not task.stopping:
            task.status = "RUNNING"
            task.started_at = self.world.now
            task.container.start()

    def stop(self, task: EcsTask, code: str, reason: str, grace_s: float = GRACE_S) -> None:
        self.refresh(task)
        if task.status == "STOPPED":
            return
        if not task.stopping:
            task.stopping = True
            task.stop_code, task.stopped_reason = code, reason
            self.world.say(f"{task.container.name} is being stopped: {code} {reason}")
        if code == "UserInitiated":
            task.container.wanted_stop_at = task.container.wanted_stop_at or self.world.now
        if task.container.started_at is None:
            self.world.at(1.0, lambda: self._stopped(task, code, reason) if task.status != "STOPPED" else None)
            return
        task.container.terminate(grace_s)

    def spot(self, task: EcsTask) -> None:
        self.stop(task, "SpotInterruption", "Your Spot Task was interrupted.", SPOT_GRACE_S)

    def out_of_memory(self, task: EcsTask) -> None:
        if task.container.runs:
            task.said = "OutOfMemoryError: Container killed due to memory usage"
            task.container.kill(137)

    @staticmethod
    def hide_log(task: EcsTask) -> None:
        """Let CloudWatch not give its log, or give it again."""
        task.log_unreadable = not task.log_unreadable

    def host_dies(self, task: EcsTask) -> None:
        """Cut its instance off: ECS says that it is gone, the container goes on."""
        if task.container.runs and task.status == "RUNNING":
            task.cut_off = True
            self.world.say(f"the host of {task.container.name} is cut off")
            self._stopped(task, "TerminationNotice", "Host EC2 (instance i-0123) terminated.")

    # What AWS answers.

    def answer(self, request: Any) -> AWSResponse:
        """Stand in for the connection: a handler of botocore's `before-send`."""
        action = request.headers["X-Amz-Target"]
        action = (action.decode() if isinstance(action, bytes) else action).rpartition(".")[2]
        what = _VERBS[action]
        body = request.body or b"{}"
        arguments = json.loads(body)
        self.requests.append((self.world.now, what))
        fault = self.faults.find(what)
        self.world.sleep(0.005)
        if fault is not None:
            self.world.say(f"{what}: {fault}")
            return self._fault(fault, lambda: self._effect(action, arguments))
        found = self._effect(action, arguments)
        if what in {"create", "delete"}:
            self.world.say(f"{what}: {found[0]} {found[1][:120]!r}")
        self.world.sleep(0.005)
        return _response(*found)

    def _effect(self, action: str, arguments: dict[str, Any]) -> tuple[int, bytes]:
        self.live()
        status, found = getattr(self, f"_{action}")(arguments)
        return status, json.dumps(found).encode()

    def _fault(self, kind: str, effect: Callable[[], tuple[int, bytes]]) -> AWSResponse:
        if kind == "refused":
            raise EndpointConnectionError(endpoint_url=_URL)
        if kind == "timeout":
            self.world.sleep(30)
            raise ReadTimeoutError(endpoint_url=_URL)
        if kind == "lost":
            effect()
            self.world.sleep(30)
            raise ReadTimeoutError(endpoint_url=_URL)
        if kind == "reset":
            effect()
            raise ConnectionClosedError(endpoint_url=_URL)
        if kind == "cut":
            status, content = effect()
            return _response(status, content[: len(content) // 2])
        if kind.startswith("html"):
            code = int(kind[5:])
            return _response(code, HTML % code, foreign="text/html")
        if kind == "json-200":
            return _response(200, b'{"service": "gateway", "healthy": true}', foreign="application/json")
        code, name, text = {
            "429": (400, "ThrottlingException", "Rate exceeded"),
            "500": (500, "ServerException", "Service Unavailable. Please try again later."),
            "503": (503, "ServiceUnavailableException", "unavailable"),
            "401": (400, "ExpiredTokenException", "The security token included in the request is expired"),
            "403-denied": (400, "AccessDeniedException", "User: a is not authorized to perform this action"),
        }[kind]
        return _response(code, json.dumps({"__type": name, "message": text}).encode())

    def _RunTask(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802 - as AWS calls it
        token = asked["clientToken"]
        if (arn := self.tokens.get(token)) is not None:
            task = self.tasks[arn]
            if task.call != asked:
                said = {"__type": "ConflictException", "message": "token", "resourceIds": [arn]}
                return 400, said
            return 200, {"tasks": [self._json(task)], "failures": []}
        if self.full:
            return 200, {"tasks": [], "failures": [{"arn": "i", "reason": "RESOURCE:MEMORY"}]}
        argv = asked["overrides"]["containerOverrides"][0]["command"]
        box = Container(self.world, f"box-{len(self.containers) + 1}", argv, self.plan())
        self.containers.append(box)
        arn = f"arn:aws:ecs:us-east-1:123456789012:task/radiant/{len(self.tasks) + 1:032x}"
        task = self.tasks[arn] = EcsTask(arn, asked, box, self.world.now)
        self.tokens[token] = arn
        self.world.say(f"ECS starts {box.name}")
        self.on_create(task)
        self.world.at(1.0, lambda: self._place(task))
        return 200, {"tasks": [self._json(task)], "failures": []}

    def _DescribeTasks(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        found, missing = [], []
        for arn in asked["tasks"]:
            task = self.tasks.get(arn)
            if task is None or (task.stopped_at is not None and self.world.now - task.stopped_at > REMOVES_S):
                missing.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(self._json(task))
        return 200, {"tasks": found, "failures": missing}

    def _ListTasks(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        wanted = asked.get("startedBy")
        arns = [one.arn for one in self.live() if not one.stopping and wanted in {None, one.call.get("startedBy")}]
        return 200, {"taskArns": arns}

    def _StopTask(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        task = self.tasks.get(asked["task"])
        if task is None:
            return 400, {"__type": "InvalidParameterException", "message": "The referenced task was not found."}
        task.container.wanted_stop_at = task.container.wanted_stop_at or self.world.now
        self.stop(task, "UserInitiated", asked.get("reason", ""))
        return 200, {"task": self._json(task)}

    def _GetLogEvents(self, asked: dict[str, Any]) -> tuple[int, Any]:  # noqa: N802
        name = asked["logStreamName"].rpartition("/")[2]
        task = next((one for one in self.tasks.values() if one.arn.endswith(name)), None)
        if task is None or task.container.started_at is None:
            return 400, {"__type": "ResourceNotFoundException", "message": "The specified log stream does not exist."}
        if task.log_unreadable:
            return 500, {"__type": "ServiceUnavailableException", "message": "unavailable"}
        seen = [one for one in task.container.log if one[0] <= self.world.now - LOG_DELAY_S]
        begin = int((asked.get("nextToken") or "f/0").removeprefix("f/"))
        if (since := asked.get("startTime")) and "nextToken" not in asked:
            begin = next((at for at, one in enumerate(seen) if int(one[0] * 1000) >= since), len(seen))
        page = seen[begin : begin + PAGE_EVENTS]
        events = [
            {"timestamp": int(at * 1000), "message": text, "ingestionTime": int((at + LOG_DELAY_S) * 1000)}
            for at, text in page
        ]
        self.log_bytes += sum(len(text) + 40 for _, text in page)
        end = f"f/{begin + len(page)}"
        return 200, {"events": events, "nextForwardToken": end, "nextBackwardToken": "b/0"}

    def _json(self, task: EcsTask) -> dict[str, Any]:
        box = task.container
        container: dict[str, Any] = {"name": "radiant", "lastStatus": task.status}
        if task.status == "STOPPED" and not task.cut_off and box.exit_code is not None:
            container["exitCode"] = box.exit_code
        if task.said:
            container["reason"] = task.said
        status = "DEPROVISIONING" if task.stopping and task.status != "STOPPED" else task.status
        found: dict[str, Any] = {
            "taskArn": task.arn,
            "lastStatus": status,
            "containers": [container],
            "createdAt": task.created_at,
            "startedBy": task.call.get("startedBy"),
            "tags": task.call.get("tags", []),
            "capacityProviderName": task.call["capacityProviderStrategy"][0]["capacityProvider"],
        }
        if task.started_at is not None:
            found["startedAt"] = task.started_at
        if task.stopped_at is not None:
            found |= {
                "stoppedAt": task.stopped_at,
                "executionStoppedAt": task.stopped_at,
                "stopCode": task.stop_code,
                "stoppedReason": task.stopped_reason,
            }
        return found


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.getvalue()


def _response(status: int, content: bytes, *, foreign: str = "") -> AWSResponse:
    own = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": "0f5e3a7c"}
    return AWSResponse(_URL, status, {"Content-Type": foreign} if foreign else own, _Raw(content))


class Wire:
    """Where the clients of this process lead: the region of the test that runs."""

    region: Region | None = None

    @classmethod
    def send(cls, request: Any, **_: Any) -> AWSResponse:
        if cls.region is None:
            msg = "no region"
            raise RuntimeError(msg)
        return cls.region.answer(request)


@functools.cache
def _client(service: str) -> Any:
    # As `radiant.operators.ecs_task.api` configures its own: one attempt for each request.
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    found = boto3.client(service, region_name="us-east-1", config=config, **keys)
    found.meta.events.register("before-send", Wire.send)
    return found


def hook(service: str) -> Any:
    """Return what stands in for an Airflow hook of this service: the connection, not the client."""

    class Hook:
        def __init__(self, *, aws_conn_id: str, region_name: str | None, config: Config) -> None:
            del aws_conn_id, region_name, config
            self.conn = _client(service)

    return Hook
