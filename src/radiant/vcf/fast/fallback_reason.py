"""Why the fast path leaves a line to the rules; the report and the log count the lines by reason."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from radiant.vcf.vector.slices import Integers, Mask

Codes = NDArray[np.int8]


class FallbackReason(StrEnum):
    """The first part of a line, in the order of reading, that the fast path does not read."""

    REQUESTED = "requested"
    """The options ask for the rules alone."""
    UNSORTED = "unsorted"
    """The lines that are read together are not in order."""
    COLUMNS = "columns"
    """Another number of columns, a control character, text that is not UTF-8, or not ASCII outside INFO."""
    LOCUS = "locus"
    """CHROM is no contig name or a second name of a chromosome, or POS is not a number of up to 9 digits."""
    ALLELES = "alleles"
    """Very many ALTs, an allele twice, or what is no allele."""
    FASTA = "fasta"
    """REF is not what the reference FASTA has, letter by letter, or the contig is not in it."""
    CONTIG_END = "contig_end"
    """The line ends beyond its contig."""
    ID = "id"
    QUAL = "qual"
    FILTER = "filter"
    INFO = "info"
    """A key that cannot be one, a key with a column twice, or a number in a column that breaks a rule."""
    SAMPLES = "samples"
    """FORMAT or the column of a member breaks a rule."""
    NEIGHBOUR = "neighbour"
    """The line may share an allele with another one nearby."""


_REASONS: tuple[FallbackReason, ...] = tuple(FallbackReason)
_NONE = -1


class Checks:
    """Which of some lines the fast path reads, and the first reason why it does not read the others."""

    def __init__(self, lines: int) -> None:
        self.codes: Codes = np.full(lines, _NONE, dtype=np.int8)
        """The code of each line's reason, for `counted`."""

    def require(self, reason: FallbackReason, fine: Mask) -> None:
        """Leave the lines to the rules that are not fine and not left already."""
        self.codes[~fine & self.ok] = _REASONS.index(reason)

    def leave(self, reason: FallbackReason, lines: Integers) -> None:
        """Leave some lines, given by index, to the rules."""
        some = lines[self.codes[lines] == _NONE]
        self.codes[some] = _REASONS.index(reason)

    @property
    def ok(self) -> Mask:
        """Lines that passed every check so far."""
        return self.codes == _NONE


def of_all(lines: int, reason: FallbackReason) -> Codes:
    """Return the codes of lines that are all left for one reason."""
    return np.full(lines, _REASONS.index(reason), dtype=np.int8)


def counted(codes: Codes) -> dict[str, int]:
    """Return how many lines there are by reason; lines that the fast path reads are not counted."""
    found = np.bincount(codes[codes != _NONE], minlength=len(_REASONS)).tolist()
    return {reason.value: count for reason, count in zip(_REASONS, found, strict=True) if count}
