"""INFO of many alleles that is not in the occurrence table; the rules are those of `vcf.rules.info_map`.

The fields of a chunk's INFO are one list, line by line as written. An allele has those of its line: their numbers are
ranges of that list, and a value of its own (Number=A, R) is a smaller piece of the same text. Columns take what they
can hold; what is left is the map, whose texts are copied once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.domain.columns import ChosenColumn, Type
from radiant.vcf.fast.csq_number_columns import READERS
from radiant.vcf.rules import csq_fields
from radiant.vcf.rules.info_map import FLAG, InfoPlan, chosen_value
from radiant.vcf.schema import ARROW_TYPES
from radiant.vcf.vector import numbers
from radiant.vcf.vector.arrow import decoded, only_used
from radiant.vcf.vector.slices import Integers, Mask, Slices, ranges, split

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_DOT = ord(".")
_PLAIN, _A, _R = range(3)
_NUMBERS: Mapping[str, int] = {"": _PLAIN, "A": _A, "R": _R}


@dataclass(frozen=True, eq=False)
class InfoFields:
    """The fields of some lines that take part, in the order of the text."""

    plan: InfoPlan
    owner: Integers
    """The line of each, ascending."""
    code: Integers
    """Code of the key among `names`."""
    names: list[str]
    value: Slices
    has_value: Mask
    """Whether there is an equals sign."""
    alt: Integers | None
    """The ALT, from 1, whose block of ANNOVAR's each is in, 0 outside; None in a chunk without blocks."""


def take_part(  # noqa: PLR0913, PLR0917 - arrays of one table
    plan: InfoPlan,
    owner: Integers,
    code: Integers,
    names: list[str],
    value: Slices,
    has_value: Mask,
    alt: Integers | None,
) -> InfoFields:
    """Return those fields of INFO that take part."""
    wanted = np.array([plan.number(name) is not None for name in names], dtype=np.bool_)[code]
    if alt is not None:
        in_block = np.array([plan.takes_part_in_block(name) for name in names], dtype=np.bool_)
        wanted = np.where(alt > 0, in_block[code], wanted)
    at = np.flatnonzero(wanted)
    return InfoFields(plan, owner[at], code[at], names, value[at], has_value[at], None if alt is None else alt[at])


