"""Run ids: one folder, one label, one tag each, whatever a person names a run."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant import storage
from radiant.jobs.documents import run_uri, task_uri
from radiant.jobs.run_ids import block_run_id, first_run_id, folder_name, part_run_id, short_name

LONG = "manual__" + "x" * 242
GREEK = "νυχτερινή-εκτέλεση-" * 12
UNUSUAL = [LONG, LONG[:-1] + "y", GREEK, GREEK + "2", "😀" * 60, "a/../../b", "..", ".", "..." * 80, "%" * 100]


@pytest.mark.parametrize("run_id", ["manual__2026-01-01T00:00:00+00:00", "nightly", "été", "a/b", "x" * 255])
def test_a_run_id_that_fits_keeps_its_folder(run_id):
    from urllib.parse import quote  # noqa: PLC0415 - what the folder was named by before

    assert folder_name(run_id) == quote(run_id, safe="")


@pytest.mark.parametrize("run_id", UNUSUAL)
def test_any_run_id_has_a_folder_on_disk_that_is_below_the_work_uri(tmp_path, run_id):
    place = task_uri(run_uri(f"file://{tmp_path}", "import-vcf", run_id), "import_case", 3)
    storage.write_bytes(storage.join(place, "request.json"), b"{}")
    (found,) = (path for path in tmp_path.rglob("request.json"))
    assert found.relative_to(tmp_path).parts[0] == "import-vcf"
    assert len(found.relative_to(tmp_path).parts) == 5
    assert storage.read_bytes(storage.join(place, "request.json")) == b"{}"
    assert [Path(uri).name for uri in storage.list_files(place)] == ["request.json"]


def test_no_two_run_ids_share_a_folder():
    assert len({folder_name(run_id) for run_id in UNUSUAL}) == len(UNUSUAL)


def test_a_shortened_folder_begins_with_the_run_id():
    assert folder_name(LONG).startswith("manual__xxxxx")


@given(st.text(min_size=1, max_size=250))
def test_a_folder_s_name_is_one_safe_name(run_id):
    name = folder_name(run_id)
    assert len(os.fsencode(name)) <= 255
    assert name.isascii()
    assert "/" not in name
    assert name.strip(".")


@given(st.text(min_size=1, max_size=250), st.integers(24, 256))
def test_a_short_name_fits_and_is_safe(text, longest):
    name = short_name(text, longest)
    assert len(name) <= longest
    assert name == text or name[-16:].isalnum()
    assert name.isascii()


@pytest.mark.parametrize("run_id", ["manual__2026-01-01T00:00:00+00:00", *UNUSUAL])
def test_a_child_s_run_id_fits_airflow_s_column_and_pattern(run_id):
    child = part_run_id(run_id, 65536, range(1, 1001))
    for found in (child, block_run_id(child, 2), block_run_id(child, 1)):
        assert len(found) <= 200
        assert short_name(found, 250) == found


def test_a_child_s_run_id_names_the_run_that_a_person_started():
    run_id = "manual__2026-01-01T00:00:00+00:00"
    part = part_run_id(run_id, 65536, [1, 2])
    assert [first_run_id(one) for one in (part, block_run_id(part, 2))] == [run_id, run_id]
    by_hand = [run_id, "part_7", "part_7__x", part_run_id(LONG, 7, [1])]
    assert [first_run_id(one) for one in by_hand] == [None] * 4


def test_child_runs_differ_by_part_time_and_cases():
    run_id = "manual__2026-01-01T00:00:00+00:00"
    found = part_run_id(run_id, 7, [2, 1])
    assert found.startswith(f"part_7__{run_id}__")
    assert found == part_run_id(run_id, 7, [1, 2])
    assert (
        len({found, part_run_id(run_id, 7, [1, 2, 3]), part_run_id(run_id, 8, [1, 2]), part_run_id("x", 7, [1, 2])})
        == 4
    )
    assert block_run_id(found, 1) == found
    assert block_run_id(found, 2) == f"block_2__{found}"
