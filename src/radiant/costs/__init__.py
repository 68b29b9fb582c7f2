"""What jobs cost: pure arithmetic over a dated price list.

It reads no document, no environment and no clock, and imports the standard library alone. Amounts are US dollars, or
the currency of a price list of one's own; a month has 730 hours.
"""

from radiant.costs.compare import Comparison, Option, Place, compare
from radiant.costs.container import Capacity, Container, container_cost
from radiant.costs.history import Attempt, CaseBill, Ending, RunBill, bill
from radiant.costs.prices import Node, Prices, built_in_prices, read_prices
from radiant.costs.workload import Figures, JobSize, Workload, built_in_figures

__all__ = [
    "Attempt",
    "Capacity",
    "CaseBill",
    "Comparison",
    "Container",
    "Ending",
    "Figures",
    "JobSize",
    "Node",
    "Option",
    "Place",
    "Prices",
    "RunBill",
    "Workload",
    "bill",
    "built_in_figures",
    "built_in_prices",
    "compare",
    "container_cost",
    "read_prices",
]
