"""Rows of split records, value by value, against `bcftools norm -m- -f` run live.

What docs/vcf-reading.md states under "Splitting" is what is compared. Where the two differ on purpose:

| what | bcftools | radiant | here |
|---|---|---|---|
| another ALT in GT | 0 | -1 in `calls`, the text stays in `gt` | expected from the call of the source line |
| AD declared `Number=.` | passes it on whole | read as `R`, which is reserved | declared `R` in bcftools' copy |
| a wrong number of values | stops; `--force` drops the field, in all samples | null, in that sample | `--force` |
| INFO keys with odd names, or not declared | may not be able to write them | no column | left out of bcftools' copy |
| ALT `*`, `<NON_REF>`, `.` | keeps the line | no row | left out of theirs |
| reads | no rule | AD, else RO and AO, else DPR | taken from its line in that order |
| an allele that a sample does not carry | keeps the line | no row | left out of theirs |
"""

import gzip
import re
import shutil
import subprocess
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from radiant import demo
from radiant.errors import VcfFormatError
from vcf_files import HEADER, Read

pytestmark = pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")

NO_SEQUENCE = {".", "*", "<NON_REF>"}
INFO = {"info_ac": "AC", "info_af": "AF", "info_mleac": "MLEAC", "info_mleaf": "MLEAF", "info_dp": "DP"}
FREQUENCIES = {"info_af", "info_mleaf", "quality"}
SPACING = 400
MOST_RECORDS = 3000


def number(text, kind=int):
    return None if text in {None, "."} else kind(text)


def numbers(text):
    return [number(one) for one in text.split(",")] if text not in {None, "."} else []


def fields_of(line):
    """Split a data line: (columns, INFO, one FORMAT dict per sample)."""
    columns = line.split("\t")
    info = dict(entry.split("=", 1) for entry in columns[7].split(";") if "=" in entry)
    keys = columns[8].split(":")
    return columns, info, [dict(zip(keys, text.split(":"), strict=False)) for text in columns[9:]]


def reads_per_allele(sample, key):
    """Reads per allele of a line, reference first, from AD, AO or DPR."""
    return [number(sample.get("RO")), *numbers(sample.get("AO"))] if key == "AO" else numbers(sample.get(key))


def depth_key(sample):
    """Return the key with the reads of a sample of the line before: AD, else AO, else DPR."""
    return next((key for key in ("AD", "AO", "DPR") if set(numbers(sample.get(key))) - {None}), None)


def with_known_info(line):
    columns, info, _ = fields_of(line)
    columns[7] = ";".join(f"{key}={info[key]}" for key in INFO.values() if key in info) or "."
    return "\t".join(columns)


def expected_rows(normed, sources, samples):
    """What bcftools makes of it, by (sample, locus). `sources` are the lines before, by their POS, which is the ID."""
    rows = {}
    for line in normed:
        columns, info, called = fields_of(line)
        if columns[4] in NO_SEQUENCE:
            continue
        source_columns, _, source_called = sources[columns[2]]
        for sample, genotype, before in zip(samples, called, source_called, strict=True):
            theirs, written = (re.split(r"[|/]", one.get("GT", ".")) for one in (genotype, before))
            if "1" not in theirs:
                continue
            assert len(theirs) == len(written)
            key = depth_key(before)
            all_reads = reads_per_allele(before, key)
            # bcftools looks at the number of values only where it splits
            fits = len(all_reads) == source_columns[4].count(",") + 2
            reference, alternate = (*reads_per_allele(genotype, key), None, None)[:2] if fits else (None, None)
            rows[sample, f"1-{columns[1]}-{columns[3]}-{columns[4]}"] = {
                "source_pos": int(columns[2]),
                "source_ref": source_columns[3],
                "source_alt": source_columns[4],
                "gt": before["GT"],
                # their 0 is REF or another ALT
                "calls": [
                    1 if call == "1" else 0 if (call, was) == ("0", "0") else -1
                    for call, was in zip(theirs, written, strict=True)
                ],
                "dp": number(genotype.get("DP")),
                "gq": number(genotype.get("GQ")),
                "ad_ref": reference,
                "ad_alt": alternate,
                "ad_total": sum(all_reads) if fits and None not in all_reads else None,
                "quality": number(columns[5], float),
                "filter": None if columns[6] == "." else columns[6].split(";"),
                **{name: number(info.get(key), float if name in FREQUENCIES else int) for name, key in INFO.items()},
            }
    return rows


def by_source(read):
    """The values by sample and allele of the file's line, which no alignment moves."""
    names = ("gt", "calls", "dp", "gq", "ad_ref", "ad_alt", "ad_total", "quality", "filter", *INFO)
    return {
        (row["sample"], row["source_pos"], row["alt_index"]): [row[name] for name in names] for row in read.occurrence
    }


def lines_without_any_call(normed):
    """Return how many source lines with an allele of a sequence there are if no sample is called on any, else 0."""
    lines = [fields_of(line) for line in normed]
    lines = [(columns[2], called) for columns, _, called in lines if columns[4] not in NO_SEQUENCE]
    if any(re.search("[0-9]", one.get("GT", ".")) for _, called in lines for one in called):
        return 0
    return len({source for source, _ in lines})


