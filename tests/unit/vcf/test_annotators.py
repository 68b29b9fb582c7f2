"""Entries of SnpEff and bcftools csq fill the same columns as VEP's; annotation that is not read is named."""

import gzip
import re
import shutil
import subprocess
from collections import Counter

import pytest

import staging
from equivalence import by_rules, compare
from radiant import lake
from radiant.settings import load_settings
from radiant.vcf import ReadOptions, read_case
from radiant.vcf.rules.csq_fields import Annotator, ConsequenceFormat
from real_families import ASHKENAZI, CLINICAL
from vcf_files import HEADER, TRIO, other_warnings, record, text, write

SNPEFF = (
    "Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | "
    "Rank | HGVS.c | HGVS.p | cDNA.pos / cDNA.length | CDS.pos / CDS.length | AA.pos / AA.length | Distance | "
    "ERRORS / WARNINGS / INFO"
)
BCSQ = "Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change"


def declared(tag: str, fields: str, words: str = "Functional annotations:") -> str:
    return f"##INFO=<ID={tag},Number=.,Type=String,Description=\"{words} '{fields}' \">\n"


ANN_HEADER = HEADER + '##SnpEffVersion="5.1d (build 2022-04-19 15:49)"\n' + declared("ANN", SNPEFF)
BCSQ_LINE = (
    '##INFO=<ID=BCSQ,Number=.,Type=String,Description="Haplotype-aware consequence annotation from BCFtools/csq, '
    f'see http://samtools.github.io/bcftools/howtos/csq-calling.html for details. Format: {BCSQ}">\n'
)


def ann(allele: str, effect: str, impact: str, transcript: str = "T1", rest: str = "") -> str:
    first = [allele, effect, impact, "G1", "EG1", "transcript", transcript, "protein_coding"]
    return "|".join([*first, "2/5", "c.1A>G", "p.Met1%3D", "100/900", "1/600", "1/200", "", rest])


def rows(tmp_path, lines, header=ANN_HEADER, members=None, samples=("S1",)):
    """Return what both readers make of some lines, and how many of them were not read in bulk."""
    return compare(write(tmp_path / "a.vcf", text(lines, samples, header)), members)


def warned(got, *words: str) -> bool:
    return any(all(word in warning for word in words) for warning in got.report["warnings"])


