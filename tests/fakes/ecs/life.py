"""The life of a task, in a thread of its own: from PROVISIONING over a real process to STOPPED."""

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from fakes.ecs.awslogs import Delivery, Stream
from fakes.ecs.container import Container, MemoryGuard, MissingCommandError, default_bin_folder
from fakes.ecs.secret_values import secret_value
from fakes.ecs.sizes import memory_mib
from fakes.ecs.task import ContainerPlan, Stop, Task

TASK_ROLE = "task-role"
EXECUTION_ROLE = "execution-role"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
EXITED = Stop("EssentialContainerExited", "Essential container in task exited")
SPOT = Stop("SpotInterruption", "Your Spot Task was interrupted.")
RETIRED = Stop("TerminationNotice", "ECS is performing maintenance on the underlying infrastructure hosting the task")
_LOOK_S = 0.02


@dataclass
class Host:
    """What tasks run on."""

    endpoint: str = ""
    """Where the services are, for the tasks."""
    pace_s: float = 0.02
    """How long a task stays in each status on its way up and down."""
    slots: int = 8
    """How many tasks may run at once; the others stay PENDING."""
    longest_stop_s: float = 120.0
    """Cuts every stopTimeout."""
    environment: dict[str, str] = field(default_factory=dict)
    """More variables for every container, weaker than the task's own."""
    images: dict[str, str | None] = field(default_factory=dict)
    """Folder of the commands of an image; None for an image that cannot be pulled. Others: this interpreter's."""
    containers: dict[str, Container] = field(default_factory=dict)
    """The running ones, by the name that their metadata endpoint has."""
    running: int = 0
    slot_free: threading.Condition = field(default_factory=threading.Condition)
    guard: MemoryGuard = field(default_factory=MemoryGuard)
    delivery: Delivery = field(default_factory=Delivery)


class CannotStartError(Exception):
    """The task ends before its containers run."""


class StoppedEarlyError(Exception):
    """A user stopped the task before its containers ran."""


def begin(task: Task, host: Host) -> None:
    """Let the task live."""
    threading.Thread(target=_live, args=(task, host), daemon=True, name=f"task-{task.id[:8]}").start()


def _live(task: Task, host: Host) -> None:
    with contextlib.ExitStack() as slot:
        # Logs are delivered before the task has ended, however slow this machine is.
        with contextlib.ExitStack() as stack:
            running: list[tuple[ContainerPlan, Container]] = []
            try:
                _come_up(task, host, slot)
                running = _start_containers(task, host, stack)
            except CannotStartError as error:
                task.ask_to_stop(Stop("TaskFailedToStart", str(error)))
            except StoppedEarlyError:
                pass
            if running:
                task.enter("RUNNING")
                _follow(task, host, running)
        for status in ("DEACTIVATING", "STOPPING", "DEPROVISIONING"):
            task.enter(status)
            time.sleep(host.pace_s)
    task.enter("STOPPED")


def _come_up(task: Task, host: Host, stack: contextlib.ExitStack) -> None:
    hold = task.faults.get("hold")
    _pause(task, host.pace_s + (hold.delay_s if hold else 0))
    failed = task.faults.get("start_failed")
    if failed and not failed.words(image="").startswith("Cannot"):
        raise CannotStartError(failed.words(image=task.plans[0].image))
    task.enter("PENDING")
    stack.enter_context(_slot(task, host))
    _pause(task, host.pace_s)
    for plan in task.plans:
        if host.images.get(plan.image, "") is None or failed:
            words = failed.words(image=plan.image) if failed else ""
            plain = f"{plan.image}: not found"
            raise CannotStartError(words or f"CannotPullContainerError: failed to resolve ref {plan.image}: {plain}")
    task.enter("ACTIVATING")
    _pause(task, host.pace_s)


@contextlib.contextmanager
def _slot(task: Task, host: Host):
    with host.slot_free:
        while host.running >= host.slots:
            if task.stopping.is_set():
                raise StoppedEarlyError
            host.slot_free.wait(0.1)
        host.running += 1
    try:
        yield
    finally:
        with host.slot_free:
            host.running -= 1
            host.slot_free.notify_all()


def _start_containers(task: Task, host: Host, stack: contextlib.ExitStack) -> list[tuple[ContainerPlan, Container]]:
    running: list[tuple[ContainerPlan, Container]] = []
    for plan in task.plans:
        environment = _environment(task, plan, host)
        stream = _stream(task, plan, host)
        if stream is not None:
            stack.callback(stream.close)
        folder = host.images.get(plan.image)
        try:
            container = Container(
                plan.argv,
                environment=environment,
                bin_folder=Path(folder) if folder else default_bin_folder(),
                on_output=stream.write if stream is not None else lambda _chunk: None,
            )
        except (MissingCommandError, IndexError, PermissionError) as error:
            text = f'exec: "{error}": executable file not found in $PATH'
            msg = f"CannotStartContainerError: failed to create container task: {text}"
            raise CannotStartError(msg) from None
        stack.enter_context(host.guard.watching(container, _limit_mib(task, plan)))
        name = metadata_name(task, plan)
        host.containers[name] = container
        stack.callback(host.containers.pop, name, None)
        running.append((plan, container))
    return running


