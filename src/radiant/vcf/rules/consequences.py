"""Consequences: the entries of INFO CSQ, ANN or BCSQ become typed values, each with the ALT it is about.

An entry that cannot be read, or whose ALT cannot be found, is set aside as a piece for the quarantine
table; the record and its other entries stay. An entry about an ALT that has no row (`*`, `<DEL>`) is counted in
`of_skipped`. Every entry of the field is in `entries`, `malformed` or `of_skipped`; one whose last field alone is torn
is in `malformed` as well.

Source: Ensembl VEP, output format and `Bio::EnsEMBL::VEP::Parser::VCF` (how VEP spells an allele); SnpEff, ANN field;
BCFtools, consequence calling.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from radiant.vcf.findings import Piece, Rule
from radiant.vcf.rules import csq_alleles
from radiant.vcf.rules.alleles import Allele
from radiant.vcf.rules.csq_fields import REFERENCE, Annotator, ConsequenceFormat, Value, decode, frequency

__all__ = [
    "MOST_MALFORMED",
    "NOTHING",
    "Consequence",
    "ConsequenceFormat",
    "ParsedConsequences",
    "parse",
    "pick",
    "rsnumbers",
]


class Consequence(NamedTuple):
    """One entry: one allele's effect on one feature."""

    alt_index: int
    """Which ALT of the record it is about: 1 for the first."""
    columns: Mapping[str, Value]
    """Every typed column (`csq_fields.COLUMNS`, the names of `domain.tables`); null where the entry is empty."""
    extra: Mapping[str, str]
    """Every other field that is not empty, decoded, under its name in the header."""

    @property
    def existing_variation(self) -> str | None:
        """Existing_variation, as written."""
        value = self.columns["existing_variation"]
        return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class ParsedConsequences:
    """What one record's field holds."""

    entries: tuple[Consequence, ...] = ()
    """In the order of the file."""
    malformed: tuple[Piece, ...] = ()
    """What was set aside."""
    of_skipped: int = 0
    """Entries about an ALT that has no row."""
    assumed: int = 0
    """Entries among `entries` that name no ALT, or in a spelling of their own, and were given the record's only one.
    An entry of `bcftools csq` that names none counts once for each ALT it was given."""
    elsewhere: int = 0
    """Entries among `entries` that say only at which other position their effect is written (`bcftools csq`)."""

    def of(self, alt_index: int) -> tuple[Consequence, ...]:
        """The entries about one ALT, in the order of the file."""
        return tuple(entry for entry in self.entries if entry.alt_index == alt_index)


NOTHING = ParsedConsequences()


def parse(
    value: str | None,
    alleles: Sequence[Allele],
    format_: ConsequenceFormat,
    position: int = 0,
    *,
    cut: bool = False,
) -> ParsedConsequences:
    """Read the entries of a record.

    Args:
        value: The INFO field as written; None, empty or `.` when there is none.
        alleles: All alleles of the record from `alleles.split_record`, those without a row included.
        format_: The header's declaration.
        position: POS of the record, of which `bcftools csq` writes.
        cut: Whether a semicolon inside a field ended the value: its last field is not whole.
    """
    if value is None or value in {"", "."}:
        return NOTHING
    texts, malformed = entry_texts(value, format_, cut=cut)
    rows = [text.split("|") for text in texts]
    if format_.dna_change is not None:
        return _of_bcftools(rows, texts, malformed, alleles, format_, position)
    names = [decode(row[format_.allele]) if format_.allele is not None else "" for row in rows]
    numbers = [row[format_.allele_num] if format_.allele_num is not None else "" for row in rows]
    matches, assumed = csq_alleles.match(names, numbers, alleles, snpeff=format_.annotator is Annotator.SNPEFF)
    skipped = {allele.alt_index for allele in alleles if allele.skip is not None}
    entries: list[Consequence] = []
    of_skipped = 0
    for text, row, name, number, alt_index in zip(texts, rows, names, numbers, matches, strict=True):
        if alt_index is None:
            malformed.append(unmatched(text, name, number, alleles))
        elif alt_index in skipped:
            of_skipped += 1
        else:
            entries.append(_consequence(alt_index, row, format_))
    return ParsedConsequences(tuple(entries), tuple(malformed), of_skipped, sum(assumed))


