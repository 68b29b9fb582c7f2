"""One line at a time: its bucket, rows and columns."""

import pytest

from radiant.domain.case import Sex
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError, VcfFormatError
from radiant.vcf import ReadOptions, arrow_schema, read_case
from vcf_files import FIRST, HEADER, TRIO, Read, member, record, text, write

CSQ = """##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Feature|LoF_info">
"""


@pytest.fixture
def read(tmp_path):
    """Read records under the usual header."""

    def _read(*records: str, members=None, samples=("S1",), header=HEADER, **options) -> Read:
        return Read(write(tmp_path / "case.vcf", text(records, samples, header)), members, **options)

    return _read


# --- Buckets ----------------------------------------------------------------------------------------------------------


def test_every_line_is_in_exactly_one_bucket_and_contigs_add_up(read):
    got = read(
        record(pos=10),
        record("1/2", pos=20, alt="G,T"),
        record(pos=30, alt="<NON_REF>"),
        record(pos=40, alt="."),
        record(pos=50, alt="*"),
        record(pos=60, alt="<DEL>"),
        record(pos=70, alt="A[chr2:5["),
        record(pos=80, format_="GT:DP", ref="A"),
        record(pos=90, qual="bad"),
        record(chrom="chrUn_KI270742v1"),
        record(chrom="chrX", pos=0),
        tolerate=1,
    )
    assert got.json["lines"] == {"read": 11, "kept": 2, "split": 1, "skipped": 7, "rejected": 1}
    assert got.json["skipped"] == {
        "reference_block": 2, "spanning_deletion": 1, "symbolic": 1, "breakend": 1, "contig": 1, "telomere": 1
    }  # fmt: skip
    assert got.json["other_contigs"] == {"chrUn_KI270742v1": 1}
    assert {name: counts["read"] for name, counts in got.json["contigs"].items()} == {
        "chr1": 9, "chrUn_KI270742v1": 1, "chrX": 1
    }  # fmt: skip
    assert got.json["rejected"] == {"not_a_number": 1}


def test_a_spanning_deletion_and_non_ref_are_left_out_of_the_split(read):
    got = read(record("1/2", alt="G,*"), record("0/1", pos=1001, alt="G,<NON_REF>"))
    assert got.json["lines"]["kept"] == 2
    assert [row["alternate"] for row in got.variant] == ["G", "G"]
    assert got.occurrence[0]["calls"] == [1, -1]
    assert got.json["alleles"] == {"carried": 2, "spanning_deletion": 1, "reference_block": 1}


def test_an_allele_that_no_member_carries_has_no_row_but_is_counted(read):
    got = read(record("0/0"), record("0/2", pos=1001, alt="G,T"))
    assert got.json["lines"]["read"] == 2
    assert got.json["alleles"] == {"not_carried": 2, "carried": 1}
    assert [row["locus"] for row in got.variant] == ["1-1001-A-T"]


def test_a_file_without_samples_has_variants_of_its_own(read):
    got = read("chr1\t10\trs1\tA\tG\t.\t.\t.", samples=())
    assert [row["rsnumber"] for row in got.variant] == [["rs1"]]
    assert got.occurrence == []


def test_the_report_is_there_only_at_the_end(tmp_path):
    reader = read_case(f"file://{write(tmp_path / 'a.vcf', text([record()]))}", None, ReadOptions())
    with pytest.raises(RadiantError, match="only once"):
        _ = reader.report


# --- Columns ----------------------------------------------------------------------------------------------------------


def test_every_column_of_the_schema_is_the_tables_without_the_key():
    for table in CASE_TABLES.values():
        assert arrow_schema(table).names == [c.name for c in table.columns if c.name not in {"part", "case_id"}]


def test_a_row_keeps_the_source_record_and_the_shortest_form(read):
    (first, second) = read(record("1|2", pos=100, ref="CAG", alt="CAT,C", id_="rs5;x")).occurrence
    assert (first["locus"], first["start"], first["end"]) == ("1-102-G-T", 102, 102)
    assert (second["locus"], second["start"], second["end"]) == ("1-100-CAG-C", 100, 102)
    for index, row in enumerate((first, second), 1):
        assert (row["source_pos"], row["source_ref"], row["source_alt"], row["alt_index"]) == (
            100, "CAG", "CAT,C", index
        )  # fmt: skip
        assert (row["gt"], row["phased"]) == ("1|2", True)
    assert (first["calls"], second["calls"]) == ([1, -1], [-1, 1])


