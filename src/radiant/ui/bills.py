"""What tries cost, by the model of `radiant costs`."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from radiant import storage
from radiant.costs.container import Capacity, Container, container_cost
from radiant.costs.history import Attempt, Ending
from radiant.costs.prices import Node, Prices, built_in_prices, read_prices
from radiant.costs.workload import built_in_figures
from radiant.errors import ConfigError, InputError
from radiant.jobs.billing import billed_as, placed_seconds
from radiant.jobs.catalogue import effective_job
from radiant.jobs.usage import JobTry
from radiant.registry import TaskUsage
from radiant.settings import Settings


@dataclass(frozen=True, slots=True)
class PriceBook:
    """A price list, and the instance of it that a share of a node is one of."""

    prices: Prices
    node: Node


def price_book(settings: Settings) -> PriceBook:
    """Return the prices of the settings.

    Raises:
        ConfigError: the list cannot be read, or has no such instance.
    """
    if settings.costs.prices is None:
        prices = built_in_prices()
    else:
        uri = storage.to_uri(settings.costs.prices)
        try:
            prices = read_prices(storage.read_bytes(uri).decode(), uri)
        except (InputError, UnicodeDecodeError) as error:
            msg = f"RADIANT_COSTS__PRICES: {error}"
            raise ConfigError(msg) from error
    return PriceBook(prices, prices.node(settings.costs.node))


def attempt_of(usage: TaskUsage, settings: Settings) -> Attempt:
    """Return a stored try as the cost model counts it.

    Its time is that from its place to its end. A local process counts as if it were a container: its own time and a
    container's start.
    """
    one = usage.job_try
    job = effective_job(usage.job, settings)
    return Attempt(
        run=usage.run,
        job=usage.job,
        case_id=usage.case_id,
        ending=_ending(one),
        reason=one.code,
        started_at=_time(one.times.asked_at),
        container=Container(
            cpu=job.resources.cpu if one.cpu is None else one.cpu,
            memory_mib=one.memory_limit_mib,
            scratch_gib=job.resources.scratch_gib,
            seconds=_seconds(one),
        ),
        backend=one.placement.backend,
        ran_on=billed_as(one.placement.backend, one.placement, settings),
        seconds_measured=placed_seconds(one) is not None or one.usage is not None,
        cpu_s=None if one.usage is None else one.usage.cpu_s,
        peak_memory_mib=one.peak_memory_mib,
    )


def cost_of(attempts: Iterable[Attempt], book: PriceBook) -> float | None:
    """Return what attempts cost where they ran, local ones as Fargate tasks; None where Fargate has none that large."""
    total = 0.0
    for one in attempts:
        cost = container_cost(one.container, one.ran_on or Capacity.FARGATE, book.prices, book.node)
        if cost is None:
            return None
        total += cost
    return total


def _ending(one: JobTry) -> Ending:
    if one.code is None:
        return Ending.SUCCEEDED
    return Ending.LOST if one.usage is None else Ending.FAILED


def _seconds(one: JobTry) -> float:
    seconds = placed_seconds(one)
    if seconds is None and one.usage is not None:
        seconds = built_in_figures().assumed.image_start_s + one.usage.wall_s
    if seconds is None and one.times.asked_at is not None and one.times.ended_at is not None:
        seconds = one.times.ended_at - one.times.asked_at
    return max(seconds or 0.0, 0.0)


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
