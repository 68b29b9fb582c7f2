import pytest

from radiant.jobs.documents import Failure
from radiant.operators.retry import decide_retry, next_memory_mib


def decision(code, *, retryable=False, **facts):
    known = {"job": "import-case", "try_number": 1, "limit_mib": 2048, "peak_mib": None, "cap_mib": 30720}
    return decide_retry(Failure(code, "why", retryable, None), **(known | facts))


@pytest.mark.parametrize(
    "code", ["VcfFormat", "VcfTruncated", "SampleMismatch", "BadInput", "Bug", "Config", "Protocol"]
)
@pytest.mark.parametrize("try_number", [1, 2])
def test_what_another_try_cannot_change_is_never_tried_again(code, try_number):
    assert decision(code, try_number=try_number).retry is False


@pytest.mark.parametrize("code", ["Storage", "CommitConflict", "Lost", "KilledByUser", "Terminated"])
@pytest.mark.parametrize("try_number", [1, 2, 9])
def test_what_may_pass_is_always_tried_again_with_the_same_memory(code, try_number):
    found = decision(code, retryable=True, try_number=try_number)
    assert (found.retry, found.memory_mib) == (True, None)


def test_out_of_memory_grows_by_the_measured_peak_or_by_half():
    assert next_memory_mib(1000, None) == 1500
    assert next_memory_mib(1000, 1001) == 1500
    assert next_memory_mib(1000, 1200.5) == 1561
    assert decision("OutOfMemory", limit_mib=1000, peak_mib=1200.5).memory_mib == 1561


def test_a_lowered_limit_is_not_what_the_next_try_is_computed_from():
    found = decision("OutOfMemory", limit_mib=64, asked_mib=512)
    assert (found.retry, found.memory_mib) == (True, None)
    assert "512 MiB again" in found.hint
    assert decision("OutOfMemory", limit_mib=400, asked_mib=512).memory_mib == 600
    assert decision("OutOfMemory", limit_mib=1000, asked_mib=512).memory_mib == 1500, "a raised one is"


def test_memory_grows_up_to_the_cap_and_then_ends():
    assert decision("OutOfMemory", limit_mib=2000, cap_mib=2500).memory_mib == 2500
    found = decision("OutOfMemory", limit_mib=2500, cap_mib=2500, retryable=True)
    assert (found.retry, found.memory_mib) == (False, None)
    assert "RADIANT_JOBS__MEMORY_CAP_MIB=2500" in found.hint


def test_a_timeout_is_tried_once_more_only():
    assert [decision("Timeout", retryable=True, try_number=n).retry for n in (1, 2, 3)] == [True, False, False]


def test_hints_name_the_setting_of_the_job():
    assert "RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB" in decision("OutOfMemory").hint
    assert "RADIANT_JOBS__IMPORT_CASE__TIMEOUT_S" in decision("Timeout").hint
