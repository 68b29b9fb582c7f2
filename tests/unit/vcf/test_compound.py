"""Compound heterozygous pairs of a file: who is looked at, which genes, which rows."""

from vcf_files import HEADER, TRIO, Read, member, record, text, write

CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
SAMPLES = ("kid", "dad", "mum")


def line(pos: int, *genotypes: str, gene: str = "GENE|ENSG1", impact: str = "MODERATE", alt: str = "G") -> str:
    entries = ",".join(f"{allele}|missense_variant|{impact}|{gene}" for allele in alt.split(","))
    return record(*genotypes, pos=pos, alt=alt, info=f"CSQ={entries}")


def pairs(folder, *records, members=TRIO, **options):
    path = write(folder / "a.vcf", text(records, SAMPLES, HEADER + CSQ))
    read = Read(path, members, **options)
    rows = read.arrow["compound_het"].to_pylist()
    assert read.json["rows"]["compound_het"] == len(rows)
    return [(row["sample"], row["locus"], row["partner_locus"], row["gene_id"], row["in_trans"]) for row in rows]


def test_a_pair_has_two_rows_one_for_each_allele(tmp_path):
    found = pairs(tmp_path, line(10, "0/1", "0/1", "0/0"), line(20, "0/1", "0/0", "0/1"))
    assert found == [
        ("kid", "1-10-A-G", "1-20-A-G", "ENSG1", "known"),
        ("kid", "1-20-A-G", "1-10-A-G", "ENSG1", "known"),
    ]


def test_both_alleles_of_one_line_are_a_known_pair(tmp_path):
    found = pairs(tmp_path, line(10, "1/2", "0/1", "0/2", alt="G,T"))
    assert [(one[1], one[2], one[4]) for one in found] == [
        ("1-10-A-G", "1-10-A-T", "known"),
        ("1-10-A-T", "1-10-A-G", "known"),
    ]


def test_two_alleles_of_one_parent_are_no_pair(tmp_path):
    assert pairs(tmp_path, line(10, "0/1", "0/1", "0/0"), line(20, "0/1", "0/1", "0/0")) == []


def test_parents_without_parents_are_not_looked_at(tmp_path):
    assert pairs(tmp_path, line(10, "0/0", "0/1", "0/0"), line(20, "0/0", "0/1", "0/0")) == []


def test_a_solo_proband_has_assumed_pairs(tmp_path):
    solo = (member("kid", is_proband=True),)
    found = pairs(tmp_path, line(10, "0/1", "0/0", "0/0"), line(20, "0/1", "0/0", "0/0"), members=solo)
    assert {one[4] for one in found} == {"assumed"}


def test_the_threshold_is_an_option(tmp_path):
    low = (line(10, "0/1", "0/1", "0/0", impact="LOW"), line(20, "0/1", "0/0", "0/1"))
    assert pairs(tmp_path, *low) == []
    assert len(pairs(tmp_path, *low, compound_het_impact="LOW")) == 2
    assert pairs(tmp_path, *low, compound_het_impact="HIGH") == []


def test_a_gene_without_an_id_goes_by_its_symbol(tmp_path):
    found = pairs(tmp_path, line(10, "0/1", "0/1", "0/0", gene="GENE|"), line(20, "0/1", "0/0", "0/1", gene="GENE|"))
    assert {one[3] for one in found} == {"GENE"}


def test_homozygous_and_low_depth_calls_take_no_part(tmp_path):
    assert pairs(tmp_path, line(10, "1/1", "0/1", "0/1"), line(20, "0/1", "0/0", "0/1")) == []
