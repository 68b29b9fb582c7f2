import os
import signal

import pytest
import typer
from typer.testing import CliRunner

from radiant.cli import run as module
from radiant.cli.run import find_dags, run
from radiant.errors import ConfigError, InputError

RUNNER = CliRunner()


@pytest.fixture
def app():
    app = typer.Typer()
    app.command()(run)
    return app


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_dags_of_the_checkout_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (find_dags(None) / "import_radiant.py").is_file()


def test_the_dags_of_the_current_folder_come_first(tmp_path, monkeypatch):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "import_radiant.py").touch()
    monkeypatch.chdir(tmp_path)
    assert find_dags(None) == tmp_path / "dags"


def test_a_given_folder_without_the_dags_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--dags"):
        find_dags(tmp_path)


def test_own_cases_and_demo_cases_do_not_mix(app):
    outcome = RUNNER.invoke(app, ["--sheet", "cases.csv", "--families", "3"])
    assert outcome.exit_code == 2


def test_a_missing_sheet_is_bad_input_before_airflow_starts(app, home):
    outcome = RUNNER.invoke(app, ["--once", "--sheet", str(home / "none.csv")])
    assert isinstance(outcome.exception, InputError)
    assert not (home / "airflow").exists()


def test_demo_cases_are_made_once_and_registered(monkeypatch, home):
    from rich.console import Console  # noqa: PLC0415

    from radiant.registry import Registry  # noqa: PLC0415
    from radiant.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    home.mkdir()
    registry = Registry(settings.effective_registry_url)
    monkeypatch.setattr(module, "_DEMO_RECORDS", 500)
    sheet = module._make_demo(settings, None, Console(quiet=True))
    made_at = (home / "demo" / "cases.csv").stat().st_mtime_ns
    module._register(registry, sheet, settings, Console(quiet=True))
    assert [record.case.case_id for record in registry.list_cases()] == [1, 2]
    assert module._make_demo(settings, None, Console(quiet=True)) == sheet
    assert (home / "demo" / "cases.csv").stat().st_mtime_ns == made_at


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_stop_signal_is_a_keyboard_interrupt_and_handlers_come_back(number):
    inherited = signal.signal(number, signal.default_int_handler)  # the tests themselves may run under nohup
    try:
        with module.stop_signals() as received:
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
            assert received == [number]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, inherited)


def test_under_nohup_a_closed_terminal_ends_nothing():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with module.stop_signals() as received:
            os.kill(os.getpid(), signal.SIGHUP)
        assert received == []
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("home", ["file", "file/below", "/proc/none"])
def test_a_home_that_cannot_be_made_names_the_setting(tmp_path, home):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"Set RADIANT_HOME to a folder that can be written"):
        module._make_home(tmp_path / home)
