"""The tables an import fills: names, columns, types and meanings, as data.

One source of truth: `vcf/` makes Arrow schemas of it, `lake/` makes Iceberg schemas of it. To add an INFO column, add
one `Column` here and one line to the field map of `vcf/info.py`; without a change of code, RADIANT_VCF__INFO_COLUMNS
adds columns to the variant table.

Coordinates are 1-based and inclusive, as in VCF. Missing is null, never 0. Chromosomes are written without `chr`, the
mitochondrial one as `M`. Field ids belong to Iceberg: they are never reused and never change.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

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


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    type: Type
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    """The order that another engine is asked to keep when it rewrites the table."""
    order: str = ""
    """The order in which an import writes the rows of a case: a sentence."""


def _c(name: str, type_: Type, doc: str, *, required: bool = False) -> Column:
    return Column(name, type_, doc, required)


IMPACT_SCORES = {"HIGH": 4, "MODERATE": 3, "LOW": 2, "MODIFIER": 1}
"""`impact_score` of each of VEP's impacts."""

_KEY = (
    _c("part", Type.INT, "Partition; members of one patient, family, case or experiment share it.", required=True),
    _c("case_id", Type.LONG, "The case the row came from.", required=True),
)

_LOCUS = (
    _c(
        "locus",
        Type.STRING,
        "`chrom-pos-ref-alt` after splitting and trimming, for example `17-43094464-A-G`.",
        required=True,
    ),
    _c("locus_hash", Type.LONG, "xxh3-64 of `locus` (UTF-8, seed 0), as a signed 64-bit integer.", required=True),
    _c("chromosome", Type.STRING, "Without `chr`; the mitochondrial one is `M`.", required=True),
    _c("start", Type.LONG, "1-based position of the first base of `reference`.", required=True),
    _c("end", Type.LONG, "1-based position of the last base of `reference`.", required=True),
    _c("reference", Type.STRING, "REF after trimming.", required=True),
    _c("alternate", Type.STRING, "This row's ALT after trimming.", required=True),
)

_SOURCE = (
    _c("source_pos", Type.LONG, "POS of the VCF line the row came from.", required=True),
    _c("source_ref", Type.STRING, "REF of that line.", required=True),
    _c("source_alt", Type.STRING, "ALT of that line, all alleles, comma-separated.", required=True),
    _c("alt_index", Type.INT, "Which ALT of that line: 1 for the first.", required=True),
)


def _parent(who: str) -> tuple[Column, ...]:
    return (
        _c(f"{who}_calls", Type.INTS, f"The {who}'s `calls`; null when that parent is not a member of the case."),
        _c(f"{who}_zygosity", Type.STRING, f"The {who}'s zygosity."),
        _c(f"{who}_dp", Type.INT, f"The {who}'s DP."),
        _c(f"{who}_gq", Type.INT, f"The {who}'s GQ."),
        _c(f"{who}_ad_ref", Type.INT, f"The {who}'s reads that support the reference."),
        _c(f"{who}_ad_alt", Type.INT, f"The {who}'s reads that support this allele."),
        _c(f"{who}_ad_total", Type.INT, f"The sum of the {who}'s AD."),
        _c(f"{who}_ad_ratio", Type.FLOAT, f"The {who}'s `ad_alt / ad_total`; null when the total is 0 or missing."),
    )


