"""The members' sample columns of many lines: genotype, depths, quality; the rules are those of `vcf.genotypes`.

Lines are read together that have the same FORMAT; a file has a handful. So are members, one behind the other as if they
were further lines: the work of a call of numpy is the same, their number is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radiant.vcf import reserved, values
from radiant.vcf.bulk import numbers
from radiant.vcf.bulk.genotypes import Genotypes
from radiant.vcf.bulk.info import expected
from radiant.vcf.bulk.slices import Integers, Mask, Slices, encoded, split
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.genotypes import READ_KEYS, FormatReader
from radiant.vcf.header import Header

_TOGETHER = 1 << 16
"""Sample columns that are read at once: bounds the memory for a cohort."""
_MOST_FORMATS = 64
"""Lines of further FORMATs of a file are read alone."""


@dataclass(frozen=True, eq=False)
class Depths:
    """Reads per allele of one member."""

    value: Integers
    """All values, reference first, MISSING for `.`."""
    first: Integers
    """Index of each line's first value, -1 where the sample does not tell."""
    total: Integers
    """Sum over the line's alleles; MISSING where one is missing or the sample does not tell."""

    def of(self, line: Integers, allele: Integers | int) -> Integers:
        """Return the reads of one allele of each line (0 is REF), MISSING where nobody knows."""
        first = self.first[line]
        if not len(self.value):
            return np.full(len(line), numbers.MISSING)
        return np.where(first < 0, numbers.MISSING, self.value[np.maximum(first, 0) + np.where(first < 0, 0, allele)])


@dataclass(frozen=True, eq=False)
class Samples:
    """One member on all lines of a chunk. Numbers are MISSING where the file has none."""

    genotype: Integers
    """Code of GT (`Genotypes`)."""
    dp: Integers
    gq: Integers
    phase_set: Slices | None
    """Empty pieces for null; None when no line has PS."""
    depths: Depths


@dataclass(frozen=True, eq=False)
class Formats:
    """The FORMATs of a chunk."""

    code: Integers
    """Of each line."""
    texts: tuple[str, ...]
    """By code."""


@dataclass(slots=True)
class _Member:
    """What is read of some members, one behind the other, FORMAT by FORMAT."""

    genotype: Integers
    dp: Integers
    gq: Integers
    first: Integers
    total: Integers
    values: list[Integers]
    sets: list[tuple[Integers, Slices]]

    @classmethod
    def of(cls, lines: int, genotype: int) -> "_Member":
        """Know nothing of so many lines yet."""
        dp, gq, total = (np.full(lines, numbers.MISSING) for _ in range(3))
        return cls(np.full(lines, genotype), dp, gq, np.full(lines, -1), total, [], [])


