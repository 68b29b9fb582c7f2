import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from job_xcoms import RECORDS, failed, imported_case, prepared_case, succeeded
from radiant import storage
from radiant.cli.airflow_api import TaskInstance
from radiant.cli.progress import CaseProgress, Progress, RunProgress, Stage
from radiant.jobs.codec import encode
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import Request, outcome_uri, request_uri, run_uri, task_uri
from radiant.jobs.reading_progress import ProgressDocument, ReadingProgress, progress_uri
from radiant.jobs.run_ids import block_run_id, part_run_id

PART_7 = part_run_id("r", 7, [1, 2])
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
READING = ReadingProgress(
    case_id=2, contig="chr7", position=117559593, records=1000, records_per_s=100, percent=50.0, memory_mib=412,
    memory_limit_mib=2048, eta_s=10, processes=2,
)  # fmt: skip


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

    def prepare(self, run_id, cases, **more):
        output = {"part": 7, "cases": [prepared_case(case) for case in cases], "deleted": [], "refused": []}
        self.xcoms[IMPORT_VCF, run_id, "prepare", -1] = succeeded(output | {"waiting": []} | more)

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
    api.prepare(PART_7, [1, 2])
    return api


@pytest.fixture
def work(tmp_path):
    """The work URI, with the folder of a running import as its operator makes it."""
    return storage.file_uri(tmp_path)


def folder_of(work, map_index=1, run_id=PART_7):
    return task_uri(run_uri(work, IMPORT_VCF, run_id), "import_case", map_index)


def write_request(work, attempt="a", task="import_case", map_index=1):
    folder = task_uri(run_uri(work, IMPORT_VCF, PART_7), task, map_index)
    storage.write_bytes(request_uri(folder), encode(Request("a-job", attempt, "run", task_uri=folder)))


def write_progress(work, attempt="a", reading=READING):
    storage.write_bytes(progress_uri(folder_of(work), attempt), encode(ProgressDocument(1.0, reading)))


def write_container(work, attempt="a", since=None):
    record = f'{{"attempt": "{attempt}", "starting_since": {"null" if since is None else since}}}'
    storage.write_bytes(f"{folder_of(work)}/container.json", record.encode())


def look(api, at_s, work="file:///nowhere"):
    return RunProgress(api, "r", work, now=lambda: BEGIN + timedelta(seconds=at_s)).read()


def stages(progress):
    return {case.case_id: case.stage for case in progress.cases}


def test_before_the_plan_is_made_nothing_is_known():
    assert look(FakeApi(), 5) == Progress("planning")


def test_a_failed_plan_ends_the_run_without_cases(api):
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1] = failed("Storage", "disk full")
    api.states[IMPORT_RADIANT, "r"] = "failed"
    assert look(api, 5) == Progress("finished")


def test_cases_are_counted_over_all_parts_and_time_from_the_first_case(api):
    progress = look(api, 50)
    assert (progress.phase, progress.total, progress.done, progress.failed) == ("importing", 3, 1, 0)
    assert (progress.records, progress.elapsed_s) == (4000, 40)
    assert stages(progress) == {1: Stage.READ, 2: Stage.RUNNING, 3: Stage.QUEUED}


def test_before_a_part_is_prepared_its_cases_are_queued(api):
    del api.xcoms[IMPORT_VCF, PART_7, "prepare", -1]
    api.tasks[IMPORT_VCF, PART_7] = [task("prepare", -1, "running", 0)]
    assert set(stages(look(api, 5)).values()) == {Stage.QUEUED}


@pytest.mark.parametrize("state", [None, "scheduled", "queued"])
def test_an_import_that_airflow_has_not_started_is_queued_and_no_folder_is_looked_at(api, state):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, state)
    assert look(api, 50).cases[1] == CaseProgress(2, Stage.QUEUED, try_number=1)


def test_an_import_that_is_not_expanded_yet_is_queued(api):
    api.tasks[IMPORT_VCF, PART_7][1:] = [task("import_case", -1, None)]
    assert stages(look(api, 50)) == dict.fromkeys((1, 2, 3), Stage.QUEUED)


def test_xcoms_that_are_not_there_yet_are_read_at_a_later_look(api):
    run = RunProgress(api, "r", "file:///nowhere", now=lambda: BEGIN)
    plan, prepared, read = (IMPORT_RADIANT, "r", "plan", -1), (IMPORT_VCF, PART_7, "prepare", -1), (
        IMPORT_VCF, PART_7, "import_case", 0
    )  # fmt: skip
    later = {key: api.xcoms.pop(key) for key in (plan, prepared, read)}
    assert run.read().phase == "planning"
    api.xcoms[plan] = later[plan]
    assert stages(run.read()) == dict.fromkeys((1, 2, 3), Stage.QUEUED)
    api.xcoms[prepared] = later[prepared]
    found = run.read()
    assert (stages(found)[1], found.records) == (Stage.READ, 0)
    api.xcoms[read] = later[read]
    assert run.read().records == 4000


