"""How a try of a job is billed: for how long it had its place, and as what."""

from collections.abc import Iterable

from radiant.costs.container import Capacity, Container
from radiant.costs.history import Attempt, Ending
from radiant.costs.workload import built_in_figures
from radiant.jobs.catalogue import JobSpec, effective_job
from radiant.jobs.usage import JobTry, Placement, TaskUsage
from radiant.settings import Settings


def attempts_of_tries(tries: Iterable[TaskUsage], settings: Settings) -> list[Attempt]:
    """Return tries as the cost model counts them, in their order."""
    jobs: dict[str, JobSpec] = {}
    found: list[Attempt] = []
    for one in tries:
        job = jobs.get(one.job) or jobs.setdefault(one.job, effective_job(one.job, settings))
        found.append(attempt_of_try(one, job, settings))
    return found


def attempt_of_try(usage: TaskUsage, job: JobSpec, settings: Settings) -> Attempt:
    """Return a try as the cost model counts it.

    Its time is that from its place on the platform to its end, as the operator saw it. Without that it is the worker's
    own time and the start of a container; a local process counts as if it were one, too. A job that left neither counts
    from its request to its end, with the wait for room: an upper bound.

    Args:
        usage: The try.
        job: Its job as the settings have it: its scratch disk, and its cores where the try has none.
        settings: With the capacity where the try has none.
    """
    one = usage.job_try
    seconds = _billed_seconds(one)
    asked_at, ended_at = one.times.asked_at, one.times.ended_at
    between = 0.0 if asked_at is None or ended_at is None else ended_at - asked_at
    return Attempt(
        run=usage.run,
        job=usage.job,
        case_id=usage.case_id,
        ending=Ending.SUCCEEDED if one.code is None else Ending.LOST if one.usage is None else Ending.FAILED,
        reason=one.code,
        container=Container(
            cpu=job.resources.cpu if one.cpu is None else one.cpu,
            memory_mib=one.memory_limit_mib,
            scratch_gib=job.resources.scratch_gib,
            seconds=max(between if seconds is None else seconds, 0.0),
        ),
        backend=one.placement.backend,
        ran_on=billed_as(one.placement, settings),
        seconds_measured=seconds is not None,
        cpu_s=None if one.usage is None else one.usage.cpu_s,
        peak_memory_mib=one.peak_memory_mib,
    )


def billed_as(placement: Placement, settings: Settings) -> Capacity | None:
    """Return what the platform bills a try as, None for a local process.

    Args:
        placement: Where it ran; a capacity that it does not have means that of the settings.
        settings: With the capacity of ECS.
    """
    if placement.backend == "local":
        return None
    provider = placement.capacity or settings.ecs.capacity_provider
    if placement.backend != "ecs" or provider not in {"FARGATE", "FARGATE_SPOT"}:
        return Capacity.NODE
    if provider == "FARGATE_SPOT":
        return Capacity.FARGATE_SPOT
    architecture = placement.architecture or settings.ecs.architecture.lower()
    return Capacity.FARGATE_ARM if architecture == "arm64" else Capacity.FARGATE


def _billed_seconds(one: JobTry) -> float | None:
    """Return the seconds that a try is billed for; None where neither its platform nor its worker measured them."""
    placed_at, ended_at = one.times.placed_at, one.times.ended_at
    if one.placement.backend != "local" and placed_at is not None and ended_at is not None:
        return ended_at - placed_at
    return None if one.usage is None else built_in_figures().assumed.image_start_s + one.usage.wall_s
