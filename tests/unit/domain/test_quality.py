"""Mendel counts, parentage, uniparental disomy, sex: what is counted, and what is warned about."""

import gzip
import json
import pickle

import pytest

from radiant.domain.assembly import RegionClass, canonical_chromosome, region_class
from radiant.domain.case import Sex
from radiant.domain.mendel import TrioCounts
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.quality import QualityCounts
from radiant.domain.sex_check import PersonCounts
from radiant.domain.trio import MISSING

AUTOSOME, X, Y = RegionClass.AUTOSOME, RegionClass.X, RegionClass.Y
TRIO = "F kid dad mum 1 2\nF dad 0 0 1 1\nF mum 0 0 2 1\n"


def counts_of(pedigree):
    return QualityCounts(parse_pedigree(pedigree, "family.ped"))


def calls(text):
    return tuple(MISSING if call == "." else int(call) for call in text.replace("|", "/").split("/"))


def add(counts, people, times=1, place=("1", AUTOSOME, "SNV")):
    counts.add(*place, [calls(genotype) for genotype in people.split()], times)


NO_SITES = {"checked": 0, "errors": 0, "missing": 0, "errors_of_missing": 0, "skipped": 0}


def mendel(counts):
    return {name: counts.to_json()["mendel"][name] for name in NO_SITES}


@pytest.mark.parametrize(
    ("people", "bucket"),
    [
        ("0/1 0/1 0/0", {"checked": 1}),
        ("0/0 1/1 0/0", {"checked": 1, "errors": 1}),
        ("1/1 ./. 0/0", {"missing": 1, "errors_of_missing": 1}),
        ("./1 0/0 0/0", {"missing": 1, "errors_of_missing": 1}),
        ("0/1 1/. 0/0", {"missing": 1}),
        ("1 0/0 0/0", {"missing": 1, "errors_of_missing": 1}),
        ("0/1 ./. 0/1", {"missing": 1}),
        ("./. 0/1 0/1", {"missing": 1}),
        ("0/0 ./. 0/0", {"missing": 1}),
        ("0/0 0/0 0/0", {"skipped": 1}),
        ("1/2 0/1 0/2", {"checked": 1}),
    ],
)
def test_each_site_falls_into_one_mendel_bucket(people, bucket):
    counts = counts_of(TRIO)
    add(counts, people)
    assert mendel(counts) == NO_SITES | bucket


def test_a_daughters_y_is_skipped():
    counts = counts_of(TRIO.replace("kid dad mum 1", "kid dad mum 2"))
    add(counts, "1 1 .", place=("Y", Y, "SNV"))
    assert mendel(counts)["skipped"] == 1


def test_rates_are_per_variant_type_and_null_without_checked_sites():
    counts = counts_of(TRIO)
    assert counts.to_json()["mendel"]["error_rate"] is None
    add(counts, "0/1 0/0 0/0", 1)
    add(counts, "0/1 0/1 0/0", 3)
    add(counts, "0/1 0/0 0/0", 1, ("2", AUTOSOME, "deletion"))
    report = counts.to_json()["mendel"]
    assert report["error_rate"] == 0.4
    assert report["by_type"]["SNV"]["error_rate"] == 0.25
    assert report["by_type"]["deletion"]["error_rate"] == 1.0


def test_a_family_without_parents_has_empty_mendel_counts():
    counts = counts_of("F kid 0 0 1 2\n")
    add(counts, "0/1")
    assert mendel(counts) == NO_SITES
    assert counts.to_json()["trios"] == []
    assert counts.warnings() == ()


def test_pieces_add_up_to_the_whole_and_survive_pickling():
    lines = [
        ("0/1 0/0 0/0", ("1", AUTOSOME, "SNV")),
        ("1 0 0/1", ("X", X, "SNV")),
        ("0/1 0/1 0/1", ("2", AUTOSOME, "x")),
    ]
    whole, first, second = counts_of(TRIO), counts_of(TRIO), counts_of(TRIO)
    for number, (people, place) in enumerate(lines * 3):
        add(whole, people, place=place)
        add(first if number % 2 else second, people, place=place)
    first.merge(pickle.loads(pickle.dumps(second)))  # noqa: S301 - our own bytes: how workers hand them over
    assert first.to_json() == whole.to_json()
    assert json.loads(json.dumps(whole.to_json())) == whole.to_json()


