"""One job as one Airflow task: what all backends share."""

import contextlib
import dataclasses
import time
from collections.abc import Generator, Mapping
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from radiant.errors import ConfigError, InputError, JobError, JobFailedError, JobLostError, JobRefusedError
from radiant.jobs.catalogue import JobSpec, effective_job
from radiant.jobs.codec import JsonObject
from radiant.jobs.documents import Result, Status
from radiant.jobs.reasons import Reason
from radiant.operators.ending import Ended, read_together, summary, with_message
from radiant.operators.log_line import level_of
from radiant.operators.retry import TASK_DEFAULTS, AirflowArguments, decide_retry
from radiant.operators.sizing import wanted_memory
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import TaskRun, new_request, task_facts
from radiant.operators.tenancy import run_settings
from radiant.operators.trace import request_span
from radiant.operators.tries import READY_AT, ready_at, with_try
from radiant.runs.tries_document import read_tries, write_tries
from radiant.settings import Settings, load_installation


class JobOperator(BaseOperator):
    """Runs one job of the catalogue; a subclass has one platform.

    Writes the request, lets the platform run the job, and is green only when the job ended with exit code 0 and left a
    valid result of this very attempt. The XCom is `radiant.operators.ending.summary`, even if the job failed.
    Retries, their delay and the memory of each try come from the catalogue, the settings and
    `radiant.operators.retry`.

    A subclass implements `run_job` and repeats the constructor explicitly: `.partial().expand()` reads its signature.
    """

    template_fields = ("arguments",)
    template_fields_renderers = {"arguments": "json"}  # noqa: RUF012 - Airflow declares it as an instance attribute
    ui_color = "#e8f4ea"

    def __init__(self, *, job: str, arguments: Mapping[str, object], **airflow_kwargs: Any) -> None:
        """Describe the task.

        Args:
            job: name of the job in the catalogue.
            arguments: the job's arguments; templated, at any depth.
            airflow_kwargs: what every Airflow operator takes.

        Raises:
            ConfigError: there is no such job, or a setting is wrong.
        """
        super().__init__(**{**self.airflow_defaults(job), **airflow_kwargs})
        self.job = job
        self.arguments = arguments
        self.stop_requested = False

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task.

        The scheduler reads a mapped task's `retries` and limits from here and never calls the constructor, so the
        defaults must be put in twice.
        """
        return super().partial(**{**cls.airflow_defaults(kwargs["job"]), **kwargs})

    @classmethod
    def airflow_defaults(cls, job: str) -> AirflowArguments:
        """Return the Airflow arguments that follow from the job."""
        return {**TASK_DEFAULTS, "retries": effective_job(job, load_installation()).retries}

    def memory_limit(self, job: JobSpec, memory_mib: int, settings: Settings) -> int:
        """Return the limit of a job that needs this much memory: more on a platform with fixed sizes."""
        del job, settings
        return memory_mib

    def begin(self, run: TaskRun) -> TaskRun:
        """Write the request; a backend whose jobs outlive their task may return a run with an earlier try's request."""
        run.folder.write_request(run.request)
        return run

    def run_job(self, run: TaskRun) -> Ended:
        """Run `run.folder.argv(run.job.name, run.request.attempt)` to its end within the limits; return its end.

        Must watch `self.stop_requested`, which `on_kill` sets at any time.
        """
        raise NotImplementedError

    def execute(self, context: Any) -> JsonObject:
        """Run the job.

        Raises:
            AirflowFailException: it failed in a way that another try does not change.
            JobFailedError: it failed in a way that may pass.
            JobLostError: it ended without a result of its own.
            StorageError: its documents could not be written or read.
        """
        with self.permanent_errors():
            with request_span(context, self.job, self.arguments):
                run = self.begin(self._task_run(context))
            self.log.info(
                "%s: %d MiB at most, %d s at most; request, result and the worker's own log (worker.log.gz) at %s",
                self.job,
                run.request.memory_mib,
                run.job.timeout_s,
                run.folder.attempt_uri(run.request.attempt),
            )
            return self.conclude(run, self.run_job(run))

    @contextlib.contextmanager
    def permanent_errors(self) -> Generator[None]:
        """Raise an error that another try does not change as the one that ends the task."""
        try:
            yield
        except (ConfigError, InputError, JobRefusedError) as error:
            msg = f"{self.job}: {error.code}: {error}"
            raise AirflowFailException(msg) from None

    def log_line(self, line: str) -> None:
        """Put a line of the job's log into the task's, at the level that the worker gave it."""
        self.log.log(level_of(line), "%s", line)

    def _task_run(self, context: Any) -> TaskRun:
        settings = run_settings(context)
        job = effective_job(self.job, settings)
        instance: Any = context["ti"]
        folder = TaskFolder.of(instance, settings.effective_work_uri)
        arguments = {name: value for name, value in self.arguments.items() if name != READY_AT}
        wanted_mib = wanted_memory(self.job, self.arguments, settings, folder.read_memory_mib())
        memory_mib = self.memory_limit(job, wanted_mib, settings)
        return TaskRun(
            settings=settings,
            job=job,
            folder=folder,
            task=task_facts(instance),
            request=new_request(
                job, arguments, folder, memory_mib=memory_mib, image=settings.image, tenant=settings.tenant or ""
            ),
            deadline=time.time() + self.execution_timeout.total_seconds() if self.execution_timeout else None,
            instance=instance,
            ready_at=ready_at(context, self.arguments, is_first=not self.upstream_task_ids),
        )

    def conclude(self, run: TaskRun, ended: Ended) -> JsonObject:
        """Read the result, judge, and return the XCom; raises as `execute` does."""
        answer = run.folder.read_result(run.request.attempt)
        result = read_together(run.request, ended, answer)
        if self.stop_requested and result.status is Status.SUCCEEDED:
            # Airflow ends a task green that returns after SIGTERM (apache/airflow#73006).
            ended = dataclasses.replace(ended, reason=self.stop_reason(run))
            result = read_together(run.request, ended, result)
        code = result.failure.code if result.failure is not None else None
        result = dataclasses.replace(result, tries=with_try(read_tries(run.folder.uri), run, ended, answer, code))
        if result.failure is not None:
            self._fail(run, result, ended)
        run.folder.write_outcome(result)
        return summary(result, ended)

    def on_kill(self) -> None:
        """Ask the running `run_job` to stop; called from a signal handler."""
        self.stop_requested = True

    def stop_reason(self, run: TaskRun) -> Reason:
        """Return why this process has to stop: `KILLED` by a person, or `DRAINED` with this Airflow worker.

        The task is still `running` for Airflow when its worker is drained; a person has changed its state. When Airflow
        does not answer, it was no person.
        """
        task = run.task
        try:
            found = run.instance.get_task_states(
                dag_id=task.dag_id, map_index=task.map_index, task_ids=[task.task_id], run_ids=[task.run_id]
            )
        except Exception:  # noqa: BLE001 - whatever it is, there are seconds left and a job to leave in order
            self.log.warning("Airflow did not answer why this task has to stop")
            return Reason.DRAINED
        states = set(found.get(task.run_id, {}).values())
        return Reason.DRAINED if states == {"running"} else Reason.KILLED

    def _fail(self, run: TaskRun, result: Result, ended: Ended) -> None:
        failure = result.failure
        if failure is None:
            return
        decision = decide_retry(
            failure,
            job=self.job,
            try_number=run.task.try_number,
            limit_mib=ended.memory_limit_mib,
            peak_mib=ended.peak_memory_mib,
            asked_mib=ended.memory_asked_mib,
            cap_mib=run.settings.jobs.memory_cap_mib,
            # A request that the history made too small is followed by at least that of the settings.
            fit=lambda memory_mib: self.memory_limit(
                run.job, max(memory_mib, run.job.resources.memory_mib), run.settings
            ),
        )
        if decision.memory_mib is not None:
            run.folder.write_memory_mib(decision.memory_mib)
        write_tries(run.folder.uri, result.tries)
        if result.status is Status.LOST:
            result = with_message(result, _sentences(failure.message, decision.hint))
        run.folder.write_outcome(result)
        try:
            run.instance.xcom_push(key="return_value", value=summary(result, ended))
        except Exception:  # noqa: BLE001 - the server refuses XComs of a task it has given up; the failure is what counts
            self.log.warning("the summary of the failed job could not be stored as XCom")
        error = _error(result, f"{self.job}: {failure.code}: {_sentences(failure.message, decision.hint)}", ended)
        if decision.retry:
            raise error
        raise AirflowFailException(str(error)) from None


def _sentences(*texts: str) -> str:
    return " ".join(f"{text.strip().rstrip('.')}." for text in texts if text.strip())


def _error(result: Result, message: str, ended: Ended) -> JobError:
    failure = result.failure
    code, retryable = (failure.code, failure.retryable) if failure else ("Bug", False)
    text = "\n  ".join((message, "The last lines of its log:", *ended.last_lines)) if ended.last_lines else message
    if result.status is Status.LOST:
        return JobLostError(text, reason=code)
    return JobFailedError(text, code=code, retryable=retryable)
