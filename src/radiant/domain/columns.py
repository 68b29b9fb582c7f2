"""What a column is: its type, its meaning, where its values come from and how a table stores them.

`domain/tables.py` declares every column once. `vcf/` and `lake/` derive from these declarations which keys they read,
which Arrow and Iceberg types a column has, and how a data file stores it. Standard library only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from radiant.errors import ConfigError


class Type(StrEnum):
    """Column types that Arrow and Iceberg share."""

    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    INTS = "list<int>"
    STRINGS = "list<string>"
    STRING_MAP = "map<string,string>"
    TIMESTAMP = "timestamptz"


class Per(StrEnum):
    """What a value varies by: it is the same in all rows of one case, one line and so on."""

    CASE = "case"
    MEMBER = "member"
    LINE = "line"
    """A data line of the VCF, with all its ALTs. Of INFO: one value (Number=1)."""
    ALLELE = "allele"
    """One ALT of a line. Of INFO: one value per ALT (Number=A). Of a CSQ field: the same in all entries of the ALT."""
    SAMPLE = "sample"
    """One member's genotype of a line."""
    TRANSCRIPT = "transcript"
    """The same in all entries with one effect on one transcript, on neighbouring lines, too."""
    ENTRY = "entry"
    """An entry of the annotator: it may differ in each."""
    ROW = "row"
    """Rows of this table alone have it."""


class Encoding(StrEnum):
    """How a data file stores a column: Parquet's names."""

    DICTIONARY = "RLE_DICTIONARY"
    """The distinct values once, and a number per row."""
    PLAIN = "PLAIN"
    """For about as many values as rows, and for text that is the same a few rows long: the compression finds that in
    plain text, and does not in numbers packed into bits. A dictionary is slower to write and mostly larger there."""
    DELTA = "DELTA_BINARY_PACKED"
    """Differences: for nearly ascending integers."""
    BYTE_STREAM_SPLIT = "BYTE_STREAM_SPLIT"
    """First bytes of all values, then second bytes: for floating-point numbers without a dictionary."""


# --- Where values come from -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InfoKey:
    """A column read from INFO."""

    keys: tuple[str, ...]
    """INFO keys it is read from: the first that is there."""


@dataclass(frozen=True, slots=True)
class FormatKey:
    """A column read from the sample columns."""

    keys: tuple[str, ...]
    """FORMAT keys it is read from: the first that is there."""


class Form(StrEnum):
    """How a field of a consequence entry is written."""

    TEXT = "text"
    TERMS = "terms"
    """`missense_variant&splice_region_variant`: several texts."""
    IMPACT = "impact"
    """`HIGH`: the word, then its score."""
    RANK = "rank"
    """`3/12`: which, then of how many."""
    STRAND = "strand"
    """`1` or `-1`."""
    FLAG = "flag"
    """`YES`; empty is False where the header declares the field."""
    NUMBER = "number"
    """1 to 9 digits."""
    FREQUENCY = "frequency"
    """A number from 0 to 1. A setting names further fields and INFO keys that the column is read from."""
    PREDICTION = "prediction"
    """`deleterious(0.02)`: the word, then the number."""


@dataclass(frozen=True, slots=True)
class EntryField:
    """A column read from a field of the annotator's entries.

    Neighbouring columns with one VEP field are its parts: `impact` and `impact_score` are the two of IMPACT.
    """

    vep: str
    """The field's name in VEP's CSQ."""
    form: Form = Form.TEXT
    snpeff: str | None = None
    """Its name in SnpEff's ANN; None where that has no such field, or VEP's name."""
    bcftools: str | None = None
    """Its name in BCSQ of `bcftools csq`, in lower case; None where that has no such field."""


Source = InfoKey | FormatKey | EntryField


# --- Columns and tables -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Example:
        `Column("info_fs", Type.FLOAT, "INFO FS.", per=Per.LINE, source=InfoKey(("FS",)), encoding=Encoding.PLAIN)`
    """

    name: str
    type: Type
    doc: str
    """Its meaning, in a sentence."""
    required: bool = False
    """Whether it is never null."""
    per: Per = Per.ROW
    source: Source | None = None
    """Where its values are read from; None where they are computed: from the fixed columns, genotypes, the case."""
    encoding: Encoding = Encoding.DICTIONARY
    bounded: bool = False
    """Whether data files and manifests keep its smallest and largest value: for a column that readers filter by and
    whose rows lie together. Bounds of others prune nothing, and cost time and bytes of manifests."""
    repeats: bool = True
    """Whether a text of an entry comes again in other entries: the reader makes a dictionary of such texts alone."""
    stored: bool = True
    """Whether the tables have it. A column that is not stored follows from others of its row: readers compute it."""
    same_as: str | None = None
    """A required column of the row that mostly has the same value: data files have null where it has. Readers return
    that column's value there."""

    @property
    def required_in_files(self) -> bool:
        """Whether data files have a value in each row."""
        return self.required and self.same_as is None


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    short_name: str
    """File name of `radiant vcf convert` and key of the row counts."""
    name: str
    """Name in the catalog."""
    doc: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    """The order that another engine is asked to keep when it rewrites the table."""
    order: str = ""
    """The order in which an import writes the rows of a case: a sentence."""

    def __hash__(self) -> int:
        """Return the hash of the name: caches by table are asked for each chunk of a file."""
        return hash(self.name)

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that the table in the catalog has."""
        return tuple(column for column in self.columns if column.stored)


# --- Columns by a setting ---------------------------------------------------------------------------------------------

CHOSEN_TYPES = (Type.BOOLEAN, Type.INT, Type.FLOAT, Type.DOUBLE, Type.STRING)
"""Types that a chosen column can have."""


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """An INFO key that RADIANT_VCF__INFO_COLUMNS makes a column of the variant table."""

    key: str
    """INFO key, as the header spells it."""
    type: Type
    """One of `CHOSEN_TYPES`."""

    @property
    def name(self) -> str:
        """Name of the column: `info_` and the key in lower case, every other character than a-z, 0-9 and _ as `_`."""
        return "info_" + re.sub(r"[^a-z0-9_]", "_", self.key.lower())

    @property
    def column(self) -> Column:
        """The column's declaration."""
        doc = f"INFO {self.key}; see RADIANT_VCF__INFO_COLUMNS."
        return Column(self.name, self.type, doc, per=Per.ALLELE, source=InfoKey((self.key,)))


def chosen_columns(texts: Iterable[str]) -> tuple[ChosenColumn, ...]:
    """Read `KEY:type` texts: `CADD:float` is the column `info_cadd`.

    Raises:
        ConfigError: not of this form, another type than those of `CHOSEN_TYPES`, or two keys that give one column.
    """
    found: dict[str, ChosenColumn] = {}
    types = {str(one): one for one in CHOSEN_TYPES}
    for text in texts:
        key, colon, type_ = text.rpartition(":")
        if not colon or not key or type_ not in types or any(one in key for one in " \t;=,"):
            msg = f"{text!r} is not KEY:type with a type of {', '.join(types)}, for example CADD:float"
            raise ConfigError(msg)
        column = ChosenColumn(key, types[type_])
        other = found.setdefault(column.name, column)
        if other is not column:
            msg = f"{other.key} and {key} are both the column {column.name}; choose one of them"
            raise ConfigError(msg)
    return tuple(found.values())