class TestSnpEff:
    def test_ann_fills_the_columns_of_both_tables(self, tmp_path):
        info = "ANN=" + ",".join([
            ann("G", "intron_variant", "MODIFIER", transcript="T2"),
            ann("G", "missense_variant&splice_region_variant", "MODERATE", rest="WARNING_TRANSCRIPT_INCOMPLETE"),
        ])  # fmt: skip
        got = rows(tmp_path, [record(info=info, id_="rs5")])
        assert got.alone == 0
        (variant,) = got.tables["variant"].to_pylist()
        wanted = {
            "annotator": "SnpEff",
            "symbol": "G1",
            "gene_id": "EG1",
            "feature_type": "transcript",
            "transcript_id": "T1",
            "biotype": "protein_coding",
            "consequences": ["missense_variant", "splice_region_variant"],
            "impact": "MODERATE",
            "impact_score": 3,
            "hgvsc": "c.1A>G",
            "hgvsp": "p.Met1=",
            "cdna_position": "100/900",
            "cds_position": "1/600",
            "protein_position": "1/200",
            "csq_allele": "G",
            "picked_by": "impact",
            "rsnumber": ["rs5"],
        }
        assert {name: variant[name] for name in wanted} == wanted
        first, second = got.tables["consequence"].to_pylist()
        assert (first["picked"], second["picked"]) == (False, True)
        assert (first["annotator"], second["annotator"]) == ("SnpEff", "SnpEff")
        assert second["extra"] == [("Rank", "2/5"), ("ERRORS / WARNINGS / INFO", "WARNING_TRANSCRIPT_INCOMPLETE")]
        provenance = got.report["provenance"]
        stated = tuple(provenance[name] for name in ("annotator", "annotator_version", "annotation_key"))
        assert stated == ("SnpEff", "5.1d", "ANN")
        assert got.report["annotations"] == {"ANN": 1}
        assert other_warnings(got.report) == []

    def test_an_entry_goes_to_the_alt_it_names_in_full(self, tmp_path):
        entries = [ann("C", "stop_gained", "HIGH"), ann("CATT", "frameshift_variant", "HIGH", transcript="T9")]
        got = rows(tmp_path, [record("1/2", ref="CA", alt="C,CATT", info="ANN=" + ",".join(entries))])
        assert got.alone == 0
        found = {row["alternate"]: row["consequences"] for row in got.tables["consequence"].to_pylist()}
        assert found == {"C": ["stop_gained"], "ATT": ["frameshift_variant"]}  # trimmed

    def test_a_tumours_alt_as_a_change_of_the_germlines_alt_is_about_the_tumours(self, tmp_path):
        entries = [ann("G", "synonymous_variant", "LOW"), ann("T-G", "missense_variant", "MODERATE")]
        got = rows(tmp_path, [record("1/2", alt="G,T", info="ANN=" + ",".join(entries))])
        found = {row["alternate"]: row["csq_allele"] for row in got.tables["consequence"].to_pylist()}
        assert found == {"G": "G", "T": "T-G"}
        assert got.report["pieces"] == {}

    def test_an_entry_of_no_alt_of_the_line_is_set_aside(self, tmp_path):
        got = rows(tmp_path, [record(info="ANN=" + ann("T", "missense_variant", "MODERATE"))])
        assert got.tables["consequence"].num_rows == 0
        assert got.tables["variant"]["annotator"].to_pylist() == [None]
        assert got.report["pieces"] == {"csq_allele_unknown": 1}

    def test_compound_heterozygotes(self, tmp_path):
        lines = [
            record("0/1", "0/1", "0/0", pos=100, info="ANN=" + ann("G", "missense_variant", "MODERATE")),
            record("0/1", "0/0", "0/1", pos=200, info="ANN=" + ann("G", "stop_gained", "HIGH")),
        ]
        got = rows(tmp_path, lines, members=TRIO, samples=("kid", "dad", "mum"))
        assert got.alone == 0
        pairs = got.tables["compound_het"].to_pylist()
        assert [(row["locus"], row["gene_id"], row["symbol"], row["in_trans"]) for row in pairs] == [
            ("1-100-A-G", "EG1", "G1", "known"),
            ("1-200-A-G", "EG1", "G1", "known"),
        ]

    def test_vep_in_ann_is_veps(self):
        found = ConsequenceFormat.from_info_header({"ANN": "Consequence annotations. Format: Allele|Consequence"})
        assert found is not None
        assert found.annotator is Annotator.VEP


# --- bcftools csq -----------------------------------------------------------------------------------------------------

