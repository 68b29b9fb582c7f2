"""A container of the model: the real `radiant.worker.main` in an actor, whose job lasts as long as a test wants."""

import dataclasses
import signal
from types import SimpleNamespace
from typing import Any

from model.clock import Actor, OverError, World
from radiant.errors import InputError, TerminatedError
from radiant.jobs.documents import Usage
from radiant.worker import main as worker_main
from radiant.worker.handler import HandlerResult


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a container will do."""

    seconds: float = 20.0
    ending: str = "good"
    """good, bad-input, lost (exit 137 before a result), torn (a result, then killed)."""
    lines: int = 3
    """Lines of log at the begin."""
    deaf: bool = False
    """SIGTERM changes nothing."""


class Container:
    """One process that was started on the platform."""

    def __init__(self, world: World, name: str, argv: list[str], plan: Plan, *, env: dict[str, str] | None = None):
        self.world = world
        self.name = name
        self.argv = argv
        self.env = env or {}
        self.plan = plan
        self.exit_code: int | None = None
        self.started_at: float | None = None
        self.finished_at: float | None = None
        self.attempt = ""
        self.log: list[tuple[float, str]] = []
        self.written = 0
        self.dropped = 0
        self.wanted_stop_at: float | None = None
        self.never = False
        """It will never start."""
        self._actor: Actor | None = None
        self._handler: Any = None

    @property
    def runs(self) -> bool:
        return self.started_at is not None and self.exit_code is None

    @property
    def may_run(self) -> bool:
        return self.exit_code is None and not self.never

    def start(self) -> None:
        if self._actor is None:
            self.started_at = self.world.now
            self._actor = self.world.spawn(self.name, self._work)

    def write(self, count: int) -> None:
        """Write lines into the log, all at once."""
        for _ in range(count):
            self.written += 1
            self.log.append((self.world.now, f"2026-01-01 00:00:00,000 INFO {self.name} line {self.written}"))

    def rotate(self) -> None:
        """The node drops all but the last lines."""
        self.dropped += max(0, len(self.log) - 2)
        self.log = self.log[-2:]

    def terminate(self, grace_s: float) -> None:
        """Send SIGTERM, and SIGKILL after the grace."""
        self.wanted_stop_at = self.world.now if self.wanted_stop_at is None else self.wanted_stop_at
        if not self.runs:
            return
        if self._handler is not None and not self.plan.deaf and self._actor is not None:
            self._actor.throw(TerminatedError("the container was asked to stop"))
        self.world.at(grace_s, lambda: self.kill(137))

    def kill(self, code: int = 137) -> None:
        """End it at once; nothing is written."""
        if self.runs and self._actor is not None:
            self._actor.kill()
            self._end(code)

    def finish(self, ending: str) -> None:
        """Let the job end now, in this way."""
        if self.runs:
            self.plan = dataclasses.replace(self.plan, seconds=0.0, ending=ending)
            if self._actor is not None:
                self._actor.resume()

    def _end(self, code: int) -> None:
        self.exit_code = code
        self.finished_at = self.world.now
        self.world.say(f"{self.name} ends with {code}")

    def _work(self) -> None:
        try:
            worker_main.main(self.argv[1:])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
            self._end(code)
        except TerminatedError:  # before or after the job: the interpreter dies of it
            self._end(143)

    def job(self, request: Any) -> HandlerResult:
        """Stand in for the handler of the job."""
        self.attempt = request.attempt
        self.world.say(f"{self.name} works for attempt {self.attempt[:8]}")
        self.write(self.plan.lines)
        until = self.world.now + self.plan.seconds
        while self.world.now < until and self.plan.seconds:
            self.world.sleep(until - self.world.now)
        if self.plan.ending == "lost":
            self.kill(137)
            raise OverError
        if self.plan.ending == "torn":
            self.world.at(0.2, lambda: self.kill(137))
        if self.plan.ending == "bad-input":
            msg = "the file is no VCF"
            raise InputError(msg)
        return HandlerResult(output={"container": self.name})


class _Meter:
    @property
    def may_run(self) -> bool:
        return self.exit_code is None and not self.never

    def start(self) -> None:
        pass

    def stop(self, **_counts: int) -> Usage:
        return Usage(wall_s=1.0, cpu_s=1.0, peak_memory_mib=100.0, bytes_read=1, bytes_written=1)


def install(monkeypatch: Any, world: World, containers: list[Container]) -> None:
    """Make the worker's main run in actors: its job, clock, signals and meter are the model's."""

    def current() -> Container:
        return next(one for one in containers if one._actor is world.current)

    def handle(request: Any, _settings: Any, _meter: Any) -> HandlerResult:
        return current().job(request)

    def on_signal(_number: int, handler: Any) -> None:
        current()._handler = handler

    def write(uri: str, result: Any, **more: Any) -> Any:
        world.sleep(0.3)
        found = true_write(uri, result, **more)
        world.say(f"{current().name} has written its result")
        world.sleep(0.5)
        return found

    true_write = worker_main._write
    monkeypatch.setattr(worker_main, "_write", write)
    monkeypatch.setattr(
        worker_main, "importlib", SimpleNamespace(import_module=lambda _: SimpleNamespace(handle=handle))
    )
    monkeypatch.setattr(worker_main, "time", world.as_time_module())
    monkeypatch.setattr(worker_main, "UsageMeter", lambda _memory: _Meter())
    fake_signal = SimpleNamespace(SIGTERM=signal.SIGTERM, SIG_IGN=signal.SIG_IGN, signal=on_signal)
    monkeypatch.setattr(worker_main, "signal", fake_signal)
