"""The fields of a consequence entry: where the header declares them, and what each becomes.

`domain/entry_columns.py` declares the columns, each with its field's names and form; the parser of each form stands
here. A known field fills its columns; any other field that is not empty goes to the `extra` map under its name in the
header. So does the text of a known field that its columns cannot hold in
full (EXON `3-4/12` keeps 3 and 12, STRAND `minus` keeps nothing): nothing is lost.

Empty is null; so is `.`. CANONICAL is a flag: where the header declares it, an empty field is False.
Percent codes (`%3D` is `=`) are decoded once, after all splitting.

The entries of three annotators become the same columns: VEP's (CSQ, `vep`, ANN), SnpEff's (ANN) and those of
`bcftools csq` (BCSQ). Which of them an entry comes from is `ConsequenceFormat.annotator`.

Source: Ensembl VEP, output format (VCF output) and calculated consequences (the impact of each term); VCF 4.3,
section 1.2 (percent encoding); SnpEff, ANN field 1.0; BCFtools, consequence calling (BCSQ).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from radiant.domain.columns import EntryField, Form
from radiant.domain.entry_columns import ENTRY_FIELDS, IMPACT_SCORES
from radiant.vcf.header.declarations import matching

Value = str | int | float | bool | list[str] | None
"""What a typed column of an entry holds."""

Parser = Callable[[str], tuple[tuple[Value, ...], bool]]
"""Text, never empty, to one value per column, and whether they say all that the text says."""


# --- Text to values ---------------------------------------------------------------------------------------------------

_PERCENT_CODES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def decode(text: str) -> str:
    """Replace percent codes by their characters (UTF-8), once: `%253D` becomes `%3D`. What is no code stays."""
    return _PERCENT_CODES.sub(_decoded, text) if "%" in text else text


def _decoded(match: re.Match[str]) -> str:
    try:
        return bytes.fromhex(match[0].replace("%", "")).decode()
    except UnicodeDecodeError:
        return match[0]


def _text(raw: str) -> tuple[tuple[Value, ...], bool]:
    return (decode(raw),), True


def _terms(raw: str) -> tuple[tuple[Value, ...], bool]:
    return ([decode(term) for term in raw.split("&") if term],), True


def _impact(raw: str) -> tuple[tuple[Value, ...], bool]:
    return (raw, IMPACT_SCORES.get(raw)), True


_RANK = re.compile(r"(\d{1,9})(-\d+)?/(\d{1,9})", re.ASCII)


def rank(raw: str) -> tuple[tuple[Value, ...], bool]:
    """Which of how many, `3/12`; of a range, `3-4/12`, the first."""
    match = _RANK.fullmatch(raw)
    if match is None:
        return (None, None), False
    return (int(match[1]), int(match[3])), match[2] is None


def _strand(raw: str) -> tuple[tuple[Value, ...], bool]:
    strand = {"1": 1, "+1": 1, "-1": -1}.get(raw)
    return (strand,), strand is not None


def _flag(raw: str) -> tuple[tuple[Value, ...], bool]:
    return (raw == "YES",), raw in {"YES", "NO"}


_WHOLE = re.compile(r"\d{1,9}", re.ASCII)


def whole_number(raw: str) -> tuple[tuple[Value, ...], bool]:
    """1 to 9 digits."""
    return ((int(raw),), True) if _WHOLE.fullmatch(raw) else ((None,), False)


FREQUENCY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,2})?")


def frequency(raw: str) -> tuple[tuple[Value, ...], bool]:
    """One number from 0 to 1; VEP can be asked for those of several variants at one place, which stay in `extra`."""
    value = float(raw) if FREQUENCY.fullmatch(raw) else None
    return ((value,), True) if value is not None and value <= 1 else ((None,), False)


_PREDICTION = re.compile(
    r"(?P<word>[A-Za-z][A-Za-z_ ]*)?(?P<bracket>\()?(?P<score>\d+(?:\.\d+)?(?:[eE]-?\d+)?)?(?(bracket)\))"
)


def _prediction(raw: str) -> tuple[tuple[Value, ...], bool]:
    """`deleterious(0.02)`, and VEP's shorter forms: the word alone, the number alone; the first of several."""
    first, *others = decode(raw).split("&")
    match = _PREDICTION.fullmatch(first)
    if match is None:
        return (None, None), False
    score = match["score"]
    return (match["word"], None if score is None else float(score)), not others


# --- Texts of bcftools csq --------------------------------------------------------------------------------------------

