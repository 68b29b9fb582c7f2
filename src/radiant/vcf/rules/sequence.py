"""Rules about a line and those before it: sorted, no allele twice, one contig per chromosome; and their state.

Source: VCF 4.3, section 1.6.1 (CHROM and POS).
"""

# ruff: noqa: SLF001 - of another object of the same class

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from radiant.vcf.findings import BrokenRuleError, shown

TWO_CONTIGS = "two_contigs"
"""Rule: two contigs of a file are one chromosome. Such a file is refused, whatever is tolerated."""
AlleleKey = tuple[str, int, str, str]
"""Chromosome, start, reference and alternate of an allele in shortest form."""


def check_spelling(spelling: dict[str, str], chromosome: str, contig: str) -> None:
    """Take the contig of a line on a primary chromosome.

    `chr1` and `1` of one file may be two sequences, as UCSC's chrM and chrMT of hg19 are: their records must not become
    those of one.

    Args:
        spelling: The contig of each chromosome so far; a new one is added.
        chromosome: Canonical name.
        contig: As the line has it.

    Raises:
        BrokenRuleError: an earlier line has another contig that is the same chromosome (`TWO_CONTIGS`).
    """
    first = spelling.setdefault(chromosome, contig)
    if first != contig:
        message = (
            f"contigs {first} and {contig} of this file are both chromosome {chromosome} here. Keep the records of "
            "one, for example with bcftools view --targets; if both names mean the same sequence, give them one name "
            "with bcftools annotate --rename-chrs, and sort"
        )
        raise BrokenRuleError(TWO_CONTIGS, message)


class Order:
    """Checks that records are sorted: each contig in one stretch, positions never falling."""

    def __init__(self) -> None:
        self._contig: str | None = None
        self._position = 0
        self._finished: set[str] = set()

    def copy(self) -> "Order":
        """Return the same order, which moves on by itself."""
        other = Order()
        other._contig, other._position, other._finished = self._contig, self._position, set(self._finished)
        return other

    def check(self, contig: str, pos: int) -> None:
        """Take the next record.

        Raises:
            BrokenRuleError: out of order.
        """
        if contig != self._contig:
            if contig in self._finished:
                rule = "not_sorted"
                message = f"contig {contig} comes back after {self._contig}: sort the file, for example bcftools sort"
                raise BrokenRuleError(rule, message)
            if self._contig is not None:
                self._finished.add(self._contig)
            self._contig = contig
        elif pos < self._position:
            rule = "not_sorted"
            message = f"POS {pos} after {self._position}: sort the file, for example bcftools sort"
            raise BrokenRuleError(rule, message)
        self._position = pos

    def continues(self, stretches: Sequence[tuple[str, int]]) -> bool:
        """Return whether records that are in order among themselves may follow.

        Args:
            stretches: Contig and first position of each stretch of records of one contig.
        """
        names = [contig for contig, _ in stretches]
        if not names:
            return True
        here = names[0] == self._contig
        if here and stretches[0][1] < self._position:
            return False
        finished = self._finished if here or self._contig is None else self._finished | {self._contig}
        return len(set(names)) == len(names) and finished.isdisjoint(names)

    def merge(self, later: "Order") -> None:
        """Continue where a later part of the file, which was in order, ended."""
        if later._contig is None:
            return
        if self._contig not in {None, later._contig}:
            self._finished.add(str(self._contig))
        self._finished |= later._finished
        self._contig, self._position = later._contig, later._position

    def pass_over(self, stretches: Sequence[tuple[str, int]]) -> None:
        """Take records that are in order: contig and last position of each stretch of records of one contig."""
        for contig, last in stretches:
            if self._contig not in {None, contig}:
                self._finished.add(str(self._contig))
            self._contig, self._position = contig, last


