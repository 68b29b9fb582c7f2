"""The reference FASTA and many lines: whether REF agrees with it, and where indels are leftmost.

The rules are those of `vcf.rules.reference_sequence`. Lines near each other are compared with one window of the FASTA:

    FASTA     ...ACGTTGCAACTTAG........................GATTACAGATT...
    windows      [-----------]                         [-----]         few calls for many lines, and no base between
    REF           C      AAC                            A   C

A line whose REF differs is left to the rules, which reject it, or accept the code of an ambiguous base. Callers write
indels leftmost; the rules move the others, one allele at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from radiant.errors import InputError
from radiant.vcf.fast.allele_columns import Trimmed
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.rules import reference_sequence
from radiant.vcf.rules.alleles import split_record
from radiant.vcf.rules.reference_sequence import ReferenceSequence
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_GAP = 1 << 11
"""Bases between two lines from which a new window is cheaper than the bases between."""
_WINDOW = 1 << 18
"""The longest window, apart from what one REF needs: memory."""
_PORTION = 1 << 20
"""Bases that are compared at once: memory."""


@dataclass(frozen=True, eq=False)
class _Windows:
    """Pieces of one contig each, in bases from 0, and the lines inside each."""

    contig: Integers
    start: Integers
    end: Integers
    of: Integers
    """The window of each line."""

    @classmethod
    def around(cls, contig: Integers, start: Integers, end: Integers) -> "_Windows":
        """Return windows around REF of lines in the file's order."""
        begins = np.ones(len(start), dtype=np.bool_)
        begins[1:] = (np.diff(contig) != 0) | (start[1:] - end[:-1] > _GAP) | (np.diff(start // _WINDOW) != 0)
        first = np.flatnonzero(begins)
        return cls(contig[first], start[first], np.maximum.reduceat(end, first), np.cumsum(begins) - 1)

    def portions(self) -> Iterator[tuple[Integers, Integers]]:
        """Yield some windows and their lines at a time."""
        portion = np.cumsum(self.end - self.start) // _PORTION
        for number in np.unique(portion).tolist():
            windows = np.flatnonzero(portion == number)
            low, high = np.searchsorted(self.of, (windows[0], windows[-1] + 1))
            yield windows, np.arange(low, high)


class ReferenceColumns:
    """Compares lines with a FASTA."""

    def __init__(self, fasta: ReferenceSequence) -> None:
        self._fasta = fasta
        self._spelled: dict[str, str | None] = {}

    def agrees(self, names: Sequence[str], contig: Integers, pos: Integers, ref: Slices) -> Mask:
        """Return which lines have the REF that the FASTA has; of others, the rules decide.

        Args:
            names: CHROM by code.
            contig: Code of CHROM, line by line in the order of a sorted file.
            pos: POS, from 1.
            ref: REF in upper case.
        """
        ok = np.zeros(len(pos), dtype=np.bool_)
        known = np.array([self._contig(name) is not None for name in names], dtype=np.bool_)
        lines = np.flatnonzero(known[contig])
        if not len(lines):
            return ok
        start = pos[lines] - 1
        windows = _Windows.around(contig[lines], start, start + ref.length[lines])
        for some, inside in windows.portions():
            bases, begin, end = self._read(names, windows, some)
            window = windows.of[inside] - some[0]
            at = begin[window] + start[inside] - windows.start[some][window]
            whole = at + ref.length[lines[inside]] <= end[window]
            at, mine = at[whole], lines[inside[whole]]
            ok[mine] = ref[mine].same_as(Slices(bases, at, at + ref.length[mine]))
        return ok

    def left_aligned(self, names: Sequence[str], contig: Integers, alleles: Trimmed) -> Trimmed:
        """Move indels to their leftmost position.

        Args:
            names: CHROM by code.
            contig: Code of CHROM of each allele.
            alleles: In shortest form; REF agrees with the FASTA.
        """
        ref, alt = alleles.ref, alleles.alt
        same_end = ref.buffer.padded[ref.end - 1] == alt.buffer.padded[alt.end - 1]
        some = np.flatnonzero(same_end & (ref.length != alt.length))
        if not len(some):
            return alleles
        start = alleles.start.copy()
        refs, alts = ref[some].texts(), alt[some].texts()
        for at, index in enumerate(some.tolist()):
            name = self._contig(names[int(contig[index])]) or ""
            start[index], refs[at], alts[at] = reference_sequence.shift_left(
                self._fasta, name, int(start[index]), refs[at], alts[at]
            )
        return Trimmed(start, _replaced(ref, some, refs), _replaced(alt, some, alts))

    def first_base(self, contig: str, pos: int, ref: str, alts: Sequence[str]) -> int:
        """Return where the first allele of a line begins that the rules read; POS for a line that they reject."""
        try:
            found = split_record(contig, pos, ref, alts, self._fasta)
        except (BrokenRuleError, InputError):
            return pos
        return min((allele.start for allele in found if allele.skip is None), default=pos)

    def _contig(self, name: str) -> str | None:
        if name not in self._spelled:
            self._spelled[name] = reference_sequence.contig_in(self._fasta, name)
        return self._spelled[name]

    def _read(self, names: Sequence[str], windows: _Windows, some: Integers) -> tuple[Buffer, Integers, Integers]:
        """Return the bases of some windows in upper case, and where those of each begin and end."""
        texts: list[str] = []
        where = zip(
            windows.contig[some].tolist(), windows.start[some].tolist(), windows.end[some].tolist(), strict=True
        )
        for code, start, end in where:
            try:
                texts.append(self._fasta.fetch(self._contig(names[int(code)]) or "", start, end))
            except InputError:  # bases that the FASTA lacks: the rules refuse it where a line needs them
                texts.append("")
        ends = np.cumsum([len(text) for text in texts])
        return Buffer.of("".join(texts).upper().encode()), np.append(0, ends[:-1]), ends


def _replaced(pieces: Slices, which: Integers, texts: Sequence[str]) -> Slices:
    """Return pieces of which some have other texts."""
    mask = np.zeros(len(pieces), dtype=np.bool_)
    mask[which] = True
    return Slices.of(pc.replace_with_mask(pieces.strings(), pa.array(mask), pa.array(texts, pa.string())))
