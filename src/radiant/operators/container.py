"""What the backends that run containers share: start or adopt, wait here or in the triggerer, stop, judge."""

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from radiant.errors import ConfigError, JobLostError, JobRefusedError, PlatformUnavailableError, StorageError
from radiant.jobs.documents import Request
from radiant.jobs.spec import JobSpec
from radiant.operators.backend import platform_of
from radiant.operators.ending import Ended
from radiant.operators.job import JobOperator
from radiant.operators.log_line import level_of
from radiant.operators.note import Note, may_adopt, new_note, read_note, request_on_file
from radiant.operators.platform import TaskFacts
from radiant.operators.reasons import Reason
from radiant.operators.release import let_go
from radiant.operators.request import TaskPlace
from radiant.operators.trigger import ContainerTrigger
from radiant.operators.watch import Step, Watch
from radiant.settings import Settings, load_settings

_LOOK_FOR_STOP_S = 0.2


class ContainerJobOperator(JobOperator):
    """Runs a job as a container; a subclass names the backend and repeats the constructor.

    The container outlives the task's process: a try finds by the note at the work URI what an earlier try started, and
    goes on with it (or takes its end) when it does what this try wants. Only a person's wish (mark failed, mark
    success, clear) and a time-out stop it; a worker that is drained or dies does not.

    With `RADIANT_CONTAINER__DEFERRABLE` the task waits in the triggerer and holds no worker slot.
    """

    backend: str
    """As `RADIANT_BACKEND` names it."""

    def __init__(self, *, job: str, arguments: Mapping[str, Any], **airflow_kwargs: Any) -> None:
        """Describe the task, see `JobOperator`."""
        super().__init__(job=job, arguments=arguments, **airflow_kwargs)

    def resume(self, context: Any, event: Mapping[str, Any]) -> dict[str, Any]:
        """Go on after the triggerer has seen the container's end; raises as `execute` does."""
        with self.told_to_airflow():
            return self._resume(context, event)

    def begin(self, context: Any, place: TaskPlace, wanted: Request) -> Request:
        """Adopt what an earlier try started, else write this try's request and its note."""
        platform = platform_of(self.backend)
        note, on_file = read_note(place), request_on_file(place)
        try_number = context["ti"].try_number
        if note is not None and on_file is not None and may_adopt(note, on_file, wanted, self.backend):
            self.log.info("adopting the %s of an earlier try: %s", platform.noun, note.handle or note.attempt)
            # Without a handle nobody has the answer to its start.
            dataclasses.replace(note, held_by=try_number, unsure=note.handle is None).save(place)
            return on_file
        if note is not None:
            self._end_earlier(note)
        place.ask(wanted)
        new_note(wanted, self.backend, try_number).save(place)
        return wanted

    def _end_earlier(self, note: Note) -> None:
        """Stop what an earlier try left, and remove what is left of a container whose end is judged.

        Raises:
            PlatformUnavailableError: what may still run could not be stopped; nothing is started beside it.
        """
        platform = platform_of(note.platform)
        if note.closed:
            if note.handle is not None:
                with contextlib.suppress(PlatformUnavailableError, JobRefusedError):
                    platform.release(note.handle)
            return
        handle = note.handle or platform.find(note.attempt)
        if handle is not None:
            self.log.warning("stopping the %s of an earlier try, which wanted something else", platform.noun)
            platform.stop(handle, Reason.KILLED)
            platform.release(handle)

    def run_job(self, context: Any, spec: JobSpec, place: TaskPlace, request: Request) -> Ended:
        """Start the container and follow it here, or leave both to the triggerer.

        The triggerer has its client and its modules already; loading them costs each process of a task more CPU time
        than all the rest that it does.
        """
        watch = self._watch(context, spec, place, request)
        if not load_settings().container.deferrable:
            return self._follow(context, watch)
        if self.stop_requested:
            return self._stopped(context, watch)
        trigger = ContainerTrigger(
            backend=self.backend,
            job=self.job,
            run_uri=place.run_uri,
            uri=place.uri,
            task=dataclasses.asdict(task_facts(context)),
            deadline=watch.deadline,
            deferred_at=time.time(),
        )
        raise TaskDeferred(trigger=trigger, method_name="resume")

    def conclude(
        self, context: Any, settings: Settings, place: TaskPlace, request: Request, ended: Ended
    ) -> dict[str, Any]:
        """Judge, then let go of the container; its note stays open when the result could not be read.

        Raises:
            JobLostError: this process has to go; the next try adopts the container or its end, or has done so.
        """
        if self.stop_requested and self.stop_reason(context) == Reason.DRAINED:
            raise self._drained()
        self._require_held(context, place)
        try:
            # The container may have been started again, with another attempt.
            found = super().conclude(context, settings, place, request_on_file(place) or request, ended)
        except StorageError:
            self.log.warning("the next try judges the end of this %s again", platform_of(self.backend).noun)
            raise
        except BaseException:
            self._let_go(place)
            raise
        self._let_go(place)
        return found

    def _require_held(self, context: Any, place: TaskPlace) -> None:
        """Return when no later try has adopted the container: what that one judged must stand."""
        note, try_number = read_note(place), context["ti"].try_number
        if note is not None and note.held_by > try_number:
            msg = f"{self.job}: {Reason.SUPERSEDED}: try {note.held_by} has adopted the container of try {try_number}"
            raise JobLostError(msg, reason=Reason.SUPERSEDED)

    def _let_go(self, place: TaskPlace) -> None:
        note = read_note(place)
        if note is None:
            return
        try:
            if left := let_go(platform_of(self.backend), place, note):
                self.log.warning("%s", left)
        except StorageError as error:
            self.log.warning("the next try judges the same end again: %s", error)

    def _watch(self, context: Any, spec: JobSpec, place: TaskPlace, request: Request) -> Watch:
        task = task_facts(context)
        note = read_note(place) or new_note(request, self.backend, task.try_number)
        return Watch(
            platform_of(self.backend),
            place,
            request=request,
            note=note,
            spec=spec,
            task=task,
            limits=load_settings().container,
            deadline=time.time() + self.execution_timeout.total_seconds() if self.execution_timeout else None,
        )

    def _follow(self, context: Any, watch: Watch) -> Ended:
        try:
            while True:
                step = watch.step()
                self._tell(step)
                watch.logged()
                if step.ended is not None:
                    return step.ended
                until = time.monotonic() + step.pause_s
                while not self.stop_requested and time.monotonic() < until:
                    time.sleep(min(_LOOK_FOR_STOP_S, max(0.0, until - time.monotonic())))
                if self.stop_requested:
                    return self._stopped(context, watch)
        except AirflowTaskTimeout:
            reason = platform_of(self.backend).timeout_reason
            return watch.kill(reason, "The task's own execution_timeout is over.")

    def _stopped(self, context: Any, watch: Watch) -> Ended:
        """Stop the container for a person; leave it alone when only this process has to go.

        Raises:
            JobLostError: this process has to go; the next try adopts the container.
        """
        if self.stop_reason(context) == Reason.KILLED:
            return watch.kill(Reason.KILLED, "Somebody marked or cleared the task.")
        raise self._drained()

    def _drained(self) -> JobLostError:
        noun = platform_of(self.backend).noun
        msg = f"{self.job}: {Reason.DRAINED}: this Airflow worker was asked to stop; the {noun} is left to the next try"
        return JobLostError(msg, reason=Reason.DRAINED)

    def _tell(self, step: Step) -> None:
        for line in step.lines:
            self.log_line(line)
        if step.news:
            self.log.log(level_of(step.news), "%s", step.news)

    def _resume(self, context: Any, event: Mapping[str, Any]) -> dict[str, Any]:
        settings = load_settings()
        place = TaskPlace.of(context, settings.effective_work_uri)
        if (error := event.get("error")) is not None:
            msg = f"{self.job}: {error}"
            raise JobLostError(msg, reason=event["code"]) if event["retryable"] else AirflowFailException(msg)
        request = request_on_file(place)
        if request is None:
            msg = f"{place.request_uri} is gone: something removes files from the work URI while tasks run"
            raise ConfigError(msg)
        return self.conclude(context, settings, place, request, Ended.from_json(event["ended"]))


def task_facts(context: Any) -> TaskFacts:
    """Return which try of which task an Airflow context is of."""
    instance = context["ti"]
    index: int | None = instance.map_index
    tries = getattr(instance, "max_tries", None)
    return TaskFacts(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        map_index=-1 if index is None else index,
        try_number=instance.try_number,
        last_try=tries is not None and instance.try_number > tries,
    )
