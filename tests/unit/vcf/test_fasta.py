"""A reference FASTA is checked against its index, nothing is written beside it, and another reference is named."""

import gzip
import os
import shutil
import stat

import pysam
import pytest

from equivalence import compare
from radiant.errors import InputError
from radiant.vcf.text.fasta import Fasta
from vcf_files import HEADER, record, text, write

LINES = 3000
"""More than two blocks of bgzip."""
ONE = "ACGTTGCAAC" * 6
CONTIGS = {"chr1": ONE * LINES, "chr2": "GATTACA" * 3000, "chrM": "CCGT"}


def fasta_text(contigs, width=60):
    lines = []
    for name, bases in contigs.items():
        lines += [f">{name} a description", *(bases[at : at + width] for at in range(0, len(bases), width))]
    return "\n".join(lines) + "\n"


@pytest.fixture(params=["plain", "bgzip"])
def packed(request):
    return request.param == "bgzip"


@pytest.fixture
def fasta(tmp_path, packed):
    """A FASTA without an index, in a folder of its own."""
    return make(tmp_path / "references", packed)


def make(folder, packed, contigs=CONTIGS, *, index=False):
    folder.mkdir(exist_ok=True)
    path = folder / ("a.fa.gz" if packed else "a.fa")
    data = fasta_text(contigs).encode()
    if packed:
        with pysam.BGZFile(str(path), "wb") as file:
            file.write(data)
    else:
        path.write_bytes(data)
    if index:
        pysam.faidx(str(path))
    return path


def refusal(path, assembly="GRCh38"):
    with pytest.raises(InputError) as caught:
        Fasta(str(path), assembly)
    assert caught.value.exit_code == 65
    return str(caught.value)


def vcf(folder, *lines, **kwargs):
    return write(folder / "a.vcf", text(lines or [record("0/1", ref="C", pos=10)], **kwargs))


class TestIndex:
    def test_every_base_is_read_with_and_without_an_index(self, fasta):
        def bases(reference):
            return {name: reference.fetch(name, 0, len(bases) + 9) for name, bases in CONTIGS.items()}

        assert bases(Fasta(str(fasta), "GRCh38")) == CONTIGS
        pysam.faidx(str(fasta))
        reference = Fasta(str(fasta), "GRCh38")
        assert reference.warning is None
        assert bases(reference) == CONTIGS
        assert reference.fetch("chrM", 4, 9) == ""

    def test_nothing_is_written_beside_a_fasta_without_an_index(self, fasta, tmp_path):
        read = compare(vcf(tmp_path), fasta=str(fasta))
        assert read.error is None
        assert [path.name for path in fasta.parent.iterdir()] == [fasta.name]
        (warning,) = [one for one in read.report["warnings"] if "FASTA" in one]
        assert f"samtools faidx {fasta.name}" in warning

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes to every folder")
    def test_a_folder_that_is_read_only_works(self, fasta):
        fasta.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
        assert Fasta(str(fasta), "GRCh38").fetch("chrM", 0, 4) == "CCGT"

    def test_a_missing_gzi_is_built_elsewhere_and_the_fai_stays(self, tmp_path):
        path = make(tmp_path / "references", packed=True, index=True)
        fai = path.with_name("a.fa.gz.fai")
        path.with_name("a.fa.gz.gzi").unlink()
        before = fai.stat()
        reference = Fasta(str(path), "GRCh38")
        assert "no index (a.fa.gz.gzi)" in reference.warning
        assert reference.fetch("chr1", 0, 60) == ONE
        assert sorted(one.name for one in path.parent.iterdir()) == ["a.fa.gz", "a.fa.gz.fai"]
        assert fai.stat().st_mtime_ns == before.st_mtime_ns

    def test_without_a_temporary_folder_the_command_is_named(self, fasta, tmp_path, monkeypatch):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
        assert f"samtools faidx {fasta}" in refusal(fasta)

    @pytest.mark.parametrize("end", [1000, 100_000, -7, -2])
    def test_a_plain_fasta_that_is_shorter_than_its_index_is_the_input(self, tmp_path, end):
        path = make(tmp_path / "references", packed=False, index=True)
        path.write_bytes(path.read_bytes()[:end])
        message = refusal(path)
        assert message.startswith(f"file://{path}: the FASTA and its index (a.fa.fai) do not belong together: ")
        assert "samtools faidx a.fa" in message
        read = compare(vcf(tmp_path), fasta=str(path))
        assert read.error.startswith("InputError: ")
        assert "bug" not in read.error

    @pytest.mark.parametrize("end", [1000, -1, -28])
    def test_a_bgzip_fasta_that_is_truncated_is_the_input(self, tmp_path, end):
        path = make(tmp_path / "references", packed=True, index=True)
        path.write_bytes(path.read_bytes()[:end])
        assert "the FASTA is truncated" in refusal(path)

    @pytest.mark.parametrize(
        "contigs",
        [
            {"chr2": CONTIGS["chr2"], "chr1": CONTIGS["chr1"], "chrM": "CCGT"},
            {**CONTIGS, "chr1": "A" * 100},
            {**CONTIGS, "chr1": CONTIGS["chr1"] + "A"},
            {"one": CONTIGS["chr1"], "chr2": CONTIGS["chr2"], "chrM": "CCGT"},
            {**CONTIGS, "chrM": "CC"},
            {**CONTIGS, "chrM": "CCGTA"},
        ],
    )
    def test_the_index_of_another_fasta_is_the_input(self, tmp_path, packed, contigs):
        path = make(tmp_path / "references", packed, index=True)
        other = make(tmp_path / "others", packed, contigs=contigs, index=True)
        for suffix in (".fai", ".gzi") if packed else (".fai",):
            shutil.copy(f"{other}{suffix}", f"{path}{suffix}")
        assert f"remove {path.name}.fai" in refusal(path)

    @pytest.mark.parametrize("suffix", [".fai", ".gzi"])
    @pytest.mark.parametrize("content", [b"", b"noise", b"chr1\t1\t2\n", b"\xff" * 24, b"chr1\t5\t6\t0\t0\n"])
    def test_an_index_that_is_none_is_the_input(self, tmp_path, suffix, content):
        path = make(tmp_path / "references", packed=True, index=True)
        path.with_name(path.name + suffix).write_bytes(content)
        assert "is no index" in refusal(path)

    def test_windows_line_ends_are_read(self, tmp_path):
        path = make(tmp_path / "references", packed=False)
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        pysam.faidx(str(path))
        assert Fasta(str(path), "GRCh38").fetch("chr1", 58, 62) == "ACAC"

    def test_a_fasta_that_was_cut_while_it_is_read_is_the_input(self, tmp_path):
        path = make(tmp_path / "references", packed=False, index=True)
        reference = Fasta(str(path), "GRCh38")
        os.truncate(path, 1000)
        with pytest.raises(InputError, match="do not belong together"):
            reference.fetch("chr1", 120_000, 120_100)


