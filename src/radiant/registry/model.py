"""The registry's tables.

Names start with `radiant_`, so that the registry can share a PostgreSQL database. Times are UTC. No row of
`radiant_case` is ever deleted: a removed case keeps its number and its history.
"""

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, DateTime, Double, ForeignKey, Index, Integer, String, Text, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA_VERSION = 3
"""Increased with every change of a table; `Database` rejects a registry of another version."""
UPGRADED_BY_NEW_TABLES = frozenset({1, 2})
"""Earlier versions that lack whole tables and nothing else: `Database` makes these tables."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time in a column without time zones."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Store UTC without its zone."""
        del dialect
        return None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Return UTC with its zone."""
        del dialect
        return None if value is None else value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    """The registry's tables."""


class SchemaRow(Base):
    """One row: the version of the tables. Writers lock it, so that there is one writer at a time."""

    __tablename__ = "radiant_schema"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)


class MemberRow(Base):
    """One person of a case, as the pedigree states it."""

    __tablename__ = "radiant_member"

    case_id: Mapped[int] = mapped_column(ForeignKey("radiant_case.case_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    """From 0, in the order of the pedigree."""
    sample: Mapped[str] = mapped_column(Text)
    family_id: Mapped[str] = mapped_column(Text)
    father: Mapped[str | None] = mapped_column(Text)
    mother: Mapped[str | None] = mapped_column(Text)
    sex: Mapped[str] = mapped_column(String(16))
    affected: Mapped[str] = mapped_column(String(16))
    patient_id: Mapped[str] = mapped_column(Text)
    experiment_id: Mapped[str] = mapped_column(Text)
    is_proband: Mapped[bool]


class FileRow(Base):
    """One file of a case, as it was when the case was registered or last read."""

    __tablename__ = "radiant_file"
    __table_args__ = (Index("radiant_file_uri", "uri"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("radiant_case.case_id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(8), primary_key=True)
    uri: Mapped[str] = mapped_column(Text)
    size: Mapped[int | None] = mapped_column(BigInteger)
    tag: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(64))


class CaseRow(Base):
    """One case and its state."""

    __tablename__ = "radiant_case"
    __table_args__ = (Index("radiant_case_state", "state"),)

    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    strategy: Mapped[str] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(String(16))
    assembly: Mapped[str] = mapped_column(String(16))
    proband: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    part: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=0)
    """Increased by every change that requires a new import; a load of an older revision leaves the case due."""
    run: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    load_id: Mapped[str | None] = mapped_column(String(32))
    failure_code: Mapped[str | None] = mapped_column(Text)
    failure_reason: Mapped[str | None] = mapped_column(Text)
    failure_retryable: Mapped[bool] = mapped_column(default=False)
    purged: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    imported_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)

    members: Mapped[list[MemberRow]] = relationship(
        order_by=MemberRow.position, lazy="selectin", cascade="all, delete-orphan"
    )
    files: Mapped[list[FileRow]] = relationship(
        order_by=FileRow.role.desc(), lazy="selectin", cascade="all, delete-orphan"
    )


class HistoryRow(Base):
    """One entry in the history of a case."""

    __tablename__ = "radiant_history"
    __table_args__ = (Index("radiant_history_case", "case_id"),)

    entry: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("radiant_case.case_id"))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    from_state: Mapped[str | None] = mapped_column(String(16))
    to_state: Mapped[str] = mapped_column(String(16))
    run: Mapped[str | None] = mapped_column(Text)
    load_id: Mapped[str | None] = mapped_column(String(32))
    note: Mapped[str] = mapped_column(Text)


class AssignmentRow(Base):
    """The part of one patient, family, experiment or case id."""

    __tablename__ = "radiant_assignment"
    __table_args__ = (Index("radiant_assignment_part", "part"),)

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    part: Mapped[int]


class LoadRow(Base):
    """One import of one case."""

    __tablename__ = "radiant_load"
    __table_args__ = (Index("radiant_load_case", "case_id"),)

    load_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("radiant_case.case_id"))
    part: Mapped[int]
    run: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    code: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    commit_token: Mapped[str | None] = mapped_column(Text)
    cleaned: Mapped[bool] = mapped_column(default=False)


class ErasureRow(Base):
    """The fact that a case was erased: all that the registry keeps of it, beside its number."""

    __tablename__ = "radiant_erasure"

    case_id: Mapped[int] = mapped_column(ForeignKey("radiant_case.case_id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class UsageRow(Base):
    """One try of a job: `radiant.jobs.usage.JobTry`, flat. Times of its steps are in seconds since the epoch."""

    __tablename__ = "radiant_task_usage"
    __table_args__ = (Index("radiant_task_usage_recorded", "recorded_at"), Index("radiant_task_usage_run", "run"))

    attempt: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[str] = mapped_column(Text)
    job: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[int | None] = mapped_column(BigInteger)
    """No foreign key: the row is a record of the past, and needs no case."""
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    try_number: Mapped[int]
    code: Mapped[str | None] = mapped_column(Text)
    ready_at: Mapped[float | None] = mapped_column(Double)
    asked_at: Mapped[float | None] = mapped_column(Double)
    placed_at: Mapped[float | None] = mapped_column(Double)
    started_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    backend: Mapped[str] = mapped_column(String(16))
    node: Mapped[str | None] = mapped_column(Text)
    instance_type: Mapped[str | None] = mapped_column(Text)
    zone: Mapped[str | None] = mapped_column(Text)
    architecture: Mapped[str | None] = mapped_column(Text)
    capacity: Mapped[str | None] = mapped_column(Text)
    spot: Mapped[bool | None]
    cpu: Mapped[float | None] = mapped_column(Double)
    memory_limit_mib: Mapped[int]
    peak_memory_mib: Mapped[float | None] = mapped_column(Double)
    radiant_version: Mapped[str] = mapped_column(Text)
    image: Mapped[str | None] = mapped_column(Text)
    memory_source: Mapped[str | None] = mapped_column(String(16))
    """Null where the worker left no result; then all below is null, too."""
    measured_memory_mib: Mapped[float | None] = mapped_column(Double)
    wall_s: Mapped[float | None] = mapped_column(Double)
    cpu_s: Mapped[float | None] = mapped_column(Double)
    user_s: Mapped[float | None] = mapped_column(Double)
    system_s: Mapped[float | None] = mapped_column(Double)
    bytes_read: Mapped[int | None] = mapped_column(BigInteger)
    bytes_written: Mapped[int | None] = mapped_column(BigInteger)
    read_requests: Mapped[int | None] = mapped_column(BigInteger)
    write_requests: Mapped[int | None] = mapped_column(BigInteger)
    scratch_peak_mib: Mapped[float | None] = mapped_column(Double)
    records: Mapped[int | None] = mapped_column(BigInteger)
    rows: Mapped[int | None] = mapped_column(BigInteger)
    bytes_stored: Mapped[int | None] = mapped_column(BigInteger)
