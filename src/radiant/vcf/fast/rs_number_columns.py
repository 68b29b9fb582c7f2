"""The rs numbers of alleles; the rule is that of `vcf.rules.consequences.rsnumbers`.

Most alleles have one rs number in ID, and entries that say the same or nothing: that is the whole list. The texts of
the others are split and looked through for all of them at once. Alleles whose entries differ, or with very long names,
go through the rule itself.
"""

import numpy as np
import pyarrow as pa

from radiant.vcf.rules import consequences
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices, split

_SEPARATORS = np.frombuffer(b";,&", dtype=np.uint8)
_NOTHING = -1


def rs_numbers(id_: Slices, existing: pa.Array | None, group: Integers) -> pa.ListArray:
    """Return each allele's rs numbers: those of ID first, then those of its entries, each once; null for none.

    Args:
        id_: ID of the line of each allele.
        existing: The column `existing_variation` of each entry; None without entries.
        group: The allele of each entry, ascending.
    """
    count = len(id_)
    texts, code = _coded(existing)
    first, odd = _said_by_all(code, group, count)
    said = _texts_of(texts, first)
    one, _ = _are_rs_numbers(id_)
    silent = first == _NOTHING
    alone = one & ~odd & (silent | id_.same_as(said))
    rest = np.flatnonzero(~alone & ~odd & ~(silent & id_.equals(".")))
    words, owner, too_long = _each_word(id_[rest], said[rest])
    odd[rest[too_long]] = True
    owner = rest[owner]
    sure = ~odd[owner]
    parts = [id_[alone].strings(), words[sure].strings()]
    owners = [np.flatnonzero(alone), owner[sure]]
    for allele in np.flatnonzero(odd).tolist():
        low, high = np.searchsorted(group, (allele, allele + 1))
        found = _of_one(id_[allele : allele + 1].texts()[0], texts, code[low:high])
        parts.append(pa.array(found, pa.string()))
        owners.append(np.full(len(found), allele))
    owner = np.concatenate(owners)
    strings = pa.concat_arrays(parts)
    if (np.diff(owner) < 0).any():
        strings = strings.take(pa.array(np.argsort(owner, kind="stable")))
    found = np.bincount(owner, minlength=count)
    offsets = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(found, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), strings, mask=pa.array(found == 0))


def _coded(existing: pa.Array | None) -> tuple[pa.StringArray, Integers]:
    """Return the distinct texts, and the code of each entry's."""
    if existing is None:
        return pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
    column = existing if pa.types.is_dictionary(existing.type) else existing.dictionary_encode()
    code = column.indices.fill_null(_NOTHING).to_numpy(zero_copy_only=False)
    return column.dictionary, code.astype(np.int64)


def _said_by_all(code: Integers, group: Integers, count: int) -> tuple[Integers, Mask]:
    """Return the code of what the first entry of each allele says, and of which alleles another says something else."""
    speaking = np.flatnonzero(code != _NOTHING)
    owner = group[speaking]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    one = np.full(count, _NOTHING, dtype=np.int64)
    one[owner[first]] = code[speaking[first]]
    odd = np.zeros(count, dtype=np.bool_)
    odd[owner[code[speaking] != one[owner]]] = True
    return one, odd


def _texts_of(texts: pa.StringArray, code: Integers) -> Slices:
    """Return the text of each code, empty for none."""
    known = Slices.of(texts)
    start, end = np.append(known.start, 0), np.append(known.end, 0)
    return Slices(known.buffer, start[code], end[code])


def _each_word(id_: Slices, said: Slices) -> tuple[Slices, Integers, Integers]:
    """Return the rs numbers in the texts of some alleles, each once, their alleles, and alleles with a long name."""
    both = Slices.of(pa.concat_arrays([id_.strings(), said.strings()]))
    parts = split(both, np.flatnonzero(np.isin(both.buffer.data, _SEPARATORS)))
    owner = parts.owner % max(1, len(id_))
    order = np.argsort(owner, kind="stable")
    words, owner = parts.items[order], owner[order]
    wanted, too_long = _are_rs_numbers(words)
    words, of = words[wanted], owner[wanted]
    again = np.zeros(len(words), dtype=np.bool_)
    for distance in range(1, int(np.bincount(of).max(initial=1))):
        at = np.flatnonzero(of[distance:] == of[:-distance])
        again[at[words[at].same_as(words[at + distance])] + distance] = True
    return words[~again], of[~again], np.unique(owner[too_long])


def _of_one(id_: str, texts: pa.StringArray, code: Integers) -> list[str]:
    said = texts.take(pa.array(code[code != _NOTHING])).to_pylist()
    return consequences.rsnumbers(id_, dict.fromkeys(said)) or []


def _are_rs_numbers(text: Slices) -> tuple[Mask, Mask]:
    """Return which pieces are `rs` and 1 to 17 digits, and which are too long to be judged here."""
    length = text.length
    digits = Slices(text.buffer, np.minimum(text.start + 2, text.end), text.end)
    head = Slices(text.buffer, digits.start, np.minimum(digits.start + 9, text.end))
    tail = Slices(text.buffer, head.end, np.minimum(head.end + 9, text.end))
    _, head_ok = numbers.whole_numbers(head)
    _, tail_ok = numbers.whole_numbers(tail)
    prefix = (text.byte(0) == ord("r")) & (Slices(text.buffer, digits.start - 1, text.end).byte(0) == ord("s"))
    too_long = prefix & (length > 20)  # noqa: PLR2004 - rs and twice nine digits
    return prefix & (length > 2) & ~too_long & head_ok & (tail_ok | (tail.length == 0)), too_long  # noqa: PLR2004
