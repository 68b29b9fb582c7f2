"""Do the genotypes of a case fit its pedigree: Mendel errors, parentage, uniparental disomy, sex?

`QualityCounts` counts distinct genotype combinations while a file is read. That costs little, is bounded by the number
of combinations, and adds up over parallel workers. The combinations are evaluated once, at the end.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from radiant.domain.assembly import CHROMOSOMES, RegionClass
from radiant.domain.case import Member, Sex
from radiant.domain.mendel import CHILD_FAILS, FATHER_FAILS, MOTHER_FAILS, TrioCounts
from radiant.domain.sex_check import PersonCounts
from radiant.domain.trio import Calls, parents_of

_Combinations = Counter[tuple[int, Calls, Calls | None, Calls | None, int]]
"""(index of the member, genotype, father's, mother's, `failing` of `TrioCounts.add`) -> sites; parents None where
they are not members."""


class QualityCounts:
    """Counts of one case, or of a piece of its file; pieces are merged."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        indexes = {(member.family_id, member.sample): index for index, member in enumerate(self.members)}
        self.parents: list[tuple[int | None, int | None]] = []
        """Indexes of father and mother among the members, of each member."""
        for member in self.members:
            father, mother = (
                None if parent is None else indexes[parent.family_id, parent.sample]
                for parent in parents_of(member, self.members)
            )
            self.parents.append((father, mother))
        self.combinations: dict[tuple[str, RegionClass, str], _Combinations] = {}
        """By chromosome, region and variant type."""
        self._judged: tuple[dict[int, TrioCounts], list[PersonCounts]] | None = None

    def empty(self) -> "QualityCounts":
        """Return counts of the same case that hold nothing yet; cheap even for a cohort."""
        other = QualityCounts(())
        other.members, other.parents = self.members, self.parents
        return other

    def add(  # noqa: PLR0913, PLR0917 - what a line is, and the members' genotypes
        self,
        chromosome: str,
        region: RegionClass,
        variant_type: str,
        calls: Sequence[Calls],
        times: int = 1,
        passing: Sequence[bool] | None = None,
    ) -> None:
        """Count a kept line of the file, once for all its alleles.

        Args:
            chromosome: Canonical name.
            region: Of the line's position.
            variant_type: Class of the line's alleles, `mixed` when they differ; the key of `by_type`.
            calls: The members' genotypes with the line's allele numbers, in the order of the members.
            times: How many such lines.
            passing: Whether each genotype passes quality (`call_quality.passes`); None when all do.
        """
        self._judged = None
        key = (chromosome, region, variant_type)
        counts = self.combinations.get(key)
        if counts is None:
            counts = self.combinations[key] = Counter()
        genotypes = [_unordered(one) for one in calls]
        for index, (father, mother) in enumerate(self.parents):
            failing = 0
            for person, code in ((index, CHILD_FAILS), (father, FATHER_FAILS), (mother, MOTHER_FAILS)):
                if person is not None and passing is not None and not passing[person]:
                    failing |= code
            counts[
                index,
                genotypes[index],
                None if father is None else genotypes[father],
                None if mother is None else genotypes[mother],
                failing,
            ] += times

    def add_member(  # noqa: PLR0913 - all by name
        self,
        *,
        chromosome: str,
        region: RegionClass,
        variant_type: str,
        index: int,
        child: Calls,
        father: Calls,
        mother: Calls,
        failing: int,
        times: int,
    ) -> None:
        """Count one member at lines that are alike, as `add` does for all members of one line.

        Args:
            chromosome: Canonical name.
            region: Of the lines' positions.
            variant_type: Class of the lines' alleles.
            index: Of the member among the members.
            child: The member's genotype.
            father: The father's; ignored where he is not a member.
            mother: The mother's; ignored where she is not a member.
            failing: Genotypes that do not pass quality, as in `TrioCounts.add`; 0 for a parent that is no member.
            times: How many such lines.
        """
        self._judged = None
        has_father, has_mother = (parent is not None for parent in self.parents[index])
        self.combinations.setdefault((chromosome, region, variant_type), Counter())[
            index,
            _unordered(child),
            _unordered(father) if has_father else None,
            _unordered(mother) if has_mother else None,
            failing,
        ] += times

    def merge(self, other: "QualityCounts") -> None:
        """Add the counts of another piece of the same case."""
        self._judged = None
        for key, counts in other.combinations.items():
            self.combinations.setdefault(key, Counter()).update(counts)

    def to_json(self) -> dict[str, object]:
        """Return the report's `mendel` (of the proband), `trios` and `people`; see docs/inheritance.md."""
        trios, people = self._judge()
        proband = next((index for index in trios if self.members[index].is_proband), None)
        return {
            "mendel": (TrioCounts(Sex.UNKNOWN) if proband is None else trios[proband]).mendel_json(),
            "trios": [
                {"member": index + 1, "role": self._role(index), **counts.to_json()} for index, counts in trios.items()
            ],
            "people": [
                {"member": index + 1, "role": self._role(index), **counts.to_json(self.members[index].sex)}
                for index, counts in enumerate(people)
            ],
        }

    def warnings(self) -> tuple[str, ...]:
        """Return warnings for a person, with the numbers; empty when all fits.

        A warning names people by their number in the pedigree and their role, never by a sample name: it may be logged.
        """
        trios, people = self._judge()
        sexes = (counts.warning(self._name(index), self.members[index].sex) for index, counts in enumerate(people))
        families = (text for index, counts in trios.items() for text in counts.warnings(self._name(index)))
        return (*(text for text in sexes if text is not None), *families)

    def uncalled(self) -> tuple[str, ...]:
        """Return a warning for each member without a called genotype on any kept line; none for a file without lines.

        It is no error: a file with one failed sample is valid. One in which no member has a call is refused.
        """
        lines, called = self._called()
        return tuple(
            f"no genotype: {self._name(index)} has no called GT on any of the {lines[index]:,} lines that were read, "
            "so nothing of this member is imported; is this the right file (a somatic caller writes no GT), and was "
            "the sample called?"
            for index in range(len(self.members))
            if lines[index] and not called[index]
        )

    def lines_without_any_call(self) -> int:
        """Return the number of kept lines of a file in which no member has a called genotype, 0 for another file."""
        lines, called = self._called()
        return 0 if any(called) else max(lines, default=0)

    def _called(self) -> tuple[list[int], list[int]]:
        """Return the number of kept lines, and of those with a called genotype, of each member."""
        lines, called = [0] * len(self.members), [0] * len(self.members)
        for counts in self.combinations.values():
            for (index, calls, _, _, _), times in counts.items():
                lines[index] += times
                called[index] += times * any(call >= 0 for call in calls)
        return lines, called

    def _role(self, index: int) -> str:
        if self.members[index].is_proband:
            return "proband"
        for child, (father, mother) in enumerate(self.parents):
            if self.members[child].is_proband and index in {father, mother}:
                return "father" if index == father else "mother"
        return "other"

    def _name(self, index: int) -> str:
        return f"member {index + 1} ({self._role(index)})"

    def _judge(self) -> tuple[dict[int, TrioCounts], list[PersonCounts]]:
        """Evaluate the combinations, once: per member with a parent here, and per member."""
        if self._judged is not None:
            return self._judged
        people = [PersonCounts(alone=len(self.members) == 1) for _ in self.members]
        trios = {
            index: TrioCounts(member.sex)
            for index, member in enumerate(self.members)
            if self.parents[index] != (None, None)
        }
        for (chromosome, region, variant_type), counts in sorted(
            self.combinations.items(), key=lambda entry: CHROMOSOMES.index(entry[0][0])
        ):
            for (index, calls, father, mother, failing), times in counts.items():
                people[index].add(region, calls, times, passes=not failing & CHILD_FAILS)
                if index in trios:
                    trios[index].add(
                        chromosome=chromosome, region=region, variant_type=variant_type,
                        child=calls, father=father, mother=mother, times=times, failing=failing,
                    )  # fmt: skip
        self._judged = trios, people
        return self._judged


@lru_cache(maxsize=1 << 12)
def _unordered(calls: Calls) -> Calls:
    """Sort the calls: no count depends on their order."""
    return tuple(sorted(calls))
