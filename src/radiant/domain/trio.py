"""A trio at a site: the copies of a child, the parents that pass them on, the carriers of an allele.

Vocabulary of `inheritance` and `transmission`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Member, Sex

Calls = tuple[int, ...]
"""A genotype as long as its ploidy, with the allele numbers of the source line: 0 REF, 1 the first ALT, -1 missing."""

MISSING = -1
"""A call the file writes as `.`."""


@dataclass(frozen=True, slots=True)
class Trio:
    """A child's allele and everything its inheritance depends on.

    Genotypes are those of the whole source line, so that both rows of a `1/2` site get the right origin and the
    Mendelian error is the site's: a call of *another* ALT is that ALT's number, never -1.
    """

    region: RegionClass
    """Of the source line's position."""
    sex: Sex
    """The child's stated sex."""
    child: Calls
    father: Calls | None
    """None when the father is not a member of the case."""
    mother: Calls | None
    """None when the mother is not a member of the case."""
    allele: int = 1
    """Which ALT of the source line the row is about (`alt_index`)."""
    child_affected: Affected = Affected.UNKNOWN
    father_affected: Affected = Affected.UNKNOWN
    mother_affected: Affected = Affected.UNKNOWN


def parents_of(member: Member, members: Sequence[Member]) -> tuple[Member | None, Member | None]:
    """Find a member's father and mother among the members of the case, by the pedigree's individual ids.

    Returns:
        (father, mother); None for one who is not a member: not stated, or stated but not sequenced.
    """
    family = {other.sample: other for other in members if other.family_id == member.family_id}
    return (
        family.get(member.father) if member.father is not None else None,
        family.get(member.mother) if member.mother is not None else None,
    )


def expected_copies(region: RegionClass, sex: Sex) -> int:
    """Count the copies that a person of known sex has of a place: 0, 1 or 2.

    An unknown sex counts as two copies of X and one of Y.
    """
    return len(sources(region, sex))


class Parent(StrEnum):
    """The parents that pass on a copy; the values are those of the parental origin."""

    FATHER = "father"
    MOTHER = "mother"


class Has(IntEnum):
    """Whether a parent has an allele; the lesser of two is the possibility of both."""

    NO = 0
    MAYBE = 1
    YES = 2


def sources(region: RegionClass, sex: Sex) -> tuple[Parent, ...]:
    """Return the parents who each pass on one copy of a place; see `expected_copies` for an unknown sex."""
    match region:
        case RegionClass.X if sex is Sex.MALE:
            return (Parent.MOTHER,)
        case RegionClass.Y:
            return () if sex is Sex.FEMALE else (Parent.FATHER,)
        case RegionClass.M:
            return (Parent.MOTHER,)
        case _:
            return (Parent.FATHER, Parent.MOTHER)


def parent_calls(trio: Trio, parent: Parent) -> Calls:
    """Return a parent's calls, none when that parent is not a member of the case."""
    calls = trio.father if parent is Parent.FATHER else trio.mother
    return () if calls is None else calls


def parent_copies(region: RegionClass, parent: Parent) -> int:
    """Count the copies that a father or a mother has of a place."""
    return expected_copies(region, Sex.MALE if parent is Parent.FATHER else Sex.FEMALE)


def has(trio: Trio, parent: Parent, allele: int) -> Has:
    """Return whether a parent has an allele. An allele that is itself missing may be any."""
    calls = parent_calls(trio, parent)
    if allele == MISSING:
        return Has.MAYBE
    if allele in calls:
        return Has.YES
    incomplete = MISSING in calls or len(calls) < parent_copies(trio.region, parent)
    return Has.MAYBE if incomplete else Has.NO


def has_all(trio: Trio, parents: Sequence[Parent], alleles: Calls) -> Has:
    """Return whether some parents together have all of several alleles; a missing one of these may be any.

    A missing call of a parent stands for one allele: `0/.` cannot have both 1 and 2.
    """
    absent = {
        allele for allele in alleles if allele != MISSING and all(allele not in parent_calls(trio, p) for p in parents)
    }
    if len(absent) > sum(_missing_calls(trio, parent) for parent in parents):
        return Has.NO
    return Has.MAYBE if absent or MISSING in alleles else Has.YES


def _missing_calls(trio: Trio, parent: Parent) -> int:
    """Count the calls of a parent that may be any allele.

    A parent without any known call (not a member, `.`, `./.`) may have a genotype as long as the child's: a file that
    writes a child's M as `0/1` writes a mother's so as well.
    """
    calls = parent_calls(trio, parent)
    known = len(calls) - calls.count(MISSING)
    length = max(parent_copies(trio.region, parent), len(calls), 0 if known else len(trio.child))
    return length - known


def child_calls(trio: Trio) -> Calls:
    """Return the child's calls, completed by missing ones where they are fewer than the copies (`1` on an autosome).

    Surplus calls stay: `1/1` on a son's X shows the one allele of his one copy, `0/1` shows one allele too many.
    """
    return (*trio.child, *(MISSING,) * (expected_copies(trio.region, trio.sex) - len(trio.child)))
