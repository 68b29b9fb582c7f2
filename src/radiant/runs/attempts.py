"""The attempts of runs, read from their documents below the work URI: what each requested, used and ended with."""

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage
from radiant.costs.history import Attempt, Ending
from radiant.costs.workload import built_in_figures
from radiant.errors import InputError
from radiant.jobs.billing import attempt_of_try
from radiant.jobs.catalogue import IMPORT_CASE, PLAN_IMPORT, effective_job
from radiant.jobs.codec import from_json
from radiant.jobs.contracts import ImportArguments, PlanOutput, arguments_of
from radiant.jobs.dag_ids import ALL_DAGS, IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import Request, Result, Status, decode_request, decode_result, run_uri
from radiant.jobs.run_ids import block_run_id, folder_name, part_run_id
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times
from radiant.runs.tries_document import TRIES, read_tries
from radiant.settings import Settings

_READERS = 16
"""Documents that are read at once: each is a request to the store."""
_REQUEST, _RESULT, _OUTCOME, _CONTAINER = "request.json", "result.json", "outcome.json", "container.json"


@dataclass(frozen=True, slots=True)
class AttemptDocuments:
    """The documents of one attempt."""

    folder: str
    request: Request
    result: Result | None
    """The result that counts, else the worker's; None where there is neither."""
    asked_at: dt.datetime
    """When the request was written."""
    ended_at: dt.datetime | None
    """When the outcome was written; None while there is none."""
    backend: str
    """Of the task's last container; empty for a local process."""
    replaced_at: dt.datetime | None = None
    """When the next attempt of the same task was requested; None for the last one."""
    seen: JobTry | None = None
    """The attempt as its operator saw it; None where neither an outcome nor the tries of its task have it."""

    @property
    def task(self) -> str:
        """The folder of the task instance."""
        return self.folder.rpartition("/")[0]

    @property
    def case_id(self) -> int | None:
        """The case of an import; None for a job of a whole part or run."""
        importing = self.request.job == IMPORT_CASE.name
        return arguments_of(self.request, ImportArguments).case_id if importing else None


def attempts_of_run(settings: Settings, run_id: str) -> list[AttemptDocuments]:
    """Return the attempts of a run and of the runs that it started, in the order in which they were requested.

    Args:
        settings: With the work URI.
        run_id: Of a run of any DAG of radiant, as Airflow's UI shows it.

    Raises:
        InputError: there is no such run below the work URI.
        JobProtocolError: a document is of another version.
    """
    work = settings.effective_work_uri
    found = [one for dag in ALL_DAGS for one in _of_run(run_uri(work, dag, run_id))]
    plans = [one for one in found if one.request.job == PLAN_IMPORT.name and one.result is not None]
    parts = {part for plan in plans if plan.result is not None for part in _parts(plan.result, plan.folder)}
    children = [part_run_id(run_id, part, cases) for part, cases in sorted(parts)]
    for child in (run_id, *children):
        # A run that was started by hand, or by import-part, may have further blocks.
        for block in itertools.count(2 if child == run_id else 1):
            more = _of_run(run_uri(work, IMPORT_VCF, block_run_id(child, block)))
            if not more:
                break
            found += more
    if not found:
        msg = (
            f"no job of run {run_id!r} has left a document below {work}. Copy the run id from the UI, of a run of "
            f"{IMPORT_RADIANT}, or set RADIANT_WORK_URI as it was when the run ended"
        )
        raise InputError(msg)
    return sorted(found, key=lambda one: one.asked_at)


def _of_run(run: str) -> list[AttemptDocuments]:
    return _read_all(_listed(run))


def month_of(at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Return the first moment of the month of a time, and the first one after it, UTC."""
    first = dt.datetime(at.year, at.month, 1, tzinfo=dt.UTC)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def read_month(month: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the first moment of a month, `2026-11`, and the first one after it, UTC.

    Raises:
        InputError: it is no month.
    """
    try:
        return month_of(dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=dt.UTC))
    except ValueError:
        msg = f"{month!r} is no month: write the year and the month, for example 2026-11"
        raise InputError(msg) from None


def attempts_in(
    settings: Settings, first: dt.datetime, after: dt.datetime, without: Collection[str] = ()
) -> list[AttemptDocuments]:
    """Return the attempts that were requested in a time, in the order of their requests.

    Args:
        settings: With the work URI.
        first: The first moment of it.
        after: The first moment after it.
        without: Attempts to leave out; none of their documents is read.

    Raises:
        JobProtocolError: a document is of another version.
        StorageError: the store does not answer.
    """
    left_out = set(map(folder_name, without))
    listed = [
        one
        for one in _listed(settings.effective_work_uri)
        if first <= one.asked_at < after and one.folder.rpartition("/")[2] not in left_out
    ]
    return _read_all(listed)


def cost_attempt(documents: AttemptDocuments, settings: Settings, now: dt.datetime) -> Attempt:
    """Return an attempt as the cost model counts it: as its operator saw it, else by its documents.

    Args:
        documents: Of the attempt.
        settings: With the time-out of the job and the other numbers that no document has.
        now: The end of an attempt that is still running.
    """
    request = documents.request
    job = effective_job(request.job, settings)
    one = as_try(documents)
    one = dataclasses.replace(
        one,
        cpu=request.cpu,
        memory_limit_mib=job.resources.memory_mib if request.memory_mib is None else request.memory_mib,
    )
    if documents.seen is None:
        until = documents.ended_at or documents.replaced_at or now
        most = documents.asked_at + dt.timedelta(seconds=job.timeout_s + built_in_figures().assumed.image_start_s)
        times = Times(asked_at=documents.asked_at.timestamp(), ended_at=min(until, most).timestamp())
        one = dataclasses.replace(one, times=times)
    usage = TaskUsage(request.run_uri, request.job, documents.case_id, one)
    return dataclasses.replace(attempt_of_try(usage, job, settings), ending=_ending(documents))


