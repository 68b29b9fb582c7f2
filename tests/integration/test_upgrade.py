"""`radiant upgrade` on the registry and the tables of an earlier version together, and workers of other versions."""

import dataclasses

import pytest
import sqlalchemy as sa
from pyiceberg.types import NestedField, StringType, StructType
from typer.testing import CliRunner

from earlier_registry import make_registry
from radiant import lake
from radiant.cli.main import app
from radiant.domain.columns import Column, Type
from radiant.domain.tables import CASE_TABLES, TABLES, VARIANT
from radiant.errors import SchemaMismatchError
from radiant.registry.model import SCHEMA_VERSION
from radiant.settings import load_settings
from staging import NAMESPACE, commit, read, stage


def earlier_tables(monkeypatch) -> None:
    """Let this radiant declare the variant table as before: without max_af, and with a stored locus."""
    columns = tuple(dataclasses.replace(one, stored=True) for one in VARIANT.columns if one.name != "max_af")
    for where in (TABLES, CASE_TABLES):
        monkeypatch.setitem(where, "variant", dataclasses.replace(VARIANT, columns=columns))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder of an earlier version, with a column of another engine."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/registry.db")
    make_registry(engine, 1)
    engine.dispose()
    with monkeypatch.context() as patch, lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)})) as catalog:
        earlier_tables(patch)
        lake.ensure_tables(catalog, NAMESPACE)
        with catalog.load_table((NAMESPACE, VARIANT.name)).update_schema() as update:
            update.add_column("review", StructType(NestedField(1, "by", StringType(), required=False)))
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    return tmp_path


def radiant(*arguments: str) -> str:
    return CliRunner().invoke(app, arguments, catch_exceptions=False).output


def test_an_upgrade_says_what_it_does_and_the_second_one_has_nothing_to_do(home):
    planned = radiant("upgrade", "--dry-run")
    assert f"would be upgraded from version 1 to {SCHEMA_VERSION}" in planned
    done = " ".join(radiant("upgrade").split())
    assert f"upgraded from version 1 to {SCHEMA_VERSION}" in done
    assert f"{home}/registry.db.version-1.backup" in done
    assert "germline_snv_variant: given max_af; without a value in new rows: locus, locus_hash" in done
    assert "columns of others stay: review" in done
    again = " ".join(radiant("upgrade").split())
    assert f"version {SCHEMA_VERSION}, nothing to do" in again
    assert "given" not in again
    assert "imported" in radiant("cases", "list")


def test_rows_of_an_older_worker_commit_and_a_column_of_another_engine_stops_no_import(home, monkeypatch):
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        with monkeypatch.context() as patch:
            earlier_tables(patch)
            older = stage(lake.ensure_tables(catalog, NAMESPACE), 1, "a")
        radiant("upgrade")
        refs = lake.ensure_tables(catalog, NAMESPACE)
        commit(catalog, [older, stage(refs, 2, "b")], "t")
        assert {row["max_af"] for row in read(catalog, 1, "variant")} == {None}
        assert any(row["max_af"] is not None for row in read(catalog, 2, "variant"))
        assert all(row["review"] is None for row in read(catalog, 2, "variant"))


def test_a_worker_that_is_newer_than_the_tables_is_refused_by_the_columns_it_fills(home, monkeypatch):
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        refs = lake.ensure_tables(catalog, NAMESPACE)
    newer = dataclasses.replace(VARIANT, columns=(*VARIANT.columns, Column("cadd", Type.FLOAT, "CADD.")))
    monkeypatch.setitem(CASE_TABLES, "variant", newer)
    with pytest.raises(
        SchemaMismatchError, match=r"germline_snv_variant has no column cadd: this worker's radiant is newer"
    ):
        stage(refs, 3, "c")
