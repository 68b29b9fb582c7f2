"""The report of a run: facts, bill, timeline and plots put into one HTML file that needs no network and no script."""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from radiant.costs.bill_text import CAPACITIES, bill_lines
from radiant.costs.history import CaseBill, RunBill, together
from radiant.costs.prices import Node, Prices, dollars
from radiant.jobs.reasons import remedy_of
from radiant.runs.run_facts import CaseFacts, Outcome, RunFacts
from radiant.runs.strips import (
    Strip,
    axis_place,
    cpu_strips,
    memory_strips,
    read_strips,
    size,
    time_strips,
    written_strips,
)
from radiant.runs.timeline import STEPS, running_s, span, timeline
from radiant.runs.try_table import TRY_COLUMNS, place, shown_tries, try_cells, try_name

MOST_CASES = 2000
"""Rows of the table of cases. Of more cases it has those that failed or have warnings, and the slowest."""
MOST_IN_FULL = 300
"""Failures, and warnings, that are shown in full."""
_DEAREST = 10
_STEPS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
_MOST_TICKS = 5
_SEEN_S = 0.05
"""Shorter times are left out of the table."""
_FROM_MILLIONS = 10_000_000


@dataclass(frozen=True, slots=True)
class Tile:
    """A number at the head of the page."""

    value: str
    name: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of which the page says the same."""

    cases: tuple[int, ...]
    code: str | None
    remedy: str
    """Beside what the texts have of it; empty where they have it all."""
    texts: tuple[str, ...]

    @property
    def names(self) -> str:
        """`Case 7`, `Cases 7, 8`."""
        return f"Case{'s' * (len(self.cases) > 1)} {', '.join(map(str, self.cases))}"


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A row of the table of cases, as text."""

    case_id: int
    outcome: Outcome
    mark: str
    cells: tuple[str, ...]


CASE_COLUMNS = (
    "part",
    "outcome",
    "records",
    "rejected",
    "rows",
    "queued",
    "waiting",
    "starting",
    "running",
    "records/s",
    "peak MiB",
    "of MiB",
    "tries",
    "warnings",
    "cost",
)
_MARKS = {Outcome.IMPORTED: "✓", Outcome.FAILED: "✗", Outcome.REMOVED: "-", Outcome.OPEN: "?"}


