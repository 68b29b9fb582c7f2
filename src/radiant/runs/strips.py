"""How much of its request each try used, as numbers: points and boxes in percent. The template draws them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles

from radiant.runs.run_facts import TryFacts
from radiant.runs.timeline import span

MOST_POINTS = 300
"""Points of a strip: of more tries every n-th by value, the lowest and the highest among them."""
_BOX_FROM = 8
"""Tries from which a strip has a box: fewer are seen as points."""
_JITTER = 0.618034
"""The golden ratio spreads points over the height without chance."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One try."""

    left: float
    """Percent of the width."""
    top: float
    """Percent of the height."""
    bad: bool
    words: str


@dataclass(frozen=True, slots=True)
class Box:
    """Quartiles of the tries, in percent of the width."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Strip:
    """The tries of one job."""

    job: str
    note: str
    dots: tuple[Dot, ...]
    box: Box | None
    line: float | None
    """Where the request is, in percent of the width; None where nothing is requested."""
    most: float
    """Where the axis ends: the largest value of all strips of the plot, 1 for a whole."""


def memory_strips(tries: Iterable[TryFacts]) -> list[Strip]:
    """Return the memory of each job in percent of its request; a try that was not measured is left out."""

    def share(one: TryFacts) -> float | None:
        peak, limit = one.job_try.peak_memory_mib, one.job_try.memory_limit_mib
        return None if peak is None or not limit else peak / limit

    def words(one: TryFacts) -> str:
        return f"{one.job_try.peak_memory_mib:,.0f} of {one.job_try.memory_limit_mib:,} MiB"

    def note(of: Sequence[TryFacts]) -> str:
        peak = max(one.job_try.peak_memory_mib or 0 for one in of)
        return f"at most {peak:,.0f} MiB, requested {_range([one.job_try.memory_limit_mib for one in of])} MiB"

    return _strips(tries, share, words, note)


def cpu_strips(tries: Iterable[TryFacts]) -> list[Strip]:
    """Return the mean number of cores that each job kept busy, in percent of its request."""

    def cores(one: TryFacts) -> float | None:
        usage = one.job_try.usage
        return None if usage is None or not usage.wall_s else usage.cpu_s / usage.wall_s

    def share(one: TryFacts) -> float | None:
        busy = cores(one)
        return None if busy is None or not one.job_try.cpu else busy / one.job_try.cpu

    def words(one: TryFacts) -> str:
        return f"{cores(one) or 0:.2f} of {one.job_try.cpu or 0:g} cores"

    def note(of: Sequence[TryFacts]) -> str:
        used = sum(one.job_try.usage.cpu_s for one in of if one.job_try.usage)
        had = sum(one.job_try.usage.wall_s * (one.job_try.cpu or 0) for one in of if one.job_try.usage)
        return (
            f"{used / had if had else 0:.0%} of the core time, requested {_range([one.job_try.cpu or 0 for one in of])}"
        )

    return _strips(tries, share, words, note)


def time_strips(tries: Iterable[TryFacts]) -> list[Strip]:
    """Return the seconds that each job ran, in percent of the longest of that job."""
    return _absolute(tries, lambda one: one.job_try.times.running_s, span)


def read_strips(tries: Iterable[TryFacts]) -> list[Strip]:
    """Return the bytes that each job read, in percent of the most of that job."""
    return _absolute(tries, lambda one: one.job_try.usage and one.job_try.usage.bytes_read, size)


def written_strips(tries: Iterable[TryFacts]) -> list[Strip]:
    """Return the bytes that each job wrote, in percent of the most of that job."""
    return _absolute(tries, lambda one: one.job_try.usage and one.job_try.usage.bytes_written, size)


def size(count: float) -> str:
    """Return a number of bytes: 12 KiB, 3.4 MiB, 1.2 GiB."""
    for unit, bytes_of in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if count >= bytes_of:
            return f"{count / bytes_of:,.1f} {unit}"
    return f"{count / 1024:,.0f} KiB"


def _absolute(
    tries: Iterable[TryFacts], value: Callable[[TryFacts], float | None], words: Callable[[float], str]
) -> list[Strip]:
    """Return strips of a quantity without a request, each in percent of its job's largest value."""
    found: list[Strip] = []
    for job, of in _by_job(tries).items():
        values = [(amount, one) for one in of if (amount := value(one)) is not None]
        most = max((amount for amount, _ in values), default=0.0)
        if most:
            least = min(amount for amount, _ in values)
            note = words(most) if least == most else f"{words(least)} to {words(most)}"
            shares = [(amount / most, one) for amount, one in values]
            found.append(_strip(job, note, shares, lambda one: words(value(one) or 0), None, 1.0))
    return found


def _strips(
    tries: Iterable[TryFacts],
    share: Callable[[TryFacts], float | None],
    words: Callable[[TryFacts], str],
    note: Callable[[Sequence[TryFacts]], str],
) -> list[Strip]:
    jobs = {
        job: [(value, one) for one in of if (value := share(one)) is not None] for job, of in _by_job(tries).items()
    }
    most = max([1.0, *(value for values in jobs.values() for value, _ in values)])
    return [
        _strip(job, note([one for _, one in values]), values, words, 1.0, most)
        for job, values in jobs.items()
        if values
    ]


def _strip(  # noqa: PLR0913, PLR0917 - all of one strip
    job: str,
    note: str,
    values: Sequence[tuple[float, TryFacts]],
    words: Callable[[TryFacts], str],
    request: float | None,
    most: float,
) -> Strip:
    ordered = sorted(values, key=lambda pair: pair[0])
    every = max(1, -(-len(ordered) // MOST_POINTS))
    chosen = [*ordered[:-1:every], ordered[-1]]
    box = None
    if len(ordered) >= _BOX_FROM:
        low, median, high = quantiles((value for value, _ in ordered), n=4)
        box = Box(axis_place(low, most), axis_place(median, most), axis_place(high, most))
    dots = tuple(
        Dot(
            left=axis_place(value, most),
            top=round(25 + 50 * (index * _JITTER % 1), 1),
            bad=one.job_try.code is not None,
            words=", ".join(filter(None, (one.where, words(one), one.job_try.code))),
        )
        for index, (value, one) in enumerate(chosen)
    )
    return Strip(job, note, dots, box, None if request is None else axis_place(request, most), most)


def axis_place(value: float, most: float) -> float:
    """Return a place on an axis that ends a little after the largest value, so that no point is cut."""
    return round(97 * value / most, 2)


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"


def _by_job(tries: Iterable[TryFacts]) -> dict[str, list[TryFacts]]:
    found: dict[str, list[TryFacts]] = {}
    for one in tries:
        found.setdefault(one.job, []).append(one)
    return found
