"""What all backends share: one job as one Airflow task."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from radiant.errors import ConfigError, InputError, JobError, JobFailedError, JobLostError
from radiant.jobs.documents import Result, Status
from radiant.jobs.spec import JobSpec
from radiant.operators.ending import KILLED, Ended, read_together, summary, with_message
from radiant.operators.request import TaskPlace, effective_job, new_request
from radiant.operators.retry import TASK_DEFAULTS, decide
from radiant.settings import Settings, load_settings

_LEVEL = re.compile(r"\S+ \S+ (WARNING|ERROR|CRITICAL) ")
"""The worker's lines begin with date, time and level."""


class JobOperator(BaseOperator):
    """Runs one job of the catalogue; a subclass knows one platform.

    Writes the request, lets the platform run the job, and is green only when the job ended with exit code 0 and left a
    valid result of this very attempt. The XCom is `radiant.operators.ending.summary`, pushed also when the job failed.
    Retries, their delay and the memory of each try come from the catalogue, the settings and
    `radiant.operators.retry`.

    A subclass implements `run_job` and repeats the constructor explicitly: `.partial().expand()` reads its signature.
    """

    template_fields = ("request",)
    template_fields_renderers = {"request": "json"}  # noqa: RUF012 - Airflow declares it as an instance attribute
    ui_color = "#e8f4ea"

    def __init__(self, *, job: str, request: Mapping[str, Any], **airflow_kwargs: Any) -> None:
        """Describe the task.

        Args:
            job: name of the job in the catalogue.
            request: the job's arguments; templated, at any depth.
            airflow_kwargs: what every Airflow operator takes.

        Raises:
            ConfigError: there is no such job, or a setting is wrong.
        """
        super().__init__(**{**self.airflow_defaults(job), **airflow_kwargs})
        self.job = job
        self.request = request
        self.stop_requested = False

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Begin a mapped task.

        The scheduler reads a mapped task's `retries` and limits from here and never calls the constructor, so the
        defaults must be put in twice.
        """
        return super().partial(**{**cls.airflow_defaults(kwargs["job"]), **kwargs})

    @classmethod
    def airflow_defaults(cls, job: str) -> dict[str, Any]:
        """Return the Airflow arguments that follow from the job."""
        return {**TASK_DEFAULTS, "retries": effective_job(job, load_settings()).retries}

    def run_job(self, spec: JobSpec, place: TaskPlace, *, memory_mib: int) -> Ended:
        """Run `place.argv(spec.name)` to its end within the limits and return what was seen of it.

        Must watch `self.stop_requested`, which `on_kill` sets at any time, and must not leave anything running, however
        it is left.
        """
        raise NotImplementedError

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the job.

        Raises:
            AirflowFailException: it failed in a way that another try does not change.
            JobFailedError: it failed in a way that may pass.
            JobLostError: it ended without a result of its own.
            StorageError: its documents could not be written or read.
        """
        try:
            return self._execute(context)
        except (ConfigError, InputError) as error:
            msg = f"{self.job}: {error.code}: {error}"
            raise AirflowFailException(msg) from None

    def log_line(self, line: str) -> None:
        """Put a line of the job's log into the task's, at the level that the worker gave it."""
        found = _LEVEL.match(line)
        self.log.log(logging.getLevelNamesMapping()[found[1]] if found else logging.INFO, "%s", line)

    def _execute(self, context: Any) -> dict[str, Any]:
        settings = load_settings()
        spec = effective_job(self.job, settings)
        place = TaskPlace.of(context, settings.effective_work_uri)
        memory_mib = max(spec.resources.memory_mib, place.read_memory_mib())
        request = new_request(spec, self.request, place, memory_mib=memory_mib, image=settings.image)
        place.ask(request)
        self.log.info(
            "%s: %d MiB at most, %d s at most, documents at %s", self.job, memory_mib, spec.timeout_s, place.uri
        )
        ended = self.run_job(spec, place, memory_mib=memory_mib)
        result = read_together(request, ended, place.answer())
        if self.stop_requested and result.status is Status.SUCCEEDED:
            # Airflow ends a task green that returns after SIGTERM (apache/airflow#73006).
            ended = Ended(ended.exit_code, KILLED, ended.seconds, ended.memory_limit_mib, ended.peak_memory_mib)
            result = read_together(request, ended, result)
        if result.failure is not None:
            self._fail(context, settings, place, result, ended)
        return summary(result, ended)

    def on_kill(self) -> None:
        """Ask the running `run_job` to stop the job; called from a signal handler."""
        self.stop_requested = True

    def _fail(self, context: Any, settings: Settings, place: TaskPlace, result: Result, ended: Ended) -> None:
        failure = result.failure
        if failure is None:
            return
        decision = decide(
            failure,
            job=self.job,
            try_number=context["ti"].try_number,
            limit_mib=ended.memory_limit_mib,
            peak_mib=ended.peak_memory_mib,
            cap_mib=settings.jobs.memory_cap_mib,
        )
        if decision.memory_mib is not None:
            place.write_memory_mib(decision.memory_mib)
        if result.status is Status.LOST:
            result = with_message(result, _sentences(failure.message, decision.hint))
            place.replace_answer(result)
        try:
            context["ti"].xcom_push(key="return_value", value=summary(result, ended))
        except Exception:  # noqa: BLE001 - the server refuses XComs of a task it has given up; the failure is what counts
            self.log.warning("the summary of the failed job could not be kept as XCom")
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
