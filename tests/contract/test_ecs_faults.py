"""What goes wrong on ECS, each by a script of the fake, for tasks that wait in a worker and in the triggerer."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import re
import threading
import time

import pytest
from airflow.sdk.exceptions import AirflowFailException

from backends import EcsBackend, airflow_context, deferred, follow, run_task
from radiant.errors import JobError, JobLostError, PlatformUnavailableError
from radiant.jobs.documents import read_job_summary
from radiant.operators.container_record import read_record
from radiant.operators.ecs_task import cloudwatch, ecs_platform, reads
from radiant.operators.leftovers import sweep
from radiant.operators.shared import discard
from radiant.operators.task_folder import run_key
from radiant.operators.trigger import ContainerTrigger
from radiant.settings import load_settings

GOOD = "time.sleep(0.3)\nanswer('done')"
LONG = "time.sleep(300)\nanswer('done')"
LINES = "for i in range(400): print('line', i)\nsys.stdout.write('line 400')\nanswer('done')"


class Fargate(EcsBackend):
    """As people run it: on spot capacity, the last resort on demand."""

    provider = "FARGATE_SPOT"

    def run(self, body, *, context, **more):
        return super().run(body, context=context, job="poc", **more)

    def calls(self, name):
        return [call.parameters for call in self.fake.calls(f"ecs:{name}", who="airflow")]

    def providers(self):
        return [call["capacityProviderStrategy"][0]["capacityProvider"] for call in self.calls("RunTask")]

    def wait_for_task(self, status="RUNNING"):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = [task for task in self.fake.tasks() if task["lastStatus"] == status]
            if found:
                return found[0]
            time.sleep(0.02)
        pytest.fail(f"no task is {status}: {self.fake.tasks()}")


class DeferrableFargate(Fargate):
    deferrable = True


HERE, THERE = Fargate, DeferrableFargate


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A task of these tests lasts a second: what is not answered or not new is asked for again as quickly."""
    monkeypatch.setattr(reads, "GAP_S", 0.1)
    monkeypatch.setattr(cloudwatch, "_SHORTEST_S", 0.2)
    monkeypatch.setattr(cloudwatch, "_SILENCE_S", 0.2)
    discard()


@pytest.fixture(params=[HERE, THERE], ids=["worker", "triggerer"])
def backend(request, tmp_path, monkeypatch, ecs_ground):
    return request.param(tmp_path, monkeypatch, ecs_ground)


@pytest.fixture
def here(tmp_path, monkeypatch, ecs_ground):
    return HERE(tmp_path, monkeypatch, ecs_ground)


@pytest.fixture
def there(tmp_path, monkeypatch, ecs_ground):
    return THERE(tmp_path, monkeypatch, ecs_ground)


@pytest.fixture
def context():
    return airflow_context()


class Gate:
    """A file that lets a job go on."""

    def __init__(self, path):
        self._path = path
        self.closed = f"while not os.path.exists({str(path)!r}): time.sleep(0.02)\n"
        """Lines of a job that wait for it."""

    def open(self):
        self._path.touch()

    @contextlib.contextmanager
    def opens_when(self, is_time):
        """Open it as soon as something is true, which happens within the block."""

        def watch():
            until = time.monotonic() + 120
            while not is_time() and time.monotonic() < until:
                time.sleep(0.02)
            self.open()

        thread = threading.Thread(target=watch)
        thread.start()
        yield
        thread.join()


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "gate")


def next_try(context, **facts):
    return airflow_context(try_number=context["ti"].try_number + 1, **facts)


def line_numbers(capfd):
    """Return the numbers of the lines `line <n>` in the task's log, in order."""
    return [int(found) for found in re.findall(r"\bline (\d+)", capfd.readouterr().out)]


# Reads and starts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["throttle", "unavailable", "drop", "deny"])
def test_reads_that_fail_for_a_while_stop_nothing_and_start_nothing(backend, context, kind):
    backend.fake.fault(kind, call="ecs:DescribeTasks", times=4)
    backend.fake.fault(kind, call="logs:GetLogEvents", times=2)
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.calls("RunTask")) == 1
    assert backend.calls("StopTask") == []


@pytest.mark.parametrize("kind", ["page_404", "page_200", "other_json"])
def test_what_answers_in_place_of_aws_is_an_outage_and_says_nothing_about_the_task(backend, context, kind):
    for call in ("ecs:RunTask", "ecs:DescribeTasks", "logs:GetLogEvents"):
        backend.fake.fault(kind, call=call, times=4)
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.fake.tasks()) == 1
    assert backend.calls("StopTask") == []


