"""One container from its start to its end, a step at a time: the same in a worker and in the triggerer.

A step never blocks for longer than a request to the platform and to the work URI. Whoever drives it (a loop in the
task's process, a coroutine in the triggerer) logs the lines, waits, and steps again. All that must survive the driver's
death is in the note.
"""

import collections
import contextlib
import dataclasses
import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

from radiant.errors import JobLostError, JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.documents import Request
from radiant.jobs.spec import JobSpec
from radiant.operators.ending import Ended
from radiant.operators.note import Note, read_note, request_on_file
from radiant.operators.platform import Handle, Look, Order, Platform, State, TaskFacts
from radiant.operators.reasons import Reason
from radiant.operators.release import let_go, name_of, release
from radiant.operators.request import TaskPlace, run_key
from radiant.operators.unread import Unread
from radiant.settings import Container

LAST_LINES = 15
_JITTER = 0.2
_SLOWER = 1.5
_SLOWEST_S = 30.0
_STOP_S = 150.0
"""How long a container that was asked to stop may take; ECS allows 120 s between its two signals."""
_STOPPING_PAUSE_S = 0.5
"""Between looks at a container that was asked to stop: Kubernetes removes it, and its log, seconds after its end."""
_KILL_PAUSES_S = (0.5, 1.0, 2.0, 4.0)
"""Between tries to stop a container for a person; Airflow gives a killed task 30 s in the triggerer."""
_NO_LOG_S = 60.0
"""How long the log of an ended container is asked for while it cannot be read."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step brought."""

    lines: list[str] = field(default_factory=list)
    """New lines of the container's log."""
    news: str = ""
    """Something the person should read in the task's log: it started, it waits for a quota."""
    pause_s: float = 0.0
    """How long to wait before the next step."""
    ended: Ended | None = None
    """Set when it is over."""


class _Cause(NamedTuple):
    """Why a container is stopped."""

    reason: str
    detail: str
    hopeless: bool = False
    """Another try would end in the same way."""


