"""The header's declaration of consequences, and what each field of an entry becomes."""

import pytest

from radiant.domain.columns import Type
from radiant.domain.tables import CONSEQUENCE, VARIANT
from radiant.vcf.rules.csq_fields import COLUMNS, FIELDS, Annotator, ConsequenceFormat, decode


def line(tag, description, number="."):
    return f'##INFO=<ID={tag},Number={number},Type=String,Description="{description}">'


VEP = "Consequence annotations from Ensembl VEP. Format: Allele|Consequence|IMPACT|SYMBOL"
SNPEFF = "Functional annotations: 'Allele | Annotation | Annotation_Impact | Gene_Name | HGVS.c '"


def test_columns_are_those_of_the_tables():
    in_both = [c for c in CONSEQUENCE.columns if c in VARIANT.columns]
    assert tuple(c.name for c in in_both if c.name in COLUMNS) == COLUMNS
    others = {c.name for c in CONSEQUENCE.columns} - set(COLUMNS)
    assert others == {
        *("part", "case_id", "locus", "locus_hash", "chromosome", "start", "end", "reference", "alternate"),
        *("picked", "extra", "annotator"),
    }


class TestHeader:
    def test_fields_come_from_the_header_in_its_order(self):
        found = ConsequenceFormat.from_info_header([line("DP", "Depth"), line("CSQ", VEP)])
        assert found is not None
        assert (found.tag, found.names) == ("CSQ", ("Allele", "Consequence", "IMPACT", "SYMBOL"))
        assert (found.allele, found.allele_num, found.annotator) == (0, None, Annotator.VEP)

    @pytest.mark.parametrize("tag", ["CSQ", "ANN", "vep", "BCSQ", "ANY"])
    def test_each_tag_is_found(self, tag):
        found = ConsequenceFormat.from_info_header([line(tag, VEP)])
        assert found is not None
        assert found.tag == tag

    def test_csq_comes_before_vep_before_ann_before_bcsq_before_another_name(self):
        lines = [line(tag, VEP) for tag in ("ANY", "BCSQ", "ANN", "vep", "CSQ")]
        for expected in ("CSQ", "vep", "ANN", "BCSQ", "ANY"):
            found = ConsequenceFormat.from_info_header(lines)
            assert found is not None
            assert found.tag == expected
            lines.pop()

    def test_descriptions_by_id_do_as_well(self):
        by_id = ConsequenceFormat.from_info_header({"CSQ": VEP, "DP": "Depth"})
        assert by_id == ConsequenceFormat.from_info_header([line("CSQ", VEP)])

    @pytest.mark.parametrize(
        "lines",
        [
            [],
            [line("DP", "Format: a|b")],
            [line("ANN", "Annotations")],
            [line("CSQ", "Consequences")],
            [line("CSQ", "Format: ")],
            [line("CSQ", "Format: Allele||IMPACT")],
            ['##FORMAT=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|IMPACT">'],
            ["#CHROM\tPOS"],
        ],
    )
    def test_no_declaration_is_no_format(self, lines):
        assert ConsequenceFormat.from_info_header(lines) is None

    def test_snpeffs_ann_does_not_hide_vep(self):
        found = ConsequenceFormat.from_info_header([line("ANN", SNPEFF), line("CSQ", VEP)])
        assert found is not None
        assert found.tag == "CSQ"

    @pytest.mark.parametrize(
        "fields",
        [
            "Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change",
            "'[*]consequence|gene|transcript|biotype[|strand|amino_acid_change|dna_change]' or a pointer '@position'.",
        ],
    )
    def test_each_description_of_bcftools_is_found(self, fields):
        found = ConsequenceFormat.from_info_header([line("BCSQ", f"Local consequence annotation. Format: {fields}")])
        assert found is not None
        assert (found.annotator, len(found.names), found.dna_change) == (Annotator.BCFTOOLS, 7, 6)

    def test_csq_with_snpeffs_names_is_read(self):
        found = ConsequenceFormat.from_info_header([line("CSQ", SNPEFF)])
        assert found is not None
        assert found.names == ("Allele", "Annotation", "Annotation_Impact", "Gene_Name", "HGVS.c")
        assert found.annotator is Annotator.SNPEFF
        names = ("Allele", "Consequence", "IMPACT", "SYMBOL", "HGVSc")
        assert found.known == tuple(FIELDS[name] for name in names)

    def test_quotes_and_what_follows_the_description_are_not_fields(self):
        raw = '##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP \\"x\\". Format: \'Allele|IMPACT\'",Source="v|w">'
        found = ConsequenceFormat.from_info_header([raw])
        assert found is not None
        assert found.names == ("Allele", "IMPACT")

    def test_a_repeated_field_keeps_both_values(self):
        found = ConsequenceFormat.of("CSQ", ["Allele", "AF", "AF", "SYMBOL", "SYMBOL"])
        assert found.names == ("Allele", "AF", "AF#2", "SYMBOL", "SYMBOL#2")
        assert found.known == (FIELDS["Allele"], None, None, FIELDS["SYMBOL"], None)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("p.Asp2%3D", "p.Asp2="),
        ("a%2Cb%3Bc%25", "a,b;c%"),
        ("%253D", "%3D"),
        ("100%", "100%"),
        ("%zz %3", "%zz %3"),
        ("caf%C3%A9", "café"),
        ("%ff", "%ff"),
        ("", ""),
    ],
)
def test_percent_codes_are_decoded_once(text, decoded):
    assert decode(text) == decoded


