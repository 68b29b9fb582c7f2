"""Shows how far a run is while it runs: a live table on a terminal, elsewhere a line when something changed."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from radiant.cli.progress import UNDER_WAY, CaseProgress, Progress, Stage
from radiant.cli.terminal import printable

_SILENCE_S = 30
"""Where lines are printed instead of a live view, one comes at least this often."""
_MOST_LINES = 10
"""Lines about running cases at once, where there is no terminal."""
_OTHER_ROWS = 6
"""Rows of the screen beside those of cases: title, head, summary, the prompt."""
_LEAST_ROWS = 3
_BAR = 12
_WIDE, _WIDER = 92, 118
"""Columns from which position and rate, and a bar, have room."""
_ALMOST_FULL = 0.9
"""Of the memory limit; from here on the number is red."""
_WHOLE = 100

_STYLE = {
    Stage.RUNNING: "cyan",
    Stage.STARTING: "cyan",
    Stage.WAITING: "yellow",
    Stage.FAILED: "red",
    Stage.IMPORTED: "green",
    Stage.READ: "green",
}
_ORDER = (
    Stage.RUNNING,
    Stage.STARTING,
    Stage.WAITING,
    Stage.FAILED,
    Stage.READ,
    Stage.IMPORTED,
    Stage.REMOVED,
    Stage.QUEUED,
)
"""Which cases are shown where the screen has not room for all."""

Show = Callable[[Progress], None]


def describe(progress: Progress) -> str:
    """Return the totals as one line for a person."""
    if not progress.total:
        return progress.phase
    parts = [f"{progress.phase}: {progress.done}/{progress.total} cases"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.records:
        parts.append(f"{progress.records_per_s:,.0f} records/s")
    if progress.eta_s and progress.phase == "importing":
        parts.append(f"{minutes(progress.eta_s)} left")
    return ", ".join(parts)


def describe_case(case: CaseProgress) -> str:
    """Return one case as one line for a person; control characters are replaced."""
    parts = [f"case {case.case_id}: {case.stage}"]
    if case.try_number > 1:
        parts.append(f"try {case.try_number}")
    if (reading := case.reading) is not None and case.stage is Stage.RUNNING:
        parts.append(f"{reading.percent:.0f} %")
        if reading.contig is not None and reading.position is not None:
            parts.append(f"at {reading.contig}:{reading.position:,}")
        parts += [f"{reading.records:,} records", f"{reading.records_per_s:,} records/s", _memory(case)]
        if reading.eta_s is not None:
            parts.append(f"{minutes(reading.eta_s)} left")
    elif case.records:
        parts.append(f"{case.records:,} records")
    if case.code:
        parts.append(f"{case.code}: {case.reason}" if case.reason else case.code)
    return printable(", ".join(parts))


def overview(progress: Progress, title: str, height: int, width: int) -> RenderableType:
    """Return a screen: the totals, then the cases that matter most now.

    Args:
        progress: Of the run.
        title: Of the screen, in one line.
        height: Lines of the screen.
        width: Columns of the screen.
    """
    head = Text(f"{title}  {minutes(progress.run_s)}", "bold", no_wrap=True, overflow="ellipsis")
    totals = Text(f"{describe(progress)}", no_wrap=True, overflow="ellipsis")
    shown = sorted(progress.cases, key=lambda case: _ORDER.index(case.stage))
    room = max(height - _OTHER_ROWS, _LEAST_ROWS)
    left = shown[room:]
    table = _table(shown[:room], width)
    parts: list[RenderableType] = [head, totals, table] if shown else [head, totals]
    if left:
        counts = ((stage, sum(case.stage is stage for case in left)) for stage in Stage)
        rest = ", ".join(f"{count} {stage}" for stage, count in counts if count)
        parts.append(Text(f"and {len(left)} more: {rest}", "dim", no_wrap=True, overflow="ellipsis"))
    elif any(not case.has_documents for case in progress.cases):
        hint = "no document of a running import is here: set RADIANT_WORK_URI as Airflow has it"
        parts.append(Text(hint, "yellow", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def _table(cases: list[CaseProgress], width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    wide, wider = width >= _WIDE, width >= _WIDER
    for name, shown in (
        ("case", True),
        ("state", True),
        ("", wider),
        ("%", True),
        ("at", wide),
        ("records", True),
        ("records/s", wide),
        ("left", True),
        ("MiB", True),
        ("time", True),
    ):
        if shown:
            table.add_column(name, justify="left" if name in {"state", "", "at"} else "right", no_wrap=True)
    table.add_column("")  # the only one that gives way where the line is too long; its text does not wrap
    for case in cases:
        table.add_row(*_cells(case, wide=wide, wider=wider))
    return table


def _cells(case: CaseProgress, *, wide: bool, wider: bool) -> Iterator[Text]:
    reading = case.reading if case.stage is Stage.RUNNING else None
    percent = reading.percent if reading else None
    if case.stage in {Stage.READ, Stage.IMPORTED}:
        percent = float(_WHOLE)
    yield Text(str(case.case_id))
    yield Text(case.stage, _STYLE.get(case.stage, "dim"))
    if wider:
        yield _bar(percent)
    yield Text("" if percent is None else f"{percent:.0f}")
    if wide:
        at = "" if reading is None or reading.contig is None else f"{printable(reading.contig)}:{reading.position:,}"
        yield Text(at)
    records = reading.records if reading else case.records
    yield Text(f"{records:,}" if records else "")
    if wide:
        yield Text(f"{reading.records_per_s:,}" if reading else "")
    yield Text(minutes(reading.eta_s) if reading and reading.eta_s is not None else "")
    yield Text(_memory_number(case), "red" if _is_almost_full(case) else "")
    yield Text("" if case.seconds is None else minutes(case.seconds))
    yield Text(_note(case), "red" if case.stage is Stage.FAILED else "dim", no_wrap=True, overflow="ellipsis")


def _bar(percent: float | None) -> Text:
    if percent is None:
        return Text("")
    full = round(_BAR * percent / _WHOLE)
    return Text("━" * full, "green").append("━" * (_BAR - full), "bright_black")


def _note(case: CaseProgress) -> str:
    parts = [f"try {case.try_number}"] if case.try_number > 1 else []
    if case.code:
        reason = printable(case.reason)
        parts.append(f"{printable(case.code)}: {reason}" if reason else printable(case.code))
    return ", ".join(parts)


def _memory(case: CaseProgress) -> str:
    limit = case.reading.memory_limit_mib if case.reading else None
    return f"{_memory_number(case)}{f' of {limit:,}' if limit else ''} MiB"


def _memory_number(case: CaseProgress) -> str:
    used = case.reading.memory_mib if case.reading and case.stage is Stage.RUNNING else case.peak_memory_mib
    return "" if used is None else f"{used:,.0f}"


def _is_almost_full(case: CaseProgress) -> bool:
    reading = case.reading
    limit = reading.memory_limit_mib if reading else None
    return bool(reading and limit and reading.memory_mib >= _ALMOST_FULL * limit)


@contextmanager
def shown(console: Console, title: str) -> Generator[Show]:
    """Yield the function that shows a progress: a live screen on a terminal, else a line when something changed."""
    if not console.is_terminal:
        yield ProgressLines(console)
        return
    with Live(console=console, transient=True, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda progress: live.update(overview(progress, title, console.height, console.width), refresh=True)


class ProgressLines:
    """Prints a line when a case ended or the phase changed, and every 30 seconds, then with those that run."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._began = clock()
        self._last: tuple[str, int, int] | None = None
        self._at = 0.0
        self._failed: set[int] = set()

    def __call__(self, progress: Progress) -> None:
        """Print what has changed."""
        now = self._clock()
        for case in progress.cases:
            if case.stage is Stage.FAILED and case.case_id not in self._failed:
                self._failed.add(case.case_id)
                self._print(now, describe_case(case))
        key = (progress.phase, progress.total, progress.done)
        silent = now - self._at >= _SILENCE_S
        if key != self._last or silent:
            self._print(now, describe(progress))
            running = [case for case in progress.cases if case.stage in UNDER_WAY] if silent else []
            for case in running[:_MOST_LINES]:
                self._print(now, describe_case(case))
            if len(running) > _MOST_LINES:
                self._print(now, f"{len(running) - _MOST_LINES} more cases run")
            self._last, self._at = key, now

    def _print(self, now: float, text: str) -> None:
        line = Text(f"{minutes(now - self._began)} {text}")
        self._console.print(line, highlight=False, soft_wrap=True)


def minutes(seconds: float) -> str:
    """Return a duration as `4:05` or `1:04:05`."""
    whole = round(seconds)
    hours, rest = whole // 3600, whole // 60 % 60
    return f"{hours}:{rest:02}:{whole % 60:02}" if hours else f"{rest}:{whole % 60:02}"
