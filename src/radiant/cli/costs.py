"""`radiant costs`: what jobs cost that ran, and what cases would cost."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from radiant.cli import cost_text
from radiant.costs.bill_text import CAPACITIES, bill_lines
from radiant.costs.compare import Comparison, compare
from radiant.costs.history import RunBill, bill
from radiant.costs.prices import Node, Prices
from radiant.costs.workload import Figures, JobSize, Workload, built_in_figures
from radiant.jobs.catalogue import (
    COMMIT_PART,
    IMPORT_CASE,
    PLAN_IMPORT,
    PREPARE_PART,
    RUN_REPORT,
    JobSpec,
    effective_job,
)
from radiant.settings import Settings, load_settings

_MOST_CASES = 30
"""Cases of a bill with a line of their own, unless all are asked for."""
_PIPE_WIDTH = 200
"""Width where there is no terminal."""
DEFAULT_RECORDS = 5_000_000
"""Of a genome's case."""


def costs(  # noqa: PLR0913 - each is an option of the command
    *,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="What a run cost, with the runs that it started.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="What the jobs of a month (UTC) cost.")
    ] = None,
    cases: Annotated[
        int | None, typer.Option("--cases", min=1, help="What N cases would cost, without any run.")
    ] = None,
    per_day: Annotated[
        float | None, typer.Option("--per-day", min=0.01, help="With --cases: cases that arrive each day.")
    ] = None,
    records: Annotated[int, typer.Option(min=1, help="With --cases: records of a case's VCF.")] = DEFAULT_RECORDS,
    cases_per_run: Annotated[float, typer.Option(min=1, help="With --cases: cases that one run imports.")] = 1,
    cpu: Annotated[float | None, typer.Option(min=0.25, help="With --cases: cores that an import requests.")] = None,
    memory_mib: Annotated[
        int | None, typer.Option(min=64, help="With --cases: memory that an import requests.")
    ] = None,
    drop_vcf: Annotated[
        bool, typer.Option("--drop-vcf", help="With --cases: the VCF does not stay in the object store.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="With --run or --month: a line for each case, not the dearest 30.")
    ] = False,
    node: Annotated[
        str | None, typer.Option(help="EC2 instance of the price list. [default: RADIANT_COSTS__NODE]")
    ] = None,
) -> None:
    """Show what a run or a month cost, or compare what cases would cost on MWAA, Fargate, Spot, ARM and EKS.

    Requests count, as clouds bill them; failed, lost and interrupted attempts count, too. Amounts are US dollars of a
    dated price list (RADIANT_COSTS__PRICES replaces it); `docs/costs.md` shows the bills behind the model.
    """
    if sum(one is not None for one in (run, month, cases)) != 1 or (cases is None) != (per_day is None):
        message = "give one of --run RUN, --month YYYY-MM, or --cases N with --per-day M"
        raise typer.BadParameter(message)
    settings = load_settings()
    from radiant.runs.run_bill import prices_of  # noqa: PLC0415 - loads fsspec

    prices = prices_of(settings)
    chosen = prices.node(node or settings.costs.node)
    console = console_of()
    if cases is not None and per_day is not None:
        workload = replace(
            workload_of(settings, cases=cases, per_day=per_day, records=records, cpu=cpu, memory_mib=memory_mib),
            cases_per_run=cases_per_run,
            keeps_vcf=not drop_vcf,
        )
        figures = built_in_figures()
        _print_comparison(console, compare(workload, prices, figures, chosen), prices, figures)
        return
    most = None if every else _MOST_CASES
    if run is not None:
        _print_bill(console, bill_of_run(settings, run, prices, chosen), prices, chosen, run, most)
    elif month is not None:
        found = bill_of_month(settings, month, prices, chosen)
        _print_bill(console, found.bill, prices, chosen, f"month {month}", most)
        console.print(found.note, soft_wrap=True, highlight=False)


def workload_of(  # noqa: PLR0913 - all but one by name
    settings: Settings, *, cases: int, per_day: float, records: int, cpu: float | None, memory_mib: int | None
) -> Workload:
    """Return the workload whose jobs request what the settings have, an import `cpu` and `memory_mib` where given."""
    size = job_size(effective_job(IMPORT_CASE.name, settings))
    return Workload(
        cases=cases,
        per_day=per_day,
        records=records,
        cases_per_run=1,
        importing=replace(size, cpu=cpu or size.cpu, memory_mib=memory_mib or size.memory_mib),
        small_jobs=tuple(
            job_size(effective_job(job.name, settings))
            for job in (PLAN_IMPORT, PREPARE_PART, COMMIT_PART, *((RUN_REPORT,) if settings.report else ()))
        ),
        keeps_vcf=True,
    )


