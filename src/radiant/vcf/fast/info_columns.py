"""INFO of many lines: the `info_*` columns, and the checks of the keys that have none; the rules: `vcf.rules.info`.

The columns are those of `vcf.rules.info.INFO_COLUMNS`: a new one there is read here, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.columns import Column, Per, Type
from radiant.domain.tables import INFO_COLUMNS
from radiant.vcf.fast.annovar_block_columns import AnnovarBlocks, find_blocks
from radiant.vcf.fast.declared_columns import surely_fit
from radiant.vcf.fast.info_map_columns import InfoFields, take_part
from radiant.vcf.findings import BrokenRuleError, Piece
from radiant.vcf.header import reserved
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules.annovar_blocks import FIRST_KEY, LAST_KEY, which_counts
from radiant.vcf.rules.info import (
    annotation_of,
    checked,
    column_values,
    is_no_key,
    key_twice,
    no_key,
    several_in_blocks,
)
from radiant.vcf.rules.info_map import InfoPlan
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices, encoded, split

_Numbers = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Values:
    """The values of a number column: several per line when they are per allele."""

    value: _Numbers
    """All values; MISSING or NaN for null."""
    first: Integers
    """Index of each line's first value, -1 for a line without the key."""


@dataclass(frozen=True, eq=False)
class Info:
    """INFO of some lines."""

    columns: Mapping[str, Values | Slices]
    """By column; columns that no line has are absent. A text has one piece per line, of length -1 for null."""
    entries: Slices
    """The value of the consequences' key, empty pieces for lines without it."""
    keys: Mapping[str, Integers]
    """Undeclared keys and the lines they are on."""
    annotations: Mapping[str, Integers]
    """Annotators' keys, as `vcf.rules.info.annotation_of` names them, and the lines they are on."""
    fields: InfoFields
    """What is for the variant table."""
    pieces: list[tuple[int, Piece]]
    """Pieces left out with the index of the line, line by line as written."""
    ok: Mask
    """Lines whose INFO the fast path reads."""


def read_info(info: Slices, n_alts: Integers, header: Header, tag: str | None, plan: InfoPlan) -> Info:
    """Read INFO.

    Args:
        info: INFO of each line.
        n_alts: How many ALTs each line has.
        header: What is declared.
        tag: The consequences' key, None without.
        plan: Where the keys without a column here go.
    """
    return _Reading(info, n_alts, header, tag).read(plan)


@dataclass(frozen=True, eq=False)
class _Unread:
    """The text of a number column, to be read with that of all others of its kind."""

    key: str
    column: Column
    items: Slices
    owner: Integers
    """The line of each."""
    field: Integers
    """The INFO field of each."""
    first: Integers
    """Index of each line's first, -1 for a line without the key."""


@dataclass(slots=True)
class _Texts:
    """One text of each line, of length -1 for null, while it is put together."""

    start: Integers
    end: Integers