OCCURRENCE = Table(
    "germline_snv_occurrence",
    "One row per member and allele that the member carries.",
    (
        *_KEY,
        _c("patient_id", Type.STRING, "The person.", required=True),
        _c("experiment_id", Type.STRING, "The sequencing experiment.", required=True),
        _c("sample", Type.STRING, "Name of the sample column.", required=True),
        _c("is_proband", Type.BOOLEAN, "Whether the member is the case's proband.", required=True),
        _c("sex", Type.STRING, "Stated sex: male, female, unknown.", required=True),
        _c("affected", Type.STRING, "affected, unaffected, unknown.", required=True),
        *_LOCUS,
        *_SOURCE,
        _c("quality", Type.FLOAT, "QUAL."),
        _c("filter", Type.STRINGS, "FILTER: [PASS], the names of the failed filters, or null where the file says `.`."),
        _c(
            "gt",
            Type.STRING,
            "The GT field as written, with the numbering of the source line; without GT, LGT in that numbering.",
        ),
        _c(
            "calls",
            Type.INTS,
            "0 reference, 1 this allele, -1 missing or another ALT; as long as the ploidy.",
            required=True,
        ),
        _c("phased", Type.BOOLEAN, "Whether GT is phased.", required=True),
        _c("phase_set", Type.STRING, "PS."),
        _c("zygosity", Type.STRING, "HET, HOM, HEM or UNK (too few reads, or not all calls known).", required=True),
        _c("dp", Type.INT, "FORMAT DP."),
        _c("gq", Type.INT, "FORMAT GQ, rounded down where the file holds a decimal."),
        _c("ad_ref", Type.INT, "Reads that support the reference (AD, else LAD, else RO, else DPR)."),
        _c("ad_alt", Type.INT, "Reads that support this allele (AD, else LAD, else AO, else DPR)."),
        _c("ad_total", Type.INT, "Sum over all alleles of the source line."),
        _c("ad_ratio", Type.FLOAT, "`ad_alt / ad_total`; null when the total is 0 or missing."),
        *_parent("mother"),
        *_parent("father"),
        _c(
            "parental_origin",
            Type.STRING,
            "denovo, mother, father, both, ambiguous, possible_denovo, possible_mother, possible_father, unknown.",
            required=True,
        ),
        _c(
            "mendelian_error",
            Type.BOOLEAN,
            "Whether the trio genotype is impossible; null when a genotype it needs is missing.",
        ),
        _c("transmission_mode", Type.STRING, "Mode of inheritance; see docs/inheritance.md.", required=True),
        _c("info_ac", Type.INT, "INFO AC of this allele."),
        _c("info_an", Type.INT, "INFO AN."),
        _c("info_af", Type.FLOAT, "INFO AF of this allele."),
        _c("info_dp", Type.INT, "INFO DP."),
        _c("info_qd", Type.FLOAT, "INFO QD."),
        _c("info_mq", Type.FLOAT, "INFO MQ."),
        _c("info_mq0", Type.INT, "INFO MQ0."),
        _c("info_fs", Type.FLOAT, "INFO FS."),
        _c("info_sor", Type.FLOAT, "INFO SOR."),
        _c("info_mq_rank_sum", Type.FLOAT, "INFO MQRankSum."),
        _c("info_read_pos_rank_sum", Type.FLOAT, "INFO ReadPosRankSum."),
        _c("info_base_q_rank_sum", Type.FLOAT, "INFO BaseQRankSum."),
        _c("info_excess_het", Type.FLOAT, "INFO ExcessHet."),
        _c("info_inbreeding_coeff", Type.FLOAT, "INFO InbreedingCoeff."),
        _c("info_mleac", Type.INT, "INFO MLEAC of this allele."),
        _c("info_mleaf", Type.FLOAT, "INFO MLEAF of this allele."),
        _c("info_vqslod", Type.FLOAT, "INFO VQSLOD."),
        _c("info_old_record", Type.STRING, "INFO OLD_RECORD or OLD_MULTIALLELIC, as the normaliser left it."),
    ),
    ("chromosome", "start", "reference", "alternate", "sample"),
    "Rows of a case follow its VCF: lines, then ALTs of a line, then members.",
)

_CONSEQUENCE_FIELDS = (
    _c("symbol", Type.STRING, "SYMBOL."),
    _c("gene_id", Type.STRING, "Gene: Ensembl or RefSeq id."),
    _c("feature_type", Type.STRING, "Feature_type."),
    _c("transcript_id", Type.STRING, "Feature."),
    _c("biotype", Type.STRING, "BIOTYPE."),
    _c("consequences", Type.STRINGS, "Consequence: Sequence Ontology terms, in the file's order."),
    _c("impact", Type.STRING, "IMPACT: HIGH, MODERATE, LOW, MODIFIER."),
    _c("impact_score", Type.INT, "HIGH 4, MODERATE 3, LOW 2, MODIFIER 1."),
    _c("exon_rank", Type.INT, "EXON, the number before the slash."),
    _c("exon_total", Type.INT, "EXON, the number after the slash."),
    _c("intron_rank", Type.INT, "INTRON, the number before the slash."),
    _c("intron_total", Type.INT, "INTRON, the number after the slash."),
    _c("hgvsg", Type.STRING, "HGVSg."),
    _c("hgvsc", Type.STRING, "HGVSc."),
    _c("hgvsp", Type.STRING, "HGVSp, with `%3D` decoded to `=`."),
    _c("cdna_position", Type.STRING, "cDNA_position, as written."),
    _c("cds_position", Type.STRING, "CDS_position, as written."),
    _c("protein_position", Type.STRING, "Protein_position, as written."),
    _c("amino_acids", Type.STRING, "Amino_acids."),
    _c("codons", Type.STRING, "Codons."),
    _c("strand", Type.INT, "STRAND: 1 or -1."),
    _c("canonical", Type.BOOLEAN, "CANONICAL=YES."),
    _c("mane_select", Type.STRING, "MANE_SELECT."),
    _c("mane_plus_clinical", Type.STRING, "MANE_PLUS_CLINICAL."),
    _c("sift_prediction", Type.STRING, "SIFT, the word."),
    _c("sift_score", Type.FLOAT, "SIFT, the number in brackets."),
    _c("polyphen_prediction", Type.STRING, "PolyPhen, the word."),
    _c("polyphen_score", Type.FLOAT, "PolyPhen, the number in brackets."),
    _c("lof", Type.STRING, "LoF (LOFTEE)."),
    _c("lof_filter", Type.STRING, "LoF_filter."),
    _c("lof_flags", Type.STRING, "LoF_flags."),
    _c("csq_allele", Type.STRING, "Allele, as the annotator spells the ALT."),
    _c("allele_num", Type.INT, "ALLELE_NUM: which ALT of the line, from 1."),
    _c("existing_variation", Type.STRING, "Existing_variation: known variants of this place, with `&` between them."),
    _c("clin_sig", Type.STRING, "CLIN_SIG (ClinVar), with `&` between several."),
    _c("distance", Type.INT, "DISTANCE from the variant to the transcript, in bases."),
    _c("hgnc_id", Type.STRING, "HGNC_ID."),
    _c(
        "max_af",
        Type.DOUBLE,
        "MAX_AF, else another of RADIANT_VCF__MAX_AF_NAMES: the highest frequency in any population, 0 to 1.",
    ),
    _c(
        "gnomade_af",
        Type.DOUBLE,
        "gnomADe_AF, else another of RADIANT_VCF__GNOMADE_AF_NAMES: frequency in gnomAD exomes, 0 to 1.",
    ),
    _c(
        "gnomadg_af",
        Type.DOUBLE,
        "gnomADg_AF, else another of RADIANT_VCF__GNOMADG_AF_NAMES: frequency in gnomAD genomes, 0 to 1.",
    ),
)

