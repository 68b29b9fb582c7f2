"""What jobs cost that ran: every attempt counts, the failed, lost and interrupted ones too."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from radiant.costs.container import Capacity, Container, container_cost
from radiant.costs.prices import Node, Prices


class Ending(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """By an error that the job reported."""
    LOST = "lost"
    """Without a result: out of memory, interrupted, killed."""
    RUNNING = "running"
    """It has no end yet."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one job: what it requested, how long it had it, what it used."""

    run: str
    """Run of Airflow."""
    job: str
    case_id: int | None
    """None for a job of a whole run or part."""
    ending: Ending
    reason: str | None
    """Code of the failure, None of an attempt that succeeded."""
    container: Container
    backend: str
    """`local`, `kubernetes` or `ecs`."""
    ran_on: Capacity | None
    """What its platform was paid for; None for a local process."""
    seconds_measured: bool
    """False where the time is that between two documents, which includes waiting."""
    cpu_s: float | None
    """User and system time; None where the attempt left no result."""
    peak_memory_mib: float | None


@dataclass(frozen=True, slots=True)
class CaseBill:
    """The attempts of one case, or, with `case_id` None, of the jobs for a whole run."""

    case_id: int | None
    attempts: int
    not_succeeded: int
    """Attempts that failed or were lost."""
    seconds: float
    """Of all attempts together."""
    requested_mib: int
    """The most that an attempt requested."""
    peak_memory_mib: float | None
    """The most that an attempt used."""
    costs: dict[Capacity, float]
    """By capacity; a capacity on which an attempt does not fit is not there."""
    as_it_ran: float | None
    """Each attempt where it ran; None with local ones, which nothing is paid for."""


@dataclass(frozen=True, slots=True)
class RunBill:
    """The bill of some attempts."""

    cases: tuple[CaseBill, ...]
    """In the order of the case numbers; the jobs for a whole run come last."""
    total: dict[Capacity, float]
    as_it_ran: float | None
    lost: dict[Capacity, float]
    """The part of `total` that attempts cost which did not succeed."""
    attempts: int
    backends: dict[str, int]
    """Attempts by backend."""
    unmeasured: int
    """Attempts whose time is that between two documents."""
    cpu_used: float | None
    """Part of the core seconds requested that were used, from 0 to 1, of attempts that left a result."""
    memory_used: float | None
    """Part of the memory requested that was used at the peak, weighted by time."""


def bill(attempts: Iterable[Attempt], prices: Prices, node: Node) -> RunBill:
    """Return the bill of attempts, by case.

    An attempt that is still running counts for the time that it has had.
    """
    found = list(attempts)
    priced = [
        _Priced(one, {capacity: container_cost(one.container, capacity, prices, node) for capacity in Capacity})
        for one in found
    ]
    by_case: defaultdict[int | None, list[_Priced]] = defaultdict(list)
    for one in priced:
        by_case[one.attempt.case_id].append(one)
    shared = by_case.pop(None, [])
    lines = [_line(case_id, of_case) for case_id, of_case in sorted(by_case.items(), key=lambda item: item[0] or 0)]
    if shared:
        lines.append(_line(None, shared))
    measured = [one for one in found if one.cpu_s is not None]
    return RunBill(
        cases=tuple(lines),
        total=_costs(priced),
        as_it_ran=_as_it_ran(priced),
        lost=_costs([one for one in priced if one.attempt.ending in _NOT_SUCCEEDED]),
        attempts=len(found),
        backends=Counter(one.backend for one in found),
        unmeasured=sum(not one.seconds_measured for one in found),
        cpu_used=_ratio(
            sum(one.cpu_s or 0 for one in measured),
            sum(one.container.cpu * one.container.seconds for one in measured),
        ),
        memory_used=_ratio(
            sum((one.peak_memory_mib or 0) * one.container.seconds for one in measured),
            sum(one.container.memory_mib * one.container.seconds for one in measured),
        ),
    )


def together(lines: Sequence[CaseBill]) -> CaseBill:
    """Return the bills of several cases as one, without the number of a case."""
    ran = [one.as_it_ran for one in lines]
    peaks = [one.peak_memory_mib for one in lines if one.peak_memory_mib is not None]
    return CaseBill(
        case_id=None,
        attempts=sum(one.attempts for one in lines),
        not_succeeded=sum(one.not_succeeded for one in lines),
        seconds=sum(one.seconds for one in lines),
        requested_mib=max(one.requested_mib for one in lines),
        peak_memory_mib=max(peaks, default=None),
        costs={
            capacity: sum(one.costs[capacity] for one in lines)
            for capacity in Capacity
            if all(capacity in one.costs for one in lines)
        },
        as_it_ran=None if None in ran else sum(one for one in ran if one is not None),
    )


_NOT_SUCCEEDED = (Ending.FAILED, Ending.LOST)


@dataclass(frozen=True, slots=True)
class _Priced:
    """An attempt with its cost on each capacity, None where none is large enough for it."""

    attempt: Attempt
    costs: dict[Capacity, float | None]


def _line(case_id: int | None, priced: Sequence[_Priced]) -> CaseBill:
    attempts = [one.attempt for one in priced]
    return CaseBill(
        case_id=case_id,
        attempts=len(attempts),
        not_succeeded=sum(one.ending in _NOT_SUCCEEDED for one in attempts),
        seconds=sum(one.container.seconds for one in attempts),
        requested_mib=max(one.container.memory_mib for one in attempts),
        peak_memory_mib=max((one.peak_memory_mib for one in attempts if one.peak_memory_mib is not None), default=None),
        costs=_costs(priced),
        as_it_ran=_as_it_ran(priced),
    )


def _costs(priced: Sequence[_Priced]) -> dict[Capacity, float]:
    costs: dict[Capacity, float] = {}
    for capacity in Capacity:
        each = [one.costs[capacity] for one in priced]
        if None not in each:
            costs[capacity] = sum(cost or 0.0 for cost in each)
    return costs


def _as_it_ran(priced: Sequence[_Priced]) -> float | None:
    found: list[float] = []
    for one in priced:
        ran_on = one.attempt.ran_on
        cost = None if ran_on is None else one.costs[ran_on]
        if cost is None:
            return None
        found.append(cost)
    return sum(found) if found else None


def _ratio(used: float, requested: float) -> float | None:
    return used / requested if requested else None
