import dataclasses
from io import StringIO

import pytest
from rich.console import Console

from radiant.cli.progress import CaseProgress, Progress, Stage
from radiant.cli.progress_view import ProgressLines, describe, describe_case, minutes, overview, shown
from radiant.jobs.reading_progress import ReadingProgress

READING = ReadingProgress(
    case_id=2, contig="chr7", position=117559593, records=1_234_000, records_per_s=58_200, percent=43.1,
    memory_mib=412, memory_limit_mib=2048, eta_s=17, processes=2,
)  # fmt: skip
RUNNING = CaseProgress(2, Stage.RUNNING, try_number=1, seconds=21, reading=READING)
FAILED = CaseProgress(7, Stage.FAILED, try_number=2, seconds=3, code="VcfTruncated", reason="a\x1b[2Jb [red]x")


def cases(total, done=0, failed=0, records=0):
    stages = [Stage.FAILED] * failed + [Stage.READ] * (done - failed) + [Stage.QUEUED] * (total - done)
    found = [CaseProgress(number, stage) for number, stage in enumerate(stages)]
    return (dataclasses.replace(found[0], records=records), *found[1:])


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("planning"), "planning"),
        (Progress("importing", cases(3)), "importing: 0/3 cases"),
        (
            Progress("importing", cases(3, 2, 1, 12_345), elapsed_s=10),
            "importing: 2/3 cases, 1 failed, 1,234 records/s, 0:05 left",
        ),
        (Progress("importing", cases(2, 1), elapsed_s=3725), "importing: 1/2 cases, 1:02:05 left"),
        (Progress("committing", cases(2, 2), elapsed_s=10), "committing: 2/2 cases"),
    ],
)
def test_a_line_has_what_a_person_asks(progress, text):
    assert describe(progress) == text


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (CaseProgress(1), "case 1: queued"),
        (
            RUNNING,
            (
                "case 2: running, 43 %, at chr7:117,559,593, 1,234,000 records, 58,200 records/s, "
                "412 of 2,048 MiB, 0:17 left"
            ),
        ),
        (CaseProgress(3, Stage.IMPORTED, records=5000), "case 3: imported, 5,000 records"),
        (FAILED, "case 7: failed, try 2, VcfTruncated: a\ufffd[2Jb [red]x"),
    ],
)
def test_a_case_is_one_line_without_control_characters(case, text):
    assert describe_case(case) == text


def screen(progress, width, height=24, **more):
    out = StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=True, color_system=None, **more)
    console.print(overview(progress, "import-radiant r", height, width))
    return out.getvalue().splitlines()


PROGRESS = Progress("importing", (CaseProgress(1), RUNNING, FAILED), elapsed_s=20, run_s=65)


def test_the_screen_has_the_running_cases_first():
    head, totals, columns, *rows = screen(PROGRESS, 140)
    assert head.strip() == "import-radiant r  1:05"
    assert totals.startswith("importing: 1/3 cases, 1 failed, 61,700 records/s")
    assert columns.split() == ["case", "state", "%", "at", "records", "records/s", "left", "MiB", "time"]
    assert [row.split()[:2] for row in rows] == [["2", "running"], ["7", "failed"], ["1", "queued"]]
    assert rows[0].split()[2:] == ["━" * 12, "43", "chr7:117,559,593", "1,234,000", "58,200", "0:17", "412", "0:21"]
    assert "VcfTruncated: a\ufffd[2Jb [red]x" in rows[1]


@pytest.mark.parametrize("width", [40, 80, 100, 140])
def test_the_screen_is_never_wider_than_the_terminal(width):
    lines = screen(PROGRESS, width)
    assert max(map(len, lines)) <= width
    assert len(lines) == 6


def test_on_80_columns_a_case_has_percent_records_time_left_and_memory():
    row = screen(PROGRESS, 80)[3]
    assert row.split() == ["2", "running", "43", "1,234,000", "0:17", "412", "0:21"]


def test_the_screen_is_never_higher_than_the_terminal():
    many = Progress("importing", (*(CaseProgress(number) for number in range(10, 510)), RUNNING, FAILED), elapsed_s=20)
    lines = screen(many, 120, height=20)
    assert len(lines) < 20
    assert [line.split()[0] for line in lines[3:5]] == ["2", "7"]
    assert lines[-1] == "and 488 more: 488 queued"


def test_documents_in_another_place_are_a_hint():
    lost = Progress("importing", (CaseProgress(2, Stage.RUNNING, has_documents=False),))
    assert "set RADIANT_WORK_URI" in screen(lost, 100)[-1]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00")])
def test_durations_are_minutes_and_seconds(seconds, text):
    assert minutes(seconds) == text


def test_without_a_terminal_a_line_comes_only_when_something_changed():
    out = StringIO()
    with shown(Console(file=out), "title") as show:
        for progress in (Progress("planning"), Progress("planning"), Progress("importing", cases(2))):
            show(progress)
    assert out.getvalue() == "0:00 planning\n0:00 importing: 0/2 cases\n"


def test_without_a_terminal_failures_come_at_once_and_running_cases_every_30_seconds():
    out, now = StringIO(), [100.0]
    show = ProgressLines(Console(file=out), clock=lambda: now[0])
    started = Progress("importing", (CaseProgress(1), RUNNING), elapsed_s=10)
    show(started)
    now[0] += 10
    show(started)
    now[0] += 20
    show(started)
    now[0] += 1
    show(dataclasses.replace(started, cases=(CaseProgress(1), RUNNING, FAILED)))
    lines = out.getvalue().splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["0:00", "0:00", "0:30", "0:30", "0:31", "0:31"]
    assert lines[3] == f"0:30 {describe_case(RUNNING)}"
    assert lines[4] == f"0:31 {describe_case(FAILED)}"


def test_on_a_terminal_there_is_a_live_table():
    out = StringIO()
    with shown(Console(file=out, force_terminal=True, width=120, height=30), "title") as show:
        show(PROGRESS)
    assert "chr7:117,559,593" in out.getvalue()