_EXON_1, _INTRON, _EXON_2 = "ATG" + "GCT" * 19, "GT" + "C" * 36 + "AG", "GCT" * 19 + "TAA"
_SEQUENCE = "C" * 90 + "A" * 10 + _EXON_1 + _INTRON + _EXON_2 + "A" * 10 + "C" * 130
"""5' UTR 91 to 100, exons 101 to 160 and 201 to 260, 3' UTR 261 to 270."""
_GFF = """##gff-version 3
chr1\t.\tgene\t91\t270\t.\t+\t.\tID=gene:ENSG1;biotype=protein_coding;Name=GENE1
chr1\t.\ttranscript\t91\t270\t.\t+\t.\tID=transcript:ENST1;Parent=gene:ENSG1;biotype=protein_coding
chr1\t.\tfive_prime_UTR\t91\t100\t.\t+\t.\tParent=transcript:ENST1
chr1\t.\texon\t91\t160\t.\t+\t.\tParent=transcript:ENST1
chr1\t.\tCDS\t101\t160\t.\t+\t0\tParent=transcript:ENST1
chr1\t.\texon\t201\t270\t.\t+\t.\tParent=transcript:ENST1
chr1\t.\tCDS\t201\t260\t.\t+\t0\tParent=transcript:ENST1
chr1\t.\tthree_prime_UTR\t261\t270\t.\t+\t.\tParent=transcript:ENST1
"""
_ALLELES = [
    record("1|0", "0|1", "0|0", pos=104, ref="G", alt="A"),
    record("1|0", "0|1", "0|0", pos=107, ref="G", alt="A"),
    record("1|0", "0|1", "0|0", pos=108, ref="C", alt="A"),
    record("0|1", "0|0", "0|1", pos=113, ref="GCT", alt="TGA"),
    record("0|1", "0|0", "0|1", pos=119, ref="G", alt="A"),
    record("1|0", "0|1", "0|2", pos=180, ref="C", alt="A,CT"),
    record("1|0", "0|1", "0|0", pos=200, ref="G", alt="A"),
    record("1|2", "0|1", "0|2", pos=204, ref="G", alt="A,C"),
    record("1|0", "0|1", "0|0", pos=265, ref="A", alt="T"),
    record("1|0", "0|1", "0|0", pos=340, ref="C", alt="T"),
]


@pytest.fixture
def annotated(tmp_path):
    """A file that bcftools csq wrote."""
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not installed")
    fasta = write(tmp_path / "a.fa", f">chr1\n{_SEQUENCE}\n")
    gff = write(tmp_path / "a.gff3", _GFF)
    plain = write(tmp_path / "plain.vcf", text(_ALLELES, samples=("kid", "dad", "mum")))
    command = ["bcftools", "csq", "-f", fasta, "-g", gff, "-o", tmp_path / "a.vcf", plain]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "a.vcf"


@pytest.mark.parametrize("annotator", ["SnpEff", "bcftools csq"])
def test_rows_come_back_from_the_catalog_as_the_plain_reader_gives_them(annotated, tmp_path, annotator):
    if annotator == "SnpEff":
        lines = [record(pos=pos, info="ANN=" + ann("G", "stop_gained", "HIGH")) for pos in range(100, 140, 2)]
        path = write(tmp_path / "ann.vcf", text([*lines, record(pos=200)], header=ANN_HEADER))
        members = None
    else:
        path, members = annotated, TRIO
    plain = by_rules(path, members)
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(tmp_path / "home")})) as catalog:
        refs = lake.ensure_tables(catalog, staging.NAMESPACE)
        with lake.Stager(refs, 1, 7, "a") as stager:
            options = ReadOptions(dictionaries=True, chunk_bytes=300)
            for name, batch in read_case(f"file://{path}", members, options).batches():
                stager.write(name, batch)
            manifest = stager.finish()
        staging.commit(catalog, [manifest], "a")
        for name in ("variant", "consequence"):
            rows_read = staging.read(catalog, 7, name)
            key = {"part": 1, "case_id": 7}
            assert rows_read == [key | row for row in plain.tables[name].to_pylist()]
            assert {row["annotator"] for row in rows_read} - {None} == {annotator}


