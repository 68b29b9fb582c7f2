"""Claiming cases, and what became of each import."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState, Priority
from radiant.domain.partition import Identity, identities
from radiant.errors import CaseStateError, CommitConflictError, CommitUnknownError
from radiant.registry.changes import Seen
from radiant.registry.model import CaseRow, LoadRow
from radiant.registry.planning import parts_of
from radiant.registry.records import CaseFailure, Claim, ClaimedCase, CommitGate, FileRole, Load, LoadStatus
from radiant.registry.registration import forget_ids
from radiant.registry.rows import (
    HELD,
    Hold,
    batches,
    end_started,
    file_of,
    find,
    find_all,
    has_lease,
    held_note,
    move,
    not_found,
    purged_note,
    remark,
    to_case,
    to_load,
)


def claim(session: Session, part: int, case_ids: Sequence[int], hold: Hold, seen: Mapping[str, Seen]) -> Claim:
    """Take cases for import; see `Registry.claim`."""
    rows = find_all(session, case_ids)
    missing = set(case_ids) - rows.keys()
    if missing:
        raise not_found(missing)
    known = parts_of(session, (identity for row in rows.values() for identity in identities(to_case(row))))
    claimed: list[ClaimedCase] = []
    deleted: list[int] = []
    refused: dict[int, str] = {}
    for row in sorted(rows.values(), key=lambda one: (Priority(one.priority).rank, one.case_id)):
        reason = _why_not_here(row, part, known) or _why_not_free(row, hold)
        if reason is not None:
            refused[row.case_id] = reason
        elif row.state == CaseState.DELETED:
            deleted.append(row.case_id)
            end_started(session, row, hold.at, "Removed", "the case was removed")
        else:
            claimed.append(_start(session, row, part, hold, seen))
    session.flush()
    unfinished = unfinished_loads(session, [*deleted, *(one.case.case_id for one in claimed)])
    return Claim(tuple(claimed), tuple(deleted), refused, tuple(unfinished))


def _why_not_here(row: CaseRow, part: int, known: Mapping[Identity, int]) -> str | None:
    if row.state == CaseState.DELETED and row.purged:
        return purged_note(row)
    if row.part is None:
        return f"case {row.case_id} has no part yet; run import-radiant, it plans the case"
    if row.part != part:
        return f"case {row.case_id} belongs to part {row.part}, not to part {part}"
    if row.state == CaseState.DELETED:
        return None
    if any(known.get(identity) != part for identity in identities(to_case(row))):
        return f"the pedigree of case {row.case_id} changed since it was planned; run import-radiant again"
    return None


def _why_not_free(row: CaseRow, hold: Hold) -> str | None:
    if row.state == CaseState.IMPORTING and has_lease(row, hold.at) and row.run != hold.run:
        return held_note(row)
    return None


def _start(session: Session, row: CaseRow, part: int, hold: Hold, seen: Mapping[str, Seen]) -> ClaimedCase:
    end_started(session, row, hold.at, "Superseded", "the case was claimed again")
    load_id = uuid.uuid4().hex
    if row.state not in HELD:
        move(session, row, CaseState.ASSIGNED, hold.at, f"asked for in part {part}", run=hold.run)
    move(session, row, CaseState.IMPORTING, hold.at, "claimed", run=hold.run, load_id=load_id)
    row.run = hold.run
    row.lease_until = hold.until
    row.load_id = load_id
    session.add(
        LoadRow(
            load_id=load_id,
            case_id=row.case_id,
            part=part,
            run=hold.run,
            revision=row.revision,
            status=LoadStatus.STARTED,
            started_at=hold.at,
            cleaned=False,
        )
    )
    vcf = file_of(row, FileRole.VCF)
    if vcf is not None and vcf.uri in seen:
        # Taken before the import reads the file: a file that changes in between is found to have changed, never missed.
        now = seen[vcf.uri]
        if (vcf.size, vcf.tag) != (now.size, now.tag):
            vcf.size, vcf.tag, vcf.sha256 = now.size, now.tag, None
    return ClaimedCase(to_case(row), load_id)


def unfinished_loads(session: Session, case_ids: Sequence[int]) -> list[Load]:
    """Return loads of these cases that ended without a commit and whose staged files may still be there.

    A load whose commit was begun is left out, unless it ended with `CommitConflict`: the lake may refer to its files,
    only the lake's own search for orphans may delete them.
    """
    found: list[Load] = []
    for batch in batches(sorted(case_ids)):
        failed = sa.select(LoadRow).where(
            LoadRow.case_id.in_(batch),
            LoadRow.status == LoadStatus.FAILED,
            LoadRow.cleaned.is_(False),
            # With a token a commit was begun and nobody said that it did not land: the lake may refer to the files.
            LoadRow.commit_token.is_(None),
        )
        found += map(to_load, session.scalars(failed))
    return found


def mark_cleaned(session: Session, load_ids: Iterable[str]) -> None:
    """Note that the staged files of loads are gone."""
    for batch in batches(sorted(load_ids)):
        session.execute(sa.update(LoadRow).where(LoadRow.load_id.in_(batch)).values(cleaned=True))


def begin_commit(session: Session, loads: Sequence[tuple[int, str]], deleted: Sequence[int], token: str) -> CommitGate:
    """Let through what may be committed; see `Registry.begin_commit`."""
    passed: list[str] = []
    gone: list[int] = []
    refused: dict[int, str] = {}
    for case_id, load_id in loads:
        row, load = _find_load(session, case_id, load_id)
        if load.status == LoadStatus.COMMITTED or _is_current(row, load):
            load.commit_token = token
            passed.append(load_id)
        else:
            refused[case_id] = _why_not_current(row, load)
    for case_id in deleted:
        row = find(session, case_id)
        if row.state == CaseState.DELETED:
            gone.append(case_id)
        else:
            refused[case_id] = f"case {case_id} was added again after it had been removed"
    return CommitGate(tuple(passed), tuple(gone), refused)


def finish_imported(
    session: Session, case_id: int, load_id: str, at: dt.datetime, vcf_sha256: str | None
) -> str | None:
    """Record that a load is visible; see `Registry.finish_imported`. Returns why it was refused."""
    row, load = _find_load(session, case_id, load_id)
    if load.status == LoadStatus.COMMITTED:
        return None
    if not _is_current(row, load):
        reason = _why_not_current(row, load)
        # The rows may have landed over those of a newer load, or of a case that is gone: have them made anew, or
        # removed again.
        if row.state == CaseState.DELETED:
            row.purged = False
        else:
            row.revision += 1
            if row.state in {CaseState.IMPORTED, CaseState.FAILED}:
                move(session, row, CaseState.REGISTERED, at, "an older import ended late", load_id=load_id)
        return reason
    load.status = LoadStatus.COMMITTED
    load.finished_at = at
    row.imported_at = at
    if load.revision != row.revision:
        move(session, row, CaseState.IMPORTED, at, "imported", run=load.run, load_id=load_id)
        move(session, row, CaseState.REGISTERED, at, "changed while it was imported")
        return None
    vcf = file_of(row, FileRole.VCF)
    if vcf is not None and vcf_sha256 is not None:
        vcf.sha256 = vcf_sha256
    move(session, row, CaseState.IMPORTED, at, "imported", run=load.run, load_id=load_id)
    return None


def finish_failed(session: Session, case_id: int, load_id: str, failure: CaseFailure, at: dt.datetime) -> None:
    """Record that a load failed; see `Registry.finish_failed`."""
    row, load = _find_load(session, case_id, load_id)
    if row.state == CaseState.FAILED and row.load_id == load_id:
        return
    if not _is_current(row, load):
        raise CaseStateError(_why_not_current(row, load))
    if failure.code == CommitConflictError.code:
        load.commit_token = None  # by its definition nothing landed
    elif failure.code == CommitUnknownError.code and load.commit_token is None:
        load.commit_token = "unknown"  # noqa: S105 - not a password: it keeps the load's files from being deleted
    load.status = LoadStatus.FAILED
    load.finished_at = at
    load.code = failure.code
    load.reason = failure.reason
    move(session, row, CaseState.FAILED, at, f"{failure.code}: {failure.reason}", run=load.run, load_id=load_id)
    if load.revision != row.revision:
        move(session, row, CaseState.REGISTERED, at, "changed while it was imported")
        return
    row.failure_code = failure.code
    row.failure_reason = failure.reason
    row.failure_retryable = failure.retryable


def mark_purged(session: Session, case_ids: Iterable[int], at: dt.datetime) -> None:
    """Record that no table holds rows of removed cases; see `Registry.mark_purged`."""
    purged: list[CaseRow] = []
    for row in find_all(session, case_ids).values():
        if row.state == CaseState.DELETED and not row.purged:
            row.purged = True
            remark(session, row, at, "rows removed", from_state=CaseState.DELETED)
            purged.append(row)
    forget_ids(session, purged)


def release(session: Session, runs: Collection[str], at: dt.datetime) -> list[int]:
    """Give back what runs hold; see `Registry.release`."""
    held = sa.select(CaseRow).where(CaseRow.state.in_(HELD)).order_by(CaseRow.case_id)
    released: list[int] = []
    for row in session.scalars(held):
        if row.run not in runs:
            continue
        end_started(session, row, at, "Released", "its run ended")
        move(session, row, CaseState.REGISTERED, at, f"released: run {row.run} ended", run=row.run)
        released.append(row.case_id)
    return released


def _find_load(session: Session, case_id: int, load_id: str) -> tuple[CaseRow, LoadRow]:
    row = find(session, case_id)
    load = session.get(LoadRow, load_id)
    if load is None or load.case_id != case_id:
        msg = f"case {case_id} has no load {load_id}: the result is of another case or another registry"
        raise CaseStateError(msg)
    return row, load


def _is_current(row: CaseRow, load: LoadRow) -> bool:
    return row.state == CaseState.IMPORTING and row.load_id == load.load_id and load.status == LoadStatus.STARTED


def _why_not_current(row: CaseRow, load: LoadRow) -> str:
    if row.state == CaseState.DELETED:
        return f"case {row.case_id} was removed while load {load.load_id} was under way"
    how = f"{load.status} ({load.code})" if load.code else load.status
    return (
        f"load {load.load_id} is not the current load of case {row.case_id}, which is {row.state}: it is {how}. "
        "Its result does not count; run import-radiant again if the case is not imported"
    )
