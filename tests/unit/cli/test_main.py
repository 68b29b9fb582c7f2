"""How the command ends when something goes wrong."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from radiant.cli import main as command
from radiant.errors import EXIT_TRANSIENT, ConfigError


@pytest.fixture(autouse=True)
def handler():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_sigterm_ends_the_command_after_its_cleaning_up(monkeypatch):
    cleaned: list[bool] = []

    def wait():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            cleaned.append(True)

    monkeypatch.setattr(command, "app", wait)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 128 + signal.SIGTERM
    assert cleaned


@pytest.mark.parametrize(
    ("raised", "exit_code", "said"),
    [
        (ConfigError("no such setting"), 78, "error: no such setting\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 75, "error: [Errno 28] No space left on device"),
        (ZeroDivisionError("oops"), 70, "error: ZeroDivisionError: oops. This is a bug in radiant"),
    ],
)
def test_every_end_has_a_message_and_an_exit_code_of_the_contract(monkeypatch, capsys, raised, exit_code, said):
    def fail():
        raise raised

    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == exit_code
    assert said in capsys.readouterr().err


def test_the_command_starts_without_the_libraries_that_few_commands_need():
    heavy = "{'pyarrow', 'pyiceberg', 'sqlalchemy', 'duckdb', 'airflow', 'kubernetes', 'boto3'}"
    code = f"import sys, radiant.cli.main; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["cases", "list"], ["tables"], ["maintain"]])
def test_a_file_that_cannot_grow_is_named_and_asks_for_space(tmp_path, arguments):
    """By the kernel's limit for a file, which SQLite meets as it meets a full disk."""
    code = (
        "import resource, sys, radiant.cli.main as command; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); "
        f"sys.argv[1:] = {arguments}; command.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"RADIANT_HOME": str(tmp_path)},
    )
    assert ended.returncode == EXIT_TRANSIENT, ended.stderr
    assert "is its disk full? Free space" in ended.stderr
    assert str(tmp_path) in ended.stderr
