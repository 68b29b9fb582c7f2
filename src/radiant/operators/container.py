"""A job as a container: start or adopt it, wait here or in the triggerer, stop it, judge its end."""

import contextlib
import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout, TaskDeferred

from radiant.errors import ConfigError, JobLostError, JobRefusedError, PlatformUnavailableError, StorageError
from radiant.jobs.codec import JsonObject, to_json
from radiant.jobs.reasons import Reason
from radiant.operators.backend import platform_of
from radiant.operators.container_record import (
    ContainerRecord,
    close_container,
    may_adopt,
    new_record,
    read_record,
)
from radiant.operators.ending import Ended
from radiant.operators.job import JobOperator
from radiant.operators.log_line import level_of
from radiant.operators.platform import Platform
from radiant.operators.task_run import TaskRun
from radiant.operators.trigger import ContainerTrigger, read_event
from radiant.operators.watcher import Step, Watcher

_LOOK_FOR_STOP_S = 0.2


class ContainerJobOperator(JobOperator):
    """Runs a job as a container; a subclass names the backend and repeats the constructor.

    The container outlives the task's process: a try finds the container of an earlier try by its record at the work
    URI, and follows it (or takes its end) when its request is the same. It is stopped when a person marks the task
    failed or successful or clears it, and by a time-out; not when a worker is drained or dies.

    With `RADIANT_CONTAINER__DEFERRABLE` the task waits in the triggerer and holds no worker slot.
    """

    backend: str
    """As `RADIANT_BACKEND` names it."""

    def __init__(self, *, job: str, arguments: Mapping[str, object], **airflow_kwargs: Any) -> None:
        """Describe the task, see `JobOperator`."""
        super().__init__(job=job, arguments=arguments, **airflow_kwargs)

    def resume(self, context: Any, event: object) -> JsonObject:
        """Go on after the triggerer has seen the container's end; raises as `execute` does."""
        with self.permanent_errors():
            run, found = self._task_run(context), read_event(event)
            if found.ended is None:
                msg = f"{self.job}: {found.error}"
                raise JobLostError(msg, reason=found.code) if found.retryable else AirflowFailException(msg)
            request = run.folder.read_request()
            if request is None:
                msg = f"{run.folder.request_uri} is gone: something removes files from the work URI while tasks run"
                raise ConfigError(msg)
            run = dataclasses.replace(run, request=request)
            return self.conclude(run, found.ended, removed=found.removed)

    def begin(self, run: TaskRun) -> TaskRun:
        """Adopt the container of an earlier try, or write this try's request and its record."""
        record, stored = read_record(run.folder), run.folder.read_request()
        if record is not None and stored is not None and may_adopt(record, stored, run.request, self.backend):
            noun = self._platform(run).noun
            self.log.info("adopting the %s of an earlier try: %s", noun, record.handle or record.attempt)
            # Without a handle it is unknown whether its start succeeded.
            adopted = dataclasses.replace(record, held_by=run.task.try_number, unsure=record.handle is None)
            adopted.save(run.folder)
            return dataclasses.replace(run, request=stored, ended=record.ended)
        if record is not None:
            self._end_earlier(platform_of(record.platform, run.settings), record)
        run.folder.write_request(run.request)
        new_record(run.request, self.backend, run.task.try_number).save(run.folder)
        return run

    def _end_earlier(self, platform: Platform, record: ContainerRecord) -> None:
        """Stop what an earlier try left, and remove what is left of a container whose end is judged.

        Raises:
            PlatformUnavailableError: what may still run could not be stopped; nothing is started beside it.
        """
        if record.closed:
            if record.handle is not None:
                with contextlib.suppress(PlatformUnavailableError, JobRefusedError):
                    platform.release(record.handle)
            return
        handle = record.handle or platform.find(record.attempt, self.job)
        if handle is not None:
            self.log.warning("stopping the %s of an earlier try, which had other arguments", platform.noun)
            platform.stop(handle, Reason.KILLED)
            platform.release(handle)

    def run_job(self, run: TaskRun) -> Ended:
        """Start the container and follow it here, or leave both to the triggerer.

        The triggerer has its client and its modules already; loading them costs each process of a task more CPU time
        than all the rest that it does.
        """
        if run.ended is not None:
            return run.ended
        if not run.settings.container.deferrable:
            return self._follow(run, self._watcher(run))
        if self.stop_requested:
            return self._stopped(run, self._watcher(run))
        trigger = ContainerTrigger(
            backend=self.backend,
            job=self.job,
            run_uri=run.folder.run_uri,
            uri=run.folder.uri,
            task=to_json(run.task),
            deadline=run.deadline,
            deferred_at=time.time(),
        )
        raise TaskDeferred(trigger=trigger, method_name="resume")

    def conclude(self, run: TaskRun, ended: Ended, *, removed: bool = False) -> JsonObject:
        """Judge, then remove the container unless it is removed; its record stays open when the result is unreadable.

        Raises:
            JobLostError: this process has to go; the next try adopts the container or its end, or has done so.
        """
        if self.stop_requested and self.stop_reason(run) is Reason.DRAINED:
            raise self._drained(run)
        self._require_held(run)
        try:
            # The container may have been started again, with another attempt.
            request = run.folder.read_request() or run.request
            found = super().conclude(dataclasses.replace(run, request=request), ended)
        except StorageError:
            self.log.warning("the next try judges the end of this %s again", self._platform(run).noun)
            raise
        except BaseException:
            self._close(run, removed=removed)
            raise
        self._close(run, removed=removed)
        return found

    def _require_held(self, run: TaskRun) -> None:
        """Return when no later try has adopted the container: what that one judged must stand."""
        record, try_number = read_record(run.folder), run.task.try_number
        if record is not None and record.held_by > try_number:
            msg = f"{self.job}: {Reason.SUPERSEDED}: try {record.held_by} has adopted the container of try {try_number}"
            raise JobLostError(msg, reason=Reason.SUPERSEDED)

    def _close(self, run: TaskRun, *, removed: bool) -> None:
        record = read_record(run.folder)
        if record is None or record.held_by > run.task.try_number:
            return
        try:
            if removed and record.ended is not None:
                dataclasses.replace(record, closed=True).save(run.folder)
            elif left := close_container(self._platform(run), run.folder, record):
                self.log.warning("%s", left)
        except StorageError as error:
            self.log.warning("the next try judges the same end again: %s", error)

    def _watcher(self, run: TaskRun) -> Watcher:
        record = read_record(run.folder) or new_record(run.request, self.backend, run.task.try_number)
        return Watcher(self._platform(run), run, record)

    def _follow(self, run: TaskRun, watcher: Watcher) -> Ended:
        position = watcher.begin
        try:
            while True:
                step = watcher.step(position)
                self._log_step(step)
                position = step.position
                if step.ended is not None:
                    return step.ended
                until = time.monotonic() + step.pause_s
                while not self.stop_requested and time.monotonic() < until:
                    time.sleep(min(_LOOK_FOR_STOP_S, max(0.0, until - time.monotonic())))
                if self.stop_requested:
                    return self._stopped(run, watcher)
        except AirflowTaskTimeout:
            return watcher.kill(self._platform(run).timeout_reason, "The task's own execution_timeout is over.")

    def _stopped(self, run: TaskRun, watcher: Watcher) -> Ended:
        """Stop the container for a person; leave it alone when only this process has to go.

        Raises:
            JobLostError: this process has to go; the next try adopts the container.
        """
        if self.stop_reason(run) is Reason.KILLED:
            return watcher.kill(Reason.KILLED, "The task was marked or cleared.")
        raise self._drained(run)

    def _drained(self, run: TaskRun) -> JobLostError:
        noun = self._platform(run).noun
        msg = f"{self.job}: {Reason.DRAINED}: this Airflow worker was asked to stop; the {noun} is left to the next try"
        return JobLostError(msg, reason=Reason.DRAINED)

    def _log_step(self, step: Step) -> None:
        for line in step.lines:
            self.log_line(line)
        if step.news:
            self.log.log(level_of(step.news), "%s", step.news)

    def _platform(self, run: TaskRun) -> Platform:
        return platform_of(self.backend, run.settings)
