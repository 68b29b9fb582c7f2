"""Local alleles of VCF 4.5 (LAA, LAD, LPL) and LGT: the rows are those of the same file with GT and AD."""

import gzip
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from equivalence import by_rules, compare, outcome
from radiant.errors import VcfFormatError
from vcf_files import HEADER as SHORT_HEADER
from vcf_files import TRIO, Read, other_warnings, record, text, write

HEADER = """##fileformat=VCFv4.5
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=LGT,Number=1,Type=String,Description="Genotype with local alleles">
##FORMAT=<ID=LAA,Number=.,Type=Integer,Description="Local ALT numbers">
##FORMAT=<ID=LAD,Number=LR,Type=Integer,Description="Local depths">
##FORMAT=<ID=LPL,Number=LG,Type=Integer,Description="Local likelihoods">
##FORMAT=<ID=LEC,Number=LA,Type=Integer,Description="Local expected counts">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
"""

SPECIFICATION = [
    # REF, ALT, with local alleles, the same with those of the line: the examples of VCF 4.5, section 1.6.2
    ("G", "A,C,T,<*>", ("GT:LAA:LAD:LPL", "2/2:2,4:20,30,10:90,80,0,100,110,120"), "2/2:20,.,30,.,10"),
    ("A", "C,G,T,<*>", ("GT:LAA:LAD:LPL", "0/3:3:15,25:40,0,80"), "0/3:15,.,.,25,."),
    ("C", "G,T,<*>", ("GT:LAA:LAD:LPL", "0/0:3:30,1:0,30,80"), "0/0:30,.,.,1"),
    ("G", "A,T,<*>", ("GT:LAA:LAD:LPL", "0/0::30:0"), "0/0:30,.,.,."),
    # the same with LGT
    ("G", "A,C,T,<*>", ("LGT:LAA:LAD:LPL", "1/1:2,4:20,30,10:90,80,0,100,110,120"), "2/2:20,.,30,.,10"),
    ("A", "C,G,T,<*>", ("LAA:LGT:LAD:LPL", "3:0/1:15,25:40,0,80"), "0/3:15,.,.,25,."),
    ("C", "G,T,<*>", ("LGT:LAA:LAD:LPL", "0/0:3:30,1:0,30,80"), "0/0:30,.,.,1"),
    ("G", "A,T,<*>", ("LGT:LAA:LAD:LPL", "0/0::30:0"), "0/0:30,.,.,."),
    ("G", "A,T,<*>", ("LGT:LAA:LAD", "0|0:.:30"), "0|0:30,.,.,."),
    ("G", "A,T", ("LGT:LAA:LAD", "1|2:2,1:5,6,7"), "2|1:5,7,6"),
    ("G", "A,T", ("LGT:LAA:LAD", "|1/./2:1,2:5,.,7"), "|1/./2:5,.,7"),
    ("G", "A,T", ("LGT:LAA:LAD", "1:2:5,6"), "2:5,.,6"),
    ("G", "A,T", ("LGT:LAA", "1/1:2"), "2/2:."),
    ("G", "A,T", ("LGT:LAA:LAD", ".:.:."), ".:."),
    ("G", "A,T", ("LGT:LAA:LAD", "./."), "./."),
    ("G", "A", ("GT:LGT:LAA:LAD:AD", "0/1:0/1:1:1,2:5,6"), "0/1:5,6"),
    ("G", "A", ("GT:LAA:LAD:AD", "0/1:1:1,2:."), "0/1:1,2"),
]  # fmt: skip


def rows(path) -> list[dict]:
    got = compare(path)
    assert got.error is None
    assert got.tables["quarantine"].num_rows == 0
    return got.tables["occurrence"].to_pylist()


@pytest.mark.parametrize(("ref", "alt", "local", "whole"), SPECIFICATION)
def test_rows_are_those_of_gt_and_ad(tmp_path, ref, alt, local, whole):
    # a line with a call, of the same kind: a file without any is refused
    call = "GT:LAA:LAD" if local[0].startswith("GT") else "LGT:LAA:LAD"
    lines = [record(local[1], ref=ref, alt=alt, format_=local[0]), record("0/1:1:5,6", pos=2000, format_=call)]
    first = write(tmp_path / "local.vcf", text(lines, header=HEADER))
    lines = [record(whole, ref=ref, alt=alt, format_="GT:AD"), record("0/1:5,6", pos=2000, format_="GT:AD")]
    second = write(tmp_path / "whole.vcf", text(lines, header=HEADER))
    found = rows(first)
    assert found == rows(second)
    assert found[-1]["source_pos"] == 2000


