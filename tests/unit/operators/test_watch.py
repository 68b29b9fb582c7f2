"""A container's life step by step, on a platform that does what a script says."""

import dataclasses
import time

import pytest

from radiant.errors import JobLostError, JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.catalogue import POC
from radiant.jobs.reasons import Reason
from radiant.operators.container_record import close_container, may_adopt, new_record, read_record
from radiant.operators.platform import ContainerStatus, LogPage, State, TaskFacts
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import TaskRun, new_request
from radiant.operators.watch import Action, Limits, LogProgress, WatchState, decide, decide_unanswered
from radiant.operators.watcher import Watcher
from radiant.settings import ContainerGroup, load_settings

RUNS = ContainerStatus(State.RUNNING, started_at=1.0)
GOOD = ContainerStatus(State.ENDED, exit_code=0, started_at=1.0, finished_at=6.0)


class Scripted:
    """Returns statuses and log pages from lists; an exception in a list is raised."""

    name, noun, timeout_reason = "kubernetes", "pod", "DeadlineExceeded"
    interruptions = frozenset({"Preempted"})

    def __init__(self, looks=(), starts=(), pages=()):
        self.looks, self.starts, self.pages = list(looks), list(starts), list(pages)
        self.attempts, self.stopped, self.released, self.cursors = [], [], [], []

    @staticmethod
    def answer(script, otherwise):
        found = script.pop(0) if script else otherwise
        if isinstance(found, Exception):
            raise found
        return found

    def start(self, order):
        self.attempts.append(order.attempt)
        return self.answer(self.starts, {"name": f"pod-{len(self.attempts)}"})

    def find(self, attempt, _job):
        return {"name": attempt} if attempt in self.attempts else None

    def status(self, _handle):
        return self.answer(self.looks, GOOD)

    def read_log(self, _handle, cursor, _status):
        self.cursors.append(cursor)
        return self.answer(self.pages, LogPage([], cursor))

    def stop(self, handle, _reason):
        self.stopped.append(handle)

    def release(self, handle):
        self.released.append(handle)


@pytest.fixture
def folder(tmp_path):
    return TaskFolder(f"file://{tmp_path}", f"file://{tmp_path}/poc")


def watch_of(platform, folder, *, record=None, timeout_s=10**10, try_number=1, clock=None, **limits):  # noqa: PLR0913
    request = folder.read_request()
    if request is None:
        request = new_request(POC, {}, folder, memory_mib=512, image=None)
        folder.write_request(request)
        new_record(request, "kubernetes", try_number).save(folder)
    # As the operator's `begin` does: the try that is there holds the container.
    record = dataclasses.replace(record or read_record(folder), held_by=try_number)
    record.save(folder)
    settings = load_settings({}).model_copy(update={"container": ContainerGroup(**limits)})
    run = TaskRun(
        settings,
        dataclasses.replace(POC, timeout_s=timeout_s),
        folder,
        TaskFacts("d", "r", "t", -1, try_number, last_try=False),
        request,
    )
    return Driver(Watcher(platform, run, record, clock=clock))


class Driver:
    """Steps a watcher as a task does: the lines of each step are logged unless a test says otherwise."""

    def __init__(self, watcher):
        self.watcher = watcher
        self.position = watcher.begin

    def step(self, *, logged=True):
        found = self.watcher.step(self.position)
        if logged:
            self.position = found.position
        return found

    def save(self):
        self.watcher.save_position(self.position)


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = time.time()

    def time(self):
        return self.now

    monotonic = time

    def sleep(self, seconds):
        self.now += seconds


def steps(watch):
    found = []
    for _ in range(50):
        found.append(watch.step())
        if found[-1].ended is not None:
            return found
    raise AssertionError(found)


def test_a_job_that_ends_well_has_no_reason(folder):
    ended = steps(watch_of(Scripted([RUNS, GOOD]), folder))[-1].ended
    assert (ended.exit_code, ended.reason, ended.seconds) == (0, None, 5.0)


def test_the_handle_is_on_file_as_soon_as_the_container_is_started(folder):
    watch_of(Scripted(), folder).step()
    assert read_record(folder).handle == {"name": "pod-1"}


