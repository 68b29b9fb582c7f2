"""Lines as real tools write them that differ from most: the fast path reads them, as the rules do.

Each kind is a part of a line that goes through the rules by itself, or that arrays read in another way.
"""

import random

import pytest

from equivalence import assert_same, by_rules, compare, outcome, sharded_outcome, without_fallback
from radiant import vcf
from radiant.vcf.fast import allele_columns
from radiant.vcf.text import source
from varied_vcf import write_bgzf
from vcf_files import HEADER, TRIO, record, text, write

_CSQ = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
VEP = HEADER + _CSQ + 'Allele|Consequence|IMPACT|SYMBOL|Gene|LoF_info">\n'
NUMBERED = HEADER + _CSQ + 'Allele|Consequence|IMPACT|Gene|ALLELE_NUM">\n'
NAMELESS = HEADER + _CSQ + 'Consequence|IMPACT|Gene">\n'
SNPEFF = HEADER + (
    "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | Annotation | "
    "Annotation_Impact | Gene_Name | Gene_ID '\">\n"
)
BCFTOOLS = HEADER + (
    '##INFO=<ID=BCSQ,Number=.,Type=String,Description="Local consequence annotation from BCFtools/csq. Format: '
    'Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change">\n'
)
MORE = HEADER + (
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="x">\n##INFO=<ID=END,Number=1,Type=Integer,Description="x">\n'
    '##INFO=<ID=Z,Number=2,Type=Float,Description="x">\n##INFO=<ID=W,Number=1,Type=Character,Description="x">\n'
    '##INFO=<ID=MQ,Number=1,Type=Float,Description="x">\n##FORMAT=<ID=RNC,Number=2,Type=Character,Description="x">\n'
    '##FORMAT=<ID=SB,Number=4,Type=Integer,Description="x">\n##FORMAT=<ID=AF,Number=A,Type=Float,Description="x">\n'
)
GENOTYPES = ("0/1", "0/0", "1/1", "0|1", "./.", "./1", "0/.", "1", "0")


def vep(*names: str) -> str:
    """Return CSQ with an entry for each name."""
    return "CSQ=" + ",".join(f"{name}|missense_variant|MODERATE|G1|E{place}|" for place, name in enumerate(names))


