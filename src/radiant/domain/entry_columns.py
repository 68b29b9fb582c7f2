"""The columns of the annotator's entries, in the variant and the consequence table: VEP, SnpEff, `bcftools csq`."""

from collections.abc import Mapping
from functools import partial

from radiant.domain.columns import Column, Encoding, EntryField, Form, Per, Type

IMPACT_SCORES = {"HIGH": 4, "MODERATE": 3, "LOW": 2, "MODIFIER": 1}
"""`impact_score` of each of VEP's impacts."""


def _entry(  # noqa: PLR0913 - facts about a column
    name: str,
    type_: Type,
    doc: str,
    vep: str,
    form: Form = Form.TEXT,
    *,
    snpeff: str | None = None,
    bcftools: str | None = None,
    per: Per = Per.ENTRY,
    encoding: Encoding = Encoding.DICTIONARY,
    bounded: bool = False,
    repeats: bool = True,
) -> Column:
    """Declare a column of the annotator's entries, by its field's names in VEP, SnpEff and `bcftools csq`."""
    source = EntryField(vep, form, snpeff, bcftools)
    return Column(name, type_, doc, per=per, source=source, encoding=encoding, bounded=bounded, repeats=repeats)


_of_transcript = partial(_entry, per=Per.TRANSCRIPT)
_distinct = partial(_entry, repeats=False)
_frequency = partial(_entry, form=Form.FREQUENCY, per=Per.ALLELE, encoding=Encoding.PLAIN)
_impact = partial(_of_transcript, vep="IMPACT", form=Form.IMPACT, snpeff="Annotation_Impact", bcftools="consequence")

