"""The specification's reserved INFO and FORMAT keys, as data.

A header may declare a reserved key as the specification does, with Number `.` (not AA, which is one text), or as a
widespread writer declares it, which is named beside the form. A header alone refuses a case only when the values cannot
be read: the lines are checked against what the columns need anyway. Where the Number is not the specification's, the
number of values of a key without a column is not checked: the file and the specification disagree about it.

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
    "AA": _r("1|A", "String"),  # A: Strelka
    "AC": _r("A|.|1|R", "Integer"),  # 1: minimac4, Sniffles 2, SHAPEIT; R: longshot, REF first, so null
    "AD": _r("R|.", "Integer"),
    "ADF": _r("R|.", "Integer"),
    "ADR": _r("R|.", "Integer"),
    "AF": _r("A|.|1", "Float"),  # 1: minimac4, 1000 Genomes phase 1, Sniffles 2, SHAPEIT, LoFreq
    "AN": _r("1|.|A", "Integer"),  # `.`: FreeBayes; A: gnomAD 2.1
    "BQ": _r("1|.", "Float"),
    "CIGAR": _r("A|.|1", "String"),  # 1: GRIDSS
    "DB": _r("0|.|1", "Flag|String"),  # 1, String: HGMD, a dbSNP number
    "DP": _r("1|.", "Integer"),  # `.`: FreeBayes
    "END": _r("1|.|A", "Integer"),  # `.`: Platypus; A: Varlociraptor
    "H2": _r("0|.", "Flag"),
    "H3": _r("0|.", "Flag"),
    "MQ": _r("1|.|A", "Float|Integer"),  # `.`: Platypus; A: weCall; Integer: bcftools call
    "MQ0": _r("1|.", "Integer"),
    "NS": _r("1|.", "Integer"),  # `.`: FreeBayes
    "SOMATIC": _r("0|.", "Flag"),
    "VALIDATED": _r("0|.", "Flag"),
    "1000G": _r("0|.", "Flag"),
}

FORMAT: dict[str, Reserved] = {
    # `.`: GATK 3; 1: VarScan, reads of ALT alone; 2: Complete Genomics, reads of the called alleles; G: vcf2maf, A:
    # hap.py, whose values are those of REF and each ALT
    "AD": _r("R|.|1|2|G|A", "Integer"),
    "ADF": _r("R|.|1|2", "Integer"),  # 1: VarScan
    "ADR": _r("R|.|1|2", "Integer"),  # 1: VarScan
    "DP": _r("1|.|A", "Integer"),  # A: Varlociraptor
    "EC": _r("A|.", "Integer"),
    "FT": _r("1|.", "String"),  # `.`: GATK VariantFiltration
    # 3: SAMtools 0.1, imputation; A: Platypus 0.8, decomposed; Integer: Complete Genomics, TASSEL
    "GL": _r("G|.|3|A", "Float|Integer"),
    "GLE": _r("G|.|1", "String"),  # 4.2 only
    "GP": _r("G|.|3", "Float"),  # 3: minimac4 and other imputation
    "GQ": _r("1|.", "Integer|Float"),  # `.`: Platypus; Float: FreeBayes
    "GT": _r("1|.", "String"),  # not Integer: what a number alone means differs between writers
    "HQ": _r("2|.", "Integer"),
    "MQ": _r("1|.", "Integer|Float"),  # Float: VarDict, GATK CombineVariants
    "PL": _r("G|.|3|1", "Integer|Float"),  # 3, Float: GATK 1; 1: SAMtools 0.1
    "PQ": _r("1|.", "Integer|Float"),  # Float: GATK ReadBackedPhasing
    "PS": _r("1|.", "Integer|String"),  # GATK writes positions, others names
}

NOT_NEGATIVE: frozenset[str] = frozenset({"AC", "AD", "ADF", "ADR", "AF", "AN", "BQ", "DP", "END", "MQ0", "NS"})
"""Numbers that count or measure something."""
