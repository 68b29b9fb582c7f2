"""A pod's log in pages, from a kubelet that answers as the real one does: line by line, since a whole second."""

import random

import pytest

from radiant.operators.pod.pod_log import MUCH_BYTES, PAGE_LINES, PIECE_BYTES, LogReader, PodLogCursor, is_last


class Kubelet:
    """The log of one container."""

    def __init__(self):
        self.lines = []

    def write(self, seconds, text, zone="Z"):
        whole, nanos = divmod(round(seconds * 10**9), 10**9)
        fraction = f".{nanos:09d}".rstrip("0").rstrip(".")
        hours = 2 if zone == "+02:00" else 0
        clock = f"2026-01-01T{hours + whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{fraction}{zone}"
        self.lines.append((seconds, f"{clock} {text}".encode()))

    def answer(self, position, *, size=7, tail=b""):
        epoch = 1767225600  # 2026-01-01T00:00:00Z
        kept = [line for seconds, line in self.lines if not position.since or epoch + seconds >= position.since]
        data = b"".join(line + b"\n" for line in kept) + tail
        return [data[at : at + size] for at in range(0, len(data), size)]

    def read(self, position, *, ended=False, **kwargs):
        return LogReader(self.answer(position, **kwargs), position, ended=ended).page()


@pytest.fixture
def kubelet():
    return Kubelet()


def test_pages_join_to_the_whole_log_whenever_they_are_read(kubelet):
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    position, found, now = PodLogCursor(), [], 0.0
    for number in range(2000):
        now += chance.choice([0, 0, 0, 0.000001, 0.3, 2.5])
        # Two threads write: times run backwards by a hair.
        kubelet.write(max(0, now - chance.choice([0, 0, 0.4])), f"line {number}")
        if chance.random() < 0.2:
            page = kubelet.read(PodLogCursor.decode(position.encode()), size=chance.choice([1, 100, 10000]))
            found += page.lines
            position = page.position
    found += kubelet.read(position, ended=True).lines
    assert found == [f"line {number}" for number in range(2000)]


def test_many_lines_of_the_same_time_come_once_over_several_pages(kubelet):
    total = 2 * PAGE_LINES + 100
    for number in range(total):
        kubelet.write(5.5, f"line {number}")
    position, found, pages = PodLogCursor(), [], 0
    while True:
        page = kubelet.read(position, size=4096)
        found += page.lines
        position, pages = page.position, pages + 1
        if not page.full:
            break
    assert found == [f"line {number}" for number in range(total)]
    assert pages == 3


def test_one_answer_is_read_to_its_end_without_another_request(kubelet):
    total = 3 * PAGE_LINES + 5
    for number in range(total):
        kubelet.write(5.5, f"line {number}")
    reader, found = LogReader(kubelet.answer(PodLogCursor(), size=4096), PodLogCursor(), ended=False), []
    while True:
        page = reader.page()
        found += page.lines
        if not page.full:
            break
    assert found == [f"line {number}" for number in range(total)]
    assert kubelet.read(PodLogCursor.decode(page.position.encode()), size=4096).lines == []
    assert page.position.size > MUCH_BYTES
    assert len(page.position.encode()) < 300


def test_the_last_line_shows_whether_there_is_anything_new(kubelet):
    for number in range(10):
        kubelet.write(5.5, f"line {number}")
    position = kubelet.read(PodLogCursor()).position
    assert is_last([kubelet.lines[-1][1], b"\n"], position)
    kubelet.write(5.5, "line 10")
    assert not is_last([kubelet.lines[-1][1], b"\n"], position)
    assert not is_last([], position), "the file is a new one"


def test_the_last_line_of_an_ended_container_may_be_long_without_an_end_or_none():
    assert is_last([], PodLogCursor(), ended=True)
    stamp = b"2026-01-01T00:00:05.5Z "
    pieces = [b"x" * PIECE_BYTES, b"x" * PIECE_BYTES, b"x" * 9]
    for joined in (stamp + stamp.join(pieces), stamp + b"".join(pieces)):
        reader = LogReader([b"2026-01-01T00:00:05Z before\n", joined], PodLogCursor(), ended=True)
        position = reader.page().position
        assert is_last([stamp + pieces[-1]], position, ended=True)
        assert not is_last([stamp + b"y" * 9], position, ended=True)
        assert not is_last([], position, ended=True)


def test_a_line_that_is_still_being_written_waits_for_its_end(kubelet):
    kubelet.write(1, "whole")
    tail = b"2026-01-01T00:00:02Z hal"
    page = kubelet.read(PodLogCursor(), tail=tail)
    assert page.lines == ["whole"]
    assert kubelet.read(page.position, tail=tail, ended=True).lines == ["hal"]


