"""A commit decodes those manifests alone that can name a file of its cases, and finds each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.expressions import EqualTo
from pyiceberg.manifest import ManifestFile

from radiant import lake
from radiant.lake import manifest_cases
from radiant.lake.avro_blocks import header
from radiant.lake.pyiceberg_internals import ReplaceFiles
from radiant.lake.snapshot import rewrite_manifests
from staging import NAMESPACE, commit, counts, stage

CASES = st.integers(-3, 30)
BOUNDS = st.tuples(CASES, st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@pytest.fixture
def refs(catalog):
    return lake.ensure_tables(catalog, NAMESPACE)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The manifests whose entries were decoded."""
    found = []
    real = ManifestFile.fetch_manifest_entry

    def noted(self, *arguments, **options):
        found.append(self.manifest_path)
        return real(self, *arguments, **options)

    monkeypatch.setattr(ManifestFile, "fetch_manifest_entry", noted)
    return found


def table_of(catalog, refs, name: str = "occurrence"):
    return catalog.load_table((NAMESPACE, refs[name].identifier.rpartition(".")[2]))


def said(table) -> list[bytes | None]:
    """What the header of each manifest says of its cases."""
    found = []
    for manifest in table.current_snapshot().manifests(table.io):
        with table.io.new_input(manifest.manifest_path).open() as stream:
            found.append(header(stream.read())[0].get(manifest_cases.HEADER_KEY.encode()))
    return found


@given(files=st.lists(BOUNDS, max_size=12), cases=st.lists(CASES, max_size=5).map(sorted))
def test_a_header_says_of_each_set_of_cases_whether_one_is_within_the_bounds_of_a_file(files, cases):
    encoded = manifest_cases.encode(files).encode()
    expected = any(first <= case <= last for first, last in files for case in cases)
    assert manifest_cases.may_hold(encoded, cases) is expected
    assert any(manifest_cases.in_bounds(one, cases) for one in files) is expected


def test_bounds_side_by_side_are_one():
    assert manifest_cases.encode([(9, 9), (1, 1), (2, 4), (3, 3), (6, 6)]) == "[[1,4],[6,6],[9,9]]"
    assert manifest_cases.encode([]) == "[]"


def test_a_commit_of_new_cases_decodes_no_manifest_of_others(catalog, refs, decoded):
    for number in range(1, 6):
        commit(catalog, [stage(refs, number, "a", part=number)], f"t{number}", part=number)
    decoded.clear()
    commit(catalog, [stage(refs, 6, "a", part=6)], "t6", part=6)
    assert decoded == []
    assert counts(catalog) == {(number, number): 20 for number in range(1, 7)}


def test_a_case_that_moved_to_another_part_leaves_its_old_one(catalog, refs, decoded):
    for number in range(1, 4):
        commit(catalog, [stage(refs, number, "a", part=number)], f"t{number}", part=number)
    decoded.clear()
    commit(catalog, [stage(refs, 2, "b", part=9)], "t4", part=9)
    assert len([one for one in decoded if "occurrence" in one]) == 1
    assert counts(catalog) == {(1, 1): 20, (3, 3): 20, (9, 2): 20}


def test_a_manifest_of_another_engine_is_decoded_and_its_files_are_found(catalog, refs):
    commit(catalog, [stage(refs, 1, "a", part=1), stage(refs, 2, "a", part=1)], "t1")
    table = table_of(catalog, refs)
    rows = table.scan(EqualTo("case_id", 1)).to_arrow()
    table.delete("part = 1")
    table.append(rows)  # PyIceberg's own writer
    assert said(table) == [None]
    commit(catalog, [stage(refs, 1, "b", part=2)], "t2", part=2)
    assert counts(catalog) == {(2, 1): 20}


def test_headers_are_of_the_files_that_a_manifest_names_as_present(catalog, refs, monkeypatch):
    monkeypatch.setattr(ReplaceFiles, "MERGED", 3)
    for number in range(1, 5):
        commit(catalog, [stage(refs, number, "a")], f"t{number}")
    commit(catalog, [], "t5", deleted=[2])
    table = table_of(catalog, refs)
    named = {one for one in said(table) if one != b"[]"}  # the deleted file is named in a manifest of its own
    assert named == {b"[[1,1],[3,3]]", b"[[4,4]]"}
    rewrite_manifests(table)
    assert said(table_of(catalog, refs)) == [b"[[1,1],[3,4]]"]
