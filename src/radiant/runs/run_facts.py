"""What a run did, as one value: its cases with their verdicts and tries, its other jobs, what went wrong beside them.

Everything comes from the outcomes of the run's attempts, so it is the same after Airflow's database is gone. Of
patients it holds the numbers of cases and nothing else: paths, which may have names in them, are left out of reasons.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from radiant.jobs.catalogue import COMMIT_PART, IMPORT_CASE, PLAN_IMPORT, PREPARE_PART, RUN_REPORT
from radiant.jobs.codec import from_json
from radiant.jobs.contracts import (
    CommitOutput,
    FailedCase,
    ImportedCase,
    ImportedFile,
    ImportOutput,
    PlanOutput,
    PrepareOutput,
    RecordCounts,
)
from radiant.jobs.documents import Result, Status
from radiant.jobs.message_text import without_paths
from radiant.jobs.usage import JobTry, Times
from radiant.runs.attempts import AttemptDocuments, as_try

T = TypeVar("T")


class Outcome(StrEnum):
    """How a run left a case."""

    IMPORTED = "imported"
    FAILED = "failed"
    REMOVED = "removed"
    """The rows of a case that was removed are gone."""
    OPEN = "open"
    """No commit has reported it: the run is not over, or it broke off."""


@dataclass(frozen=True, slots=True)
class TryFacts:
    """One start of a job: a row of the timeline's bars, a point of the plots."""

    job: str
    case_id: int | None
    """None for a job of a whole part or run."""
    where: str
    """What the job is for, in a word or two: `case 7`, `part 0`."""
    job_try: JobTry
    running: bool
    """It has no end yet."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """One case of a run."""

    case_id: int
    part: int | None
    outcome: Outcome
    code: str | None
    """Of the failure."""
    reason: str | None
    """Of the failure, for a person, without paths."""
    retryable: bool
    """Another try may end in another way."""
    records: RecordCounts | None
    rows: dict[str, int]
    """Rows by table."""
    warnings: tuple[str, ...]
    digest: str | None
    """sha256 over the digests of its rows, see `digest_of`."""
    file: ImportedFile | None
    """The VCF that was read; None where no import read it to its end."""
    tries: tuple[TryFacts, ...]
    """Of its import, in order."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One run, with the runs that it started."""

    run_id: str
    cases: tuple[CaseFacts, ...]
    """By their numbers."""
    jobs: tuple[TryFacts, ...]
    """The tries of all other jobs, in the order of their requests."""
    trouble: tuple[str, ...]
    """What went wrong beside single cases."""
    versions: tuple[str, ...]
    """Of radiant, in Airflow and in the workers."""
    images: tuple[str, ...]
    pythons: tuple[str, ...]
    """Of the workers."""

    @property
    def tries(self) -> tuple[TryFacts, ...]:
        """All tries of the run."""
        return (*self.jobs, *(one for case in self.cases for one in case.tries))

    @property
    def began_at(self) -> float | None:
        """When the first job was ready or requested, in seconds since the epoch; None without a job."""
        return min((first_moment(one.job_try.times) for one in self.tries), default=None)

    @property
    def ended_at(self) -> float | None:
        """When the last job ended; None without a job, or while one is running."""
        ends = [one.job_try.times.ended_at for one in self.tries]
        return None if None in ends else max((end for end in ends if end is not None), default=None)


def first_moment(times: Times) -> float:
    """Return the earliest time of a try; each has `asked_at` at least."""
    return min(one for one in (times.ready_at, times.asked_at, times.started_at) if one is not None)


def without_report(attempts: Iterable[AttemptDocuments]) -> list[AttemptDocuments]:
    """Return the attempts without those of the job that makes the report: it cannot count itself."""
    return [one for one in attempts if one.request.job != RUN_REPORT.name]


def run_facts(run_id: str, attempts: Iterable[AttemptDocuments]) -> RunFacts:
    """Return the facts of a run from its attempts, as `attempts_of_run` returns them.

    The last outcome of a task counts, as it does for the run: a task that was cleared has an outcome of each time.

    Raises:
        JobProtocolError: an output is of another version.
    """
    found = list(attempts)
    last = {one.task: one for one in found}
    parts = _parts(last.values())
    tries = list(map(_try, found))
    results = [one.result for one in found if one.result is not None]
    versions = {one.request.radiant_version for one in found} | {one.radiant_version for one in results}
    images = {one.request.image for one in found} | {one.image for one in results}
    return RunFacts(
        run_id=run_id,
        cases=_cases(list(last.values()), parts, tries),
        jobs=tuple(one for one in tries if one.job != IMPORT_CASE.name),
        trouble=tuple(_trouble(last.values())),
        versions=tuple(sorted(versions - {""})),
        images=tuple(sorted(image for image in images if image)),
        pythons=tuple(sorted({one.python_version for one in results} - {""})),
    )


