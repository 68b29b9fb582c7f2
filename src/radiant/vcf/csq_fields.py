"""The fields of a consequence entry: where the header declares them, and what each becomes.

A known field fills typed columns (`FIELDS`, the same names as in `domain.tables`); any other field that is not empty
goes to the `extra` map under its name in the header. So does the text of a known field that its columns cannot hold in
full (EXON `3-4/12` keeps 3 and 12, STRAND `minus` keeps nothing): nothing is lost.

Empty is null; so is `.`. CANONICAL is a flag: where the header declares it, an empty field is False.
Percent codes (`%3D` is `=`) are decoded once, after all splitting.

Source: Ensembl VEP, output format (VCF output); VCF 4.3, section 1.2 (percent encoding); SnpEff, ANN field 1.0.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from radiant.domain.tables import IMPACT_SCORES

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


FREQUENCY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,20})?(?:[eE]-?[0-9]{1,2})?")


def frequency(raw: str) -> tuple[tuple[Value, ...], bool]:
    """One number; VEP can be asked for those of several variants at one place, which stay in `extra`."""
    return ((float(raw),), True) if FREQUENCY.fullmatch(raw) else ((None,), False)


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


# --- The field map ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Field:
    """What a known field becomes."""

    columns: tuple[str, ...]
    """Columns of `domain.tables` that it fills."""
    parse: Parser
    """Text to their values."""


FIELDS: Mapping[str, Field] = {
    "SYMBOL": Field(("symbol",), _text),
    "Gene": Field(("gene_id",), _text),
    "Feature_type": Field(("feature_type",), _text),
    "Feature": Field(("transcript_id",), _text),
    "BIOTYPE": Field(("biotype",), _text),
    "Consequence": Field(("consequences",), _terms),
    "IMPACT": Field(("impact", "impact_score"), _impact),
    "EXON": Field(("exon_rank", "exon_total"), rank),
    "INTRON": Field(("intron_rank", "intron_total"), rank),
    "HGVSg": Field(("hgvsg",), _text),
    "HGVSc": Field(("hgvsc",), _text),
    "HGVSp": Field(("hgvsp",), _text),
    "cDNA_position": Field(("cdna_position",), _text),
    "CDS_position": Field(("cds_position",), _text),
    "Protein_position": Field(("protein_position",), _text),
    "Amino_acids": Field(("amino_acids",), _text),
    "Codons": Field(("codons",), _text),
    "STRAND": Field(("strand",), _strand),
    "CANONICAL": Field(("canonical",), _flag),
    "MANE_SELECT": Field(("mane_select",), _text),
    "MANE_PLUS_CLINICAL": Field(("mane_plus_clinical",), _text),
    "SIFT": Field(("sift_prediction", "sift_score"), _prediction),
    "PolyPhen": Field(("polyphen_prediction", "polyphen_score"), _prediction),
    "LoF": Field(("lof",), _text),
    "LoF_filter": Field(("lof_filter",), _text),
    "LoF_flags": Field(("lof_flags",), _text),
    "Allele": Field(("csq_allele",), _text),
    "ALLELE_NUM": Field(("allele_num",), whole_number),
    "Existing_variation": Field(("existing_variation",), _text),
    "CLIN_SIG": Field(("clin_sig",), _text),
    "DISTANCE": Field(("distance",), whole_number),
    "HGNC_ID": Field(("hgnc_id",), _text),
    "MAX_AF": Field(("max_af",), frequency),
    "gnomADe_AF": Field(("gnomade_af",), frequency),
    "gnomADg_AF": Field(("gnomadg_af",), frequency),
}
"""By VEP's name. To add a column: one line here, one in `domain.tables`."""

COLUMNS: tuple[str, ...] = tuple(column for field in FIELDS.values() for column in field.columns)
"""Every typed column of an entry, in the order of `domain.tables`."""


def is_text(field: Field) -> bool:
    """Tell whether a field's only column is its text, percent codes replaced."""
    return field.parse is _text


