"""The tables an import fills: names, columns and every fact about a column, as data.

A column is declared here and nowhere else: the readers of `vcf/`, the Arrow and Iceberg schemas, the encoding of data
files and docs/tables.md derive from it. docs/add-a-column.md shows how to add one. RADIANT_VCF__INFO_COLUMNS adds
columns to the variant table without a change of code.

Coordinates are 1-based and inclusive, as in VCF. Missing is null, never 0. Chromosomes are written without `chr`, the
mitochondrial one as `M`. Field ids belong to Iceberg: they are never reused and never change.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial

from radiant.domain.columns import (
    ChosenColumn,
    Column,
    Encoding,
    FormatKey,
    InfoKey,
    Per,
    Table,
    Type,
)
from radiant.domain.entry_columns import ENTRY_COLUMNS

_PLAIN, _DELTA = Encoding.PLAIN, Encoding.DELTA

_case = partial(Column, per=Per.CASE)
_member = partial(Column, per=Per.MEMBER, required=True)
_line = partial(Column, per=Per.LINE)
_allele = partial(Column, per=Per.ALLELE)
_sample = partial(Column, per=Per.SAMPLE)
_row = partial(Column, per=Per.ROW)


def _info(
    name: str,
    type_: Type,
    *keys: str,
    per: Per = Per.LINE,
    encoding: Encoding = Encoding.DICTIONARY,
    doc: str = "",
) -> Column:
    """Declare a column of INFO: INT, FLOAT or, per line, STRING. The first of its keys that is there counts."""
    default = f"INFO {' or '.join(keys)}{' of this allele' if per is Per.ALLELE else ''}."
    return Column(name, type_, doc or default, per=per, source=InfoKey(keys), encoding=encoding)


# --- Columns of several tables ----------------------------------------------------------------------------------------

_KEY = (
    _case(
        "part",
        Type.INT,
        "Partition; members of one patient, family, case or experiment share it.",
        required=True,
        bounded=True,
    ),
    _case("case_id", Type.LONG, "The case the row came from.", required=True, bounded=True),
)

_MEMBER = (
    _member("patient_id", Type.STRING, "The person."),
    _member("experiment_id", Type.STRING, "The sequencing experiment."),
    _member("sample", Type.STRING, "Name of the sample column."),
    _member("is_proband", Type.BOOLEAN, "Whether the member is the case's proband.", bounded=True),
)

_locus = partial(_allele, required=True)
_LOCUS = (
    _locus(
        "locus",
        Type.STRING,
        "`chromosome-start-reference-alternate`, for example `17-43094464-A-G`.",
        encoding=_PLAIN,
        stored=False,
    ),
    _locus(
        "locus_hash",
        Type.LONG,
        "xxh3-64 of `locus` (UTF-8, seed 0), as a signed 64-bit integer.",
        encoding=_PLAIN,
        stored=False,
    ),
    _locus("chromosome", Type.STRING, "Without `chr`; the mitochondrial one is `M`.", bounded=True),
    _locus("start", Type.LONG, "1-based position of the first base of `reference`.", encoding=_DELTA, bounded=True),
    _locus("end", Type.LONG, "1-based position of the last base of `reference`.", encoding=_DELTA, bounded=True),
    _locus("reference", Type.STRING, "REF after trimming."),
    _locus("alternate", Type.STRING, "This row's ALT after trimming."),
)

# --- Occurrences ------------------------------------------------------------------------------------------------------


def _source(name: str, type_: Type, doc: str, same_as: str, encoding: Encoding = Encoding.DICTIONARY) -> Column:
    """Declare a column of the VCF line that trimming, splitting or the reference sequence may have changed."""
    doc = f"{doc} The table has null where it is `{same_as}`."
    return _line(name, type_, doc, required=True, same_as=same_as, encoding=encoding)


_SOURCE = (
    _source("source_pos", Type.LONG, "POS of the VCF line the row came from.", "start", _DELTA),
    _source("source_ref", Type.STRING, "REF of that line.", "reference"),
    _source("source_alt", Type.STRING, "ALT of that line, all alleles, comma-separated.", "alternate"),
    _allele("alt_index", Type.INT, "Which ALT of that line: 1 for the first.", required=True),
    _line("quality", Type.FLOAT, "QUAL.", encoding=_PLAIN),
    _line("filter", Type.STRINGS, "FILTER: [PASS], the names of the failed filters, or null where the file says `.`."),
)


def _parent(which: str) -> tuple[Column, ...]:
    return (
        _sample(
            f"{which}_calls", Type.INTS, f"The {which}'s `calls`; null when that parent is not a member of the case."
        ),
        _sample(f"{which}_zygosity", Type.STRING, f"The {which}'s zygosity."),
        _sample(f"{which}_dp", Type.INT, f"The {which}'s DP."),
        _sample(f"{which}_gq", Type.INT, f"The {which}'s GQ."),
        _sample(f"{which}_ad_ref", Type.INT, f"The {which}'s reads that support the reference."),
        _sample(f"{which}_ad_alt", Type.INT, f"The {which}'s reads that support this allele."),
        _sample(f"{which}_ad_total", Type.INT, f"The sum of the {which}'s AD."),
        _sample(
            f"{which}_ad_ratio",
            Type.FLOAT,
            f"The {which}'s `ad_alt / ad_total`; null when the total is 0 or missing.",
        ),
    )


_GENOTYPE = (
    _sample(
        "gt",
        Type.STRING,
        "The GT field as written, with the numbering of the source line; without GT, LGT in that numbering.",
        source=FormatKey(("GT", "LGT", "LAA")),
    ),
    _sample(
        "calls",
        Type.INTS,
        "0 reference, 1 this allele, -1 missing or another ALT; as long as the ploidy.",
        required=True,
    ),
    _sample("phased", Type.BOOLEAN, "Whether GT is phased.", required=True),
    _sample("phase_set", Type.STRING, "PS.", source=FormatKey(("PS",))),
    _sample("zygosity", Type.STRING, "HET, HOM, HEM or UNK (too few reads, or not all calls known).", required=True),
    _sample("dp", Type.INT, "FORMAT DP.", source=FormatKey(("DP",))),
    _sample("gq", Type.INT, "FORMAT GQ, rounded down where the file holds a decimal.", source=FormatKey(("GQ",))),
    _sample(
        "ad_ref",
        Type.INT,
        "Reads that support the reference (AD, else LAD, else RO, else DPR).",
        source=FormatKey(("AD", "LAD", "RO", "DPR")),
    ),
    _sample(
        "ad_alt",
        Type.INT,
        "Reads that support this allele (AD, else LAD, else AO, else DPR).",
        source=FormatKey(("AD", "LAD", "AO", "DPR")),
    ),
    _sample("ad_total", Type.INT, "Sum over all alleles of the source line."),
    _sample("ad_ratio", Type.FLOAT, "`ad_alt / ad_total`; null when the total is 0 or missing."),
)

_INHERITANCE = (
    _sample(
        "parental_origin",
        Type.STRING,
        "denovo, mother, father, both, ambiguous, possible_denovo, possible_mother, possible_father, unknown.",
        required=True,
        bounded=True,
    ),
    _sample(
        "mendelian_error",
        Type.BOOLEAN,
        "Whether the trio genotype is impossible; null when a genotype it needs is missing.",
    ),
    _sample("transmission_mode", Type.STRING, "Mode of inheritance; see docs/inheritance.md.", required=True),
)

OCCURRENCE = Table(
    "occurrence",
    "germline_snv_occurrence",
    "One row per member and allele that the member carries.",
    (
        *_KEY,
        *_MEMBER,
        _member("sex", Type.STRING, "Stated sex: male, female, unknown."),
        _member("affected", Type.STRING, "affected, unaffected, unknown."),
        *_LOCUS,
        *_SOURCE,
        *_GENOTYPE,
        *_parent("mother"),
        *_parent("father"),
        *_INHERITANCE,
        _info("info_ac", Type.INT, "AC", per=Per.ALLELE),
        _info("info_an", Type.INT, "AN"),
        _info("info_af", Type.FLOAT, "AF", per=Per.ALLELE),
        _info("info_dp", Type.INT, "DP"),
        _info("info_qd", Type.FLOAT, "QD", encoding=_PLAIN),
        _info("info_mq", Type.FLOAT, "MQ", encoding=_PLAIN),
        _info("info_mq0", Type.INT, "MQ0"),
        _info("info_fs", Type.FLOAT, "FS", encoding=_PLAIN),
        _info("info_sor", Type.FLOAT, "SOR", encoding=_PLAIN),
        _info("info_mq_rank_sum", Type.FLOAT, "MQRankSum", encoding=_PLAIN),
        _info("info_read_pos_rank_sum", Type.FLOAT, "ReadPosRankSum", encoding=_PLAIN),
        _info("info_base_q_rank_sum", Type.FLOAT, "BaseQRankSum", encoding=_PLAIN),
        _info("info_excess_het", Type.FLOAT, "ExcessHet", encoding=_PLAIN),
        _info("info_inbreeding_coeff", Type.FLOAT, "InbreedingCoeff"),
        _info("info_mleac", Type.INT, "MLEAC", per=Per.ALLELE),
        _info("info_mleaf", Type.FLOAT, "MLEAF", per=Per.ALLELE),
        _info("info_vqslod", Type.FLOAT, "VQSLOD", encoding=_PLAIN),
        _info(
            "info_old_record",
            Type.STRING,
            "OLD_RECORD",
            "OLD_MULTIALLELIC",
            doc="INFO OLD_RECORD or OLD_MULTIALLELIC, as the normaliser left it.",
        ),
    ),
    ("chromosome", "start", "reference", "alternate", "sample"),
    "Rows of a case follow its VCF: lines, then ALTs of a line, then members.",
)

# --- Variants and consequences ----------------------------------------------------------------------------------------

_ANNOTATOR = _case(
    "annotator",
    Type.STRING,
    "Whose form the consequence's entry has: VEP, SnpEff or bcftools csq; null without any, and in rows of versions "
    "that read VEP alone.",
)

VARIANT = Table(
    "variant",
    "germline_snv_variant",
    "One row per case and allele, with the picked consequence.",
    (
        *_KEY,
        *_LOCUS,
        _allele(
            "variant_class",
            Type.STRING,
            "SNV, MNV, insertion, deletion, indel or symbolic, from the alleles.",
            required=True,
        ),
        _allele(
            "rsnumber",
            Type.STRINGS,
            "The rs numbers of ID and Existing_variation, each once; null when there are none.",
            encoding=_PLAIN,
        ),
        *ENTRY_COLUMNS,
        _allele(
            "picked_by",
            Type.STRING,
            "Why this consequence: PICK, MANE_SELECT, CANONICAL, impact, first; null without any.",
        ),
        _ANNOTATOR,
        _allele(
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
    "consequence",
    "germline_snv_consequence",
    "One row per case, allele and entry of the annotator (VEP, SnpEff or bcftools csq).",
    (
        *_KEY,
        *_LOCUS,
        *ENTRY_COLUMNS,
        _row("picked", Type.BOOLEAN, "Whether this is the entry that `germline_snv_variant` shows.", required=True),
        _row("extra", Type.STRING_MAP, "Every other non-empty field of the entry, under its name in the header."),
        _ANNOTATOR,
    ),
    ("chromosome", "start", "reference", "alternate"),
    "Rows of a case follow its VCF: lines, then ALTs of a line, then entries of an ALT.",
)

# --- The other tables -------------------------------------------------------------------------------------------------

COMPOUND_HET = Table(
    "compound_het",
    "germline_snv_compound_het",
    "One row per member, heterozygous allele, gene and partner: an allele of that gene on the other copy, or maybe so.",
    (
        *_KEY,
        *_MEMBER,
        *_LOCUS,
        _row(
            "gene_id",
            Type.STRING,
            "The gene: `gene_id`, or the SYMBOL where there is none.",
            required=True,
            encoding=_PLAIN,
        ),
        _row("symbol", Type.STRING, "The gene's SYMBOL.", encoding=_PLAIN),
        _row(
            "partner_locus",
            Type.STRING,
            "`locus` of the other allele; the pair has a second row the other way round.",
            required=True,
        ),
        _row(
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
    "quarantine",
    "germline_snv_quarantine",
    "One row per rejected line or rejected piece of a kept line.",
    (
        *_KEY,
        _line(
            "line",
            Type.LONG,
            "1-based line number in the (decompressed) file; the record's ordinal for BCF.",
            required=True,
            encoding=_DELTA,
            bounded=True,
        ),
        _row("rule", Type.STRING, "Short name of the rule that was broken.", required=True),
        _row("message", Type.STRING, "What is wrong, with the value.", required=True),
        _row(
            "record_kept",
            Type.BOOLEAN,
            "True when only a piece (one CSQ entry) was rejected and the record was kept.",
            required=True,
        ),
        _row("text", Type.STRING, "The line or piece, its first 4,096 characters.", encoding=_PLAIN),
    ),
    ("line",),
    "Rows of a case follow its VCF.",
)

CASE_LOAD = Table(
    "case_load",
    "case_load",
    "One row per imported case: committed last, it alone makes a case visible.",
    (
        *_KEY,
        _case("load_id", Type.STRING, "The import attempt whose rows are the case's rows.", required=True),
        _case("commit_token", Type.STRING, "The commit that made them visible.", required=True),
        _case("loaded_at", Type.TIMESTAMP, "When.", required=True),
        _case("strategy", Type.STRING, "Experimental strategy.", required=True),
        _case("assembly", Type.STRING, "GRCh38 or GRCh37.", required=True),
        _case("vcf_uri", Type.STRING, "The file.", required=True),
        _case("vcf_size", Type.LONG, "Its bytes."),
        _case("vcf_sha256", Type.STRING, "Of its bytes, lower-case hexadecimal."),
        _case("header_sha256", Type.STRING, "Of its header lines."),
        _case("caller", Type.STRING, "`##source` or the caller's command line tool, as the header states it."),
        _case("vep_version", Type.STRING, "As the header states it."),
        _case("radiant_version", Type.STRING, "The version that imported.", required=True),
        _case("image", Type.STRING, "Image digest, null for a local process."),
        _case("rows", Type.STRING, "JSON: rows per table.", required=True),
        _case("digests", Type.STRING, "JSON: digest of the rows in order, per table.", required=True),
        _case(
            "snapshots",
            Type.STRING,
            "JSON: Iceberg snapshot id per table that holds the case's rows.",
            required=True,
        ),
        _case(
            "report",
            Type.STRING,
            "JSON: the import report (lines per bucket and contig, quality numbers, warnings).",
            required=True,
        ),
    ),
    ("case_id",),
    "Rows of one commit are sorted by case_id.",
)

# --- What follows from the declarations -------------------------------------------------------------------------------

CASE_TABLES: dict[str, Table] = {
    table.short_name: table for table in (OCCURRENCE, VARIANT, CONSEQUENCE, COMPOUND_HET, QUARANTINE)
}
"""What one import of one case fills, by short name and in commit order."""

TABLES: dict[str, Table] = {**CASE_TABLES, CASE_LOAD.short_name: CASE_LOAD}
"""Every table by short name, in commit order: `case_load` is last."""

COLUMNS: dict[str, Column] = {column.name: column for table in TABLES.values() for column in table.columns}
"""Columns by name; those of one name have the same type, encoding and bounds in every table."""

KEY_COLUMNS = ("part", "case_id")
"""Columns that staging adds to the rows of a VCF."""

INFO_COLUMNS: Mapping[str, Column] = {
    key: column for column in OCCURRENCE.columns if isinstance(column.source, InfoKey) for key in column.source.keys
}
"""Columns by the INFO key that they are read from."""

FORMAT_KEYS: frozenset[str] = frozenset(
    key for column in OCCURRENCE.columns if isinstance(column.source, FormatKey) for key in column.source.keys
)
"""FORMAT keys that columns are read from."""


@cache
def with_chosen_columns(chosen: tuple[ChosenColumn, ...] = ()) -> Mapping[str, Table]:
    """Return the case tables by short name, the variant table with the chosen columns after its own."""
    if not chosen:
        return CASE_TABLES
    variant = replace(VARIANT, columns=(*VARIANT.columns, *(one.column for one in chosen)))
    return {**CASE_TABLES, VARIANT.short_name: variant}
