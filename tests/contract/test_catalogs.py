"""What staging and committing promise, on every catalog that can run here."""

import contextlib
import threading

import pyarrow.parquet as pq
import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Transaction

import random_rows
from contract.lake_site import CATALOGS, SITES, lake_site
from radiant import lake, storage
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import CaseNotFoundError, CommitConflictError, CommitUnknownError, ConfigError, LakeError
from radiant.lake import snapshot
from radiant.lake.snapshot import TOKEN_PROPERTY
from radiant.settings import load_settings
from staging import NAMESPACE, as_read, case_load, commit, counts, raw_rows, read, stage

OTHER_STORES = [pytest.param(one, marks=pytest.mark.every_call) for one in SITES if one not in CATALOGS]
"""A commit's behaviour does not depend on the store: `make test-faults` runs it on each catalog with each."""


@pytest.fixture(params=[*CATALOGS, *OTHER_STORES])
def site(request, tmp_path):
    with lake_site(request.param, tmp_path, request.getfixturevalue) as site:
        yield site


@pytest.fixture
def open_again(site):
    """Open the same catalog as another process would."""
    return site.open


@pytest.fixture
def catalog(open_again):
    return open_again()


@pytest.fixture
def refs(catalog):
    return lake.ensure_tables(catalog, NAMESPACE)


def all_counts(catalog) -> dict[str, dict[tuple[int, int], int]]:
    return {name: counts(catalog, name) for name in CASE_TABLES}


def every_table(expected) -> dict[str, dict[tuple[int, int], int]]:
    return {name: expected for name in CASE_TABLES}  # noqa: C420 - equal values, compared only


def snapshots(catalog) -> dict[str, int]:
    return {one.name: one.snapshots for one in lake.table_overview(catalog, NAMESPACE)}


def test_committed_rows_are_the_staged_rows_in_their_order(catalog, refs):
    commit(catalog, [stage(refs, 7, "a", rows=50)], "t1")
    for name in CASE_TABLES:
        expected = random_rows.batch(name, 50, 7).to_pylist()
        found = read(catalog, 7, name)
        assert [{key: row[key] for key in expected[0]} for row in found] == expected
        assert {(row["part"], row["case_id"]) for row in found} == {(1, 7)}


def test_importing_a_case_twice_leaves_the_same_rows(catalog, refs):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    before = {name: raw_rows(catalog, name).to_pylist() for name in CASE_TABLES}
    commit(catalog, [stage(refs, 1, "c", seed=1)], "t2")
    assert {name: raw_rows(catalog, name).to_pylist() for name in CASE_TABLES} == before
    assert lake.visible_case(catalog, NAMESPACE, 1).load_id == "c"


def test_a_new_import_replaces_all_rows_of_the_old_one(catalog, refs):
    commit(catalog, [stage(refs, 1, "a", rows=30)], "t1")
    commit(catalog, [stage(refs, 1, "b", rows=5, seed=99)], "t2")
    assert counts(catalog) == {(1, 1): 5}


def test_each_commit_is_one_snapshot_per_table(catalog, refs):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    assert set(snapshots(catalog).values()) == {1}


def test_repeating_a_commit_changes_nothing(catalog, refs):
    manifests = [stage(refs, 1, "a"), stage(refs, 2, "b")]
    first = commit(catalog, manifests, "t1", deleted=[3])
    before = snapshots(catalog)
    again = commit(catalog, manifests, "t1", deleted=[3])
    assert (first.changed, again.changed) == (True, False)
    assert again.snapshots == first.snapshots
    assert snapshots(catalog) == before


def test_repeating_an_old_commit_does_not_bring_old_rows_back(catalog, refs):
    old = stage(refs, 1, "a", rows=30)
    commit(catalog, [old], "t1")
    commit(catalog, [stage(refs, 1, "b", rows=5)], "t2")
    assert not commit(catalog, [old], "t1").changed
    assert counts(catalog) == {(1, 1): 5}
    assert lake.visible_case(catalog, NAMESPACE, 1).load_id == "b"


def test_a_commit_whose_snapshot_is_expired_is_not_repeated(catalog, refs):
    manifest = stage(refs, 1, "a")
    commit(catalog, [manifest], "t1")
    commit(catalog, [stage(refs, 2, "b")], "t2")
    expire_all(catalog)
    commit(catalog, [manifest], "t1")
    assert counts(catalog) == {(1, 1): 20, (1, 2): 20}
    assert len(read(catalog, 1)) == 20


