"""With a reference FASTA, the fast path gives what the rules give: rows, order, report, errors."""

import random

import pysam
import pytest

from equivalence import assert_same, by_rules, compare, outcome, sharded_outcome
from radiant.vcf.shards import NeedsOneReaderError
from radiant.vcf.text import source
from varied_vcf import write_bgzf
from vcf_files import FIRST, HEADER, TRIO, record, text

CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature">\n'
CALLS = ("0/1", "1/1", "0/0", "0|1")
LENGTH = 30_000


def genome(rng):
    """Bases in which an indel has many places: short repeats, long ones, gaps between them, lower case, codes."""
    bases = ""
    while len(bases) < LENGTH:
        unit = "".join(rng.choices("ACGT", k=rng.choice([1, 1, 2, 3, 6])))
        bases += unit * rng.choice([1, 2, 5, 40]) + "".join(rng.choices("ACGT", k=rng.choice([0, 3, 50])))
    some = list(bases)
    for at in rng.sample(range(LENGTH), 200):
        some[at] = rng.choice("RNyacgt")
    return "".join(some)


def lines(rng, contig, bases, *, faults):
    """Lines of indels at any of their places, and of what else a file has; with faults, some that rules reject."""
    found, pos = [], 1
    while (pos := pos + rng.choice([0, 1, 2, 7, 7, 40, 40, 3000])) < LENGTH - 300:
        kind = rng.choice(["snv", "deletion", "insertion", "insertion", "several", "block", "complex"])
        there = bases[pos - 1 : pos - 1 + rng.choice([1, 2, 3, 7, 90])].upper()
        first = there[0] if kind in {"snv", "insertion", "block"} else there
        more = rng.choice([there, "".join(rng.choices("ACGT", k=rng.choice([1, 2, 6])))])
        alts = {
            "snv": ["ACGT"["ACGT".find(first) - 1]],
            "insertion": [first + more],
            "deletion": [there[0]] if len(there) > 1 else [there + there],
            "several": [there + there[-1], there + "AC", "*"],
            "block": ["<NON_REF>"],
            "complex": ["G" + there[1:][::-1] + "T"],
        }[kind]
        ref = first.lower() if rng.random() < 0.1 else first
        info, wrong = f"AC={','.join('1' * len(alts))}", faults and rng.random() < 0.15
        if wrong:
            fault = rng.choice(["ref", "ref", "key", "alt", "columns"])
            info = f"{info};DP=1;DP=1" if fault == "key" else info
            alts = ["x"] if fault == "alt" else alts
        if set(ref.upper()) - set("ACGTN"):
            ref = "".join({"R": "A", "Y": "C"}.get(base, base) for base in ref.upper())
        if wrong and fault == "ref":
            ref = "ACGT"["ACGT".find(ref[0].upper()) - 1] + ref[1:]
        if kind != "block":
            names = [alts[0], alts[0][1:] or "-", more, alts[0].lower()]
            entries = [f"{rng.choice(names)}|intron_variant|MODIFIER|A|G1|T{at}" for at in range(rng.choice([0, 1, 3]))]
            info += f";CSQ={','.join(entries)}" if entries else ""
        samples = rng.choices(CALLS, k=3)
        line = record(*samples, chrom=contig, pos=pos, ref=ref, alt=",".join(alts), info=info)
        found.append(line + "\tx" if wrong and fault == "columns" else line)
    return found


def files(folder, seed, *, faults, packed=False):
    """Return a VCF and a FASTA that agrees with it, apart from faults."""
    rng = random.Random(seed)  # noqa: S311 - test data
    contigs = {"1": genome(rng), "chrX": genome(rng)}
    path = folder / "a.fa"
    path.write_text("".join(f">{name}\n{bases}\n" for name, bases in contigs.items()))
    if packed:
        pysam.tabix_compress(str(path), str(folder / "a.fa.gz"))
        path = folder / "a.fa.gz"
    pysam.faidx(str(path))
    rows = [one for name, bases in (("chr1", contigs["1"]), ("chrX", contigs["chrX"])) for one in
            lines(rng, name, bases, faults=faults)]  # fmt: skip
    vcf = folder / "a.vcf.gz"
    write_bgzf(vcf, text(rows, samples=("kid", "dad", "mum"), header=HEADER + CSQ).encode(), 3000)
    return vcf, str(path)


@pytest.mark.parametrize("seed", range(12))
def test_indels_of_repeats_at_any_place(tmp_path, monkeypatch, seed):
    vcf, fasta = files(tmp_path, seed, faults=True, packed=seed % 2 == 0)
    expected = by_rules(vcf, TRIO, fasta=fasta, tolerate=10_000)
    assert expected.report["rejected"]
    whole = outcome(vcf, TRIO, fasta=fasta, tolerate=10_000)
    assert_same(expected, whole)
    assert 0 < whole.alone < whole.lines / 2
    assert whole.report["fallback"]["reasons"]["fasta"] > 0
    for size in (300, 2_500):
        monkeypatch.setattr(source, "_CHUNK", size)
        assert_same(expected, outcome(vcf, TRIO, fasta=fasta, tolerate=10_000, chunk_bytes=size), size)
    monkeypatch.undo()
    compare(vcf, TRIO, fasta=fasta)  # strict: the same first rejected lines


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_depend_on_the_fasta(tmp_path, seed):
    vcf, fasta = files(tmp_path, seed, faults=True)
    with_it, without = (outcome(vcf, TRIO, tolerate=10_000, **more) for more in ({"fasta": fasta}, {}))
    assert not with_it.tables["variant"].equals(without.tables["variant"])
    assert "ref_mismatch" in with_it.report["rejected"]


