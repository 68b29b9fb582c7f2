"""What maintenance deletes, what it never deletes, and that it may be killed at any step."""

import datetime as dt
import os
from pathlib import Path

import pytest
import s3fs

from kills import each_kill
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.errors import LakeError
from radiant.settings import load_settings
from s3_store import s3_store
from staging import NAMESPACE, commit, counts, read, stage

NOW = dt.datetime.now(dt.UTC)
FUTURE = NOW + dt.timedelta(days=1)
PAST = NOW - dt.timedelta(days=1)
ALL = lake.Cutoffs(replaced=FUTURE, orphans=FUTURE)
NOTHING = lake.Cutoffs(replaced=PAST, orphans=PAST)
TABLES = [f"{NAMESPACE}.{declared.name}" for declared in CASE_TABLES.values()]


@pytest.fixture
def refs(catalog):
    return lake.ensure_tables(catalog, NAMESPACE)


def maintain(catalog, cutoffs=ALL, held=frozenset(), *, dry_run=False):
    found = lake.maintain_tables(catalog, NAMESPACE, cutoffs, held, dry_run=dry_run)
    return {one.name.removeprefix(f"{NAMESPACE}.").removeprefix("germline_snv_"): one for one in found}


def parquet(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*.parquet")}


def loads(home: Path) -> set[str]:
    """The loads that have files of occurrences."""
    return {Path(one).parent.name for one in parquet(home) if "_occurrence" in one}


def history(catalog, refs) -> None:
    """A case that stays, one that was replaced, one that was deleted, in four commits."""
    commit(catalog, [stage(refs, 1, "a", rows=5), stage(refs, 2, "b", rows=5)], "t1")
    commit(catalog, [stage(refs, 3, "c", rows=5)], "t2")
    commit(catalog, [stage(refs, 2, "d", rows=7)], "t3")
    commit(catalog, [], "t4", deleted=[3])


def rows(catalog) -> dict:
    return {(case, name): read(catalog, case, name) for case in (1, 2) for name in CASE_TABLES}


def test_replaced_and_deleted_rows_leave_the_disk(catalog, refs, home):
    history(catalog, refs)
    before = rows(catalog)
    assert loads(home) == {"a", "b", "c", "d"}
    report = maintain(catalog)
    assert loads(home) == {"a", "d"}
    assert rows(catalog) == before
    assert report["occurrence"].snapshots == 3
    assert report["occurrence"].kept_snapshots == 1
    assert all(len(catalog.load_table(name).snapshots()) == 1 for name in TABLES)


def test_a_dry_run_changes_nothing_and_reports_what_is_freed_afterwards(catalog, refs, home):
    history(catalog, refs)
    files = sorted(path for path in home.rglob("*") if path.is_file())
    would = maintain(catalog, dry_run=True)
    assert sorted(path for path in home.rglob("*") if path.is_file()) == files
    did = maintain(catalog)
    for name in ("occurrence", "variant", "consequence"):
        assert would[name] == did[name]
        assert would[name].expired.bytes > 0


def test_the_bytes_of_the_report_are_those_that_leave_the_disk(catalog, refs, home):
    history(catalog, refs)

    def size():
        return sum(path.stat().st_size for path in (home / "warehouse/radiant/germline_snv_variant").rglob("*.parquet"))

    before = size()
    folder = home / "warehouse/radiant/germline_snv_variant/metadata"
    avro = sum(path.stat().st_size for path in folder.glob("*.avro"))
    freed = maintain(catalog)["variant"].expired.bytes
    assert freed == before - size() + avro - sum(path.stat().st_size for path in folder.glob("*.avro"))


def test_a_snapshot_stays_for_a_time_after_it_was_replaced(catalog, refs, home):
    history(catalog, refs)
    assert maintain(catalog, NOTHING)["occurrence"].snapshots == 0
    assert loads(home) == {"a", "b", "c", "d"}


def test_the_age_of_a_snapshot_counts_from_its_replacement(catalog, refs):
    """A reader that opened the table a moment before the replacement reads to its end."""
    commit(catalog, [stage(refs, 1, "a")], "t1")
    table = catalog.load_table(TABLES[0])
    made = dt.datetime.fromtimestamp(table.current_snapshot().timestamp_ms / 1000, dt.UTC)
    between = dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=5)
    while dt.datetime.now(dt.UTC) <= between:
        pass
    commit(catalog, [stage(refs, 1, "b")], "t2")
    assert made < between
    assert maintain(catalog, lake.Cutoffs(replaced=between, orphans=PAST))["occurrence"].snapshots == 0


