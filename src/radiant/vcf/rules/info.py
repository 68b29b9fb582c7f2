"""INFO becomes the `info_*` columns of an occurrence.

`domain.tables.INFO_COLUMNS` says which keys have a column; docs/add-a-column.md shows how to add one.

A value that is no number in a key with a column rejects the line. If the number of values does not fit the alleles, the
column is null and the piece goes to quarantine: it is not certain which allele a value belongs to. Keys without a
column are checked against their declaration; what does not fit goes to quarantine and the record stays.

What ANNOVAR writes about one ALT is read for that ALT alone (`annovar_blocks`), a key with a column among it: such a
value is that of a database, not the caller's.

An annotation that writes `;` inside a value ends its INFO key there. What follows looks like keys with `|` or `,` in
their names, which no key has: it goes to quarantine as one piece.

Source: VCF 4.3, sections 1.4.2 and 1.6.1 (INFO).
"""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter

from radiant.domain.columns import Column, Per, Type
from radiant.domain.tables import INFO_COLUMNS
from radiant.vcf.findings import MAX_INFO_KEYS, BrokenRuleError, Piece, Rule, Undeclared, shown
from radiant.vcf.header import reserved
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules import annovar_blocks, values
from radiant.vcf.rules.csq_fields import TAGS

_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*|1000G", re.ASCII)
_NO_NAME = re.compile(r"[|,\s]")
_LONGEST_KEY = 60


def follows_specification(key: str) -> bool:
    """Return whether a key is one that the specification allows, and no longer than any seen in the field."""
    return len(key) <= _LONGEST_KEY and _KEY.fullmatch(key) is not None


def is_no_key(key: str, declared: Container[str]) -> bool:
    """Return whether the text before `=` cannot be a key: empty, or with white space, `|` or `,` and not declared."""
    return not key or (_NO_NAME.search(key) is not None and (key not in declared or " " in key))


Fields = dict[str, str | None]
"""INFO entries by key; None where there is no `=`."""


@dataclass(frozen=True, slots=True)
class InfoEntries:
    """INFO of a line."""

    line: Fields
    """Entries about the line."""
    blocks: tuple[Fields, ...] = ()
    """Entries of ANNOVAR's blocks, block by block; their number is a multiple of that of the ALTs."""

    def of_allele(self, alt_index: int, n_alts: int) -> Fields:
        """Return the entries of the blocks about one ALT, from 1."""
        own = self.blocks[alt_index - 1 :: n_alts]
        return own[0] if len(own) == 1 else {key: value for block in own for key, value in block.items()}


def split_info(
    text: str, n_alts: int, read: frozenset[str], declared: Container[str] = (), annotation: str | None = None
) -> tuple[InfoEntries, list[Piece]]:
    """Split INFO into key and value; a key without `=` has the value None.

    Args:
        text: INFO as written.
        n_alts: How many ALTs the line has.
        read: Keys that become columns or rows: they must not come twice.
        declared: Keys of the header.
        annotation: The consequences' key, after which a piece of its value may stand.

    Returns:
        The entries, and pieces that were left out: an empty entry, a key with white space, `|` or `,` in it, what a
        semicolon cut off the annotation (`Rule.BARE_SEMICOLON`), another key that comes twice (its first value counts),
        blocks of ANNOVAR that are not certainly about an ALT.

    Raises:
        BrokenRuleError: a key that is read comes twice: it is not certain which value holds.
    """
    if text == ".":
        return InfoEntries({}), []
    entries = text.split(";")
    blocks = annovar_blocks.find_blocks([entry.partition("=")[0] for entry in entries]) if _HAS_BLOCKS in text else []
    fields: Fields = {}
    of_blocks: list[_BlockEntry] = []
    pieces = _not_about_an_alt(entries, blocks, n_alts)
    block_of = {place: number for number, block in enumerate(blocks) for place in block}
    cut_off = range(0)
    for index, entry in enumerate(entries):
        if index in cut_off:
            continue
        key, equals, value = entry.partition("=")
        if key == annotation and (cut_off := _cut_off(entries, index + 1, read, declared)):
            message = f"A bare `;` inside INFO {key}, expected `%3B`: what follows it was left out"
            pieces.append((index, Piece(Rule.BARE_SEMICOLON, message, ";".join(entries[i] for i in cut_off))))
        if not key.isidentifier() and is_no_key(key, declared):
            pieces.append((index, no_key(entry)))
        elif index in block_of and key != annotation:
            of_blocks.append(_BlockEntry(index, block_of[index], key, value if equals else None))
        elif key in fields and key in read:
            again = key_twice(key, entry)
            raise BrokenRuleError(again.rule, again.message)
        elif key in fields:
            pieces.append((index, key_twice(key, entry)))
        else:
            fields[key] = value if equals else None
    about_an_alt = of_blocks if len(blocks) % n_alts == 0 else []
    own, left_out = _of_blocks(about_an_alt, len(blocks), n_alts, fields.keys() - read) if about_an_alt else ((), [])
    return InfoEntries(fields, own), [piece for _, piece in sorted([*pieces, *left_out], key=itemgetter(0))]


