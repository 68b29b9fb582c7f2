"""REF and ALT of many lines: split, trimmed, named; the same rules as `vcf.rules.alleles`.

A line with one ALT where one of REF and ALT is a single base, which is nearly every line, is in shortest form already.
The others are trimmed one by one by `vcf.rules.alleles.trim`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.rules import alleles
from radiant.vcf.rules.alleles import Allele, Skip
from radiant.vcf.vector.slices import Buffer, Integers, Mask, Slices, encoded, split

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

SKIPS: tuple[Skip, ...] = tuple(Skip)
"""ALTs without a sequence; by code."""
_STRUCTURAL = [code for code, skip in enumerate(SKIPS) if alleles.structural_kind(skip, "") is not None]
STORED = -1
"""Code of an ALT that is a sequence."""
MOST_ALTS = 64
"""A line with more is left to the rules."""
_IS_BASE = np.zeros(256, dtype=np.bool_)
_IS_BASE[list(b"ACGTNacgtn")] = True
_FIRST_LOWER, _TO_UPPER = ord("a"), np.uint8(32)

CLASSES: tuple[str, ...] = ("SNV", "MNV", "insertion", "deletion", "indel")
"""Variant classes, by code."""
_SNV, _MNV, _INSERTION, _DELETION, _INDEL = range(5)
_CLASS_CODES: Mapping[str, int] = {name: code for code, name in enumerate(CLASSES)}

TRANSITION, TRANSVERSION, NO_CHANGE = 1, 2, 0
_CHANGES = np.zeros((256, 256), dtype=np.int8)
for _ref in b"ACGT":
    for _alt in b"ACGT":
        _CHANGES[_ref, _alt] = TRANSITION if {_ref, _alt} in ({65, 71}, {67, 84}) else TRANSVERSION


@dataclass(frozen=True, eq=False)
class LineAlts:
    """The alleles of some lines; sequences in upper case."""

    ref: Slices
    """REF of each line."""
    written_ref: Slices
    """REF of each line as written."""
    alts: Slices
    """All ALTs, line by line."""
    written_alts: Slices
    """The same as written."""
    line: Integers
    """Which of the lines each ALT is of."""
    first: Integers
    """Index of each line's first ALT."""
    count: Integers
    """How many ALTs each line has."""
    skip: NDArray[np.int8]
    """Code of the reason why an ALT has no row, STORED for a sequence."""
    none: Mask
    """Lines whose ALT is `.`."""
    ok: Mask
    """Lines whose REF and ALTs the fast path reads."""

    def written(self, line: int) -> tuple[str, tuple[str, ...]]:
        """Return REF and ALTs of a line as written."""
        (ref,) = self.written_ref[line : line + 1].texts()
        first = int(self.first[line])
        return ref, tuple(self.written_alts[first : first + int(self.count[line])].texts())

    def of_line(self, line: int) -> list[Allele]:
        """Return the alleles of an `ok` line as the rules have them; their positions count from 1."""
        return alleles_of(*self.written(line))


@lru_cache(maxsize=1024)
def alleles_of(ref: str, alts: tuple[str, ...]) -> list[Allele]:
    """Return valid alleles of a line as the rules have them, at position 1."""
    return alleles.split_record("", 1, ref, alts)


