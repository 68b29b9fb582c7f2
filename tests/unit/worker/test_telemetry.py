"""What a worker exports: to a real receiver of OTLP, from a process of its own."""

import datetime as dt
import os
import subprocess
import sys
import time

import pytest

from otlp_receiver import otlp_receiver
from radiant import storage
from radiant.domain.case import WaitingCases
from radiant.jobs.codec import encode
from radiant.jobs.contracts import CommitOutput, FailedCase
from radiant.jobs.documents import Failure, Request, Result, Status, decode_result
from radiant.jobs.usage import JobTry, Placement, Times, Usage
from radiant.worker.metrics import (
    CASES,
    JOBS,
    METRICS,
    QUEUE,
    QUEUE_SINCE,
    SHARE,
    TRIES,
    WAITING,
    measurements,
)

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def begin(folder, environment, *, pause_s: object = 0, flags="01"):
    """Start the job `poc` as a worker does; its last line names the modules of OpenTelemetry that it loaded."""
    uri = storage.file_uri(folder)
    request = Request(
        "poc", "attempt-1", uri, {"pause_s": pause_s, "case_id": 105}, memory_mib=512,
        trace_context={"traceparent": f"00-{TRACE}-{PARENT}-{flags}"},
    )  # fmt: skip
    storage.write_bytes(f"{uri}/request.json", encode(request))
    program = (
        "import sys\nfrom radiant.worker.main import main\ntry:\n main(sys.argv[1:])\nfinally:\n"
        " print('loaded', sorted(name for name in sys.modules if name.startswith('opentelemetry')), file=sys.stderr)"
    )
    arguments = ["poc", "--request", f"{uri}/request.json", "--result", f"{uri}/result.json"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def work(folder, *, environment, **job):
    """Run the job `poc`; return its result and its end, with the modules of OpenTelemetry that it loaded."""
    with begin(folder, environment, **job) as process:
        output, errors = process.communicate()
    ended = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
    uri = storage.file_uri(folder)
    return decode_result(storage.read_bytes(f"{uri}/result.json"), uri), ended


def test_without_a_receiver_nothing_of_opentelemetry_is_loaded(tmp_path):
    _, ended = work(tmp_path, environment={})
    assert "loaded []" in ended.stderr


def test_the_sdk_can_be_disabled(tmp_path):
    with otlp_receiver() as receiver:
        _, ended = work(tmp_path, environment=receiver.environment | {"OTEL_SDK_DISABLED": "true"})
    assert "loaded []" in ended.stderr
    assert receiver.spans == []


def test_a_job_is_a_span_below_its_task_and_its_phases_are_below_it(tmp_path):
    with otlp_receiver() as receiver:
        result, ended = work(tmp_path, environment=receiver.environment)
    assert result.status is Status.SUCCEEDED, ended.stdout
    (job,) = receiver.named("radiant poc")
    assert (job.trace_id, job.parent_id, job.error) == (TRACE, PARENT, None)
    assert job.resource["service.name"] == "radiant-worker"
    wanted = {"radiant.job": "poc", "radiant.attempt": "attempt-1", "radiant.case": 105, "radiant.status": "succeeded"}
    assert wanted.items() <= job.attributes.items()
    (phase,) = receiver.named("radiant result")
    assert (phase.trace_id, phase.parent_id) == (TRACE, job.span_id)


def test_the_name_of_the_service_is_what_the_variable_says(tmp_path):
    with otlp_receiver() as receiver:
        work(tmp_path, environment=receiver.environment | {"OTEL_SERVICE_NAME": "clinic"})
    assert {one.resource["service.name"] for one in receiver.spans} == {"clinic"}


def test_a_task_that_is_not_sampled_has_no_spans_and_metrics_all_the_same(tmp_path):
    with otlp_receiver() as receiver:
        work(tmp_path, environment=receiver.environment, flags="00")
    assert receiver.spans == []
    assert receiver.points


def test_a_failed_job_exports_the_code_of_its_error_and_no_word_of_it(tmp_path):
    with otlp_receiver() as receiver:
        result, _ = work(tmp_path, environment=receiver.environment, pause_s="NA12878")
    assert "NA12878" in result.failure.message
    (job,) = receiver.named("radiant poc")
    assert (job.error, job.attributes["radiant.code"], job.events) == ("BadInput", "BadInput", 0)
    assert "NA12878" not in repr(receiver)
    (jobs,) = [labels for name, labels, _ in receiver.points if name == JOBS.name]
    assert jobs == {"job": "poc", "status": "failed", "code": "BadInput"}


def test_the_metrics_of_a_job_are_those_that_the_table_has(tmp_path):
    environment = {"OTEL_METRIC_EXPORT_INTERVAL": "200"}
    with otlp_receiver() as receiver, begin(tmp_path, receiver.environment | environment, pause_s=60) as process:
        until = time.monotonic() + 60
        while sum(name == "radiant.job.memory" for name, *_ in receiver.points) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        process.terminate()
        process.communicate()
    found = {name: labels for name, labels, _ in receiver.points}
    of_jobs = [one for one in METRICS if one.name.startswith("radiant.job")]
    assert set(found) == {one.name for one in of_jobs}
    for one in of_jobs:
        assert set(found[one.name]) == set(one.labels), one.name
        assert receiver.units[one.name] == one.unit
    assert set(receiver.deltas.values()) == {True}, "each process exports what it adds"
    memory = [value for name, _, value in receiver.points if name == "radiant.job.memory"]
    assert len(memory) > 2, "while the job runs"
    assert max(memory) > 10 << 20


def test_a_receiver_that_does_not_answer_costs_no_job(tmp_path):
    nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    result, ended = work(tmp_path, environment=nowhere)
    assert (result.status, ended.returncode) == (Status.SUCCEEDED, 0)


def test_without_the_packages_a_warning_names_them(tmp_path):
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "PYTHONPATH": str(tmp_path)}
    result, ended = work(tmp_path, environment=environment)
    assert result.status is Status.SUCCEEDED
    assert "install radiant[otel]" in ended.stdout


