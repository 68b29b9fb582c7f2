"""What a file has and an import does not take is said: structural variants, members without any genotype."""

import bz2
import gzip
import lzma

import pyarrow as pa
import pytest

from equivalence import compare
from vcf_files import TRIO, record, text, write

SOMATIC = "DP:AU:CU:GU:TU"


def warnings(folder, *records, samples=("kid", "dad", "mum"), members=TRIO):
    return compare(write(folder / "a.vcf", text(records, samples)), members).report["warnings"]


def test_structural_variants_are_counted_by_kind(tmp_path):
    alts = [
        "<DEL>",
        "<DEL:ME>",
        "<INS>",
        "<CNV>",
        "<DUP:TANDEM>",
        "<INV>",
        "<PRIVATE>",
        "A[chr1:9[",
        "G,<DEL>",
        "<NON_REF>",
    ]
    lines = [record("0/1", "0/0", "0/0", pos=number, alt=alt) for number, alt in enumerate(alts, 1)]
    (found,) = [one for one in warnings(tmp_path, *lines) if one.startswith("structural")]
    assert found == (
        "structural variants are not imported; their alleles were skipped: "
        "DEL 3, BND 1, CNV 1, DUP 1, INS 1, INV 1, other 1"
    )


def test_a_file_without_structural_variants_says_nothing_of_them(tmp_path):
    found = warnings(tmp_path, record("0/1", "0/0", "0/0", alt="G,*"))
    assert not any("structural" in one for one in found)


@pytest.mark.parametrize(("format_", "call"), [("GT", "./."), ("GT", "."), ("DP", "12"), (SOMATIC, "9:1:1:1:1")])
def test_a_file_in_which_no_member_has_a_genotype_is_refused(tmp_path, format_, call):
    lines = [record(call, call, call, pos=pos, format_=format_) for pos in (1, 2)]
    error = compare(write(tmp_path / "a.vcf", text(lines, ("kid", "dad", "mum"))), TRIO).error
    assert "no member of the case has a called GT on any of the 2 lines" in error
    one_called = [*lines, record("0/0", "./.", ".", pos=3)]
    assert compare(write(tmp_path / "b.vcf", text(one_called, ("kid", "dad", "mum"))), TRIO).error is None


def test_calls_of_samples_that_are_no_members_do_not_count(tmp_path):
    lines = [record("./.", "./.", "./.", "0/1", pos=pos) for pos in (1, 2)]
    assert "no member" in compare(write(tmp_path / "a.vcf", text(lines, ("kid", "dad", "mum", "x"))), TRIO).error


def test_reference_blocks_alone_are_no_file_without_genotypes(tmp_path):
    lines = [record("./.", "./.", "./.", pos=pos, alt="<NON_REF>") for pos in (1, 2)]
    assert compare(write(tmp_path / "a.vcf", text(lines, ("kid", "dad", "mum"))), TRIO).error is None


@pytest.mark.parametrize("call", ["./.", ".", ".:9"])
def test_members_without_any_genotype_are_named_by_their_place(tmp_path, call):
    lines = [record("0/1", call, call, pos=pos, format_="GT:DP") for pos in (1, 2)]
    found = [one.partition(",")[0] for one in warnings(tmp_path, *lines) if one.startswith("no genotype")]
    people = ("member 2 (father)", "member 3 (mother)")
    assert found == [f"no genotype: {one} has no called GT on any of the 2 lines that were read" for one in people]


def test_one_half_call_is_a_genotype(tmp_path):
    lines = [record("./.", "0/0", "0/1", pos=1), record("./1", "0/0", "./.", pos=2)]
    assert not any(one.startswith("no genotype") for one in warnings(tmp_path, *lines))


@pytest.mark.parametrize(
    ("compress", "name"),
    [(bz2.compress, "bzip2"), (lzma.compress, "xz"), (lambda data: pa.compress(data, "zstd", asbytes=True), "zstd")],
)
def test_another_compression_is_named(tmp_path, compress, name):
    path = write(tmp_path / "a.vcf", compress(text([record("0/1")]).encode()))
    found = compare(path)
    assert found.error.startswith(f"VcfFormatError: file://{path}: is compressed with {name}, which is not read.")
    assert "| bgzip >" in found.error


@pytest.mark.parametrize(
    ("magic", "name"),
    [("04224d18", "lz4"), ("5d00008000", "lzma"), ("1f9d90", "compress"), ("504b0304", "zip"), ("377abcaf271c", "7z")],
)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_an_archive_is_named_whether_or_not_it_ends_with_a_line_break(tmp_path, magic, name, end):
    path = write(tmp_path / "a.vcf", bytes.fromhex(magic) + b"abc" * 9 + end)
    assert compare(path).error.startswith(
        f"VcfFormatError: file://{path}: is compressed with {name}, which is not read."
    )


def test_gzip_inside_gzip_is_named(tmp_path):
    path = write(tmp_path / "a.vcf.gz", gzip.compress(gzip.compress(text([record("0/1")]).encode())))
    assert compare(path).error == (
        f"VcfFormatError: file://{path}: is compressed twice with gzip. Decompress it once: gzip -dc FILE > FILE.vcf.gz"
    )


@pytest.mark.parametrize("end", [b"", b"\r"])
def test_lines_that_end_with_carriage_returns_alone_are_named(tmp_path, end):
    path = write(tmp_path / "a.vcf", text([record("0/1")]).encode().replace(b"\n", b"\r").rstrip(b"\r") + end)
    assert compare(path).error.startswith(
        f"VcfFormatError: file://{path}: has lines that end with a carriage return alone (old Mac). Convert it: "
    )