def expire_all(catalog):
    for declared in CASE_TABLES.values():
        table = catalog.load_table((NAMESPACE, declared.name))
        current = table.current_snapshot().snapshot_id
        old = [one.snapshot_id for one in table.snapshots() if one.snapshot_id != current]
        table.maintenance.expire_snapshots().by_ids(old).commit()


def test_a_case_is_readable_after_its_snapshot_expired(catalog, refs):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    commit(catalog, [stage(refs, 2, "b")], "t2")
    expire_all(catalog)
    assert len(read(catalog, 1)) == 20


def test_nothing_is_visible_before_case_load(catalog, refs, monkeypatch):
    crash_at(monkeypatch, "case_load")
    with pytest.raises(RuntimeError, match="crash"):
        commit(catalog, [stage(refs, 1, "a")], "t1")
    assert lake.visible_cases(catalog, NAMESPACE) == {}
    with pytest.raises(CaseNotFoundError, match="case 1"):
        read(catalog, 1)


def crash_at(monkeypatch, table_name: str):
    """Die before the commit of this table."""
    real = snapshot.commit_replacement

    def commit_or_die(table, *rest):
        if table.name()[-1].endswith(table_name):
            message = "crash"
            raise RuntimeError(message)
        return real(table, *rest)

    monkeypatch.setattr("radiant.lake.commit.commit_replacement", commit_or_die)


@pytest.mark.parametrize("at", ["occurrence", "variant", "consequence", "quarantine", "case_load"])
def test_a_crash_between_tables_leaves_the_old_version_and_a_rerun_repairs(catalog, refs, monkeypatch, at):
    commit(catalog, [stage(refs, 1, "a", rows=8)], "t1")
    old = {name: read(catalog, 1, name) for name in CASE_TABLES}
    new = [stage(refs, 1, "b", rows=5, seed=77), stage(refs, 2, "c")]
    with monkeypatch.context() as patch:
        crash_at(patch, at)
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, new, "t2")
    assert {name: read(catalog, 1, name) for name in CASE_TABLES} == old
    assert list(lake.visible_cases(catalog, NAMESPACE)) == [1]

    assert commit(catalog, new, "t2").changed
    for name in CASE_TABLES:
        assert counts(catalog, name) == {(1, 1): 5, (1, 2): 20}
        assert len(read(catalog, 1, name)) == 5
    assert set(snapshots(catalog).values()) == {2}


def test_a_crashed_commit_is_replaced_by_a_new_import(catalog, refs, monkeypatch):
    with monkeypatch.context() as patch:
        crash_at(patch, "consequence")
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, [stage(refs, 1, "a", rows=9)], "t1")
    commit(catalog, [stage(refs, 1, "b", rows=4)], "t2")
    assert all_counts(catalog) == every_table({(1, 1): 4})


def test_a_deleted_case_leaves_every_table(catalog, refs):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    commit(catalog, [stage(refs, 3, "c")], "t2", deleted=[1])
    assert all_counts(catalog) == every_table({(1, 2): 20, (1, 3): 20})
    assert list(lake.visible_cases(catalog, NAMESPACE)) == [2, 3]
    with pytest.raises(CaseNotFoundError):
        read(catalog, 1)


def test_a_deleted_case_is_invisible_before_its_rows_go(catalog, refs, monkeypatch):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    crash_at(monkeypatch, "occurrence")
    with pytest.raises(RuntimeError, match="crash"):
        commit(catalog, [], "t2", deleted=[1])
    assert list(lake.visible_cases(catalog, NAMESPACE)) == [2]


def test_a_case_that_came_back_can_be_deleted_again(catalog, refs):
    for load in ("a", "b"):
        commit(catalog, [stage(refs, 1, load)], load)
        commit(catalog, [], "same token", deleted=[1])
        assert counts(catalog) == {}
        assert lake.visible_cases(catalog, NAMESPACE) == {}


def test_deleting_an_unknown_case_changes_nothing(catalog, refs):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    assert not commit(catalog, [], "t2", deleted=[99]).changed
    assert set(snapshots(catalog).values()) == {1}


def test_a_case_that_moved_leaves_its_old_part(catalog, refs):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    commit(catalog, [stage(refs, 1, "c", part=2, rows=6)], "t2", part=2)
    assert counts(catalog) == {(2, 1): 6, (1, 2): 20}
    visible = lake.visible_cases(catalog, NAMESPACE)
    assert {case_id: one.part for case_id, one in visible.items()} == {1: 2, 2: 1}
    assert len(read(catalog, 1)) == 6


