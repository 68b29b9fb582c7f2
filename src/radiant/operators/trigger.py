"""A container followed in Airflow's triggerer: the task waits without a worker slot."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.configuration import conf
from airflow.triggers.base import BaseTrigger, TriggerEvent

from radiant.errors import PlatformUnavailableError, RadiantError, StorageError
from radiant.operators.backend import platform_of
from radiant.operators.ending import read_together
from radiant.operators.log_line import level_of
from radiant.operators.note import read_note, request_on_file
from radiant.operators.platform import TaskFacts
from radiant.operators.reasons import Reason
from radiant.operators.request import TaskPlace, effective_job
from radiant.operators.watch import Watch
from radiant.settings import load_settings

_SAVE_EVERY_S = 60.0
"""How often the place in the log is kept: as much is logged twice when the triggerer is killed."""
SETTLES_S = conf.getint("workers", "min_heartbeat_interval", fallback=5) + 5.0
"""No event sooner after the task was deferred. The process that deferred can be that interval in ending, then the
scheduler has to hear of it; told after the task has gone on, it takes the task that runs for one that was killed and
gives it another try (apache/airflow issue 72716)."""


class ContainerTrigger(BaseTrigger):
    """Steps a `Watch` and yields one event: `{"ended": ...}`, or `{"error": text, "retryable": bool}`.

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
        self._watch: Watch | None = None

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
            self._watch = watch = await asyncio.to_thread(self._open)
            saved = time.monotonic()
            while True:
                step = await asyncio.to_thread(watch.step)
                for line in step.lines:
                    self.log.log(level_of(line), "%s", line)
                if step.news:
                    self.log.info("%s", step.news)
                watch.logged()
                if step.ended is not None:
                    break
                if time.monotonic() - saved > _SAVE_EVERY_S:
                    await asyncio.to_thread(watch.save_log_cursor)
                    saved = time.monotonic()
                await asyncio.sleep(step.pause_s)
            await asyncio.to_thread(watch.save_log_cursor)
            payload = {"ended": step.ended.to_json()}
        except RadiantError as error:
            name = error.reason if isinstance(error, PlatformUnavailableError) else error.code
            payload = {"error": f"{name}: {error}", "code": name, "retryable": error.retryable}
        await self._settled()
        # From here on the note is the task's: it may be closed by the time this trigger is cleaned up.
        self._watch = None
        yield TriggerEvent(payload)

    async def on_kill(self) -> None:
        """Stop the container and leave a result that says so: somebody marked or cleared the task."""
        watch, self._watch = self._watch, None
        await asyncio.to_thread(self._kill, watch)

    async def cleanup(self) -> None:
        """Keep the place in the log: this triggerer may be on its way out while the container goes on."""
        if self._watch is not None:
            with contextlib.suppress(StorageError):
                await asyncio.to_thread(self._watch.save_log_cursor)

    async def _settled(self) -> None:
        """Wait until Airflow knows that the process is gone which deferred the task."""
        await asyncio.sleep(min(SETTLES_S, self.deferred_at + SETTLES_S - time.time()))

    def _open(self) -> Watch:
        settings = load_settings()
        place = TaskPlace(self.run_uri, self.uri)
        note, request = read_note(place), request_on_file(place)
        if note is None or request is None:
            msg = f"{self.uri}: the task's documents are gone: something removes files from the work URI"
            raise StorageError(msg)
        return Watch(
            platform_of(self.backend),
            place,
            request=request,
            note=note,
            spec=effective_job(self.job, settings),
            task=TaskFacts(**self.facts),
            limits=settings.container,
            deadline=self.deadline,
        )

    def _kill(self, watch: Watch | None) -> None:
        if self._is_ours():
            place = TaskPlace(self.run_uri, self.uri)
            ended = (watch or self._open()).kill(Reason.KILLED, "Somebody marked or cleared the task.")
            if (request := request_on_file(place)) is not None:
                place.keep_outcome(read_together(request, ended, None))

    def _is_ours(self) -> bool:
        """Tell whether the container is still this try's: a later one may have adopted it, or its end is judged."""
        note = read_note(TaskPlace(self.run_uri, self.uri))
        return note is not None and not note.closed and note.held_by == self.facts["try_number"]
