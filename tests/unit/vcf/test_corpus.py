"""Real files: the counts are what they are, and bcftools agrees."""

import shutil
import subprocess
from collections import Counter
from itertools import islice

import pytest

from radiant.errors import VcfTruncatedError
from radiant.vcf.text.source import Source
from real_families import ASHKENAZI, CLINICAL, UPD
from vcf_files import Read, write


def carried_per_sample(path, *, split=True) -> Counter[str]:
    """Count, with bcftools, the alleles each sample carries after splitting."""
    if shutil.which("bcftools") is None:
        pytest.skip("bcftools is not installed")
    # -m-: one ALT per line, the carried one being 1; what has no sequence is no allele of ours.
    first = ["bcftools", "norm", "-m-", path] if split else ["bcftools", "view", path]
    records = subprocess.run(first, check=True, capture_output=True).stdout
    query = ["bcftools", "query", "-f", "%ALT[\\t%SAMPLE=%GT]\\n"]
    output = subprocess.run(query, input=records, check=True, capture_output=True).stdout.decode()
    counts: Counter[str] = Counter()
    for line in output.splitlines():
        alt, *samples = line.split("\t")
        if not set(alt.upper()) <= set("ACGTN"):
            continue
        counts.update(sample for sample, _, gt in (one.rpartition("=") for one in samples) if "1" in gt)
    return counts


def per_sample(read: Read) -> Counter[str]:
    return read.counts("occurrence", "sample")


def test_clinical_trio(corpus):
    path = corpus / "clinical-trio-vep.vcf.gz"
    got = Read(path, CLINICAL, assembly="GRCh37")
    assert got.json["lines"] == {"read": 680, "kept": 680, "split": 0, "skipped": 0, "rejected": 0}
    expected = {"occurrence": 1119, "variant": 637, "consequence": 4145, "quarantine": 569}
    assert {name: got.json["rows"][name] for name in expected} == expected
    assert got.json["alleles"] == {"carried": 637, "not_carried": 43}
    # Not split: bcftools norm refuses the file's PP, which it declares with Number=G and writes with two values.
    assert per_sample(got) == carried_per_sample(path, split=False)
    assert {row["chromosome"] for row in got.occurrence} >= {"1", "X", "Y", "M"}
    assert got.json["provenance"]["vep_version"] == "v85"
    proband = [row for row in got.occurrence if row["is_proband"]]
    assert all(row["mother_calls"] is not None and row["father_calls"] is not None for row in proband)
    # Half calls: the missing call is -1 and the zygosity unknown.
    assert all(row["zygosity"] == "UNK" for row in got.occurrence if row["gt"] == "./1")


def test_ashkenazi_trio(corpus):
    path = corpus / "ashk-trio.vcf.gz"
    got = Read(path, ASHKENAZI, assembly="GRCh37")
    assert got.json["lines"] == {"read": 9940, "kept": 9940, "split": 0, "skipped": 0, "rejected": 0}
    assert {name: counts["read"] for name, counts in got.json["contigs"].items()} == {"1": 9350, "2": 590}
    assert per_sample(got) == carried_per_sample(path)
    # Entries of bcftools csq about the ALT of the other line: the file was split after its annotation.
    assert got.json["rows"]["quarantine"] == 44
    assert 0.005 < got.json["mendel"]["error_rate"] < 0.02
    frequencies, *others = sorted(got.json["warnings"])
    assert frequencies.startswith("no allele has a population frequency")
    assert others == ["pieces of kept lines were left out: csq_allele_unknown 44"]
    assert 2.4 < got.json["quality"][0]["ti_tv"] < 2.6


def test_upd_trio_with_gt_and_dp_only(corpus):
    path = corpus / "upd-trio.vcf.gz"
    got = Read(path, UPD, assembly="GRCh37")
    assert got.json["lines"] == {"read": 92567, "kept": 92567, "split": 0, "skipped": 0, "rejected": 0}
    assert per_sample(got) == carried_per_sample(path)
    rows = got.arrow["occurrence"]
    assert (rows["ad_alt"].null_count, rows["gq"].null_count) == (len(rows), len(rows))
    assert all(
        phased == ("|" in gt) for phased, gt in zip(*(rows[name].to_pylist() for name in ("phased", "gt")), strict=True)
    )


def test_one_sample_of_freebayes_with_ao_and_vep(corpus):
    got = Read(corpus / "roh-single-vep.vcf.gz", assembly="GRCh37")
    assert got.json["lines"]["kept"] == 11293
    assert got.json["rows"]["consequence"] == 58175
    rows = got.arrow["occurrence"]
    assert (rows["ad_alt"].null_count, rows["gq"].null_count) == (0, len(rows))
    assert got.counts("occurrence", "chromosome")["M"] == 12


def test_haploid_x(corpus):
    path = corpus / "haploid-x.vcf"
    got = Read(path, assembly="GRCh37")
    assert got.json["lines"]["kept"] == 777
    assert per_sample(got) == carried_per_sample(path)
    assert {tuple(row["calls"]) for row in got.occurrence} == {(1,)}
    assert {row["zygosity"] for row in got.occurrence} == {"HEM", "UNK"}
    # 18 samples have three AD values for two alleles: which belong to these is not certain.
    assert Counter(row["rule"] for row in got.quarantine) == {"format_count": 18}


def test_mitochondrial_multi_allelics_and_spanning_deletions(corpus):
    path = corpus / "chrm-indels.vcf.gz"
    got = Read(path)
    assert got.json["lines"] == {"read": 155, "kept": 113, "split": 42, "skipped": 0, "rejected": 0}
    assert got.json["alleles"] == {"not_carried": 206, "carried": 4, "spanning_deletion": 20}
    assert per_sample(got) == carried_per_sample(path)


def test_a_gvcf_skips_its_reference_blocks(corpus, tmp_path):
    source = Source(f"file://{corpus / 'na12878-chr20.g.vcf.gz'}")
    head = b"\n".join(line for _, line in islice(source.lines(), 40_000)) + b"\n"
    got = Read(write(tmp_path / "head.g.vcf.gz", head), assembly="GRCh37")
    records = [line.split(b"\t")[4] for line in head.splitlines() if not line.startswith(b"#")]
    blocks = records.count(b"<NON_REF>")
    assert got.json["skipped"] == {"reference_block": blocks}
    assert got.json["lines"]["read"] == len(records)
    assert got.json["lines"]["kept"] + got.json["lines"]["split"] == len(records) - blocks
    assert per_sample(got) == carried_per_sample(tmp_path / "head.g.vcf.gz")


def test_a_real_file_cut_at_a_block_boundary_never_passes(corpus, tmp_path):
    data = (corpus / "ashk-trio.vcf.gz").read_bytes()
    at = len(data) // 2
    at = data.index(b"\x1f\x8b\x08\x04", at)
    with pytest.raises(VcfTruncatedError, match="end-of-file block"):
        Read(write(tmp_path / "cut.vcf", data[:at]), ASHKENAZI, assembly="GRCh37")