def test_other_cases_of_a_shared_file_survive_a_replacement(catalog, refs):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b"), stage(refs, 3, "c")], "t1")
    table = catalog.load_table((NAMESPACE, CASE_TABLES["occurrence"].name))
    table.overwrite(table.scan().to_arrow())  # as a compaction by another engine: one file for three cases
    before = [row for row in raw_rows(catalog, "occurrence").to_pylist() if row["case_id"] != 2]
    commit(catalog, [stage(refs, 2, "d", rows=3)], "t2")
    assert counts(catalog) == {(1, 1): 20, (1, 2): 3, (1, 3): 20}
    assert [row for row in raw_rows(catalog, "occurrence").to_pylist() if row["case_id"] != 2] == before
    assert len(read(catalog, 3)) == 20


def test_committers_of_different_parts_do_not_disturb_each_other(open_again):
    catalog = open_again()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    parts = range(1, 5)
    manifests = {
        part: [stage(refs, 10 * part, "a", part=part), stage(refs, 10 * part + 1, "a", part=part)] for part in parts
    }
    gate = threading.Barrier(len(parts))
    failures = []

    def run(part):
        mine = open_again()
        try:
            for turn in range(2):
                gate.wait(60)
                commit(mine, manifests[part], f"{part}-{turn}", part=part)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)
            gate.abort()

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    expected = {(part, 10 * part + which): 20 for part in parts for which in (0, 1)}
    assert all_counts(catalog) == every_table(expected)
    assert list(lake.visible_cases(catalog, NAMESPACE)) == [case for _, case in sorted(expected)]


def between(monkeypatch, token, action):
    """Run `action` once, after the commit `token` was prepared and before the catalog hears of it."""
    real = Transaction.commit_transaction
    began, done = threading.Lock(), threading.Event()

    def commit_after(self):
        own = any(one.snapshot_properties.get(TOKEN_PROPERTY) == token for one in self._snapshot_producers)
        if own and began.acquire(blocking=False):
            try:
                action()
            finally:
                done.set()
        elif own:
            assert done.wait(60)
        return real(self)

    monkeypatch.setattr(Transaction, "commit_transaction", commit_after)


@pytest.mark.parametrize("seen_before", [False, True])
def test_two_commits_of_one_case_conflict_and_nothing_of_the_loser_lands(catalog, refs, monkeypatch, seen_before):
    if seen_before:
        commit(catalog, [stage(refs, 1, "z", rows=3)], "t0")
    winner, loser = stage(refs, 1, "a", rows=11), stage(refs, 1, "b", rows=7)
    between(monkeypatch, "loser", lambda: commit(catalog, [winner], "winner"))
    with pytest.raises(CommitConflictError, match="nothing of this commit landed"):
        commit(catalog, [loser], "loser")
    assert counts(catalog) == {(1, 1): 11}
    assert len(read(catalog, 1)) == 11
    commit(catalog, [loser], "loser")
    assert counts(catalog) == {(1, 1): 7}


def test_a_commit_on_top_of_another_part_keeps_its_snapshot_readable(catalog, refs, monkeypatch):
    other = stage(refs, 2, "b", part=2)
    between(monkeypatch, "mine", lambda: commit(catalog, [other], "other", part=2))
    commit(catalog, [stage(refs, 1, "a")], "mine")
    assert counts(catalog) == {(1, 1): 20, (2, 2): 20}
    assert len(read(catalog, 1)) == len(read(catalog, 2)) == 20


def test_a_catalog_that_refuses_every_commit_is_a_conflict(catalog, refs, monkeypatch, site):
    for declared in CASE_TABLES.values():
        table = catalog.load_table((NAMESPACE, declared.name))
        with table.transaction() as change:
            change.set_properties({"commit.retry.num-retries": "1", "commit.retry.min-wait-ms": "1"})

    def refuse(*_):
        message = "another writer"
        raise CommitFailedException(message)

    manifest = stage(refs, 1, "a")
    staged = site.data_files()
    with monkeypatch.context() as patch:
        patch.setattr(type(catalog), "commit_table", refuse)
        with pytest.raises(CommitConflictError, match="another writer"):
            commit(catalog, [manifest], "t1")
    assert site.data_files() == staged
    commit(catalog, [manifest], "t1")
    assert len(read(catalog, 1)) == 20


