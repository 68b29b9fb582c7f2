"""Zygosity, read support and the fields of a sample column."""

import re

import pytest

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules.genotypes import AlleleDepth, FormatReader, Zygosity, zygosity

AUTOSOME = RegionClass.AUTOSOME


def read(format_: str, text: str, n_alts: int = 1):
    call, pieces = FormatReader(format_, Header(minor=2)).read(text, n_alts)
    return call, pieces


@pytest.mark.parametrize(
    ("gt", "alt", "expected"),
    [
        ("0/0", 1, "WT"),
        ("0/1", 1, "HET"),
        ("1|0", 1, "HET"),
        ("1/1", 1, "HOM"),
        ("1", 1, "HEM"),
        ("0", 1, "WT"),
        (".", 1, "UNK"),
        ("./.", 1, "UNK"),
        ("./1", 1, "UNK"),
        ("0/.", 1, "UNK"),
        ("1/2", 1, "HET"),
        ("1/2", 2, "HET"),
        ("2/2", 1, "WT"),
        ("2/2", 2, "HOM"),
        ("0/0/1", 1, "HET"),
        ("1/1/1", 1, "HOM"),
        (None, 1, "UNK"),
    ],
)
def test_zygosity_follows_the_known_calls(gt, alt, expected):
    assert zygosity(gt, alt, Sex.FEMALE, AUTOSOME) == expected


@pytest.mark.parametrize("gt", ["0/1", "1/1", "1"])
@pytest.mark.parametrize("region", [RegionClass.X, RegionClass.Y])
def test_a_male_outside_the_par_is_hemizygous(gt, region):
    assert zygosity(gt, 1, Sex.MALE, region) is Zygosity.HEM


@pytest.mark.parametrize(("sex", "region"), [(Sex.MALE, RegionClass.PAR), (Sex.FEMALE, RegionClass.X),
                                             (Sex.UNKNOWN, RegionClass.X), (Sex.MALE, RegionClass.M)])  # fmt: skip
def test_two_calls_elsewhere_are_not_hemizygous(sex, region):
    assert zygosity("1/1", 1, sex, region) is Zygosity.HOM


@pytest.mark.parametrize(
    ("gt", "depth", "expected"),
    [
        ("0/1", AlleleDepth(10, 0, 10), "UNK"),
        ("0/1", AlleleDepth(10, 2, 12), "UNK"),
        ("0/1", AlleleDepth(0, 3, 3), "HET"),
        ("1/1", AlleleDepth(0, 2, 2), "UNK"),
        ("1", AlleleDepth(0, 0, 0), "UNK"),
        ("0/0", AlleleDepth(0, 9, 9), "UNK"),
        ("0/0", AlleleDepth(2, 0, 2), "UNK"),
        ("0/0", AlleleDepth(3, 0, 3), "WT"),
        ("0/1", AlleleDepth(None, None, None), "HET"),
        ("0/1", AlleleDepth(5, None, None), "HET"),
    ],
)
def test_fewer_than_three_reads_make_it_unknown_zero_included_missing_not(gt, depth, expected):
    assert zygosity(gt, 1, Sex.FEMALE, AUTOSOME, depth) == expected


def test_missing_fields_are_null_not_zero():
    for text in ("0/1", "0/1:.:.:.:.", "0/1:.,."):
        call, _ = read("GT:AD:DP:GQ:PS", text)
        assert (call.dp, call.gq, call.phase_set, call.depths) == (None, None, None, None)
        assert call.depth(1) == (None, None, None)
        assert call.depth(1).ratio is None


def test_zero_is_zero_not_null():
    call, _ = read("GT:AD:DP:GQ", "0/1:0,0:0:0")
    assert (call.dp, call.gq) == (0, 0)
    assert call.depth(1) == (0, 0, 0)
    assert call.depth(1).ratio is None


def test_ad_gives_the_reads_per_allele():
    call, _ = read("GT:AD", "1/2:1,2,3", n_alts=2)
    assert call.depth(1) == (1, 2, 6)
    assert call.depth(2) == (1, 3, 6)
    assert call.depth(2).ratio == 0.5


