"""Arguments and results of the registry: frozen values without a database."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from radiant.domain.case import Case, CaseState, Priority
from radiant.domain.partition import BlockedCases, Identity


class Change(StrEnum):
    """The kind of change that `Registry.add` made."""

    ADDED = "added"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    DIFFERS = "differs"
    """Nothing was done: the registered case differs, and replacing it was not requested."""


class FileRole(StrEnum):
    """The role of a file in its case."""

    VCF = "vcf"
    PED = "ped"


class LoadStatus(StrEnum):
    """The status of one load."""

    STARTED = "started"
    COMMITTED = "committed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Registration:
    """A case to register."""

    vcf_uri: str
    """Absolute URI."""
    strategy: str | None = None
    """None: as it is registered, `wgs` for a new case."""
    priority: Priority | None = None
    """None: as it is registered, `routine` for a new case."""
    assembly: str | None = None
    """`GRCh38` or `GRCh37`. None: as it is registered, `Registry.add`'s for a new case."""
    ped_uri: str | None = None
    """Absolute URI of the PED file the members come from. None: as it is registered. A case without one has no members
    here: at import every sample of the VCF is then a member of its own."""
    proband: str | None = None
    """The proband as the person named it. None: as it is registered, else it is found by the pedigree's rule."""
    patient_id: str | None = None
    """The person, across cases, of a case without a pedigree, whose VCF has one sample. None: as it is registered; a
    case that states none has patients of its own."""
    sample: str | None = None
    """The VCF's only sample; goes with `patient_id`."""
    case_id: int | None = None
    """Number of the case; None for the case that has this VCF, or the next number."""


@dataclass(frozen=True, slots=True)
class AddOutcome:
    """The result of `Registry.add`."""

    case_id: int
    change: Change
    differences: tuple[str, ...] = ()
    """What is, or would be, registered in another way: `assembly: GRCh38 -> GRCh37`."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """One file of a case, as it was when the case was registered or last read."""

    role: FileRole
    uri: str
    size: int | None
    """Bytes; None when the file could not be read."""
    tag: str | None
    """ETag or modification time; None when the file could not be read."""
    sha256: str | None
    """Of the bytes an import read, None before."""


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """Why the last import of a case failed, or why a run cannot import it."""

    code: str
    """Of the error class, or the platform's reason."""
    reason: str
    retryable: bool
    """Another run may end in another way."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One case with all that the registry stores, except its history."""

    case: Case
    state: CaseState
    part: int | None
    """None before the case was planned for the first time."""
    proband: str | None
    """The proband as the person named it."""
    files: tuple[CaseFile, ...]
    """VCF, then PED if there is one."""
    failure: CaseFailure | None
    """Set while the state is `failed`."""
    run: str | None
    """The run that has the lease, while the case is assigned or importing."""
    lease_until: dt.datetime | None
    """End of the lease, UTC."""
    load_id: str | None
    """The last import, running or ended."""
    purged: bool
    """Whether the rows of a deleted case are gone."""
    created_at: dt.datetime
    updated_at: dt.datetime
    imported_at: dt.datetime | None
    """When an import of it became visible for the last time."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step in the life of a case."""

    at: dt.datetime
    """UTC."""
    from_state: CaseState | None
    """None for the first entry."""
    to_state: CaseState
    """The same as `from_state` where something was changed and the state stayed."""
    run: str | None
    load_id: str | None
    note: str


@dataclass(frozen=True, slots=True)
class DueCase:
    """A case that should be imported, or whose rows must go."""

    case: Case
    state: CaseState
    """`deleted` means that its rows must go."""
    part: int | None
    """Where its rows are; None before it was planned for the first time."""
    reason: str
    """Why it is due."""


@dataclass(frozen=True, slots=True)
class DueCases:
    """Due cases, and those of which it is unknown."""

    cases: tuple[DueCase, ...]
    """By case number."""
    blocked: tuple[BlockedCases, ...]
    """Requested and impossible, or due and unreadable: a pedigree that became wrong, a store that does not answer."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """The parts of the ids so far, for the planner."""

    known: dict[Identity, int]
    """Part of every id."""
    counts: dict[int, int]
    """Sequencing experiments per part."""


@dataclass(frozen=True, slots=True)
class ClaimedCase:
    """A case that this run imports."""

    case: Case
    load_id: str
    """32 hexadecimal digits; new, unless the run had the case before and nothing of it has changed."""
    committed: bool = False
    """The run has imported it already, as it is registered now, and it is visible: nothing is left to do."""
    vcf_bytes: int | None = None
    """Size of the VCF now; None where it cannot be found."""


@dataclass(frozen=True, slots=True)
class Load:
    """One import of one case."""

    load_id: str
    case_id: int
    part: int
    run: str
    status: LoadStatus
    started_at: dt.datetime
    """UTC."""
    finished_at: dt.datetime | None
    code: str | None
    """Error code of a failed one."""
    reason: str | None
    commit_token: str | None
    """Set by `Registry.begin_commit`: from then on the lake may refer to the load's files."""


@dataclass(frozen=True, slots=True)
class FinishedImport:
    """A load whose rows are visible."""

    case_id: int
    load_id: str
    vcf_sha256: str | None
    """Digest of the bytes that were read."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of `Registry.claim`."""

    cases: tuple[ClaimedCase, ...]
    """To import, most urgent first."""
    deleted: tuple[int, ...]
    """Removed cases of this part whose rows must go."""
    refused: dict[int, CaseFailure]
    """Why, by case number; the caller must report it, or a case is lost in silence."""
    waiting: tuple[int, ...]
    """Cases that were not claimed, and are as they were, because `most` others were."""
    unfinished: tuple[Load, ...]
    """Earlier loads of these cases that never became visible: their staged files can be deleted."""


@dataclass(frozen=True, slots=True)
class InUse:
    """What imports need that are under way."""

    loads: frozenset[str]
    """Loads whose staged files may still be committed."""
    cases: frozenset[int]
    """Cases that a run holds, or that a load is under way for."""
    runs: frozenset[str]
    """Runs, by the URI of their folder, whose documents may still be read."""


@dataclass(frozen=True, slots=True)
class CommitGate:
    """The result of `Registry.begin_commit`."""

    loads: tuple[str, ...]
    """Loads that are still their case's current one: these may be committed."""
    deleted: tuple[int, ...]
    """Cases that are still removed: their rows may be deleted."""
    refused: dict[int, str]
    """Reason by case number for the rest."""
