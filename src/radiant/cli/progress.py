"""How far a run of `import-radiant` is, read from Airflow's API, and how it is shown while it runs."""

import itertools
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console

from radiant.cli.airflow_api import FINISHED_RUN, FINISHED_TASK, TaskInstance
from radiant.domain.partition import PlannedPart
from radiant.jobs.contracts import ImportOutput, PlanOutput, output_of
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import Status, read_job_summary
from radiant.jobs.run_ids import block_run_id, part_run_id

_SILENCE_S = 30
"""Where lines are printed instead of a live view, one comes at least this often."""


class RunReader(Protocol):
    """The methods of `AirflowApi` that reading a run needs."""

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return all task instances of a DAG run."""
        ...

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a DAG run."""
        ...

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> object:
        """Return what a task returned, None when it returned nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is at one moment."""

    phase: str
    """One word: planning, importing, committing, finished."""
    total: int = 0
    """Cases to import; 0 while it is not known."""
    done: int = 0
    """Cases whose import ended, well or not."""
    failed: int = 0
    """Those of `done` that failed."""
    records: int = 0
    """VCF records read by the cases that are done."""
    elapsed_s: float = 0
    """Since the first case began."""

    @property
    def records_per_s(self) -> float:
        """Records read per second since the first case began, 0 while none is done."""
        return self.records / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds until the last case is done if the rest goes as fast; None while no case is done."""
        if not self.done or not self.total:
            return None
        return self.elapsed_s / self.done * (self.total - self.done)

    def describe(self) -> str:
        """Return one line for a person."""
        if not self.total:
            return self.phase
        parts = [f"{self.phase}: {self.done}/{self.total} cases"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.records:
            parts.append(f"{self.records_per_s:,.0f} records/s")
        if self.eta_s:
            parts.append(f"{_minutes(self.eta_s)} left")
        return ", ".join(parts)


def read_plan(api: RunReader, run_id: str) -> PlanOutput | None:
    """Return the plan of a run of `import-radiant`, None while there is none.

    Raises:
        JobProtocolError: the XCom is of another version.
    """
    xcom = api.xcom(IMPORT_RADIANT, run_id, "plan")
    if xcom is None:
        return None
    summary = read_job_summary(xcom, f"the XCom of plan of run {run_id}")
    return output_of(summary, PlanOutput) if summary.status is Status.SUCCEEDED else None


def import_run_id(run_id: str, part: PlannedPart, block: int) -> str:
    """Return the id of the run of `import-vcf` for a block of one part's cases, as the DAGs name it.

    Args:
        run_id: Of the run of `import-radiant`.
        part: As `plan-import` returned it.
        block: From 1.
    """
    return block_run_id(part_run_id(run_id, part.part, part.cases), block)


@dataclass
class RunProgress:
    """Reads the progress of one run. What cannot change any more is read once."""

    api: RunReader
    run_id: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _parts: tuple[PlannedPart, ...] | None = None
    _ended: dict[str, list[TaskInstance]] = field(default_factory=dict[str, list[TaskInstance]])
    _over: set[int] = field(default_factory=set[int])
    _records: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    def read(self) -> Progress:
        """Return how far the run is.

        Raises:
            AirflowError: Airflow answers with an error.
            AirflowUnavailableError: no answer; another read may get one.
            JobProtocolError: an XCom is of another version.
        """
        state = self.api.run_state(IMPORT_RADIANT, self.run_id)
        ended = state is None or state in FINISHED_RUN
        parts = self._plan()
        if parts is None:
            return Progress("finished" if ended else "planning")
        total = sum(len(part.cases) for part in parts)
        imports = {
            imported_by: tasks for part in self._started(parts) for imported_by, tasks in self._imports(part).items()
        }
        finished = [one for tasks in imports.values() for one in tasks if one.state in FINISHED_TASK]
        for imported_by, tasks in imports.items():
            self._count(imported_by, tasks)
        begun = [one.start_date for tasks in imports.values() for one in tasks if one.start_date]
        # When all are done the clock stops: the commit is no reading.
        last = max((one.end_date for one in finished if one.end_date), default=None)
        until = last if last is not None and len(finished) == total else self.now()
        phase = "importing" if len(finished) < total else "committing"
        return Progress(
            phase="finished" if ended else phase,
            total=total,
            done=len(finished),
            failed=sum(one.state != "success" for one in finished),
            records=sum(self._records.values()),
            elapsed_s=max((until - min(begun)).total_seconds(), 0.0) if begun else 0.0,
        )

    def _plan(self) -> tuple[PlannedPart, ...] | None:
        if self._parts is None and (plan := read_plan(self.api, self.run_id)) is not None:
            self._parts = plan.parts
        return self._parts

    def _started(self, parts: Sequence[PlannedPart]) -> Sequence[PlannedPart]:
        """Return the parts whose runs may exist; one call instead of one per part."""
        if len(self._over) == len(parts):
            return parts
        waiting = {None, "scheduled", "queued"}
        tasks = [
            one
            for one in self.api.task_instances(IMPORT_RADIANT, self.run_id)
            if one.task_id == "import_part" and one.map_index >= 0
        ]
        started = {one.map_index for one in tasks if one.state not in waiting}
        # Where there are more parts than Airflow maps a task over, each task runs every n-th part.
        return [part for index, part in enumerate(parts) if tasks and index % len(tasks) in started]

    def _imports(self, part: PlannedPart) -> dict[str, list[TaskInstance]]:
        """Return the import tasks of one part by the run of `import-vcf`; a further run begins when one has ended."""
        found: dict[str, list[TaskInstance]] = {}
        for block in itertools.count(1):
            run_id = import_run_id(self.run_id, part, block)
            ended = True
            if run_id not in self._ended:
                state = self.api.run_state(IMPORT_VCF, run_id)
                if state is None and block > 1:
                    return found
                ended = state in FINISHED_RUN
                tasks = [
                    one
                    for one in self.api.task_instances(IMPORT_VCF, run_id)
                    if one.task_id == "import_case" and one.map_index >= 0
                ]
                if ended:
                    self._ended[run_id] = tasks
            else:
                tasks = self._ended[run_id]
            found[run_id] = tasks
            complete = sum(map(len, found.values())) >= len(part.cases)
            if ended and complete:
                self._over.add(part.part)
            if complete or not ended:
                return found
        raise AssertionError

    def _count(self, run_id: str, tasks: list[TaskInstance]) -> None:
        for one in tasks:
            key = (run_id, one.map_index)
            if one.state == "success" and key not in self._records:
                self._records[key] = self._records_read(run_id, one.map_index)

    def _records_read(self, run_id: str, map_index: int) -> int:
        xcom = self.api.xcom(IMPORT_VCF, run_id, "import_case", map_index)
        if xcom is None:
            return 0
        summary = read_job_summary(xcom, f"the XCom of import_case {map_index} of run {run_id}")
        return output_of(summary, ImportOutput).records.read


@contextmanager
def shown(console: Console) -> Generator[Callable[[Progress], None]]:
    """Yield the function that shows a progress: a live bar on a terminal, else a line when something changed."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - terminals only
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    columns = (SpinnerColumn(), BarColumn(bar_width=30), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("planning", total=None)
        yield lambda progress: bar.update(
            task, description=progress.describe(), total=progress.total or None, completed=progress.done
        )


class _Lines:
    """Prints a line when a case ended or the phase changed, and every 30 seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._last: tuple[str, int, int] | None = None
        self._at = 0.0

    def __call__(self, progress: Progress) -> None:
        key = (progress.phase, progress.total, progress.done)
        now = time.monotonic()
        if key != self._last or now - self._at >= _SILENCE_S:
            line = f"{_minutes(now - self._began)} {progress.describe()}"
            self._console.print(line, highlight=False, soft_wrap=True)
            self._last, self._at = key, now


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