USAGE = Usage(wall_s=12.0, cpu_s=10.0, peak_memory_mib=400.0, bytes_read=5, bytes_written=6, records=7, rows=8)


def values(found):
    return {(one.metric.name, *sorted(one.labels.items())): one.value for one in found}


def a_try(code, *, spot=None, peak_mib=None, times=None):
    place = Placement("ecs", capacity="FARGATE_SPOT", spot=spot)
    return JobTry("a", 1, code, times or Times(), place, 2.0, 1000, peak_mib, None)


def test_a_commit_counts_the_outcomes_of_its_cases_by_reason():
    failed = (FailedCase(1, "VcfTruncated", "a name"), FailedCase(2, "OutOfMemory", "another"))
    output = CommitOutput(7, (), failed, (3, 4))
    found = values(measurements(Result("commit-part", "a", Status.SUCCEEDED), output))
    assert found[CASES.name, ("code", "VcfTruncated"), ("outcome", "failed")] == 1
    assert found[CASES.name, ("code", "OutOfMemory"), ("outcome", "failed")] == 1
    assert found[CASES.name, ("code", ""), ("outcome", "deleted")] == 2
    assert "name" not in repr(found).replace("radiant", "")


def test_a_try_that_was_killed_is_counted_with_its_delays_and_its_peak():
    killed = a_try("SpotInterrupted", spot=True, peak_mib=950.0, times=Times(10.0, 40.0, 100.0, 130.0, 200.0))
    found = values(measurements(Result("commit-part", "a", Status.SUCCEEDED), None, (killed,)))
    assert found[TRIES.name, ("backend", "ecs"), ("code", "SpotInterrupted"), ("spot", True)] == 1
    assert found[WAITING.name, ("backend", "ecs")] == 120
    assert found[SHARE.name, ("backend", "ecs")] == pytest.approx(0.95)


def test_the_queue_is_counted_with_the_time_since_which_its_first_case_waits():
    since = dt.datetime(2026, 11, 29, 10, tzinfo=dt.UTC)
    plan = Result("plan-import", "a", Status.SUCCEEDED)
    found = values(measurements(plan, None, (), WaitingCases(3, since)))
    assert (found[QUEUE.name,], found[QUEUE_SINCE.name,]) == (3, since.timestamp())
    found = values(measurements(plan, None, (), WaitingCases(0, None)))
    assert found[QUEUE.name,] == 0
    assert found[QUEUE_SINCE.name,] == pytest.approx(time.time(), abs=60)
    assert not {QUEUE.name, QUEUE_SINCE.name} & {name for name, *_ in values(measurements(plan, None))}


def test_what_a_platform_does_not_report_is_not_measured():
    found = values(measurements(Result("commit-part", "a", Status.SUCCEEDED), None, (a_try(None),)))
    assert {key[0] for key in found} == {JOBS.name, CASES.name, TRIES.name} - {CASES.name}


def test_a_job_that_failed_adds_what_it_used():
    result = Result(
        "import-case", "a", Status.FAILED, Failure("Storage", "s3", retryable=True, exit_code=75), usage=USAGE
    )
    found = values(measurements(result, None))
    assert found[JOBS.name, ("code", "Storage"), ("job", "import-case"), ("status", "failed")] == 1
    assert found["radiant.job.cpu", ("job", "import-case"), ("status", "failed")] == 10.0
