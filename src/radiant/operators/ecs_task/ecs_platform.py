"""One ECS cluster as a platform: start, find, status, log, stop."""

import time
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from radiant.errors import JobNotYetError, JobRefusedError
from radiant.jobs.reasons import Reason
from radiant.operators.ecs_task.api import asking, code_of, ecs_client, foreign, is_throttled, logs_client, not_started
from radiant.operators.ecs_task.cloudwatch import ReadPace, read_page
from radiant.operators.ecs_task.quota import STARTS, has_quota, require_room
from radiant.operators.ecs_task.reads import TaskReader
from radiant.operators.ecs_task.run_task import RUN_TAG, family, log_stream, run_task_call
from radiant.operators.ecs_task.task_status import STOPPED_BY_US, AwsObject, is_no_room, task_status
from radiant.operators.platform import ContainerOrder, ContainerStatus, Handle, LogPage, State
from radiant.operators.shared import shared
from radiant.settings import Settings

_TOKEN_LIFE_S = 20 * 3600.0
"""ECS stores a `clientToken` for 24 hours."""
_YOUNG_S = 120.0
"""How long after its start a task may be missing in DescribeTasks: ECS's answers lag behind its state."""
_FRESH = 0.8
"""How old a cached task may be, in pauses between two looks: the shortest pause, so that each look is fresh."""
_NEVER = ("ATTRIBUTE", "LOCATION", "INACTIVE", "MISSING", "MemberOf")
"""Begins of RunTask's failures that do not pass."""

_RUN_TASK = "RunTask"


