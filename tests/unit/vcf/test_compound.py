"""Compound heterozygous pairs of a file: who is looked at, which genes, which rows."""

from radiant.vcf import compound
from radiant.vcf.compound import candidates
from radiant.vcf.people import find_people
from vcf_files import HEADER, TRIO, Read, member, record, text, write

CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
SAMPLES = ("kid", "dad", "mum")
SOURCE = {"source_pos": 1, "source_ref": "A", "source_alt": "G"}
GENOTYPE = {"zygosity": "HET", "calls": (0, 1), "phased": False, "phase_set": None, "parental_origin": "father"}


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


def test_a_gene_with_too_many_candidates_has_no_pairs_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(compound, "MAX_CANDIDATES", 2)
    many = [line(pos, "0/1", "0/1", "0/0") if pos % 20 else line(pos, "0/1", "0/0", "0/1") for pos in (10, 20, 30)]
    other = [
        line(pos, "0/1", *parents, gene="B|ENSG2") for pos, parents in ((40, ("0/1", "0/0")), (50, ("0/0", "0/1")))
    ]
    path = write(tmp_path / "a.vcf", text([*many, *other], SAMPLES, HEADER + CSQ))
    read = Read(path, TRIO)
    assert set(read.arrow["compound_het"]["gene_id"].to_pylist()) == {"ENSG2"}
    (warning,) = [one for one in read.json["warnings"] if one.startswith("compound")]
    assert "1 genes in which one member has more than 2" in warning
    assert warning.endswith(": ENSG1 3")


def test_pieces_of_a_file_add_up_to_the_whole_also_beyond_the_limit(monkeypatch):
    monkeypatch.setattr(compound, "MAX_CANDIDATES", 3)
    people = find_people("a.vcf", SAMPLES, TRIO, 9)
    one = candidates({"G": compound.Gene("G", None, 3)}, {"locus": "1-1-A-G"}, SOURCE, (GENOTYPE,))
    (candidate,) = one
    for sizes in ((1, 2), (2, 2), (4, 1), (1, 4)):
        pieces = []
        for size in sizes:
            pieces.append(compound.CompoundHets(people))
            for _ in range(size):
                pieces[-1].add(0, candidate)
        pieces[0].merge(pieces[1])
        assert pieces[0].counts[0]["G"] == sum(sizes)
        assert len(pieces[0].found[0]["G"]) == (sum(sizes) if sum(sizes) <= 3 else 0)
