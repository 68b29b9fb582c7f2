"""Finding the registry's rows, and converting them from and to values."""

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import Affected, Case, CaseState, Member, Priority, Sex
from radiant.errors import CaseNotFoundError
from radiant.registry.model import CaseRow, FileRow, HistoryRow, LoadRow, MemberRow
from radiant.registry.records import CaseFailure, CaseFile, CaseRecord, FileRole, HistoryEntry, Load, LoadStatus

_IN_BATCH = 500
"""Ids in one IN clause: below every database's limit of bound values."""


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
    """Yield the items in batches that fit one IN clause."""
    for start in range(0, len(items), _IN_BATCH):
        yield items[start : start + _IN_BATCH]


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


def replace_members(session: Session, row: CaseRow, members: Iterable[Member]) -> None:
    """Replace the members of a case."""
    row.members.clear()
    session.flush()
    row.members.extend(to_member_rows(members))


def to_file(row: FileRow) -> CaseFile:
    """Return a file row's value."""
    return CaseFile(FileRole(row.role), row.uri, row.size, row.tag, row.sha256)


def to_file_rows(files: Iterable[CaseFile]) -> list[FileRow]:
    """Return the rows of files."""
    return [FileRow(role=file.role, uri=file.uri, size=file.size, tag=file.tag, sha256=file.sha256) for file in files]


def to_record(row: CaseRow) -> CaseRecord:
    """Return the record of a case."""
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
