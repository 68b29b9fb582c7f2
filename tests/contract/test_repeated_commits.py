"""A commit that landed and is refused, because a proxy or a client repeated it or the catalog did it late.

PyIceberg 0.12 deletes the manifests of a commit that it takes for lost. The REST catalog is a real one. A SQL catalog
has no such case: a lost answer is an error of the database's driver, and nothing sends a statement again. The client of
AWS Glue repeats requests by itself, and moto does not compare versions, so that this was not run there.
"""

import logging

import pytest

from contract.lake_site import lake_site
from lines import Fault
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.lake.create import load_tables
from radiant.lake.snapshot import rewrite_manifests
from staging import NAMESPACE, commit, counts, read, stage

OCCURRENCE = CASE_TABLES["occurrence"].name


@pytest.fixture
def site(request, tmp_path):
    with lake_site("rest-s3", tmp_path, request.getfixturevalue, with_lines=True) as site:
        yield site


def commit_once(catalog) -> None:
    """Let PyIceberg try each commit once: so a test is over soon; by default the last of 21 tries is the same."""
    for table in load_tables(catalog, NAMESPACE).values():
        with table.transaction() as change:
            change.set_properties({"commit.retry.num-retries": "0"})


def of_occurrences(call: str) -> bool:
    return call.startswith("POST") and call.partition("?")[0].endswith(f"/tables/{OCCURRENCE}")


def assert_whole(site, rows: int) -> None:
    reader = site.open()
    assert len(read(reader, 1)) == rows
    for name in CASE_TABLES:
        assert counts(reader, name) == {(1, 1): rows}


def test_a_commit_that_was_sent_twice_and_refused_the_second_time_keeps_its_manifests(site, caplog):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t0")
    commit_once(catalog)
    staged = stage(refs, 1, "b", rows=7)
    line = site.lines["catalog"]
    line.break_call(of_occurrences, Fault.TWICE)
    with caplog.at_level(logging.WARNING, "radiant.lake.snapshot"):
        commit(catalog, [staged], "t1")
    assert line.broken is not None
    assert f"{OCCURRENCE}: the catalog's answer was lost, but the commit landed" in caplog.text
    line.heal()
    assert_whole(site, 7)
    assert not commit(site.open(), [staged], "t1").changed


def test_manifests_that_were_brought_together_twice_are_kept(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    for number in range(3):
        commit(catalog, [stage(refs, 1, f"a{number}", rows=5 + number)], f"t{number}")
    commit_once(catalog)
    table = load_tables(catalog, NAMESPACE)["occurrence"]
    line = site.lines["catalog"]
    line.break_call(of_occurrences, Fault.TWICE)
    rewrite_manifests(table)
    assert line.broken is not None
    line.heal()
    assert table.refresh().current_snapshot().summary.operation.value == "replace"
    assert_whole(site, 7)


def test_a_refused_commit_that_lands_before_its_next_try_keeps_its_manifests(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t0")
    staged = stage(refs, 1, "b", rows=7)
    line = site.lines["catalog"]
    line.break_call(of_occurrences, Fault.LATE)
    commit(catalog, [staged], "t1")
    assert sum(map(of_occurrences, line.calls)) == 2
    line.heal()
    assert_whole(site, 7)
