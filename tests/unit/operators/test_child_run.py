import datetime as dt
import itertools

import pytest
from airflow.sdk.exceptions import AirflowFailException, DagRunTriggerException, TaskDeferred

from backends import airflow_context, execute
from radiant.operators.child_run import RunDagOperator

GOOD = {"imported": [1], "failed": [], "trouble": [], "warnings": []}
BAD = {
    "imported": [],
    "failed": [{"case_id": 2, "code": "VcfFormat", "reason": "line 17"}],
    "trouble": [],
    "warnings": [],
}


def child(state, verdict=None, **facts):
    """A context in which the other run is in this state, None for no such run."""
    context = airflow_context(dag_id="import-radiant", run_id="r1", task_id="import_part", **({"map_index": 2} | facts))
    asked = {}

    def pull(**what):
        asked.update(what)
        return verdict

    instance = context["ti"]
    instance.get_dr_count = lambda dag_id, run_ids: int(state is not None)  # noqa: ARG005 - called by name
    instance.get_dagrun_state = lambda dag_id, run_id: state  # noqa: ARG005 - called by name
    instance.get_dag = lambda dag_id: type("D", (), {"is_paused": False})()  # noqa: ARG005 - called by name
    instance.xcom_pull = pull
    instance.asked = asked
    return context


def operator(**conf):
    return RunDagOperator(
        task_id="import_part", trigger_dag_id="import-part", trigger_run_id="r1__part_7", conf={"part": 7} | conf
    )


def started(context, **conf):
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(**conf), context)
    return raised.value


def test_a_run_that_does_not_exist_is_started_and_waited_for_without_a_slot():
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(), child(None))
    found = raised.value
    assert (found.trigger_dag_id, found.dag_run_id, found.conf) == ("import-part", "r1__part_7", {"part": 7})
    assert found.wait_for_completion
    assert found.deferrable


def test_runs_are_ordered_by_map_index_whoever_starts_first():
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
    assert raised.value.trigger.run_ids == ["r1__part_7"]
    assert raised.value.method_name == "execute_complete"


def test_a_run_that_succeeded_is_not_run_again():
    assert execute(operator(), child("success", GOOD)) == GOOD


def test_a_run_that_failed_is_cleared_and_runs_again():
    with pytest.raises(DagRunTriggerException) as raised:
        execute(operator(), child("failed", BAD))
    assert raised.value.reset_dag_run


def over(state):
    return ("trigger", {"run_ids": ["r1__part_7"], "r1__part_7": state})


def test_the_verdict_of_the_other_run_is_the_xcom():
    context = child("success", GOOD)
    assert operator().execute_complete(context, over("success")) == GOOD
    wanted = {"dag_id": "import-part", "run_id": "r1__part_7", "task_ids": "verdict", "map_indexes": -1}
    assert context["ti"].asked == wanted


def test_a_failed_run_fails_the_task_for_good_with_its_reasons():
    context = child("failed", BAD)
    with pytest.raises(AirflowFailException, match="case 2: VcfFormat: line 17"):
        operator().execute_complete(context, over("failed"))
    assert context["ti"].pushed == {"return_value": BAD}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_without_a_verdict_fails_the_task(state):
    with pytest.raises(AirflowFailException, match="without a verdict"):
        operator().execute_complete(child(state, None), over(state))
