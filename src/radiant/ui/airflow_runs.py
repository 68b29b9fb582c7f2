"""What Airflow's own database has about imports: the task instances of `import_case`, and their summaries (XCom)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance as AirflowTask
from airflow.models.xcom import XComModel
from sqlalchemy.orm import Session

from radiant.errors import JobProtocolError
from radiant.jobs.dag_ids import IMPORT_VCF
from radiant.jobs.documents import JobSummary, read_job_summary

IMPORT_TASK = "import_case"
"""Task of `import-vcf` that imports one case for each index."""
_LABEL = "case "
"""`map_index_template` of that task, before the case's number."""
_LABEL_COLUMN: Any = AirflowTask.__table__.c["rendered_map_index"]
_ACTIVE = ("running", "deferred", "up_for_retry", "restarting")
_RUNNING = ("running", "deferred", "queued", "scheduled", "up_for_retry", "restarting")
_MOST = 50


@dataclass(frozen=True, slots=True)
class ImportTask:
    """The import of one case in one run, as Airflow sees it."""

    run_id: str
    map_index: int
    case_id: int
    state: str
    """Airflow's, `none` before the task is scheduled."""
    try_number: int
    started_at: dt.datetime | None
    ended_at: dt.datetime | None

    @property
    def is_running(self) -> bool:
        """Whether a job of it may be at work."""
        return self.state in _ACTIVE

    def seconds_until(self, now: dt.datetime) -> float | None:
        """Return the seconds since the last try began; None before the first."""
        return None if self.started_at is None else max(0.0, (now - self.started_at).total_seconds())

    @property
    def seconds(self) -> float | None:
        """From the start of the last try to its end; None while it runs."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


@dataclass(frozen=True, slots=True)
class AirflowRun:
    """A run, as Airflow sees it."""

    dag_id: str
    run_id: str
    state: str
    started_at: dt.datetime | None
    ended_at: dt.datetime | None


def dag_run(session: Session, dag_id: str, run_id: str) -> AirflowRun | None:
    """Return a run, None where there is none of that id."""
    row = session.scalars(sa.select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).first()
    return None if row is None else AirflowRun(dag_id, run_id, str(row.state), row.start_date, row.end_date)


def existing_runs(session: Session, dag_id: str, run_ids: Sequence[str]) -> list[str]:
    """Return which of these runs exist, the oldest first."""
    wanted = sa.select(DagRun.run_id).where(DagRun.dag_id == dag_id, DagRun.run_id.in_(run_ids)).order_by(DagRun.id)
    return list(session.scalars(wanted))


def imports_of_runs(session: Session, run_ids: Sequence[str]) -> tuple[list[ImportTask], int]:
    """Return the imports of runs of `import-vcf` that have started, and the number of those that have not."""
    wanted = _imports().where(AirflowTask.run_id.in_(run_ids))
    started = _found(session, wanted.where(_LABEL_COLUMN.is_not(None)))
    others = wanted.where(_LABEL_COLUMN.is_(None), AirflowTask.map_index >= 0)
    count = session.scalar(sa.select(sa.func.count()).select_from(others.subquery()))
    return started, count or 0


def case_of(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int) -> int | None:
    """Return the case that a task imports; None for another task, and for one that has not started."""
    if (dag_id, task_id) != (IMPORT_VCF, IMPORT_TASK):
        return None
    wanted = _imports().where(AirflowTask.run_id == run_id, AirflowTask.map_index == map_index)
    found = _found(session, wanted.where(_LABEL_COLUMN.is_not(None)))
    return found[0].case_id if found else None


def imports_of_case(session: Session, case_id: int) -> list[ImportTask]:
    """Return the imports of a case, the newest first; none that has not started, since it has no label yet."""
    label = f"{_LABEL}{case_id}" == _LABEL_COLUMN
    wanted = _imports().where(label).order_by(AirflowTask.start_date.desc()).limit(_MOST)
    return _found(session, wanted)


def running_imports(session: Session) -> list[ImportTask]:
    """Return the imports that have started and not ended, those that began first first."""
    wanted = _imports().where(AirflowTask.state.in_(_RUNNING), _LABEL_COLUMN.is_not(None))
    return _found(session, wanted.order_by(AirflowTask.start_date).limit(_MOST))


def latest_imports(session: Session, case_ids: Iterable[int]) -> dict[int, ImportTask]:
    """Return the newest import of each of these cases; a case that Airflow has no import of is left out."""
    labels = [f"{_LABEL}{case_id}" for case_id in case_ids]
    wanted = _imports().where(_LABEL_COLUMN.in_(labels)).order_by(AirflowTask.start_date)
    return {one.case_id: one for one in _found(session, wanted)}


def summary_of(session: Session, task: ImportTask) -> JobSummary | None:
    """Return the summary of an import, None where there is none that this version can read."""
    return summary_of_task(session, IMPORT_VCF, task.run_id, IMPORT_TASK, task.map_index)


def summary_of_task(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> JobSummary | None:
    """Return the summary of a job's task, None where there is none that this version can read."""
    found = xcom(session, dag_id, run_id, task_id, map_index)
    try:
        return None if found is None else read_job_summary(found, f"the XCom of {task_id}")
    except JobProtocolError:
        return None


def xcom(session: Session, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> object:
    """Return what a task returned, None where it returned nothing."""
    wanted = XComModel.get_many(
        run_id=run_id, key="return_value", task_ids=task_id, dag_ids=dag_id, map_indexes=map_index
    )
    found = session.scalars(wanted.limit(1)).first()
    return None if found is None else XComModel.deserialize_value(found)


def _imports() -> sa.Select[Any]:
    return sa.select(AirflowTask).where(AirflowTask.dag_id == IMPORT_VCF, AirflowTask.task_id == IMPORT_TASK)


def _found(session: Session, wanted: sa.Select[Any]) -> list[ImportTask]:
    return [task for row in session.scalars(wanted) if (task := _task(row)) is not None]


def _task(row: AirflowTask) -> ImportTask | None:
    label = row.rendered_map_index or ""
    number = label.removeprefix(_LABEL)
    if not label.startswith(_LABEL) or not number.isdecimal():
        return None
    return ImportTask(
        run_id=row.run_id,
        map_index=row.map_index,
        case_id=int(number),
        state=str(row.state or "none"),
        try_number=row.try_number,
        started_at=row.start_date,
        ended_at=row.end_date,
    )
