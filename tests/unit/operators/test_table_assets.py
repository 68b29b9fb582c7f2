from airflow.sdk import Asset

from job_xcoms import imported_case, succeeded
from radiant.operators.table_assets import TABLES, announce_tables, table_asset, table_events
from radiant.settings import load_settings

SETTINGS = load_settings({"RADIANT_LAKE__NAMESPACE": "lab", "RADIANT_LAKE__CATALOG": "glue"})
SNAPSHOT = 2**62 + 1


def committed(**snapshots):
    output = {"part": 7, "imported": [imported_case(3)], "failed": [], "deleted": [5], "snapshots": snapshots}
    return succeeded(output) | {"rows": {"occurrence": 12}}


def test_a_table_is_an_asset_named_as_in_the_catalog():
    asset = table_asset("occurrence", SETTINGS)
    assert (asset.name, asset.uri) == ("lab.occurrence", "radiant://glue/lab/occurrence")


def test_an_event_has_rows_snapshot_and_cases_and_its_number_is_text():
    (first, second) = table_events(committed(occurrence=SNAPSHOT, variant=None), SETTINGS)
    extra = {"part": 7, "rows": 12, "snapshot_id": str(SNAPSHOT), "cases": [3], "deleted_cases": [5]}
    assert first == (table_asset("occurrence", SETTINGS), extra)
    assert second[1] == extra | {"rows": 0, "snapshot_id": None}


def test_a_commit_without_a_case_and_one_of_an_earlier_release_leave_no_event():
    assert table_events(committed(), SETTINGS) == []
    old = succeeded({"part": 7, "imported": [], "failed": [], "deleted": []})
    assert table_events(old, SETTINGS) == []


def test_events_are_added_to_the_outlet_of_the_task():
    class Outlet(list[tuple[Asset, dict[str, object]]]):
        def add(self, asset, extra):
            self.append((asset, extra))

    outlet = Outlet()
    announce_tables({"outlet_events": {TABLES: outlet}}, committed(occurrence=1))
    assert [asset.name for asset, _ in outlet] == ["radiant.occurrence"]
