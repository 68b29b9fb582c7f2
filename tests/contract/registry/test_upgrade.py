"""Registries of earlier versions: opened by this one, and by `radiant upgrade`; on SQLite and on PostgreSQL."""

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from earlier_registry import VERSIONS, make_registry
from radiant.domain.case import CaseState
from radiant.errors import ConfigError
from radiant.registry import Registry, upgrade_registry
from radiant.registry.model import SCHEMA_VERSION, UPGRADED_BY_NEW_TABLES, Base


@pytest.fixture
def engine(new_url) -> sa.Engine:
    if new_url.startswith("sqlite:///"):
        Path(new_url.removeprefix("sqlite:///")).parent.mkdir()
    engine = sa.create_engine(new_url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


@pytest.fixture
def first_version(new_url, engine) -> str:
    make_registry(engine, 1)
    return new_url


def differences(engine) -> list:
    """Where the database's tables are not those of the model; tables of others are left out."""

    def ours(_, name, kind, *__):
        return kind != "table" or (name.startswith("radiant_") and name != "radiant_revision")

    with engine.connect() as connection:
        options = {"include_object": ours, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def test_there_is_a_registry_of_each_version_that_is_upgraded():
    assert VERSIONS == UPGRADED_BY_NEW_TABLES


@pytest.mark.parametrize("version", sorted(UPGRADED_BY_NEW_TABLES))
def test_an_earlier_registry_that_is_opened_gets_the_tables_of_this_version_and_keeps_its_cases(
    version, new_url, engine, files
):
    make_registry(engine, version)
    registry = Registry(new_url)
    assert [(one.case.case_id, one.state, len(one.case.members)) for one in registry.list_cases()] == [
        (1, CaseState.IMPORTED, 1), (7, CaseState.REGISTERED, 3)
    ]  # fmt: skip
    assert [entry.note for entry in registry.history(7)] == ["registered"]
    assert differences(engine) == []
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version FROM radiant_schema").all() == [(SCHEMA_VERSION,)]
    assert registry.add(files.make()).case_id == 8, "numbers go on"
    assert [entry.note for entry in registry.history(8)] == ["registered"]


def test_an_upgraded_registry_has_the_tables_of_this_version_and_all_its_rows(first_version, engine):
    done = upgrade_registry(first_version)
    assert (done.found, done.now) == (1, SCHEMA_VERSION)
    assert differences(engine) == []
    registry = Registry(first_version)
    record = registry.get(1)
    assert (record.state, record.case.members[0].patient_id) == (CaseState.IMPORTED, "P1")
    assert [entry.note for entry in registry.history(1)] == ["added"]
    again = upgrade_registry(first_version)
    assert (again.found, again.now, again.backup) == (SCHEMA_VERSION, SCHEMA_VERSION, None)


def test_a_dry_run_changes_nothing(first_version):
    assert upgrade_registry(first_version, dry_run=True).found == 1
    assert upgrade_registry(first_version, dry_run=True).found == 1


def test_an_upgrade_that_fails_leaves_the_registry_as_it_was(first_version, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE radiant_task_usage (attempt VARCHAR(64))")
    with pytest.raises(Exception, match="radiant_task_usage"):
        upgrade_registry(first_version)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE radiant_task_usage")
    assert upgrade_registry(first_version).found == 1
    assert Registry(first_version).get(1).state is CaseState.IMPORTED


def test_a_new_registry_needs_no_upgrade(new_url, engine):
    done = upgrade_registry(new_url)
    assert (done.found, done.now) == (SCHEMA_VERSION, SCHEMA_VERSION)
    assert differences(engine) == []


def test_a_newer_registry_is_refused_with_the_ways_out(first_version, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE radiant_schema SET version = 99")
    for use in (Registry, upgrade_registry):
        with pytest.raises(ConfigError, match=r"version 99.*a newer radiant upgraded it.*put back the copy"):
            use(first_version)


def test_a_sqlite_file_is_copied_before_it_is_upgraded_and_the_copy_can_be_put_back(first_version, backend):
    done = upgrade_registry(first_version)
    if backend == "postgresql":
        assert done.backup is None
        return
    with sqlite3.connect(done.backup) as copy:
        assert copy.execute("SELECT version FROM radiant_schema").fetchall() == [(1,)]
        assert copy.execute("SELECT case_id FROM radiant_case").fetchall() == [(1,), (7,)]
    copy.close()
    assert upgrade_registry(f"sqlite:///{done.backup}").found == 1
