"""Does a child fit the stated parents? Mendel errors, shared alleles, chromosomes from one parent alone.

Rates are of calls that pass quality (`call_quality.passes`). The thresholds of parentage are in `parentage`, those of
uniparental disomy here.
"""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import lru_cache

from radiant.domain.assembly import RegionClass
from radiant.domain.call_quality import RULE
from radiant.domain.case import Sex
from radiant.domain.inheritance import mendelian_error
from radiant.domain.parentage import (
    MENDEL_ERROR_RATE_WARNING,
    MENDEL_SITES_NEEDED,
    NOTHING_SHARED_RATE_WARNING,
    SHARING_SITES_NEEDED,
    MendelCounts,
    Parentage,
    RelationCounts,
    SharingCounts,
    rate,
)
from radiant.domain.trio import MISSING, Calls, Parent, expected_copies, parent_copies, sources

UNIPARENTAL_RATE_WARNING = 0.30
"""An ordinary chromosome has at most 8.1 % of its informative sites explained by one parent alone, a maternal disomy of
chromosome 16 has 98.6 %. The threshold leaves room for a disomy of a part."""

UNIPARENTAL_MINIMUM_SITES = 20
"""A warning needs at least this many sites that one parent alone explains. By chance 4 of a million chromosomes have
this many, and more than 30 %."""

UNIPARENTAL_SITES_NEEDED = 24
"""A disomy of a whole chromosome with at least this many informative sites gets the warning in 999 of 1,000 cases."""

CHILD_FAILS, FATHER_FAILS, MOTHER_FAILS = 1, 2, 4
"""Which genotypes of a trio do not pass quality, as the sum of these."""

_DIPLOID = 2


@dataclass(slots=True)
class UniparentalCounts:
    """Sites of a chromosome whose complete genotypes show whether one parent alone explains the child's two copies."""

    father_only: int = 0
    """Impossible in the trio, but the father has every allele of the child, and the mother has not."""
    mother_only: int = 0
    """Impossible in the trio, but the mother has every allele of the child, and the father has not."""
    biparental: int = 0
    """Possible in the trio, and neither parent has every allele of the child."""
    low_quality: int = 0
    """A site of one of these kinds with a call that does not pass quality; not used."""

    @property
    def informative(self) -> int:
        """The number of informative sites."""
        return self.father_only + self.mother_only + self.biparental

    def to_json(self) -> dict[str, object]:
        """Return the counts, whether they suffice, and each parent's rate among the informative, null without any."""
        return {
            **asdict(self),
            "judged": self.informative >= UNIPARENTAL_SITES_NEEDED,
            "father_only_rate": rate(self.father_only, self.informative),
            "mother_only_rate": rate(self.mother_only, self.informative),
        }


class Bucket(StrEnum):
    """Where `MendelCounts` counts a site."""

    CHECKED = "checked"
    MISSING = "missing"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class SiteJudgement:
    """How the genotypes of a child and of the stated parents fit together at one site."""

    bucket: Bucket
    error: bool
    """Certainly impossible."""
    shared: tuple[tuple[Parent, bool | None], ...]
    """Per parent who is a member of the case, at an autosomal site: whether child and parent have an allele in common;
    None where a genotype is incomplete or neither carries an ALT."""
    two_copies: bool
    """The child has a copy from each parent here, and all three genotypes are complete."""
    uniparental: str | None
    """With `two_copies`: the field of `UniparentalCounts` that counts the site; None for an uninformative site."""


@lru_cache(maxsize=1 << 14)
def judge(region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None) -> SiteJudgement:
    """Judge a site of a child with one or two parents.

    Cached: the chromosomes and variant types of a whole genome repeat the same few hundred trios.

    Args:
        region: Of the site.
        sex: The child's stated sex.
        child: Genotype; order does not matter.
        father: None when he is not a member of the case.
        mother: None when she is not a member of the case.
    """
    error = mendelian_error(region, sex, child, father, mother)
    # Complete genotypes without an ALT: a line with another person's allele.
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
    return SiteJudgement(bucket, error is True, shared, two_copies, uniparental)


def _complete(region: RegionClass, sex: Sex, child: Calls, father: Calls | None, mother: Calls | None) -> bool:
    """Return whether every relevant genotype has all its calls."""
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
    """Return the field of `UniparentalCounts` that counts a site, None for an uninformative one."""
    by_father, by_mother = (set(child) <= set(parent) for parent in (father, mother))
    if error and by_father:  # not both: two parents who each have every allele of the child make no error
        return "father_only"
    if error and by_mother:
        return "mother_only"
    return None if error or by_father or by_mother else "biparental"


