"""Where a child's allele came from: parental origin, Mendelian error, mode of transmission.

One total function, `infer`, of the region of the genome, the child's sex, the three genotypes of the **whole site** and
the affected statuses. There is no table that could have holes: the rules below cover every combination.

How it works. Region and sex determine how many copies a child has and which parents they come from (`trio.sources`).
For each parent and allele there is a certainty that the parent has it: yes, no, or maybe when a call is missing or the
parent is not sequenced (`trio.has`). A child with two copies got one from each parent, so there are two ways to assign
them; a way is as certain as the less certain of its two halves. From these follow

- the Mendelian error: no way is possible (True), some way is certain (False), else it depends
  on what is missing (None). One missing call of a parent stands for one allele, so two alleles of the child that only
  that parent can have passed on are an error (`trio.has_all`);
- the origin: the parent that gives the allele in the possible ways;
- the mode: the first model of the disease that contradicts no stated affected status.

`docs/inheritance.md` has the values, their rules and examples.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.transmission import TransmissionMode, transmission_mode
from radiant.domain.trio import MISSING, Calls, Has, Parent, Trio, child_calls, has, has_all, sources


class ParentalOrigin(StrEnum):
    """Which parent the allele came from."""

    DENOVO = "denovo"
    """No parent who passes on this place has the allele, and no call that matters is missing."""
    MOTHER = "mother"
    FATHER = "father"
    BOTH = "both"
    """The child has two copies of the allele, and both parents have it."""
    AMBIGUOUS = "ambiguous"
    """One copy, and either parent may have given it; or sex is unknown and the answer depends on it."""
    POSSIBLE_DENOVO = "possible_denovo"
    """The parent whose genotype is known does not have it, the other's is missing."""
    POSSIBLE_MOTHER = "possible_mother"
    """The mother has it; the father's genotype is missing, and he may have given it as well."""
    POSSIBLE_FATHER = "possible_father"
    """The father has it; the mother's genotype is missing, and she may have given it as well."""
    UNKNOWN = "unknown"
    """No parent who passes on this place has a known genotype, or the child is not known to carry the allele."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The three answers about a row."""

    parental_origin: ParentalOrigin
    mendelian_error: bool | None
    """Whether the trio genotype of the site is impossible; None when that depends on a missing genotype, or when
    the place does not pass to this child (a daughter's Y). The same for every row of a site."""
    transmission_mode: TransmissionMode


@lru_cache(maxsize=1 << 16)
def infer(trio: Trio) -> Inheritance:
    """Infer a row's inheritance. Total: every combination has an answer, and symmetric in the parents on autosomes.

    Cached per distinct trio: a whole genome has a few thousand.
    """
    sexes = _possible_sexes(trio)
    if len(sexes) == 1:
        return _infer(replace(trio, sex=sexes[0]))
    son, daughter = (_infer(replace(trio, sex=sex)) for sex in sexes)
    return Inheritance(
        _either_origin(son.parental_origin, daughter.parental_origin),
        son.mendelian_error if son.mendelian_error == daughter.mendelian_error else None,
        daughter.transmission_mode,  # of two equal calls: the son's would differ in needing the mother alone
    )


def mendelian_error(
    region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None
) -> bool | None:
    """Return whether the genotypes of a site are impossible in a trio; see `Inheritance.mendelian_error`."""
    return infer(Trio(region, sex, child, father, mother)).mendelian_error


def _possible_sexes(trio: Trio) -> tuple[Sex, ...]:
    """Return the possible sexes of a child of unknown sex: on X its calls may exclude one, elsewhere not."""
    if trio.sex is not Sex.UNKNOWN:
        return (trio.sex,)
    if trio.region is not RegionClass.X:
        return (Sex.MALE,)
    if len(trio.child) == 1:
        return (Sex.MALE,)
    if len(set(trio.child) - {MISSING}) > 1:
        return (Sex.FEMALE,)
    return (Sex.MALE, Sex.FEMALE)


