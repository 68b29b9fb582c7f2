"""Files of every kind of family, read as an import reads them: what each member's rows say of inheritance."""

import pytest

from equivalence import compare
from radiant.domain.pedigree import parse_pedigree
from radiant.errors import SampleMismatchError
from vcf_files import Read, record, text, write

PARENTS = "F dad 0 0 1 1\nF mum 0 0 2 1\n"
HEALTHY_TRIO = "F kid dad mum 1 2\n" + PARENTS
UNKNOWN_PARENTS = ("unknown", None, "unknown_parents_genotype")
DE_NOVO = ("denovo", True, "autosomal_dominant_de_novo")


def place(where):
    chrom, _, pos = where.partition(":")
    return {"chrom": chrom, "pos": int(pos or 1000)}


def answers(  # noqa: PLR0913 - what a line and its case are
    folder, pedigree, genotypes, *, where="chr1", alt="G", assembly="GRCh38"
):
    """Read one line both ways: (sample, ALT) -> (origin, Mendelian error, mode) of each row."""
    members = parse_pedigree(pedigree, "family.ped")
    line = record(*genotypes.values(), alt=alt, **place(where))
    header = text([], list(genotypes)).replace("length=", "note=")  # the lengths are of GRCh38
    path = write(folder / "a.vcf", header + line + "\n")
    rows = compare(path, members, assembly=assembly).tables["occurrence"].to_pylist()
    return {
        (row["sample"], row["alternate"]): (row["parental_origin"], row["mendelian_error"], row["transmission_mode"])
        for row in rows
    }


CASES = {
    "a solo": ("F kid 0 0 1 2\n", {"kid": "0/1"}, {"kid": UNKNOWN_PARENTS}),
    "a PED of one line that names parents, whose samples are in the file": (
        "F kid dad mum 1 2\n",
        {"kid": "0/1", "dad": "0/0", "mum": "0/0"},
        {"kid": UNKNOWN_PARENTS},
    ),
    "a duo, the mother has it": (
        "F kid dad mum 1 2\nF mum 0 0 2 1\n",
        {"kid": "0/1", "mum": "0/1"},
        {"kid": ("possible_mother", None, "unknown_father_genotype"), "mum": UNKNOWN_PARENTS},
    ),
    "a duo, the mother has it not": (
        "F kid dad mum 1 2\nF mum 0 0 2 1\n",
        {"kid": "0/1", "mum": "0/0"},
        {"kid": ("possible_denovo", None, "unknown_father_genotype")},
    ),
    "a trio": (HEALTHY_TRIO, {"kid": "0/1", "dad": "0/0", "mum": "0/0"}, {"kid": DE_NOVO}),
    "a quad: each sibling for itself": (
        HEALTHY_TRIO + "F sister dad mum 2 1\n",
        {"kid": "1/1", "dad": "0/1", "mum": "0/1", "sister": "0/1"},
        {
            "kid": ("both", False, "autosomal_recessive"),
            # a healthy carrier of one copy fits no dominant model
            "sister": ("ambiguous", False, "inconsistent"),
            "dad": UNKNOWN_PARENTS,
            "mum": UNKNOWN_PARENTS,
        },
    ),
    "half-siblings: each by the father it names": (
        "F kid dad mum 1 2\nF half dad2 mum 2 2\nF dad2 0 0 1 2\n" + PARENTS,
        {"kid": "0/1", "half": "0/1", "dad": "0/0", "dad2": "0/1", "mum": "0/0"},
        {"kid": DE_NOVO, "half": ("father", False, "autosomal_dominant"), "dad2": UNKNOWN_PARENTS},
    ),
    "twins who share a new allele": (
        "F one dad mum 2 2\nF two dad mum 2 2\n" + PARENTS,
        {"one": "0/1", "two": "0/1", "dad": "0/0", "mum": "0/0"},
        {"one": DE_NOVO, "two": DE_NOVO},
    ),
    "twins of whom one has a new allele": (
        "F one dad mum 2 2\nF two dad mum 2 1\n" + PARENTS,
        {"one": "0/1", "two": "0/0", "dad": "0/0", "mum": "0/0"},
        {"one": DE_NOVO},
    ),
    "a mother who is a child of the family": (
        "F kid dad mum 1 2\nF dad 0 0 1 1\nF mum grandad grandma 2 2\nF grandad 0 0 1 2\nF grandma 0 0 2 1\n",
        {"kid": "0/1", "dad": "0/0", "mum": "0/1", "grandad": "0/1", "grandma": "0/0"},
        {
            "kid": ("mother", False, "autosomal_dominant"),
            "mum": ("father", False, "autosomal_dominant"),
            "grandad": UNKNOWN_PARENTS,
        },
    ),
    "unknown affected statuses": (
        "F kid dad mum 1 0\nF dad 0 0 1 0\nF mum 0 0 2 -9\n",
        {"kid": "0/1", "dad": "0/1", "mum": "0/0"},
        {"kid": ("father", False, "autosomal_dominant"), "dad": UNKNOWN_PARENTS},
    ),
}


@pytest.mark.parametrize(("pedigree", "genotypes", "expected"), CASES.values(), ids=CASES)
def test_a_family_has_its_stated_result(tmp_path, pedigree, genotypes, expected):
    found = answers(tmp_path, pedigree, genotypes)
    assert found == {(sample, "G"): answer for sample, answer in expected.items()}


