"""The first eight columns of a data line: split, checked, typed.

Order of the checks, and so what a line with several faults is called: number of columns, CHROM, POS, order of the
file, REF and ALT, end of the contig; then, only for lines that are not skipped, ID, QUAL, FILTER, INFO and the samples.

Source: VCF 4.3, section 1.6.1 (fixed fields).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from radiant.domain.assembly import canonical_chromosome
from radiant.vcf.findings import BrokenRuleError, shown
from radiant.vcf.values import floating

_POSITION = re.compile(r"[0-9]{1,18}").fullmatch
_CONTIG = re.compile(
    r"<[0-9A-Za-z!#$%&*+./:;?@^_|~=-]+>|[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*"
).fullmatch
_IDS = re.compile(r"[^\s;]+(?:;[^\s;]+)*").fullmatch


TWO_CONTIGS = "two_contigs"
"""Rule: two contigs of a file are one chromosome. Such a file is refused, whatever is tolerated."""
AlleleKey = tuple[str, int, str, str]
"""Chromosome, start, reference and alternate of an allele in shortest form."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a line says about the place, apart from its alleles."""

    ids: tuple[str, ...]
    """ID, split at semicolons; empty where the file says `.`."""
    quality: float | None
    """QUAL; None where the file says `.` or NaN."""
    filters: list[str] | None
    """FILTER, split at semicolons; None where the file says `.`, which means that no filter was applied."""


def split_columns(text: str, expected: int) -> list[str]:
    """Split a data line at its tabs.

    Raises:
        BrokenRuleError: another number of columns than the header has.
    """
    columns = text.split("\t")
    if len(columns) != expected:
        found = "an empty line" if not text.strip() else f"{len(columns)} columns"
        rule, message = "columns", f"{found} where the #CHROM line has {expected}"
        raise BrokenRuleError(rule, message)
    return columns


def check_contig(name: str, declared: bool) -> str | None:  # noqa: FBT001 - a fact about the name, not a switch
    """Return the canonical chromosome of a contig name, None for a contig outside the primary set.

    Args:
        name: CHROM as written; `<name>` is a contig of an assembly file and never a primary one.
        declared: Whether the header has a `##contig` line for it: then its spelling is the header's business.

    Raises:
        BrokenRuleError: white space or characters that no contig name has (VCF 4.5, section 1.4.7: those of a
            reference sequence in SAM, `:` and `*` among them, as in HLA-A*01:01:01:01).
    """
    chromosome = canonical_chromosome(name)
    if chromosome is None and not declared and not _CONTIG(name):
        rule, message = "contig_name", f"CHROM {shown(name)} is not a contig name"
        raise BrokenRuleError(rule, message)
    return chromosome


def position(text: str) -> int:
    """Read POS; 0 is the telomere.

    Raises:
        BrokenRuleError: not a number from 0.
    """
    if not _POSITION(text):
        rule, message = "pos", f"POS {shown(text)} is not a whole number from 1"
        raise BrokenRuleError(rule, message)
    return int(text)


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


# ruff: noqa: SLF001 - of another object of the same class


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
    """Finds an allele that an earlier line of the file already had, after splitting and trimming.

    Two rows for one allele of one person would count it twice, and may contradict each other. Memory: the alleles of
    the last 1,000 bases.
    """

    REACH = 1000
    """Bases."""
    _CLEAN_UP_AT = 4096

    def __init__(self) -> None:
        self._seen: dict[AlleleKey, int] = {}

    def copy(self) -> "Duplicates":
        """Return the same recent alleles, to which others can be added."""
        other = Duplicates()
        other._seen = dict(self._seen)
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
        if len(self._seen) > self._CLEAN_UP_AT and later._seen:
            chromosome, start, _, _ = next(reversed(later._seen))
            self._keep_near(chromosome, start)

    def check(self, chromosome: str, alleles: list[tuple[int, str, str]]) -> None:
        """Take the alleles (start, reference, alternate) of the next record.

        Raises:
            BrokenRuleError: one of them was there before; none of this record is remembered.
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
        if len(self._seen) > self._CLEAN_UP_AT:
            self._keep_near(chromosome, alleles[0][0])

    def _keep_near(self, chromosome: str, start: int) -> None:
        reach = start - self.REACH
        self._seen = {key: at for key, at in self._seen.items() if key[0] == chromosome and key[1] >= reach}


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
    """CHROM of all lines so far that were not rejected."""
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


def site(id_: str, qual: str, filter_: str) -> Site:
    """Read ID, QUAL and FILTER.

    Raises:
        BrokenRuleError: white space, an empty item, an item twice, a QUAL that is no number from 0, or the filter `0`.
    """
    return Site(read_ids(id_), floating(qual, "QUAL", negative=False), read_filters(filter_))


def read_ids(text: str) -> tuple[str, ...]:
    """Read ID.

    Raises:
        BrokenRuleError: white space, an empty item or one twice.
    """
    if text == ".":
        return ()
    ids = tuple(text.split(";"))
    if not _IDS(text) or len(set(ids)) != len(ids):
        rule, message = "id", f"ID {shown(text)} has white space, an empty item or one twice"
        raise BrokenRuleError(rule, message)
    return ids


def read_filters(text: str) -> list[str] | None:
    """Read FILTER; None where the file says `.`.

    Raises:
        BrokenRuleError: white space, an empty item, one twice, or the reserved `.` or 0.
    """
    if text == ".":
        return None
    if text == "PASS":
        return ["PASS"]
    names = text.split(";")
    if not _IDS(text) or len(set(names)) != len(names) or "." in names or "0" in names:
        rule = "filter"
        message = f"FILTER {shown(text)} has white space, an empty item, one twice, or the reserved `.` or 0"
        raise BrokenRuleError(rule, message)
    return names