def test_a_start_that_went_unanswered_is_repeated_with_the_same_attempt(folder):
    platform = Scripted(starts=[PlatformUnavailableError("no answer")])
    steps(watch_of(platform, folder))
    assert len(platform.attempts) == 2
    assert len(set(platform.attempts)) == 1


def test_no_room_is_waited_for_and_said_once(folder):
    platform = Scripted(starts=[JobNotYetError("3 of 3 used", reason="QuotaExceeded")] * 3)
    found = steps(watch_of(platform, folder))
    assert [one.news for one in found if "Quota" in one.news] == ["waiting: QuotaExceeded: 3 of 3 used"]
    assert found[-1].ended.reason is None
    assert read_record(folder).refusals == 3


def test_no_room_for_longer_than_patience_ends_by_its_name(folder):
    watch_of(Scripted(), folder)
    record = dataclasses.replace(read_record(folder), asked_at=0.0)
    platform = Scripted(starts=[JobNotYetError("full", reason="QuotaExceeded")])
    (step,) = steps(watch_of(platform, folder, record=record, queue_timeout_s=5))
    assert (step.ended.reason, step.ended.retryable) == ("QuotaExceeded", True)


def test_a_refused_question_about_a_container_that_runs_is_an_outage_and_no_end(folder):
    platform = Scripted([RUNS, JobRefusedError("no such connection"), RUNS, GOOD])
    found = steps(watch_of(platform, folder))
    assert found[-1].ended.reason is None
    assert any("no such connection; asking again" in one.news for one in found)
    assert len(platform.attempts) == 1


@pytest.mark.parametrize(
    "refusal", [JobRefusedError("no right", reason="Forbidden"), JobNotYetError("3 of 3 used", reason="QuotaExceeded")]
)
def test_a_refusal_after_a_start_without_an_answer_finds_the_container_that_started(folder, refusal):
    platform = Scripted(starts=[PlatformUnavailableError("lost reply"), refusal])
    found = steps(watch_of(platform, folder))
    assert found[-1].ended.reason is None
    assert read_record(folder).handle == {"name": platform.attempts[0]}


def test_a_later_try_does_not_take_a_refusal_for_the_end_of_a_start_without_an_answer(folder):
    first = Scripted(starts=[PlatformUnavailableError("lost reply")])
    watch_of(first, folder).step()
    assert read_record(folder).unsure
    later = Scripted(starts=[JobRefusedError("no right", reason="Forbidden")])
    later.attempts = list(first.attempts)
    assert steps(watch_of(later, folder, try_number=2))[-1].ended.reason is None


def test_a_process_whose_try_was_replaced_neither_judges_nor_stops(folder):
    platform = Scripted([RUNS, ContainerStatus(State.GONE)])
    watch = watch_of(platform, folder)
    watch.step()
    watch.step()
    dataclasses.replace(read_record(folder), held_by=2).save(folder)
    with pytest.raises(JobLostError, match="try 2 has adopted it"):
        watch.step()
    with pytest.raises(JobLostError, match="try 2 has adopted it"):
        watch.watcher.kill(Reason.KILLED, "by hand")
    assert (platform.stopped, platform.released) == ([], [])


@pytest.mark.parametrize(
    ("changes", "stopped"),
    [({"attempt": "other"}, ["pod-1"]), ({}, []), ({"closed": True}, ["pod-1"])],
    ids=["another attempt", "the same attempt, adopted", "judged"],
)
def test_a_container_of_an_attempt_that_was_replaced_while_it_was_started_is_stopped(folder, changes, stopped):
    platform = Scripted()

    def start_slowly(_order):
        dataclasses.replace(read_record(folder), held_by=2, **changes).save(folder)
        return {"name": "pod-1"}

    platform.start = start_slowly
    with pytest.raises(JobLostError, match="no longer holds"):
        watch_of(platform, folder).step()
    assert [one["name"] for one in platform.stopped] == stopped


def test_the_position_in_the_log_of_a_replaced_process_changes_no_record(folder):
    watch = watch_of(Scripted([RUNS], pages=[LogPage(["a"], "1")]), folder)
    watch.step()
    watch.step()
    later = dataclasses.replace(read_record(folder), held_by=2)
    later.save(folder)
    watch.save()
    assert read_record(folder) == later


