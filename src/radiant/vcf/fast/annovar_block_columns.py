"""ANNOVAR's blocks in the INFO of many lines; the rules: `vcf.rules.annovar_blocks`."""

from dataclasses import dataclass

import numpy as np

from radiant.vcf.rules.annovar_blocks import FIRST_KEY, LAST_KEY
from radiant.vcf.vector.slices import Integers, ranges


@dataclass(frozen=True, eq=False)
class AnnovarBlocks:
    """The blocks of some lines, by the fields of INFO."""

    alt: Integers
    """The ALT, from 1, that the block of a field is about; 0 outside blocks."""
    block: Integers
    """The number of the block within its line."""
    unclear: Integers
    """Lines with a number of blocks that does not fit their ALTs: none of them is among the blocks."""

    def again(self, owner: Integers, fields: Integers) -> tuple[Integers, list[Integers]]:
        """Return what the blocks of one ALT have several times.

        Args:
            owner: The line of each INFO field.
            fields: All fields of one key that are in blocks, ascending.

        Returns:
            Places among `fields`: the first ones of each ALT, and all of each ALT that has several.
        """
        allele = owner[fields] * (int(self.alt.max(initial=0)) + 1) + self.alt[fields]
        order = np.argsort(allele, kind="stable")
        border = np.flatnonzero(np.diff(allele[order], prepend=-1))
        count = np.diff(border, append=len(order))
        several = [order[first : first + many] for first, many in zip(border, count, strict=True) if many > 1]
        return np.sort(order[border]), several


def find_blocks(owner: Integers, codes: Integers, names: list[str], n_alts: Integers) -> AnnovarBlocks | None:
    """Find the blocks; None in a chunk without any.

    Args:
        owner: The line of each INFO field, ascending.
        codes: Code of the field's key among `names`.
        names: Keys by code.
        n_alts: How many ALTs each line has.
    """
    if FIRST_KEY not in names or LAST_KEY not in names:
        return None
    is_last = codes == names.index(LAST_KEY)
    marks = np.flatnonzero(is_last | (codes == names.index(FIRST_KEY)))
    line = owner[marks]
    count = np.bincount(line, minlength=len(n_alts))
    rank = np.arange(len(marks)) - (np.cumsum(count) - count)[line]
    alternate = count % 2 == 0
    alternate[line[is_last[marks] != (rank % 2 == 1)]] = False
    fits = count // 2 % np.maximum(n_alts, 1) == 0
    used = (alternate & fits)[line] & (rank % 2 == 0)
    first, last, number = marks[used], marks[np.roll(used, 1)], rank[used] // 2
    length = last - first + 1
    at = ranges(first, length)
    alt, block = np.zeros(len(codes), dtype=np.int64), np.zeros(len(codes), dtype=np.int64)
    alt[at] = np.repeat(number % n_alts[owner[first]] + 1, length)
    block[at] = np.repeat(number, length)
    return AnnovarBlocks(alt, block, np.flatnonzero(alternate & ~fits))
