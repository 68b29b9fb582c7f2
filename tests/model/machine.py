"""The state machine: persons, machines and networks do what they may, in any order."""

from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model.container import Container, Plan
from model.promises import Promises
from model.site import JOB_S

SECONDS = st.sampled_from([1.0, 4.0, 12.0, 40.0, 90.0])
COUNTS = st.sampled_from([1, 2, 3, 6])


class Life(RuleBasedStateMachine):
    """The life of one task on one platform; a subclass has the platform."""

    site_class: ClassVar[Any]
    kinds: ClassVar[tuple[str, ...]]
    whats: ClassVar[tuple[str, ...]]
    excluded: ClassVar[frozenset[str]] = frozenset()
    """Names of promises that are known not to hold yet."""
    steps_run: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.monkeypatch = pytest.MonkeyPatch()
        self.site: Any = None

    @initialize(deferrable=st.booleans())
    def begin(self, *, deferrable: bool) -> None:
        self.site = self.site_class(self.monkeypatch, deferrable=deferrable)
        self.promises = Promises(self.site, self.excluded)
        self.site.on_create = self.promises.on_create
        self.site.task.on_outcome = self.promises.on_outcome
        self.site.task.on_try = self.promises.excuses.new_try
        self.excuses = self.promises.excuses
        self.site.faults.on_hit = self._hit
        self.site.task.start()

    def _hit(self, kind: str, what: str) -> None:
        if (kind, what) == ("403-denied", "create"):
            # Nothing runs yet: a right that is missing for longer than a moment ends the task, a person has to act.
            self.excuses.give(2, "no right to start")
        elif what == "events":
            # Without its events a pod that is gone does not say why.
            self.excuses.give(1, "no events")

    @invariant()
    def promises_hold(self) -> None:
        type(self).steps_run += 1
        if self.site is not None:
            self.check()

    def check(self) -> None:
        self.promises.after_step()

    def do(self, text: str) -> None:
        self.site.world.say(f"--- {text}")

    # Time.

    @rule(seconds=st.sampled_from([0.3, 1.1, 2.3, 4.0]))
    def moment_passes(self, seconds: float) -> None:
        self.site.world.run(seconds)

    @rule(seconds=st.sampled_from([1.1, 6.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.site.world.run(seconds)

    @rule(seconds=st.sampled_from([20.0, 60.0, 200.0]))
    def minutes_pass(self, seconds: float) -> None:
        self.site.world.run(seconds)

    # The network.

    @rule(data=st.data(), seconds=SECONDS)
    def outage(self, data: Any, seconds: float) -> None:
        kind = data.draw(st.sampled_from(self.kinds), "kind")
        what = data.draw(st.sampled_from(("any", *self.whats)), "what")
        self.do(f"{kind} for {what}, {seconds} s")
        self.site.faults.add(kind, what, seconds=seconds)
        self.excuses.outage(self.site.world.now, self.site.world.now + seconds)
        self.site.world.run(1.1)

    @rule(data=st.data(), count=COUNTS)
    def hiccup(self, data: Any, count: int) -> None:
        kind = data.draw(st.sampled_from(self.kinds), "kind")
        what = data.draw(st.sampled_from(("any", *self.whats)), "what")
        self.do(f"{kind} for the next {count} {what}")
        self.site.faults.add(kind, what, seconds=60, count=count)
        self.excuses.outage(self.site.world.now, self.site.world.now + 60)

    @rule(data=st.data())
    def long_outage(self, data: Any) -> None:
        kind = data.draw(st.sampled_from(self.kinds), "kind")
        self.do(f"{kind} for 400 s")
        self.site.faults.add(kind, "any", seconds=400)
        self.excuses.outage(self.site.world.now, self.site.world.now + 400)
        self.site.world.run(20.0)

    @rule(seconds=st.sampled_from([0.5, 4.0, 30.0]))
    def store_is_away(self, seconds: float) -> None:
        self.do(f"the store is away for {seconds} s")
        self.excuses.give(1, "the store was away")
        self.site.store_away_until = self.site.world.now + seconds
        self.site.task.disturbed = True

    # The next container.

    @rule(
        seconds=st.sampled_from([1.0, 20.0, 150.0]),
        ending=st.sampled_from(["good", "good", "bad-input", "lost", "torn"]),
        lines=st.sampled_from([0, 3, 2500]),
        deaf=st.booleans(),
    )
    def plan(self, seconds: float, ending: str, lines: int, *, deaf: bool) -> None:
        if len(self.site.plans) < 3:
            self.site.plans.append(Plan(seconds, ending, lines, deaf))

    @rule()
    def hang(self) -> None:
        if len(self.site.plans) < 3:
            self.site.plans.append(Plan(JOB_S * 3, "good", 3))

    # The outcome of containers.

    def running(self) -> list[Container]:
        return [one for one in self.site.containers if one.runs]

    @precondition(lambda self: self.site is not None and self.running())
    @rule(data=st.data(), lines=st.sampled_from([1, 50, 3000]))
    def logs(self, data: Any, lines: int) -> None:
        box = data.draw(st.sampled_from(self.running()), "box")
        box.write(lines)

    @precondition(lambda self: self.site is not None and self.running())
    @rule(data=st.data())
    def ends(self, data: Any) -> None:
        box = data.draw(st.sampled_from(self.running()), "box")
        box.finish(box.plan.ending)

    # Airflow.

    @rule()
    def worker_is_killed(self) -> None:
        self.excuses.give(1, "a killed worker")
        self.site.task.kill_worker()

    @rule()
    def worker_is_drained(self) -> None:
        self.excuses.give(1, "a drained worker")
        self.site.task.drain_worker()

    @rule()
    def triggerer_is_killed(self) -> None:
        self.site.task.kill_triggerer()

    @rule()
    def triggerer_stalls(self) -> None:
        self.site.readers += 1
        self.site.task.stall_triggerer()

    @rule(state=st.sampled_from(["failed", "success"]))
    def person_marks(self, state: str) -> None:
        self.site.task.mark(state)

    @rule()
    def person_clears(self) -> None:
        self.excuses.give(1, "cleared")
        self.promises.winner = None
        self.site.task.clear()

    def teardown(self) -> None:
        try:
            if self.site is not None and not self.failed():
                self.do("the end: all is well again")
                self.site.heal()
                for _ in range(400):
                    if self.site.task.over and not self.running():
                        break
                    self.site.world.run(30)
                    self.promises.after_step()
                self.site.world.run(300)
                self.promises.after_step()
                self.promises.swept(self.site.sweep())
                self.promises.at_the_end()
        finally:
            if self.site is not None:
                self.site.close()
            self.monkeypatch.undo()

    def failed(self) -> bool:
        return False
