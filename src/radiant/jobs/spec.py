"""A job as data: its resources, its time limit, its command line."""

from dataclasses import dataclass


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
