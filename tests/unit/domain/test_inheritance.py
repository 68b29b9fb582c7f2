"""Parental origin and Mendelian error: a table of cases, and every combination against the rules."""

from functools import cache
from itertools import combinations_with_replacement, permutations, product
from pathlib import Path

import pytest

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Sex
from radiant.domain.inheritance import Inheritance, ParentalOrigin, infer
from radiant.domain.transmission import TransmissionMode
from radiant.domain.trio import MISSING, Trio

AUTOSOME, PAR, X, Y, M = RegionClass.AUTOSOME, RegionClass.PAR, RegionClass.X, RegionClass.Y, RegionClass.M
SON, DAUGHTER, CHILD = Sex.MALE, Sex.FEMALE, Sex.UNKNOWN


def calls(text):
    """Read `0/1`; `-` is a parent who is not a member of the case."""
    if text == "-":
        return None
    return tuple(MISSING if call == "." else int(call) for call in text.split("/"))


def trio(region, sex, people, allele=1):
    """Build a trio of `child father mother`."""
    return Trio(region, sex, *(calls(text) for text in people.split()), allele)


# region, sex, child father mother, origin of allele 1, Mendelian error
CASES = [
    # two copies, both parents known
    (AUTOSOME, CHILD, "0/1 0/0 0/0", "denovo", True),
    (AUTOSOME, CHILD, "1/1 0/0 0/0", "denovo", True),
    (AUTOSOME, CHILD, "0/1 0/1 0/0", "father", False),
    (AUTOSOME, CHILD, "0/1 0/0 0/1", "mother", False),
    (AUTOSOME, CHILD, "0/1 1/1 0/0", "father", False),
    (AUTOSOME, CHILD, "0/1 0/1 0/1", "ambiguous", False),
    # the mother must give 1, so 0 is the father's
    (AUTOSOME, CHILD, "0/1 0/1 1/1", "mother", False),
    (AUTOSOME, CHILD, "0/1 1/1 0/1", "father", False),
    # impossible, yet both have it
    (AUTOSOME, CHILD, "0/1 1/1 1/1", "ambiguous", True),
    (AUTOSOME, CHILD, "1/1 0/1 0/1", "both", False),
    (AUTOSOME, CHILD, "1/1 1/1 0/1", "both", False),
    # one copy has an explanation, the other has none
    (AUTOSOME, CHILD, "1/1 0/1 0/0", "father", True),
    (AUTOSOME, CHILD, "1/1 0/0 1/1", "mother", True),
    # a parent is missing: not called, or not a member
    (AUTOSOME, CHILD, "0/1 0/0 ./.", "possible_denovo", None),
    (AUTOSOME, CHILD, "0/1 - 0/0", "possible_denovo", None),
    (AUTOSOME, CHILD, "0/1 0/1 ./.", "possible_father", None),
    (AUTOSOME, CHILD, "0/1 - 0/1", "possible_mother", None),
    (AUTOSOME, CHILD, "0/1 1/1 -", "father", None),
    (AUTOSOME, CHILD, "0/1 ./. 1/1", "mother", None),
    (AUTOSOME, CHILD, "1/1 0/1 ./.", "father", None),
    (AUTOSOME, CHILD, "1/1 - 1/1", "mother", None),
    # the known parent gives nothing: impossible whatever the other has
    (AUTOSOME, CHILD, "1/1 0/0 ./.", "possible_denovo", True),
    (AUTOSOME, CHILD, "1/1 - 0/0", "possible_denovo", True),
    (AUTOSOME, CHILD, "0/1 - -", "unknown", None),
    (AUTOSOME, CHILD, "0/1 ./. ./.", "unknown", None),
    # half calls: the known half counts
    (AUTOSOME, CHILD, "./1 0/0 0/0", "denovo", True),
    (AUTOSOME, CHILD, "./1 0/1 0/0", "father", None),
    (AUTOSOME, CHILD, "1/. 0/1 0/1", "ambiguous", None),
    (AUTOSOME, CHILD, "0/1 0/. 0/0", "possible_denovo", None),
    (AUTOSOME, CHILD, "0/1 1/. 0/0", "father", False),
    (AUTOSOME, CHILD, "1/1 0/0 0/.", "possible_denovo", True),
    # the child does not carry it, or is not called
    (AUTOSOME, CHILD, "0/0 0/1 0/0", "unknown", False),
    (AUTOSOME, CHILD, "0/0 1/1 0/0", "unknown", True),
    (AUTOSOME, CHILD, "./. 0/1 0/0", "unknown", None),
    (AUTOSOME, CHILD, ". 0/0 0/0", "unknown", None),
    # one call where there are two copies is half a genotype
    (AUTOSOME, CHILD, "1 0/1 0/0", "father", None),
    (AUTOSOME, CHILD, "1 0/0 0/0", "denovo", True),
    # three calls cannot be judged, unless neither parent has an allele
    (AUTOSOME, CHILD, "0/0/1 0/1 0/0", "father", None),
    (AUTOSOME, CHILD, "0/0/1 0/0 0/0", "denovo", True),
    # the PAR is inherited like an autosome
    (PAR, SON, "0/1 0/1 0/0", "father", False),
    (PAR, SON, "1/1 0/1 0/1", "both", False),
    # a son's X: from the mother alone, written as one call or two
    (X, SON, "1 0 0/1", "mother", False),
    (X, SON, "1/1 0 0/1", "mother", False),
    (X, SON, "1/1 0/0 0/1", "mother", False),
    (X, SON, "1 1 0/0", "denovo", True),
    (X, SON, "1/1 1/1 0/0", "denovo", True),
    (X, SON, "1 1 0/1", "mother", False),
    (X, SON, "0 1 1/1", "unknown", True),
    (X, SON, "1 1 ./.", "unknown", None),
    (X, SON, "1 - 1/1", "mother", False),
    (X, SON, "1 1 -", "unknown", None),
    (X, SON, "0/1 1 0/0", "denovo", True),
    (X, SON, "0/1 0 0/1", "mother", False),
    (X, SON, "0/1 0 1/1", "mother", True),
    # a daughter's X: one copy from each; the father has one, written as one call or two
    (X, DAUGHTER, "0/1 1 0/0", "father", False),
    (X, DAUGHTER, "0/1 1/1 0/0", "father", False),
    (X, DAUGHTER, "0/1 0 0/1", "mother", False),
    (X, DAUGHTER, "0/1 1 0/1", "father", False),
    (X, DAUGHTER, "1/1 1 0/1", "both", False),
    (X, DAUGHTER, "1/1 0 0/1", "mother", True),
    (X, DAUGHTER, "0/1 0 0/0", "denovo", True),
    (X, DAUGHTER, "0/1 . 0/0", "possible_denovo", None),
    # unknown sex: one call is a son's, two different ones a daughter's, two equal ones either's
    (X, CHILD, "1 1 0/0", "denovo", True),
    (X, CHILD, "0/1 1 0/0", "father", False),
    (X, CHILD, "1/1 0 0/1", "mother", None),
    (X, CHILD, "1/1 1 0/1", "ambiguous", False),
    (X, CHILD, "1/1 0 0/0", "denovo", True),
    (X, CHILD, "1/1 - 0/0", "possible_denovo", True),
    (X, CHILD, "1/1 - -", "unknown", None),
    (X, CHILD, "1/1 1 -", "unknown", None),
    # a son's Y: from the father alone
    (Y, SON, "1 1 -", "father", False),
    (Y, SON, "1/1 1 ./.", "father", False),
    (Y, SON, "1 0 1", "denovo", True),
    (Y, SON, "1 . 1", "unknown", None),
    (Y, CHILD, "1 1 .", "father", False),
    # a daughter has no Y: no parent passed it on
    (Y, DAUGHTER, "1 1 -", "unknown", None),
    # mitochondria: from the mother alone; both alleles of a mixture must be hers
    (M, SON, "1 0 1", "mother", False),
    (M, DAUGHTER, "1/1 0 1/1", "mother", False),
    (M, CHILD, "1 1 0", "denovo", True),
    (M, SON, "0/1 0 0/1", "mother", False),
    (M, SON, "0/1 1 0", "denovo", True),
    (M, SON, "1 1 -", "unknown", None),
    # one missing call of a parent is one allele: it cannot be both of the child's
    (X, SON, "1/2 0 0/.", "unknown", True),
    (X, SON, "1/2 0 1/.", "mother", None),
    (X, SON, "1/2 0 ./.", "unknown", None),
    (X, SON, "1/2 0 0", "unknown", True),
    (Y, SON, "1/2 0/. 0", "unknown", True),
    (Y, SON, "1/2 ./. 0", "unknown", None),
    (M, DAUGHTER, "1/2 0 0/.", "unknown", True),
    (M, DAUGHTER, "1/2 0 2/.", "unknown", None),
    (AUTOSOME, CHILD, "0/1/2 0/0 0/.", "possible_denovo", True),
    (AUTOSOME, CHILD, "0/1/2 0/. 0/.", "unknown", None),
    # a parent without a known call may show two alleles where the child does
    (M, SON, "0/1 0 -", "unknown", None),
    (M, SON, "0/1 0 .", "unknown", None),
]