def job_size(job: JobSpec) -> JobSize:
    """Return what a job requests, as the cost model takes it."""
    return JobSize(job.resources.cpu, job.resources.memory_mib, job.resources.scratch_gib)


@dataclass(frozen=True, slots=True)
class MonthBill:
    """What the jobs of a month cost."""

    bill: RunBill
    note: str
    """Where its attempts were found, and which may be missing."""


def bill_of_run(settings: Settings, run: str, prices: Prices, node: Node) -> RunBill:
    """Return what a run cost, with the runs that it started, from its documents; raises as `attempts_of_run` does."""
    from radiant.runs.attempts import attempts_of_run  # noqa: PLC0415 - loads fsspec
    from radiant.runs.run_bill import bill_attempts  # noqa: PLC0415 - as above

    return bill_attempts(attempts_of_run(settings, run), settings, prices, node, dt.datetime.now(dt.UTC))


def bill_of_month(settings: Settings, month: str, prices: Prices, node: Node) -> MonthBill:
    """Return what a month cost: its imports from the registry, the other jobs and what runs from their documents.

    Raises:
        InputError: it is no month.
        ConfigError: there is no registry.
        RegistryUnavailableError: the registry does not answer.
        JobProtocolError: a document is of another version.
        StorageError: the work URI does not answer.
    """
    from radiant.jobs.billing import attempts_of_tries  # noqa: PLC0415 - only here
    from radiant.registry import CaseOverview  # noqa: PLC0415 - loads SQLAlchemy
    from radiant.runs.attempts import attempts_in, cost_attempt, read_month  # noqa: PLC0415 - loads fsspec

    first, after = read_month(month)
    now = dt.datetime.now(dt.UTC)
    stored = CaseOverview(settings.effective_registry_url).usage(since=first, until=after)
    documents = attempts_in(settings, first, after, without={one.job_try.attempt for one in stored})
    attempts = [*attempts_of_tries(stored, settings), *(cost_attempt(one, settings, now) for one in documents)]
    note = (
        f"Found {len(stored):,} tries of imports in the registry, and {len(documents):,} attempts of other jobs, or of "
        "imports that are not committed, in the documents of runs."
    )
    days = settings.maintenance.document_days
    if after < now - dt.timedelta(days=days):
        note += f" Maintenance deletes documents after {days} days: plan, prepare and commit may be missing."
    return MonthBill(bill(attempts, prices, node), note)


def _print_comparison(console: Console, comparison: Comparison, prices: Prices, figures: Figures) -> None:
    table = _table("", "per case", "per month", f"all {comparison.workload.cases:,} cases", "what it is")
    for cells in cost_text.option_rows(comparison):
        table.add_row(*cells)
    console.print(table)
    for title, lines in (
        ("The same everywhere", cost_text.everywhere_lines(comparison)),
        ("Break-even points", cost_text.break_even_lines(comparison)),
        ("Where MWAA's own workers win", cost_text.mwaa_lines(comparison)),
        ("Assumptions", cost_text.assumption_lines(comparison, prices, figures)),
    ):
        console.print(f"\n{title}", style="bold")
        for line in lines:
            console.print(f"  {line}", soft_wrap=True, highlight=False)


def _print_bill(  # noqa: PLR0913, PLR0917 - a table and its title
    console: Console, found: RunBill, prices: Prices, node: Node, what: str, most: int | None
) -> None:
    table = _table(
        "case",
        "attempts",
        "failed",
        "seconds billed",
        "MiB requested",
        "MiB used",
        "as it ran",
        *CAPACITIES.values(),
    )
    for cells in cost_text.bill_rows(found, most):
        table.add_row(*cells)
    console.print(f"{what}:", style="bold")
    console.print(table)
    for line in bill_lines(found, prices, node):
        console.print(line, soft_wrap=True, highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for index, name in enumerate(columns):
        last = index == len(columns) - 1 and name == "what it is"
        table.add_column(name, justify="left" if last or not index else "right", no_wrap=not last, overflow="fold")
    return table


def console_of() -> Console:
    """Return the console of standard output: wide and without colours where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH, no_color=True)
