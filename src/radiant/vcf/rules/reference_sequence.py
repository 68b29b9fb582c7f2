"""The reference genome: how it spells a chromosome, whether REF agrees with it, where an indel stands leftmost.

Positions are 1-based. Bases are compared in upper case (soft-masked FASTA files are lower case). An IUPAC code other
than N in the FASTA is read as the first of its bases in the alphabet when it becomes part of an allele (R as A, as the
specification asks of writers of VCF), and agrees with any of its bases when REF is checked.

Source: VCF 4.3, section 1.6.1 (REF); Tan et al. 2015, Unified representation of genetic variants.
"""

from collections import deque
from typing import Protocol

from radiant.domain.assembly import canonical_chromosome

_CONCRETE = str.maketrans("RYSWKMBDHV", "ACCAGACAAA")
_AMBIGUOUS = {
    "R": "AG",
    "Y": "CT",
    "S": "CG",
    "W": "AT",
    "K": "GT",
    "M": "AC",
    "B": "CGT",
    "D": "AGT",
    "H": "ACT",
    "V": "ACG",
}
_WINDOW = 128
"""Bases fetched at once while shifting left; most indels need fewer."""


class ReferenceSequence(Protocol):
    """What is needed of a FASTA reader; `pysam.FastaFile` has it."""

    def get_reference_length(self, reference: str) -> int:
        """Length in bases; KeyError if there is no such contig."""
        ...

    def fetch(self, reference: str, start: int, end: int) -> str:
        """Bases from `start` (0-based) to `end` (excluded)."""
        ...


def contig_in(fasta: ReferenceSequence, chromosome: str) -> str | None:
    """The FASTA's own spelling of a chromosome, with or without `chr`, `M` or `MT`; None when it has none."""
    name = canonical_chromosome(chromosome) or chromosome
    candidates = (chromosome, name, f"chr{name}") if name != "M" else (chromosome, "MT", "M", "chrM", "chrMT")
    for candidate in candidates:
        try:
            fasta.get_reference_length(candidate)
        except KeyError:
            continue
        return candidate
    return None


def bases(fasta: ReferenceSequence, contig: str, start: int, length: int) -> str:
    """Upper-case bases from `start` (1-based); fewer than `length` at the end of the contig, none before its start."""
    return fasta.fetch(contig, start - 1, start - 1 + length).upper() if start > 0 else ""


def agrees(written: str, expected: str) -> bool:
    """Whether a REF is what the FASTA says, both in upper case; a code in the FASTA agrees with each of its bases."""
    return written == expected or (
        len(written) == len(expected)
        and all(a == b or a in _AMBIGUOUS.get(b, "") for a, b in zip(written, expected, strict=True))
    )


def shift_left(fasta: ReferenceSequence, contig: str, start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Move an indel to its leftmost position.

    As long as both alleles end with the same base, that base goes and the base before comes in front of both. The
    result is trimmed again: one allele has a single base all the way. At position 1 nothing comes before.

    Args:
        fasta: The reference genome.
        contig: As the FASTA spells it.
        start: 1-based position of the first base of `ref`.
        ref: Upper case, equal to the FASTA, trimmed against `alt`.
        alt: Upper case, different from `ref`.

    Returns:
        Start, reference, alternate.
    """
    if ref[-1] != alt[-1]:
        return start, ref, alt
    ref_bases, alt_bases = deque(ref), deque(alt)
    window, before = "", start
    while ref_bases[-1] == alt_bases[-1] and start > 1:
        if start == before:
            before = max(1, start - _WINDOW)
            window = bases(fasta, contig, before, start - before).translate(_CONCRETE)
        start -= 1
        for allele in (ref_bases, alt_bases):
            allele.appendleft(window[start - before])
            allele.pop()
    return start, "".join(ref_bases), "".join(alt_bases)
