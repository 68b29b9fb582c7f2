"""A BCF and the VCF of the same calls give the same rows, to the last digit."""

import gzip
import shutil
import struct
import subprocess

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equivalence import compare
from radiant.errors import InputError, VcfFormatError, VcfTruncatedError
from radiant.vcf.text import bcf
from radiant.vcf.text.bcf import Record, exact
from radiant.vcf.text.source import Source
from vcf_files import HEADER, TRIO, Read, record, text, write

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
SAMPLES = ("kid", "dad", "mum")
MORE = """##INFO=<ID=QD,Number=1,Type=Float,Description="x">
##INFO=<ID=FS,Number=1,Type=Float,Description="x">
##INFO=<ID=MLEAF,Number=A,Type=Float,Description="x">
##INFO=<ID=SCORES,Number=.,Type=Float,Description="x">
##INFO=<ID=NOTE,Number=.,Type=String,Description="x">
##INFO=<ID=DB,Number=0,Type=Flag,Description="x">
##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature|MAX_AF">
##FORMAT=<ID=GP,Number=G,Type=Float,Description="x">
##FORMAT=<ID=VAF,Number=A,Type=Float,Description="x">
##FORMAT=<ID=FT,Number=1,Type=String,Description="x">
"""


def as_bcf(vcf, kind="-Ob"):
    bcf = vcf.with_suffix(".bcf")
    subprocess.run(["bcftools", "view", kind, "-o", bcf, vcf], check=True, capture_output=True)
    return bcf


def without_lines(tables):
    """Rows by table; a BCF's records are numbered without its header, and its map `info` spells numbers its own way."""
    rows = {name: [dict(row) for row in table.to_pylist()] for name, table in tables.items()}
    for row in rows["quarantine"]:
        del row["line"]
    for row in rows["variant"]:
        row["info"] = row["info"] and [(key, _as_numbers(value)) for key, value in row["info"]]
    return rows


def _as_numbers(value):
    def number(text):
        try:
            return repr(float(np.float32(text)))  # NaN is NaN
        except ValueError:
            return text

    return [number(one) for one in value.split(",")]


# --- any file ---------------------------------------------------------------------------------------------------------

_bits = st.integers(0, 0x7F7FFFFF).map(lambda bits: float(np.uint32(bits).view(np.float32)))
_decimals = st.builds("{}.{}{}".format, st.integers(0, 10**6), st.from_regex(r"[0-9]{1,12}", fullmatch=True),
                      st.sampled_from(("", "e-5", "E+3", "e-40")))  # fmt: skip
_positive = st.one_of(
    _decimals,
    _bits.map(repr),
    st.floats(0, 1, width=64).map(repr),
    st.integers(0, 2**31).map(str),
    st.sampled_from((".", "0", "nan", "inf", "1e-45", "3.4028235e38", "16777217", "0.1234567", "1e0")),
)
_any_float = st.one_of(_positive, _bits.map(lambda value: repr(-value)))
_words = st.sampled_from((".", "a", "a_long_word_of_more_than_fifteen_bytes", "PASS"))


def _some(draw, values, count):
    return ",".join(draw(values) for _ in range(count))