def test_ploidy_is_kept(read):
    got = read(record("1", chrom="chrX", pos=5_000_000), record("0/0/1", chrom="chrY", pos=5_000_000))
    assert [row["calls"] for row in got.occurrence] == [[1], [0, 0, 1]]
    assert [row["zygosity"] for row in got.occurrence] == ["HEM", "HET"]


@pytest.mark.parametrize(("written", "expected"), [(".", None), ("PASS", ["PASS"]), ("q10;s50", ["q10", "s50"])])
def test_filter_dot_is_null_not_pass(read, written, expected):
    assert read(record(filter_=written)).occurrence[0]["filter"] == expected


@pytest.mark.parametrize(("written", "expected"), [(".", None), ("0", 0.0), ("12.5", 12.5), ("NaN", None)])
def test_qual_stays_a_float_and_missing_is_null(read, written, expected):
    assert read(record(qual=written)).occurrence[0]["quality"] == expected


@pytest.mark.parametrize(
    ("chrom", "expected"), [("1", "1"), ("chr1", "1"), ("MT", "M"), ("chrM", "M"), ("X", "X"), ("chrX", "X")]
)
def test_contigs_work_with_and_without_chr(read, chrom, expected):
    assert read(record(chrom=chrom, pos=300)).occurrence[0]["chromosome"] == expected


def test_info_of_each_allele_is_its_own_and_missing_is_null(read):
    got = read(record("1/2", alt="G,T", info="AC=3,0;AF=0.5,.;AN=0;QD=nan;MQ=."))
    assert [(row["info_ac"], row["info_af"], row["info_an"]) for row in got.occurrence] == [(3, 0.5, 0), (0, None, 0)]
    assert {(row["info_qd"], row["info_mq"], row["info_dp"]) for row in got.occurrence} == {(None, None, None)}


def test_a_wrong_number_of_info_values_is_null_and_quarantined(read):
    got = read(record("1/2", alt="G,T", info="AC=3;DP=1,2"))
    assert [row["info_ac"] for row in got.occurrence] == [None, None]
    assert [(row["rule"], row["record_kept"], row["line"]) for row in got.quarantine] == [
        ("info_count", True, FIRST), ("info_count", True, FIRST)
    ]  # fmt: skip


def test_a_fault_in_a_key_without_a_column_costs_the_piece_not_the_line(read):
    got = read(record("0/1:1,2", info="CADD=3.5", format_="GT:PL"))
    assert got.json["lines"]["kept"] == 1
    assert {row["rule"] for row in got.quarantine} == {"info_not_an_integer", "format_value_count"}
    assert any("CADD" not in warning and "info_not_an_integer 1" in warning for warning in got.json["warnings"])


def test_undeclared_keys_are_accepted_and_named_in_a_warning(read):
    got = read(record("0/1:7", info="FOO=bar", format_="GT:BAR", filter_="odd"))
    assert got.json["lines"]["kept"] == 1
    warnings = "\n".join(got.json["warnings"])
    assert "INFO keys that the header does not declare: FOO" in warnings
    assert "FORMAT keys that the header does not declare: BAR" in warnings
    assert "FILTER names that the header does not declare: odd" in warnings


# --- Families ---------------------------------------------------------------------------------------------------------


def test_parents_columns_are_filled_by_pedigree_ids(read):
    got = read(
        record("0/0:9,0:9:40", "0/1:5,4:9:50", "0/1:6,5:11:60", format_="GT:AD:DP:GQ"),
        members=TRIO,
        samples=("mum", "kid", "dad"),
    )
    assert [row["sample"] for row in got.occurrence] == ["kid", "dad"]
    kid, dad = got.occurrence
    assert (kid["mother_calls"], kid["mother_zygosity"], kid["mother_dp"], kid["mother_gq"]) == ([0, 0], "WT", 9, 40)
    assert (kid["mother_ad_ref"], kid["mother_ad_alt"], kid["mother_ad_total"], kid["mother_ad_ratio"]) == (9, 0, 9, 0)
    assert (kid["father_calls"], kid["father_zygosity"], kid["father_ad_alt"]) == ([0, 1], "HET", 5)
    assert (kid["parental_origin"], kid["mendelian_error"]) == ("father", False)
    assert (dad["father_calls"], dad["mother_zygosity"], dad["parental_origin"]) == (None, None, "unknown")


