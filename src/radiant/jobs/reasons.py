"""Every reason why a job ended without a result of its own: name, sentence, hint, and whether a retry helps.

The platforms translate their own words into these names (`pod/pod_status.py`, `ecs_task/task_status.py`, `process.py`).
`outcome.json`, the XCom and the registry store the name. A job that ran out of memory: the kubelet reports `OOMKilled`,
the reason is `Reason.OUT_OF_MEMORY`, and its row below has the sentence and the hint that the task's log shows.
"""

from enum import Enum, StrEnum, auto
from typing import Self

from radiant.errors import EXIT_BAD_INPUT, EXIT_BUG, EXIT_CONFIG, EXIT_TRANSIENT


class Retry(Enum):
    """What follows a failure."""

    NEVER = auto()
    IF_TRANSIENT = auto()
    """Unless the failure itself is marked as permanent: an image that does not exist, a secret that is missing."""
    ONCE = auto()
    """A job that hangs passes with a second try, a job that is too slow does not."""
    WITH_MORE_MEMORY = auto()


class _Row(str):
    """A row of the table: a name with its other columns."""

    __slots__ = ("hint", "retry", "sentence")

    sentence: str
    hint: str
    retry: Retry

    def __new__(cls, name: str, sentence: str, hint: str, retry: Retry = Retry.IF_TRANSIENT) -> Self:
        row = super().__new__(cls, name)
        row.sentence, row.hint, row.retry = sentence, hint, retry
        return row


class Reason(StrEnum):
    """The table. A member is its name, and has the row's sentence, hint and retry.

    The sentence is what the platform did; it may hold {seconds}, {limit_mib}, {peak} and {changed}. The hint is what
    the reader of the log can do; it may hold {job}, the beginning of the job's settings, and {grown_mib}.

    Example: `Reason("OutOfMemory").retry is Retry.WITH_MORE_MEMORY`.
    """

    sentence: str
    hint: str
    retry: Retry

    def __new__(cls, row: _Row) -> Self:
        """Make a member of a row."""
        member = str.__new__(cls, row)
        member._value_ = str(row)
        member.sentence, member.hint, member.retry = row.sentence, row.hint, row.retry
        return member

    # Limits of the job.
    OUT_OF_MEMORY = _Row(
        "OutOfMemory",
        "the job was killed because it exceeded its memory limit of {limit_mib} MiB{peak}{changed}",
        "Another try gets {grown_mib} MiB; set {job}MEMORY_MIB to start with more",
        Retry.WITH_MORE_MEMORY,
    )
    TIMEOUT = _Row(
        "Timeout",
        "the job was stopped after {seconds} s, its time-out",
        "If it was not hanging, raise {job}TIMEOUT_S",
        Retry.ONCE,
    )
    DEADLINE_EXCEEDED = _Row("DeadlineExceeded", TIMEOUT.sentence, TIMEOUT.hint, Retry.ONCE)

    # Airflow, or a person in it.
    KILLED = _Row(
        "KilledByUser",
        "the job was stopped after {seconds} s: the task was marked or cleared",
        "Clear the task to run it again",
    )
    DRAINED = _Row(
        "Drained",
        "the job was stopped after {seconds} s with the Airflow worker that ran it",
        "Another try starts over",
    )
    SUPERSEDED = _Row(
        "Superseded",
        "a later try follows the container: Airflow has given up this process",
        "The later try goes on",
    )

    # The container ran, and its platform ended it.
    LOST = _Row(
        "Lost",
        "the job is gone and left no exit code",
        "Another try starts over; if it happens again, look at the machine it ran on (disk, memory, its system log)",
    )
    SPOT_INTERRUPTED = _Row(
        "SpotInterrupted",
        "the platform took the job's capacity away after {seconds} s",
        "Another try starts over; RADIANT_CONTAINER__RESTARTS is how often that happens within one try",
    )
    EVICTED = _Row(
        "Evicted",
        "the job was evicted from its node",
        "Another try starts over; if it used more disk than it has, raise {job}SCRATCH_GIB",
    )
    PREEMPTED = _Row(
        "Preempted",
        "the job had to make room for one of higher priority",
        "Another try starts over; RADIANT_KUBERNETES__PRIORITY_CLASS gives jobs a higher priority",
    )
    NODE_LOST = _Row("NodeLost", "the node that ran the job is gone", "Another try starts over on another node")

    # The container did not start.
    NO_CAPACITY = _Row(
        "NoCapacity",
        "the job did not start",
        "Another try waits as long again; RADIANT_CONTAINER__QUEUE_TIMEOUT_S is how long",
    )
    UNSCHEDULABLE = _Row(
        "Unschedulable",
        "no node has room for the job",
        "Add a node or ask for less by RADIANT_JOBS__*; look for cordoned nodes, taints, selectors",
    )
    QUOTA_EXCEEDED = _Row(
        "QuotaExceeded",
        "the quota has no room for the job",
        "Raise the ResourceQuota of the namespace or the tenant's quota, or run fewer jobs at once (an Airflow pool)",
    )
    IMAGE_PULL = _Row(
        "ImagePull",
        "the job did not start",
        "See that RADIANT_IMAGE exists, for this CPU architecture, and that the platform may pull it",
    )
    START_FAILED = _Row(
        "StartFailed",
        "the job did not start",
        "The platform names above what it could not start: roles, secrets, network, log group, command",
    )
    START_TIMEOUT = _Row(
        "StartTimeout",
        "the job did not start",
        "See the platform's words above; RADIANT_CONTAINER__START_TIMEOUT_S is how long a start may take",
    )
    CONFIG = _Row(
        "Config",
        "the job did not start",
        "Correct the setting or the installation that the log above names, then clear the task",
    )

    # The platform's API did not answer as it should; the container goes on.
    THROTTLED = _Row(
        "Throttled",
        "the platform throttles the requests about the job",
        "The container goes on and the next try adopts it; RADIANT_CONTAINER__LOOK_S is how often tasks ask",
    )
    UNAUTHORIZED = _Row(
        "Unauthorized",
        "the platform does not accept the credential",
        "Renew the credential of the Airflow connection; the container goes on and the next try adopts it",
    )
    ACCESS_DENIED = _Row(
        "AccessDenied",
        "the platform does not allow the request",
        "The container goes on and the next try adopts it; give the role of Airflow the rights that the message names",
    )
    FORBIDDEN = _Row(
        "Forbidden",
        "the platform does not allow the request",
        "Give the account of the Airflow connection the rights that the message names",
    )

    # The job ended by itself; its exit code names the reason where it left no result.
    BAD_INPUT = _Row(
        "BadInput",
        "the job rejected its input",
        "Trying again changes nothing: fix what the message names, then run the case again",
        Retry.NEVER,
    )
    BUG = _Row("Bug", "the job ended by an error of its own", "Trying again changes nothing", Retry.NEVER)
    PROTOCOL = _Row(
        "Protocol",
        "the result of the job cannot be read",
        "Install the same radiant version in Airflow and for the worker, then clear the task",
        Retry.NEVER,
    )