class _Reading:
    """One pass over a chunk's INFO; `_ok` is cleared for lines that are left to the rules."""

    def __init__(self, info: Slices, n_alts: Integers, header: Header, tag: str | None) -> None:
        self._lines = len(info)
        self._n_alts = n_alts
        self._header = header
        self._tag = tag
        self._buffer = info.buffer
        self._commas = info.buffer.find(",")
        self._ok = np.ones(self._lines, dtype=np.bool_)
        self._texts: dict[str, _Texts] = {}
        self._undeclared: dict[str, Integers] = {}
        self._annotations: dict[str, Integers] = {}
        self._again: list[tuple[int, Piece]] = []
        """Keys that come again, and empty entries, with the index of the INFO field."""
        self._unused: list[Integers] = []
        """Other INFO fields that take no part in the variant table."""
        self._pieces: list[tuple[int, Piece]] = []
        """Other pieces left out, with the index of the INFO field; those of a line come after its `_again`."""
        self._unread: dict[tuple[Type, bool], list[_Unread]] = {}
        self._number_columns: set[str] = set()
        self._entries = _Texts(np.zeros(self._lines, np.int64), np.zeros(self._lines, np.int64))
        present = np.flatnonzero(~info.equals("."))
        fields = split(info[present], info.buffer.find(";"))
        self._owner = present[fields.owner]
        key_end = fields.items.first("=")
        self._has_value = key_end < fields.items.end
        self._values = Slices(info.buffer, key_end + self._has_value, fields.items.end)
        self._codes, self._names = encoded(Slices(info.buffer, fields.items.start, key_end).strings())
        self._annotated = self._fields_of(tag)
        self._blocks = find_blocks(self._owner, self._codes, self._names, n_alts)
        if self._blocks is not None:
            self._reject(self._blocks.unclear)
            self._blocks.alt[self._annotated[self._annotated < len(self._codes)]] = 0

    def read(self, plan: InfoPlan) -> Info:
        """Read key by key, the numbers of all keys together."""
        codes, names = self._codes, self._names
        order = np.argsort(codes.astype(np.int16) if len(names) < 1 << 15 else codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for code, name in enumerate(names):
            self._read_key(name, order[bounds[code] : bounds[code + 1]])
        columns: dict[str, Values | Slices] = {
            name: Slices(self._buffer, one.start, one.end) for name, one in self._texts.items()
        }
        for (type_, negative), unread in self._unread.items():
            columns |= self._read_together(type_, unread, negative=negative)
        entries = Slices(self._buffer, self._entries.start, self._entries.end)
        self._pieces.sort(key=itemgetter(0))
        if (blocks := self._blocks) is not None:  # checked after those outside
            self._pieces.sort(key=lambda one: bool(blocks.alt[one[0]] > 0))
        pieces = [
            (int(self._owner[at]), piece) for at, piece in (*sorted(self._again, key=itemgetter(0)), *self._pieces)
        ]
        pieces.sort(key=itemgetter(0))
        return Info(columns, entries, self._undeclared, self._annotations, self._taking_part(plan), pieces, self._ok)

    def _taking_part(self, plan: InfoPlan) -> InfoFields:
        """Return the fields for the variant table: those that count, of each line those outside blocks first."""
        at = np.arange(len(self._codes))
        unused = [np.array([at for at, _ in self._again], dtype=np.int64), *self._unused]
        if any(map(len, unused)):
            at = np.delete(at, np.concatenate(unused))
        alt = None
        if self._blocks is not None:
            at = at[np.lexsort((self._blocks.alt[at] > 0, self._owner[at]))]
            alt = self._blocks.alt[at]
        return take_part(
            plan, self._owner[at], self._codes[at], self._names, self._values[at], self._has_value[at], alt
        )

    def _fields_of(self, key: str | None) -> Integers:
        """Return the field of each line that has a key, a number above all fields for a line without it."""
        found = np.full(self._lines, len(self._codes), dtype=np.int64)
        if key in self._names:
            at = np.flatnonzero(self._codes == self._names.index(key))
            found[self._owner[at]] = at
        return found

    def _reject(self, owners: Integers) -> None:
        """Leave lines to the rules."""
        self._ok[owners] = False

    def _read_key(self, name: str, fields: Integers) -> None:
        """Read a key on all the lines that have it."""
        if not name and not self._has_value[fields].any():
            self._again += [(at, no_key("")) for at in fields.tolist()]
            return
        if is_no_key(name, self._header.info):
            self._reject(self._owner[fields])
            return
        if self._blocks is not None and (inside := self._blocks.alt[fields] > 0).any():
            self._read_in_blocks(self._blocks, name, fields[inside], fields[~inside])
            fields = fields[~inside]
        if len(fields):
            self._read_of_line(name, fields)

    def _read_of_line(self, name: str, fields: Integers) -> None:
        """Read a key outside ANNOVAR's blocks."""
        owner = self._owner[fields]
        column = INFO_COLUMNS.get(name)
        again = np.flatnonzero(np.diff(owner, prepend=-1) == 0)
        if len(again) and (column is not None or name == self._tag):
            self._reject(owner[again])
        elif len(again):
            self._leave_out_again(name, fields[again])
            fields, owner = np.delete(fields, again), np.delete(owner, again)
        self._note_annotation(name, owner)
        has_value = self._has_value[fields]
        if name == self._tag:
            self._read_entries(owner, self._values[fields], has_value)
        elif column is None:
            self._check_other(name, fields)
        elif column.type is Type.STRING:
            self._read_text(column, owner[has_value], self._values[fields[has_value]])
        else:
            self._read_numbers(name, column, fields[has_value])

    def _note_annotation(self, name: str, owner: Integers) -> None:
        annotation = name if name == self._tag else annotation_of(name)
        if annotation is not None:
            known = self._annotations.get(annotation)
            self._annotations[annotation] = owner if known is None else np.union1d(known, owner)

    def _read_in_blocks(self, blocks: AnnovarBlocks, name: str, fields: Integers, outside: Integers) -> None:
        """Read a key in ANNOVAR's blocks; `outside` are its fields that are in none."""
        if self._may_be_cut_off(name):
            self._reject_cut_off(fields)
        if name not in INFO_COLUMNS and len(outside):
            again = np.isin(self._owner[fields], self._owner[outside])
            self._again += [(at, key_twice(name, self._entry(name, at))) for at in fields[again].tolist()]
            fields = fields[~again]
        fields = self._counting(blocks, name, fields)
        owner = self._owner[fields]
        if len(outside):
            self._unused.append(outside[np.isin(self._owner[outside], owner)])
        lines = np.unique(owner)
        self._note_annotation(name, lines)
        declaration = self._header.declaration_in_blocks(name)
        if declaration is None:
            self._undeclared[name] = lines
        else:
            self._check(name, declaration, fields, np.ones(len(fields), dtype=np.int64))

    def _counting(self, blocks: AnnovarBlocks, name: str, fields: Integers) -> Integers:
        """Return the fields of a key in blocks that count for their ALT; pieces are made of the others."""
        first, several = blocks.again(self._owner, fields)
        if not several:
            return fields
        counts = np.ones(len(fields), dtype=np.bool_)
        if name in {FIRST_KEY, LAST_KEY}:
            counts[np.delete(np.arange(len(fields)), first)] = False
            several = []
        for places in several:
            of = blocks.block[fields[places]].tolist()
            texts, has_value = self._values[fields[places]].texts(), self._has_value[fields[places]]
            found = [(block, text if has else None) for block, text, has in zip(of, texts, has_value, strict=True)]
            best, others = which_counts(name, found)
            counts[places] = False
            if best is not None:
                counts[places[best]] = True
            piece = several_in_blocks if best is None else key_twice
            self._again += [(at, piece(name, self._entry(name, at))) for at in fields[places[others]].tolist()]
        self._unused.append(fields[~counts])
        return fields[counts]

    def _entry(self, name: str, field: int) -> str:
        """Return an INFO field as written."""
        return f"{name}={self._values[field : field + 1].texts()[0]}" if self._has_value[field] else name

    def _leave_out_again(self, name: str, fields: Integers) -> None:
        """Leave out fields of a key without a column that their lines have before: the first value counts."""
        if self._may_be_cut_off(name):
            self._reject_cut_off(fields)
        self._again += [(at, key_twice(name, self._entry(name, at))) for at in fields.tolist()]

    def _read_entries(self, owner: Integers, value: Slices, has_value: Mask) -> None:
        if self._tag is not None and self._header.info_declaration(self._tag) is None:
            self._undeclared[self._tag] = owner
        some = has_value & ~value.equals(".")
        self._entries.start[owner[some]] = value.start[some]
        self._entries.end[owner[some]] = value.end[some]

    def _read_text(self, column: Column, owner: Integers, value: Slices) -> None:
        dots = value.equals(".")
        known = self._texts.get(column.name)
        if known is None:
            nothing = np.zeros(self._lines, dtype=np.int64)
            known = self._texts[column.name] = _Texts(nothing, nothing - 1)
        self._reject(owner[known.end[owner] >= known.start[owner]])  # two keys of one column
        known.start[owner[~dots]] = value.start[~dots]
        known.end[owner[~dots]] = value.end[~dots]

    def _read_numbers(self, name: str, column: Column, fields: Integers) -> None:
        owner, value = self._owner[fields], self._values[fields]
        if column.name in self._number_columns:  # two keys of one column
            self._reject(owner)
            return
        self._number_columns.add(column.name)
        # A dot alone stands for all values.
        alone = value.equals(".")
        if alone.any():
            owner, value, fields = owner[~alone], value[~alone], fields[~alone]
        first = np.full(self._lines, -1, dtype=np.int64)
        if column.per is Per.ALLELE:
            pieces = split(value, self._commas)
            right = pieces.count == self._n_alts[owner]
            if not right.all():
                for field in fields[~right].tolist():
                    self._read_by_rules(name, column, field)
                owner, value, fields = owner[right], value[right], fields[right]
                pieces = split(value, self._commas)
            first[owner] = pieces.first
            owner, value, fields = owner[pieces.owner], pieces.items, fields[pieces.owner]
        else:
            first[owner] = np.arange(len(owner))
        unread = self._unread.setdefault((column.type, name not in reserved.NOT_NEGATIVE), [])
        unread.append(_Unread(name, column, value, owner, fields, first))

    def _read_by_rules(self, name: str, column: Column, field: int) -> Sequence[float | None] | None:
        """Read a number field that arrays do not read; None where the column is null or the line left to the rules."""
        line = int(self._owner[field])
        (text,) = self._values[field : field + 1].texts()
        try:
            found = column_values(column, name, text, int(self._n_alts[line]))
        except BrokenRuleError:
            self._ok[line] = False
            return None
        if isinstance(found, Piece):
            self._pieces.append((field, found))
            return None
        return found

    def _read_together(self, type_: Type, columns: Sequence[_Unread], *, negative: bool) -> dict[str, Values | Slices]:
        """Return number columns, read at once; of a column with one value none has a comma."""
        start, end = (np.concatenate([getattr(one.items, name) for one in columns]) for name in ("start", "end"))
        read = numbers.integers if type_ is Type.INT else numbers.floats
        missing = numbers.MISSING if type_ is Type.INT else np.nan
        value, ok = read(Slices(self._buffer, start, end), negative=negative)
        found: dict[str, Values | Slices] = {}
        at = 0
        for one in columns:
            mine = slice(at, at + len(one.items))
            for field in np.unique(one.field[~ok[mine]]).tolist():
                line = int(self._owner[field])
                by_rules = self._read_by_rules(one.key, one.column, field)
                if by_rules is None:
                    one.first[line] = -1
                else:
                    first = at + int(one.first[line])
                    value[first : first + len(by_rules)] = [missing if item is None else item for item in by_rules]
            found[one.column.name] = Values(value[mine], one.first)
            at = mine.stop
        return found

    def _check_other(self, name: str, fields: Integers) -> None:
        """Check a key without a column against its declaration."""
        if self._may_be_cut_off(name):
            self._reject_cut_off(fields)
        owner = self._owner[fields]
        declaration = self._header.info_declaration(name)
        if declaration is None:
            known = self._undeclared.get(name)
            self._undeclared[name] = owner if known is None else np.union1d(known, owner)
        else:
            self._check(name, declaration, fields, self._n_alts[owner])

    def _check(self, name: str, declaration: reserved.Declaration, fields: Integers, n_alts: Integers) -> None:
        """Check fields of a key; what arrays are not sure of goes through the rules. `n_alts` are those of each."""
        value, has_value = self._values[fields], self._has_value[fields]
        odd = np.flatnonzero(~surely_fit(name, declaration, n_alts, value, has_value))
        for at, text in zip(odd.tolist(), value[odd].texts(), strict=True):
            piece = checked(name, text if has_value[at] else None, declaration, int(n_alts[at]))
            if piece is not None:
                self._pieces.append((int(fields[at]), piece))

    def _may_be_cut_off(self, name: str) -> bool:
        """Return whether a key without a column may be text that a semicolon cut off the annotation."""
        return name not in self._header.info and annotation_of(name) is None

    def _reject_cut_off(self, fields: Integers) -> None:
        """Leave the lines to the rules on which the value of such a key has the `|` of the annotation before it."""
        owner = self._owner[fields]
        self._reject(owner[self._values[fields].having("|") & (fields > self._annotated[owner])])


def per_allele(column: Column, info: Info, line: Integers, alt_index: Integers) -> pa.Array:
    """Return a number column for alleles: its line (index among those read) and number (from 1) of each."""
    integer = column.type is Type.INT
    found = info.columns.get(column.name)
    if not isinstance(found, Values):
        return pa.nulls(len(line), pa.int32() if integer else pa.float32())
    first = found.first[line]
    null = first < 0
    if not len(found.value):
        return pa.nulls(len(line), pa.int32() if integer else pa.float32())
    value = found.value[np.maximum(first, 0) + (np.where(null, 0, alt_index - 1) if column.per is Per.ALLELE else 0)]
    if integer:
        null |= value == numbers.MISSING
        return pa.array(np.where(null, 0, value).astype(np.int32), mask=null)
    null |= np.isnan(value)
    with np.errstate(over="ignore"):  # infinite in 32 bits, as Arrow converts it
        return pa.array(value.astype(np.float32), mask=null)


NUMBER_COLUMNS = tuple(column for column in dict.fromkeys(INFO_COLUMNS.values()) if column.type is not Type.STRING)
"""The `info_*` columns that hold numbers."""
TEXT_COLUMNS = tuple(column for column in dict.fromkeys(INFO_COLUMNS.values()) if column.type is Type.STRING)
"""The `info_*` columns that hold text."""
