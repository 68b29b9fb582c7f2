"""The interface of a platform that runs containers (Kubernetes, ECS), and the values of its methods.

A platform is a few calls of an API. Airflow, requests, results and retries are in `radiant.operators.watcher` and
`radiant.operators.container`, once for all platforms. Every method may be called again at any time, from another
process than the one that started the container.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from radiant.jobs.catalogue import JobSpec
from radiant.jobs.usage import Placement, Times

Handle = dict[str, Any]
"""How a platform finds a container again: small, plain JSON, no secret (`{"name": .., "uid": ..}`, `{"arn": ..}`)."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One try of one task."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    """-1 for a task that is not mapped."""
    try_number: int
    """From 1."""
    last_try: bool
    """Airflow will not try again after this one."""


@dataclass(frozen=True, slots=True)
class ContainerOrder:
    """All that a platform needs to start one container."""

    job: JobSpec
    """Its name, resources and time-out; `memory_mib` below is stronger than its resources."""
    argv: list[str]
    attempt: str
    """Unique for each container; starting the same attempt twice must give one container."""
    memory_mib: int
    task: TaskFacts
    image: str | None = None
    trace_context: Mapping[str, str] = field(default_factory=dict)
    """W3C `traceparent` and `tracestate`, for the container's environment (upper case)."""
    on_demand: bool = False
    """Not on capacity that can be taken away: the container was interrupted before, or this is the last try."""
    asked_at: float = 0.0
    """Since when this attempt is wanted, in seconds since the epoch."""
    refusals: int = 0
    """How often the platform refused this attempt for lack of room."""
    run: str = ""
    """Of the DAG run, see `radiant.operators.task_folder.run_key`: `sweep` finds its containers by it."""


class State(StrEnum):
    """The state of a container."""

    WAITING = "waiting"
    """It has no place to run yet: quota, no node, no capacity. Patience: `RADIANT_CONTAINER__QUEUE_TIMEOUT_S`."""
    STARTING = "starting"
    """It has a place and does not run yet: image, volumes, network. `RADIANT_CONTAINER__START_TIMEOUT_S`."""
    RUNNING = "running"
    ENDED = "ended"
    GONE = "gone"
    """The platform has no such container (any more): it was deleted from outside, or ended too long ago."""


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """The status of a container at one time."""

    state: State
    reason: str | None = None
    """The name of why it waits, cannot start, or was ended by the platform; None when it ended by itself."""
    detail: str = ""
    """The platform's own words, in sentences: events, messages, never a secret."""
    hopeless: bool = False
    """It will never start: an image that does not exist."""
    exit_code: int | None = None
    """Of an ended container; negative for a signal where the platform names one."""
    started_at: float | None = None
    """When the job began to run, in seconds since the epoch."""
    finished_at: float | None = None
    peak_memory_mib: float | None = None
    """None where the platform does not measure it."""
    memory_limit_mib: int | None = None
    """The limit that the container really had, None where the platform does not report it."""
    placed_at: float | None = None
    """Since when it has a place, in seconds since the epoch; None where the platform does not report it."""
    placement: Placement | None = None
    """Where it runs, as far as it is known by now."""
    log_is_lost: bool = False
    """The container may have run, and its log went with it."""

    def times(self, asked_at: float, starting_since: float | None, now: float) -> Times:
        """Return when the container passed each step.

        Args:
            asked_at: Since when it was wanted.
            starting_since: Since when it was seen to start, where the platform does not report its place.
            now: Its end, where the platform does not report it.
        """
        placed_at = self.placed_at or starting_since or self.started_at
        return Times(None, asked_at, placed_at, self.started_at, self.finished_at or now)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of a container's log, without their ends."""

    lines: list[str]
    cursor: str
    """Where the next page begins; opaque, the empty string is the beginning."""
    more: bool = False
    """Another page can be read at once."""


class Platform(Protocol):
    """One Kubernetes cluster or one ECS cluster, reached with one credential.

    Every method raises `PlatformUnavailableError` when the platform does not answer, throttles, does not accept the
    credential, or when something else answers in its place: the caller waits and asks again, the container goes on.
    """

    name: str
    """As `RADIANT_BACKEND` names it."""
    noun: str
    """What a container is called there: pod, ECS task."""
    timeout_reason: str
    """The name of a time-out there."""
    interruptions: frozenset[str]
    """Reasons that start the container again within the same try: spot capacity that was taken away."""

    def start(self, order: ContainerOrder) -> Handle:
        """Start a container, or find the one that was started for this very attempt.

        Raises:
            JobNotYetError: there is no room now; the caller asks again later.
            JobRefusedError: the platform will never start this: a wrong setting, a missing right.
        """
        ...

    def find(self, attempt: str, job: str) -> Handle | None:
        """Return the container that was started for this attempt of a job and may still run, None where there is none.

        Called when the answer to `start` never arrived.
        """
        ...

    def status(self, handle: Handle) -> ContainerStatus:
        """Return the status of the container now."""
        ...

    def read_log(self, handle: Handle, cursor: str, status: ContainerStatus) -> LogPage:
        """Return the lines that follow the cursor, none lost and none twice, even if many have the same time stamp.

        Args:
            handle: the container.
            cursor: of the page before.
            status: the last one of the container. The log of an ended one may arrive late: `more` stays True until
                the platform has had the time to deliver it.
        """
        ...

    def stop(self, handle: Handle, reason: str) -> None:
        """Ask the container to stop (SIGTERM, then SIGKILL); returns at once; nothing there is fine.

        `reason` is a name; where the platform keeps it, a later `status` returns it.
        """
        ...

    def release(self, handle: Handle) -> None:
        """Remove what is left of an ended container; nothing there is fine."""
        ...

    def sweep(self, run: str) -> list[str]:
        """Stop and remove every container of a DAG run that is still there, and return their names.

        Called after all tasks of the run that start containers: a container that is left has no task any more.
        """
        ...
