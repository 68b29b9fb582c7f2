"""Request and result survive the crossing, or say which document is wrong."""

import json

import pytest

from radiant.errors import ConfigError, JobProtocolError
from radiant.jobs import documents
from radiant.jobs.catalogue import Argv, find_job
from radiant.jobs.codec import encode
from radiant.jobs.documents import Failure, Request, Result, Status, Usage
from radiant.jobs.usage import JobTry, MemorySource, Placement, Times


def test_a_request_comes_back_as_it_was_written():
    request = Request(job="poc", attempt="1", run_uri="file:///w", arguments={"é": [1, None]}, memory_mib=64)
    assert documents.decode_request(encode(request), "here") == request


def test_a_result_comes_back_as_it_was_written():
    result = Result(
        job="poc",
        attempt="1",
        status=Status.FAILED,
        failure=Failure("Bug", "why", retryable=False, exit_code=70),
        usage=Usage(1.0, 2.0, 3.0, 4, 5),
    )
    assert documents.decode_result(encode(result), "here") == result


def job_try(times: Times) -> JobTry:
    usage = Usage(1.0, 2.0, 3.0, 4, 5, memory_source=MemorySource.CGROUP2, records=7)
    return JobTry("1", 1, "SpotInterrupted", times, Placement("ecs", spot=True), 2.0, 2048, 3.5, usage)


def test_the_tries_of_an_outcome_and_of_a_summary_come_back_as_they_were_written():
    one = job_try(Times(1.0, 2.0, None, 3.0, 4.5))
    result = Result(job="poc", attempt="1", status=Status.SUCCEEDED, tries=(one,))
    assert documents.decode_result(encode(result), "here").tries == (one,)
    summary = documents.JobSummary("poc", Status.SUCCEEDED, None, {}, 1.0, 1.0, 1.0, 64, "1", None, tries=(one,))
    assert documents.read_job_summary(summary.to_xcom(), "here") == summary


def test_the_delays_of_a_try_follow_from_its_times_and_are_unknown_where_a_time_is():
    times = Times(ready_at=100.0, asked_at=103.0, placed_at=110.5, started_at=130.0, ended_at=131.0)
    assert (times.queued_s, times.waiting_s, times.starting_s, times.running_s) == (3.0, 7.5, 19.5, 1.0)
    unknown = Times(asked_at=103.0, started_at=130.0)
    assert (unknown.queued_s, unknown.waiting_s, unknown.starting_s, unknown.running_s) == (None, None, None, None)


def test_a_delay_between_clocks_that_differ_is_not_negative():
    assert Times(asked_at=103.2, placed_at=103.0).waiting_s == 0.0


@pytest.mark.parametrize("change", [{"protocol": 1}, {"status": "fine"}, {"colour": "red"}, {"usage": {"wall_s": 1}}])
def test_a_document_of_another_shape_is_refused_and_named(change):
    document = json.loads(encode(Result(job="poc", attempt="1", status=Status.SUCCEEDED))) | change
    with pytest.raises(JobProtocolError, match=r"file:///w/result\.json"):
        documents.decode_result(json.dumps(document).encode(), "file:///w/result.json")


def test_the_folder_of_a_task_instance_is_one_level_whatever_the_run_id():
    run = documents.run_uri("s3://b/work/", "import-vcf", "manual__2026-01-01T00:00:00+00:00/x")
    assert documents.task_uri(run, "import_case", 3).removeprefix("s3://b/work/").count("/") == 3
    assert documents.task_uri(run, "prepare").endswith("%2Fx/prepare")


def test_the_argv_is_the_same_everywhere():
    assert Argv("poc", "a", "b").render() == ["radiant-worker", "poc", "--request", "a", "--result", "b"]


def test_an_unknown_job_names_those_there_are():
    with pytest.raises(ConfigError, match="import-case"):
        find_job("import-cases")
