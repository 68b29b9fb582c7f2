"""INFO of many alleles that is not in the occurrence table; the rules are those of `vcf.info_map`.

The fields of a chunk's INFO are one list, line by line as written. An allele has those of its line: their numbers are
ranges of that list, and a value of its own (Number=A, R) is a smaller piece of the same text. Columns take what they
can hold; what is left is the map, whose texts are copied once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.domain.columns import ChosenColumn, Type
from radiant.vcf import csq_fields
from radiant.vcf.bulk import numbers
from radiant.vcf.bulk.csq_numbers import READERS
from radiant.vcf.bulk.slices import Integers, Mask, Slices, ranges, split
from radiant.vcf.info_map import FLAG, InfoPlan, chosen_value
from radiant.vcf.schema import ARROW_TYPES

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


def take_part(  # noqa: PLR0913, PLR0917 - arrays of one table
    plan: InfoPlan, owner: Integers, code: Integers, names: list[str], value: Slices, has_value: Mask
) -> InfoFields:
    """Return those fields of INFO that take part."""
    wanted = np.array([plan.number(name) is not None for name in names], dtype=np.bool_)
    if not wanted.any():
        nothing = np.zeros(0, dtype=np.int64)
        return InfoFields(plan, nothing, nothing, names, value[nothing], has_value[nothing])
    at = np.flatnonzero(wanted[code])
    return InfoFields(plan, owner[at], code[at], names, value[at], has_value[at])


class AlleleInfo:
    """INFO of the alleles that get rows."""

    def __init__(self, fields: InfoFields, place: Integers, alt_index: Integers, n_alts: Integers) -> None:
        """Find each allele's fields and its own values.

        Args:
            fields: Of all lines.
            place: The line of each allele.
            alt_index: Which of its ALTs, from 1.
            n_alts: How many ALTs each line has.
        """
        self._plan = fields.plan
        self._count = len(place)
        self._names = fields.names
        self._codes = {name: code for code, name in enumerate(fields.names)}
        per_line = np.bincount(fields.owner, minlength=len(n_alts))
        first = np.cumsum(per_line) - per_line
        count = per_line[place]
        at = ranges(first[place], count)
        allele = np.repeat(np.arange(self._count), count)
        code, flag = fields.code[at], ~fields.has_value[at]
        buffer, start, end = fields.value.buffer, fields.value.start[at], fields.value.end[at]
        several = n_alts[place][allele]
        number = np.array([_NUMBERS[fields.plan.number(name) or ""] for name in fields.names], dtype=np.int64)[code]
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
        self._allele: Integers = allele[present]
        self._code: Integers = code[present]
        self._flag: Mask = flag[present]
        self._whole: Mask = whole[present]
        self._text = Slices(buffer, start[present], end[present])
        self._shown = np.zeros(len(self._allele), dtype=np.bool_)
        self._frequencies = dict(self._read_frequencies())

    def _of(self, key: str) -> Integers:
        """Return the fields of a key."""
        code = self._codes.get(key)
        return np.zeros(0, dtype=np.int64) if code is None else np.flatnonzero(self._code == code)

    def _read_frequencies(self) -> Iterable[tuple[str, tuple[NDArray[np.float64], Integers]]]:
        """Yield frequency columns with the value of each allele and the field it is from, -1 for none."""
        read = READERS[csq_fields.frequency]
        for column, keys in self._plan.frequencies.items():
            value, source = np.zeros(self._count), np.full(self._count, -1, dtype=np.int64)
            for key in keys:
                at = self._of(key)
                at = at[~self._whole[at] & ~self._flag[at] & (source[self._allele[at]] < 0)]
                (found,), sure = read(self._text[at])
                at = at[sure]
                value[self._allele[at]] = found[sure]
                source[self._allele[at]] = at
            if (source >= 0).any():
                yield column, (value, source)

    def fill(self, columns: dict[str, Any], alleles: Integers | None = None) -> None:
        """Fill the frequency columns where they are null.

        Args:
            columns: Columns by name.
            alleles: The allele of each row; None for one row per allele, which is what the map leaves out.
        """
        for column, (value, source) in self._frequencies.items():
            mine = source if alleles is None else source[alleles]
            found = pa.array(value if alleles is None else value[alleles], mask=mine < 0)
            known = columns.get(column)
            if known is not None and pa.types.is_dictionary(known.type):
                known = known.dictionary.take(known.indices)
            columns[column] = found if known is None else pc.coalesce(known, found)
            if alleles is None:
                empty = mine >= 0 if known is None else (mine >= 0) & known.is_null().to_numpy(zero_copy_only=False)
                self._shown[mine[empty]] = True

    def columns(self) -> dict[str, pa.Array]:
        """Return the chosen columns and the map, one value per allele; after `fill`."""
        found = {one.name: self._chosen(one) for one in self._plan.columns}
        if self._plan.has_map:
            found["info"] = self._map()
        return found

    def _chosen(self, column: ChosenColumn) -> pa.Array:
        at = self._of(column.key)
        type_ = ARROW_TYPES[column.type]
        text = self._text[at]
        if column.type in {Type.STRING, Type.BOOLEAN} or self._flag[at].any():
            strings = self._with_flags(text.strings(), self._flag[at])
            if column.type is Type.STRING:
                values = strings
            else:
                dictionary = strings.dictionary_encode()
                distinct = [chosen_value(one, column.type) for one in dictionary.dictionary.to_pylist()]
                values = pa.array(distinct, type_).take(dictionary.indices)
        else:
            values = _numbers(text, column.type)
        sure = values.is_valid().to_numpy(zero_copy_only=False)
        self._shown[at[sure]] = True
        index = np.full(self._count, -1, dtype=np.int64)
        index[self._allele[at]] = np.arange(len(at))
        return values.take(pa.array(index, mask=index < 0))

    @staticmethod
    def _with_flags(strings: pa.StringArray, flag: Mask) -> pa.StringArray:
        return pc.if_else(pa.array(flag), FLAG, strings) if flag.any() else strings

    def _map(self) -> pa.MapArray:
        in_map = np.array([self._plan.in_map(name) for name in self._names], dtype=np.bool_)
        at = np.flatnonzero(in_map[self._code] & ~self._shown) if len(in_map) else np.zeros(0, dtype=np.int64)
        offsets = np.zeros(self._count + 1, dtype=np.int32)
        np.cumsum(np.bincount(self._allele[at], minlength=self._count), out=offsets[1:])
        keys = pa.DictionaryArray.from_arrays(
            pa.array(self._code[at].astype(np.int32)), pa.array(self._names, pa.string())
        )
        strings = self._with_flags(self._text[at].strings(), self._flag[at])
        return pa.MapArray.from_arrays(pa.array(offsets), keys, strings)


def _numbers(text: Slices, type_: Type) -> pa.Array:
    """Read numbers; those that are not sure one by one, as `chosen_value` does."""
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
