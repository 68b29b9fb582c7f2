"""Jobs as tasks of Amazon ECS, by a machine; see `test_pods.py` for what is real and how to run more of it."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from model.faults import KINDS
from model.machine import Life
from model.run import run
from model.site import EcsSite

INTERRUPTIONS = {"spot", "host"}


class EcsLife(Life):
    """The life of a task whose job is a task of ECS."""

    site_class = EcsSite
    kinds = tuple(one for one in KINDS if one != "409")
    whats = ("create", "get", "log", "list", "delete")

    @property
    def tasks(self):
        return self.site.cluster.live() if self.site is not None else []

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), what=st.sampled_from(["stop", "oom", "spot", "host", "unreadable", "kill"]))
    def ecs_task(self, data: Any, what: str) -> None:
        task = data.draw(st.sampled_from(self.tasks), "task")
        region = self.site.cluster
        self.do(f"{what} for {task.container.name}")
        if what in INTERRUPTIONS:
            self.excuses.interruption(what)
        elif what != "unreadable":
            self.excuses.give(2 if what == "oom" else 1, what)
        {
            "stop": lambda task: region.stop(task, "UserInitiated", "by hand"),
            "oom": region.out_of_memory,
            "spot": region.spot,
            "host": region.host_dies,
            "unreadable": region.hide_log,
            "kill": lambda task: task.container.kill(137),
        }[what](task)

    @rule()
    def cluster_is_full(self) -> None:
        self.excuses.give(1, "full")
        self.site.cluster.full = not self.site.cluster.full

    @rule()
    def capacity_is_gone(self) -> None:
        self.excuses.give(1, "no capacity")
        self.site.cluster.no_capacity = not self.site.cluster.no_capacity


@pytest.mark.timeout(0)
def test_an_ecs_task_keeps_the_promises_whatever_happens(request):
    run(EcsLife, request.config.getoption("--model-minutes", default=0.0))