def _infer(trio: Trio) -> Inheritance:
    givers = sources(trio.region, trio.sex)
    child = child_calls(trio)
    if not givers:
        error, origin = None, ParentalOrigin.UNKNOWN
    elif len(givers) == 1:
        error, origin = _one_copy(trio, child, givers[0])
    elif len(child) == 2:  # noqa: PLR2004 - a copy from each parent
        error, origin = _two_copies(trio, child)
    else:
        error, origin = _many_copies(trio, child)
    if trio.allele not in child:
        origin = ParentalOrigin.UNKNOWN
    return Inheritance(origin, error, transmission_mode(trio, denovo=origin is ParentalOrigin.DENOVO))


def _one_copy(trio: Trio, child: Calls, source: Parent) -> tuple[bool | None, ParentalOrigin]:
    """One copy, from one parent: every allele that the child shows must be one of that parent's."""
    error = _error(has_all(trio, (source,), child))
    match has(trio, source, trio.allele):
        case Has.YES:
            return error, ParentalOrigin(source)
        case Has.NO:
            return error, ParentalOrigin.DENOVO
        case Has.MAYBE:
            return error, ParentalOrigin.UNKNOWN


def _two_copies(trio: Trio, child: Calls) -> tuple[bool | None, ParentalOrigin]:
    """Two copies, one from each parent: there are two ways to share them out."""
    first, second = child
    if first != trio.allele:
        first, second = second, first
    by_father = min(has(trio, Parent.FATHER, first), has(trio, Parent.MOTHER, second))
    by_mother = min(has(trio, Parent.FATHER, second), has(trio, Parent.MOTHER, first))
    error = _error(max(by_father, by_mother))
    father = has(trio, Parent.FATHER, trio.allele)
    mother = has(trio, Parent.MOTHER, trio.allele)
    if first == second:
        return error, _HOMOZYGOUS_ORIGIN[father, mother]
    if by_father and not by_mother and father is Has.YES:
        return error, ParentalOrigin.FATHER
    if by_mother and not by_father and mother is Has.YES:
        return error, ParentalOrigin.MOTHER
    return error, _SINGLE_ORIGIN[father, mother]


def _many_copies(trio: Trio, child: Calls) -> tuple[bool | None, ParentalOrigin]:
    """More calls than copies: only alleles that the parents cannot both have are certainly wrong."""
    father, mother = (has(trio, parent, trio.allele) for parent in Parent)
    foreign = has_all(trio, tuple(Parent), child) is Has.NO
    return True if foreign else None, _SINGLE_ORIGIN[father, mother]


def _error(possible: Has) -> bool | None:
    return None if possible is Has.MAYBE else possible is Has.NO


_SINGLE_ORIGIN = {
    (Has.YES, Has.YES): ParentalOrigin.AMBIGUOUS,
    (Has.YES, Has.MAYBE): ParentalOrigin.POSSIBLE_FATHER,
    (Has.YES, Has.NO): ParentalOrigin.FATHER,
    (Has.MAYBE, Has.YES): ParentalOrigin.POSSIBLE_MOTHER,
    (Has.MAYBE, Has.MAYBE): ParentalOrigin.UNKNOWN,
    (Has.MAYBE, Has.NO): ParentalOrigin.POSSIBLE_DENOVO,
    (Has.NO, Has.YES): ParentalOrigin.MOTHER,
    (Has.NO, Has.MAYBE): ParentalOrigin.POSSIBLE_DENOVO,
    (Has.NO, Has.NO): ParentalOrigin.DENOVO,
}
"""One copy of the allele: (the father has it, the mother has it) -> origin, when both could have given it."""

_HOMOZYGOUS_ORIGIN = {
    **_SINGLE_ORIGIN,
    (Has.YES, Has.YES): ParentalOrigin.BOTH,
    (Has.YES, Has.MAYBE): ParentalOrigin.FATHER,
    (Has.MAYBE, Has.YES): ParentalOrigin.MOTHER,
}
"""Two copies: the parent who has it gave one, whatever the other parent has."""


def _either_origin(son: ParentalOrigin, daughter: ParentalOrigin) -> ParentalOrigin:
    if son is daughter:
        return son
    if ParentalOrigin.UNKNOWN in {son, daughter}:
        return ParentalOrigin.UNKNOWN
    if {son, daughter} == {ParentalOrigin.DENOVO, ParentalOrigin.POSSIBLE_DENOVO}:
        return ParentalOrigin.POSSIBLE_DENOVO
    return ParentalOrigin.AMBIGUOUS
