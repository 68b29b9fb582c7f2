"""Which cases are due, and storing the plan for them."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState, Member
from radiant.domain.partition import BlockedCases, Identity, Kind, Plan, Strategy, identities, strategy_table
from radiant.domain.pedigree import pedigree_digest
from radiant.errors import InputError, RadiantError, StorageError
from radiant.registry import lifecycle
from radiant.registry.changes import (
    FileStatus,
    file_statuses,
    has_changed,
    outside_text,
    patiently,
    read_pedigree_again,
    without_place,
)
from radiant.registry.database import Database
from radiant.registry.lifecycle import Lease
from radiant.registry.model import AssignmentRow, CaseRow
from radiant.registry.records import CaseFile, CaseRecord, DueCase, DueCases, FileRole, PartitionState
from radiant.registry.rows import batches, file_of, find, find_all, not_found, replace_members, to_case, to_record
from radiant.settings import Settings


@dataclass(slots=True)
class _Check:
    """One candidate, and what its files showed."""

    record: CaseRecord
    revision: int
    reason: str | None
    """Why it is due; None while that depends on its files."""
    members: tuple[Member, ...] | None = None
    """Members that the pedigree file states now, where they differ."""
    touched: list[tuple[FileRole, FileStatus]] = field(default_factory=list)
    """Files of which size and tag are to be stored, because their content was found unchanged or was read."""


def due(  # noqa: PLR0913, PLR0917 - the caller's arguments
    database: Database,
    at: dt.datetime,
    requested: Collection[int] | None,
    run: str | None,
    lost: Collection[int],
    prefixes: Collection[str],
) -> DueCases:
    """Return the due cases."""
    blocked: list[BlockedCases] = []
    with database.read() as session:
        checks = _candidates(session, at, requested, run, lost, blocked)
    # Requesting the status of files takes long, so no transaction is open meanwhile.
    files = file_statuses([file for check in checks for file in _files_to_check(check)], prefixes)
    pedigrees = changed_pedigrees(
        [check.record for check in checks if check.record.state is not CaseState.DELETED],
        {check.record.case.case_id: check.revision for check in checks},
        files,
    )
    vcfs = _changed_vcfs(checks, files)
    checked: list[_Check] = []
    for check in checks:
        case_id = check.record.case.case_id
        try:
            _check_files(check, files, pedigrees, vcfs)
        except (InputError, StorageError) as error:
            blocked.append(BlockedCases((case_id,), f"case {case_id}: {_without_places(str(error), check.record)}"))
        else:
            checked.append(check)
    changed = [check for check in checked if check.members is not None or check.touched]
    if changed:
        with database.write() as session:
            _store(session, changed, at)
    # Only what was stored just now is read again: `assign` refuses a case of which ids or state have changed since.
    with database.read() as session:
        stored = find_all(session, (check.record.case.case_id for check in changed if check.reason is not None))
    records = {case_id: to_record(row) for case_id, row in stored.items()}
    cases = [
        DueCase(record.case, record.state, record.part, check.reason)
        for check in checked
        if check.reason is not None
        for record in [records.get(check.record.case.case_id, check.record)]
    ]
    return DueCases(
        cases=tuple(sorted(cases, key=lambda one: one.case.case_id)),
        blocked=tuple(sorted(blocked, key=lambda one: one.cases)),
    )


def _candidates(  # noqa: PLR0913, PLR0917 - the caller's arguments
    session: Session,
    at: dt.datetime,
    requested: Collection[int] | None,
    run: str | None,
    lost: Collection[int],
    blocked: list[BlockedCases],
) -> list[_Check]:
    if requested is None:
        rows = list(
            session.scalars(sa.select(CaseRow).where(sa.or_(CaseRow.state != CaseState.DELETED, ~CaseRow.purged)))
        )
    else:
        found = find_all(session, requested)
        missing = set(requested) - found.keys()
        if missing:
            raise not_found(missing)
        rows = list(found.values())
    checks: list[_Check] = []
    for row in rows:
        if (held := lifecycle.why_not_free(row, lifecycle.PLAN, run, at)) is not None:
            if requested is not None:
                blocked.append(BlockedCases((row.case_id,), held))
            continue
        if (purged := lifecycle.why_purged(row)) is not None:
            blocked.append(BlockedCases((row.case_id,), purged))
            continue
        if requested is not None:
            reason = "asked for"
        elif row.state == CaseState.IMPORTED and row.case_id in lost:
            reason = "imported, but its rows are no longer in the lake"
        else:
            reason = _reason_by_state(row, run)
        checks.append(_Check(to_record(row), row.revision, reason))
    return checks


def _reason_by_state(row: CaseRow, run: str | None) -> str | None:
    state = CaseState(row.state)
    if state is CaseState.REGISTERED:
        return "registered"
    if state is CaseState.DELETED:
        return "removed, its rows must go"
    if state is CaseState.ASSIGNED and run is not None and row.run == run:
        return "planned before by this run"
    if state in lifecycle.HELD:
        return f"the lease of run {row.run} ended"
    if state is CaseState.FAILED and row.failure_retryable:
        return f"failed for a reason that may pass ({row.failure_code})"
    return None


def _files_to_check(check: _Check) -> Iterable[CaseFile]:
    """Return the pedigree, and the VCF where a change of it would make the case due."""
    if check.record.state is CaseState.DELETED:
        return ()
    return [file for file in check.record.files if file.role is FileRole.PED or check.reason is None]


def _without_places(text: str, record: CaseRecord) -> str:
    for file in record.files:
        what = "pedigree" if file.role is FileRole.PED else "VCF"
        text = without_place(text, file.uri, f"the {what} of case {record.case.case_id}")
    return text


def _changed_vcfs(
    checks: Iterable[_Check], files: Mapping[str, FileStatus]
) -> dict[tuple[CaseFile, FileStatus], bool | RadiantError]:
    """Return whether the content of each VCF differs from what is stored, or why that is unknown."""
    pairs = ((file, files[file.uri]) for check in checks for file in _files_to_check(check))
    # One after the other: the whole of a VCF may be read.
    return patiently((one for one in pairs if one[0].role is FileRole.VCF), lambda one: has_changed(*one), at_once=1)


def _check_files(
    check: _Check,
    files: Mapping[str, FileStatus],
    pedigrees: Mapping[int, "ChangedPedigree"],
    vcfs: Mapping[tuple[CaseFile, FileStatus], bool | RadiantError],
) -> None:
    for file in _files_to_check(check):
        now = files[file.uri]
        if now.may_pass:
            raise StorageError(now.problem)
        if now.outside and check.reason is not None:
            raise InputError(outside_text(check.record.case.case_id))
        if now.size is None or (now.size, now.tag) == (file.size, file.tag):
            continue
        if file.role is FileRole.VCF:
            _check_vcf(check, now, vcfs[file, now])
        else:
            _check_pedigree(check, pedigrees[check.record.case.case_id])


def _check_vcf(check: _Check, now: FileStatus, changed: bool | RadiantError) -> None:  # noqa: FBT001 - as it was found
    if isinstance(changed, RadiantError):
        raise changed
    if changed:
        check.reason = check.reason or "its VCF changed"
    else:
        check.touched.append((FileRole.VCF, now))


def _check_pedigree(check: _Check, pedigree: "ChangedPedigree") -> None:
    if pedigree.error is not None:
        raise pedigree.error
    check.touched.append((FileRole.PED, pedigree.status))
    if pedigree_digest(pedigree.members) != pedigree_digest(check.record.case.members):
        check.members = pedigree.members
        check.reason = check.reason or "its pedigree changed"


def _store(session: Session, checks: Sequence[_Check], at: dt.datetime) -> None:
    for check in checks:
        row = find(session, check.record.case.case_id)
        if row.revision != check.revision:
            continue  # the case was changed meanwhile: that change is newer
        for role, now in check.touched:
            file = file_of(row, role)
            if file is not None:
                file.size, file.tag = now.size, now.tag
        if check.members is not None:
            replace_members(session, row, check.members)
            lifecycle.require_import(session, row, at, "pedigree changed")


@dataclass(frozen=True, slots=True)
class ChangedPedigree:
    """A pedigree file that changed since it was read."""

    revision: int
    """Of the case when the status was requested."""
    status: FileStatus
    members: tuple[Member, ...] = ()
    error: RadiantError | None = None
    """Why it cannot be read; None where it can."""


def changed_pedigrees(
    records: Iterable[CaseRecord], revisions: Mapping[int, int], files: Mapping[str, FileStatus]
) -> dict[int, ChangedPedigree]:
    """Return, by case, the pedigree files that changed since they were read; one that is gone has not changed.

    Of a pedigree whose store does not answer, however often it is looked at (`changes.patiently`), it is unknown
    whether it changed: its `error` is a `StorageError`.
    """
    found: dict[int, ChangedPedigree] = {}
    changed: dict[tuple[int, str, str | None], FileStatus] = {}
    for record in records:
        case_id = record.case.case_id
        for file in record.files:
            if file.role is not FileRole.PED or (files[file.uri].size, files[file.uri].tag) == (file.size, file.tag):
                continue
            now = files[file.uri]
            if now.size is not None:
                changed[case_id, file.uri, record.proband] = now
            elif now.may_pass or now.outside:
                error = _unread(case_id, file.uri, now)
                found[case_id] = ChangedPedigree(revisions[case_id], now, error=error)
    members_now = patiently(changed, lambda one: read_pedigree_again(*one))
    for key, members in members_now.items():
        case_id = key[0]
        if isinstance(members, RadiantError):
            found[case_id] = ChangedPedigree(revisions[case_id], changed[key], error=members)
        else:
            found[case_id] = ChangedPedigree(revisions[case_id], changed[key], members)
    return found


def _unread(case_id: int, uri: str, now: FileStatus) -> RadiantError:
    """Return the error of a pedigree that was not looked at, or whose store does not answer; without its place."""
    if now.outside:
        return InputError(outside_text(case_id))
    return StorageError(without_place(now.problem or "", uri, f"the pedigree of case {case_id}"))


def placement(session: Session) -> PartitionState:
    """Return the part of every id and the experiments per part."""
    found = session.execute(sa.select(AssignmentRow.kind, AssignmentRow.id, AssignmentRow.part))
    known = {Identity(Kind(kind), name): part for kind, name, part in found}
    counts: dict[int, int] = {}
    for identity, part in known.items():
        if identity.kind is Kind.EXPERIMENT:
            counts[part] = counts.get(part, 0) + 1
    return PartitionState(known, counts)


def assign(session: Session, plan: Plan, lease: Lease) -> dict[int, str]:
    """Store a plan."""
    refused: dict[int, str] = {}
    rows = find_all(session, (case_id for part in plan.parts for case_id in part.cases))
    planned_before = sa.select(CaseRow).where(CaseRow.state == CaseState.ASSIGNED, CaseRow.run == lease.run)
    for row in session.scalars(planned_before):
        if row.case_id not in rows:
            lifecycle.drop_from_plan(session, row, lease)
    known = parts_of(session, plan.identities)
    new: dict[Identity, int] = {}
    started = lifecycle.started_loads(session, rows)
    for part in plan.parts:
        for case_id in part.cases:
            row = rows.get(case_id)
            if row is None:
                raise not_found([case_id])
            if row.state == CaseState.DELETED and row.part == part.part:
                continue
            ids = identities(to_case(row))
            reason = _why_not_planned(row, ids, part.part, plan, known) or lifecycle.why_not_free(
                row, lifecycle.PLAN, lease.run, lease.at
            )
            if reason is not None:
                refused[case_id] = reason
                continue
            fresh = {identity: part.part for identity in ids if identity not in known}
            known |= fresh
            new |= fresh
            lifecycle.plan(session, row, part.part, lease, started.get(case_id, ()))
    if new:
        rows_of_ids = [{"kind": one.kind, "id": one.id, "part": number} for one, number in new.items()]
        session.execute(sa.insert(AssignmentRow), rows_of_ids)
    return refused


def _why_not_planned(
    row: CaseRow, ids: Iterable[Identity], part: int, plan: Plan, known: Mapping[Identity, int]
) -> str | None:
    if row.state == CaseState.DELETED:
        return f"case {row.case_id} was removed while it was planned"
    if any(plan.identities.get(identity) != part for identity in ids):
        return f"case {row.case_id} was changed while it was planned; run import-radiant again"
    other = {known[identity] for identity in ids if identity in known} - {part}
    if other:
        return (
            f"case {row.case_id} was planned in part {part}, and meanwhile another run planned a case that it is tied "
            f"to in part {min(other)}; run import-radiant again"
        )
    return None


def parts_of(session: Session, ids: Iterable[Identity]) -> dict[Identity, int]:
    """Return the part of every id that has one."""
    wanted = set(ids)
    found: dict[Identity, int] = {}
    stored = sa.select(AssignmentRow.kind, AssignmentRow.id, AssignmentRow.part)
    for batch in batches(sorted({identity.id for identity in wanted})):
        for kind, name, part in session.execute(stored.where(AssignmentRow.id.in_(batch))):
            identity = Identity(Kind(kind), name)
            if identity in wanted:
                found[identity] = part
    return found


def waiting_in(session: Session, part: int, at: dt.datetime) -> list[int]:
    """Return the cases of a part that wait for an import or for the removal of their rows."""
    rows = session.scalars(sa.select(CaseRow).where(CaseRow.part == part))
    return sorted(
        row.case_id
        for row in rows
        if row.state in {CaseState.REGISTERED, CaseState.ASSIGNED}
        or (row.state == CaseState.IMPORTING and not lifecycle.has_lease(row, at))
        or (row.state == CaseState.DELETED and not row.purged)
    )


def configured_strategies(settings: Settings) -> dict[str, Strategy]:
    """Return range and limit of every strategy by name, the built-in ones first.

    Raises:
        ConfigError: a configured range is not aligned, overlaps another, or lies outside the 32-bit column.
    """
    return strategy_table(
        {
            name: Strategy(configured.first_part, configured.tasks_per_part)
            for name, configured in settings.registry.strategies.items()
        }
    )
