"""A case: one analysis of one person or family."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

LAST_CASE = 2**63 - 1
"""Greatest case number: the most that a 64-bit column of the registry and the tables holds."""


class Sex(StrEnum):
    """Stated sex, as the fifth column of a PED file has it (1, 2, anything else)."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


class Affected(StrEnum):
    """Affected status, as the sixth column of a PED file has it (2, 1, 0 or -9)."""

    AFFECTED = "affected"
    UNAFFECTED = "unaffected"
    UNKNOWN = "unknown"


class Priority(StrEnum):
    """How soon a case must be imported, most urgent first."""

    STAT = "stat"
    ASAP = "asap"
    URGENT = "urgent"
    ROUTINE = "routine"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Priority).index(self)


class CaseState(StrEnum):
    """Where a case stands between registration and its rows being visible."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    IMPORTING = "importing"
    IMPORTED = "imported"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Member:
    """One person of a case, as the pedigree states it.

    Parents are found by the pedigree's individual ids (`father`, `mother`), never by a role alone.
    """

    sample: str
    """Name of the sample column in the VCF; also the individual id of the PED file."""
    family_id: str
    """First column of the PED file."""
    father: str | None
    """Individual id of the father, None when the pedigree has `0`. It may name a person who was not sequenced."""
    mother: str | None
    """Individual id of the mother, None when the pedigree has `0`. It may name a person who was not sequenced."""
    sex: Sex
    affected: Affected
    patient_id: str
    """The person, across cases. `family_id:sample` unless the pedigree has a `patient_id` column."""
    experiment_id: str
    """The sequencing experiment. `family_id:sample` unless the pedigree has an `experiment_id` column."""
    is_proband: bool
    """Exactly one member of a case is the proband."""


@dataclass(frozen=True, slots=True)
class Case:
    """One analysis of one person or family."""

    case_id: int
    """From 1; the only identifier that may appear in a path, a log above DEBUG or a label."""
    vcf_uri: str
    """Where the VCF or BCF is (`file://` or any object store)."""
    strategy: str
    """Experimental strategy: `wgs`, `wxs` or a configured one."""
    priority: Priority
    assembly: str
    """`GRCh38` or `GRCh37`."""
    members: tuple[Member, ...]
    """In the order of the pedigree."""


def solo(sample: str, owner: str = "", patient_id: str | None = None) -> Member:
    """Return the member that a sample is without a pedigree: a proband of unknown sex and status, no relatives.

    Args:
        sample: Name of the sample column.
        owner: What the file belongs to, `case:17`: two laboratories' `S1` are two patients, `case:17:S1` and another.
            Empty for a file that belongs to no case.
        patient_id: The person, across cases, where it is stated. Family and experiment stay those of the owner: the
            `S1` of two patients are no family.
    """
    person = f"{owner or sample}:{sample}"
    return Member(
        sample=sample,
        family_id=sample if patient_id is None else person,
        father=None,
        mother=None,
        sex=Sex.UNKNOWN,
        affected=Affected.UNKNOWN,
        patient_id=person if patient_id is None else patient_id,
        experiment_id=person,
        is_proband=True,
    )


@dataclass(frozen=True, slots=True)
class WaitingCases:
    """Cases that are registered, planned or being imported, and not imported yet."""

    count: int
    since: dt.datetime | None
    """Since when the one that waits longest does; None where none waits."""