@pytest.mark.parametrize(("region", "sex", "people", "origin", "error"), CASES)
def test_origin_and_error_of_stated_cases(region, sex, people, origin, error):
    answer = infer(trio(region, sex, people))
    assert (answer.parental_origin, answer.mendelian_error) == (ParentalOrigin(origin), error)


@pytest.mark.parametrize(
    ("people", "origins", "error"),
    [
        ("1/2 0/1 0/2", ("father", "mother"), False),
        ("1/2 0/2 0/1", ("mother", "father"), False),
        ("1/2 1/2 1/2", ("ambiguous", "ambiguous"), False),
        ("1/2 1/2 0/1", ("mother", "father"), False),
        ("1/2 0/1 0/0", ("father", "denovo"), True),
        ("1/2 0/1 ./.", ("father", "possible_denovo"), None),
        ("1/2 0/2 1/1", ("mother", "father"), False),
        ("2/2 0/1 0/2", ("unknown", "mother"), True),
        ("0/2 0/1 0/1", ("unknown", "denovo"), True),
    ],
)
def test_both_rows_of_a_multiallelic_site_get_the_right_origin(people, origins, error):
    answers = [infer(trio(AUTOSOME, SON, people, allele)) for allele in (1, 2)]
    assert tuple(str(answer.parental_origin) for answer in answers) == origins
    assert [answer.mendelian_error for answer in answers] == [error, error]