def test_what_a_dead_process_left_of_a_run_is_stopped_and_other_runs_go_on(there, context):
    there.install(LONG)
    other = airflow_context(run_id="run:2")
    for one in (context, airflow_context(map_index=4), other):
        deferred(there.operator_class(task_id="import_case", job="poc", arguments={"case_id": 17}), one)
    there.wait_for_task()
    there.fake.fault("unavailable", call="ecs:ListTasks", times=1)
    found = sweep("ecs", there.task_folder(context).run_uri, load_settings())
    assert len(found) == 2
    kept = read_record(there.task_folder(other)).handle["arn"]
    assert kept not in found
    deadline = time.monotonic() + 60
    while (
        time.monotonic() < deadline and len([one for one in there.fake.tasks() if one["lastStatus"] == "STOPPED"]) < 2
    ):
        time.sleep(0.1)
    assert {one["taskArn"] for one in there.fake.tasks() if one["lastStatus"] == "STOPPED"} == set(found)


def test_an_api_that_is_down_for_a_while_is_waited_for(backend, context):
    backend.fake.fault("drop", call="*", times=None, seconds=2, who="airflow")
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.fake.tasks()) == 1


def test_a_lost_answer_to_run_task_is_asked_for_again_and_one_task_runs(backend, context):
    backend.fake.fault("lose_reply", call="ecs:RunTask", times=2)
    assert backend.run(GOOD, context=context)["output"] == "done"
    tokens = [call["clientToken"] for call in backend.calls("RunTask")]
    assert tokens == [backend.request(context).attempt] * 3
    assert len(backend.fake.tasks()) == 1


def test_a_throttled_start_is_tried_until_it_passes(backend, context):
    backend.fake.fault("throttle", call="ecs:RunTask", times=3)
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.fake.tasks()) == 1