@pytest.mark.parametrize(
    ("name", "text", "values", "complete"),
    [
        ("HGVSp", "ENSP1:p.Ile42%3D", ("ENSP1:p.Ile42=",), True),
        ("Consequence", "a_variant&b_variant", (["a_variant", "b_variant"],), True),
        ("Consequence", "a_variant", (["a_variant"],), True),
        ("IMPACT", "HIGH", ("HIGH", 4), True),
        ("IMPACT", "MODERATE", ("MODERATE", 3), True),
        ("IMPACT", "LOW", ("LOW", 2), True),
        ("IMPACT", "MODIFIER", ("MODIFIER", 1), True),
        ("IMPACT", "odd", ("odd", None), True),
        ("EXON", "3/12", (3, 12), True),
        ("EXON", "3-4/12", (3, 12), False),
        ("INTRON", "10/11", (10, 11), True),
        ("INTRON", "x/11", (None, None), False),
        ("EXON", "7", (None, None), False),
        ("STRAND", "1", (1,), True),
        ("STRAND", "-1", (-1,), True),
        ("STRAND", "+", (None,), False),
        ("CANONICAL", "YES", (True,), True),
        ("CANONICAL", "NO", (False,), True),
        ("CANONICAL", "perhaps", (False,), False),
        ("SIFT", "deleterious(0.02)", ("deleterious", 0.02), True),
        ("SIFT", "tolerated_low_confidence(1)", ("tolerated_low_confidence", 1.0), True),
        ("SIFT", "deleterious", ("deleterious", None), True),
        ("SIFT", "0.5", (None, 0.5), True),
        ("PolyPhen", "benign(0)", ("benign", 0.0), True),
        ("PolyPhen", "probably_damaging(0.999)&benign(0.1)", ("probably_damaging", 0.999), False),
        ("PolyPhen", "unknown(x)", (None, None), False),
        ("PolyPhen", "(0.2", (None, None), False),
        ("ALLELE_NUM", "2", (2,), True),
        ("DISTANCE", "4812", (4812,), True),
        ("DISTANCE", "-4812", (None,), False),
        ("DISTANCE", "1234567890", (None,), False),
        ("gnomADg_AF", "0.535", (0.535,), True),
        ("gnomADe_AF", "1.593e-05", (1.593e-05,), True),
        ("MAX_AF", "1", (1.0,), True),
        ("gnomADg_AF", "0.1&0.2", (None,), False),
        ("gnomADg_AF", "nan", (None,), False),
        ("gnomADg_AF", "1e999", (None,), False),
    ],
)
def test_a_field_becomes_its_columns(name, text, values, complete):
    assert FIELDS[name].parse(text) == (values, complete)


@pytest.mark.parametrize(
    ("name", "text", "values", "complete"),
    [
        ("Consequence", "missense&splice_region", (["missense_variant", "splice_region_variant"], "MODERATE", 3), True),
        ("Consequence", "*stop_lost", (["stop_lost"], "HIGH", 4), False),
        ("Consequence", "inframe_altering", (["protein_altering_variant"], "MODERATE", 3), False),
        ("Consequence", "intron&NMD_transcript", (["intron_variant", "NMD_transcript_variant"], "MODIFIER", 1), True),
        ("Consequence", "@6723", (None, None, None), False),
        ("Consequence", "new", (["new"], None, None), True),
        ("strand", "+", (1,), True),
        ("strand", "-", (-1,), True),
        ("amino_acid_change", "146M>146T", ("146", "M/T"), True),
        ("amino_acid_change", "162P", ("162", "P"), True),
        ("amino_acid_change", "508VA>509V", ("508", "VA/V"), False),
        ("amino_acid_change", "25E..329>25G..94", (None, None), False),
    ],
)
def test_a_field_of_bcftools_csq_becomes_its_columns(name, text, values, complete):
    names = ("Consequence", "gene", "transcript", "biotype", "strand", "amino_acid_change", "dna_change")
    field = ConsequenceFormat.of("BCSQ", names).known[names.index(name)]
    assert field is not None
    assert field.parse(text) == (values, complete)


def test_every_parser_gives_one_value_per_column_of_its_type():
    types = {column.name: column.type for column in CONSEQUENCE.columns}
    python = {
        Type.STRING: str,
        Type.INT: int,
        Type.BOOLEAN: bool,
        Type.STRINGS: list,
        Type.FLOAT: float,
        Type.DOUBLE: float,
    }
    samples = {"EXON": "1/2", "INTRON": "1/2", "STRAND": "1", "IMPACT": "LOW", "SIFT": "a(1)", "PolyPhen": "a(1)"}
    samples |= dict.fromkeys(("ALLELE_NUM", "DISTANCE", "MAX_AF", "gnomADe_AF", "gnomADg_AF"), "1")
    for name, field in FIELDS.items():
        values, _ = field.parse(samples.get(name, "YES"))
        assert len(values) == len(field.columns)
        for column, value in zip(field.columns, values, strict=True):
            assert type(value) is python[types[column]], column
