"""ANNOVAR's blocks: each ALT has the values of its own; by both readers, on arrays."""

import random

import pytest

from equivalence import assert_same, compare, sharded_outcome, without_fallback
from radiant.vcf import InfoOptions
from radiant.vcf.rules.annovar_blocks import find_blocks, which_counts
from radiant.vcf_settings import Vcf
from varied_vcf import write_bgzf
from vcf_files import HEADER, record, text, write


def _declared(*names: str, number: str = ".", type_: str = "String") -> str:
    return "".join(
        f'##INFO=<ID={name},Number={number},Type={type_},Description="{name} annotation provided by ANNOVAR">\n'
        for name in names
    )


ANNOVAR = (
    '##INFO=<ID=ANNOVAR_DATE,Number=1,Type=String,Description="Flag the start of ANNOVAR annotation for one '
    'alternative allele">\n'
    + _declared("Func.refGene", "Gene.refGene", "CADD_phred", "AF_popmax")
    + _declared("1000g2015aug_all", number="1", type_="Float")
    + '##INFO=<ID=ALLELE_END,Number=0,Type=Flag,Description="Flag the end of ANNOVAR annotation for one alternative '
    'allele">\n'
)
GNOMAD = ANNOVAR + _declared("AF", "AC")
"""Of `-protocol gnomad211_exome`, whose columns have the names of reserved keys."""


def block(*entries: str) -> str:
    """Return a block with some entries."""
    return ";".join(["ANNOVAR_DATE=2020-06-08", *entries, "ALLELE_END"])


def read(tmp_path, *lines: str, header: str = ANNOVAR, fallback: int = 0, **vcf: object):
    """Read lines with both readers; return the maps of the variant table by ALT, and the outcome."""
    many = [line.replace("\t1000\t", f"\t{1000 + 100 * place}\t", 1) for place, line in enumerate(lines)]
    path = write(tmp_path / "a.vcf", text(many, header=HEADER + header))
    got = compare(path, info=InfoOptions.of(Vcf(**vcf)))
    assert got.error is None, got.error
    assert got.report["fallback"]["lines"] == fallback
    marks = {"ANNOVAR_DATE", "ALLELE_END"}
    maps = [{key: value for key, value in row["info"] if key not in marks} for row in got.tables["variant"].to_pylist()]
    return maps, got


def pieces(got) -> list[tuple[str, str]]:
    """Return rule and text of the pieces."""
    return [(row["rule"], row["text"]) for row in got.tables["quarantine"].to_pylist()]


def test_each_alt_has_its_own_block(tmp_path):
    info = "CADD=7;" + ";".join(
        [
            block("Func.refGene=exonic", "1000g2015aug_all=0.1"),
            block("Func.refGene=UTR3\\x3bUTR5", "1000g2015aug_all=."),
            block("Func.refGene=intronic", "1000g2015aug_all=0.3"),
        ]
    )
    maps, got = read(tmp_path, record("1/2", alt="G,C,T", info=info), record("0/3", alt="G,C,T", info=info))
    assert maps == [
        {"CADD": "7", "Func.refGene": "exonic", "1000g2015aug_all": "0.1"},
        {"CADD": "7", "Func.refGene": "UTR3\\x3bUTR5"},
        {"CADD": "7", "Func.refGene": "intronic", "1000g2015aug_all": "0.3"},
    ]
    assert pieces(got) == []


def test_an_alt_without_rows_has_a_block_too(tmp_path):
    info = ";".join([block("Func.refGene=a"), block("Func.refGene=b"), block("Func.refGene=c")])
    maps, _ = read(tmp_path, record("0/2", alt="*,G,<NON_REF>", info=info), record("0/2", alt="<DEL>,G,T", info=info))
    assert maps == [{"Func.refGene": "b"}, {"Func.refGene": "b"}]


def test_frequencies_and_chosen_columns_are_the_alleles_own(tmp_path):
    info = ";".join([block("AF_popmax=0.25", "CADD_phred=11"), block("AF_popmax=0.5", "CADD_phred=high")])
    maps, got = read(tmp_path, record("1/2", alt="G,T", info=info), info_columns=("CADD_phred:float",))
    rows = got.tables["variant"].to_pylist()
    assert [(row["max_af"], row.get("info_cadd_phred")) for row in rows] == [(0.25, 11.0), (0.5, None)]
    assert maps == [{}, {"CADD_phred": "high"}]


