"""The fields of consequence entries as columns; the rules: `vcf.rules.csq_fields` and `vcf.rules.consequences.pick`.

A field's text is read by its own parser of `rules.csq_fields`, once per distinct text of a chunk; numbers are read all
at once (`csq_number_columns`), and text that hardly repeats is copied. Fields side by side that are about the
transcript, or the variant, are read together: a few hundred distinct runs of text stand for ten thousand entries.

    entries   T|intron_variant|MODIFIER|GENE|...|lncRNA|   C|intron_variant|MODIFIER|GENE|...|lncRNA|
    runs        [intron_variant|MODIFIER|GENE|...|lncRNA]    the same text: number 0
    columns   consequences, impact, symbol, ... of run 0     and for each entry the number of its run
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.domain.columns import Per, Type
from radiant.domain.tables import COLUMNS
from radiant.vcf.fast import csq_number_columns
from radiant.vcf.fast.csq_entry_columns import Entries
from radiant.vcf.rules.csq_fields import ConsequenceFormat, Field, decode, frequency, is_text
from radiant.vcf.schema import ARROW_TYPES
from radiant.vcf.vector.arrow import decoded as plain
from radiant.vcf.vector.arrow import only_used, spread
from radiant.vcf.vector.slices import Integers, Mask, Slices

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_OF_TRANSCRIPT = frozenset(
    {
        "FLAGS", "SYMBOL_SOURCE", "MANE", "TSL", "APPRIS", "CCDS", "ENSP", "SWISSPROT", "TREMBL", "UNIPARC",
        "UNIPROT_ISOFORM", "SOURCE", "GENE_PHENO",
    }
)  # fmt: skip
"""Fields without a column that are the same wherever a variant has the same effect on the same transcript."""
_OF_ALLELE = frozenset({"AF", "MAX_AF_POPS", "SOMATIC", "PHENO", "PUBMED", "VAR_SYNONYMS"})
"""Fields without a column that are the same in all entries of an allele, beside the frequencies."""
MARKS: tuple[str, ...] = ("PICK", "MANE_SELECT", "CANONICAL", "impact", "first")
"""Why an entry is picked; by code."""
_DOT = ord(".")


@dataclass(frozen=True, eq=False)
class Fields:
    """The fields of some entries."""

    columns: dict[str, pa.Array]
    """Typed columns; strings as dictionaries where they repeat."""
    extra: pa.Array
    """The map of everything else."""
    pick: Mask
    """PICK=1."""

    @cached_property
    def score(self) -> Integers:
        """The impact's score, 0 where there is none."""
        return plain(self.columns["impact_score"]).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Run:
    """The distinct texts of fields side by side."""

    texts: Slices
    """What each says of one field."""
    some: Mask
    """Which say something of it."""
    of: Integers
    """The number of each entry's text."""


@dataclass(frozen=True, eq=False)
class _Unshown:
    """A field of which some entries have a text that no column shows."""

    text: Slices
    some: Mask
    run: _Run | None = None
    """None where the field was read by itself."""

    def dictionary(self) -> tuple[NDArray[np.int32], pa.StringArray]:
        """Return a code per entry, of any value where `some` is not set, and the texts by code."""
        if self.run is None:
            found = self.text.dictionary(~self.some)
            return _codes(found), found.dictionary
        found = self.run.texts.dictionary(~self.run.some)
        return _codes(found)[self.run.of], found.dictionary


def _codes(dictionary: pa.DictionaryArray) -> NDArray[np.int32]:
    """Return the codes, 0 for null."""
    codes: NDArray[np.int32] = dictionary.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return codes


