"""Small files of a part are brought together, and each case in them is still replaced, removed and read by itself."""

import pyarrow.parquet as pq
import pytest

from kills import each_kill
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.lake.compact import compact
from radiant.lake.create import load_tables
from radiant.lake.pyiceberg_internals import ReplaceFiles
from radiant.lake.snapshot import live_files
from radiant.settings import load_settings
from staging import NAMESPACE, commit, counts, read, stage

CASES = range(1, 7)
TARGET = 1 << 20


@pytest.fixture
def refs(catalog):
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, case, f"load{case}", rows=5 + case) for case in CASES], "t1")
    return refs


def compact_all(catalog, target=TARGET, held=()):
    return {
        name: compact(catalog, NAMESPACE, table, target, held)
        for name, table in load_tables(catalog, NAMESPACE).items()
        if name in CASE_TABLES
    }


def rows(catalog, cases=CASES) -> dict:
    return {(case, name): read(catalog, case, name) for case in cases for name in ("occurrence", "variant")}


def files(catalog, name="occurrence"):
    return list(live_files(load_tables(catalog, NAMESPACE)[name]))


@pytest.mark.usefixtures("refs")
def test_six_small_files_become_one_with_the_same_rows_in_the_same_order(catalog):
    before = rows(catalog)
    found = compact_all(catalog)
    assert (found["occurrence"].before, found["occurrence"].after) == (6, 1)
    assert len(files(catalog)) == 1
    assert rows(catalog) == before
    table = load_tables(catalog, NAMESPACE)["occurrence"]
    assert table.current_snapshot().summary["operation"].value == "replace"
    assert compact_all(catalog)["occurrence"].before == 0


@pytest.mark.usefixtures("refs")
def test_each_row_group_has_one_case_and_bounds_of_it(catalog):
    compact_all(catalog)
    (file,) = files(catalog)
    assert (file.first_case, file.last_case) == (1, 6)
    footer = pq.ParquetFile(file.data_file.file_path.removeprefix("file://"))
    at = footer.schema_arrow.names.index("case_id")
    groups = [footer.metadata.row_group(number).column(at).statistics for number in range(footer.num_row_groups)]
    assert [(one.min, one.max) for one in groups] == [(case, case) for case in CASES]


def test_a_case_in_a_compacted_file_is_replaced_and_removed_alone(catalog, refs):
    compact_all(catalog)
    others = rows(catalog, [1, 2, 4, 6])
    commit(catalog, [stage(refs, 3, "again", rows=2)], "t2", deleted=[5])
    assert counts(catalog) == {(1, case): (2 if case == 3 else 5 + case) for case in CASES if case != 5}
    assert rows(catalog, [1, 2, 4, 6]) == others
    assert len(read(catalog, 3)) == 2


def test_a_compacted_case_stays_readable_after_its_old_snapshots_are_expired(catalog, refs, home):
    import datetime as dt  # noqa: PLC0415

    future = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    before = rows(catalog)
    lake.maintain_tables(catalog, NAMESPACE, lake.Cutoffs(future, future), (), target_bytes=TARGET)
    assert rows(catalog) == before
    report = lake.maintain_tables(catalog, NAMESPACE, lake.Cutoffs(future, future), (), target_bytes=TARGET)
    assert report[0].snapshots == 1
    assert rows(catalog) == before
    data = [path for path in home.rglob("*.parquet") if "_occurrence" in str(path)]
    assert [path.parent.name for path in data] == ["compacted"]
    commit(catalog, [stage(refs, 2, "again", rows=1)], "t2")
    assert rows(catalog, [1, 3, 4, 5, 6]) == {key: value for key, value in before.items() if key[0] != 2}


@pytest.mark.usefixtures("refs")
def test_files_of_cases_that_an_import_holds_are_left_alone(catalog):
    found = compact_all(catalog, held=[1, 2])
    assert found["occurrence"].before == 4
    assert sorted(file.first_case for file in files(catalog) if file.first_case == file.last_case) == [1, 2]