@pytest.mark.parametrize("landed", [False, True])
def test_an_unknown_commit_deletes_nothing_and_its_token_settles_it(catalog, refs, monkeypatch, site, landed):
    commit(catalog, [stage(refs, 1, "z", rows=3)], "t0")
    manifest = stage(refs, 1, "a")
    before = site.files()
    real, load = type(catalog).commit_table, type(catalog).load_table
    lost, committing = threading.Event(), threading.local()

    def lose_the_answer(self, *rest):
        committing.here = True
        if landed:
            real(self, *rest)
        committing.here = False
        lost.set()
        message = "connection reset"
        raise ConnectionError(message)

    def load_or_fail(self, *rest):
        if lost.is_set() and not getattr(committing, "here", False):
            message = "connection refused"
            raise ConnectionError(message)
        return load(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(type(catalog), "commit_table", lose_the_answer)
        patch.setattr(type(catalog), "load_table", load_or_fail)
        with pytest.raises(CommitUnknownError, match="connection reset"):
            commit(catalog, [manifest], "t1")
    assert before <= site.files()
    assert len(read(catalog, 1)) == 3
    commit(catalog, [manifest], "t1")
    assert counts(catalog) == {(1, 1): 20}
    assert set(snapshots(catalog).values()) == {2}


def test_a_lost_answer_of_a_commit_that_landed_is_found_by_its_token(catalog, refs, monkeypatch):
    real = type(catalog).commit_table

    def lose_the_answer(self, *rest):
        real(self, *rest)
        message = "connection reset"
        raise ConnectionError(message)

    with monkeypatch.context() as patch:
        patch.setattr(type(catalog), "commit_table", lose_the_answer)
        report = commit(catalog, [stage(refs, 1, "a")], "t1")
    assert report.changed
    assert len(read(catalog, 1)) == 20


def test_a_missing_staged_file_is_refused_before_the_table_names_it(catalog, refs):
    manifest = stage(refs, 1, "a")
    storage.delete_files([manifest.files["occurrence"][0].path])
    with pytest.raises(LakeError, match="is gone"):
        commit(catalog, [manifest], "t1")
    assert raw_rows(catalog, "occurrence").num_rows == 0


def test_rows_that_changed_behind_case_load_are_noticed(catalog, refs):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    table = catalog.load_table((NAMESPACE, CASE_TABLES["occurrence"].name))
    table.append(table.scan().to_arrow().slice(0, 1))
    expire_all_but_current(table)
    with pytest.raises(LakeError, match="21 rows"):
        read(catalog, 1)


def expire_all_but_current(table):
    current = table.current_snapshot().snapshot_id
    table.maintenance.expire_snapshots().by_ids(
        [one.snapshot_id for one in table.snapshots() if one.snapshot_id != current]
    ).commit()


def test_a_scan_for_one_case_opens_only_its_files(catalog, refs):
    commit(catalog, [stage(refs, case, "a") for case in range(1, 6)], "t1")
    commit(catalog, [stage(refs, 9, "a", part=2)], "t2", part=2)
    for declared in CASE_TABLES.values():
        table = catalog.load_table((NAMESPACE, declared.name))
        planned = [task.file.file_path for task in table.scan("case_id = 3").plan_files()]
        assert len(planned) == 1
        assert "/part=1/case=3/a/" in planned[0]


def test_replaced_cases_leave_no_manifests_behind(catalog, refs):
    for turn in range(5):
        commit(catalog, [stage(refs, 1, f"load{turn}")], f"t{turn}")
    table = catalog.load_table((NAMESPACE, CASE_TABLES["occurrence"].name))
    manifests = table.current_snapshot().manifests(table.io)
    assert len(manifests) == 2  # what was added, and what this commit deleted


def test_a_case_without_rows_is_visible_and_empty(catalog, refs):
    commit(catalog, [stage(refs, 1, "a", rows=0)], "t1")
    assert lake.visible_case(catalog, NAMESPACE, 1).rows == dict.fromkeys(CASE_TABLES, 0)
    assert read(catalog, 1) == []
    commit(catalog, [stage(refs, 1, "b", rows=2)], "t2")
    commit(catalog, [stage(refs, 1, "c", rows=0)], "t3")
    assert counts(catalog) == {}


def test_unfinished_staged_files_are_deleted_and_committed_ones_kept(catalog, refs):
    kept = stage(refs, 1, "a")
    commit(catalog, [kept], "t1")
    stage(refs, 1, "b")
    assert lake.delete_staged(catalog, NAMESPACE, 1, 1, "b") == len(CASE_TABLES)
    assert lake.delete_staged(catalog, NAMESPACE, 1, 1, "a") == 0
    assert lake.delete_staged(catalog, NAMESPACE, 1, 1, "never") == 0
    assert len(read(catalog, 1)) == 20


def test_files_of_a_half_committed_load_are_kept(catalog, refs, monkeypatch):
    with monkeypatch.context() as patch:
        crash_at(patch, "variant")
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, [stage(refs, 1, "a")], "t1")
    assert lake.delete_staged(catalog, NAMESPACE, 1, 1, "a") == 1, "only that of the table which no commit reached"
    assert raw_rows(catalog, "occurrence").num_rows == 20


