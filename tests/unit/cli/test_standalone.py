import json
import stat
import sys

import pytest

from radiant.cli import standalone
from radiant.cli.home_lock import home_lock
from radiant.cli.standalone import Standalone, airflow_environment
from radiant.errors import AirflowUnavailableError, ConfigError
from radiant.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def fake_airflow(tmp_path, monkeypatch):
    """Write a program that takes Airflow's place."""

    def write(code):
        program = tmp_path / "bin" / "airflow"
        program.parent.mkdir()
        program.write_text(f"#!{sys.executable}\n{code}\n")
        program.chmod(0o755)
        monkeypatch.setattr(standalone.sysconfig, "get_path", lambda _: str(program.parent))

    return write


def environment(tmp_path):
    return airflow_environment(home=tmp_path, dags_folder=tmp_path / "dags", ports=(1, 2, 3), parallelism=4)


def test_all_three_ports_and_both_urls_are_those_given(tmp_path):
    values = environment(tmp_path)
    assert values["AIRFLOW__API__PORT"] == "1"
    assert values["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:1"
    assert values["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:1/execution/"
    assert values["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"] == "2"
    assert values["AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT"] == "3"


def test_only_this_machine_reaches_the_api(tmp_path):
    assert environment(tmp_path)["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_the_dag_bundle_is_the_folder(tmp_path):
    (bundle,) = json.loads(environment(tmp_path)["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert bundle["kwargs"]["path"] == str(tmp_path / "dags")


def test_a_home_in_use_is_refused_and_its_processes_live_on(settings, tmp_path):
    airflow = Standalone(settings, dags_folder=tmp_path)
    with home_lock(settings.home_path), pytest.raises(ConfigError, match="in use"), airflow:
        pass


def test_without_airflow_the_remedy_is_printed(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(standalone.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(ConfigError, match="make setup"):
        Standalone(settings, dags_folder=tmp_path).start()


def test_a_taken_port_that_was_asked_for_is_refused(settings, tmp_path, monkeypatch, fake_airflow):
    fake_airflow("")
    monkeypatch.setattr("radiant.cli.ports.is_free", lambda port: port != 24000)
    airflow = Standalone(settings, dags_folder=tmp_path, port=24000)
    with pytest.raises(ConfigError, match="24000 is taken"), airflow:
        pass
    with home_lock(settings.home_path):
        pass  # given back


def test_the_password_is_kept_and_only_the_owner_can_read_it(settings, tmp_path, fake_airflow):
    fake_airflow("import time; time.sleep(60)")
    found = []
    for _ in range(2):
        airflow = Standalone(settings, dags_folder=tmp_path)
        airflow.start()
        airflow.stop()
        found.append(airflow.password)
    path = settings.home_path / "airflow" / "passwords.json"
    assert found[0] == found[1] == json.loads(path.read_text())["admin"]
    assert len(found[0]) >= 16
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_airflow_that_ends_at_once_is_reported_with_its_last_words(settings, tmp_path, fake_airflow):
    fake_airflow("print('no such table'); raise SystemExit(3)")
    with (
        pytest.raises(AirflowUnavailableError, match=r"exit code 3.*standalone\.log:\n  no such table") as caught,
        Standalone(settings, dags_folder=tmp_path),
    ):
        pass
    assert caught.value.exit_code == 75


def test_the_log_of_the_run_before_is_kept(settings, tmp_path, fake_airflow):
    fake_airflow("print('words')")
    for _ in range(2):
        airflow = Standalone(settings, dags_folder=tmp_path)
        with pytest.raises(AirflowUnavailableError), airflow:
            pass
    assert (settings.home_path / "airflow" / "standalone.previous.log").read_text() == "words\n"


def test_what_a_killed_run_left_is_ended_before_the_next_starts(settings, tmp_path, fake_airflow):
    fake_airflow("import time; time.sleep(60)")
    killed = Standalone(settings, dags_folder=tmp_path)
    killed.start()
    left = killed._process
    killed._open.close()  # the kernel gives the lock back when the process dies
    after = Standalone(settings, dags_folder=tmp_path)
    try:
        after.start()
        assert left is not None
        assert left.wait(5) < 0
    finally:
        after.stop()


def test_stopping_twice_or_without_a_start_is_fine(settings, tmp_path):
    airflow = Standalone(settings, dags_folder=tmp_path)
    airflow.stop()
    airflow.stop()
    with pytest.raises(AirflowUnavailableError, match="not started"):
        _ = airflow.api