def _not_about_an_alt(entries: Sequence[str], blocks: Sequence[range], n_alts: int) -> list[tuple[int, Piece]]:
    """Return the piece of blocks whose number does not fit the ALTs, with its place."""
    if len(blocks) % n_alts == 0:
        return []
    message = f"{len(blocks)} blocks of ANNOVAR for {n_alts} ALTs: which ALT a block is about is not certain"
    written = ";".join(entries[blocks[0].start : blocks[-1].stop])
    return [(blocks[0].start, Piece(annovar_blocks.RULE, message, written))]


_HAS_BLOCKS = f"{annovar_blocks.FIRST_KEY}="


@dataclass(frozen=True, slots=True)
class _BlockEntry:
    """An entry in a block of ANNOVAR."""

    index: int
    """Among the entries of INFO."""
    block: int
    key: str
    value: str | None

    @property
    def text(self) -> str:
        return self.key if self.value is None else f"{self.key}={self.value}"


def _of_blocks(
    entries: Sequence[_BlockEntry], count: int, n_alts: int, of_line: Container[str]
) -> tuple[tuple[Fields, ...], list[tuple[int, Piece]]]:
    """Return the entries of each block that count, and those that are left out with their places.

    Args:
        entries: In the order of the text.
        count: How many blocks there are.
        n_alts: How many ALTs the line has.
        of_line: Keys without a column that stand outside blocks, too: the value outside counts.
    """
    blocks: tuple[Fields, ...] = tuple({} for _ in range(count))
    left_out: list[tuple[int, Piece]] = []
    by_allele: dict[tuple[int, str], list[_BlockEntry]] = {}
    for one in entries:
        if one.key in of_line:
            left_out.append((one.index, key_twice(one.key, one.text)))
        else:
            by_allele.setdefault((one.block % n_alts, one.key), []).append(one)
    for (_, key), found in by_allele.items():
        counts, others = annovar_blocks.which_counts(key, [(one.block, one.value) for one in found])
        if counts is not None:
            blocks[found[counts].block][key] = found[counts].value
        for place in others:
            one = found[place]
            piece = key_twice(key, one.text) if counts is not None else several_in_blocks(key, one.text)
            left_out.append((one.index, piece))
    return blocks, left_out


def several_in_blocks(key: str, entry: str) -> Piece:
    """Return the piece that is left out where the blocks of one ALT give a key several values, as `entry` does."""
    message = f"ANNOVAR's blocks of one ALT give INFO key {key} several values, {shown(entry)} among them: none counts"
    return Piece(annovar_blocks.RULE, message, entry)


def no_key(entry: str) -> Piece:
    """Return the piece that is left out where an entry is empty or cannot have a key."""
    return Piece("info_key", f"INFO entry {shown(entry)} has no key, or white space, `|` or `,` in it", entry)


def key_twice(key: str, entry: str) -> Piece:
    """Return the piece that is left out where an INFO key comes again as `entry`."""
    return Piece("info_key_twice", f"INFO key {key} comes twice, as {shown(entry)} again", entry)


def _cut_off(entries: list[str], first: int, read: frozenset[str], declared: Container[str]) -> range:
    """Return the entries that a semicolon cut off the annotation before them: up to the last that has no key.

    A key that is declared, read or an annotator's ends them. Any other, with a value or without, is among them when its
    value has the `|` of an annotation, or one without a key follows.
    """
    end = first
    for index in range(first, len(entries)):
        key, _, value = entries[index].partition("=")
        if key and is_no_key(key, declared):
            end = index + 1
        elif key in declared or key in read or annotation_of(key) is not None:
            break
        elif "|" in value:
            end = index + 1
    return range(first, end)


_ANNOVAR = re.compile(r"(?:Func|Gene|GeneDetail|ExonicFunc|AAChange)\.\w+", re.ASCII)
_OTHER_ANNOTATIONS: Mapping[str, str] = {
    "EFF": "SnpEff before 4.1",
    "SNPEFF_EFFECT": "SnpEff by GATK",
    "CSQT": "Illumina",
    "CSQR": "Illumina",
    "FUNCOTATION": "GATK Funcotator",
    "ANNOVAR": "ANNOVAR",
}
"""INFO keys of annotators that are not read."""


@lru_cache(maxsize=4096)
def annotation_of(key: str) -> str | None:
    """Return the name under which an INFO key of an annotator is counted, None for any other key."""
    if key in _OTHER_ANNOTATIONS or key in TAGS:
        return key
    return "ANNOVAR" if _ANNOVAR.fullmatch(key) else None


def unread_annotator(name: str) -> str | None:
    """Return the annotator of a name from `annotation_of` whose entries are not read, None for one that is read."""
    return _OTHER_ANNOTATIONS.get(name)


_EMPTY: dict[str, object] = {column.name: None for column in INFO_COLUMNS.values()}


