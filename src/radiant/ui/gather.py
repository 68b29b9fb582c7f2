"""Reads what a page shows: from Airflow's database, the registry and documents below the work URI."""

import dataclasses
import datetime as dt
import zlib
from collections import Counter
from collections.abc import Iterable

from sqlalchemy.orm import Session

from radiant import storage
from radiant.costs.history import CaseBill, bill
from radiant.domain.case import CaseState
from radiant.errors import InputError, RadiantError
from radiant.jobs.billing import attempts_of_tries
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import report_uri, run_uri, task_uri
from radiant.jobs.run_ids import first_run_id
from radiant.jobs.usage import TaskUsage
from radiant.operators.task_folder import TaskFolder
from radiant.registry import CaseFilter, CaseOverview, WholeCase
from radiant.runs.attempts import month_of
from radiant.settings import Settings
from radiant.ui import airflow_runs, bills
from radiant.ui.airflow_runs import ImportTask
from radiant.ui.amounts import moment
from radiant.ui.consoles import console_of, task_folder
from radiant.ui.pages import PAGE_SIZE, CasePage, CasesPage, CostsPage, DayOfTries, FailedImport, Overview, TryLine
from radiant.ui.progress_reads import progress_of

_MOST_LOG = 20 * 2**20
"""Bytes of a worker's log that are shown."""
_FAILURES = 10
"""On the overview."""
_SUMMARIES = 5
"""Imports of a case whose summaries are read from Airflow, beside what the registry has."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """Where pages read: Airflow's database, and the registry where it can be read."""

    settings: Settings
    session: Session
    """Of Airflow's database."""
    registry: CaseOverview | None
    notices: tuple[str, ...] = ()
    """Why there is no registry."""


def open_sources(settings: Settings, session: Session) -> Sources:
    """Open the registry; one that cannot be read is a notice, and a page then has what Airflow has."""
    try:
        return Sources(settings, session, CaseOverview(settings.effective_ui_registry_url))
    except RadiantError as error:
        text = f"States, reasons and costs of cases are missing here: {str(error).rstrip('.')}."
        hint = (
            "RADIANT_UI__REGISTRY_URL in the environment of Airflow's API server names it; the right to read is enough."
        )
        return Sources(settings, session, None, (f"{text} {hint}",))


def overview(sources: Sources, now: dt.datetime) -> Overview:
    """Read the first page."""
    running = progress_of(airflow_runs.running_imports(sources.session), sources.settings)
    if sources.registry is None:
        return Overview(None, running, ())
    failed = sources.registry.cases(CaseFilter(CaseState.FAILED), offset=0, limit=_FAILURES).cases
    tasks = airflow_runs.latest_imports(sources.session, [one.case_id for one in failed])
    failures = tuple(FailedImport(one, tasks.get(one.case_id)) for one in failed)
    return Overview(sources.registry.counts(), running, failures, costs(sources, now, now))