def test_a_missing_value_of_ad_leaves_the_total_unknown():
    call, _ = read("GT:AD", "0/1:.,7")
    assert call.depth(1) == (None, 7, None)


def test_ro_and_ao_stand_in_for_ad_and_dpr_for_both():
    assert read("GT:RO:AO", "1/2:5:6,7", n_alts=2)[0].depth(2) == (5, 7, 18)
    assert read("GT:DPR", "0/1:5,6")[0].depth(1) == (5, 6, 11)
    assert read("GT:AD:RO:AO", "0/1:1,2:8:9")[0].depth(1) == (1, 2, 3)
    assert read("GT:AD:RO:AO", "0/1:.:8:9")[0].depth(1) == (8, 9, 17)


@pytest.mark.parametrize(("format_", "text"), [("GT:AD", "0/1:1,2,3"), ("GT:AD", "0/1:7"), ("GT:RO:AO", "0/1:1:2,3")])
def test_a_wrong_number_of_read_counts_is_null_and_quarantined(format_, text):
    call, pieces = read(format_, text)
    assert call.depths is None
    assert [piece.rule for piece in pieces] == ["format_count"]


def test_a_decimal_gq_is_rounded_down():
    assert read("GT:GQ", "0/1:48.97")[0].gq == 48
    assert read("GT:GQ", "0/1:nan")[0].gq is None


@pytest.mark.parametrize("text", ["0/1::30:7", "0/1:3,4::7", "0/1:3,4:30:", "0/1:::"])
def test_an_empty_field_beside_a_genotype_is_missing_and_quarantined(text):
    call, pieces = read("GT:AD:GQ:DP", text)
    expected, none = read("GT:AD:GQ:DP", re.sub("(?<=:)(?=:|$)", ".", text))
    assert (call, none) == (expected, [])
    assert {piece.rule for piece in pieces} == {"format_empty"}
    assert len(pieces) == len(re.findall("(?<=:)(?=:|$)", text))


def test_phase_set_is_kept_as_written():
    assert read("GT:PS", "0|1:10177")[0].phase_set == "10177"


def test_trailing_fields_may_be_dropped():
    assert read("GT:AD:DP", "0/1")[0].dp is None


@pytest.mark.parametrize(
    ("format_", "text", "rule"),
    [
        ("GT:DP", "0/1:x", "not_an_integer"),
        ("GT:DP", "0/1:1.5", "not_an_integer"),
        ("GT:DP", "0/1:-1", "negative"),
        ("GT:DP", "0/1:99999999999", "integer_range"),
        ("GT:AD", "0/1:1,x", "not_an_integer"),
        ("GT:GQ", "0/1:high", "not_a_number"),
        ("GT:GQ", "0/1:inf", "integer_range"),
        ("GT:DP", "0/1:1:2", "sample_fields"),
        ("GT", "", "sample_empty"),
        ("GT", "0/x", "gt_invalid"),
        ("GT", "0/2", "gt_allele_unknown"),
        ("GT::DP", "0/1", "format_key"),
        ("GT:DP:DP", "0/1", "format_key_twice"),
    ],
)
def test_text_where_a_number_belongs_and_the_like_rejects_the_line(format_, text, rule):
    with pytest.raises((BrokenRuleError, ValueError)) as error:
        read(format_, text)
    assert error.value.rule == rule


@pytest.mark.parametrize(("text", "gt", "dp"), [("12:0/1", "0/1", 12), (".:1|1", "1|1", None), ("12", ".", 12)])
def test_gt_is_read_by_its_name_wherever_it_stands(text, gt, dp):
    call, pieces = read("DP:GT", text)
    assert (call.gt, call.dp, pieces) == (gt, dp, [])


def test_without_gt_the_genotype_is_unknown():
    call, _ = read("DP", "12")
    assert (call.gt, call.site, call.dp) == (None, (-1,), 12)
