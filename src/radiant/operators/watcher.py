"""Follows one container from its start to its end, one step at a time: the same in a worker and in the triggerer.

A step blocks for one request to the platform and to the work URI at most. Its caller (a loop in the task's process, a
coroutine in the triggerer) logs the lines, waits, and calls the next step. Everything that must survive the caller is
in the record at the work URI.
"""

import collections
import contextlib
import dataclasses
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

from radiant.errors import JobLostError, JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.reasons import Reason
from radiant.operators.container_record import (
    ContainerRecord,
    close_container,
    name_of,
    read_record,
    release,
    stop_if_replaced,
)
from radiant.operators.ending import LAST_LINES, Ended
from radiant.operators.log_reads import LogPosition, LogReads
from radiant.operators.platform import ContainerOrder, ContainerStatus, Handle, Platform, State
from radiant.operators.task_folder import run_key
from radiant.operators.task_run import TaskRun
from radiant.operators.tries import keep_restarted
from radiant.operators.watch import (
    OVER,
    Action,
    Cause,
    Clock,
    Limits,
    LogProgress,
    WatchState,
    decide,
    decide_unanswered,
)

_JITTER = 0.2
_KILL_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Between tries to stop a container for a person; Airflow gives a killed task 30 s in the triggerer."""
_NO_LOG_S = 60.0
"""How long the log of an ended container is asked for while it cannot be read."""


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one step."""

    position: LogPosition
    """After `lines`. Pass it to the next step once they are logged: lines that were not logged come again."""
    lines: list[str] = field(default_factory=list)
    """New lines of the container's log."""
    news: str = ""
    """A line for the task's log: the container started, it waits for a quota."""
    pause_s: float = 0.0
    """How long to wait before the next step."""
    ended: Ended | None = None
    """Set when it is over."""


