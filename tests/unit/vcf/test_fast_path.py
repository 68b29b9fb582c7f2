"""The fast path gives what the rules give: rows, order, report, errors, line numbers, quarantine."""

import random
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from equivalence import Outcome, assert_same, by_rules, compare, outcome
from radiant.vcf.fast.fast_reader import FastReader
from radiant.vcf.text import source
from real_families import ASHKENAZI, CLINICAL, UPD
from varied_vcf import write_bgzf
from vcf_files import HEADER, TRIO, record, text, write

# --- Real files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "members", "assembly", "alone_at_most"),
    [
        ("ashk-trio.vcf.gz", ASHKENAZI, "GRCh37", 0.0),  # split after bcftools csq: entries of the other ALT
        ("clinical-trio-vep.vcf.gz", CLINICAL, "GRCh37", 0.0),  # 57 % of the lines have a piece in quarantine
        ("clinical-trio-vep.vcf.gz", None, "GRCh37", 0.0),
        ("upd-trio.vcf.gz", UPD, "GRCh37", 0.0),
        ("roh-single-vep.vcf.gz", None, "GRCh37", 0.0),
        ("haploid-x.vcf", None, "GRCh37", 0.0),
        ("chrm-indels.vcf.gz", None, "GRCh38", 0.0),
        ("ashk-trio.vcf.gz", None, "GRCh38", 1.0),  # the wrong assembly
    ],
)
def test_real_files(corpus, name, members, assembly, alone_at_most):
    got = compare(corpus / name, members, assembly=assembly)
    assert got.alone <= alone_at_most * got.lines


def test_a_gvcf(corpus):
    got = compare(corpus / "na12878-chr20.g.vcf.gz", assembly="GRCh37")
    assert (got.lines, got.alone) == (301_778, 0)


@pytest.mark.parametrize("tolerate", [0, 1000])
def test_conformance_files(corpus, tolerate):
    files = sorted((corpus / "hts-specs").glob("4.*/*/*.vcf"))
    assert len(files) == 464
    for path in files:
        compare(path, tolerate=tolerate)


def test_bcftools_fixtures(corpus):
    for path in sorted((corpus / "bcftools").glob("*.vcf")):
        compare(path, tolerate=1000)


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 70_000])
@pytest.mark.parametrize("name", ["clinical-trio-vep.vcf.gz", "chrm-indels.vcf.gz"])
def test_chunks_of_a_real_file_make_no_difference(corpus, name, chunk_bytes):
    compare(corpus / name, assembly="GRCh38" if "chrm" in name else "GRCh37", chunk_bytes=chunk_bytes)


# --- Borders ----------------------------------------------------------------------------------------------------------