def test_a_file_with_lgt_alone_is_no_empty_case(tmp_path):
    lines = [
        record("0/1:1:9,8:17:99:80,0,90", "0/0::12:12:40:0", pos=1000 + place, alt="G", format_="LGT:LAA:LAD:DP:GQ:LPL")
        for place in range(200)
    ]
    lines += [
        record("1/2:1,3:0,7,8:15:70:9,9,9,9,0,9", "0/1:2:6,5:11:50:5,0,9", pos=2000 + place, alt="G,T,C",
               format_="LGT:LAA:LAD:DP:GQ:LPL")
        for place in range(200)
    ]  # fmt: skip
    got = compare(write(tmp_path / "a.vcf", text(lines, ("S1", "S2"), HEADER)))
    assert (got.lines, got.alone) == (400, 0)
    found = got.tables["occurrence"].to_pylist()
    assert len(found) == 200 + 3 * 200
    one, two = found[0], found[200:203]
    assert [one[name] for name in ("gt", "ad_ref", "ad_alt", "ad_total", "dp", "gq", "zygosity")] == [
        "0/1", 9, 8, 17, 17, 99, "HET"
    ]  # fmt: skip
    names = ("sample", "alternate", "gt", "ad_ref", "ad_alt", "ad_total")
    assert [tuple(row[name] for name in names) for row in two] == [
        ("S1", "G", "1/3", 0, 7, None), ("S2", "T", "0/2", 6, 5, None), ("S1", "C", "1/3", 0, 8, None)
    ]  # fmt: skip
    assert other_warnings(got.report) == []


def test_parents_genotypes_are_local_too(tmp_path):
    lines = [record("0/1:2:5,6", "0/1:2:7,8", "0/0::20", alt="G,T", format_="LGT:LAA:LAD")]
    got = compare(write(tmp_path / "a.vcf", text(lines, ("kid", "dad", "mum"), HEADER)), TRIO)
    kid = got.tables["occurrence"].to_pylist()[0]
    assert (kid["locus"], kid["father_calls"], kid["father_ad_alt"], kid["parental_origin"]) == (
        "1-1000-A-T", [0, 1], 8, "father"
    )  # fmt: skip
    assert (kid["mother_calls"], kid["mother_ad_ref"], kid["mother_ad_alt"]) == ([0, 0], 20, None)


@pytest.mark.parametrize(
    ("format_", "sample", "rule"),
    [
        ("LGT", "0/1", "lgt_without_laa"),
        ("LGT:LAA", "0/1:.", "lgt_without_laa"),
        ("LGT:LAA", "0/2:1", "lgt_without_laa"),
        ("LGT:LAA", "0/1:0", "laa"),
        ("LGT:LAA", "0/1:3", "laa"),
        ("LGT:LAA", "0/1:1,1", "laa"),
        ("LGT:LAA", "0/1:x", "laa"),
        ("LGT:LAA", "0/1:1,.", "laa"),
        ("LGT:LAA", "0/x:1", "gt_invalid"),
        ("LGT:LAA:LAD", "0/1:1:x,2", "not_an_integer"),
        ("LGT:LAA:LAD", "0/1:1:-1,2", "negative"),
        ("LGT:LAA:LAD", ":1:1,2", "sample_empty"),
    ],
)
def test_a_genotype_that_is_not_certain_rejects_the_line(tmp_path, format_, sample, rule):
    lines = [record(sample, alt="G,T", format_=format_), record("0/1:1", pos=2000, format_="LGT:LAA")]
    path = write(tmp_path / "a.vcf", text(lines, header=HEADER))
    got = compare(path, tolerate=1)
    assert got.tables["quarantine"]["rule"].to_pylist() == [rule]
    with pytest.raises(VcfFormatError, match=rule):
        Read(path)


