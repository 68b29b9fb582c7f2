"""The same cases on MWAA's workers, Fargate, Spot, ARM, instances and EKS: the month of each, and where they cross."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from math import ceil, inf

from radiant.costs.container import USABLE, Capacity, container_cost, node_share
from radiant.costs.mwaa import MwaaBill, class_difference, job_slots, jobs_a_day, mwaa_bill, smallest_class
from radiant.costs.prices import DAYS_PER_MONTH, HOURS_PER_MONTH, MwaaClass, Node, Prices
from radiant.costs.storage import log_cost, request_cost, storage_month
from radiant.costs.workload import Figures, Workload

_S_PER_HOUR = 3600
MOST_A_DAY = 5000
"""Break-even points are looked for up to this many cases a day."""


class Place(StrEnum):
    """Where the jobs of the cases run; Airflow itself runs as before in each."""

    MWAA = "MWAA workers"
    FARGATE = "Fargate"
    SPOT = "Fargate Spot"
    ARM = "Fargate ARM"
    SHARED_NODE = "EC2, shared node"
    OWN_NODE = "EC2, own node"
    OWN_EKS = "EKS, own cluster"


_CAPACITY = {
    Place.FARGATE: Capacity.FARGATE,
    Place.SPOT: Capacity.FARGATE_SPOT,
    Place.ARM: Capacity.FARGATE_ARM,
    Place.SHARED_NODE: Capacity.NODE,
}


@dataclass(frozen=True, slots=True)
class Option:
    """The bill of one place."""

    place: Place
    month: float | None
    """None where the place cannot run the job."""
    note: str
    workload: Workload

    @property
    def per_case(self) -> float | None:
        """A month over its cases: what is paid while nothing runs is in it."""
        return None if self.month is None else self.month / self.workload.per_month

    @property
    def all_cases(self) -> float | None:
        """All cases of the workload, at its pace."""
        return None if self.per_case is None else self.per_case * self.workload.cases


@dataclass(frozen=True, slots=True)
class Everywhere:
    """What a case costs wherever its jobs run."""

    airflow_month: float
    """The smallest MWAA environment: Airflow itself."""
    stored_bytes: float
    """Of a case."""
    storage_month: float
    """Of a case, each month that it is kept."""
    requests: float
    """Of a case."""
    logs: float
    """Of a case, stored for a year."""
    nat: float
    """Of a case, where each container downloads the image through a NAT gateway; in no total."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where one place begins to cost less than another."""

    cheaper: Place
    than: Place
    per_day: int | None
    """Cases a day from which it does; None where it never does up to `MOST_A_DAY`."""


@dataclass(frozen=True, slots=True)
class OfMwaa:
    """Where MWAA's own workers are cheaper."""

    kind: MwaaClass
    """The smallest class that can run the job."""
    slots: int
    """Jobs at once on one worker."""
    difference_month: float
    """This class less the smallest one."""
    included_per_day: float
    """Cases a day that the included worker imports, if it has nothing else to do."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The workload in all places."""

    workload: Workload
    node: Node
    options: tuple[Option, ...]
    everywhere: Everywhere
    mwaa: OfMwaa | None
    """None where no class of the price list can run the job."""
    break_even: tuple[BreakEven, ...]
    spot_interruptions: float
    """As often may each container be interrupted until Spot costs as much as Fargate."""

    def option(self, place: Place) -> Option:
        """Return the bill of one place."""
        return next(one for one in self.options if one.place is place)


@dataclass(frozen=True, slots=True)
class _Rates:
    """What a case takes in each place, whatever the number of cases a day."""

    case: Mapping[Capacity, float | None]
    """Dollars of its containers; None where one does not fit."""
    node_s: float | None
    """Seconds for which it takes a whole node."""
    mwaa: tuple[tuple[MwaaClass, float], ...]
    """The classes that can run the job, with the seconds for which it takes a worker."""


