"""Loci, per-allele values and genotypes agree with `bcftools norm`, from its own fixtures and run live.

Where the two differ on purpose, and how the comparison takes it:

| what | bcftools 1.16 | radiant | here |
|---|---|---|---|
| ALT `*` | keeps it as an allele | skipped, counted | left out of theirs |
| ALT `.` | keeps the line | no allele | left out of theirs |
| `<NON_REF>` | keeps it as an allele | skipped, counted | left out of theirs |
| another ALT in GT | 0 (`--multi-overlaps .`: missing) | -1 | only 1 is compared, or the fixture with `.` |
| lower case | kept | upper case | upper case |
| REF other than the FASTA's | `-c x` leaves the line out | `BrokenRuleError` | expected by name |
| an ALT that is no sequence | leaves the line out | `BrokenRuleError` | expected by name |
| a wrong number of values | an error; `--force` drops numbers, cuts strings | no value | expected by name |
"""

import gzip
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pysam
import pytest

from radiant.vcf.findings import BrokenRuleError, Rule
from radiant.vcf.rules import alleles
from radiant.vcf.rules.alleles import Allele, Skip

needs_bcftools = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")


def records(text):
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def read(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as lines:
        return lines.read()


def numbers_of(text, kind):
    return dict(re.findall(rf"^##{kind}=<ID=([^,]+),Number=([^,]+),", text, re.MULTILINE))


def ours(rows, fasta=None):
    """(contig, start, reference, alternate) of every ALT that has a row, and the rules that records broke."""
    loci, rules = [], []
    for contig, pos, _, ref, alt, *_ in rows:
        try:
            split = alleles.split_record(contig, int(pos), ref, alt.split(","), fasta)
        except BrokenRuleError as error:
            rules.append((contig, int(pos), error.rule))
            continue
        loci += [(contig, a.start, a.reference, a.alternate) for a in split if a.skip is None]
    return loci, rules


def theirs(rows):
    return [(row[0], int(row[1]), row[3].upper(), row[4].upper()) for row in rows if row[4] not in {".", "*"}]


@pytest.fixture(scope="module")
def fixtures(corpus):
    return corpus / "bcftools"


@pytest.fixture
def fasta(fixtures, tmp_path):
    copy = tmp_path / "norm.fa"
    copy.write_bytes((fixtures / "norm.fa").read_bytes())  # pysam writes its index beside the file
    with pysam.FastaFile(str(copy)) as reader:
        yield reader


class TestFixtures:
    def test_split_and_normalised_loci_are_those_of_bcftools(self, fixtures, fasta):
        loci, rules = ours(records(read(fixtures / "norm.split.vcf")), fasta)
        assert rules == []
        assert Counter(loci) == Counter(theirs(records(read(fixtures / "norm.split.and.norm.out"))))

    def test_normalised_loci_are_those_of_bcftools(self, fixtures, fasta):
        """`norm.out` is not split: its biallelic records must be ours, its others lead to the same loci."""
        loci, rules = ours(records(read(fixtures / "norm.vcf")), fasta)
        expected = records(read(fixtures / "norm.out"))
        assert Counter(loci) == Counter(ours(expected, fasta)[0])
        biallelic = [row for row in expected if "," not in row[4]]
        assert not Counter(theirs(biallelic)) - Counter(loci)
        # Both leave out these two: a REF that is not the FASTA's, and an ALT that is no sequence.
        assert rules == [("1", 60, Rule.REF_MISMATCH), ("4", 37, Rule.ALT_INVALID)]
        assert not {("1", 60), ("4", 37)} & {(row[0], int(row[1])) for row in expected}

    @pytest.mark.parametrize("name", ["norm.split", "norm.split.2"])
    def test_every_alt_of_a_split_record_is_there_in_order(self, fixtures, name):
        split = [
            (contig, pos, ref, alt)
            for contig, pos, _, ref, alts, *_ in records(read(fixtures / f"{name}.vcf"))
            for alt in alts.split(",")
        ]
        assert split == [(row[0], row[1], row[3], row[4]) for row in records(read(fixtures / f"{name}.out"))]

    def test_another_alt_is_missing_as_with_multi_overlaps(self, fixtures):
        expected = iter(records(read(fixtures / "norm.split.5.1.out")))
        for row in records(read(fixtures / "norm.split.5.vcf")):
            for index in (1, 2):
                for got, want in zip(row[9:], next(expected)[9:], strict=True):
                    calls, phased = alleles.calls(got, index)
                    assert phased
                    assert "|".join("." if call < 0 else str(call) for call in calls) == want

    def test_the_alt_of_a_tetraploid_genotype_stands_where_bcftools_has_it(self, fixtures):
        """bcftools makes another ALT 0 by default, here it is -1: the 1 must be the same."""
        (row,) = records(read(fixtures / "norm.phased-split.vcf"))
        for index, split in enumerate(records(read(fixtures / "norm.phased-split.1.out")), start=1):
            calls, phased = alleles.calls(row[9], index)
            assert phased
            assert [call == 1 for call in calls] == [call == "1" for call in split[9].split("|")]


def run_norm(vcf, *arguments):
    done = subprocess.run(
        ["bcftools", "norm", "--no-version", *map(str, arguments), str(vcf)], capture_output=True, text=True, check=True
    )
    return records(done.stdout)


@needs_bcftools
class TestLive:
    def test_random_indels_in_repeats_are_left_aligned_as_bcftools_does(self, tmp_path):
        """Repeats of 1 to 5 bases, soft-masked here and there; indels, MNVs and multi-allelics anywhere in them."""
        rng = random.Random(20)  # noqa: S311 - test data
        sequence = "".join("".join(rng.choices("ACGT", k=rng.randint(1, 5))) * rng.randint(1, 60) for _ in range(150))
        masked = "".join(base.lower() if (i // 97) % 3 == 0 else base for i, base in enumerate(sequence))
        (tmp_path / "a.fa").write_text(f">chr7\n{masked}\n")
        rows = []
        for _ in range(4000):
            pos = rng.choice((rng.randint(1, 40), rng.randint(1, len(sequence) - 12)))
            ref = sequence[pos - 1 : pos - 1 + rng.randint(1, 12)]
            alts = {self._mutated(rng, ref) for _ in range(rng.choice((1, 1, 1, 2, 3)))} - {ref}
            if alts:
                rows.append((pos, ref, ",".join(sorted(alts))))
        rows.sort()
        header = f"##fileformat=VCFv4.3\n##contig=<ID=chr7,length={len(sequence)}>\n"
        body = "".join(f"chr7\t{pos}\t.\t{ref}\t{alt}\t.\t.\t.\n" for pos, ref, alt in rows)
        vcf = tmp_path / "a.vcf"
        vcf.write_text(f"{header}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{body}")
        expected = theirs(run_norm(vcf, "-m-", "-f", tmp_path / "a.fa"))
        with pysam.FastaFile(str(tmp_path / "a.fa")) as fasta:
            loci, rules = ours(records(body), fasta)
        assert rules == []
        assert len(loci) > 4000
        assert (
            sum(a.startswith(sequence[:1]) for _, start, a, _ in loci if start == 1) > 0
        )  # at the contig's first base
        assert Counter(loci) == Counter(expected)

    @staticmethod
    def _mutated(rng, ref):
        kind = rng.random()
        at = rng.randint(0, len(ref) - 1)
        if kind < 0.3:
            return ref[:at] + rng.choice("ACGT") + ref[at + 1 :]
        if kind < 0.6:
            return ref[: at + 1] + "".join(rng.choices(ref, k=rng.randint(1, 9))) + ref[at + 1 :]
        if kind < 0.9:
            return ref[:at] + ref[at + rng.randint(1, 9) :] or ref[0]
        return "".join(rng.choices("ACGT", k=rng.randint(1, 9)))

    @pytest.mark.parametrize(
        "name",
        [
            "ashk-trio.vcf.gz",
            "clinical-trio-vep.vcf.gz",
            "roh-single-vep.vcf.gz",
            "chrm-indels.vcf.gz",
            "haploid-x.vcf",
            "upd-trio.vcf.gz",
            "na12878-chr20.g.vcf.gz",
        ],
    )
    def test_real_records_have_the_loci_of_bcftools(self, corpus, tmp_path, name):
        """The genome itself is not at hand: each record stands alone in a desert of N, with its own REF in it."""
        rows = [row for row in records(read(corpus / name)) if row[4] != "<NON_REF>"]
        rows = rows[:20_000]
        spacing = 400 + max(len(row[3]) for row in rows)
        genome = "".join(row[3].ljust(spacing, "N") for row in rows)
        (tmp_path / "a.fa").write_text(f">1\n{'N' * 200}{genome}\n")
        lines = [["1", str(201 + i * spacing), ".", row[3], row[4], ".", ".", "."] for i, row in enumerate(rows)]
        body = "".join("\t".join(line) + "\n" for line in lines)
        vcf = tmp_path / "a.vcf"
        vcf.write_text(
            f"##fileformat=VCFv4.2\n##contig=<ID=1,length={200 + len(genome)}>\n"
            f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{body}"
        )
        expected = [row for row in run_norm(vcf, "-m-", "-f", tmp_path / "a.fa") if row[4] != "<NON_REF>"]
        with pysam.FastaFile(str(tmp_path / "a.fa")) as fasta:
            loci, rules = ours(lines, fasta)
        assert rules == []
        assert Counter(loci) == Counter(theirs(expected))


class TestConformanceFiles:
    """The ALT and REF columns of the specification's own files."""

    @pytest.mark.parametrize("version", ["4.2", "4.3"])
    def test_every_allele_of_a_passed_file_is_accepted(self, corpus, version):
        paths = sorted((corpus / "hts-specs" / version / "passed").glob("*.vcf"))
        assert paths
        count = 0
        for path in paths:
            for row in records(path.read_text(encoding="utf-8-sig")):
                split = alleles.split_record(row[0], int(row[1]), row[3], row[4].split(","))
                count += len(split)
        assert count > 100

    @pytest.mark.parametrize("version", ["4.2", "4.3"])
    @pytest.mark.parametrize("column", ["ref", "alt"])
    def test_every_broken_allele_of_a_failed_file_is_named(self, corpus, version, column):
        paths = sorted(Path(corpus / "hts-specs" / version / "failed").glob(f"failed_body_{column}_*.vcf"))
        assert paths
        for path in paths:
            (row,) = records(path.read_text(encoding="utf-8"))
            with pytest.raises(BrokenRuleError) as caught:
                alleles.split_record(row[0], int(row[1]), row[3], row[4].split(","))
            assert caught.value.rule in {Rule.REF_INVALID, Rule.ALT_INVALID}, path.name


def test_what_has_no_row_is_known_by_its_reason():
    assert [allele.skip for allele in alleles.split_record("M", 7, "C", ["*", "<NON_REF>", "T"])] == [
        Skip.SPANNING_DELETION,
        Skip.REFERENCE_BLOCK,
        None,
    ]
    assert isinstance(alleles.split_record("M", 7, "C", ["T"])[0], Allele)
