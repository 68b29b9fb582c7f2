"""How a try of a job is billed: for how long it had its place, and as what."""

from radiant.costs.container import Capacity
from radiant.jobs.usage import JobTry, Placement
from radiant.settings import Settings


def placed_seconds(one: JobTry) -> float | None:
    """Return the seconds for which a container had its place; None for a local process, or where they are unknown."""
    placed_at, ended_at = one.times.placed_at, one.times.ended_at
    if one.placement.backend == "local" or placed_at is None or ended_at is None:
        return None
    return ended_at - placed_at


def billed_as(backend: str, placement: Placement | None, settings: Settings) -> Capacity | None:
    """Return what the platform bills a try as, None for a local process.

    Args:
        backend: As `RADIANT_BACKEND` names it; empty for a local process.
        placement: Where it ran; None, as a capacity that it does not have, means that of the settings.
        settings: With the capacity of ECS.
    """
    if backend in {"", "local"}:
        return None
    provider = (placement.capacity if placement is not None else None) or settings.ecs.capacity_provider
    if backend != "ecs" or provider not in {"FARGATE", "FARGATE_SPOT"}:
        return Capacity.NODE
    if provider == "FARGATE_SPOT":
        return Capacity.FARGATE_SPOT
    arm = placement.architecture == "arm64" if placement is not None else settings.ecs.architecture == "ARM64"
    return Capacity.FARGATE_ARM if arm else Capacity.FARGATE
