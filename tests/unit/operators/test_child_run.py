import copy
import datetime as dt
import itertools

import pytest
from airflow.sdk.exceptions import AirflowFailException, DagRunTriggerException, TaskDeferred

from backends import airflow_context, execute
from job_xcoms import succeeded
from radiant.jobs.run_ids import part_run_id
from radiant.operators.child_run import RunBlocksOperator, RunPartsOperator
from radiant.operators.mapping import part_confs


def verdict(imported=(), failed=(), waiting=(), trouble=()):
    return {
        "imported": list(imported),
        "deleted": [],
        "failed": list(failed),
        "waiting": list(waiting),
        "trouble": list(trouble),
        "warnings": [],
    }


FAILURE = {"case_id": 2, "code": "VcfFormat", "reason": "line 17", "retryable": False}
GOOD = verdict([1])
BAD = verdict(failed=[FAILURE])
RUN = part_run_id("r1", 7, [1, 2])


def child(state, verdict=None, **facts):
    """A context in which the other run is in this state, None for no such run."""
    context = airflow_context(dag_id="import-radiant", run_id="r1", task_id="import_part", **({"map_index": 2} | facts))
    asked = {}

    def pull(**what):
        asked.update(what)
        return copy.deepcopy(verdict)

    instance = context["ti"]
    instance.get_dr_count = lambda dag_id, run_ids: int(state is not None)  # noqa: ARG005 - called by name
    instance.get_dagrun_state = lambda dag_id, run_id: state  # noqa: ARG005 - called by name
    instance.get_dag = lambda dag_id: type("D", (), {"is_paused": False})()  # noqa: ARG005 - called by name
    instance.xcom_pull = pull
    instance.asked = asked
    return context


def operator(**conf):
    return RunPartsOperator(task_id="import_part", confs=[{"part": 7, "cases": [1, 2]} | conf])


def started(context, **conf):
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(**conf), context)
    return raised.value


def test_a_run_that_does_not_exist_is_started_and_waited_for_without_a_slot():
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(), child(None))
    found = raised.value
    assert (found.trigger_dag_id, found.dag_run_id, found.conf) == (
        "import-part",
        RUN,
        {"part": 7, "cases": [1, 2], "priority": "routine"},
    )
    assert found.wait_for_completion
    assert found.deferrable
    assert found.note == "Part 7, 2 case(s), for run r1 of import-radiant."


def test_runs_are_ordered_by_map_index_in_any_order_of_starts():
    runs = [started(child(None, map_index=index)) for index in (0, 1, 2)]
    for name in ("logical_date", "run_after"):
        dates = [getattr(run, name) for run in runs]
        assert dates == sorted(set(dates)), name


def test_a_more_urgent_run_goes_before_one_that_has_waited_for_months():
    now = started(child(None), priority="routine").logical_date
    dates = [started(child(None), priority=name).logical_date for name in ("stat", "asap", "urgent", "routine")]
    assert dates == sorted(set(dates))
    assert dates[-1] == now
    assert all(later - earlier > dt.timedelta(days=360) for earlier, later in itertools.pairwise(dates))


def test_a_more_urgent_run_is_not_dated_back_for_the_person_who_watches():
    context = child(None)
    assert started(context, priority="stat").run_after >= context["dag_run"].run_after


def test_the_order_of_a_run_is_handed_down():
    context = child(None, map_index=-1)
    context["dag_run"].logical_date = dt.datetime(2025, 5, 5, tzinfo=dt.UTC)
    for priority in ("stat", "routine"):
        found = started(context, priority=priority).logical_date
        assert abs(found - context["dag_run"].logical_date) < dt.timedelta(milliseconds=1)


def test_another_try_steps_aside_from_a_date_that_is_taken():
    assert len({started(child(None, try_number=number)).logical_date for number in (1, 2)}) == 2


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_is_under_way_is_adopted(state):
    with pytest.raises(TaskDeferred) as raised:
        execute(operator(), child(state))
    assert raised.value.trigger.run_ids == [RUN]
    assert raised.value.method_name == "execute_complete"


