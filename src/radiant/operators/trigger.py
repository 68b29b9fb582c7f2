"""A container followed in Airflow's triggerer: the task waits without a worker slot."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from radiant.errors import PlatformUnavailableError, RadiantError, StorageError
from radiant.jobs.catalogue import effective_job
from radiant.operators.backend import platform_of
from radiant.operators.container_record import read_record, request_on_file
from radiant.operators.ending import Ended, read_together
from radiant.operators.log_line import level_of
from radiant.operators.platform import TaskFacts
from radiant.operators.reasons import Reason
from radiant.operators.request import TaskPlace
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


class ContainerTrigger(BaseTrigger):
    """Steps a `Watcher` and yields one event: `{"ended", "removed"}` or `{"error", "code", "retryable"}`.

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
        task: dict[str, Any],
        deadline: float | None,
        deferred_at: float = 0.0,
    ) -> None:
        super().__init__()
        self.backend = backend
        self.job = job
        self.run_uri = run_uri
        self.uri = uri
        self.facts = task
        self.deadline = deadline
        self.deferred_at = deferred_at
        self._watcher: Watcher | None = None
        self._position: LogPosition | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments that make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "backend": self.backend,
            "job": self.job,
            "run_uri": self.run_uri,
            "uri": self.uri,
            "task": self.facts,
            "deadline": self.deadline,
            "deferred_at": self.deferred_at,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the container to its end."""
        try:
            self._watcher = watcher = await asyncio.to_thread(self._open)
            self._position = watcher.begin
            saved = time.monotonic()
            ended, removed = self._stored_end(watcher), False
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
            payload = {"ended": ended.to_json(), "removed": removed}
        except RadiantError as error:
            name = error.reason if isinstance(error, PlatformUnavailableError) else error.code
            payload = {"error": f"{name}: {error}", "code": str(name), "retryable": error.retryable}
        await self._settled()
        # The record is the task's after this: it may be closed by the time this trigger is cleaned up.
        self._watcher = None
        yield TriggerEvent(payload)

    async def on_kill(self) -> None:
        """Stop the container and write a result with the reason: the task was marked or cleared."""
        watcher, self._watcher = self._watcher, None
        await asyncio.to_thread(self._kill, watcher)

    async def cleanup(self) -> None:
        """Store the position in the log: this triggerer may be ending while the container goes on."""
        if self._watcher is not None and self._position is not None:
            with contextlib.suppress(StorageError):
                await asyncio.to_thread(self._watcher.save_position, self._position)

    @staticmethod
    def _stored_end(watcher: Watcher) -> Ended | None:
        """Return the end that a triggerer has stored before it was killed."""
        stored = watcher.record.ended
        return None if stored is None else Ended.from_json(stored)

    async def _settled(self) -> None:
        """Wait until Airflow has recorded the end of the process that deferred the task."""
        await asyncio.sleep(min(SETTLES_S, self.deferred_at + SETTLES_S - time.time()))

    @property
    def _folder(self) -> TaskPlace:
        return TaskPlace(self.run_uri, self.uri)

    def _open(self) -> Watcher:
        settings = load_settings()
        record, request = read_record(self._folder), request_on_file(self._folder)
        if record is None or request is None:
            msg = f"{self.uri}: the task's documents are gone: something removes files from the work URI"
            raise StorageError(msg)
        run = TaskRun(
            settings=settings,
            job=effective_job(self.job, settings),
            folder=self._folder,
            task=TaskFacts(**self.facts),
            request=request,
            deadline=self.deadline,
        )
        return Watcher(platform_of(self.backend, settings), run, record)

    def _kill(self, watcher: Watcher | None) -> None:
        if self._is_held():
            ended = (watcher or self._open()).kill(Reason.KILLED, "The task was marked or cleared.")
            if (request := request_on_file(self._folder)) is not None:
                self._folder.keep_outcome(read_together(request, ended, None))

    def _is_held(self) -> bool:
        """Return whether this try holds the container: a later one may have adopted it, or its end is judged."""
        record = read_record(self._folder)
        return record is not None and not record.closed and record.held_by == self.facts["try_number"]