class EcsPlatform:
    """An ECS cluster, reached with the connection that the settings name. See `radiant.operators.platform`."""

    name = "ecs"
    noun = "ECS task"
    timeout_reason = Reason.TIMEOUT
    interruptions = frozenset({Reason.SPOT_INTERRUPTED})

    def __init__(self, settings: Settings) -> None:
        """Store the arguments."""
        self._settings = settings
        self._ecs = settings.ecs
        self._account = (settings.ecs.conn_id, settings.ecs.region)
        self._fresh_s = settings.container.look_s * _FRESH

    def start(self, order: ContainerOrder) -> Handle:
        """Start a task, or find the one of this attempt.

        Raises:
            JobNotYetError: there is no capacity now, or a quota, the tenant's among them, is used up.
            JobRefusedError: ECS will never start this.
            PlatformUnavailableError: ECS throttles or did not answer: the task may run, the same attempt finds it.
        """
        call = run_task_call(order, self._settings)
        old = order.asked_at and time.time() - order.asked_at > _TOKEN_LIFE_S
        arn = self._running(order.attempt) if old else None
        return self._handle(arn or self._run_in_quota(order, call), order.job.name)

    def find(self, attempt: str, job: str) -> Handle | None:
        """Return the task of this attempt if it runs or is about to."""
        arn = self._running(attempt)
        return None if arn is None else self._handle(arn, job)

    def status(self, handle: Handle) -> ContainerStatus:
        """Return the status of the task now, or some seconds ago when many tasks are waited for."""
        arn = handle["arn"]
        reader = _reader(*self._account)
        cached = reader.task(arn, _cluster_of(arn) or self._ecs.cluster, fresh_s=self._fresh_s)
        if cached.gone and time.time() - handle["asked_at"] > _YOUNG_S:
            return ContainerStatus(
                State.GONE, detail=f"ECS has no task {arn} (any more); it removes a task an hour after its end."
            )
        if cached.task is None:
            return ContainerStatus(State.STARTING)
        return task_status(cached.task, handle["container"])

    def read_log(self, handle: Handle, cursor: str, status: ContainerStatus) -> LogPage:
        """Return the next lines from CloudWatch, none when it is not this task's turn."""
        return read_page(
            logs_client(*self._account),
            shared(("CloudWatch pace",), ReadPace),
            cursor,
            group=handle["log_group"],
            stream=handle["log_stream"],
            status=status,
            delay_s=self._ecs.log_delay_s,
        )

    def stop(self, handle: Handle, reason: str) -> None:
        """Ask ECS to stop the task; the reason stays with it."""
        self._stop(handle["arn"], reason)

    def release(self, handle: Handle) -> None:
        """Leave it to ECS, which removes a task an hour after its end."""

    def sweep(self, run: str) -> list[str]:
        """Stop every task of a DAG run that is not stopped yet; ECS itself removes the others."""
        found: list[str] = []
        for arns in self._active():
            with asking("DescribeTasks"):
                answer = ecs_client(*self._account).describe_tasks(
                    cluster=self._ecs.cluster, tasks=arns, include=["TAGS"]
                )
                tasks: list[AwsObject] = answer["tasks"]
                found += [str(one["taskArn"]) for one in tasks if {"key": RUN_TAG, "value": run} in one.get("tags", [])]
        for arn in found:
            self._stop(arn, Reason.KILLED)
        return found

    def _active(self) -> Iterator[list[str]]:
        """Yield the tasks of the cluster that are not stopped, a hundred at a time."""
        more: dict[str, str] = {}
        while True:
            with asking("ListTasks"):
                answer = ecs_client(*self._account).list_tasks(cluster=self._ecs.cluster, **more)
                arns: list[str] = answer["taskArns"]
            if arns:
                yield arns
            if not answer.get("nextToken"):
                return
            more = {"nextToken": answer["nextToken"]}

    def _stop(self, arn: str, reason: str) -> None:
        """Ask ECS to stop a task; a task that does not exist is stopped."""
        cluster = _cluster_of(arn) or self._ecs.cluster
        with asking("StopTask"):
            try:
                answer: AwsObject = ecs_client(*self._account).stop_task(
                    cluster=cluster, task=arn, reason=f"{STOPPED_BY_US}{reason}"
                )
            except ClientError as error:
                if code_of(error) == "InvalidParameterException" and not is_throttled(error):
                    return
                raise
            # A page of a proxy is read as an answer without a task: nothing was stopped.
            answer["task"]["taskArn"]

    def _run_in_quota(self, order: ContainerOrder, call: AwsObject) -> str:
        """Start the task once the tenant's quota has room, where there is one."""
        if not has_quota(self._settings):
            return self._run(call)
        with STARTS:
            if (arn := self._running(order.attempt)) is not None:
                return arn
            require_room(ecs_client(*self._account), self._settings, call)
            return self._run(call)

    def _run(self, call: AwsObject) -> str:
        """Return the ARN of the task that RunTask started, now or when it was called before."""
        try:
            answer: AwsObject = ecs_client(*self._account).run_task(**call)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) == "ConflictException":
                return _known(error)
            raise not_started(error) from None
        except ResponseParserError as error:
            raise foreign(_RUN_TASK) from error
        if "tasks" not in answer:
            raise foreign(_RUN_TASK)
        if answer["tasks"]:
            return str(answer["tasks"][0]["taskArn"])
        failures = answer.get("failures", [])
        texts = [f"{one.get('reason', '')} {one.get('detail', '')}".strip() for one in failures]
        text = "; ".join(texts) or "it named no reason"
        if any(one.startswith(_NEVER) for one in texts):
            msg = f"ECS cannot place the task anywhere: {text}. See the provider's instances and the task definition"
            raise JobRefusedError(msg)
        reason = Reason.NO_CAPACITY if any(is_no_room(one) for one in texts) else Reason.START_FAILED
        msg = f"ECS started no task: {text}"
        raise JobNotYetError(msg, reason=reason)

    def _running(self, attempt: str) -> str | None:
        with asking("ListTasks"):
            answer = ecs_client(*self._account).list_tasks(cluster=self._ecs.cluster, startedBy=attempt)
            return next(iter(answer["taskArns"]), None)

    def _handle(self, arn: str, job: str) -> Handle:
        return {
            "arn": arn,
            "asked_at": time.time(),
            "container": self._ecs.container,
            "log_group": self._ecs.log_group,
            "log_stream": log_stream(self._ecs, family(self._ecs, job), arn),
        }


def _known(error: Exception) -> str:
    """Return the task that this attempt started when it was asked for with other words: on other capacity, say.

    Raises:
        JobNotYetError: there is none.
    """
    arns: list[str] = getattr(error, "response", {}).get("resourceIds") or []
    if arns:
        return arns[0]
    msg = "ECS has another request of this attempt and no task of it"
    raise JobNotYetError(msg, reason=Reason.START_FAILED)


def _cluster_of(arn: str) -> str | None:
    """Return the cluster in a task's ARN; those of before 2018 name none."""
    parts = arn.rpartition(":task/")[2].split("/")
    return parts[0] if len(parts) == 2 else None  # noqa: PLR2004 - cluster and id


def _reader(conn_id: str, region: str | None) -> TaskReader:
    """Return the reader of this process for one connection and region."""

    def describe(cluster: str, arns: list[str]) -> AwsObject:
        with asking("DescribeTasks"):
            answer: AwsObject = ecs_client(conn_id, region).describe_tasks(cluster=cluster, tasks=arns)
            # Each task is described, or said to be missing: anything else is not ECS's answer.
            known = {one["taskArn"] for one in answer["tasks"]} | {one.get("arn") for one in answer.get("failures", [])}
            if not known.issuperset(arns):
                call = "DescribeTasks"
                raise foreign(call)
            return answer

    return shared(("ECS reader", conn_id, region), lambda: TaskReader(describe))
