"""The blocks that ANNOVAR writes into INFO: one for each ALT of a line, in the order of ALT.

    DP=9;ANNOVAR_DATE=2020-06-08;Func.refGene=exonic;ALLELE_END;ANNOVAR_DATE=2020-06-08;Func.refGene=UTR3;ALLELE_END

The values of a block are those of its ALT, whatever Number the header declares; `*` and `<NON_REF>` have a block, too.
A file that was annotated twice has the blocks of all ALTs, then those of the second run. Where the number of blocks is
no multiple of the number of ALTs, it is not certain which ALT a block is about.

Source: `table_annovar.pl` with `-vcfinput`, and its documentation ("Handling VCF files").
"""

from collections.abc import Sequence

FIRST_KEY, LAST_KEY = "ANNOVAR_DATE", "ALLELE_END"
"""The entries that a block begins and ends with."""
RULE = "annovar_blocks"


def find_blocks(keys: Sequence[str]) -> list[range]:
    """Return the entries of each block, by the keys of INFO; none where the two marks do not alternate.

    >>> find_blocks(["DP", "ANNOVAR_DATE", "Func.refGene", "ALLELE_END"])
    [range(1, 4)]
    """
    marks = [(place, key) for place, key in enumerate(keys) if key in {FIRST_KEY, LAST_KEY}]
    firsts, lasts = marks[::2], marks[1::2]
    alternate = all(key == FIRST_KEY for _, key in firsts) and all(key == LAST_KEY for _, key in lasts)
    if len(firsts) != len(lasts) or not alternate:
        return []
    return [range(first, last + 1) for (first, _), (last, _) in zip(firsts, lasts, strict=True)]


def which_counts(key: str, found: Sequence[tuple[int, str | None]]) -> tuple[int | None, list[int]]:
    """Return which value of a key counts for an ALT, and which ones are left out.

    Within a block the first value counts. Blocks of two runs that give the key different values leave it without one:
    they may as well be the blocks of two ALTs, of which a line that was split later has both.

    Args:
        key: The INFO key.
        found: The number of the block and the value, for each time that the ALT's blocks have the key.
    """
    first_of: dict[int, int] = {}
    again = [place for place, (block, _) in enumerate(found) if first_of.setdefault(block, place) != place]
    if key in {FIRST_KEY, LAST_KEY} or len({found[place][1] for place in first_of.values()}) == 1:
        return 0, again
    return None, list(range(len(found)))