def in_portions(path, size: int, **options: object) -> Outcome:
    """Read a file of which `size` bytes come at once: otherwise a small file is one chunk, whatever `chunk_bytes`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "_CHUNK", size)
        return outcome(path, chunk_bytes=size, **options)


def test_portions_make_chunks(tmp_path, monkeypatch):
    """The tests below mean little if every file were one chunk."""
    chunks = []
    read = FastReader.read
    monkeypatch.setattr(
        FastReader, "read", lambda self, chunk, state: chunks.append(len(chunk)) or read(self, chunk, state)
    )
    lines = [record(pos=pos) for pos in range(1, 60)]
    in_portions(write(tmp_path / "a.vcf", text(lines)), 2 * len(lines[0]) + 2)
    assert sum(chunks) == 59
    assert len(chunks) > 20


_BORDERS = [
    record("0/1:5,6", "0/0:9,0", "./.", pos=100, format_="GT:AD", info="AC=1;AN=4;AF=0.25;DP=20", id_="rs1;rs2"),
    record("1/2:0,4,5", "0/1:3,3,0", "0|2:8,0,1", pos=100, alt="T,C", format_="GT:AD", info="AC=3,2"),
    record("0/1", "0/1", "0/1", pos=101, qual="x"),
    record("0/1", "0/1", "0/1", pos=100, alt="C"),
    record("0/1", "0/1", "0/1", pos=102, ref="ACGT", alt="A,ACG,*"),
    record("0/1", "0/1", "0/1", pos=103, info="CADD=1.5;X=\u00e9"),
    record("0/1", "0/1", "0/1", pos=103, alt="C", id_="\u00e9"),
    record("0/1", "0/1", "0/1", pos=104, ref="G", alt="<NON_REF>"),
    record("0/1", "0/1", "0/1", pos=104, ref="G", alt="<DEL>"),
    record("0/1", "0/1", "0/1", pos=50),
    record("0/1", "0/1", "0/1", chrom="chrUn_1", pos=7),
    record("1", "0", "0/1", chrom="chrX", pos=5_000_000),
    record("1/1:4", "0:3", "0/1:20", chrom="chrX", pos=5_000_001, format_="GT:DP"),
    record("1", ".", "1", chrom="chrM", pos=16_569),
    record("0/1", "0/1", "0/1", chrom="chr1", pos=200),
    "chrM\t1",
    "",
]


@pytest.mark.parametrize(("line_end", "tolerate"), [("\n", 0), ("\n", 100), ("\r\n", 2)])
def test_every_border_position_gives_the_same(tmp_path, line_end, tolerate):
    content = text(_BORDERS, samples=("kid", "dad", "mum")).replace("\n", line_end).encode()
    path = write(tmp_path / "a.vcf", content)
    expected = by_rules(path, TRIO, tolerate=tolerate)
    data = len(content) - content.index(b"#CHROM")
    # Every position once; the other forms at every seventh, which meets every place of a line as well.
    for size in range(1, data + 2, 1 if tolerate == 2 and line_end == "\n" else 7):
        got = in_portions(path, size, members=TRIO, tolerate=tolerate)
        assert_same(expected, got, size)


def test_small_records_in_every_chunk_size_with_an_allele_twice(tmp_path):
    records = [record(pos=pos, ref="CAA", alt="C,CA") for pos in range(10, 40, 3)]
    records += [record(pos=38, ref="A", alt="G"), record(pos=39, ref="AA", alt="A"), record(pos=39, ref="A", alt="G")]
    records += [record(pos=39, ref="A", alt="G"), record(pos=40)]
    path = write(tmp_path / "a.vcf", text(records))
    expected = by_rules(path, tolerate=9)
    assert [row["rule"] for row in expected.tables["quarantine"].to_pylist()] == ["duplicate_allele"]
    for size in (*range(1, 100), *range(100, 900, 7)):  # up to three lines each size, then some
        assert_same(expected, in_portions(path, size, tolerate=9), size)


@pytest.mark.parametrize("packing", [".vcf", ".vcf.gz", ".vcf.bgz"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n", "\r"])
def test_the_end_of_the_file(tmp_path, packing, end):
    content = text([record(pos=pos) for pos in range(1, 20)]).rstrip("\n") + end
    compare(write(tmp_path / f"a{packing}", content), tolerate=3)


def test_a_truncated_file_with_a_bad_line_has_the_same_error(tmp_path):
    rng = random.Random(1)  # noqa: S311 - text that does not compress
    lines = [
        record(pos=pos, qual="x" if pos == 30 else "1", info=f"X={''.join(rng.choices(string.ascii_letters, k=500))}")
        for pos in range(1, 2000)
    ]
    whole = write(tmp_path / "a.vcf.bgz", text(lines)).read_bytes()
    for cut in (len(whole) // 2, len(whole) - 28, len(whole) - 10):
        path = tmp_path / "cut.vcf.bgz"
        path.write_bytes(whole[:cut])
        for chunk_bytes in (1, 10_000, 8 << 20):
            for tolerate in (0, 5):
                compare(path, tolerate=tolerate, chunk_bytes=chunk_bytes)


def test_a_line_of_5_mb(tmp_path):
    lines = [record(pos=1), record(pos=2, info="X=" + "a" * 5_000_000), record(pos=3)]
    path = write(tmp_path / "a.vcf", text(lines))
    for chunk_bytes in (1000, 8 << 20):
        compare(path, chunk_bytes=chunk_bytes)


@pytest.mark.parametrize("records", [[], [record(pos=0)], [record(chrom="other")], [record(alt=".")]])
@pytest.mark.parametrize("packing", [".vcf", ".vcf.bgz"])
def test_hardly_anything(tmp_path, records, packing):
    compare(write(tmp_path / f"a{packing}", text(records)))


def test_a_file_without_samples(tmp_path):
    lines = [record(pos=pos, alt="G,T", info="AC=1,2").rsplit("\t", 2)[0] for pos in range(1, 9)]
    compare(write(tmp_path / "a.vcf", text(lines, samples=())))


@pytest.mark.parametrize("impact", ["MODERATE", "MODIFIER"])
def test_an_annotated_file_without_samples(tmp_path, impact):
    meta = (
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. '
        'Format: Allele|Consequence|IMPACT|SYMBOL|Gene">\n'
    )
    lines = [record(pos=pos, info=f"CSQ=G|missense_variant|{impact}|G1|E1").rsplit("\t", 2)[0] for pos in (1, 2)]
    got = compare(write(tmp_path / "a.vcf", text(lines, samples=(), header=HEADER + meta)))
    assert (got.alone, got.tables["consequence"].num_rows, got.tables["compound_het"].num_rows) == (0, 2, 0)


def test_many_rejected_lines_name_the_same_ten(tmp_path):
    lines = [record(pos=pos, qual="x" if pos % 700 == 0 else "1") for pos in range(1, 9000)]
    path = write(tmp_path / "a.vcf", text(lines))
    for tolerate in (0, 1, 5):
        for chunk_bytes in (10, 5_000, 8 << 20):
            compare(path, tolerate=tolerate, chunk_bytes=chunk_bytes)


# --- Random files -----------------------------------------------------------------------------------------------------

_CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: '
_CSQ_HEADERS = [
    HEADER,
    HEADER + _CSQ + 'Allele|Consequence|IMPACT|SYMBOL|Gene|Existing_variation|PICK|SIFT|EXON|CANONICAL|HGVSp">\n',
    HEADER
    + _CSQ
    + 'Allele|ALLELE_NUM|Consequence|IMPACT|Gene|STRAND|MANE_SELECT|LoF_info|DISTANCE|gnomADg_AF|CLIN_SIG|HGNC_ID">\n',
]
_CSQ_HEADERS += [
    HEADER + "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Effects: 'Allele | Annotation | Annotation_Impact | "
    "Gene_Name | Gene_ID | Feature_ID | Rank | HGVS.p | Distance | ERRORS / WARNINGS / INFO ' \">\n",
    HEADER + '##INFO=<ID=BCSQ,Number=.,Type=String,Description="Format: Consequence|gene|transcript|biotype|strand|'
    'amino_acid_change|dna_change">\n',
]
_ODD_DECLARATIONS = [
    ("##FORMAT=<ID=AD,Number=R", "##FORMAT=<ID=AD,Number=A"),
    ("##FORMAT=<ID=DP,Number=1", "##FORMAT=<ID=DP,Number=A"),
    ("##FORMAT=<ID=PL,Number=G", "##FORMAT=<ID=PL,Number=-1"),
    ("##INFO=<ID=AF,Number=A", "##INFO=<ID=AF,Number=-1"),
    ("##INFO=<ID=CADD", '##INFO=<ID=DB,Number=1,Type=String,Description="x">\n##INFO=<ID=CADD'),
    ("##INFO=<ID=CADD", '##INFO=<ID=END,Number=A,Type=Integer,Description="x">\n##INFO=<ID=CADD'),
]
"""What of a header, and how a writer declares it in its own way."""
_WIDTHS = [0, 11, 12, 10, 7]
_TAGS = ["", "CSQ", "CSQ", "ANN", "BCSQ"]

_bases = st.sampled_from(["A", "C", "G", "T", "AC", "CA", "ACG", "AAC", "CCA", "N", "acgt", "ACGTACGTACGTACGT"])
_alts = st.lists(
    st.one_of(_bases, _bases, _bases, st.sampled_from(["*", "<NON_REF>", "<*>", "<DEL>", ".", "A[1:2[", "", "?"])),
    min_size=1,
    max_size=4,
)
_numbers = st.sampled_from(
    ["0", "1", "7", "12", "99", "1000", "12345678", "123456789", "1234567890", "99999999999", "-1", "+1", ".", "1.5",
     "0.25", "1e-5", "1E3", "-0.5", ".5", "5.", "nan", "inf", "1e999", "x", "", " 1", "1_0", "0x1", "00012"]
)  # fmt: skip
_plain_numbers = st.sampled_from(["0", "1", "2", "3", "7", "12", "99", "250", ".", "0.5", "1e-3"])
_some_number = st.one_of(*[_plain_numbers] * 6, _numbers)
_lists = st.lists(_some_number, min_size=1, max_size=4).map(",".join)
_gts = st.one_of(
    *[st.sampled_from(["0/0", "0/1", "1/1", "0|1", "1|0", "./.", "1/2", "0/2"])] * 5,
    st.sampled_from(["0", "1", ".", "./1", "1/.", "0/0/1", "|1", "/0|1", "3/4", "a", "", "0/", "1|1|1|1"]),
)
_infos = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["AC", "AF", "AN", "DP", "MQ", "QD", "FS", "CADD", "MLEAC", "ODD", "VQSLOD", "AD"]), _lists
        ).map("=".join),
        st.sampled_from(
            [
                "DB",
                "DB=1",
                "DB=rs1",
                "END=7",
                "END=7,9",
                "OLD_RECORD=x",
                "OLD_MULTIALLELIC=y",
                "AA=A",
                "CIGAR=1M",
                "",
                "A B=1",
                "DP",
            ]
        ),
        st.sampled_from(["CADD=3", "DP=10", "FS=1.25", "culprit=FS"]),
        st.sampled_from(
            [
                "EFF=a(b)",
                "Gene.refGene=x",
                "a|b",
                "c,d=1",
                "word",
                "GERP++=1",
                "ANN=x",
                "word=caf\u00e9",
                "ODD=\u0663",
                "END=1|2",
            ]
        ),
    ),
    max_size=6,
).map(lambda fields: ";".join(fields) or ".")
_effects = st.sampled_from(
    ["missense", "*missense&inframe_altering", "3_prime_utr", "splice_region&intron", "@1000", "@x", "", ".", "odd"]
)
_changes = st.sampled_from(["146M>146T", "162P", "7A>8V", "1A..3>2G..9", "", "."])
_words = st.sampled_from(
    ["", "", "A", "C", "G", "-", "AC", "1", "2", "missense_variant&x", "HIGH", "MODERATE", "LOW", "YES", "NO", "rs1",
     "rs1&COSV2", "rs2&rs3", "tolerated(0.2)", "2/5", "3-4/12", "p.Ala%3D", "p.%zz", "ENSG1", ".", "deleterious", "+1",
     "0.25", "1.5e-05", "0.1&0.2", "4812", "benign&pathogenic", "M\u00e9ni\u00e8re", "\u0663/\u0664", "\U0001f9ec"]
)  # fmt: skip


@st.composite
def _entries(draw: st.DrawFn, width: int, pos: int, ref: str, alts: list[str]) -> str:
    found = []
    for _ in range(draw(st.integers(1, 4))):
        size = width if draw(st.integers(0, 9)) else draw(st.integers(1, width + 2))
        words = [draw(_words) for _ in range(size)]
        if width == _WIDTHS[4]:
            words[0] = draw(_effects)
            words = words[: draw(st.sampled_from([1, 4, 4, 5, 7, 7, 7, 7]))]
            if len(words) == width:
                alt = draw(st.sampled_from([*alts, ""]))
                other = draw(st.sampled_from(["", "", "", f"+{pos + 1}A>G", f"+{pos}{ref}>C"]))
                words[4:] = [draw(st.sampled_from(["+", "-", "."])), draw(_changes), f"{pos}{ref}>{alt}{other}"]
            if not draw(st.integers(0, 5)):
                words[-1] = draw(st.sampled_from(["", "."]))
        elif draw(st.integers(0, 4)):
            alt = draw(st.sampled_from(alts))
            words[0] = draw(st.sampled_from([alt, alt[1:] or "-", f"{alt}-{alts[0]}"]))
            if width == _WIDTHS[2] and size > 1:
                words[1] = draw(st.sampled_from([str(alts.index(alt) + 1), str(alts.index(alt) + 1), ""]))
        found.append("|".join(words))
    between = draw(st.sampled_from([",", ",", ",", ",", ",", ";", ";x;y,"]))
    return between.join(found)


@st.composite
def _sample(draw: st.DrawFn, format_: str, n_alts: int) -> str:
    fields = []
    for key in format_.split(":"):
        many = key in {"AD", "DPR", "PL", "AO"}
        size = {"AD": n_alts + 1, "DPR": n_alts + 1, "AO": n_alts, "PL": 3}.get(key, 1)
        if key in {"GT", "."}:
            fields.append("." if key == "." and draw(st.integers(0, 9)) else draw(_gts))
        elif many and draw(st.integers(0, 9)):
            fields.append(",".join(draw(_plain_numbers) for _ in range(size)))
        else:
            fields.append(draw(_lists if many else _some_number))
    if not draw(st.integers(0, 5)):
        fields = fields[: draw(st.integers(1, len(fields)))]
    return ":".join(fields)


@st.composite
def _files(draw: st.DrawFn) -> tuple[str, int]:
    kind = draw(st.integers(0, 4))
    lines = []
    pos = 1000
    chrom = "chr1"
    for _ in range(draw(st.integers(1, 12))):
        pos += draw(st.sampled_from([0, 0, 1, 1, 2, 5, 100, -1]))
        if not draw(st.integers(0, 9)):
            chrom, pos = draw(
                st.sampled_from(
                    [("chr1", 1), ("chrX", 5_000_000), ("chrY", 20_000_000), ("odd", 1), ("HLA-A*01:01", 1), ("1", 1)]
                )
            )
        alts = draw(_alts)
        format_ = draw(
            st.sampled_from(["GT", "GT:DP", "GT:AD:DP:GQ:PL", "GT:DP:AD:RO:AO", "GT:RO:AO", "GT:DPR:GQ", "GT:GQ:PS",
                             "DP", "GT:ODD:DP", "DP:GT", "AD:GT:DP", "GQ:PL:GT", "."])
        )  # fmt: skip
        samples = [draw(_sample(format_, len(alts))) for _ in range(3)]
        info = draw(_infos)
        ref = draw(_bases)
        if _WIDTHS[kind] and draw(st.booleans()):
            csq = f"{_TAGS[kind]}=" + draw(_entries(_WIDTHS[kind], pos, ref, alts))
            info = csq if info == "." else f"{info};{csq}"
        lines.append(
            record(
                *samples,
                chrom=chrom,
                pos=pos,
                ref=ref,
                alt=",".join(alts),
                id_=draw(st.sampled_from([".", ".", "rs5", "rs5;rs6", "rs6;rs6", "a b", "COSM1", ""])),
                qual=draw(_some_number),
                filter_=draw(st.sampled_from(["PASS", "PASS", ".", "LowQual", "q10;LowQual", "0", "PASS;PASS", ""])),
                info=info,
                format_=format_,
            )
        )
    ends = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        lines.insert(draw(st.integers(0, len(lines))), "")
    header = _CSQ_HEADERS[kind]
    for usual, odd in _ODD_DECLARATIONS:
        assert usual in HEADER
        header = header.replace(usual, odd) if draw(st.booleans()) else header
    content = text(lines, samples=("kid", "dad", "mum"), header=header).replace("\n", ends)
    return content, draw(st.sampled_from([1, 200, 700, 8 << 20]))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_files())
def test_random_files(tmp_path_factory, case):
    content, chunk_bytes = case
    path = tmp_path_factory.getbasetemp() / "random.vcf"
    path.write_bytes(content.encode())
    compare(path, TRIO, tolerate=1000, chunk_bytes=chunk_bytes)


def test_an_entry_without_an_alt_is_not_that_of_the_line_before(tmp_path):
    lines = [record(pos=1), record(pos=2, info="CSQ=GGG|x,G|y"), record(pos=3)]
    header = HEADER + _CSQ + 'Allele|Consequence">\n'
    got = compare(write(tmp_path / "a.vcf", text(lines, header=header)))
    assert got.alone == 0
    assert got.tables["consequence"]["start"].to_pylist() == [2]


def test_a_chunk_of_two_contigs_with_a_line_of_the_fallback_leaves_the_next_chunk_to_the_fast_path(tmp_path):
    lines = [record(pos=1), record(chrom="chrX", pos=1), record(chrom="chrX", pos=2, qual="inf")]
    lines += [record(chrom="chrX", pos=pos) for pos in range(3, 100)]
    path = tmp_path / "a.vcf.gz"
    write_bgzf(path, text(lines, header=HEADER + _CSQ + 'Allele|Consequence">\n').encode(), 1000)
    assert compare(path, chunk_bytes=1000).alone == 1


def test_random_files_are_read_in_bulk_too(tmp_path):
    """The tests above mean little if every line fell back."""
    lines = [record("0/1:4,5:9", "0/0:9,0:9", "1/1:0,8:8", pos=pos, format_="GT:AD:DP") for pos in range(1, 200)]
    got: Outcome = compare(write(tmp_path / "a.vcf", text(lines, samples=("kid", "dad", "mum"))), TRIO)
    assert got.alone == 0
