"""What a job used: as its worker measured it, and as the operator saw each try on its platform.

A `JobTry` is one start of a process or container. It is in the outcome, in the summary (XCom), and a row of the
registry's table `radiant_task_usage`. Times are in seconds since the epoch, UTC; memory and disk in MiB of 2^20 bytes.
"""

from dataclasses import dataclass
from enum import StrEnum

from radiant.jobs.codec import exact


class MemorySource(StrEnum):
    """Where the peak of memory comes from."""

    CGROUP2 = "cgroup2"
    """Control group of the container, version 2."""
    CGROUP1 = "cgroup1"
    ECS = "ecs"
    """Task metadata endpoint of ECS, version 4."""
    PROCESSES = "processes"
    """Sum over the processes of the job; pages that they share count once for each."""


@exact
@dataclass(frozen=True, slots=True)
class Usage:
    """What a job used, as its worker measured it, from the start of its process unless a field says otherwise."""

    wall_s: float
    cpu_s: float
    """User and system time of the process and its children."""
    peak_memory_mib: float
    """Highest memory, see `memory_source`; page cache that the kernel may drop is not counted."""
    bytes_read: int
    """Of files, as the kernel counts them for the process and its children, and of object stores."""
    bytes_written: int
    user_s: float | None = None
    """None from a worker of radiant 0.1."""
    system_s: float | None = None
    memory_source: MemorySource = MemorySource.PROCESSES
    read_requests: int = 0
    """Requests to object stores that read (GET, HEAD); 0 where every file is local."""
    write_requests: int = 0
    """Requests to object stores that write, list or delete."""
    scratch_peak_mib: float = 0.0
    """Highest size of the job's temporary files."""
    records: int = 0
    """Data lines of the VCF, for a job that reads one."""
    rows: int = 0
    """Rows of all tables, for a job that makes or commits rows."""
    bytes_stored: int = 0
    """Bytes of the tables' data files that the job wrote."""


@exact
@dataclass(frozen=True, slots=True)
class Times:
    """When a try passed each step, in seconds since the epoch; None where that is unknown.

    Kubernetes reports whole seconds, so `placed_at` of a pod may be up to a second before `asked_at`.
    """

    ready_at: float | None = None
    """The task could have started: its run began, or what it waits for ended. From here to `asked_at` it is queued in
    Airflow; a later try counts from the end of the try before, so the pause between them is in it."""
    asked_at: float | None = None
    """Airflow started the try, or the operator asked for another container; it waits for room from here on."""
    placed_at: float | None = None
    """The container has a place: image, volumes and network follow."""
    started_at: float | None = None
    """The job's process began."""
    ended_at: float | None = None

    @property
    def queued_s(self) -> float | None:
        """Seconds in Airflow's queue."""
        return _between(self.ready_at, self.asked_at)

    @property
    def waiting_s(self) -> float | None:
        """Seconds without a place to run: quota, no node, no capacity."""
        return _between(self.asked_at, self.placed_at)

    @property
    def starting_s(self) -> float | None:
        """Seconds from a place to the job's process."""
        return _between(self.placed_at, self.started_at)

    @property
    def running_s(self) -> float | None:
        """Seconds from the start of the job's process to its end."""
        return _between(self.started_at, self.ended_at)


@exact
@dataclass(frozen=True, slots=True)
class Placement:
    """Where a try ran, as far as the platform reports it."""

    backend: str
    """As `RADIANT_BACKEND` names it: local, kubernetes, ecs."""
    node: str | None = None
    """Host, node of the cluster, or container instance."""
    instance_type: str | None = None
    """Of the cloud, `m7g.xlarge`; None on Fargate and where the node has no label."""
    zone: str | None = None
    architecture: str | None = None
    """`x86_64` or `arm64`."""
    capacity: str | None = None
    """Capacity provider or launch type on ECS (FARGATE, FARGATE_SPOT), node pool on Kubernetes."""
    spot: bool | None = None
    """Capacity that can be taken away; None where the platform does not report it."""


@exact
@dataclass(frozen=True, slots=True)
class JobTry:
    """One start of a job's process or container, from Airflow's queue to its end."""

    attempt: str
    try_number: int
    """Airflow's; several attempts have the same one where spot capacity was taken away."""
    code: str | None
    """`code` of the failure or the platform's reason (OutOfMemory, SpotInterrupted); None when the job succeeded."""
    times: Times
    placement: Placement
    cpu: float | None
    """Cores that were asked for."""
    memory_limit_mib: int
    peak_memory_mib: float | None
    """As the platform measured it, else as the worker did."""
    usage: Usage | None
    """None where the worker left no result."""
    radiant_version: str = ""
    image: str | None = None


@dataclass(frozen=True, slots=True)
class TaskUsage:
    """A try of a job, with what it was for: a row of the registry's table `radiant_task_usage`."""

    run: str
    """URI of the run's folder."""
    job: str
    case_id: int | None
    """Of an import; None for a job of a whole part or run."""
    job_try: JobTry


def _between(start: float | None, end: float | None) -> float | None:
    """Return the seconds between two times, at least 0: clocks of several machines differ a little."""
    return None if start is None or end is None else max(0.0, end - start)
