"""Does a person's stated sex fit the genotypes on X and Y?

Thresholds are constants, each with the numbers it rests on (an exome trio).
"""

from dataclasses import asdict, dataclass
from typing import Any

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.mendel import rate
from radiant.domain.trio import MISSING, Calls

MALE_X_HETEROZYGOSITY = 0.25
"""At most: two real males are heterozygous at 12 and 13 % of the sites they carry on X outside the PAR."""

FEMALE_X_HETEROZYGOSITY = 0.35
"""At least: a real female is at 60 %."""

MALE_Y_RATE = 0.6
"""At least: two real males carry an ALT at 82 and 88 % of their family's sites on Y outside the PAR."""

FEMALE_Y_RATE = 0.4
"""At most: a real female, by misplaced reads, at 29 %."""

MINIMUM_SITES = 20
"""Fewer sites do not judge."""


@dataclass(slots=True)
class PersonCounts:
    """Sites of one member on X and Y."""

    alone: bool
    """No other member: the sites on Y are then only those where this person was called, and do not tell."""
    x_carried: int = 0
    """Sites on X outside the PAR with a complete genotype that has an ALT."""
    x_heterozygous: int = 0
    """Of those: two different alleles."""
    y_sites: int = 0
    """Sites on Y outside the PAR."""
    y_carried: int = 0
    """Of those: the genotype has an ALT."""

    def add(self, region: RegionClass, calls: Calls, times: int) -> None:
        """Count a site so many times."""
        carries = any(call > 0 for call in calls)
        if region is RegionClass.X and carries and MISSING not in calls:
            self.x_carried += times
            self.x_heterozygous += times * (len(set(calls)) > 1)
        elif region is RegionClass.Y:
            self.y_sites += times
            self.y_carried += times * carries

    def inferred_sex(self) -> Sex:
        """Infer sex from X; from Y when X has too few sites; unknown when neither tells."""
        if self.x_carried >= MINIMUM_SITES:
            share = self.x_heterozygous / self.x_carried
            return _sex(male=share <= MALE_X_HETEROZYGOSITY, female=share >= FEMALE_X_HETEROZYGOSITY)
        if self.y_sites >= MINIMUM_SITES and not self.alone:
            share = self.y_carried / self.y_sites
            return _sex(male=share >= MALE_Y_RATE, female=share <= FEMALE_Y_RATE)
        return Sex.UNKNOWN

    def to_json(self, stated: Sex) -> dict[str, Any]:
        """Return the counts, the rates and both sexes."""
        counts = asdict(self)
        del counts["alone"]
        return {
            "stated_sex": str(stated),
            "inferred_sex": str(self.inferred_sex()),
            **counts,
            "x_heterozygosity": rate(self.x_heterozygous, self.x_carried),
        }

    def warning(self, person: str, stated: Sex) -> str | None:
        """Say that stated and inferred sex differ, with the numbers; None when they agree or one is unknown.

        Args:
            person: How to name the person; not by an identifier, for a warning may be logged.
            stated: Sex as the pedigree has it.
        """
        inferred = self.inferred_sex()
        if Sex.UNKNOWN in {stated, inferred} or stated is inferred:
            return None
        return (
            f"sex: {person} is stated {stated} and looks {inferred}: {self.x_heterozygous:,} of {self.x_carried:,} "
            f"carried sites on X outside the PAR are heterozygous (male at most {MALE_X_HETEROZYGOSITY:.0%}, female at "
            f"least {FEMALE_X_HETEROZYGOSITY:.0%}), {self.y_carried:,} of {self.y_sites:,} sites on Y are carried; "
            "check the pedigree and the samples"
        )


def _sex(*, male: bool, female: bool) -> Sex:
    if male:
        return Sex.MALE
    return Sex.FEMALE if female else Sex.UNKNOWN