def test_a_run_that_succeeded_is_not_run_again():
    assert execute(operator(), child("success", GOOD)) == GOOD


def test_a_run_that_failed_is_cleared_and_runs_again():
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(), child("failed", BAD))
    assert raised.value.reset_dag_run


def over(state):
    return ("trigger", {"run_ids": [RUN], RUN: state})


def test_the_verdict_of_the_other_run_is_the_xcom():
    context = child("success", GOOD)
    assert operator().execute_complete(context, over("success")) == GOOD
    wanted = {"dag_id": "import-part", "run_id": RUN, "task_ids": "verdict", "map_indexes": -1}
    assert context["ti"].asked == wanted


def test_a_failed_run_fails_the_task_for_good_with_its_reasons_in_the_log(caplog):
    context = child("failed", BAD)
    with pytest.raises(AirflowFailException, match="0 of 1 cases"):
        operator().execute_complete(context, over("failed"))
    assert "case 2: VcfFormat: line 17" in caplog.messages
    assert context["ti"].pushed == {"return_value": BAD}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_without_a_verdict_fails_the_task(state, caplog):
    with pytest.raises(AirflowFailException):
        operator().execute_complete(child(state, None), over(state))
    assert f"ended as {state} without a verdict" in caplog.text


def test_a_run_that_failed_though_its_verdict_is_good_fails_the_task(caplog):
    with pytest.raises(AirflowFailException):
        operator().execute_complete(child("failed", GOOD), over("failed"))
    assert "though its verdict is good" in caplog.text


def test_a_run_that_this_task_would_not_start_is_refused():
    with pytest.raises(AirflowFailException, match="another version"):
        operator(cases=[3]).execute_complete(child("success", GOOD), over("success"))


class Airflow:
    """Runs of another DAG, as a task sees them: `end` decides how each ends."""

    def __init__(self, end, states=None):
        self.end = end
        self.states = dict(states or {})
        self.confs = {}
        self.dates = {}
        self.verdicts = {}

    def context(self, **facts):
        context = airflow_context(
            **({"dag_id": "import-part", "run_id": "p", "task_id": "import_vcf", "map_index": -1} | facts)
        )
        instance = context["ti"]
        instance.get_dr_count = lambda dag_id, run_ids: int(run_ids[0] in self.states)  # noqa: ARG005 - by name
        instance.get_dagrun_state = lambda dag_id, run_id: self.states.get(run_id)  # noqa: ARG005 - as above
        instance.get_dag = lambda dag_id: type("D", (), {"is_paused": False})()  # noqa: ARG005 - as above
        instance.xcom_pull = lambda run_id, **_: copy.deepcopy(self.verdicts.get(run_id))
        return context

    def drive(self, make, **facts):
        """Run the task to its end, through every run that it waits for."""
        context = self.context(**facts)
        step = lambda: execute(make(), context)  # noqa: E731 - one line
        while True:
            try:
                return step()
            except DagRunTriggerException as asked:
                run_id = asked.dag_run_id
                found = asked
            run_id = found.dag_run_id
            assert run_id not in self.confs, "started twice"
            assert found.run_after <= context["dag_run"].run_after + dt.timedelta(seconds=1), "starts now"
            self.confs[run_id], self.dates[run_id] = found.conf, found.logical_date
            self.states[run_id], self.verdicts[run_id] = self.end(run_id, found.conf)
            event = ("trigger", {"run_ids": [run_id], run_id: self.states[run_id]})
            step = lambda event=event: make().execute_complete(context, event)  # noqa: E731 - as above


def imported(_run_id, conf):
    return "success", verdict(conf["cases"])


def import_vcf(cases):
    return lambda: RunBlocksOperator(task_id="import_vcf", confs=[{"part": 7, "cases": cases, "priority": "stat"}])


