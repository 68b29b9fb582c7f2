"""What `radiant variants` finds, and what it shows."""

import pytest

import small_case
from radiant import lake
from radiant.domain.region import parse_region
from radiant.errors import CaseNotFoundError, InputError
from radiant.lake import datafile, scan, visible_rows
from radiant.settings import load_settings
from small_case import CASE, SITES, locus
from staging import NAMESPACE, commit, stage

ALL = [locus(site) for site in SITES]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as opened:
        refs = lake.ensure_tables(opened, NAMESPACE)
        small_case.write(opened, refs)
        commit(opened, [stage(refs, 1, "a")], "other")
        yield opened


def ask(catalog, **conditions) -> list[dict]:
    query = lake.VariantQuery(CASE, **conditions)
    return [row for batch in lake.variants(catalog, NAMESPACE, query) for row in batch.to_pylist()]


def found(catalog, **conditions) -> list[str]:
    return [row["locus"] for row in ask(catalog, **conditions)]


def test_without_conditions_all_of_the_proband_in_file_order(catalog):
    assert found(catalog) == ALL


def test_the_picked_entry_is_shown_and_a_site_without_one_has_none(catalog):
    rows = {row["locus"]: row for row in ask(catalog)}
    assert (rows["1-100-A-G"]["symbol"], rows["1-100-A-G"]["impact"]) == ("ABC", "MODERATE")
    assert rows["10-70-C-T"]["impact"] is None
    assert rows["2-9-G-C"]["symbol"] is None  # no entry of it is picked
    assert rows["1-100-A-T"]["rsnumber"] == ["rs1", "rs10"]
    assert rows["1-100-A-G"]["rsnumber"] is None


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"origins": ("denovo",)}, ["1-100-A-G", "X-3000000-T-C"]),
        ({"origins": ("denovo", "father")}, ["1-100-A-G", "1-5000-ACGT-A", "X-3000000-T-C"]),
        ({"impacts": ("HIGH",)}, ["1-100-A-G", "1-5000-ACGT-A", "2-9-G-C", "X-3000000-T-C"]),
        ({"impacts": ("LOW", "MODIFIER")}, ["1-100-A-T", "10-70-C-T", "2-9-G-C", "M-263-A-G"]),
        ({"genes": ("ABC",)}, ["1-100-A-G", "1-100-A-T", "1-5000-ACGT-A"]),
        ({"genes": ("ENSG3",)}, ["2-9-G-C"]),
        ({"genes": ("DMD", "XYZ")}, ["1-100-A-G", "X-3000000-T-C"]),
        ({"genes": ("ABC",), "impacts": ("HIGH",)}, ["1-5000-ACGT-A"]),
        ({"genes": ("ABC",), "origins": ("denovo",)}, ["1-100-A-G"]),
        ({"genes": ("nothing",)}, []),
        ({"genes": ("abc",)}, ["1-100-A-G", "1-100-A-T", "1-5000-ACGT-A"]),
        ({"genes": ("c9ORF72",)}, ["10-70-C-T"]),
        ({"origins": ("unknown",)}, []),
    ],
)
def test_conditions(catalog, conditions, expected):
    assert found(catalog, **conditions) == expected


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("chr1", ["1-100-A-G", "1-100-A-T", "1-5000-ACGT-A"]),
        ("1:100", ["1-100-A-G", "1-100-A-T"]),
        ("1:99", []),
        ("chr1:101-4,999", []),
        ("chr1:101-5,000", ["1-5000-ACGT-A"]),
        ("1:5003-9000", ["1-5000-ACGT-A"]),
        ("1:5004-9000", []),
        ("chr1:4000-", ["1-5000-ACGT-A"]),
        ("MT", ["M-263-A-G"]),
        ("chrX:1-156000000", ["X-3000000-T-C"]),
    ],
)
def test_a_region_is_1_based_inclusive_and_touches_the_reference_allele(catalog, region, expected):
    assert found(catalog, region=parse_region(region)) == expected


def test_region_and_impact_together(catalog):
    assert found(catalog, region=parse_region("1"), impacts=("HIGH",)) == ["1-100-A-G", "1-5000-ACGT-A"]


def test_the_entry_that_matched_is_shown(catalog):
    rows = {row["locus"]: row for row in ask(catalog, impacts=("HIGH",))}
    assert rows["1-100-A-G"]["symbol"] == "XYZ"
    assert {row["impact"] for row in rows.values()} == {"HIGH"}


def test_of_several_entries_the_picked_then_the_most_severe_is_shown(catalog):
    assert ask(catalog, genes=("TTN",))[0]["impact"] == "HIGH"
    rows = ask(catalog, genes=("ABC", "XYZ"), origins=("denovo",))
    assert [(row["symbol"], row["impact"]) for row in rows] == [("ABC", "MODERATE")]


def test_other_members_are_shown_on_request(catalog):
    mum = [locus(site) for site in SITES if site[5]]
    assert found(catalog, samples=("mum",)) == mum
    assert len(found(catalog, all_members=True)) == len(ALL) + len(mum)
    assert found(catalog, samples=("mum",), region=parse_region("10")) == ["10-70-C-T"]


def test_an_unknown_member_is_refused(catalog):
    with pytest.raises(InputError, match="no rows of member dad; it has rows of kid, mum"):
        ask(catalog, samples=("dad",))


def test_an_unknown_case_is_named(catalog):
    with pytest.raises(CaseNotFoundError, match="case 7 has no visible rows"):
        lake.variants(catalog, NAMESPACE, lake.VariantQuery(7))


def test_before_any_table_exists_the_case_is_unknown(tmp_path):
    with (
        lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)})) as empty,
        pytest.raises(CaseNotFoundError, match="case 7"),
    ):
        lake.variants(empty, NAMESPACE, lake.VariantQuery(7))


@pytest.mark.parametrize(("what", "word", "near"), [("origins", "de_novo", "denovo"), ("impacts", "HIHG", "HIGH")])
def test_a_misspelt_word_is_refused(what, word, near):
    with pytest.raises(InputError, match=f"did you mean {near}"):
        lake.VariantQuery(CASE, **{what: (word,)})


def test_rows_have_the_announced_schema(catalog):
    batches = list(lake.variants(catalog, NAMESPACE, lake.VariantQuery(CASE)))
    assert {batch.schema for batch in batches} == {lake.result_schema()}


def test_the_same_answer_from_many_small_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(datafile, "ROW_GROUP_ROWS", 2)
    monkeypatch.setattr(datafile, "FILE_BYTES", 1)
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path)})) as catalog:
        small_case.write(catalog, lake.ensure_tables(catalog, NAMESPACE))
        assert found(catalog) == ALL
        assert found(catalog, impacts=("HIGH",)) == ["1-100-A-G", "1-5000-ACGT-A", "2-9-G-C", "X-3000000-T-C"]


def test_only_files_of_the_case_are_planned(catalog):
    visible = lake.visible_case(catalog, NAMESPACE, CASE)
    table = catalog.load_table((NAMESPACE, "germline_snv_occurrence"))
    files = scan.plan(table, visible_rows.rows_of(visible.part, [CASE]))
    assert len(files) == 1
    assert f"/case={CASE}/" in files[0].file.file_path


def test_the_read_rows_have_the_staged_digest(catalog):
    for case_id in (CASE, 1):
        visible = lake.visible_case(catalog, NAMESPACE, case_id)
        for name, expected in visible.digests.items():
            digest = lake.RowDigest()
            for batch in lake.case_rows(catalog, NAMESPACE, case_id, name):
                digest.update(batch.drop_columns(["part", "case_id"]))
            assert digest.hexdigest() == expected
