"""Alleles: a record's ALTs become loci, one at a time, with everything that depends on which ALT it is.

Positions are 1-based and inclusive. Sequences are upper case: lower case in REF, ALT or FASTA means the same base.
IUPAC codes other than N are an error in REF and ALT, as the specification says; `reference` says how they are read in a
FASTA.

No file is read here and no line number is at hand: a record that breaks a rule is a `BrokenRuleError`, from which the
reader makes a quarantine row or a `VcfFormatError`.

Source: VCF 4.3, sections 1.6.1 (fixed fields), 1.6.2 (genotype fields); Tan et al. 2015, Unified representation of
genetic variants (trimming and left alignment).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import xxhash

from radiant.domain.assembly import canonical_chromosome
from radiant.vcf.findings import BrokenRuleError, Rule, shown
from radiant.vcf.rules import reference_sequence
from radiant.vcf.rules.reference_sequence import ReferenceSequence

_SHOWN_BASES = 40
"""What a message shows of an allele."""


class Skip(StrEnum):
    """Why an ALT has no row."""

    REFERENCE_BLOCK = "reference_block"
    """`<NON_REF>`, `<*>` or `<X>`: any allele that was not seen."""
    SPANNING_DELETION = "spanning_deletion"
    """`*` (or the older `<*:DEL>`): the allele is that of a deletion on another line."""
    SYMBOLIC = "symbolic"
    """`<DEL>`, `<INS:ME>`, `C<contig>`...: a structural allele without a sequence."""
    BREAKEND = "breakend"
    """`G[17:198982[`, `]13:123456]T`, `.A`, `A.`."""


@dataclass(frozen=True, slots=True)
class Allele:
    """One ALT of a record."""

    alt_index: int
    """Which ALT of the record: 1 for the first."""
    start: int
    """1-based position of the first base of `reference`."""
    end: int
    """1-based position of the last base of `reference`."""
    reference: str
    """REF after trimming, upper case, at least one base."""
    alternate: str
    """This ALT after trimming, upper case, at least one base; as written when skipped."""
    source_reference: str
    """REF as written."""
    source_alternate: str
    """This ALT as written."""
    skip: Skip | None = None
    """Why it has no row; None for a sequence."""


# --- Loci -------------------------------------------------------------------------------------------------------------


def locus(chromosome: str, start: int, ref: str, alt: str) -> str:
    """The key of an allele: `chrom-pos-ref-alt`, for example `17-43094464-A-G`.

    Args:
        chromosome: Any spelling that `canonical_chromosome` reads; another contig keeps its name.
        start: 1-based, after trimming.
        ref: After trimming.
        alt: After trimming.
    """
    return f"{canonical_chromosome(chromosome) or chromosome}-{start}-{ref}-{alt}"


def locus_hash(locus: str) -> int:
    """xxh3-64 (seed 0) of the UTF-8 bytes of a locus, as a signed 64-bit integer.

    The same on every machine. See docs/decisions/0002-locus-hash.md for collisions and speed.
    """
    unsigned = xxhash.xxh3_64_intdigest(locus.encode())
    return unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned


# --- Splitting and normalising ----------------------------------------------------------------------------------------

_SEQUENCE = re.compile(r"[ACGTN]+", re.IGNORECASE)
_SYMBOLIC = re.compile(r"[ACGTN]?<[^<>\s,]+>", re.IGNORECASE)
_BREAKEND = re.compile(
    r"(?:[ACGTN]+|\.)(?P<a>[\[\]])[^\[\]\s,]+:\d+(?P=a)|(?P<b>[\[\]])[^\[\]\s,]+:\d+(?P=b)(?:[ACGTN]+|\.)"
    r"|\.[ACGTN]+|[ACGTN]+\.",
    re.IGNORECASE,
)
"""A dot may stand for the base: the specification has it at a telomere (`.[13:123457[`), tools elsewhere, too."""
_UNSEEN = frozenset({"<NON_REF>", "<*>", "<X>"})
_SPANNING = frozenset({"*", "<*:DEL>"})


def split_record(
    chromosome: str, pos: int, ref: str, alts: Sequence[str], fasta: ReferenceSequence | None = None
) -> list[Allele]:
    """The alleles of a record, in the order of ALT.

    Each ALT is trimmed on its own to the shortest form, from the right and then from the left, with at least one base
    left on both sides. With a FASTA, REF is checked against it and each allele is left-aligned, so that `bcftools norm
    -f` of the split record gives the same locus. Without one, an indel stays where the file puts it.

    Args:
        chromosome: As the file spells it; the FASTA may spell it with or without `chr`, `M` or `MT`.
        pos: POS, 1-based.
        ref: REF.
        alts: ALT, split at commas; empty or `["."]` when there is none.
        fasta: The reference genome, or None.

    Returns:
        One allele per ALT, those without a sequence with the reason in `skip`; an empty list when there is no ALT.

    Raises:
        BrokenRuleError: REF or an ALT is not a valid allele, two alleles of the record are the same, or REF differs
            from the FASTA.
    """
    if not _SEQUENCE.fullmatch(ref):
        message = f"REF {_allele(ref)} is not a sequence: bases A, C, G, T, N are allowed. Correct the record."
        raise BrokenRuleError(Rule.REF_INVALID, message)
    upper = ref.upper()
    contig = _checked_contig(chromosome, pos, upper, fasta) if fasta is not None else ""
    if not alts or (len(alts) == 1 and alts[0] == "."):
        return []
    seen = {upper: "REF"}
    result: list[Allele] = []
    for index, alt in enumerate(alts, start=1):
        if _SEQUENCE.fullmatch(alt):
            skip, alternate = None, alt.upper()
        else:
            skip, alternate = skip_reason(alt), alt
        # VCF 4.4: symbolic alleles may be the same, as their lengths differ. They have no row.
        if alternate in seen and skip is not Skip.SYMBOLIC:
            message = f"ALT {_allele(alt)} is the same allele as {seen[alternate]}: alleles must differ. Remove it."
            raise BrokenRuleError(Rule.ALLELE_DUPLICATED, message)
        seen[alternate] = f"ALT number {index}"
        start, trimmed = pos, upper
        if skip is None:
            start, trimmed, alternate = trim(pos, upper, alternate)
            if fasta is not None and len(trimmed) != len(alternate):
                start, trimmed, alternate = reference_sequence.shift_left(fasta, contig, start, trimmed, alternate)
        result.append(Allele(index, start, start + len(trimmed) - 1, trimmed, alternate, ref, alt, skip))
    return result


def trim(start: int, ref: str, alt: str) -> tuple[int, str, str]:
    """The shortest form of an allele pair: equal bases go from the right, then from the left, one base stays.

    Args:
        start: 1-based position of the first base of `ref`.
        ref: Sequence in upper case.
        alt: Another sequence in upper case.

    Returns:
        Start, reference, alternate.
    """
    right = 0
    limit = min(len(ref), len(alt)) - 1
    while right < limit and ref[-1 - right] == alt[-1 - right]:
        right += 1
    left = 0
    limit -= right
    while left < limit and ref[left] == alt[left]:
        left += 1
    return start + left, ref[left : len(ref) - right], alt[left : len(alt) - right]


def skip_reason(alt: str) -> Skip:
    """Why an ALT that is no sequence has no row.

    Raises:
        BrokenRuleError: It is no allele.
    """
    if alt in _UNSEEN:
        return Skip.REFERENCE_BLOCK
    if alt in _SPANNING:
        return Skip.SPANNING_DELETION
    if _SYMBOLIC.fullmatch(alt):
        return Skip.SYMBOLIC
    if _BREAKEND.fullmatch(alt):
        return Skip.BREAKEND
    message = (
        f"ALT {_allele(alt)} is not an allele: bases A, C, G, T, N, `*`, <symbol> or a breakend are allowed. "
        "Correct the record."
    )
    raise BrokenRuleError(Rule.ALT_INVALID, message)


_STRUCTURAL_KINDS = frozenset({"DEL", "INS", "DUP", "INV", "CNV"})


def structural_kind(skip: Skip | None, alternate: str) -> str | None:
    """The kind of a structural ALT, as the specification names it; None for any other ALT."""
    if skip is Skip.BREAKEND:
        return "BND"
    if skip is not Skip.SYMBOLIC:
        return None
    kind = alternate.strip("<>").partition(":")[0].upper()
    return kind if kind in _STRUCTURAL_KINDS else "other"


LINE_REASONS: tuple[Skip, ...] = (Skip.BREAKEND, Skip.SYMBOLIC, Skip.SPANNING_DELETION, Skip.REFERENCE_BLOCK)
"""Why a line without a sequence is skipped, the first that fits: what is structural before what is not there."""


def line_reason(alleles: Sequence[Allele]) -> str:
    """Why a line is skipped that has none but these ALTs, or no ALT."""
    reasons = {allele.skip for allele in alleles}
    return next((reason for reason in LINE_REASONS if reason in reasons), Skip.REFERENCE_BLOCK).value


def _checked_contig(chromosome: str, pos: int, ref: str, fasta: ReferenceSequence) -> str:
    contig = reference_sequence.contig_in(fasta, chromosome)
    if contig is None:
        message = (
            f"Contig {_allele(chromosome)} is not in the reference FASTA, with or without `chr`. "
            "Use the FASTA that the variants were called against."
        )
        raise BrokenRuleError(Rule.CONTIG_NOT_IN_FASTA, message)
    expected = reference_sequence.bases(fasta, contig, pos, len(ref))
    if not reference_sequence.agrees(ref, expected):
        message = (
            f"REF {_allele(ref)} at {contig}:{pos} differs from the reference FASTA, which has {_allele(expected)}. "
            "Use the FASTA that the variants were called against."
        )
        raise BrokenRuleError(Rule.REF_MISMATCH, message)
    return contig


def _allele(text: str) -> str:
    return shown(text, _SHOWN_BASES)


# --- Classes ----------------------------------------------------------------------------------------------------------


def variant_class(ref: str, alt: str) -> str:
    """SNV, MNV, insertion, deletion, indel or symbolic, from the alleles.

    Bases that both share at the ends do not count: `CA>CAA` is an insertion. An indel replaces bases by a different
    number of other bases.

    Raises:
        ValueError: The alleles are the same.
    """
    if not _SEQUENCE.fullmatch(alt):
        return "symbolic"
    _, ref, alt = trim(0, ref.upper(), alt.upper())
    if ref == alt:
        message = f"REF and ALT are both {_allele(ref)}"
        raise ValueError(message)
    if len(ref) == len(alt):
        return "SNV" if len(ref) == 1 else "MNV"
    shorter, longer = sorted((ref, alt), key=len)
    if len(shorter) == 1 and (longer.startswith(shorter) or longer.endswith(shorter)):
        return "insertion" if longer is alt else "deletion"
    return "indel"


# --- Genotypes --------------------------------------------------------------------------------------------------------

_GENOTYPE = re.compile(r"[|/]?(?:\d{1,9}|\.)(?:[|/](?:\d{1,9}|\.))*", re.ASCII)


@lru_cache(maxsize=65536)
def calls(gt_text: str, alt_index: int, n_alts: int | None = None) -> tuple[tuple[int, ...], bool]:
    """A genotype as one ALT sees it.

    The other-ALT convention: in a split record, another ALT is neither reference nor this allele, so it becomes -1 as
    if it were missing (as `bcftools norm -m- --multi-overlaps .` does); the caller keeps the GT text beside it.

    Args:
        gt_text: The GT field, with the numbering of the record: `0/1`, `1|2`, `./1`, `1`, `.`, `0/0/1`, and with the
            phase marker in front that VCF 4.4 allows (`|1`, `/0|1`).
        alt_index: Which ALT, from 1.
        n_alts: How many ALTs the record has, to check the numbers; None not to.

    Returns:
        The calls, as many as the ploidy, in the order of the text: 0 reference, 1 this ALT, -1 missing or another ALT;
        and whether the genotype is phased: every separator, the leading marker included, is `|`. A single allele
        without a marker is phased (VCF 4.4: a haplotype cannot be out of phase with itself), a single `.` is not.

    Raises:
        BrokenRuleError: The text is no genotype, or names an ALT that the record does not have.

    Source: VCF 4.3 and 4.4, section 1.6.2 (GT).
    """
    if not _GENOTYPE.fullmatch(gt_text):
        message = (
            f"GT {_allele(gt_text)} is not a genotype: allele numbers or `.` between `/` or `|`. Correct the record."
        )
        raise BrokenRuleError(Rule.GT_INVALID, message)
    numbers = [None if a == "." else int(a) for a in re.split(r"[|/]", gt_text.lstrip("|/"))]
    if n_alts is not None and any(a is not None and a > n_alts for a in numbers):
        message = f"GT {_allele(gt_text)} names an allele that the record does not have: ALT has {n_alts}."
        raise BrokenRuleError(Rule.GT_ALLELE_UNKNOWN, message)
    translated = tuple(0 if a == 0 else 1 if a == alt_index else -1 for a in numbers)
    return translated, "/" not in gt_text and gt_text != "."