@pytest.fixture
def three_at_most(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "3")


@pytest.mark.usefixtures("three_at_most")
@pytest.mark.parametrize(("cases", "runs"), [([1], 1), ([1, 2, 3], 1), ([1, 2, 3, 4], 2), (list(range(1, 11)), 4)])
def test_cases_beyond_what_airflow_maps_a_task_over_go_into_further_runs(cases, runs):
    airflow = Airflow(imported)
    assert airflow.drive(import_vcf(cases)) == verdict(cases)
    assert [conf["cases"] for conf in airflow.confs.values()] == [cases[i : i + 3] for i in range(0, len(cases), 3)]
    assert list(airflow.confs) == ["p", *(f"block_{n}__p" for n in range(2, runs + 1))]
    dates = list(airflow.dates.values())
    assert dates == sorted(set(dates))
    assert dates[-1] - dates[0] < dt.timedelta(seconds=runs), "a run whose date is to come would wait"


@pytest.mark.usefixtures("three_at_most")
def test_a_block_that_failed_does_not_stop_the_next(caplog):
    def end(run_id, conf):
        if run_id == "p":
            return "failed", verdict([1, 3], [FAILURE])
        return "success", verdict(conf["cases"])

    airflow = Airflow(end)
    with pytest.raises(AirflowFailException, match="4 of 5 cases"):
        airflow.drive(import_vcf([1, 2, 3, 4, 5]))
    assert "case 2: VcfFormat: line 17" in caplog.messages


@pytest.mark.usefixtures("three_at_most")
def test_a_cleared_task_repeats_only_the_blocks_that_failed():
    airflow = Airflow(imported, {"p": "success", "block_2__p": "failed", "block_3__p": "success"})
    airflow.verdicts = {"p": verdict([1, 2, 3]), "block_3__p": verdict([7])}
    assert airflow.drive(import_vcf([1, 2, 3, 4, 5, 6, 7])) == verdict([1, 2, 3, 4, 5, 6, 7])
    assert list(airflow.confs) == ["block_2__p"]


@pytest.mark.usefixtures("three_at_most")
def test_what_a_run_for_a_whole_part_left_is_imported_by_further_runs():
    def end(_run_id, conf):
        if conf["cases"] is None:
            return "failed", verdict([1, 2, 3], waiting=[4, 5, 6, 7])
        return "success", verdict(conf["cases"])

    airflow = Airflow(end)
    assert airflow.drive(import_vcf(None)) == verdict([1, 2, 3, 4, 5, 6, 7])
    assert [conf["cases"] for conf in airflow.confs.values()] == [None, [4, 5, 6], [7]]


@pytest.mark.parametrize("cases", [105, "105", "[105]", [105], (105,), "105 ", ["105"]], ids=repr)
def test_cases_are_taken_as_a_person_types_them(cases):
    assert Airflow(imported).drive(import_vcf(cases)) == verdict([105])


def test_cases_that_are_no_numbers_fail_the_task_with_what_to_write():
    with pytest.raises(AirflowFailException, match="like 105 or 105, 106 or 100-120"):
        Airflow(imported).drive(import_vcf("all"))


@pytest.mark.usefixtures("three_at_most")
def test_more_parts_than_airflow_maps_a_task_over_share_tasks():
    parts = [{"part": part, "cases": [part], "priority": "routine"} for part in range(1, 8)]
    items = part_confs(succeeded({"parts": parts, "blocked": []}))
    assert len(items) == 3
    assert [one["part"] for one in items[0]] == [1, 4, 7], "the most urgent of each task first"
    assert sorted(one["part"] for item in items for one in item) == list(range(1, 8))
    airflow = Airflow(imported)
    found = airflow.drive(
        lambda: RunPartsOperator(task_id="import_part", confs=items[0]), dag_id="import-radiant", map_index=0
    )
    assert found == verdict([1, 4, 7])
    assert len(set(airflow.dates.values())) == 3
