"""The members' sample columns of many lines: genotype, depths, quality; the rules are those of `vcf.rules.genotypes`.

Lines of the same FORMAT are read together; a file has a handful of FORMATs. Members are read together too, one after
the other as if they were further lines, which takes fewer calls of numpy:

    column     kid line 0 | kid line 1 | ... | dad line 0 | dad line 1 | ... | mum line 0 | ...
    of member  `slice(member * lines, (member + 1) * lines)`
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter

import numpy as np

from radiant.vcf.fast.declared_columns import expected
from radiant.vcf.fast.genotype_columns import Genotypes
from radiant.vcf.fast.odd_samples import DepthLists, SampleColumns, with_odd
from radiant.vcf.findings import BrokenRuleError, Piece
from radiant.vcf.header import reserved
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules import values
from radiant.vcf.rules.genotypes import LOCAL_ALLELES, FormatReader, from_local, local_alleles
from radiant.vcf.vector import numbers
from radiant.vcf.vector.grouping import group_rows
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices, encoded, ranges, split

_TOGETHER = 1 << 16
"""Sample columns that are read at once: bounds the memory for a cohort."""
_MOST_FORMATS = 256
"""Lines of further FORMATs of a file are left to the rules."""


@dataclass(frozen=True, eq=False)
class Depths:
    """Reads per allele of one member."""

    value: Integers
    """All values, reference first, MISSING for `.`."""
    first: Integers
    """Index of each line's first value, -1 where the sample has none."""
    total: Integers
    """Sum over the line's alleles; MISSING where one is missing or the sample has none."""

    def of(self, line: Integers, allele: Integers | int) -> Integers:
        """Return the reads of one allele of each line (0 is REF), MISSING where they are not given."""
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
    undeclared: tuple[tuple[str, ...], ...]
    """By code: the keys that the header does not declare."""


@dataclass(frozen=True, eq=False)
class MemberColumns:
    """What the sample columns of the members hold."""

    samples: list[Samples]
    """Member by member."""
    formats: Formats
    ok: Mask
    """Lines whose sample columns break no rule."""
    pieces: list[tuple[int, Piece]]
    """Pieces left out with the index of the line, line by line, member by member."""


