"""Does a person's stated sex fit the genotypes on X and Y?

Judged on calls that pass quality (`call_quality.passes`). Thresholds are constants, each with the numbers it rests on
(an exome trio); how many sites they need follows from binomial error rates, see docs/inheritance.md.
"""

from dataclasses import asdict, dataclass

from radiant.domain.assembly import RegionClass
from radiant.domain.call_quality import RULE
from radiant.domain.case import Sex
from radiant.domain.parentage import rate
from radiant.domain.trio import MISSING, Calls

MALE_X_HETEROZYGOSITY = 0.25
"""At most: two real males are heterozygous at 12 and 13 % of the sites they carry on X outside the PAR."""

FEMALE_X_HETEROZYGOSITY = 0.35
"""At least: a real female is at 60 %."""

MALE_Y_RATE = 0.6
"""At least: two real males carry an ALT at 82 and 88 % of their family's sites on Y outside the PAR."""

FEMALE_Y_RATE = 0.4
"""At most: a real female, by misplaced reads, at 29 %."""

X_SITES_NEEDED = 32
"""From this number of carried sites on X on, at most one of 1,000 males (13 %) looks female, and one of 1,000 females
(60 %) male."""

Y_SITES_NEEDED = 26
"""The same of sites on Y (82 % of a male's, 29 % of a female's)."""


@dataclass(slots=True)
class PersonCounts:
    """Sites of one member on X and Y."""

    alone: bool
    """No other member: the sites on Y are then only those where this person was called, and are no evidence."""
    x_carried: int = 0
    """Sites on X outside the PAR with a complete genotype that has an ALT and passes quality."""
    x_heterozygous: int = 0
    """Of those: two different alleles."""
    x_low_quality: int = 0
    """Further such sites, whose call does not pass quality; not used."""
    y_sites: int = 0
    """Sites on Y outside the PAR."""
    y_carried: int = 0
    """Of those: the genotype has an ALT, good or bad."""
    autosomal: int = 0
    """Sites on autosomes with a complete genotype."""
    autosomal_passing: int = 0
    """Of those: the call passes quality."""

    def add(self, region: RegionClass, calls: Calls, times: int, *, passes: bool = True) -> None:
        """Count a site `times` times."""
        carries = any(call > 0 for call in calls)
        if region is RegionClass.X and carries and MISSING not in calls:
            if passes:
                self.x_carried += times
                self.x_heterozygous += times * (len(set(calls)) > 1)
            else:
                self.x_low_quality += times
        elif region is RegionClass.Y:
            self.y_sites += times
            self.y_carried += times * carries
        elif region is RegionClass.AUTOSOME and MISSING not in calls:
            self.autosomal += times
            self.autosomal_passing += times * passes

    @property
    def y_decides(self) -> bool:
        """Whether a site on Y that is not carried means that there is no Y.

        In a case of one person the sites are only those where this person was called. Where half of the autosomal calls
        have 7 reads, a male's Y has 3.5 on average, and none at 3 % of its sites; below that a male looks female.
        """
        return self.y_sites >= Y_SITES_NEEDED and not self.alone and 2 * self.autosomal_passing >= self.autosomal

    def inferred_sex(self) -> Sex:
        """Infer sex from X; from Y when X has too few sites; unknown when neither decides."""
        if self.x_carried >= X_SITES_NEEDED:
            share = self.x_heterozygous / self.x_carried
            return _sex(male=share <= MALE_X_HETEROZYGOSITY, female=share >= FEMALE_X_HETEROZYGOSITY)
        if self.y_decides:
            share = self.y_carried / self.y_sites
            return _sex(male=share >= MALE_Y_RATE, female=share <= FEMALE_Y_RATE)
        return Sex.UNKNOWN

    def to_json(self, stated: Sex) -> dict[str, object]:
        """Return the counts, the rates, both sexes, and whether they agree.

        `sex` is `fits`, `contradicts`, `cannot judge` (too few sites, or a rate between the thresholds) or
        `not stated`.
        """
        counts = asdict(self)
        del counts["alone"]
        return {
            "stated_sex": str(stated),
            "inferred_sex": str(self.inferred_sex()),
            "sex": self._verdict(stated),
            **counts,
            "x_heterozygosity": rate(self.x_heterozygous, self.x_carried),
        }

    def _verdict(self, stated: Sex) -> str:
        inferred = self.inferred_sex()
        if stated is Sex.UNKNOWN:
            return "not stated"
        if inferred is Sex.UNKNOWN:
            return "cannot judge"
        return "fits" if inferred is stated else "contradicts"

    def warning(self, person: str, stated: Sex) -> str | None:
        """Return a warning with numbers when stated and inferred sex differ; None when they agree or one is unknown.

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
            f"{self.x_low_quality:,} further sites on X do not pass quality ({RULE}) and were not used; "
            "check the pedigree and the samples"
        )


def _sex(*, male: bool, female: bool) -> Sex:
    if male:
        return Sex.MALE
    return Sex.FEMALE if female else Sex.UNKNOWN