def as_try(documents: AttemptDocuments) -> JobTry:
    """Return an attempt as its operator saw it, else as a try with the times of its documents."""
    if documents.seen is not None:
        return documents.seen
    request, result = documents.request, documents.result
    ended = documents.ended_at or documents.replaced_at
    asked_at = documents.asked_at.timestamp()
    failure = None if result is None else result.failure
    usage = None if result is None else result.usage
    return JobTry(
        attempt=request.attempt,
        try_number=1,
        code=failure.code if failure else None if result else "Lost" if documents.replaced_at else None,
        times=Times(
            asked_at=asked_at,
            placed_at=asked_at,
            started_at=asked_at,
            ended_at=None if ended is None else ended.timestamp(),
        ),
        placement=Placement(documents.backend or "local"),
        cpu=request.cpu,
        memory_limit_mib=request.memory_mib or 0,
        peak_memory_mib=None if usage is None else usage.peak_memory_mib,
        usage=usage,
    )


def _ending(documents: AttemptDocuments) -> Ending:
    if documents.result is not None:
        return Ending(documents.result.status)
    return Ending.RUNNING if documents.replaced_at is None else Ending.LOST


@dataclass(frozen=True, slots=True)
class _Listed:
    """An attempt as the list of files has it; nothing of it is read yet."""

    folder: str
    task: str
    """The folder of its task instance."""
    asked_at: dt.datetime
    ended_at: dt.datetime | None
    """When its outcome was written."""
    replaced_at: dt.datetime | None
    """When the next attempt of its task was requested."""
    results: tuple[str, ...]
    """The results that it has, the one that counts first."""
    has_tries: bool
    """Its task has a document of tries."""
    has_container: bool


def _listed(under: str) -> list[_Listed]:
    """Return the attempts below a folder, in the order of their requests."""
    files = {one.uri: one.modified_at for one in storage.stored_files(under)}
    found: list[_Listed] = []
    replaced_at: dict[str, dt.datetime] = {}
    requests = [(at, uri.removesuffix(f"/{_REQUEST}")) for uri, at in files.items() if uri.endswith(f"/{_REQUEST}")]
    for asked_at, folder in sorted(requests, reverse=True):
        task = folder.rpartition("/")[0]
        # The request beside a task's folders of attempts is a copy of the last one.
        if f"{task}/{_REQUEST}" not in files:
            continue
        found.append(
            _Listed(
                folder=folder,
                task=task,
                asked_at=asked_at,
                ended_at=files.get(f"{folder}/{_OUTCOME}"),
                replaced_at=replaced_at.get(task),
                results=tuple(uri for name in (_OUTCOME, _RESULT) if (uri := f"{folder}/{name}") in files),
                has_tries=f"{task}/{TRIES}" in files,
                has_container=f"{task}/{_CONTAINER}" in files,
            )
        )
        replaced_at[task] = asked_at
    return found[::-1]


def _read_all(listed: Iterable[_Listed]) -> list[AttemptDocuments]:
    """Read the documents of attempts, several at a time, each with what its operator saw of it."""
    wanted = list(listed)
    tasks = sorted({one.task for one in wanted if one.has_tries})
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(_read, wanted))
        stored = list(pool.map(read_tries, tasks))
    seen = {one.attempt: one for tries in stored for one in tries}
    seen |= {one.attempt: one for documents in found if documents.result for one in documents.result.tries}
    return [dataclasses.replace(one, seen=seen.get(one.request.attempt)) for one in found]


def _read(listed: _Listed) -> AttemptDocuments:
    uri = f"{listed.folder}/{_REQUEST}"
    request = decode_request(storage.read_bytes(uri), uri)
    results = [decode_result(storage.read_bytes(uri), uri) for uri in listed.results]
    # The outcome of a job that was killed has no usage; its worker may have left one.
    measured = next((one for one in results if one.usage is not None), None)
    result = results[0] if results else None
    if result is not None and result.usage is None and measured is not None:
        result = dataclasses.replace(result, usage=measured.usage)
    return AttemptDocuments(
        folder=listed.folder,
        request=request,
        result=result,
        asked_at=listed.asked_at,
        ended_at=listed.ended_at,
        backend=_backend(f"{listed.task}/{_CONTAINER}") if listed.has_container else "",
        replaced_at=listed.replaced_at,
    )


def _backend(uri: str) -> str:
    try:
        return str(json.loads(storage.read_bytes(uri)).get("platform", ""))
    except (InputError, ValueError):
        return ""


def _parts(plan: Result, where: str) -> Iterable[tuple[int, tuple[int, ...]]]:
    if plan.status is not Status.SUCCEEDED:
        return []
    what, remedy = "the output of a plan of this version", "Use the radiant version that made the run"
    output = from_json(PlanOutput, plan.output, where=where, what=what, remedy=remedy)
    return [(part.part, tuple(part.cases)) for part in output.parts]
