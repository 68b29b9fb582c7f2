"""A registry that an earlier version made, with a case in it, is opened by this one: nothing is lost."""

import sqlite3
from pathlib import Path

import pytest

from radiant.domain.case import CaseState, Priority
from radiant.registry import Registration, Registry
from radiant.registry.model import SCHEMA_VERSION, UPGRADED_BY_NEW_TABLES

EARLIER = Path(__file__).parent / "earlier"
"""`registry-N.sql`: all of a registry of schema version N, written by the code of that version."""


def made_by(version, folder):
    path = folder / "registry.db"
    with sqlite3.connect(path) as connection:
        for earlier in range(1, version + 1):
            connection.executescript((EARLIER / f"registry-{earlier}.sql").read_text())
    return f"sqlite:///{path}"


def tables(url):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name LIKE 'radiant%'")
        return {(kind, name): " ".join(sql.split()) for kind, name, sql in rows}


def test_there_is_a_registry_of_each_version_that_is_upgraded():
    assert {int(file.stem.partition("-")[2]) for file in EARLIER.glob("registry-*.sql")} == UPGRADED_BY_NEW_TABLES


@pytest.mark.parametrize("version", sorted(UPGRADED_BY_NEW_TABLES))
def test_an_earlier_registry_gets_the_tables_of_this_version_and_keeps_its_cases(version, tmp_path):
    url = made_by(version, tmp_path)
    registry = Registry(url)
    (found,) = registry.list_cases()
    assert (found.case.case_id, found.state, len(found.case.members)) == (7, CaseState.REGISTERED, 3)
    assert [entry.note for entry in registry.history(7)] == ["registered"]

    (tmp_path / "new").mkdir()
    new = f"sqlite:///{tmp_path / 'new' / 'registry.db'}"
    Registry(new)
    assert tables(url) == tables(new), "an upgraded registry is a new one, table by table"
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        assert connection.execute("SELECT version FROM radiant_schema").fetchall() == [(SCHEMA_VERSION,)]

    vcf, ped = tmp_path / "a.vcf", tmp_path / "a.ped"
    vcf.write_text("##fileformat=VCFv4.2\n")
    ped.write_text("F\tS\t0\t0\t1\t2\n")
    added = Registration(
        vcf_uri=f"file://{vcf}", ped_uri=f"file://{ped}", strategy="wgs", priority=Priority.ROUTINE, assembly="GRCh38"
    )
    assert registry.add(added).case_id == 8, "numbers go on"
