"""`radiant sql --apply` makes the views where radiant can, and names the way where it cannot."""

import contextlib
import sqlite3

import pytest
from typer.testing import CliRunner

from radiant import lake
from radiant.cli.main import app
from radiant.errors import InputError
from radiant.settings import load_settings


@pytest.mark.parametrize(
    ("engine", "way"),
    [
        ("spark", r"last as long as its session.*--engine spark > views\.sql.*`spark-sql -i views\.sql`.*spark\.sql\("),
        ("trino", r"--engine trino --catalog NAME > views\.sql.*`trino --server URL --file views\.sql`.*Athena"),
        ("starrocks", r"--engine starrocks --catalog NAME > views\.sql.*`mysql -h HOST -P 9030"),
    ],
)
def test_apply_names_the_way_for_an_engine_that_it_does_not_reach(tmp_path, engine, way):
    database = tmp_path / "views.db"
    with pytest.raises(InputError, match=f"database file of DuckDB, and .*{way}"):
        CliRunner().invoke(app, ["sql", "--engine", engine, "--apply", str(database)], catch_exceptions=False)
    assert not database.exists()


def test_apply_writes_into_no_file_of_another_program(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    with lake.open_catalog(load_settings()) as catalog:
        lake.ensure_tables(catalog, "radiant")
    database = tmp_path / "registry.db"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE radiant_case (case_id INTEGER)")
    before = database.read_bytes()
    with pytest.raises(InputError, match=r"registry\.db is no database of DuckDB, and stays as it is"):
        CliRunner().invoke(app, ["sql", "--engine", "duckdb", "--apply", str(database)], catch_exceptions=False)
    assert database.read_bytes() == before
