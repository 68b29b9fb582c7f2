"""Mendel counts, parentage, uniparental disomy, sex: what is counted, and what is warned about."""

import gzip
import json
import pickle
from math import comb

import pytest

from radiant.domain import call_quality
from radiant.domain.assembly import RegionClass, canonical_chromosome, region_class
from radiant.domain.case import Sex
from radiant.domain.mendel import UNIPARENTAL_SITES_NEEDED, TrioCounts
from radiant.domain.parentage import MENDEL_SITES_NEEDED, SHARING_SITES_NEEDED
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.quality import QualityCounts
from radiant.domain.sex_check import X_SITES_NEEDED, Y_SITES_NEEDED, PersonCounts
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
                "Mendelian errors (warned above 10%); used are the sites whose three calls pass quality "
                f"({call_quality.RULE}), of 200; check the pedigree and the samples"
            ),
        )


@pytest.mark.parametrize("sites", [1, 140])
def test_few_sites_cannot_judge_parentage_and_say_so(sites):
    counts = counts_of(TRIO)
    add(counts, "0/1 0/1 0/0", sites)
    assert counts.warnings() == (
        (
            "parentage: cannot judge whether member 1 (proband) fits the stated father and mother: too few autosomal "
            f"sites have calls that pass quality ({call_quality.RULE}): {sites} of {sites} of the trio (141 needed), "
            f"{sites} of {sites} sites of member 1 (proband) and the father (480 needed), {sites} of {sites} sites of "
            "member 1 (proband) and the mother (480 needed)"
        ),
    )
    assert counts.to_json()["trios"][0]["parentage"] == "cannot judge"
    add(counts, "0/1 0/1 0/0", 141 - sites)
    assert counts.warnings() == ()
    assert counts.to_json()["trios"][0]["parentage"] == "fits"


@pytest.mark.parametrize(("errors", "parentage"), [(9, "cannot judge"), (10, "contradicts")])
def test_few_sites_contradict_where_chance_cannot_explain_them(errors, parentage):
    counts = counts_of(TRIO)
    add(counts, "0/1 0/0 0/0", errors)
    assert counts.to_json()["trios"][0]["parentage"] == parentage
    add(counts, "0/1 0/1 0/0", 60)
    assert counts.to_json()["trios"][0]["parentage"] == parentage


def test_a_duo_is_judged_by_what_the_two_share():
    counts = counts_of("F kid dad mum 1 2\nF mum 0 0 2 1\n")
    add(counts, "0/1 0/1", 479)
    (text,) = counts.warnings()
    assert "fits the stated mother: too few" in text
    assert "479 of 479 sites of member 1 (proband) and the mother (480 needed)" in text
    add(counts, "0/1 0/1", 1)
    assert counts.warnings() == ()


def test_without_any_line_on_an_autosome_there_is_nothing_to_say():
    counts = counts_of(TRIO)
    add(counts, "1 0 0/1", 50, ("X", X, "SNV"))
    assert counts.warnings() == ()
    assert counts.to_json()["trios"][0]["parentage"] == "cannot judge"


FAILING = [(False, True, True), (True, False, True), (True, True, False), (False, False, False)]


@pytest.mark.parametrize("passing", FAILING)
def test_a_call_that_does_not_pass_is_as_good_as_missing(passing):
    counts = counts_of(TRIO)
    people = [calls(genotype) for genotype in ("0/0", "1/1", "0/1")]
    counts.add("1", AUTOSOME, "SNV", people, 500, passing)
    report = counts.to_json()["trios"][0]
    assert report["mendel"]["autosomal"] == NO_SITES | {"checked": 500, "errors": 500, "error_rate": 1.0}
    possible = passing != (True, True, False)  # a child 0/0 of a father 1/1 is an error whatever the mother is
    assert report["mendel"]["passing"] == NO_SITES | {
        "missing": 500,
        "errors_of_missing": 0 if possible else 500,
        "error_rate": None,
    }
    assert report["sharing"]["father"] == {
        "compared": 0 if possible else 500,
        "nothing_shared": 0 if possible else 500,
        "low_quality": 500 if possible else 0,
        "nothing_shared_rate": None if possible else 1.0,
    }
    assert report["uniparental"]["1"]["low_quality"] == 500
    assert report["uniparental"]["1"]["mother_only"] == 0


@pytest.mark.parametrize(
    ("gq", "reads", "of_alleles", "good"),
    [
        (None, None, None, True),
        (20, None, None, True),
        (19, None, None, False),
        (20, 7, (4, 3), True),
        (99, 6, None, False),
        (None, 10, None, True),
        (None, 9, None, False),
        (99, 99, (97, 2), False),
        (99, 99, (2, 97), False),
        (99, 99, (None, 97), True),
    ],
)
def test_which_heterozygous_call_passes_quality(gq, reads, of_alleles, good):
    assert call_quality.passes((0, 1), gq, reads, of_alleles) is good