def test_running_a_committed_import_again_touches_no_visible_file(catalog, refs):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    before = read(catalog, 1)
    with lake.Stager(refs, 1, 1, "a") as stager:
        stager.write("occurrence", random_rows.batch("occurrence", 3))
        assert read(catalog, 1) == before
        stager.abort()
    assert read(catalog, 1) == before
    commit(catalog, [stage(refs, 1, "a", rows=7)], "t1")
    assert counts(catalog) == {(1, 1): 7}


def test_another_attempt_after_a_half_commit_does_not_mix(catalog, refs, monkeypatch):
    with monkeypatch.context() as patch:
        crash_at(patch, "consequence")
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, [stage(refs, 1, "a", rows=9)], "t1")
    commit(catalog, [stage(refs, 1, "a", rows=4, seed=5)], "t1")
    assert all_counts(catalog) == every_table({(1, 1): 4})


def test_contradicting_arguments_are_refused(catalog, refs):
    one = stage(refs, 1, "a")
    with pytest.raises(LakeError, match="staged twice"):
        commit(catalog, [one, one], "t1")
    with pytest.raises(LakeError, match="both staged and deleted"):
        commit(catalog, [one], "t1", deleted=[1])
    with pytest.raises(LakeError, match=r"of part \[1\]"):
        commit(catalog, [one], "t1", part=2)
    with pytest.raises(LakeError, match="provenance"):
        lake.commit_part(catalog, NAMESPACE, 1, [one], [case_load(2)], [], "t1")
    assert lake.visible_cases(catalog, NAMESPACE) == {}


def test_commit_without_tables_says_what_to_do(catalog):
    with contextlib.suppress(Exception):
        catalog.create_namespace(NAMESPACE)
    with pytest.raises(LakeError, match="prepare-part"):
        lake.commit_part(catalog, NAMESPACE, 1, [], [], [5], "t1")


def test_parts_with_interleaved_case_numbers_leave_each_other_s_files_alone(catalog, refs, monkeypatch):
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 9, "a")], "t1")
    before = files_of_part(catalog, 1)
    commit(catalog, [stage(refs, 5, "b", part=2), stage(refs, 20, "b", part=2)], "t2", part=2)
    assert files_of_part(catalog, 1) == before
    staged = stage(refs, 3, "c")
    between(monkeypatch, "t4", lambda: commit(catalog, [stage(refs, 6, "d", part=2)], "t3", part=2))
    commit(catalog, [staged], "t4")
    assert list(lake.visible_cases(catalog, NAMESPACE)) == [1, 3, 5, 6, 9, 20]


def files_of_part(catalog, part: int) -> set[str]:
    gate = catalog.load_table((NAMESPACE, CASE_LOAD.name))
    return {task.file.file_path for task in gate.scan(f"part = {part}").plan_files()}


def test_one_case_load_file_per_part(catalog, refs):
    for case in range(1, 6):
        commit(catalog, [stage(refs, case, "a")], f"t{case}")
    gate = lake.table_overview(catalog, NAMESPACE)[-1]
    assert (gate.rows, gate.files) == (5, 1)


def test_a_plain_parquet_reader_reads_the_files(refs):
    manifest = stage(refs, 1, "a", rows=40)
    for name, files in manifest.files.items():
        with storage.open_read(files[0].path) as file:
            table = pq.ParquetFile(file).read()
        expected = random_rows.batch(name, 40, 1)
        stored = [column.name for column in CASE_TABLES[name].stored_columns if column.name in expected.schema.names]
        assert as_read(table, name).select(stored).to_pylist() == expected.select(stored).to_pylist()


def test_a_database_that_stores_bytes_instead_of_text_is_refused_with_the_way_out(new_database, monkeypatch, tmp_path):
    url = new_database("catalog_of_bytes", "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__URI", url)
    with pytest.raises(ConfigError, match=r"SQL_ASCII.*ENCODING 'UTF8' TEMPLATE template0"):
        lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)}))