def test_times_is_that_many_lines():
    once, often = counts_of(TRIO), counts_of(TRIO)
    add(once, "0/1 0/1 0/0", 5)
    for _ in range(5):
        add(often, "0/1 0|1 0/0")
    assert once.to_json() == often.to_json()


# --- warnings -----------------------------------------------------------------------------------------------------


def test_a_real_family_of_clean_genotypes_has_no_warning():
    counts = counts_of(TRIO)
    for people in ("0/1 0/1 0/0", "0/1 0/0 0/1", "0/1 1/1 0/0", "1/1 0/1 0/1"):
        add(counts, people, 500)
    add(counts, "1 0 0/1", 50, ("X", X, "SNV"))
    add(counts, "0 1 0/1", 50, ("X", X, "SNV"))
    assert counts.warnings() == ()


@pytest.mark.parametrize(("errors", "warned"), [(20, False), (21, True)])
def test_more_than_a_tenth_of_mendelian_errors_is_warned(errors, warned):
    counts = counts_of(TRIO)
    add(counts, "0/1 0/0 0/0", errors)
    add(counts, "0/1 0/1 0/0", 200 - errors)
    texts = counts.warnings()
    assert bool(texts) is warned
    if warned:
        assert texts == (
            (
                "parentage: 21 of 200 autosomal sites (10.5%) of member 1 (proband) and the stated parents are "
                "Mendelian errors (warned above 10%); check the pedigree and the samples"
            ),
        )


def test_few_sites_do_not_judge_parentage():
    counts = counts_of(TRIO)
    add(counts, "0/1 0/0 0/0", 199)
    assert counts.warnings() == ()


def test_the_few_errors_that_a_duo_can_show_are_no_rate():
    counts = counts_of("F kid dad mum 1 2\nF mum 0 0 2 1\n")
    add(counts, "1/1 0/0", 300)
    add(counts, "0/1 0/1", 99_700)
    assert mendel(counts) == NO_SITES | {"missing": 100_000, "errors_of_missing": 300}
    assert counts.warnings() == ()


def test_a_parent_who_shares_nothing_is_named_in_a_duo_too():
    counts = counts_of("F kid dad mum 1 2\nF mum 0 0 2 1\n")
    add(counts, "1/1 0/0", 10)
    add(counts, "0/1 0/1", 190)
    assert [text for text in counts.warnings() if "share no allele" in text] == [
        (
            "parentage: member 1 (proband) and the stated mother share no allele at 10 of 200 autosomal sites (5.0%, "
            "warned above 3%); check the pedigree and the samples"
        )
    ]


def test_a_chromosome_from_one_parent_is_warned():
    counts = counts_of(TRIO)
    add(counts, "0/0 1/1 0/1", 30, ("15", AUTOSOME, "SNV"))
    add(counts, "0/1 1/1 0/0", 70, ("15", AUTOSOME, "SNV"))
    add(counts, "0/1 1/1 0/1", 5000)
    assert counts.warnings() == ()
    add(counts, "0/0 1/1 0/1", 1, ("15", AUTOSOME, "SNV"))
    (text,) = counts.warnings()
    assert text.startswith(
        "uniparental: on chromosome 15 of member 1 (proband), 31 of 101 informative sites (30.7%, warned above 30%) "
        "are explained by the mother alone"
    )


def test_a_wrong_parent_is_warned_about_and_not_taken_for_disomies():
    counts = counts_of(TRIO)
    add(counts, "0/0 1/1 0/1", 100)
    add(counts, "0/1 0/1 0/1", 100)
    texts = counts.warnings()
    assert texts
    assert all(text.startswith("parentage") for text in texts)