class InfoReader:
    """Reads INFO for one header."""

    def __init__(self, header: Header, annotation: str | None = None) -> None:
        """Take the header's declarations, and the consequences' key, whose value is not checked here."""
        skip = frozenset({annotation} if annotation else ())
        self._header = header
        self._annotation = annotation
        self._skip = skip
        self._read = skip | INFO_COLUMNS.keys()
        self._checks: dict[str, tuple[reserved.Declaration | None, bool]] = {}

    def split(self, text: str, n_alts: int) -> tuple[InfoEntries, list[Piece]]:
        """Split INFO, see `split_info`."""
        return split_info(text, n_alts, self._read, self._header.info, self._annotation)

    def annotations(self, entries: InfoEntries) -> Iterator[str]:
        """Yield the names of the annotators' keys in INFO, as `annotation_of` gives them; the consequences' own."""
        for key in chain(entries.line, *entries.blocks):
            name = key if key == self._annotation else annotation_of(key)
            if name is not None:
                yield name

    def columns(
        self, entries: InfoEntries, n_alts: int, undeclared: Undeclared
    ) -> tuple[list[dict[str, object]], list[Piece]]:
        """Return the `info_*` columns for each ALT, first ALT first, and the pieces left out.

        Keys that the header does not declare are added to `undeclared`.

        Raises:
            BrokenRuleError: text where a number belongs, or a negative count.
        """
        pieces: list[Piece] = []
        common = dict(_EMPTY)
        per_allele: list[tuple[str, Sequence[float | None]]] = []
        without: set[str] = set()
        for key, text in entries.line.items():
            column = INFO_COLUMNS.get(key)
            if column is None:
                self._check_other(key, text, n_alts, pieces, without)
            elif text is None or text == ".":
                continue
            elif column.type is Type.STRING:
                common[column.name] = common[column.name] or text
            else:
                found = column_values(column, key, text, n_alts)
                if isinstance(found, Piece):
                    pieces.append(found)
                elif len(found) == 1:
                    common[column.name] = found[0]
                else:
                    per_allele.append((column.name, found))
        self._check_blocks(entries.blocks, pieces, without)
        for key in without:
            undeclared.add_info(key)
        if not per_allele:
            return [common] * n_alts, pieces
        return [{**common, **{name: found[index] for name, found in per_allele}} for index in range(n_alts)], pieces

    def _to_check(self, key: str) -> tuple[reserved.Declaration | None, bool]:
        """Return what to check a key without a column against, None for nothing, and whether it is declared."""
        declaration = self._header.info_declaration(key)
        if declaration is None:
            return None, False
        if key in self._skip or (declaration.type == "String" and key not in CHECKED_TEXT):
            return None, True
        return declaration, True

    def _check_other(self, key: str, text: str | None, n_alts: int, pieces: list[Piece], undeclared: set[str]) -> None:
        """Check a key that has no column."""
        known = self._checks.get(key)
        if known is None:
            if len(self._checks) >= MAX_INFO_KEYS:
                self._checks.clear()
            known = self._checks[key] = self._to_check(key)
        declaration, is_declared = known
        if not is_declared:
            undeclared.add(key)
        if declaration is not None and (piece := checked(key, text, declaration, n_alts)) is not None:
            pieces.append(piece)

    def _check_blocks(self, blocks: Sequence[Fields], pieces: list[Piece], undeclared: set[str]) -> None:
        """Check the keys of ANNOVAR's blocks, each of which is about one ALT."""
        for key, text in chain.from_iterable(block.items() for block in blocks):
            declaration = self._header.declaration_in_blocks(key)
            if declaration is None:
                undeclared.add(key)
            elif (piece := checked(key, text, declaration, 1)) is not None:
                pieces.append(piece)


def column_values(column: Column, key: str, text: str, n_alts: int) -> Sequence[float | None] | Piece:
    """Read the numbers of a key with a column: one, or one for each ALT.

    Returns:
        The numbers, or the piece that is left out where another number of values is there than fit.

    Raises:
        BrokenRuleError: text where a number belongs, or a negative count.
    """
    read = values.integer if column.type is Type.INT else values.floating
    negative = key not in reserved.NOT_NEGATIVE
    found = [read(item, key, negative=negative) for item in text.split(",")]
    expected = n_alts if column.per is Per.ALLELE else 1
    if len(found) == expected:
        return found
    message = f"INFO {key}={shown(text)} has {len(found)} values, {expected} fit: the column is null"
    return Piece("info_count", message, f"{key}={text}")


def checked(key: str, text: str | None, declaration: reserved.Declaration, n_alts: int) -> Piece | None:
    """Return the piece that is left out where a key without a column does not fit its declaration, else None."""
    try:
        values.check_declared(key, text, declaration, n_alts, None, negative=key not in reserved.NOT_NEGATIVE)
        _check_text(key, text)
    except BrokenRuleError as error:
        written = key if text is None else f"{key}={text}"
        return Piece(f"info_{error.rule}", f"INFO {error}", written)
    return None


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
