"""The pages as HTML: pure functions of values. Every value is escaped; no page loads anything from elsewhere."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from radiant.costs.container import Capacity
from radiant.costs.history import CaseBill, RunBill
from radiant.costs.prices import dollars
from radiant.domain.case import CaseState
from radiant.jobs.contracts import Verdict
from radiant.jobs.dag_ids import IMPORT_VCF
from radiant.jobs.documents import JobSummary
from radiant.jobs.reading_progress import ReadingProgress
from radiant.jobs.reasons import remedy_of
from radiant.jobs.usage import TaskUsage
from radiant.registry import CaseFilter, CaseList, ListedCase, WholeCase
from radiant.runs.try_table import place
from radiant.ui import amounts
from radiant.ui.airflow_runs import IMPORT_TASK, AirflowRun, ImportTask

PAGE_SIZE = 50
"""Cases on one page of a list."""
_MOST_DEAREST = 20
REFRESH_S = 5
"""Seconds between two looks at a page with something that runs."""

SYMBOLS = {
    CaseState.REGISTERED: "○",
    CaseState.ASSIGNED: "◔",
    CaseState.IMPORTING: "◑",
    CaseState.IMPORTED: "✓",
    CaseState.FAILED: "✕",
    CaseState.DELETED: "⊘",
}
"""Beside a state's name: neither colour nor shape alone distinguishes states."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page has around its content."""

    base: str
    """Path of the pages, without a slash at its end: `/radiant`."""
    now: dt.datetime
    notices: tuple[str, ...] = ()
    """Sentences about what cannot be shown, and how it could be."""
    may_trigger: bool = False
    """Whether the user may start imports."""
    form_token: str = ""
    """Goes with every form, see `form_tokens.py`; empty for a user that may start none."""
    embedded: bool = False
    """On a tab of a DAG run or a task instance, which has Airflow's own navigation."""

    @property
    def airflow(self) -> str:
        """Path of Airflow, without a slash at its end."""
        return self.base.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class FailedImport:
    """A failed case on the overview: its reason, and where its log is."""

    case: ListedCase
    task: ImportTask | None
    """Its newest import; None where Airflow has none any more."""


def shown_cost(as_it_ran: float | None, elsewhere: Mapping[Capacity, float]) -> float | None:
    """Return the amount that a page shows: where the tries ran, else, as for local processes, on Fargate."""
    return as_it_ran if as_it_ran is not None else elsewhere.get(Capacity.FARGATE)


@dataclass(frozen=True, slots=True)
class DayOfTries:
    """The tries that were requested on one day."""

    day: int
    tries: int
    failed: int


@dataclass(frozen=True, slots=True)
class CostsPage:
    """What the imports of a month cost."""

    month: str
    """`2026-11`."""
    before: str
    after: str | None
    """None for the month that is not over."""
    bill: RunBill | None
    """None where no import of the month is stored."""
    days: tuple[DayOfTries, ...]
    prices: str
    """Name and date of the price list."""

    @property
    def cases(self) -> int:
        """Number of cases with a try."""
        return 0 if self.bill is None else sum(line.case_id is not None for line in self.bill.cases)

    @property
    def shown(self) -> float | None:
        """Cost where the imports ran, else that on Fargate."""
        return None if self.bill is None else shown_cost(self.bill.as_it_ran, self.bill.total)

    @property
    def per_case(self) -> float | None:
        """`shown` for each case."""
        return None if self.shown is None or not self.cases else self.shown / self.cases

    @property
    def most(self) -> int:
        """The most tries on a day, at least 1."""
        return max([1, *(day.tries for day in self.days)])

    @property
    def dearest(self) -> list[CaseBill]:
        """The cases that cost most."""
        lines = [] if self.bill is None else list(self.bill.cases)
        lines.sort(key=lambda line: shown_cost(line.as_it_ran, line.costs) or 0.0, reverse=True)
        return lines[:_MOST_DEAREST]


@dataclass(frozen=True, slots=True)
class RunningImport:
    """An import with its progress."""

    task: ImportTask
    reading: ReadingProgress | None
    """None where it has written none."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page."""

    counts: Mapping[CaseState, int] | None
    """None where the registry cannot be read."""
    running: tuple[RunningImport, ...]
    failures: tuple[FailedImport, ...]
    """The newest first, not all of them."""
    month: CostsPage | None = None
    """This month; None where the registry cannot be read."""


