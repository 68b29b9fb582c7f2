"""The first eight columns of a data line: split, checked, typed.

Order of the checks, and so what a line with several faults is called: number of columns, entries of its lists, CHROM,
POS, order of the file, REF and ALT, end of the contig; then, only for lines that are not skipped, ID, QUAL, FILTER,
INFO and the samples.

Source: VCF 4.3, section 1.6.1 (fixed fields).
"""

import re
from collections import Counter
from dataclasses import dataclass

from radiant.domain.assembly import canonical_chromosome
from radiant.vcf.findings import BrokenRuleError, Piece, shown
from radiant.vcf.rules.values import floating
from radiant.vcf.text.limits import MAX_ENTRIES, crowded

_POSITION = re.compile(r"[0-9]{1,18}").fullmatch
_CONTIG = re.compile(
    r"<[0-9A-Za-z!#$%&*+./:;?@^_|~=-]+>|[0-9A-Za-z!#$%&+./:;?@^_|~-][0-9A-Za-z!#$%&*+./:;=?@^_|~-]*"
).fullmatch
_IDS = re.compile(r"[^\s;]+(?:;[^\s;]+)*").fullmatch


@dataclass(frozen=True, slots=True)
class Site:
    """What a line says about the place, apart from its alleles."""

    quality: float | None
    """QUAL; None where the file says `.` or NaN."""
    filters: list[str] | None
    """FILTER, split at semicolons; None where the file says `.`, which means that no filter was applied."""
    pieces: tuple[Piece, ...]
    """What was left out: a filter that comes again."""


def split_columns(text: str, expected: int) -> list[str]:
    """Split a data line at its tabs.

    Raises:
        BrokenRuleError: another number of columns than the header has, or a list with too many entries.
    """
    columns = text.split("\t")
    if len(columns) != expected:
        found = "an empty line" if not text.strip() else f"{len(columns)} columns"
        rule, message = "columns", f"{found} where the #CHROM line has {expected}"
        raise BrokenRuleError(rule, message)
    if len(text) > MAX_ENTRIES and (what := crowded(text.encode())) is not None:
        rule, message = "crowded", f"{MAX_ENTRIES} {what} or more, as no caller or annotator writes"
        raise BrokenRuleError(rule, message)
    return columns


def check_contig(name: str, declared: bool) -> str | None:  # noqa: FBT001 - a fact about the name, not a switch
    """Return the canonical chromosome of a contig name, None for a contig outside the primary set.

    Args:
        name: CHROM as written; `<name>` is a contig of an assembly file and never a primary one.
        declared: Whether the header has a `##contig` line for it: then its spelling is the header's business.

    Raises:
        BrokenRuleError: white space or characters that no contig name has (VCF 4.5, section 1.4.7: those of a
            reference sequence in SAM, `:` and `*` among them, as in HLA-A*01:01:01:01).
    """
    chromosome = canonical_chromosome(name)
    if chromosome is None and not declared and not _CONTIG(name):
        rule, message = "contig_name", f"CHROM {shown(name)} is not a contig name"
        raise BrokenRuleError(rule, message)
    return chromosome


def position(text: str) -> int:
    """Read POS; 0 is the telomere.

    Raises:
        BrokenRuleError: not a number from 0.
    """
    if not _POSITION(text):
        rule, message = "pos", f"POS {shown(text)} is not a whole number from 1"
        raise BrokenRuleError(rule, message)
    return int(text)


def site(id_: str, qual: str, filter_: str) -> Site:
    """Read ID, QUAL and FILTER.

    Raises:
        BrokenRuleError: white space, an empty item, an id twice, a QUAL that is no number from 0, or the filter `0`.
    """
    check_ids(id_)
    quality = floating(qual, "QUAL", negative=False)
    filters, pieces = read_filters(filter_)
    return Site(quality, filters, pieces)


def check_ids(text: str) -> None:
    """Check ID.

    Raises:
        BrokenRuleError: white space, an empty item or one twice.
    """
    if text == ".":
        return
    ids = text.split(";")
    if not _IDS(text) or len(set(ids)) != len(ids):
        rule, message = "id", f"ID {shown(text)} has white space, an empty item or one twice"
        raise BrokenRuleError(rule, message)


def read_filters(text: str) -> tuple[list[str] | None, tuple[Piece, ...]]:
    """Read FILTER; None where the file says `.`.

    A filter that comes again counts once: VarDict's records that two steps of bcbio rejected have `REJECT;REJECT`.

    Returns:
        The filters, and pieces for those that come again.

    Raises:
        BrokenRuleError: white space, an empty item, or the reserved `.` or 0.
    """
    if text == ".":
        return None, ()
    if text == "PASS":
        return ["PASS"], ()
    names = text.split(";")
    if not _IDS(text) or "." in names or "0" in names:
        rule = "filter"
        message = f"FILTER {shown(text)} has white space, an empty item, or the reserved `.` or 0"
        raise BrokenRuleError(rule, message)
    counted = Counter(names)
    if len(counted) == len(names):
        return names, ()
    message = f"FILTER {shown(text)} has a filter twice: it counts once"
    return list(counted), (Piece("filter_twice", message, text),)
