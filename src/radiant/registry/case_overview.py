"""What pages about cases read: counts, lists that are cut into pages, one case with everything about it.

Nothing here writes. A list reads its page and nothing else, so ten thousand cases are as quick as a hundred.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import lazyload
from sqlalchemy.sql.elements import ColumnElement

from radiant.domain.case import LAST_CASE, CaseState
from radiant.jobs.usage import TaskUsage
from radiant.registry.database import Database
from radiant.registry.model import CaseRow, FileRow, HistoryRow, LoadRow, MemberRow, UsageRow
from radiant.registry.records import CaseFailure, CaseRecord, FileRole, HistoryEntry, Load
from radiant.registry.rows import batches, find, to_history, to_load, to_record
from radiant.registry.task_usage import select_usage, to_usage

_MOST_HISTORY = 200
"""Entries of a history and loads that a page shows, the newest."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases a list has."""

    state: CaseState | None = None
    """None for every state."""
    text: str = ""
    """Part of a VCF's URI, of a sample's, a family's or a patient's id, or a whole case number; empty for all."""


@dataclass(frozen=True, slots=True)
class ListedCase:
    """One line of a list."""

    case_id: int
    state: CaseState
    strategy: str
    priority: str
    part: int | None
    vcf_uri: str
    failure: CaseFailure | None
    """Set while the state is `failed`."""
    updated_at: dt.datetime
    imported_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class CaseList:
    """One page of a list."""

    cases: tuple[ListedCase, ...]
    total: int
    """Cases on all pages."""


@dataclass(frozen=True, slots=True)
class WholeCase:
    """One case with everything that the registry has about it."""

    record: CaseRecord
    history: tuple[HistoryEntry, ...]
    """The newest first."""
    loads: tuple[Load, ...]
    """The newest first."""
    usages: tuple[TaskUsage, ...]
    """The tries of its imports, in the order in which they ended."""


class CaseOverview:
    """Reads a registry for pages; the right to read is enough.

    Args:
        url: SQLAlchemy URL.

    Raises:
        ConfigError: the URL is wrong, its driver is missing, or no registry of this version is there.
        RegistryUnavailableError: the database does not answer; every method may raise it.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, only_read=True)

    def counts(self) -> dict[CaseState, int]:
        """Return the number of cases in each state; 0 where there is none."""
        wanted = sa.select(CaseRow.state, sa.func.count()).group_by(CaseRow.state)
        with self._database.read() as session:
            found = {CaseState(state): count for state, count in session.execute(wanted)}
        return {state: found.get(state, 0) for state in CaseState}

    def cases(self, wanted: CaseFilter, *, offset: int, limit: int) -> CaseList:
        """Return a page of the cases, those that changed last first.

        Args:
            wanted: Which cases.
            offset: Cases before the page.
            limit: The most cases on it.
        """
        conditions = _conditions(wanted)
        count = sa.select(sa.func.count()).select_from(CaseRow).where(*conditions)
        page = (
            sa.select(CaseRow, FileRow.uri)
            .outerjoin(FileRow, (FileRow.case_id == CaseRow.case_id) & (FileRow.role == FileRole.VCF))
            .where(*conditions)
            .order_by(CaseRow.updated_at.desc(), CaseRow.case_id)
            .offset(offset)
            .limit(limit)
            .options(lazyload(CaseRow.members), lazyload(CaseRow.files))
        )
        with self._database.read() as session:
            found = tuple(_listed(row, uri) for row, uri in session.execute(page))
            return CaseList(found, session.scalar(count) or 0)

    def case(self, case_id: int) -> WholeCase:
        """Return a case with its history, its loads and what its imports used.

        Raises:
            CaseNotFoundError: there is none of that number.
        """
        history = sa.select(HistoryRow).where(HistoryRow.case_id == case_id).order_by(HistoryRow.entry.desc())
        loads = sa.select(LoadRow).where(LoadRow.case_id == case_id).order_by(LoadRow.started_at.desc())
        usage = select_usage().where(UsageRow.case_id == case_id).order_by(UsageRow.ended_at)
        with self._database.read() as session:
            return WholeCase(
                record=to_record(find(session, case_id)),
                history=tuple(map(to_history, session.scalars(history.limit(_MOST_HISTORY)))),
                loads=tuple(map(to_load, session.scalars(loads.limit(_MOST_HISTORY)))),
                usages=tuple(map(to_usage, session.execute(usage))),
            )

    def usage(self, *, since: dt.datetime, until: dt.datetime) -> list[TaskUsage]:
        """Return the tries that were requested in a time, in the order of their ends.

        A try whose request has no time counts from when it was stored.

        Args:
            since: The first moment of it.
            until: The first moment after it.
        """
        asked = sa.and_(UsageRow.asked_at >= since.timestamp(), UsageRow.asked_at < until.timestamp())
        stored = sa.and_(UsageRow.asked_at.is_(None), UsageRow.recorded_at < until)
        # A try is stored after its end, so the index of `recorded_at` leaves out all that is older.
        wanted = select_usage().where(UsageRow.recorded_at >= since, sa.or_(asked, stored))
        with self._database.read() as session:
            return list(map(to_usage, session.execute(wanted.order_by(UsageRow.ended_at, UsageRow.attempt))))

    def usage_of_runs(self, runs: Sequence[str]) -> list[TaskUsage]:
        """Return the tries of runs, by the URIs of their folders."""
        with self._database.read() as session:
            return [
                to_usage(row)
                for batch in batches(runs)
                for row in session.execute(select_usage().where(UsageRow.run.in_(batch)))
            ]


def _conditions(wanted: CaseFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if wanted.state is None else [CaseRow.state == wanted.state]
    text = wanted.text.strip()
    if text:
        in_file = sa.select(FileRow.case_id).where(FileRow.uri.icontains(text, autoescape=True))
        of_member = [
            column.icontains(text, autoescape=True)
            for column in (MemberRow.sample, MemberRow.family_id, MemberRow.patient_id)
        ]
        any_of: list[ColumnElement[bool]] = [
            CaseRow.case_id.in_(in_file),
            CaseRow.case_id.in_(sa.select(MemberRow.case_id).where(sa.or_(*of_member))),
        ]
        if text.isascii() and text.isdecimal() and int(text) <= LAST_CASE:
            any_of.append(CaseRow.case_id == int(text))
        found.append(sa.or_(*any_of))
    return found


def _listed(row: CaseRow, vcf_uri: str | None) -> ListedCase:
    failure = None
    if row.failure_code is not None:
        failure = CaseFailure(row.failure_code, row.failure_reason or "", row.failure_retryable)
    return ListedCase(
        case_id=row.case_id,
        state=CaseState(row.state),
        strategy=row.strategy,
        priority=row.priority,
        part=row.part,
        vcf_uri=vcf_uri or "",
        failure=failure,
        updated_at=row.updated_at,
        imported_at=row.imported_at,
    )
