"""The words and tables of costs, for the command line and for `docs/costs.md`."""

from collections.abc import Iterable

from radiant.costs.bill_text import CAPACITIES
from radiant.costs.compare import MOST_A_DAY, Comparison, Place
from radiant.costs.container import Capacity
from radiant.costs.history import CaseBill, RunBill, together
from radiant.costs.mwaa import AIRFLOW_MIB
from radiant.costs.prices import Prices, dollars
from radiant.costs.workload import Figures

_GB = 1e9


def option_rows(comparison: Comparison) -> list[tuple[str, str, str, str, str]]:
    """Return the lines of the comparison: place, per case, per month, all cases, what it is."""
    return [
        (str(one.place), dollars(one.per_case), dollars(one.month), dollars(one.all_cases), one.note)
        for one in comparison.options
    ]


def everywhere_lines(comparison: Comparison) -> list[str]:
    """Return what a case costs wherever its jobs run."""
    same, cases = comparison.everywhere, comparison.workload.cases
    kept = "tables and VCF" if comparison.workload.keeps_vcf else "tables"
    return [
        f"Airflow itself: {dollars(same.airflow_month)} a month as the smallest MWAA environment",
        (
            f"storage: {same.stored_bytes / _GB:.2f} GB a case ({kept}), {dollars(same.storage_month)} a month, "
            f"{dollars(12 * same.storage_month)} a year; of all {cases:,} cases {dollars(cases * same.storage_month)} "
            "a month"
        ),
        f"requests to the object store: {dollars(same.requests)} a case",
        f"log lines: {dollars(same.logs)} a case, stored for a year",
        (
            f"in no total: {dollars(same.nat)} a case where each container downloads the image through a NAT gateway; "
            "a public subnet or endpoints for ecr and s3 avoid it"
        ),
    ]


def break_even_lines(comparison: Comparison) -> list[str]:
    """Return where one place begins to cost less than another."""
    lines: list[str] = []
    for point in comparison.break_even:
        if comparison.option(point.cheaper).month is None:
            lines.append(f"{point.cheaper}: {comparison.option(point.cheaper).note}")
        elif point.per_day is None:
            lines.append(f"{point.cheaper}: never cheaper than {point.than}, up to {MOST_A_DAY:,} cases a day")
        elif point.per_day == 1:
            lines.append(f"{point.cheaper}: cheaper than {point.than} from the first case a day on")
        else:
            lines.append(f"{point.cheaper}: cheaper than {point.than} from {point.per_day:,} cases a day on")
    lines.append(
        f"{Place.SPOT}: cheaper than {Place.FARGATE} until each container is interrupted "
        f"{comparison.spot_interruptions:.1f} times on average"
    )
    return lines


def mwaa_lines(comparison: Comparison) -> list[str]:
    """Return when MWAA's own workers are the cheaper place."""
    mwaa, size = comparison.mwaa, comparison.workload.importing
    if mwaa is None:
        return [
            f"never: an import that requests {size.memory_mib} MiB fits on the workers of no class with a known price"
        ]
    fargate = comparison.option(Place.FARGATE).month
    at_once = f"{mwaa.slots} import{'s' * (mwaa.slots > 1)} at once"
    lines = [
        (
            f"the smallest class whose workers can run an import of {size.memory_mib} MiB is {mwaa.kind.name} "
            f"({at_once}), {dollars(mwaa.difference_month)} a month above the smallest environment"
        )
    ]
    if mwaa.difference_month:
        lines.append(
            f"an environment that is {mwaa.kind.name} or larger for other reasons imports up to "
            f"{mwaa.included_per_day:,.0f} cases a day for nothing, if its worker is idle; Fargate then costs "
            f"{dollars(fargate)} a month more"
        )
    else:
        lines.append(
            f"its one worker imports up to {mwaa.included_per_day:,.0f} cases a day for nothing, if it is idle; "
            f"Fargate costs {dollars(fargate)} a month more"
        )
    lines.append(
        "no limit holds a task on a worker: an import that needs more memory than expected ends the worker with every "
        "task on it, Airflow's other DAGs among them; celery.worker_autoscale must be lowered for all DAGs"
    )
    return lines


