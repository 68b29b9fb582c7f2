"""`radiant setup` and `radiant doctor` without Airflow and without a platform; tests/cluster has the rest."""

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from radiant.cli import setup
from radiant.cli.main import app
from radiant.errors import EXIT_CONFIG


@pytest.fixture
def radiant(tmp_path, monkeypatch):
    """Return a function that runs a command with a home of its own: (exit code, output)."""
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))

    def run(*words, **settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        return result.exit_code, result.stdout

    return run


def grades(words):
    return {line.split()[1]: line.split()[0] for line in words.splitlines() if line[:1].islower()}


def test_setup_makes_registry_and_tables_once_and_doctor_finds_them(radiant, tmp_path):
    code, words = radiant("doctor")
    assert code == 0
    assert (grades(words)["registry"], grades(words)["tables"]) == ("warning", "warning")
    assert not (tmp_path / "home" / "catalog.db").exists(), "doctor makes nothing"
    assert not (tmp_path / "home" / "registry.db").exists(), "doctor makes nothing"

    for _ in range(2):
        code, words = radiant("setup")
        assert code == 0, words
        assert grades(words) == {
            "registry": "ok",
            "tables": "ok",
            "documents": "ok",
            "airflow": "unknown",
        }
        assert "radiant cases add" in words
    tables = sorted((tmp_path / "home" / "warehouse").rglob("*.metadata.json"))
    assert len(tables) == 6, "the second setup left the tables as they were"

    code, words = radiant("doctor")
    assert code == 0, words
    assert grades(words) == {
        "registry": "ok",
        "tables": "ok",
        "documents": "ok",
        "platform": "ok",
        "airflow": "unknown",
    }
    assert words.endswith("4 ok, 1 unknown\n")
    assert list((tmp_path / "home" / "work").iterdir()) == []


def test_a_part_that_is_wrong_ends_with_78_and_its_fix_and_the_others_are_still_checked(radiant, tmp_path):
    (tmp_path / "file").write_text("no folder")
    wrong = {
        "RADIANT_WORK_URI": f"file://{tmp_path}/file/work",
        "RADIANT_REGISTRY__URL": "postgresql://u:pw@127.0.0.1:1/x",
    }
    for command in ("setup", "doctor"):
        code, words = radiant(command, **wrong)
        assert code == EXIT_CONFIG
        assert (grades(words)["registry"], grades(words)["documents"]) == ("wrong", "wrong")
        assert "-> do what the message says; otherwise look at RADIANT_REGISTRY__URL" in words
        assert "-> correct RADIANT_WORK_URI" in words
        assert ":pw@" not in words


def test_a_platform_that_cannot_be_asked_is_wrong_and_ends_no_other_check(radiant, tmp_path):
    code, words = radiant("doctor", "--kubeconfig", str(tmp_path / "none"), RADIANT_BACKEND="kubernetes")
    assert code == EXIT_CONFIG
    assert (grades(words)["platform"], grades(words)["documents"]) == ("wrong", "ok")
    assert radiant("doctor", "--no-platform")[0] == 0


@pytest.mark.parametrize(
    ("has", "wanted", "put"),
    [
        (128, None, []),
        (-1, None, []),
        (4, None, [("default_pool", 128)]),
        (None, None, [("default_pool", 128)]),
        (128, 40, [("default_pool", 40)]),
        (40, 40, []),
    ],
)
def test_the_pool_gets_slots_where_it_has_too_few_or_on_request(has, wanted, put):
    asked = []
    pools = {} if has is None else {"default_pool": has}
    api = SimpleNamespace(pools=lambda: pools, put_pool=lambda name, slots: asked.append((name, slots)))
    list(setup._pool(api, wanted))
    assert asked == put
