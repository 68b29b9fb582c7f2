"""INFO becomes the `info_*` columns of an occurrence.

To add a column: one `Column` in `domain/tables.py` and one line in `INFO_COLUMNS` below.

A value that is no number in a key with a column rejects the line. A number of values that does not fit the alleles
makes the column null and quarantines the piece: nobody knows which allele a value belongs to. Keys without a column
are checked against their declaration; what does not fit goes to quarantine and the record stays.

Source: VCF 4.3, sections 1.4.2 and 1.6.1 (INFO).
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from radiant.vcf import reserved, values
from radiant.vcf.findings import BrokenRuleError, Piece, shown
from radiant.vcf.header import Header


class Kind(StrEnum):
    """How the text becomes a value."""

    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class InfoColumn:
    """One `info_*` column."""

    name: str
    """Column of the occurrence table."""
    keys: tuple[str, ...]
    """INFO keys it is read from: the first that is there."""
    kind: Kind
    per_allele: bool = False
    """True for Number=A: one value per ALT."""


INFO_COLUMNS: tuple[InfoColumn, ...] = (
    InfoColumn("info_ac", ("AC",), Kind.INTEGER, per_allele=True),
    InfoColumn("info_an", ("AN",), Kind.INTEGER),
    InfoColumn("info_af", ("AF",), Kind.FLOAT, per_allele=True),
    InfoColumn("info_dp", ("DP",), Kind.INTEGER),
    InfoColumn("info_qd", ("QD",), Kind.FLOAT),
    InfoColumn("info_mq", ("MQ",), Kind.FLOAT),
    InfoColumn("info_mq0", ("MQ0",), Kind.INTEGER),
    InfoColumn("info_fs", ("FS",), Kind.FLOAT),
    InfoColumn("info_sor", ("SOR",), Kind.FLOAT),
    InfoColumn("info_mq_rank_sum", ("MQRankSum",), Kind.FLOAT),
    InfoColumn("info_read_pos_rank_sum", ("ReadPosRankSum",), Kind.FLOAT),
    InfoColumn("info_base_q_rank_sum", ("BaseQRankSum",), Kind.FLOAT),
    InfoColumn("info_excess_het", ("ExcessHet",), Kind.FLOAT),
    InfoColumn("info_inbreeding_coeff", ("InbreedingCoeff",), Kind.FLOAT),
    InfoColumn("info_mleac", ("MLEAC",), Kind.INTEGER, per_allele=True),
    InfoColumn("info_mleaf", ("MLEAF",), Kind.FLOAT, per_allele=True),
    InfoColumn("info_vqslod", ("VQSLOD",), Kind.FLOAT),
    InfoColumn("info_old_record", ("OLD_RECORD", "OLD_MULTIALLELIC"), Kind.TEXT),
)

_MAX_KEYS = 10_000
"""A file with more INFO keys than this is odd; its keys are not all remembered."""


def split_info(text: str, read: frozenset[str]) -> tuple[dict[str, str | None], list[Piece]]:
    """Split INFO into key and value; a key without `=` has the value None.

    Args:
        text: INFO as written.
        read: Keys that become columns or rows: they must not come twice.

    Returns:
        The fields, and pieces that were left out: an empty entry, white space in a key, another key that comes twice
        (its first value counts).

    Raises:
        BrokenRuleError: a key that is read comes twice: nobody knows which value holds.
    """
    fields: dict[str, str | None] = {}
    pieces: list[Piece] = []
    if text == ".":
        return fields, pieces
    for entry in text.split(";"):
        key, equals, value = entry.partition("=")
        if not key or " " in key:
            pieces.append(Piece("info_key", f"INFO entry {shown(entry)} has no key or white space in it", entry))
        elif key in fields and key in read:
            rule, message = "info_key_twice", f"INFO key {key} comes twice, as {shown(entry)} again"
            raise BrokenRuleError(rule, message)
        elif key in fields:
            pieces.append(Piece("info_key_twice", f"INFO key {key} comes twice, as {shown(entry)} again", entry))
        else:
            fields[key] = value if equals else None
    return fields, pieces


COLUMN_OF: dict[str, InfoColumn] = {key: column for column in INFO_COLUMNS for key in column.keys}
_EMPTY: dict[str, object] = {column.name: None for column in INFO_COLUMNS}


class InfoReader:
    """Reads INFO for one header."""

    def __init__(self, header: Header, skip: frozenset[str] = frozenset()) -> None:
        """Take the header's declarations; keys in `skip` (the consequences) are somebody else's to check."""
        self._header = header
        self._skip = skip
        self._read = skip | COLUMN_OF.keys()
        self._checks: dict[str, reserved.Declaration | None] = {}
        self.undeclared: Counter[str] = Counter()
        """INFO keys that the header does not declare, with the number of lines they were on."""

    def split(self, text: str) -> tuple[dict[str, str | None], list[Piece]]:
        """Split INFO, see `split_info`."""
        return split_info(text, self._read)

    def columns(self, fields: dict[str, str | None], n_alts: int) -> tuple[list[dict[str, object]], list[Piece]]:
        """Return the `info_*` columns for each ALT, first ALT first, and the pieces left out.

        Raises:
            BrokenRuleError: text where a number belongs, or a negative count.
        """
        pieces: list[Piece] = []
        common = dict(_EMPTY)
        per_allele: list[tuple[str, list[object]]] = []
        for key, text in fields.items():
            column = COLUMN_OF.get(key)
            if column is None:
                self._check_other(key, text, n_alts, pieces)
            elif text is None or text == ".":
                continue
            elif column.kind is Kind.TEXT:
                common[column.name] = common[column.name] or text
            else:
                read = values.integer if column.kind is Kind.INTEGER else values.floating
                negative = key not in reserved.NOT_NEGATIVE
                found: list[object] = [read(item, key, negative=negative) for item in text.split(",")]
                expected = n_alts if column.per_allele else 1
                if len(found) != expected:
                    message = f"INFO {key}={shown(text)} has {len(found)} values, {expected} fit: the column is null"
                    pieces.append(Piece("info_count", message, f"{key}={text}"))
                elif expected == 1:
                    common[column.name] = found[0]
                else:
                    per_allele.append((column.name, found))
        if not per_allele:
            return [common] * n_alts, pieces
        return [{**common, **{name: found[index] for name, found in per_allele}} for index in range(n_alts)], pieces

    def _to_check(self, key: str) -> reserved.Declaration | None:
        """Return the declaration to check a key without a column against; None when there is nothing to check."""
        if len(self._checks) >= _MAX_KEYS:
            self._checks.clear()
        declaration = self._header.info_declaration(key)
        if declaration is None:
            if len(self.undeclared) < _MAX_KEYS:
                self.undeclared[key] += 0
            return None
        if key in self._skip or (declaration.type == "String" and key not in CHECKED_TEXT):
            return None
        return declaration

    def _check_other(self, key: str, text: str | None, n_alts: int, pieces: list[Piece]) -> None:
        """Check a key that has no column."""
        if key not in self._checks:
            self._checks[key] = self._to_check(key)
        declaration = self._checks[key]
        if key in self.undeclared:
            self.undeclared[key] += 1
        if declaration is None:
            return
        try:
            values.check_declared(key, text, declaration, n_alts, None, negative=key not in reserved.NOT_NEGATIVE)
            _check_text(key, text)
        except BrokenRuleError as error:
            written = key if text is None else f"{key}={text}"
            pieces.append(Piece(f"info_{error.rule}", f"INFO {error}", written))


def _check_text(key: str, text: str | None) -> None:
    if key in CHECKED_TEXT and text is not None and not CHECKED_TEXT[key](text):
        rule, message = "reserved", f"{key}={shown(text)} is not what the specification reserves it for"
        raise BrokenRuleError(rule, message)


def _is_cigar(text: str) -> bool:
    return all(
        one == "."
        or (len(one) > 1 and one[0].isdigit() and one[-1] in "MIDNSHPX=" and one.strip("0123456789MIDNSHPX=") == "")
        for one in text.split(",")
    )


CHECKED_TEXT: dict[str, Callable[[str], bool]] = {
    "AA": lambda text: "," not in text,
    "CIGAR": _is_cigar,
}
"""Reserved keys of Type=String whose form the specification fixes."""
