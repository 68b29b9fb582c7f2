"""Which catalog is opened."""

import multiprocessing
import sqlite3

import pytest
from pyiceberg.catalog.memory import InMemoryCatalog

from radiant import lake
from radiant.domain.tables import TABLES
from radiant.errors import ConfigError, LakeUnavailableError
from radiant.settings import load_settings
from staging import NAMESPACE


@pytest.fixture(autouse=True)
def no_configuration_of_this_machine(monkeypatch, tmp_path):
    home = tmp_path / "person"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("PYICEBERG_HOME", raising=False)
    monkeypatch.chdir(home)
    return home


def settings(tmp_path, **names):
    return load_settings({"RADIANT_HOME": str(tmp_path / "home")} | names)


def test_the_default_is_a_sqlite_file_in_the_home_folder(tmp_path):
    with lake.open_catalog(settings(tmp_path)) as catalog:
        refs = lake.ensure_tables(catalog, NAMESPACE)
    with sqlite3.connect(tmp_path / "home" / "catalog.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    assert refs["variant"].location.startswith(f"file://{tmp_path}/home/warehouse/")


def test_the_warehouse_setting_moves_the_tables(tmp_path):
    chosen = settings(tmp_path, RADIANT_LAKE__WAREHOUSE=f"file://{tmp_path}/elsewhere")
    with lake.open_catalog(chosen) as catalog:
        assert lake.ensure_tables(catalog, NAMESPACE)["variant"].location.startswith(f"file://{tmp_path}/elsewhere/")


def test_pyicebergs_variables_win(tmp_path, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__HOSPITAL__TYPE", "in-memory")
    monkeypatch.setenv("PYICEBERG_CATALOG__HOSPITAL__WAREHOUSE", f"file://{tmp_path}/mine")
    with lake.open_catalog(settings(tmp_path, RADIANT_LAKE__CATALOG="hospital")) as catalog:
        assert isinstance(catalog, InMemoryCatalog)
        assert catalog.properties["warehouse"] == f"file://{tmp_path}/mine"
    assert not (tmp_path / "home").exists()


def test_another_catalogs_variables_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__OTHER__TYPE", "in-memory")
    with lake.open_catalog(settings(tmp_path)) as catalog:
        assert not isinstance(catalog, InMemoryCatalog)


def test_pyicebergs_file_wins(tmp_path, no_configuration_of_this_machine):
    file = no_configuration_of_this_machine / ".pyiceberg.yaml"
    file.write_text("catalog:\n  default:\n    type: in-memory\n    warehouse: file:///nowhere\n")
    with lake.open_catalog(settings(tmp_path)) as catalog:
        assert isinstance(catalog, InMemoryCatalog)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("TYPE", "sqll"), ("TYPE", "sql"), ("URI", "sql:nonsense"), ("URI", "postgresql+nodriver://u:s3cret@h/d")],
)
def test_an_unusable_configuration_is_named_without_its_password(tmp_path, monkeypatch, variable, value):
    monkeypatch.setenv(f"PYICEBERG_CATALOG__DEFAULT__{variable}", value)
    with pytest.raises(ConfigError, match="PYICEBERG_CATALOG__DEFAULT__") as caught:
        lake.open_catalog(settings(tmp_path))
    assert "s3cret" not in str(caught.value)


def test_a_catalog_that_does_not_answer_is_transient_and_keeps_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__URI", "postgresql+psycopg://u:s3cret@127.0.0.1:1/d")
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    with pytest.raises(LakeUnavailableError, match="does not answer") as caught:
        lake.open_catalog(settings(tmp_path))
    assert caught.value.retryable
    assert "s3cret" not in str(caught.value)


def test_a_home_that_is_a_file_is_a_configuration_error(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(ConfigError, match="RADIANT_HOME"):
        lake.open_catalog(settings(tmp_path))


def open_and_create(home: str, gate) -> int:
    gate.wait()
    with lake.open_catalog(load_settings({"RADIANT_HOME": home})) as catalog:
        return len(lake.ensure_tables(catalog, NAMESPACE))


def test_processes_that_create_everything_at_once_all_succeed(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, spawn.Pool(3) as pool:
        gate = manager.Barrier(3)
        home = str(tmp_path / "home")
        assert pool.starmap(open_and_create, [(home, gate)] * 3, chunksize=1) == [len(TABLES)] * 3
        pool.close()
        pool.join()
    with lake.open_catalog(settings(tmp_path)) as catalog:
        assert len(catalog.list_tables(NAMESPACE)) == len(TABLES)


def test_a_damaged_catalog_names_the_remedy(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "catalog.db").write_bytes(b"no database" * 500)
    with pytest.raises(ConfigError, match=r"catalog\.db: .*not a database\. Restore it from a backup"):
        lake.open_catalog(settings(tmp_path))


def test_a_full_disk_may_pass(tmp_path, monkeypatch):
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorname = "SQLITE_FULL"

    def connect(*_args, **_kwargs):
        raise full

    monkeypatch.setattr("radiant.lake.catalog.sqlite3.connect", connect)
    with pytest.raises(LakeUnavailableError, match="is its disk full"):
        lake.open_catalog(settings(tmp_path))