def read_alts(ref: Slices, alt: Slices) -> LineAlts:
    """Split ALT and classify each; `ok` are lines of valid alleles, all of a line different."""
    lines = len(ref)
    written_ref = ref
    ok = _all_bases(ref)
    pieces = split(alt, alt.buffer.find(","))
    alts, owner = pieces.items, pieces.owner
    written_alts = alts
    base = _all_bases(alts)
    skip = np.full(len(alts), STORED, dtype=np.int8)
    none = np.zeros(lines, dtype=np.bool_)
    odd = np.flatnonzero(~base)
    if len(odd):
        some = alts[odd]
        dots = some.equals(".") & (pieces.count[owner[odd]] == 1)
        none[owner[odd[dots]]] = True
        odd = odd[~dots]
        skip[odd] = _skip_codes(alts[odd])
        ok[owner[odd[skip[odd] == STORED]]] = False
    ref, alts = _upper(ref, np.ones(lines, dtype=np.bool_)), _upper(alts, skip == STORED)
    ok &= pieces.count <= MOST_ALTS
    # An allele twice is an error, which `vcf.rules.alleles` reports; a symbolic one may come twice.
    symbolic = skip == SKIPS.index(Skip.SYMBOLIC)
    same = np.flatnonzero(alts.length == ref.length[owner])
    ok[owner[same[alts[same].same_as(ref[owner[same]])]]] = False
    for distance in range(1, min(int(pieces.count.max(initial=1)), MOST_ALTS)):
        at = np.flatnonzero((owner[distance:] == owner[:-distance]) & ~symbolic[distance:])
        ok[owner[at[alts[at].same_as(alts[at + distance])]]] = False
    return LineAlts(ref, written_ref, alts, written_alts, owner, pieces.first, pieces.count, skip, none, ok)


def _skip_codes(alts: Slices) -> NDArray[np.int8]:
    """Return why ALTs that are no sequences have no row, STORED for what is no allele."""
    codes, texts = encoded(alts.strings())
    return np.array([_skip_code(text) for text in texts], dtype=np.int8)[codes]


def _skip_code(alt: str) -> int:
    try:
        return SKIPS.index(alleles.skip_reason(alt))
    except BrokenRuleError:
        return STORED


def _upper(pieces: Slices, some: Mask) -> Slices:
    """Return pieces of which some are in upper case."""
    if not len(pieces):
        return pieces
    own = pieces.compact()
    lower = (own.buffer.data >= _FIRST_LOWER) & np.repeat(some, own.length)
    if not lower.any():
        return pieces
    return Slices(Buffer.of(own.buffer.data - lower * _TO_UPPER), own.start, own.end)


def structural(alts: LineAlts, lines: Mask) -> dict[str, int]:
    """Return the structural alleles of some lines by kind."""
    found = np.flatnonzero(np.isin(alts.skip, _STRUCTURAL) & lines[alts.line])
    skips = alts.skip[found].tolist()
    kinds = (
        alleles.structural_kind(SKIPS[code], text) for code, text in zip(skips, alts.alts[found].texts(), strict=True)
    )
    return dict(Counter(kind for kind in kinds if kind is not None))


def _all_bases(pieces: Slices) -> Mask:
    """Return which pieces are bases alone, one at least."""
    fine = _IS_BASE[pieces.byte(0)] & (pieces.length > 0)
    longer = np.flatnonzero(fine & (pieces.length > 1))
    if len(longer):
        some = pieces[longer].compact()
        wrong = np.flatnonzero(~_IS_BASE[some.buffer.data])
        fine[longer[np.searchsorted(some.start, wrong, side="right") - 1]] = False
    return fine


@dataclass(frozen=True, eq=False)
class Trimmed:
    """Sequences in shortest form."""

    start: Integers
    """1-based."""
    ref: Slices
    alt: Slices

    def __getitem__(self, which: Integers | Mask) -> "Trimmed":
        """Return some of them."""
        return Trimmed(self.start[which], self.ref[which], self.alt[which])

    @property
    def end(self) -> Integers:
        """1-based position of the last base of the reference."""
        return self.start + self.ref.length - 1

    @property
    def is_indel(self) -> Mask:
        """Whether the lengths of both differ: the only alleles that a reference FASTA moves."""
        return self.ref.length != self.alt.length


