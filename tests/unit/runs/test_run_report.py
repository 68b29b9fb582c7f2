"""The report of a run, from documents as operators and workers write them."""

import datetime as dt
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from documents_of_a_run import BAD_FILE, BEGAN, RUN, RunDocuments, Scenario
from radiant.cli.main import app
from radiant.domain.partition import BlockedCases
from radiant.jobs.documents import Request, decode_result, report_uri, run_uri
from radiant.jobs.reasons import HINT_IF_PERMANENT, HINT_IF_TRANSIENT, Reason, remedy_of
from radiant.jobs.usage import JobTry, Placement, Times
from radiant.runs.attempts import attempts_of_run
from radiant.runs.make_report import make_report
from radiant.runs.run_facts import Outcome, TryFacts, run_facts, without_paths
from radiant.runs.strips import cpu_strips, memory_strips
from radiant.runs.timeline import TryStep, most_running, span, steps, timeline
from radiant.settings import load_settings
from radiant.worker.main import run

NOW = dt.datetime.fromtimestamp(BEGAN + 3600, dt.UTC)
CASES = [
    Scenario(1),
    Scenario(2, oom_first=True),
    Scenario(3, fails=BAD_FILE),
    Scenario(4, warnings=("sex: <b>member 2</b> & co",)),
]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    return load_settings()


@pytest.fixture
def facts(settings):
    RunDocuments(settings).write(CASES, (BlockedCases((9,), "its ids are of two parts"),))
    return run_facts(RUN, attempts_of_run(settings, RUN))


def test_each_case_has_its_outcome_with_its_tries(facts):
    found = {case.case_id: case for case in facts.cases}
    assert [(one.outcome, len(one.tries)) for one in facts.cases] == [
        (Outcome.IMPORTED, 1),
        (Outcome.IMPORTED, 2),
        (Outcome.FAILED, 1),
        (Outcome.IMPORTED, 1),
    ]
    assert [one.job_try.code for one in found[2].tries] == ["OutOfMemory", None]
    assert (found[3].code, found[3].retryable, found[3].digest) == ("VcfTruncated", False, None)
    assert found[4].warnings == CASES[3].warnings
    assert len({found[case].digest for case in (1, 2, 4)}) == 3
    assert facts.trouble == ("case 9 cannot be imported: its ids are of two parts",)
    assert [(one.job, one.where) for one in facts.jobs] == [
        ("plan-import", ""),
        ("prepare-part", "part 3"),
        ("commit-part", "part 3"),
    ]
    assert (facts.versions, facts.images, facts.pythons) == (("0.1.0",), ("radiant-operator:0.1.0",), ("3.11.9",))


def test_a_run_that_goes_on_has_open_cases_and_no_end(settings):
    RunDocuments(settings).write([Scenario(1), Scenario(2, running=True)])
    facts = run_facts(RUN, attempts_of_run(settings, RUN))
    assert [case.outcome for case in facts.cases] == [Outcome.OPEN, Outcome.OPEN]
    assert facts.ended_at is None
    page = make_report(settings, RUN, NOW)
    assert "0 of 2 cases are imported and visible, 2 without an outcome." in page


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("s3://bucket/Jane-Doe/a.vcf.gz: ends early. Copy it", "[path]: ends early. Copy it"),
        ("the file (/data/Jane/a b.ped) is gone", "the file ([path]) is gone"),
        ("file:///data/Jane Doe/of May/a.vcf.gz: ends early", "[path]: ends early"),
        ("/data/a.vcf is not there, b.vcf too", "[path] is not there, b.vcf too"),
        ("file:///x/y.vcf, line 3", "[path], line 3"),
        ("~/Jane/a.vcf is not read", "[path] is not read"),
        ("read/write of 3/4 lines at 12 MiB/s; 1/1 is no path", "read/write of 3/4 lines at 12 MiB/s; 1/1 is no path"),
        ("RADIANT_JOBS__MEMORY_CAP_MIB=30720: raise it", "RADIANT_JOBS__MEMORY_CAP_MIB=30720: raise it"),
    ],
)
def test_a_reason_shows_no_path(text, without):
    assert without_paths(text) == without