def digest_of(digests: dict[str, str]) -> str:
    """Return one digest of the rows of a case: sha256 of the lines `table=sha256`, sorted, each with a line end."""
    lines = "".join(f"{name}={digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _cases(last: Sequence[AttemptDocuments], parts: dict[int, int], tries: Iterable[TryFacts]) -> tuple[CaseFacts, ...]:
    """Return the cases that any job of the run names."""
    by_case: dict[int, list[TryFacts]] = {}
    for one in tries:
        if one.case_id is not None:
            by_case.setdefault(one.case_id, []).append(one)
    imported: dict[int, ImportedCase] = {}
    failed: dict[int, FailedCase] = {}
    removed: set[int] = set()
    for one in _outputs(last, PREPARE_PART.name, PrepareOutput):
        failed |= {case.case_id: case for case in one.refused}
    for one in _outputs(last, COMMIT_PART.name, CommitOutput):
        imported |= {case.case_id: case for case in one.imported}
        failed |= {case.case_id: case for case in one.failed}
        removed |= set(one.deleted)
    imports = {one.case_id: one for one in last if one.case_id is not None}
    found: list[CaseFacts] = []
    for case_id in sorted({*parts, *by_case, *imported, *failed, *removed}):
        result = imports[case_id].result if case_id in imports else None
        committed = imported.get(case_id)
        failure = None if committed else failed.get(case_id) or _failure(case_id, result)
        output = _import_output(result)
        found.append(
            CaseFacts(
                case_id=case_id,
                part=parts.get(case_id),
                outcome=Outcome.IMPORTED
                if committed
                else Outcome.FAILED
                if failure
                else Outcome.REMOVED
                if case_id in removed
                else Outcome.OPEN,
                code=None if failure is None else failure.code,
                reason=None if failure is None else without_paths(failure.reason),
                retryable=failure is not None and failure.retryable,
                records=committed.records if committed else output.records if output else None,
                rows=committed.rows if committed else {},
                warnings=tuple(map(without_paths, committed.warnings if committed else ())),
                digest=digest_of(result.digests) if committed and result is not None and result.digests else None,
                file=output.file if committed and output is not None else None,
                tries=tuple(by_case.get(case_id, ())),
            )
        )
    return tuple(found)


def _failure(case_id: int, result: Result | None) -> FailedCase | None:
    failure = None if result is None else result.failure
    return None if failure is None else FailedCase(case_id, failure.code, failure.message, failure.retryable)


def _import_output(result: Result | None) -> ImportOutput | None:
    if result is None or result.status is not Status.SUCCEEDED:
        return None
    return _output(result, ImportOutput)


def _parts(last: Iterable[AttemptDocuments]) -> dict[int, int]:
    """Return the part of each case that was planned or prepared."""
    found: dict[int, int] = {}
    attempts = list(last)
    for plan in _outputs(attempts, PLAN_IMPORT.name, PlanOutput):
        found |= {case_id: part.part for part in plan.parts for case_id in part.cases}
    for one in _outputs(attempts, PREPARE_PART.name, PrepareOutput):
        found |= {case.case_id: one.part for case in one.cases} | dict.fromkeys(one.deleted, one.part)
    return found


def _trouble(last: Iterable[AttemptDocuments]) -> Iterable[str]:
    """Yield what went wrong beside single cases: blocked cases, and other jobs that failed."""
    attempts = list(last)
    for plan in _outputs(attempts, PLAN_IMPORT.name, PlanOutput):
        for one in plan.blocked:
            yield f"case {', '.join(map(str, one.cases))} cannot be imported: {without_paths(one.reason)}"
    for one in attempts:
        if not _is(one, IMPORT_CASE.name) and one.result is not None and one.result.failure is not None:
            failure = one.result.failure
            yield f"{one.request.job} failed: {failure.code}: {without_paths(failure.message)}"


def _try(one: AttemptDocuments) -> TryFacts:
    job_try, case_id, part = as_try(one), one.case_id, one.request.arguments.get("part")
    return TryFacts(
        job=one.request.job,
        case_id=case_id,
        where=f"case {case_id}" if case_id is not None else "" if part is None else f"part {part}",
        job_try=job_try,
        running=job_try.times.ended_at is None,
    )


def _is(one: AttemptDocuments, job: str) -> bool:
    return one.request.job == job


def _outputs(attempts: Iterable[AttemptDocuments], job: str, kind: type[T]) -> Iterable[T]:
    """Yield the outputs of the attempts of a job that succeeded."""
    for one in attempts:
        if _is(one, job) and one.result is not None and one.result.status is Status.SUCCEEDED:
            yield _output(one.result, kind)


def _output(result: Result, kind: type[T]) -> T:
    where, remedy = f"the output of {result.job}", "Use the radiant version that made the run"
    return from_json(kind, result.output, where=where, what="an object of this version", remedy=remedy)
