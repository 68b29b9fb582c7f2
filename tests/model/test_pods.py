"""Jobs as pods, by a machine: random sequences of what Kubernetes, Airflow, networks and persons do.

The operator, trigger, watch, note, retry policy and the Kubernetes client library are the real ones, and so is the
worker's `main`; beneath them are an API server in memory and a virtual clock. `model.promises` says what must hold.

`make test` runs some thousands of steps, the same ones each time. New ones, more of them:

    .venv/bin/pytest -s tests/model --hypothesis-profile explore
    .venv/bin/pytest -s tests/model --model-minutes 60
"""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.faults import KINDS
from model.machine import Life
from model.run import run
from model.site import KubeSite

HARMLESS = {"unreadable", "rotate", "finalizer"}
INTERRUPTIONS = {"pressure", "node"}


class PodLife(Life):
    """The life of a task whose job is a pod."""

    site_class = KubeSite
    kinds = KINDS
    whats = ("create", "get", "log", "events", "delete", "list")

    @property
    def pods(self):
        return self.site.cluster.live() if self.site is not None else []

    @precondition(lambda self: self.pods)
    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["delete", "oom", "evict", "preempt", "pressure", "node", "unreadable", "rotate", "finalizer", "kill"]
        ),
    )
    def pod(self, data: Any, what: str) -> None:
        pod = data.draw(st.sampled_from(self.pods), "pod")
        cluster = self.site.cluster
        self.do(f"{what} for {pod.container.name}")
        if what in INTERRUPTIONS:
            self.excuses.interruption(what)
        elif what not in HARMLESS:
            self.excuses.give(2 if what == "oom" else 1, what)
        {
            "delete": cluster.delete,
            "oom": cluster.out_of_memory,
            "evict": cluster.evict,
            "preempt": cluster.preempt,
            "pressure": cluster.pressure,
            "node": cluster.node_dies,
            "unreadable": cluster.hide_log,
            "rotate": lambda pod: pod.container.rotate(),
            "finalizer": cluster.hold,
            "kill": lambda pod: pod.container.kill(137),
        }[what](pod)

    @rule()
    def quota(self) -> None:
        self.excuses.give(1, "quota")
        self.site.cluster.quota_full = not self.site.cluster.quota_full

    @rule()
    def nodes_are_full(self) -> None:
        self.excuses.give(1, "full")
        self.site.cluster.full = not self.site.cluster.full


@pytest.mark.timeout(0)
def test_a_pod_keeps_the_promises_whatever_happens(request):
    run(PodLife, request.config.getoption("--model-minutes", default=0.0))
