"""A container followed in Airflow's triggerer: the task waits without a worker slot."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from radiant.errors import PlatformUnavailableError, RadiantError, StorageError
from radiant.jobs.catalogue import effective_job
from radiant.jobs.codec import JsonObject, from_json, to_json
from radiant.jobs.reasons import Reason
from radiant.operators.backend import platform_of
from radiant.operators.container_record import read_record
from radiant.operators.ending import Ended, read_together
from radiant.operators.log_line import level_of
from radiant.operators.platform import TaskFacts
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import TaskRun
from radiant.operators.watcher import Watcher
from radiant.settings import load_settings

if TYPE_CHECKING:
    from radiant.operators.log_reads import LogPosition

_SAVE_EVERY_S = 60.0
"""How often the position in the log is stored: what was logged since then comes twice when the triggerer is killed."""
SETTLES_S = conf.getint("workers", "min_heartbeat_interval", fallback=5) + 5.0
"""No event sooner than this after the task was deferred. The process that deferred may need that interval to end. The
scheduler takes its end, when it is recorded after the task has gone on, for the end of the task that runs, and gives it
another try (apache/airflow issue 72716)."""


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """The one event of the trigger: how the container ended, or why it cannot be followed any longer."""

    ended: Ended | None = None
    removed: bool = False
    """With `ended`: nothing of the container is left."""
    error: str | None = None
    """A name and a sentence, where there is no end."""
    code: str = ""
    """The name alone."""
    retryable: bool = True
    """With `error`: the next try may find the container again."""


def read_event(payload: object) -> ContainerEvent:
    """Return the event that Airflow passes from the trigger to the task.

    Raises:
        JobProtocolError: it is none of this version.
    """
    what, remedy = "an event of this version", "Run the same radiant version in the triggerer and in the workers"
    return from_json(ContainerEvent, payload, where="the trigger's event", what=what, remedy=remedy)


class ContainerTrigger(BaseTrigger):
    """Steps a `Watcher` and yields one `ContainerEvent`.

    It also removes the container, once its end is stored: loading a client of Kubernetes costs the task's process more
    CPU time than all the rest that it does.

    Its arguments are names, URIs and numbers; credentials come from the triggerer's own environment and connections.
    """

    def __init__(  # noqa: PLR0913 - all by name
        self,
        *,
        backend: str,
        job: str,
        run_uri: str,
        uri: str,
        task: JsonObject,
        deadline: float | None,
        deferred_at: float = 0.0,
    ) -> None:
        super().__init__()
        self.backend = backend
        self.job = job
        self.run_uri = run_uri
        self.uri = uri
        self.facts = _facts(task)
        self.deadline = deadline
        self.deferred_at = deferred_at
        self._watcher: Watcher | None = None
        self._position: LogPosition | None = None

    def serialize(self) -> tuple[str, JsonObject]:
        """Return the class and the arguments that make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "backend": self.backend,
            "job": self.job,
            "run_uri": self.run_uri,
            "uri": self.uri,
            "task": to_json(self.facts),
            "deadline": self.deadline,
            "deferred_at": self.deferred_at,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the container to its end."""
        try:
            self._watcher = watcher = await asyncio.to_thread(self._open)
            self._position = watcher.begin
            saved = time.monotonic()
            ended, removed = watcher.record.ended, False
            while ended is None:
                step = await asyncio.to_thread(watcher.step, self._position)
                for line in step.lines:
                    self.log.log(level_of(line), "%s", line)
                if step.news:
                    self.log.info("%s", step.news)
                self._position = step.position
                if step.ended is not None:
                    ended = step.ended
                    removed = await asyncio.to_thread(watcher.finish, self._position, ended)
                    break
                if time.monotonic() - saved > _SAVE_EVERY_S:
                    await asyncio.to_thread(watcher.save_position, self._position)
                    saved = time.monotonic()
                await asyncio.sleep(step.pause_s)
            event = ContainerEvent(ended, removed=removed)
        except RadiantError as error:
            name = error.reason if isinstance(error, PlatformUnavailableError) else error.code
            event = ContainerEvent(error=f"{name}: {error}", code=str(name), retryable=error.retryable)
        await self._settled()
        # The record is the task's after this: it may be closed by the time this trigger is cleaned up.
        self._watcher = None
        yield TriggerEvent(to_json(event))

    async def on_kill(self) -> None:
        """Stop the container and write a result with the reason: the task was marked or cleared."""
        watcher, self._watcher = self._watcher, None
        await asyncio.to_thread(self._kill, watcher)

    async def cleanup(self) -> None:
        """Store the position in the log: this triggerer may be ending while the container goes on."""
        if self._watcher is not None and self._position is not None:
            with contextlib.suppress(StorageError):
                await asyncio.to_thread(self._watcher.save_position, self._position)

    async def _settled(self) -> None:
        """Wait until Airflow has recorded the end of the process that deferred the task."""
        await asyncio.sleep(min(SETTLES_S, self.deferred_at + SETTLES_S - time.time()))

    @property
    def _folder(self) -> TaskFolder:
        return TaskFolder(self.run_uri, self.uri)

    def _open(self) -> Watcher:
        record, request = read_record(self._folder), self._folder.read_request()
        if record is None or request is None:
            msg = f"{self.uri}: the task's documents are gone: something removes files from the work URI"
            raise StorageError(msg)
        settings = load_settings(tenant=request.tenant or None)
        run = TaskRun(
            settings=settings,
            job=effective_job(self.job, settings),
            folder=self._folder,
            task=self.facts,
            request=request,
            deadline=self.deadline,
        )
        return Watcher(platform_of(self.backend, settings), run, record)

    def _kill(self, watcher: Watcher | None) -> None:
        if self._is_held():
            ended = (watcher or self._open()).kill(Reason.KILLED, "The task was marked or cleared.")
            if (request := self._folder.read_request()) is not None:
                self._folder.write_outcome(read_together(request, ended, None))

    def _is_held(self) -> bool:
        """Return whether this try holds the container: a later one may have adopted it, or its end is judged."""
        record = read_record(self._folder)
        return record is not None and not record.closed and record.held_by == self.facts.try_number


def _facts(task: JsonObject) -> TaskFacts:
    what, remedy = "the facts of a task", "Clear the task: its trigger is of another version"
    return from_json(TaskFacts, task, where="the trigger's arguments", what=what, remedy=remedy)