@pytest.mark.parametrize(
    ("people", "kind"),
    [
        ("1/1 0/1 0/0", "father_only"),
        ("0/0 1/1 0/1", "mother_only"),
        ("0/1 1/1 0/0", "biparental"),
        ("0/1 0/1 0/0", None),
        ("0/1 0/0 0/0", None),
        ("1/1 0/1 0/1", None),
        ("1/1 0/1 ./.", None),
        ("1/1 ./1 0/0", None),
        ("1 0/1 0/0", None),
    ],
)
def test_which_sites_tell_one_parent_from_two(people, kind):
    counts = TrioCounts(Sex.MALE)
    child, father, mother = (calls(genotype) for genotype in people.split())
    counts.add(chromosome="1", region=AUTOSOME, variant_type="SNV", child=child, father=father, mother=mother, times=1)
    found = counts.uniparental.get("1")
    values = (found.father_only, found.mother_only, found.biparental) if found else (0, 0, 0)
    assert values == tuple(int(name == kind) for name in ("father_only", "mother_only", "biparental"))


def test_a_sons_x_comes_from_one_parent_as_it_should():
    counts = counts_of(TRIO)
    add(counts, "1/1 0/0 0/1", 1000, ("X", X, "SNV"))
    assert counts.warnings() == ()


def test_siblings_have_counts_of_their_own():
    counts = counts_of(TRIO + "F sister dad mum 2 1\n")
    add(counts, "0/1 0/0 0/0 0/0", 2)
    add(counts, "0/1 0/1 0/0 1/1", 3)
    kid, sister = counts.to_json()["trios"]
    assert (kid["member"], kid["role"], kid["mendel"]["errors"], kid["mendel"]["checked"]) == (1, "proband", 2, 5)
    assert (sister["member"], sister["role"], sister["mendel"]["errors"]) == (4, "other", 3)


def test_warnings_name_no_sample():
    counts = counts_of("F4711 P4711 D4711 M4711 1 2\nF4711 D4711 0 0 1 1\nF4711 M4711 0 0 2 1\n")
    add(counts, "1/1 0/0 0/0", 300)
    add(counts, "0/1 0/1 1/1", 50, ("X", X, "SNV"))
    text = " ".join(counts.warnings()) + json.dumps(counts.to_json())
    assert counts.warnings()
    assert "4711" not in text


# --- sex ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x_heterozygous", "x_carried", "y_carried", "y_sites", "alone", "sex"),
    [
        (25, 100, 0, 0, True, Sex.MALE),
        (26, 100, 0, 0, True, Sex.UNKNOWN),
        (34, 100, 0, 0, True, Sex.UNKNOWN),
        (35, 100, 0, 0, True, Sex.FEMALE),
        (0, 19, 0, 0, True, Sex.UNKNOWN),
        (0, 0, 15, 20, False, Sex.MALE),
        (0, 0, 5, 20, False, Sex.FEMALE),
        (0, 0, 10, 20, False, Sex.UNKNOWN),
        (0, 0, 20, 20, True, Sex.UNKNOWN),
        (0, 0, 19, 19, False, Sex.UNKNOWN),
        (60, 100, 20, 20, False, Sex.FEMALE),
    ],
)
def test_sex_is_inferred_from_x_then_from_y_then_not(x_heterozygous, x_carried, y_carried, y_sites, alone, sex):  # noqa: PLR0913, PLR0917 - the columns of the table above
    counts = PersonCounts(
        alone=alone, x_carried=x_carried, x_heterozygous=x_heterozygous, y_sites=y_sites, y_carried=y_carried
    )
    assert counts.inferred_sex() is sex


def test_one_call_and_two_equal_calls_on_x_are_the_same_evidence():
    one, two = PersonCounts(alone=True), PersonCounts(alone=True)
    one.add(X, (1,), 30)
    two.add(X, (1, 1), 30)
    assert one == two


def test_half_calls_on_x_are_no_evidence():
    counts = PersonCounts(alone=True)
    counts.add(X, (MISSING, 1), 30)
    assert counts == PersonCounts(alone=True)


def test_a_wrong_sex_is_warned_with_its_numbers():
    counts = counts_of(TRIO)
    add(counts, "0/1 1 0/1", 60, ("X", X, "SNV"))
    add(counts, "1/1 1 0/0", 40, ("X", X, "SNV"))
    assert [text for text in counts.warnings() if text.startswith("sex")] == [
        (
            "sex: member 1 (proband) is stated male and looks female: 60 of 100 carried sites on X outside the "
            "PAR are heterozygous (male at most 25%, female at least 35%), 0 of 0 sites on Y are carried; check the "
            "pedigree and the samples"
        )
    ]


