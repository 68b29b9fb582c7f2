"""`radiant backup` and `restore` with the real jobs: what is restored, what planning notices, what is refused."""

import contextlib
import dataclasses
import itertools
import json
import shutil

import pytest
import sqlalchemy as sa
from pyiceberg.catalog.sql import SqlCatalog
from typer.testing import CliRunner

from contract.postgresql import postgresql_server
from import_site import ImportSite
from radiant import demo
from radiant.cli.main import app
from radiant.domain.case import CaseState
from radiant.domain.tables import TABLES
from radiant.errors import InputError
from radiant.settings import load_settings


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Two imported families."""
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    site = ImportSite(tmp_path, load_settings({"RADIANT_HOME": str(tmp_path / "home")}))
    families = demo.make(tmp_path / "demo", 2, 500, 5).parent
    for number in (1, 2):
        family = families / f"FAM000{number}" / f"FAM000{number}"
        site.register(number, family.with_suffix(".vcf.gz"), family.with_suffix(".ped"))
    site.import_due([1])
    return site


class Killed(BaseException):
    """The end of a process at a call."""


def radiant(*arguments: object) -> str:
    return " ".join(CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False).output.split())


def lose_databases(site) -> None:
    for path in (site.folder / "home").glob("*.db*"):
        path.unlink()


def test_registry_and_catalog_come_back_and_planning_imports_what_came_after(site):
    radiant("backup", site.folder / "backup")
    before, history = site.visible(), [entry.note for entry in site.registry.history(1)]
    site.import_due([2])
    lose_databases(site)
    assert "restored as of" in radiant("restore", site.folder / "backup")
    assert site.visible() == before
    assert [entry.note for entry in site.registry.history(1)] == history
    assert {one.case.case_id: one.state for one in site.registry.list_cases()} == {
        1: CaseState.IMPORTED,
        2: CaseState.REGISTERED,
    }
    assert [one["case_id"] for one in site.import_due()["imported"]] == [2]
    assert set(site.visible()) == {1, 2}


def test_a_backup_of_sqlite_is_restored_into_postgresql_and_one_of_postgresql_into_sqlite(site, monkeypatch):
    radiant("backup", site.folder / "first")
    before, history = site.visible(), [entry.note for entry in site.registry.history(1)]
    with postgresql_server() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE catalog")
        moved = dataclasses.replace(
            site, settings=load_settings({"RADIANT_HOME": str(site.folder / "home"), "RADIANT_REGISTRY__URL": url})
        )
        with monkeypatch.context() as patch:
            patch.setenv("RADIANT_REGISTRY__URL", url)
            patch.setenv("PYICEBERG_CATALOG__DEFAULT__TYPE", "sql")
            patch.setenv("PYICEBERG_CATALOG__DEFAULT__URI", url.removesuffix("postgres") + "catalog")
            patch.setenv("PYICEBERG_CATALOG__DEFAULT__WAREHOUSE", f"file://{site.folder}/home/warehouse")
            assert "restored as of" in radiant("restore", site.folder / "first")
            assert moved.visible() == before
            assert [entry.note for entry in moved.registry.history(1)] == history
            assert [one["case_id"] for one in moved.import_due()["imported"]] == [2]
            after = moved.visible()
            assert set(after) == {1, 2}
            radiant("backup", site.folder / "second")
    lose_databases(site)
    radiant("restore", site.folder / "second")
    assert site.visible() == after
    assert site.registry.get(2).state is CaseState.IMPORTED


def test_a_case_whose_rows_the_restored_tables_lack_is_imported_again(site):
    """The registry is of a later time than the tables: only planning can notice."""
    radiant("backup", site.folder / "earlier")
    site.import_due([2])
    radiant("backup", site.folder / "later")
    tables = (site.folder / "earlier" / "tables.json").read_bytes()
    contents = json.loads((site.folder / "later" / "backup.json").read_text())
    contents["sha256"]["tables.json"] = json.loads((site.folder / "earlier" / "backup.json").read_text())["sha256"][
        "tables.json"
    ]
    (site.folder / "later" / "tables.json").write_bytes(tables)
    (site.folder / "later" / "backup.json").write_text(json.dumps(contents))
    lose_databases(site)
    radiant("restore", site.folder / "later")
    assert site.registry.get(2).state is CaseState.IMPORTED
    assert set(site.visible()) == {1}
    assert [one["case_id"] for one in site.import_due()["imported"]] == [2]


def test_lost_data_files_stop_a_restore_or_cost_their_cases_alone(site):
    site.import_due([2])
    radiant("backup", site.folder / "backup")
    lose_databases(site)
    for path in site.data_files():
        if "case=2/" in str(path):
            path.unlink()
    with pytest.raises(InputError, match=r"data files that the backup names are gone .*--without-lost"):
        radiant("restore", site.folder / "backup")
    assert site.registry.list_cases() == []
    assert "files of theirs are gone or cut off: cases 2" in radiant(
        "restore", site.folder / "backup", "--without-lost"
    )
    assert set(site.visible()) == {1}
    assert [one["case_id"] for one in site.import_due()["imported"]] == [2]


def test_a_restore_overwrites_neither_a_registry_nor_a_catalog_without_an_option(site):
    radiant("backup", site.folder / "backup")
    with pytest.raises(InputError, match="holds a backup"):
        radiant("backup", site.folder / "backup")
    site.import_due([2])
    assert set(site.visible()) == {1, 2}
    for path in (site.folder / "home").glob("registry.db*"):
        path.unlink()
    with pytest.raises(InputError, match=r"exists and points to .*--replace"):
        radiant("restore", site.folder / "backup")
    assert site.registry.list_cases() == []
    radiant("restore", site.folder / "backup", "--replace")
    assert set(site.visible()) == {1}


@pytest.mark.parametrize("options", [(), ("--replace",)], ids=["of lost databases", "--replace"])
def test_a_restore_that_was_killed_at_any_table_is_repeated_by_the_same_command(site, monkeypatch, options):
    radiant("backup", site.folder / "backup")
    before = site.visible()
    lost = "registry.db*" if options else "*.db*"
    calls = None
    for killed in itertools.count():
        site.import_due([2])
        for path in (site.folder / "home").glob(lost):
            path.unlink()
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            calls = cut_after(patch, killed)
            radiant("restore", site.folder / "backup", *options)
            break
        assert "restored as of" in radiant("restore", site.folder / "backup", *options)
        assert site.visible() == before
        assert {one.case.case_id for one in site.registry.list_cases()} == {1, 2}
    assert killed == len(calls) >= len(TABLES)
    assert ("drop_table" in calls) is bool(options)


def cut_after(patch, count: int) -> list[str]:
    """End a restore before a change of the catalog, between the drop of a table and its registration, too."""
    calls = []
    for name in ("register_table", "drop_table"):
        real = getattr(SqlCatalog, name)

        def change(self, *arguments, real=real, name=name, **named):
            if len(calls) == count:
                raise Killed
            calls.append(name)
            return real(self, *arguments, **named)

        patch.setattr(SqlCatalog, name, change)
    return calls


def test_a_registry_with_other_cases_than_the_backup_is_left_alone(site):
    radiant("backup", site.folder / "backup")
    site.import_due([2])
    with pytest.raises(InputError, match="has 2 cases: a backup is restored into a registry without any"):
        radiant("restore", site.folder / "backup", "--replace")
    assert site.registry.get(2).state is CaseState.IMPORTED
    assert set(site.visible()) == {1, 2}


def test_a_damaged_backup_is_refused(site):
    radiant("backup", site.folder / "backup")
    shutil.copytree(site.folder / "backup", site.folder / "torn")
    (site.folder / "torn" / "backup.json").unlink()
    with pytest.raises(InputError, match="holds no backup"):
        radiant("restore", site.folder / "torn")
    rows = site.folder / "backup" / "registry.jsonl.gz"
    rows.write_bytes(rows.read_bytes()[:-9])
    with pytest.raises(InputError, match="sha256 differs"):
        radiant("restore", site.folder / "backup")