def test_the_documentation_explains_every_value():
    text = (Path(__file__).parents[3] / "docs" / "inheritance.md").read_text("utf-8")
    assert [value for value in (*ParentalOrigin, *TransmissionMode) if f"`{value}`" not in text] == []


# --- every combination -------------------------------------------------------------------------------------------

ALLELES = (MISSING, 0, 1, 2)
GENOTYPES = [
    *((allele,) for allele in ALLELES),
    *combinations_with_replacement(ALLELES, 2),
    (0, 0, 1),
    (1, 1, 1),
    (MISSING, 1, 2),
]
CHILDREN = [(), *GENOTYPES]
PARENTS = [None, *GENOTYPES]
PLACES = list(product(RegionClass, Sex))
DE_NOVO_MODES = {mode for mode in TransmissionMode if mode.endswith("de_novo")}


@pytest.fixture(scope="module", params=PLACES, ids="-".join)
def answers(request):
    """Everything that can be asked about allele 1 at a place; 4,536 trios."""
    region, sex = request.param
    trios = [Trio(region, sex, *people) for people in product(CHILDREN, PARENTS, PARENTS)]
    return {trio: infer(trio) for trio in trios}


def incomplete(calls, copies=2):
    return calls is None or MISSING in calls or len(calls) < copies


def test_every_combination_has_an_answer(answers):
    for answer in answers.values():
        assert isinstance(answer, Inheritance)
        assert isinstance(answer.parental_origin, ParentalOrigin)
        assert isinstance(answer.transmission_mode, TransmissionMode)
        assert answer.mendelian_error is None or isinstance(answer.mendelian_error, bool)


def test_denovo_implies_a_mendelian_error(answers):
    for trio, answer in answers.items():
        if answer.parental_origin is ParentalOrigin.DENOVO:
            assert answer.mendelian_error is True, trio
        if answer.transmission_mode in DE_NOVO_MODES:
            assert answer.mendelian_error is True, trio


def test_possible_origins_name_a_parent_who_has_it_and_one_who_is_missing(answers):
    for trio, answer in answers.items():
        match answer.parental_origin:
            case ParentalOrigin.POSSIBLE_FATHER:
                assert trio.father is not None, trio
                assert 1 in trio.father, trio
                assert incomplete(trio.mother), trio
            case ParentalOrigin.POSSIBLE_MOTHER:
                assert trio.mother is not None, trio
                assert 1 in trio.mother, trio
                assert incomplete(trio.father, 1 if trio.region is X else 2), trio
            case ParentalOrigin.POSSIBLE_DENOVO:
                father_copies = 1 if trio.region is X else 2
                assert incomplete(trio.father, father_copies) != incomplete(trio.mother), trio
            case _:
                pass


