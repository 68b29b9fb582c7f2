"""INFO of an allele that is not in the occurrence table: its frequencies, the chosen columns, and the map of the rest.

A key takes part when the header declares it (or the specification reserves it), no column of `rules.info` shows it, and
it holds no consequences. Its value is the text as written; of a key with one value per allele (Number=A, R) the
allele's own. Where the number of values does not fit the alleles, it is the whole text. A dot and an empty text are no
value; a key without `=` is a flag and has the value `true`. What ANNOVAR writes about an ALT is the allele's own
(`annovar_blocks`), a key that has a column of `rules.info` elsewhere among it.

A column takes a value that it can hold in full, and the map has the others: nothing is in both, nothing is lost.
- A frequency column takes the entry's value first (`csq_fields`), then that of the first INFO key of its names that has
  one. Its keys count as per allele whatever Number says: on a line with several ALTs a single value is no allele's.
- A chosen column (`RADIANT_VCF__INFO_COLUMNS`) takes a number, a boolean (`true`, `false`, 1, 0) or the text.

Source: VCF 4.3, section 1.6.1 (INFO), and 1.4.2 (Number).
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from radiant.domain.columns import ChosenColumn, Table, Type, chosen_columns
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.domain.tables import INFO_COLUMNS, with_chosen_columns
from radiant.errors import ConfigError
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.header.declarations import Header, matching
from radiant.vcf.rules import values
from radiant.vcf.rules.csq_fields import Value, frequency
from radiant.vcf.rules.info import Fields, InfoEntries, annotation_of
from radiant.vcf_settings import Vcf


def is_annotation(key: str) -> bool:
    """Return whether a key holds an annotator's entries: long, and the consequence table's matter.

    ANNOVAR writes a key for each of its fields, which are short and stay in the map.
    """
    return annotation_of(key) not in {None, "ANNOVAR"}


FLAG = "true"
"""The value of a key without `=`."""


@dataclass(frozen=True, slots=True)
class InfoOptions:
    """Where INFO keys and frequencies go. Crosses as JSON."""

    frequencies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Frequency columns, and the names that each is read from, the first one first."""
    columns: tuple[str, ...] = ()
    """Chosen columns as `KEY:type`."""
    map: bool = True
    """Whether there is a map of the rest."""
    without: tuple[str, ...] = ()
    """Keys that are not in it."""

    @classmethod
    def of(cls, vcf: Vcf) -> "InfoOptions":
        """Take them from the settings.

        Raises:
            ConfigError: two chosen keys are one column, or a key of an annotator is chosen.
        """
        names = {"max_af": vcf.max_af_names, "gnomade_af": vcf.gnomade_af_names, "gnomadg_af": vcf.gnomadg_af_names}
        frequencies = tuple(
            (column, tuple(dict.fromkeys((first, *names[column])))) for column, first in FREQUENCY_COLUMNS.items()
        )
        for one in chosen_columns(vcf.info_columns):
            if is_annotation(one.key):
                msg = f"RADIANT_VCF__INFO_COLUMNS: {one.key} is read into the consequence table; leave it out"
                raise ConfigError(msg)
        return cls(frequencies, vcf.info_columns, vcf.info_map, vcf.info_without)

    @property
    def chosen(self) -> tuple[ChosenColumn, ...]:
        """The chosen columns."""
        return chosen_columns(self.columns)

    @property
    def tables(self) -> Mapping[str, Table]:
        """The case tables with the chosen columns."""
        return with_chosen_columns(self.chosen)