ENTRY_COLUMNS: tuple[Column, ...] = (
    _of_transcript(
        "symbol", Type.STRING, "SYMBOL.", "SYMBOL", snpeff="Gene_Name", bcftools="gene", encoding=Encoding.PLAIN
    ),
    _of_transcript(
        "gene_id", Type.STRING, "Gene: Ensembl or RefSeq id.", "Gene", snpeff="Gene_ID", encoding=Encoding.PLAIN
    ),
    _of_transcript("feature_type", Type.STRING, "Feature_type.", "Feature_type", snpeff="Feature_Type"),
    _of_transcript(
        "transcript_id",
        Type.STRING,
        "Feature.",
        "Feature",
        snpeff="Feature_ID",
        bcftools="transcript",
        encoding=Encoding.PLAIN,
    ),
    _of_transcript("biotype", Type.STRING, "BIOTYPE.", "BIOTYPE", snpeff="Transcript_BioType", bcftools="biotype"),
    _of_transcript(
        "consequences",
        Type.STRINGS,
        "Consequence: Sequence Ontology terms, in the file's order.",
        "Consequence",
        Form.TERMS,
        snpeff="Annotation",
        bcftools="consequence",
    ),
    _impact("impact", Type.STRING, "IMPACT: HIGH, MODERATE, LOW, MODIFIER."),
    _impact("impact_score", Type.INT, "HIGH 4, MODERATE 3, LOW 2, MODIFIER 1.", bounded=True),
    _entry("exon_rank", Type.INT, "EXON, the number before the slash.", "EXON", Form.RANK),
    _entry("exon_total", Type.INT, "EXON, the number after the slash.", "EXON", Form.RANK),
    _entry("intron_rank", Type.INT, "INTRON, the number before the slash.", "INTRON", Form.RANK),
    _entry("intron_total", Type.INT, "INTRON, the number after the slash.", "INTRON", Form.RANK),
    _distinct("hgvsg", Type.STRING, "HGVSg.", "HGVSg", encoding=Encoding.PLAIN),
    _distinct("hgvsc", Type.STRING, "HGVSc.", "HGVSc", snpeff="HGVS.c", encoding=Encoding.PLAIN),
    _distinct(
        "hgvsp", Type.STRING, "HGVSp, with `%3D` decoded to `=`.", "HGVSp", snpeff="HGVS.p", encoding=Encoding.PLAIN
    ),
    _distinct(
        "cdna_position",
        Type.STRING,
        "cDNA_position, as written.",
        "cDNA_position",
        snpeff="cDNA.pos / cDNA.length",
        encoding=Encoding.PLAIN,
    ),
    _distinct(
        "cds_position",
        Type.STRING,
        "CDS_position, as written.",
        "CDS_position",
        snpeff="CDS.pos / CDS.length",
        encoding=Encoding.PLAIN,
    ),
    _distinct(
        "protein_position",
        Type.STRING,
        "Protein_position, as written.",
        "Protein_position",
        snpeff="AA.pos / AA.length",
        bcftools="amino_acid_change",
        encoding=Encoding.PLAIN,
    ),
    _entry("amino_acids", Type.STRING, "Amino_acids.", "Amino_acids", bcftools="amino_acid_change"),
    _entry("codons", Type.STRING, "Codons.", "Codons"),
    _of_transcript("strand", Type.INT, "STRAND: 1 or -1.", "STRAND", Form.STRAND, bcftools="strand"),
    _of_transcript("canonical", Type.BOOLEAN, "CANONICAL=YES.", "CANONICAL", Form.FLAG),
    _of_transcript("mane_select", Type.STRING, "MANE_SELECT.", "MANE_SELECT", encoding=Encoding.PLAIN),
    _of_transcript("mane_plus_clinical", Type.STRING, "MANE_PLUS_CLINICAL.", "MANE_PLUS_CLINICAL"),
    _entry("sift_prediction", Type.STRING, "SIFT, the word.", "SIFT", Form.PREDICTION),
    _entry("sift_score", Type.FLOAT, "SIFT, the number in brackets.", "SIFT", Form.PREDICTION),
    _entry("polyphen_prediction", Type.STRING, "PolyPhen, the word.", "PolyPhen", Form.PREDICTION),
    _entry("polyphen_score", Type.FLOAT, "PolyPhen, the number in brackets.", "PolyPhen", Form.PREDICTION),
    _entry("lof", Type.STRING, "LoF (LOFTEE).", "LoF"),
    _entry("lof_filter", Type.STRING, "LoF_filter.", "LoF_filter"),
    _entry("lof_flags", Type.STRING, "LoF_flags.", "LoF_flags"),
    _entry("csq_allele", Type.STRING, "Allele, as the annotator spells the ALT.", "Allele", bcftools="dna_change"),
    _entry("allele_num", Type.INT, "ALLELE_NUM: which ALT of the line, from 1.", "ALLELE_NUM", Form.NUMBER),
    _entry(
        "existing_variation",
        Type.STRING,
        "Existing_variation: known variants of this place, with `&` between them.",
        "Existing_variation",
        encoding=Encoding.PLAIN,
    ),
    _entry("clin_sig", Type.STRING, "CLIN_SIG (ClinVar), with `&` between several.", "CLIN_SIG", per=Per.ALLELE),
    _entry(
        "distance",
        Type.INT,
        "DISTANCE from the variant to the transcript, in bases.",
        "DISTANCE",
        Form.NUMBER,
        snpeff="Distance",
        encoding=Encoding.DELTA,
    ),
    _of_transcript("hgnc_id", Type.STRING, "HGNC_ID.", "HGNC_ID"),
    _frequency(
        "max_af",
        Type.DOUBLE,
        "MAX_AF, else another of RADIANT_VCF__MAX_AF_NAMES: the highest frequency in any population, 0 to 1.",
        "MAX_AF",
    ),
    _frequency(
        "gnomade_af",
        Type.DOUBLE,
        "gnomADe_AF, else another of RADIANT_VCF__GNOMADE_AF_NAMES: frequency in gnomAD exomes, 0 to 1.",
        "gnomADe_AF",
    ),
    _frequency(
        "gnomadg_af",
        Type.DOUBLE,
        "gnomADg_AF, else another of RADIANT_VCF__GNOMADG_AF_NAMES: frequency in gnomAD genomes, 0 to 1.",
        "gnomADg_AF",
    ),
)

ENTRY_FIELDS: Mapping[str, EntryField] = {
    column.name: column.source for column in ENTRY_COLUMNS if isinstance(column.source, EntryField)
}
"""Columns of the annotator's entries, in order, and the field that each is read from."""

FREQUENCY_COLUMNS: Mapping[str, str] = {
    name: field.vep for name, field in ENTRY_FIELDS.items() if field.form is Form.FREQUENCY
}
"""Columns of allele frequencies, and the name that each is read from first."""