class Watcher:
    """Starts a task's container if there is none, and follows it to its end; `watch.decide` has the rules."""

    def __init__(
        self, platform: Platform, run: TaskRun, record: ContainerRecord, *, clock: Clock | None = None
    ) -> None:
        """Store the arguments.

        Args:
            platform: where the container runs.
            run: the try; its request is the stored one.
            record: the stored one.
            clock: the module `time` when None.
        """
        self._clock: Clock = time if clock is None else clock
        self._lock = threading.Lock()
        self._platform = platform
        self._run = run
        self._request = run.request
        self._limits = Limits(
            container=run.settings.container,
            timeout_s=run.job.timeout_s,
            timeout_reason=platform.timeout_reason,
            noun=platform.noun,
            interruptions=platform.interruptions,
            deadline=run.deadline,
        )
        self._state = WatchState(record)
        self._last_lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._reads = LogReads()
        self._last_status: ContainerStatus | None = None
        self._status_at = 0.0

    @property
    def record(self) -> ContainerRecord:
        """The record as this watcher read or wrote it last."""
        return self._state.record

    @property
    def begin(self) -> LogPosition:
        """Where the log goes on: after the lines that a process of the same try has logged."""
        same_try = self.record.log_try == self._run.task.try_number
        return LogPosition(self.record.attempt, self.record.log_cursor if same_try else "")

    def step(self, position: LogPosition) -> Step:
        """Start or look, read the log, decide, and act; waits for a `kill` that is under way in another thread.

        Args:
            position: after the last line that is in the task's log.

        Raises:
            PlatformUnavailableError: the platform has not answered for longer than patience allows; the container may
                go on, and the next try adopts it.
            StorageError: the record could not be written.
        """
        with self._lock:
            try:
                return self._step(position)
            except PlatformUnavailableError as error:
                return self._unanswered(error, position)
            except JobRefusedError as error:
                if self.record.handle is not None:
                    # It runs: the connection changed since, and only the question about it is refused.
                    return self._unanswered(PlatformUnavailableError(str(error), reason=error.reason), position)
                refused = ContainerStatus(State.GONE, error.reason, str(error), hopeless=True)
                return Step(position, ended=self._ended(refused))

    def kill(self, reason: str, detail: str) -> Ended:
        """Stop the container for good, in the little time that a killed task has, and return how it ended.

        Raises:
            PlatformUnavailableError: it could not be stopped; it may go on, and a later try adopts it.
            JobLostError: it is a later try's.
            StorageError: the record could not be written.
        """
        with self._lock:
            self._take_over()
            self._stop_for_good(reason)
            # That may have taken long: the record may be a later try's, or of another container of this try.
            while self._take_over():
                self._stop_for_good(reason)
            self._state = dataclasses.replace(self._state, stopping=Cause(reason, detail))
            ended = self._ended(ContainerStatus(State.GONE))
            left = close_container(self._platform, self._run.folder, self.record)
            if left:
                ended = dataclasses.replace(ended, detail=f"{ended.detail} {left}")
            self._set_record(dataclasses.replace(self.record, closed=True))
            return ended

    def save_position(self, position: LogPosition) -> None:
        """Store how far the log is in the task's log, for another process that goes on with it in the same try."""
        with self._lock, contextlib.suppress(JobLostError):
            if position.attempt == self.record.attempt:
                self._save(log_cursor=position.cursor, log_try=self._run.task.try_number)

    def finish(self, position: LogPosition, ended: Ended) -> bool:
        """Store an end, then remove the container; return whether nothing is left of it.

        Whatever judges the end needs no client of the platform then. An end that another process of the task has made
        obsolete is not stored, and nothing is removed.

        Raises:
            StorageError: the end could not be written; the container is still there.
        """
        with self._lock, contextlib.suppress(JobLostError):
            if position.attempt == self.record.attempt:
                self._save(log_cursor=position.cursor, log_try=self._run.task.try_number, ended=ended)
            return self.record.ended == ended and not release(self._platform, self.record)
        return False

    def _step(self, position: LogPosition) -> Step:
        if (handle := self.record.handle) is None:
            return self._start(position)
        status = self._status(handle)
        lines, progress, position = self._read_log(handle, status, position)
        if status.state in OVER and self._take_over():
            return Step(position, lines, f"the {self._platform.noun} was started again by another process of this try")
        if status.state in OVER and self.record.ended is not None:  # another process of this try has removed it
            return Step(position, lines, ended=self.record.ended)
        return self._decide_and_act(status, progress, lines, position)

    def _decide_and_act(
        self, status: ContainerStatus, progress: LogProgress, lines: list[str], position: LogPosition
    ) -> Step:
        """Decide, and carry that out; the decided state counts only once that succeeded."""
        before = self.record
        decision = decide(self._state, status, progress, self._clock.time(), self._limits)
        action, news, pause_s = decision.action, decision.news, _jittered(decision.pause_s)
        if action in {Action.STOP, Action.STOP_AND_END}:
            if self._take_over():
                return Step(position, lines, pause_s=self._limits.container.look_s / 4)
            handle, cause = self.record.handle, decision.state.stopping
            if handle is None:
                news = ""  # the platform had no room for it: there is nothing to stop
            elif cause is not None:
                self._platform.stop(handle, cause.reason)
        if action is Action.START_AGAIN:
            self._keep_try(status)
            left = self._prepare_another(decision.state, before)
            return Step(position, lines, f"{news} {left}".strip(), pause_s)
        self._adopt(decision.state, before)
        ends = action in {Action.END, Action.STOP_AND_END}
        return Step(position, lines, news or self._reads.take_news(), pause_s, self._ended(status) if ends else None)

    def _start(self, position: LogPosition) -> Step:
        soon_s = self._limits.container.look_s / 4
        self._take_over()
        if self.record.handle is not None:  # another process of this try has started it
            return Step(position, pause_s=soon_s)
        attempt = self.record.attempt
        try:
            handle = self._start_or_find()
        except JobNotYetError as error:
            self._save(refusals=self.record.refusals + 1)
            waiting = ContainerStatus(State.WAITING, error.reason, str(error))
            return self._decide_and_act(waiting, LogProgress(), [], position)
        self._state = dataclasses.replace(self._state, unanswered_since=None)
        try:
            self._save(handle=handle)
        finally:
            if self._state.record.handle != handle:  # not stored
                stop_if_replaced(self._platform, self._run.folder, handle, attempt)
        news = f"{self._platform.noun} {name_of(handle)} started; {self._own_log()}"
        return Step(position, news=news, pause_s=soon_s)

    def _start_or_find(self) -> Handle:
        """Start, and store that it may have started without an answer: a refusal is then not the last word.

        The refusal may even follow from the container that is there, which fills the quota.
        """
        try:
            return self._platform.start(self._order())
        except PlatformUnavailableError:
            if not self.record.unsure:
                self._save(unsure=True)
            raise
        except (JobNotYetError, JobRefusedError):
            found = self._platform.find(self.record.attempt, self._run.job.name) if self.record.unsure else None
            if found is None:
                raise
            return found

    def _prepare_another(self, state: WatchState, before: ContainerRecord) -> str:
        """Write the request of another attempt: nothing that the earlier container writes passes for its result.

        Return what is left of the earlier container, in a sentence; the empty text when nothing is.
        """
        left = release(self._platform, self.record)
        self._request = dataclasses.replace(self._request, attempt=str(uuid.uuid4()))
        self._run.folder.write_request(self._request)
        self._reset_container()
        record = dataclasses.replace(state.record, attempt=self._request.attempt)
        self._adopt(dataclasses.replace(state, record=record), before)
        return left

    def _keep_try(self, status: ContainerStatus) -> None:
        """Store what a container used that is started again within the try; one that never ran used nothing."""
        if status.started_at is not None:
            keep_restarted(dataclasses.replace(self._run, request=self._request), self._ended(status))

    def _status(self, handle: Handle) -> ContainerStatus:
        """Return the status: the last one after its end and while the log has another page, else a new one."""
        now, last = self._clock.monotonic(), self._last_status
        if last is not None and last.state in OVER:
            return last
        if last is not None and self._reads.more and now - self._status_at < self._limits.container.look_s:
            return last
        self._last_status = self._platform.status(handle)
        self._status_at = now
        return self._last_status

    def _order(self) -> ContainerOrder:
        job, container = self._run.job, self._limits.container
        return ContainerOrder(
            job=job,
            argv=self._run.folder.argv(job.name, self._request.attempt),
            attempt=self._request.attempt,
            memory_mib=self._request.memory_mib or job.resources.memory_mib,
            task=self._run.task,
            image=self._request.image,
            trace_context=self._request.trace_context,
            on_demand=self._run.task.last_try or self.record.restarts >= max(container.restarts, 1),
            asked_at=self.record.asked_at,
            refusals=self.record.refusals,
            run=run_key(self._run.folder.run_uri),
        )

    def _read_log(
        self, handle: Handle, status: ContainerStatus, before: LogPosition
    ) -> tuple[list[str], LogProgress, LogPosition]:
        """Return new lines, whether there is more to wait for, and the position after them.

        A log that cannot be read fails no job.
        """
        ended, now = status.state in OVER, self._clock.monotonic()
        if status.state in {State.WAITING, State.STARTING}:
            return [], LogProgress(), before
        if now < self._reads.next_at:
            return [], LogProgress(more=ended), before
        cursor = before.cursor if before.attempt == self.record.attempt else ""
        try:
            page = self._platform.read_log(handle, cursor, status)
        except (PlatformUnavailableError, JobRefusedError) as error:
            self._reads.failed(error, now)
            if not ended or now - (self._reads.failed_since or now) < _NO_LOG_S:
                return [], LogProgress(more=ended), before
            text = f"(the rest of the log could not be read: {error}; {self._own_log()})"
            return [text], LogProgress(lines=True), before
        self._reads = LogReads(more=page.more)
        self._last_lines.extend(line for line in page.lines if line)
        after = LogPosition(self.record.attempt, page.cursor)
        return page.lines, LogProgress(bool(page.lines), page.more), after

    def _own_log(self) -> str:
        return f"the worker's own log is {self._run.folder.log_uri(self.record.attempt)}"

    def _unanswered(self, error: PlatformUnavailableError, position: LogPosition) -> Step:
        decision = decide_unanswered(self._state, str(error), self._clock.time(), self._limits)
        if decision.action is Action.GIVE_UP:
            raise error
        self._state = decision.state
        return Step(position, news=decision.news, pause_s=_jittered(decision.pause_s))

    def _ended(self, status: ContainerStatus) -> Ended:
        reason, detail, hopeless = status.reason, status.detail, status.hopeless
        cause = self._state.stopping
        if cause is not None and status.exit_code != 0:
            reason, detail, hopeless = cause.reason, cause.detail, cause.hopeless
        elif status.state is State.GONE and reason is None:
            reason = Reason.LOST
        now = self._clock.time()
        asked_mib = self._request.memory_mib or self._run.job.resources.memory_mib
        limit_mib = status.memory_limit_mib or asked_mib
        return Ended(
            exit_code=status.exit_code,
            reason=reason,
            seconds=round((status.finished_at or now) - (status.started_at or self.record.asked_at), 3),
            memory_limit_mib=limit_mib,
            memory_asked_mib=None if limit_mib == asked_mib else asked_mib,
            peak_memory_mib=status.peak_memory_mib,
            retryable=not hopeless,
            detail=detail,
            last_lines=tuple(self._last_lines),
            times=status.times(self.record.asked_at, self.record.starting_since, now),
            placement=status.placement,
        )

    def _stop_for_good(self, reason: str) -> None:
        for pause_s in (*_KILL_PAUSES_S, None):
            try:
                # Its start may have been asked for without an answer.
                handle = self.record.handle or self._platform.find(self.record.attempt, self._run.job.name)
                if handle is not None:
                    self._platform.stop(handle, reason)
            except (PlatformUnavailableError, JobRefusedError):
                if pause_s is None:
                    raise
                self._clock.sleep(pause_s)
            else:
                return

    # The record at the work URI.

    def _take_over(self) -> bool:
        """Read what other processes of the task have written; return whether this one follows another container now.

        A process may go on after Airflow has given it up: its heartbeat was lost, the task was cleared. It must not
        stop, judge or replace a container that a later try has adopted. Another process of the same try (a second
        triggerer) may have started the container again: both follow the new one.

        Raises:
            JobLostError: a later try holds the container, or its end is judged.
        """
        found = read_record(self._run.folder)
        if found is None:
            return False
        if found.closed or found.held_by != self._run.task.try_number:
            msg = (
                f"try {self._run.task.try_number} no longer holds the {self._platform.noun}: "
                f"{'its end is judged' if found.closed else f'try {found.held_by} has adopted it'}"
            )
            raise JobLostError(msg, reason=Reason.SUPERSEDED)
        other = found.attempt != self.record.attempt
        self._set_record(found)
        if other:
            self._request = self._run.folder.read_request() or self._request
            self._reset_container()
            self._state = dataclasses.replace(self._state, stopping=None)
        return other

    def _adopt(self, state: WatchState, before: ContainerRecord) -> None:
        """Make a decided state this watcher's; store what it changed of the record before the decision."""
        changes = {
            one.name: getattr(state.record, one.name)
            for one in dataclasses.fields(ContainerRecord)
            if getattr(state.record, one.name) != getattr(before, one.name)
        }
        self._state = dataclasses.replace(state, record=self.record)
        self._save(**changes)

    def _save(self, **changes: object) -> None:
        """Store changes of the record, unless this watcher follows another container since."""
        if all(getattr(self.record, name) == value for name, value in changes.items()) or self._take_over():
            return
        self._set_record(dataclasses.replace(self.record, **changes))
        self.record.save(self._run.folder)

    def _set_record(self, record: ContainerRecord) -> None:
        self._state = dataclasses.replace(self._state, record=record)

    def _reset_container(self) -> None:
        self._last_status, self._reads = None, LogReads()


def _jittered(seconds: float) -> float:
    """Return about as many: tasks that began together must not ask together for ever."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not for secrets
