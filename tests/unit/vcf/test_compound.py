"""Compound heterozygous pairs of a file: who is looked at, which genes, which rows."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equivalence import compare
from radiant.domain.case import Sex
from radiant.domain.inheritance import ParentalOrigin
from radiant.vcf.header.people import find_people
from radiant.vcf.rows import compound_het as pairs_on_arrays
from radiant.vcf.rows import pair_collection
from radiant.vcf.rows.compound_het import PairsInColumns
from radiant.vcf.rules import pair_candidates
from radiant.vcf.rules.pair_candidates import candidates
from vcf_files import HEADER, TRIO, Read, member, record, text, write

CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
SAMPLES = ("kid", "dad", "mum")
SOURCE = {"source_pos": 1, "source_ref": "A", "source_alt": "G"}
LOCUS = {"locus_hash": 1, "chromosome": "1", "end": 1, "reference": "A", "alternate": "G"}
GENOTYPE = {"zygosity": "HET", "calls": (0, 1), "phased": False, "phase_set": None, "parental_origin": "father"}


def line(
    pos: int,
    *genotypes: str,
    gene: str = "GENE|ENSG1",
    impact: str = "MODERATE",
    alt: str = "G",
    chrom: str = "chr1",
) -> str:
    entries = ",".join(f"{allele}|missense_variant|{impact}|{gene}" for allele in alt.split(","))
    return record(*genotypes, pos=pos, alt=alt, info=f"CSQ={entries}", chrom=chrom)


def pairs(folder, *records, members=TRIO, **options):
    path = write(folder / "a.vcf", text(records, SAMPLES, HEADER + CSQ))
    read = compare(path, members, **options)
    rows = read.tables["compound_het"].to_pylist()
    assert read.report["rows"]["compound_het"] == len(rows)
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


X, PAR = 5_000_000, 100_000


@pytest.mark.parametrize(
    ("chrom", "pos", "sex", "paired"),
    [
        ("chr1", 100, Sex.MALE, True),
        ("chrX", X, Sex.MALE, False),
        ("chrX", X, Sex.FEMALE, True),
        ("chrX", X, Sex.UNKNOWN, True),
        ("chrX", PAR, Sex.MALE, True),
        ("chrY", PAR, Sex.MALE, True),
        *(("chrY", X, sex, False) for sex in Sex),
        *(("chrM", 100, sex, False) for sex in Sex),
    ],
)
@pytest.mark.parametrize("genotypes", [("0/1", "0/1"), ("0|1", "1|0"), ("1/2", "0/0")])
def test_where_there_is_no_second_copy_there_is_no_pair(tmp_path, chrom, pos, sex, paired, genotypes):  # noqa: PLR0913, PLR0917 - the columns of the table above
    people = (member("kid", is_proband=True, sex=sex),)
    first, second = genotypes
    alt = "G,T" if "2" in first else "G"
    lines = (line(pos, first, ".", ".", alt=alt, chrom=chrom), line(pos + 9, second, ".", ".", alt=alt, chrom=chrom))
    assert len(pairs(tmp_path, *lines, members=people)) == (2 if paired else 0)


def test_a_line_that_is_read_alone_has_no_pair_on_m_either(tmp_path):
    odd = line(10, "0/1", "0/0", "0/1", chrom="chrM").replace("CSQ=", "CADD=x;CSQ=")
    assert pairs(tmp_path, odd, line(20, "0/1", "0/0", "0/1", chrom="chrM")) == []


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


def test_a_gene_with_too_many_candidates_has_no_pairs_and_the_report_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(pair_collection, "MAX_CANDIDATES", 2)
    many = [line(pos, "0/1", "0/1", "0/0") if pos % 20 else line(pos, "0/1", "0/0", "0/1") for pos in (10, 20, 30)]
    other = [
        line(pos, "0/1", *parents, gene="B|ENSG2") for pos, parents in ((40, ("0/1", "0/0")), (50, ("0/0", "0/1")))
    ]
    path = write(tmp_path / "a.vcf", text([*many, *other], SAMPLES, HEADER + CSQ))
    read = Read(path, TRIO)
    assert set(read.arrow["compound_het"]["gene_id"].to_pylist()) == {"ENSG2"}
    (warning,) = [one for one in read.json["warnings"] if one.startswith("compound")]
    assert "1 genes in which one member has more than 2" in warning
    assert "3 at most" in warning
    assert "ENSG1" not in warning  # text of the file
    assert read.json["crowded_genes"] == {"ENSG1": 3}


@pytest.mark.parametrize("kind", [pair_collection.PairsOneByOne, PairsInColumns])
def test_pieces_of_a_file_add_up_to_the_whole_also_beyond_the_limit(kind, monkeypatch):
    monkeypatch.setattr(pair_collection, "MAX_CANDIDATES", 3)
    people = find_people("a.vcf", SAMPLES, TRIO, 9)
    for sizes in ((1, 2), (2, 2), (4, 1), (1, 4)):
        pieces = []
        loci = iter(range(1, 9))
        for size in sizes:
            pieces.append(kind(people))
            for pos in itertools.islice(loci, size):
                locus = LOCUS | {"locus": f"1-{pos}-A-G", "start": pos}
                source = SOURCE | {"source_pos": pos}
                genotype = GENOTYPE | {"parental_origin": "father" if pos % 2 else "mother"}
                (one,) = candidates({"G": pair_candidates.Gene("G", None, 3)}, locus, source, (genotype,))
                pieces[-1].add([(0, one)])
        pieces[0].merge(pieces[1])
        assert pieces[0].counts[0]["G"] == sum(sizes)
        found = [row for batch in pieces[0].batches(3, 100) for row in batch.to_pylist()]
        assert len(found) == (4 if sum(sizes) == 3 else 0)  # 1 and 2, 2 and 3, each seen from both sides


_GENES = st.sampled_from(("A", "B", "C"))
_CANDIDATES = st.lists(
    st.tuples(
        st.integers(0, 2),
        _GENES,
        st.sampled_from(("1", "X", "Y")),
        st.integers(1, 3),
        st.sampled_from(("G", "T")),
        st.sampled_from(((0, 1), (1, 0), (1, -1), (0, 0, 1))),
        st.booleans(),
        st.sampled_from((None, "1", "2")),
        st.sampled_from(list(ParentalOrigin)),
    ),
    max_size=40,
)


@given(_CANDIDATES, st.integers(0, 40), st.integers(1, 50), st.integers(1, 20))
def test_pairs_on_arrays_are_those_made_one_by_one(drawn, cut, limit, block):
    people = find_people("a.vcf", SAMPLES, TRIO, 9)
    found = []
    for person, gene, chromosome, pos, alt, calls, phased, phase_set, origin in drawn:
        locus = LOCUS | {"locus": f"{chromosome}-{pos}-A-{alt}", "chromosome": chromosome, "start": pos}
        row = {"calls": calls, "phased": phased, "phase_set": phase_set, "parental_origin": origin.value}
        genes = {gene: pair_candidates.Gene(gene, gene if pos == 1 else None, 3)}
        (one,) = candidates(genes, locus, SOURCE | {"source_pos": pos}, (GENOTYPE | row,))
        found.append((person, one))
    rows = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_collection, "MAX_CANDIDATES", limit)
        patch.setattr(pairs_on_arrays, "_BLOCK", block)
        for kind in (pair_collection.PairsOneByOne, PairsInColumns):
            first, second = kind(people), kind(people)
            for index, one in enumerate(found):
                (first if index < cut else second).add([one])
            first.merge(second)
            rows.append([row for batch in first.batches(3, 7) for row in batch.to_pylist()])
    assert rows[0] == rows[1]