def assumption_lines(comparison: Comparison, prices: Prices, figures: Figures) -> list[str]:
    """Return what the comparison rests on."""
    work, assumed, measured = comparison.workload, figures.assumed, figures.import_case
    size = work.importing
    return [
        f"prices: {prices.name}, list of {prices.date}; without a price: {', '.join(prices.left_out)}",
        (
            f"{work.per_day:g} cases a day of {work.records:,} records, {work.cases_per_run:g} a run, imported within "
            f"{assumed.window_h:g} hours of each day; a month has 730 hours"
        ),
        (
            f"an import requests {size.cpu:g} cores, {size.memory_mib} MiB and {size.scratch_gib:g} GiB of disk; "
            "Fargate's smallest task with as much is billed"
        ),
        (
            f"measured ({measured.source}): {measured.wall_s_per_million_two_cores:g} s a million records with two "
            f"cores, {measured.wall_s_per_million_one_core:g} s with one, {measured.cpu_s_per_million:g} CPU s, at "
            f"most {measured.peak_memory_mib:g} MiB"
        ),
        (
            f"measured ({figures.stored.source}): a million records are "
            f"{figures.stored.parquet_bytes_per_million / 1e6:g} MB of tables and "
            f"{figures.stored.vcf_bytes_per_million / 1e6:g} MB of VCF"
        ),
        (
            f"assumed: {assumed.image_start_s:g} s from the start of the image's download to the job, "
            f"{assumed.small_job_s:g} s for each of the {len(work.small_jobs)} other jobs of a run, "
            f"{assumed.failed_share:.0%} of the containers fail and run again, {assumed.interrupted_share:.0%} of "
            "those on Spot are interrupted and lose half of their time, ARM is as fast as x86"
        ),
        (
            f"assumed: Airflow takes {AIRFLOW_MIB} MiB of an MWAA worker; a shared node is paid for by its users in "
            "proportion to the larger of their shares of cores and memory, and an own EKS cluster has no idle nodes"
        ),
    ]


def bill_rows(bill: RunBill, most: int | None = None) -> Iterable[tuple[str, ...]]:
    """Return the lines of a bill, the total last.

    Args:
        bill: By case.
        most: Cases with a line of their own, the dearest; all others are one line. None for all cases.
    """
    cases = [one for one in bill.cases if one.case_id is not None]
    shown = cases
    if most is not None and len(cases) > most:
        shown = sorted(cases, key=lambda one: one.costs.get(Capacity.FARGATE, 0.0), reverse=True)[:most]
    for one in shown:
        yield _bill_row(str(one.case_id), one)
    if others := len(cases) - len(shown):
        named = {one.case_id for one in shown}
        yield _bill_row(f"{others:,} others", together([one for one in cases if one.case_id not in named]))
    for one in bill.cases:
        if one.case_id is None:
            yield _bill_row("run", one)
    failed = sum(one.not_succeeded for one in bill.cases)
    seconds = sum(one.seconds for one in bill.cases)
    totals = (dollars(bill.total.get(capacity)) for capacity in CAPACITIES)
    yield (
        "total",
        f"{bill.attempts:,}",
        f"{failed:,}" if failed else "",
        f"{seconds:,.0f}",
        "",
        "",
        dollars(bill.as_it_ran),
        *totals,
    )


def _bill_row(name: str, one: CaseBill) -> tuple[str, ...]:
    return (
        name,
        f"{one.attempts:,}",
        f"{one.not_succeeded:,}" if one.not_succeeded else "",
        f"{one.seconds:,.0f}",
        f"{one.requested_mib:,}",
        "" if one.peak_memory_mib is None else f"{one.peak_memory_mib:,.0f}",
        dollars(one.as_it_ran),
        *(dollars(one.costs.get(capacity)) for capacity in CAPACITIES),
    )
