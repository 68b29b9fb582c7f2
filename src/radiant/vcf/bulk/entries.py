"""Consequence entries of many lines; the rules are those of `vcf.consequences`, `vcf.csq_alleles` and `vcf.csq_fields`.

Here entries are found and matched to the ALTs they are about; `bulk.fields` reads those of alleles that get rows.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from radiant.vcf.bulk.alleles import LineAlts, vep_names
from radiant.vcf.bulk.slices import Integers, Mask, Slices, split
from radiant.vcf.csq_fields import ConsequenceFormat

_DIGIT_ZERO = ord("0")
_MOST_ALTS_BY_DIGIT = 9


@dataclass(frozen=True, eq=False)
class Entries:
    """The entries of some lines."""

    text: Slices
    line: Integers
    """Which line each is of."""
    alt_index: Integers
    """Which ALT each is about, from 1."""
    bars: Integers
    """Where all field separators are."""
    first_bar: Integers
    """Index of each entry's first."""

    def __getitem__(self, which: Any) -> "Entries":
        """Return some of them."""
        return Entries(self.text[which], self.line[which], self.alt_index[which], self.bars, self.first_bar[which])

    @classmethod
    def of(cls, texts: pa.StringArray) -> "Entries":
        """Take texts, of no line."""
        pieces = Slices.of(texts)
        bars = pieces.buffer.find("|")
        nothing = np.zeros(len(pieces), dtype=np.int64)
        return cls(pieces, nothing, nothing, bars, np.searchsorted(bars, pieces.start))

    def field(self, index: int, width: int) -> Slices:
        """Return one field of each entry."""
        return self.run(index, index + 1, width)

    def run(self, first: int, last: int, width: int) -> Slices:
        """Return fields side by side, with the separators between them; `last` is the one behind them."""
        start = self._bar(first - 1) + 1 if first else self.text.start
        end = self._bar(last - 1) if last < width else self.text.end
        return Slices(self.text.buffer, start, end)

    def _bar(self, index: int) -> Integers:
        found = self._bars_found.get(index)
        if found is None:
            found = self._bars_found[index] = self.bars[self.first_bar + index]
        return found

    @cached_property
    def _bars_found(self) -> dict[int, Integers]:
        return {}


def read_entries(values: Slices, line_alts: LineAlts, format_: ConsequenceFormat) -> tuple[Entries, Mask]:
    """Find the entries of each line and the ALT each is about.

    Args:
        values: The INFO value of each line; empty without one.
        line_alts: The ALTs of the same lines.
        format_: What the header declares.

    Returns:
        The entries, and which lines are plain: every entry has the declared number of fields, and names one of the
        line's ALTs in VEP's first way of spelling (with the same ALLELE_NUM, where there is one).
    """
    ok = np.ones(len(values), dtype=np.bool_)
    present = np.flatnonzero(values.length > 0)
    pieces = split(values[present], values.buffer.find(","))
    line, text = present[pieces.owner], pieces.items
    bars = values.buffer.find("|")
    first_bar = np.searchsorted(bars, text.start)
    width = len(format_.names)
    fine = np.searchsorted(bars, text.end) - first_bar == width - 1
    if not fine.all():
        ok[line[~fine]] = False
        keep = ok[line]
        text, line, first_bar = text[keep], line[keep], first_bar[keep]
    entries = Entries(text, line, np.zeros(len(text), dtype=np.int64), bars, first_bar)
    if len(text):
        _match(entries, line_alts, format_, ok)
    return entries, ok


def _match(entries: Entries, line_alts: LineAlts, format_: ConsequenceFormat, ok: Mask) -> None:
    """Find the ALT of each entry, and clear `ok` for the lines of those for which it is not plain."""
    if format_.allele is None:
        # Entries that name no ALT are about the only one.
        only = (line_alts.count[entries.line] == 1) & (format_.allele_num is None)
        entries.alt_index[only] = 1
        ok[entries.line[~only]] = False
        return
    width = len(format_.names)
    names = entries.field(format_.allele, width)
    spelled = line_alts.alts if format_.snpeff else vep_names(line_alts)
    dash = names.equals("-")
    count = line_alts.count[entries.line]
    first = line_alts.first[entries.line]
    found = entries.alt_index
    numbered = np.zeros(len(names), dtype=np.bool_)
    if format_.allele_num is not None:
        number = entries.field(format_.allele_num, width)
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
