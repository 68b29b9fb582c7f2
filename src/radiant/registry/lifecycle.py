"""The lifecycle of a case: states, transitions, leases, loads, and why a case is not free.

Only this module sets the state, the lease, the load, the revision and the failure of a case, and the status of a load.
Every function takes the one writing session; a function that raises has changed nothing.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState
from radiant.errors import CaseStateError, CommitConflictError, CommitUnknownError
from radiant.registry.model import CaseRow, HistoryRow, LoadRow
from radiant.registry.records import CaseFailure, LoadStatus
from radiant.registry.rows import batches

_REGISTERED, _ASSIGNED, _IMPORTING = CaseState.REGISTERED, CaseState.ASSIGNED, CaseState.IMPORTING
_IMPORTED, _FAILED, _DELETED = CaseState.IMPORTED, CaseState.FAILED, CaseState.DELETED


@dataclass(frozen=True, slots=True)
class Transition:
    """A step that moves a case from one of some states to another."""

    name: str
    of: frozenset[CaseState]
    to: CaseState


PLAN = Transition("plan", frozenset({_REGISTERED, _ASSIGNED, _IMPORTING, _IMPORTED, _FAILED}), _ASSIGNED)
"""A run reserves the case. It may be reserved or imported by a run whose lease ended."""
CLAIM = Transition("claim", frozenset({_ASSIGNED, _IMPORTING}), _IMPORTING)
"""A run begins to import the case, with a new load."""
COMMIT = Transition("commit", frozenset({_IMPORTING}), _IMPORTED)
"""The rows of the load are visible."""
FAIL = Transition("fail", frozenset({_IMPORTING}), _FAILED)
RETURN = Transition("return", frozenset({_ASSIGNED, _IMPORTING, _IMPORTED, _FAILED}), _REGISTERED)
"""The case is due again: its run gave it back, or it was changed."""
REMOVE = Transition("remove", frozenset(set(CaseState) - {_DELETED}), _DELETED)
ADD_AGAIN = Transition("add again", frozenset({_DELETED}), _REGISTERED)

TRANSITIONS = (PLAN, CLAIM, COMMIT, FAIL, RETURN, REMOVE, ADD_AGAIN)
"""The whole state machine; every other move raises `CaseStateError`."""

HELD = (_ASSIGNED, _IMPORTING)
"""The states in which a run has a lease on a case. A run that crashed leaves the case there until its lease ends."""

_TAKES_OVER: Mapping[Transition, frozenset[tuple[CaseState, bool]]] = {
    PLAN: frozenset({(_ASSIGNED, True)}),
    CLAIM: frozenset({(_ASSIGNED, True), (_ASSIGNED, False), (_IMPORTING, True)}),
}
"""Leases that a step takes over: state of the case, and whether the lease is the same run's. Any other refuses it."""


