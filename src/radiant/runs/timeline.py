"""The timeline of a run as numbers: bars in percent of its length. The template draws them.

A bar has a pattern beside its colour, and each try its number, so that neither paper nor an eye without red and green
loses one.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radiant.runs.run_facts import CaseFacts, Outcome, RunFacts, TryFacts, first_moment


class TryStep(StrEnum):
    """What a job was doing: a kind of bar. The values are the classes of the template."""

    QUEUED = "queued"
    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    FAILED = "lost"
    """It was running, in a try that did not succeed."""
    OPEN = "open"
    """It was running when the report was made, or its end is unknown."""


STEPS = {
    TryStep.QUEUED: "queued in Airflow",
    TryStep.WAITING: "waiting for room",
    TryStep.STARTING: "starting: image, volumes, network",
    TryStep.RUNNING: "running",
    TryStep.FAILED: "running, a try that did not succeed",
    TryStep.OPEN: "running when the report was made, or without a known end",
}
"""The legend."""
_LABELLED = 1.2
"""Percent of the width from which a bar has room for the number of its try."""
_ROOMY = 3.5
"""The same on a narrow screen."""
MOST_ROWS = 60
"""A run with more cases shows those that failed, that were tried again, and the slowest."""
_MOST_NAMED = 120
_MOST_AGAIN = 20
_SLOWEST = 20
_MOST_JOBS = 15
BINS = 72
_TICKS = 5
_NICE_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600)
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of one try."""

    step: TryStep
    left: float
    """Percent of the width, as `width`."""
    width: float
    label: str
    """Number of the try where there is room, else empty."""
    roomy: bool
    """There is room on a narrow screen, too."""
    words: str
    """What it is, in full."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case, or one task of a whole part or run."""

    name: str
    note: str
    """What came of it."""
    bad: bool
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the axis."""

    left: float
    label: str


@dataclass(frozen=True, slots=True)
class Busy:
    """How many imports were in each step after the queue, in one of `BINS` slices of the run."""

    left: float
    width: float
    counts: tuple[tuple[TryStep, float, float], ...]
    """TryStep, and top and height in percent of the most at once."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows and the axis."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    left_out: str
    """Which rows are not shown; empty where all are."""
    busy: tuple[Busy, ...]
    most_at_once: int
    """Imports that were running at the same time."""
    most_in_any_step: float


def timeline(facts: RunFacts, now: float) -> Timeline:
    """Return the timeline of a run; an open try lasts until `now`, in seconds since the epoch."""
    began = facts.began_at
    if began is None:
        return Timeline((), (), "", (), 0, 0)
    ended = facts.ended_at or now
    scale = _Scale(began, max(ended - began, 0.001), now)
    cases = _shown(facts.cases)
    tasks = _tasks(facts.jobs)
    rows = [_row(f"{tries[0].job} {tries[0].where}".strip(), tries, scale) for tries in tasks[:_MOST_JOBS]]
    started = sorted((case for case in cases if case.tries), key=lambda case: first_run(case.tries))
    rows += [_row(f"case {case.case_id}", case.tries, scale, case) for case in started]
    left_out = [
        f"{len(facts.cases):,} cases: the timeline shows those that failed, those that were tried again and the "
        f"{_SLOWEST} slowest; the table below has all"
        if len(cases) < len(facts.cases)
        else "",
        f"{len(tasks) - _MOST_JOBS:,} further tasks of parts are left out" if len(tasks) > _MOST_JOBS else "",
    ]
    imports = [one for case in facts.cases for one in case.tries]
    busy, most = _busy(imports, scale)
    return Timeline(
        rows=tuple(rows),
        ticks=tuple(_ticks(scale.length)),
        left_out="; ".join(filter(None, left_out)),
        busy=busy,
        most_at_once=most_running(imports, now),
        most_in_any_step=most,
    )


def span(seconds: float) -> str:
    """Return a duration: 0.4 s, 12 s, 3:05, 2:03:00 h."""
    if seconds < 10:  # noqa: PLR2004 - where a tenth is still seen
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02} h" if hours else f"{minutes}:{left:02} min"


def steps(one: TryFacts, now: float) -> Iterator[tuple[TryStep, float, float]]:
    """Yield what a try did, as step, start and end in seconds since the epoch; no step that took no time.

    A time that is unknown joins its step to the next one.
    """
    times = one.job_try.times
    last = TryStep.OPEN if one.running else TryStep.FAILED if one.job_try.code else TryStep.RUNNING
    at = first_moment(times)
    for step, until in (
        (TryStep.QUEUED, times.asked_at),
        (TryStep.WAITING, times.placed_at),
        (TryStep.STARTING, times.started_at),
        (last, now if times.ended_at is None else times.ended_at),
    ):
        if until is not None and until > at:
            yield step, at, until
            at = until