@dataclass(frozen=True, slots=True)
class Plot:
    """Strips of one quantity."""

    title: str
    axis: str
    strips: Sequence[Strip]

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Places and labels of the axis, in percent of the width."""
        most = max(one.most for one in self.strips)
        step = next((one for one in _STEPS if most / one <= _MOST_TICKS), most)
        return tuple(
            (axis_place(step * number, most), f"{step * number:.0%}") for number in range(int(most / step) + 1)
        )


def report_page(  # noqa: PLR0913 - two by name
    facts: RunFacts, bill: RunBill, prices: Prices, node: Node, *, made_at: dt.datetime, made_by: str
) -> str:
    """Return the report of a run as HTML.

    Every text is escaped by the template. Of patients the page holds the numbers of cases alone.

    Args:
        facts: Of the run.
        bill: Of its attempts.
        prices: The price list of the bill.
        node: The instance whose share a node share is.
        made_at: When; tries that are running last until then.
        made_by: Version of radiant that makes the page.
    """
    drawn = timeline(facts, made_at.timestamp())
    costs = {one.case_id: one for one in bill.cases}
    failed = [case for case in facts.cases if case.outcome in {Outcome.FAILED, Outcome.OPEN}]
    warned = [case for case in facts.cases if case.warnings]
    lines, tries = _table_cases(facts.cases), shown_tries(facts.tries)
    return _template().render(
        facts=facts,
        headline=headline(facts),
        good=not failed and not facts.trouble,
        began=_moment(facts.began_at),
        made_at=f"{made_at:%Y-%m-%d %H:%M:%S} UTC",
        made_by=made_by,
        tiles=_tiles(facts, bill, drawn.most_at_once, made_at.timestamp()),
        failed=_groups((case, case.code, _remedy(case), filter(None, [case.reason])) for case in failed),
        warned=_groups((case, None, "", case.warnings) for case in warned),
        most_in_full=MOST_IN_FULL,
        timeline=drawn,
        steps=STEPS,
        plots=[
            Plot("Memory used", "percent of the memory requested", memory_strips(facts.tries)),
            Plot("Cores used", "percent of the cores requested, mean of a try", cpu_strips(facts.tries)),
            Plot("Time", "percent of the longest try of the job", time_strips(facts.tries)),
            Plot("Bytes read", "percent of the most of the job", read_strips(facts.tries)),
            Plot("Bytes written", "percent of the most of the job", written_strips(facts.tries)),
        ],
        capacities=list(CAPACITIES.values()),
        costs=_cost_lines(bill),
        cost_notes=bill_lines(bill, prices, node),
        columns=CASE_COLUMNS,
        lines=[_line(case, costs.get(case.case_id)) for case in lines],
        tries=[(try_name(one), bool(one.job_try.code), try_cells(one)) for one in tries],
        try_columns=TRY_COLUMNS,
        places=Counter(
            place(dataclasses.replace(one.job_try.placement, node=None)) for one in facts.tries
        ).most_common(),
    )


def headline(facts: RunFacts) -> str:
    """Return the outcome of a run in a sentence or two."""
    counts = Counter(case.outcome for case in facts.cases)
    count = len(facts.cases) - counts[Outcome.REMOVED]
    text = (
        f"{counts[Outcome.IMPORTED]:,} of {count:,} cases {'is' if counts[Outcome.IMPORTED] == 1 else 'are'} imported"
    )
    parts = [f"{text} and visible" if count else "No case was due"]
    parts += [
        f"{counts[outcome]:,} {word}"
        for outcome, word in (
            (Outcome.FAILED, "failed"),
            (Outcome.OPEN, "without an outcome"),
            (Outcome.REMOVED, "removed"),
        )
        if counts[outcome]
    ]
    return ", ".join(parts) + "."


def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["size"] = size
    return environment.from_string(resources.files("radiant.runs").joinpath("report.html.jinja").read_text("utf-8"))


def _tiles(facts: RunFacts, bill: RunBill, most_at_once: int, now: float) -> list[Tile]:
    tries = [one for case in facts.cases for one in case.tries]
    usages = [one.job_try.usage for one in tries if one.job_try.usage is not None and one.job_try.code is None]
    records = sum(one.records for one in usages)
    began, ended = facts.began_at, facts.ended_at or now
    starts = [one.job_try.times.started_at for one in tries if one.job_try.times.started_at is not None]
    ends = [one.job_try.times.ended_at or now for one in tries]
    reading = max(ends) - min(starts) if starts else 0.0
    rate = f"{records / reading:,.0f}" if reading and records else "-"
    peak = max((one.job_try.peak_memory_mib or 0 for one in tries), default=0.0)
    again = sum(one.job_try.code is not None for one in facts.tries)
    fargate = next(iter(CAPACITIES))
    cost = (
        Tile(dollars(bill.as_it_ran), "cost as it ran")
        if bill.as_it_ran is not None
        else Tile(dollars(bill.total.get(fargate)), f"would cost on {CAPACITIES[fargate]}", "ran locally, for nothing")
    )
    return [
        Tile(f"{sum(case.outcome is Outcome.IMPORTED for case in facts.cases):,}", "cases imported"),
        Tile(span(ended - began) if began is not None else "-", "from click to end"),
        Tile(rate, "records per second", f"{_short(records)} records, {most_at_once:,} imports at once"),
        Tile(
            _short(sum(one.rows for one in usages)),
            "rows stored",
            f"{size(sum(one.bytes_stored for one in usages))} of files",
        ),
        cost,
        Tile(f"{peak:,.0f} MiB", "highest memory of an import"),
        Tile(f"{again:,}", "tries that did not succeed", f"of {len(facts.tries):,}"),
    ]


def _remedy(case: CaseFacts) -> str:
    return remedy_of(case.code, case.reason or "", retryable=case.retryable) if case.code else ""


def _groups(said: Iterable[tuple[CaseFacts, str | None, str, Iterable[str]]]) -> list[Group]:
    """Return cases with the same code and texts together, in the order of the first of each."""
    found: dict[tuple[str | None, str, tuple[str, ...]], list[int]] = {}
    for case, code, remedy, texts in said:
        found.setdefault((code, remedy, tuple(texts)), []).append(case.case_id)
    return [Group(tuple(cases), *key) for key, cases in found.items()]


def _table_cases(cases: Sequence[CaseFacts]) -> list[CaseFacts]:
    if len(cases) <= MOST_CASES:
        return list(cases)
    odd = [case for case in cases if case.outcome is not Outcome.IMPORTED or case.warnings]
    slow = sorted(cases, key=lambda case: -running_s(case.tries))
    chosen = {case.case_id for case in [*odd, *slow][:MOST_CASES]}
    return [case for case in cases if case.case_id in chosen]


def _line(case: CaseFacts, cost: CaseBill | None) -> CaseLine:
    times = [one.job_try.times for one in case.tries]
    last = case.tries[-1].job_try if case.tries else None
    ran = last.times.running_s if last is not None else None
    peaks = [one.job_try.peak_memory_mib for one in case.tries if one.job_try.peak_memory_mib is not None]
    read = case.records.read if case.records else None
    cells = (
        _whole(case.part),
        case.code or case.outcome.value,
        _whole(read),
        _whole(case.records.rejected if case.records else None),
        _whole(sum(case.rows.values()) if case.rows else None),
        _sum_of(one.queued_s for one in times),
        _sum_of(one.waiting_s for one in times),
        _sum_of(one.starting_s for one in times),
        _sum_of(one.running_s for one in times),
        f"{read / ran:,.0f}" if read and ran and case.outcome is Outcome.IMPORTED else "",
        f"{max(peaks):,.0f}" if peaks else "",
        _whole(last.memory_limit_mib if last is not None else None),
        _whole(len(case.tries) or None),
        _whole(len(case.warnings) or None),
        "" if cost is None else dollars(_worth(cost)),
    )
    return CaseLine(case.case_id, case.outcome, _MARKS[case.outcome], cells)


def _worth(cost: CaseBill) -> float | None:
    """Return what a case cost where it ran; on Fargate where it ran locally."""
    return cost.costs.get(next(iter(CAPACITIES))) if cost.as_it_ran is None else cost.as_it_ran


def _cost_lines(bill: RunBill) -> list[tuple[str, ...]]:
    """Return the jobs of the whole run, the dearest cases, the others together, and the total."""
    cases = sorted((one for one in bill.cases if one.case_id is not None), key=lambda one: -(_worth(one) or 0))
    shared = [one for one in bill.cases if one.case_id is None]
    rest = cases[_DEAREST:]
    lines = [_cost_line("plan, prepare, commit", one) for one in shared]
    lines += [_cost_line(f"case {one.case_id}", one) for one in cases[:_DEAREST]]
    lines += [_cost_line(f"{len(rest):,} other cases", together(rest))] if rest else []
    lost = sum(one.not_succeeded for one in bill.cases)
    total = ("total", f"{bill.attempts:,}", _whole(lost or None), f"{sum(one.seconds for one in bill.cases):,.0f}")
    return [*lines, (*total, dollars(bill.as_it_ran), *(dollars(bill.total.get(one)) for one in CAPACITIES))]


def _cost_line(name: str, one: CaseBill) -> tuple[str, ...]:
    return (
        name,
        f"{one.attempts:,}",
        _whole(one.not_succeeded or None),
        f"{one.seconds:,.0f}",
        dollars(one.as_it_ran),
        *(dollars(one.costs.get(capacity)) for capacity in CAPACITIES),
    )


def _sum_of(values: Iterable[float | None]) -> str:
    total = sum(one for one in values if one is not None)
    return span(total) if total >= _SEEN_S else ""


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _short(count: int) -> str:
    """Return a number of at most seven characters, or millions."""
    return f"{count / 1e6:,.0f} M" if count >= _FROM_MILLIONS else f"{count:,}"


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