def compare(header, lines, sequence, folder, *, corrected=lambda text: text, **options):
    """Compare all rows; `corrected` corrects the header of bcftools' copy. Return (how many, what the reader gave).

    Exactly a file in which bcftools shows no call is refused, with a FASTA and without: (0, None).
    """
    (folder / "a.fa").write_text(f">1\n{sequence}\n")
    ours, theirs = folder / "ours.vcf", folder / "theirs.vcf"
    body = "".join(f"{line}\n" for line in lines)
    ours.write_text(header + body)
    theirs.write_text(corrected(header) + "".join(f"{with_known_info(line)}\n" for line in lines))
    samples = header.splitlines()[-1].split("\t")[9:]
    done = subprocess.run(
        ["bcftools", "norm", "--no-version", "--force", "-m-", "-f", folder / "a.fa", theirs],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    normed = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    expected = expected_rows(normed, {line.split("\t")[2]: fields_of(line) for line in lines}, samples)
    if uncalled := lines_without_any_call(normed):
        for fasta in ({"fasta": f"file://{folder / 'a.fa'}"}, {}):
            with pytest.raises(VcfFormatError, match=f"no member .* has a called GT on any of the {uncalled} lines"):
                Read(ours, **fasta, **options)
        return 0, None
    read = Read(ours, fasta=f"file://{folder / 'a.fa'}", **options)
    found = {(row["sample"], row["locus"]): row for row in read.occurrence}
    assert found.keys() == expected.keys()
    assert len(found) == read.arrow["occurrence"].num_rows
    for key, wanted in expected.items():
        got = {name: found[key][name] for name in wanted}
        exact = wanted.keys() - FREQUENCIES
        assert {name: got[name] for name in exact} == {name: wanted[name] for name in exact}, key
        for name in FREQUENCIES:
            assert got[name] == (None if wanted[name] is None else pytest.approx(wanted[name], rel=1e-5)), (key, name)
    # With a FASTA lines are read one by one, without one in bulk: the values must be these, too.
    assert by_source(Read(ours, **options)) == by_source(read)
    return len(found), read


# --- Real files and the demo: each record alone in a desert of N with its own REF; the genome is not at hand ----------


def read_lines(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        lines = file.read().splitlines()
    return [line for line in lines if line.startswith("#")], [line for line in lines if not line.startswith("#")]


def in_a_desert(head, lines):
    """Return (header, lines, sequence) with every record that has an ALT on contig 1, far from the others."""
    moved, sequence, position = [], ["N" * SPACING], SPACING + 1
    for line in lines:
        columns = line.split("\t")
        if columns[4] in {".", "<NON_REF>"}:
            continue
        moved.append("\t".join(["1", str(position), str(position), *columns[3:]]))
        sequence.append(columns[3] + "N" * SPACING)
        position += len(sequence[-1])
    kept = [line for line in head[:-1] if not line.startswith("##contig")]
    header = "\n".join([*kept, "##contig=<ID=1>", head[-1]]) + "\n"
    return header, moved[:MOST_RECORDS], "".join(sequence)


def ad_per_allele(header):
    return header.replace("##FORMAT=<ID=AD,Number=.,", "##FORMAT=<ID=AD,Number=R,")


@pytest.mark.parametrize(
    ("name", "assembly", "rows"),
    [
        ("ashk-trio.vcf.gz", "GRCh37", 6696),
        ("chrm-indels.vcf.gz", "GRCh38", 6),
        ("clinical-trio-vep.vcf.gz", "GRCh37", 1119),
        ("haploid-x.vcf", "GRCh37", 1439),
        ("na12878-chr20.g.vcf.gz", "GRCh37", 1768),
        ("roh-single-vep.vcf.gz", "GRCh37", 3000),
    ],
)
def test_real_records_have_the_values_of_bcftools(corpus, tmp_path, name, assembly, rows):
    header, lines, sequence = in_a_desert(*read_lines(corpus / name))
    found, _ = compare(header, lines, sequence, tmp_path, corrected=ad_per_allele, assembly=assembly, tolerate=10**6)
    assert found == rows


@pytest.fixture(scope="module")
def demo_case(tmp_path_factory):
    folder = demo.make(tmp_path_factory.mktemp("demo"), 1, 1000, 3).parent / "FAM0001"
    return read_lines(folder / "FAM0001.vcf.gz")


def test_demo_records_have_the_values_of_bcftools(demo_case, tmp_path):
    header, lines, sequence = in_a_desert(*demo_case)
    assert sum("," in line.split("\t")[4] for line in lines) > 25
    found, read = compare(header, lines, sequence, tmp_path)
    assert found > 1000
    assert read.quarantine == []


# --- Made up: up to four ALTs, any ploidy, missing values, repeats that indels move in -------------------------------

_MISSING_OR = st.one_of(st.none(), st.integers(0, 99))


def _joined(values):
    return ",".join("." if one is None else str(one) for one in values)


@st.composite
def _genotype(draw, n_alts):
    ploidy = draw(st.sampled_from((1, 2, 2, 2, 2, 3)))
    calls = [draw(st.sampled_from((".", *map(str, range(n_alts + 1))))) for _ in range(ploidy)]
    return draw(st.sampled_from("/|")).join(calls)


@st.composite
def _sample(draw, kind, n_alts, one_more):
    genotype = draw(_genotype(n_alts))
    values = [draw(_MISSING_OR) for _ in range(n_alts + 1)]
    likelihoods = "."
    ploidy = genotype.count("/") + genotype.count("|") + 1
    if ploidy < 3:
        size = n_alts + 1 if ploidy == 1 else (n_alts + 1) * (n_alts + 2) // 2
        likelihoods = _joined(draw(st.lists(st.integers(0, 255), min_size=size, max_size=size)))
    depths = f"{_joined(values[:1])}:{_joined(values[1:])}" if kind == "RO:AO" else _joined(values)
    return ":".join(
        (genotype, depths + one_more, _joined([draw(_MISSING_OR)]), _joined([draw(_MISSING_OR)]), likelihoods)
    )


@st.composite
def _record(draw):
    """A stretch of the genome and a record in it: (sequence, offset of POS, the columns from REF on)."""
    unit = draw(st.text("ACG", min_size=1, max_size=3))
    sequence = draw(st.text("ACGT", min_size=1, max_size=6)) + unit * draw(st.integers(1, 8))
    sequence += draw(st.text("ACGT", min_size=6, max_size=12))
    offset = draw(st.integers(0, len(sequence) - 6))
    ref = sequence[offset : offset + draw(st.integers(1, 5))]
    pieces = st.one_of(
        st.text("ACGT", min_size=1, max_size=6),
        st.integers(1, 4).map(lambda times: ref + unit * times),
        st.integers(1, len(ref)).map(lambda size: ref[:size]),
        st.sampled_from(("*", "<NON_REF>")),
    )
    alts = draw(st.lists(pieces.filter(lambda alt: alt != ref), min_size=1, max_size=4, unique=True))
    per_alt = [
        f"{key}={_joined(draw(value) for _ in alts)}"
        for key, value in (
            ("AC", _MISSING_OR),
            ("MLEAC", _MISSING_OR),
            ("AF", st.one_of(st.none(), st.sampled_from(("0", "0.5", "1", "0.125", "1e-05", "0.333")))),
        )
    ]
    info = ";".join([*per_alt, f"DP={draw(st.integers(0, 9))}"])
    kind = draw(st.sampled_from(("AD", "RO:AO", "DPR")))
    # One too many, in all samples: bcftools drops the field in all of them, radiant in the one that has it.
    one_more = draw(st.sampled_from((*[""] * 9, ",7")))
    called = [draw(_sample(kind, len(alts), one_more)) for _ in range(3)]
    columns = [ref, ",".join(alts), draw(st.sampled_from((".", "0", "49.5"))), draw(st.sampled_from((".", "PASS")))]
    return sequence, offset, [*columns, info, f"GT:{kind}:DP:GQ:PL", *called]


_MADE_UP_HEADER = (
    re.sub(r"##contig=.*\n", "", HEADER)
    + '##INFO=<ID=MLEAC,Number=A,Type=Integer,Description="d">\n##contig=<ID=1>\n'
    + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\tS3\n"
)
_FOLDERS = count()
_UNCALLED = ("AAAAAAAA", 0, ["A", "C", ".", ".", "AC=.;AF=.;DP=0", "GT:AD:DP:GQ:PL", *[".:.,.:.:.:0,0"] * 3])


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example runs bcftools: to shrink one takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example([_UNCALLED])
@example([_UNCALLED, ("AAAAAAAA", 0, ["A", "*", ".", ".", "DP=0", "GT", "0/1", "1/1", "0/0"])])
@given(st.lists(_record(), min_size=1, max_size=12))
def test_made_up_records_have_the_values_of_bcftools(tmp_path, drawn):
    folder = tmp_path / str(next(_FOLDERS))
    folder.mkdir()
    genome, lines = "N" * SPACING, []
    for sequence, offset, columns in drawn:
        position = str(len(genome) + offset + 1)
        lines.append("\t".join(["1", position, position, *columns]))
        genome += sequence + "N" * SPACING
    _, read = compare(_MADE_UP_HEADER, lines, genome, folder)
    if read is None:  # refused, as no line has a call: the same lines beside one that has
        position = str(len(genome) + 1)
        lines.append(f"1\t{position}\t{position}\tA\tG\t.\t.\tDP=1\tGT:AD\t0/1:5,6\t0/0:9,0\t.")
        beside = folder / "beside"  # the index of the first FASTA is not that of the second
        beside.mkdir()
        found, read = compare(_MADE_UP_HEADER, lines, genome + "A" + "N" * SPACING, beside)
        assert found == 1
    assert {row["rule"] for row in read.quarantine} <= {"format_count"}