def _of_bcftools(  # noqa: PLR0913, PLR0917 - parts of one record
    rows: Sequence[Sequence[str]],
    texts: Sequence[str],
    malformed: list[Piece],
    alleles: Sequence[Allele],
    format_: ConsequenceFormat,
    position: int,
) -> ParsedConsequences:
    changes = [row[format_.dna_change or 0] for row in rows]
    matches, nameless = csq_alleles.match_changes(changes, position, alleles)
    entries: list[Consequence] = []
    assumed = elsewhere = 0
    for text, row, change, alts, unnamed in zip(texts, rows, changes, matches, nameless, strict=True):
        if not alts:
            malformed.append(unmatched(text.rstrip("|"), change, "", alleles))
        entries += [_consequence(alt_index, row, format_) for alt_index in alts]
        assumed += len(alts) if unnamed else 0
        elsewhere += len(alts) if REFERENCE.fullmatch(row[0]) else 0
    return ParsedConsequences(tuple(entries), tuple(malformed), 0, assumed, elsewhere)


def _consequence(alt_index: int, row: Sequence[str], format_: ConsequenceFormat) -> Consequence:
    columns = dict(format_.empty)
    extra: dict[str, str] = {}
    for raw, name, known in zip(row, format_.names, format_.readers, strict=True):
        if not raw or raw == ".":
            continue
        if known is None:
            extra[name] = decode(raw)
            continue
        if known.text_column is not None:
            columns[known.text_column] = decode(raw)
            continue
        values, complete = known.read(raw)
        columns.update(values)
        if not complete:
            extra[name] = decode(raw)
    _fill_frequencies(columns, extra, row, format_)
    return Consequence(alt_index, columns, extra)


def _fill_frequencies(
    columns: dict[str, Value], extra: dict[str, str], row: Sequence[str], format_: ConsequenceFormat
) -> None:
    """Fill frequency columns that are null from other fields than their own, whose texts leave `extra`."""
    for column, indexes in format_.frequencies:
        if columns[column] is not None:
            continue
        for index in indexes:
            if row[index] and row[index] != ".":
                (columns[column],), complete = frequency(row[index])
                if complete:
                    extra.pop(format_.names[index], None)
                    break


# --- Entries ----------------------------------------------------------------------------------------------------------


MOST_MALFORMED = 100
"""Malformed entries of one record that are reported one by one; what is beyond them is one piece together."""

_MOST_PIECES = 100
"""How many pieces a torn entry is put together from at most; keeps the time linear on garbage."""


def entry_texts(value: str, format_: ConsequenceFormat, *, cut: bool) -> tuple[list[str], list[Piece]]:
    """Split at commas, and set aside what has not the declared number of fields.

    A bare comma inside a field tears an entry apart. If the pieces that follow each other make one entry together, they
    are one malformed entry. If the comma is in the last field, the entry before it is complete except that field: it
    is kept without the field (LoF_info is often last, and the rest of such an entry is what matters most), and the
    whole of it is set aside besides. So is one whose last field a semicolon cut.
    """
    width = len(format_.names)
    written = value.split(",")
    good: list[str] = []
    malformed: list[Piece] = []
    pieces = [format_.padded(piece) for piece in written]
    if cut and pieces[-1].count("|") == width - 1 and "|" in written[-1]:
        message = "A bare `;` in the last field of an entry, expected `%3B`: kept without that field."
        malformed.append(Piece(Rule.BARE_SEMICOLON, message, written[-1]))
        pieces[-1] = format_.padded(written[-1][: written[-1].rindex("|") + 1])
    i = 0
    while i < len(pieces):
        complete = pieces[i].count("|") == width - 1
        end = _end_of_last_field(pieces, i, width) if complete else _end_of_torn(pieces, i, width)
        if complete:
            good.append(pieces[i] if end == i + 1 else pieces[i][: pieces[i].rindex("|") + 1])
        if not complete or end > i + 1:
            malformed.append(_torn(written[i:end], width, complete=complete))
        i = end
    if len(malformed) > MOST_MALFORMED:
        rest = malformed[MOST_MALFORMED:]
        message = f"{len(rest)} more malformed entries of the same record, the first: {rest[0].message}"
        text = ",".join(piece.text for piece in rest)
        malformed[MOST_MALFORMED:] = [Piece(rest[0].rule, message, text)]
    return good, malformed