def test_a_failed_case_is_done_and_failed_with_its_reason(api):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "failed", 12, 20)
    api.xcoms[IMPORT_VCF, PART_7, "import_case", 1] = failed("VcfTruncated", "ends at byte 7")
    progress = look(api, 50)
    assert (progress.done, progress.failed) == (2, 1)
    case = progress.cases[1]
    assert (case.stage, case.code, case.reason, case.seconds) == (Stage.FAILED, "VcfTruncated", "ends at byte 7", 8)


def test_a_case_that_will_be_tried_again_waits_and_is_not_done(api):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "up_for_retry", 12, 20)
    progress = look(api, 50)
    assert (progress.done, progress.cases[1].stage) == (1, Stage.WAITING)


@pytest.mark.parametrize("state", ["running", "deferred"])
def test_a_running_case_has_the_progress_that_its_worker_left(api, work, state):
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, state, 12)
    write_request(work)
    write_progress(work)
    progress = look(api, 50, work)
    assert progress.cases[1] == CaseProgress(2, Stage.RUNNING, try_number=1, seconds=38, reading=READING)
    assert progress.records == 5000


@pytest.mark.parametrize(
    ("since", "attempt", "stage"),
    [(None, "a", Stage.WAITING), (1.5, "a", Stage.STARTING), (None, "earlier", Stage.STARTING)],
)
def test_a_container_without_a_place_waits_and_one_with_a_place_starts(api, work, since, attempt, stage):
    write_request(work)
    write_container(work, attempt, since)
    assert look(api, 50, work).cases[1].stage is stage


def test_a_local_process_without_progress_starts(api, work):
    write_request(work)
    assert look(api, 50, work).cases[1].stage is Stage.STARTING


def test_the_progress_of_an_earlier_attempt_does_not_count(api, work):
    write_request(work, "second")
    write_progress(work, "first")
    assert look(api, 50, work).cases[1].reading is None


def test_a_document_that_is_none_counts_as_none(api, work):
    write_request(work)
    storage.write_bytes(progress_uri(folder_of(work), "a"), b"{")
    assert look(api, 50, work).cases[1].reading is None
    storage.write_bytes(request_uri(folder_of(work)), b"{")
    assert look(api, 50, work).cases[1].reading is None


def test_a_task_that_has_just_begun_starts_and_does_not_seem_to_write_elsewhere(api, work):
    write_request(work, task="prepare", map_index=-1)
    begun = look(api, 13, work).cases[1]
    assert begun == CaseProgress(2, Stage.STARTING, try_number=1, seconds=1)
    write_request(work)
    assert look(api, 14, work).cases[1].stage is Stage.STARTING
    write_progress(work)
    assert look(api, 15, work).cases[1].stage is Stage.RUNNING


def test_a_further_try_that_has_just_begun_does_not_show_the_progress_of_the_one_that_failed(api, work):
    api.tasks[IMPORT_VCF, PART_7][2] = dataclasses.replace(task("import_case", 1, "running", 40), try_number=2)
    write_request(work, "first")
    write_progress(work, "first")
    # Without an outcome it is a container that the second try follows.
    assert look(api, 41, work).cases[1].stage is Stage.RUNNING
    storage.write_bytes(outcome_uri(folder_of(work), "first"), b"{}")
    assert look(api, 41, work).cases[1] == CaseProgress(2, Stage.STARTING, try_number=2, seconds=1)
    write_request(work, "second")
    write_progress(work, "second")
    assert look(api, 45, work).cases[1].reading == READING


def test_a_task_that_leaves_its_documents_elsewhere_is_seen(api):
    assert not look(api, 50).cases[1].has_documents


def test_the_folder_of_a_running_case_is_looked_at_at_intervals(api, work):
    write_request(work)
    run = RunProgress(api, "r", work, now=lambda: BEGIN)
    assert run.read().cases[1].reading is None
    write_progress(work)
    assert run.read().cases[1].reading is None
    for uri, (at, found) in run._folders.items():
        run._folders[uri] = (at - 1, found)
    assert run.read().cases[1].reading == READING