def test_without_laa_only_the_reference_and_a_missing_call_are_certain(tmp_path):
    lines = [record("0/0", "./.", "0", alt="G,T", format_="LGT")]
    got = compare(write(tmp_path / "a.vcf", text(lines, ("a", "b", "c"), HEADER)))
    assert got.error is None
    assert got.report["alleles"] == {"not_carried": 2}


@pytest.mark.parametrize(
    ("sample", "rule"), [("0/1:1:5,6,7", "format_count"), ("0/1::5,6", "format_count"), ("0/1:9:5,6", "format_laa")]
)
def test_local_reads_whose_allele_is_not_certain_are_null_and_quarantined(tmp_path, sample, rule):
    path = write(tmp_path / "a.vcf", text([record(sample, alt="G,T", format_="GT:LAA:LAD")], header=HEADER))
    got = compare(path)
    (row,) = got.tables["occurrence"].to_pylist()
    assert (row["gt"], row["ad_ref"], row["ad_alt"], row["ad_total"]) == ("0/1", None, None, None)
    assert got.tables["quarantine"]["rule"].to_pylist() == [rule]


def test_an_empty_list_of_local_alleles_is_no_fault(tmp_path):
    got = compare(write(tmp_path / "a.vcf", text([record("0/0::30::0", format_="LGT:LAA:LAD:LEC:LPL")], header=HEADER)))
    assert (got.alone, got.tables["quarantine"].num_rows) == (0, 0)


# --- Against bcftools merge, which writes local alleles with -L -------------------------------------------------------

_ALTS = ("G", "T", "C", "AG", "AT")


@st.composite
def _people(draw: st.DrawFn) -> list[list[str]]:
    """Records of three people, each in a file of its own, at the same positions but with ALTs of their own."""
    people: list[list[str]] = [[], [], []]
    for place in range(1, draw(st.integers(2, 6))):
        for mine in people:
            alts = draw(st.lists(st.sampled_from(_ALTS), min_size=1, max_size=2, unique=True))
            calls = draw(st.lists(st.integers(0, len(alts)), min_size=2, max_size=2))
            depths = draw(st.lists(st.integers(0, 30), min_size=len(alts) + 1, max_size=len(alts) + 1))
            size = (len(alts) + 1) * (len(alts) + 2) // 2
            likelihoods = draw(st.lists(st.integers(0, 90), min_size=size, max_size=size))
            sample = ["/".join(map(str, calls)), ",".join(map(str, depths)), ",".join(map(str, likelihoods))]
            if draw(st.integers(0, 5)):
                line = record(":".join(sample), pos=place, ref="A", alt=",".join(alts), format_="GT:AD:PL")
                mine.append(line)
    return people


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example runs bcftools: to shrink one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_people(), st.sampled_from([1, 2, 3]))
def test_local_alleles_of_bcftools_merge_are_the_alleles_of_the_line(tmp_path, people, most):
    """With -L, an ALT that is not local has no reads; every other value is that of the file without.

    bcftools 1.16 repeats an ALT in LAA (`2,2` beside two values of LAD), or gives LAD a value too many, where another
    sample has more ALTs: whose reads a value counts is not certain, so they are null and a piece is in quarantine.
    """
    for number, lines in enumerate(people):
        path = write(tmp_path / f"{number}.vcf.gz", b"")
        content = text(lines, (f"S{number}",), SHORT_HEADER)
        subprocess.run(["bcftools", "view", "-Oz", "-o", path], input=content.encode(), check=True)
        subprocess.run(["bcftools", "index", "-f", path], check=True)
    found = {}
    for name, options in (("whole", []), ("local", ["-L", str(most)])):
        path = tmp_path / f"{name}.vcf.gz"
        parts = [tmp_path / f"{number}.vcf.gz" for number in range(3)]
        subprocess.run(["bcftools", "merge", "-m", "all", *options, "-Oz", "-o", path, *parts], check=True)
        got = compare(path)
        assert got.error is None
        assert {row["rule"] for row in got.tables["quarantine"].to_pylist()} <= {"format_laa", "format_count"}
        found[name] = {(row["sample"], row["locus"]): row for row in got.tables["occurrence"].to_pylist()}
    local = {
        (int(columns[1]), sample): (fields["LAA"].split(","), fields["LAD"].split(",")) if "LAD" in fields else None
        for columns, samples in _lines(tmp_path / "local.vcf.gz")
        for sample, fields in samples.items()
    }
    assert found["local"].keys() == found["whole"].keys()
    for key, row in found["local"].items():
        whole = found["whole"][key]
        alts, depths = local[row["source_pos"], row["sample"]] or (None, None)
        assert [row[name] for name in ("gt", "calls", "source_alt")] == [
            whole[name] for name in ("gt", "calls", "source_alt")
        ]
        fits = alts is None or (len(set(alts)) == len(alts) == len(depths) - 1)
        named = fits and (alts is None or str(row["alt_index"]) in alts)
        assert row["ad_ref"] == (whole["ad_ref"] if fits else None)
        assert row["ad_alt"] == (whole["ad_alt"] if named else None)


