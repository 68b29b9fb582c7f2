from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from job_xcoms import RECORDS, failed, succeeded
from radiant.cli.airflow_api import TaskInstance
from radiant.cli.progress import Progress, RunProgress, shown
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.run_ids import block_run_id, part_run_id

PART_7 = part_run_id("r", 7, [1, 2])
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def task(task_id, map_index, state, start_s=None, end_s=None):
    def at(seconds):
        return None if seconds is None else BEGIN + timedelta(seconds=seconds)

    return TaskInstance(task_id, map_index, state, 1, at(start_s), at(end_s))


class FakeApi:
    """Answers from three dictionaries and counts the questions."""

    def __init__(self):
        self.states = {(IMPORT_RADIANT, "r"): "running"}
        self.tasks = {}
        self.xcoms = {}
        self.calls = 0

    def run_state(self, dag_id, run_id):
        self.calls += 1
        return self.states.get((dag_id, run_id))

    def task_instances(self, dag_id, run_id):
        self.calls += 1
        return self.tasks.get((dag_id, run_id), [])

    def xcom(self, dag_id, run_id, task_id, map_index=-1):
        self.calls += 1
        return self.xcoms.get((dag_id, run_id, task_id, map_index))


@pytest.fixture
def api():
    """Part 7 with two cases under way, part 8 with one case waiting."""
    api = FakeApi()
    parts = [{"part": 7, "priority": "stat", "cases": [1, 2]}, {"part": 8, "priority": "routine", "cases": [3]}]
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1] = succeeded({"parts": parts, "blocked": []})
    api.tasks[IMPORT_RADIANT, "r"] = [
        task("plan", -1, "success"),
        task("import_part", 0, "deferred"),
        task("import_part", 1, None),
    ]
    api.states[IMPORT_VCF, PART_7] = "running"
    api.tasks[IMPORT_VCF, PART_7] = [
        task("prepare", -1, "success", 0, 1),
        task("import_case", 0, "success", 10, 30),
        task("import_case", 1, "running", 12),
    ]
    api.xcoms[IMPORT_VCF, PART_7, "import_case", 0] = succeeded(
        {"case_id": 1, "load_id": "l", "records": RECORDS | {"read": 4000}, "warnings": []}
    )
    return api


def look(api, at_s):
    return RunProgress(api, "r", now=lambda: BEGIN + timedelta(seconds=at_s)).read()


def test_before_the_plan_is_made_nothing_is_known():
    assert look(FakeApi(), 5) == Progress("planning")


def test_a_failed_plan_ends_the_run_without_cases(api):
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1] = failed("Storage", "disk full")
    api.states[IMPORT_RADIANT, "r"] = "failed"
    assert look(api, 5) == Progress("finished")


def test_cases_are_counted_over_all_parts_and_time_from_the_first_case(api):
    assert look(api, 50) == Progress("importing", total=3, done=1, failed=0, records=4000, elapsed_s=40)


def test_a_failed_case_is_done_and_failed(api):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "failed", 12, 20)
    progress = look(api, 50)
    assert (progress.done, progress.failed) == (2, 1)


def test_a_case_that_will_be_tried_again_is_not_done(api):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "up_for_retry", 12, 20)
    assert look(api, 50).done == 1


def test_the_clock_stops_when_the_last_case_is_done(api):
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1]["output"]["parts"].pop()
    api.tasks[IMPORT_RADIANT, "r"].pop()
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "success", 12, 60)
    progress = look(api, 500)
    assert (progress.phase, progress.elapsed_s) == ("committing", 50)


def test_the_end_of_the_run_is_the_end(api):
    api.states[IMPORT_RADIANT, "r"] = "failed"
    assert look(api, 50).phase == "finished"


def test_an_ended_part_is_not_asked_for_again(api):
    run = RunProgress(api, "r", now=lambda: BEGIN)
    api.states[IMPORT_VCF, PART_7] = "success"
    first = run.read()
    api.calls = 0
    assert run.read() == first
    assert api.calls == 2  # the run's state, and which parts were started


def test_speed_and_time_left_follow_from_what_is_done():
    progress = Progress("importing", total=10, done=4, records=8000, elapsed_s=20)
    assert progress.records_per_s == 400
    assert progress.eta_s == 30


def test_no_time_left_is_guessed_before_a_case_is_done():
    assert Progress("importing", total=10, elapsed_s=20).eta_s is None
    assert Progress("planning").eta_s is None
    assert Progress("importing", total=10).records_per_s == 0


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("planning"), "planning"),
        (Progress("importing", total=3), "importing: 0/3 cases"),
        (
            Progress("importing", total=3, done=2, failed=1, records=12_345, elapsed_s=10),
            "importing: 2/3 cases, 1 failed, 1,234 records/s, 0:05 left",
        ),
        (Progress("importing", total=2, done=1, elapsed_s=3725), "importing: 1/2 cases, 1:02:05 left"),
        (Progress("committing", total=2, done=2, elapsed_s=10), "committing: 2/2 cases"),
    ],
)
def test_a_line_says_what_a_person_asks(progress, text):
    assert progress.describe() == text


def test_without_a_terminal_a_line_comes_only_when_something_changed():
    out = StringIO()
    with shown(Console(file=out)) as show:
        for progress in (Progress("planning"), Progress("planning"), Progress("importing", total=2)):
            show(progress)
    assert out.getvalue() == "0:00 planning\n0:00 importing: 0/2 cases\n"


def test_on_a_terminal_there_is_a_live_bar():
    out = StringIO()
    with shown(Console(file=out, force_terminal=True, width=120)) as show:
        show(Progress("importing", total=2, done=1))
    assert "importing: 1/2 cases" in out.getvalue()


def test_a_part_that_is_imported_in_blocks_is_counted_as_one(api):
    """Airflow limits the length of a mapped task: the next run begins when one has ended."""
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1]["output"]["parts"] = [
        {"part": 7, "priority": "stat", "cases": [1, 2, 3]}
    ]
    first = part_run_id("r", 7, [1, 2, 3])
    second = block_run_id(first, 2)
    api.tasks[IMPORT_RADIANT, "r"].pop()
    api.states |= {(IMPORT_VCF, first): "success", (IMPORT_VCF, second): "running"}
    done = [task("import_case", index, "success", 10, 20) for index in (0, 1)]
    api.tasks |= {(IMPORT_VCF, first): done, (IMPORT_VCF, second): [task("import_case", 0, "running", 20)]}
    found = look(api, 30)
    assert (found.phase, found.total, found.done) == ("importing", 3, 2)


def test_parts_that_share_a_task_are_counted(api):
    """One mapped task for two parts, as where there are more parts than Airflow maps a task over."""
    api.tasks[IMPORT_RADIANT, "r"].pop()
    api.states[IMPORT_VCF, part_run_id("r", 8, [3])] = "success"
    api.tasks[IMPORT_VCF, part_run_id("r", 8, [3])] = [task("import_case", 0, "success", 10, 20)]
    assert look(api, 40).done == 2
