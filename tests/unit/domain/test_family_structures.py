"""Parents in each kind of family, and the results for its children."""

import pytest

from radiant.domain.assembly import RegionClass
from radiant.domain.inheritance import infer
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.trio import Trio, parents_of

CALLS = {"0/0": (0, 0), "0/1": (0, 1), "1/1": (1, 1)}


def answers(pedigree, genotypes):
    """Infer every member of a family at an autosomal site: sample -> (origin, Mendelian error, mode)."""
    members = parse_pedigree(pedigree, "family.ped")
    found = {}
    for member in members:
        father, mother = parents_of(member, members)
        answer = infer(
            Trio(
                RegionClass.AUTOSOME,
                member.sex,
                CALLS[genotypes[member.sample]],
                CALLS[genotypes[father.sample]] if father else None,
                CALLS[genotypes[mother.sample]] if mother else None,
                child_affected=member.affected,
                **({"father_affected": father.affected} if father else {}),
                **({"mother_affected": mother.affected} if mother else {}),
            )
        )
        found[member.sample] = (answer.parental_origin, answer.mendelian_error, answer.transmission_mode)
    return found


SOLO = "F kid 0 0 1 2\n"
PARENTS = "F dad 0 0 1 1\nF mum 0 0 2 1\n"
UNKNOWN_PARENTS = ("unknown", None, "unknown_parents_genotype")


def test_a_solo_has_unknown_parents():
    assert answers(SOLO, {"kid": "0/1"}) == {"kid": UNKNOWN_PARENTS}


def test_one_line_that_names_parents_without_lines_is_a_solo():
    assert answers("F kid dad mum 1 2\n", {"kid": "0/1"}) == {"kid": UNKNOWN_PARENTS}


@pytest.mark.parametrize(
    ("mother", "expected"),
    [
        ("0/1", ("possible_mother", None, "unknown_father_genotype")),
        ("0/0", ("possible_denovo", None, "unknown_father_genotype")),
        ("1/1", ("mother", None, "unknown_father_genotype")),
    ],
)
def test_a_duo_names_the_missing_parent(mother, expected):
    found = answers("F kid dad mum 1 2\nF mum 0 0 2 1\n", {"kid": "0/1", "mum": mother})
    assert found["kid"] == expected
    assert found["mum"][0] == "unknown"


def test_a_trio_of_healthy_parents():
    found = answers("F kid dad mum 1 2\n" + PARENTS, {"kid": "0/1", "dad": "0/0", "mum": "0/0"})
    assert found["kid"] == ("denovo", True, "autosomal_dominant_de_novo")
    assert found["dad"] == found["mum"] == ("unknown", None, "non_carrier_proband")


def test_a_quad_gives_each_sibling_an_answer_of_their_own():
    found = answers(
        "F kid dad mum 1 2\nF sister dad mum 2 1\n" + PARENTS,
        {"kid": "1/1", "sister": "0/1", "dad": "0/1", "mum": "0/1"},
    )
    assert found["kid"] == ("both", False, "autosomal_recessive")
    # a healthy carrier of one copy does not fit a dominant model
    assert found["sister"] == ("ambiguous", False, "inconsistent")


def test_half_siblings_have_the_parent_they_name():
    found = answers(
        "F kid dad mum 1 2\nF half dad2 mum 2 2\nF dad2 0 0 1 2\n" + PARENTS,
        {"kid": "0/1", "half": "0/1", "dad": "0/0", "dad2": "0/1", "mum": "0/0"},
    )
    assert found["kid"] == ("denovo", True, "autosomal_dominant_de_novo")
    assert found["half"] == ("father", False, "autosomal_dominant")


def test_twins_have_the_same_answer():
    found = answers(
        "F one dad mum 2 2\nF two dad mum 2 2\n" + PARENTS, {"one": "0/1", "two": "0/1", "dad": "0/0", "mum": "0/0"}
    )
    assert found["one"] == found["two"] == ("denovo", True, "autosomal_dominant_de_novo")


def test_a_mother_who_is_a_child_of_the_family_is_parent_and_child():
    found = answers(
        "F kid dad mum 1 2\nF dad 0 0 1 1\nF mum grandad grandma 2 2\nF grandad 0 0 1 2\nF grandma 0 0 2 1\n",
        {"kid": "0/1", "dad": "0/0", "mum": "0/1", "grandad": "0/1", "grandma": "0/0"},
    )
    assert found["kid"] == ("mother", False, "autosomal_dominant")
    assert found["mum"] == ("father", False, "autosomal_dominant")
    assert found["grandad"] == UNKNOWN_PARENTS


def test_unknown_statuses_fit_every_model():
    found = answers("F kid dad mum 0 0\nF dad 0 0 1 0\nF mum 0 0 2 0\n", {"kid": "0/1", "dad": "0/1", "mum": "0/0"})
    assert found["kid"] == ("father", False, "autosomal_dominant")


def test_parents_are_found_by_id_not_by_role_or_order():
    pedigree = "F uncle 0 0 1 1\nF kid dad mum 1 2\nF aunt 0 0 2 1\n" + PARENTS
    members = {member.sample: member for member in parse_pedigree(pedigree, "family.ped")}
    father, mother = parents_of(members["kid"], list(members.values()))
    assert (father, mother) == (members["dad"], members["mum"])
    assert parents_of(members["uncle"], list(members.values())) == (None, None)


def test_a_parents_id_of_another_family_is_no_member():
    (kid,) = parse_pedigree("F kid dad mum 1 2\n", "f.ped")
    strangers = parse_pedigree("G dad 0 0 1 1\n", "g.ped")
    assert parents_of(kid, (kid, *strangers)) == (None, None)
