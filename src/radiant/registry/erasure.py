"""Erasing a case from the registry: its number and the fact of the erasure stay, and nothing else."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant import storage
from radiant.domain.case import CaseState
from radiant.errors import CaseStateError
from radiant.registry import lifecycle
from radiant.registry.model import AssignmentRow, CaseRow, ErasureRow, FileRow, HistoryRow, LoadRow, MemberRow, UsageRow
from radiant.registry.registration import release_ids
from radiant.registry.rows import find


@dataclass(frozen=True, slots=True)
class Erasure:
    """The fact that a case was erased, or is being erased."""

    case_id: int
    reason: str
    begun_at: dt.datetime
    """UTC."""
    finished_at: dt.datetime | None
    """None while it is under way, or was interrupted."""


def begin(session: Session, case_id: int, reason: str, at: dt.datetime) -> Erasure:
    """Remove a case for good: from now on no import of it begins, and no commit of it passes."""
    row = find(session, case_id)
    known = session.get(ErasureRow, case_id)
    if known is None and lifecycle.has_lease(row, at):
        msg = (
            f"case {case_id} is {row.state} by run {row.run} until {row.lease_until:%Y-%m-%d %H:%M} UTC: wait for "
            "that run, "
            "or stop it, then repeat the command; nothing was erased"
        )
        raise CaseStateError(msg)
    if row.state != CaseState.DELETED:
        lifecycle.end_started(session, row, at, lifecycle.LoadEnd.REMOVED, "the case is erased")
        lifecycle.remove(session, row, at)
    if known is None:
        known = ErasureRow(case_id=case_id, reason=reason, begun_at=at)
        session.add(known)
    row.purged = False
    session.flush()
    return _value(known)


def finish(session: Session, case_id: int, at: dt.datetime) -> dict[str, int]:
    """Delete all rows of a case but its number; return how many went from each table."""
    row, known = find(session, case_id), session.get(ErasureRow, case_id)
    if known is None:
        msg = f"case {case_id} is not being erased"
        raise CaseStateError(msg)
    ids = set(session.scalars(sa.select(AssignmentRow.id)))
    row.purged = True
    session.flush()
    if row.part is not None:
        release_ids(session, [row])
    session.flush()
    gone = {
        AssignmentRow.__tablename__: len(ids - set(session.scalars(sa.select(AssignmentRow.id)))),
        MemberRow.__tablename__: len(row.members),
        FileRow.__tablename__: len(row.files),
    }
    row.members.clear()
    row.files.clear()
    session.flush()
    for kind in (HistoryRow, LoadRow, UsageRow):
        rows = session.scalars(sa.select(kind).where(kind.case_id == case_id)).all()
        gone[kind.__tablename__] = len(rows)
        for one in rows:
            session.delete(one)
    session.flush()
    _blank(row, at)
    known.finished_at = known.finished_at or at
    lifecycle.note_change(session, row, at, "erased; the number is never used again")
    return gone


def _blank(row: CaseRow, at: dt.datetime) -> None:
    row.proband = row.load_id = row.part = row.imported_at = None
    row.created_at = row.updated_at = at


def of_case(session: Session, case_id: int) -> Erasure | None:
    """Return the erasure of a case, None for a case that is not erased."""
    known = session.get(ErasureRow, case_id)
    return None if known is None else _value(known)


def names_of_others(session: Session, case_id: int) -> set[str]:
    """Return the patients, experiments, families, samples and files of all other cases."""
    names: set[str] = set()
    for row in session.scalars(sa.select(CaseRow).where(CaseRow.case_id != case_id)):
        names |= {storage.canonical(file.uri) for file in row.files}
        for member in row.members:
            names |= {member.patient_id, member.experiment_id, member.sample, member.family_id}
    return names


def _value(row: ErasureRow) -> Erasure:
    return Erasure(row.case_id, row.reason, row.begun_at, row.finished_at)