def a_try(*moments, code=None, memory=1.0, where="case 1"):
    job_try = JobTry("a", 1, code, Times(*moments), Placement("ecs"), 2.0, 100, memory, None)
    return TryFacts("import-case", 1, where, job_try, running=job_try.times.ended_at is None)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            a_try(0, 1, 3, 6, 10),
            [(TryStep.QUEUED, 0, 1), (TryStep.WAITING, 1, 3), (TryStep.STARTING, 3, 6), (TryStep.RUNNING, 6, 10)],
        ),
        (a_try(None, 5, 5, 5, 9, code="Lost"), [(TryStep.FAILED, 5, 9)]),
        (a_try(None, 5, None, 7, 9), [(TryStep.STARTING, 5, 7), (TryStep.RUNNING, 7, 9)]),
        (a_try(2, 5, 4.5, 7, None), [(TryStep.QUEUED, 2, 5), (TryStep.STARTING, 5, 7), (TryStep.OPEN, 7, 20)]),
    ],
)
def test_a_try_is_cut_into_its_steps(one, expected):
    assert list(steps(one, 20.0)) == expected


def test_the_most_at_once_counts_running_tries_alone():
    tries = [a_try(0, 0, 0, 0, 4), a_try(0, 4, 4, 4, 8), a_try(0, 3, 3, 3, 9, code="Lost")]
    assert most_running(tries, 100.0) == 2


def test_every_bar_lies_within_the_run_and_the_parts_of_a_try_follow_each_other(facts):
    drawn = timeline(facts, BEGAN + 1e6)
    assert [row.name for row in drawn.rows][:3] == ["plan-import", "prepare-part part 3", "commit-part part 3"]
    assert {row.name for row in drawn.rows[3:]} == {f"case {number}" for number in range(1, 5)}
    for row in drawn.rows:
        for bar, following in zip(row.bars, row.bars[1:], strict=False):
            assert bar.left + bar.width <= following.left + 0.2
        assert all(bar.left >= 0 and bar.left + bar.width <= 100.2 for bar in row.bars)
    (again,) = [row for row in drawn.rows if row.name == "case 2"]
    assert [bar.step for bar in again.bars].count(TryStep.FAILED) == 1
    assert {bar.label for bar in again.bars} == {"", "1", "2"}
    assert again.note.endswith("2 tries")
    assert 2 <= len(drawn.ticks) <= 7


def test_use_is_shown_in_percent_of_the_request(facts):
    memory = {one.job: one for one in memory_strips(facts.tries)}
    assert memory["plan-import"].note == "at most 150 MiB, requested 1,024 MiB"
    assert memory["plan-import"].dots[0].left == pytest.approx(memory["plan-import"].line * 150 / 1024, abs=0.02)
    assert [dot.bad for dot in memory["import-case"].dots].count(True) == 2
    assert "OutOfMemory" in memory["import-case"].dots[-1].words
    cores = {one.job: one for one in cpu_strips(facts.tries)}
    assert cores["import-case"].note == "70% of the core time, requested 2"


def test_many_tries_of_a_job_become_a_box_and_a_bounded_number_of_points():
    (strip,) = memory_strips([a_try(0, 0, 0, 0, 1, memory=float(mib)) for mib in range(1, 2001)])
    assert strip.box.low < strip.box.median < strip.box.high
    assert len(strip.dots) <= 302
    assert (strip.dots[0].left, strip.dots[-1].left) == (pytest.approx(97 / 2000, abs=0.01), 97)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (59.6, "1:00 min"), (12, "12 s"), (185, "3:05 min"), (7380, "2:03:00 h")]
)
def test_a_duration_is_read_at_a_glance(seconds, text):
    assert span(seconds) == text