def test_a_file_that_was_annotated_twice(tmp_path):
    first = [block("Func.refGene=a"), block("Func.refGene=b")]
    second = [one.replace("2020", "2024") for one in (block("CADD_phred=1"), block("CADD_phred=2"))]
    maps, got = read(
        tmp_path,
        record("1/2", alt="G,T", info=";".join([*first, *second])),
        record(info=f"{first[0]};{second[0]}"),
    )
    one, other = {"Func.refGene": "a", "CADD_phred": "1"}, {"Func.refGene": "b", "CADD_phred": "2"}
    assert maps == [one, other, one]
    assert {dict(row["info"])["ANNOVAR_DATE"] for row in got.tables["variant"].to_pylist()} == {"2020-06-08"}
    assert pieces(got) == []


def test_blocks_of_one_alt_that_differ_give_no_value(tmp_path):
    """bcftools norm leaves the blocks of both ALTs on each line of a file that it splits."""
    info = ";".join(
        [block("Func.refGene=exonic", "Gene.refGene=G1"), "CADD=7", block("Func.refGene=UTR3", "Gene.refGene=G1")]
    )
    maps, got = read(tmp_path, record(info=info), record(alt="T", info=info))
    assert maps == [{"CADD": "7", "Gene.refGene": "G1"}] * 2
    assert pieces(got) == [("annovar_blocks", "Func.refGene=exonic"), ("annovar_blocks", "Func.refGene=UTR3")] * 2


def test_blocks_that_do_not_fit_the_alts_belong_to_none(tmp_path):
    info = "CADD=7;" + block("Func.refGene=exonic", "AF_popmax=0.1") + ";AN=2"
    maps, got = read(tmp_path, record("1/2", alt="G,T", info=info), fallback=1)
    assert maps == [{"CADD": "7"}] * 2
    assert pieces(got) == [("annovar_blocks", info.removeprefix("CADD=7;").removesuffix(";AN=2"))]
    assert got.tables["variant"].column("max_af").to_pylist() == [None, None]


@pytest.mark.parametrize(
    "info",
    [
        "ANNOVAR_DATE=1;Func.refGene=a;Gene.refGene=G1",
        "Func.refGene=a;ALLELE_END;Gene.refGene=G1",
        "ALLELE_END;Func.refGene=a;Gene.refGene=G1;ANNOVAR_DATE=1",
        "Func.refGene=a;Gene.refGene=G1;Func.refGene=b",
    ],
)
def test_without_both_marks_there_is_no_block(tmp_path, info):
    maps, _ = read(tmp_path, record("1/2", alt="G,T", info=info))
    assert maps == [{"Func.refGene": "a", "Gene.refGene": "G1"}] * 2


def test_gnomads_af_is_no_af_of_the_caller(tmp_path):
    info = f"AC=1,1;AF=0.5,0.25;{block('AF=0.001', 'AC=12')};{block('AF=0.002', 'AC=x')}"
    maps, got = read(tmp_path, record("1/2", alt="G,T", info=info), header=GNOMAD)
    rows = got.tables["occurrence"].to_pylist()
    assert [(row["info_af"], row["info_ac"]) for row in rows] == [(0.5, 1), (0.25, 1)]
    assert maps == [{"AF": "0.001", "AC": "12"}, {"AF": "0.002", "AC": "x"}]
    assert pieces(got) == []
    _, got = read(tmp_path, record("1/2", alt="G,T", info=info), header=GNOMAD, gnomade_af_names=("AF",))
    assert got.tables["variant"].column("gnomade_af").to_pylist() == [0.001, 0.002]


def test_a_block_without_an_af_of_the_caller(tmp_path):
    maps, got = read(tmp_path, record(info=block("AF=0.001")), record(), header=GNOMAD)
    assert got.tables["occurrence"].column("info_af").to_pylist() == [None, None]
    assert maps == [{"AF": "0.001"}, {}]