def test_two_processes_of_one_try_follow_the_container_that_was_started_last(folder):
    evicted = ContainerStatus(State.ENDED, "Preempted", exit_code=143, started_at=1.0)
    platform = Scripted([RUNS, RUNS, evicted, evicted])
    first = watch_of(platform, folder)
    first.step()
    second = watch_of(platform, folder)
    for watch in (first, second, first, second):
        watch.step()
    assert len(platform.attempts) == 1, "the first has taken away what was evicted"
    first.step()
    assert len(platform.attempts) == 2
    assert second.watcher.record.attempt == first.watcher.record.attempt
    assert steps(second)[-1].ended.reason is None
    assert len(platform.attempts) == 2


def test_what_is_refused_is_not_tried_again(folder):
    (step,) = steps(watch_of(Scripted(starts=[JobRefusedError("no right", reason="Forbidden")]), folder))
    assert (step.ended.reason, step.ended.retryable, step.ended.detail) == ("Forbidden", False, "no right")


def test_a_start_without_hope_is_stopped_at_once_and_not_tried_again(folder):
    platform = Scripted(
        [ContainerStatus(State.STARTING, "ImagePull", "not found", hopeless=True), ContainerStatus(State.GONE)]
    )
    ended = steps(watch_of(platform, folder))[-1].ended
    assert (ended.reason, ended.retryable) == ("ImagePull", False)
    assert platform.stopped == [{"name": "pod-1"}]
    assert len(platform.looks) == 1, "the removal of what never began is not waited for"


def test_a_job_above_its_time_is_stopped_and_the_rest_of_its_log_read(folder):
    pages = [LogPage(["a"], "1"), LogPage(["last words"], "2")]
    platform = Scripted([RUNS, ContainerStatus(State.ENDED, exit_code=75, started_at=1.0)], pages=pages)
    found = steps(watch_of(platform, folder, timeout_s=1))
    assert platform.stopped == [{"name": "pod-1"}]
    assert found[-1].ended.reason == "DeadlineExceeded"
    assert [line for one in found for line in one.lines] == ["a", "last words"]


def test_a_job_that_ends_well_while_it_is_stopped_has_ended_well(folder):
    assert steps(watch_of(Scripted([RUNS, GOOD]), folder, timeout_s=1))[-1].ended.reason is None


def test_an_interrupted_container_is_started_again_with_another_attempt(folder):
    taken = ContainerStatus(State.ENDED, "Preempted", "by another.", exit_code=-15, started_at=1.0)
    platform = Scripted([RUNS, taken])
    found = steps(watch_of(platform, folder))
    assert found[-1].ended.reason is None
    assert len(set(platform.attempts)) == 2
    assert platform.released == [{"name": "pod-1"}]
    assert folder.read_request().attempt == platform.attempts[1]


def test_restarts_are_counted(folder):
    taken = ContainerStatus(State.GONE, "Preempted", "by another.")
    ended = steps(watch_of(Scripted([taken] * 9), folder, restarts=2))[-1].ended
    assert ended.reason == "Preempted"
    assert read_record(folder).restarts == 2


def test_an_interruption_that_would_happen_again_does_not_start_again(folder):
    taken = ContainerStatus(State.ENDED, "Preempted", "again and again", hopeless=True)
    platform = Scripted([taken])
    assert steps(watch_of(platform, folder))[-1].ended.retryable is False
    assert len(platform.attempts) == 1


def test_a_container_that_is_gone_is_lost(folder):
    assert steps(watch_of(Scripted([ContainerStatus(State.GONE)]), folder))[-1].ended.reason == Reason.LOST


def test_a_platform_that_does_not_answer_is_asked_again(folder):
    platform = Scripted([PlatformUnavailableError("refused"), PlatformUnavailableError("refused"), RUNS])
    found = steps(watch_of(platform, folder))
    assert sum("asking again" in one.news for one in found) == 1
    assert found[-1].ended.reason is None


def test_a_platform_that_does_not_answer_for_too_long_leaves_the_container_to_the_next_try(folder):
    clock = Clock()
    watch = watch_of(Scripted([PlatformUnavailableError("refused")] * 9), folder, clock=clock, patience_s=60)
    watch.step()
    watch.step()
    clock.now += 61
    with pytest.raises(PlatformUnavailableError):
        watch.step()
    assert not read_record(folder).closed


