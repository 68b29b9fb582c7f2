"""Claiming cases, and the outcome of each import."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState, Priority
from radiant.domain.partition import identities
from radiant.domain.pedigree import pedigree_digest
from radiant.errors import CaseStateError, CommitConflictError, CommitUnknownError
from radiant.registry.changes import Seen
from radiant.registry.model import AssignmentRow, CaseRow, LoadRow
from radiant.registry.planning import ChangedPedigree, parts_of
from radiant.registry.records import CaseFailure, Claim, ClaimedCase, CommitGate, FileRole, Load, LoadStatus
from radiant.registry.registration import remove_ids, replace_members
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


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases a run wants to claim; see `Registry.claim`."""

    part: int
    cases: Sequence[int]
    again: frozenset[int]
    visible: Mapping[int, str]
    most: int | None


def claim(
    session: Session, asked: Asked, hold: Hold, seen: Mapping[str, Seen], pedigrees: Mapping[int, ChangedPedigree]
) -> Claim:
    """Take cases for import; see `Registry.claim`."""
    rows = find_all(session, asked.cases)
    missing = set(asked.cases) - rows.keys()
    if missing:
        raise not_found(missing)
    claimed: list[ClaimedCase] = []
    deleted: list[int] = []
    waiting: list[int] = []
    refused: dict[int, str] = {}
    held = len(asked.again & rows.keys())
    for row in sorted(rows.values(), key=lambda one: (Priority(one.priority).rank, one.case_id)):
        if row.state == CaseState.DELETED and row.purged and row.case_id in asked.again:
            deleted.append(row.case_id)
            continue
        reason = _why_not_here(row, asked.part) or _why_not_free(row, hold)
        if reason is not None:
            refused[row.case_id] = reason
        elif row.state == CaseState.DELETED:
            deleted.append(row.case_id)
            end_started(session, row, hold.at, "Removed", "the case was removed")
        elif row.case_id not in asked.again and asked.most is not None and held >= asked.most:
            waiting.append(row.case_id)
        else:
            held += row.case_id not in asked.again
            revision = row.revision
            pedigree = pedigrees.get(row.case_id)
            reason = None if pedigree is None else _take_pedigree(session, row, pedigree, hold)
            reason = reason or _tie_to_part(session, row, asked.part)
            if reason is not None:
                refused[row.case_id] = reason
                _give_back(session, row, hold, reason, changed=row.revision != revision)
            else:
                claimed.append(_start(session, row, asked, hold, seen))
    session.flush()
    unfinished = unfinished_loads(session, [*deleted, *(one.case.case_id for one in claimed if not one.committed)])
    return Claim(tuple(claimed), tuple(deleted), refused, tuple(waiting), tuple(unfinished))


def _why_not_here(row: CaseRow, part: int) -> str | None:
    if row.state == CaseState.DELETED and row.purged:
        return purged_note(row)
    if row.part is None:
        return f"case {row.case_id} has no part yet; run import-radiant, it plans the case"
    if row.part != part:
        return f"case {row.case_id} belongs to part {row.part}, not to part {part}"
    return None


def _why_not_free(row: CaseRow, hold: Hold) -> str | None:
    if row.state == CaseState.IMPORTING and has_lease(row, hold.at) and row.run != hold.run:
        return held_note(row)
    return None


def _take_pedigree(session: Session, row: CaseRow, found: ChangedPedigree, hold: Hold) -> str | None:
    """Store what a pedigree file says now; return why it cannot be."""
    if row.revision != found.revision:
        return None  # the case was changed meanwhile: theirs is newer
    if found.problem:
        return found.problem
    file = file_of(row, FileRole.PED)
    if file is not None:
        file.size, file.tag = found.seen.size, found.seen.tag
    if pedigree_digest(found.members) != pedigree_digest(to_case(row).members):
        replace_members(session, row, found.members)
        row.revision += 1
        remark(session, row, hold.at, "pedigree changed", from_state=CaseState(row.state), run=hold.run)
    return None