def test_shards_of_a_file_whose_indels_are_moved(tmp_path):
    bases = ("CAT" + "GACTTACG" * 3 + "A" * 30 + "CAG" * 20) * 40
    (tmp_path / "a.fa").write_text(f">chr1\n{bases}\n")
    pysam.faidx(str(tmp_path / "a.fa"))
    step = len(bases) // 40
    rows = []
    for at in range(40):
        first = at * step + 28 + 25  # in the run of A
        rows.append(record("0/1", "0/1", "0/0", pos=first, ref=bases[first - 1 : first + 1], alt=bases[first - 1]))
        last = (at + 1) * step - 5  # in the run of CAG
        rows.append(record("1/1", "0/1", "0/1", pos=last, ref=bases[last - 1], alt=bases[last - 1 : last + 3]))
    path, fasta = tmp_path / "a.vcf.gz", str(tmp_path / "a.fa")
    write_bgzf(path, text(rows, samples=("kid", "dad", "mum")).encode(), 2500)
    expected = by_rules(path, TRIO, fasta=fasta)
    assert expected.error is None
    moved, written = (expected.tables["occurrence"].column(name).to_pylist() for name in ("start", "source_pos"))
    assert all(start < pos for start, pos in zip(moved, written, strict=True))
    for size in (1, 3000):
        found = sharded_outcome(path, TRIO, size=size, fasta=fasta)
        assert_same(expected, found, size)
        assert found.alone == 0


def test_an_indel_that_moves_onto_one_before_is_a_duplicate(tmp_path, monkeypatch):
    bases = "C" + "A" * 600 + "CGT" * 10
    (tmp_path / "a.fa").write_text(f">chr1\n{bases}\n")
    pysam.faidx(str(tmp_path / "a.fa"))
    fasta = str(tmp_path / "a.fa")
    rows = [
        record("0/1", "0/0", "0/0", pos=1, ref="CA", alt="C"),
        *(record("0/1", "0/1", "0/0", pos=pos, ref="A", alt="G") for pos in range(100, 400, 3)),
        record("0/1", "0/0", "0/0", pos=500, ref="AA", alt="A"),
    ]
    path = tmp_path / "a.vcf.gz"
    write_bgzf(path, text(rows, samples=("kid", "dad", "mum")).encode(), 200)
    for size in (1 << 20, 500):
        monkeypatch.setattr(source, "_CHUNK", size)
        error = compare(path, TRIO, fasta=fasta, chunk_bytes=size).error
        assert f"line {FIRST + len(rows) - 1}" in error
        assert "was already on line" in error


@pytest.mark.parametrize("distance", [1_100, 2_500, 9_000])
def test_an_indel_that_moves_over_thousands_of_bases_is_a_duplicate_across_chunks_and_shards(
    tmp_path, monkeypatch, distance
):
    monkeypatch.setattr(source, "_CHUNK", 500)
    bases = "C" + "A" * 9_500 + "CGT" * 2000
    (tmp_path / "a.fa").write_text(f">chr1\n{bases}\n")
    pysam.faidx(str(tmp_path / "a.fa"))
    fasta = str(tmp_path / "a.fa")
    for first, second in ((1, distance), (400, distance + 400)):
        rows = [
            record("0/1", "0/0", "0/0", pos=first, ref=bases[first - 1 : first + 1], alt=bases[first - 1]),
            *(record("0/1", "0/1", "0/0", pos=pos, ref="A", alt="G") for pos in range(first + 10, second, 20)),
            record("0/1", "0/0", "0/0", pos=second, ref="AA", alt="A"),
            *(record("0/1", "0/1", "0/0", pos=pos, ref="C", alt="G") for pos in range(9_502, 15_000, 60)),
        ]
        path = tmp_path / "a.vcf.gz"
        for records, fails in ((rows, True), ([one for one in rows if "\tAA\t" not in one or one is rows[0]], False)):
            write_bgzf(path, text(records, samples=("kid", "dad", "mum")).encode(), 2_000)
            assert (by_rules(path, TRIO, fasta=fasta).error is not None) == fails
            compare(path, TRIO, fasta=fasta, chunk_bytes=500)
            for size, chunk_bytes in ((1, 1), (1_500, 500), (3_000, 1 << 20)):
                if fails:
                    with pytest.raises(NeedsOneReaderError):
                        sharded_outcome(path, TRIO, size=size, chunk_bytes=chunk_bytes, fasta=fasta)
                else:
                    sharded_outcome(path, TRIO, size=size, chunk_bytes=chunk_bytes, fasta=fasta)


def test_an_annotator_spells_an_indel_as_written_wherever_the_fasta_moves_it(tmp_path):
    """VEP --minimal of three bases that turn round when they move: each entry goes to its own ALT."""
    (tmp_path / "a.fa").write_text(">chr1\nTTCAGCAGCAGG\n")
    pysam.faidx(str(tmp_path / "a.fa"))
    entries = "GCA|intron_variant|||G1|T1,C|intron_variant|||G1|T2"
    line = record("1/2", "0/1", "0/2", pos=10, ref="A", alt="AGCA,C", info=f"CSQ={entries}")
    path = tmp_path / "a.vcf.gz"
    write_bgzf(path, text([line], samples=("kid", "dad", "mum"), header=HEADER + CSQ).encode(), 3000)
    read = compare(path, TRIO, fasta=str(tmp_path / "a.fa"))
    assert read.tables["consequence"].column("start").to_pylist() == [2, 10]
    assert read.tables["quarantine"].num_rows == 0