class TestNoFasta:
    def test_gzip_is_named(self, tmp_path):
        path = tmp_path / "a.fa.gz"
        path.write_bytes(gzip.compress(fasta_text(CONTIGS).encode()))
        assert "bgzip > FILE.fa.gz" in refusal(path)

    @pytest.mark.parametrize("content", [b"", b"no FASTA\n", b">chr1\nAC\nACGT\nACG\n"])
    def test_what_is_no_fasta_is_the_input(self, tmp_path, content):
        path = tmp_path / "a.fa"
        path.write_bytes(content)
        assert "cannot be read as a FASTA" in refusal(path)
        assert [one.name for one in tmp_path.iterdir()] == ["a.fa"]


class TestAnotherReference:
    def test_the_fasta_of_another_assembly_is_refused_before_any_line(self, tmp_path):
        path = make(tmp_path / "references", packed=False, contigs={"chr21": "ACGT"}, index=True)
        bases = 48_129_895  # chr21 of GRCh37
        path.write_bytes(b">chr21\n" + b"N" * bases + b"\n")
        path.with_name("a.fa.fai").write_text(f"chr21\t{bases}\t7\t{bases}\t{bases + 1}\n")
        message = refusal(path)
        assert "its contig lengths are those of GRCh37, but the case is GRCh38" in message
        assert Fasta(str(path), "GRCh37").warning is None

    @pytest.mark.parametrize(
        "line",
        [record("0/1", ref="T", alt="A", pos=1), record("0/1", chrom="chr3", pos=1), record("0/1", pos=248_956_423)],
    )
    def test_lines_that_contradict_the_reference_do_not_advise_to_tolerate_them(self, tmp_path, fasta, line):
        error = compare(vcf(tmp_path, line), fasta=str(fasta)).error
        assert "--tolerate" not in error
        assert f"another one than GRCh38, and the FASTA file://{fasta}. Set the case's assembly" in error

    def test_a_header_with_lengths_of_another_assembly_does_not_advise_it_either(self, tmp_path):
        header = HEADER.replace("248956422", "249250621").replace("156040895", "155270560")
        header = header.replace("57227415", "59373566")
        error = compare(vcf(tmp_path, header=header)).error
        assert "set the case's assembly to GRCh37" in error
        assert "--tolerate" not in error

    def test_a_fault_of_a_line_does(self, tmp_path, fasta):
        assert "--tolerate" in compare(vcf(tmp_path, record("0/7", ref="C", pos=10)), fasta=str(fasta)).error