class Watch:
    """Starts a task's container if it is not there, and follows it to its end."""

    def __init__(  # noqa: PLR0913 - the parts of a task
        self,
        platform: Platform,
        place: TaskPlace,
        *,
        request: Request,
        note: Note,
        spec: JobSpec,
        task: TaskFacts,
        limits: Container,
        deadline: float | None = None,
    ) -> None:
        """Only remember.

        Args:
            platform: where the container runs.
            place: where the task's documents are.
            request: as it is on file.
            note: as it is on file.
            spec: the job.
            task: which try this is.
            limits: patience and pace.
            deadline: the task's own execution time-out, in seconds since the epoch.
        """
        self.note = note
        self.deadline = deadline
        self._lock = threading.Lock()
        self._platform = platform
        self._place = place
        self._request = request
        self._spec = spec
        self._task = task
        self._limits = limits
        self._last_lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._cursor = note.log_cursor if note.log_try == task.try_number else ""
        self._logged = self._cursor
        self._final: Look | None = None
        self._recent: tuple[float, Look] | None = None
        self._unread = Unread()
        self._told = ""
        self._unanswered_since: float | None = None
        self._stopping: _Cause | None = None
        self._stop_deadline = 0.0

    def step(self) -> Step:
        """Start or look, read the log, and decide; waits for a `kill` that is under way in another thread.

        Raises:
            PlatformUnavailableError: the platform has not answered for longer than patience allows; the container may
                go on, and the next try adopts it.
            StorageError: the note could not be written.
        """
        with self._lock:
            try:
                return self._step()
            except PlatformUnavailableError as error:
                self._cursor = self._logged  # lines that were read before it come again
                return self._unanswered(error)
            except JobRefusedError as error:
                if self.note.handle is not None:
                    # It runs: whatever is wrong with the connection since, only asking is refused.
                    return self._unanswered(PlatformUnavailableError(str(error), reason=error.reason))
                return Step(ended=self._ended(Look(State.GONE, error.reason, str(error), hopeless=True)))

    def kill(self, reason: str, detail: str) -> Ended:
        """Stop the container for good, in the little time that a killed task has, and return how it ended.

        Raises:
            PlatformUnavailableError: it could not be stopped; it may go on, and a later try adopts it.
            JobLostError: it is a later try's.
            StorageError: the note could not be written.
        """
        with self._lock:
            self._take_over()
            self._stop_whatever_runs(reason)
            self._stopping = _Cause(reason, detail)
            ended = self._ended(Look(State.GONE))
            left = let_go(self._platform, self._place, self.note)
            if left:
                ended = dataclasses.replace(ended, detail=f"{ended.detail} {left}")
            self.note = dataclasses.replace(self.note, closed=True)
            return ended

    def _stop_whatever_runs(self, reason: str) -> None:
        for pause_s in (*_KILL_PAUSES_S, None):
            try:
                # Its start may have been asked for without an answer.
                handle = self.note.handle or self._platform.find(self.note.attempt)
                if handle is not None:
                    self._platform.stop(handle, reason)
            except (PlatformUnavailableError, JobRefusedError):
                if pause_s is None:
                    raise
                time.sleep(pause_s)
            else:
                return

    def logged(self) -> None:
        """Say that the lines of the last step are in the task's log; to be called before the next step."""
        self._logged = self._cursor

    def save_log_cursor(self) -> None:
        """Keep how far the log is in the task's log, for whoever goes on with it in the same try.

        Lines of a step that nobody logged (its driver was cancelled meanwhile) are not counted: they come again.
        """
        with self._lock, contextlib.suppress(JobLostError):
            if (self.note.log_cursor, self.note.log_try) != (self._logged, self._task.try_number):
                self._save(log_cursor=self._logged, log_try=self._task.try_number)

    def _step(self) -> Step:
        if self.note.handle is None:
            return self._start()
        look = self._look(self.note.handle)
        self._unanswered_since = None
        if look.state in {State.ENDED, State.GONE}:
            self._final = look
        lines, more = self._read_log(self.note.handle, look)
        if look.state in {State.ENDED, State.GONE}:
            return self._at_its_end(look, lines, more)
        if self._stopping is not None and time.time() > self._stop_deadline:
            return Step(lines, ended=self._ended(look))
        if self._stopping is None and (too_long := self._too_long(look)) is not None:
            stopping = dataclasses.replace(self._stop(too_long), lines=lines)
            # What has not begun has no log and no result to wait for; taking it away can last a minute.
            return stopping if look.state is State.RUNNING else dataclasses.replace(stopping, ended=self._ended(look))
        news = self._news(look) or self._unread.take_news()
        return Step(lines, news, 0.0 if more and lines else self._pause(look))

    def _at_its_end(self, look: Look, lines: list[str], more: bool) -> Step:  # noqa: FBT001 - named by its caller
        """Read the rest of the log, then say how it ended, or start it again."""
        if self._take_over():
            return Step(lines, f"the {self._platform.noun} was started again by another process of this try")
        if more:
            return Step(lines, self._unread.take_news(), pause_s=0.0 if lines else 1.0)
        if self._stopping is None and look.reason == Reason.NO_CAPACITY and look.started_at is None:
            return self._wait_for_room(look, lines)
        interrupted = look.reason in self._platform.interruptions and not look.hopeless
        if self._stopping is None and interrupted and self.note.restarts < self._limits.restarts:
            count = f"restart {self.note.restarts + 1} of {self._limits.restarts}, this try goes on"
            left = self._start_anew(asked_at=time.time(), restarts=self.note.restarts + 1)
            return Step(lines, f"{look.reason}: {look.detail} The job is started again ({count}) {left}".rstrip())
        return Step(lines, ended=self._ended(look))

    def _start(self) -> Step:
        self._take_over()
        if self.note.handle is not None:  # another process of this try has started it
            return Step(pause_s=self._limits.look_s / 4)
        try:
            handle = self._start_or_find()
        except JobNotYetError as error:
            self._unanswered_since = None
            self._save(refusals=self.note.refusals + 1)
            look = Look(State.WAITING, error.reason, str(error))
            if (too_long := self._too_long(look)) is not None:
                self._stopping = too_long
                return Step(ended=self._ended(look))
            return Step(news=self._news(look), pause_s=self._pause(look))
        self._unanswered_since = None
        self._save(handle=handle)
        text = f"{self._platform.noun} {name_of(handle)} started; {self._own_log()}"
        return Step(news=text, pause_s=self._limits.look_s / 4)

    def _start_or_find(self) -> Handle:
        """Start, and remember when it may have started without an answer: then a refusal is not the last word.

        The refusal may even follow from the container that is there, which fills the quota.
        """
        try:
            return self._platform.start(self._order())
        except PlatformUnavailableError:
            if not self.note.unsure:
                self._save(unsure=True)
            raise
        except (JobNotYetError, JobRefusedError):
            found = self._platform.find(self.note.attempt) if self.note.unsure else None
            if found is None:
                raise
            return found

    def _look(self, handle: Handle) -> Look:
        """Look, except while there is more of the log to read than fits into a page."""
        now = time.monotonic()
        if self._final is not None:
            return self._final
        if self._unread.more and self._recent is not None and now - self._recent[0] < self._limits.look_s:
            return self._recent[1]
        found = self._platform.look(handle)
        self._recent = now, found
        return found

    def _order(self) -> Order:
        return Order(
            job=self._spec,
            argv=self._place.argv(self._spec.name, self._request.attempt),
            attempt=self._request.attempt,
            memory_mib=self._request.memory_mib or self._spec.resources.memory_mib,
            task=self._task,
            image=self._request.image,
            trace_context=self._request.trace_context,
            on_demand=self._task.last_try or self.note.restarts >= max(self._limits.restarts, 1),
            asked_at=self.note.asked_at,
            refusals=self.note.refusals,
            run=run_key(self._place.run_uri),
        )

    def _wait_for_room(self, look: Look, lines: list[str]) -> Step:
        """Ask again for a container that was promised and then found no room."""
        waiting = Look(State.WAITING, look.reason, look.detail)
        if (too_long := self._too_long(waiting)) is not None:
            self._stopping = too_long
            return Step(lines, ended=self._ended(look))
        self._start_anew(asked_at=self.note.asked_at, restarts=self.note.restarts)
        return Step(lines, self._news(waiting), self._pause(waiting))

    def _start_anew(self, *, asked_at: float, restarts: int) -> str:
        """Begin again with an attempt of its own: what the earlier one wrote can never pass for its answer.

        Return what is left of the earlier one, in a sentence; the empty text when nothing is.
        """
        left = release(self._platform, self.note)
        self._request = dataclasses.replace(self._request, attempt=str(uuid.uuid4()))
        self._place.ask(self._request)
        self._forget_container()
        self._save(
            attempt=self._request.attempt,
            handle=None,
            asked_at=asked_at,
            starting_since=None,
            unsure=False,
            refusals=0,
            restarts=restarts,
            log_cursor="",
        )
        return left

    def _forget_container(self) -> None:
        self._final, self._recent, self._cursor, self._logged, self._unread = None, None, "", "", Unread()

    def _read_log(self, handle: Handle, look: Look) -> tuple[list[str], bool]:
        """Return new lines, and whether there is more to wait for; a log that cannot be read fails no job."""
        ended = look.state in {State.ENDED, State.GONE}
        if look.state in {State.WAITING, State.STARTING}:
            return [], False
        if self._unread.is_pause():
            return [], ended
        try:
            page = self._platform.read_log(handle, self._cursor, look)
        except (PlatformUnavailableError, JobRefusedError) as error:
            self._unread.failed(error)
            if not ended or self._unread.for_s() < _NO_LOG_S:
                return [], ended
            text = f"(the rest of the log could not be read: {error}; {self._own_log()})"
            return [text], False
        self._unread = Unread(more=page.more)
        self._cursor = page.cursor
        self._last_lines.extend(line for line in page.lines if line)
        return page.lines, page.more

    def _own_log(self) -> str:
        return f"the worker's own log is {self._place.log_uri(self.note.attempt)}"

    def _too_long(self, look: Look) -> _Cause | None:
        """Return name and sentence of the limit that is exceeded."""
        now, limits = time.time(), self._limits
        if look.hopeless:
            return _Cause(look.reason or Reason.START_TIMEOUT, look.detail, hopeless=True)
        if self.deadline is not None and now > self.deadline:
            return _Cause(self._platform.timeout_reason, "The task's own execution_timeout is over.")
        if look.state is State.STARTING and self.note.starting_since is None:
            self._save(starting_since=now)
        if look.state is State.WAITING and now - self.note.asked_at > limits.queue_timeout_s:
            text = f"It found no room in {limits.queue_timeout_s} s (RADIANT_CONTAINER__QUEUE_TIMEOUT_S). {look.detail}"
            return _Cause(look.reason or Reason.START_TIMEOUT, text)
        since = self.note.starting_since
        if look.state is State.STARTING and since is not None and now - since > limits.start_timeout_s:
            text = f"It did not start in {limits.start_timeout_s} s (RADIANT_CONTAINER__START_TIMEOUT_S). {look.detail}"
            return _Cause(look.reason or Reason.START_TIMEOUT, text)
        if look.state is State.RUNNING and look.started_at is not None and now - look.started_at > self._spec.timeout_s:
            text = f"It ran for longer than its time-out of {self._spec.timeout_s} s."
            return _Cause(self._platform.timeout_reason, text)
        return None

    def _stop(self, cause: _Cause) -> Step:
        """Ask it to stop; its end, and the last lines of its log, are still waited for."""
        if self._take_over():
            return Step(pause_s=self._limits.look_s / 4)
        self._stopping = cause
        self._stop_deadline = time.time() + _STOP_S
        if self.note.handle is not None:
            try:
                self._platform.stop(self.note.handle, cause.reason)
            except PlatformUnavailableError:
                self._stopping = None  # the next step tries again
                raise
        return Step(news=f"{cause.reason}: {cause.detail}", pause_s=_STOPPING_PAUSE_S)

    def _unanswered(self, error: PlatformUnavailableError) -> Step:
        now = time.time()
        self._unanswered_since = self._unanswered_since or now
        silent_s = now - self._unanswered_since
        if silent_s > self._limits.patience_s:
            raise error
        news = "" if self._told == str(error) else f"{error}; asking again, the {self._platform.noun} goes on"
        self._told = str(error)
        return Step(news=news, pause_s=_jittered(min(_SLOWEST_S, max(self._limits.look_s, silent_s / 4))))

    def _news(self, look: Look) -> str:
        """Return why it waits, once."""
        text = f"{look.reason}: {look.detail}" if look.reason and look.state is not State.RUNNING else ""
        if not text or text == self._told:
            return ""
        self._told = text
        return f"waiting: {text}"

    def _pause(self, look: Look) -> float:
        """Return the pause before the next look: what waits for room for long is looked at more rarely."""
        pause = self._limits.look_s if self._stopping is None else min(self._limits.look_s, _STOPPING_PAUSE_S)
        if look.state is State.WAITING:
            pause = min(_SLOWEST_S, max(pause, (time.time() - self.note.asked_at) / 10 * _SLOWER))
        return _jittered(pause)

    def _ended(self, look: Look) -> Ended:
        reason, detail, hopeless = look.reason, look.detail, look.hopeless
        if self._stopping is not None and look.exit_code != 0:
            reason, detail, hopeless = self._stopping
        elif look.state is State.GONE and reason is None:
            reason = Reason.LOST
        now = time.time()
        asked_mib = self._request.memory_mib or self._spec.resources.memory_mib
        limit_mib = look.memory_limit_mib or asked_mib
        return Ended(
            exit_code=look.exit_code,
            reason=reason,
            seconds=round((look.finished_at or now) - (look.started_at or self.note.asked_at), 3),
            memory_limit_mib=limit_mib,
            memory_asked_mib=None if limit_mib == asked_mib else asked_mib,
            peak_memory_mib=look.peak_memory_mib,
            retryable=not hopeless,
            detail=detail,
            last_lines=tuple(self._last_lines),
        )

    def _take_over(self) -> bool:
        """Read what other processes of the task have written; return whether this one follows another container now.

        A process may go on after Airflow has given it up: its heartbeat was lost, a person cleared the task. It must
        not stop, judge or replace a container that a later try has adopted. Another process of the same try (a second
        triggerer) may have started the container again: both follow the new one.

        Raises:
            JobLostError: a later try holds the container, or its end is judged.
        """
        found = read_note(self._place)
        if found is None:
            return False
        if found.closed or found.held_by != self._task.try_number:
            msg = (
                f"try {self._task.try_number} no longer holds the {self._platform.noun}: "
                f"{'its end is judged' if found.closed else f'try {found.held_by} has adopted it'}"
            )
            raise JobLostError(msg, reason=Reason.SUPERSEDED)
        other = found.attempt != self.note.attempt
        self.note = found
        if other:
            self._request = request_on_file(self._place) or self._request
            self._forget_container()
            self._stopping = None
        return other

    def _save(self, **changes: object) -> None:
        if self._take_over():
            return
        self.note = dataclasses.replace(self.note, **changes)
        self.note.save(self._place)


def _jittered(seconds: float) -> float:
    """Return about as many: tasks that began together must not ask together for ever."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not for secrets