def _follow(task: Task, host: Host, running: list[tuple[ContainerPlan, Container]]) -> None:
    """Wait for the end: an essential container's, or a requested one."""
    left = list(running)
    while left:
        _let_faults_happen(task, left)
        for plan, container in list(left):
            code = container.wait(_LOOK_S / len(left))
            if code is None:
                continue
            left.remove((plan, container))
            _note_end(task, plan, container, code)
            if plan.essential:
                task.ask_to_stop(EXITED)
        if task.stopping.is_set():
            _stop_rest(task, host, left)
            return


def _let_faults_happen(task: Task, running: list[tuple[ContainerPlan, Container]]) -> None:
    age = time.time() - task.times["startedAt"]
    for kind in ("spot", "retire", "oom"):
        fault = task.faults.get(kind)
        if fault is None or age < fault.delay_s:
            continue
        del task.faults[kind]
        if kind == "oom":
            for _, container in running:
                container.kill_for_memory()
        else:
            task.ask_to_stop(SPOT if kind == "spot" else RETIRED)


def _stop_rest(task: Task, host: Host, left: list[tuple[ContainerPlan, Container]]) -> None:
    for _, container in left:
        container.terminate()
    for plan, container in left:
        code = container.wait(min(plan.stop_timeout_s, host.longest_stop_s))
        while code is None:
            container.kill()
            code = container.wait(1)
        _note_end(task, plan, container, code)


def _note_end(task: Task, plan: ContainerPlan, container: Container, code: int) -> None:
    task.exit_codes[plan.name] = code
    if container.killed_for_memory:
        task.reasons[plan.name] = OUT_OF_MEMORY


def _pause(task: Task, seconds: float) -> None:
    if task.stopping.wait(seconds):
        raise StoppedEarlyError


def _limit_mib(task: Task, plan: ContainerPlan) -> float:
    limits = [float(plan.memory_mib)] if plan.memory_mib else []
    if task.memory:
        limits.append(memory_mib(task.memory))
    return min(limits, default=float("inf"))


def _stream(task: Task, plan: ContainerPlan, host: Host) -> Stream | None:
    if not plan.log:
        return None
    late = task.faults.get("late_logs")
    group, region = plan.log["awslogs-group"], plan.log.get("awslogs-region", task.region)
    name = f"{plan.log['awslogs-stream-prefix']}/{plan.name}/{task.id}"
    try:
        return Stream(host.delivery, region, group, name, late.delay_s if late else 0.0)
    except KeyError:
        msg = (
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
            "failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not "
            f"exist. : exit status 1 ({group})"
        )
        raise CannotStartError(msg) from None


def _environment(task: Task, plan: ContainerPlan, host: Host) -> dict[str, str]:
    secrets: dict[str, str] = {}
    for name, place in plan.secrets.items():
        try:
            secrets[name] = secret_value(place, task.region)
        except LookupError as error:
            msg = (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
                f"failed: unable to retrieve secret from asm: {error}"
            )
            raise CannotStartError(msg) from None
    base = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}
    role = {
        "AWS_ACCESS_KEY_ID": TASK_ROLE,
        "AWS_SECRET_ACCESS_KEY": "fake",
        "AWS_REGION": task.region,
        "AWS_DEFAULT_REGION": task.region,
        "AWS_ENDPOINT_URL": host.endpoint,
        "ECS_CONTAINER_METADATA_URI_V4": f"{host.endpoint}/v4/{metadata_name(task, plan)}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return base | role | host.environment | _from_files(plan, host) | plan.environment | secrets


def metadata_name(task: Task, plan: ContainerPlan) -> str:
    """Return the last part of the address of a container's metadata endpoint."""
    return f"{task.id}-{plan.name}"


def _from_files(plan: ContainerPlan, host: Host) -> dict[str, str]:
    found: dict[str, str] = {}
    for arn in plan.environment_files:
        bucket, _, key = arn.rpartition(":::")[2].partition("/")
        s3 = boto3.client(
            "s3",
            endpoint_url=host.endpoint,
            region_name="us-east-1",
            aws_access_key_id=EXECUTION_ROLE,
            aws_secret_access_key="fake",  # noqa: S106 - there is nothing to protect
        )
        try:
            text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except ClientError as error:
            msg = f"ResourceInitializationError: failed to download env files: {error}"
            raise CannotStartError(msg) from None
        pairs = [line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#")]
        found |= {name.strip(): value.strip() for name, _, value in pairs}
    return found
