"""What follows from the status of a container: a pure function of state, status and time.

`decide` starts, stops and waits for nothing: it returns the next state and an action. `radiant.operators.watcher` gets
the status, carries the action out, and stores the state that must survive it.

```
            status                                            action
WAITING     longer than QUEUE_TIMEOUT_S                       STOP_AND_END
STARTING    hopeless, or longer than START_TIMEOUT_S          STOP_AND_END
RUNNING     longer than the job's time-out                    STOP, then its end is waited for
any         the task's own execution time-out is over         STOP (RUNNING) or STOP_AND_END
ENDED/GONE  its log has more pages                            WAIT
            no room for it after all                          START_AGAIN, while patience lasts
            its capacity was taken away                       START_AGAIN, RESTARTS times
            otherwise                                         END
no answer   for longer than PATIENCE_S                        GIVE_UP; the next try adopts the container
```
"""

import dataclasses
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from radiant.jobs.reasons import Reason
from radiant.operators.container_record import ContainerRecord
from radiant.operators.platform import ContainerStatus, State
from radiant.settings import ContainerGroup

OVER = frozenset({State.ENDED, State.GONE})
STOPPING_PAUSE_S = 0.5
"""Between looks at a container that was asked to stop: Kubernetes removes it, and its log, seconds after its end."""
_STOP_S = 150.0
"""How long a container that was asked to stop may take; ECS allows 120 s between its two signals."""
_SLOWER = 1.5
_SLOWEST_S = 30.0


class Action(Enum):
    """What the watcher does."""

    WAIT = auto()
    STOP = auto()
    """Ask the container to stop; its end, and the last lines of its log, are waited for."""
    STOP_AND_END = auto()
    """Ask the container to stop. It did not begin: there is no log and no result to wait for."""
    START_AGAIN = auto()
    """Remove what is left of the container, and start another with an attempt of its own."""
    END = auto()
    GIVE_UP = auto()
    """Leave the container to the next try."""


class Clock(Protocol):
    """Time, as the module `time` gives it."""

    def time(self) -> float:
        """Return seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a container is stopped."""

    reason: str
    detail: str
    hopeless: bool = False
    """Another try would end in the same way."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a decision depends on and no step changes."""

    container: ContainerGroup
    """Patience and pace, from the settings."""
    timeout_s: float
    """Of the job."""
    timeout_reason: str
    """The name of a time-out on this platform."""
    noun: str
    """What a container is called there."""
    interruptions: frozenset[str]
    """Reasons that start the container again within the same try."""
    deadline: float | None = None
    """End of the task's own execution time-out, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class WatchState:
    """Everything that one decision leaves to the next."""

    record: ContainerRecord
    """The part that is stored at the work URI."""
    stopping: Cause | None = None
    stop_deadline: float = 0.0
    reported: str = ""
    """The news that was reported last: it is not repeated."""
    unanswered_since: float | None = None


@dataclass(frozen=True, slots=True)
class LogProgress:
    """What was read of the container's log since the last decision."""

    lines: bool = False
    """There were new lines."""
    more: bool = False
    """There is more to read, now or later."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state and what to do."""

    state: WatchState
    action: Action = Action.WAIT
    news: str = ""
    """For the task's log: the container waits for a quota, it is started again."""
    pause_s: float = 0.0
    """Before the next look, without jitter."""


def decide(state: WatchState, status: ContainerStatus, log: LogProgress, now: float, limits: Limits) -> Decision:
    """Return what follows from the status of a container.

    Example: RUNNING for 10 s with a time-out of 5 s gives STOP with the platform's name of a time-out.

    Args:
        state: of the decision before.
        status: of the container now; WAITING for one that the platform had no room for.
        log: what was read of its log.
        now: in seconds since the epoch.
        limits: of the job and the settings.
    """
    state = dataclasses.replace(state, unanswered_since=None)
    if status.state in OVER:
        return _at_its_end(state, status, log, now, limits)
    if state.stopping is not None:
        return Decision(state, Action.END) if now > state.stop_deadline else _wait(state, status, log, now, limits)
    if status.state is State.STARTING and state.record.starting_since is None:
        state = dataclasses.replace(state, record=dataclasses.replace(state.record, starting_since=now))
    cause = _over_limit(state.record, status, now, limits)
    if cause is None:
        return _wait(state, status, log, now, limits)
    return Decision(
        dataclasses.replace(state, stopping=cause, stop_deadline=now + _STOP_S),
        Action.STOP if status.state is State.RUNNING else Action.STOP_AND_END,
        f"{cause.reason}: {cause.detail}",
        STOPPING_PAUSE_S,
    )