_TERMS = {
    "synonymous": "synonymous_variant",
    "missense": "missense_variant",
    "inframe_altering": "protein_altering_variant",
    "frameshift": "frameshift_variant",
    "splice_acceptor": "splice_acceptor_variant",
    "splice_donor": "splice_donor_variant",
    "splice_region": "splice_region_variant",
    "stop_retained": "stop_retained_variant",
    "start_retained": "start_retained_variant",
    "5_prime_utr": "5_prime_UTR_variant",
    "3_prime_utr": "3_prime_UTR_variant",
    "non_coding": "non_coding_transcript_variant",
    "intron": "intron_variant",
    "intergenic": "intergenic_variant",
    "coding_sequence": "coding_sequence_variant",
    "NMD_transcript": "NMD_transcript_variant",
}
"""Sequence Ontology terms of the names that `bcftools csq` gives them; its other names are the terms."""
_INEXACT = frozenset({"inframe_altering"})
"""Names for which the term is the nearest one: `extra` keeps them."""

_IMPACT_OF_TERM: Mapping[str, str] = {
    term: impact
    for impact, terms in {
        "HIGH": (
            "transcript_ablation splice_acceptor_variant splice_donor_variant stop_gained frameshift_variant stop_lost "
            "start_lost transcript_amplification feature_elongation feature_truncation"
        ),
        "MODERATE": "inframe_insertion inframe_deletion missense_variant protein_altering_variant",
        "LOW": (
            "splice_region_variant incomplete_terminal_codon_variant start_retained_variant stop_retained_variant "
            "synonymous_variant"
        ),
        "MODIFIER": (
            "coding_sequence_variant 5_prime_UTR_variant 3_prime_UTR_variant intron_variant NMD_transcript_variant "
            "non_coding_transcript_variant intergenic_variant"
        ),
    }.items()
    for term in terms.split()
}
"""IMPACT of each term of `bcftools csq`, which writes none: VEP's table of calculated consequences."""

REFERENCE = re.compile(r"@\d{1,9}", re.ASCII)
"""An entry of `bcftools csq` that is written at another position, with that of the alleles it is about together."""


def _bcftools_terms(raw: str) -> tuple[tuple[Value, ...], bool]:
    """`*missense&inframe_altering`: terms, and the highest of their impacts.

    A leading `*` (after a stop of the same haplotype) and a reference to another position stay in `extra`.
    """
    if raw.startswith("@"):
        return (None, None, None), False
    names = [name for name in raw.removeprefix("*").split("&") if name]
    terms = [_TERMS.get(name, name) for name in names]
    impacts = [_IMPACT_OF_TERM[term] for term in terms if term in _IMPACT_OF_TERM]
    impact = max(impacts, key=IMPACT_SCORES.__getitem__, default=None)
    score = None if impact is None else IMPACT_SCORES[impact]
    return (terms, impact, score), not raw.startswith("*") and _INEXACT.isdisjoint(names)


def _sign(raw: str) -> tuple[tuple[Value, ...], bool]:
    strand = {"+": 1, "-": -1}.get(raw)
    return (strand,), strand is not None


_AMINO_ACID_CHANGE = re.compile(
    r"(?P<position>\d{1,9})(?P<before>[A-Z*]+)(?:>(?P<other>\d{1,9})(?P<after>[A-Z*]+))?", re.ASCII
)


def _amino_acid_change(raw: str) -> tuple[tuple[Value, ...], bool]:
    """`146M>146T`: the position and, as VEP writes them, the amino acids `M/T`; `162P` (no change): `P`."""
    match = _AMINO_ACID_CHANGE.fullmatch(raw)
    if match is None:
        return (None, None), False
    before, after = match["before"], match["after"]
    complete = match["other"] in {None, match["position"]}
    return (match["position"], before if after is None else f"{before}/{after}"), complete


# --- The field map ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """What a known field becomes."""

    columns: tuple[str, ...]
    """Columns of `domain.tables` that it fills."""
    parse: Parser
    """Text to their values."""


_PARSERS: Mapping[Form, Parser] = {
    Form.TEXT: _text,
    Form.TERMS: _terms,
    Form.IMPACT: _impact,
    Form.RANK: rank,
    Form.STRAND: _strand,
    Form.FLAG: _flag,
    Form.NUMBER: whole_number,
    Form.FREQUENCY: frequency,
    Form.PREDICTION: _prediction,
}


def _columns_by(name_of: Callable[[EntryField], str | None]) -> dict[str, tuple[str, ...]]:
    """Return the columns that each field fills, by the field's name at one annotator."""
    found: dict[str, tuple[str, ...]] = {}
    for column, one in ENTRY_FIELDS.items():
        if (name := name_of(one)) is not None:
            found[name] = (*found.get(name, ()), column)
    return found


FIELDS: Mapping[str, Field] = {
    name: Field(columns, _PARSERS[ENTRY_FIELDS[columns[0]].form])
    for name, columns in _columns_by(lambda field: field.vep).items()
}
"""By VEP's name."""

