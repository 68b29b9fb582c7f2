import heapq
import itertools
import random
import threading
import time

import pytest

from radiant.errors import PlatformUnavailableError
from radiant.operators.ecs_task import reads
from radiant.operators.ecs_task.reads import BATCH, TaskReader

LOOK_S = 3.0
LIMIT_PER_MINUTE = 20 * 60
"""Of DescribeTasks and ListTasks together, an account in a region."""


class FakeCluster:
    """Answers DescribeTasks and counts."""

    def __init__(self):
        self.calls = []
        self.missing = set()
        self.error = None
        self.status = "RUNNING"

    def describe(self, cluster, arns):
        self.calls.append((cluster, list(arns)))
        assert 1 <= len(arns) <= BATCH
        assert len(set(arns)) == len(arns)
        if self.error is not None:
            raise self.error
        tasks = [{"taskArn": arn, "lastStatus": self.status} for arn in arns if arn not in self.missing]
        return {"tasks": tasks, "failures": [{"arn": arn, "reason": "MISSING"} for arn in self.missing & set(arns)]}


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def cluster():
    return FakeCluster()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reader(cluster, clock):
    return TaskReader(cluster.describe, clock=clock)


def look(reader, arn="a", cluster="c"):
    return reader.task(arn, cluster, fresh_s=LOOK_S * 0.8)


def wait_for(reader, clock, tasks, seconds, *, look_s=LOOK_S):
    """Let a number of tasks look at themselves for some seconds, each after its own pause as `watch.py` makes them."""
    chance = random.Random(1)  # noqa: S311 - not for secrets
    begin, number = clock.now, itertools.count()
    due = [(begin + chance.uniform(0, 1), next(number), f"task-{i}") for i in range(tasks)]
    heapq.heapify(due)
    ages = []
    while due[0][0] < begin + seconds:
        when, _, arn = heapq.heappop(due)
        clock.now = when
        picture = reader.task(arn, "c", fresh_s=look_s * 0.8)
        if when > begin + 30:
            ages.append(when - picture.seen_at)
        heapq.heappush(due, (when + look_s * chance.uniform(0.8, 1.2), next(number), arn))
    clock.now = begin + seconds
    return ages


def test_500_waiting_tasks_cost_a_tenth_of_what_the_api_allows(reader, cluster, clock, request):
    wait_for(reader, clock, 500, 60)
    cluster.calls.clear()
    ages = wait_for(reader, clock, 500, 60)
    per_minute = len(cluster.calls)
    request.node.user_properties.append(("DescribeTasks a minute", per_minute))
    assert per_minute <= LIMIT_PER_MINUTE / 8
    assert max(ages) <= 3 * LOOK_S


def test_no_number_of_tasks_makes_one_process_ask_more_than_twice_a_second(reader, cluster, clock):
    ages = wait_for(reader, clock, 1500, 60)
    assert len(cluster.calls) <= 121
    assert max(ages) < 30


def test_one_task_is_seen_fresh_at_every_look(reader, cluster, clock):
    ages = wait_for(reader, clock, 1, 60)
    assert len(cluster.calls) >= 60 / (LOOK_S * 1.2) - 1
    assert max(ages) == 0


def test_300_tasks_that_begin_together_are_seen_within_seconds(reader, cluster, clock):
    unseen = {f"task-{i}" for i in range(300)}
    for second in range(40):
        clock.now = 1000 + second / 10
        unseen -= {arn for arn in sorted(unseen) if look(reader, arn).task is not None}
    assert unseen == set()
    assert len(cluster.calls) <= 8


def test_clusters_are_asked_apart(reader, cluster, clock):
    for name in ("c", "d"):
        look(reader, f"{name}-1", name)
        clock.now += 1
    clock.now += LOOK_S
    look(reader, "c-1", "c")
    clock.now += 1
    look(reader, "d-1", "d")
    assert {name: {arn for called, arns in cluster.calls if called == name for arn in arns} for name in "cd"} == {
        "c": {"c-1"},
        "d": {"d-1"},
    }


def test_a_task_is_gone_only_when_ecs_says_so_three_times(reader, cluster, clock):
    cluster.missing = {"a"}
    seen = []
    for _ in range(3):
        seen.append(look(reader).gone)
        clock.now += LOOK_S
    assert seen == [False, False, True]


def test_one_answer_without_a_task_changes_nothing(reader, cluster, clock):
    look(reader)
    cluster.missing = {"a"}
    clock.now += LOOK_S
    assert look(reader).task["lastStatus"] == "RUNNING"
    cluster.missing = set()
    for _ in range(5):
        clock.now += LOOK_S
        assert not look(reader).gone


def test_the_caller_of_a_throttled_request_gets_the_error_and_the_others_the_last_description(reader, cluster, clock):
    look(reader, "a")
    look(reader, "b")
    clock.now += LOOK_S
    look(reader, "b")
    cluster.error = PlatformUnavailableError("slow down", reason="Throttled")
    clock.now += LOOK_S
    with pytest.raises(PlatformUnavailableError, match="slow down"):
        look(reader, "a")
    assert look(reader, "b").task["lastStatus"] == "RUNNING"


def test_while_ecs_does_not_answer_it_is_asked_ever_more_rarely(reader, cluster, clock):
    cluster.error = PlatformUnavailableError("no answer")
    for _ in range(600):
        with pytest.raises(PlatformUnavailableError):
            look(reader)
        clock.now += 1
    assert 20 <= len(cluster.calls) <= 60


def test_a_description_that_is_too_old_is_an_error(reader, cluster, clock):
    look(reader, "a")
    cluster.error = PlatformUnavailableError("no answer")
    clock.now += LOOK_S
    with pytest.raises(PlatformUnavailableError):
        look(reader, "b")
    clock.now += 0.1
    assert look(reader, "a").task["lastStatus"] == "RUNNING"
    clock.now += 90
    with pytest.raises(PlatformUnavailableError):
        look(reader, "a")


def test_after_a_pause_of_the_api_all_is_as_before(reader, cluster, clock):
    cluster.error = PlatformUnavailableError("no answer")
    with pytest.raises(PlatformUnavailableError):
        look(reader)
    cluster.error = None
    clock.now += 60
    assert look(reader).task["lastStatus"] == "RUNNING"


def test_a_stopped_task_is_not_asked_for_again(reader, cluster, clock):
    cluster.status = "STOPPED"
    look(reader, "a")
    cluster.status = "RUNNING"
    clock.now += LOOK_S
    look(reader, "b")
    assert cluster.calls[-1][1] == ["b"]


def test_a_task_without_callers_is_discarded(reader, cluster, clock):
    look(reader, "killed")
    clock.now += 400
    look(reader, "b")
    assert cluster.calls[-1][1] == ["b"]


def test_many_threads_share_the_calls(cluster):
    reader = TaskReader(cluster.describe)
    threads = [
        threading.Thread(target=lambda i=i: [reader.task(f"t{i}", "c", fresh_s=1) for _ in range(50)])
        for i in range(20)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cluster.calls) <= (time.monotonic() - began) / reads.GAP_S + 2
