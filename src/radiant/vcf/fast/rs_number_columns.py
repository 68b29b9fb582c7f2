"""The rs numbers of alleles; the rule is that of `vcf.rules.consequences.rsnumbers`.

The entries of an allele say nearly always the same; what ID says and what they say is then split and looked through for
all alleles at once. Alleles whose entries differ, have percent codes or very long names go through the rule itself.
"""

import numpy as np
import pyarrow as pa

from radiant.vcf.rules import consequences
from radiant.vcf.rules.csq_fields import decode
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices, split

_SEPARATORS = np.frombuffer(b";,&", dtype=np.uint8)
_NO_ENTRIES = Slices.of(pa.array([], pa.string()))


def rs_numbers(id_: Slices, existing: Slices | None, group: Integers) -> pa.ListArray:
    """Return each allele's rs numbers: those of ID first, then those of its entries, each once; null for none.

    Args:
        id_: ID of the line of each allele.
        existing: Existing_variation of each entry, empty pieces where it says nothing; None without entries.
        group: The allele of each entry, ascending.
    """
    count = len(id_)
    said = _NO_ENTRIES if existing is None else existing
    one, odd = _said_by_all(said, group, count)
    both = Slices.of(pa.concat_arrays([id_.strings(), one.strings()]))
    odd |= both.having("%")[count:]
    parts = split(both, np.flatnonzero(np.isin(both.buffer.data, _SEPARATORS)))
    owner = parts.owner % max(1, count)
    order = np.argsort(owner, kind="stable")
    words, owner = parts.items[order], owner[order]
    wanted, too_long = _are_rs_numbers(words)
    odd[owner[too_long]] = True
    wanted &= ~odd[owner]
    words, owner = _each_once(words[wanted], owner[wanted])
    rest = np.flatnonzero(odd)
    lists = [_of_one(allele, id_, said, group) for allele in rest.tolist()]
    found = np.bincount(owner, minlength=count)
    found[rest] = list(map(len, lists))
    strings = words.strings()
    if len(rest):
        owner = np.concatenate((owner, np.repeat(rest, found[rest])))
        strings = pa.concat_arrays([strings, pa.array([word for one in lists for word in one], pa.string())])
        strings = strings.take(pa.array(np.argsort(owner, kind="stable")))
    offsets = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(found, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), strings, mask=pa.array(found == 0))


def _said_by_all(said: Slices, group: Integers, count: int) -> tuple[Slices, Mask]:
    """Return what the first entry of each allele says, and of which alleles another says something else."""
    speaking = np.flatnonzero(said.length > 0)
    owner = group[speaking]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    start, end = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    start[owner[first]], end[owner[first]] = said.start[speaking[first]], said.end[speaking[first]]
    one = Slices(said.buffer, start, end)
    odd = np.zeros(count, dtype=np.bool_)
    odd[owner[~said[speaking].same_as(one[owner])]] = True
    return one, odd


def _of_one(allele: int, id_: Slices, said: Slices, group: Integers) -> list[str]:
    low, high = np.searchsorted(group, (allele, allele + 1))
    texts = [decode(text) for text in said[low:high].texts() if text]
    return consequences.rsnumbers(id_[allele : allele + 1].texts()[0], dict.fromkeys(texts)) or []


def _each_once(words: Slices, owner: Integers) -> tuple[Slices, Integers]:
    """Leave out words that an owner has already; the owners ascend."""
    again = np.zeros(len(words), dtype=np.bool_)
    for distance in range(1, int(np.bincount(owner).max(initial=1))):
        at = np.flatnonzero(owner[distance:] == owner[:-distance])
        again[at[words[at].same_as(words[at + distance])] + distance] = True
    return words[~again], owner[~again]


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