@st.composite
def _records(draw):
    lines = []
    pos = 100
    for _ in range(draw(st.integers(1, 25))):
        pos += draw(st.integers(1, 300))
        ref, alts = draw(st.sampled_from([("A", ["G"]), ("A", ["G", "T"]), ("AC", ["A"]), ("A", ["AT", "G", "*"])]))
        fields = [
            f"AF={_some(draw, _positive, len(alts))}",
            f"QD={draw(_any_float)}",
            f"FS={draw(_any_float)}",
            f"MLEAF={_some(draw, _positive, len(alts))}",
            f"SCORES={_some(draw, _any_float, draw(st.integers(1, 20)))}",
            f"NOTE={draw(_words)}",
            "DB",
            f"DP={draw(st.sampled_from(('.', '3', '200', '40000', '70000')))}",
            f"CSQ={alts[0]}|missense_variant|MODERATE|G|E|T|{draw(st.sampled_from(('0.123456789', '', '1e-7')))}",
        ]
        info = ";".join(draw(st.lists(st.sampled_from(fields), unique=True, max_size=9))) or "."
        keys = ["GT", *draw(st.lists(st.sampled_from(("AD", "DP", "GQ", "GP", "VAF", "FT", "PS")), unique=True))]
        samples = []
        for _ in SAMPLES:
            diploid = len(alts) + 1
            values = {
                "GT": draw(st.sampled_from(("0/1", "1|0", "0/0", "1/1", "./.", "0/.", "1", f"{len(alts)}/1"))),
                "AD": draw(st.sampled_from((".", _some(draw, st.integers(0, 70000).map(str), diploid)))),
                "DP": draw(st.integers(0, 300).map(str)),
                "GQ": draw(st.sampled_from((".", "0", "20", "99"))),
                "VAF": _some(draw, _positive, len(alts)),
                "FT": draw(_words),
                "PS": draw(st.sampled_from((".", "7", "100000"))),
            }
            values["GP"] = "." if values["GT"] == "1" else _some(draw, _positive, diploid * (diploid + 1) // 2)
            samples.append(":".join(values[key] for key in keys))
        lines.append(
            record(
                *samples,
                pos=pos,
                ref=ref,
                alt=",".join(alts),
                qual=draw(_positive),
                info=info,
                format_=":".join(keys),
                id_=draw(st.sampled_from((".", "rs1", "rs1;rs2"))),
            )
        )
    return lines


@needs_bcftools
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_records(), st.sampled_from(("-Ob", "-Ou")))
def test_a_bcf_has_the_rows_of_its_vcf(tmp_path_factory, lines, kind):
    folder = tmp_path_factory.mktemp("bcf")
    vcf = write(folder / "a.vcf", text(lines, SAMPLES, HEADER + MORE))
    from_vcf = compare(vcf, TRIO, tolerate=1000)
    from_bcf = compare(as_bcf(vcf, kind), TRIO, tolerate=1000)
    assert (from_vcf.error, from_bcf.error) == (None, None)
    if not from_vcf.tables["quarantine"].num_rows:
        assert without_lines(from_bcf.tables) == without_lines(from_vcf.tables)
    else:
        expected, got = without_lines(from_vcf.tables), without_lines(from_bcf.tables)
        # quarantine shows the text, which BCF writes in its own way
        assert [one["rule"] for one in got.pop("quarantine")] == [one["rule"] for one in expected.pop("quarantine")]
        assert got == expected
    shutil.rmtree(folder)


@needs_bcftools
@pytest.mark.parametrize(
    ("file", "assembly"),
    [("ashk-trio.vcf.gz", "GRCh37"), ("haploid-x.vcf", "GRCh37"), ("chrm-indels.vcf.gz", "GRCh38")],
)
def test_real_files_have_the_same_rows_as_bcf(corpus, tmp_path, file, assembly):
    bcf = tmp_path / "a.bcf"
    subprocess.run(["bcftools", "view", "-Ob", "-o", bcf, corpus / file], check=True, capture_output=True)
    expected, got = (Read(path, assembly=assembly, tolerate=10**6) for path in (corpus / file, bcf))
    for name, table in expected.arrow.items():
        drop = ["line", "text"] if name == "quarantine" else []
        assert got.arrow[name].drop_columns(drop).equals(table.drop_columns(drop)), name


# --- floats -----------------------------------------------------------------------------------------------------------


@needs_bcftools
def test_floats_keep_the_digits_that_a_float_has(tmp_path):
    lines = [
        record("0/1", pos=1, info="AF=0.1234567", qual="1234567.8"),
        record("0/1:0.3333333,0.33333334,16777216", pos=2, info="AF=0.5", format_="GT:GP"),
        record("0/1:.:0.00012345678", pos=3, format_="GT:FT:VAF"),
    ]
    path = write(tmp_path / "a.vcf", text(lines, header=HEADER + MORE))
    got = [line.decode().split("\t") for _, line in Source(f"file://{as_bcf(path)}").lines() if line[:1] != b"#"]
    assert [(line[5], line[7], line[9]) for line in got] == [
        ("1234567.8", "AF=0.1234567", "0/1"),
        ("50", "AF=0.5", "0/1:0.3333333,0.33333334,16777216"),
        ("50", ".", "0/1:.:0.00012345678"),
    ]
    rows = Read(as_bcf(path)).arrow["occurrence"]
    assert rows["info_af"].to_pylist()[0] == pytest.approx(float(np.float32(0.1234567)), abs=0)
    assert rows["quality"].to_pylist()[0] == float(np.float32(1234567.8))


