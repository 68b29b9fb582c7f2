r"""Consequence entries of lines; the rules: `vcf.rules.consequences` and `vcf.rules.csq_alleles`.

Here entries are found and matched to the ALTs they are about; `csq_field_columns` reads those of alleles that get rows.

All entries of a file have the same number of fields, and a separator follows every field but the last of an entry. So
the positions of the separators are a table as soon as every entry is checked to have its number of fields:

    text     T|intron,C|exon;...    entries of two fields
    before   -1    8  ...
    ends     [1, 8]  [10, 15]  ...   of each entry: the ends of its fields
"""

from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.vcf.fast.allele_columns import STORED, LineAlts, vep_names
from radiant.vcf.findings import Piece
from radiant.vcf.rules import consequences, csq_alleles
from radiant.vcf.rules.csq_fields import Annotator, ConsequenceFormat, decode
from radiant.vcf.vector.numbers import whole_numbers
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices, ranges, split

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_DIGIT_ZERO = ord("0")
_AT = ord("@")
_BAR, _BREAK = ord("|"), ord("\n")
_MOST_ALTS_BY_DIGIT = 9


@dataclass(frozen=True, eq=False)
class Entries:
    """Some entries."""

    buffer: Buffer
    before: Integers
    """Where the separator before each is."""
    ends: NDArray[np.int32]
    """One row per entry: where the separator after each of its fields is."""
    line: Integers
    """Which line each is of."""
    alt_index: Integers
    """Which ALT each is about, from 1."""
    assumed: Mask
    """Whether it names no ALT, and was given to one (of `bcftools csq`: to every one)."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.line)

    def __getitem__(self, which: Any) -> "Entries":
        """Return some of them."""
        return Entries(
            self.buffer,
            self.before[which],
            self.ends[which],
            self.line[which],
            self.alt_index[which],
            self.assumed[which],
        )

    @classmethod
    def of(cls, texts: pa.StringArray, width: int) -> "Entries":
        """Take texts of `width` fields each, which are of no line."""
        buffer = Slices.of(texts).terminated()
        ends = np.flatnonzero((buffer.data == _BAR) | (buffer.data == _BREAK))
        before = np.append(-1, ends[width - 1 : -1 : width]) if len(texts) else ends
        nothing = np.zeros(len(texts), dtype=np.int64)
        named = nothing.astype(np.bool_)
        table = ends.reshape(-1, width).astype(np.int32, order="F")
        return cls(buffer, before, table, nothing, nothing, named)

    def by_field(self) -> "Entries":
        """Return the same entries, with the ends of each field side by side in memory: for reading all of them."""
        return replace(self, ends=np.asfortranarray(self.ends))

    def field(self, index: int) -> Slices:
        """Return one field of each entry."""
        return self.run(index, index + 1)

    def run(self, first: int, last: int) -> Slices:
        """Return fields side by side, with the separators between them; `last` is the field after them."""
        before = self.ends[:, first - 1].astype(np.int64) if first else self.before
        return Slices(self.buffer, before + 1, self.ends[:, last - 1].astype(np.int64))


@dataclass(frozen=True, eq=False)
class FoundEntries:
    """The entries of some lines."""

    entries: Entries
    """An entry of `bcftools csq` that names no ALT comes once for each ALT that is a sequence. One whose ALT is not
    certain has the `alt_index` 0."""
    pieces: list[tuple[int, Piece]]
    """Pieces set aside with the index of the line, line by line as `vcf.rules.consequences` sets them aside."""


def read_entries(values: Slices, line_alts: LineAlts, pos: Integers, format_: ConsequenceFormat) -> FoundEntries:
    """Find the entries of each line and the ALT each is about.

    An entry that names one of the ALTs in the annotator's first way of spelling, with the same ALLELE_NUM where there
    is one, is matched by arrays. The lines of others, and those with torn entries, go through the rules.

    Args:
        values: The INFO value of each line; empty without one.
        line_alts: The ALTs of the same lines.
        pos: POS of the same lines.
        format_: What the header declares.
    """
    width = len(format_.names)
    present = np.flatnonzero(values.length > 0)
    texts = _padded(values[present], format_)
    found, bars = split(texts, texts.buffer.find(",")), _bars(texts)
    pieces: list[tuple[int, Piece]] = []
    if not _all_have(found.items, bars, width):
        torn = np.zeros(len(texts), dtype=np.bool_)
        torn[found.owner[_widths(found.items, bars) != width]] = True
        whole, pieces = _without_torn(values[present], torn, format_)
        pieces = [(int(present[at]), piece) for at, piece in pieces]
        present, whole = present[whole.length > 0], whole[whole.length > 0]
        texts = _padded(whole, format_)
        found, bars = split(texts, texts.buffer.find(",")), _bars(texts)
    ends = np.empty((len(found.items), width), dtype=np.int32)
    ends[:, :-1] = bars.reshape(len(found.items), width - 1)
    ends[:, -1] = found.items.end
    line = present[found.owner]
    nothing = np.zeros(len(line), dtype=np.int64)
    named = np.zeros(len(line), dtype=np.bool_)
    entries = Entries(texts.buffer, found.items.start - 1, ends, line, nothing, named)
    if len(entries) and format_.dna_change is not None:
        entries, unmatched = _match_changes(entries, line_alts, pos, format_)
    elif len(entries):
        unmatched = _match(entries, line_alts, format_)
    else:
        unmatched = []
    return FoundEntries(entries, sorted(pieces + unmatched, key=itemgetter(0)))


def _without_torn(values: Slices, torn: Mask, format_: ConsequenceFormat) -> tuple[Slices, list[tuple[int, Piece]]]:
    """Leave the entries that do not have their number of fields out of the values that have some.

    Returns:
        All values, empty where no entry is left; and the pieces with the index of the value.
    """
    texts: list[str] = []
    pieces: list[tuple[int, Piece]] = []
    for at, text in zip(np.flatnonzero(torn).tolist(), values[torn].texts(), strict=True):
        good, malformed = consequences.entry_texts(text, format_, cut=False)
        texts.append(",".join(good))
        pieces += [(at, piece) for piece in malformed]
    whole = pc.replace_with_mask(values.strings(), pa.array(torn), pa.array(texts, pa.string()))
    return Slices.of(whole), pieces


def _all_have(entries: Slices, bars: Integers, width: int) -> bool:
    """Return whether every entry has `width` fields.

    The number of separators is right in all, then: it is right for each if those that are counted to it are inside it.
    """
    if len(bars) != len(entries) * (width - 1):
        return False
    table = bars.reshape(len(entries), width - 1)
    return width == 1 or bool((table[:, 0] >= entries.start).all() and (table[:, -1] < entries.end).all())


def _widths(entries: Slices, bars: Integers) -> Integers:
    """Return how many fields each entry has."""
    return np.searchsorted(bars, entries.end) - np.searchsorted(bars, entries.start) + 1


def _bars(values: Slices) -> Integers:
    """Return where the separators of fields are in ascending values; a phased genotype has another one."""
    bars = np.flatnonzero(values.buffer.data == _BAR)
    first, last = np.searchsorted(bars, values.start), np.searchsorted(bars, values.end)
    before = np.append(0, last)
    outside = ranges(before, np.append(first, len(bars)) - before)
    return np.delete(bars, outside) if len(outside) else bars


def _padded(values: Slices, format_: ConsequenceFormat) -> Slices:
    """Write the empty fields that an annotator left out at the end of entries; see `ConsequenceFormat.padded`."""
    if not format_.short:
        return values
    entries = split(values, values.buffer.find(","))
    items = entries.items
    count = _widths(items, _bars(values))
    short = np.isin(count, list(format_.short))
    single = np.flatnonzero(count == 1)
    text = items[single]
    _, digits = whole_numbers(Slices(values.buffer, np.minimum(text.start + 1, text.end), text.end))
    short[single] = (text.length > 1) & (text.byte(0) == _AT) & digits
    missing = np.where(short, len(format_.names) - count, 0)
    if not missing.any():
        return values
    buffer = Buffer.of(np.insert(values.buffer.data, np.repeat(items.end, missing), np.uint8(_BAR)))
    # Each piece moves by what was written before it, and grows by what was written inside it.
    written = np.append(0, np.cumsum(missing))
    start = values.start + written[entries.first]
    return Slices(buffer, start, values.end + written[entries.first + entries.count])


def _match_changes(
    entries: Entries, line_alts: LineAlts, pos: Integers, format_: ConsequenceFormat
) -> tuple[Entries, list[tuple[int, Piece]]]:
    """Find the ALT of each entry of `bcftools csq`, see `csq_alleles.match_changes`.

    Returns:
        The entries, those that name no ALT once for each; and pieces about those of no ALT, with the line.
    """
    changes = entries.field(format_.dna_change or 0)
    said = np.flatnonzero(changes.length > 0)
    # What bcftools writes of each ALT, for lines that have entries.
    of = line_alts.line
    wanted = np.zeros(len(pos), dtype=np.bool_)
    wanted[entries.line[said]] = True
    alts = np.flatnonzero(wanted[of] & (line_alts.skip == STORED))
    place = np.zeros(len(of), dtype=np.int64)
    place[alts] = np.arange(len(alts))
    names = Slices.of(_changes(pos[of[alts]], line_alts.ref[of[alts]], line_alts.alts[alts]))
    parts = split(changes[said], entries.buffer.find("+"))
    entry = said[parts.owner]
    first, count = line_alts.first[entries.line[entry]], line_alts.count[entries.line[entry]]
    found, times = entries.alt_index, np.zeros(len(entries), dtype=np.int64)
    for number in range(1, int(count.max(initial=0)) + 1):
        at = np.flatnonzero(count >= number)
        at = at[line_alts.skip[first[at] + number - 1] == STORED]
        at = at[parts.items[at].same_as(names[place[first[at] + number - 1]])]
        found[entry[at]] = number
        np.add.at(times, entry[at], 1)
    pieces = _match_changes_by_rules(entries, said[times[said] != 1], line_alts, pos, format_)
    nameless = np.ones(len(entries), dtype=np.bool_)
    nameless[said] = False
    entries.assumed[nameless] = True
    several = np.flatnonzero(nameless)
    stored = np.bincount(of[line_alts.skip == STORED], minlength=len(pos))
    copies = np.ones(len(entries), dtype=np.int64)
    copies[several] = stored[entries.line[several]]
    every = np.repeat(np.arange(len(entries)), copies)
    whole = entries[every]
    # The ALTs of a line that are sequences, in order, for each of the entries that name none.
    sequences = np.flatnonzero(line_alts.skip == STORED)
    begin = np.cumsum(stored) - stored
    at = sequences[ranges(begin[entries.line[several]], copies[several])]
    whole.alt_index[nameless[every]] = at - line_alts.first[of[at]] + 1
    return whole, pieces


def _match_changes_by_rules(
    entries: Entries, some: Integers, line_alts: LineAlts, pos: Integers, format_: ConsequenceFormat
) -> list[tuple[int, Piece]]:
    """Find the ALT of some entries of `bcftools csq`; return pieces about those of no ALT, with the line."""
    pieces: list[tuple[int, Piece]] = []
    changes = entries.field(format_.dna_change or 0)[some].texts()
    texts = entries.run(0, len(format_.names))[some].texts()
    for entry, change, text in zip(some.tolist(), changes, texts, strict=True):
        line = int(entries.line[entry])
        found = line_alts.of_line(line)
        ((*alts,),), _ = csq_alleles.match_changes([change], int(pos[line]), found)
        entries.alt_index[entry] = alts[0] if alts else 0
        if not alts:
            pieces.append((line, consequences.unmatched(text.rstrip("|"), change, "", found)))
    return pieces


def _changes(pos: Integers, ref: Slices, alt: Slices) -> pa.StringArray:
    """Return `100A>G` of alleles."""
    place = pc.binary_join_element_wise(pa.array(pos).cast(pa.string()), ref.strings(), "")
    return pc.binary_join_element_wise(place, alt.strings(), ">")


def _match(entries: Entries, line_alts: LineAlts, format_: ConsequenceFormat) -> list[tuple[int, Piece]]:
    """Find the ALT of each entry; return pieces about those whose ALT is not certain, with the line."""
    if format_.allele is None:
        # Entries that name no ALT are about the only one.
        only = (line_alts.count[entries.line] == 1) & (format_.allele_num is None)
        only &= line_alts.skip[line_alts.first[entries.line]] == STORED
        entries.alt_index[only] = 1
        entries.assumed[only] = True
        return _match_by_rules(entries, np.unique(entries.line[~only]), line_alts, format_)
    names = entries.field(format_.allele)
    spelled = line_alts.alts if format_.annotator is Annotator.SNPEFF else vep_names(line_alts)
    dash = names.equals("-")
    count = line_alts.count[entries.line]
    first = line_alts.first[entries.line]
    found = entries.alt_index
    numbered = np.zeros(len(names), dtype=np.bool_)
    odd = np.zeros(len(line_alts.count), dtype=np.bool_)
    if format_.allele_num is not None:
        number = entries.field(format_.allele_num)
        numbered = number.length > 0
        digit = number.byte(0).astype(np.int64) - _DIGIT_ZERO
        sure = (number.length == 1) & (digit >= 1) & (digit <= np.minimum(count, _MOST_ALTS_BY_DIGIT))
        odd[entries.line[numbered & ~sure]] = True
        at = np.flatnonzero(sure)
        _compare(at, digit[at], names, dash, spelled, first, found)
    rest = np.flatnonzero(~numbered)
    for number in range(1, int(count[rest].max(initial=0)) + 1):
        rest = rest[found[rest] == 0]
        at = rest[count[rest] >= number]
        _compare(at, np.full(len(at), number), names, dash, spelled, first, found)
    odd[entries.line[found == 0]] = True
    return _match_by_rules(entries, np.flatnonzero(odd), line_alts, format_)


def _match_by_rules(
    entries: Entries, lines: Integers, line_alts: LineAlts, format_: ConsequenceFormat
) -> list[tuple[int, Piece]]:
    """Find the ALT of every entry of some lines; return pieces about those whose ALT is not certain, with the line."""
    pieces: list[tuple[int, Piece]] = []
    low = np.searchsorted(entries.line, lines)
    count = np.searchsorted(entries.line, lines, side="right") - low
    at = ranges(low, count)
    names, numbers = (
        [""] * len(at) if index is None else entries.field(index)[at].texts()
        for index in (format_.allele, format_.allele_num)
    )
    names = list(map(decode, names))
    snpeff = format_.annotator is Annotator.SNPEFF
    first = 0
    for line, entry, size in zip(lines.tolist(), low.tolist(), count.tolist(), strict=True):
        of_line = slice(first, first + size)
        first += size
        alleles = line_alts.of_line(line)
        matches, assumed = csq_alleles.match(names[of_line], numbers[of_line], alleles, snpeff=snpeff)
        entries.alt_index[entry : entry + size] = [alt_index or 0 for alt_index in matches]
        entries.assumed[entry : entry + size] = assumed
        for index in (index for index, alt_index in enumerate(matches) if alt_index is None):
            (text,) = entries.run(0, len(format_.names))[entry + index : entry + index + 1].texts()
            name, number = names[of_line][index], numbers[of_line][index]
            pieces.append((line, consequences.unmatched(text, name, number, alleles)))
    return pieces


def _compare(  # noqa: PLR0913, PLR0917 - arrays of one table
    at: Integers, number: Integers, names: Slices, dash: Mask, spelled: Slices, first: Integers, found: Integers
) -> None:
    """Give entries an ALT where it is spelled as they say."""
    wanted = spelled[first[at] + number - 1]
    # What is left of a deletion is nothing; VEP writes a dash, and an empty name is another matter.
    same = (names[at].same_as(wanted) & (wanted.length > 0)) | (dash[at] & (wanted.length == 0))
    found[at[same]] = number[same]
