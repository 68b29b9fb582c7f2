"""What a person may hand in by mistake: each gets an error that names file, line, rule and remedy, or just works."""

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from radiant.errors import InputError, SampleMismatchError, VcfFormatError, VcfTruncatedError
from vcf_files import COLUMNS, FIRST, HEADER, TRIO, Read, member, record, text, write


def refused(tmp_path, content, error=VcfFormatError, name="case.vcf", members=None, **options) -> str:
    path = write(tmp_path / name, content)
    with pytest.raises(error) as caught:
        Read(path, members, **options)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 65
    return str(caught.value)


# --- Files ------------------------------------------------------------------------------------------------------------


def test_an_empty_file(tmp_path):
    assert "line 1: the file is empty" in refused(tmp_path, "")


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Read(tmp_path / "none.vcf")
    with pytest.raises(InputError, match="folder"):
        Read(tmp_path)


def test_something_else_than_vcf(tmp_path):
    assert "is not ##fileformat=VCFv4.x" in refused(tmp_path, "a,b,c\n1,2,3\n")
    assert "root:" not in refused(tmp_path, "root:x:0:0:root\n"), "a sheet may name a file with a secret"
    assert "is not ##fileformat=VCFv4.x" in refused(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) + b"\n")


def test_a_header_only_text_file_is_truncated_a_compressed_one_is_empty(tmp_path):
    message = refused(tmp_path, text([]), VcfTruncatedError)
    assert f"line {FIRST - 1}" in message
    assert "bgzip" in message
    for name in ("empty.vcf.bgz", "empty.vcf.gz"):
        got = Read(write(tmp_path / name, text([])))
        assert got.json["lines"]["read"] == 0
        assert "the file has no records: the case has no rows" in got.json["warnings"]


def test_a_header_only_bgzf_file_without_end_of_file_block(tmp_path):
    whole = write(tmp_path / "empty.bgz", text([])).read_bytes()
    assert "end-of-file block" in refused(tmp_path, whole[:-28], VcfTruncatedError)


def test_a_file_cut_in_its_last_line(tmp_path):
    whole = text([record(pos=1), record(pos=2)])
    assert f"line {FIRST + 1}" in refused(tmp_path, whole[:-9], VcfTruncatedError)


def test_a_last_line_with_too_few_columns(tmp_path):
    cut = "\t".join(record(pos=2).split("\t")[:5])
    assert f"line {FIRST + 1}: 5 columns where the #CHROM line has 10" in refused(tmp_path, text([record(pos=1), cut]))


def test_windows_line_ends_and_byte_order_mark_just_work(tmp_path):
    content = "\ufeff" + text([record("0/1:3,4", format_="GT:AD")]).replace("\n", "\r\n")
    got = Read(write(tmp_path / "windows.vcf", content))
    assert (got.occurrence[0]["sample"], got.occurrence[0]["ad_alt"]) == ("S1", 4)
    assert len([warning for warning in got.json["warnings"] if "CRLF" in warning or "byte order" in warning]) == 2


def test_bcf_gives_the_rows_of_its_vcf(tmp_path):
    records = [
        record("0/1:5,6:11", info="AC=1;AN=2", format_="GT:AD:DP"),
        record("1/1:0,9:9", pos=2000, format_="GT:AD:DP"),
    ]
    vcf = write(tmp_path / "a.vcf", text(records))
    bcf = tmp_path / "a.bcf"
    with pysam.VariantFile(str(vcf)) as source, pysam.VariantFile(str(bcf), "wb", header=source.header) as target:
        for one in source:
            target.write(one)
    from_vcf, from_bcf = Read(vcf), Read(bcf)
    assert from_bcf.tables == from_vcf.tables
    assert from_bcf.json["provenance"]["format"] == "BCF"
    assert from_bcf.json["provenance"]["vcf_size"] == bcf.stat().st_size
    assert "truncated" in refused(tmp_path, bcf.read_bytes()[:-28], VcfTruncatedError, "cut.bcf")


def test_a_record_of_5_mb_is_imported(tmp_path):
    got = Read(write(tmp_path / "long.vcf", text([record(ref="A", alt="A" + "C" * 5_000_000)])))
    assert got.occurrence[0]["end"] == 1000
    assert len(got.occurrence[0]["alternate"]) == 5_000_001


# --- Header -----------------------------------------------------------------------------------------------------------