def test_a_snapshot_with_a_branch_or_a_tag_stays(catalog, refs, home):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    table = catalog.load_table(TABLES[0])
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "paper").commit()
    commit(catalog, [stage(refs, 1, "b")], "t2")
    maintain(catalog)
    assert loads(home) == {"a", "b"}
    assert len(table.refresh().snapshots()) == 2


def test_rows_of_case_load_name_snapshots_that_are_there(catalog, refs):
    history(catalog, refs)
    maintain(catalog)
    for case in (1, 2):
        for name, snapshot in lake.visible_case(catalog, NAMESPACE, case).snapshots.items():
            assert catalog.load_table((NAMESPACE, CASE_TABLES[name].name)).snapshot_by_id(snapshot) is not None


def test_a_half_landed_import_keeps_the_snapshot_that_its_case_is_read_at(catalog, refs, home, monkeypatch):
    commit(catalog, [stage(refs, 1, "a", rows=5), stage(refs, 2, "b", rows=5)], "t1")
    before = rows(catalog)
    new = [stage(refs, 1, "c", rows=9, seed=77)]
    with monkeypatch.context() as patch:
        crash_before_the_gate(patch)
        with pytest.raises(RuntimeError, match="crash"):
            commit(catalog, new, "t2")
    maintain(catalog, held={"c"})
    assert loads(home) == {"a", "b", "c"}
    assert rows(catalog) == before
    commit(catalog, new, "t2")
    assert len(read(catalog, 1)) == 9
    maintain(catalog)
    assert loads(home) == {"b", "c"}


def crash_before_the_gate(monkeypatch) -> None:
    from radiant.lake import snapshot  # noqa: PLC0415

    real = snapshot.commit_replacement

    def commit_or_die(table, *rest):
        if table.name()[-1] == "case_load":
            message = "crash"
            raise RuntimeError(message)
        return real(table, *rest)

    monkeypatch.setattr("radiant.lake.commit.commit_replacement", commit_or_die)


def test_a_reader_that_read_its_row_before_it_moved_finds_the_same_rows(catalog, refs):
    from radiant.lake.visible_rows import case_table  # noqa: PLC0415

    history(catalog, refs)
    visible = lake.visible_case(catalog, NAMESPACE, 1)
    expected = read(catalog, 1)
    maintain(catalog)
    commit(catalog, [stage(refs, 2, "e", rows=1)], "t5")
    found = case_table(catalog, NAMESPACE, visible, "occurrence").rows()
    assert [row for batch in found for row in batch.to_pylist()] == expected


def test_staged_files_of_a_running_import_stay_however_old(catalog, refs, home):
    commit(catalog, [stage(refs, 1, "a")], "t1")
    manifest = stage(refs, 2, "running")
    stage(refs, 3, "dead")
    report = maintain(catalog, held={"running"})
    assert loads(home) == {"a", "running"}
    assert report["occurrence"].orphans.files == 1
    commit(catalog, [manifest], "t2")
    assert len(read(catalog, 2)) == 20


def test_young_orphans_stay(catalog, refs, home):
    stage(refs, 3, "dead")
    maintain(catalog, lake.Cutoffs(replaced=FUTURE, orphans=PAST))
    assert loads(home) == {"dead"}


def test_marks_of_committed_folders_stay_with_their_files(catalog, refs, home):
    history(catalog, refs)
    for folder in {path.parent for path in home.rglob("case=*/*/*.parquet")}:
        (folder / "_committed").touch()  # as commits of radiant 0.1 did
    maintain(catalog)
    maintain(catalog)
    marks = {path.parent.name for path in home.rglob("_committed")}
    assert marks == {"a", "d"}


def test_a_second_run_finds_nothing_to_do(catalog, refs):
    history(catalog, refs)
    maintain(catalog)
    maintain(catalog)  # frees the metadata that the first left behind
    again = maintain(catalog)
    assert all(one.expired.files == 0 for name, one in again.items() if name != "case_load")
    assert all(one.orphans.files == 0 for one in again.values())


