"""A piece of a chromosome, as a person writes it."""

import re
from dataclasses import dataclass

from radiant.domain.assembly import CHROMOSOMES, canonical_chromosome
from radiant.errors import InputError

_REGION = re.compile(r"(?P<chromosome>[A-Za-z0-9_.]+)(?::(?P<first>[0-9][0-9,]*)(?:-(?P<last>[0-9][0-9,]*)?)?)?")


@dataclass(frozen=True, slots=True)
class Region:
    """A closed interval of one chromosome."""

    chromosome: str
    """Without `chr`; the mitochondrial one as `M`."""
    first: int | None
    """1-based first position, None for the chromosome's beginning."""
    last: int | None
    """1-based last position, inclusive; None for the chromosome's end."""


def parse_region(text: str) -> Region:
    """Read a region: `chr1`, `1:1000` (one position), `chr1:1,000-2,000`, `1:1000-` (to the end).

    1-based and inclusive, as in samtools and VCF; `chr` and thousands separators may be there or not; `MT` is `M`.

    Raises:
        InputError: not of that form, an unknown chromosome, position 0, or the end before the beginning.
    """
    found = _REGION.fullmatch(text.strip())
    if found is None:
        msg = f"{text!r} is not a region. Write chr1, chr1:1000-2000 (1-based, inclusive) or 1:1000"
        raise InputError(msg)
    chromosome = canonical_chromosome(found["chromosome"])
    if chromosome is None:
        msg = f"{text!r}: {found['chromosome']!r} is not a chromosome. The chromosomes are {', '.join(CHROMOSOMES)}"
        raise InputError(msg)
    if found["first"] is None:
        return Region(chromosome, None, None)
    first = int(found["first"].replace(",", ""))
    if found["last"] is not None:
        last: int | None = int(found["last"].replace(",", ""))
    else:
        last = None if text.strip().endswith("-") else first
    if first < 1 or (last is not None and last < first):
        msg = f"{text!r} is not a region: positions count from 1 and the end is not before the beginning"
        raise InputError(msg)
    return Region(chromosome, first, last)
