"""The samples of a file are read from its beginning alone."""

import gzip
import struct
import subprocess
from pathlib import Path

import fsspec
import pysam
import pytest

from radiant import storage
from radiant.domain.case import solo
from radiant.errors import VcfFormatError, VcfTruncatedError
from radiant.vcf import ReadOptions, read_case, read_samples
from radiant.vcf.text.source import Source

HEADER = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=248956422>\n"
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tkid\tdad\n"
)
RECORDS = "".join(f"chr1\t{at}\t.\tA\tG\t{at % 97}\t.\t.\tGT\t0/1\t0/0\n" for at in range(1, 100_000))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Return the same calls in each packing."""
    folder = tmp_path_factory.mktemp("samples")
    plain = folder / "case.vcf"
    plain.write_text(HEADER + RECORDS)
    (folder / "gzip.vcf.gz").write_bytes(gzip.compress(plain.read_bytes(), 1))
    pysam.tabix_compress(str(plain), str(folder / "bgzf.vcf.gz"))
    subprocess.run(["bcftools", "view", "-Ob", "-o", str(folder / "case.bcf"), str(plain)], check=True)
    (folder / "bare.bcf").write_bytes(gzip.decompress((folder / "case.bcf").read_bytes()))
    return {file.name: file for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["case.vcf", "gzip.vcf.gz", "bgzf.vcf.gz", "case.bcf", "bare.bcf"])
def test_samples_are_read_and_little_of_the_file(files, name):
    source = Source(storage.file_uri(files[name]))
    assert read_samples(source.uri) == ("kid", "dad")
    for _, line in source.header_lines():
        if line.startswith(b"#CHROM"):
            break
    assert source.size <= 1 << 19 < files["case.vcf"].stat().st_size


@pytest.mark.parametrize("name", ["bgzf.vcf.gz", "case.bcf"])
def test_an_object_of_a_store_is_read_in_place(files, name):
    uri = f"memory://samples/{name}"
    with fsspec.open(uri, "wb") as file:
        file.write(files[name].read_bytes())
    assert read_samples(uri) == ("kid", "dad")


def test_a_long_header_of_a_bcf_is_read_whole(tmp_path):
    samples = "\t".join(f"sample{number:06}" for number in range(40_000))
    text = HEADER.replace("kid\tdad", samples).encode() + b"\0"
    file = tmp_path / "long.bcf"
    file.write_bytes(b"BCF\2\2" + struct.pack("<I", len(text)) + text)
    assert read_samples(storage.file_uri(file)) == tuple(samples.split("\t"))


@pytest.mark.parametrize("size", [5, 7, 100])
def test_a_bcf_that_ends_inside_its_header_is_truncated(files, tmp_path, size):
    file = tmp_path / "cut.bcf"
    file.write_bytes(files["bare.bcf"].read_bytes()[:size])
    with pytest.raises(VcfTruncatedError, match="inside the header"):
        read_samples(storage.file_uri(file))


def test_a_file_that_is_no_vcf_is_named(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("nothing\n")
    with pytest.raises(VcfFormatError, match=r"notes\.txt"):
        read_samples(storage.file_uri(file))


def test_a_stated_patient_changes_the_patient_of_the_rows_and_nothing_else(tmp_path):
    file = tmp_path / "one.vcf"
    file.write_text((HEADER + RECORDS[:2000].rpartition("\n")[0] + "\n").replace("\tdad", "").replace("\t0/0", ""))
    options = ReadOptions(assembly="GRCh38", owner="case:1")

    def rows(members):
        batches = read_case(storage.file_uri(file), members, options).batches()
        return [(name, row) for name, batch in batches for row in batch.to_pylist()]

    alone, stated = rows(None), rows((solo("kid", "case:1", "P1"),))
    patients = [row.pop("patient_id") for name, row in stated if name == "occurrence"]
    assert patients
    assert set(patients) == {"P1"}
    assert {row.pop("patient_id") for name, row in alone if name == "occurrence"} == {"case:1:kid"}
    assert stated == alone
