"""What must hold whatever happens: checked at every outcome, after every step, and at the end."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from model.container import Container
from radiant.jobs.documents import Status, task_uri
from radiant.worker import import_outcome

WINDOW_S = 60.0
RESTARTS = 3
"""Within one try, as RADIANT_CONTAINER__RESTARTS has it by default."""
AGAIN_BYTES = 64 * 1024
"""As much of a log may come again with each request for what is new: Kubernetes has no finer position than a second."""
_LINE = re.compile(r"(box-\d+) line (\d+)$")
_GAP = re.compile(r"rotat|missing|lost|could not be read|not read|cannot be read|gap", re.IGNORECASE)


class BrokenPromiseError(AssertionError):
    """A promise does not hold."""


class Excuses:
    """Why a try may end otherwise than green: 0 it may not, 1 it may if another follows, 2 it may for good."""

    LONG_S = 150.0
    """An outage longer than this may end a try; the patience is more."""
    QUIET_S = 40.0
    """Two outages with less between them are one."""

    def __init__(self, shortage: Callable[[], str]) -> None:
        self.shortage = shortage
        """Returns what there is no room for at the moment, or nothing."""
        self.level = 0
        self.why = ""
        self._outage = (float("-inf"), float("-inf"))
        self._fresh_try = True
        self._interruptions = 0

    def interruption(self, why: str) -> None:
        """Capacity was taken away: the container is started again within the try, a few times."""
        self._interruptions += 1
        self.why = self.why or why
        self._too_often()

    def _too_often(self) -> None:
        if self._interruptions > RESTARTS:
            self.give(1, "capacity was taken away too often")

    def give(self, level: int, why: str) -> None:
        if level > self.level:
            self.level, self.why = level, why

    def outage(self, now: float, until: float) -> None:
        begin, end = self._outage
        begin = now if now > end + self.QUIET_S else begin
        self._outage = (begin, max(end, until))
        self._long(now)

    def _long(self, now: float) -> None:
        begin, end = self._outage
        if end - begin > self.LONG_S and now <= end + self.QUIET_S:
            self.give(1, "a long outage")

    def new_try(self) -> None:
        self._fresh_try = True

    def new_container(self, now: float, others: list[Container]) -> None:
        if self._fresh_try and not any(one.may_run for one in others):
            self.level, self.why = 0, ""
            self._long(now)
            if why := self.shortage():
                self.give(1, why)
            self._too_often()
        self._fresh_try = False


class Promises:
    """Judges one site."""

    def __init__(self, site: Any, excluded: frozenset[str] = frozenset()) -> None:
        self.site = site
        self.excluded = excluded
        self.excuses = Excuses(lambda: site.shortage)
        self.winner: Container | None = None
        self._later: list[tuple[str, str]] = []

    def fail(self, promise: str, text: str) -> None:
        if any(promise.startswith(one) for one in self.excluded):
            return
        history = "\n".join(self.site.world.history[-80:])
        msg = f"{promise}: {text}\n{history}"
        raise BrokenPromiseError(msg)

    def _broken(self, promise: str, text: str) -> None:
        """Note what an actor broke; the next check, outside of all actors, raises."""
        self._later.append((promise, text))

    # At once.

    def on_create(self, box: Container) -> None:
        """Each earlier container has ended, or was asked to stop."""
        others = [one for one in self.site.containers if one is not box]
        self.excuses.new_container(self.site.world.now, others)
        plan = box.plan
        if plan.ending == "bad-input" or plan.seconds > self.site.job_s / 2:
            self.excuses.give(2, f"{box.name}: {plan}")
        elif plan.ending != "good":
            self.excuses.give(1, f"{box.name}: {plan}")
        for one in others:
            if one.may_run and one.wanted_stop_at is None and not self.site.lost(one):
                self._broken("one at a time", f"{box.name} was started while {one.name} may still run")

    def after_step(self) -> None:
        """Check what holds at any time."""
        site = self.site
        if site.world.crashes:
            self.fail("no crash", "; ".join(site.world.crashes))
        for promise, text in self._later:
            self.fail(promise, text)
        self._later.clear()
        self._belief()
        self._pace()

    def on_outcome(self, number: int, state: str, what: Any) -> None:
        task, level = self.site.task, self.excuses.level
        if state == "marked":
            self.winner = None
            self.excuses.give(2, "marked")
            return
        if state == "success":
            self._green(what)
            return
        self.winner = None
        text = f"try {number} is {state} without a reason (excuse: {level} {self.excuses.why}): {what!s}"
        if state == "trigger-died":
            self._broken("a trigger never dies", text)
        elif level == 0 or (level == 1 and state == "failed" and number <= task.max_tries and not task.cleared):
            self._broken("what passes fails no try", text[:1500])

    def _green(self, xcom: Any) -> None:
        name = (xcom.get("output") or {}).get("container")
        box = next((one for one in self.site.containers if one.name == name), None)
        if box is None:
            self._broken("green only with proof", f"no container wrote {xcom}")
            return
        if box.exit_code != 0:
            self._broken("green only with proof", f"{name} ended with {box.exit_code}, the task is green")
        if xcom["status"] != Status.SUCCEEDED:
            self._broken("green only with proof", f"the task is green with {xcom['status']}")
        self.winner = box

    def _belief(self) -> None:
        """What the commit would read is what the task's winner wrote, and nothing when it has none."""
        task = self.site.task
        if not task.over or task.marked:
            return
        uri = task_uri(self.site.run_uri, "import_case", 0)
        last = import_outcome.read_request(uri)
        of_this_load = last is not None and last.arguments["load_id"] == task.load_id
        found = import_outcome.read_result(uri, last) if of_this_load else None
        if self.winner is None:
            # A process that was killed after it had judged: the proof is on file, only Airflow has not heard of it.
            killed = bool(task.outcomes) and task.outcomes[-1][2] == "killed"
            if found is not None and found.status is Status.SUCCEEDED and not killed:
                self.fail("red is not imported", f"the task failed, the commit reads {found.output}")
            return
        name = self.winner.name
        if found is None or found.status is not Status.SUCCEEDED or found.output != {"container": name}:
            said = None if found is None else (found.status.value, found.output, found.failure)
            self.fail("one attempt counts", f"{name} made the task green, the commit reads {said}")

    # Cost.

    def _pace(self) -> None:
        """Few requests a minute, and no more for a log than it is long."""
        requests, now = self.site.requests, self.site.world.now
        recent = 0
        for moment, _ in reversed(requests):
            if moment < now - WINDOW_S:
                break
            recent += 1
        lines = sum(len(one.log) + one.dropped for one in self.site.containers)
        most = self.site.requests_a_minute + 3 * lines / 1000
        if recent > most:
            kinds = Counter(what for _, what in requests[-recent:])
            self.fail("few requests", f"{recent} in a minute, {most:.0f} are allowed: {dict(kinds)}")
        size = sum(len(text) + 40 for one in self.site.containers for _, text in one.log)
        size += sum(one.dropped * 100 for one in self.site.containers)
        reads = sum(what == "log" for _, what in requests)
        most_bytes = 4 * self.site.readers * size + AGAIN_BYTES * reads
        if self.site.log_bytes() > most_bytes:
            text = f"{self.site.log_bytes()} bytes of log were served for {size}, {most_bytes} are allowed"
            self.fail("a log is read once", text)

    # At the end.

    def swept(self, found: list[str]) -> None:
        """Without a failed request, a kill or a person, a task leaves nothing for the end of its run."""
        lost = any(self.site.lost(one) for one in self.site.containers)
        if found and not lost and not self.site.faults.hit and not self.site.task.disturbed:
            self.fail("released at once", f"{found} was left to the end of the run")

    def at_the_end(self) -> None:
        self.after_step()
        task = self.site.task
        if not task.over:
            self.fail("every task ends", f"it is {task.state} since long")
        for text in self.site.not_released():
            self.fail("all is released", text)
        self._log()

    def _log(self) -> None:
        """The winner's log is in the task's, each line once and in order.

        Lines that the node dropped before the first line that anything read leave no trace: they are no gap.
        """
        if self.winner is None:
            return
        box = self.winner
        logged: list[int] = []
        gap_reported = False
        for process in self.site.task.processes:
            own = [int(found[2]) for line in process.lines if (found := _LINE.search(line)) and found[1] == box.name]
            if own != sorted(set(own)):
                self.fail("each line once", f"{process.kind} of try {process.try_number} logged {box.name}: {own[:40]}")
            logged += own
            gap_reported |= any(_GAP.search(line) for line in process.lines if not _LINE.search(line))
        first = min(logged, default=1) if box.dropped else 1
        missing = set(range(first, box.written + 1)) - set(logged)
        if missing and not gap_reported:
            self.fail("every gap is reported", f"{len(missing)} of {box.written} lines of {box.name} are missing")