def test_a_value_that_holds_what_separates_fields_does_not_shift_the_floats():
    def typed(kind, payload, count=None):
        return bytes([(len(payload) if count is None else count) << 4 | kind]) + payload

    shared = struct.pack("<iiifII", 0, 0, 1, 0.1234567, 2 << 16 | 2, 2 << 24 | 1)
    shared += typed(7, b"") + typed(7, b"A") + typed(7, b"G") + typed(1, b"", 0)
    shared += typed(1, b"\1") + typed(7, b"a;b") + typed(1, b"\2") + typed(5, struct.pack("<f", 0.7654321), 1)
    individual = typed(1, b"\3") + typed(7, b"a:b") + typed(1, b"\4") + typed(5, struct.pack("<f", 0.2345678), 1)
    line = "1\t1\t.\tA\tG\t0.123457\t.\tN=a;b;AF=0.765432\tFT:VAF\ta:b:0.234568"
    assert exact(line, Record(shared, individual)).split("\t")[5:] == [
        "0.1234567", ".", "N=a;b;AF=0.7654321", "FT:VAF", "a:b:0.2345678"
    ]  # fmt: skip


# --- damaged ----------------------------------------------------------------------------------------------------------


@needs_bcftools
def test_a_cut_uncompressed_bcf_is_refused_or_warned_about(tmp_path):
    lines = [record("0/1", pos=pos, info="AF=0.1234567") for pos in range(1, 40)]
    path = as_bcf(write(tmp_path / "a.vcf", text(lines)))
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(whole)
    (warning,) = [one for one in Read(path).json["warnings"] if "proves" in one]
    assert "not compressed" in warning
    between = len(whole) - len(whole[_last_record(whole) :])
    for end in range(between - 3, len(whole)):
        path.write_bytes(whole[:end])
        if end == between:
            read = Read(path)
            assert read.json["lines"]["read"] == 38
            assert any("nothing proves that it is whole" in one for one in read.json["warnings"])
        else:
            with pytest.raises((VcfFormatError, VcfTruncatedError)):
                Read(path)


def _last_record(data):
    (header,) = struct.unpack_from("<I", data, 5)
    at = 9 + header
    while True:
        shared, individual = struct.unpack_from("<II", data, at)
        if at + 8 + shared + individual == len(data):
            return at
        at += 8 + shared + individual


@needs_bcftools
def test_a_damaged_bcf_is_read_or_refused_as_an_input(tmp_path):
    lines = [record("0/1", pos=pos, info="AF=0.1234567;DP=4", format_="GT") for pos in range(1, 10)]
    path = as_bcf(write(tmp_path / "a.vcf", text(lines)))
    whole = gzip.decompress(path.read_bytes())
    path.write_bytes(whole)
    begin = 9 + struct.unpack_from("<I", whole, 5)[0]
    refused = 0
    for at in range(begin, begin + 120):
        damaged = bytearray(whole)
        damaged[at] ^= 0x41
        path.write_bytes(bytes(damaged))
        try:
            Read(path, tolerate=100)
        except InputError:
            refused += 1
    assert refused > 20


def test_pysam_writes_what_is_read(tmp_path):
    vcf = write(tmp_path / "a.vcf", text([record("0/1", info="AF=0.1234567")]))
    bcf = tmp_path / "a.bcf"
    with pysam.VariantFile(str(vcf)) as source, pysam.VariantFile(str(bcf), "wb", header=source.header) as target:
        for one in source:
            target.write(one)
    assert Read(bcf).tables == Read(vcf).tables


@pytest.mark.parametrize("kind", ["-Ob", "-Ou"])
def test_a_bcf_without_records_is_read_as_the_vcf_without_records(tmp_path, kind):
    vcf = write(tmp_path / "a.vcf.bgz", text([]))
    assert compare(as_bcf(vcf, kind)).report["lines"]["read"] == 0


def test_a_batch_of_records_may_end_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(bcf, "_BATCH_BYTES", 1)
    path = as_bcf(write(tmp_path / "a.vcf", text([record("0/1", info="AF=0.123456789"), record("0/1", pos=2000)])))
    assert compare(path).report["lines"]["read"] == 2


def test_a_record_may_be_longer_than_a_batch(tmp_path):
    bases = "A" * (5 << 20)
    path = as_bcf(
        write(tmp_path / "a.vcf", text([record("0/1"), record("0/1", pos=2000, alt=bases), record(pos=3000)]))
    )
    assert compare(path).report["lines"]["read"] == 3