def test_no_chrom_line(tmp_path):
    assert f"line {FIRST - 1}: a record before the #CHROM line" in refused(tmp_path, HEADER + record() + "\n")
    assert "without a #CHROM line" in refused(tmp_path, HEADER)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (COLUMNS + "\tFORMAT\tS1\tS1", "sample names must differ, but the columns 10 and 11 have the same"),
        (COLUMNS + "\tFORMAT\tS1\t", "a sample name is empty"),
        (COLUMNS + "\tFORMAT", "FORMAT and at least one sample"),
        (COLUMNS.replace("POS", "POSITION") + "\tFORMAT\tS1", "the columns are"),
        (COLUMNS.replace("\t", " "), "spaces instead of tabs"),
    ],
)
def test_a_broken_chrom_line(tmp_path, line, what):
    message = refused(tmp_path, HEADER + line + "\n" + record() + "\n")
    assert f"line {FIRST - 1}: in the #CHROM line" in message
    assert what in message


def test_another_assembly(tmp_path):
    message = refused(tmp_path, text([record()]), assembly="GRCh37")
    assert "contig chr1 the length 248956422" in message
    assert "set the case's assembly to GRCh38" in message


def test_without_contig_lengths_the_assembly_is_unchecked(tmp_path):
    got = Read(write(tmp_path / "a.vcf", text([record()], header="##fileformat=VCFv4.2\n")))
    assert got.json["provenance"]["assembly_checked"] is False
    assert any("states no contig lengths" in warning for warning in got.json["warnings"])


def test_the_length_that_stands_for_an_unknown_one_is_none(tmp_path):
    """`bcftools convert` and PBWT write 2^31 - 1 where they have no length: phased and imputed calls have it."""
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=2147483647>\n"
    got = Read(write(tmp_path / "a.vcf", text([record()], header=header)))
    assert got.json["provenance"]["assembly_checked"] is False
    assert any("states no contig lengths" in warning for warning in got.json["warnings"])
    message = refused(tmp_path, text([record()], header=header.replace("3647", "3646")))
    assert "contig chr1 the length 2147483646" in message
    assert "GRCh37 and GRCh38 can be imported, others (T2T-CHM13, ...) after a liftover" in message


def test_an_old_hg19_mitochondrion_is_warned_about(tmp_path):
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=249250621>\n##contig=<ID=chrM,length=16571>\n"
    got = Read(write(tmp_path / "a.vcf", text([record()], header=header)), assembly="GRCh37")
    assert any("16571 bases long" in warning for warning in got.json["warnings"])


@pytest.mark.parametrize(
    "bad",
    [
        "##INFO=<ID=X",
        "##reference=",
        "##INFO=",
        "##note",
        "no hashes",
        '##FORMAT=<ID=DP,Number=1,Type=String,Description="d">',
    ],
)
def test_a_broken_meta_line_is_named(tmp_path, bad):
    assert f"line {FIRST - 1}:" in refused(tmp_path, text([record()], header=HEADER + bad + "\n"))


def test_a_line_of_a_tool_about_itself_may_have_no_value(tmp_path):
    """MOLGENIS VIP writes `##VIP_treeCommand=` where no decision tree was run."""
    got = Read(write(tmp_path / "a.vcf", text([record()], header=HEADER + "##VIP_treeCommand=\n")))
    assert (len(got.occurrence), got.quarantine) == (1, [])


def test_odd_characters_in_the_header_are_replaced_and_warned_about(tmp_path):
    content = text([record()], header=HEADER + "##note=caf\u00e9\n").encode("latin-1")
    got = Read(write(tmp_path / "a.vcf", content))
    assert any("not UTF-8" in warning for warning in got.json["warnings"])


# --- Samples ----------------------------------------------------------------------------------------------------------


def test_a_member_that_is_no_sample_lists_both_sides(tmp_path):
    message = refused(tmp_path, text([record("0/1", "0/0")], ("kid", "father")), SampleMismatchError, members=TRIO)
    assert "does not have: dad, mum" in message
    assert "The VCF has: kid, father" in message


def test_a_pedigree_for_a_file_without_samples(tmp_path):
    content = text(["chr1\t1\t.\tA\tG\t.\t.\t."], ())
    assert "The VCF has: no samples" in refused(tmp_path, content, SampleMismatchError, members=TRIO)


def test_non_ascii_names_work(tmp_path):
    name = "Ren\u00e9e-\u5b50"
    path = write(tmp_path / "Z\u00fcrich f\u00e4lle.vcf", text([record()], (name,)))
    assert Read(path, [member(name, is_proband=True)]).occurrence[0]["sample"] == name


