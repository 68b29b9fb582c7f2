"""What every backend promises; a new one joins `backends.BACKENDS` and must pass all of it."""

import dataclasses
import fcntl
import inspect
import itertools
import time
from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from backends import BACKENDS, airflow_context
from radiant import storage
from radiant.costs.sizing import Observation
from radiant.errors import JobFailedError, JobLostError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.jobs.codec import encode
from radiant.jobs.documents import Result, Status, decode_request, read_job_summary
from radiant.jobs.import_history import ImportHistory, encode_history, history_uri
from radiant.settings import load_settings


@pytest.fixture
def backend(request, tmp_path, monkeypatch):
    kind = BACKENDS[request.param]
    ground = request.getfixturevalue(kind.ground) if kind.ground else None
    return kind(tmp_path, monkeypatch, ground)


def pytest_generate_tests(metafunc):
    """Every test runs on every backend, those of a worker's death where a task waits in a worker."""
    here = [
        name for name, kind in BACKENDS.items() if not (kind.deferrable and "drained" in metafunc.function.__name__)
    ]
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", here, indirect=True)


@pytest.fixture
def context():
    return airflow_context()


def next_try(context):
    return airflow_context(try_number=context["ti"].try_number + 1)


OOM = """
x = bytearray((request["memory_mib"] + 40) << 20)
time.sleep(600)
"""
HELD = """
import fcntl
held = open(f"{request_uri.removeprefix('file://')}.held", "w")
fcntl.flock(held, fcntl.LOCK_EX)
"""
"""A job that holds a lock until it ends."""
ANSWERS_WHEN_STOPPED = """
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
while not asked:
    time.sleep(0.05)
answer()
"""


def test_a_good_job_is_green_and_its_answer_is_the_xcom(backend, context):
    found = backend.run("answer({'case_id': 17}, rows={'variant': 5})", context=context)
    assert (found["status"], found["output"], found["rows"]) == ("succeeded", {"case_id": 17}, {"variant": 5})
    assert (found["radiant_version"], found["memory_limit_mib"]) == ("9.9", IMPORT_CASE.resources.memory_mib)


def test_the_job_gets_the_request_and_its_limits(backend, context):
    found = backend.run("answer([job, request['arguments'], request['memory_mib'], request['cpu']])", context=context)
    assert found["output"] == ["import-case", {"case_id": 17}, 2048, 2]


def test_every_line_of_the_job_is_in_the_log_of_the_task(backend, context, capfd):
    body = "print('to out', flush=True)\nprint('to err', file=sys.stderr, flush=True)\nanswer()"
    backend.run(body, context=context)
    log = capfd.readouterr().out
    assert "to out" in log
    assert "to err" in log


def test_bad_input_is_never_tried_again(backend, context):
    with pytest.raises(AirflowFailException, match="VcfFormat: line 17: POS is 0"):
        backend.run("fail('VcfFormat', 'line 17: POS is 0', False, 65)", context=context)


@pytest.mark.parametrize(("code", "exit_code"), [("Bug", 70), ("Config", 78)])
def test_what_another_try_cannot_change_is_never_tried_again(backend, context, code, exit_code):
    with pytest.raises(AirflowFailException, match=code):
        backend.run(f"fail('{code}', 'why', False, {exit_code})", context=context)


def test_a_transient_failure_is_tried_again(backend, context):
    with pytest.raises(JobFailedError, match="Storage: disk full") as raised:
        backend.run("fail('Storage', 'disk full', True, 75)", context=context)
    assert (raised.value.job_code, raised.value.job_retryable) == ("Storage", True)


def test_a_failure_leaves_its_summary_as_xcom(backend, context):
    with pytest.raises(AirflowFailException):
        backend.run("fail('VcfFormat', 'line 17', False, 65)", context=context)
    pushed = context["ti"].pushed["return_value"]
    assert (pushed["status"], pushed["code"], pushed["reason"]) == ("failed", "VcfFormat", "line 17")


@pytest.mark.parametrize("body", ["pass", "os._exit(0)", "answer(attempt='another')"])
def test_exit_0_without_a_result_of_this_attempt_is_not_green(backend, context, body):
    with pytest.raises(JobLostError):
        backend.run(body, context=context)


@pytest.mark.parametrize("body", ["answer()\nos._exit(1)", "answer()\nos.kill(os.getpid(), signal.SIGKILL)"])
def test_a_good_result_with_a_bad_end_is_not_green(backend, context, body):
    with pytest.raises(JobLostError):
        backend.run(body, context=context)


def test_an_unreadable_result_is_not_green(backend, context):
    with pytest.raises(AirflowFailException, match="Protocol"):
        backend.run("open(result_uri.removeprefix('file://'), 'w').write('{')", context=context)