def test_lines_that_were_not_logged_come_again_to_the_next_process(folder):
    pages = [LogPage(["a"], "1"), LogPage(["b"], "2")]
    first = watch_of(Scripted([RUNS] * 9, pages=pages), folder)
    first.step()
    assert first.step().lines == ["a"]
    assert first.step(logged=False).lines == ["b"]
    first.save()  # its driver was cancelled before it could log b
    platform = Scripted([RUNS] * 9)
    watch_of(platform, folder).step()
    assert platform.cursors == ["1"]


def test_lines_that_were_not_logged_come_again_to_the_same_process(folder):
    platform = Scripted([RUNS] * 9, pages=[LogPage(["a"], "1"), LogPage(["a"], "1")])
    watch = watch_of(platform, folder)
    watch.step()
    assert watch.step(logged=False).lines == watch.step().lines == ["a"]
    watch.step()
    assert platform.cursors == ["", "", "1"]


def test_another_try_has_the_log_from_its_beginning(folder):
    first = watch_of(Scripted([RUNS] * 9, pages=[LogPage(["a"], "1")]), folder)
    first.step()
    first.step()
    first.save()
    platform = Scripted([RUNS])
    watch_of(platform, folder, try_number=2).step()
    assert platform.cursors == [""]


def test_lines_read_before_a_stop_that_got_no_answer_are_not_lost(folder):
    platform = Scripted([RUNS, RUNS], pages=[LogPage(["a"], "1"), LogPage(["a"], "1")])
    watch = watch_of(platform, folder, timeout_s=1)
    watch.step()
    platform.stop = lambda *_: (_ for _ in ()).throw(PlatformUnavailableError("no"))
    assert watch.step().lines == []
    assert watch.step().lines == []
    assert platform.cursors == ["", ""]


def test_a_log_that_cannot_be_read_fails_no_job_and_names_the_worker_s_own(folder):
    clock = Clock()
    platform = Scripted([RUNS, RUNS, GOOD], pages=[LogPage(["a"], "1")] + [PlatformUnavailableError("500")] * 10**4)
    watch = watch_of(platform, folder, clock=clock)
    found = []
    while not found or found[-1].ended is None:
        found.append(watch.step())
        clock.now += 0.5
    assert found[-1].ended.reason is None
    assert found[-1].ended.exit_code == 0
    lines = [line for one in found for line in one.lines]
    assert lines[0] == "a"
    assert lines[1].startswith("(the rest of the log could not be read: 500; the worker's own log is file://")
    assert sum("the log cannot be read: 500" in one.news for one in found) == 1
    assert len(lines) == 2


def test_a_log_that_is_readable_again_is_read_from_where_it_was(folder, monkeypatch):
    monkeypatch.setattr("radiant.operators.log_reads._LOG_PAUSE_S", 0.0)
    platform = Scripted([RUNS] * 3, pages=[LogPage(["a"], "1"), PlatformUnavailableError("500"), LogPage(["b"], "2")])
    found = steps(watch_of(platform, folder))
    assert [line for one in found for line in one.lines] == ["a", "b"]
    assert platform.cursors[:3] == ["", "1", "1"]


def test_a_long_log_is_read_without_a_look_for_each_page(folder):
    pages = [LogPage([f"line {n}"], str(n), more=n < 20) for n in range(1, 21)]
    platform = Scripted([RUNS] * 2, pages=pages)
    found = steps(watch_of(platform, folder, look_s=60))
    assert [line for one in found for line in one.lines] == [f"line {n}" for n in range(1, 21)]
    assert len(platform.looks) == 0


def test_a_release_that_fails_is_tried_again_and_what_stays_is_reported(folder, monkeypatch):
    monkeypatch.setattr("radiant.operators.container_record._RELEASE_PAUSES_S", (0.0, 0.0))
    watch_of(Scripted(), folder).step()
    record, calls = read_record(folder), []

    def release(handle):
        calls.append(handle)
        if len(calls) < times:
            msg = "503"
            raise PlatformUnavailableError(msg)

    platform = Scripted()
    platform.release = release
    times = 3
    assert close_container(platform, folder, record) == ""
    assert len(calls) == 3
    times = 99
    assert "pod pod-1 could not be removed" in close_container(platform, folder, record)
    assert read_record(folder).closed