DEFAULT = InfoOptions.of(Vcf())
"""What the settings are when nothing is set."""

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(slots=True)
class AlleleInfo:
    """What INFO says about one allele."""

    texts: dict[str, str]
    """Values by key, in the order of the line."""
    of_block: Container[str] = ()
    """Keys among them that are in ANNOVAR's block of the allele."""
    frequencies: dict[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    """Frequency columns that an INFO key has a value for: the value and the key."""


class InfoPlan:
    """Where the INFO keys of one file go."""

    def __init__(self, header: Header, options: InfoOptions, tag: str | None) -> None:
        """Take the header's declarations; `tag` is the key of the consequences."""
        self._header = header
        self._options = options
        self._tag = tag
        self._numbers: dict[str, str | None] = {}
        self.columns = options.chosen
        """The chosen columns."""
        self._chosen = {one.key for one in self.columns}
        self.tables = options.tables
        """The case tables with the chosen columns."""
        declared = [key for key in (*header.info, *header.annovar) if not self._holds_entries(key)]
        self.frequencies: dict[str, tuple[str, ...]] = {
            column: keys for column, names in options.frequencies if (keys := matching(names, declared))
        }
        """Frequency columns and the declared INFO keys that each is read from, the first one first."""
        self._frequency_keys = {key for keys in self.frequencies.values() for key in keys}

    def number(self, key: str) -> str | None:
        """Return how many values a key has: `A` or `R` where they are the alleles', else ``; None for no part in it."""
        if key not in self._numbers:
            if len(self._numbers) >= _MAX_KEYS:
                self._numbers.clear()
            self._numbers[key] = self._number(key)
        return self._numbers[key]

    def _number(self, key: str) -> str | None:
        declaration = self._header.info_declaration(key)
        wanted = key in self._chosen or key in self._frequency_keys or self.in_map(key)
        if declaration is None or self._holds_entries(key) or not wanted:
            return None
        if key in self._frequency_keys and declaration.number != "R":
            return "A"
        return declaration.number if declaration.number in {"A", "R"} else ""

    def _holds_entries(self, key: str) -> bool:
        return key == self._tag or is_annotation(key)

    def in_map(self, key: str) -> bool:
        """Return whether the map takes what no column shows of a key."""
        return self._options.map and key not in INFO_COLUMNS and key not in self._options.without

    def takes_part_in_block(self, key: str) -> bool:
        """Return whether a key in ANNOVAR's block of an allele takes part."""
        if self._header.declaration_in_blocks(key) is None or self._holds_entries(key):
            return False
        return key in self._chosen or key in self._frequency_keys or self.in_map_of_block(key)

    def in_map_of_block(self, key: str) -> bool:
        """Return whether the map takes what no column shows of a key in ANNOVAR's block of an allele."""
        return self._options.map and key not in self._options.without

    @property
    def has_map(self) -> bool:
        """Whether rows have a map at all."""
        return self._options.map

    # --- Line by line -------------------------------------------------------------------------------------------------

    def read(self, entries: InfoEntries, alt_index: int, n_alts: int) -> AlleleInfo:
        """Read the INFO of a line for one of its alleles."""
        own_block = entries.of_allele(alt_index, n_alts) if entries.blocks else {}
        info = AlleleInfo({}, own_block)
        whole: set[str] = set()
        for key, written in entries.line.items():
            number = self.number(key)
            if number is None or any(key in block for block in entries.blocks):
                continue
            text = FLAG
            if written is not None:
                own = _own_value(written, number, alt_index, n_alts)
                if own is None:
                    whole.add(key)
                text = written if own is None else own
            if text not in {"", "."}:
                info.texts[key] = text
        info.texts |= self._of_block(own_block)
        for column, keys in self.frequencies.items():
            for key in keys:
                (value,), complete = frequency(info.texts.get(key, ""))
                if complete and (n_alts == 1 or key not in whole):
                    info.frequencies[column] = float(str(value)), key
                    break
        return info

    def _of_block(self, fields: Fields) -> dict[str, str]:
        """Return what ANNOVAR's block of an allele gives it."""
        texts = {key: FLAG if written is None else written for key, written in fields.items()}
        return {key: text for key, text in texts.items() if text not in {"", "."} and self.takes_part_in_block(key)}

    def row(self, info: AlleleInfo, picked: Mapping[str, Value]) -> dict[str, object]:
        """Return the frequency columns that the picked entry leaves empty, the chosen columns, and the map."""
        shown: set[str] = set()
        row: dict[str, object] = {}
        for column, (value, key) in info.frequencies.items():
            if picked.get(column) is None:
                row[column] = value
                shown.add(key)
        for one in self.columns:
            row[one.name] = value = chosen_value(info.texts.get(one.key), one.type)
            if value is not None:
                shown.add(one.key)
        if self.has_map:
            row["info"] = {key: text for key, text in info.texts.items() if key not in shown and self._shows(key, info)}
        return row

    def _shows(self, key: str, info: AlleleInfo) -> bool:
        return self.in_map_of_block(key) if key in info.of_block else self.in_map(key)


_MAX_KEYS = 10_000
"""More keys than this are not cached."""


def _own_value(text: str, number: str, alt_index: int, n_alts: int) -> str | None:
    """Return an allele's own value of a key that has one per allele, the text of another key, None where none fits."""
    if not number:
        return text
    items = text.split(",")
    if len(items) != n_alts + (number == "R"):
        return None
    return items[alt_index - 1 + (number == "R")]


def chosen_value(text: str | None, type_: Type) -> object:
    """Return what a chosen column holds of a text; None where it cannot hold it."""
    if text is None or type_ is Type.STRING:
        return text
    if type_ is Type.BOOLEAN:
        return _BOOLEANS.get(text)
    try:
        return values.integer(text, "") if type_ is Type.INT else values.floating(text, "")
    except BrokenRuleError:
        return None
