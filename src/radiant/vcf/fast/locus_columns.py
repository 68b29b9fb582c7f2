"""Where the lines of a chunk are: CHROM and POS of many lines; the rules are those of `vcf.rules.record`."""

from dataclasses import dataclass

import numpy as np

from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules import record
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, encoded

_CHROM, _POS = range(2)
_NO_CONTIG = -1

Stretch = tuple[str, int, int]
"""Contig, first and last position of lines that follow each other on one contig."""


@dataclass(frozen=True, eq=False)
class Loci:
    """Where the lines of a chunk are."""

    contig: Integers
    """Code of CHROM; -1 for a line whose locus is not known so far, or is of no matter to the order of the file."""
    names: list[str]
    """CHROM by code."""
    chromosomes: list[str | None]
    """Canonical name by code; None outside the primary set."""
    pos: Integers
    ok: Mask
    """Lines that the fast path may read."""

    @classmethod
    def unknown(cls, lines: int) -> "Loci":
        """Return loci that say nothing about lines."""
        contig = np.full(lines, _NO_CONTIG, dtype=np.int64)
        return cls(contig, [], [], np.zeros(lines, dtype=np.int64), np.zeros(lines, dtype=np.bool_))

    @property
    def primary(self) -> Mask:
        """Lines on a primary chromosome: those that must be in order."""
        known = np.array([*(name is not None for name in self.chromosomes), False], dtype=np.bool_)
        return known[self.contig]

    def stretches(self, end: int | None = None) -> list[Stretch] | None:
        """Return the stretches of the lines on primary chromosomes before line `end`; None when they are not sorted."""
        lines = np.flatnonzero(self.primary[:end])
        contig, pos = self.contig[lines], self.pos[lines]
        if not len(lines):
            return []
        change = np.diff(contig) != 0
        if (~change & (np.diff(pos) < 0)).any():
            return None
        first = np.concatenate(([0], np.flatnonzero(change) + 1))
        last = np.append(first[1:], len(lines)) - 1
        return [
            (self.names[code], low, high)
            for code, low, high in zip(contig[first].tolist(), pos[first].tolist(), pos[last].tolist(), strict=True)
        ]


def find_loci(chunk: Chunk, header: Header, contig_of: dict[str, str]) -> Loci:
    """Read CHROM and POS of every line.

    Args:
        chunk: The lines.
        header: What is declared.
        contig_of: The contig of each chromosome in the lines before; those of the chunk are added, see
            `record.check_spelling`.
    """
    lines = len(chunk)
    contig = np.full(lines, _NO_CONTIG, dtype=np.int64)
    pos = np.zeros(lines, dtype=np.int64)
    ok = chunk.regular.copy()
    regular = np.flatnonzero(chunk.regular)
    codes, names = encoded(chunk.column(_CHROM, regular).strings())
    found, sure = numbers.whole_numbers(chunk.column(_POS, regular))
    contig[regular], pos[regular] = codes, found
    contig[regular[~sure]] = _NO_CONTIG
    ok[regular[~sure]] = False
    chromosomes: list[str | None] = []
    for code, name in enumerate(names):
        try:
            chromosomes.append(record.check_contig(name, name in header.contigs))
        except BrokenRuleError:
            chromosomes.append(None)
            ok[contig == code] = False
    for line in np.flatnonzero(chunk.whole & ~ok & (contig == _NO_CONTIG)).tolist():
        locus = _primary_locus(chunk, header, line)
        if locus is not None:
            name, chromosome, pos[line] = locus
            if name not in names:
                names.append(name)
                chromosomes.append(chromosome)
            contig[line] = names.index(name)
    other = _on_second_contig(contig, names, chromosomes, contig_of)
    ok[other] = False
    contig[other] = _NO_CONTIG
    return Loci(contig, names, chromosomes, pos, ok)


def _on_second_contig(
    contig: Integers, names: list[str], chromosomes: list[str | None], contig_of: dict[str, str]
) -> Mask:
    """Return the lines on a second contig of a chromosome, which the rules refuse."""
    second = np.zeros(len(contig), dtype=np.bool_)
    lines = np.bincount(contig + 1, minlength=len(names) + 1)[1:]
    codes: dict[str, list[int]] = {}
    for code in np.flatnonzero(lines).tolist():
        chromosome = chromosomes[code]
        if chromosome is not None:
            codes.setdefault(chromosome, []).append(code)
    for chromosome, found in codes.items():
        first = found[0] if len(found) == 1 else min(found, key=lambda code: int(np.argmax(contig == code)))
        own = contig_of.setdefault(chromosome, names[first])
        for code in found:
            if names[code] != own:
                second |= contig == code
    return second


def _primary_locus(chunk: Chunk, header: Header, line: int) -> tuple[str, str, int] | None:
    """Return CHROM, chromosome and POS of a line; None off the primary chromosomes or against a rule."""
    try:
        columns = record.split_columns(chunk.raw(line).decode(), header.columns)
        chromosome = record.check_contig(columns[_CHROM], columns[_CHROM] in header.contigs)
        pos = record.position(columns[_POS])
    except (BrokenRuleError, UnicodeDecodeError):
        return None
    return None if chromosome is None else (columns[_CHROM], chromosome, pos)
