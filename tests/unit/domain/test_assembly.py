"""Contigs, lengths, pseudoautosomal regions."""

import gzip
import re

import pytest

from radiant.domain.assembly import (
    ASSEMBLIES,
    CHROMOSOMES,
    GRCH37,
    GRCH38,
    RegionClass,
    assembly_named,
    assembly_of_lengths,
    canonical_chromosome,
    region_class,
)
from radiant.errors import InputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [("1", "1"), ("chr1", "1"), ("chr22", "22"), ("X", "X"), ("chrY", "Y"), ("M", "M"), ("MT", "M"), ("chrM", "M")],
)
def test_primary_contigs_lose_chr_and_mt_becomes_m(name, expected):
    assert canonical_chromosome(name) == expected


@pytest.mark.parametrize(
    "name",
    ["", "chr", "0", "23", "01", "chr1_KI270706v1_random", "GL000207.1", "hs37d5", "HLA-A*01:01:01:01", "chrEBV"],
)
def test_other_contigs_are_none(name):
    assert canonical_chromosome(name) is None


def test_each_assembly_has_25_lengths_in_karyotypic_order():
    for assembly in ASSEMBLIES.values():
        assert tuple(assembly.lengths) == CHROMOSOMES
    assert sum(GRCH38.lengths.values()) == 3_088_286_401
    assert sum(GRCH37.lengths.values()) == 3_095_693_983


def test_both_mitochondrial_lengths_of_grch37_are_accepted():
    assert GRCH37.accepts_length("M", 16569)
    assert GRCH37.accepts_length("M", 16571)
    assert not GRCH38.accepts_length("M", 16571)
    assert GRCH38.accepts_length("1", 248956422)
    assert not GRCH38.accepts_length("1", 249250621)


@pytest.mark.parametrize(
    ("assembly", "chromosome", "first", "last"),
    [
        ("GRCh38", "X", 10_001, 2_781_479),
        ("GRCh38", "X", 155_701_383, 156_030_895),
        ("GRCh38", "Y", 10_001, 2_781_479),
        ("GRCh38", "Y", 56_887_903, 57_217_415),
        ("GRCh37", "X", 60_001, 2_699_520),
        ("GRCh37", "X", 154_931_044, 155_260_560),
        ("GRCh37", "Y", 10_001, 2_649_520),
        ("GRCh37", "Y", 59_034_050, 59_363_566),
    ],
)
def test_par_is_inclusive_at_both_ends(assembly, chromosome, first, last):
    outside = RegionClass.X if chromosome == "X" else RegionClass.Y
    assert [region_class(assembly, chromosome, position) for position in (first - 1, first, last, last + 1)] == [
        outside,
        RegionClass.PAR,
        RegionClass.PAR,
        outside,
    ]


def test_region_of_autosomes_and_m():
    assert region_class("GRCh38", "1", 20_000) is RegionClass.AUTOSOME
    assert region_class("GRCh37", "M", 20_000) is RegionClass.M


def test_an_unknown_assembly_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'hg19' is unknown.*GRCh38, GRCh37"):
        assembly_named("hg19")


def test_lengths_determine_the_assembly():
    assert assembly_of_lengths({"chr1": 248956422, "chrM": 16569, "chrUn_x": 5}) == "GRCh38"
    assert assembly_of_lengths({"1": 249250621, "X": 155270560}) == "GRCh37"
    assert assembly_of_lengths({"MT": 16569}) is None
    assert assembly_of_lengths({"1": 249250621, "2": 242193529}) is None
    assert assembly_of_lengths({}) is None


@pytest.mark.parametrize(
    ("file", "expected"),
    [("ashk-trio.vcf.gz", "GRCh37"), ("upd-trio.vcf.gz", "GRCh37"), ("chrm-indels.vcf.gz", "GRCh38")],
)
def test_lengths_of_real_headers_determine_the_assembly(corpus, file, expected):
    with gzip.open(corpus / file, "rt") as lines:
        header = [line for line in lines if line.startswith("##contig")]
    found = (re.search(r"ID=([^,>]+).*length=(\d+)", line) for line in header)
    assert assembly_of_lengths({match[1]: int(match[2]) for match in found if match}) == expected
