"""Compound heterozygotes: which pairs count, and how it is known."""

import dataclasses

import pytest

from radiant.domain.compound_het import GeneAllele, InTrans, Pair, compound_het_pairs, in_trans
from radiant.domain.inheritance import ParentalOrigin

KNOWN, ASSUMED = InTrans.KNOWN, InTrans.ASSUMED
FIRST = GeneAllele(
    "1-100-A-G",
    "100-A-G",
    "GENE",
    3,
    "HET",
    (0, 1),
    phased=False,
    phase_set=None,
    parental_origin=ParentalOrigin.UNKNOWN,
)
SECOND = dataclasses.replace(FIRST, locus="1-200-C-T", line="200-C-T")


def pair(first, second):
    return dataclasses.replace(FIRST, **first), dataclasses.replace(SECOND, **second)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("father", "mother", KNOWN),
        ("mother", "father", KNOWN),
        ("father", "father", None),
        ("mother", "mother", None),
        ("ambiguous", "father", ASSUMED),
        ("ambiguous", "ambiguous", ASSUMED),
        ("possible_father", "mother", ASSUMED),
        ("denovo", "father", ASSUMED),
        ("unknown", "unknown", ASSUMED),
    ],
)
def test_one_from_each_parent_is_trans_and_two_from_one_are_no_pair(first, second, expected):
    alleles = pair({"parental_origin": ParentalOrigin(first)}, {"parental_origin": ParentalOrigin(second)})
    assert in_trans(*alleles) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"calls": (0, 1), "phase_set": "7"}, {"calls": (1, 0), "phase_set": "7"}, KNOWN),
        ({"calls": (0, 1), "phase_set": "7"}, {"calls": (0, 1), "phase_set": "7"}, None),
        ({"calls": (0, 1), "phase_set": "7"}, {"calls": (1, 0), "phase_set": "8"}, ASSUMED),
        ({"calls": (0, 1), "phase_set": "7"}, {"calls": (1, 0)}, ASSUMED),
        ({"calls": (0, 1)}, {"calls": (1, 0)}, KNOWN),
        ({"calls": (0, 1)}, {"calls": (-1, 1)}, None),
        ({"calls": (0, 1)}, {"calls": (1, 0), "phased": False}, ASSUMED),
    ],
)
def test_phase_decides_within_one_phase_set(first, second, expected):
    alleles = pair({"phased": True} | first, {"phased": True} | second)
    assert in_trans(*alleles) is expected


def test_both_alleles_of_one_line_are_in_trans():
    alleles = pair({"calls": (1, -1)}, {"calls": (-1, 1), "line": FIRST.line})
    assert in_trans(*alleles) is KNOWN


def test_contradicting_evidence_is_only_an_assumption():
    alleles = pair(
        {"parental_origin": ParentalOrigin.FATHER, "phased": True},
        {"parental_origin": ParentalOrigin.MOTHER, "phased": True},
    )
    assert in_trans(*alleles) is ASSUMED


def test_de_novo_is_placed_by_phase():
    alleles = pair(
        {"parental_origin": ParentalOrigin.DENOVO, "phased": True, "calls": (1, 0)},
        {"parental_origin": ParentalOrigin.MOTHER, "phased": True, "calls": (0, 1)},
    )
    assert in_trans(*alleles) is KNOWN


@pytest.mark.parametrize("zygosity", ["HOM", "HEM", "UNK"])
def test_only_heterozygous_alleles_take_part(zygosity):
    assert compound_het_pairs([FIRST, dataclasses.replace(SECOND, zygosity=zygosity)]) == []


def test_alleles_below_the_impact_threshold_do_not_take_part():
    low = dataclasses.replace(SECOND, impact_score=2)
    assert compound_het_pairs([FIRST, low]) == []
    assert compound_het_pairs([FIRST, low], minimum_impact=2) == [Pair(FIRST, low, ASSUMED)]


def test_alleles_of_two_genes_are_no_pair():
    assert compound_het_pairs([FIRST, dataclasses.replace(SECOND, gene="OTHER")]) == []


def test_an_allele_is_no_pair_with_itself():
    assert compound_het_pairs([FIRST, dataclasses.replace(FIRST, phased=True)]) == []
    assert compound_het_pairs([FIRST]) == []
    assert compound_het_pairs([]) == []


def test_each_pair_comes_once_in_the_order_given():
    father, mother, either = (
        dataclasses.replace(FIRST, locus=locus, line=locus, parental_origin=origin)
        for locus, origin in (
            ("1-1-A-G", ParentalOrigin.FATHER),
            ("1-3-A-G", ParentalOrigin.MOTHER),
            ("1-2-A-G", ParentalOrigin.AMBIGUOUS),
        )
    )
    assert compound_het_pairs([either, father, mother]) == [
        Pair(either, father, ASSUMED),
        Pair(either, mother, ASSUMED),
        Pair(father, mother, KNOWN),
    ]


def test_an_allele_of_two_genes_has_partners_in_both():
    again = dataclasses.replace(FIRST, gene="OTHER")
    third = dataclasses.replace(SECOND, gene="OTHER", locus="1-300-G-A", line="300-G-A")
    found = compound_het_pairs([FIRST, SECOND, again, third])
    assert [(pair.first, pair.second) for pair in found] == [(FIRST, SECOND), (again, third)]