def compare(workload: Workload, prices: Prices, figures: Figures, node: Node) -> Comparison:
    """Return the bills of a workload in all places.

    Args:
        workload: What is imported.
        prices: The price list.
        figures: What was measured and what is assumed.
        node: The instance of ECS on EC2 and of EKS.
    """
    rates = _rates(workload, prices, figures, node)
    month = partial(_months, rates=rates, prices=prices, window_h=figures.assumed.window_h, node=node)
    months, notes = month(workload.per_day), _notes(workload, rates, prices, figures, node)
    return Comparison(
        workload=workload,
        node=node,
        options=tuple(Option(place, months[place], notes[place], workload) for place in Place),
        everywhere=_everywhere(workload, prices, figures),
        mwaa=_of_mwaa(workload, prices, figures),
        break_even=_break_even(month),
        spot_interruptions=_spot_interruptions(workload, prices, figures, node),
    )


def _rates(workload: Workload, prices: Prices, figures: Figures, node: Node) -> _Rates:
    node_s = 0.0
    for container, count in workload.containers(figures):
        share = node_share(container, node)
        node_s += inf if share is None else share * container.seconds * count
    classes: list[tuple[MwaaClass, float]] = []
    for kind in prices.mwaa.classes:
        slots = job_slots(kind, workload.importing.cpu, workload.importing.memory_mib)
        if slots:
            classes.append((kind, workload.worker_seconds(figures, kind.vcpu) / slots))
    return _Rates(
        case={capacity: _case(workload, prices, figures, node, capacity) for capacity in Capacity},
        node_s=None if node_s == inf else node_s,
        mwaa=tuple(classes),
    )


def _months(per_day: float, *, rates: _Rates, prices: Prices, window_h: float, node: Node) -> dict[Place, float | None]:
    """Return what a month costs in each place, beside Airflow itself and what is the same everywhere."""
    months: dict[Place, float | None] = {}
    for place, capacity in _CAPACITY.items():
        case = rates.case[capacity]
        months[place] = None if case is None else case * per_day * DAYS_PER_MONTH
    shared = months[Place.SHARED_NODE]
    nodes, mwaa = _own_nodes(per_day, rates, window_h), _mwaa(per_day, rates, prices, window_h)
    return months | {
        Place.MWAA: None if mwaa is None else mwaa.month,
        Place.OWN_NODE: None if nodes is None else nodes * node.hour * HOURS_PER_MONTH,
        Place.OWN_EKS: None if shared is None else shared + prices.eks.control_plane_hour * HOURS_PER_MONTH,
    }


def _case(workload: Workload, prices: Prices, figures: Figures, node: Node, capacity: Capacity) -> float | None:
    """Return what the containers of a case cost, with the failed and the interrupted ones."""
    full = _containers(workload, prices, figures, node, capacity)
    if full is None or capacity is not Capacity.FARGATE_SPOT:
        return full
    lost = _containers(workload, prices, figures, node, capacity, part=0.5) or 0.0
    return full + figures.assumed.interrupted_share * lost


def _containers(  # noqa: PLR0913 - the first five are those of `_case`
    workload: Workload, prices: Prices, figures: Figures, node: Node, capacity: Capacity, *, part: float = 1.0
) -> float | None:
    """Return what the containers of a case cost if each runs for a part of its time; the minimum is billed anyway."""
    total = 0.0
    for container, count in workload.containers(figures):
        cost = container_cost(replace(container, seconds=container.seconds * part), capacity, prices, node)
        if cost is None:
            return None
        total += cost * count
    return total


def _own_nodes(per_day: float, rates: _Rates, window_h: float) -> int | None:
    """Return how many nodes that run all month hold the jobs of the busy hours."""
    if rates.node_s is None:
        return None
    return max(ceil(rates.node_s * per_day / (window_h * _S_PER_HOUR * USABLE)), 1)


def _mwaa(per_day: float, rates: _Rates, prices: Prices, window_h: float) -> MwaaBill | None:
    """Return the bill of the cheapest class that can run the jobs: a larger one needs fewer workers."""
    bills = [
        mwaa_bill(prices.mwaa, kind, ceil(per_day * worker_s / (window_h * _S_PER_HOUR)), window_h)
        for kind, worker_s in rates.mwaa
    ]
    return min(bills, key=lambda one: one.month, default=None)