# --- Records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (record(pos=-1), "pos"),
        (record(pos="1e3"), "pos"),
        (record(pos="."), "pos"),
        (record(pos=300_000_000), "beyond_contig"),
        (record(ref="."), "ref_invalid"),
        (record(ref="R"), "ref_invalid"),
        (record(alt="T,,G"), "alt_invalid"),
        (record(alt="A"), "allele_duplicated"),
        (record(alt="G,G"), "allele_duplicated"),
        (record(qual="-1"), "negative"),
        (record(qual="1_0"), "not_a_number"),
        (record(filter_=""), "filter"),
        (record(filter_="0"), "filter"),
        (record(id_="a b"), "id"),
        (record(info="AC=x"), "not_an_integer"),
        (record(info="AC=1.5"), "not_an_integer"),
        (record(info="AN=-2"), "negative"),
        (record(info="AN=2;AN=4"), "info_key_twice"),
        (record(info="DP=4294967296"), "integer_range"),
        (record(info="MQ=high"), "not_a_number"),
        (record("0/1:x", format_="GT:DP"), "not_an_integer"),
        (record(info="DP=" + "9" * 5000), "integer_range"),
        (record("9" * 5000), "gt_invalid"),
        (record(pos="9" * 5000), "pos"),
        (record("2/1"), "gt_allele_unknown"),
        (record("0/1", "0/1"), "columns"),
        (record(chrom="chr 1"), "contig_name"),
        (record().replace("\t", " "), "columns"),
    ],
)
def test_a_broken_record_is_rejected_with_its_line_and_rule(tmp_path, bad, rule):
    content = text([record(pos=1, alt="T"), bad])
    assert f"[{rule}]" in refused(tmp_path, content)
    assert f"line {FIRST + 1}:" in refused(tmp_path, content)
    got = Read(write(tmp_path / "case.vcf", content), tolerate=1)
    assert [(row["line"], row["rule"]) for row in got.quarantine] == [(FIRST + 1, rule)]
    assert got.json["lines"] == {"read": 2, "kept": 1, "split": 0, "skipped": 0, "rejected": 1}


def test_an_empty_line_among_records_is_rejected(tmp_path):
    message = refused(tmp_path, text([record(pos=1), "", record(pos=2)]))
    assert f"line {FIRST + 1}: an empty line where the #CHROM line has 10 [columns]" in message


def test_a_record_that_is_not_utf8(tmp_path):
    content = text([record(id_="caf\u00e9")]).encode("latin-1")
    assert "[utf8]" in refused(tmp_path, content)


@pytest.mark.parametrize("name", ["NC_000001.11", "CHR1", "chr01", "scaffold_7"])
def test_a_file_without_any_known_chromosome_is_no_empty_success(tmp_path, name):
    message = refused(tmp_path, text([record(chrom=name), record(chrom=name, pos=2000)]))
    assert f"its contigs are {name} 2" in message
    assert "rename-chrs" in message


def test_pos_0_is_the_telomere_skipped_and_warned_about(tmp_path):
    got = Read(write(tmp_path / "a.vcf", text([record(pos=0)])))
    assert got.json["skipped"] == {"telomere": 1}
    assert "1 lines at POS 0, the telomere, were skipped" in got.json["warnings"]


def test_messages_name_no_sample(tmp_path):
    content = text([record("0/1:x", format_="GT:DP")], ("SECRET-NAME",))
    assert "SECRET" not in refused(tmp_path, content)


# --- Anything ---------------------------------------------------------------------------------------------------------

_SEEDS = text(
    [
        record("0/1:5,6:11:99", "1|2:1,2,3:6:40", pos=10, alt="G,T", info="AC=1,1;AN=4;DP=17", format_="GT:AD:DP:GQ"),
        record("1:5", "./.", chrom="chrX", pos=20, ref="CA", alt="C,*", format_="GT:DP"),
    ],
    ("a", "b"),
).encode()


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    edits=st.lists(
        st.tuples(
            st.integers(0, len(_SEEDS)),
            st.integers(0, 12),
            st.one_of(
                st.binary(max_size=4), st.sampled_from([b"\t", b":", b",", b"|", b"-1", b"\n", b"<", b"9" * 5000])
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    tolerate=st.sampled_from([0, 1]),
)
def test_whatever_is_in_the_file_is_counted_or_refused(tmp_path, edits, tolerate):
    content = _SEEDS
    for at, remove, insert in edits:
        content = content[:at] + insert + content[at + remove :]
    path = write(tmp_path / "any.vcf", content)
    try:
        got = Read(path, tolerate=tolerate)
    except InputError as error:
        message = str(error)
    else:
        message = None
        lines = got.json["lines"]
        assert lines["read"] == lines["kept"] + lines["split"] + lines["skipped"] + lines["rejected"]
        assert got.json["rows"] == {name: len(table) for name, table in got.arrow.items()}
    assert message is None or str(path) in message
