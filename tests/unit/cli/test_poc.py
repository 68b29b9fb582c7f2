"""`radiant poc` beside an Airflow of the test; with a real one it is in tests/cluster."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from job_xcoms import succeeded
from radiant.cli import poc, standalone
from radiant.cli.main import app
from radiant.errors import AirflowUnavailableError


class FakeAirflow:
    """Plays a script: each look at the run sees (state, try, lines of that try's log); an error is raised."""

    script = ()

    def __init__(self, *_, **__):
        type(self).last = self
        self.looks = iter(type(self).script)
        self.calls = []
        self.log_path = "standalone.log"
        self.password = "x"  # noqa: S105 - a stand-in's
        self.api = SimpleNamespace(
            url="http://airflow",
            unpause=lambda dag_id: self.calls.append(("unpause", dag_id)),
            trigger=lambda dag_id: self.calls.append(("trigger", dag_id)) or "run-1",
            run_state=self.run_state,
            task_instances=lambda *_: [SimpleNamespace(task_id="poc", try_number=self.now[1])],
            log_lines=self.log_lines,
            xcom=lambda *_: succeeded([1, 4, 9]) if self.now[0] == "success" else None,
        )

    def run_state(self, *_):
        found = next(self.looks)
        if isinstance(found, Exception):
            raise found
        self.now = found
        return found[0]

    def log_lines(self, *_, try_number):
        assert try_number == self.now[1]
        return self.now[2]

    def start(self):
        self.calls.append("start")

    def wait_until_ready(self):
        self.calls.append("ready")

    def check(self):
        self.calls.append("check")

    def stop(self):
        self.calls.append("stop")


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Run the command against a script."""

    def run(*script):
        monkeypatch.setattr(FakeAirflow, "script", script)
        monkeypatch.setattr(standalone, "Standalone", FakeAirflow)
        monkeypatch.setattr(poc, "_POLL_S", 0)
        monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
        result = CliRunner().invoke(app, ["poc"])
        assert FakeAirflow.last.calls[-1] == "stop", "Airflow was left behind"
        return result

    return run


def test_a_green_run_shows_every_line_once_and_the_answer(play):
    result = play(("queued", 0, []), ("running", 1, ["a"]), ("running", 1, ["a", "b"]), ("success", 1, ["a", "b", "c"]))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("  ")] == ["  a", "  b", "  c"]
    assert lines[-1] == "POC-ecs-k8s-operators: success, answer [1, 4, 9]"
    assert FakeAirflow.last.calls[:4] == [
        "start",
        "ready",
        ("unpause", "POC-ecs-k8s-operators"),
        ("trigger", "POC-ecs-k8s-operators"),
    ]


def test_a_failed_run_is_not_green(play):
    result = play(("running", 1, ["a"]), ("failed", 1, ["a", "QuotaExceeded"]))
    assert result.exit_code == 70
    assert "  QuotaExceeded" in result.stdout
    assert "failed, answer null" in result.stdout


def test_the_log_of_a_second_try_starts_again(play):
    result = play(("running", 1, ["a", "lost"]), ("running", 2, ["a"]), ("success", 2, ["a", "b"]))
    assert [line.strip() for line in result.stdout.splitlines() if line.startswith("  ")] == ["a", "lost", "a", "b"]


def test_an_airflow_that_is_silent_for_a_moment_is_asked_again(play):
    result = play(("running", 1, ["a"]), AirflowUnavailableError("busy"), ("success", 1, ["a"]))
    assert result.exit_code == 0
    assert "check" in FakeAirflow.last.calls


def test_an_airflow_that_stays_silent_ends_the_command(play, monkeypatch):
    monkeypatch.setattr(poc, "_PATIENCE_S", -1)
    result = play(AirflowUnavailableError("gone"))
    assert isinstance(result.exception, AirflowUnavailableError)


def test_a_line_that_arrives_in_front_of_others_is_shown_too(play):
    result = play(("running", 1, ["b", "c"]), ("success", 1, ["a", "b", "c", "c"]))
    assert [line for line in result.stdout.splitlines() if line.startswith("  ")] == ["  b", "  c", "  a", "  c"]


def test_a_line_of_the_log_does_not_control_the_terminal(play):
    result = play(("success", 1, ["a\x1b[2J"]))
    assert "  a\ufffd[2J" in result.stdout
    assert "\x1b" not in result.stdout
