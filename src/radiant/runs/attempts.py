"""The attempts of runs, read from their documents below the work URI: what each requested, used and ended with."""

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from radiant import storage
from radiant.costs.container import Container
from radiant.costs.history import Attempt, Ending
from radiant.errors import InputError
from radiant.jobs.billing import billed_as, placed_seconds
from radiant.jobs.catalogue import IMPORT_CASE, PLAN_IMPORT, effective_job
from radiant.jobs.codec import from_json
from radiant.jobs.contracts import ImportArguments, PlanOutput, arguments_of
from radiant.jobs.dag_ids import ALL_DAGS, IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import Request, Result, Status, decode_request, decode_result, run_uri
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.jobs.usage import JobTry
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
    """The attempt as its operator saw it; None where no outcome of the task has it."""

    @property
    def task(self) -> str:
        """The folder of the task instance."""
        return self.folder.rpartition("/")[0]


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
    found = [one for dag in ALL_DAGS for one in _attempts(run_uri(work, dag, run_id))]
    plans = [one for one in found if one.request.job == PLAN_IMPORT.name and one.result is not None]
    parts = {part for plan in plans if plan.result is not None for part in _parts(plan.result, plan.folder)}
    children = [part_run_id(run_id, part, cases) for part, cases in sorted(parts)]
    for child in (run_id, *children):
        # A run that was started by hand, or by import-part, may have further blocks.
        for block in itertools.count(2 if child == run_id else 1):
            more = list(_attempts(run_uri(work, IMPORT_VCF, block_run_id(child, block))))
            if not more:
                break
            found += more
    if not found:
        msg = (
            f"no job of run {run_id!r} has left a document below {work}. Copy the run id from the UI, of a run of "
            f"{IMPORT_RADIANT}, or set RADIANT_WORK_URI as it was when the run ended"
        )
        raise InputError(msg)
    return _in_order(found)


def attempts_of_month(settings: Settings, month: str) -> list[AttemptDocuments]:
    """Return the attempts that were requested in a month of UTC.

    Args:
        settings: With the work URI.
        month: `2026-11`.

    Raises:
        InputError: it is no month.
        JobProtocolError: a document is of another version.
    """
    try:
        first = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=dt.UTC)
    except ValueError:
        msg = f"{month!r} is no month: write the year and the month, for example 2026-11"
        raise InputError(msg) from None
    after = (first + dt.timedelta(days=32)).replace(day=1)
    return [one for one in attempts_since(settings, first) if one.asked_at < after]


def attempts_since(settings: Settings, first: dt.datetime) -> list[AttemptDocuments]:
    """Return the attempts that were requested from a time on.

    Raises:
        JobProtocolError: a document is of another version.
    """
    return _in_order(_attempts(settings.effective_work_uri, first))


def cost_attempt(documents: AttemptDocuments, settings: Settings, image_start_s: float, now: dt.datetime) -> Attempt:
    """Return an attempt as the cost model counts it.

    Its time is that from its place on the platform to its end, as the operator saw it. Without that it is the worker's
    own time and the start of a container; a local process counts as if it were one, too. A job that left neither counts
    from its request to its outcome, or to the next attempt, with the wait for room: an upper bound.

    Args:
        documents: Of the attempt.
        settings: With the scratch disk and the time-out of the job, and the capacity where no outcome has it.
        image_start_s: Seconds from the start of the image's download to the job's process.
        now: The end of an attempt that is still running.
    """
    request, result, seen = documents.request, documents.result, documents.seen
    usage = result.usage if result is not None else None
    job = effective_job(request.job, settings)
    backend = documents.backend if seen is None else seen.placement.backend
    on_platform = None if seen is None else placed_seconds(seen)
    if on_platform is not None:
        seconds = on_platform
    elif usage is not None:
        seconds = image_start_s + usage.wall_s
    else:
        until = documents.ended_at or documents.replaced_at or now
        seconds = min((until - documents.asked_at).total_seconds(), job.timeout_s + image_start_s)
    return Attempt(
        run=request.run_uri,
        job=request.job,
        case_id=_case_id(request),
        ending=_ending(documents),
        reason=result.failure.code if result is not None and result.failure is not None else None,
        started_at=documents.asked_at,
        container=Container(
            cpu=job.resources.cpu if request.cpu is None else request.cpu,
            memory_mib=job.resources.memory_mib if request.memory_mib is None else request.memory_mib,
            scratch_gib=job.resources.scratch_gib,
            seconds=max(seconds, 0.0),
        ),
        backend=backend or "local",
        ran_on=billed_as(backend, None if seen is None else seen.placement, settings),
        seconds_measured=on_platform is not None or usage is not None,
        cpu_s=usage.cpu_s if usage is not None else None,
        peak_memory_mib=usage.peak_memory_mib if usage is not None else seen and seen.peak_memory_mib,
    )