COLUMNS: tuple[str, ...] = tuple(ENTRY_FIELDS)
"""Every typed column of an entry, in the order of `domain.tables`."""


def is_text(field: Field) -> bool:
    """Return whether a field's only column is its text, percent codes replaced."""
    return field.parse is _text


_SNPEFF_NAMES: Mapping[str, str] = {
    field.snpeff: field.vep for field in ENTRY_FIELDS.values() if field.snpeff is not None
}
"""VEP's names by SnpEff's. SnpEff's `Rank` may be of an exon or an intron, so it stays in `extra`."""

_BCFTOOLS_PARSERS: Mapping[str, Parser] = {
    "consequence": _bcftools_terms,
    "strand": _sign,
    "amino_acid_change": _amino_acid_change,
}
"""Fields that `bcftools csq` writes in a form of its own."""
_BCFTOOLS_ORDER = ("consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change")
_BCFTOOLS_COLUMNS = _columns_by(lambda field: field.bcftools)
_BCFTOOLS_FIELDS: Mapping[str, Field] = {
    name: Field(
        _BCFTOOLS_COLUMNS[name],
        _BCFTOOLS_PARSERS.get(name) or _PARSERS[ENTRY_FIELDS[_BCFTOOLS_COLUMNS[name][0]].form],
    )
    for name in _BCFTOOLS_ORDER
}
"""The fields of `bcftools csq`, in their order, by their names in lower case."""
_BCFTOOLS_SHORT = frozenset({4, 5})
"""How many fields of an entry of `bcftools csq` are there when it leaves out the empty ones at its end."""


class Annotator(StrEnum):
    """The annotator whose form entries have; the column `annotator`."""

    VEP = "VEP"
    SNPEFF = "SnpEff"
    BCFTOOLS = "bcftools csq"


# --- The header's declaration -----------------------------------------------------------------------------------------

_INFO_LINE = re.compile(r'##INFO=<ID=(?P<id>[^,>]+),.*?Description="(?P<description>(?:[^"\\]|\\.)*)"')
_FORMAT = re.compile(r"Format:(?P<fields>.*)", re.DOTALL)
_ANY_LIST = re.compile(r":(?P<fields>[^:]*\|.*)", re.DOTALL)
_MARKS = re.compile(r"\[\*\]|[\[\]]")
_BCFTOOLS_FORMAT = re.compile(r"Format:\s*'?(?P<fields>[^\s']+)", re.IGNORECASE)
_TAGS: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...] = (
    ("CSQ", (_FORMAT, _ANY_LIST)),
    ("vep", (_FORMAT, _ANY_LIST)),
    ("ANN", (_FORMAT, _ANY_LIST)),
    ("BCSQ", (_BCFTOOLS_FORMAT,)),
)
"""INFO tags that hold consequences, the preferred one first, and how their descriptions name the fields.

A tag may hold the entries of another annotator than the one that made it known (`CSQ ... "Functional annotations:
Allele|Annotation|..."` is seen in real files): the names of the fields say whose they are.
"""
TAGS: tuple[str, ...] = tuple(tag for tag, _ in _TAGS)
"""Tags that are read, the preferred one first."""
_WRITTEN_BY = ("Consequence annotations from Ensembl VEP", "consequence annotation from BCFtools/csq")
"""What the descriptions of other tags hold that are read: both annotators can be asked for any tag."""


class FieldParser:
    """Reads the texts of one known field; a text that comes again is not parsed again."""

    _MOST_TEXTS = 10_000

    def __init__(self, field: Field) -> None:
        self._field = field
        self.text_column = field.columns[0] if is_text(field) else None
        """The column that is the field's text, percent codes replaced; None for a field that must be parsed."""
        self._known: dict[str, tuple[Mapping[str, Value], bool]] = {}

    def read(self, raw: str) -> tuple[Mapping[str, Value], bool]:
        """Return the values of the field's columns, and whether they say all that the text says."""
        found = self._known.get(raw)
        if found is None:
            values, complete = self._field.parse(raw)
            found = dict(zip(self._field.columns, values, strict=True)), complete
            if len(self._known) >= self._MOST_TEXTS:
                self._known.clear()
            self._known[raw] = found
        return found