def test_a_key_twice_in_a_block_and_outside_one(tmp_path):
    """gnomAD's exomes and genomes have columns of the same names."""
    info = block("AF_popmax=0.1", "AF_popmax=0.2", "CADD=8") + ";CADD=7"
    maps, got = read(tmp_path, record(info=info))
    assert got.tables["variant"].column("max_af").to_pylist() == [0.1]
    assert maps == [{"CADD": "7"}]
    assert pieces(got) == [("info_key_twice", "AF_popmax=0.2"), ("info_key_twice", "CADD=8")]


def test_keys_of_blocks_are_checked_and_counted_as_others(tmp_path):
    info = f"{block('1000g2015aug_all=x', 'MORE=1')};MORE=2;{block('1000g2015aug_all=0.1,0.2', 'EXTRA=1')}"
    _, got = read(tmp_path, record("1/2", alt="G,T", info=info))
    assert [rule for rule, _ in pieces(got)] == ["info_key_twice", "info_not_a_number", "info_value_count"]
    undeclared = next(one for one in got.report["warnings"] if "does not declare" in one)
    assert "EXTRA" in undeclared
    assert "MORE" in undeclared


_VALUES = (
    "Func.refGene=a",
    "Func.refGene=b",
    "AF=0.1",
    "AF=.",
    "AC=3",
    "CADD_phred=2",
    "AF_popmax=0.5",
    "NEW",
    "CADD=1",
)


def test_both_readers_agree_on_random_blocks(tmp_path):
    rng = random.Random(7)  # noqa: S311 - test data
    lines = []
    for place in range(600):
        alts = rng.choice(["G", "G", "G,T", "G,*", "T,G,C"])
        count = alts.count(",") + 1
        parts = [rng.choice(["DP=9", "AF=" + ",".join(["0.5"] * count), "AN=4", "CADD=1", "AC=7"])]
        blocks = count * rng.choice([1, 1, 2]) + rng.choice([0, 0, 0, 0, 1])
        parts += [block(*rng.choices(_VALUES, k=rng.choice([0, 1, 3]))) for _ in range(blocks)]
        if rng.random() < 0.2:
            parts.insert(rng.randrange(len(parts)), rng.choice(["ALLELE_END", "CADD_phred=9", "NEW", "AN=6"]))
        rng.shuffle(parts)
        sample = rng.choice(["0/1", "1/1", "0/0", f"0/{count}"])
        lines.append(record(sample, pos=1000 + 50 * place, alt=alts, info=";".join(parts)))
    content = text(lines, header=HEADER + GNOMAD)
    path = write(tmp_path / "a.vcf", content)
    options = {
        "tolerate": 10_000,
        "info": InfoOptions.of(Vcf(info_columns=("CADD_phred:int",), gnomade_af_names=("AF",))),
    }
    got = compare(path, **options)
    assert got.error is None
    assert got.report["pieces"].keys() >= {"annovar_blocks", "info_key_twice"}
    assert got.report["fallback"]["lines"] < 300
    assert without_fallback(compare(path, chunk_bytes=3000, **options).report) == without_fallback(got.report)


def test_several_processes_read_the_same(tmp_path):
    info = ";".join([block("Func.refGene=a", "AF=0.1"), block("Func.refGene=b", "AF=0.2")])
    lines = [record("1/2", pos=1000 + 50 * place, alt="G,T", info=f"DP=9;{info}") for place in range(200)]
    write_bgzf(tmp_path / "a.vcf.gz", text(lines, header=HEADER + GNOMAD).encode(), 3000)
    assert_same(compare(tmp_path / "a.vcf.gz"), sharded_outcome(tmp_path / "a.vcf.gz", size=1000))


def test_blocks_of_keys():
    assert find_blocks(["A", "ANNOVAR_DATE", "B", "ALLELE_END", "ANNOVAR_DATE", "ALLELE_END", "C"]) == [
        range(1, 4),
        range(4, 6),
    ]
    assert find_blocks(["ANNOVAR_DATE", "ANNOVAR_DATE", "ALLELE_END", "ALLELE_END"]) == []
    assert find_blocks(["ANNOVAR_DATE"]) == []


def test_which_value_counts():
    assert which_counts("X", [(0, "1"), (0, "2"), (1, "1")]) == (0, [1])
    assert which_counts("X", [(0, "1"), (1, "2")]) == (None, [0, 1])
    assert which_counts("ANNOVAR_DATE", [(0, "1"), (1, "2")]) == (0, [])