def _torn(pieces: Sequence[str], width: int, *, complete: bool) -> Piece:
    text = ",".join(pieces)
    if complete:
        message = "A bare comma in the last field of an entry, expected `&` or `%2C`: kept without that field."
        return Piece(Rule.BARE_COMMA, message, text)
    if len(pieces) > 1:
        message = f"A bare comma inside a field, expected `&` or `%2C`: it tears the entry into {len(pieces)} pieces."
        return Piece(Rule.BARE_COMMA, message, text)
    message = f"The entry has {text.count('|') + 1} fields, the header declares {width}."
    return Piece(Rule.FIELD_COUNT, message, text)


def _end_of_last_field(pieces: Sequence[str], start: int, width: int) -> int:
    """Where the pieces end that belong to the last field of the complete entry at `start`."""
    end = start + 1
    while width > 1 and end < len(pieces) and "|" not in pieces[end]:
        end += 1
    return end


def _end_of_torn(pieces: Sequence[str], start: int, width: int) -> int:
    """Where the pieces end that make one entry together with the one at `start`; `start + 1` when none do."""
    bars = pieces[start].count("|")
    if bars == 0:  # the first field is torn, or this is garbage, of which there may be megabytes
        return start + 1
    for i in range(start + 1, min(len(pieces), start + _MOST_PIECES)):
        own = pieces[i].count("|")
        bars += own
        if own == width - 1 or bars > width - 1:
            break
        if bars == width - 1:
            return i + 1
    return start + 1


def unmatched(text: str, name: str, number: str, alleles: Sequence[Allele]) -> Piece:
    """The finding about an entry whose ALT is not certain."""
    alts = ",".join(allele.source_alternate for allele in alleles)
    message = (
        f"The entry is about allele '{name[:200]}'"
        + (f" (ALLELE_NUM {number})" if number else "")
        + f", which is none of the record's ALT {alts[:200]}. Annotate after splitting."
    )
    return Piece(Rule.ALLELE_UNKNOWN, message, text)


# --- Picking ----------------------------------------------------------------------------------------------------------


def pick(entries: Sequence[Consequence]) -> tuple[Consequence | None, str | None]:
    """The entry that stands for an allele, and why.

    PICK=1, else MANE_SELECT, else CANONICAL, else the highest impact, else the first. Where several entries have the
    same mark (two genes overlap, each with its MANE transcript), the next criterion decides among them.

    Args:
        entries: The entries of one allele, in the order of the file.

    Returns:
        The entry and the first criterion that any entry met: PICK, MANE_SELECT, CANONICAL, impact or first; None and
        None without entries.
    """
    if not entries:
        return None, None
    reason: str | None = None
    left = list(entries)
    for name, has_mark in _MARKS:
        if marked := [entry for entry in left if has_mark(entry)]:
            left, reason = marked, reason or name
    best = max(left, key=_score)
    if _score(best) > 0:
        reason = reason or "impact"
    return best, reason or "first"


_MARKS: tuple[tuple[str, Callable[[Consequence], bool]], ...] = (
    ("PICK", lambda entry: entry.extra.get("PICK") == "1"),
    ("MANE_SELECT", lambda entry: entry.columns["mane_select"] is not None),
    ("CANONICAL", lambda entry: entry.columns["canonical"] is True),
)


def _score(entry: Consequence) -> int:
    score = entry.columns["impact_score"]
    return score if isinstance(score, int) else 0


# --- rs numbers -------------------------------------------------------------------------------------------------------

_RS_NUMBER = re.compile(r"rs\d+", re.ASCII)


def rsnumbers(id_field: str | None, existing_variation: Iterable[str | None] = ()) -> list[str] | None:
    """The rs numbers of an allele, each once: those of ID first, then those of its entries.

    Args:
        id_field: ID as written: `.`, `rs1`, `rs1;rs2`, other identifiers among them.
        existing_variation: `Existing_variation` of each entry of the allele (`rs1&COSM2`), None where it is empty.

    Returns:
        The numbers in the order found; None when there are none.
    """
    words = [word for text in (id_field, *existing_variation) if text for word in re.split(r"[;,&]", text)]
    return list(dict.fromkeys(word for word in words if _RS_NUMBER.fullmatch(word))) or None