class SampleReader:
    """Reads the sample columns of one file."""

    def __init__(self, header: Header, genotypes: Genotypes) -> None:
        """Take what the file declares, and the genotypes known so far."""
        self._header = header
        self._genotypes = genotypes
        self._formats: dict[str, FormatReader | None] = {}

    def _format(self, text: str) -> FormatReader | None:
        """Return what checks a FORMAT, None for one that is not plain."""
        if text not in self._formats and len(self._formats) < _MOST_FORMATS:
            try:
                self._formats[text] = FormatReader(text, self._header)
            except BrokenRuleError:
                self._formats[text] = None
        return self._formats.get(text)

    def read(self, format_: Slices, members: Sequence[Slices], n_alts: Integers) -> tuple[list[Samples], Formats, Mask]:
        """Read the members' columns of some lines.

        Args:
            format_: FORMAT of each line.
            members: The column of each member.
            n_alts: How many ALTs each line has.

        Returns:
            The members, the lines' FORMATs, and which lines are plain.
        """
        lines = len(format_)
        ok = np.ones(lines, dtype=np.bool_)
        codes, texts = encoded(format_.strings())
        samples: list[Samples] = []
        together = max(1, _TOGETHER // max(1, lines))
        for first in range(0, len(members), together):
            samples += self._read_some(members[first : first + together], n_alts, codes, texts, ok)
        return samples, Formats(codes, tuple(texts)), ok

    def _read_some(
        self, members: Sequence[Slices], n_alts: Integers, codes: Integers, texts: Sequence[str], ok: Mask
    ) -> list[Samples]:
        """Read members one behind the other and take them apart again; clear `ok` for lines that are not plain."""
        count, lines = len(members), len(codes)
        found = _Member.of(count * lines, self._genotypes.none)
        for code, text in enumerate(texts):
            of = np.flatnonzero(codes == code) if len(texts) > 1 else np.arange(lines)
            reader = self._format(text)
            if reader is None:
                ok[of] = False
                continue
            column = Slices(
                members[0].buffer,
                np.concatenate([member.start[of] for member in members]),
                np.concatenate([member.end[of] for member in members]),
            )
            place = (np.arange(count)[:, np.newaxis] * lines + of).reshape(-1)
            columns = _Columns(self._header, reader.keys, column.compact(), np.tile(n_alts[of], count))
            fine = columns.fill(found, place, self._genotypes)
            ok[place[~fine] % lines] = False
        return _apart(found, count, lines)


def _apart(found: _Member, count: int, lines: int) -> list[Samples]:
    """Take members apart that were read one behind the other."""
    value = np.concatenate(found.values) if found.values else np.zeros(0, dtype=np.int64)
    phase_set = None
    if found.sets:
        phase_set = Slices(found.sets[0][1].buffer, np.zeros_like(found.dp), np.zeros_like(found.dp))
        for of, pieces in found.sets:
            phase_set.start[of] = pieces.start
            phase_set.end[of] = pieces.end
    return [
        Samples(
            found.genotype[mine],
            found.dp[mine],
            found.gq[mine],
            None if phase_set is None else phase_set[mine],
            Depths(value, found.first[mine], found.total[mine]),
        )
        for mine in (slice(one * lines, (one + 1) * lines) for one in range(count))
    ]


class _Columns:
    """Members' columns under one FORMAT."""

    def __init__(self, header: Header, keys: Sequence[str], column: Slices, n_alts: Integers) -> None:
        self._header = header
        self._keys = {key: index for index, key in enumerate(keys)}
        self._column = column
        self._n_alts = n_alts
        self._commas = column.buffer.find(",")
        self._fields = split(column, column.buffer.find(":"))
        self._ok = self._fields.count <= len(keys)
        self._ok[self._fields.owner[self._fields.items.length == 0]] = False

    def _field(self, key: str) -> tuple[Integers, Slices]:
        """Return the lines on which a field is there and not `.`, and its text."""
        index = self._keys.get(key)
        if index is None:
            nowhere = np.zeros(0, dtype=np.int64)
            return nowhere, Slices(self._column.buffer, nowhere, nowhere)
        there = np.flatnonzero(self._fields.count > index)
        found = self._fields.items[self._fields.first[there] + index]
        present = ~found.equals(".")
        return there[present], found[present]

    def fill(self, member: _Member, of: Integers, genotypes: Genotypes) -> Mask:
        """Read the fields of some lines (`of`) into a member; return which of them are plain."""
        ploidy = self._genotype(member, of, genotypes)
        where, text = self._field("DP")
        found, fine = numbers.whole_numbers(text)
        self._ok[where[~fine]] = False
        member.dp[of[where]] = found
        where, text = self._field("GQ")
        member.gq[of[where]] = self._quality(where, text)
        where, text = self._field("PS")
        if len(where):
            # All PS of a chunk must be in one buffer; a second FORMAT with them is read alone.
            if member.sets:
                self._ok[where] = False
            else:
                member.sets.append((of[where], text))
        self._depths(member, of)
        for key in self._keys:
            if key not in READ_KEYS:
                self._check_other(key, ploidy)
        return self._ok

    def _genotype(self, member: _Member, of: Integers, genotypes: Genotypes) -> Integers:
        """Read GT and return the ploidy, 0 where it is not known."""
        if "GT" not in self._keys:
            member.genotype[of] = genotypes.none
            return np.zeros(len(of), dtype=np.int64)
        member.genotype[of] = genotypes.missing
        text = self._fields.items[self._fields.first]
        codes, texts = encoded(text.strings())
        known = np.array([genotypes.code(one) for one in texts], dtype=np.int64)
        found = known[codes]
        fine = found >= 0
        found = np.where(fine, found, genotypes.missing)
        self._ok &= fine & (genotypes.highest[found] <= self._n_alts)
        member.genotype[of] = found
        return genotypes.ploidy[found]

    def _quality(self, where: Integers, text: Slices) -> Integers:
        """Read GQ, rounded down where the file holds a decimal."""
        found, fine = numbers.whole_numbers(text)
        if not fine.all():
            rest = np.flatnonzero(~fine)
            decimals, sure = numbers.floats(text[rest], negative=False)
            sure &= decimals < values.INT_MAX
            found[rest] = np.floor(np.where(sure, decimals, 0)).astype(np.int64)
            self._ok[where[rest[~sure]]] = False
        return found

    def _depths(self, member: _Member, of: Integers) -> None:
        """Read AD, else RO and AO, else DPR; a line whose first choice is missing but not its second is read alone."""
        sources = [key for key in ("AD", "AO", "DPR") if key in self._keys]
        if not sources:
            return
        lines, value, first = self._lists(sources[0], with_reference=sources[0] == "AO")
        if len(sources) > 1:
            without = np.ones(len(of), dtype=np.bool_)
            without[lines] = False
            for other in sources[1:]:
                there, _ = self._field(other)
                self._ok[there[without[there]]] = False
        before = sum(map(len, member.values))
        member.values.append(value)
        member.first[of[lines]] = first + before
        if not len(lines):
            return
        missing = value == numbers.MISSING
        total = np.add.reduceat(np.where(missing, 0, value), first)
        if missing.any():
            some = np.logical_or.reduceat(missing, first)
            every = np.logical_and.reduceat(missing, first)
            total[some] = numbers.MISSING
            member.first[of[lines[every]]] = -1
            if len(sources) > 1:
                self._ok[lines[every]] = False
        member.total[of[lines]] = total

    def _lists(self, key: str, *, with_reference: bool) -> tuple[Integers, Integers, Integers]:
        """Return the lines with whole lists of reads per allele, all values, and where each line's begin."""
        where, text = self._field(key)
        pieces = split(text, self._commas)
        found, fine = numbers.integers(pieces.items)
        self._ok[where[pieces.owner[~fine]]] = False
        wanted = self._n_alts[where] + (0 if with_reference else 1)
        right = pieces.count == wanted
        self._ok[where[~right]] = False
        if not right.all():
            found = found[right[pieces.owner]]
            where = where[right]
            wanted = wanted[right]
        first = np.cumsum(wanted) - wanted
        if not with_reference:
            return where, found, first
        reference = np.full(len(self._ok), numbers.MISSING)
        there, text = self._field("RO")
        read, fine = numbers.whole_numbers(text)
        self._ok[there[~fine]] = False
        reference[there] = read
        together = np.empty(len(found) + len(where), dtype=np.int64)
        own = first + np.arange(len(where))
        is_reference = np.zeros(len(together), dtype=np.bool_)
        is_reference[own] = True
        together[own] = reference[where]
        together[~is_reference] = found
        # All alternates missing is a missing list, whatever RO says.
        lost = np.logical_and.reduceat(found == numbers.MISSING, first) if len(where) else np.zeros(0, dtype=np.bool_)
        self._ok[where[lost]] = False
        return where, together, own

    def _check_other(self, key: str, ploidy: Integers) -> None:
        """Check a field that no column shows against its declaration."""
        declaration = self._header.format_declaration(key)
        if declaration is None or declaration.type == "String":
            return
        where, text = self._field(key)
        if declaration.type not in {"Integer", "Float"}:
            self._ok[where] = False
            return
        pieces = split(text, self._commas)
        if declaration.number != "G":
            wanted = expected(declaration.number, self._n_alts[where], pieces.count)
            self._ok[where[pieces.count != wanted]] = False
        else:
            copies, alts = ploidy[where], self._n_alts[where]
            diploid = (alts + 1) * (alts + 2) // 2
            wanted = np.where(copies == 2, diploid, np.where(copies == 1, alts + 1, pieces.count))  # noqa: PLR2004
            self._ok[where[(pieces.count != wanted) | (copies > 2)]] = False  # noqa: PLR2004 - as VCF orders them
        negative = key not in reserved.NOT_NEGATIVE
        read = numbers.integers if declaration.type == "Integer" else numbers.floats
        _, fine = read(pieces.items, negative=negative)
        self._ok[where[pieces.owner[~fine]]] = False