def most_running(tries: Iterable[TryFacts], now: float) -> int:
    """Return the highest number of tries that were running at the same time."""
    changes: list[tuple[float, int]] = []
    for one in tries:
        for step, start, end in steps(one, now):
            if step in _RUNNING:
                changes += [(start, 1), (end, -1)]
    most = running = 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def first_run(tries: Sequence[TryFacts]) -> float:
    """Return when the first of some tries was asked for."""
    return min(one.job_try.times.asked_at or first_moment(one.job_try.times) for one in tries)


_RUNNING = frozenset({TryStep.RUNNING, TryStep.FAILED, TryStep.OPEN})
_WITH_A_CONTAINER = (TryStep.RUNNING, TryStep.FAILED, TryStep.OPEN, TryStep.STARTING, TryStep.WAITING)


@dataclass(frozen=True, slots=True)
class _Scale:
    began: float
    length: float
    now: float

    def left(self, moment: float) -> float:
        return round(100 * (moment - self.began) / self.length, 3)


def _shown(cases: Sequence[CaseFacts]) -> list[CaseFacts]:
    if len(cases) <= MOST_ROWS:
        return list(cases)
    bad = [case for case in cases if case.outcome in {Outcome.FAILED, Outcome.OPEN}][:_MOST_NAMED]
    again = sorted((case for case in cases if len(case.tries) > 1), key=lambda case: -len(case.tries))[:_MOST_AGAIN]
    slow = sorted((case for case in cases if case.tries), key=lambda case: -running_s(case.tries))[:_SLOWEST]
    chosen = {case.case_id for case in (*bad, *again, *slow)}
    return [case for case in cases if case.case_id in chosen]


def running_s(tries: Iterable[TryFacts]) -> float:
    """Return the seconds that tries ran, those without an end left out."""
    return sum(one.job_try.times.running_s or 0 for one in tries)


def _tasks(jobs: Iterable[TryFacts]) -> list[list[TryFacts]]:
    """Return the tries of each task, in the order of the first."""
    found: dict[tuple[str, str], list[TryFacts]] = {}
    for one in jobs:
        found.setdefault((one.job, one.where), []).append(one)
    return list(found.values())


def _row(name: str, tries: Sequence[TryFacts], scale: _Scale, case: CaseFacts | None = None) -> Row:
    last = tries[-1]
    code = case.code if case is not None else last.job_try.code
    note = [span(running_s(tries))]
    if len(tries) > 1:
        note.append(f"{len(tries)} tries")
    if code or last.running:
        note.append(code or "open")
    return Row(name, ", ".join(note), bad=code is not None, bars=tuple(_bars(tries, scale)))


def _bars(tries: Sequence[TryFacts], scale: _Scale) -> Iterator[Bar]:
    for number, one in enumerate(tries, start=1):
        for step, start, end in steps(one, scale.now):
            left, right = scale.left(start), min(scale.left(end), 100.0)
            label = str(number) if step in _RUNNING and right - left > _LABELLED else ""
            which = f"try {number}: " if len(tries) > 1 else ""
            failed = f" ({one.job_try.code})" if step is TryStep.FAILED else ""
            yield Bar(
                step,
                left,
                round(max(right - left, 0.15), 3),
                label,
                right - left > _ROOMY,
                f"{which}{STEPS[step]}{failed}, {span(end - start)}",
            )


def _busy(imports: Sequence[TryFacts], scale: _Scale) -> tuple[tuple[Busy, ...], float]:
    """Return the mean number of imports in each step after the queue, for each slice, and the most of all."""
    size = scale.length / BINS
    means: list[dict[TryStep, float]] = [dict.fromkeys(TryStep, 0.0) for _ in range(BINS)]
    for one in imports:
        for step, start, end in steps(one, scale.now):
            first = max(0, int((start - scale.began) / size))
            for index in range(first, min(BINS, int((end - scale.began) / size) + 1)):
                begin = scale.began + index * size
                means[index][step] += max(0.0, min(end, begin + size) - max(start, begin)) / size
    most = max((sum(one[step] for step in _WITH_A_CONTAINER) for one in means), default=0.0)
    if not most:
        return (), 0.0
    slices: list[Busy] = []
    for index, found in enumerate(means):
        top, stack = 100.0, list[tuple[TryStep, float, float]]()
        for step in _WITH_A_CONTAINER:
            height = 100 * found[step] / most
            if height > 0.05:  # noqa: PLR2004 - not seen
                top -= height
                stack.append((step, round(top, 2), round(height, 2)))
        slices.append(Busy(round(100 * index / BINS, 3), round(100 / BINS, 3), tuple(stack)))
    return tuple(slices), most


def _ticks(length_s: float) -> Iterator[Tick]:
    least = length_s / _TICKS
    step = next((one for one in _NICE_S if one >= least), _DAY_S * math.ceil(least / _DAY_S))
    for number in range(int(length_s / step) + 1):
        seconds = number * step
        hours, minutes = divmod(seconds // 60, 60)
        label = f"{hours}:{minutes:02} h" if length_s >= 3600 else f"{minutes}:{seconds % 60:02}"  # noqa: PLR2004 - an hour
        yield Tick(round(100 * seconds / length_s, 3), label)