def test_a_named_parent_has_the_allele(answers):
    for trio, answer in answers.items():
        if answer.parental_origin in {ParentalOrigin.FATHER, ParentalOrigin.BOTH}:
            assert 1 in (trio.father or ()), trio
        if answer.parental_origin in {ParentalOrigin.MOTHER, ParentalOrigin.BOTH}:
            assert 1 in (trio.mother or ()), trio


def test_a_child_that_does_not_carry_the_allele_has_no_origin(answers):
    for trio, answer in answers.items():
        if 1 not in trio.child:
            assert answer.parental_origin is ParentalOrigin.UNKNOWN, trio
            expected = {TransmissionMode.NON_CARRIER_PROBAND, TransmissionMode.UNKNOWN_PROBAND_GENOTYPE}
            if incomplete(trio.child, 1):
                expected = {TransmissionMode.UNKNOWN_PROBAND_GENOTYPE}
            elif len(trio.child) > 1:
                expected = {TransmissionMode.NON_CARRIER_PROBAND}
            assert answer.transmission_mode in expected, trio


FROM_FATHER = {ParentalOrigin.FATHER, ParentalOrigin.POSSIBLE_FATHER, ParentalOrigin.BOTH, ParentalOrigin.AMBIGUOUS}
FROM_MOTHER = {ParentalOrigin.MOTHER, ParentalOrigin.POSSIBLE_MOTHER, ParentalOrigin.BOTH, ParentalOrigin.AMBIGUOUS}


def test_a_parent_who_does_not_pass_on_the_place_is_never_the_origin_and_never_matters(answers):
    for trio, answer in answers.items():
        if (trio.region is X and trio.sex is SON) or trio.region is M:
            assert answer.parental_origin not in FROM_FATHER, trio
            other = Trio(trio.region, trio.sex, trio.child, None, trio.mother)
        elif trio.region is Y:
            assert answer.parental_origin not in FROM_MOTHER, trio
            other = Trio(trio.region, trio.sex, trio.child, trio.father, None)
        else:
            continue
        assert answers[other] == answer, trio


SWAPPED = {
    ParentalOrigin.FATHER: ParentalOrigin.MOTHER,
    ParentalOrigin.MOTHER: ParentalOrigin.FATHER,
    ParentalOrigin.POSSIBLE_FATHER: ParentalOrigin.POSSIBLE_MOTHER,
    ParentalOrigin.POSSIBLE_MOTHER: ParentalOrigin.POSSIBLE_FATHER,
}
SWAPPED_MODE = {
    TransmissionMode.UNKNOWN_FATHER_GENOTYPE: TransmissionMode.UNKNOWN_MOTHER_GENOTYPE,
    TransmissionMode.UNKNOWN_MOTHER_GENOTYPE: TransmissionMode.UNKNOWN_FATHER_GENOTYPE,
}


def test_autosomes_and_par_are_symmetric_in_the_parents_and_blind_to_sex(answers):
    for trio, answer in answers.items():
        if trio.region not in {AUTOSOME, PAR}:
            continue
        swapped = answers[Trio(trio.region, trio.sex, trio.child, trio.mother, trio.father)]
        assert swapped.mendelian_error is answer.mendelian_error, trio
        assert swapped.parental_origin is SWAPPED.get(answer.parental_origin, answer.parental_origin), trio
        assert swapped.transmission_mode is SWAPPED_MODE.get(answer.transmission_mode, answer.transmission_mode), trio
        for sex in Sex:
            assert infer(Trio(trio.region, sex, trio.child, trio.father, trio.mother)) == answer, trio


def test_the_order_of_calls_does_not_matter(answers):
    for trio, answer in answers.items():
        if len(trio.child) == 2:
            for order in permutations(trio.child):
                assert infer(Trio(trio.region, trio.sex, order, trio.father, trio.mother)) == answer, trio


def test_the_error_is_that_of_the_site_whatever_the_allele(answers):
    for trio, answer in answers.items():
        other = infer(Trio(trio.region, trio.sex, trio.child, trio.father, trio.mother, allele=2))
        assert other.mendelian_error is answer.mendelian_error, trio


ANY = (0, 1, 2, 3, 4)
"""What a missing call may be: the alleles of the other calls, or one of two that no call has."""


@cache
def completions(calls, copies):
    """Every complete genotype that a genotype with missing calls may stand for; the order does not matter."""
    known = tuple(call for call in calls or () if call != MISSING)
    missing = max(copies, len(calls or ())) - len(known)
    return [tuple(sorted((*known, *rest))) for rest in combinations_with_replacement(ANY, missing)]