def test_times_of_another_zone_are_understood(kubelet):
    for number in range(20):
        kubelet.write(number, f"line {number}", zone="+02:00")
    first = kubelet.read(PodLogCursor())
    kubelet.write(20, "line 20", zone="+02:00")
    assert first.position.since == 1767225600 + 17
    assert kubelet.read(first.position).lines == ["line 20"]


def test_what_the_kubelet_says_itself_is_no_line(kubelet):
    said = b"unable to retrieve container logs for containerd://1"
    assert kubelet.read(PodLogCursor(), tail=said, ended=True).lines == []
    assert kubelet.read(PodLogCursor(), tail=said + b"\n").lines == []


def test_after_a_rotation_nothing_comes_twice_and_the_gap_is_said(kubelet):
    for number in range(10):
        kubelet.write(number, f"line {number}")
    page = kubelet.read(PodLogCursor())
    kubelet.lines = kubelet.lines[9:]
    kubelet.write(10, "line 10")
    found = kubelet.read(page.position)
    assert found.lines[1:] == ["line 10"]
    assert "rotated" in found.lines[0]
    kubelet.write(11, "line 11")
    assert kubelet.read(found.position).lines == ["line 11"]


def test_a_gap_is_said_even_if_the_new_file_had_nothing_at_first(kubelet):
    for number in range(10):
        kubelet.write(number, f"line {number}")
    position = kubelet.read(PodLogCursor()).position
    for part in range(3):
        kubelet.lines = []
        empty = kubelet.read(position)
        assert empty.lines == []
        kubelet.write(20 + part, f"after rotation {part}")
        page = kubelet.read(PodLogCursor.decode(empty.position.encode()))
        assert "rotated" in page.lines[0]
        assert page.lines[1:] == [f"after rotation {part}"]
        position = page.position
    assert kubelet.read(position).lines == []


@pytest.mark.parametrize("kept_bytes", [0, 20, 100, 3000])
def test_an_answer_that_is_cut_within_known_lines_repeats_none_and_reports_no_gap(kubelet, kept_bytes):
    for number in range(200):
        kubelet.write(5 + number / 1000, f"line {number}")
    position = kubelet.read(PodLogCursor()).position
    cut = b"".join(kubelet.answer(position))[:kept_bytes]
    page = LogReader([cut], position, ended=False).page()
    assert (page.lines, page.position, page.full) == ([], position, False)
    kubelet.write(6, "line 200")
    assert kubelet.read(page.position).lines == ["line 200"]


def test_a_cursor_of_another_version_is_the_beginning():
    assert PodLogCursor.decode('[1, 2, "digest", "newest"]') == PodLogCursor()
    assert PodLogCursor.decode("{") == PodLogCursor()


@pytest.mark.parametrize("joint", [b"", b"2026-01-01T00:00:01.000000001Z "])
def test_a_character_at_the_edge_of_a_piece_stays_whole(kubelet, joint):
    text = b"x" + "é".encode() * PIECE_BYTES  # the runtime cuts in the middle of one
    pieces = [text[at : at + PIECE_BYTES] for at in range(0, len(text), PIECE_BYTES)]
    kubelet.lines.append((1, b"2026-01-01T00:00:01Z " + joint.join(pieces)))
    found = kubelet.read(PodLogCursor(), size=4096).lines
    assert "".join(found) == text.decode()
    assert max(len(one.encode()) for one in found) <= PIECE_BYTES


@pytest.mark.parametrize("joint", [b"", b"2026-01-01T00:00:01.000000001Z "])
def test_a_very_long_line_comes_in_pieces_without_the_times_between_them(kubelet, joint):
    rest = b"y" * 10
    text = b"x" * PIECE_BYTES + joint + rest
    kubelet.lines.append((1, b"2026-01-01T00:00:01Z " + text))
    assert kubelet.read(PodLogCursor(), size=4096).lines == ["x" * PIECE_BYTES, "y" * 10]


def test_carriage_returns_at_the_end_and_bytes_that_are_no_text_do_no_harm(kubelet):
    kubelet.lines.append((1, b"2026-01-01T00:00:01Z 50%\r"))
    kubelet.lines.append((1, b"2026-01-01T00:00:01Z \xff\xfe"))
    kubelet.write(1, "")
    assert kubelet.read(PodLogCursor()).lines == ["50%", "\ufffd\ufffd", ""]
