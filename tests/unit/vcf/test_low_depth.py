"""Families of which few reads were made: no alarm on a true one, and a wrong one or a disomy found all the same."""

from dataclasses import replace

import pytest

from equivalence import compare
from low_depth import LowDepth, trio_text
from real_families import ASHKENAZI, CLINICAL, UPD
from vcf_files import TRIO, Read, write

READS = {"GT:AD:DP:GQ": 7, "GT:GQ": 6, "GT:DP": 10, "GT:AD": 11}
"""What a file states of each call, and reads on average that leave enough good calls."""
RULE = "GQ 20 and 7 reads, 10 without GQ, 3 of each called allele, where the file states them"


def report_of(folder, what, format_="GT:AD:DP:GQ"):
    return Read(write(folder / "a.vcf.bgz", trio_text(what, format_)), TRIO).json


def about(report, *kinds):
    return [text for text in report["warnings"] if text.split(":")[0] in kinds]


@pytest.mark.parametrize("format_", READS)
def test_a_true_family_has_no_alarm(tmp_path, format_):
    report = report_of(tmp_path, LowDepth(READS[format_], sites=12_000), format_)
    (trio,) = report["trios"]
    everything, passing = trio["mendel"]["autosomal"], trio["mendel"]["passing"]
    assert everything["error_rate"] > (0.05 if READS[format_] < 10 else 0.01)
    assert passing["error_rate"] < 0.02
    assert 141 <= passing["checked"] < everything["checked"] / 2
    assert trio["parentage"] == "fits"
    assert about(report, "parentage", "uniparental", "sex") == []


@pytest.mark.parametrize("format_", READS)
@pytest.mark.parametrize("stranger", ["dad", "mum"])
def test_a_stranger_in_a_parents_place_is_found(tmp_path, stranger, format_):
    report = report_of(tmp_path, LowDepth(READS[format_], sites=12_000, stranger=stranger), format_)
    (trio,) = report["trios"]
    assert trio["parentage"] == "contradicts"
    texts = about(report, "parentage", "uniparental")
    passing, everything = trio["mendel"]["passing"], trio["mendel"]["autosomal"]
    if format_ != "GT:GQ":  # without a number of reads more heterozygotes pass than homozygotes, and fewer errors show
        assert f"{passing['errors']:,} of {passing['checked']:,} autosomal sites" in texts[0]
        assert f"used are the sites whose three calls pass quality ({RULE}), of {everything['checked']:,}" in texts[0]
    assert not any(text.startswith("uniparental") for text in texts)
    named = [name for name in ("father", "mother") if any(f"the stated {name} share no allele" in one for one in texts)]
    assert named == [{"dad": "father", "mum": "mother"}[stranger]]


@pytest.mark.parametrize("format_", READS)
def test_a_disomy_is_found_and_not_taken_for_a_stranger(tmp_path, format_):
    report = report_of(tmp_path, LowDepth(READS[format_] + 1, sites=12_000, maternal_16=True), format_)
    (text,) = about(report, "parentage", "uniparental", "sex")
    assert text.startswith("uniparental: on chromosome 16 of member 1 (proband)")
    assert "explained by the mother alone" in text
    counts = report["trios"][0]["uniparental"]
    assert counts["16"]["judged"]
    assert counts["16"]["mother_only_rate"] > 0.9
    assert counts["16"]["low_quality"] > counts["16"]["mother_only"]
    assert counts["1"]["mother_only_rate"] < 0.1
    assert report["trios"][0]["parentage"] == "fits"


@pytest.mark.parametrize("format_", [*READS, "GT:DP:GQ", "GT:AO:RO", "GT"])
def test_both_readers_find_the_same_calls_to_pass(tmp_path, format_):
    text = trio_text(LowDepth(8, sites=400), format_)
    compare(write(tmp_path / "a.vcf", text), TRIO, chunk_bytes=5000)


def test_by_all_calls_the_same_family_would_be_taken_for_a_wrong_one(tmp_path):
    report = report_of(tmp_path, LowDepth(5, maternal_16=True), "GT")
    assert about(report, "parentage")


def test_too_few_calls_that_pass_are_said_not_to_judge(tmp_path):
    report = report_of(tmp_path, LowDepth(4))
    (trio,) = report["trios"]
    passing, everything = trio["mendel"]["passing"]["checked"], trio["mendel"]["autosomal"]["checked"]
    assert passing < 141 < everything
    assert trio["parentage"] == "cannot judge"
    (text,) = about(report, "parentage", "uniparental", "sex")
    assert text.startswith(
        "parentage: cannot judge whether member 1 (proband) fits the stated father and mother: too few autosomal sites "
        f"have calls that pass quality ({RULE}): {passing} of {everything:,} of the trio (141 needed)"
    )
    assert [person["sex"] for person in report["people"]][:2] == ["cannot judge", "cannot judge"]
    assert all(person["x_low_quality"] > 100 for person in report["people"])


def test_a_low_depth_son_is_not_taken_for_a_daughter(tmp_path):
    # By GQ alone a son's calls with one misread allele pass and his others do not.
    report = report_of(tmp_path, LowDepth(8, sites=12_000))
    assert [(person["stated_sex"], person["sex"]) for person in report["people"]] == [
        ("male", "fits"),
        ("male", "fits"),
        ("female", "fits"),
    ]


# --- real trios -------------------------------------------------------------------------------------------------------

REAL = {"ashk-trio.vcf.gz": ASHKENAZI, "upd-trio.vcf.gz": UPD, "clinical-trio-vep.vcf.gz": CLINICAL}


@pytest.mark.parametrize("file", REAL)
def test_real_trios_fit_by_the_calls_that_pass(corpus, file):
    report = Read(corpus / file, REAL[file], assembly="GRCh37").json
    (trio,) = report["trios"]
    assert trio["parentage"] == "fits"
    assert trio["mendel"]["passing"]["error_rate"] < trio["mendel"]["autosomal"]["error_rate"]
    texts = [text.partition(";")[0] for text in about(report, "parentage", "uniparental", "sex")]
    disomy = (
        "uniparental: on chromosome 16 of member 1 (proband), 547 of 555 informative sites (98.6%, warned above 30%) "
        "are explained by the mother alone"
    )
    assert texts == ([disomy] if file == "upd-trio.vcf.gz" else [])


@pytest.mark.parametrize("file", REAL)
@pytest.mark.parametrize(("place", "stranger"), [(1, "mother"), (2, "father")])
def test_a_real_child_in_the_place_of_a_parent_is_found(corpus, file, place, stranger):
    people = list(REAL[file])
    names = [one.sample for one in people]
    names[0], names[place] = names[place], names[0]
    members = [
        replace(one, sample=name, father=None if number else names[1], mother=None if number else names[2])
        for number, (one, name) in enumerate(zip(people, names, strict=True))
    ]
    report = Read(corpus / file, members, assembly="GRCh37").json
    assert report["trios"][0]["parentage"] == "contradicts"
    texts = about(report, "parentage", "uniparental")
    assert ["Mendelian errors" in text for text in texts] == [True, False]
    assert f"the stated {stranger} share no allele" in texts[1]
