"""A catalog's tables are pointed back to a backup, and no file of either state is deleted."""

import pytest

from contract.lake_site import CATALOGS, lake_site
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.errors import InputError
from radiant.lake.create import load_tables
from radiant.lake.expire import expire
from staging import NAMESPACE, commit, counts, read, stage


@pytest.fixture(params=CATALOGS)
def site(request, tmp_path):
    with lake_site(request.param, tmp_path, request.getfixturevalue) as site:
        yield site


def test_tables_are_pointed_back_and_every_file_of_both_states_stays(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t0")
    backup = lake.table_pointers(catalog, NAMESPACE)
    later = [stage(refs, 1, "b", rows=7), stage(refs, 2, "c")]
    commit(catalog, later, "t1")
    before = site.files()
    assert len(before) > 20
    with pytest.raises(InputError, match="--replace points it back"):
        lake.pointers_to_change(catalog, NAMESPACE, backup)
    changed = lake.pointers_to_change(catalog, NAMESPACE, backup, replace=True)
    assert len(changed) == len(backup)
    lake.register_pointers(catalog, NAMESPACE, changed)
    assert before <= site.files()
    reader = site.open()
    assert list(lake.visible_cases(reader, NAMESPACE)) == [1]
    assert len(read(reader, 1)) == 20
    for name in CASE_TABLES:
        assert counts(reader, name) == {(1, 1): 20}
    assert lake.pointers_to_change(reader, NAMESPACE, backup) == []
    commit(reader, later, "t1")  # the restore took it back: it is made again
    assert {case: len(read(reader, case)) for case in lake.visible_cases(reader, NAMESPACE)} == {1: 7, 2: 20}
    assert len(read(site.open(), 1)) == 7


def test_a_table_without_the_backup_s_snapshot_is_pointed_back_only_where_its_files_stay(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a")], "t0")
    backup = lake.table_pointers(catalog, NAMESPACE)
    table = load_tables(catalog, NAMESPACE)["occurrence"]
    first = table.current_snapshot().snapshot_id
    commit(catalog, [stage(refs, 1, "b", rows=7)], "t1")
    expire(table.refresh(), {first})
    before = site.files()
    if site.variables.get("PYICEBERG_CATALOG__DEFAULT__TYPE") == "rest":
        with pytest.raises(InputError, match=r"occurrence does not have the backup's snapshot .* Nothing was changed"):
            lake.pointers_to_change(catalog, NAMESPACE, backup, replace=True)
        assert len(read(site.open(), 1)) == 7
    else:
        lake.register_pointers(catalog, NAMESPACE, lake.pointers_to_change(catalog, NAMESPACE, backup, replace=True))
        assert len(read(site.open(), 1)) == 20
    assert before <= site.files()


def test_the_rows_of_cases_whose_files_are_lost_leave_case_load_alone(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "a")], "t0")
    commit(catalog, [stage(refs, 3, "a", part=2)], "t1", part=2)
    lost = [lake.LostFiles("germline_snv_occurrence", ("x",), frozenset({2, 3, 4}))]
    assert lake.drop_lost_cases(catalog, NAMESPACE, lost) == [2, 3]
    assert list(lake.visible_cases(site.open(), NAMESPACE)) == [1]
    assert counts(catalog) == {(1, 1): 20, (1, 2): 20, (2, 3): 20}
    assert lake.drop_lost_cases(catalog, NAMESPACE, [lake.LostFiles("germline_snv_variant", ("x",), None)]) == [1]
    assert lake.visible_cases(site.open(), NAMESPACE) == {}
