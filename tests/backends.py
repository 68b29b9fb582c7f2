"""Backends under test: each runs a job whose worker is a few lines of Python, in an Airflow context without a database.

A backend that joins the contract needs a subclass of `Backend` and its name in `BACKENDS`.
"""

import asyncio
import contextlib
import datetime as dt
import importlib
import json
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from airflow.sdk.exceptions import TaskDeferred

from radiant.errors import JobLostError
from radiant.jobs.documents import Request, Result, decode_request
from radiant.jobs.reasons import Reason
from radiant.operators.container_record import read_record
from radiant.operators.ecs import EcsJobOperator
from radiant.operators.local import LocalJobOperator
from radiant.operators.task_folder import TaskFolder
from radiant.operators.trigger import ContainerTrigger
from radiant.settings import load_settings

WORKER = '''#!{python}
"""Stands in for radiant-worker: reads the request, runs the lines of a test, which call `answer` or `fail`."""
import json, os, signal, sys, time
job, _, request_uri, _, result_uri = sys.argv[1:]
request = json.load(open(request_uri.removeprefix("file://")))
result = dict(
    job=job, attempt=request["attempt"], status="succeeded", failure=None, output=None, rows={{}}, digests={{}},
    usage=None, radiant_version="9.9", image=None, python_version="", started_at="", finished_at="", protocol=2,
)
def answer(output=None, **changes):
    path = result_uri.removeprefix("file://")
    open(path, "w").write(json.dumps(result | dict(output=output) | changes))
def fail(code, message, retryable, exit_code):
    answer(status="failed", failure=dict(code=code, message=message, retryable=retryable, exit_code=exit_code))
    sys.exit(exit_code)
'''


BEGINS_WITHIN_S = 180.0
"""How long a kill waits for the job of a task to begin."""


