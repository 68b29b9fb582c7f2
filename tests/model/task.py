"""One task instance as Airflow leads it: tries, deferral, triggerers, and what persons and machines do to it."""

import asyncio
import contextlib
import dataclasses
import importlib
import json
import logging
from collections.abc import Callable
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from backends import airflow_context, execute
from model.clock import Actor, OverError, World

RETRY_DELAY_S = 10.0
HEARTBEAT_S = 5.0
"""After a person changed a task's state, its process hears of it, within."""
LOST_WORKER_S = 60.0
"""The scheduler misses a dead worker's heartbeat."""
LOST_TRIGGERER_S = 30.0
TERM_S = 5.0
"""Between SIGTERM and SIGKILL of a task's process."""
TRIGGER_TERM_S = 30.0


@dataclasses.dataclass
class Process:
    """A process of Airflow that runs this task: a try's, or a trigger's."""

    kind: str
    try_number: int
    actor: Actor | None = None
    operator: Any = None
    trigger: Any = None
    killed: bool = False
    """A person ended it, not a machine."""
    lines: list[str] = dataclasses.field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.actor is not None and self.actor.alive


class Lines(logging.Handler):
    """Collects what a task logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Task:
    """A mapped task instance of `import-vcf`."""

    def __init__(self, world: World, operator_class: Any, new_process: Callable[[], None], *, retries: int = 2) -> None:
        self.world = world
        self.operator_class = operator_class
        self.new_process = new_process
        self.retries = retries
        self.max_tries = retries
        self.try_number = 0
        self.state = "none"
        self.xcom: Any = None
        self.error: BaseException | None = None
        self.process: Process | None = None
        self.processes: list[Process] = []
        self.deferred: tuple[str, str, str] | None = None
        self.cleared = 0
        self.disturbed = False
        """A process of it was killed, or a person changed its state."""
        self.outcomes: list[tuple[int, str, Any]] = []
        """Try, state, XCom or error."""
        self.on_outcome: Callable[[int, str, Any], None] = lambda _number, _state, _what: None
        self.on_try: Callable[[], None] = lambda: None

    def _outcome(self, number: int, state: str, what: Any) -> None:
        self.outcomes.append((number, state, what))
        self.on_outcome(number, state, what)

    # The scheduler.

    def start(self, after: float = 0.0) -> None:
        """Queue the next try."""
        self.state = "queued"
        number, self.try_number = self.try_number + 1, self.try_number + 1

        def begin() -> None:
            if self.state == "queued" and self.try_number == number:
                self.on_try()
                self._begin("execute", execute)

        self.world.at(after, begin)

    @property
    def load_id(self) -> str:
        """The load of the case: clearing the task clears `prepare` with it, which gives a new one."""
        return f"load-{self.cleared + 1}"

    @property
    def over(self) -> bool:
        return self.state in {"success", "failed"}

    @property
    def marked(self) -> bool:
        """A person ended it, and no process has since."""
        return self.over and (not self.outcomes or self.outcomes[-1][1] == "marked")

    def _begin(self, kind: str, call: Callable[[Any, Any], Any]) -> None:
        self.state = "running"
        process = self.process = Process(kind, self.try_number)
        self.processes.append(process)
        self.new_process()
        self.world.say(f"try {self.try_number}: {kind}")
        process.actor = self.world.spawn(f"try {self.try_number} {kind}", lambda: self._run(process, call))

    def _context(self, process: Process) -> dict[str, Any]:
        context = airflow_context(
            dag_id="import-vcf",
            run_id="run:1",
            task_id="import_case",
            map_index=0,
            try_number=process.try_number,
            max_tries=self.max_tries,
        )
        owner = self

        class State:
            """What the server says of the task's state now."""

            def __get__(self, instance: Any, _kind: Any = None) -> str:
                return "running" if owner.process is process and owner.state == "running" else owner.state

        ti = context["ti"]
        context["ti"] = type("Watched", (type(ti),), {"state": State()})(
            **{name: value for name, value in vars(ti).items() if name != "state"}
        )
        return context

    def _operator(self, process: Process) -> Any:
        arguments = {"case_id": 17, "load_id": self.load_id}
        operator = self.operator_class(task_id="import_case", job="import-case", arguments=arguments)
        process.operator = operator
        object.__setattr__(operator, "log_line", process.lines.append)
        return operator

    def _run(self, process: Process, call: Callable[[Any, Any], Any]) -> None:
        context = self._context(process)
        operator = self._operator(process)
        try:
            found = call(operator, context)
        except TaskDeferred as deferred:
            path, arguments = deferred.trigger.serialize()
            self._over(process, "deferred", (path, json.dumps(arguments), deferred.method_name))
        except AirflowFailException as error:
            self._over(process, "failed", error)
        except (Exception, AirflowTaskTimeout) as error:  # noqa: BLE001 - as Airflow does
            self._over(process, "retry", error)
        else:
            self._over(process, "success", found)

    def _over(self, process: Process, state: str, what: Any) -> None:
        """Report the end of a process to the server, which accepts only that of the running task's process."""
        self.world.say(f"try {process.try_number} {process.kind}: {state} {str(what)[:150]!r}")
        if self.process is not process or self.state != "running":
            if self.process is process:
                self.process = None
                self._cleared_goes_on()
            return
        self.process = None
        if state == "retry":
            state = "failed" if process.try_number > self.max_tries else "up_for_retry"
        self.state = state
        if state == "deferred":
            self.deferred = what
            self.world.at(1.0, lambda: self._trigger(what, process.try_number))
            return
        self._outcome(process.try_number, state, what)
        if state == "success":
            self.xcom = json.loads(json.dumps(what))
        elif state == "up_for_retry":
            self.start(RETRY_DELAY_S)

    # The triggerer.

    def _trigger(self, deferred: tuple[str, str, str], try_number: int) -> None:
        if self.state != "deferred" or self.deferred is not deferred:
            return
        process = self.process = Process("trigger", try_number)
        self.processes.append(process)
        self.new_process()
        self.world.say(f"try {try_number}: trigger")
        process.actor = self.world.spawn(f"try {try_number} trigger", lambda: self._follow(process, deferred))

    def _follow(self, process: Process, deferred: tuple[str, str, str]) -> None:
        path, arguments, method = deferred
        module, _, name = path.rpartition(".")
        trigger = getattr(importlib.import_module(module), name)(**json.loads(arguments))
        process.trigger = trigger
        logger = logging.getLogger(f"model.trigger.{id(process)}")
        logger.propagate = False
        logger.setLevel(logging.INFO)
        handler = Lines()
        handler.lines = process.lines
        logger.handlers = [handler]
        trigger._log = logger
        event: Any = None

        async def first_event() -> Any:
            async for one in trigger.run():
                return one.payload
            return None

        try:
            event = _drive(first_event())
        except asyncio.CancelledError:
            if process.killed:  # a person ended the task
                with contextlib.suppress(Exception):
                    _drive(trigger.on_kill())
        except Exception as error:  # noqa: BLE001 - as Airflow does
            self.world.say(f"trigger dies of {error!r}")
            with contextlib.suppress(Exception):
                _drive(trigger.cleanup())
            if self.process is process and self.state == "deferred":
                self.process = None
                self._outcome(process.try_number, "trigger-died", error)
                self.state = "failed" if process.try_number > self.max_tries else "up_for_retry"
                if self.state == "up_for_retry":
                    self.start(RETRY_DELAY_S)
            return
        with contextlib.suppress(Exception):
            _drive(trigger.cleanup())
        # An event counts for its deferral, whichever triggerer sends it.
        if event is not None and self.state == "deferred" and self.deferred is deferred:
            given = json.loads(json.dumps(event))
            other, self.process = self.process, None
            if other is not None and other is not process:
                self.world.at(1.0, lambda: self._cancel(other, killed=False))
            self._begin("resume", lambda operator, context: getattr(operator, method)(context, given))

    # What persons and machines do.

    def kill_worker(self) -> None:
        """SIGKILL the process of a running task."""
        process = self.process
        if process is None or process.kind == "trigger" or not process.alive:
            return
        self.world.say("the worker is killed")
        self.disturbed = True
        process.actor.kill()  # type: ignore[union-attr]

        def missed() -> None:
            if self.process is process and self.state == "running":
                self.process = None
                self.state = "failed" if process.try_number > self.max_tries else "up_for_retry"
                self._outcome(process.try_number, self.state, "killed")
                if self.state == "up_for_retry":
                    self.start(RETRY_DELAY_S)
            elif self.process is process:
                self.process = None
                self._cleared_goes_on()

        self.world.at(LOST_WORKER_S, missed)

    def drain_worker(self) -> None:
        """SIGTERM the process of a running task, and SIGKILL later."""
        process = self.process
        if process is None or process.kind == "trigger" or not process.alive or process.operator is None:
            return
        self.world.say("the worker is drained")
        self._terminate(process)

    def _terminate(self, process: Process) -> None:
        if process.operator is not None:
            process.operator.on_kill()

        def kill() -> None:
            if process.alive:
                self.world.say("the task's process is killed after its SIGTERM")
                state = self.state
                self.kill_worker()
                if self.process is not process and state == "restarting":
                    self._cleared_goes_on()

        self.world.at(TERM_S, kill)

    def kill_triggerer(self, *, restart_s: float = LOST_TRIGGERER_S) -> None:
        """SIGKILL the triggerer; another one starts the trigger again from what was serialised."""
        process = self.process
        if process is None or process.kind != "trigger" or not process.alive:
            return
        self.world.say("the triggerer is killed")
        self.disturbed = True
        process.actor.kill()  # type: ignore[union-attr]
        self._retrigger(process, restart_s)

    def stall_triggerer(self) -> None:
        """Lose a triggerer's heartbeat: another one runs the trigger, too, and the first goes on."""
        process = self.process
        if process is None or process.kind != "trigger" or not process.alive:
            return
        self.world.say("the triggerer's heartbeat is lost")
        self.disturbed = True
        self._retrigger(process, LOST_TRIGGERER_S)

    def _retrigger(self, process: Process, after: float) -> None:
        deferred = self.deferred

        def again() -> None:
            if self.state == "deferred" and self.deferred is deferred and self.process is process and deferred:
                self._trigger(deferred, process.try_number)

        self.world.at(after, again)

    def mark(self, state: str) -> None:
        """A person marks the task failed or success."""
        if self.over or self.state == "none":
            return
        self.world.say(f"marked {state}")
        self.disturbed = True
        was, self.state = self.state, state
        self._outcome(self.try_number, "marked", state)
        self._end_process(was)

    def clear(self) -> None:
        """A person clears the task: it runs again, with as many retries as it had."""
        if self.state in {"none", "queued", "restarting"}:
            return
        self.world.say("cleared")
        self.disturbed = True
        self.cleared += 1
        was = self.state
        self.max_tries = self.try_number + self.retries
        self.xcom = None
        if was == "running":
            self.state = "restarting"
            self._end_process(was)
            return
        self._end_process(was)
        self.start(1.0)

    def _cleared_goes_on(self) -> None:
        if self.state == "restarting":
            self.start(1.0)

    def _end_process(self, was: str) -> None:
        process = self.process
        if process is None:
            return
        if was == "deferred":
            self.process = None
            self.world.at(HEARTBEAT_S / 2, lambda: self._cancel(process))
        elif was == "running" and process.alive:
            self.world.at(HEARTBEAT_S / 2, lambda: self._terminate(process) if process.alive else None)

    def _cancel(self, process: Process, *, killed: bool = True) -> None:
        if process.alive and process.actor is not None:
            process.killed = killed
            process.actor.throw(asyncio.CancelledError())

            def kill() -> None:
                if process.alive and process.actor is not None:
                    self.world.say("the trigger's on_kill took too long")
                    process.actor.kill()

            self.world.at(TRIGGER_TERM_S, kill)


def _drive(coroutine: Any) -> Any:
    """Run a coroutine that never really waits: its sleeps switch to the hub."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    finally:
        coroutine.close()
    raise OverError
