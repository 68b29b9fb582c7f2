"""What each job is given (`arguments` of its request) and what it returns (`output` of its result), as types.

Operators, worker and command line read them with `arguments_of` and `output_of` and nowhere else. A new field has a
default, so that the documents of a run that an older release started stay readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from radiant.domain.case import Priority
from radiant.domain.case_numbers import read_case_numbers
from radiant.domain.partition import BlockedCases, PlannedPart
from radiant.jobs.codec import from_json
from radiant.jobs.documents import JobSummary, Request, task_uri

T = TypeVar("T")

_REMEDY = "Run the same radiant version in Airflow and in the image"


def arguments_of(request: Request, kind: type[T]) -> T:
    """Return the arguments of a request as their type, for example `arguments_of(request, ImportArguments)`.

    Raises:
        JobProtocolError: a key is missing or has another type.
    """
    where = f"{request.task_uri or request.run_uri}/request.json: arguments"
    return from_json(kind, request.arguments, where=where, what=f"an object that {request.job} takes", remedy=_REMEDY)


def output_of(summary: JobSummary, kind: type[T]) -> T:
    """Return the output of a job that succeeded as its type, for example `output_of(summary, PlanOutput)`.

    Raises:
        JobProtocolError: a key is missing or has another type.
    """
    where = f"the output of {summary.job}"
    return from_json(kind, summary.output, where=where, what="an object of this version", remedy=_REMEDY)


@dataclass(frozen=True, slots=True)
class PlanArguments:
    """Arguments of `plan-import`."""

    cases: object = None
    """Case numbers as a person types them, see `read_case_numbers`; None for all cases that are due."""


@dataclass(frozen=True, slots=True)
class PlanOutput:
    """Output of `plan-import`."""

    parts: tuple[PlannedPart, ...]
    """In the order in which they run. Their cases include removed ones whose rows must go."""
    blocked: tuple[BlockedCases, ...]
    """Cases that are due and cannot be imported."""


@dataclass(frozen=True, slots=True)
class PrepareArguments:
    """Arguments of `prepare-part`."""

    part: int
    cases: object = None
    """Case numbers as a person types them; None for all cases that are assigned to the part."""
    most: int | None = None
    """Greatest number of cases to claim; None for no limit."""


@dataclass(frozen=True, slots=True)
class PreparedCase:
    """One case of a run, also the arguments of its `import-case`."""

    case_id: int
    case_uri: str
    """Where its case document is."""
    load_id: str | None
    """The load to import; None for a case that the run had before and has no more."""
    vcf_bytes: int | None = None
    """Size of the VCF when the case was claimed; None where it is unknown."""
    samples: int | None = None
    """Members of the case, 1 without a pedigree; None where it is unknown."""


ImportArguments = PreparedCase


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case that is not imported."""

    case_id: int
    code: str
    """`code` of the error class, or the reason of a lost job (OutOfMemory, Lost)."""
    reason: str
    """One sentence or more, for a person."""
    retryable: bool = False
    """Another run may end in another way."""


@dataclass(frozen=True, slots=True)
class PrepareOutput:
    """Output of `prepare-part`."""

    part: int
    cases: tuple[PreparedCase, ...]
    """In the order of the mapped task; a repetition in the same run gives each case its index again."""
    deleted: tuple[int, ...]
    """Removed cases whose rows must go."""
    refused: tuple[FailedCase, ...]
    """Cases of another part, with a pedigree that cannot be read, or that another run holds."""
    waiting: tuple[int, ...]
    """Cases that were not claimed because `most` others were."""


@dataclass(frozen=True, slots=True)
class RecordCounts:
    """Data lines of a VCF by outcome; every line is in exactly one of the buckets after `read`."""

    read: int
    kept: int
    split: int
    skipped: int
    rejected: int


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """The VCF that an import read, for an audit: neither its name nor a word of its header."""

    size_bytes: int
    """As stored."""
    sha256: str
    """Of those bytes."""
    header_sha256: str
    """Of the header lines."""
    format: str
    """VCF or BCF."""
    fileformat: str
    """`VCFv4.2`."""
    compression: str
    """bgzf, gzip or none."""
    assembly: str
    annotator: str | None
    annotator_version: str | None


@dataclass(frozen=True, slots=True)
class ImportOutput:
    """Output of `import-case`."""

    case_id: int
    load_id: str
    records: RecordCounts
    warnings: tuple[str, ...]
    file: ImportedFile | None = None
    """None from a worker of an earlier release."""