def test_of_a_homozygote_the_other_alleles_reads_do_not_matter():
    assert call_quality.passes((1, 1), 30, 12, (0, 12, 0))
    assert call_quality.passes((0, MISSING), 30, 12, (12, 0, 0))
    assert not call_quality.passes((0, 2), 30, 12, (12, 0, 0))


def test_the_numbers_of_sites_follow_from_binomial_error_rates():
    def at_most(found, sites, rate):
        return sum(comb(sites, k) * rate**k * (1 - rate) ** (sites - k) for k in range(found + 1))

    def warned_from(sites, threshold, expected):
        enough = (
            k for k in range(10, sites + 1) if k > threshold * sites and 1 - at_most(k - 1, sites, expected) < 0.001
        )
        return next(enough, sites + 1)

    def needed(threshold, expected, wrong, most):
        missed = [n for n in range(1, most) if at_most(warned_from(n, threshold, expected) - 1, n, wrong) > 0.001]
        return missed[-1] + 1

    assert needed(0.10, 0.02, 0.20, 300) == MENDEL_SITES_NEEDED
    assert needed(0.03, 0.0125, 0.064, 700) == SHARING_SITES_NEEDED
    # A disomy: 20 sites of one parent alone, more than 30 %; an ordinary chromosome has 10 %.
    assert [n for n in range(1, 100) if at_most(max(19, 3 * n // 10), n, 0.975) > 0.001][
        -1
    ] + 1 == UNIPARENTAL_SITES_NEEDED
    assert max(1 - at_most(max(19, 3 * n // 10), n, 0.10) for n in range(20, 300)) < 5e-6
    male_looks_female = [1 - at_most(-(-35 * n // 100) - 1, n, 0.13) for n in range(200)]
    female_looks_male = [at_most(25 * n // 100, n, 0.60) for n in range(200)]
    wrong = [n for n in range(200) if max(male_looks_female[n], female_looks_male[n]) > 0.001]
    assert wrong[-1] + 1 == X_SITES_NEEDED
    female_looks_male = [1 - at_most(-(-60 * n // 100) - 1, n, 0.29) for n in range(200)]
    male_looks_female = [at_most(40 * n // 100, n, 0.82) for n in range(200)]
    wrong = [n for n in range(200) if max(male_looks_female[n], female_looks_male[n]) > 0.001]
    assert wrong[-1] + 1 == Y_SITES_NEEDED
    # From 1,000 sites on only the threshold is asked.
    assert 1 - at_most(100, 1000, 0.02) < 0.001
    assert 1 - at_most(30, 1000, 0.0125) < 0.001


def test_a_disomy_of_a_large_part_of_the_sites_does_not_hide_behind_parentage():
    counts = counts_of(TRIO)
    add(counts, "0/1 0/1 0/0", 200)
    add(counts, "0/0 1/1 0/1", 100, ("16", AUTOSOME, "SNV"))
    (text,) = counts.warnings()
    assert text.startswith("uniparental: on chromosome 16")
    assert counts.to_json()["trios"][0]["parentage"] == "fits"


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
            f"warned above 3%); used are the sites whose two calls pass quality ({call_quality.RULE}), of 200; check "
            "the pedigree and the samples"
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
def test_sites_that_separate_one_parent_from_two(people, kind):
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
        (0, 31, 0, 0, True, Sex.UNKNOWN),
        (0, 32, 0, 0, True, Sex.MALE),
        (0, 0, 20, 26, False, Sex.MALE),
        (0, 0, 5, 26, False, Sex.FEMALE),
        (0, 0, 13, 26, False, Sex.UNKNOWN),
        (0, 0, 26, 26, True, Sex.UNKNOWN),
        (0, 0, 25, 25, False, Sex.UNKNOWN),
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


def test_calls_on_x_that_do_not_pass_are_counted_and_not_used():
    counts = PersonCounts(alone=True)
    counts.add(X, (0, 1), 30, passes=False)
    assert counts == PersonCounts(alone=True, x_low_quality=30)


def test_a_y_that_is_not_carried_says_nothing_where_most_calls_are_of_few_reads():
    counts = PersonCounts(alone=False)
    counts.add(Y, (MISSING, MISSING), 30)
    counts.add(AUTOSOME, (0, 1), 50, passes=True)
    counts.add(AUTOSOME, (0, 1), 50, passes=False)
    assert counts.inferred_sex() is Sex.FEMALE
    counts.add(AUTOSOME, (0, 1), 1, passes=False)
    assert counts.inferred_sex() is Sex.UNKNOWN


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
            "PAR are heterozygous (male at most 25%, female at least 35%), 0 of 0 sites on Y are carried; 0 further "
            f"sites on X do not pass quality ({call_quality.RULE}) and were not used; check the pedigree and the "
            "samples"
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