ENTRIES = {
    "VEP drops the first base of all alleles": (VEP, "CA", "C,CAA", vep("-", "AA")),
    "VEP --minimal": (VEP, "CA", "C,CAA", vep("-", "A")),
    "VEP --minimal of an MNV": (VEP, "CAT", "CGT,C", vep("G", "-")),
    "ALT as written": (VEP, "CA", "C,CAA", vep("C", "CAA")),
    "VEP did not see the gVCF's allele": (VEP, "CA", "C,<NON_REF>", vep("-", "-")),
    "VEP saw the gVCF's allele": (VEP, "CA", "C,<NON_REF>", vep("C", "C")),
    "an unseen allele with a star": (VEP, "CA", "C,<*>", vep("-")),
    "a spanning deletion": (VEP, "CA", "C,*", vep("-", "*")),
    "a name of another tool": (VEP, "CAA", "CAAA", vep("AAA", "AAA")),
    "an entry of an ALT that was split away": (VEP, "A", "G", vep("G", "T")),
    "a structural ALT beside a sequence": (VEP, "A", "G,<DEL>", vep("G", "deletion")),
    "no name": (VEP, "A", "G", vep("", "")),
    "no name, two ALTs": (VEP, "A", "G,T", vep("", "G")),
    "lower case": (VEP, "ca", "c,cAa", vep("-", "AA")),
    "percent codes": (VEP, "A", "G", vep("%47")),
    "a number that fits": (NUMBERED, "CA", "C,CAA", "CSQ=-|x|LOW|E1|1,A|x|LOW|E1|2"),
    "a number that its name contradicts": (NUMBERED, "A", "G,T", "CSQ=G|x|LOW|E1|2,T|x|LOW|E1|2"),
    "a number of no ALT": (NUMBERED, "A", "G,T", "CSQ=G|x|LOW|E1|7,T|x|LOW|E1|02"),
    "a field for the name that is not there": (NAMELESS, "A", "G", "CSQ=x|LOW|E1"),
    "that field with two ALTs": (NAMELESS, "A", "G,T", "CSQ=x|LOW|E1"),
    "that field with the gVCF's allele": (NAMELESS, "A", "G,<NON_REF>", "CSQ=x|LOW|E1"),
    "too many fields": (VEP, "A", "G", "CSQ=G|x|LOW|G1|E1||,G|y|LOW|G2|E2|"),
    "a comma in the last field": (VEP, "A", "G", "CSQ=G|x|LOW|G1|E1|a,b,G|y|LOW|G2|E2|"),
    "a comma in another field": (VEP, "A", "G", "CSQ=G|x|LOW|G,1|E1|,G|y|LOW|G2|E2|"),
    "no entry with its fields": (VEP, "A", "G", "CSQ=G,A"),
    "a dot for all entries": (VEP, "A", "G", "CSQ=."),
    "nothing for all entries": (VEP, "A", "G", "CSQ="),
    "the key alone": (VEP, "A", "G", "CSQ"),
    "SnpEff": (SNPEFF, "CA", "C,CAA", "ANN=C|x|LOW|G|E,CAA|x|LOW|G|E"),
    "SnpEff -cancer": (SNPEFF, "A", "G,T", "ANN=G|x|LOW|G|E,T-G|x|LOW|G|E,Q-G|x|LOW|G|E"),
    "SnpEff of a structural ALT": (SNPEFF, "A", "<DEL>,G", "ANN=<DEL>|x|LOW|G|E,G|x|LOW|G|E"),
    "bcftools of two lines": (BCFTOOLS, "A", "G", "BCSQ=missense|G|T|p|+|1A>1V|POSA>G+9C>T"),
    "bcftools of another line": (BCFTOOLS, "A", "G", "BCSQ=missense|G|T|p|+|1A>1V|9C>T"),
    "bcftools of both ALTs": (BCFTOOLS, "A", "G,T", "BCSQ=missense|G|T|p|+|1A>1V|POSA>T+POSA>G,intron|G|T|p"),
    "bcftools with a dot": (BCFTOOLS, "A", "G", "BCSQ=missense|G|T|p|+|1A>1V|."),
    "bcftools with too many fields": (BCFTOOLS, "A", "G", "BCSQ=missense|G|T|p|+|1A>1V|POSA>G|,intron|G|T|p"),
    "bcftools in lower case": (BCFTOOLS, "a", "g", "BCSQ=missense|G|T|p|+|1A>1V|POSa>g"),
}
"""Header, REF, ALT and INFO; POS stands for the line's position."""

