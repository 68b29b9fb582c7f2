import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radiant.errors import JobProtocolError
from radiant.jobs.codec import encode
from radiant.jobs.reading_progress import (
    ProgressDocument,
    ReadingProgress,
    ReadSoFar,
    decode_progress,
    parse_progress,
    progress_uri,
    reading_progress,
)

NUMBERS = st.integers(min_value=0, max_value=1 << 40)
PROGRESS = st.builds(
    ReadingProgress,
    case_id=NUMBERS,
    contig=st.none() | st.text(min_size=1, max_size=9),
    position=st.none() | NUMBERS,
    records=NUMBERS,
    records_per_s=NUMBERS,
    percent=st.integers(min_value=0, max_value=1000).map(lambda tenths: tenths / 10),
    memory_mib=NUMBERS,
    memory_limit_mib=st.none() | NUMBERS,
    eta_s=st.none() | NUMBERS,
    processes=NUMBERS,
)
HALF = ReadSoFar(records=1000, bytes_read=50, total_bytes=100, locus=("chr7", 117559593))


def progress_of(so_far, elapsed_s=10.0):
    return reading_progress(
        so_far, case_id=105, elapsed_s=elapsed_s, memory_mib=411.6, memory_limit_mib=2048, processes=2
    )


def test_rate_percent_and_time_left_follow_from_what_was_read():
    found = progress_of(HALF)
    assert (found.records_per_s, found.percent, found.eta_s, found.memory_mib) == (100, 50.0, 10, 412)


def test_before_anything_is_read_no_time_is_guessed():
    found = progress_of(ReadSoFar(), elapsed_s=0)
    assert (found.contig, found.position, found.records_per_s, found.percent, found.eta_s) == (None, None, 0, 0.0, None)


def test_all_of_the_file_alone_is_100_percent():
    assert progress_of(ReadSoFar(9, 9_999_999, 10_000_000)).percent == 99.9
    assert progress_of(ReadSoFar(9, 10_000_000, 10_000_000)).percent == 100.0
    assert progress_of(ReadSoFar(9, 10_000_001, 10_000_000)).percent == 100.0, "a file that grew"


def test_a_line_is_one_that_a_person_can_read():
    assert progress_of(HALF).to_line() == (
        "case 105: progress contig=chr7 position=117559593 records=1000 records_per_s=100 percent=50.0 memory_mib=412 "
        "memory_limit_mib=2048 eta_s=10 processes=2"
    )


@settings(max_examples=50)
@given(PROGRESS, st.sampled_from(["", "2026-11-29 06:00:00,123 INFO ", "[2026-11-29T06:00:00Z] {x.py:1} INFO - "]))
def test_a_line_is_read_as_it_was_written_whatever_stands_before_it(progress, before):
    line = before + progress.to_line()
    assert line.isprintable()
    assert parse_progress(line) == progress


def test_a_key_of_a_later_release_does_not_matter():
    progress = progress_of(HALF)
    assert parse_progress(f"{progress.to_line()} node=a9") == progress


@pytest.mark.parametrize(
    "line",
    [
        "",
        "progress 3/10: 3 squared is 9",
        "case 105: reading file:///a.vcf.gz",
        "case 105: progress contig=chr7 position=12",
        progress_of(HALF).to_line().replace("percent=50.0", "percent=half"),
        progress_of(HALF).to_line().replace("percent=50.0", "percent=inf"),
        progress_of(HALF).to_line().replace("records=1000", "records="),
        progress_of(HALF).to_line() + " and so on",
    ],
)
def test_any_other_line_is_none(line):
    assert parse_progress(line) is None


@settings(max_examples=20)
@given(PROGRESS, st.floats(min_value=0, max_value=4e9))
def test_a_document_is_read_as_it_was_written(progress, at):
    document = ProgressDocument(at, progress)
    found = decode_progress(encode(document), "here")
    assert found.reading == progress
    assert math.isclose(found.written_at, at)


def test_a_document_of_another_version_is_named():
    with pytest.raises(JobProtocolError, match=r"s3://bucket/progress\.json is not a document"):
        decode_progress(b'{"written_at": 1}', "s3://bucket/progress.json")


def test_the_document_is_in_the_folder_of_its_attempt():
    assert progress_uri("s3://b/run/import_case/3", "a-b") == "s3://b/run/import_case/3/a-b/progress.json"
