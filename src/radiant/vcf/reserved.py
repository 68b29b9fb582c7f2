"""The specification's reserved INFO and FORMAT keys, as data.

A header may declare a reserved key only as the specification does; where widespread writers differ in a way that does
not change how a value is read, their form is allowed too and the writer is named.

Source: VCF 4.3, tables 1 (INFO) and 2 (FORMAT).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an INFO or FORMAT line says about a key."""

    number: str
    """Number: a count, `A`, `R`, `G` or `.`."""
    type: str
    """Type: Integer, Float, Flag, Character or String."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a header may say about a reserved key."""

    numbers: tuple[str, ...]
    """Allowed Number, the specification's first."""
    types: tuple[str, ...]
    """Allowed Type, the specification's first."""

    @property
    def declaration(self) -> Declaration:
        """What holds where the header does not declare the key."""
        return Declaration(self.numbers[0], self.types[0])


def _r(numbers: str, types: str) -> Reserved:
    return Reserved(tuple(numbers.split("|")), tuple(types.split("|")))


INFO: dict[str, Reserved] = {
    "AA": _r("1", "String"),
    "AC": _r("A|.", "Integer"),
    "AD": _r("R|.", "Integer"),
    "ADF": _r("R|.", "Integer"),
    "ADR": _r("R|.", "Integer"),
    "AF": _r("A|.", "Float"),
    "AN": _r("1", "Integer"),
    "BQ": _r("1", "Float"),
    "CIGAR": _r("A|.", "String"),
    "DB": _r("0", "Flag"),
    "DP": _r("1", "Integer"),
    "END": _r("1", "Integer"),
    "H2": _r("0", "Flag"),
    "H3": _r("0", "Flag"),
    "MQ": _r("1", "Float|Integer"),  # bcftools call
    "MQ0": _r("1", "Integer"),
    "NS": _r("1", "Integer"),
    "SOMATIC": _r("0", "Flag"),
    "VALIDATED": _r("0", "Flag"),
    "1000G": _r("0", "Flag"),
}

FORMAT: dict[str, Reserved] = {
    "AD": _r("R|.", "Integer"),  # GATK 3 says `.`
    "ADF": _r("R|.", "Integer"),
    "ADR": _r("R|.", "Integer"),
    "DP": _r("1", "Integer"),
    "EC": _r("A|.", "Integer"),
    "FT": _r("1|.", "String"),  # GATK VariantFiltration says `.`
    "GL": _r("G|.", "Float"),
    "GLE": _r("G|.", "String"),  # 4.2 only
    "GP": _r("G|.", "Float"),
    "GQ": _r("1", "Integer|Float"),  # FreeBayes
    "GT": _r("1", "String"),
    "HQ": _r("2|.", "Integer"),
    "MQ": _r("1", "Integer"),
    "PL": _r("G|.", "Integer"),
    "PQ": _r("1", "Integer"),
    "PS": _r("1", "Integer|String"),  # GATK writes positions, others names
}

NOT_NEGATIVE: frozenset[str] = frozenset({"AC", "AD", "ADF", "ADR", "AF", "AN", "BQ", "DP", "END", "MQ0", "NS"})
"""Numbers that count or measure something."""
