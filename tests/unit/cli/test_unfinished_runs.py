import contextlib
import sqlite3

import pytest

from radiant.cli.unfinished_runs import end_past_runs
from radiant.errors import AirflowError


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "airflow.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE dag_run (dag_id TEXT, run_id TEXT, state TEXT, end_date TIMESTAMP)")
        connection.execute("CREATE TABLE task_instance (run_id TEXT, state TEXT, end_date TIMESTAMP)")
        for state in ("queued", "running", "success", "failed"):
            connection.execute("INSERT INTO dag_run VALUES ('dag', ?, ?, NULL)", (state, state))
        for state in ("running", "queued", "scheduled", "deferred", "up_for_retry", "success", "skipped", None):
            connection.execute("INSERT INTO task_instance VALUES (?, ?, NULL)", (state, state))
    return path


def read(path, table):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute(f"SELECT run_id, state FROM {table}"))  # noqa: S608 - names of this test


def test_queued_and_running_runs_become_failed_and_ended_ones_stay(database):
    end_past_runs(database)
    assert read(database, "dag_run") == {
        "queued": "failed",
        "running": "failed",
        "success": "success",
        "failed": "failed",
    }


def test_started_tasks_become_failed_and_untouched_ones_stay(database):
    end_past_runs(database)
    after = read(database, "task_instance")
    assert {after[state] for state in ("running", "queued", "scheduled", "deferred", "up_for_retry")} == {"failed"}
    assert (after["success"], after["skipped"], after[None]) == ("success", "skipped", None)


def test_every_run_is_listed_even_those_that_an_earlier_start_ended(database):
    every = {("dag", state) for state in ("queued", "running", "success", "failed")}
    assert end_past_runs(database) == every
    assert end_past_runs(database) == every


def test_the_end_date_is_one_that_airflow_reads(database):
    end_past_runs(database)
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (text,) = connection.execute("SELECT end_date FROM dag_run WHERE run_id = 'running'").fetchone()
    assert len(text) == len("2026-01-01 00:00:00.000000")


def test_no_database_yet_is_fine(tmp_path):
    assert end_past_runs(tmp_path / "airflow.db") == frozenset()
    assert not (tmp_path / "airflow.db").exists()


def test_a_database_without_tables_is_fine(tmp_path):
    path = tmp_path / "airflow.db"
    path.touch()
    assert end_past_runs(path) == frozenset()


def test_what_is_no_database_is_refused_with_its_path_and_the_remedy(tmp_path):
    path = tmp_path / "airflow.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(AirflowError, match=r"airflow\.db.*remove its folder"):
        end_past_runs(path)