def test_a_start_that_stays_throttled_fails_as_throttled_and_may_be_tried_again(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_CONTAINER__PATIENCE_S", "1")
    backend.fake.fault("throttle", call="ecs:RunTask", times=None)
    with pytest.raises(JobError) as raised:
        backend.run(GOOD, context=context)
    assert isinstance(raised.value, PlatformUnavailableError | JobLostError)
    assert raised.value.reason == "Throttled"
    assert backend.fake.tasks() == []


def test_a_task_that_may_not_be_seen_is_not_stopped_and_the_next_try_adopts_it(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_CONTAINER__PATIENCE_S", "1")
    backend.fake.fault("deny", call="ecs:DescribeTasks", times=None)
    with pytest.raises(JobError) as raised:
        backend.run("time.sleep(4)\nanswer('done')", context=context)
    assert raised.value.reason == "AccessDenied"
    backend.fake.clear_faults()
    monkeypatch.delenv("RADIANT_CONTAINER__PATIENCE_S")  # ECS is asked again some seconds after a refusal
    assert backend.run(GOOD, context=next_try(context))["output"] == "done"
    assert len(backend.fake.tasks()) == 1
    assert backend.calls("StopTask") == []


def test_a_task_that_ecs_does_not_have_yet_is_waited_for(backend, context):
    backend.fake.fault("missing", times=5, call="ecs:DescribeTasks")
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.fake.tasks()) == 1


def test_a_task_that_ecs_does_not_have_any_more_is_lost(backend, context, monkeypatch):
    monkeypatch.setattr(ecs_platform, "_YOUNG_S", 0.0)
    backend.fake.fault("missing", times=None, call="ecs:DescribeTasks")
    with pytest.raises(JobLostError, match="ECS has no task") as raised:
        backend.run(LONG, context=context)
    assert raised.value.reason == "Lost"


# The waiting process dies --------------------------------------------------------------------------------------------


def test_a_worker_s_death_leaves_the_task_and_the_next_try_adopts_it(here, context, capfd, tmp_path):
    dead = tmp_path / "dead"
    waits = f"while not os.path.exists('{dead}'): time.sleep(0.05)"
    body = f"print('line', 1, flush=True)\n{waits}\ntime.sleep(1)\nprint('line', 2)\nanswer('done')"
    with pytest.raises(JobLostError) as raised:
        here.run(body, context=context, kill_after_s=0.5)
    assert raised.value.reason == "Drained"
    dead.touch()
    capfd.readouterr()
    assert here.run(LONG, context=next_try(context))["output"] == "done"
    assert line_numbers(capfd) == [1, 2]
    assert len(here.calls("RunTask")) == 1
    assert here.calls("StopTask") == []


def test_a_task_that_ended_between_two_tries_is_adopted_with_its_end(here, context, gate):
    with pytest.raises(JobLostError):
        here.run(f"{gate.closed}answer('done')", context=context, kill_after_s=1)
    gate.open()
    here.wait_for_task("STOPPED")
    assert here.run(LONG, context=next_try(context))["output"] == "done"
    assert len(here.calls("RunTask")) == 1


@pytest.mark.parametrize("last", [False, True])
def test_a_task_whose_start_was_never_answered_is_found_by_the_next_try(here, context, last):
    # On the last try other capacity is asked for: the words of the request change, its token does not.
    here.fake.fault("lose_reply", call="ecs:RunTask", times=None)
    with pytest.raises(JobLostError):
        here.run("time.sleep(3)\nanswer('done')", context=context, kill_after_s=1)
    here.fake.clear_faults()
    assert here.run(LONG, context=next_try(context, max_tries=1 if last else 2))["output"] == "done"
    assert len(here.fake.tasks()) == 1
    assert here.providers()[-1] == ("FARGATE" if last else "FARGATE_SPOT")


def test_an_attempt_older_than_its_token_is_looked_for_before_it_is_started(here, context, gate):
    with pytest.raises(JobLostError):
        here.run(f"{gate.closed}answer('done')", context=context, kill_after_s=1)
    folder = here.task_folder(context)
    record = dataclasses.replace(read_record(folder), handle=None, asked_at=time.time() - 30 * 3600)
    record.save(folder)
    here.monkeypatch.setenv("RADIANT_CONTAINER__QUEUE_TIMEOUT_S", str(48 * 3600))
    with gate.opens_when(lambda: read_record(folder).handle is not None):  # ECS lists no task that has ended
        assert here.run(LONG, context=next_try(context))["output"] == "done"
    assert [call["startedBy"] for call in here.calls("ListTasks")] == [record.attempt]
    assert len(here.fake.tasks()) == 1


def test_a_task_that_is_found_has_the_log_of_its_own_job(there, context):
    there.install(LONG)
    operator = there.operator_class(task_id="import_case", job="poc", arguments={"case_id": 17})
    deferred(operator, context)
    record = read_record(there.task_folder(context))
    found = ecs_platform.EcsPlatform(load_settings()).find(record.attempt, "poc")
    assert {**found, "asked_at": 0} == {**record.handle, "asked_at": 0}


def test_a_triggerer_s_death_leaves_the_task_and_another_goes_on_with_its_log(there, context, capfd):
    there.install("for i in range(6):\n  print('line', i, flush=True)\n  time.sleep(0.4)\nanswer('done')")
    operator = there.operator_class(task_id="import_case", job="poc", arguments={"case_id": 17})
    trigger = deferred(operator, context)

    async def die_after(seconds):
        running = asyncio.create_task(anext(aiter(trigger.run())))
        await asyncio.sleep(seconds)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await trigger.cleanup()

    asyncio.run(die_after(1.8))
    successor = ContainerTrigger(**json.loads(json.dumps(trigger.serialize()[1])))
    event = asyncio.run(follow(successor))
    assert operator.resume(context, event)["output"] == "done"
    assert line_numbers(capfd) == [0, 1, 2, 3, 4, 5]
    assert len(there.calls("RunTask")) == 1
    assert there.calls("StopTask") == []


@pytest.mark.parametrize(
    ("ago_s", "settles_s", "wait_s"),
    [
        pytest.param(0, 3, (2.5, 300), id="just-now"),
        pytest.param(600, 300, (0, 300), id="long-ago"),
        pytest.param(-600, 3, (2.5, 300), id="clocks-differ"),
    ],
)
def test_a_job_soon_over_waits_until_airflow_has_recorded_that_its_task_was_deferred(
    there, context, ago_s, settles_s, wait_s
):
    # Else the scheduler takes the task that has gone on for one that was killed, and gives it another try.
    there.install("answer('done')")
    operator = there.operator_class(task_id="import_case", job="poc", arguments={"case_id": 17})
    trigger = deferred(operator, context)
    assert trigger.deferred_at == pytest.approx(time.time(), abs=60)
    there.fake.wait(there.fake.tasks()[0]["taskArn"])
    there.monkeypatch.setattr("radiant.operators.trigger.SETTLES_S", settles_s)
    began = time.time()
    trigger.deferred_at = began - ago_s
    event = asyncio.run(follow(trigger))
    at_least_s, below_s = wait_s
    assert at_least_s <= time.time() - began < below_s
    assert operator.resume(context, event)["output"] == "done"


# What stops a task ---------------------------------------------------------------------------------------------------


def stopped(backend):
    task = backend.fake.wait(backend.fake.tasks()[0]["taskArn"])
    return task["stopCode"], task["stoppedReason"]


@pytest.mark.parametrize("kind", ["throttle", "page_404", "page_200", "other_json"])
def test_a_person_s_kill_stops_the_task_even_if_ecs_does_not_answer_at_first(backend, kind):
    context = airflow_context(state="failed")
    backend.fake.fault(kind, call="ecs:StopTask", times=2)
    with pytest.raises(JobLostError) as raised:
        backend.run(LONG, context=context, kill_after_s=1.5)
    assert raised.value.reason == "KilledByUser"
    assert stopped(backend) == ("UserInitiated", "radiant: KilledByUser")


def test_a_person_s_kill_stops_also_a_task_whose_start_was_never_answered(backend):
    context = airflow_context(state="failed")
    backend.fake.fault("lose_reply", call="ecs:RunTask", times=None)
    with pytest.raises(JobLostError):
        backend.run(LONG, context=context, kill_after_s=1.5)
    assert stopped(backend) == ("UserInitiated", "radiant: KilledByUser")


def test_a_task_that_could_not_be_stopped_is_not_lost(here, monkeypatch, gate):
    monkeypatch.setattr("radiant.operators.watcher._KILL_PAUSES_S", (0.1,))
    context = airflow_context(state="failed")
    here.fake.fault("throttle", call="ecs:StopTask", times=None)
    with pytest.raises(PlatformUnavailableError):
        here.run(f"{gate.closed}answer('done')", context=context, kill_after_s=1)
    here.fake.clear_faults()
    gate.open()
    assert here.run(LONG, context=next_try(context))["output"] == "done"
    assert len(here.fake.tasks()) == 1


def test_the_execution_timeout_of_the_task_holds(backend, context):
    with pytest.raises(JobLostError, match="execution_timeout") as raised:
        backend.run(LONG, context=context, execution_timeout=dt.timedelta(seconds=1.5))
    assert raised.value.reason == "Timeout"
    assert stopped(backend) == ("UserInitiated", "radiant: Timeout")


def test_a_time_out_whose_stop_is_throttled_still_stops(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__POC__TIMEOUT_S", "1")
    backend.fake.fault("throttle", call="ecs:StopTask", times=2)
    with pytest.raises(JobLostError, match="RADIANT_JOBS__POC__TIMEOUT_S"):
        backend.run(LONG, context=context)
    assert stopped(backend) == ("UserInitiated", "radiant: Timeout")


def test_a_task_that_was_stopped_in_the_console_is_lost_and_named(backend, context):
    def stop():
        arn = backend.wait_for_task()["taskArn"]
        backend.fake.client("ecs").stop_task(cluster="radiant", task=arn, reason="by hand")

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(JobLostError, match=r"The ECS task was stopped from outside\. by hand") as raised:
        backend.run(LONG, context=context)
    thread.join()
    assert raised.value.reason == "Lost"


# Names of failures ---------------------------------------------------------------------------------------------------


def test_out_of_memory_on_fargate_gets_the_next_size(backend, context):
    backend.fake.fault("oom", delay_s=0.1)
    with pytest.raises(JobLostError, match=r"limit of 512 MiB.*gets 1024 MiB") as raised:
        backend.run(LONG, context=context)
    assert raised.value.reason == "OutOfMemory"
    found = backend.run("answer(request['memory_mib'])", context=next_try(context))
    assert found["output"] == 1024
    assert backend.calls("RunTask")[-1]["overrides"]["memory"] == "1024"


def test_interruptions_do_not_use_up_a_try_and_the_last_restart_is_on_demand(backend, context, monkeypatch, gate):
    monkeypatch.setenv("RADIANT_CONTAINER__RESTARTS", "2")
    backend.fake.fault("spot", delay_s=0.1, times=2)
    with gate.opens_when(lambda: len(backend.calls("RunTask")) == 3):
        found = backend.run(f"{gate.closed}answer(request['attempt'])", context=context)
    assert backend.providers() == ["FARGATE_SPOT", "FARGATE_SPOT", "FARGATE"]
    attempts = [call["startedBy"] for call in backend.calls("RunTask")]
    assert len(set(attempts)) == 3
    assert found["output"] == attempts[-1]
    tries = read_job_summary(found, "the XCom").tries
    assert [(one.attempt, one.try_number, one.code, one.placement.spot) for one in tries] == [
        (attempts[0], 1, "SpotInterrupted", True),
        (attempts[1], 1, "SpotInterrupted", True),
        (attempts[2], 1, None, False),
    ]
    assert all(one.times.running_s > 0 for one in tries)
    assert [one.times.queued_s for one in tries[1:]] == [None, None]  # they were never in Airflow's queue


def test_an_interruption_beyond_the_restarts_is_named_and_may_be_tried_again(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_CONTAINER__RESTARTS", "0")
    backend.fake.fault("spot", delay_s=0.1)
    with pytest.raises(JobLostError, match="Your Spot Task was interrupted") as raised:
        backend.run(LONG, context=context)
    assert raised.value.reason == "SpotInterrupted"


def test_the_last_try_is_on_demand(backend):
    assert backend.run(GOOD, context=airflow_context(try_number=3, max_tries=2))["output"] == "done"
    assert backend.providers() == ["FARGATE"]


NO_ROOM = [
    "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "You've reached the limit on the number of vCPUs you can run concurrently",
    "RESOURCE:MEMORY",
]


@pytest.mark.parametrize("words", NO_ROOM)
def test_no_capacity_is_waited_for_each_time_with_a_new_question(backend, context, words):
    backend.fake.fault("capacity", detail=words, times=3)
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len({call["clientToken"] for call in backend.calls("RunTask")}) == 4
    assert len(backend.fake.tasks()) == 1


def test_no_capacity_is_waited_for_so_long_and_no_longer(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_CONTAINER__QUEUE_TIMEOUT_S", "1")
    backend.fake.fault("capacity", times=None)
    with pytest.raises(JobLostError, match="RADIANT_CONTAINER__QUEUE_TIMEOUT_S") as raised:
        backend.run(GOOD, context=context)
    assert raised.value.reason == "NoCapacity"
    assert backend.fake.tasks() == []


def test_a_task_that_was_promised_and_found_no_room_is_asked_for_again(backend, context):
    backend.fake.fault("start_failed", detail=NO_ROOM[0], times=2)
    assert backend.run(GOOD, context=context)["output"] == "done"
    assert len(backend.fake.tasks()) == 3


@pytest.mark.parametrize(
    ("words", "name", "error"),
    [
        ("", "ImagePull", AirflowFailException),
        ("CannotPullContainerError: toomanyrequests: pull rate limit", "ImagePull", JobLostError),
        (
            "ResourceInitializationError: unable to pull secrets: AccessDeniedException",
            "StartFailed",
            AirflowFailException,
        ),
        ("Timeout waiting for network interface provisioning to complete.", "StartFailed", JobLostError),
    ],
)
def test_what_cannot_start_is_named_and_tried_again_only_where_time_may_help(backend, context, words, name, error):
    backend.fake.fault("start_failed", detail=words)
    with pytest.raises(error, match=name):
        backend.run(GOOD, context=context)
    assert backend.result(context).failure.code == name
    assert len(backend.fake.tasks()) == 1


def test_a_start_that_takes_too_long_is_given_up_and_stopped(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_CONTAINER__START_TIMEOUT_S", "1")
    backend.fake.fault("hold", delay_s=600)
    with pytest.raises(JobLostError, match="RADIANT_CONTAINER__START_TIMEOUT_S") as raised:
        backend.run(GOOD, context=context)
    assert raised.value.reason == "StartTimeout"
    assert stopped(backend) == ("UserInitiated", "radiant: StartTimeout")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RADIANT_ECS__CLUSTER", "another", "AccessDeniedException.*RADIANT_ECS__CLUSTER"),
        ("RADIANT_ECS__TASK_DEFINITION", "another", "another-poc.*RADIANT_ECS__TASK_DEFINITION"),
        ("RADIANT_ECS__CONTAINER", "another", "another is not a container"),
        ("RADIANT_ECS__SUBNETS", "subnet-0", "subnet-0"),
        ("RADIANT_ECS__SUBNETS", "", "RADIANT_ECS__SUBNETS"),
        ("RADIANT_ECS__CAPACITY_PROVIDER", "another", "another"),
        ("RADIANT_JOBS__POC__MEMORY_MIB", "200000", "122880 MiB"),
    ],
)
def test_a_wrong_setting_fails_at_once_and_is_named(here, context, name, value, said):
    here.monkeypatch.setenv(name, value)
    with pytest.raises(AirflowFailException, match=said):
        here.run(GOOD, context=context)
    assert here.fake.tasks() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("RADIANT_ECS__CLUSTER", "ClusterNotFoundException.*RADIANT_ECS__CLUSTER"),
        ("RADIANT_ECS__TASK_DEFINITION", "TaskDefinition not found.*radiant ecs doctor"),
    ],
)
def test_a_name_that_does_not_exist_is_named_even_if_airflow_may_start_everything(here, context, name, said):
    here.fake.options(policies={})
    here.monkeypatch.setenv(name, "another")
    with pytest.raises(AirflowFailException, match=said):
        here.run(GOOD, context=context)


def test_a_missing_right_to_start_fails_at_once_and_says_where_the_policy_is(backend, context):
    backend.fake.fault("deny", call="ecs:RunTask", times=None)
    with pytest.raises(AirflowFailException, match=r"not authorized to perform: ecs:RunTask.*iam:PassRole"):
        backend.run(GOOD, context=context)


# Logs and the answer -------------------------------------------------------------------------------------------------


def test_every_line_is_in_the_log_once_and_in_order_also_of_one_time_stamp(backend, context, capfd):
    backend.run(LINES, context=context)
    assert line_numbers(capfd) == list(range(401))


def test_lines_that_arrive_after_the_task_has_ended_are_in_the_log(backend, context, monkeypatch, capfd):
    monkeypatch.setenv("RADIANT_ECS__LOG_DELAY_S", "3")
    backend.fake.fault("late_logs", delay_s=1.5)
    backend.run(LINES, context=context)
    assert line_numbers(capfd) == list(range(401))


@pytest.mark.parametrize(("kind", "times"), [("throttle", 3), ("drop", 3), ("empty_page", 1)])
def test_trouble_with_the_log_makes_neither_gaps_nor_doubles(backend, context, capfd, kind, times):
    backend.fake.fault(kind, call="logs:GetLogEvents", times=times)
    backend.run("for i in range(5):\n  print('line', i, flush=True)\n  time.sleep(0.2)\nanswer()", context=context)
    assert line_numbers(capfd) == list(range(5))


def test_the_xcom_is_the_summary_and_never_a_line_of_the_log(backend, context):
    found = backend.run('answer([1])\nprint(\'{"output": "from the log"}\')', context=context)
    assert (found["status"], found["output"]) == ("succeeded", [1])


# What ECS gets -------------------------------------------------------------------------------------------------------


def test_the_override_holds_command_size_and_trace_and_nothing_else(backend, context):
    backend.run(GOOD, context=context)
    (call,) = backend.calls("RunTask")
    (container,) = call["overrides"]["containerOverrides"]
    assert set(call["overrides"]) == {"cpu", "memory", "containerOverrides"}
    assert set(container) <= {"name", "command", "cpu", "memory", "environment"}
    assert container["command"] == backend.task_folder(context).argv("poc", backend.request(context).attempt)
    assert {one["name"] for one in container.get("environment", [])} <= {"TRACEPARENT", "TRACESTATE"}
    assert {tag["key"]: tag["value"] for tag in call["tags"]} == {
        "radiant:run-key": run_key(backend.task_folder(context).run_uri),
        "radiant:dag": "import-vcf",
        "radiant:run": "run:1",
        "radiant:task": "import_case",
        "radiant:map-index": "3",
        "radiant:job": "poc",
    }


def test_the_trace_of_the_airflow_task_goes_to_the_container(here, context, monkeypatch):
    monkeypatch.setattr(
        "radiant.operators.task_run.propagate.inject", lambda carrier: carrier.update(traceparent="00-1-2-01")
    )
    assert here.run("answer(os.environ['TRACEPARENT'])", context=context)["output"] == "00-1-2-01"


def test_a_task_with_a_new_request_stops_the_one_of_an_earlier_try(here, context):
    with pytest.raises(JobLostError):
        here.run(LONG, context=context, kill_after_s=1.5)
    first = here.fake.tasks()[0]["taskArn"]

    def operator():
        return here.operator_class(task_id="import_case", job="poc", arguments={"case_id": 18})

    here.install("answer(request['arguments'])")
    assert run_task(operator, next_try(context))["output"] == {"case_id": 18}
    assert here.fake.wait(first)["stoppedReason"] == "radiant: KilledByUser"