@pytest.mark.usefixtures("refs")
def test_large_files_are_left_alone(catalog):
    assert compact_all(catalog, target=1000)["occurrence"].before == 0


def test_files_of_a_load_that_is_not_visible_are_left_alone(catalog, refs, monkeypatch):
    from radiant.lake import snapshot  # noqa: PLC0415

    real = snapshot.commit_replacement

    def commit_or_die(table, *rest):
        if table.name()[-1] == "case_load":
            message = "crash"
            raise RuntimeError(message)
        return real(table, *rest)

    before = rows(catalog)
    new = [stage(refs, 6, "half", rows=3)]
    with monkeypatch.context() as patch:
        patch.setattr("radiant.lake.commit.commit_replacement", commit_or_die)
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, new, "t2")
    assert compact_all(catalog)["occurrence"].before == 5
    assert rows(catalog) == before
    commit(catalog, new, "t2")
    assert len(read(catalog, 6)) == 3


def test_an_import_that_commits_first_wins(catalog, refs, monkeypatch, home):
    """It replaces a case between the choice of the files and the commit that brings them together."""
    table = load_tables(catalog, NAMESPACE)["occurrence"]
    visible = lake.visible_cases(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 3, "again", rows=2)], "t2")
    monkeypatch.setattr("radiant.lake.compact.visible_cases", lambda *_: visible)
    assert compact(catalog, NAMESPACE, table, TARGET, ()).before == 0
    assert counts(catalog) == {(1, case): (2 if case == 3 else 5 + case) for case in CASES}
    assert not [path for path in home.rglob("*.parquet") if path.parent.name == "compacted"]


@pytest.mark.usefixtures("refs")
def test_killed_after_any_change_of_a_compaction_nothing_is_lost(catalog, home):
    before = rows(catalog)
    settings = load_settings({"RADIANT_HOME": str(home)})

    def work():
        with lake.open_catalog(settings) as own:
            compact_all(own)

    for at in each_kill(home, work, most=12):
        with lake.open_catalog(settings) as own:
            assert rows(own) == before, at
            compact_all(own)
            assert rows(own) == before, at
            assert len(files(own)) == 1, at


def test_many_manifests_become_few_and_the_rows_stay(catalog, refs, monkeypatch):
    monkeypatch.setattr(ReplaceFiles, "MERGED", 1000)  # as in a table of an earlier version
    for number in range(20):
        commit(catalog, [stage(refs, 10 + number, "a", rows=1)], f"m{number}")
    before = rows(catalog)
    import datetime as dt  # noqa: PLC0415

    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    report = lake.maintain_tables(catalog, NAMESPACE, lake.Cutoffs(past, past), ())
    assert report[0].manifests == 21
    table = load_tables(catalog, NAMESPACE)["occurrence"]
    assert len(table.current_snapshot().manifests(table.io)) == 1
    assert rows(catalog) == before


def test_commits_bring_small_manifests_together_and_the_rows_stay(catalog, refs, monkeypatch):
    monkeypatch.setattr(ReplaceFiles, "MERGED", 3)
    seen, expected = [], {}
    for number in range(8):
        # Of four cases, each twice: adding a manifest, and taking a file out of one.
        case, load = 100 + number % 4, f"m{number}"
        commit(catalog, [stage(refs, case, load, rows=2)], load)
        expected[case] = load
        table = load_tables(catalog, NAMESPACE)["occurrence"]
        seen.append(len(table.current_snapshot().manifests(table.io)))
        folders = [file.data_file.file_path.split("/")[-3:-1] for file in live_files(table)]
        found = sorted((case, load) for case, load in folders if load.startswith("m"))
        assert found == sorted((f"case={case}", load) for case, load in expected.items())
    assert {case: len(read(catalog, case)) for case in expected} == dict.fromkeys(expected, 2)
    assert max(seen) <= 5, seen