def test_a_good_result_of_an_earlier_try_cannot_make_this_one_green(backend, context):
    backend.run("answer()", context=context)
    with pytest.raises(JobLostError):
        backend.run("pass", context=next_try(context))
    assert backend.result(context).status is Status.LOST


def test_a_lost_job_gets_a_result_that_names_the_reason(backend, context):
    with pytest.raises(JobLostError):
        backend.run("os._exit(3)", context=context)
    found = backend.result(context)
    assert (found.status, found.failure.code, found.attempt) == (Status.LOST, "Lost", backend.request(context).attempt)
    assert "exit code 3" in found.failure.message


def test_the_last_lines_of_the_log_are_in_the_error(backend, context):
    with pytest.raises(JobLostError, match="the very last words"):
        backend.run("print('the very last words', flush=True)\nos._exit(3)", context=context)


def test_a_job_without_a_readable_request_is_known_by_its_exit_code(backend, context):
    with pytest.raises(AirflowFailException, match="Config"):
        backend.run("print('RADIANT_X is not a setting', flush=True)\nos._exit(78)", context=context)


def test_out_of_memory_is_named_and_the_next_try_gets_more(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB", "100")
    with pytest.raises(
        JobLostError, match=r"OutOfMemory: .*limit of 100 MiB.*RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB"
    ) as raised:
        backend.run(OOM, context=context)
    assert raised.value.reason == "OutOfMemory"
    assert backend.result(context).failure.code == "OutOfMemory"
    found = backend.run("answer(request['memory_mib'])", context=next_try(context))
    assert 150 <= found["output"] <= 300
    assert found["memory_limit_mib"] == found["output"]


def test_a_request_that_the_history_made_too_small_costs_one_try(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB", "600")
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__SIZING", "history")
    small = ImportHistory((Observation(1 << 20, 3, 5000, 100.0, 2.0, 3.0),) * 20)
    storage.write_bytes(history_uri(load_settings().effective_work_uri), encode_history(small))
    alike = {"vcf_bytes": 1 << 20, "samples": 3}
    with pytest.raises(JobLostError, match="OutOfMemory"):
        backend.run(f"assert request['memory_mib'] < 600{OOM}", context=context, more=alike)
    found = backend.run("answer(request['memory_mib'])", context=next_try(context), more=alike)
    assert found["output"] >= 600, "the next try has at least the request of the settings"


def test_other_failures_keep_the_memory(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB", "100")
    with pytest.raises(JobLostError):
        backend.run("os._exit(1)", context=context)
    assert backend.run("answer(request['memory_mib'])", context=next_try(context))["output"] == 100


def test_out_of_memory_at_the_cap_is_not_tried_again(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB", "100")
    monkeypatch.setenv("RADIANT_JOBS__MEMORY_CAP_MIB", "100")
    with pytest.raises(AirflowFailException, match="RADIANT_JOBS__MEMORY_CAP_MIB=100"):
        backend.run(OOM, context=context)


def require_end(backend):
    """Wait until the jobs that run `HELD` have ended; one that was stopped before it began left no lock."""
    until = time.monotonic() + 60
    for path in backend.folder.rglob("*.held"):
        with path.open() as lock:
            while not has_ended(lock):
                assert time.monotonic() < until, f"the job of {path} goes on"
                time.sleep(0.1)


def has_ended(lock):
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_a_job_above_its_time_is_stopped(backend, context, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__TIMEOUT_S", "1")
    with pytest.raises(JobLostError, match="RADIANT_JOBS__IMPORT_CASE__TIMEOUT_S") as raised:
        backend.run(f"{HELD}time.sleep(600)", context=context)
    assert raised.value.reason == backend.timeout_reason
    require_end(backend)


def test_a_killed_task_stops_its_job_and_is_not_green(backend):
    context = airflow_context(state="failed")
    with pytest.raises(JobLostError) as raised:
        backend.run(f"{HELD}time.sleep(600)\nanswer()", context=context, kill_after_s=1)
    assert raised.value.reason == "KilledByUser"
    require_end(backend)


def test_a_killed_task_is_not_green_even_when_its_job_still_succeeds(backend):
    context = airflow_context(state="restarting")
    with pytest.raises(JobLostError) as raised:
        backend.run(ANSWERS_WHEN_STOPPED, context=context, kill_after_s=1)
    assert raised.value.reason == "KilledByUser"
    assert backend.result(context).status is Status.LOST


def test_a_drained_worker_is_not_taken_for_a_person(backend, context):
    with pytest.raises(JobLostError) as raised:
        backend.run("time.sleep(600)\nanswer()", context=context, kill_after_s=1)
    assert raised.value.reason == "Drained"


def test_the_request_is_written_where_the_result_is(backend, context):
    backend.run("answer()", context=context)
    folder, request = backend.task_folder(context), backend.request(context)
    attempt = folder.attempt_uri(request.attempt)
    asked = Path(attempt.removeprefix("file://")) / "request.json"
    assert decode_request(asked.read_bytes(), str(asked)) == request
    outcome = folder.read_outcome(request.attempt)
    assert isinstance(outcome, Result)
    assert folder.read_result(request.attempt) == dataclasses.replace(outcome, tries=())  # the operator adds the tries
    assert [one.attempt for one in outcome.tries] == [request.attempt]
    assert (request.run_uri, request.task_uri) == (folder.run_uri, folder.uri)


def test_what_an_earlier_attempt_still_writes_is_never_this_one_s_result(backend, context):
    backend.run("answer('of the first')", context=context)
    first, folder = backend.request(context), backend.task_folder(context)
    with pytest.raises(JobLostError):
        backend.run("sys.exit(3)", context=next_try(context))
    second = backend.request(context)
    assert folder.argv("j", first.attempt)[5] != folder.argv("j", second.attempt)[5]
    late = dataclasses.replace(folder.read_outcome(first.attempt), attempt=second.attempt)
    storage.write_bytes(folder.argv("j", second.attempt)[5], encode(late))  # after it was given up
    assert backend.result(context).status is Status.LOST
    assert folder.read_outcome(first.attempt).status is Status.SUCCEEDED


def test_the_constructor_is_explicit(backend):
    parameters = inspect.signature(vars(backend.operator_class)["__init__"]).parameters
    assert list(parameters) == ["self", "job", "arguments", "airflow_kwargs"]


def test_a_mapped_task_has_the_job_s_retries_like_a_plain_one(backend, monkeypatch):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__RETRIES", "7")
    with DAG(dag_id="d", schedule=None):
        plain = backend.operator_class(task_id="plain", job="import-case", arguments={})
        mapped = backend.operator_class.partial(task_id="mapped", job="import-case").expand(arguments=[{"case_id": 1}])
    for name in ("retries", "retry_delay", "max_retry_delay", "retry_exponential_backoff", "max_active_tis_per_dag"):
        assert getattr(plain, name) == getattr(mapped, name), name
    assert mapped.retries == 7


def test_what_a_dag_says_is_stronger_than_the_job_s_defaults(backend):
    with DAG(dag_id="d", schedule=None):
        plain = backend.operator_class(task_id="plain", job="poc", arguments={}, retries=0)
        mapped = backend.operator_class.partial(task_id="mapped", job="poc", retries=0).expand(arguments=[{}])
    assert (plain.retries, mapped.retries) == (0, 0)


def test_arguments_are_templated_at_any_depth(backend):
    with DAG(dag_id="d", schedule=None, render_template_as_native_obj=True) as dag:
        operator = backend.operator_class(task_id="t", job="poc", arguments={"a": {"b": ["{{ part }}"]}})
    operator.render_template_fields({"part": 7}, dag.get_template_env())
    assert operator.arguments == {"a": {"b": [7]}}


def test_the_xcom_has_the_try_with_its_times_and_its_place(backend, context):
    before = time.time()
    found = read_job_summary(backend.run("answer()", context=context, more={"ready_at": before - 5}), "the XCom")
    (one,) = found.tries
    times = one.times
    assert (one.try_number, one.code, one.cpu, one.memory_limit_mib) == (1, None, 2, 2048)
    assert one.placement.backend == getattr(backend.operator_class, "backend", "local")
    passed = [before, times.asked_at, times.placed_at, times.started_at, times.ended_at, time.time()]
    exact_to_s = 1.01 if one.placement.backend == "kubernetes" else 0.01  # Kubernetes reports whole seconds
    assert all(earlier <= later + exact_to_s for earlier, later in itertools.pairwise(passed))
    assert 5 <= times.queued_s < 60
    assert backend.result(context).tries == found.tries


def test_the_time_since_which_a_task_could_start_is_no_argument_of_its_job(backend, context):
    found = backend.run("answer(sorted(request['arguments']))", context=context, more={"ready_at": 1.0, "x": 1})
    assert found["output"] == ["case_id", "x"]


def test_each_try_is_kept_and_the_next_one_counts_from_its_end(backend, context):
    with pytest.raises(JobFailedError):
        backend.run("fail('Storage', 'the store is away', True, 75)", context=context)
    found = read_job_summary(backend.run("answer()", context=next_try(context)), "the XCom")
    first, second = found.tries
    assert [(one.try_number, one.code) for one in found.tries] == [(1, "Storage"), (2, None)]
    assert first.attempt != second.attempt
    assert second.times.ready_at == first.times.ended_at
