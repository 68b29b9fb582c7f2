"""Is a child related to the stated parents? Mendelian errors and shared alleles, counted and judged.

Thresholds are constants, each with the numbers it rests on (three real trios, a whole genome and two exomes, as called
and with samples swapped). How many sites a judgement needs follows from binomial error rates; docs/inheritance.md has
the derivation.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import comb

from radiant.domain.counts import add_counts
from radiant.domain.trio import Parent

MENDEL_ERROR_RATE_WARNING = 0.10
"""The real trios have 0.0, 0.3 and 1.6 % of autosomal sites in error; with child and parent swapped 20 to 30 %."""

TRUE_MENDEL_ERROR_RATE = 0.02
"""What a true family may have."""

NOTHING_SHARED_RATE_WARNING = 0.03
"""A real parent and child share no allele at 0 to 1.2 % of sites; two unrelated people at 6.6 to 7.8 %."""

TRUE_NOTHING_SHARED_RATE = 0.0125
"""What a true parent and child may have."""

PARENTAGE_MINIMUM_ERRORS = 10
"""Fewer contradicting sites make no warning: neighbours are not independent, one deletion or one misread stretch gives
several."""

FALSE_ALARM_RATE = 0.001
"""A true family is warned about at most so often, and a wrong one missed; at the smallest number of sites."""

MENDEL_SITES_NEEDED = 141
"""From this number of checked sites on, an unrelated parent (20 % errors) is warned about in 999 of 1,000 families."""

SHARING_SITES_NEEDED = 480
"""From this number of compared sites on, an unrelated parent (6.4 %) is warned about in 999 of 1,000 pairs."""


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
    """Impossible in spite of missing calls. Not in the rate, which would need the number of possible ones."""
    skipped: int = 0
    """All of them are REF, or the place does not pass to this child (a daughter's Y)."""

    def to_json(self) -> dict[str, object]:
        """Return the counts and `error_rate` = errors / checked, null without any checked."""
        return {**asdict(self), "error_rate": rate(self.errors, self.checked)}


@dataclass(slots=True)
class SharingCounts:
    """Autosomal sites where a child and one parent have complete genotypes and one of them carries an ALT."""

    compared: int = 0
    nothing_shared: int = 0
    """Of those: they have no allele in common."""
    low_quality: int = 0
    """Sites that are not compared because a call does not pass quality."""

    def to_json(self) -> dict[str, object]:
        """Return the counts and their quotient, null without any compared."""
        return {**asdict(self), "nothing_shared_rate": rate(self.nothing_shared, self.compared)}


class Parentage(StrEnum):
    """Whether a child fits the stated parents."""

    FITS = "fits"
    CONTRADICTS = "contradicts"
    CANNOT_JUDGE = "cannot judge"
    """Too few sites have calls that pass quality, and what there is does not contradict."""


@dataclass(slots=True)
class RelationCounts:
    """Autosomal sites that show whether child and stated parents are related, with calls that pass quality alone."""

    mendel: MendelCounts = field(default_factory=MendelCounts)
    """Calls that do not pass quality are taken for missing."""
    sharing: dict[Parent, SharingCounts] = field(default_factory=dict[Parent, SharingCounts])
    """Per parent who is a member of the case."""

    def merge(self, other: "RelationCounts") -> None:
        """Add further sites."""
        add_counts(self.mendel, other.mendel)
        for parent, counts in other.sharing.items():
            add_counts(self.sharing.setdefault(parent, SharingCounts()), counts)

    @property
    def too_many_errors(self) -> bool:
        """Whether there are more Mendelian errors than in a true family."""
        return _too_many(self.mendel.errors, self.mendel.checked, MENDEL_ERROR_RATE_WARNING, TRUE_MENDEL_ERROR_RATE)

    @property
    def strangers(self) -> tuple[Parent, ...]:
        """The parents who share no allele with the child at more sites than a true parent does."""
        return tuple(
            parent
            for parent, counts in self.sharing.items()
            if _too_many(counts.nothing_shared, counts.compared, NOTHING_SHARED_RATE_WARNING, TRUE_NOTHING_SHARED_RATE)
        )

    @property
    def parentage(self) -> Parentage:
        """Whether the child fits the stated parents.

        Mendel errors judge both parents at once, shared alleles each alone; either suffices.
        """
        if self.too_many_errors or self.strangers:
            return Parentage.CONTRADICTS
        of_each = bool(self.sharing) and all(one.compared >= SHARING_SITES_NEEDED for one in self.sharing.values())
        return Parentage.FITS if of_each or self.mendel.checked >= MENDEL_SITES_NEEDED else Parentage.CANNOT_JUDGE


def _too_many(found: int, sites: int, threshold: float, expected: float) -> bool:
    """Return whether contradicting sites are more than a threshold allows, and more than chance does."""
    if found < PARENTAGE_MINIMUM_ERRORS or found <= threshold * sites:
        return False
    # From 1,000 sites on a rate above either threshold is beyond chance.
    return sites > 1000 or chance_of_at_least(found, sites, expected) < FALSE_ALARM_RATE  # noqa: PLR2004


def chance_of_at_least(found: int, sites: int, rate_: float) -> float:
    """Return the binomial probability of at least this many of some sites; `sites` up to some thousands."""
    return max(0.0, 1 - sum(comb(sites, k) * rate_**k * (1 - rate_) ** (sites - k) for k in range(found)))
