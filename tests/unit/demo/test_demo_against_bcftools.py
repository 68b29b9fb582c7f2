import subprocess

import pytest

from radiant.domain.case import Sex


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, check=True, capture_output=True, text=True)


def test_bcftools_reads_every_record_without_a_warning(demos, bcftools):
    for demo in demos:
        done = run(bcftools, "view", "-H", str(demo.vcf))
        assert done.stderr == ""
        assert done.stdout.count("\n") == len(demo.records)


def test_index_finds_the_records_of_a_region(demos, bcftools):
    for demo in demos:
        found = run(bcftools, "view", "-H", "-r", "chrX", str(demo.vcf)).stdout
        assert found.count("\n") == sum(record.contig == "chrX" for record in demo.records)
        assert int(run(bcftools, "index", "-n", str(demo.vcf)).stdout) == len(demo.records)


def test_likelihoods_have_one_value_per_genotype_by_bcftools_count(demos, bcftools):
    # A wrong number of Number=A/R/G values makes `norm -m-` stop.
    for demo in demos:
        done = run(bcftools, "norm", "-m-", "-Ou", "-o", "/dev/null", str(demo.vcf))
        assert "Error" not in done.stderr
        assert "wrong number" not in done.stderr.lower()


def test_mendelian_errors_are_exactly_the_planted_de_novos(demos, bcftools):
    checked = 0
    for demo in demos:
        proband = demo.family.members[0]
        if proband.mother is None or proband.father is None:
            continue
        for child in (member for member in demo.family.members if member.mother):
            done = subprocess.run(
                [
                    *(bcftools, "+mendelian", str(demo.vcf), "-r", "GRCh38", "-m", "x"),
                    *("-t", f"{child.mother},{child.father},{child.sample}"),
                ],
                check=False,
                capture_output=True,
                text=True,
            )
            if "Could not load" in done.stderr or "Unknown" in done.stderr:
                pytest.skip(f"bcftools +mendelian: {done.stderr.splitlines()[0]}")
            lines = [line.split("\t")[:2] for line in done.stdout.splitlines() if not line.startswith("#")]
            found = {f"{contig.removeprefix('chr')}-{position}" for contig, position in lines}
            planted = {
                "-".join(row["locus"].split("-")[:2])
                for row in demo.truth
                if row["origin"] == "denovo" and child is proband
            }
            assert found == planted
            checked += 1
    assert checked == 8


def test_ac_an_af_equal_those_that_fill_tags_counts(demos, bcftools):
    for demo in demos:
        keys = "%CHROM\\t%POS\\t%AC\\t%AN\\t%AF\\n"
        written = run(bcftools, "query", "-f", keys, str(demo.vcf)).stdout
        filled = run(
            "sh", "-c", f"{bcftools} +fill-tags {demo.vcf} -- -t AC,AN,AF | {bcftools} query -f '{keys}'"
        ).stdout
        for ours, theirs in zip(written.splitlines(), filled.splitlines(), strict=True):
            *counts, frequencies = ours.split("\t")
            *their_counts, their_frequencies = theirs.split("\t")
            assert counts == their_counts
            for one, two in zip(frequencies.split(","), their_frequencies.split(","), strict=True):
                assert float(one) == pytest.approx(float(two), abs=0.001)


def test_guessed_sex_is_the_stated_one(demos, bcftools):
    for demo in demos:
        if demo.family.members[0].sex is Sex.MALE and len(demo.family.members) == 1:
            continue  # without a diploid or another sample every frequency is 1, by which bcftools cannot judge
        done = run(bcftools, "+guess-ploidy", "-r", "chrX:2781480-155701382", "-t", "GT", str(demo.vcf))
        guessed = dict(line.split()[:2] for line in done.stdout.splitlines() if not line.startswith("#"))
        for member in demo.family.members:
            assert guessed[member.sample] == ("M" if member.sex is Sex.MALE else "F")