_ANNOTATOR = _c(
    "annotator",
    Type.STRING,
    "Whose form the consequence's entry has: VEP, SnpEff or bcftools csq; null without any, and in rows of versions "
    "that read VEP alone.",
)

VARIANT = Table(
    "germline_snv_variant",
    "One row per case and allele, with the picked consequence.",
    (
        *_KEY,
        *_LOCUS,
        _c(
            "variant_class",
            Type.STRING,
            "SNV, MNV, insertion, deletion, indel or symbolic, from the alleles.",
            required=True,
        ),
        _c(
            "rsnumber",
            Type.STRINGS,
            "The rs numbers of ID and Existing_variation, each once; null when there are none.",
        ),
        *_CONSEQUENCE_FIELDS,
        _c(
            "picked_by",
            Type.STRING,
            "Why this consequence: PICK, MANE_SELECT, CANONICAL, impact, first; null without any.",
        ),
        _ANNOTATOR,
        _c(
            "info",
            Type.STRING_MAP,
            "INFO keys that the header declares and no column shows, with this allele's value where a key has one per "
            "allele; a flag has the value `true`. Null where RADIANT_VCF__INFO_MAP is off.",
        ),
    ),
    ("chromosome", "start", "reference", "alternate"),
    "Rows of a case follow its VCF: lines, then ALTs of a line.",
)

CONSEQUENCE = Table(
    "germline_snv_consequence",
    "One row per case, allele and entry of the annotator (VEP, SnpEff or bcftools csq).",
    (
        *_KEY,
        *_LOCUS,
        *_CONSEQUENCE_FIELDS,
        _c("picked", Type.BOOLEAN, "Whether this is the entry that `germline_snv_variant` shows.", required=True),
        _c("extra", Type.STRING_MAP, "Every other non-empty field of the entry, under its name in the header."),
        _ANNOTATOR,
    ),
    ("chromosome", "start", "reference", "alternate"),
    "Rows of a case follow its VCF: lines, then ALTs of a line, then entries of an ALT.",
)

COMPOUND_HET = Table(
    "germline_snv_compound_het",
    "One row per member, heterozygous allele, gene and partner: an allele of that gene on the other copy, or maybe so.",
    (
        *_KEY,
        _c("patient_id", Type.STRING, "The person.", required=True),
        _c("experiment_id", Type.STRING, "The sequencing experiment.", required=True),
        _c("sample", Type.STRING, "Name of the sample column.", required=True),
        _c("is_proband", Type.BOOLEAN, "Whether the member is the case's proband.", required=True),
        *_LOCUS,
        _c("gene_id", Type.STRING, "The gene: `gene_id`, or the SYMBOL where there is none.", required=True),
        _c("symbol", Type.STRING, "The gene's SYMBOL."),
        _c(
            "partner_locus",
            Type.STRING,
            "`locus` of the other allele; the pair has a second row the other way round.",
            required=True,
        ),
        _c(
            "in_trans",
            Type.STRING,
            "known (by the parents, by phase, or both ALTs of one line) or assumed.",
            required=True,
        ),
    ),
    ("chromosome", "start", "reference", "alternate", "sample"),
    "Rows of a case are grouped by member, then by gene; within a gene they follow its VCF.",
)