def test_a_son_is_hemizygous_outside_the_par_and_gets_x_from_the_mother(read):
    got = read(
        record("1", "0/1", "0", chrom="chrX", pos=5_000_000),
        members=TRIO,
        samples=("kid", "mum", "dad"),
    )
    assert (got.occurrence[0]["zygosity"], got.occurrence[0]["parental_origin"]) == ("HEM", "mother")


def test_both_rows_of_a_two_alt_genotype_have_their_parent(read):
    got = read(record("1/2", "0/1", "0/2", alt="G,T"), members=TRIO, samples=("kid", "dad", "mum"))
    kid = [row for row in got.occurrence if row["sample"] == "kid"]
    assert [(row["parental_origin"], row["zygosity"]) for row in kid] == [("father", "HET"), ("mother", "HET")]


def test_the_low_depth_rule_leaves_the_calls(read):
    row = read(record("0/1:8,2", format_="GT:AD")).occurrence[0]
    assert (row["zygosity"], row["calls"]) == ("UNK", [0, 1])


def test_without_a_pedigree_every_sample_is_on_its_own(read):
    got = read(record("0/1", "1/1"), samples=("a", "b"))
    assert [(row["sample"], row["is_proband"], row["sex"]) for row in got.occurrence] == [
        ("a", True, "unknown"), ("b", True, "unknown")
    ]  # fmt: skip


def test_samples_that_are_no_members_are_not_read(read):
    got = read(record("0/1", "9/9", "x"), samples=("solo", "b", "c"), members=[member("solo", is_proband=True)])
    assert len(got.occurrence) == 1
    assert "2 samples of the file are not members of the case; they were not read" in got.json["warnings"]


def test_quality_numbers_count_per_member(read):
    got = read(
        record("0/1", pos=1), record("1/1", pos=2, alt="C"), record("1/1", pos=3, alt="AT"), record("0/1", pos=4)
    )
    (numbers,) = got.json["quality"]
    assert (numbers["het"], numbers["hom"], numbers["het_hom"]) == (2, 2, 1.0)
    assert (numbers["transitions"], numbers["transversions"], numbers["ti_tv"]) == (2, 1, 2.0)


def test_the_report_says_whether_the_genotypes_fit_the_pedigree(read):
    got = read(
        record("0/1", "0/0", "0/0", pos=1),
        record("1/2", "0/1", "0/2", pos=2, alt="G,T"),
        members=TRIO,
        samples=("kid", "dad", "mum"),
    )
    assert (got.json["mendel"]["checked"], got.json["mendel"]["errors"]) == (2, 1)


# --- Consequences -----------------------------------------------------------------------------------------------------


def test_consequences_follow_their_allele(read):
    got = read(
        record("1/2", alt="G,T", info="CSQ=G|stop_gained|HIGH|AAA|T1|,T|missense_variant|MODERATE|AAA|T1|"),
        header=HEADER + CSQ,
    )
    assert [(row["locus"], row["impact"], row["picked"]) for row in got.consequence] == [
        ("1-1000-A-G", "HIGH", True), ("1-1000-A-T", "MODERATE", True)
    ]  # fmt: skip
    assert [(row["symbol"], row["picked_by"]) for row in got.variant] == [("AAA", "impact"), ("AAA", "impact")]


def test_a_malformed_entry_goes_to_quarantine_and_the_record_stays(read):
    got = read(record(info="CSQ=G|stop_gained|HIGH"), header=HEADER + CSQ)
    assert got.json["lines"]["kept"] == 1
    assert [(row["rule"], row["record_kept"]) for row in got.quarantine] == [("csq_field_count", True)]


def test_no_consequences_in_the_header_is_no_error_but_entries_are_missed(read):
    assert read(record()).consequence == []
    got = read(record(info="CSQ=G|stop_gained"))
    assert any("no consequences were read" in warning for warning in got.json["warnings"])