def test_the_limit_that_the_container_had_is_the_one_that_is_reported(folder):
    look = dataclasses.replace(GOOD, exit_code=-9, reason="OutOfMemory", memory_limit_mib=100)
    ended = steps(watch_of(Scripted([look]), folder))[-1].ended
    assert (ended.memory_limit_mib, ended.memory_asked_mib) == (100, 512)


def test_a_finished_container_is_removed_after_its_end_is_stored(folder):
    platform = Scripted([GOOD])
    watch = watch_of(platform, folder)
    ended = steps(watch)[-1].ended
    stored = []
    platform.release = lambda handle: stored.append((handle, read_record(folder).ended))
    assert watch.watcher.finish(watch.position, ended)
    assert stored == [({"name": "pod-1"}, ended)]
    assert not read_record(folder).closed


def test_a_container_that_cannot_be_removed_is_left_to_whatever_judges_its_end(folder, monkeypatch):
    monkeypatch.setattr("radiant.operators.container_record._RELEASE_PAUSES_S", ())
    platform = Scripted([GOOD])
    watch = watch_of(platform, folder)
    ended = steps(watch)[-1].ended

    def release(_handle):
        msg = "503"
        raise PlatformUnavailableError(msg)

    platform.release = release
    assert not watch.watcher.finish(watch.position, ended)
    assert read_record(folder).ended is not None


def test_a_try_that_lost_its_container_stores_and_removes_nothing(folder):
    platform = Scripted([GOOD])
    watch = watch_of(platform, folder)
    ended = steps(watch)[-1].ended
    dataclasses.replace(read_record(folder), held_by=2).save(folder)
    assert not watch.watcher.finish(watch.position, ended)
    assert read_record(folder).ended is None
    assert platform.released == []


def test_a_second_process_of_the_try_takes_the_stored_end_of_a_removed_container(folder):
    platform = Scripted([GOOD])
    watch = watch_of(platform, folder)
    ended = steps(watch)[-1].ended
    before = read_record(folder)
    watch.watcher.finish(watch.position, ended)
    second = Watcher(Scripted([ContainerStatus(State.GONE)]), watch.watcher._run, before)
    assert steps(Driver(second))[-1].ended == ended


def test_a_kill_stops_closes_and_says_who(folder):
    platform = Scripted([RUNS])
    watch = watch_of(platform, folder)
    watch.step()
    ended = watch.watcher.kill(Reason.KILLED, "a person")
    assert (ended.reason, ended.exit_code) == (Reason.KILLED, None)
    assert platform.stopped == platform.released == [{"name": "pod-1"}]
    assert read_record(folder).closed


def test_a_kill_that_takes_long_closes_no_container_of_a_later_try(folder):
    platform = Scripted([RUNS])
    watch = watch_of(platform, folder)
    watch.step()
    later = dataclasses.replace(read_record(folder), held_by=2, attempt="of-try-2", handle={"name": "pod-2"})
    platform.stop = lambda _handle, _reason: later.save(folder)
    with pytest.raises(JobLostError, match="try 2 has adopted it"):
        watch.watcher.kill(Reason.KILLED, "a person")
    assert read_record(folder) == later


def test_a_kill_finds_what_a_start_without_an_answer_left(folder):
    platform = Scripted(starts=[PlatformUnavailableError("no answer")])
    watch = watch_of(platform, folder)
    watch.step()
    watch.watcher.kill(Reason.KILLED, "a person")
    assert platform.stopped == [{"name": platform.attempts[0]}]


def test_only_what_wants_the_same_is_adopted(folder):
    watch_of(Scripted(), folder).step()
    record, stored = read_record(folder), folder.read_request()
    same = new_request(POC, {}, folder, memory_mib=512, image=None)
    other = new_request(POC, {"case_id": 2}, folder, memory_mib=512, image=None)
    assert may_adopt(record, stored, same, "kubernetes")
    assert not may_adopt(record, stored, other, "kubernetes")
    assert not may_adopt(record, stored, same, "ecs")
    assert not may_adopt(dataclasses.replace(record, closed=True), stored, same, "kubernetes")
    assert not may_adopt(dataclasses.replace(record, attempt="another"), stored, same, "kubernetes")


