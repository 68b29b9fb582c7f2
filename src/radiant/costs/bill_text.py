"""The words of a bill, for the command line, the report of a run and `docs/costs.md`."""

from radiant.costs.container import Capacity
from radiant.costs.history import RunBill
from radiant.costs.prices import Node, Prices, dollars

CAPACITIES = {
    Capacity.FARGATE: "Fargate",
    Capacity.FARGATE_SPOT: "Spot",
    Capacity.FARGATE_ARM: "ARM",
    Capacity.NODE: "node share",
}
"""Columns of a bill."""


def bill_lines(bill: RunBill, prices: Prices, node: Node) -> list[str]:
    """Return what a bill rests on, and what it says beside its lines."""
    if not bill.attempts:
        return ["No job ran in that time."]
    ran = ", ".join(f"{count:,} on {backend}" for backend, count in sorted(bill.backends.items()))
    lines = [
        (
            f"Attempts ran: {ran}. `As it ran` is what the platform bills for each, the columns after it are all of "
            "them there; `run` are the jobs for all cases together. Requests count, not use."
        ),
        (
            f"Prices: {prices.name}, list of {prices.date}; a node share is one of {node.name} ({dollars(node.hour)} "
            "an hour)."
        ),
    ]
    if bill.backends.get("local"):
        lines.append(
            "Local processes are billed by no platform, so they have no `as it ran`; elsewhere each is a container, "
            "with the time that its image takes to start."
        )
    if lost := bill.lost.get(Capacity.FARGATE):
        lines.append(f"Of the total on Fargate, attempts that did not succeed cost {dollars(lost)}.")
    if bill.unmeasured:
        lines.append(
            f"{bill.unmeasured:,} attempts left no usage: their time is that from request to outcome, an upper bound."
        )
    if bill.cpu_used is not None and bill.memory_used is not None:
        lines.append(
            f"Used: {bill.cpu_used:.0%} of the core time requested, and at their peaks {bill.memory_used:.0%} of the "
            "memory requested."
        )
    return lines