_SNPEFF_NAMES: Mapping[str, str] = {
    "Annotation": "Consequence",
    "Annotation_Impact": "IMPACT",
    "Gene_Name": "SYMBOL",
    "Gene_ID": "Gene",
    "Feature_Type": "Feature_type",
    "Feature_ID": "Feature",
    "Transcript_BioType": "BIOTYPE",
    "HGVS.c": "HGVSc",
    "HGVS.p": "HGVSp",
    "cDNA.pos / cDNA.length": "cDNA_position",
    "CDS.pos / CDS.length": "CDS_position",
    "AA.pos / AA.length": "Protein_position",
    "Distance": "DISTANCE",
}
"""SnpEff's names for the same things; `Rank` is of an exon or an intron, nobody says which, so it stays in `extra`."""


# --- The header's declaration -----------------------------------------------------------------------------------------

_INFO_LINE = re.compile(r'##INFO=<ID=(?P<id>[^,>]+),.*?Description="(?P<description>(?:[^"\\]|\\.)*)"')
_FORMAT = re.compile(r"Format:(?P<fields>.*)", re.DOTALL)
_ANY_LIST = re.compile(r":(?P<fields>[^:]*\|.*)", re.DOTALL)
_TAGS: tuple[tuple[str, tuple[re.Pattern[str], ...]], ...] = (
    ("CSQ", (_FORMAT, _ANY_LIST)),
    ("vep", (_FORMAT, _ANY_LIST)),
    ("ANN", (_FORMAT,)),
)
"""INFO tags that hold consequences, the preferred one first, and how their descriptions name the fields.

ANN counts only when it is written as VEP writes it. CSQ is VEP's own tag: when another tool fills it, its fields are
read all the same (`CSQ ... "Functional annotations: Allele|Annotation|..."` is seen in real files).
"""


@dataclass(frozen=True, slots=True)
class ConsequenceFormat:
    """Which INFO field holds the consequences, and what the parts of an entry are."""

    tag: str
    """INFO tag: CSQ, vep or ANN."""
    names: tuple[str, ...]
    """Names of the fields as the header writes them, in order; a repeated name has `#2`, `#3` behind it."""
    known: tuple[Field | None, ...]
    """What each field becomes, in the same order; None for `extra`."""
    snpeff: bool
    """Whether `Allele` holds the ALT as written (SnpEff) and not VEP's form of it."""
    allele: int | None
    """Index of `Allele`; None when the entries do not say."""
    allele_num: int | None
    """Index of `ALLELE_NUM`; None when the entries do not say."""
    empty: Mapping[str, Value]
    """Values of all columns for an entry that is empty: null, False for a declared flag."""

    @classmethod
    def from_info_header(cls, declarations: Iterable[str] | Mapping[str, str]) -> "ConsequenceFormat | None":
        """Find the declaration of the consequences.

        Args:
            declarations: The header's lines (others than `##INFO` are passed over), or descriptions by INFO ID.

        Returns:
            The format, of CSQ before vep before ANN; None when the header declares none, and a file then has no
            consequences.
        """
        if isinstance(declarations, Mapping):
            descriptions = dict(declarations)
        else:
            matches = (_INFO_LINE.match(line) for line in declarations)
            descriptions = {match["id"]: match["description"] for match in matches if match is not None}
        for tag, patterns in _TAGS:
            for pattern in patterns:
                match = pattern.search(descriptions.get(tag, ""))
                names = _names(match["fields"]) if match is not None else ()
                if names:
                    return cls.of(tag, names)
        return None

    @classmethod
    def of(cls, tag: str, names: Iterable[str]) -> "ConsequenceFormat":
        """The format of a tag whose entries have these fields, in this order."""
        unique: list[str] = []
        known: list[Field | None] = []
        taken: set[str] = set()
        counts: dict[str, int] = {}
        for name in names:
            counts[name] = counts.get(name, 0) + 1
            unique.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
            vep_name = _SNPEFF_NAMES.get(name, name)
            known.append(FIELDS.get(vep_name) if vep_name not in taken else None)
            taken.add(vep_name)
        empty: dict[str, Value] = dict.fromkeys(COLUMNS)
        if "CANONICAL" in taken:
            empty["canonical"] = False
        return cls(
            tag=tag,
            names=tuple(unique),
            known=tuple(known),
            snpeff="Annotation" in unique and "Consequence" not in unique,
            allele=unique.index("Allele") if "Allele" in unique else None,
            allele_num=unique.index("ALLELE_NUM") if "ALLELE_NUM" in unique else None,
            empty=empty,
        )


def _names(declared: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in declared.strip(" \t\"'.").split("|"))
    return names if all(names) else ()
