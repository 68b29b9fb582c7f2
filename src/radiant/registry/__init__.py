"""Cases and their states (SQLAlchemy: SQLite by default, PostgreSQL).

`Registry` is the door; the rest are the values that go through it.
"""

from radiant.registry.case_registry import Registry
from radiant.registry.changes import read_pedigree
from radiant.registry.records import (
    AddOutcome,
    CaseFailure,
    CaseFile,
    CaseRecord,
    Change,
    Claim,
    ClaimedCase,
    CommitGate,
    DueCase,
    DueCases,
    FileRole,
    HistoryEntry,
    Load,
    LoadStatus,
    Placement,
    Registration,
)
from radiant.registry.strategies import configured_strategies

__all__ = [
    "AddOutcome",
    "CaseFailure",
    "CaseFile",
    "CaseRecord",
    "Change",
    "Claim",
    "ClaimedCase",
    "CommitGate",
    "DueCase",
    "DueCases",
    "FileRole",
    "HistoryEntry",
    "Load",
    "LoadStatus",
    "Placement",
    "Registration",
    "Registry",
    "configured_strategies",
    "read_pedigree",
]