@pytest.mark.parametrize(
    ("sex", "genotype", "expected"),
    [
        # her father's one X is REF: a daughter's other copy is an error, a son has only the mother's
        ("0", "1/1", ("mother", None)),
        ("1", "1/1", ("mother", False)),
        ("2", "1/1", ("mother", True)),
        # two alleles are a daughter's, one call is a son's
        ("0", "0/1", ("mother", False)),
        ("0", "1", ("mother", False)),
    ],
)
def test_on_x_the_calls_decide_an_unknown_sex_or_leave_it_open(tmp_path, sex, genotype, expected):
    genotypes = {"kid": genotype, "dad": "0", "mum": "0/1"}
    found = answers(tmp_path, HEALTHY_TRIO.replace("mum 1 2", f"mum {sex} 2"), genotypes, where="chrX:5000000")
    assert found["kid", "G"][:2] == expected


def test_an_unknown_sex_changes_nothing_on_an_autosome(tmp_path):
    genotypes = {"kid": "0/1", "dad": "0/0", "mum": "0/0"}
    unknown = answers(tmp_path, HEALTHY_TRIO.replace("mum 1 2", "mum 0 2"), genotypes)
    assert unknown == answers(tmp_path, HEALTHY_TRIO, genotypes)


@pytest.mark.parametrize(
    ("where", "assembly", "genotypes", "expected"),
    [
        # X 2,700,000 is in the PAR of GRCh38 and outside that of GRCh37
        ("chrX:2700000", "GRCh38", ("0/1", "0/1", "0/0"), ("father", False)),
        ("chrX:2700000", "GRCh37", ("0/1", "0/1", "0/0"), ("denovo", True)),
        ("chrX:5000000", "GRCh38", ("1", "1", "0/0"), ("denovo", True)),
        ("chrX:5000000", "GRCh38", ("1", "0", "0/1"), ("mother", False)),
        ("chrY:5000000", "GRCh38", ("1", "1", "."), ("father", False)),
        ("chrY:5000000", "GRCh38", ("1", "0", "."), ("denovo", True)),
        ("chrM:100", "GRCh38", ("1", "0", "1"), ("mother", False)),
        ("chrM:100", "GRCh38", ("1/1", "1/1", "0/0"), ("denovo", True)),
        # any ploidy: three calls are never judged by halves
        ("chr1", "GRCh38", ("0/0/1", "0/0/1", "0/0"), ("father", None)),
    ],
)
def test_a_sons_place_and_assembly_say_who_passes_it_on(tmp_path, where, assembly, genotypes, expected):
    people = dict(zip(("kid", "dad", "mum"), genotypes, strict=True))
    found = answers(tmp_path, HEALTHY_TRIO, people, where=where, assembly=assembly)
    assert found["kid", "G"][:2] == expected


@pytest.mark.parametrize(
    ("genotypes", "origins", "error"),
    [
        (("1/2", "0/1", "0/2"), ("father", "mother"), False),
        (("2|1", "0/2", "0/1"), ("mother", "father"), False),
        (("1/2", "0/1", "0/0"), ("father", "denovo"), True),
        (("1/2", "1/2", "0/0"), ("father", "father"), True),
        (("1/2", "0/1", "./."), ("father", "possible_denovo"), None),
    ],
)
def test_both_rows_of_a_split_line_have_the_right_origin(tmp_path, genotypes, origins, error):
    people = dict(zip(("kid", "dad", "mum"), genotypes, strict=True))
    found = answers(tmp_path, HEALTHY_TRIO, people, alt="G,T")
    assert [found["kid", alt][:2] for alt in "GT"] == [(origin, error) for origin in origins]


def test_a_parent_who_is_the_proband_of_another_case_is_a_parent_here_and_a_child_there(tmp_path):
    genotypes = {"kid": "0/1", "dad": "0/0", "mum": "0/1", "grandad": "0/1", "grandma": "0/0"}
    path = write(tmp_path / "a.vcf", text([record(*genotypes.values())], list(genotypes)))
    found = {}
    for case, pedigree in {
        "the child's": "F kid dad mum 1 2\nF dad 0 0 1 1\nF mum 0 0 2 2\n",
        "the mother's": "G mum grandad grandma 2 2\nG grandad 0 0 1 2\nG grandma 0 0 2 1\n",
    }.items():
        rows = Read(path, parse_pedigree(pedigree, "family.ped")).occurrence
        found[case] = {row["sample"]: (row["is_proband"], row["parental_origin"]) for row in rows}
    assert found == {
        "the child's": {"kid": (True, "mother"), "mum": (False, "unknown")},
        "the mother's": {"mum": (True, "father"), "grandad": (False, "unknown")},
    }


def test_a_mother_who_is_not_in_the_file_stops_the_import_and_both_lists_are_shown(tmp_path):
    path = write(tmp_path / "a.vcf", text([record("0/1", "0/0")], ("kid", "dad")))
    with pytest.raises(SampleMismatchError, match=r"does not have: mum\. The VCF has: kid, dad\."):
        Read(path, parse_pedigree(HEALTHY_TRIO, "family.ped"))
