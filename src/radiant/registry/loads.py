"""Claiming cases, and the outcome of each load."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState, Priority
from radiant.domain.partition import identities
from radiant.domain.pedigree import pedigree_digest
from radiant.errors import CaseStateError
from radiant.registry import lifecycle
from radiant.registry.changes import FileStatus
from radiant.registry.lifecycle import Lease
from radiant.registry.model import AssignmentRow, CaseRow, LoadRow
from radiant.registry.planning import ChangedPedigree, parts_of
from radiant.registry.records import (
    CaseFailure,
    Claim,
    ClaimedCase,
    CommitGate,
    FileRole,
    FinishedImport,
    InUse,
    Load,
    LoadStatus,
)
from radiant.registry.registration import release_ids
from radiant.registry.rows import batches, file_of, find, find_all, not_found, replace_members, to_case, to_load


@dataclass(frozen=True, slots=True)
class ClaimScope:
    """The cases that a run claims; its fields are the arguments of `Registry.claim`."""

    part: int
    cases: Sequence[int]
    again: frozenset[int]
    visible: Mapping[int, str]
    most: int | None


def claim(
    session: Session,
    scope: ClaimScope,
    lease: Lease,
    files: Mapping[str, FileStatus],
    pedigrees: Mapping[int, ChangedPedigree],
) -> Claim:
    """Take cases for import."""
    rows = find_all(session, scope.cases)
    missing = set(scope.cases) - rows.keys()
    if missing:
        raise not_found(missing)
    claimed: list[ClaimedCase] = []
    deleted: list[int] = []
    waiting: list[int] = []
    refused: dict[int, CaseFailure] = {}
    held = len(scope.again & rows.keys())
    for row in sorted(rows.values(), key=lambda one: (Priority(one.priority).rank, one.case_id)):
        if row.state == CaseState.DELETED and row.purged and row.case_id in scope.again:
            deleted.append(row.case_id)
            continue
        reason = _why_not_here(row, scope.part) or lifecycle.why_not_free(row, lifecycle.CLAIM, lease.run, lease.at)
        if reason is not None:
            refused[row.case_id] = _case_state(reason)
        elif row.state == CaseState.DELETED:
            deleted.append(row.case_id)
            lifecycle.end_started(session, row, lease.at, lifecycle.LoadEnd.REMOVED, "the case was removed")
        elif row.case_id not in scope.again and scope.most is not None and held >= scope.most:
            waiting.append(row.case_id)
        else:
            held += row.case_id not in scope.again
            revision = row.revision
            pedigree = pedigrees.get(row.case_id)
            failure = None if pedigree is None else _take_pedigree(session, row, pedigree, lease)
            failure = failure or _tie_to_part(session, row, scope.part)
            if failure is not None:
                refused[row.case_id] = failure
                lifecycle.give_back(session, row, lease, failure.reason, changed=row.revision != revision)
            else:
                claimed.append(_start(session, row, scope, lease, files))
    session.flush()
    unfinished = unfinished_loads(session, [*deleted, *(one.case.case_id for one in claimed if not one.committed)])
    return Claim(tuple(claimed), tuple(deleted), refused, tuple(waiting), tuple(unfinished))


def _case_state(reason: str) -> CaseFailure:
    return CaseFailure(CaseStateError.code, reason, CaseStateError.retryable)


def _why_not_here(row: CaseRow, part: int) -> str | None:
    if (purged := lifecycle.why_purged(row)) is not None:
        return purged
    if row.part is None:
        return f"case {row.case_id} has no part yet; run import-radiant, it plans the case"
    if row.part != part:
        return f"case {row.case_id} belongs to part {row.part}, not to part {part}"
    return None


def _take_pedigree(session: Session, row: CaseRow, found: ChangedPedigree, lease: Lease) -> CaseFailure | None:
    """Store the content of a changed pedigree file; return why that is impossible."""
    if row.revision != found.revision:
        return None  # the case was changed meanwhile: that change is newer
    if found.error is not None:
        error, later = found.error, ". Several looks at it failed; trigger import-radiant when its store answers"
        reason = f"{str(error).rstrip('.')}{later}" if error.retryable else str(error)
        return CaseFailure(error.code, reason, error.retryable)
    file = file_of(row, FileRole.PED)
    if file is not None:
        file.size, file.tag = found.status.size, found.status.tag
    if pedigree_digest(found.members) != pedigree_digest(to_case(row).members):
        replace_members(session, row, found.members)
        lifecycle.revise(session, row, lease, "pedigree changed")
    return None


def _tie_to_part(session: Session, row: CaseRow, part: int) -> CaseFailure | None:
    """Give the part every id of the case that has none; return why that is impossible: an id is of another part."""
    ids = identities(to_case(row))
    known = parts_of(session, ids)
    other = sorted({place for place in known.values() if place != part})
    if other:
        return _case_state(
            f"case {row.case_id} is in part {part}, and its pedigree, as it is now, ties it to a case in part "
            f"{other[0]}: run import-radiant, which names the ids they share"
        )
    for identity in ids - known.keys():
        session.add(AssignmentRow(kind=identity.kind, id=identity.id, part=part))
    session.flush()
    return None


def _start(
    session: Session, row: CaseRow, scope: ClaimScope, lease: Lease, files: Mapping[str, FileStatus]
) -> ClaimedCase:
    vcf = file_of(row, FileRole.VCF)
    now = None if vcf is None else files.get(vcf.uri)
    if now is not None and now.size is None:
        # A VCF that is gone has not changed, as for `changes.has_changed`; of one whose store does not answer that is
        # unknown, and its import reads what is there then.
        now = None
    new_vcf = vcf is not None and now is not None and (vcf.size, vcf.tag) != (now.size, now.tag)
    kept = None if row.case_id not in scope.again else _load_to_keep(session, row, scope, lease)
    if kept is not None and not new_vcf:
        if kept.status == LoadStatus.STARTED:
            lifecycle.keep_load(row, lease)
        return ClaimedCase(
            to_case(row), kept.load_id, committed=kept.status == LoadStatus.COMMITTED, vcf_bytes=now and now.size
        )
    load_id = lifecycle.start_load(session, row, scope.part, lease)
    if vcf is not None and now is not None and new_vcf:
        # Taken before the import reads the file: a file that changes in between is found to have changed, never missed.
        vcf.size, vcf.tag, vcf.sha256 = now.size, now.tag, None
    return ClaimedCase(to_case(row), load_id, vcf_bytes=now and now.size)


def _load_to_keep(session: Session, row: CaseRow, scope: ClaimScope, lease: Lease) -> LoadRow | None:
    """Return the case's last load where it is this run's, of the case as it is registered now, and has not failed."""
    load = None if row.load_id is None else session.get(LoadRow, row.load_id)
    if load is None or load.run != lease.run or load.revision != row.revision:
        return None
    if load.status == LoadStatus.STARTED and row.state == CaseState.IMPORTING:
        return load
    shown = scope.visible.get(row.case_id) == load.load_id
    return load if load.status == LoadStatus.COMMITTED and row.state == CaseState.IMPORTED and shown else None


def committed(session: Session, load_ids: Iterable[str]) -> frozenset[str]:
    """Return which loads are recorded as visible."""
    found: set[str] = set()
    for batch in batches(sorted(load_ids)):
        wanted = sa.select(LoadRow.load_id).where(LoadRow.load_id.in_(batch), LoadRow.status == LoadStatus.COMMITTED)
        found.update(session.scalars(wanted))
    return frozenset(found)


def unfinished_loads(session: Session, case_ids: Sequence[int]) -> list[Load]:
    """Return loads of these cases that ended without a commit and may still have staged files.

    A load whose commit was begun is left out, unless it ended with `CommitConflict`: the lake may refer to its files,
    only the lake's own search for orphans may delete them.
    """
    found: list[Load] = []
    for batch in batches(sorted(case_ids)):
        failed = sa.select(LoadRow).where(
            LoadRow.case_id.in_(batch),
            LoadRow.status == LoadStatus.FAILED,
            LoadRow.cleaned.is_(False),
            # With a token a commit was begun and it is unknown whether it landed: the lake may refer to the files.
            LoadRow.commit_token.is_(None),
        )
        found += map(to_load, session.scalars(failed))
    return found


def in_use(session: Session, since: dt.datetime) -> InUse:
    """Return the loads and runs that are under way, and the loads that ended in an unknown commit since a time."""
    started = list(session.scalars(sa.select(LoadRow).where(LoadRow.status == LoadStatus.STARTED)))
    unknown = sa.select(LoadRow.load_id).where(
        LoadRow.status == LoadStatus.FAILED, LoadRow.commit_token.is_not(None), LoadRow.finished_at >= since
    )
    held = list(session.scalars(sa.select(CaseRow).where(CaseRow.state.in_(lifecycle.HELD))))
    return InUse(
        loads=frozenset({load.load_id for load in started} | set(session.scalars(unknown))),
        cases=frozenset({load.case_id for load in started} | {row.case_id for row in held}),
        runs=frozenset({load.run for load in started} | {row.run for row in held if row.run is not None}),
    )


def mark_cleaned(session: Session, load_ids: Iterable[str]) -> None:
    """Record that the staged files of loads are removed."""
    for batch in batches(sorted(load_ids)):
        session.execute(sa.update(LoadRow).where(LoadRow.load_id.in_(batch)).values(cleaned=True))


def begin_commit(session: Session, loads: Sequence[tuple[int, str]], deleted: Sequence[int], token: str) -> CommitGate:
    """Return which loads and removals may be committed."""
    _rows = _load_all(session, loads)
    passed: list[str] = []
    gone: list[int] = []
    refused: dict[int, str] = {}
    for case_id, load_id in loads:
        row, load = _find_load(session, case_id, load_id)
        if load.status == LoadStatus.COMMITTED or lifecycle.is_current(row, load):
            lifecycle.begin_commit(load, token)
            passed.append(load_id)
        else:
            refused[case_id] = lifecycle.why_not_current(row, load)
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
    """Record that a load is visible; return why that was refused, None where it was not."""
    row, load = _find_load(session, case_id, load_id)
    if load.status == LoadStatus.COMMITTED:
        return None
    if not lifecycle.is_current(row, load):
        reason = lifecycle.why_not_current(row, load)
        lifecycle.commit_late(session, row, load, at)
        return reason
    vcf = file_of(row, FileRole.VCF)
    if lifecycle.commit(session, row, load, at) and vcf is not None and vcf_sha256 is not None:
        vcf.sha256 = vcf_sha256
    return None


def finish_imports(session: Session, imports: Sequence[FinishedImport], at: dt.datetime) -> dict[int, str]:
    """Record that loads are visible; return why those were refused that were."""
    _rows = _load_all(session, [(one.case_id, one.load_id) for one in imports])
    refused: dict[int, str] = {}
    for one in imports:
        try:
            reason = finish_imported(session, one.case_id, one.load_id, at, one.vcf_sha256)
        except CaseStateError as error:
            reason = str(error)
        if reason is not None:
            refused[one.case_id] = reason
    return refused


def finish_failed(session: Session, case_id: int, load_id: str, failure: CaseFailure, at: dt.datetime) -> None:
    """Record that a load failed."""
    row, load = _find_load(session, case_id, load_id)
    if row.state == CaseState.FAILED and row.load_id == load_id:
        return
    if not lifecycle.is_current(row, load):
        raise CaseStateError(lifecycle.why_not_current(row, load))
    lifecycle.fail(session, row, load, failure, at)


def mark_purged(session: Session, case_ids: Iterable[int], at: dt.datetime) -> None:
    """Record that no table holds rows of removed cases."""
    purged: list[CaseRow] = []
    for row in find_all(session, case_ids).values():
        if row.state == CaseState.DELETED and not row.purged:
            lifecycle.purge(session, row, at)
            purged.append(row)
    release_ids(session, purged)


def release(session: Session, runs: Collection[str], at: dt.datetime) -> list[int]:
    """Return the cases of dead runs to `registered`."""
    held = sa.select(CaseRow).where(CaseRow.state.in_(lifecycle.HELD)).order_by(CaseRow.case_id)
    released: list[int] = []
    for row in session.scalars(held):
        if row.run not in runs:
            continue
        lifecycle.release(session, row, at)
        released.append(row.case_id)
    return released


def _load_all(session: Session, loads: Iterable[tuple[int, str]]) -> tuple[list[CaseRow], list[LoadRow]]:
    """Read the rows of many loads and cases at once: the session finds them while the result is held."""
    pairs = list(loads)
    cases = list(find_all(session, (case_id for case_id, _ in pairs)).values())
    found: list[LoadRow] = []
    for batch in batches(sorted({load_id for _, load_id in pairs})):
        found += session.scalars(sa.select(LoadRow).where(LoadRow.load_id.in_(batch)))
    return cases, found


def _find_load(session: Session, case_id: int, load_id: str) -> tuple[CaseRow, LoadRow]:
    row = find(session, case_id)
    load = session.get(LoadRow, load_id)
    if load is None or load.case_id != case_id:
        msg = f"case {case_id} has no load {load_id}: the result is of another case or another registry"
        raise CaseStateError(msg)
    return row, load
