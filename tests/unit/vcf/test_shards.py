"""Several readers of one file give what one reader gives, or say that they cannot."""

import io

import pytest

from equivalence import assert_same, by_rules, outcome, sharded_outcome
from radiant import vcf
from radiant.demo.bgzf_writer import BgzfWriter
from radiant.demo.make import make
from radiant.domain.pedigree import parse_pedigree
from radiant.errors import VcfFormatError
from radiant.vcf.shards import NeedsOneReaderError, ShardedReader, ShardReader, _share
from real_families import ASHKENAZI
from vcf_files import COLUMNS, HEADER, TRIO, Read, record, text, write


@pytest.mark.parametrize(
    ("name", "members"),
    [("ashk-trio.vcf.gz", ASHKENAZI), ("clinical-trio-vep.vcf.gz", None), ("na12878-chr20.g.vcf.gz", None)],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_real_files(corpus, name, members, size):
    path = corpus / name
    assert_same(
        by_rules(path, members, assembly="GRCh37"),
        sharded_outcome(path, members, size=size, assembly="GRCh37"),
    )


@pytest.mark.parametrize("name", ["FAM0001", "FAM0002"])
def test_a_demo_family_has_no_line_for_the_line_reader(tmp_path, name):
    make(tmp_path, 2, 3000, 5)
    members = parse_pedigree((tmp_path / name / f"{name}.ped").read_text(), "ped", None)
    path = tmp_path / name / f"{name}.vcf.gz"
    expected = by_rules(path, members)
    whole = outcome(path, members)
    assert_same(expected, whole)
    assert whole.alone == 0
    for size, chunk_bytes in ((1, 1000), (50_000, 10_000), (1 << 30, 8 << 20)):
        found = sharded_outcome(path, members, size=size, readers=3, chunk_bytes=chunk_bytes)
        assert_same(expected, found, size)
        assert found.alone == 0


def test_a_shard_is_read_without_the_file(corpus, tmp_path):
    path = tmp_path / "a.vcf.gz"
    path.write_bytes((corpus / "ashk-trio.vcf.gz").read_bytes())
    sharded = ShardedReader(f"file://{path}", ASHKENAZI, vcf.ReadOptions(assembly="GRCh37"))
    shards = list(sharded.shards(100_000, 2))
    path.unlink()
    reader = ShardReader(f"file://{path}", ASHKENAZI, vcf.ReadOptions(assembly="GRCh37"), sharded.header)
    for shard in shards:
        rows = []
        list(sharded.merge(reader.read(shard, lambda _, batch, rows=rows: rows.append(batch))))
        assert rows
    list(sharded.finish())
    assert sharded.lines_read == sharded.report.lines.read > 0


def test_towards_the_end_of_a_file_shards_are_smaller():
    left, sizes = 100 << 20, []
    while left > 0:
        sizes.append(_share(left, 8 << 20, 2))
        left -= sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (8 << 20, 1 << 20)
    assert sizes.count(8 << 20) == 9


def _bgzip(blocks: list[bytes]) -> bytes:
    """Compress each piece as a block of its own."""
    whole = b""
    end = b""
    for block in blocks:
        file = io.BytesIO()
        with BgzfWriter(file) as out:
            out.write(block)
        data = file.getvalue()
        end = data[-28:]
        whole += data[:-28]
    return whole + end


def test_every_block_border(tmp_path):
    lines = [
        record("0/1:5,6", "0/0:9,0", "./.", pos=100, format_="GT:AD", info="AC=1;AN=4;DP=20", id_="rs1"),
        record("1/2:0,4,5", "0/1:3,3,0", "0|2:8,0,1", pos=100, alt="T,C", ref="G", format_="GT:AD"),
        record("0/1", "0/1", "0/1", pos=103, info="CADD=1.5"),
        record("0/1", "0/1", "0/1", pos=104, ref="G", alt="<DEL>"),
        record("0/1", "0/1", "0/1", chrom="chrUn_1", pos=7),
        record("1", "0", "0/1", chrom="chrX", pos=5_000_000),
    ]
    content = text(lines, samples=("kid", "dad", "mum")).encode()
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(_bgzip([content]))
    expected = by_rules(path, TRIO)
    for cut in range(content.index(b"\n", content.index(b"#CHROM")) + 1, len(content) + 1):
        path.write_bytes(_bgzip([content[:cut], content[cut : cut + 70], content[cut + 70 :]]))
        if b"\n" not in content[cut : cut + 70] and cut < len(content):
            with pytest.raises(NeedsOneReaderError):  # a line that ends in neither shard
                sharded_outcome(path, TRIO, size=1)
            continue
        got = sharded_outcome(path, TRIO, size=1)
        for one in (got.report, expected.report):
            one["provenance"] |= {"vcf_size": 0, "vcf_sha256": ""}
        assert_same(expected, got, cut)


@pytest.mark.parametrize(
    "second",
    [
        record(pos=100),  # the same allele
        record(pos=99),  # not in order
        record(pos=101, qual="x"),  # a rejected line
        record(chrom="chrX", pos=1) + "\n" + record(pos=102),  # a contig that comes back
    ],
)
def test_what_several_readers_cannot_judge_is_left_to_one(tmp_path, second):
    first = text([record(pos=100)]).encode()
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(_bgzip([first, second.encode() + b"\n"]))
    with pytest.raises(NeedsOneReaderError):
        sharded_outcome(path, size=1, tolerate=5)


def test_an_allele_of_two_shards_before_is_left_to_one_reader(tmp_path):
    blocks = [text([record(pos=100)]), record(pos=100, alt="C") + "\n", record(pos=100) + "\n"]
    path = tmp_path / "a.vcf.gz"
    path.write_bytes(_bgzip([block.encode() for block in blocks]))
    with pytest.raises(NeedsOneReaderError):
        sharded_outcome(path, size=1, tolerate=5)


def test_a_damaged_or_other_file_is_left_to_one(tmp_path):
    content = text([record(pos=pos, info=f"X={pos * 7919 % 1009}") for pos in range(1, 9000)])
    whole = write(tmp_path / "a.vcf.bgz", content).read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 255
    for name, data in {
        "cut": whole[: len(whole) // 2],
        "no-end": whole[:-28],
        "damaged": bytes(damaged),
        "more": whole + b"x",
        "text": content.encode(),
        "crlf": _bgzip([content.replace("\n", "\r\n").encode()[:60_000]]),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(NeedsOneReaderError):
            sharded_outcome(path, size=20_000)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_two_contigs_of_one_chromosome_are_left_to_one_reader(tmp_path, size):
    lines = [f"{record(chrom=chrom, pos=pos)}\n".encode() for chrom in ("chr1", "1") for pos in range(1, 9)]
    head = (HEADER + COLUMNS + "\tFORMAT\tS1\n").encode()
    path = write(tmp_path / "a.vcf", _bgzip([head, *lines]))
    with pytest.raises(NeedsOneReaderError):
        sharded_outcome(path, size=size)
    with pytest.raises(VcfFormatError, match="contigs chr1 and 1"):
        Read(path)


@pytest.mark.parametrize("end", [b"\n", b"\n\n\n"])
@pytest.mark.parametrize(("apart", "sizes"), [(False, (1, 300, 1 << 20)), (True, (1 << 20,))])
def test_empty_lines_at_the_end_are_no_records(tmp_path, end, apart, sizes):
    lines = [f"{record(pos=pos)}\n".encode() for pos in range(1, 9)]
    head = (HEADER + COLUMNS + "\tFORMAT\tS1\n").encode()
    blocks = [head, *lines, end] if apart else [head, *lines[:-1], lines[-1] + end]
    path = write(tmp_path / "a.vcf", _bgzip(blocks))
    expected = by_rules(path)
    assert expected.report["lines"]["read"] == 8
    for size in sizes:
        assert_same(expected, sharded_outcome(path, size=size), size)


def test_an_empty_line_at_a_border_is_left_to_one_reader(tmp_path):
    lines = [f"{record(pos=pos)}\n".encode() for pos in range(1, 9)]
    head = (HEADER + COLUMNS + "\tFORMAT\tS1\n").encode()
    for blocks in ([head, *lines[:4], b"\n", *lines[4:]], [head, lines[0] + b"\n", *lines[1:]]):
        path = write(tmp_path / "a.vcf", _bgzip(blocks))
        for size in (1, 1 << 20):
            with pytest.raises(NeedsOneReaderError):
                sharded_outcome(path, size=size)
