"""The table `radiant_task_usage`: one row for each try of a job, kept for a time."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.jobs.usage import JobTry, MemorySource, Placement, Times, Usage
from radiant.registry.model import UsageRow
from radiant.registry.rows import batches

_TIMES = tuple(one.name for one in dataclasses.fields(Times))
_PLACEMENT = tuple(one.name for one in dataclasses.fields(Placement))
_USAGE = tuple(one.name for one in dataclasses.fields(Usage) if one.name != "peak_memory_mib")
_OWN = ("attempt", "try_number", "code", "cpu", "memory_limit_mib", "peak_memory_mib", "radiant_version", "image")


@dataclass(frozen=True, slots=True)
class TaskUsage:
    """A try of a job, with what it was for."""

    run: str
    """URI of the run's folder."""
    job: str
    case_id: int | None
    """Of an import; None for a job of a whole part or run."""
    job_try: JobTry


def record(session: Session, usages: Sequence[TaskUsage], now: dt.datetime, keep_days: int) -> None:
    """Store tries, each once by its attempt; delete those that were recorded longer ago than `keep_days`."""
    for batch in batches(usages):
        attempts = [one.job_try.attempt for one in batch]
        session.execute(sa.delete(UsageRow).where(UsageRow.attempt.in_(attempts)))
        session.add_all(_row(one, now) for one in batch)
    session.execute(sa.delete(UsageRow).where(UsageRow.recorded_at < now - dt.timedelta(days=keep_days)))


def read(session: Session, run: str | None, since: dt.datetime | None) -> list[TaskUsage]:
    """Return tries in the order in which they ended, all or those of one run, recorded since a time."""
    wanted = sa.select(UsageRow).order_by(UsageRow.ended_at, UsageRow.attempt)
    if run is not None:
        wanted = wanted.where(UsageRow.run == run)
    if since is not None:
        wanted = wanted.where(UsageRow.recorded_at >= since)
    return [to_usage(row) for row in session.scalars(wanted)]


def _row(one: TaskUsage, now: dt.datetime) -> UsageRow:
    job_try = one.job_try
    values = {name: getattr(job_try, name) for name in _OWN}
    values |= {name: getattr(job_try.times, name) for name in _TIMES}
    values |= {name: getattr(job_try.placement, name) for name in _PLACEMENT}
    if job_try.usage is not None:
        values |= {name: getattr(job_try.usage, name) for name in _USAGE}
        values["measured_memory_mib"] = job_try.usage.peak_memory_mib
    return UsageRow(run=one.run, job=one.job, case_id=one.case_id, recorded_at=now, **values)


def to_usage(row: UsageRow) -> TaskUsage:
    """Return a usage row's value."""
    usage = None
    if row.memory_source is not None:
        values: dict[str, Any] = {name: getattr(row, name) for name in _USAGE}
        values |= {"memory_source": MemorySource(row.memory_source), "peak_memory_mib": row.measured_memory_mib}
        usage = Usage(**values)
    return TaskUsage(
        run=row.run,
        job=row.job,
        case_id=row.case_id,
        job_try=JobTry(
            **{name: getattr(row, name) for name in _OWN},
            times=Times(*(getattr(row, name) for name in _TIMES)),
            placement=Placement(**{name: getattr(row, name) for name in _PLACEMENT}),
            usage=usage,
        ),
    )
