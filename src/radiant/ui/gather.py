"""Reads what a page shows: from Airflow's database, the registry and documents below the work URI."""

import dataclasses
from collections.abc import Iterable

from sqlalchemy.orm import Session

from radiant.costs.history import CaseBill, bill
from radiant.domain.case import CaseState
from radiant.errors import RadiantError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.jobs.dag_ids import IMPORT_VCF
from radiant.jobs.documents import run_uri
from radiant.registry import CaseFilter, CaseOverview, TaskUsage, WholeCase
from radiant.settings import Settings
from radiant.ui import airflow_runs, bills
from radiant.ui.airflow_runs import ImportTask
from radiant.ui.consoles import console_of, task_folder
from radiant.ui.pages import PAGE_SIZE, CasePage, CasesPage, Console, FailedImport, Overview, TryLine

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


def overview(sources: Sources) -> Overview:
    """Read the first page."""
    running = tuple(airflow_runs.running_imports(sources.session))
    if sources.registry is None:
        return Overview(None, running, ())
    failed = sources.registry.cases(CaseFilter(CaseState.FAILED), offset=0, limit=_FAILURES).cases
    tasks = airflow_runs.latest_imports(sources.session, [one.case_id for one in failed])
    failures = tuple(FailedImport(one, tasks.get(one.case_id)) for one in failed)
    return Overview(sources.registry.counts(), running, failures)


def cases(sources: Sources, wanted: CaseFilter, page: int) -> CasesPage:
    """Read a page of a list."""
    if sources.registry is None:
        return CasesPage(wanted, page, None, {})
    found = sources.registry.cases(wanted, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
    return CasesPage(wanted, page, found, sources.registry.counts())


def case(sources: Sources, case_id: int) -> CasePage:
    """Read the page of a case.

    Raises:
        CaseNotFoundError: the registry has no such case.
    """
    whole = None if sources.registry is None else sources.registry.case(case_id)
    imports = airflow_runs.imports_of_case(sources.session, case_id)
    usages = _usages(sources, whole, imports)
    lines, total = _costs(usages, imports, sources.settings)
    return CasePage(case_id, whole, tuple(imports), lines, total, _console(sources.settings, imports))


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
    attempts = [bills.attempt_of(one, settings) for one in usages]
    lines = tuple(
        TryLine(usage, tasks.get(usage.run), bills.cost_of([attempt], book))
        for usage, attempt in zip(usages, attempts, strict=True)
    )
    return lines, bill(attempts, book.prices, book.node).cases[0]


def _console(settings: Settings, imports: list[ImportTask]) -> Console | None:
    if not imports:
        return None
    try:
        return console_of(task_folder(imports[0], settings), settings)
    except RadiantError:
        return None  # a page is shown without it where the work URI cannot be read