ALLELES = {
    "a deletion without its sequence": ("A", "<DEL>"),
    "symbols twice": ("A", "<DUP>,<DUP>"),
    "an unknown symbol": ("A", "<STR12>"),
    "an insertion of a mobile element beside a sequence": ("A", "G,<INS:ME:ALU>"),
    "a breakend": ("G", "G]chr2:321681]"),
    "a breakend beside a sequence": ("G", "T,]chr2:321681]G"),
    "a single breakend": ("G", "G."),
    "a breakend without a base": ("N", ".[chr2:321681["),
    "a breakend without a base beside a sequence": ("G", "T,]chr2:321681]."),
    "a star and a symbol": ("G", "*,<DEL>"),
    "the older star": ("G", "<*:DEL>"),
    "mpileup's unseen allele": ("G", "<X>"),
    "lower case": ("acg", "a,ACGT"),
    "lower case with a symbol": ("a", "<Del:me>,g"),
    "an MNV": ("CAT", "GAC"),
    "a very long deletion": ("C" + "ACGT" * 5000, "C"),
    "a very long insertion": ("C", "C" + "ACGT" * 5000),
    "twenty ALTs": ("A", ",".join("A" + "CT" * count for count in range(1, 21))),
}
INFOS = {
    "a decimal in an Integer": "CADD=1.5",
    "several values": "CADD=1,2",
    "a word in an Integer": "CADD=high;DP=10",
    "no value": "CADD;AN=2",
    "another number of values": "Z=1;AF=0.5",
    "several faults, in order": "Z=x;CADD=1.5;AC=1,2;W=ab",
    "counts of another line": "AC=1,2,3;AF=0.1,0.2,0.3;AN=4",
    "a large integer": "AN=2147483647;CADD=2147483647",
    "too large an integer without a column": "CADD=99999999999",
    "an infinite number": "AF=inf;MQ=Infinity",
    "a plus sign": "DP=+10;CADD=+1",
    "nan": "AF=NaN;MQ=nan",
}
SAMPLES = {
    "a half call": ("GT:DP:GQ", "./1:10:99"),
    "GLnexus's reasons": ("GT:DP:AD:RNC", "./.:0:0,0:II", "0/1:9:4,5:..", "./.:.:.:-M"),
    "reads of another line": ("GT:AD:DP", "0/1:1,2,3:9"),
    "reads of ALT alone": ("GT:AD", "0/1:5"),
    "reads without a number": ("GT:AD:DP", "0/1:.,5:5"),
    "several depths": ("GT:DP:GQ", "0/1:3,4:9"),
    "several qualities": ("GT:GQ", "0/1:30,40"),
    "trailing fields left out": ("GT:AD:DP:GQ:PL", "0/1:3,4", "./.", "0/0:9,0:9"),
    "an empty field without a column": ("GT:SB:DP", "0/1::7"),
    "a decimal in an Integer without a column": ("GT:SB", "0/1:1,2,3,4.5"),
    "likelihoods of a haploid call": ("GT:PL", "1:9,0", "0/1:9,0,9", "1:9,0,9"),
    "likelihoods of three copies": ("GT:PL", "0/0/1:9,0,9,8", "0/0/1:1,2,3"),
    "AO after a missing AD": ("GT:AD:RO:AO", "0/1:.:3:4", "0/1:1,2:3:4"),
    "all of AO missing": ("GT:RO:AO", "0/1:3:."),
    "phased": ("GT:PS", "0|1:17", "1|0:.", "0/1"),
    "a phase marker in front": ("GT", "|1", "/0|1"),
    "a large quality": ("GT:GQ", "0/1:1234567890", "0/1:99.9"),
    "no genotypes": (".", "."),
    "frequencies of another line": ("GT:AF", "0/1:0.5,0.25"),
}


SCORED = MORE + '##INFO=<ID=gnomad_AF,Number=1,Type=Float,Description="x">\n'
AGAIN = {
    "first without a value": "ODD;ODD=1;ODD=",
    "an empty entry at the end, in the middle, twice": "CADD=1.5;;CADD=x;W=b;;",
    "with other pieces": "CADD=1.5;CADD=x;Z=1;Z=2,3;W=ab;Z=4",
    "the first one does not fit": "gnomad_AF=x;gnomad_AF=0.5",
}


def family(*columns: str) -> tuple[str, ...]:
    """Return three sample columns."""
    return tuple((columns * 3)[:3])