QUARANTINE = Table(
    "germline_snv_quarantine",
    "One row per rejected line or rejected piece of a kept line.",
    (
        *_KEY,
        _c(
            "line",
            Type.LONG,
            "1-based line number in the (decompressed) file; the record's ordinal for BCF.",
            required=True,
        ),
        _c("rule", Type.STRING, "Short name of the rule that was broken.", required=True),
        _c("message", Type.STRING, "What is wrong, with the value.", required=True),
        _c(
            "record_kept",
            Type.BOOLEAN,
            "True when only a piece (one CSQ entry) was rejected and the record was kept.",
            required=True,
        ),
        _c("text", Type.STRING, "The line or piece, its first 4,096 characters."),
    ),
    ("line",),
    "Rows of a case follow its VCF.",
)

CASE_LOAD = Table(
    "case_load",
    "One row per imported case: committed last, it alone makes a case visible.",
    (
        *_KEY,
        _c("load_id", Type.STRING, "The import attempt whose rows are the case's rows.", required=True),
        _c("commit_token", Type.STRING, "The commit that made them visible.", required=True),
        _c("loaded_at", Type.TIMESTAMP, "When.", required=True),
        _c("strategy", Type.STRING, "Experimental strategy.", required=True),
        _c("assembly", Type.STRING, "GRCh38 or GRCh37.", required=True),
        _c("vcf_uri", Type.STRING, "The file.", required=True),
        _c("vcf_size", Type.LONG, "Its bytes."),
        _c("vcf_sha256", Type.STRING, "Of its bytes, lower-case hexadecimal."),
        _c("header_sha256", Type.STRING, "Of its header lines."),
        _c("caller", Type.STRING, "`##source` or the caller's command line tool, as the header states it."),
        _c("vep_version", Type.STRING, "As the header states it."),
        _c("radiant_version", Type.STRING, "The version that imported.", required=True),
        _c("image", Type.STRING, "Image digest, null for a local process."),
        _c("rows", Type.STRING, "JSON: rows per table.", required=True),
        _c("digests", Type.STRING, "JSON: digest of the rows in order, per table.", required=True),
        _c("snapshots", Type.STRING, "JSON: Iceberg snapshot id per table that holds the case's rows.", required=True),
        _c(
            "report",
            Type.STRING,
            "JSON: the import report (lines per bucket and contig, quality numbers, warnings).",
            required=True,
        ),
    ),
    ("case_id",),
    "Rows of one commit are sorted by case_id.",
)

CASE_TABLES: tuple[Table, ...] = (OCCURRENCE, VARIANT, CONSEQUENCE, COMPOUND_HET, QUARANTINE)
"""What one import of one case fills, in commit order; `CASE_LOAD` follows them."""

ALL_TABLES: tuple[Table, ...] = (*CASE_TABLES, CASE_LOAD)

SHORT_NAMES = {
    "occurrence": OCCURRENCE,
    "variant": VARIANT,
    "consequence": CONSEQUENCE,
    "compound_het": COMPOUND_HET,
    "quarantine": QUARANTINE,
}
"""File names of `radiant vcf convert` and keys of the row counts."""


FREQUENCY_COLUMNS: Mapping[str, str] = {"max_af": "MAX_AF", "gnomade_af": "gnomADe_AF", "gnomadg_af": "gnomADg_AF"}
"""Columns of allele frequencies, and the name that each is read from first."""


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """An INFO key that a setting makes a column of the variant table."""

    key: str
    """INFO key, as the header spells it."""
    type: Type
    """BOOLEAN, INT, FLOAT, DOUBLE or STRING."""

    @property
    def name(self) -> str:
        """Name of the column: `info_` and the key in lower case, every other character than a-z, 0-9 and _ as `_`."""
        return "info_" + re.sub(r"[^a-z0-9_]", "_", self.key.lower())

    @property
    def column(self) -> Column:
        """The column's declaration."""
        return Column(self.name, self.type, f"INFO {self.key}; see RADIANT_VCF__INFO_COLUMNS.")


CHOSEN_TYPES = (Type.BOOLEAN, Type.INT, Type.FLOAT, Type.DOUBLE, Type.STRING)
"""Types that a chosen column can have."""


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


@cache
def case_tables(chosen: tuple[ChosenColumn, ...] = ()) -> Mapping[str, Table]:
    """Return the case tables by short name, the variant table with the chosen columns behind its own."""
    if not chosen:
        return SHORT_NAMES
    variant = replace(VARIANT, columns=(*VARIANT.columns, *(one.column for one in chosen)))
    return {**SHORT_NAMES, "variant": variant}
