"""Two contigs of a file that are one chromosome here: their records are never mixed."""

import pytest

from equivalence import compare
from vcf_files import FIRST, HEADER, Read, record, text, write

BARE = "##fileformat=VCFv4.2\n"
HG19 = BARE + "##contig=<ID=chr1,length=249250621>\n##contig=<ID=chrM,length=16571>\n##contig=<ID=chrMT,length=16569>\n"


@pytest.mark.parametrize("header", [BARE, HEADER, HEADER + "##contig=<ID=1,length=248956422>\n"])
@pytest.mark.parametrize("names", [("chr1", "1"), ("1", "chr1")])
@pytest.mark.parametrize(("tolerate", "second_pos"), [(0, 1000), (1000, 1000), (0, 5000)])
def test_records_on_both_are_refused_and_both_are_named(tmp_path, header, names, tolerate, second_pos):
    first, second = names
    lines = [record(chrom=first), record(chrom="chrX", pos=5_000_000), record(chrom=second, pos=second_pos)]
    path = write(tmp_path / "a.vcf", text(lines, header=header))
    got = compare(path, tolerate=tolerate)
    assert (
        f"line {header.count(chr(10)) + 4}: contigs {first} and {second} of this file are both chromosome 1"
        in got.error
    )
    assert "rm-dup" not in got.error
    assert "tolerate" not in got.error


@pytest.mark.parametrize(("first", "second"), [("chrM", "chrMT"), ("chrMT", "chrM"), ("MT", "chrM"), ("M", "MT")])
def test_two_mitochondria_are_refused(tmp_path, first, second):
    lines = [record(chrom=first, pos=300), record(chrom=second, pos=300)]
    got = compare(write(tmp_path / "a.vcf", text(lines, header=HG19)), assembly="GRCh37")
    assert f"contigs {first} and {second} of this file are both chromosome M" in got.error


@pytest.mark.parametrize("used", ["chrM", "chrMT"])
def test_a_header_with_both_and_records_on_one_is_read_with_a_warning(tmp_path, used):
    """UCSC's hg19 has both sequences in every header; nothing is mixed as long as the records are of one."""
    got = Read(write(tmp_path / "a.vcf", text([record(chrom=used, pos=300)], header=HG19)), assembly="GRCh37")
    assert [row["chromosome"] for row in got.occurrence] == ["M"]
    assert any("declares the contigs chrM and chrMT, which are one chromosome" in one for one in got.json["warnings"])


def test_skipped_lines_count_and_rejected_ones_do_not(tmp_path):
    lines = [record(chrom="chr1", pos=5, alt="<NON_REF>"), record(chrom="1", pos=7)]
    assert "contigs chr1 and 1" in compare(write(tmp_path / "a.vcf", text(lines))).error
    lines = [record(chrom="1", pos="x"), record(chrom="chr1", pos=7)]
    got = compare(write(tmp_path / "b.vcf", text(lines)), tolerate=1)
    assert got.tables["quarantine"]["rule"].to_pylist() == ["pos"]


def test_an_earlier_fault_of_a_strict_case_comes_first(tmp_path):
    lines = [record(pos=5, qual="x"), record(chrom="1", pos=7), record(pos=9)]
    got = compare(write(tmp_path / "a.vcf", text(lines)))
    assert f"line {FIRST}: QUAL" in got.error
    assert f"line {FIRST + 1}: contigs chr1 and 1" in got.error


def test_any_chunk_size_gives_the_same_message(tmp_path):
    lines = [
        record(pos=1),
        record(pos=2),
        record(chrom="1", pos=1),
        record(chrom="1", pos=2),
        record(chrom="chrX", pos=9),
    ]
    path = write(tmp_path / "a.vcf", text(lines))
    errors = {
        compare(path, chunk_bytes=size, tolerate=tolerate).error for size in (1, 70, 8 << 20) for tolerate in (0, 9)
    }
    assert len(errors) == 1
