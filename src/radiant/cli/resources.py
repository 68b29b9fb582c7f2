"""`radiant resources`: what jobs request, beside what they need."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from radiant.cli.costs import console_of, job_size
from radiant.costs.container import Capacity, Container, container_cost
from radiant.costs.prices import Node, Prices, dollars
from radiant.costs.sizing import (
    ENOUGH,
    MARGIN,
    Bound,
    Observation,
    memory_bound,
    memory_request,
    request_above,
    time_bound,
)
from radiant.costs.workload import JobSize, built_in_figures
from radiant.errors import InputError
from radiant.jobs.catalogue import IMPORT_CASE, effective_job
from radiant.settings import Settings, load_settings

app = typer.Typer(help="What jobs request, and what they need.", no_args_is_help=True)

_MIB = 1 << 20
_DAYS = 31
_LEAST_CPU = 0.25
_SHOWN = 20
"""Imports in the table of data, the latest."""


@app.callback()
def resources() -> None:
    """Keep `advise` a command of its own: a group with one command would swallow its name."""


@app.command()
def advise(
    *,
    every: Annotated[bool, typer.Option("--all", help="Show all imports of the history, not the last 20.")] = False,
) -> None:
    """Show how much memory and time imports need, fitted to the last 500, and what today's requests waste.

    `RADIANT_JOBS__IMPORT_CASE__SIZING=history` makes each case request what is shown here.
    """
    from radiant.runs.run_bill import prices_of  # noqa: PLC0415 - loads fsspec

    settings = load_settings()
    imports = read_imports(settings)
    console = console_of()
    _print_data(console, imports if every else imports[-_SHOWN:], memory_bound(imports), settings)
    prices = prices_of(settings)
    console.print()
    for line in advice_lines(imports, settings, prices):
        console.print(line, soft_wrap=True, highlight=False)
    _print_other_jobs(console, other_jobs(settings, prices, dt.datetime.now(dt.UTC)))


def read_imports(settings: Settings) -> tuple[Observation, ...]:
    """Return the last imports, the latest last.

    Raises:
        InputError: no import has been committed with this work URI.
        JobProtocolError: the history is of another version.
    """
    from radiant import storage  # noqa: PLC0415 - only here
    from radiant.jobs.import_history import decode_history, history_uri  # noqa: PLC0415 - as above

    uri = history_uri(settings.effective_work_uri)
    if not storage.exists(uri):
        msg = f"{uri}: no import has been committed with this work URI yet; each commit adds its cases to this file"
        raise InputError(msg)
    return decode_history(storage.read_bytes(uri), uri).imports


@dataclass(frozen=True, slots=True)
class Waste:
    """What the imports of the history cost as they were requested, and as they would be advised."""

    requested: float
    advised: float
    one_core: float
    """As advised, with one core and as much wall time as CPU time."""


def advice_lines(imports: Sequence[Observation], settings: Settings, prices: Prices) -> list[str]:
    """Return the bounds, the advice and the money, one line each."""
    size = job_size(effective_job(IMPORT_CASE.name, settings))
    memory, time = memory_bound(imports), time_bound(imports)
    most_mib = max(one.peak_memory_mib for one in imports)
    busy = sum(one.cpu_s for one in imports) / sum((one.cpu or size.cpu) * one.wall_s for one in imports)
    lines = [
        (
            f"import-case requests {size.cpu:g} cores and {size.memory_mib:,} MiB. {len(imports):,} imports used at "
            f"most {most_mib:,.0f} MiB, and {busy:.0%} of the core time that they requested."
        )
    ]
    if memory is None or time is None:
        return [
            *lines,
            f"A bound is fitted from {ENOUGH} imports on; until then a case requests what the settings say.",
        ]
    lines += [
        (
            f"Memory in MiB of none was above {_formula(memory)}; a request is that x {MARGIN:g}, at most "
            f"{settings.jobs.memory_cap_mib:,} MiB."
        ),
        (
            f"Seconds of none were above {_formula(time)}; the time-out is "
            f"{effective_job(IMPORT_CASE.name, settings).timeout_s:,} s."
        ),
    ]
    node = prices.node(settings.costs.node)
    for name, capacity in (("Fargate", Capacity.FARGATE), (f"a share of {node.name}", Capacity.NODE)):
        found = waste(imports, memory, size, capacity, prices, node, settings.jobs.memory_cap_mib)
        if found is not None:
            lines.append(
                f"On {name} these imports cost {dollars(found.requested)} as requested, {dollars(found.advised)} with "
                f"the memory advised (waste {dollars(max(found.requested - found.advised, 0))}), and "
                f"{dollars(found.one_core)} with one core as well, which takes as long as the CPU time."
            )
    if settings.jobs.import_case.sizing != "history":
        lines.append("RADIANT_JOBS__IMPORT_CASE__SIZING=history makes each case request what it needs.")
    return lines


@dataclass(frozen=True, slots=True)
class OtherJob:
    """What a job for all cases of a run or part used of its requests, and what it costs on Fargate."""

    job: str
    ran: int
    """How often."""
    cpu: float
    """Cores that it requests now."""
    memory_mib: int
    """Memory that it requests now."""
    peak_mib: float
    advised_mib: int
    requested: float
    """Dollars, as requested."""
    advised: float
    """With the memory advised."""
    half_the_cores: float
    """With half the cores as well, and as much longer as its CPU time takes then."""


def other_jobs(settings: Settings, prices: Prices, now: dt.datetime) -> list[OtherJob]:
    """Return what the other jobs of the last 31 days used of their requests.

    Their memory does not follow from a file: their bound is the highest peak.
    """
    from radiant.runs.attempts import attempts_in, cost_attempt  # noqa: PLC0415 - only here

    start_s, node = built_in_figures().assumed.image_start_s, prices.node(settings.costs.node)
    found = [
        cost_attempt(one, settings, now)
        for one in attempts_in(settings, now - dt.timedelta(days=_DAYS), now)
        if one.request.job != IMPORT_CASE.name
    ]
    jobs: list[OtherJob] = []
    for job in sorted({one.job for one in found}):
        attempts = [one for one in found if one.job == job and one.cpu_s is not None]
        peaks = [one.peak_memory_mib for one in attempts if one.peak_memory_mib is not None]
        if not peaks:
            continue
        wanted_mib = request_above(max(peaks), settings.jobs.memory_cap_mib)
        totals = [0.0, 0.0, 0.0]
        for one in attempts:
            advised = replace(one.container, memory_mib=min(wanted_mib, one.container.memory_mib))
            half = max(advised.cpu / 2, _LEAST_CPU)
            slower = replace(advised, cpu=half, seconds=max(advised.seconds, start_s + (one.cpu_s or 0) / half))
            for index, container in enumerate((one.container, advised, slower)):
                totals[index] += container_cost(container, Capacity.FARGATE, prices, node) or 0.0
        last = attempts[-1].container
        jobs.append(OtherJob(job, len(attempts), last.cpu, last.memory_mib, max(peaks), wanted_mib, *totals))
    return jobs


def _print_other_jobs(console: Console, jobs: Sequence[OtherJob]) -> None:
    if not jobs:
        return
    console.print(
        f"\nThe other jobs of the last {_DAYS} days; costs are those of all of them on Fargate:", highlight=False
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("job", no_wrap=True)
    for name in (
        "ran",
        "cores",
        "MiB requested",
        "MiB used",
        "MiB advised",
        "as requested",
        "memory advised",
        "half the cores",
    ):
        table.add_column(name, justify="right")
    for one in jobs:
        table.add_row(
            one.job,
            f"{one.ran:,}",
            f"{one.cpu:g}",
            f"{one.memory_mib:,}",
            f"{one.peak_mib:,.0f}",
            f"{one.advised_mib:,}",
            dollars(one.requested),
            dollars(one.advised),
            dollars(one.half_the_cores),
        )
    console.print(table)


def waste(  # noqa: PLR0913, PLR0917 - the facts of one bill
    imports: Sequence[Observation],
    bound: Bound,
    size: JobSize,
    capacity: Capacity,
    prices: Prices,
    node: Node,
    cap_mib: int,
) -> Waste | None:
    """Return the bill of the imports as requested and as advised, None where the capacity cannot hold one."""
    start_s = built_in_figures().assumed.image_start_s
    totals = [0.0, 0.0, 0.0]
    for one in imports:
        requested = Container(
            one.cpu or size.cpu, one.memory_mib or size.memory_mib, size.scratch_gib, start_s + one.wall_s
        )
        wanted_mib = memory_request(bound, one.vcf_bytes, one.samples, cap_mib) or requested.memory_mib
        advised = replace(requested, memory_mib=wanted_mib)
        slower = replace(advised, cpu=min(advised.cpu, 1), seconds=start_s + max(one.wall_s, one.cpu_s))
        for index, container in enumerate((requested, advised, slower)):
            cost = container_cost(container, capacity, prices, node)
            if cost is None:
                return None
            totals[index] += cost
    return Waste(*totals)


def _formula(bound: Bound) -> str:
    parts = [f"{bound.base:,.4g}"]
    if bound.per_mib:
        parts.append(f"{bound.per_mib:.3g} x the file's MiB")
    if bound.per_sample:
        parts.append(f"{bound.per_sample:.3g} x samples")
    return " + ".join(parts)


def _print_data(console: Console, imports: Sequence[Observation], bound: Bound | None, settings: Settings) -> None:
    table = Table(box=None, pad_edge=False)
    heads = ("MiB of the file", "samples", "records", "seconds", "CPU s", "MiB used", "MiB requested", "MiB advised")
    for name in heads:
        table.add_column(name, justify="right", no_wrap=True)
    for one in imports:
        cap_mib = settings.jobs.memory_cap_mib
        advised = None if bound is None else memory_request(bound, one.vcf_bytes, one.samples, cap_mib)
        table.add_row(
            f"{one.vcf_bytes / _MIB:,.1f}",
            f"{one.samples:,}",
            f"{one.records:,}",
            f"{one.wall_s:,.1f}",
            f"{one.cpu_s:,.1f}",
            f"{one.peak_memory_mib:,.0f}",
            f"{one.memory_mib:,}" if one.memory_mib else "",
            f"{advised:,}" if advised else "",
        )
    console.print(table)