class TestBcftools:
    def test_what_bcftools_writes_fills_the_columns(self, annotated):
        got = compare(annotated, TRIO)
        assert got.alone == 0
        assert got.report["pieces"] == {}
        assert got.report["provenance"]["annotator"] == "bcftools csq"
        assert got.report["provenance"]["annotator_version"] is not None
        assert set(got.tables["consequence"]["annotator"].to_pylist()) == {"bcftools csq"}
        names = ("consequences", "impact", "protein_position", "amino_acids", "strand", "csq_allele", "extra")
        found = {
            (row["start"], row["alternate"]): tuple(row[name] for name in names)
            for row in got.tables["consequence"].to_pylist()
        }
        there = [("Consequence", "@107")]
        starred = [("Consequence", "*missense")]
        splice, intron = (["splice_acceptor_variant"], "HIGH"), (["intron_variant"], "MODIFIER")
        nothing = (None, None, None, None, [])
        assert found == {
            (104, "A"): (["missense_variant"], "MODERATE", "2", "A/T", 1, "104G>A", []),
            (107, "A"): (["missense_variant"], "MODERATE", "3", "A/N", 1, "107G>A+108C>A", []),
            (108, "A"): (None, None, None, None, None, None, there),
            (113, "TGA"): (["stop_gained"], "HIGH", "5", "A/*", 1, "113GCT>TGA", []),
            (119, "A"): (["missense_variant"], "MODERATE", "7", "A/T", 1, "119G>A", starred),
            (180, "A"): (*intron, *nothing),
            (180, "CT"): (*intron, *nothing),
            (200, "A"): (*splice, *nothing),
            (204, "A"): (["missense_variant"], "MODERATE", "22", "A/T", 1, "204G>A", []),
            # After the stop of the same haplotype.
            (204, "C"): (["missense_variant"], "MODERATE", "22", "A/P", 1, "204G>C", starred),
            (265, "T"): (["3_prime_UTR_variant"], "MODIFIER", *nothing),
        }
        assert {row["symbol"] for row in got.tables["consequence"].to_pylist()} == {"GENE1", None}
        (outside,) = (row for row in got.tables["variant"].to_pylist() if row["start"] == 340)
        assert (outside["annotator"], outside["picked_by"]) == (None, None)
        assert warned(got, "1 entries of BCSQ", "--local-csq")

    def test_a_pair_of_one_gene_is_found_by_its_symbol(self, annotated):
        got = compare(annotated, TRIO)
        pairs = {(row["locus"], row["partner_locus"]) for row in got.tables["compound_het"].to_pylist()}
        assert ("1-104-G-A", "1-113-GCT-TGA") in pairs
        assert {row["gene_id"] for row in got.tables["compound_het"].to_pylist()} == {"GENE1"}

    def test_a_line_split_after_its_annotation_leaves_the_other_alts_entries_out(self, annotated):
        split = annotated.with_name("split.vcf")
        subprocess.run(["bcftools", "norm", "-m-", "-o", split, annotated], check=True, capture_output=True)
        whole, parts = compare(annotated, TRIO), compare(split, TRIO)
        names = ["start", "alternate", "consequences", "csq_allele", "symbol"]
        assert parts.tables["consequence"].select(names).equals(whole.tables["consequence"].select(names))
        assert parts.report["pieces"] == {"csq_allele_unknown": 2}

    def test_shorter_and_longer_entries_than_bcftools_writes_are_set_aside(self, tmp_path):
        good = "missense|G1|T1|protein_coding|+|1A>1T|1000A>G"
        odd = ["@12x", "missense|G1|T1", "missense|G1|T1|protein_coding|+|1A>1T", good + "|", "@", ""]
        lines = [record(info=f"BCSQ={one},{good}", pos=1000 + i) for i, one in enumerate(odd)]
        got = rows(tmp_path, lines, HEADER + BCSQ_LINE)
        assert got.report["pieces"]["csq_field_count"] == len(odd)
        assert got.report["consequences"]["stored"] == 1  # the other lines are at another place than `good`

    def test_impact_is_veps_of_the_most_severe_term(self, tmp_path):
        info = "BCSQ=splice_region&3_prime_utr|G1|T1|protein_coding,something_new|G1|T2|protein_coding"
        got = rows(tmp_path, [record(info=info)], HEADER + BCSQ_LINE)
        first, second = got.tables["consequence"].to_pylist()
        assert (first["consequences"], first["impact"]) == (["splice_region_variant", "3_prime_UTR_variant"], "LOW")
        assert (second["consequences"], second["impact"], second["impact_score"]) == (["something_new"], None, None)

    def test_a_tag_of_the_users_choice_is_read(self, tmp_path):
        header = HEADER + BCSQ_LINE.replace("ID=BCSQ", "ID=MYCSQ")
        got = rows(tmp_path, [record(info="MYCSQ=missense|G1|T1|protein_coding|+|1A>1T|1000A>G")], header)
        assert got.tables["variant"]["symbol"].to_pylist() == ["G1"]
        assert got.report["provenance"]["annotation_key"] == "MYCSQ"

    def test_a_real_trio(self, corpus):
        """Split by bcftools norm after bcftools csq 1.9: 44 entries are about the ALT of the other line."""
        path = corpus / "ashk-trio.vcf.gz"
        got = compare(path, ASHKENAZI, assembly="GRCh37")
        assert got.alone <= 11
        output = subprocess.run(
            ["bcftools", "query", "-f", "%INFO/BCSQ\\n", path], check=True, capture_output=True, text=True
        ).stdout
        entries = [one for line in output.splitlines() if line != "." for one in line.split(",")]
        counts = got.report["consequences"]
        assert got.report["pieces"] == {"csq_allele_unknown": 44}
        assert counts["stored"] + counts.get("not_carried", 0) == len(entries) - 44
        first_terms = Counter(one.split("|")[0].lstrip("*").split("&")[0] for one in entries)
        assert first_terms["missense"] - 44 <= got.tables["consequence"]["consequences"].to_pylist().count(
            ["missense_variant"]
        )