def test_no_orphan_is_deleted_where_the_listing_lacks_a_file_of_the_table(catalog, refs, home):
    """The URIs may be spelt in a way that does not match: then everything would look like an orphan."""
    commit(catalog, [stage(refs, 1, "a")], "t1")
    stage(refs, 3, "dead")
    for path in home.rglob("case=1/a/*.parquet"):
        if "_occurrence" in str(path):
            path.rename(path.with_suffix(".moved"))
    report = maintain(catalog)["occurrence"]
    assert "not in the listing" in report.note
    assert report.orphans.files == 0
    assert "dead" in loads(home)


@pytest.mark.usefixtures("refs")
def test_tables_that_share_a_folder_are_refused(catalog):
    table = catalog.load_table(TABLES[0])
    other = catalog.load_table(TABLES[1])
    with table.transaction() as transaction:
        transaction.set_properties({"write.data.path": f"{other.location()}/data/mine"})
    with pytest.raises(LakeError, match="a folder of its own"):
        maintain(catalog)


def test_a_table_that_forbids_it_is_left_alone(catalog, refs, home):
    history(catalog, refs)
    table = catalog.load_table(TABLES[0])
    with table.transaction() as transaction:
        transaction.set_properties({"gc.enabled": "false"})
    assert "gc.enabled" in maintain(catalog)["occurrence"].note
    assert loads(home) == {"a", "b", "c", "d"}


def test_killed_after_any_change_nothing_is_lost_and_another_run_ends_as_one_would(catalog, refs, home):
    history(catalog, refs)
    stage(refs, 9, "dead")
    stage(refs, 8, "running")
    before = {case: read(catalog, case) for case in (1, 2)}
    settings = load_settings({"RADIANT_HOME": str(home)})

    def work():
        with lake.open_catalog(settings) as own:
            maintain(own, held={"running"})

    for at in each_kill(home, work):
        with lake.open_catalog(settings) as own:
            assert {case: read(own, case) for case in (1, 2)} == before, at
            maintain(own, held={"running"})
            assert {case: read(own, case) for case in (1, 2)} == before, at
            assert loads(home) == {"a", "d", "running"}, at
            assert counts(own, "variant") == {(1, 1): 5, (1, 2): 7}, at


def test_old_files_of_the_same_name_elsewhere_are_not_touched(catalog, refs, home):
    beside = home / "warehouse" / "notes.txt"
    commit(catalog, [stage(refs, 1, "a")], "t1")
    beside.write_text("keep")
    os.utime(beside, (0, 0))
    maintain(catalog)
    assert beside.exists()


@pytest.mark.parametrize("trouble", ["forbidden", "away"])
def test_metadata_that_a_commit_cannot_delete_is_logged_with_its_table_and_deleted_by_maintenance(
    tmp_path, monkeypatch, caplog, trouble
):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with s3_store() as store:
        settings = load_settings({"RADIANT_HOME": str(tmp_path), "RADIANT_LAKE__WAREHOUSE": store.uri("lake")})
        with lake.open_catalog(settings) as catalog:
            refs = lake.ensure_tables(catalog, NAMESPACE)
            table = catalog.load_table((NAMESPACE, CASE_TABLES["variant"].name))
            with table.transaction() as transaction:
                transaction.set_properties({"write.metadata.previous-versions-max": "1"})
            before = {one for one in store.names() if one.endswith(".json")}
            store.trouble = lambda method, path: trouble if (method, path) == ("POST", f"/{store.bucket}") else ""
            commit(catalog, [stage(refs, 1, "a", rows=5)], "t1")
            store.trouble = None
            assert before <= set(store.names())
            (line,) = [one.getMessage() for one in caplog.records if one.name == "radiant.lake.metadata"]
            assert f"{table.location()} landed, but its earlier metadata file" in line
            (left,) = [one for one in before if store.uri(one) in line]
            lake.maintain_tables(catalog, NAMESPACE, NOTHING, ())
            assert left in store.names()
            lake.maintain_tables(catalog, NAMESPACE, ALL, ())
            assert left not in store.names()
            assert len(read(catalog, 1)) == 5