def _ending(documents: AttemptDocuments) -> Ending:
    if documents.result is not None:
        return Ending(documents.result.status)
    return Ending.RUNNING if documents.replaced_at is None else Ending.LOST


def _in_order(found: Iterable[AttemptDocuments]) -> list[AttemptDocuments]:
    """Return attempts in the order of their requests, each with what the other attempts of its task say about it."""
    tasks: dict[str, list[AttemptDocuments]] = {}
    for one in sorted(found, key=lambda one: one.asked_at):
        tasks.setdefault(one.task, []).append(one)
    whole: list[AttemptDocuments] = []
    for attempts in tasks.values():
        seen = {one.attempt: one for task in attempts if task.result is not None for one in task.result.tries}
        for this, following in itertools.zip_longest(attempts, attempts[1:]):
            replaced_at = None if following is None else following.asked_at
            whole.append(dataclasses.replace(this, replaced_at=replaced_at, seen=seen.get(this.request.attempt)))
    return sorted(whole, key=lambda one: one.asked_at)


def _attempts(under: str, first: dt.datetime | None = None) -> Iterator[AttemptDocuments]:
    """Yield the attempts below a folder that were requested from `first` on."""
    files = set(storage.list_files(under))
    folders = sorted(
        uri.removesuffix(f"/{_REQUEST}")
        for uri in files
        # The request beside a task's folder of attempts is a copy of the last one.
        if uri.endswith(f"/{_REQUEST}") and _is_attempt(uri, files)
    )
    with ThreadPoolExecutor(_READERS) as pool:
        for one in pool.map(partial(_read, files=files, first=first), folders):
            if one is not None:
                yield one


def _is_attempt(uri: str, files: set[str]) -> bool:
    return f"{uri.rpartition('/')[0].rpartition('/')[0]}/{_REQUEST}" in files


def _read(folder: str, *, files: set[str], first: dt.datetime | None) -> AttemptDocuments | None:
    asked_at = storage.modified_at(f"{folder}/{_REQUEST}")
    if first is not None and asked_at < first:
        return None
    request = decode_request(storage.read_bytes(f"{folder}/{_REQUEST}"), f"{folder}/{_REQUEST}")
    found = [f"{folder}/{name}" for name in (_OUTCOME, _RESULT) if f"{folder}/{name}" in files]
    results = [decode_result(storage.read_bytes(uri), uri) for uri in found]
    # The outcome of a job that was killed has no usage; its worker may have left one.
    measured = next((one for one in results if one.usage is not None), None)
    result = results[0] if results else None
    if result is not None and result.usage is None and measured is not None:
        result = dataclasses.replace(result, usage=measured.usage)
    outcome = f"{folder}/{_OUTCOME}"
    container = f"{folder.rpartition('/')[0]}/{_CONTAINER}"
    return AttemptDocuments(
        folder=folder,
        request=request,
        result=result,
        asked_at=asked_at,
        ended_at=storage.modified_at(outcome) if outcome in files else None,
        backend=_backend(container) if container in files else "",
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


def _case_id(request: Request) -> int | None:
    return arguments_of(request, ImportArguments).case_id if request.job == IMPORT_CASE.name else None
