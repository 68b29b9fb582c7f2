"""What is wrong with a line: an error that rejects it, or a finding about a piece of a line that is kept.

A rejected line costs the case in strict mode. A piece is less than a line: one CSQ entry, one annotation that no column
shows, a read count whose number of values does not fit. It goes to quarantine, the record stays.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

_SHOWN_CHARACTERS = 60
TEXT_CHARACTERS = 4096
"""What the quarantine table keeps of a line or a piece."""


class Rule(StrEnum):
    """Rules about alleles, genotypes and consequence entries, as the quarantine table names them."""

    REF_INVALID = "ref_invalid"
    ALT_INVALID = "alt_invalid"
    ALLELE_DUPLICATED = "allele_duplicated"
    CONTIG_NOT_IN_FASTA = "contig_not_in_fasta"
    REF_MISMATCH = "ref_mismatch"
    GT_INVALID = "gt_invalid"
    GT_ALLELE_UNKNOWN = "gt_allele_unknown"
    FIELD_COUNT = "csq_field_count"
    """An entry has more or fewer fields than the header declares."""
    BARE_COMMA = "csq_bare_comma"
    """A comma inside a field, which ends the entry: VEP writes `&` or `%2C` there."""
    BARE_SEMICOLON = "csq_bare_semicolon"
    """A semicolon inside a field, which ends the INFO key: `%3B` belongs there."""
    ALLELE_UNKNOWN = "csq_allele_unknown"
    """An entry is about an allele that the record does not have, or does not say which."""


class BrokenRuleError(ValueError):
    """A line breaks a rule; the reader, which has the file and the line number, makes a finding of it."""

    def __init__(self, rule: str, message: str) -> None:
        """Keep the short name of the rule, for the quarantine table, beside the message."""
        super().__init__(message)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a kept line that was left out."""

    rule: str
    """Short name of the rule."""
    message: str
    """What is wrong, with the value."""
    text: str
    """The piece as written."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of the quarantine table."""

    line: int
    """1-based line number in the decompressed file; the record's ordinal for BCF."""
    rule: str
    """Short name of the rule."""
    message: str
    """What is wrong, with the value."""
    record_kept: bool
    """True when only a piece of the line was left out."""
    text: str
    """The line or piece, its first 4,096 characters."""

    def row(self) -> dict[str, object]:
        """Return the row of the quarantine table."""
        return {
            "line": self.line,
            "rule": self.rule,
            "message": self.message,
            "record_kept": self.record_kept,
            "text": self.text[:TEXT_CHARACTERS],
        }


MAX_INFO_KEYS = 10_000
"""Undeclared INFO keys that are counted, and keys of which the meaning is cached."""
_MAX_FILTERS = 1024


@dataclass(slots=True)
class Undeclared:
    """Names in data lines that the header does not declare."""

    info: Counter[str] = field(default_factory=Counter[str])
    """INFO keys, with the number of lines that have each."""
    formats: set[str] = field(default_factory=set[str])
    filters: set[str] = field(default_factory=set[str])

    def add_info(self, key: str, lines: int = 1) -> None:
        """Count lines that have an INFO key."""
        if key in self.info or len(self.info) < MAX_INFO_KEYS:
            self.info[key] += lines

    def add_filters(self, names: Iterable[str] | None, declared: Collection[str]) -> None:
        """Add the names of a FILTER that are not declared; None for no FILTER."""
        if names is not None and len(self.filters) < _MAX_FILTERS:
            self.filters.update(name for name in names if name != "PASS" and name not in declared)

    def merge(self, later: "Undeclared") -> None:
        """Add the names of a later part of the same file."""
        for key, lines in later.info.items():
            self.add_info(key, lines)
        self.formats |= later.formats
        self.filters |= later.filters


def shown(text: str, most: int = _SHOWN_CHARACTERS) -> str:
    """Return a value for a message: quoted, control characters escaped, cut after `most` characters."""
    if len(text) <= most:
        return repr(text)
    return f"{text[:most]!r}... ({len(text)} characters)"
