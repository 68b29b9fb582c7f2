"""Cases and their states (SQLAlchemy: SQLite by default, PostgreSQL).

`Registry` is the interface of jobs and commands, `CaseOverview` that of pages, which only read; the rest are their
arguments and results.
"""

from radiant.registry.case_overview import CaseFilter, CaseList, CaseOverview, ListedCase, WholeCase
from radiant.registry.case_registry import Registry
from radiant.registry.changes import read_pedigree
from radiant.registry.erasure import Erasure
from radiant.registry.planning import configured_strategies
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
    FinishedImport,
    HistoryEntry,
    InUse,
    Load,
    LoadStatus,
    PartitionState,
    Registration,
)
from radiant.registry.schema_upgrade import RegistryUpgrade, upgrade_registry

__all__ = [
    "AddOutcome",
    "CaseFailure",
    "CaseFile",
    "CaseFilter",
    "CaseList",
    "CaseOverview",
    "CaseRecord",
    "Change",
    "Claim",
    "ClaimedCase",
    "CommitGate",
    "DueCase",
    "DueCases",
    "Erasure",
    "FileRole",
    "FinishedImport",
    "HistoryEntry",
    "InUse",
    "ListedCase",
    "Load",
    "LoadStatus",
    "PartitionState",
    "Registration",
    "Registry",
    "RegistryUpgrade",
    "WholeCase",
    "configured_strategies",
    "read_pedigree",
    "upgrade_registry",
]
