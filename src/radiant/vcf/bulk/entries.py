"""Consequence entries of many lines; the rules are those of `vcf.consequences`, `vcf.csq_alleles` and `vcf.csq_fields`.

Only entries of alleles that get rows are read field by field. A field's text is read by its own parser of
`vcf.csq_fields`, once per distinct text of a chunk; plain text fields that hardly repeat are copied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.domain.tables import CONSEQUENCE, Type
from radiant.vcf.bulk.alleles import LineAlts, vep_names
from radiant.vcf.bulk.slices import Integers, Mask, Slices, split
from radiant.vcf.csq_fields import ConsequenceFormat, Field, decode, is_text
from radiant.vcf.schema import ARROW_TYPES

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_TYPES: dict[str, Type] = {column.name: column.type for column in CONSEQUENCE.columns}
_UNREPEATED = frozenset({"hgvsg", "hgvsc", "hgvsp", "cdna_position", "cds_position", "protein_position"})
"""Text columns with about as many values as rows: a dictionary does not pay."""
MARKS: tuple[str, ...] = ("PICK", "MANE_SELECT", "CANONICAL", "impact", "first")
"""Why an entry is picked; by code."""
_DIGIT_ZERO, _DOT = ord("0"), ord(".")
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

    def field(self, index: int, width: int) -> Slices:
        """Return one field of each entry."""
        start = self.bars[self.first_bar + (index - 1)] + 1 if index else self.text.start
        end = self.bars[self.first_bar + index] if index < width - 1 else self.text.end
        return Slices(self.text.buffer, start, end)


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


# --- Fields -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Fields:
    """The fields of some entries."""

    columns: dict[str, pa.Array]
    """Typed columns; strings as dictionaries where they repeat."""
    extra: pa.Array
    """The map of everything else."""
    pick: Mask
    """PICK=1."""
    existing: Slices
    """Existing_variation, empty where it says nothing."""


@dataclass(frozen=True, eq=False)
class _Unshown:
    """A field of which some entries have a text that no column shows."""

    index: int
    text: Slices
    some: Mask


class FieldReader:
    """Reads the fields of entries; remembers what the texts it met mean."""

    def __init__(self, format_: ConsequenceFormat) -> None:
        self._format = format_
        self._width = len(format_.names)
        self._parsed: list[dict[str, tuple[tuple[Any, ...], bool]]] = [{} for _ in format_.names]
        names = pa.array(format_.names, pa.string())
        self._names: pa.StringArray = names

    def read(self, entries: Entries) -> Fields:
        """Read the fields of entries."""
        columns: dict[str, pa.Array] = {}
        count = len(entries.text)
        rest: list[_Unshown] = []
        pick = np.zeros(count, dtype=np.bool_)
        nothing = np.zeros(count, dtype=np.int64)
        existing = Slices(entries.text.buffer, nothing, nothing)
        for index, (name, known) in enumerate(zip(self._format.names, self._format.known, strict=True)):
            text = entries.field(index, self._width)
            length = text.length
            some = length > 0
            if not some.any():
                continue
            single = length == 1
            if single.any():
                some &= ~(single & (text.byte(0) == _DOT))
            if known is not None:
                unshown = self._known(index, known, text, ~some, columns)
                if unshown is not None:
                    rest.append(_Unshown(index, text, unshown))
                continue
            rest.append(_Unshown(index, text, some))
            if name == "PICK":
                pick = text.equals("1")
            elif name == "Existing_variation":
                existing = Slices(text.buffer, text.start, np.where(some, text.end, text.start))
        extra = self._extra(entries.text, rest)
        for name, value in self._format.empty.items():
            if name not in columns:
                type_ = ARROW_TYPES[_TYPES[name]]
                columns[name] = pa.nulls(count, type_) if value is None else pa.repeat(pa.scalar(value, type_), count)
        return Fields(columns, extra, pick, existing)

    def _known(self, index: int, known: Field, text: Slices, empty: Mask, columns: dict[str, pa.Array]) -> Mask | None:
        """Make the columns of a known field; return for which entries they do not say all, None for none."""
        if empty.all():
            return None
        strings = text.strings(empty)
        if is_text(known):
            columns[known.columns[0]] = _text_column(strings, text, repeats=known.columns[0] not in _UNREPEATED)
            return None
        dictionary = strings.dictionary_encode()
        parsed = self._parse(index, known, dictionary.dictionary.to_pylist())
        for place, name in enumerate(known.columns):
            self._column(name, dictionary, [values[place] for values, _ in parsed], columns)
        incomplete = [not complete for _, complete in parsed]
        if not any(incomplete):
            return None
        codes = dictionary.indices.fill_null(len(incomplete)).to_numpy(zero_copy_only=False)
        return np.array([*incomplete, False], dtype=np.bool_)[codes]

    def _parse(self, index: int, known: Field, texts: Sequence[str]) -> list[tuple[tuple[Any, ...], bool]]:
        memory = self._parsed[index]
        if len(memory) > 100_000:  # noqa: PLR2004 - some megabytes
            memory.clear()
        result: list[tuple[tuple[Any, ...], bool]] = []
        for text in texts:
            found = memory.get(text)
            if found is None:
                found = memory[text] = known.parse(text)
            result.append(found)
        return result

    def _column(
        self, name: str, dictionary: pa.DictionaryArray, values: list[Any], columns: dict[str, pa.Array]
    ) -> None:
        """Make a column from the values of the distinct texts."""
        declared = _TYPES[name]
        indices = dictionary.indices
        if declared is Type.STRING:
            if values == dictionary.dictionary.to_pylist():
                columns[name] = dictionary
                return
            distinct = {value: code for code, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
            codes = pa.array([None if value is None else distinct[value] for value in values], pa.int32())
            columns[name] = pa.DictionaryArray.from_arrays(codes.take(indices), pa.array(list(distinct), pa.string()))
            return
        column = pa.array(values, ARROW_TYPES[declared]).take(indices)
        missing = self._format.empty[name]
        columns[name] = column if missing is None else column.fill_null(missing)

    def _extra(self, entries: Slices, rest: Sequence["_Unshown"]) -> pa.Array:
        """Make the map of the fields that no column shows, in the order of the header."""
        count, width = len(entries), len(rest)
        kept = np.empty((count, width), dtype=np.bool_)
        start = np.empty((count, width), dtype=np.int64)
        end = np.empty((count, width), dtype=np.int64)
        for place, one in enumerate(rest):
            kept[:, place], start[:, place], end[:, place] = one.some, one.text.start, one.text.end
        flat = np.flatnonzero(kept)
        offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum(np.count_nonzero(kept, axis=1), out=offsets[1:])
        fields = np.array([one.index for one in rest], dtype=np.int32)
        keys = self._names.take(pa.array(fields[flat % width] if width else fields))
        some = Slices(entries.buffer, start.reshape(-1)[flat], end.reshape(-1)[flat])
        return pa.MapArray.from_arrays(pa.array(offsets), keys, decoded(some.strings(), some))


def _text_column(strings: pa.StringArray, text: Slices, *, repeats: bool) -> pa.Array:
    if not repeats:
        return decoded(strings, text)
    dictionary = strings.dictionary_encode()
    values = dictionary.dictionary
    if not pc.any(pc.match_substring(values, "%")).as_py():
        return dictionary
    plain = [decode(value) for value in values.to_pylist()]
    codes = {value: code for code, value in enumerate(dict.fromkeys(plain))}
    indices = pa.array([codes[value] for value in plain], pa.int32()).take(dictionary.indices)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(codes), pa.string()))


def decoded(strings: pa.StringArray, text: Slices) -> pa.StringArray:
    """Replace percent codes."""
    percents = text.buffer.find("%")
    if not len(percents):
        return strings
    some = np.flatnonzero(np.searchsorted(percents, text.start) < np.searchsorted(percents, text.end))
    if not len(some):
        return strings
    wanted = strings.take(pa.array(some))
    change = [None if one is None else decode(one) for one in wanted.to_pylist()]
    mask = np.zeros(len(strings), dtype=np.bool_)
    mask[some] = True
    return pc.replace_with_mask(strings, pa.array(mask), pa.array(change, pa.string()))


# --- Picking ----------------------------------------------------------------------------------------------------------


def pick(group: Integers, fields: Fields) -> tuple[Integers, NDArray[np.int8]]:
    """Pick the entry that stands for each allele, see `vcf.consequences.pick`.

    Args:
        group: The allele of each entry, ascending.
        fields: What the entries say.

    Returns:
        For each allele that has entries, in order: the index of its entry, and the code of the reason.
    """
    count = len(group)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    size = np.diff(np.append(first, count))
    marks: tuple[Mask, ...] = (
        fields.pick,
        _bools(fields.columns["mane_select"].is_valid()),
        _bools(fields.columns["canonical"].fill_null(False)),  # noqa: FBT003 - the value
    )
    left = np.ones(count, dtype=np.bool_)
    reason = np.full(len(first), -1, dtype=np.int8)
    for code, mark in enumerate(marks):
        marked = left & mark
        some = np.logical_or.reduceat(marked, first)
        reason[some & (reason < 0)] = code
        left = np.where(np.repeat(some, size), marked, left)
    score = fields.columns["impact_score"].fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    score = np.where(left, score, -1)
    best = np.maximum.reduceat(score, first)
    reason[(reason < 0) & (best > 0)] = MARKS.index("impact")
    reason[reason < 0] = MARKS.index("first")
    candidates = np.flatnonzero(score == np.repeat(best, size))
    owner = np.repeat(np.arange(len(first)), size)[candidates]
    chosen = candidates[np.flatnonzero(np.diff(owner, prepend=-1))]
    return chosen, reason


def _bools(array: pa.Array) -> Mask:
    return array.to_numpy(zero_copy_only=False)
