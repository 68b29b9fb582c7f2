"""Modes of transmission: genotypes and affected statuses against the models."""

from functools import cache
from itertools import product

import pytest

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Sex
from radiant.domain.inheritance import infer
from radiant.domain.transmission import TransmissionMode
from radiant.domain.trio import MISSING, Trio

AUTOSOME, PAR, X, Y, M = RegionClass.AUTOSOME, RegionClass.PAR, RegionClass.X, RegionClass.Y, RegionClass.M
STATUS = {"A": Affected.AFFECTED, "u": Affected.UNAFFECTED, "?": Affected.UNKNOWN}


@cache
def calls(text):
    return None if text == "-" else tuple(MISSING if call == "." else int(call) for call in text.split("/"))


def mode(region, sex, people, statuses):
    """`people` and `statuses` are those of child, father, mother: `0/1 0/0 -`, `Auu`."""
    genotypes = [calls(text) for text in people.split()]
    return infer(Trio(region, sex, *genotypes, 1, *(STATUS[status] for status in statuses))).transmission_mode


AUTOSOMAL = [
    # one copy: dominant, when exactly the carriers are affected
    ("0/1 0/1 0/0", "AAu", "autosomal_dominant"),
    ("0/1 0/0 1/1", "AuA", "autosomal_dominant"),
    ("0/1 0/1 0/1", "AAA", "autosomal_dominant"),
    ("0/1 0/1 0/0", "A?u", "autosomal_dominant"),
    ("0/1 0/1 0/0", "???", "autosomal_dominant"),
    ("0/1 0/1 0/0", "Auu", "inconsistent"),
    ("0/1 0/0 0/1", "AAA", "inconsistent"),
    ("0/1 0/0 0/1", "uuA", "inconsistent"),
    ("0/1 0/0 0/0", "Auu", "autosomal_dominant_de_novo"),
    ("0/1 0/0 0/0", "???", "autosomal_dominant_de_novo"),
    ("0/1 0/0 0/0", "AAu", "inconsistent"),
    ("0/1 0/0 0/0", "uuu", "inconsistent"),
    # two copies: recessive first, dominant where the parents' statuses say so
    ("1/1 0/1 0/1", "Auu", "autosomal_recessive"),
    ("1/1 1/1 0/1", "AAu", "autosomal_recessive"),
    ("1/1 1/1 1/1", "AAA", "autosomal_recessive"),
    ("1/1 0/1 0/1", "???", "autosomal_recessive"),
    ("1/1 0/1 0/1", "AAA", "autosomal_dominant"),
    ("1/1 1/1 0/1", "Auu", "inconsistent"),
    ("1/1 0/1 0/1", "AAu", "inconsistent"),
    ("1/1 0/0 0/1", "Auu", "autosomal_recessive"),
    ("1/1 0/0 0/0", "Auu", "autosomal_dominant_de_novo"),
    # a genotype is missing
    ("0/1 ./. 0/1", "AuA", "unknown_father_genotype"),
    ("0/1 - 0/0", "A?u", "unknown_father_genotype"),
    ("0/1 0/1 -", "AA?", "unknown_mother_genotype"),
    ("0/1 - -", "A??", "unknown_parents_genotype"),
    ("0/1 ./. ./.", "Auu", "unknown_parents_genotype"),
    ("./. 0/1 0/1", "Auu", "unknown_proband_genotype"),
    ("0/. 0/1 0/1", "Auu", "unknown_proband_genotype"),
    ("0/0 0/1 0/1", "Auu", "non_carrier_proband"),
    ("0/2 0/1 0/2", "Auu", "non_carrier_proband"),
    # a half-called carrier is a carrier, of one copy or two
    ("0/1 1/. 0/0", "AAu", "autosomal_dominant"),
    ("0/1 1/. 0/0", "Auu", "inconsistent"),
    ("1/1 1/. 0/1", "Auu", "autosomal_recessive"),
    ("1/1 1/. 0/1", "AAu", "autosomal_recessive"),
    ("0/1 0/. 0/0", "Auu", "unknown_father_genotype"),
]


@pytest.mark.parametrize("region", [AUTOSOME, PAR])
@pytest.mark.parametrize(("people", "statuses", "expected"), AUTOSOMAL)
def test_autosomal_modes(region, people, statuses, expected):
    assert {mode(region, sex, people, statuses) for sex in Sex} == {TransmissionMode(expected)}