@cache
def impossible(region, son, child, father, mother):
    """Judge a trio without missing calls, copy by copy; None where no rule applies."""
    if region is Y and not son:
        return None
    if region in {M, Y} or (region is X and son):
        giver = father if region is Y else mother
        return not set(child) <= set(giver)
    if len(child) > 2:
        return True if set(child) - set(father) - set(mother) else None
    return not any({paternal, maternal} == set(child) for paternal in father for maternal in mother)


def outcomes(trio):
    """Judge every completion of a trio."""
    copies = {AUTOSOME: (2, 2, 2), PAR: (2, 2, 2), M: (1, 1, 1), Y: (1, 1, 1), X: (2, 1, 2)}[trio.region]
    fathers, mothers = (
        # of a parent without any known call not even the number of calls is known; the child's has a say
        completions(calls, max(own, len(trio.child)) if set(calls or ()) <= {MISSING} else own)
        for calls, own in zip((trio.father, trio.mother), copies[1:], strict=True)
    )
    if trio.region is Y or trio.region is M or (trio.region is X and trio.sex is SON):
        # the other parent never matters: see above
        fathers, mothers = (fathers, [()]) if trio.region is Y else ([()], mothers)
    sons = {SON: (True,), DAUGHTER: (False,), CHILD: (True, False) if trio.region is X else (True,)}[trio.sex]
    if trio.sex is CHILD and len(trio.child) == 1:
        sons = (True,)
    for son in sons:
        own = 1 if trio.region is X and son else copies[0]
        for child in completions(trio.child, own):
            if trio.sex is CHILD and trio.region is X and son and len(set(child)) > 1:
                continue  # two alleles on X: a daughter
            for father, mother in product(fathers, mothers):
                yield impossible(trio.region, son, child, father, mother)


def test_an_error_is_true_or_false_only_where_every_completion_of_every_missing_call_says_so(answers):
    for trio, answer in answers.items():
        found = set()
        for one in outcomes(trio):
            found.add(one)
            if len(found) > 1:
                break
        expected = found.pop() if len(found) == 1 else None
        assert answer.mendelian_error is expected, trio


COMPLETE = list(combinations_with_replacement((0, 1, 2), 2))


def test_complete_autosomal_trios_agree_with_gametes_counted_one_by_one():
    for child, father, mother in product(COMPLETE, repeat=3):
        gametes = {(paternal, maternal) for paternal in father for maternal in mother}
        fitting = {pair for pair in gametes if tuple(sorted(pair)) == child}
        answer = infer(Trio(AUTOSOME, SON, child, father, mother))
        assert answer.mendelian_error is not bool(fitting)
        if 1 in child and fitting:
            givers = {(paternal == 1, maternal == 1) for paternal, maternal in fitting}
            expected = {
                frozenset({(True, True)}): ParentalOrigin.BOTH,
                frozenset({(True, False)}): ParentalOrigin.FATHER,
                frozenset({(False, True)}): ParentalOrigin.MOTHER,
                frozenset({(True, False), (False, True)}): ParentalOrigin.AMBIGUOUS,
            }
            assert answer.parental_origin is expected[frozenset(givers)], (child, father, mother)


# --- every combination with every affected status, of two alleles ---------------------------------------------------

BIALLELIC = [(MISSING,), (0,), (1,), *combinations_with_replacement((MISSING, 0, 1), 2)]
STATUSES = list(product(Affected, repeat=3))


@pytest.mark.parametrize(("region", "sex"), PLACES)
def test_affected_status_decides_nothing_but_the_mode(region, sex):
    unknown = (Affected.UNKNOWN,) * 3
    for people in product(BIALLELIC, [None, *BIALLELIC], [None, *BIALLELIC]):
        unstated = infer(Trio(region, sex, *people, 1, *unknown))
        for statuses in STATUSES:
            answer = infer.__wrapped__(Trio(region, sex, *people, 1, *statuses))
            assert answer.parental_origin is unstated.parental_origin
            assert answer.mendelian_error is unstated.mendelian_error
            assert isinstance(answer.transmission_mode, TransmissionMode)
            if unstated.transmission_mode is TransmissionMode.INCONSISTENT:
                assert answer.transmission_mode is TransmissionMode.INCONSISTENT
            if unstated.transmission_mode in {
                TransmissionMode.MITOCHONDRIAL,
                TransmissionMode.NON_CARRIER_PROBAND,
                TransmissionMode.UNKNOWN_PROBAND_GENOTYPE,
            } or unstated.transmission_mode.startswith("unknown"):
                assert answer.transmission_mode is unstated.transmission_mode