@dataclass(frozen=True, slots=True)
class CommitArguments:
    """Arguments of `commit-part`."""

    part: int
    loads: tuple[PreparedCase, ...] | None
    """`cases` of `PrepareOutput`; None when `prepare-part` did not succeed."""
    deleted: tuple[int, ...] | None = None
    """`deleted` of `PrepareOutput`."""
    imports_uri: str = ""
    """Folder of the mapped task that imported the loads, see `import_uri`."""

    def import_uri(self, index: int, run_uri: str) -> str:
        """Return the folder of the task instance that imported the load of that index in `loads`."""
        return f"{self.imports_folder(run_uri)}/{index}"

    def imports_folder(self, run_uri: str) -> str:
        """Return the folder of the mapped task that imported the loads.

        Requests of radiant 0.1 have no `imports_uri`: the imports are then those of the task `import_case` of the run.
        """
        return self.imports_uri or task_uri(run_uri, "import_case")


@dataclass(frozen=True, slots=True)
class ImportedCase:
    """A case whose rows are visible."""

    case_id: int
    records: RecordCounts
    rows: dict[str, int]
    """Rows by table, short names."""
    seconds: float
    """Wall time of the import."""
    cpu_s: float
    peak_memory_mib: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommitOutput:
    """Output of `commit-part`."""

    part: int
    imported: tuple[ImportedCase, ...]
    failed: tuple[FailedCase, ...]
    deleted: tuple[int, ...]
    """Removed cases whose rows are gone."""
    snapshots: dict[str, int | None] = field(default_factory=dict[str, int | None])
    """Snapshot with the rows, by the table's short name, None for a table that never had any; empty where nothing was
    committed."""


@dataclass(frozen=True, slots=True)
class MaintainArguments:
    """Arguments of `maintain-tables`."""

    dry_run: bool = False
    """Change nothing; return what would be done."""


@dataclass(frozen=True, slots=True)
class MaintainedTable:
    """What maintenance did to one table."""

    name: str
    """`namespace.table`."""
    snapshots: int
    """Expired ones."""
    kept_snapshots: int
    files: int
    """Deleted: only expired snapshots named them."""
    bytes: int
    orphans: int
    """Deleted files that neither the table nor a running import needs."""
    orphan_bytes: int
    compacted: int
    """Small files that were brought together."""
    compacted_into: int
    """The files that they became."""
    manifests: int
    """Manifests that were brought together; 0 where there were few."""
    note: str
    """Why something was left; empty where nothing was."""


@dataclass(frozen=True, slots=True)
class MaintainOutput:
    """Output of `maintain-tables`: what was done, or what would be."""

    dry_run: bool
    tables: tuple[MaintainedTable, ...]
    """In the order in which a commit changes them."""
    runs: int
    """Finished runs whose documents were deleted."""
    documents: int
    document_bytes: int
    keeps_versions: bool = False
    """Whether a store keeps what was deleted as older versions, until its own rule removes these."""


@dataclass(frozen=True, slots=True)
class ReportArguments:
    """Arguments of `run-report`."""

    run_id: str
    """Of the run whose folder the request names: a folder's name does not always have the whole id."""


@dataclass(frozen=True, slots=True)
class ReportOutput:
    """Output of `run-report`."""

    uri: str
    """Where the report is."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PocArguments:
    """Arguments of `poc`; its output is the list of the first ten squares."""

    pause_s: object = 0.5
    """Seconds between two lines, from 0 to 60."""


@dataclass(frozen=True, slots=True)
class ImportParams:
    """Params of a run of `import-part` or `import-vcf` that another run starts."""

    part: int
    cases: tuple[int, ...] | None = None
    """None for all cases that are assigned to the part."""
    priority: Priority = Priority.ROUTINE


@dataclass(frozen=True, slots=True)
class CaseWarning:
    """What a person should check in a case that is imported: sex or parentage that do not fit, a disomy."""

    case_id: int
    warning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of the cases of a run, the XCom of each import DAG's last task."""

    imported: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    """Removed cases whose rows are gone."""
    failed: tuple[FailedCase, ...] = ()
    waiting: tuple[int, ...] = ()
    """Cases that a run of `import-vcf` left to another run, because Airflow limits the length of a mapped task."""
    trouble: tuple[str, ...] = ()
    """What went wrong beside single cases, one sentence or more each."""
    warnings: tuple[CaseWarning, ...] = ()
    """Of imported cases; they do not make the verdict red."""


def read_import_params(conf: Mapping[str, object]) -> ImportParams:
    """Return the params of a run; `cases` as a person types them, or as another task returned them.

    Raises:
        InputError: `cases` is not case numbers.
        JobProtocolError: another param is missing or has another type.
    """
    typed = {**conf, "cases": read_case_numbers(conf.get("cases"))}
    return from_json(ImportParams, typed, where="the params of a run", what="those of an import", remedy=_REMEDY)


def read_verdict(xcom: object, where: str) -> Verdict | None:
    """Return the verdict of an XCom, None where the task left none.

    Raises:
        JobProtocolError: it is no verdict of this version.
    """
    if xcom is None:
        return None
    return from_json(Verdict, xcom, where=where, what="a verdict of this version", remedy=_REMEDY)