class FieldReader:
    """Reads the fields of entries, with a cache of the texts read so far."""

    def __init__(self, format_: ConsequenceFormat) -> None:
        self._format = format_
        self._width = len(format_.names)
        self._parsed: list[dict[str, tuple[tuple[Any, ...], bool]]] = [{} for _ in format_.names]
        self._names: pa.StringArray = pa.array(dict.fromkeys(format_.names), pa.string())
        self._name_codes = {name: code for code, name in enumerate(dict.fromkeys(format_.names))}
        self._runs = list(_runs(format_))
        in_runs = {index for first, last in self._runs for index in range(first, last)}
        self._alone = [index for index in range(self._width) if index not in in_runs]
        self._pick = format_.names.index("PICK") if "PICK" in format_.names else -1

    def read(self, entries: Entries) -> Fields:
        """Read the fields of entries."""
        columns: dict[str, pa.Array] = {}
        count = len(entries)
        unshown: dict[int, _Unshown] = {}
        for first, last in self._runs:
            # It repeats from line to line, or from entry to entry of a line: it is read once per distinct text.
            dictionary = entries.run(first, last).dictionary()
            if 2 * len(dictionary.dictionary) > count:
                self._read(entries, range(first, last), 0, columns, unshown)
                continue
            heads: dict[str, pa.Array] = {}
            texts = Entries.of(dictionary.dictionary, last - first)
            odd: dict[int, _Unshown] = {}
            self._read(texts, range(first, last), first, heads, odd)
            columns |= spread(heads, dictionary.indices)
            at = dictionary.indices.to_numpy()
            for index, one in odd.items():
                run = _Run(one.text, one.some, at)
                unshown[index] = _Unshown(entries.field(index), one.some[at], run)
        self._read(entries, self._alone, 0, columns, unshown)
        pick = np.zeros(count, dtype=np.bool_)
        if (one := unshown.get(self._pick)) is not None:
            pick = one.text.equals("1")
        self._other_frequencies(count, columns, unshown)
        extra = self._extra(entries, unshown)
        for name, value in self._format.empty.items():
            if name not in columns:
                type_ = ARROW_TYPES[COLUMNS[name].type]
                columns[name] = pa.nulls(count, type_) if value is None else pa.repeat(pa.scalar(value, type_), count)
        whose = pa.array([self._format.annotator.value], pa.string())
        columns["annotator"] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), whose)
        return Fields(columns, extra, pick)

    def _other_frequencies(self, count: int, columns: dict[str, pa.Array], unshown: dict[int, _Unshown]) -> None:
        """Fill frequency columns from other fields than their own, see `ConsequenceFormat.frequencies`."""
        read = csq_number_columns.READERS[frequency]
        taken: dict[int, Mask] = {}
        for name, indexes in self._format.frequencies:
            known = plain(columns[name]) if name in columns else pa.nulls(count, pa.float64())
            value = np.array(known.fill_null(0).to_numpy(zero_copy_only=False))
            null = _bools(known.is_null())
            for index in indexes:
                one = unshown.get(index)
                at = np.flatnonzero(null & one.some) if one is not None else np.zeros(0, dtype=np.int64)
                if one is None or not len(at):
                    continue
                (found,), sure = read(one.text[at])
                at = at[sure]
                value[at], null[at] = found[sure], False
                taken.setdefault(index, np.zeros(count, dtype=np.bool_))[at] = True
            columns[name] = pa.array(value, mask=null)
        for index, some in taken.items():
            unshown[index] = replace(unshown[index], some=unshown[index].some & ~some)

    def _read(
        self,
        entries: Entries,
        indexes: Iterable[int],
        before: int,
        columns: dict[str, pa.Array],
        unshown: dict[int, _Unshown],
    ) -> None:
        """Read some fields of entries.

        Args:
            entries: Whole entries, or a run of their fields.
            indexes: Which fields, by their number in a whole entry.
            before: How many fields of the whole entry these texts leave out at the beginning.
            columns: The columns go here.
            unshown: What no column shows goes here.
        """
        for index in indexes:
            text = entries.field(index - before)
            some = _said(text)
            if some is None:
                continue
            known = self._format.known[index]
            if known is not None:
                some = self._known(index, known, text, ~some, columns)
            if some is not None:
                unshown[index] = _Unshown(text, some)

    def _known(self, index: int, known: Field, text: Slices, empty: Mask, columns: dict[str, pa.Array]) -> Mask | None:
        """Make the columns of a known field; return for which entries they do not say all, None for none."""
        if empty.all():
            return None
        if is_text(known):
            columns[known.columns[0]] = _text_column(text, empty, repeats=COLUMNS[known.columns[0]].repeats)
            return None
        if (found := _numbers(known, text, empty)) is not None:
            columns |= found
            return None
        dictionary = text.dictionary(empty)
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
        declared = COLUMNS[name].type
        indices = dictionary.indices
        if declared is Type.STRING:
            if values == dictionary.dictionary.to_pylist():
                columns[name] = dictionary
                return
            distinct = {value: code for code, value in enumerate(dict.fromkeys(v for v in values if v is not None))}
            codes = pa.array([None if value is None else distinct[value] for value in values], pa.int32())
            columns[name] = pa.DictionaryArray.from_arrays(codes.take(indices), pa.array(list(distinct), pa.string()))
            return
        missing = self._format.empty[name]
        if missing is not None and indices.null_count:
            indices = indices.fill_null(len(values))
            values = [*values, missing]
        columns[name] = pa.DictionaryArray.from_arrays(indices, pa.array(values, ARROW_TYPES[declared]))

    def _extra(self, entries: Entries, unshown: dict[int, _Unshown]) -> pa.Array:
        """Make the map of the fields that no column shows, in the order of the header; its texts repeat."""
        rest = sorted(unshown)
        count, width = len(entries), len(rest)
        kept = np.empty((count, width), dtype=np.bool_)
        code = np.empty((count, width), dtype=np.int32)
        texts: list[pa.StringArray] = [pa.array([], pa.string())]
        known = 0
        for place, index in enumerate(rest):
            codes, own = unshown[index].dictionary()
            kept[:, place] = unshown[index].some
            np.add(codes, known, out=code[:, place], casting="unsafe")
            texts.append(own)
            known += len(own)
        flat = np.flatnonzero(kept)
        offsets = np.zeros(count + 1, dtype=np.int32)
        np.cumsum(np.count_nonzero(kept, axis=1), out=offsets[1:])
        names = np.array([self._name_codes[self._format.names[index]] for index in rest], dtype=np.int32)
        keys = only_used(names[flat % width] if width else names, self._names)
        # Two fields may have a text in common: a dictionary has it once.
        distinct = decoded(pa.concat_arrays(texts)).dictionary_encode()
        items = only_used(distinct.indices.to_numpy()[code.reshape(-1)[flat]], distinct.dictionary)
        if 2 * len(items.dictionary) > len(flat):
            items = items.dictionary.take(items.indices)
        return pa.MapArray.from_arrays(pa.array(offsets), keys, items)