LIMITS = Limits(
    ContainerGroup(queue_timeout_s=100, start_timeout_s=50, patience_s=60, restarts=1),
    timeout_s=1000,
    timeout_reason="DeadlineExceeded",
    noun="pod",
    interruptions=frozenset({"Preempted"}),
)
NOW = 10_000.0


def state_of(folder, **changes):
    request = new_request(POC, {}, folder, memory_mib=512, image=None)
    return WatchState(dataclasses.replace(new_record(request, "kubernetes", 1), asked_at=NOW, **changes))


@pytest.mark.parametrize(
    ("after_s", "status", "action", "reason"),
    [
        (100, ContainerStatus(State.WAITING, "Unschedulable"), Action.WAIT, None),
        (101, ContainerStatus(State.WAITING, "Unschedulable"), Action.STOP_AND_END, "Unschedulable"),
        (101, ContainerStatus(State.WAITING), Action.STOP_AND_END, "StartTimeout"),
        (50, ContainerStatus(State.STARTING), Action.WAIT, None),
        (51, ContainerStatus(State.STARTING), Action.STOP_AND_END, "StartTimeout"),
        (0, ContainerStatus(State.STARTING, "ImagePull", hopeless=True), Action.STOP_AND_END, "ImagePull"),
        (1000, ContainerStatus(State.RUNNING, started_at=NOW), Action.WAIT, None),
        (1001, ContainerStatus(State.RUNNING, started_at=NOW), Action.STOP, "DeadlineExceeded"),
        (9999, ContainerStatus(State.RUNNING), Action.WAIT, None),
        (9999, ContainerStatus(State.ENDED, exit_code=0), Action.END, None),
        (0, ContainerStatus(State.ENDED, "NoCapacity"), Action.START_AGAIN, None),
        (101, ContainerStatus(State.ENDED, "NoCapacity"), Action.END, "NoCapacity"),
        (0, ContainerStatus(State.GONE, "Preempted"), Action.START_AGAIN, None),
        (0, ContainerStatus(State.GONE, "Preempted", hopeless=True), Action.END, None),
    ],
)
def test_an_action_follows_from_status_and_time_alone(folder, after_s, status, action, reason):
    state = state_of(folder, starting_since=NOW)
    found = decide(state, status, LogProgress(), NOW + after_s, LIMITS)
    assert found == decide(state, status, LogProgress(), NOW + after_s, LIMITS)
    assert found.action is action
    assert (None if found.state.stopping is None else found.state.stopping.reason) == reason


def test_the_start_is_counted_from_the_first_look_that_shows_it(folder):
    found = decide(state_of(folder), ContainerStatus(State.STARTING), LogProgress(), NOW + 7, LIMITS)
    assert found.state.record.starting_since == NOW + 7


def test_a_container_that_does_not_stop_is_given_up_after_its_time(folder):
    state = decide(state_of(folder), ContainerStatus(State.RUNNING, started_at=0.0), LogProgress(), NOW, LIMITS).state
    for after_s, action in ((150, Action.WAIT), (151, Action.END)):
        assert decide(state, ContainerStatus(State.RUNNING), LogProgress(), NOW + after_s, LIMITS).action is action


def test_the_end_waits_for_the_rest_of_the_log(folder):
    found = decide(state_of(folder), GOOD, LogProgress(lines=True, more=True), NOW, LIMITS)
    assert (found.action, found.pause_s) == (Action.WAIT, 0.0)


def test_restarts_end_with_their_number(folder):
    status = ContainerStatus(State.GONE, "Preempted")
    found = decide(state_of(folder), status, LogProgress(), NOW + 5, LIMITS)
    assert (found.state.record.restarts, found.state.record.asked_at) == (1, NOW + 5)
    assert decide(found.state, status, LogProgress(), NOW + 6, LIMITS).action is Action.END


def test_an_unanswered_platform_is_reported_once_and_given_up_after_patience(folder):
    first = decide_unanswered(state_of(folder), "503", NOW, LIMITS)
    assert first.news == "503; asking again, the pod goes on"
    second = decide_unanswered(first.state, "503", NOW + 60, LIMITS)
    assert (second.action, second.news) == (Action.WAIT, "")
    assert decide_unanswered(second.state, "503", NOW + 61, LIMITS).action is Action.GIVE_UP