class LoadEnd(StrEnum):
    """Code of a load that ended without a commit and without a failure of its own."""

    LEASE_ENDED = "LeaseEnded"
    SUPERSEDED = "Superseded"
    REFUSED = "Refused"
    RELEASED = "Released"
    REMOVED = "Removed"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of a run to import cases, for a time."""

    run: str
    at: dt.datetime
    """Begin: now, UTC."""
    until: dt.datetime
    """End, UTC."""


# Why a case is not free.


def has_lease(row: CaseRow, at: dt.datetime) -> bool:
    """Return whether a lease on the case holds at this time."""
    return CaseState(row.state) in HELD and row.lease_until is not None and row.lease_until > at


def why_not_free(row: CaseRow, step: Transition, run: str | None, at: dt.datetime) -> str | None:
    """Return why a run may not plan or claim a case now, None where it may.

    Example: a case that run A imports is refused to every other run until A's lease ends, and to A's own planning.
    """
    if not has_lease(row, at) or (CaseState(row.state), row.run == run) in _TAKES_OVER[step]:
        return None
    until = "" if row.lease_until is None else f" until {row.lease_until:%Y-%m-%d %H:%M} UTC"
    return f"case {row.case_id} is {row.state} by run {row.run}{until}; wait for it, or for the end of its lease"


def why_purged(row: CaseRow) -> str | None:
    """Return why a removed case without rows is neither planned nor claimed, None for any other case."""
    if row.state != CaseState.DELETED or not row.purged:
        return None
    return f"case {row.case_id} was removed, nothing of it is left; add it again to import it"


def is_current(row: CaseRow, load: LoadRow) -> bool:
    """Return whether a load is the one that its case waits for."""
    return row.state == CaseState.IMPORTING and row.load_id == load.load_id and load.status == LoadStatus.STARTED


def why_not_current(row: CaseRow, load: LoadRow) -> str:
    """Return why the result of a load does not count."""
    if row.state == CaseState.DELETED:
        return f"case {row.case_id} was removed while load {load.load_id} was under way"
    how = f"{load.status} ({load.code})" if load.code else load.status
    return (
        f"load {load.load_id} is not the current load of case {row.case_id}, which is {row.state}: it is {how}. "
        "Its result does not count; run import-radiant again if the case is not imported"
    )


# From registered to importing.


def plan(session: Session, row: CaseRow, part: int, lease: Lease, started: Iterable[LoadRow]) -> None:
    """Reserve a case for a run, in a part.

    Args:
        session: Writes.
        row: The case.
        part: Its part.
        lease: Of the run.
        started: The loads of the case that are under way, from `started_loads`.
    """
    for load in started:
        _end_load(load, lease.at, LoadStatus.FAILED, LoadEnd.LEASE_ENDED, "planned again after its lease had ended")
    _move(session, row, PLAN, lease.at, f"planned in part {part}", run=lease.run)
    row.part = part
    row.run, row.lease_until = lease.run, lease.until


def start_load(session: Session, row: CaseRow, part: int, lease: Lease) -> str:
    """Begin an import of a case; return its load id. An earlier load that is under way is superseded."""
    end_started(session, row, lease.at, LoadEnd.SUPERSEDED, "the case was claimed again")
    load_id = uuid.uuid4().hex
    if row.state not in HELD:
        _move(session, row, PLAN, lease.at, f"asked for in part {part}", run=lease.run)
    _move(session, row, CLAIM, lease.at, "claimed", run=lease.run, load_id=load_id)
    row.run, row.lease_until = lease.run, lease.until
    row.load_id = load_id
    session.add(
        LoadRow(
            load_id=load_id,
            case_id=row.case_id,
            part=part,
            run=lease.run,
            revision=row.revision,
            status=LoadStatus.STARTED,
            started_at=lease.at,
            cleaned=False,
        )
    )
    return load_id


def keep_load(row: CaseRow, lease: Lease) -> None:
    """Extend the lease of a load that its run claims again."""
    row.lease_until = lease.until


def started_loads(session: Session, case_ids: Iterable[int]) -> dict[int, list[LoadRow]]:
    """Return the loads that are under way, by case."""
    found: dict[int, list[LoadRow]] = {}
    for batch in batches(sorted(set(case_ids))):
        wanted = sa.select(LoadRow).where(LoadRow.case_id.in_(batch), LoadRow.status == LoadStatus.STARTED)
        for load in session.scalars(wanted):
            found.setdefault(load.case_id, []).append(load)
    return found


def end_started(session: Session, row: CaseRow, at: dt.datetime, code: LoadEnd, reason: str) -> None:
    """End the loads of a case that are under way."""
    for load in started_loads(session, (row.case_id,)).get(row.case_id, ()):
        _end_load(load, at, LoadStatus.FAILED, code, reason)


# From importing to an end.


def begin_commit(load: LoadRow, token: str) -> None:
    """Mark a load as one whose rows may have landed: its staged files are no longer deleted."""
    load.commit_token = token


def commit(session: Session, row: CaseRow, load: LoadRow, at: dt.datetime) -> bool:
    """Record that a current load is visible; return whether the case stays imported.

    A case that was changed while it was imported is due again.
    """
    _end_load(load, at, LoadStatus.COMMITTED)
    row.imported_at = at
    _move(session, row, COMMIT, at, "imported", run=load.run, load_id=load.load_id)
    return not _return_if_changed(session, row, load, at)


def commit_late(session: Session, row: CaseRow, load: LoadRow, at: dt.datetime) -> None:
    """Make a case due again after an older load may have landed over the rows of a newer one.

    A removed case has to be purged again.
    """
    if row.state == CaseState.DELETED:
        row.purged = False
        return
    row.revision += 1
    if row.state in {CaseState.IMPORTED, CaseState.FAILED}:
        _move(session, row, RETURN, at, "an older import ended late", load_id=load.load_id)


def fail(session: Session, row: CaseRow, load: LoadRow, failure: CaseFailure, at: dt.datetime) -> None:
    """Record that a current load failed; a case that was changed meanwhile is due again."""
    if failure.code == CommitConflictError.code:
        load.commit_token = None  # by its definition nothing landed
    elif failure.code == CommitUnknownError.code and load.commit_token is None:
        load.commit_token = "unknown"  # noqa: S105 - not a password: it keeps the load's files from being deleted
    _end_load(load, at, LoadStatus.FAILED, failure.code, failure.reason)
    _move(session, row, FAIL, at, f"{failure.code}: {failure.reason}", run=load.run, load_id=load.load_id)
    if not _return_if_changed(session, row, load, at):
        row.failure_code = failure.code
        row.failure_reason = failure.reason
        row.failure_retryable = failure.retryable


# Back to registered.


def give_back(session: Session, row: CaseRow, lease: Lease, reason: str, *, changed: bool) -> None:
    """Return a case that a run cannot import: it is due again at once, not after the lease.

    Args:
        session: the writing session.
        row: the case.
        lease: of the run.
        reason: why it cannot be imported.
        changed: whether the case was changed just now: an imported one is then due again, too.
    """
    ours = row.state in HELD and row.run == lease.run
    if ours:
        end_started(session, row, lease.at, LoadEnd.REFUSED, reason)
    if ours or (changed and row.state in {CaseState.IMPORTED, CaseState.FAILED}):
        _move(session, row, RETURN, lease.at, "given back: it could not be prepared", run=lease.run)


def drop_from_plan(session: Session, row: CaseRow, lease: Lease) -> None:
    """Return a case that its run had planned and does not plan any more."""
    _move(session, row, RETURN, lease.at, "no longer in the plan of its run", run=lease.run)


def release(session: Session, row: CaseRow, at: dt.datetime) -> None:
    """Return a case whose run is dead."""
    end_started(session, row, at, LoadEnd.RELEASED, "its run ended")
    _move(session, row, RETURN, at, f"released: run {row.run} ended", run=row.run)


def require_import(session: Session, row: CaseRow, at: dt.datetime, note: str) -> None:
    """Make a case due because it was changed.

    A running import goes on, since two at a time would get in each other's way. Its load is of an older revision, so
    the case is registered again when the load ends.
    """
    row.revision += 1
    if row.state in {CaseState.REGISTERED, CaseState.IMPORTING}:
        note_change(session, row, at, note)
    else:
        _move(session, row, RETURN, at, note)


def revise(session: Session, row: CaseRow, lease: Lease, note: str) -> None:
    """Record a change of a case that its run makes while it claims it: the new load is of the new revision."""
    row.revision += 1
    note_change(session, row, lease.at, note, run=lease.run)


# Removal.


def remove(session: Session, row: CaseRow, at: dt.datetime) -> bool:
    """Remove a case; return whether nothing of it is left.

    Without a part or a load the case has no row and no staged file.
    """
    _move(session, row, REMOVE, at, "removed")
    row.purged = row.part is None or row.load_id is None
    return row.purged


def purge(session: Session, row: CaseRow, at: dt.datetime) -> None:
    """Record that no table has rows of a removed case."""
    row.purged = True
    note_change(session, row, at, "rows removed")


def add_again(session: Session, row: CaseRow, at: dt.datetime) -> None:
    """Register a removed case under its number."""
    row.purged = False
    row.revision += 1
    _move(session, row, ADD_AGAIN, at, "added again")


# History.


def note_new(session: Session, row: CaseRow, at: dt.datetime) -> None:
    """Write the first entry into the history of a case."""
    _write_history(session, row, at, "registered", from_state=None)


def note_change(session: Session, row: CaseRow, at: dt.datetime, note: str, *, run: str | None = None) -> None:
    """Write an entry into the history of a case whose state stays."""
    _write_history(session, row, at, note, from_state=CaseState(row.state), run=run)


def _return_if_changed(session: Session, row: CaseRow, load: LoadRow, at: dt.datetime) -> bool:
    changed = load.revision != row.revision
    if changed:
        _move(session, row, RETURN, at, "changed while it was imported")
    return changed


def _end_load(
    load: LoadRow, at: dt.datetime, status: LoadStatus, code: str | None = None, reason: str | None = None
) -> None:
    load.status = status
    load.finished_at = at
    load.code = code
    load.reason = reason


def _move(  # noqa: PLR0913 - one history entry has that many columns
    session: Session,
    row: CaseRow,
    step: Transition,
    at: dt.datetime,
    note: str,
    *,
    run: str | None = None,
    load_id: str | None = None,
) -> None:
    """Move a case and write that into its history.

    Raises:
        CaseStateError: the transition does not begin in the case's state.
    """
    state = CaseState(row.state)
    if state not in step.of:
        msg = f"case {row.case_id} is {state} and cannot become {step.to} ({note})"
        raise CaseStateError(msg)
    row.state = step.to
    if step.to not in HELD:
        row.run = None
        row.lease_until = None
    if step.to is not CaseState.FAILED:
        row.failure_code = None
        row.failure_reason = None
        row.failure_retryable = False
    _write_history(session, row, at, note, from_state=state, run=run, load_id=load_id)


def _write_history(  # noqa: PLR0913 - one entry has that many columns
    session: Session,
    row: CaseRow,
    at: dt.datetime,
    note: str,
    *,
    from_state: CaseState | None,
    run: str | None = None,
    load_id: str | None = None,
) -> None:
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