def _of_mwaa(workload: Workload, prices: Prices, figures: Figures) -> OfMwaa | None:
    size = workload.importing
    kind = smallest_class(prices.mwaa, size.cpu, size.memory_mib)
    if kind is None:
        return None
    job_s = workload.worker_seconds(figures, kind.vcpu)
    return OfMwaa(
        kind,
        job_slots(kind, size.cpu, size.memory_mib),
        class_difference(kind, prices.mwaa),
        jobs_a_day(kind, size.cpu, size.memory_mib, job_s, figures.assumed.window_h),
    )


def _everywhere(workload: Workload, prices: Prices, figures: Figures) -> Everywhere:
    stored = workload.stored_bytes(figures)
    jobs = sum(count for _, count in workload.containers(figures))
    return Everywhere(
        airflow_month=prices.mwaa.classes[0].environment_hour * HOURS_PER_MONTH,
        stored_bytes=stored,
        storage_month=storage_month(stored, prices.s3),
        requests=request_cost(*workload.requests(figures), prices.s3),
        logs=log_cost(jobs * figures.assumed.log_bytes_per_job, 12, prices.logs),
        nat=jobs * figures.assumed.image_gb * prices.network.nat_gb,
    )


_PAIRS = (
    (Place.MWAA, Place.FARGATE),
    (Place.MWAA, Place.SPOT),
    (Place.OWN_NODE, Place.FARGATE),
    (Place.OWN_EKS, Place.FARGATE),
    (Place.OWN_EKS, Place.MWAA),
)


def _break_even(month: Callable[[float], Mapping[Place, float | None]]) -> tuple[BreakEven, ...]:
    """Return for each pair the fewest cases a day from which the first costs less than the second."""
    found: dict[tuple[Place, Place], int] = {}
    for per_day in range(1, MOST_A_DAY + 1):
        months = month(per_day)
        for pair in _PAIRS:
            if pair not in found and _less(months, *pair):
                found[pair] = per_day
    return tuple(BreakEven(cheaper, than, found.get((cheaper, than))) for cheaper, than in _PAIRS)


def _less(months: Mapping[Place, float | None], one: Place, other: Place) -> bool:
    left, right = months[one], months[other]
    return left is not None and (right is None or left < right)


def _spot_interruptions(workload: Workload, prices: Prices, figures: Figures, node: Node) -> float:
    full = _containers(workload, prices, figures, node, Capacity.FARGATE)
    spot = _containers(workload, prices, figures, node, Capacity.FARGATE_SPOT)
    lost = _containers(workload, prices, figures, node, Capacity.FARGATE_SPOT, part=0.5)
    return 0.0 if full is None or spot is None or not lost else (full - spot) / lost


def _notes(workload: Workload, rates: _Rates, prices: Prices, figures: Figures, node: Node) -> dict[Place, str]:
    window_h, smallest = figures.assumed.window_h, prices.mwaa.classes[0].name
    mwaa = _mwaa(workload.per_day, rates, prices, window_h)
    nodes = _own_nodes(workload.per_day, rates, window_h)
    too_large = f"the jobs do not fit on {node.name}"
    notes = {
        Place.MWAA: "no class with a price can run the job: its workers are too small",
        Place.FARGATE: "x86, on demand",
        Place.SPOT: f"x86, {prices.fargate.spot_discount:.0%} off",
        Place.ARM: "on demand; the image must be built for arm64",
        Place.SHARED_NODE: f"share of {node.name}, used by others, too: ECS or a cluster that exists",
        Place.OWN_NODE: f"{nodes} {node.name} all month",
        Place.OWN_EKS: f"share of {node.name}, and the control plane",
    }
    if mwaa is not None:
        extra = f" and {mwaa.extra_workers} more for {window_h:g} h a day" if mwaa.extra_workers else ""
        larger = f"{mwaa.name} instead of {smallest}" if mwaa.name != smallest else smallest
        notes[Place.MWAA] = f"{larger}: its one worker{extra}"
    return notes | (dict.fromkeys((Place.SHARED_NODE, Place.OWN_NODE, Place.OWN_EKS), too_large) if not nodes else {})