class Page(HTMLParser):
    """What a browser would load, run or leave open."""

    VOID = frozenset({"meta", "br", "hr", "img", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.ids = [], set(), [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.ids |= {value for name, value in attrs if name == "id"}
        self.links += [value for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.usefixtures("facts")
def test_the_page_is_one_file_without_script_or_network_and_escapes_everything(settings):
    page = make_report(settings, RUN, NOW)
    read = Page(page)
    assert read.open == []
    assert not read.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert read.links
    assert all(link.startswith("#") and link[1:] in read.ids for link in read.links)
    assert not re.search(r"@import|https?://|url\((?!#)", page)
    assert "sex: &lt;b&gt;member 2&lt;/b&gt; &amp; co" in page


@pytest.mark.usefixtures("facts")
def test_the_page_names_outcome_reason_remedy_cost_and_versions(settings):
    page = " ".join(make_report(settings, RUN, NOW).split())
    for text in (
        "3 of 4 cases are imported and visible, 1 failed.",
        "[path]: ends at byte 7: the file is truncated. Copy it again and compare checksums",
        f"{HINT_IF_PERMANENT}. Trigger <code>import-radiant</code> with cases&nbsp;=&nbsp;3",
        "case 9 cannot be imported",
        "of the total on fargate, attempts that did not succeed cost $",
        "radiant-operator:0.1.0",
        "ecs, FARGATE_SPOT, m7g.xlarge, arm64, az1, spot (5)",
        # Of the import's try: delays, CPU, memory, bytes and requests, scratch, records, rows, files, place.
        "20 s + 1.5 s",
        "of 2,048",
        "64.0 MiB, 77",
        "16.0 MiB, 9",
        "<td>120 MiB</td><td>5,000,000</td><td>9,000,000</td><td>200.0 MiB</td>",
        "ecs, FARGATE_SPOT, m7g.xlarge, arm64, az1, spot, instance-1",
        # Of the file.
        "VCFv4.2, bgzf, 1.0 GiB<br>GRCh38, VEP 112",
        f"file {1:064x}<br>head {'b' * 64}<br>rows ",
    ):
        assert text.lower() in page.lower(), text
    assert "Jane" not in page


@pytest.mark.parametrize(
    ("code", "message", "retryable", "remedy"),
    [
        ("VcfTruncated", "the file is cut", False, HINT_IF_PERMANENT),
        ("Storage", "the store does not answer", True, HINT_IF_TRANSIENT),
        ("NotStarted", "no task", True, HINT_IF_TRANSIENT),
        ("Evicted", f"the job was evicted. {Reason.NODE_LOST.hint}.", True, ""),
        ("NodeLost", "the node is gone", True, Reason.NODE_LOST.hint),
        ("NodeLost", f"the node is gone. {Reason.NODE_LOST.hint}.", True, ""),
        ("OutOfMemory", "its limit. Another try gets 3072 MiB", True, ""),
    ],
)
def test_the_remedy_of_a_failure_is_the_table_s_unless_its_message_has_it(code, message, retryable, remedy):
    assert remedy_of(code, message, retryable=retryable) == remedy


def test_a_page_of_many_cases_is_small_and_its_timeline_shows_the_failed_and_the_slowest(settings):
    cases = [
        Scenario(
            number, BAD_FILE if number % 100 == 3 else None, number % 50 == 7, ("sex: check",) if number % 20 else ()
        )
        for number in range(1, 251)
    ]
    RunDocuments(settings, at_once=50).write(cases)
    facts = run_facts(RUN, attempts_of_run(settings, RUN))
    shown = {row.name for row in timeline(facts, BEGAN).rows}
    assert {f"case {number}" for number in range(3, 251, 100)} <= shown
    assert len(shown) < 80
    began = time.process_time()
    page = make_report(settings, RUN, NOW)
    assert len(page) < 250 * 5000, "a thousand cases stay below 5 MB"
    assert time.process_time() - began < 20
    assert "250 cases: the timeline shows those that failed" in page


def test_the_job_and_the_command_write_the_same_page_and_the_job_leaves_itself_out(settings, tmp_path):
    documents = RunDocuments(settings)
    documents.write(CASES)
    folder = run_uri(settings.effective_work_uri, "import-radiant", RUN)
    request = Request("run-report", "attempt", folder, {"run_id": RUN})
    answered = f"{folder}/report/attempt/result.json"
    assert run(request, settings, answered) == 0
    made = Path(report_uri(folder).removeprefix("file://")).read_text()
    output = decode_result(Path(answered.removeprefix("file://")).read_bytes(), answered).output
    assert output == {"uri": report_uri(folder), "size_bytes": len(made.encode())}
    file = tmp_path / "out.html"
    answer = CliRunner().invoke(app, ["report", RUN, "-o", str(file)])
    assert answer.exit_code == 0, answer.output

    def timeless(text):
        return re.sub(r"at \d{4}-\d\d-\d\d [\d:]+ UTC", "", text)

    assert timeless(file.read_text()) == timeless(made)
    assert "run-report" not in made