def trim(pos: Integers, ref: Slices, alt: Slices) -> Trimmed:
    """Bring sequences to their shortest form, see `vcf.rules.alleles.trim`."""
    start, ref_start, ref_end = pos.copy(), ref.start.copy(), ref.end.copy()
    alt_start, alt_end = alt.start.copy(), alt.end.copy()
    both = np.flatnonzero((ref.length > 1) & (alt.length > 1))
    if len(both):
        texts = zip(ref[both].texts(), alt[both].texts(), strict=True)
        for index, (one, other) in zip(both.tolist(), texts, strict=True):
            left, kept, _ = alleles.trim(0, one, other)
            right = len(one) - left - len(kept)
            start[index] += left
            ref_start[index] += left
            alt_start[index] += left
            ref_end[index] -= right
            alt_end[index] -= right
    return Trimmed(start, Slices(ref.buffer, ref_start, ref_end), Slices(alt.buffer, alt_start, alt_end))


def variant_classes(trimmed: Trimmed) -> NDArray[np.int8]:
    """Return the code of each allele's variant class, see `vcf.rules.alleles.variant_class`."""
    ref, alt = trimmed.ref, trimmed.alt
    code = np.full(len(ref), _SNV, dtype=np.int8)
    inserted = np.flatnonzero((ref.length == 1) & (alt.length > 1))
    code[inserted] = np.where(_starts_or_ends(alt[inserted], ref[inserted]), _INSERTION, _INDEL)
    deleted = np.flatnonzero((ref.length > 1) & (alt.length == 1))
    code[deleted] = np.where(_starts_or_ends(ref[deleted], alt[deleted]), _DELETION, _INDEL)
    both = np.flatnonzero((ref.length > 1) & (alt.length > 1))
    code[both] = np.where(ref.length[both] == alt.length[both], _MNV, _INDEL)
    return code


def _starts_or_ends(longer: Slices, base: Slices) -> Mask:
    last = longer.buffer.data[longer.end - 1]
    return (longer.byte(0) == base.byte(0)) | (last == base.byte(0))


def changes(trimmed: Trimmed) -> NDArray[np.int8]:
    """Return TRANSITION or TRANSVERSION for a single base, NO_CHANGE for anything else."""
    single = (trimmed.ref.length == 1) & (trimmed.alt.length == 1)
    return np.where(single, _CHANGES[trimmed.ref.byte(0), trimmed.alt.byte(0)], NO_CHANGE).astype(np.int8)


def loci(chromosomes: pa.Array, trimmed: Trimmed) -> pa.StringArray:
    """Return the keys `chrom-pos-ref-alt`."""
    starts = pa.array(trimmed.start).cast(pa.string())
    return pc.binary_join_element_wise(chromosomes, starts, trimmed.ref.strings(), trimmed.alt.strings(), "-")


def locus_hashes(keys: pa.StringArray) -> Integers:
    """Return `vcf.rules.alleles.locus_hash` of each."""
    hashes = map(xxhash.xxh3_64_intdigest, keys.cast(pa.binary()).to_numpy(zero_copy_only=False))
    return np.fromiter(hashes, dtype=np.uint64, count=len(keys)).view(np.int64)


def vep_names(line_alts: LineAlts) -> Slices:
    """Return each ALT as VEP spells it, empty where VEP writes `-`; see `vcf.rules.csq_alleles`.

    Without its first base, where REF and all ALTs but those with a `*` share it and one of them differs in length.
    """
    alts, line, ref = line_alts.alts, line_alts.line, line_alts.ref
    star = np.zeros(len(alts), dtype=np.bool_)
    skipped = np.flatnonzero(line_alts.skip != STORED)
    star[skipped] = ["*" in text for text in alts[skipped].texts()]
    other_length = np.zeros(len(ref), dtype=np.bool_)
    other_length[line[alts.length != ref.length[line]]] = True
    shared = np.ones(len(ref), dtype=np.bool_)
    shared[line[~star & (alts.byte(0) != ref.byte(0)[line])]] = False
    drop = (other_length & shared)[line] & ~star
    return Slices(alts.buffer, alts.start + drop, alts.end)