def cases(sources: Sources, wanted: CaseFilter, page: int) -> CasesPage:
    """Read a page of a list."""
    if sources.registry is None:
        return CasesPage(wanted, page, None, {})
    found = sources.registry.cases(wanted, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    return CasesPage(wanted, page, found, sources.registry.counts())


def costs(sources: Sources, at: dt.datetime, now: dt.datetime) -> CostsPage | None:
    """Read what a month cost; None where the registry cannot be read.

    Args:
        sources: With the registry.
        at: A time in the month, UTC.
        now: UTC.
    """
    if sources.registry is None:
        return None
    first, after = month_of(at)
    usages = sources.registry.usage(since=first, until=after)
    book = bills.price_book(sources.settings)
    attempts = attempts_of_tries(usages, sources.settings)
    began = [(asked_at.day, one.job_try) for one in usages if (asked_at := moment(one.job_try.times.asked_at))]
    tries = Counter(day for day, _ in began)
    failed = Counter(day for day, one in began if one.code is not None)
    return CostsPage(
        month=f"{first:%Y-%m}",
        before=f"{first - dt.timedelta(days=1):%Y-%m}",
        after=f"{after:%Y-%m}" if after <= now else None,
        bill=bill(attempts, book.prices, book.node) if attempts else None,
        days=tuple(DayOfTries(day, tries[day], failed[day]) for day in range(1, (after - first).days + 1)),
        prices=f"Prices: {book.prices.name}, list of {book.prices.date}; a share of an instance: {book.node.name}.",
    )


def case(sources: Sources, case_id: int) -> CasePage:
    """Read the page of a case.

    Raises:
        CaseNotFoundError: the registry has no such case.
    """
    whole = None if sources.registry is None else sources.registry.case(case_id)
    imports = airflow_runs.imports_of_case(sources.session, case_id)
    usages = _usages(sources, whole, imports)
    lines, total = _costs(usages, imports, sources.settings)
    page = CasePage(case_id, whole, tuple(imports), lines, total, None)
    return _with_documents(page, sources.settings)


def _usages(sources: Sources, whole: WholeCase | None, imports: Iterable[ImportTask]) -> list[TaskUsage]:
    """Return the tries of a case: those of the registry, and those of the last imports that it does not have yet."""
    found = {} if whole is None else {one.job_try.attempt: one for one in whole.usages}
    for task in list(imports)[:_SUMMARIES]:
        summary = airflow_runs.summary_of(sources.session, task)
        run = run_uri(sources.settings.effective_work_uri, IMPORT_VCF, task.run_id)
        for one in () if summary is None else summary.tries:
            found.setdefault(one.attempt, TaskUsage(run, IMPORT_CASE.name, task.case_id, one))
    return sorted(found.values(), key=lambda one: one.job_try.times.ended_at or 0, reverse=True)


def _costs(
    usages: list[TaskUsage], imports: Iterable[ImportTask], settings: Settings
) -> tuple[tuple[TryLine, ...], CaseBill | None]:
    """Return the lines of tries, and the bill of all of them."""
    if not usages:
        return (), None
    book = bills.price_book(settings)
    tasks = {run_uri(settings.effective_work_uri, IMPORT_VCF, task.run_id): task for task in imports}
    attempts = attempts_of_tries(usages, settings)
    lines = tuple(
        TryLine(usage, tasks.get(usage.run), bills.cost_of([attempt], book))
        for usage, attempt in zip(usages, attempts, strict=True)
    )
    return lines, bill(attempts, book.prices, book.node).cases[0]


def _with_documents(page: CasePage, settings: Settings) -> CasePage:
    """Return the page with what the newest import's documents have: container, progress, worker's log, report."""
    if not page.imports:
        return page
    newest = page.imports[0]
    (running,) = progress_of([newest], settings)
    folder = task_folder(newest, settings)
    try:
        request = folder.read_request()
        has_log = request is not None and storage.exists(folder.log_uri(request.attempt))
        return dataclasses.replace(
            page,
            console=console_of(folder, settings),
            reading=running.reading,
            has_worker_log=has_log,
            report_of=_report_of(newest, settings),
        )
    except RadiantError:
        return page  # it is shown without them where the work URI cannot be read


def _report_of(task: ImportTask, settings: Settings) -> str | None:
    """Return the run of `import-radiant` that imported a case, where it has left its report."""
    first = first_run_id(task.run_id)
    if first is None:
        return None
    return first if storage.exists(report_uri(run_uri(settings.effective_work_uri, IMPORT_RADIANT, first))) else None


def worker_log(settings: Settings, run_id: str, map_index: int) -> bytes | None:
    """Return the worker's own log of an import's last attempt, as text; None where there is none.

    Raises:
        StorageError: the work URI does not answer.
    """
    run = run_uri(settings.effective_work_uri, IMPORT_VCF, run_id)
    folder = TaskFolder(run, task_uri(run, airflow_runs.IMPORT_TASK, map_index))
    request = folder.read_request()
    if request is None:
        return None
    try:
        packed = storage.read_bytes(folder.log_uri(request.attempt))
    except InputError:
        return None
    # A worker that was killed leaves a log without an end.
    return zlib.decompressobj(wbits=31).decompress(packed, _MOST_LOG)
