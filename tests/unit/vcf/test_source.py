"""Bytes to lines: packing, line ends, completeness."""

import gzip
import hashlib

import pytest

import radiant.vcf.text.source as source_module
from radiant import storage
from radiant.errors import InputError, VcfFormatError, VcfTruncatedError
from radiant.vcf.text.source import Compression, Source
from vcf_files import write

TEXT = "".join(f"line {number} " + "x" * 200 + "\n" for number in range(5000))
"""About 1 MB: many BGZF blocks, several chunks."""


def lines(path) -> tuple[Source, list[str]]:
    source = Source(f"file://{path}")
    return source, [line.decode() for _, line in source.lines()]


@pytest.mark.parametrize(
    ("name", "compression"),
    [("a.vcf", Compression.NONE), ("a.vcf.gz", Compression.GZIP), ("a.vcf.bgz", Compression.BGZF)],
)
def test_every_packing_gives_the_same_numbered_lines_and_the_files_digest(tmp_path, name, compression):
    path = write(tmp_path / name, TEXT)
    source = Source(f"file://{path}")
    found = list(source.lines())
    assert [number for number, _ in found] == list(range(1, 5001))
    assert b"\n".join(line for _, line in found) + b"\n" == TEXT.encode()
    assert source.compression is compression
    assert source.size == path.stat().st_size
    assert source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_several_gzip_members_are_one_text(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"c\nd\n"))
    assert lines(path)[1] == ["a", "bc", "d"]


def test_windows_line_ends_and_a_byte_order_mark_are_read_and_noted(tmp_path):
    source, found = lines(write(tmp_path / "a.vcf", b"\xef\xbb\xbfa\r\nb\r\n"))
    assert found == ["a", "b"]
    assert source.marks.had_bom
    assert source.marks.had_crlf


def _block_starts(data: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        at += int.from_bytes(data[at + 16 : at + 18], "little") + 1
    return starts


def test_a_bgzf_file_cut_at_any_block_boundary_is_truncated(tmp_path):
    data = write(tmp_path / "a.bgz", TEXT).read_bytes()
    starts = _block_starts(data)
    assert len(starts) > 3
    for start in starts[1:]:
        with pytest.raises(VcfTruncatedError, match="end-of-file block"):
            lines(write(tmp_path / "cut.vcf", data[:start]))


@pytest.mark.parametrize("name", ["a.gz", "a.bgz"])
def test_a_file_cut_inside_a_block_is_truncated(tmp_path, name):
    data = write(tmp_path / name, TEXT).read_bytes()
    for size in (len(data) - 1, len(data) - 10, len(data) // 2 + 7, 15):
        with pytest.raises(VcfTruncatedError):
            lines(write(tmp_path / "cut.vcf", data[:size]))


@pytest.mark.parametrize("name", ["a.gz", "a.bgz"])
def test_a_flipped_byte_is_noticed(tmp_path, name):
    data = bytearray(write(tmp_path / name, TEXT).read_bytes())
    data[len(data) // 2] ^= 0x10
    with pytest.raises(InputError):
        lines(write(tmp_path / "flipped.vcf", bytes(data)))


def test_bytes_after_the_last_member_are_noticed(tmp_path):
    data = write(tmp_path / "a.bgz", TEXT).read_bytes()
    with pytest.raises(VcfFormatError, match="follow the last gzip member"):
        lines(write(tmp_path / "b.vcf", data + b"garbage"))


def test_bare_text_without_a_last_line_break_is_truncated(tmp_path):
    with pytest.raises(VcfTruncatedError, match="line 2: the last line"):
        lines(write(tmp_path / "a.vcf", "a\nb"))


def test_compressed_text_without_a_last_line_break_is_whole(tmp_path):
    source, found = lines(write(tmp_path / "a.gz", "a\nb\r"))
    assert found == ["a", "b"]
    assert source.marks.ended_without_break


def test_a_line_of_5_mb_is_read(tmp_path):
    long = "x" * 5_000_000
    assert lines(write(tmp_path / "a.bgz", f"a\n{long}\nb\n"))[1] == ["a", long, "b"]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "MAX_LINE_BYTES", 1 << 20)
    with pytest.raises(VcfFormatError, match="line 2: is longer than 1 MiB"):
        lines(write(tmp_path / "a.gz", "a\n" + "x" * 3_000_000 + "\n"))


def test_utf16_is_named(tmp_path):
    with pytest.raises(VcfFormatError, match="UTF-16"):
        lines(write(tmp_path / "a.vcf", "a\n".encode("utf-16")))


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path):
    for path in (tmp_path / "none.vcf", tmp_path):
        with pytest.raises(InputError):
            lines(path)


def test_an_object_store_is_read_like_a_file(tmp_path):
    data = write(tmp_path / "a.bgz", TEXT).read_bytes()
    storage.write_bytes("memory://radiant-test-source/a.vcf.gz", data)
    source = Source("memory://radiant-test-source/a.vcf.gz")
    assert sum(1 for _ in source.lines()) == 5000
    assert source.sha256 == hashlib.sha256(data).hexdigest()