# --- Several annotators, and those that are not read ------------------------------------------------------------------


class TestOthers:
    VEP = HEADER + '##INFO=<ID=CSQ,Number=.,Type=String,Description="VEP. Format: Allele|Consequence|IMPACT|SYMBOL">\n'

    def test_one_annotator_of_a_file_is_read_and_the_others_are_named(self, tmp_path):
        header = self.VEP + declared("ANN", SNPEFF) + BCSQ_LINE
        info = f"BCSQ=intron|G3||protein_coding;ANN={ann('G', 'intron_variant', 'MODIFIER')};CSQ=G|stop_gained|HIGH|G2"
        got = rows(tmp_path, [record(info=info)], header)
        assert got.tables["variant"]["symbol"].to_pylist() == ["G2"]
        assert got.tables["consequence"]["annotator"].to_pylist() == ["VEP"]
        assert got.report["annotations"] == {"ANN": 1, "BCSQ": 1, "CSQ": 1}
        assert warned(got, "from CSQ (VEP) alone", "ANN", "BCSQ")
        without_csq = header.replace("ID=CSQ", "ID=OTHER")
        got = rows(tmp_path, [record(info=info)], without_csq)
        assert got.tables["consequence"]["annotator"].to_pylist() == ["SnpEff"]

    def test_a_declared_csq_that_no_record_has_does_not_hide_the_others_in_silence(self, tmp_path):
        header = self.VEP + declared("ANN", SNPEFF)
        got = rows(tmp_path, [record(info="ANN=" + ann("G", "stop_gained", "HIGH"))], header)
        assert warned(got, "no consequences were read", "declares CSQ", "ANN", "Remove CSQ from the header")

    @pytest.mark.parametrize(
        ("info", "name"),
        [
            ("EFF=missense_variant(MODERATE|G1)", "EFF (SnpEff before 4.1)"),
            ("SNPEFF_EFFECT=STOP_GAINED", "SNPEFF_EFFECT (SnpEff by GATK)"),
            ("CSQT=1|G1|NM_1|missense_variant", "CSQT (Illumina)"),
            ("FUNCOTATION=[G1|hg38|chr1]", "FUNCOTATION (GATK Funcotator)"),
            ("Gene.refGene=G1;ExonicFunc.refGene=nonsynonymous_SNV", "ANNOVAR (ANNOVAR)"),
        ],
    )
    def test_an_annotator_that_is_not_read_is_named_with_what_to_do(self, tmp_path, info, name):
        got = rows(tmp_path, [record(info=info), record(info=info, pos=2000)], HEADER)
        assert got.alone == 0
        (warning,) = (one for one in got.report["warnings"] if "Annotate again" in one)
        assert name in warning
        assert "G1" not in "".join(got.report["warnings"])
        assert set(got.report["annotations"].values()) == {2}

    @pytest.mark.parametrize("tag", ["CSQ", "ANN", "BCSQ"])
    def test_annotation_without_its_fields_in_the_header_gives_a_warning(self, tmp_path, tag):
        got = rows(tmp_path, [record(info=f"{tag}=G|intron_variant")], HEADER)
        assert warned(got, f"records have {tag}", "does not say its fields")