@dataclass(frozen=True, slots=True)
class CasesPage:
    """A list of cases."""

    wanted: CaseFilter
    page: int
    """From 1."""
    found: CaseList | None
    """None where the registry cannot be read."""
    counts: Mapping[CaseState, int]

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-(self.found.total if self.found else 0) // PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class TryLine:
    """One try of an import: what it used and cost."""

    usage: TaskUsage
    task: ImportTask | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Console:
    """Where a container is seen outside of Airflow."""

    title: str
    url: str | None
    """None where there is no address; `command` then shows it in a terminal."""
    command: str | None = None


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case."""

    case_id: int
    whole: WholeCase | None
    """None where the registry cannot be read."""
    imports: tuple[ImportTask, ...]
    """The newest first."""
    tries: tuple[TryLine, ...]
    """The newest first."""
    bill: CaseBill | None
    """Of all tries; None without any."""
    console: Console | None
    reading: ReadingProgress | None = None
    """Of its newest import, while that runs."""
    has_worker_log: bool = False
    """Whether the worker of its newest import has left a log of its own."""
    report_of: str | None = None
    """Run of `import-radiant` that has left a report about its newest import; None where none has."""

    @property
    def is_running(self) -> bool:
        """Whether the page changes by itself."""
        if self.whole is not None:
            return self.whole.record.state in {CaseState.ASSIGNED, CaseState.IMPORTING}
        return any(one.ended_at is None for one in self.imports)


@dataclass(frozen=True, slots=True)
class RunPage:
    """The imports of one run."""

    run: AirflowRun
    verdict: Verdict | None
    """None before the run's last task."""
    imports: tuple[RunningImport, ...]
    """Those that failed first, then those that run."""
    not_listed: int
    succeeded: int
    waiting: int
    """Imports that have not started."""
    bill: RunBill | None
    """Of its imports, as far as they are stored; None without any."""
    has_report: bool = False
    """Whether the run has left a report."""

    @property
    def running(self) -> int:
        """Number of the listed imports that run."""
        return sum(one.task.is_running for one in self.imports)

    @property
    def failed(self) -> int:
        """Number of the listed imports that failed."""
        return sum(one.task.state == "failed" for one in self.imports)

    @property
    def is_running(self) -> bool:
        """Whether the page changes by itself."""
        return self.run.ended_at is None


@dataclass(frozen=True, slots=True)
class TaskPage:
    """A task that is no import."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    summary: JobSummary | None
    """None before its end, and for a task that is no job."""


def overview_page(frame: Frame, view: Overview) -> str:
    """Return the first page: states, what runs, what failed last."""
    return _render("overview.html", frame, view=view, refresh_s=REFRESH_S if view.running else None)


def cases_page(frame: Frame, view: CasesPage) -> str:
    """Return a list of cases, `PAGE_SIZE` on each of its pages."""
    return _render("cases.html", frame, view=view, refresh_s=None)


def case_page(frame: Frame, view: CasePage) -> str:
    """Return the page of a case: state, reason, usage, cost, history, with links to its logs."""
    return _render("case.html", frame, view=view, refresh_s=REFRESH_S if view.is_running else None)


def run_page(frame: Frame, view: RunPage) -> str:
    """Return the page of a run: its verdict, what runs with its progress, what failed and why."""
    return _render("run.html", frame, view=view, refresh_s=REFRESH_S if view.is_running else None)


def task_page(frame: Frame, view: TaskPage) -> str:
    """Return the page of a task that is no import."""
    return _render("task.html", frame, view=view, refresh_s=None)


def costs_page(frame: Frame, view: CostsPage) -> str:
    """Return what a month cost: where the imports ran, elsewhere, by day, by case."""
    return _render("costs.html", frame, view=view, refresh_s=None)


def message_page(frame: Frame, title: str, text: str) -> str:
    """Return a page with a sentence: what is missing, and what to do."""
    return _render("message.html", frame, title=title, text=text, refresh_s=None)


def static_version() -> str:
    """Return a text that changes with the style sheet and the script: they may be cached for long under it."""
    folder = resources.files("radiant.ui") / "static"
    content = b"".join((folder / name).read_bytes() for name in ("radiant.css", "radiant.js"))
    return hashlib.sha256(content).hexdigest()[:12]


def task_path(task: ImportTask) -> str:
    """Return the path of an import's log in Airflow's UI, below Airflow's own address."""
    run = quote(task.run_id, safe="")
    return f"/dags/{IMPORT_VCF}/runs/{run}/tasks/{IMPORT_TASK}/mapped/{task.map_index}"


def _render(template: str, frame: Frame, **values: object) -> str:
    return _environment().get_template(template).render(frame=frame, **values)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("radiant.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Any] = found.filters  # pyright: ignore[reportAssignmentType] - one function's type each
    filters.update(
        ago=amounts.ago,
        count=amounts.count,
        dollars=dollars,
        duration=amounts.duration,
        mib=amounts.mib,
        moment=amounts.moment,
        percent=amounts.percent,
        size=amounts.size,
        utc=amounts.utc,
    )
    shared: dict[str, Any] = found.globals
    shared.update(
        STATES=list(CaseState),
        SYMBOLS=SYMBOLS,
        page_size=PAGE_SIZE,
        place=place,
        query=_query,
        remedy_of=remedy_of,
        task_path=task_path,
        version=static_version(),
    )
    return found


def _query(**values: object) -> str:
    """Return the values as the query of an address; empty ones are left out."""
    return urlencode({name: value for name, value in values.items() if value})
