r"""Consequence entries of lines; the rules: `vcf.rules.consequences` and `vcf.rules.csq_alleles`.

Here entries are found and matched to the ALTs they are about; `csq_field_columns` reads those of alleles that get rows.

All entries of a file have the same number of fields. A separator follows every field, a line break the last entry of a
line. So the positions of the separators are a table as soon as every entry is checked to have its number of fields:

    text     T|intron,C|exon\n...    entries of two fields
    before   -1    8  ...
    ends      1   10  ...            the first fields
              8   15  ...            the second
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from radiant.vcf.fast.allele_columns import STORED, LineAlts, vep_names
from radiant.vcf.rules.csq_fields import Annotator, ConsequenceFormat
from radiant.vcf.vector.numbers import whole_numbers
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices, ranges, split

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_DIGIT_ZERO = ord("0")
_AT = ord("@")
_BAR, _COMMA, _BREAK = (ord(one) for one in "|,\n")
_MOST_ALTS_BY_DIGIT = 9


@dataclass(frozen=True, eq=False)
class Entries:
    """Some entries."""

    buffer: Buffer
    before: Integers
    """Where the separator before each is."""
    ends: Integers
    """One row per field: where the separator after it is in each entry."""
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
            self.ends[:, which],
            self.line[which],
            self.alt_index[which],
            self.assumed[which],
        )

    @classmethod
    def of(cls, texts: pa.StringArray, width: int) -> "Entries":
        """Take texts of `width` fields each, which are of no line."""
        buffer = Slices.of(texts).terminated()
        ends = np.flatnonzero((buffer.data == _BAR) | (buffer.data == _BREAK))
        nothing = np.zeros(len(texts), dtype=np.int64)
        named = nothing.astype(np.bool_)
        return cls(buffer, _before(ends[width - 1 :: width]), _by_field(ends, width), nothing, nothing, named)

    def field(self, index: int) -> Slices:
        """Return one field of each entry."""
        return self.run(index, index + 1)

    def run(self, first: int, last: int) -> Slices:
        """Return fields side by side, with the separators between them; `last` is the field after them."""
        before = self.ends[first - 1] if first else self.before
        return Slices(self.buffer, before + 1, self.ends[last - 1])


def _by_field(ends: Integers, width: int) -> Integers:
    """Return where fields end, those of one name side by side in memory."""
    return np.ascontiguousarray(ends.reshape(-1, width).T)


def _before(entry_ends: Integers) -> Integers:
    """Return where the separators before entries are that follow each other."""
    before = np.empty_like(entry_ends)
    before[:1] = -1
    before[1:] = entry_ends[:-1]
    return before


def read_entries(
    values: Slices, line_alts: LineAlts, pos: Integers, format_: ConsequenceFormat
) -> tuple[Entries, Mask, Mask]:
    """Find the entries of each line and the ALT each is about.

    Args:
        values: The INFO value of each line; empty without one.
        line_alts: The ALTs of the same lines.
        pos: POS of the same lines.
        format_: What the header declares.

    Returns:
        The entries; the lines of which every entry has the declared number of fields; the lines of which every entry
        names one of the ALTs in the annotator's first way of spelling (with the same ALLELE_NUM, where there is one).
        An entry of `bcftools csq` that names no ALT comes once for each ALT that is a sequence.
    """
    complete, matched = (np.ones(len(values), dtype=np.bool_) for _ in range(2))
    width = len(format_.names)
    present = np.flatnonzero(values.length > 0)
    buffer = _padded(values[present].terminated(), format_)
    ends, entry_ends, per_line = _ends(buffer)
    line = np.repeat(present, per_line)
    fine = np.diff(entry_ends, prepend=-1) == width
    if not fine.all():
        # The lines of the others are left to the rules: the rest has no gaps.
        complete[line[~fine]] = False
        present = present[complete[present]]
        buffer = _padded(values[present].terminated(), format_)
        ends, entry_ends, per_line = _ends(buffer)
        line = np.repeat(present, per_line)
    nothing = np.zeros(len(line), dtype=np.int64)
    named = np.zeros(len(line), dtype=np.bool_)
    entries = Entries(buffer, _before(ends[entry_ends]), _by_field(ends, width), line, nothing, named)
    if len(entries) and format_.dna_change is not None:
        entries = _match_changes(entries, line_alts, pos, format_.dna_change, matched)
    elif len(entries):
        _match(entries, line_alts, format_, matched)
    return entries, complete, matched


def _padded(buffer: Buffer, format_: ConsequenceFormat) -> Buffer:
    """Write the empty fields that an annotator left out at the end of entries; see `ConsequenceFormat.padded`."""
    if not format_.short:
        return buffer
    ends, entry_ends, _ = _ends(buffer)
    count = np.diff(entry_ends, prepend=-1)
    short = np.isin(count, list(format_.short))
    single = np.flatnonzero(count == 1)
    end = ends[entry_ends]
    text = Slices(buffer, _before(end)[single] + 1, end[single])
    _, digits = whole_numbers(Slices(buffer, np.minimum(text.start + 1, text.end), text.end))
    short[single] = (text.length > 1) & (text.byte(0) == _AT) & digits
    missing = np.where(short, len(format_.names) - count, 0)
    if not missing.any():
        return buffer
    return Buffer.of(np.insert(buffer.data, np.repeat(end, missing), np.uint8(_BAR)))


def _match_changes(entries: Entries, line_alts: LineAlts, pos: Integers, field: int, ok: Mask) -> Entries:
    """Find the ALT of each entry of `bcftools csq`, see `csq_alleles.match_changes`; return them once for each ALT."""
    changes = entries.field(field)
    said = np.flatnonzero((changes.length > 0) & ~changes.equals("."))
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
    ok[entries.line[said[times[said] != 1]]] = False
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
    return whole


def _changes(pos: Integers, ref: Slices, alt: Slices) -> pa.StringArray:
    """Return `100A>G` of alleles."""
    place = pc.binary_join_element_wise(pa.array(pos).cast(pa.string()), ref.strings(), "")
    return pc.binary_join_element_wise(place, alt.strings(), ">")


def _ends(buffer: Buffer) -> tuple[Integers, Integers, Integers]:
    """Return where all fields of all entries end, which of these are the ends of entries, and the entries per line."""
    data = buffer.data
    ends = np.flatnonzero((data == _BAR) | (data == _COMMA) | (data == _BREAK))
    separator = data[ends]
    entry_ends = np.flatnonzero(separator != _BAR)
    line_ends = np.flatnonzero(separator[entry_ends] == _BREAK)
    return ends, entry_ends, np.diff(line_ends, prepend=-1)


def _match(entries: Entries, line_alts: LineAlts, format_: ConsequenceFormat, ok: Mask) -> None:
    """Find the ALT of each entry, and clear `ok` for the lines of those without one."""
    if format_.allele is None:
        # Entries that name no ALT are about the only one.
        only = (line_alts.count[entries.line] == 1) & (format_.allele_num is None)
        entries.alt_index[only] = 1
        entries.assumed[only] = True
        ok[entries.line[~only]] = False
        return
    names = entries.field(format_.allele)
    spelled = line_alts.alts if format_.annotator is Annotator.SNPEFF else vep_names(line_alts)
    dash = names.equals("-")
    count = line_alts.count[entries.line]
    first = line_alts.first[entries.line]
    found = entries.alt_index
    numbered = np.zeros(len(names), dtype=np.bool_)
    if format_.allele_num is not None:
        number = entries.field(format_.allele_num)
        numbered = number.length > 0
        digit = number.byte(0).astype(np.int64) - _DIGIT_ZERO
        sure = (number.length == 1) & (digit >= 1) & (digit <= np.minimum(count, _MOST_ALTS_BY_DIGIT))
        ok[entries.line[numbered & ~sure]] = False
        at = np.flatnonzero(sure)
        _compare(at, digit[at], names, dash, spelled, first, found)
    rest = np.flatnonzero(~numbered)
    for number in range(1, int(count[rest].max(initial=0)) + 1):
        rest = rest[found[rest] == 0]
        at = rest[count[rest] >= number]
        _compare(at, np.full(len(at), number), names, dash, spelled, first, found)
    ok[entries.line[found == 0]] = False


def _compare(  # noqa: PLR0913, PLR0917 - arrays of one table
    at: Integers, number: Integers, names: Slices, dash: Mask, spelled: Slices, first: Integers, found: Integers
) -> None:
    """Give entries an ALT where it is spelled as they say."""
    wanted = spelled[first[at] + number - 1]
    # What is left of a deletion is nothing; VEP writes a dash, and an empty name is another matter.
    same = (names[at].same_as(wanted) & (wanted.length > 0)) | (dash[at] & (wanted.length == 0))
    found[at[same]] = number[same]
