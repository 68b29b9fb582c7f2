"""The jobs."""

import dataclasses

from radiant.errors import ConfigError
from radiant.jobs.spec import JobSpec, Resources
from radiant.settings import JobOverrides, Settings

PLAN_IMPORT = JobSpec(
    name="plan-import",
    summary="Find the cases that are due, give them partitions and an order",
    resources=Resources(cpu=0.5, memory_mib=1024, scratch_gib=1),
    timeout_s=1800,
    retries=2,
)
PREPARE_PART = JobSpec(
    name="prepare-part",
    summary="Claim the cases of one partition and write one case document for each",
    resources=Resources(cpu=0.5, memory_mib=1024, scratch_gib=1),
    timeout_s=1800,
    retries=2,
)
IMPORT_CASE = JobSpec(
    name="import-case",
    summary="Read the VCF of one case and stage its rows",
    resources=Resources(cpu=2, memory_mib=2048, scratch_gib=20),
    timeout_s=4 * 3600,
    retries=2,
)
COMMIT_PART = JobSpec(
    name="commit-part",
    summary="Make the staged cases of one partition visible and record the outcome of each",
    resources=Resources(cpu=0.5, memory_mib=1024, scratch_gib=1),
    timeout_s=3600,
    retries=3,
)
POC = JobSpec(
    name="poc",
    summary="Print ten lines and return a list",
    resources=Resources(cpu=0.25, memory_mib=512, scratch_gib=1),
    timeout_s=300,
    retries=1,
)

JOBS: dict[str, JobSpec] = {job.name: job for job in (PLAN_IMPORT, PREPARE_PART, IMPORT_CASE, COMMIT_PART, POC)}


def find_job(name: str) -> JobSpec:
    """Return the job of that name.

    Raises:
        ConfigError: there is none.
    """
    try:
        return JOBS[name]
    except KeyError:
        msg = f"there is no job {name!r}; the jobs are {', '.join(JOBS)}"
        raise ConfigError(msg) from None


def effective_job(name: str, settings: Settings) -> JobSpec:
    """Return the catalogue's job with the settings' overrides.

    A job whose memory follows from the history has one retry more: it pays for a request that was too small.

    Raises:
        ConfigError: there is no such job.
    """
    spec = find_job(name)
    wanted: JobOverrides = getattr(settings.jobs, name.replace("-", "_"))
    given = wanted.model_dump(exclude_none=True)
    if given.pop("sizing", "request") == "history":
        given["retries"] = given.get("retries", spec.retries) + 1
    sizes = {key: given.pop(key) for key in ("cpu", "memory_mib", "scratch_gib") if key in given}
    return dataclasses.replace(spec, resources=dataclasses.replace(spec.resources, **sizes), **given)