SEX_LINKED = [
    # a son's only X: the mother's one copy does not make her ill under the recessive model
    (X, "son", "1 0 0/1", "Auu", "x_linked_recessive"),
    (X, "son", "1/1 0/0 0/1", "Auu", "x_linked_recessive"),
    (X, "son", "1 0 1/1", "AuA", "x_linked_recessive"),
    (X, "son", "1 1 0/1", "AAu", "x_linked_recessive"),
    (X, "son", "1 0 0/1", "AuA", "x_linked_dominant"),
    (X, "son", "1 1 0/1", "Auu", "inconsistent"),
    (X, "son", "1 0 1/1", "Auu", "inconsistent"),
    (X, "son", "1 0 0/1", "uuu", "inconsistent"),
    (X, "son", "1 0 0/0", "Auu", "x_linked_recessive_de_novo"),
    (X, "son", "1 1 0/0", "AAu", "x_linked_recessive_de_novo"),
    (X, "son", "0/1 0 0/1", "Auu", "x_linked_recessive"),
    (X, "son", "1 - 0/1", "A?u", "x_linked_recessive"),
    (X, "son", "1 0 ./.", "Auu", "unknown_mother_genotype"),
    (X, "son", "1 0 -", "Au?", "unknown_mother_genotype"),
    # a daughter
    (X, "daughter", "0/1 1 0/0", "AAu", "x_linked_dominant"),
    (X, "daughter", "0/1 0 0/1", "AuA", "x_linked_dominant"),
    (X, "daughter", "0/1 0 0/1", "Auu", "inconsistent"),
    (X, "daughter", "0/1 0 0/0", "Auu", "x_linked_dominant_de_novo"),
    (X, "daughter", "1/1 1 0/1", "AAu", "x_linked_recessive"),
    (X, "daughter", "1/1 1/1 0/1", "AAu", "x_linked_recessive"),
    (X, "daughter", "1/1 1 0/1", "AAA", "x_linked_dominant"),
    (X, "daughter", "1/1 1 0/1", "Auu", "inconsistent"),
    (X, "daughter", "1/1 0 0/0", "Auu", "x_linked_recessive_de_novo"),
    (X, "daughter", "0/1 . 0/1", "AuA", "unknown_father_genotype"),
    # sex unknown: what one of the sexes fits
    (X, "child", "1 0 0/1", "Auu", "x_linked_recessive"),
    (X, "child", "0/1 1 0/0", "AAu", "x_linked_dominant"),
    (X, "child", "1/1 0 0/1", "Auu", "x_linked_recessive"),
    (X, "child", "1/1 1 0/0", "AAu", "x_linked_recessive"),
    (X, "child", "1/1 - 0/1", "A?u", "unknown_father_genotype"),
    # Y: males who carry it are affected
    (Y, "son", "1 1 -", "AA?", "y_linked"),
    (Y, "son", "1/1 1/1 ./.", "AAu", "y_linked"),
    (Y, "son", "1 0 -", "Au?", "y_linked"),
    (Y, "son", "1 - -", "A??", "y_linked"),
    (Y, "child", "1 1 -", "???", "y_linked"),
    (Y, "son", "1 1 -", "Au?", "inconsistent"),
    (Y, "son", "1 1 -", "AAA", "inconsistent"),
    (Y, "son", "1 1 ./.", "AAA", "inconsistent"),
    (Y, "daughter", "1 1 -", "AA?", "inconsistent"),
    (Y, "daughter", "0 1 -", "AA?", "non_carrier_proband"),
    # mitochondria: always that
    (M, "son", "1 0 1", "Auu", "mitochondrial"),
    (M, "daughter", "0/1 - -", "u??", "mitochondrial"),
    (M, "child", "1 1 0", "AuA", "mitochondrial"),
    (M, "child", "0 0 1", "AuA", "non_carrier_proband"),
]
SEXES = {"son": Sex.MALE, "daughter": Sex.FEMALE, "child": Sex.UNKNOWN}


@pytest.mark.parametrize(("region", "child", "people", "statuses", "expected"), SEX_LINKED)
def test_modes_of_x_y_and_m(region, child, people, statuses, expected):
    assert mode(region, SEXES[child], people, statuses) is TransmissionMode(expected)


GENOTYPES = ["-", ".", "0", "1", "./.", "./0", "./1", "0/0", "0/1", "1/1"]


@pytest.mark.parametrize("region", RegionClass)
@pytest.mark.parametrize("sex", Sex)
def test_an_unknown_status_never_makes_a_fitting_mode_inconsistent(region, sex):
    for trio in product(GENOTYPES[1:], GENOTYPES, GENOTYPES):
        people = " ".join(trio)
        for statuses in product("Au", repeat=3):
            if mode(region, sex, people, statuses) is not TransmissionMode.INCONSISTENT:
                for hidden in range(3):
                    fewer = [*statuses[:hidden], "?", *statuses[hidden + 1 :]]
                    assert mode(region, sex, people, fewer) is not TransmissionMode.INCONSISTENT, (people, statuses)


@pytest.mark.parametrize("region", RegionClass)
def test_without_statuses_only_a_daughters_y_is_inconsistent(region):
    for sex, *trio in product(Sex, GENOTYPES[1:], GENOTYPES, GENOTYPES):
        if mode(region, sex, " ".join(trio), "???") is TransmissionMode.INCONSISTENT:
            assert (region, sex) == (Y, Sex.FEMALE)


def test_names_of_modes_stay_on_their_chromosomes():
    prefixes = {AUTOSOME: "autosomal", PAR: "autosomal", X: "x_linked", Y: "y_linked", M: "mitochondrial"}
    no_model = {"non_carrier_proband", "inconsistent"}
    for region, sex, *trio in product(RegionClass, Sex, GENOTYPES[1:], GENOTYPES, GENOTYPES):
        found = mode(region, sex, " ".join(trio), "???")
        assert found.startswith((prefixes[region], "unknown")) or found in no_model