def _said(text: Slices) -> Mask | None:
    """Return which pieces are neither empty nor a dot, None where all are empty."""
    length = text.length
    some = length > 0
    if not some.any():
        return None
    single = length == 1
    if single.any():
        some &= ~(single & (text.byte(0) == _DOT))
    return some


def _runs(format_: ConsequenceFormat) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of fields side by side that vary by the same."""
    first = 0
    for per, group in groupby(map(_varies_by, format_.names, format_.known)):
        last = first + len(list(group))
        if per is not Per.ENTRY and last - first > 1:
            yield first, last
        first = last


def _varies_by(name: str, known: Field | None) -> Per:
    if known is not None:
        return COLUMNS[known.columns[0]].per
    if name in _OF_TRANSCRIPT:
        return Per.TRANSCRIPT
    return Per.ALLELE if name in _OF_ALLELE or name.endswith("_AF") else Per.ENTRY


def _numbers(known: Field, text: Slices, empty: Mask) -> dict[str, pa.Array] | None:
    """Make the columns of a field of numbers; None where there is a text that is for its parser."""
    read = csq_number_columns.READERS.get(known.parse)
    if read is None:
        return None
    at = np.flatnonzero(~empty)
    found, sure = read(text[at])
    if not sure.all():
        return None
    columns: dict[str, pa.Array] = {}
    for name, values in zip(known.columns, found, strict=True):
        spaced = np.zeros(len(text), dtype=values.dtype)
        spaced[at] = values
        columns[name] = pa.array(spaced, mask=empty).cast(ARROW_TYPES[COLUMNS[name].type], safe=False)
    return columns


def _text_column(text: Slices, empty: Mask, *, repeats: bool) -> pa.Array:
    if not repeats:
        return decoded(text.strings(empty))
    dictionary = text.dictionary(empty)
    values = dictionary.dictionary
    if not pc.any(pc.match_substring(values, "%")).as_py():
        return dictionary
    plain = [decode(value) for value in values.to_pylist()]
    codes = {value: code for code, value in enumerate(dict.fromkeys(plain))}
    indices = pa.array([codes[value] for value in plain], pa.int32()).take(dictionary.indices)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(codes), pa.string()))


def decoded(strings: pa.StringArray) -> pa.StringArray:
    """Replace percent codes."""
    offsets, text = strings.buffers()[1:]
    percents = np.flatnonzero(np.frombuffer(text or b"", dtype=np.uint8) == ord("%"))
    starts = np.frombuffer(offsets, dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    percents = percents[(percents >= starts[0]) & (percents < starts[-1])]
    some = np.unique(np.searchsorted(starts, percents, side="right") - 1)
    if not len(some):
        return strings
    wanted = strings.take(pa.array(some))
    # Nearly all are the equals sign of a synonymous change.
    change = pc.replace_substring(wanted, "%3D", "=")
    rest = np.flatnonzero(pc.match_substring(change, "%").to_numpy(zero_copy_only=False))
    if len(rest):
        slowly = pa.array([decode(one) for one in wanted.take(pa.array(rest)).to_pylist()], pa.string())
        mask = np.zeros(len(wanted), dtype=np.bool_)
        mask[rest] = True
        change = pc.replace_with_mask(change, pa.array(mask), slowly)
    mask = np.zeros(len(strings), dtype=np.bool_)
    mask[some] = True
    return pc.replace_with_mask(strings, pa.array(mask), change)


# --- Picking ----------------------------------------------------------------------------------------------------------


def pick(group: Integers, fields: Fields) -> tuple[Integers, NDArray[np.int8]]:
    """Pick the entry that stands for each allele, see `vcf.rules.consequences.pick`.

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
        _bools(plain(fields.columns["canonical"]).fill_null(False)),  # noqa: FBT003 - the value
    )
    left = np.ones(count, dtype=np.bool_)
    reason = np.full(len(first), -1, dtype=np.int8)
    for code, mark in enumerate(marks):
        marked = left & mark
        some = np.logical_or.reduceat(marked, first)
        reason[some & (reason < 0)] = code
        left = np.where(np.repeat(some, size), marked, left)
    score = np.where(left, fields.score, -1)
    best = np.maximum.reduceat(score, first)
    reason[(reason < 0) & (best > 0)] = MARKS.index("impact")
    reason[reason < 0] = MARKS.index("first")
    candidates = np.flatnonzero(score == np.repeat(best, size))
    owner = np.repeat(np.arange(len(first)), size)[candidates]
    chosen = candidates[np.flatnonzero(np.diff(owner, prepend=-1))]
    return chosen, reason


def _bools(array: pa.Array) -> Mask:
    return array.to_numpy(zero_copy_only=False)