# --- A semicolon inside a value ---------------------------------------------------------------------------------------


class TestSemicolon:
    header = HEADER + '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|HGVSp|X">\n'

    def read(self, tmp_path, info):
        return rows(tmp_path, [record(info=info), record(pos=2000, info="CSQ=G|a|LOW||")], self.header)

    @pytest.mark.parametrize("behind", ["", ";DP=5"])
    def test_what_a_semicolon_cut_off_goes_to_quarantine_and_the_record_stays(self, tmp_path, behind):
        got = self.read(tmp_path, f"AC=1;CSQ=G|first|HIGH|p.1|x,G|second|LOW|p.Jane;Doe word|y,G|third|LOW||{behind}")
        assert got.report["lines"]["kept"] == 2
        assert [row["consequences"] for row in got.tables["consequence"].to_pylist()] == [["first"], ["a"]]
        quarantine = got.tables["quarantine"].to_pylist()
        assert [(row["rule"], row["text"], row["record_kept"]) for row in quarantine] == [
            ("csq_bare_semicolon", "Doe word|y,G|third|LOW||", True),
            ("csq_field_count", "G|second|LOW|p.Jane", True),
        ]
        assert got.tables["occurrence"]["info_dp"].to_pylist()[0] == (5 if behind else None)
        assert not any("Doe" in warning or "third" in warning for warning in got.report["warnings"])
        assert got.alone == 1

    def test_words_between_two_semicolons_are_part_of_it(self, tmp_path):
        got = self.read(tmp_path, "CSQ=G|first|HIGH|p;Jane;Doe|y;DB")
        rules = {row["rule"]: row["text"] for row in got.tables["quarantine"].to_pylist()}
        assert rules["csq_bare_semicolon"] == "Jane;Doe|y"
        assert not any("Jane" in warning for warning in got.report["warnings"])

    @pytest.mark.parametrize("rest", ["Jane=Doe|y", "Jane=1;Doe|y", "x;Jane=1;Doe=2|y"])
    def test_an_undeclared_word_with_a_value_is_part_of_it(self, tmp_path, rest):
        got = self.read(tmp_path, f"CSQ=G|first|HIGH|p;{rest};DP=5")
        pieces = {row["rule"]: row["text"] for row in got.tables["quarantine"].to_pylist()}
        assert pieces["csq_bare_semicolon"] == rest
        assert not any("Jane" in warning for warning in got.report["warnings"])
        assert got.tables["occurrence"]["info_dp"].to_pylist()[0] == 5

    def test_an_undeclared_key_after_the_annotation_stays_a_key(self, tmp_path):
        got = self.read(tmp_path, "CSQ=G|first|HIGH||;NEW=5;AC=1")
        assert got.tables["quarantine"].num_rows == 0
        assert got.tables["consequence"].num_rows == 2
        assert any("NEW" in warning for warning in got.report["warnings"])

    def test_keys_of_other_annotators_after_the_annotation_stay_keys(self, tmp_path):
        got = self.read(tmp_path, "OTHER=a|b;CSQ=G|first|HIGH||;CSQT=1|G1|NM_1")
        assert got.tables["quarantine"].num_rows == 0
        assert got.alone == 0
        assert warned(got, "CSQT (Illumina)")

    def test_a_last_field_that_is_cut_is_left_out_and_the_entry_is_kept(self, tmp_path):
        got = self.read(tmp_path, "CSQ=G|first|HIGH|p.1|10;20,G|second|LOW||")
        first, _ = got.tables["consequence"].to_pylist()
        assert (first["consequences"], first["hgvsp"], first["extra"]) == (["first"], "p.1", [])
        assert [row["text"] for row in got.tables["quarantine"].to_pylist()] == [
            "20,G|second|LOW||",
            "G|first|HIGH|p.1|10",
        ]

    def test_a_key_that_is_no_key_elsewhere_is_a_piece_too(self, tmp_path):
        got = self.read(tmp_path, "AC=1;Jane|Doe=3;a,b;CSQ=G|first|HIGH||")
        assert [row["rule"] for row in got.tables["quarantine"].to_pylist()] == ["info_key", "info_key"]
        assert not any("Doe" in warning for warning in got.report["warnings"])
        assert got.tables["consequence"].num_rows == 2

    def test_odd_names_of_keys_are_taken_as_declared_and_never_printed_otherwise(self, tmp_path):
        names = "1000GAF", "GERP++_RS", "CADD|raw"
        lines = "".join(f'##INFO=<ID={name},Number=1,Type=Float,Description="d">\n' for name in names)
        info = ";".join(f"{name}=0.5" for name in names)
        got = rows(tmp_path, [record(info=info)], self.header + lines)
        assert (got.alone, got.report["pieces"], other_warnings(got.report)) == (0, {}, [])
        got = rows(tmp_path, [record(info="1000GAF=0.5;GERP++_RS=1;FOO=1")], self.header)
        assert (got.alone, got.report["pieces"]) == (0, {})
        (warning,) = other_warnings(got.report)
        assert warning.endswith("FOO and 2 whose names the specification does not allow, which are not shown")

    def test_a_filter_that_is_text_is_not_printed(self, tmp_path):
        got = rows(tmp_path, [record(filter_="odd;Jane|Doe(1980)")], HEADER)
        assert warned(got, "FILTER names", "odd and 1 whose")
        assert not warned(got, "Doe")