@dataclass(frozen=True, slots=True)
class ConsequenceFormat:
    """Which INFO field holds the consequences, and what the parts of an entry are."""

    tag: str
    """INFO tag: CSQ, vep, ANN, BCSQ or the annotator's own choice."""
    names: tuple[str, ...]
    """Names of the fields as the header writes them, in order; a repeated name is followed by `#2`, `#3`."""
    known: tuple[Field | None, ...]
    """What each field becomes, in the same order; None for `extra`."""
    annotator: Annotator
    """Whose entries these are: their alleles are spelled as it spells them."""
    allele: int | None
    """Index of `Allele`; None when the entries do not say."""
    allele_num: int | None
    """Index of `ALLELE_NUM`; None when the entries do not say."""
    empty: Mapping[str, Value]
    """Values of all columns for an entry that is empty: null, False for a declared flag."""
    dna_change: int | None = None
    """Index of the field with position, REF and ALT (`100A>G`, several joined by `+`); None when there is none."""
    short: frozenset[int] = frozenset()
    """Numbers of fields that an entry may have instead of all: those at its end are empty then."""
    frequencies: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Frequency columns that other fields than their own fill, and the indexes of these: the first one with a value
    counts where the column's own field has none."""
    readers: tuple[FieldParser | None, ...] = field(default=(), compare=False, repr=False)
    """What reads each field, in the same order as `known`."""

    @property
    def has_impact(self) -> bool:
        """Whether any field fills the impact columns."""
        return any(known is not None and "impact" in known.columns for known in self.known)

    def padded(self, text: str) -> str:
        """Return an entry with all its fields, where the annotator left out the empty ones at its end."""
        if not self.short:
            return text
        count = text.count("|") + 1
        if count in self.short or (count == 1 and REFERENCE.fullmatch(text)):
            return text + "|" * (len(self.names) - count)
        return text

    def with_frequencies(self, names: Iterable[tuple[str, Iterable[str]]]) -> "ConsequenceFormat":
        """Return the format with the fields that each frequency column is read from besides its own.

        Args:
            names: Frequency columns, and names of fields, the first one first.
        """
        others = [name for name, known in zip(self.names, self.known, strict=True) if known is None]
        found = tuple(
            (column, tuple(self.names.index(name) for name in matching(some, others))) for column, some in names
        )
        return replace(self, frequencies=tuple((column, indexes) for column, indexes in found if indexes))

    @classmethod
    def from_info_header(cls, declarations: Iterable[str] | Mapping[str, str]) -> "ConsequenceFormat | None":
        """Find the declaration of the consequences.

        Args:
            declarations: The header's lines (others than `##INFO` are passed over), or descriptions by INFO ID.

        Returns:
            The format, of CSQ before vep before ANN before BCSQ before a tag of another name whose description is that
            of VEP or bcftools; None when the header declares none, and a file then has no consequences.
        """
        if isinstance(declarations, Mapping):
            descriptions = dict(declarations)
        else:
            matches = (_INFO_LINE.match(line) for line in declarations)
            descriptions = {match["id"]: match["description"] for match in matches if match is not None}
        others = (tag for tag, text in descriptions.items() if any(words in text for words in _WRITTEN_BY))
        for tag, patterns in (*_TAGS, *((tag, (_BCFTOOLS_FORMAT,)) for tag in others)):
            for pattern in patterns:
                match = pattern.search(descriptions.get(tag, ""))
                names = _names(match["fields"]) if match is not None else ()
                if names:
                    return cls.of(tag, names)
        return None

    @classmethod
    def of(cls, tag: str, names: Iterable[str]) -> "ConsequenceFormat":
        """The format of a tag whose entries have these fields, in this order."""
        declared = list(names)
        bcftools = tuple(name.lower() for name in declared) == tuple(_BCFTOOLS_FIELDS)
        unique: list[str] = []
        known: list[Field | None] = []
        taken: set[str] = set()
        counts: dict[str, int] = {}
        for name in declared:
            counts[name] = counts.get(name, 0) + 1
            unique.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
            meaning = _SNPEFF_NAMES.get(name, name)
            meant = _BCFTOOLS_FIELDS[name.lower()] if bcftools else FIELDS.get(meaning)
            known.append(meant if meaning not in taken else None)
            taken.add(meaning)
        empty: dict[str, Value] = dict.fromkeys(COLUMNS)
        if "CANONICAL" in taken:
            empty["canonical"] = False
        snpeff = "Annotation" in unique and "Consequence" not in unique
        return cls(
            tag=tag,
            names=tuple(unique),
            known=tuple(known),
            readers=tuple(None if one is None else FieldParser(one) for one in known),
            annotator=Annotator.BCFTOOLS if bcftools else Annotator.SNPEFF if snpeff else Annotator.VEP,
            allele=unique.index("Allele") if "Allele" in unique else None,
            allele_num=unique.index("ALLELE_NUM") if "ALLELE_NUM" in unique else None,
            empty=empty,
            dna_change=len(unique) - 1 if bcftools else None,
            short=_BCFTOOLS_SHORT if bcftools else frozenset(),
        )


def _names(declared: str) -> tuple[str, ...]:
    # Older versions of bcftools mark what may be absent: `[*]consequence|...|biotype[|strand|...]`.
    text = _MARKS.sub("", declared).strip(" \t\"'.")
    names = tuple(name.strip() for name in text.split("|"))
    return names if all(names) else ()
