import dataclasses

import pytest

from radiant.errors import JobProtocolError
from radiant.jobs.documents import Failure, Request, Result, Status, Usage
from radiant.operators.ending import Ended, read_together, summary

REQUEST = Request(job="import-case", attempt="a1", run_uri="file:///w/r", radiant_version="1")
GOOD = Result(job="import-case", attempt="a1", status=Status.SUCCEEDED, output={"case_id": 1}, radiant_version="1")
REASON = Failure("VcfFormat", "line 3", retryable=False, exit_code=65)
BAD = dataclasses.replace(
    GOOD, status=Status.FAILED, output=None, failure=Failure("VcfFormat", "line 3", retryable=False, exit_code=65)
)


def ended(exit_code=0, reason=None, peak=10.0):
    return Ended(exit_code, reason, 2.34, 2048, peak, last_lines=("one", "two"))


def test_success_needs_exit_0_and_a_result_of_this_attempt():
    assert read_together(REQUEST, ended(0), GOOD) is GOOD


@pytest.mark.parametrize("exit_code", [1, 65, 75, -9, -11, None])
def test_a_good_result_with_another_exit_code_is_lost(exit_code):
    found = read_together(REQUEST, ended(exit_code), GOOD)
    assert (found.status, found.failure.code, found.failure.retryable) == (Status.LOST, "Lost", True)


def test_a_result_of_another_attempt_is_lost():
    found = read_together(REQUEST, ended(0), dataclasses.replace(GOOD, attempt="a0"))
    assert (found.status, found.failure.code, found.attempt) == (Status.LOST, "Lost", "a1")
    assert "of this attempt" in found.failure.message


def test_exit_0_without_a_result_is_lost():
    found = read_together(REQUEST, ended(0), None)
    assert (found.status, found.failure.retryable) == (Status.LOST, True)


def test_the_job_s_own_failure_is_kept():
    assert read_together(REQUEST, ended(65), BAD) is BAD


def test_a_failure_with_exit_0_is_lost():
    assert read_together(REQUEST, ended(0), BAD).status is Status.LOST


def test_a_success_that_carries_a_failure_is_lost():
    assert read_together(REQUEST, ended(0), dataclasses.replace(GOOD, failure=BAD.failure)).status is Status.LOST


@pytest.mark.parametrize("reason", ["OutOfMemory", "Timeout", "KilledByUser", "Evicted"])
def test_the_platform_s_reason_wins_over_any_result(reason):
    for result in (GOOD, BAD, None, JobProtocolError("x")):
        found = read_together(REQUEST, ended(0, reason), result)
        assert (found.status, found.failure.code, found.failure.retryable) == (Status.LOST, reason, True)


def test_out_of_memory_names_limit_and_peak():
    message = read_together(REQUEST, ended(-9, "OutOfMemory", 2101.4), None).failure.message
    assert "2048 MiB" in message
    assert "2101 MiB" in message


@pytest.mark.parametrize(
    ("exit_code", "code", "retryable"),
    [(65, "BadInput", False), (70, "Bug", False), (75, "Lost", True), (78, "Config", False), (2, "Config", False)],
)
def test_the_exit_code_speaks_for_a_job_that_could_not_read_its_request(exit_code, code, retryable):
    failure = read_together(REQUEST, ended(exit_code), None).failure
    assert (failure.code, failure.retryable) == (code, retryable)


def test_a_signal_is_named():
    assert "SIGSEGV" in read_together(REQUEST, ended(-11), None).failure.message


def test_an_unreadable_result_is_terminal():
    failure = read_together(REQUEST, ended(0), JobProtocolError("protocol 2")).failure
    assert (failure.code, failure.retryable) == ("Protocol", False)


def test_the_summary_is_small_and_plain():
    usage = Usage(wall_s=1, cpu_s=2.5, peak_memory_mib=77.0, bytes_read=1, bytes_written=2)
    found = summary(dataclasses.replace(GOOD, usage=usage, rows={"variant": 3}), ended())
    assert found == {
        "job": "import-case",
        "status": "succeeded",
        "output": {"case_id": 1},
        "rows": {"variant": 3},
        "seconds": 2.3,
        "cpu_s": 2.5,
        "peak_memory_mib": 77.0,
        "memory_limit_mib": 2048,
        "radiant_version": "1",
        "image": None,
    }
    assert type(found["status"]) is str


def test_the_summary_of_a_failure_says_why():
    found = summary(BAD, ended(65))
    assert (found["status"], found["code"], found["reason"]) == ("failed", "VcfFormat", "line 3")
    assert found["peak_memory_mib"] == 10.0