@pytest.mark.parametrize("line", ["##PEDIGREE=<ID=Jane Doe,Father=(John)>", "##SAMPLE=<ID=Jane Doe,Description=x>"])
def test_a_header_line_about_people_that_breaks_a_rule_is_not_shown_in_the_error(tmp_path, line):
    path = write(tmp_path / "a.vcf", text([record()], header=HEADER + line + "\n"))
    got = compare(path)
    assert got.error is not None
    assert "it may name a person" in got.error
    assert "Doe" not in got.error
    tolerated = compare(path, tolerate=1)
    assert any("Doe" in row["text"] for row in tolerated.tables["quarantine"].to_pylist())


def test_ann_of_a_real_trio(corpus, tmp_path):
    """The file has VEP's CSQ as well: without it, SnpEff's entries are read, each once."""
    lines = gzip.decompress((corpus / "clinical-trio-vep.vcf.gz").read_bytes()).decode().splitlines()
    without = [re.sub(r"(?<=[;\t])CSQ=[^;\t]*;", "", line) for line in lines if not line.startswith("##INFO=<ID=CSQ,")]
    path = write(tmp_path / "ann.vcf", "\n".join(without) + "\n")
    got = compare(path, CLINICAL, assembly="GRCh37")
    entries = [
        (line.split("\t")[4], entry)
        for line in without
        if (match := re.search(r"[;\t]ANN=([^;\t]*)", line)) and not line.startswith("#")
        for entry in match[1].split(",")
    ]
    counts, pieces = got.report["consequences"], got.report["pieces"]
    assert counts["stored"] + counts["not_carried"] + pieces.get("csq_allele_unknown", 0) == len(entries)
    assert pieces.get("csq_allele_unknown", 0) == sum(alt != entry.split("|")[0] for alt, entry in entries)
    of_allele = Counter(entry.split("|")[1] for alt, entry in entries if alt == entry.split("|")[0])
    found = Counter("&".join(row["consequences"]) for row in got.tables["consequence"].to_pylist())
    assert found <= of_allele
    assert got.report["provenance"]["annotator"] == "SnpEff"
    with_csq = compare(corpus / "clinical-trio-vep.vcf.gz", CLINICAL, assembly="GRCh37")
    assert with_csq.report["provenance"]["annotator"] == "VEP"
    assert warned(with_csq, "from CSQ (VEP) alone", "ANN")