@dataclass(frozen=True, eq=False)
class AlleleInfoColumns:
    """INFO of the alleles that get rows: a list of fields, allele by allele, that have a value."""

    plan: InfoPlan
    count: int
    """How many alleles there are."""
    names: list[str]
    """Keys by code."""
    allele: Integers
    """The allele of each field."""
    code: Integers
    """Code of each field's key."""
    flag: Mask
    """Fields without an equals sign."""
    whole: Mask
    """Fields of a line with several ALTs whose text stands for the whole line: which ALT it is about is not certain."""
    text: Slices
    of_block: Mask | None
    """Fields of ANNOVAR's block of the allele; None where there are none."""

    @classmethod
    def of(cls, fields: InfoFields, place: Integers, alt_index: Integers, n_alts: Integers) -> "AlleleInfoColumns":
        """Find each allele's fields and its own values.

        Args:
            fields: Of all lines.
            place: The line of each allele.
            alt_index: Which of its ALTs, from 1.
            n_alts: How many ALTs each line has.
        """
        per_line = np.bincount(fields.owner, minlength=len(n_alts))
        first = np.cumsum(per_line) - per_line
        count = per_line[place]
        at = ranges(first[place], count)
        allele = np.repeat(np.arange(len(place)), count)
        of_block = None
        if fields.alt is not None:
            alt = fields.alt[at]
            own = (alt == 0) | (alt == alt_index[allele])
            at, allele, of_block = at[own], allele[own], alt[own] > 0
        code, flag = fields.code[at], ~fields.has_value[at]
        buffer, start, end = fields.value.buffer, fields.value.start[at], fields.value.end[at]
        several = n_alts[place][allele]
        number = np.array([_NUMBERS[fields.plan.number(name) or ""] for name in fields.names], dtype=np.int64)[code]
        if of_block is not None:
            number[of_block] = _PLAIN
        whole = np.zeros(len(at), dtype=np.bool_)
        own = np.flatnonzero(((number == _A) & (several > 1)) | (number == _R))
        if len(own):
            pieces = split(Slices(buffer, start[own], end[own]), buffer.find(","))
            of_ref = number[own] == _R
            fits = (pieces.count == several[own] + of_ref) & ~flag[own]
            whole[own] = ~fits & (several[own] > 1)
            item = (pieces.first + alt_index[allele[own]] - 1 + of_ref)[fits]
            start[own[fits]], end[own[fits]] = pieces.items.start[item], pieces.items.end[item]
        length = end - start
        present = flag | ((length > 0) & ~((length == 1) & (buffer.padded[start] == _DOT)))
        text = Slices(buffer, start[present], end[present])
        return cls(
            fields.plan,
            len(place),
            fields.names,
            allele[present],
            code[present],
            flag[present],
            whole[present],
            text,
            None if of_block is None else of_block[present],
        )

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.names)}

    def _of(self, key: str) -> Integers:
        """Return the fields of a key."""
        code = self._codes.get(key)
        return np.zeros(0, dtype=np.int64) if code is None else np.flatnonzero(self.code == code)

    @cached_property
    def _frequencies(self) -> Mapping[str, tuple[NDArray[np.float64], Integers]]:
        """By frequency column: the value of each allele, and the field it is from, -1 for none."""
        read = READERS[csq_fields.frequency]
        frequencies: dict[str, tuple[NDArray[np.float64], Integers]] = {}
        for column, keys in self.plan.frequencies.items():
            value, source = np.zeros(self.count), np.full(self.count, -1, dtype=np.int64)
            for key in keys:
                at = self._of(key)
                at = at[~self.whole[at] & ~self.flag[at] & (source[self.allele[at]] < 0)]
                (found,), sure = read(self.text[at])
                at = at[sure]
                value[self.allele[at]] = found[sure]
                source[self.allele[at]] = at
            if (source >= 0).any():
                frequencies[column] = value, source
        return frequencies

    def frequencies(self, columns: Mapping[str, pa.Array], alleles: Integers | None = None) -> dict[str, pa.Array]:
        """Return the frequency columns, filled where they are null.

        Args:
            columns: Columns by name, those that entries fill among them.
            alleles: The allele of each row; None for one row per allele.
        """
        filled: dict[str, pa.Array] = {}
        for column, (value, source) in self._frequencies.items():
            mine = source if alleles is None else source[alleles]
            found = pa.array(value if alleles is None else value[alleles], mask=mine < 0)
            known = columns.get(column)
            filled[column] = found if known is None else pc.coalesce(decoded(known), found)
        return filled

    def variant_columns(self, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Return the columns of the variant table that INFO fills: frequencies, chosen columns, the map of the rest.

        Args:
            columns: The other columns by name, one value per allele.
        """
        filled = self.frequencies(columns)
        shown = np.zeros(len(self.allele), dtype=np.bool_)
        for column, (_, source) in self._frequencies.items():
            known = columns.get(column)
            empty = source >= 0
            if known is not None:
                empty &= decoded(known).is_null().to_numpy(zero_copy_only=False)
            shown[source[empty]] = True
        for one in self.plan.columns:
            at, values = self._chosen(one)
            sure = values.is_valid().to_numpy(zero_copy_only=False)
            shown[at[sure]] = True
            index = np.full(self.count, -1, dtype=np.int64)
            index[self.allele[at]] = np.arange(len(at))
            filled[one.name] = values.take(pa.array(index, mask=index < 0))
        if self.plan.has_map:
            filled["info"] = self._map(shown)
        return filled

    def _chosen(self, column: ChosenColumn) -> tuple[Integers, pa.Array]:
        """Return the fields of a chosen column, and the value of each."""
        at = self._of(column.key)
        type_ = ARROW_TYPES[column.type]
        text = self.text[at]
        if column.type not in {Type.STRING, Type.BOOLEAN} and not self.flag[at].any():
            return at, _numbers(text, column.type)
        strings = self._with_flags(text.strings(), self.flag[at])
        if column.type is Type.STRING:
            return at, strings
        dictionary = strings.dictionary_encode()
        distinct = [chosen_value(one, column.type) for one in dictionary.dictionary.to_pylist()]
        return at, pa.array(distinct, type_).take(dictionary.indices)

    @staticmethod
    def _with_flags(strings: pa.StringArray, flag: Mask) -> pa.StringArray:
        return pc.if_else(pa.array(flag), FLAG, strings) if flag.any() else strings

    def _map(self, shown: Mask) -> pa.MapArray:
        """Return the map of the fields that no column shows."""
        in_map = np.array([self.plan.in_map(name) for name in self.names], dtype=np.bool_)
        wanted = in_map[self.code]
        if self.of_block is not None:
            in_block = np.array([self.plan.in_map_of_block(name) for name in self.names], dtype=np.bool_)
            wanted = np.where(self.of_block, in_block[self.code], wanted)
        at = np.flatnonzero(wanted & ~shown)
        offsets = np.zeros(self.count + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.allele[at], minlength=self.count), out=offsets[1:])
        keys = only_used(self.code[at].astype(np.int32), pa.array(self.names, pa.string()))
        strings = self._with_flags(self.text[at].strings(), self.flag[at])
        return pa.MapArray.from_arrays(pa.array(offsets), keys, strings)


def _numbers(text: Slices, type_: Type) -> pa.Array:
    """Read numbers; texts that `vector.numbers` does not read go through `chosen_value` one by one."""
    integer = type_ is Type.INT
    value, sure = numbers.integers(text, negative=True) if integer else numbers.floats(text)
    null = ~sure | (value == numbers.MISSING if integer else np.isnan(value))
    value = np.where(null, 0, value)
    for at in np.flatnonzero(~sure).tolist():
        one: Any = chosen_value(text[at : at + 1].texts()[0], type_)
        if one is not None:
            value[at], null[at] = one, False
    with np.errstate(over="ignore"):
        return pa.array(value.astype(ARROW_TYPES[type_].to_pandas_dtype()), mask=null)