OUT_OF_MEMORY_LOWERED = (
    "Find what lowers the limits of pods (a webhook, a policy) and let it give {job}MEMORY_MIB; "
    "another try asks for {asked_mib} MiB again"
)
"""The hint of `OUT_OF_MEMORY` where the container had less memory than its request."""
OUT_OF_MEMORY_AT_CAP = (
    "The limit cannot grow beyond RADIANT_JOBS__MEMORY_CAP_MIB={cap_mib}: raise it, or {job}MEMORY_MIB"
)
"""The hint of `OUT_OF_MEMORY` where another try could not get more."""

OF_ANOTHER_NAME = "the platform ended the job after {seconds} s ({name})"
"""The sentence of a name that is no row: of another release."""
HINT_IF_TRANSIENT = "This may pass; another try starts over"
HINT_IF_PERMANENT = Reason.BAD_INPUT.hint
"""The hints of a failure whose code is no row: those of `radiant.errors`, which name the remedy themselves."""

BY_EXIT_CODE = {
    EXIT_BAD_INPUT: (Reason.BAD_INPUT, False),
    EXIT_BUG: (Reason.BUG, False),
    EXIT_TRANSIENT: (Reason.LOST, True),
    EXIT_CONFIG: (Reason.CONFIG, False),
    2: (Reason.CONFIG, False),  # argparse: the command line is of another version
}
"""Reason, and whether it may pass, of a job that left an exit code and no result: it never read its request."""


def remedy_of(code: str, message: str, *, retryable: bool) -> str:
    """Return the hint of a failure after its last try, empty where its message has it already.

    Example: `remedy_of("VcfTruncated", "the file is cut", retryable=False)` is `HINT_IF_PERMANENT`.

    Args:
        code: Of the failure: a name of the table, or a code of `radiant.errors`.
        message: Of the failure. That of a job that was lost ends with the hint of its row.
        retryable: Another try may end in another way.
    """
    reason = reason_named(code)
    hint = reason.hint if reason is not None else HINT_IF_TRANSIENT if retryable else HINT_IF_PERMANENT
    return "" if "{" in hint or hint in message else hint


def reason_named(name: str) -> Reason | None:
    """Return the row of a name, None where it is no row."""
    try:
        return Reason(name)
    except ValueError:
        return None