def _tie_to_part(session: Session, row: CaseRow, part: int) -> str | None:
    """Give the part every id of the case that has none; return why it cannot be: an id belongs to another part."""
    ids = identities(to_case(row))
    known = parts_of(session, ids)
    other = sorted({place for place in known.values() if place != part})
    if other:
        return (
            f"case {row.case_id} is in part {part}, and its pedigree, as it is now, ties it to a case in part "
            f"{other[0]}: run import-radiant, which says which ids they share"
        )
    for identity in ids - known.keys():
        session.add(AssignmentRow(kind=identity.kind, id=identity.id, part=part))
    session.flush()
    return None


def _give_back(session: Session, row: CaseRow, hold: Hold, reason: str, *, changed: bool) -> None:
    """Let go of a case that cannot be imported here: it is due again, not held until the lease ends."""
    state = CaseState(row.state)
    ours = state in HELD and row.run == hold.run
    if ours:
        end_started(session, row, hold.at, "Refused", reason)
    if ours or (changed and state in {CaseState.IMPORTED, CaseState.FAILED}):
        move(session, row, CaseState.REGISTERED, hold.at, "given back: it could not be prepared", run=hold.run)


def _start(session: Session, row: CaseRow, asked: Asked, hold: Hold, seen: Mapping[str, Seen]) -> ClaimedCase:
    vcf = file_of(row, FileRole.VCF)
    now = None if vcf is None else seen.get(vcf.uri)
    new_vcf = vcf is not None and now is not None and (vcf.size, vcf.tag) != (now.size, now.tag)
    before = None if row.case_id not in asked.again else _load_to_keep(session, row, asked, hold)
    if before is not None and not new_vcf:
        if before.status == LoadStatus.STARTED:
            row.lease_until = hold.until
        return ClaimedCase(to_case(row), before.load_id, committed=before.status == LoadStatus.COMMITTED)
    end_started(session, row, hold.at, "Superseded", "the case was claimed again")
    load_id = uuid.uuid4().hex
    if row.state not in HELD:
        move(session, row, CaseState.ASSIGNED, hold.at, f"asked for in part {asked.part}", run=hold.run)
    move(session, row, CaseState.IMPORTING, hold.at, "claimed", run=hold.run, load_id=load_id)
    row.run = hold.run
    row.lease_until = hold.until
    row.load_id = load_id
    session.add(
        LoadRow(
            load_id=load_id,
            case_id=row.case_id,
            part=asked.part,
            run=hold.run,
            revision=row.revision,
            status=LoadStatus.STARTED,
            started_at=hold.at,
            cleaned=False,
        )
    )
    if vcf is not None and now is not None and new_vcf:
        # Taken before the import reads the file: a file that changes in between is found to have changed, never missed.
        vcf.size, vcf.tag, vcf.sha256 = now.size, now.tag, None
    return ClaimedCase(to_case(row), load_id)


def _load_to_keep(session: Session, row: CaseRow, asked: Asked, hold: Hold) -> LoadRow | None:
    """Return the case's last load where it is this run's, of the case as it is registered now, and has not failed."""
    load = None if row.load_id is None else session.get(LoadRow, row.load_id)
    if load is None or load.run != hold.run or load.revision != row.revision:
        return None
    if load.status == LoadStatus.STARTED and row.state == CaseState.IMPORTING:
        return load
    shown = asked.visible.get(row.case_id) == load.load_id
    return load if load.status == LoadStatus.COMMITTED and row.state == CaseState.IMPORTED and shown else None


def committed(session: Session, load_ids: Iterable[str]) -> frozenset[str]:
    """Return which loads are recorded as visible; see `Registry.committed`."""
    found: set[str] = set()
    for batch in batches(sorted(load_ids)):
        wanted = sa.select(LoadRow.load_id).where(LoadRow.load_id.in_(batch), LoadRow.status == LoadStatus.COMMITTED)
        found.update(session.scalars(wanted))
    return frozenset(found)


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
            # With a token a commit was begun and may have landed: the lake may refer to the files.
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
        # The rows may have landed over those of a newer load, or of a case that is gone: have them imported again, or
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
    remove_ids(session, purged)


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
