"""Does a child fit the stated parents? Mendel errors, shared alleles, chromosomes from one parent alone.

Thresholds are constants, each with the numbers it rests on (three real trios, a whole genome and two exomes, as called
and with samples swapped).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.inheritance import mendelian_error
from radiant.domain.trio import MISSING, Calls, Parent, expected_copies, parent_copies, sources

MENDEL_ERROR_RATE_WARNING = 0.10
"""The real trios have 0.9, 2.2 and 5.0 % of autosomal sites in error; with child and parent swapped 20 to 29 %."""

NOTHING_SHARED_RATE_WARNING = 0.03
"""A real parent and child share no allele at 0.3 to 1.5 % of sites; two unrelated people at 6.4 to 8.2 %."""

PARENTAGE_MINIMUM_SITES = 200
"""Fewer sites do not judge parentage."""

UNIPARENTAL_RATE_WARNING = 0.30
"""An ordinary chromosome has at most 11 % of its informative sites explained by one parent alone, a maternal disomy of
chromosome 16 has 97.5 %. The threshold leaves room for a disomy of a part."""

UNIPARENTAL_MINIMUM_SITES = 20
"""Fewer sites that one parent alone explains do not make a warning."""

_DIPLOID = 2


def rate(part: int, whole: int) -> float | None:
    """Divide, rounded to six digits; null when there is nothing to divide by."""
    return round(part / whole, 6) if whole else None


@dataclass(slots=True)
class MendelCounts:
    """Sites of a child with a parent or two, each in one of checked, missing, skipped."""

    checked: int = 0
    """Every genotype that matters is complete."""
    errors: int = 0
    """Of the checked: impossible."""
    missing: int = 0
    """A genotype that matters is missing, wholly or half; or the parent is not a member of the case."""
    errors_of_missing: int = 0
    """Of the missing: impossible all the same. Not in the rate: which of the missing are possible nobody knows."""
    skipped: int = 0
    """All of them are REF, or the place does not pass to this child (a daughter's Y)."""

    def to_json(self) -> dict[str, Any]:
        """Return the counts and `error_rate` = errors / checked, null without any checked."""
        return {**asdict(self), "error_rate": rate(self.errors, self.checked)}


@dataclass(slots=True)
class UniparentalCounts:
    """Sites of a chromosome where complete genotypes tell whether one parent alone explains the child's two copies."""

    father_only: int = 0
    """Impossible in the trio, but the father has every allele of the child, and the mother has not."""
    mother_only: int = 0
    """Impossible in the trio, but the mother has every allele of the child, and the father has not."""
    biparental: int = 0
    """Possible in the trio, and neither parent has every allele of the child."""

    @property
    def informative(self) -> int:
        """Sites that tell."""
        return self.father_only + self.mother_only + self.biparental

    def to_json(self) -> dict[str, Any]:
        """Return the counts and each parent's rate among the informative, null without any."""
        return {
            **asdict(self),
            "father_only_rate": rate(self.father_only, self.informative),
            "mother_only_rate": rate(self.mother_only, self.informative),
        }


@dataclass(slots=True)
class SharingCounts:
    """Autosomal sites where a child and one parent have complete genotypes and one of them carries an ALT."""

    compared: int = 0
    nothing_shared: int = 0
    """Of those: they have no allele in common."""

    def to_json(self) -> dict[str, Any]:
        """Return the counts and their quotient, null without any compared."""
        return {**asdict(self), "nothing_shared_rate": rate(self.nothing_shared, self.compared)}


class Bucket(StrEnum):
    """Where `MendelCounts` counts a site."""

    CHECKED = "checked"
    MISSING = "missing"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the genotypes of one site say of a child and the stated parents."""

    bucket: Bucket
    error: bool
    """Certainly impossible."""
    shared: tuple[tuple[Parent, bool | None], ...]
    """Per parent who is a member of the case, at an autosomal site: whether child and parent have an allele in common;
    None where a genotype is incomplete or neither carries an ALT."""
    two_copies: bool
    """The child has a copy from each parent here, and all three genotypes are complete."""
    uniparental: str | None
    """Then the field of `UniparentalCounts`; None where the site does not tell."""


@lru_cache(maxsize=1 << 14)
def judge(region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None) -> Verdict:
    """Judge a site of a child with a parent or two.

    Remembered: the chromosomes and variant types of a whole genome repeat the same few hundred trios.

    Args:
        region: Of the site.
        sex: The child's stated sex.
        child: Genotype; order does not matter.
        father: None when he is not a member of the case.
        mother: None when she is not a member of the case.
    """
    error = mendelian_error(region, sex, child, father, mother)
    # Complete genotypes without an ALT: a line that is there for somebody else's allele.
    nothing = not any((*child, *(father or ()), *(mother or ())))
    if nothing or not expected_copies(region, sex):
        bucket = Bucket.SKIPPED
    elif error is not None and _complete(region, sex, child, father, mother):
        bucket = Bucket.CHECKED
    else:
        bucket = Bucket.MISSING
    shared = tuple(
        (parent, _shares(child, calls))
        for parent, calls in ((Parent.FATHER, father), (Parent.MOTHER, mother))
        if calls is not None and region is RegionClass.AUTOSOME
    )
    two_copies = error is not None and _two_copies(region, sex, child, father, mother)
    uniparental = _explained_by(child, father or (), mother or (), error=error is True) if two_copies else None
    return Verdict(bucket, error is True, shared, two_copies, uniparental)


def _complete(region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None) -> bool:
    """Tell whether every genotype that matters has all its calls."""
    people = [(child, expected_copies(region, sex))]
    for parent in sources(region, sex):
        calls = father if parent is Parent.FATHER else mother
        people.append((calls or (), parent_copies(region, parent)))
    return all(MISSING not in calls and len(calls) >= copies for calls, copies in people)


def _shares(child: Calls, parent: Calls) -> bool | None:
    if MISSING in (*child, *parent) or not any((*child, *parent)):
        return None
    return not set(child).isdisjoint(parent)


def _two_copies(region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None) -> bool:
    return (
        father is not None
        and mother is not None
        and region in {RegionClass.AUTOSOME, RegionClass.X}
        and expected_copies(region, sex) == len(child) == _DIPLOID
        and MISSING not in (*child, *father, *mother)
    )


def _explained_by(child: Calls, father: Calls, mother: Calls, *, error: bool) -> str | None:
    """Name the field of `UniparentalCounts` that counts a site."""
    by_father, by_mother = (set(child) <= set(parent) for parent in (father, mother))
    if error and by_father:  # not both: two parents who each have every allele of the child make no error
        return "father_only"
    if error and by_mother:
        return "mother_only"
    return None if error or by_father or by_mother else "biparental"


@dataclass(slots=True)
class TrioCounts:
    """Everything counted of one child with a parent or two."""

    sex: Sex
    """The child's stated sex."""
    mendel: MendelCounts = field(default_factory=MendelCounts)
    by_type: dict[str, MendelCounts] = field(default_factory=dict[str, MendelCounts])
    """The same per variant type."""
    autosomal: MendelCounts = field(default_factory=MendelCounts)
    """The same on autosomes, where neither sex nor copy number can be the reason of an error."""
    sharing: dict[Parent, SharingCounts] = field(default_factory=dict[Parent, SharingCounts])
    """Per parent who is a member of the case."""
    uniparental: dict[str, UniparentalCounts] = field(default_factory=dict[str, UniparentalCounts])
    """Per chromosome of which the child has two copies."""

    def add(  # noqa: PLR0913 - what a site is, and a trio's genotypes
        self,
        *,
        chromosome: str,
        region: RegionClass,
        variant_type: str,
        child: Calls,
        father: Calls | None,
        mother: Calls | None,
        times: int,
    ) -> None:
        """Count a site so many times.

        Args:
            chromosome: Canonical name.
            region: Of the site.
            variant_type: Class of the line's alleles, `mixed` when they differ.
            child: Genotype.
            father: None when he is not a member of the case.
            mother: None when she is not a member of the case.
            times: How many such sites.
        """
        verdict = judge(region, self.sex, child, father, mother)
        self._add_mendel(verdict, region, variant_type, times)
        for parent, shares in verdict.shared:
            counts = self.sharing.setdefault(parent, SharingCounts())
            if shares is not None:
                counts.compared += times
                counts.nothing_shared += 0 if shares else times
        if verdict.two_copies:
            counts = self.uniparental.setdefault(chromosome, UniparentalCounts())
            if verdict.uniparental is not None:
                setattr(counts, verdict.uniparental, getattr(counts, verdict.uniparental) + times)

    def _add_mendel(self, verdict: Verdict, region: RegionClass, variant_type: str, times: int) -> None:
        kinds = [self.mendel, self.by_type.setdefault(variant_type, MendelCounts())]
        if region is RegionClass.AUTOSOME:
            kinds.append(self.autosomal)
        for counts in kinds:
            match verdict.bucket:
                case Bucket.SKIPPED:
                    counts.skipped += times
                case Bucket.CHECKED:
                    counts.checked += times
                    counts.errors += times if verdict.error else 0
                case Bucket.MISSING:
                    counts.missing += times
                    counts.errors_of_missing += times if verdict.error else 0

    def mendel_json(self) -> dict[str, Any]:
        """Return the Mendel counts, `autosomal` and `by_type` within."""
        return {
            **self.mendel.to_json(),
            "autosomal": self.autosomal.to_json(),
            "by_type": {name: counts.to_json() for name, counts in sorted(self.by_type.items())},
        }

    def to_json(self) -> dict[str, Any]:
        """Return `mendel`, `sharing` per parent, `uniparental` per chromosome."""
        return {
            "mendel": self.mendel_json(),
            "sharing": {str(parent): counts.to_json() for parent, counts in self.sharing.items()},
            "uniparental": {chromosome: counts.to_json() for chromosome, counts in self.uniparental.items()},
        }

    def warnings(self, child: str) -> Iterator[str]:
        """Yield what does not fit, with the numbers.

        Args:
            child: How to name the child; not by an identifier, for a warning may be logged.
        """
        parentage = tuple(self._parentage_warnings(child))
        # With a wrong parent every chromosome looks like a disomy of the other one.
        yield from parentage or self._uniparental_warnings(child)

    def _parentage_warnings(self, child: str) -> Iterator[str]:
        checked, errors = self.autosomal.checked, self.autosomal.errors
        if checked >= PARENTAGE_MINIMUM_SITES and errors / checked > MENDEL_ERROR_RATE_WARNING:
            yield (
                f"parentage: {errors:,} of {checked:,} autosomal sites ({errors / checked:.1%}) of {child} and the "
                f"stated parents are Mendelian errors (warned above {MENDEL_ERROR_RATE_WARNING:.0%}); "
                "check the pedigree and the samples"
            )
        for parent, counts in self.sharing.items():
            compared, nothing = counts.compared, counts.nothing_shared
            if compared >= PARENTAGE_MINIMUM_SITES and nothing / compared > NOTHING_SHARED_RATE_WARNING:
                yield (
                    f"parentage: {child} and the stated {parent} share no allele at {nothing:,} of {compared:,} "
                    f"autosomal sites ({nothing / compared:.1%}, warned above {NOTHING_SHARED_RATE_WARNING:.0%}); "
                    "check the pedigree and the samples"
                )

    def _uniparental_warnings(self, child: str) -> Iterator[str]:
        for chromosome, counts in self.uniparental.items():
            informative = counts.informative
            for parent, alone in ((Parent.FATHER, counts.father_only), (Parent.MOTHER, counts.mother_only)):
                if alone >= UNIPARENTAL_MINIMUM_SITES and alone / informative > UNIPARENTAL_RATE_WARNING:
                    yield (
                        f"uniparental: on chromosome {chromosome} of {child}, {alone:,} of {informative:,} informative "
                        f"sites ({alone / informative:.1%}, warned above {UNIPARENTAL_RATE_WARNING:.0%}) are explained "
                        f"by the {parent} alone; disomy, or a deletion of the other parent's copy"
                    )