@pytest.mark.parametrize(("fields", "entry", "warned"), [
    ("Allele|Consequence|Gene", "G|missense_variant|E1", 1),
    ("Allele|Consequence|IMPACT|Gene", "G|missense_variant||E1", 0),
])  # fmt: skip
def test_entries_without_the_field_impact_are_warned_about_once(tmp_path, fields, entry, warned):
    csq = f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: {fields}">\n'
    lines = [record(pos=pos, info=f"CSQ={entry}") for pos in (1, 2, 3)]
    got = compare(write(tmp_path / "a.vcf", text(lines, header=HEADER + csq)))
    assert len([one for one in got.report["warnings"] if "IMPACT" in one]) == warned
    assert got.tables["consequence"]["impact"].to_pylist() == [None] * 3


# --- Declared twice ---------------------------------------------------------------------------------------------------

VEP_WORDS = "Consequence annotations from Ensembl VEP. Format:"
LONGER = "Allele|Consequence|IMPACT|SYMBOL|most_severe"
SHORTER = "Allele|Consequence|IMPACT|SYMBOL"


@pytest.mark.parametrize("lists", [(LONGER, SHORTER), (SHORTER, LONGER), (LONGER, LONGER)])
def test_csq_that_a_tool_declared_again_with_a_field_at_its_end_has_the_longer_list(tmp_path, lists):
    """granite of the CGAP pipelines adds a field, and leaves VEP's declaration below its own."""
    header = HEADER + "".join(declared("CSQ", fields, VEP_WORDS) for fields in lists)
    lines = [
        record(pos=1000 + 10 * number, info="CSQ=G|missense_variant|MODERATE|GENE1|1,G|intron_variant|MODIFIER|GENE2|")
        for number in range(20)
    ]
    got = compare(write(tmp_path / "a.vcf", text(lines, header=header)))
    assert (got.error, got.alone, got.tables["quarantine"].num_rows) == (None, 0, 0)
    rows = got.tables["consequence"].to_pylist()
    assert len(rows) == 40
    assert [(row["symbol"], row["impact"], row["extra"]) for row in rows[:2]] == [
        ("GENE1", "MODERATE", [("most_severe", "1")]),
        ("GENE2", "MODIFIER", []),
    ]


@pytest.mark.parametrize("other", ["Allele|Consequence|IMPACT|Gene", "Allele|IMPACT|Consequence|SYMBOL", "Consequence"])
@pytest.mark.parametrize("first", [True, False])
def test_csq_that_is_declared_with_two_lists_of_fields_is_refused_whatever_is_tolerated(tmp_path, other, first):
    lists = (other, SHORTER) if first else (SHORTER, other)
    header = HEADER + "".join(declared("CSQ", fields, VEP_WORDS) for fields in lists)
    path = write(tmp_path / "a.vcf", text([record(info="CSQ=G|missense_variant|MODERATE|GENE1")], header=header))
    for tolerate in (0, 10):
        got = compare(path, tolerate=tolerate)
        assert got.error is not None
        assert "the header declares INFO CSQ several times, with different fields" in got.error
        assert "Keep the declaration that the entries were written with" in got.error


@pytest.mark.parametrize("first", [True, False])
def test_a_declaration_of_csq_without_a_list_of_fields_beside_one_with_it_changes_nothing(tmp_path, first):
    bare = '##INFO=<ID=CSQ,Number=1,Type=String,Description="x">\n'
    with_fields = declared("CSQ", SHORTER, VEP_WORDS)
    header = HEADER + (bare + with_fields if first else with_fields + bare)
    got = compare(write(tmp_path / "a.vcf", text([record(info="CSQ=G|stop_gained|HIGH|GENE1")], header=header)))
    assert [row["symbol"] for row in got.tables["consequence"].to_pylist()] == ["GENE1"]
