"""What one container costs: a Fargate task, or its share of a node."""

from dataclasses import dataclass
from enum import StrEnum

from radiant.costs.fargate_size import smallest_size
from radiant.costs.prices import FargatePrices, Node, Prices

USABLE = 0.93
"""Part of a node that containers may request: the rest belongs to the node's own agents.

Source: Amazon EKS reserves 0.07 of 2 cores and 0.6 of 8 GiB; a container that requests a whole node never starts.
"""
_MIB_PER_GIB = 1024
_S_PER_HOUR = 3600


class Capacity(StrEnum):
    """Where a container runs, as far as its price is concerned."""

    FARGATE = "fargate"
    FARGATE_SPOT = "fargate-spot"
    FARGATE_ARM = "fargate-arm"
    NODE = "node"
    """A share of an EC2 instance, below ECS or Kubernetes."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container: what it requested, and how long it had it. Clouds bill requests, not use."""

    cpu: float
    """Cores."""
    memory_mib: int
    scratch_gib: float
    seconds: float
    """From the start of the image's download to the end."""


def container_cost(container: Container, capacity: Capacity, prices: Prices, node: Node) -> float | None:
    """Return what a container costs, None where nothing of that capacity is large enough.

    Args:
        container: The container.
        capacity: Where it runs.
        prices: The price list.
        node: The instance that it shares, for `Capacity.NODE`.
    """
    if capacity is Capacity.NODE:
        share = node_share(container, node)
        return None if share is None else node.hour * share * container.seconds / _S_PER_HOUR
    return fargate_cost(container, capacity, prices.fargate)


def fargate_cost(container: Container, capacity: Capacity, prices: FargatePrices) -> float | None:
    """Return what a Fargate task costs, None where Fargate has no task that large.

    The task has the smallest size that holds the request, and is billed per second, at least a minute. Scratch disk is
    billed above what each task has for nothing; Spot does not make it cheaper.
    """
    size = smallest_size(container.cpu, container.memory_mib)
    if size is None:
        return None
    arm = capacity is Capacity.FARGATE_ARM
    vcpu_hour = prices.arm_vcpu_hour if arm else prices.x86_vcpu_hour
    gb_hour = prices.arm_gb_hour if arm else prices.x86_gb_hour
    hourly = size.cpu_units / 1024 * vcpu_hour + size.memory_mib / _MIB_PER_GIB * gb_hour
    if capacity is Capacity.FARGATE_SPOT:
        hourly *= 1 - prices.spot_discount
    hourly += max(container.scratch_gib - prices.free_scratch_gb, 0) * prices.scratch_gb_hour
    return hourly * max(container.seconds, prices.minimum_s) / _S_PER_HOUR


def node_share(container: Container, node: Node) -> float | None:
    """Return the share of a node that a container takes from others, None where the node cannot hold it.

    The larger of its shares of cores and memory: 2 cores and 2 GiB of a node with 4 cores and 16 GiB are a half.
    """
    cpu, memory = container.cpu / node.vcpu, container.memory_mib / _MIB_PER_GIB / node.memory_gib
    share = max(cpu, memory)
    return share if share <= USABLE else None
