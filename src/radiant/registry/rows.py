"""Between the registry's rows and the values it answers with; the only place that moves a case to another state."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import TRANSITIONS, Affected, Case, CaseState, Member, Priority, Sex
from radiant.errors import CaseNotFoundError, CaseStateError
from radiant.registry.model import CaseRow, FileRow, HistoryRow, LoadRow, MemberRow
from radiant.registry.records import CaseFailure, CaseFile, CaseRecord, FileRole, HistoryEntry, Load, LoadStatus

_IN_BATCH = 500
"""Ids in one IN clause: below every database's limit of bound values."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The run that takes cases, and its lease."""

    run: str
    at: dt.datetime
    """Now, UTC."""
    until: dt.datetime
    """End of the lease, UTC."""


HELD = (CaseState.ASSIGNED, CaseState.IMPORTING)
"""The states in which a run holds a case."""


def find(session: Session, case_id: int) -> CaseRow:
    """Return the row of a case.

    Raises:
        CaseNotFoundError: there is none.
    """
    row = session.get(CaseRow, case_id)
    if row is None:
        raise not_found([case_id])
    return row


def find_all(session: Session, case_ids: Iterable[int]) -> dict[int, CaseRow]:
    """Return the rows of cases by their numbers; unknown numbers are left out."""
    found: dict[int, CaseRow] = {}
    for batch in batches(sorted(set(case_ids))):
        for row in session.scalars(sa.select(CaseRow).where(CaseRow.case_id.in_(batch))):
            found[row.case_id] = row
    return found


def not_found(case_ids: Iterable[int]) -> CaseNotFoundError:
    """Return the error for case numbers that are not registered."""
    numbers = ", ".join(str(case_id) for case_id in sorted(case_ids))
    return CaseNotFoundError(f"no case {numbers} is registered; `radiant cases list` shows those that are")


def batches(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Yield the items in pieces that fit one IN clause."""
    for start in range(0, len(items), _IN_BATCH):
        yield items[start : start + _IN_BATCH]


def move(  # noqa: PLR0913 - one history entry has that many columns
    session: Session,
    row: CaseRow,
    to: CaseState,
    at: dt.datetime,
    note: str,
    *,
    run: str | None = None,
    load_id: str | None = None,
) -> None:
    """Bring a case into a state and write that down.

    Raises:
        CaseStateError: the state machine does not allow it.
    """
    state = CaseState(row.state)
    if to not in TRANSITIONS[state]:
        msg = f"case {row.case_id} is {state} and cannot become {to} ({note})"
        raise CaseStateError(msg)
    row.state = to
    if to not in HELD:
        row.run = None
        row.lease_until = None
    if to is not CaseState.FAILED:
        row.failure_code = None
        row.failure_reason = None
        row.failure_retryable = False
    remark(session, row, at, note, from_state=state, run=run, load_id=load_id)


def remark(  # noqa: PLR0913 - one history entry has that many columns
    session: Session,
    row: CaseRow,
    at: dt.datetime,
    note: str,
    *,
    from_state: CaseState | None,
    run: str | None = None,
    load_id: str | None = None,
) -> None:
    """Write an entry into the history of a case."""
    row.updated_at = at
    session.add(
        HistoryRow(
            case_id=row.case_id,
            at=at,
            from_state=from_state,
            to_state=row.state,
            run=run,
            load_id=load_id,
            note=note,
        )
    )


def end_started(session: Session, row: CaseRow, at: dt.datetime, code: str, reason: str) -> None:
    """Note that what was under way for a case has failed."""
    started = sa.select(LoadRow).where(LoadRow.case_id == row.case_id, LoadRow.status == LoadStatus.STARTED)
    for load in session.scalars(started):
        load.status = LoadStatus.FAILED
        load.finished_at = at
        load.code = code
        load.reason = reason


def held_note(row: CaseRow) -> str:
    """Return the sentence with the run that holds a case, until when, and what to do."""
    until = "" if row.lease_until is None else f" until {row.lease_until:%Y-%m-%d %H:%M} UTC"
    return f"case {row.case_id} is {row.state} by run {row.run}{until}; wait for it, or for the end of its lease"


def purged_note(row: CaseRow) -> str:
    """Return the sentence that no rows of a removed case are left, and what to do."""
    return f"case {row.case_id} was removed, nothing of it is left; add it again to import it"


def has_lease(row: CaseRow, at: dt.datetime) -> bool:
    """Return whether some run still holds the case."""
    return CaseState(row.state) in HELD and row.lease_until is not None and row.lease_until > at


def file_of(row: CaseRow, role: FileRole) -> FileRow | None:
    """Return the file of that role, None if the case has none."""
    return next((file for file in row.files if file.role == role), None)


def to_case(row: CaseRow) -> Case:
    """Return the case of a row."""
    vcf = file_of(row, FileRole.VCF)
    return Case(
        case_id=row.case_id,
        vcf_uri="" if vcf is None else vcf.uri,
        strategy=row.strategy,
        priority=Priority(row.priority),
        assembly=row.assembly,
        members=tuple(
            Member(
                sample=member.sample,
                family_id=member.family_id,
                father=member.father,
                mother=member.mother,
                sex=Sex(member.sex),
                affected=Affected(member.affected),
                patient_id=member.patient_id,
                experiment_id=member.experiment_id,
                is_proband=member.is_proband,
            )
            for member in row.members
        ),
    )


def to_member_rows(members: Iterable[Member]) -> list[MemberRow]:
    """Return the rows of members."""
    return [
        MemberRow(
            position=position,
            sample=member.sample,
            family_id=member.family_id,
            father=member.father,
            mother=member.mother,
            sex=member.sex,
            affected=member.affected,
            patient_id=member.patient_id,
            experiment_id=member.experiment_id,
            is_proband=member.is_proband,
        )
        for position, member in enumerate(members)
    ]


def to_file(row: FileRow) -> CaseFile:
    """Return a file row's value."""
    return CaseFile(FileRole(row.role), row.uri, row.size, row.tag, row.sha256)


def to_file_rows(files: Iterable[CaseFile]) -> list[FileRow]:
    """Return the rows of files."""
    return [FileRow(role=file.role, uri=file.uri, size=file.size, tag=file.tag, sha256=file.sha256) for file in files]


def to_record(row: CaseRow) -> CaseRecord:
    """Return all that a row says."""
    failure = None
    if row.failure_code is not None:
        failure = CaseFailure(row.failure_code, row.failure_reason or "", row.failure_retryable)
    return CaseRecord(
        case=to_case(row),
        state=CaseState(row.state),
        part=row.part,
        proband=row.proband,
        files=tuple(map(to_file, row.files)),
        failure=failure,
        run=row.run,
        lease_until=row.lease_until,
        load_id=row.load_id,
        purged=row.purged,
        created_at=row.created_at,
        updated_at=row.updated_at,
        imported_at=row.imported_at,
    )


def to_history(row: HistoryRow) -> HistoryEntry:
    """Return a history row's value."""
    return HistoryEntry(
        at=row.at,
        from_state=None if row.from_state is None else CaseState(row.from_state),
        to_state=CaseState(row.to_state),
        run=row.run,
        load_id=row.load_id,
        note=row.note,
    )


def to_load(row: LoadRow) -> Load:
    """Return a load row's value."""
    return Load(
        load_id=row.load_id,
        case_id=row.case_id,
        part=row.part,
        run=row.run,
        status=LoadStatus(row.status),
        started_at=row.started_at,
        finished_at=row.finished_at,
        code=row.code,
        reason=row.reason,
        commit_token=row.commit_token,
    )
