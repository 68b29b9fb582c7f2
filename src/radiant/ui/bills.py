"""What tries cost, by the model of `radiant costs`."""

from collections.abc import Iterable
from dataclasses import dataclass

from radiant.costs.container import Capacity, container_cost
from radiant.costs.history import Attempt
from radiant.costs.prices import Node, Prices
from radiant.runs.run_bill import prices_of
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
    prices = prices_of(settings)
    return PriceBook(prices, prices.node(settings.costs.node))


def cost_of(attempts: Iterable[Attempt], book: PriceBook) -> float | None:
    """Return what attempts cost where they ran, local ones as Fargate tasks; None where Fargate has none that large."""
    total = 0.0
    for one in attempts:
        cost = container_cost(one.container, one.ran_on or Capacity.FARGATE, book.prices, book.node)
        if cost is None:
            return None
        total += cost
    return total