class Instance(SimpleNamespace):
    """The part of a task instance that operators use."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def get_task_states(self, *, dag_id: str, map_index: int, task_ids: list[str], run_ids: list[str]) -> Any:
        """Answer as the server does: a user changes the state of a task, a drained worker does not."""
        assert (dag_id, map_index, task_ids, run_ids) == (self.dag_id, self.map_index, [self.task_id], [self.run_id])
        return {self.run_id: {f"{self.task_id}_{map_index}": self.state}}


def airflow_context(**instance: Any) -> dict[str, Any]:
    facts = {"dag_id": "import-vcf", "run_id": "run:1", "task_id": "import_case", "map_index": 3, "try_number": 1}
    facts |= {"max_tries": 2, "state": "running"}
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return {
        "ti": Instance(**(facts | instance), pushed={}),
        "dag_run": SimpleNamespace(logical_date=None, run_after=now),
    }


class Backend:
    """One way to run jobs, with the test's own worker."""

    operator_class: ClassVar[Any]
    ground: ClassVar[str | None] = None
    """Name of the fixture that it needs."""
    deferrable: ClassVar[bool] = False
    """Tasks wait in the triggerer."""
    timeout_reason: ClassVar[str] = Reason.TIMEOUT

    def __init__(self, folder: Path, monkeypatch: Any, ground: Any = None) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        self.ground_found = ground
        monkeypatch.setenv("RADIANT_HOME", str(folder / "home"))
        monkeypatch.setenv("RADIANT_CONTAINER__DEFERRABLE", str(self.deferrable))
        # No scheduler has to process the deferral first.
        monkeypatch.setattr("radiant.operators.trigger.SETTLES_S", 0.0)

    def install(self, body: str) -> Path:
        """Make these lines the worker of the jobs that start from now on; those before keep theirs."""
        path = Path(tempfile.mkdtemp(prefix="bin-", dir=self.folder)) / "radiant-worker"
        path.write_text(WORKER.format(python=sys.executable) + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def run(
        self,
        body: str,
        *,
        context: dict[str, Any],
        kill_after_s: float | None = None,
        job: str = "import-case",
        more: dict[str, Any] | None = None,
        **airflow_kwargs: Any,
    ) -> Any:
        """Run the operator with these lines as its worker, and with more arguments than the case."""
        self.install(body)

        def operator() -> Any:
            arguments = {"case_id": 17} | (more or {})
            return self.operator_class(task_id=context["ti"].task_id, job=job, arguments=arguments, **airflow_kwargs)

        return run_task(operator, context, kill_after_s=kill_after_s, has_begun=self.has_begun)

    def has_begun(self) -> bool:
        """Return whether the job of a task runs or has run: before, there is nothing that a kill would leave."""
        return True

    def task_folder(self, context: dict[str, Any]) -> TaskFolder:
        return TaskFolder.of(context["ti"], load_settings().effective_work_uri)

    def request(self, context: dict[str, Any]) -> Request:
        path = Path(self.task_folder(context).request_uri.removeprefix("file://"))
        return decode_request(path.read_bytes(), "request")

    def result(self, context: dict[str, Any]) -> Result:
        """Return the result that counts."""
        found = self.task_folder(context).read_outcome(self.request(context).attempt)
        assert isinstance(found, Result), found
        return found


class LocalBackend(Backend):
    """A job is a process of this machine."""

    operator_class = LocalJobOperator

    def install(self, body: str) -> Path:
        path = super().install(body)
        self.monkeypatch.setattr("radiant.operators.local.executable", lambda _name: path)
        return path


class EcsBackend(Backend):
    """A job is a task of the fake ECS, on the instances of a capacity provider: those have any size."""

    operator_class = EcsJobOperator
    ground = "ecs_ground"
    provider: ClassVar[str] = "instances"

    def __init__(self, folder: Path, monkeypatch: Any, ground: Any = None) -> None:
        super().__init__(folder, monkeypatch, ground)
        self.fake = ground.fake
        for name, value in ground.settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("radiant.operators.ecs_task.reads.GAP_S", 0.05)
        monkeypatch.setenv("RADIANT_ECS__CAPACITY_PROVIDER", self.provider)

    def install(self, body: str) -> Path:
        path = super().install(body)
        self.fake.options(images={"radiant:test": str(path.parent)})
        return path

    def has_begun(self) -> bool:
        return any(task["lastStatus"] in {"RUNNING", "STOPPED"} for task in self.fake.tasks())


class DeferrableEcsBackend(EcsBackend):
    deferrable = True


def run_task(
    new_operator: Any,
    context: dict[str, Any],
    *,
    kill_after_s: float | None = None,
    has_begun: Callable[[], bool] = lambda: True,
) -> Any:
    """Run a task as Airflow does: `execute` and, where it defers, its trigger and then `resume`, with nothing shared.

    Args:
        new_operator: makes the operator.
        context: of the task instance. Its state says who kills: a person has changed it.
        kill_after_s: when the task, or its trigger, is killed.
        has_begun: the kill waits for this, since a busy machine takes its time to begin.
    """
    operator = new_operator()

    def kill() -> None:
        until = time.monotonic() + BEGINS_WITHIN_S
        while not has_begun() and time.monotonic() < until:
            time.sleep(0.05)
        operator.on_kill()

    timer = threading.Timer(kill_after_s or 0, kill)
    if kill_after_s is not None:
        timer.start()
    try:
        return execute(operator, context)
    except TaskDeferred as deferred:
        timer.cancel()
        path, arguments = deferred.trigger.serialize()
        method = deferred.method_name
    finally:
        if kill_after_s is not None:
            timer.join()
    module, _, name = path.rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    event = asyncio.run(follow(trigger, kill_after_s, has_begun))
    if event is None:
        # The task stays as the user marked it; only the result is left to read.
        folder = TaskFolder.of(context["ti"], load_settings().effective_work_uri)
        asked = folder.read_request()
        left = None if asked is None else folder.read_outcome(asked.attempt)
        reason = left.failure.code if isinstance(left, Result) and left.failure else f"nothing but {left}"
        msg = f"killed while it was deferred: {reason}"
        raise JobLostError(msg, reason=reason)
    return getattr(new_operator(), method)(context, json.loads(json.dumps(event)))


def deferred(operator: Any, context: dict[str, Any]) -> ContainerTrigger:
    """Run a task until it is deferred, and its trigger until the container is started; that triggerer is killed.

    Returns:
        the trigger as another triggerer makes it again.
    """
    with pytest.raises(TaskDeferred) as raised:
        execute(operator, context)
    arguments = json.dumps(raised.value.trigger.serialize()[1])
    folder = TaskFolder.of(context["ti"], load_settings().effective_work_uri)

    async def start() -> None:
        running = asyncio.create_task(follow(ContainerTrigger(**json.loads(arguments))))
        while not running.done() and not is_started():  # noqa: ASYNC110 - a document on a store
            await asyncio.sleep(0.02)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    def is_started() -> bool:
        record = read_record(folder)
        return record is not None and record.handle is not None

    asyncio.run(start())
    return ContainerTrigger(**json.loads(arguments))


async def follow(trigger: Any, kill_after_s: float | None = None, has_begun: Callable[[], bool] = lambda: True) -> Any:
    """Run a trigger as the triggerer does and return its event, None when a user ended the task meanwhile."""

    async def first_event() -> Any:
        async for event in trigger.run():
            return event.payload
        return None

    running = asyncio.create_task(first_event())
    done, _ = await asyncio.wait({running}, timeout=kill_after_s)
    until = time.monotonic() + BEGINS_WITHIN_S
    while not done and not has_begun() and time.monotonic() < until:
        done, _ = await asyncio.wait({running}, timeout=0.05)
    if not done:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await trigger.on_kill()
    await trigger.cleanup()
    return running.result() if done else None


def execute(operator: Any, context: dict[str, Any]) -> Any:
    """Call `execute` as Airflow does, without its check of the caller."""
    return type(operator).execute.__wrapped__(operator, context)


BACKENDS: dict[str, type[Backend]] = {
    "local": LocalBackend,
    "ecs": EcsBackend,
    "ecs-deferrable": DeferrableEcsBackend,
}
