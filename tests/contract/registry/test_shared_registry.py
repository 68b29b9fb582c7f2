"""`radiant run` on a registry that another Airflow uses as well: it gives back what its own runs held, nothing else."""

import contextlib
import sqlite3
import sys

import pytest

from contract.registry_site import LEASE_S, assign_all
from radiant.cli import run as run_module
from radiant.cli import standalone
from radiant.domain.case import CaseState
from radiant.errors import AirflowUnavailableError
from radiant.jobs.documents import run_uri
from radiant.settings import load_settings

OWN_RUN = ("import-part", "manual__2030-01-01T00:00:00+00:00_a__part_0")


@pytest.fixture
def settings(url, tmp_path):
    """A home whose Airflow has one run, which was killed."""
    home = tmp_path / "home"
    (home / "airflow").mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(home / "airflow" / "airflow.db")) as connection, connection:
        connection.execute("CREATE TABLE dag_run (dag_id TEXT, run_id TEXT, state TEXT, end_date TIMESTAMP)")
        connection.execute("CREATE TABLE task_instance (run_id TEXT, state TEXT, end_date TIMESTAMP)")
        connection.execute("INSERT INTO dag_run VALUES (?, ?, 'running', NULL)", OWN_RUN)
    return load_settings({"RADIANT_HOME": str(home), "RADIANT_REGISTRY__URL": url})


@pytest.fixture
def airflow_ends_at_once(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "airflow"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n")
    program.chmod(0o755)
    monkeypatch.setattr(standalone.sysconfig, "get_path", lambda _: str(program.parent))


@pytest.mark.usefixtures("airflow_ends_at_once")
def test_a_start_releases_what_its_own_dead_runs_held_and_no_other_airflows_case(registry, files, settings):
    own = run_uri(settings.effective_work_uri, *OWN_RUN)
    same_run_elsewhere = run_uri("s3://clinic/work", *OWN_RUN)
    for name in "abcd":
        registry.add(files.make(name))
    assign_all(registry, "s3://clinic/work/import-radiant/theirs")
    registry.claim(0, [1], run=own, lease_s=LEASE_S)
    registry.claim(0, [2], run=same_run_elsewhere, lease_s=LEASE_S)
    theirs = registry.claim(0, [3], run="s3://clinic/work/import-part/theirs", lease_s=LEASE_S).cases[0].load_id

    with pytest.raises(AirflowUnavailableError):
        run_module._run(settings, run_module.find_dags(None), sheet=None, demo=None, port=None, once=True)

    assert [registry.get(case_id).state for case_id in (1, 2, 3, 4)] == [
        CaseState.REGISTERED,
        CaseState.IMPORTING,
        CaseState.IMPORTING,
        CaseState.ASSIGNED,
    ]
    assert registry.begin_commit([(3, theirs)], [], "t").refused == {}
