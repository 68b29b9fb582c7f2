"""The jobs as data: what each may use, how long it may run, its command line."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radiant.errors import ConfigError
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.job_settings import JobOverrides


@dataclass(frozen=True, slots=True)
class Resources:
    """What one run of a job may use."""

    cpu: float
    """Cores; 0.25 and up."""
    memory_mib: int
    """Hard limit: a job above it is killed."""
    scratch_gib: int
    """Local disk for temporary files."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One kind of work, the same on every backend."""

    name: str
    """Kebab-case; the first argument of `radiant-worker`."""
    summary: str
    resources: Resources
    timeout_s: int
    """After this many seconds the job is stopped and counts as failed."""
    retries: int
    """How often a transient failure or a lost job is tried again. Bad input never is."""


@dataclass(frozen=True, slots=True)
class Argv:
    """The command line of a job: `radiant-worker <job> --request URI --result URI`."""

    job: str
    request_uri: str
    result_uri: str

    def render(self) -> list[str]:
        """Return the list that every backend runs, unchanged."""
        return ["radiant-worker", self.job, "--request", self.request_uri, "--result", self.result_uri]


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
MAINTAIN_TABLES = JobSpec(
    name="maintain-tables",
    summary="Expire snapshots, delete what no table and no import needs",
    resources=Resources(cpu=0.5, memory_mib=2048, scratch_gib=1),
    timeout_s=4 * 3600,
    retries=2,
)
RUN_REPORT = JobSpec(
    name="run-report",
    summary="Write the report of a run, one HTML file",
    resources=Resources(cpu=0.25, memory_mib=512, scratch_gib=1),
    timeout_s=1800,
    retries=1,
)
POC = JobSpec(
    name="poc",
    summary="Print ten lines and return a list",
    resources=Resources(cpu=0.25, memory_mib=512, scratch_gib=1),
    timeout_s=300,
    retries=1,
)

JOBS: dict[str, JobSpec] = {
    job.name: job for job in (PLAN_IMPORT, PREPARE_PART, IMPORT_CASE, COMMIT_PART, MAINTAIN_TABLES, RUN_REPORT, POC)
}


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