def test_the_commit_decides_about_its_cases(api):
    api.tasks[IMPORT_VCF, PART_7] += [task("commit", -1, "success", 60, 61)]
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "success", 12, 20)
    gone = [{"case_id": 2, "code": "Lost", "reason": "its manifest is gone"}]
    output = {"part": 7, "imported": [imported_case(1)], "failed": gone, "deleted": []}
    api.xcoms[IMPORT_VCF, PART_7, "commit", -1] = succeeded(output)
    found = {case.case_id: case for case in look(api, 70).cases}
    assert (found[1].stage, found[1].records, found[1].peak_memory_mib) == (Stage.IMPORTED, RECORDS["read"], 200.0)
    assert (found[2].stage, found[2].code) == (Stage.FAILED, "Lost")


def test_a_run_that_ends_without_a_commit_has_imported_nothing(api):
    api.states[IMPORT_VCF, PART_7] = "failed"
    assert stages(look(api, 70))[1] is Stage.FAILED


def test_refused_and_removed_cases_are_done(api):
    refused = [{"case_id": 2, "code": "Pedigree", "reason": "a loop"}]
    api.prepare(PART_7, [], refused=refused, deleted=[1])
    api.tasks[IMPORT_VCF, PART_7] = [task("prepare", -1, "success", 0, 1)]
    progress = look(api, 50)
    assert stages(progress) == {1: Stage.REMOVED, 2: Stage.FAILED, 3: Stage.QUEUED}
    assert progress.done == 2


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
    run = RunProgress(api, "r", "file:///nowhere", now=lambda: BEGIN)
    api.tasks[IMPORT_VCF, PART_7][2] = task("import_case", 1, "success", 12, 60)
    api.states[IMPORT_VCF, PART_7] = "success"
    first = run.read()
    api.calls = 0
    assert run.read() == first
    assert api.calls == 2  # the run's state, and which parts were started


def cases(count, *done):
    return tuple(CaseProgress(n, Stage.READ if n in done else Stage.QUEUED, records=2000) for n in range(count))


def test_speed_and_time_left_follow_from_what_is_done():
    progress = Progress("importing", cases(10, 0, 1, 2, 3), elapsed_s=20)
    assert progress.records_per_s == 1000
    assert progress.eta_s == 30


def test_what_running_cases_have_read_counts_for_the_time_left():
    progress = Progress("importing", (CaseProgress(2, Stage.RUNNING, reading=READING), CaseProgress(3)), elapsed_s=20)
    assert progress.eta_s == 60


def test_no_time_left_is_guessed_before_anything_is_read():
    assert Progress("importing", cases(10), elapsed_s=20).eta_s is None
    assert Progress("planning").eta_s is None
    assert Progress("importing", cases(10)).records_per_s == 0


def test_a_part_that_is_imported_in_blocks_is_counted_as_one(api):
    """Airflow limits the length of a mapped task: the next run begins when one has ended."""
    api.xcoms[IMPORT_RADIANT, "r", "plan", -1]["output"]["parts"] = [
        {"part": 7, "priority": "stat", "cases": [1, 2, 3]}
    ]
    first = part_run_id("r", 7, [1, 2, 3])
    second = block_run_id(first, 2)
    api.tasks[IMPORT_RADIANT, "r"].pop()
    api.states |= {(IMPORT_VCF, first): "success", (IMPORT_VCF, second): "running"}
    api.prepare(first, [1, 2])
    api.prepare(second, [3])
    prepared = task("prepare", -1, "success", 0, 1)
    done = [prepared, *(task("import_case", index, "success", 10, 20) for index in (0, 1))]
    api.tasks |= {(IMPORT_VCF, first): done, (IMPORT_VCF, second): [prepared, task("import_case", 0, "running", 20)]}
    output = {"part": 7, "imported": [imported_case(1), imported_case(2)], "failed": [], "deleted": []}
    api.xcoms[IMPORT_VCF, first, "commit", -1] = succeeded(output)
    done.append(task("commit", -1, "success", 20, 21))
    found = look(api, 30)
    assert (found.phase, found.total, found.done) == ("importing", 3, 2)


def test_parts_that_share_a_task_are_counted(api):
    """One mapped task for two parts, as where there are more parts than Airflow maps a task over."""
    api.tasks[IMPORT_RADIANT, "r"].pop()
    api.states[IMPORT_VCF, part_run_id("r", 8, [3])] = "success"
    api.tasks[IMPORT_VCF, part_run_id("r", 8, [3])] = [
        task("prepare", -1, "success", 0, 1),
        task("import_case", 0, "success", 10, 20),
    ]
    api.prepare(part_run_id("r", 8, [3]), [3])
    assert look(api, 40).done == 2
