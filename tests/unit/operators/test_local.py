import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from backends import LocalBackend, execute
from radiant.errors import ConfigError, JobLostError
from radiant.operators import local
from radiant.operators.backend import job_operator
from radiant.operators.local import LocalJobOperator, executable
from radiant.operators.process import PROCESS_RECORD, ProcessRecord, start_time


@pytest.fixture
def backend(tmp_path, monkeypatch):
    return LocalBackend(tmp_path, monkeypatch)


def test_the_worker_is_the_one_installed_with_this_interpreter_whatever_path_says(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert executable("radiant-worker") == Path(sys.executable).parent / "radiant-worker"


def test_a_missing_worker_is_a_setting_to_correct(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ConfigError, match="radiant\\[airflow,worker\\]"):
        executable("radiant-worker")


def test_a_missing_worker_is_not_tried_again(context, monkeypatch, tmp_path):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(AirflowFailException, match="install radiant"):
        execute(LocalJobOperator(task_id="t", job="poc", arguments={}), context)


def test_a_process_of_an_earlier_try_is_killed_first(backend, context):
    stray = subprocess.Popen(["sleep", "600"], start_new_session=True)
    record = ProcessRecord(local.socket.gethostname(), stray.pid, start_time(stray.pid))
    backend.task_folder(context).write_document(PROCESS_RECORD, record)
    backend.run("answer()", context=context)
    assert start_time(stray.pid) is None
    stray.wait()


@pytest.mark.parametrize("change", [{"host": "another"}, {"started": 1.0}, {"started": None}])
def test_a_process_that_is_no_earlier_try_is_left_alone(backend, context, change):
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = ProcessRecord(local.socket.gethostname(), other.pid, start_time(other.pid))
        backend.task_folder(context).write_document(PROCESS_RECORD, dataclasses.replace(record, **change))
        backend.run("answer()", context=context)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(("cores", "gib", "at_once"), [(2, 16, 1), (8, 64, 4), (8, 5, 2), (1, 1, 1)])
def test_as_many_imports_at_once_as_the_machine_holds(monkeypatch, cores, gib, at_once):
    monkeypatch.setattr(local, "_cores", lambda: cores)
    monkeypatch.setattr(local.psutil, "virtual_memory", type("Memory", (), {"total": gib << 30}))
    assert LocalJobOperator.airflow_defaults("import-case")["max_active_tis_per_dag"] == at_once


def test_the_chosen_backend_is_the_setting_s(monkeypatch):
    monkeypatch.setenv("RADIANT_BACKEND", "local")
    assert job_operator() is LocalJobOperator


def test_choosing_a_backend_imports_no_airflow_before_and_no_other_backend():
    code = (
        "import sys, radiant.operators, radiant.operators.backend as b, radiant.provider_info\n"
        "assert not any(m == 'airflow' or m.startswith('airflow.') for m in sys.modules)\n"
        "b.job_operator()\n"
        "other = ('kubernetes.', 'boto', 'airflow.providers.amazon.aws', 'airflow.providers.cncf.kubernetes.op')\n"
        "assert not [m for m in sys.modules if m.startswith(other)]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_empty_record_of_an_earlier_try_changes_nothing(backend, context):
    path = Path(backend.task_folder(context).uri.removeprefix("file://"))
    path.mkdir(parents=True)
    (path / "process.json").write_text("")
    (path / "memory.json").write_text("{")
    assert backend.run("answer()", context=context)["status"] == "succeeded"


def test_the_job_dies_with_an_exception_in_the_task(backend, context, monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(local, "start_time", broken)
    with pytest.raises(ZeroDivisionError):
        backend.run("time.sleep(600)", context=context)


def test_a_second_run_of_the_same_task_starts_afresh(backend, context):
    with pytest.raises(JobLostError):
        backend.run("os._exit(1)", context=context)
    first = backend.request(context).attempt
    backend.run("answer()", context=context)
    assert backend.request(context).attempt == backend.result(context).attempt != first


def test_a_line_keeps_the_level_that_the_worker_gave_it(monkeypatch):
    seen = []
    log = type("Log", (), {"log": lambda _self, level, _form, line: seen.append((level, line))})()
    monkeypatch.setattr(LocalJobOperator, "log", log)
    operator = LocalJobOperator(task_id="t", job="poc", arguments={})
    operator.log_line("2026-01-01 10:00:00,000 WARNING odd")
    operator.log_line("2026-01-01 10:00:00,000 INFO WARNING is a word")
    operator.log_line("Traceback")
    assert [level for level, _ in seen] == [30, 20, 20]


def test_a_misspelt_setting_is_not_tried_again(context, monkeypatch):
    operator = LocalJobOperator(task_id="t", job="poc", arguments={})
    monkeypatch.setenv("RADIANT_HOMW", "x")
    with pytest.raises(AirflowFailException, match="RADIANT_HOMW"):
        execute(operator, context)
