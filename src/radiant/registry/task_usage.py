"""The table `radiant_task_usage`: one row for each try of a job, kept for a time."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.jobs.usage import JobTry, MemorySource, Placement, TaskUsage, Times, Usage
from radiant.registry.model import UsageRow
from radiant.registry.rows import batches

_TIMES = tuple(one.name for one in dataclasses.fields(Times))
_PLACEMENT = tuple(one.name for one in dataclasses.fields(Placement))
_USAGE = tuple(one.name for one in dataclasses.fields(Usage) if one.name not in {"peak_memory_mib", "memory_source"})
_WHAT = ("run", "job", "case_id")
_OWN = ("attempt", "try_number", "code", "cpu", "memory_limit_mib", "peak_memory_mib", "radiant_version", "image")
_SELECTED = (*_WHAT, *_OWN, *_TIMES, *_PLACEMENT, *_USAGE, "memory_source", "measured_memory_mib")


def record(session: Session, usages: Sequence[TaskUsage], now: dt.datetime, keep_days: int) -> None:
    """Store tries, each once by its attempt; delete those that were recorded longer ago than `keep_days`."""
    for batch in batches(usages):
        attempts = [one.job_try.attempt for one in batch]
        session.execute(sa.delete(UsageRow).where(UsageRow.attempt.in_(attempts)))
        session.add_all(_row(one, now) for one in batch)
    session.execute(sa.delete(UsageRow).where(UsageRow.recorded_at < now - dt.timedelta(days=keep_days)))


def read(session: Session, run: str | None, since: dt.datetime | None) -> list[TaskUsage]:
    """Return tries in the order in which they ended, all or those of one run, recorded since a time."""
    wanted = select_usage().order_by(UsageRow.ended_at, UsageRow.attempt)
    if run is not None:
        wanted = wanted.where(UsageRow.run == run)
    if since is not None:
        wanted = wanted.where(UsageRow.recorded_at >= since)
    return list(map(to_usage, session.execute(wanted)))


def _row(one: TaskUsage, now: dt.datetime) -> UsageRow:
    job_try = one.job_try
    values = {name: getattr(job_try, name) for name in _OWN}
    values |= {name: getattr(job_try.times, name) for name in _TIMES}
    values |= {name: getattr(job_try.placement, name) for name in _PLACEMENT}
    if job_try.usage is not None:
        values |= {name: getattr(job_try.usage, name) for name in _USAGE}
        values |= {
            "memory_source": job_try.usage.memory_source,
            "measured_memory_mib": job_try.usage.peak_memory_mib,
        }
    return UsageRow(run=one.run, job=one.job, case_id=one.case_id, recorded_at=now, **values)


def select_usage() -> sa.Select[*tuple[Any, ...]]:
    """Return the query of all tries; `to_usage` reads its rows."""
    columns: list[Any] = [getattr(UsageRow, name) for name in _SELECTED]
    return sa.select(*columns)


def to_usage(row: sa.Row[*tuple[Any, ...]]) -> TaskUsage:
    """Return the value of a row of `select_usage`."""
    usage = None
    if (source := _SOURCE(row)) is not None:
        usage = Usage(
            **dict(zip(_USAGE, _USED(row), strict=True)), memory_source=MemorySource(source), peak_memory_mib=_PEAK(row)
        )
    job_try = JobTry(
        **dict(zip(_OWN, _OWN_VALUES(row), strict=True)),
        times=Times(*_TIME_VALUES(row)),
        placement=Placement(*_PLACEMENT_VALUES(row)),
        usage=usage,
    )
    run, job, case_id = _OF_WHAT(row)
    return TaskUsage(run, job, case_id, job_try)


def _reader(names: Sequence[str]) -> Callable[[sa.Row[*tuple[Any, ...]]], Any]:
    """Return the function that takes these columns from a row: as a tuple, or one column's value."""
    return itemgetter(*map(_SELECTED.index, names))


_OF_WHAT, _OWN_VALUES, _TIME_VALUES, _PLACEMENT_VALUES, _USED = map(_reader, (_WHAT, _OWN, _TIMES, _PLACEMENT, _USAGE))
_SOURCE, _PEAK = _reader(["memory_source"]), _reader(["measured_memory_mib"])