@dataclass(slots=True)
class TrioCounts:
    """All counts of one child with one or two parents."""

    sex: Sex
    """The child's stated sex."""
    mendel: MendelCounts = field(default_factory=MendelCounts)
    by_type: dict[str, MendelCounts] = field(default_factory=dict[str, MendelCounts])
    """The same per variant type."""
    autosomal: MendelCounts = field(default_factory=MendelCounts)
    """The same on autosomes, where neither sex nor copy number can be the reason of an error."""
    relations: dict[str, RelationCounts] = field(default_factory=dict[str, RelationCounts])
    """Per autosome: what parentage is judged on."""
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
        failing: int = 0,
    ) -> None:
        """Count a site `times` times.

        Args:
            chromosome: Canonical name.
            region: Of the site.
            variant_type: Class of the line's alleles, `mixed` when they differ.
            child: Genotype.
            father: None when he is not a member of the case.
            mother: None when she is not a member of the case.
            times: How many such sites.
            failing: Which genotypes do not pass quality: the sum of 1 (child), 2 (father), 4 (mother).
        """
        whole = judge(region, self.sex, child, father, mother)
        passing = whole if not failing else judge(region, self.sex, *_passing(failing, child, father, mother))
        self._add_mendel(whole, region, variant_type, times)
        if region is RegionClass.AUTOSOME:
            relation = self.relations.setdefault(chromosome, RelationCounts())
            _count(relation.mendel, passing, times)
            for (parent, shares), (_, all_share) in zip(passing.shared, whole.shared, strict=True):
                counts = relation.sharing.setdefault(parent, SharingCounts())
                if shares is not None:
                    counts.compared += times
                    counts.nothing_shared += 0 if shares else times
                elif all_share is not None:
                    counts.low_quality += times
        if whole.two_copies:
            counts = self.uniparental.setdefault(chromosome, UniparentalCounts())
            name = passing.uniparental or (whole.uniparental and "low_quality")
            if name is not None:
                setattr(counts, name, getattr(counts, name) + times)

    def _add_mendel(self, verdict: SiteJudgement, region: RegionClass, variant_type: str, times: int) -> None:
        kinds = [self.mendel, self.by_type.setdefault(variant_type, MendelCounts())]
        if region is RegionClass.AUTOSOME:
            kinds.append(self.autosomal)
        for counts in kinds:
            _count(counts, verdict, times)

    def _relation(self, without: Collection[str] = ()) -> RelationCounts:
        """Return the sum over the autosomes, except some."""
        whole = RelationCounts()
        for chromosome, counts in self.relations.items():
            if chromosome not in without:
                whole.merge(counts)
        return whole

    def _judged(self) -> tuple[RelationCounts, Parentage]:
        """Return the counts of all autosomes, and whether the child fits the stated parents.

        A disomy contradicts parentage on its chromosome. Where all autosomes together contradict parentage, the
        chromosomes that one parent alone explains are left out. A wrong parent still contradicts: either no chromosome
        is left, or the others contradict as well.
        """
        whole = self._relation()
        parentage = whole.parentage
        if parentage is Parentage.CONTRADICTS:
            disomies = {chromosome for chromosome, _, _ in self._disomies()}
            if disomies and self._relation(disomies).parentage is Parentage.FITS:
                parentage = Parentage.FITS
        return whole, parentage

    def mendel_json(self) -> dict[str, object]:
        """Return the Mendel counts, `autosomal`, `passing` and `by_type` within."""
        return {
            **self.mendel.to_json(),
            "autosomal": self.autosomal.to_json(),
            "passing": self._relation().mendel.to_json(),
            "by_type": {name: counts.to_json() for name, counts in sorted(self.by_type.items())},
        }

    def to_json(self) -> dict[str, object]:
        """Return `parentage`, `mendel`, `sharing` per parent, `uniparental` per chromosome."""
        return {
            "parentage": str(self._judged()[1]),
            "mendel": self.mendel_json(),
            "sharing": {str(parent): counts.to_json() for parent, counts in self._relation().sharing.items()},
            "uniparental": {chromosome: counts.to_json() for chromosome, counts in self.uniparental.items()},
        }

    def warnings(self, child: str) -> Iterator[str]:
        """Yield a warning for each misfit, with its numbers.

        Args:
            child: Names the child; no identifier, since a warning may be logged.
        """
        relation, parentage = self._judged()
        if parentage is Parentage.CONTRADICTS:
            # With a wrong parent every chromosome looks like a disomy of the other one.
            yield from self._parentage_warnings(child, relation)
            return
        yield from self._uniparental_warnings(child)
        if parentage is Parentage.CANNOT_JUDGE:
            yield from self._too_few(child, relation)

    def _parentage_warnings(self, child: str, relation: RelationCounts) -> Iterator[str]:
        checked, errors = relation.mendel.checked, relation.mendel.errors
        if relation.too_many_errors:
            yield (
                f"parentage: {errors:,} of {checked:,} autosomal sites ({errors / checked:.1%}) of {child} and the "
                f"stated parents are Mendelian errors (warned above {MENDEL_ERROR_RATE_WARNING:.0%}); used are the "
                f"sites whose three calls pass quality ({RULE}), of {self.autosomal.checked:,}; "
                "check the pedigree and the samples"
            )
        for parent in relation.strangers:
            counts = relation.sharing[parent]
            compared, nothing = counts.compared, counts.nothing_shared
            yield (
                f"parentage: {child} and the stated {parent} share no allele at {nothing:,} of {compared:,} "
                f"autosomal sites ({nothing / compared:.1%}, warned above {NOTHING_SHARED_RATE_WARNING:.0%}); used "
                f"are the sites whose two calls pass quality ({RULE}), of {compared + counts.low_quality:,}; "
                "check the pedigree and the samples"
            )

    def _too_few(self, child: str, relation: RelationCounts) -> Iterator[str]:
        """Yield the warning that parentage cannot be judged; none for a file without a line on an autosome."""
        if not (self.autosomal.checked or self.autosomal.missing or self.autosomal.skipped):
            return
        found = [
            f"{counts.compared:,} of {counts.compared + counts.low_quality:,} sites of {child} and the {parent} "
            f"({SHARING_SITES_NEEDED} needed)"
            for parent, counts in relation.sharing.items()
        ]
        if len(found) > 1:
            checked = relation.mendel.checked
            found.insert(0, f"{checked:,} of {self.autosomal.checked:,} of the trio ({MENDEL_SITES_NEEDED} needed)")
        yield (
            f"parentage: cannot judge whether {child} fits the stated {' and '.join(relation.sharing)}: too few "
            f"autosomal sites have calls that pass quality ({RULE}): {', '.join(found)}"
        )

    def _disomies(self) -> Iterator[tuple[str, Parent, int]]:
        """Yield the chromosomes that one parent alone explains, which parent, and at how many sites."""
        for chromosome, counts in self.uniparental.items():
            for parent, alone in ((Parent.FATHER, counts.father_only), (Parent.MOTHER, counts.mother_only)):
                if alone >= UNIPARENTAL_MINIMUM_SITES and alone / counts.informative > UNIPARENTAL_RATE_WARNING:
                    yield chromosome, parent, alone

    def _uniparental_warnings(self, child: str) -> Iterator[str]:
        for chromosome, parent, alone in self._disomies():
            informative = self.uniparental[chromosome].informative
            yield (
                f"uniparental: on chromosome {chromosome} of {child}, {alone:,} of {informative:,} informative "
                f"sites ({alone / informative:.1%}, warned above {UNIPARENTAL_RATE_WARNING:.0%}) are explained "
                f"by the {parent} alone; disomy, or a deletion of the other parent's copy"
            )


def _count(counts: MendelCounts, verdict: SiteJudgement, times: int) -> None:
    match verdict.bucket:
        case Bucket.SKIPPED:
            counts.skipped += times
        case Bucket.CHECKED:
            counts.checked += times
            counts.errors += times if verdict.error else 0
        case Bucket.MISSING:
            counts.missing += times
            counts.errors_of_missing += times if verdict.error else 0


def _passing(
    failing: int, child: Calls, father: Calls | None, mother: Calls | None
) -> tuple[Calls, Calls | None, Calls | None]:
    """Return the genotypes, with missing calls in place of those that do not pass quality."""
    return (
        _missing(child) if failing & CHILD_FAILS else child,
        _missing(father) if failing & FATHER_FAILS and father is not None else father,
        _missing(mother) if failing & MOTHER_FAILS and mother is not None else mother,
    )


def _missing(calls: Calls) -> Calls:
    return (MISSING,) * len(calls)