class Duplicates:
    """Stores the alleles of earlier records, after splitting and trimming, and rejects a second record of one.

    Two rows for one allele of one sample would count it twice, and may contradict each other. Memory: the alleles of
    the last 1,000 bases, and the indels of the last 10,000. A reference FASTA moves an indel to its leftmost place in
    a repeat, so one record of it may be that far from another.
    """

    REACH = 1000
    """Bases."""
    REACH_OF_INDELS = 10_000
    """Bases from the place of a record to that of its allele, at most, for the record to be compared with others."""
    _CLEAN_UP_AT = 4096

    def __init__(self) -> None:
        self._seen: dict[AlleleKey, int] = {}
        self._clean_up_at = self._CLEAN_UP_AT

    def copy(self) -> "Duplicates":
        """Return the same recent alleles, to which others can be added."""
        other = Duplicates()
        other._seen, other._clean_up_at = dict(self._seen), self._clean_up_at
        return other

    @property
    def keys(self) -> set[AlleleKey]:
        """The recent alleles."""
        return set(self._seen)

    @property
    def starts(self) -> set[tuple[str, int]]:
        """Chromosome and start of every recent allele."""
        return {(chromosome, start) for chromosome, start, _, _ in self._seen}

    def merge(self, later: "Duplicates") -> None:
        """Add the alleles of a later part of the file."""
        self._seen |= later._seen
        if len(self._seen) > self._clean_up_at and later._seen:
            chromosome, start, _, _ = next(reversed(later._seen))
            self._keep_near(chromosome, start)

    def check(self, chromosome: str, alleles: list[tuple[int, str, str]]) -> None:
        """Take the alleles (start, reference, alternate) of the next record.

        Raises:
            BrokenRuleError: one of them was there before; none of this record is stored.
        """
        keys = [(chromosome, *allele) for allele in alleles]
        for key in keys:
            if key in self._seen:
                _, start, ref, alt = key
                rule = "duplicate_allele"
                message = (
                    f"{chromosome}-{start} {shown(ref)} to {shown(alt)} was already on line {self._seen[key]}: "
                    "remove one, for example with bcftools norm --rm-dup exact"
                )
                raise BrokenRuleError(rule, message)

    def add(self, chromosome: str, alleles: list[tuple[int, str, str]], line: int) -> None:
        """Store the alleles of a kept record."""
        for allele in alleles:
            self._seen[chromosome, *allele] = line
        if len(self._seen) > self._clean_up_at:
            self._keep_near(chromosome, alleles[0][0])

    def _keep_near(self, chromosome: str, start: int) -> None:
        near, near_indel = start - self.REACH, start - self.REACH_OF_INDELS
        self._seen = {
            key: at
            for key, at in self._seen.items()
            if key[0] == chromosome and key[1] >= (near if len(key[2]) == len(key[3]) else near_indel)
        }
        self._clean_up_at = max(self._CLEAN_UP_AT, 2 * len(self._seen))


@dataclass(slots=True)
class ReadState:
    """What the lines before decide about the next one.

    A chunk is read with the state that the chunk before it left. Shards of a file are read each with a state of their
    own; `merge` puts these together in the file's order.
    """

    order: Order = field(default_factory=Order)
    duplicates: Duplicates = field(default_factory=Duplicates)
    contig_of: dict[str, str] = field(default_factory=dict[str, str])
    """The contig of each primary chromosome so far, see `check_spelling`."""
    contigs: set[str] = field(default_factory=set[str])
    """Contigs that lines so far were counted under."""
    pieces: Counter[str] = field(default_factory=Counter[str])
    """Pieces of kept lines that were left out so far, by rule."""
    rejected: int = 0
    """Data lines rejected so far."""

    def copy(self) -> "ReadState":
        """Return a state that moves on without this one."""
        return ReadState(
            self.order.copy(),
            self.duplicates.copy(),
            dict(self.contig_of),
            set(self.contigs),
            Counter(self.pieces),
            self.rejected,
        )

    def merge(self, later: "ReadState") -> None:
        """Continue with the state that a later part of the file left, which was read with an empty one."""
        self.order.merge(later.order)
        self.duplicates.merge(later.duplicates)
        self.contig_of |= later.contig_of
        self.contigs |= later.contigs
        self.pieces.update(later.pieces)
        self.rejected += later.rejected