def test_an_unstated_sex_is_inferred_and_not_warned_about():
    counts = counts_of("F kid 0 0 0 2\n")
    add(counts, "0/1", 60, ("X", X, "SNV"))
    (person,) = counts.to_json()["people"]
    assert (person["stated_sex"], person["inferred_sex"]) == ("unknown", "female")
    assert counts.warnings() == ()


# --- real trios ---------------------------------------------------------------------------------------------------


def read(path, samples, pedigree):
    counts = counts_of(pedigree)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#CHROM"):
                columns = [fields.index(sample) for sample in samples]
            chromosome = None if line.startswith("#") else canonical_chromosome(fields[0])
            if chromosome is not None:
                region = region_class("GRCh37", chromosome, int(fields[1]))
                variant_type = "SNV" if len(fields[3]) == len(fields[4]) == 1 else "other"
                counts.add(chromosome, region, variant_type, [calls(fields[at].split(":")[0]) for at in columns])
    return counts


UPD = ("upd-trio.vcf.gz", ("CHILD", "FATHER", "MOTHER"))
ASHK = ("ashk-trio.vcf.gz", ("HG002", "HG003", "HG004"))
CLINICAL = ("clinical-trio-vep.vcf.gz", ("ADM1059A2", "ADM1059A1", "ADM1059A3"))


def test_the_disomy_trio_shows_its_maternal_chromosome_16_and_nothing_else(corpus):
    counts = read(corpus / UPD[0], UPD[1], TRIO)
    assert [text.partition(";")[0] for text in counts.warnings()] == [
        (
            "uniparental: on chromosome 16 of member 1 (proband), 583 of 598 informative sites (97.5%, warned above "
            "30%) are explained by the mother alone"
        )
    ]
    report = counts.to_json()
    assert [person["inferred_sex"] for person in report["people"]] == ["male", "male", "female"]
    autosomal = report["mendel"]["autosomal"]
    assert autosomal["errors"] + autosomal["errors_of_missing"] == 2064  # as bcftools counts


@pytest.mark.parametrize(("file", "samples"), [ASHK, CLINICAL])
def test_real_trios_have_no_warning(corpus, file, samples):
    assert read(corpus / file, samples, TRIO).warnings() == ()


def test_the_ashkenazi_trio_has_the_errors_that_bcftools_counts(corpus):
    report = read(corpus / ASHK[0], ASHK[1], TRIO).to_json()["mendel"]
    assert report["errors"] + report["errors_of_missing"] == 91
    assert report["checked"] + report["missing"] + report["skipped"] == 9940
    assert report["by_type"]["SNV"]["error_rate"] < report["by_type"]["other"]["error_rate"]


@pytest.mark.parametrize(("file", "samples"), [UPD, ASHK, CLINICAL])
@pytest.mark.parametrize("swap", [(1, 0, 2), (2, 1, 0)])
def test_a_swapped_child_and_parent_are_warned_in_real_trios(corpus, file, samples, swap):
    texts = read(corpus / file, [samples[place] for place in swap], TRIO).warnings()
    wrong = "mother" if swap[0] == 1 else "father"
    assert any("are Mendelian errors" in text for text in texts)
    assert any(f"the stated {wrong} share no allele" in text for text in texts)
    assert not any(text.startswith("uniparental") for text in texts)


def test_parents_in_each_others_place_are_found_by_sex_alone(corpus):
    texts = read(corpus / UPD[0], ("CHILD", "MOTHER", "FATHER"), TRIO).warnings()
    assert [text.partition(":")[2].partition(":")[0] for text in texts if text.startswith("sex")] == [
        " member 2 (father) is stated male and looks female",
        " member 3 (mother) is stated female and looks male",
    ]


def test_an_answer_is_never_of_counts_before_the_last():
    counts = counts_of("F kid dad mum 1 2\nF dad 0 0 1 1\nF mum 0 0 2 1\n")
    for times in (1, 2):
        counts.add("1", RegionClass.AUTOSOME, "SNV", [(0, 1), (0, 0), (0, 1)])
        assert counts.to_json()["mendel"]["checked"] == times
    counts.merge(counts)
    assert counts.to_json()["mendel"]["checked"] == 4