def check(tmp_path, lines: list[str], header: str = MORE, **options: object):
    """Compare both ways of reading, with the lines between others that nothing is odd about; none may be left."""
    rng = random.Random(len(lines[0]))  # noqa: S311 - test data
    many = []
    for place in range(60):
        pos = 1000 + 100_000 * place
        one = lines[place // 2 % len(lines)] if place % 2 else record(*family("0/1", "0/0"), info="DP=9")
        columns = one.replace("POS", str(pos)).split("\t")
        columns[1] = str(pos)
        columns[9:] = rng.sample(columns[9:], 3)
        many.append("\t".join(columns))
    path = write(tmp_path / "a.vcf", text(many, samples=("kid", "dad", "mum"), header=header))
    found = compare(path, TRIO, **options)
    assert found.error is None
    assert found.report["fallback"]["reasons"] == {}
    in_pieces = compare(path, TRIO, chunk_bytes=2000, **options)
    assert without_fallback(in_pieces.report) == without_fallback(found.report)
    return found


@pytest.mark.parametrize("kind", ENTRIES)
def test_spellings_of_alleles(tmp_path, kind):
    header, ref, alt, info = ENTRIES[kind]
    check(tmp_path, [record(*family("0/1", "1/1", "0/0"), ref=ref, alt=alt, info=info)], header)


@pytest.mark.parametrize("kind", ALLELES)
def test_alleles(tmp_path, kind):
    ref, alt = ALLELES[kind]
    check(tmp_path, [record(*family(*GENOTYPES[place:]), ref=ref, alt=alt) for place in range(3)])


@pytest.mark.parametrize("kind", INFOS)
@pytest.mark.parametrize("alt", ["G", "G,T"])
def test_info(tmp_path, kind, alt):
    check(tmp_path, [record(*family("0/1"), alt=alt, info=INFOS[kind])])


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("alt", ["G", "G,T"])
def test_samples(tmp_path, kind, alt):
    format_, *columns = SAMPLES[kind]
    found = check(tmp_path, [record(*family(*columns), alt=alt, format_=format_)])
    assert found.tables["occurrence"].num_rows > 0


@pytest.mark.parametrize("kind", AGAIN)
@pytest.mark.parametrize("alt", ["G", "G,T"])
def test_a_key_without_a_column_that_comes_again(tmp_path, kind, alt):
    found = check(tmp_path, [record(*family("0/1"), alt=alt, info=AGAIN[kind])], SCORED)
    assert found.report["pieces"]["info_key_twice"] >= 30


def test_a_key_that_comes_again_in_text_that_a_semicolon_cut_off_the_annotation(tmp_path):
    info = vep("G") + ";X=1;X=a|b|c,d;Y"
    found = compare(write(tmp_path / "a.vcf", text([record(info=info), record(pos=2000, info="X=1;X=2")], header=VEP)))
    assert found.report["pieces"] == {"csq_bare_semicolon": 2, "info_key_twice": 1}
    assert found.report["fallback"]["reasons"] == {"info": 1}


# --- Text that is not ASCII -------------------------------------------------------------------------------------------

NAMES = (
    "M\u00e9ni\u00e8re",
    "Sj\u00f6gren",
    "\u5b50",
    "\U0001f9ec",
    "\u00a0",
    "\u0085",
    "\ufeff",
    "\u2028",
    "\u0663",
    "e\u0301",
)
"""Characters of two, three and four bytes; white space, digits and line ends of Unicode, which VCF does not have."""


def unicode_lines() -> list[str]:
    """Return lines with such text wherever INFO has text, numbers or keys, short and long."""
    infos = [
        f"CLNDN={NAMES[0]}_disease|{NAMES[1]};DP=9",
        *(f"NOTE={name};{vep('G').replace('G1', name)}" for name in NAMES),
        *(f"CSQ=G|{name}&missense_variant|MODERATE|{name * 3}|E{name}|{name}{'x' * 130}" for name in NAMES),
        *(f"CADD={name};W={name};Z={name},1;DB{NAMES[2]};{NAMES[0]}=1;DP=9" for name in NAMES),
        f"W={NAMES[0]};W2={NAMES[1]},{NAMES[2]};AA={NAMES[2]}",
        f"CSQ=G|x|LOW|%C3%A9{NAMES[0]}%3D|E1|%C3;NOTE=%C3%A9",
        f"{vep('G', NAMES[0])}{NAMES[1]},x",
        f"{vep('G')};NOTE={NAMES[1]};NOTE={NAMES[2]}",
    ]
    return [record(*family("0/1", "1/1", "0/0"), info=info) for info in infos]


UNICODE = VEP + (
    '##INFO=<ID=CLNDN,Number=.,Type=String,Description="x">\n##INFO=<ID=W,Number=1,Type=Character,Description="x">\n'
    '##INFO=<ID=W2,Number=2,Type=Character,Description="x">\n##INFO=<ID=Z,Number=2,Type=Float,Description="x">\n'
    '##INFO=<ID=NOTE,Number=.,Type=String,Description="x">\n'
)


@pytest.mark.parametrize("line", range(len(unicode_lines())))
def test_text_in_info_that_is_not_ascii(tmp_path, line):
    check(
        tmp_path,
        [unicode_lines()[line]],
        UNICODE,
        info=vcf.InfoOptions(columns=("CLNDN:string", "CADD:int", "Z:float")),
    )


def test_a_character_on_each_border_of_portions_blocks_and_shards(tmp_path, monkeypatch):
    rows = [line.split("\t", 2)[2] for line in unicode_lines()]
    rows = [f"chr1\t{100 * at + 100}\t{row}" for at, row in enumerate(rows * 4)]
    content = text(rows, samples=("kid", "dad", "mum"), header=UNICODE).encode()
    path = tmp_path / "a.vcf.gz"
    for block in (190, 191, 193, 1001):
        write_bgzf(path, content, block)
        expected = by_rules(path, TRIO)
        assert_same(expected, sharded_outcome(path, TRIO, size=4000, chunk_bytes=1000), block)
    for size in range(501, 560, 5):
        monkeypatch.setattr(source, "_CHUNK", size)
        assert_same(expected, outcome(path, TRIO, chunk_bytes=size), size)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_before_text_that_is_not_ascii(tmp_path, bom):
    content = bom + text([record(info=f"NOTE={name}", pos=at + 1) for at, name in enumerate(NAMES)]).encode()
    found = compare(write(tmp_path / "a.vcf", content))
    assert found.error is None
    assert found.report["fallback"]["lines"] == 0


@pytest.mark.parametrize(
    ("info", "rule"),
    [
        (b"NOTE=M\xe9ni\xe8re", "utf8"),  # Latin-1
        (b"NOTE=\xc3", "utf8"),
        (b"NOTE=\xed\xa0\x80", "utf8"),  # half of a pair of UTF-16
        (b"NOTE=\xc0\x80", "utf8"),  # NUL in two bytes
        (b"NOTE=\xf5\x80\x80\x80", "utf8"),
        (b"N\xc2\xa0E=1", None),  # white space in a key
        (b"NOTE=\x00", None),
        (b"NOTE=\xc3\xa9\x00", None),
        (b"NOTE=\xc3\xa9\x1f", None),
        (b"NOTE=\xc3\t\xa9", "utf8"),
        (b"DP=\xc3\xa9", "not_an_integer"),
    ],
)
def test_text_that_is_not_utf_8_and_control_characters_are_left_to_the_rules(tmp_path, info, rule):
    lines = [record(pos=pos, info=f"NOTE={NAMES[0]}") for pos in range(100, 140)]
    lines[20] = record(pos=120, info="HERE")
    path = write(tmp_path / "a.vcf", text(lines).encode().replace(b"HERE", info))
    found = compare(path, tolerate=9)
    assert found.report["rejected"] == ({} if rule is None else {rule: 1})
    assert found.report["fallback"]["lines"] == 1
    assert (compare(path).error is None) == (rule is None)


@pytest.mark.parametrize("column", range(10))
def test_text_that_is_not_ascii_in_any_column_but_info_is_left_to_the_rules(tmp_path, column):
    for name in NAMES:
        lines = [record(pos=pos) for pos in range(100, 140)]
        columns = lines[20].split("\t")
        columns[column] += name
        lines[20] = "\t".join(columns)
        found = compare(write(tmp_path / "a.vcf", text(lines)), tolerate=9)
        assert ("columns" in found.report["fallback"]["reasons"]) == (column != 7)


def test_a_file_without_samples_ends_its_lines_with_info(tmp_path):
    lines = [record(pos=at + 1, info=f"NOTE={name}").rsplit("\t", 2)[0] for at, name in enumerate(NAMES)]
    found = compare(write(tmp_path / "a.vcf", text(lines, samples=())))
    assert found.report["fallback"]["lines"] == 0


def test_pieces_of_all_parts_of_a_line_keep_their_order(tmp_path):
    line = record("0/1:1,2,3:1.5,1,1,1", "0/1:1,2:", "0/1:1:1,2", info=f"CADD=1.5;Z=x;{vep('G', 'T', 'C')}",
                  format_="GT:AD:SB")  # fmt: skip
    header = MORE + _CSQ + 'Allele|Consequence|IMPACT|SYMBOL|Gene|LoF_info">\n'
    found = check(tmp_path, [line], header)
    rules = [row["rule"] for row in found.tables["quarantine"].to_pylist()]
    assert rules[:2] == ["info_not_an_integer", "info_value_count"]
    assert rules[-2:] == ["csq_allele_unknown", "csq_allele_unknown"]
    assert len(rules) == 30 * 9


def test_pieces_beyond_the_most_of_a_rule_are_counted_and_not_stored(tmp_path, monkeypatch):
    monkeypatch.setattr("radiant.vcf.rows.quarantine.MAX_PIECES_PER_RULE", 7)
    found = check(tmp_path, [record(*family("0/1"), info="CADD=1.5")])
    assert (found.report["pieces"], found.tables["quarantine"].num_rows) == ({"info_not_an_integer": 30}, 7)


@pytest.mark.parametrize("alt", ["G", "G,T"])
def test_a_filter_that_comes_again_counts_once(tmp_path, alt):
    """VarDict's records that two steps of bcbio rejected."""
    filters = ("p8;REJECT;REJECT", "REJECT", "PASS", "REJECT;p8;REJECT;p8")
    lines = [record(*family("0/1"), alt=alt, filter_=one, info="CADD=1.5") for one in filters]
    found = check(tmp_path, lines)
    assert found.report["pieces"]["filter_twice"] >= 14
    read = {tuple(one) for one in found.tables["occurrence"].column("filter").to_pylist()}
    assert read == {("p8", "REJECT"), ("REJECT",), ("PASS",), ("REJECT", "p8")}


def test_structural_alleles_are_counted_by_kind_beside_sequences_and_alone(tmp_path):
    lines = [
        record(*family("0/1"), alt=alt) for alt in ("<DEL>", "G,<DEL>", "<INS:ME>", "A]chr1:5]", "<STR3>", "*,<DUP>")
    ]
    found = check(tmp_path, lines)
    (warning,) = [one for one in found.report["warnings"] if "structural" in one]
    assert warning.endswith("skipped: DEL 10, BND 5, DUP 5, INS 5, other 5")


def test_lines_around_a_rejected_one_stay_on_the_fast_path(tmp_path):
    lines = [record(pos=pos, ref="ACGT", alt="A") for pos in range(100, 140)]
    lines[20] = record(pos=120, ref="ACGTACGTACGT", alt="A", filter_="0")
    found = compare(write(tmp_path / "a.vcf", text(lines)), tolerate=9)
    assert found.report["fallback"]["reasons"] == {"filter": 1}


def test_lines_on_the_ref_of_one_with_unknown_alleles_are_left(tmp_path):
    lines = [record(pos=pos) for pos in range(100, 140)]
    lines[20] = record(pos=120, ref="ACGT", alt="A", info="NOTE=a\x01")
    found = compare(write(tmp_path / "a.vcf", text(lines)))
    assert found.report["fallback"]["reasons"] == {"columns": 1, "neighbour": 3}


def test_an_allele_twice_is_rejected_when_one_of_its_lines_is_left_for_another_reason(tmp_path):
    lines = [record(pos=10), record(pos=20, ref="CAG", alt="CAT"), record(pos=22, ref="G", alt="T", qual="inf")]
    found = compare(write(tmp_path / "a.vcf", text(lines)), tolerate=9)
    assert found.report["rejected"] == {"duplicate_allele": 1}


def test_every_reason_of_an_alt_without_a_sequence_has_a_code():
    assert len(allele_columns.SKIPS) == len(set(allele_columns.SKIPS)) == 4