class SampleReader:
    """Reads the sample columns of one file."""

    def __init__(self, header: Header, genotypes: Genotypes) -> None:
        """Take what the file declares, and the genotypes known so far."""
        self._header = header
        self._genotypes = genotypes
        self._formats: dict[str, FormatReader | None] = {}

    def _format(self, text: str) -> FormatReader | None:
        """Return what checks a FORMAT, None for one that is left to the rules."""
        if text not in self._formats and len(self._formats) < _MOST_FORMATS:
            try:
                self._formats[text] = FormatReader(text, self._header)
            except BrokenRuleError:
                self._formats[text] = None
        return self._formats.get(text)

    def read(self, format_: Slices, members: Sequence[Slices], n_alts: Integers) -> MemberColumns:
        """Read the members' columns of some lines.

        Args:
            format_: FORMAT of each line.
            members: The column of each member.
            n_alts: How many ALTs each line has.
        """
        lines = len(format_)
        ok = np.ones(lines, dtype=np.bool_)
        codes, texts = encoded(format_.strings())
        samples: list[Samples] = []
        pieces: list[tuple[int, Piece]] = []
        together = max(1, _TOGETHER // max(1, lines))
        for first in range(0, len(members), together):
            found, left_out = self._read_some(members[first : first + together], n_alts, codes, texts, ok)
            samples += found
            pieces += left_out
        pieces.sort(key=itemgetter(0))
        readers = map(self._format, texts)
        undeclared = tuple(() if reader is None else reader.undeclared for reader in readers)
        return MemberColumns(samples, Formats(codes, undeclared), ok, pieces)

    def _read_some(
        self, members: Sequence[Slices], n_alts: Integers, codes: Integers, texts: Sequence[str], ok: Mask
    ) -> tuple[list[Samples], list[tuple[int, Piece]]]:
        """Read members one after the other and return them apart; clear `ok` for lines that are left to the rules."""
        count, lines = len(members), len(codes)
        pieces: list[tuple[int, Piece]] = []
        found: list[tuple[Integers, SampleColumns]] = []
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
            columns = _Reading(reader, column.compact(), np.tile(n_alts[of], count), self._genotypes).read()
            ok[place[~columns.ok] % lines] = False
            found.append((place, columns))
            pieces += [(int(place[index]), piece) for index, piece in columns.pieces]
        pieces.sort(key=itemgetter(0))
        by_line = [(at % lines, piece) for at, piece in pieces]
        return _by_member(found, count, lines, self._genotypes.none), by_line


def _by_member(
    found: Sequence[tuple[Integers, SampleColumns]], count: int, lines: int, no_genotype: int
) -> list[Samples]:
    """Return what each of `count` members has on all lines.

    Args:
        found: What was read under each FORMAT, and where in a row of all members' lines each column belongs.
        count: How many members there are.
        lines: How many lines there are.
        no_genotype: Code of no genotype.
    """
    size = count * lines
    genotype, first = np.full(size, no_genotype), np.full(size, -1)
    dp, gq, total = (np.full(size, numbers.MISSING) for _ in range(3))
    before = 0
    for place, one in found:
        genotype[place], dp[place], gq[place] = one.genotype, one.dp, one.gq
        first[place] = np.where(one.depths.first < 0, -1, one.depths.first + before)
        total[place] = one.depths.total
        before += len(one.depths.value)
    value = np.concatenate([one.depths.value for _, one in found]) if found else np.zeros(0, dtype=np.int64)
    sets = [(place[one.phase_set[0]], one.phase_set[1]) for place, one in found if len(one.phase_set[0])]
    phase_set = _phase_sets(sets, size) if sets else None
    return [
        Samples(
            genotype[own], dp[own], gq[own], None if phase_set is None else phase_set[own],
            Depths(value, first[own], total[own]),
        )
        for own in (slice(one * lines, (one + 1) * lines) for one in range(count))
    ]  # fmt: skip


def _phase_sets(sets: Sequence[tuple[Integers, Slices]], count: int) -> Slices:
    """Return the phase sets of lines, empty where there is none: those of each FORMAT, in one buffer."""
    texts = [pieces.compact() if len(sets) > 1 else pieces for _, pieces in sets]
    buffer = Buffer.of(*(one.buffer.data for one in texts)) if len(sets) > 1 else texts[0].buffer
    start, end = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    before = 0
    for (of, _), one in zip(sets, texts, strict=True):
        start[of], end[of] = one.start + before, one.end + before
        before += len(one.buffer.data)
    return Slices(buffer, start, end)


@dataclass(frozen=True, eq=False)
class _Local:
    """Which ALTs the local alleles of the samples are, see `vcf.rules.genotypes.local_alleles`."""

    code: Integers
    """Of each line's list."""
    lists: list[tuple[int, ...] | None]
    """By code; None for what is no list of different ALT numbers."""
    count: Integers
    """ALTs of each list."""
    highest: Integers
    """The highest number in each list, more than any line has ALTs where there is none."""


_NO_LIST = 1 << 40


def _local_list(text: str) -> tuple[int, ...] | None:
    try:
        return local_alleles(text, _NO_LIST)
    except BrokenRuleError:
        return None


class _Reading:
    """One pass over members' columns under one FORMAT; `_ok` is cleared for columns that arrays do not read."""

    def __init__(self, reader: FormatReader, column: Slices, n_alts: Integers, genotypes: Genotypes) -> None:
        self._reader = reader
        self._genotypes = genotypes
        self._keys = {key: index for index, key in enumerate(reader.keys)}
        self._column = column
        self._n_alts = n_alts
        self._commas = column.buffer.find(",")
        self._fields = split(column, column.buffer.find(":"))
        self._ok = self._fields.count <= max(1, len(reader.keys))
        if not reader.keys:  # FORMAT is a dot
            self._ok &= column.equals(".")
        empty = np.flatnonzero(self._fields.items.length == 0)
        if len(empty):
            owner = self._fields.owner[empty]
            index = empty - self._fields.first[owner]
            self._ok[owner[~np.isin(index, list(reader.may_be_empty))]] = False

    def _field(self, key: str) -> tuple[Integers, Slices]:
        """Return the lines on which a field is there and not `.`, and its text."""
        index = self._keys.get(key)
        if index is None:
            nowhere = np.zeros(0, dtype=np.int64)
            return nowhere, Slices(self._column.buffer, nowhere, nowhere)
        there = np.flatnonzero(self._fields.count > index)
        found = self._fields.items[self._fields.first[there] + index]
        missing = found.equals(".")
        return (there[~missing], found[~missing]) if missing.any() else (there, found)

    def read(self) -> SampleColumns:
        """Read all fields."""
        count = len(self._n_alts)
        genotype = self._genotype()
        dp, gq = np.full(count, numbers.MISSING), np.full(count, numbers.MISSING)
        where, text = self._field("DP")
        dp[where], fine = numbers.whole_numbers(text)
        self._ok[where[~fine]] = False
        where, text = self._field("GQ")
        gq[where] = self._quality(where, text)
        phase_set = self._field("PS")
        depths = self._depths()
        for _, key, declaration in self._reader.others:
            self._check_other(key, declaration, self._genotypes.ploidy[genotype])
        found = SampleColumns(genotype, dp, gq, phase_set, depths, self._ok, [])
        return with_odd(found, self._reader, self._column, self._n_alts, self._genotypes)

    def _genotype(self) -> Integers:
        """Return the code of GT, or of LGT without it; that of no genotype where FORMAT has neither."""
        genotypes = self._genotypes
        if "GT" in self._keys:
            found = self._line_genotype(genotypes)
        elif "LGT" in self._keys:
            found = self._local_genotype(genotypes)
        else:
            return np.full(len(self._n_alts), genotypes.none)
        fine = found >= 0
        found = np.where(fine, found, genotypes.missing)
        self._ok &= fine & (genotypes.highest[found] <= self._n_alts)
        return found

    def _line_genotype(self, genotypes: Genotypes) -> Integers:
        """Return the code of GT, -1 where it is left to the rules."""
        of_all = slice(None), self._fields.items[self._fields.first]
        where, text = of_all if self._keys["GT"] == 0 else self._field("GT")
        codes, texts = encoded(text.strings())
        known = np.array([genotypes.code(one) for one in texts], dtype=np.int64)
        found = np.full(len(self._n_alts), genotypes.missing)
        found[where] = known[codes]
        return found

    def _local_genotype(self, genotypes: Genotypes) -> Integers:
        """Return the code of LGT with the line's allele numbers, -1 where it is left to the rules."""
        found = np.full(len(self._n_alts), genotypes.missing)
        where, text = self._field("LGT")
        local = self._local
        codes, texts = encoded(text.strings())
        groups = group_rows(codes, local.code[where])
        known = [self._code_of(self._genotypes, texts[one], of) for one, of in groups.values]
        found[where] = np.array(known, dtype=np.int64)[groups.index]
        found[where[local.highest[local.code[where]] > self._n_alts[where]]] = -1
        return found

    def _code_of(self, genotypes: Genotypes, text: str, code: int) -> int:
        alts = self._local.lists[code]
        try:
            return -1 if alts is None else genotypes.code(from_local(text, alts))
        except BrokenRuleError:
            return -1

    @cached_property
    def _local(self) -> _Local:
        code = np.zeros(len(self._n_alts), dtype=np.int64)
        where, text = self._field(LOCAL_ALLELES)
        found, texts = encoded(text.strings())
        code[where] = found + 1
        lists: list[tuple[int, ...] | None] = [(), *map(_local_list, texts)]
        count = np.array([0 if one is None else len(one) for one in lists], dtype=np.int64)
        highest = np.array([_NO_LIST if one is None else max(one, default=0) for one in lists], dtype=np.int64)
        return _Local(code, lists, count, highest)

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

    def _depths(self) -> DepthLists:
        """Read reads per allele; a column whose first source is missing but not its second is left to the rules."""
        count = len(self._n_alts)
        all_first, all_total = np.full(count, -1), np.full(count, numbers.MISSING)
        sources = self._reader.depth_keys
        if not sources:
            return DepthLists(np.zeros(0, dtype=np.int64), all_first, all_total)
        read = self._local_lists if sources[0] == "LAD" else self._lists
        lines, value, first = read(sources[0])
        if len(sources) > 1:
            without = np.ones(count, dtype=np.bool_)
            without[lines] = False
            for other in sources[1:]:
                there, _ = self._field(other)
                self._ok[there[without[there]]] = False
        all_first[lines] = first
        if not len(lines):
            return DepthLists(value, all_first, all_total)
        missing = value == numbers.MISSING
        total = np.add.reduceat(np.where(missing, 0, value), first)
        if missing.any():
            some = np.logical_or.reduceat(missing, first)
            every = np.logical_and.reduceat(missing, first)
            total[some] = numbers.MISSING
            all_first[lines[every]] = -1
            if len(sources) > 1:
                self._ok[lines[every]] = False
        all_total[lines] = total
        return DepthLists(value, all_first, all_total)

    def _local_lists(self, key: str) -> tuple[Integers, Integers, Integers]:
        """Return the same from reads of local alleles; those of other alleles are missing."""
        where, text = self._field(key)
        pieces = split(text, self._commas)
        found, fine = numbers.integers(pieces.items)
        self._ok[where[pieces.owner[~fine]]] = False
        local = self._local
        code = local.code[where]
        right = (pieces.count == local.count[code] + 1) & (local.highest[code] <= self._n_alts[where])
        self._ok[where[~right]] = False
        if not right.all():
            found, where, code = found[right[pieces.owner]], where[right], code[right]
        wanted = self._n_alts[where] + 1
        first = np.cumsum(wanted) - wanted
        value = np.full(int(wanted.sum()), numbers.MISSING)
        alleles = np.array([allele for one in local.lists for allele in (0, *(one or ()))], dtype=np.int64)
        size = local.count + 1
        own = ranges((np.cumsum(size) - size)[code], size[code])
        value[np.repeat(first, size[code]) + alleles[own]] = found
        return where, value, first

    def _lists(self, key: str) -> tuple[Integers, Integers, Integers]:
        """Return the lines with whole lists of reads per allele, all values, and where each line's begin."""
        with_reference = key == "AO"
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

    def _check_other(self, key: str, declaration: reserved.Declaration, ploidy: Integers) -> None:
        """Check a field that no column shows against its declaration."""
        where, text = self._field(key)
        if self._keys[key] in self._reader.may_be_empty:
            some = text.length > 0
            where, text = where[some], text[some]
        if declaration.type == "Character":
            if declaration.number == "1":
                self._ok[where[text.length != 1]] = False
            return
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
