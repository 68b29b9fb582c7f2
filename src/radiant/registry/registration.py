"""Adding and removing cases."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import LAST_CASE, CaseState, Member, Priority, solo
from radiant.domain.partition import Identity, identities
from radiant.domain.pedigree import pedigree_digest
from radiant.domain.sheet import DEFAULT_STRATEGY
from radiant.errors import InputError, StorageError
from radiant.registry import lifecycle
from radiant.registry.changes import FileStatus, file_status, has_changed, read_pedigree
from radiant.registry.database import Database
from radiant.registry.model import AssignmentRow, CaseRow, ErasureRow, FileRow
from radiant.registry.records import AddOutcome, CaseFile, CaseRecord, Change, FileRole, Registration
from radiant.registry.rows import (
    file_of,
    find,
    replace_members,
    to_case,
    to_file,
    to_file_rows,
    to_member_rows,
    to_record,
)


@dataclass(frozen=True, slots=True)
class _Stated:
    """A registration with the members and files that it states."""

    registration: Registration
    members: tuple[Member, ...]
    files: tuple[CaseFile, ...]
    """VCF, then PED if there is one."""
    new_content: bool
    """Whether the VCF is another file than the registered one, or the same with other content."""


def add(database: Database, registration: Registration, at: dt.datetime, *, replace: bool, assembly: str) -> AddOutcome:
    """Register a case."""
    _check_values(registration)
    vcf = _file(FileRole.VCF, registration.vcf_uri)
    files = [vcf]
    members: tuple[Member, ...] = ()
    if registration.ped_uri is not None:
        # The status is taken before the file is read: a change in between is found later, never missed.
        files.append(_file(FileRole.PED, registration.ped_uri))
        members = read_pedigree(registration.ped_uri, registration.proband)
    with database.read() as session:
        row = _match(session, registration, members)
        known = None if row is None else file_of(row, FileRole.VCF)
        before = None if known is None else to_file(known)
        record = None if row is None or row.state == CaseState.DELETED else to_record(row)
    ped_is_stated = registration.ped_uri is not None
    registration = _completed(registration, record, assembly)
    if registration.ped_uri is not None and registration.patient_id is not None:
        msg = f"{registration.ped_uri}: the case has this pedigree; state the patient there, in its column patient_id"
        raise InputError(msg)
    if registration.ped_uri is not None and not ped_is_stated:
        files.append(_file(FileRole.PED, registration.ped_uri))
        members = read_pedigree(registration.ped_uri, registration.proband)
    elif registration.ped_uri is not None and registration.proband is not None:
        members = read_pedigree(registration.ped_uri, registration.proband)
    # Reading a whole VCF to compare digests takes long, so no transaction is open meanwhile.
    new_content = before is None or before.uri != vcf.uri or has_changed(before, FileStatus(vcf.size, vcf.tag))
    if before is not None and not new_content:
        files[0] = dataclasses.replace(vcf, sha256=before.sha256)
    stated = _Stated(registration, members, tuple(files), new_content)
    with database.write() as session:
        row = _match(session, registration, members)
        if row is None:
            return _insert(session, stated, at)
        differences = () if row.state == CaseState.DELETED else _differences(row, registration)
        if differences and not replace:
            return AddOutcome(row.case_id, Change.DIFFERS, differences)
        return dataclasses.replace(_update(session, row, stated, at), differences=differences)


def _check_values(registration: Registration) -> None:
    """Reject values that the registry cannot store."""
    if registration.case_id is not None and not 1 <= registration.case_id <= LAST_CASE:
        msg = f"case {registration.case_id}: a case number is a whole number from 1"
        raise InputError(msg)
    for uri in (registration.vcf_uri, registration.ped_uri or ""):
        if not _is_storable(uri):
            msg = f"{uri!r}: the name of the file is not UTF-8. Rename it"
            raise InputError(msg)
    if not _is_storable(registration.patient_id or ""):
        msg = "the patient is not UTF-8. Correct it"
        raise InputError(msg)


def _completed(registration: Registration, record: CaseRecord | None, assembly: str) -> Registration:
    """Return the registration with what it does not state: as it is registered, or the defaults of a new case."""
    ped = None if record is None else next((file.uri for file in record.files if file.role is FileRole.PED), None)
    if record is not None and ped is None and registration.ped_uri is None:
        for member in record.case.members:  # one, of a patient that was stated
            registration = dataclasses.replace(
                registration,
                patient_id=registration.patient_id or member.patient_id,
                sample=registration.sample or member.sample,
            )
    return dataclasses.replace(
        registration,
        strategy=registration.strategy or (DEFAULT_STRATEGY if record is None else record.case.strategy),
        priority=registration.priority or (Priority.ROUTINE if record is None else record.case.priority),
        assembly=registration.assembly or (assembly if record is None else record.case.assembly),
        ped_uri=registration.ped_uri or ped,
        proband=registration.proband or (None if record is None else record.proband),
    )


def _differences(row: CaseRow, registration: Registration) -> tuple[str, ...]:
    """Return the differences between a registration and its registered case, one text each."""
    vcf, ped = file_of(row, FileRole.VCF), file_of(row, FileRole.PED)
    facts = (
        ("vcf", None if vcf is None else vcf.uri, registration.vcf_uri),
        ("ped", None if ped is None else ped.uri, registration.ped_uri),
        ("strategy", row.strategy, registration.strategy),
        ("priority", row.priority, registration.priority),
        ("assembly", row.assembly, registration.assembly),
        ("proband", row.proband, registration.proband),
        ("patient", _patient(row), registration.patient_id),
    )
    return tuple(f"{name}: {old or 'none'} -> {new or 'none'}" for name, old, new in facts if old != new)


def _patient(row: CaseRow) -> str | None:
    """Return the patient that was stated for a case without a pedigree."""
    if file_of(row, FileRole.PED) is not None:
        return None
    return next((member.patient_id for member in row.members), None)


def _members(stated: _Stated, case_id: int) -> tuple[Member, ...]:
    """Return the members of the pedigree, or the one whose patient is stated; none where neither is."""
    registration = stated.registration
    if registration.patient_id is None:
        return stated.members
    if registration.sample is None:
        msg = f"{registration.vcf_uri}: a patient is stated without the name of the sample"
        raise InputError(msg)
    return (solo(registration.sample, f"case:{case_id}", registration.patient_id),)


def remove(session: Session, case_id: int, at: dt.datetime) -> CaseRecord:
    """Mark a case as deleted."""
    row = find(session, case_id)
    if row.state != CaseState.DELETED and lifecycle.remove(session, row, at):
        release_ids(session, [row])
    return to_record(row)


def release_ids(session: Session, purged: list[CaseRow]) -> None:
    """Release the ids that only these purged cases had: they may belong to another part afterwards."""
    parts = {row.part for row in purged if row.part is not None}
    for row in purged:
        row.part = None
    session.flush()
    for part in parts:
        living = session.scalars(
            sa.select(CaseRow).where(
                CaseRow.part == part, sa.or_(CaseRow.state != CaseState.DELETED, CaseRow.purged.is_(False))
            )
        )
        used: set[Identity] = set()
        for row in living:
            used |= identities(to_case(row))
        for assignment in session.scalars(sa.select(AssignmentRow).where(AssignmentRow.part == part)):
            if (assignment.kind, assignment.id) not in used:
                session.delete(assignment)


def _is_storable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _file(role: FileRole, uri: str) -> CaseFile:
    status = file_status(uri)
    if status.problem is not None:
        raise (StorageError if status.may_pass else InputError)(status.problem)
    return CaseFile(role, uri, status.size, status.tag, None)


def _match(session: Session, registration: Registration, members: Iterable[Member]) -> CaseRow | None:
    """Return the case that a registration is about, None for a new one."""
    if registration.case_id is not None:
        _refuse_erased(session, registration.case_id)
        return session.get(CaseRow, registration.case_id)
    holders = list(
        session.scalars(
            sa.select(CaseRow)
            .join(FileRow)
            .where(FileRow.role == FileRole.VCF, FileRow.uri == registration.vcf_uri)
            .order_by(CaseRow.case_id)
        )
    )
    living = [row for row in holders if row.state != CaseState.DELETED]
    if len(living) > 1:
        numbers = ", ".join(str(row.case_id) for row in living)
        msg = (
            f"{registration.vcf_uri} is the VCF of the cases {numbers}. "
            "Choose one of them, or give the number of a new one (--case N)"
        )
        raise InputError(msg)
    row = (living or holders or [None])[-1]
    if row is not None:
        _refuse_erased(session, row.case_id)
    if row is None or row.state == CaseState.DELETED:
        return row
    families = set() if file_of(row, FileRole.PED) is None else {member.family_id for member in row.members}
    stated = {member.family_id for member in members}
    if families and stated and families != stated:
        msg = (
            f"{registration.vcf_uri} is the VCF of case {row.case_id} with the family {', '.join(sorted(families))}; "
            f"this pedigree is of the family {', '.join(sorted(stated))}. "
            f"Give the number of a new case (--case N), or --case {row.case_id} to replace the pedigree"
        )
        raise InputError(msg)
    return row


def _refuse_erased(session: Session, case_id: int) -> None:
    if session.get(ErasureRow, case_id) is not None:
        msg = (
            f"case {case_id} was erased, or is being erased, and its number is never used again. With a new consent, "
            f"register the VCF without a number once `radiant cases erase {case_id}` has ended: it gets a new one"
        )
        raise InputError(msg)


def _insert(session: Session, stated: _Stated, at: dt.datetime) -> AddOutcome:
    registration = stated.registration
    case_id = registration.case_id
    if case_id is None:
        # One writer at a time, and no case row is ever deleted: the number is free and was never another case's.
        case_id = (session.scalar(sa.select(sa.func.max(CaseRow.case_id))) or 0) + 1
    row = CaseRow(
        case_id=case_id,
        strategy=registration.strategy,
        priority=registration.priority,
        assembly=registration.assembly,
        proband=registration.proband,
        state=CaseState.REGISTERED,
        revision=0,
        failure_retryable=False,
        purged=False,
        created_at=at,
        updated_at=at,
        members=to_member_rows(_members(stated, case_id)),
        files=to_file_rows(stated.files),
    )
    session.add(row)
    session.flush()
    lifecycle.note_new(session, row, at)
    return AddOutcome(case_id, Change.ADDED)


def _update(session: Session, row: CaseRow, stated: _Stated, at: dt.datetime) -> AddOutcome:
    registration = stated.registration
    members = _members(stated, row.case_id)
    family = "pedigree" if registration.ped_uri is not None else "patient"
    changed = [
        name
        for name, differs in (
            ("VCF", stated.new_content),
            (family, pedigree_digest(to_case(row).members) != pedigree_digest(members)),
            ("strategy", row.strategy != registration.strategy),
            ("assembly", row.assembly != registration.assembly),
        )
        if differs
    ]
    ped = file_of(row, FileRole.PED)
    noted = [
        name
        for name, differs in (
            ("priority", row.priority != registration.priority),
            ("proband", row.proband != registration.proband),
            ("pedigree file", (None if ped is None else ped.uri) != registration.ped_uri),
        )
        if differs
    ]
    row.strategy = registration.strategy or row.strategy
    row.priority = registration.priority or row.priority
    row.assembly = registration.assembly or row.assembly
    row.proband = registration.proband
    row.files.clear()
    session.flush()
    row.files.extend(to_file_rows(stated.files))
    if family in changed:
        replace_members(session, row, members)
    note = f"{', '.join([*changed, *noted])} changed"
    if row.state == CaseState.DELETED:
        lifecycle.add_again(session, row, at)
        return AddOutcome(row.case_id, Change.CHANGED)
    if changed:
        lifecycle.require_import(session, row, at, note)
    elif noted:
        lifecycle.note_change(session, row, at, note)
    return AddOutcome(row.case_id, Change.CHANGED if changed or noted else Change.UNCHANGED)