def decide_unanswered(state: WatchState, error: str, now: float, limits: Limits) -> Decision:
    """Return what follows when the platform did not answer: the container goes on, and patience has an end."""
    since = now if state.unanswered_since is None else state.unanswered_since
    silent_s = now - since
    if silent_s > limits.container.patience_s:
        return Decision(state, Action.GIVE_UP)
    news = "" if state.reported == error else f"{error}; asking again, the {limits.noun} goes on"
    return Decision(
        dataclasses.replace(state, unanswered_since=since, reported=error),
        news=news,
        pause_s=min(_SLOWEST_S, max(limits.container.look_s, silent_s / 4)),
    )


def _at_its_end(state: WatchState, status: ContainerStatus, log: LogProgress, now: float, limits: Limits) -> Decision:
    """Wait for the rest of the log, then end, or start again."""
    record = state.record
    if log.more:
        return Decision(state, pause_s=0.0 if log.lines else 1.0)
    if state.stopping is not None:
        return Decision(state, Action.END)
    if status.reason == Reason.NO_CAPACITY and status.started_at is None:
        waiting = ContainerStatus(State.WAITING, status.reason, status.detail)
        cause = _over_limit(record, waiting, now, limits)
        if cause is not None:
            return Decision(dataclasses.replace(state, stopping=cause), Action.END)
        waits = _wait(state, waiting, log, now, limits)
        return dataclasses.replace(waits, state=_started_again(waits.state), action=Action.START_AGAIN)
    interrupted = status.reason in limits.interruptions and not status.hopeless
    if interrupted and record.restarts < limits.container.restarts:
        restarts = record.restarts + 1
        count = f"restart {restarts} of {limits.container.restarts}, this try goes on"
        return Decision(
            _started_again(state, asked_at=now, restarts=restarts),
            Action.START_AGAIN,
            f"{status.reason}: {status.detail} The job is started again ({count})",
        )
    return Decision(state, Action.END)


def _started_again(state: WatchState, *, asked_at: float | None = None, restarts: int | None = None) -> WatchState:
    """Return the state before the start of another container; the watcher chooses its attempt."""
    record = dataclasses.replace(
        state.record,
        handle=None,
        asked_at=state.record.asked_at if asked_at is None else asked_at,
        starting_since=None,
        unsure=False,
        refusals=0,
        restarts=state.record.restarts if restarts is None else restarts,
        log_cursor="",
    )
    return dataclasses.replace(state, record=record)


def _over_limit(record: ContainerRecord, status: ContainerStatus, now: float, limits: Limits) -> Cause | None:
    """Return the limit that is exceeded, by name and sentence."""
    container = limits.container
    if status.hopeless:
        return Cause(status.reason or Reason.START_TIMEOUT, status.detail, hopeless=True)
    if limits.deadline is not None and now > limits.deadline:
        return Cause(limits.timeout_reason, "The task's own execution_timeout is over.")
    if status.state is State.WAITING and now - record.asked_at > container.queue_timeout_s:
        setting = f"{container.queue_timeout_s} s (RADIANT_CONTAINER__QUEUE_TIMEOUT_S)"
        return Cause(status.reason or Reason.START_TIMEOUT, f"It found no room in {setting}. {status.detail}")
    since = record.starting_since
    if status.state is State.STARTING and since is not None and now - since > container.start_timeout_s:
        setting = f"{container.start_timeout_s} s (RADIANT_CONTAINER__START_TIMEOUT_S)"
        return Cause(status.reason or Reason.START_TIMEOUT, f"It did not start in {setting}. {status.detail}")
    if status.state is State.RUNNING and status.started_at is not None and now - status.started_at > limits.timeout_s:
        return Cause(limits.timeout_reason, f"It ran for longer than its time-out of {limits.timeout_s} s.")
    return None


def _wait(state: WatchState, status: ContainerStatus, log: LogProgress, now: float, limits: Limits) -> Decision:
    """Wait; a container that waits for room for long is looked at more rarely."""
    text = f"{status.reason}: {status.detail}" if status.reason and status.state is not State.RUNNING else ""
    news = f"waiting: {text}" if text and text != state.reported else ""
    pause_s = limits.container.look_s
    if state.stopping is not None:
        pause_s = min(pause_s, STOPPING_PAUSE_S)
    if status.state is State.WAITING:
        pause_s = min(_SLOWEST_S, max(pause_s, (now - state.record.asked_at) / 10 * _SLOWER))
    if log.more and log.lines:
        pause_s = 0.0
    return Decision(dataclasses.replace(state, reported=text or state.reported), news=news, pause_s=pause_s)