def _lines(path):
    """Yield (columns, the fields of each sample) of a file."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    samples = next(line for line in lines if line.startswith("#CHROM")).split("\t")[9:]
    for columns in (line.split("\t") for line in lines if not line.startswith("#")):
        keys = columns[8].split(":")
        fields = (dict(zip(keys, one.split(":"), strict=False)) for one in columns[9:])
        yield columns, dict(zip(samples, fields, strict=True))


# --- Both readers -----------------------------------------------------------------------------------------------------

_NUMBERS = st.sampled_from([".", "0", "1", "2", "3", "9", "40", "x", "1.5", ""])


@st.composite
def _samples(draw: st.DrawFn, n_alts: int) -> str:
    local = draw(st.lists(st.integers(1, n_alts + (not draw(st.integers(0, 9)))), max_size=n_alts, unique=True))
    number = st.integers(0, len(local) + (not draw(st.integers(0, 9)))).map(str)
    gt = draw(st.sampled_from("/|")).join(draw(st.lists(st.one_of(number, st.just(".")), min_size=1, max_size=3)))
    laa = ",".join(map(str, local)) if local else draw(st.sampled_from(["", "."]))
    counts = st.lists(st.sampled_from([".", "0", "2", "3", "30"]), min_size=len(local) + 1, max_size=len(local) + 1)
    lad = ",".join(draw(counts))
    fields = [gt, laa, lad, draw(st.sampled_from(["10", "."]))]
    if not draw(st.integers(0, 7)):
        fields[draw(st.integers(0, 3))] = ",".join(draw(st.lists(_NUMBERS, min_size=1, max_size=3)))
    return ":".join(fields[: draw(st.sampled_from([1, 2, 3, 4, 4, 4, 4]))])


@st.composite
def _files(draw: st.DrawFn) -> str:
    lines = []
    for place in range(draw(st.integers(1, 8))):
        alts = ["G", "T", "C", "<*>"][: draw(st.integers(1, 4))]
        format_ = draw(st.sampled_from(["LGT:LAA:LAD:DP", "LGT:LAA:LAD:DP", "GT:LAA:LAD:DP", "LGT:LAA:AO:DP"]))
        samples = [draw(_samples(len(alts))) for _ in range(3)]
        lines.append(record(*samples, pos=1000 + place, alt=",".join(alts), format_=format_))
    return text(lines, ("kid", "dad", "mum"), HEADER)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_files(), st.sampled_from([0, 100]))
def test_random_local_alleles_are_the_same_in_both_readers(tmp_path_factory, content, tolerate):
    path = tmp_path_factory.getbasetemp() / "local.vcf"
    path.write_text(content)
    compare(path, TRIO, tolerate=tolerate)


def test_the_bulk_reader_reads_most_random_lines(tmp_path):
    """The test above means little if every line fell back."""
    line = record("1/2:3,1:1,2,3:10", "0/0::7:3", "0/1:2:4,5:.", alt="G,T,C", format_="LGT:LAA:LAD:DP")
    path = write(tmp_path / "a.vcf", text([line], ("kid", "dad", "mum"), HEADER))
    assert (outcome(path, TRIO).alone, by_rules(path, TRIO).error) == (0, None)