# --- Order, duplicates, ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ((record(pos=2), record(pos=1)), "not_sorted"),
        ((record(), record(chrom="chrX", pos=9), record(pos=2000)), "not_sorted"),
        ((record(), record()), "duplicate_allele"),
        ((record(pos=10, ref="CA", alt="CG"), record(pos=11)), "duplicate_allele"),
        ((record(), record(chrom="chrM", pos=16570)), "beyond_contig"),
        ((record(), record(chrom="chrM", pos=16569, ref="AC", alt="A")), "beyond_contig"),
    ],
)
def test_unsorted_repeated_and_impossible_records_are_rejected(read, records, rule):
    with pytest.raises(VcfFormatError, match=rf"line {FIRST + len(records) - 1}: .*\[{rule}\]"):
        read(*records)


def test_the_last_base_of_a_contig_is_no_error(read):
    assert read(record(chrom="chrM", pos=16569)).json["lines"]["kept"] == 1


def test_records_at_one_position_are_fine(read):
    assert read(record(), record(alt="T"), record(ref="AC", alt="A")).json["lines"]["kept"] == 3


# --- Strict and tolerant ---------------------------------------------------------------------------------------------


def test_strict_names_the_first_ten_rejected_lines(read):
    bad = [record(pos=pos, qual="x") for pos in range(1, 15)]
    with pytest.raises(VcfFormatError) as error:
        read(*bad)
    assert str(error.value).count("[not_a_number]") == 10
    assert f"line {FIRST}:" in str(error.value)
    assert f"line {FIRST + 9}:" in str(error.value)
    assert f"line {FIRST + 10}:" not in str(error.value)


def test_tolerate_lets_exactly_n_lines_through_to_quarantine(read):
    records = [record(pos=1), record(pos=2, qual="x"), record(pos=3, qual="y")]
    got = read(*records, tolerate=2)
    assert [(row["line"], row["rule"], row["record_kept"]) for row in got.quarantine] == [
        (FIRST + 1, "not_a_number", False), (FIRST + 2, "not_a_number", False)
    ]  # fmt: skip
    assert got.json["lines"]["rejected"] == 2
    with pytest.raises(VcfFormatError, match="1 are tolerated"):
        read(*records, tolerate=1)


def test_a_rejected_line_leaves_no_row_at_all(read):
    got = read(record("0/1", "0/x", alt="G,T"), samples=("a", "b"), tolerate=1)
    assert (got.occurrence, got.variant) == ([], [])


def test_a_bad_header_line_is_an_error_or_quarantine(read):
    header = HEADER + '##INFO=<ID=Q,Number=1,Type=Word,Description="?">\n'
    with pytest.raises(VcfFormatError, match=rf"line {FIRST - 1}: .*\[meta_type\]"):
        read(record(), header=header)
    got = read(record(), header=header, tolerate=1)
    assert [(row["line"], row["rule"]) for row in got.quarantine] == [(FIRST - 1, "meta_type")]
    assert got.json["lines"]["rejected"] == 0


# --- Streaming --------------------------------------------------------------------------------------------------------


def test_batches_are_bounded_and_complete(read):
    got = read(*(record(pos=pos) for pos in range(1, 101)), batch_rows=7)
    assert max(got.batch_rows) == 7
    assert (got.json["rows"]["occurrence"], got.json["rows"]["variant"]) == (100, 100)
    assert got.json["rows"] == {name: len(table) for name, table in got.arrow.items()}


def test_with_a_fasta_indels_move_left_and_ref_is_checked(tmp_path):
    fasta = tmp_path / "ref.fa"
    fasta.write_text(">chr1\nGGCACACATT\n")
    path = write(tmp_path / "a.vcf", text([record(pos=6, ref="ACA", alt="A")]))
    assert Read(path, fasta=str(fasta)).occurrence[0]["locus"] == "1-2-GCA-G"
    path = write(tmp_path / "b.vcf", text([record(pos=1, ref="T", alt="A")]))
    with pytest.raises(VcfFormatError, match="ref_mismatch"):
        Read(path, fasta=str(fasta))


def test_sex_decides_zygosity_on_x(read):
    members = [member("S1", sex=Sex.MALE, is_proband=True)]
    assert read(record("1/1", chrom="chrX", pos=5_000_000), members=members).occurrence[0]["zygosity"] == "HEM"
    assert read(record("1/1", chrom="chrX", pos=100_000), members=members).occurrence[0]["zygosity"] == "HOM"
