"""Pages as functions of values: what they show, that all of it is escaped, and that nothing comes from elsewhere."""

import datetime as dt
import re
from html.parser import HTMLParser

import pytest

from radiant.costs.container import Capacity
from radiant.costs.history import CaseBill, RunBill
from radiant.domain.case import Affected, Case, CaseState, Member, Priority, Sex
from radiant.jobs.contracts import CaseWarning, FailedCase, Verdict
from radiant.jobs.documents import JobSummary, Status
from radiant.jobs.reading_progress import ReadingProgress
from radiant.jobs.reasons import HINT_IF_PERMANENT
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times, Usage
from radiant.registry import (
    CaseFailure,
    CaseFile,
    CaseFilter,
    CaseList,
    CaseRecord,
    FileRole,
    HistoryEntry,
    ListedCase,
    WholeCase,
)
from radiant.ui.airflow_runs import AirflowRun, ImportTask
from radiant.ui.pages import (
    CasePage,
    CasesPage,
    Console,
    CostsPage,
    DayOfTries,
    FailedImport,
    Frame,
    Overview,
    RunningImport,
    RunPage,
    TaskPage,
    TryLine,
    case_page,
    cases_page,
    costs_page,
    message_page,
    overview_page,
    run_page,
    task_page,
)

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
FRAME = Frame(base="/air/radiant", now=NOW)
MAY = Frame(base="/air/radiant", now=NOW, may_trigger=True, form_token="<token>")  # noqa: S106 - of the test
READING = ReadingProgress(7, "chr7", 117_559_593, 1_234_000, 58_200, 43.1, 700, 2048, 95, 2)
HOSTILE = "</td><script>alert('x')</script>\"'&"
COUNTS = dict.fromkeys(CaseState, 0) | {CaseState.IMPORTED: 9_876, CaseState.FAILED: 12}
TASK = ImportTask(
    "part_0__manual__2026-11-29T06:17:04+00:00__8d", 5, 900, "failed", 2, NOW - dt.timedelta(minutes=3), NOW
)
FAILED = ListedCase(
    case_id=900,
    state=CaseState.FAILED,
    strategy="wgs",
    priority="routine",
    part=0,
    vcf_uri=f"s3://bucket/{HOSTILE}.vcf.gz",
    failure=CaseFailure("VcfTruncated", f"the file {HOSTILE} is cut. Copy it again", retryable=False),
    updated_at=NOW - dt.timedelta(minutes=5),
    imported_at=None,
)


class Checked(HTMLParser):
    """Finds what a page must not have, and its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        assert not [name for name in names if name.startswith("on") or name == "style"], (tag, attrs)
        if tag not in {"meta", "link", "img", "input"}:
            self.open.append(tag)
        if tag == "a":
            self.links.append(names["href"])
        self.loaded += [value for name, value in attrs if name == "src" or (name == "href" and tag == "link")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def check(html: str) -> Checked:
    assert "<script>alert" not in html
    found = Checked(html)
    assert all(one.startswith("/air/radiant/static/") for one in found.loaded), found.loaded
    return found


def whole(state: CaseState = CaseState.FAILED) -> WholeCase:
    member = Member(HOSTILE, HOSTILE, None, None, Sex.FEMALE, Affected.AFFECTED, "p", "e", is_proband=True)
    return WholeCase(
        record=CaseRecord(
            case=Case(900, FAILED.vcf_uri, "wgs", Priority.STAT, "GRCh38", (member,)),
            state=state,
            part=None,
            proband=None,
            files=(CaseFile(FileRole.VCF, FAILED.vcf_uri, 60_000, "t", None),),
            failure=FAILED.failure if state is CaseState.FAILED else None,
            run=None,
            lease_until=None,
            load_id=None,
            purged=False,
            created_at=NOW,
            updated_at=NOW,
            imported_at=None,
        ),
        history=(HistoryEntry(NOW, CaseState.IMPORTING, state, "r", None, HOSTILE),),
        loads=(),
        usages=(),
    )


def a_try(code: str | None = "OutOfMemory") -> JobTry:
    used = Usage(
        wall_s=65.0,
        cpu_s=130.0,
        peak_memory_mib=1500.0,
        bytes_read=780 << 20,
        bytes_written=840 << 20,
        user_s=121.0,
        system_s=9.0,
        read_requests=420,
        write_requests=12,
        scratch_peak_mib=64.0,
        records=5_000_000,
        rows=11_000_000,
        bytes_stored=800 << 20,
    )
    times = Times(ready_at=0, asked_at=60, placed_at=90, started_at=100, ended_at=165)
    place = Placement("ecs", "instance-1", HOSTILE, "az1", "arm64", "FARGATE_SPOT", spot=True)
    return JobTry("a", 1, code, times, place, 2.0, 2048, 1500.0, used, "0.1.0", "operator@sha256:1")


USED = (
    "queued 1 min 00 s, waiting 30 s, starting 10 s",
    "2 min 01 s user, 9.0 s system; 2 cores requested",
    "1.5 GiB at its peak of 2.0 GiB",
    "780 MiB, 420 requests to an object store",
    "840 MiB, 12 requests",
    "64.0 MiB at its peak",
    "5,000,000 records, 11,000,000 rows, 800 MiB of files stored",
    f"ecs, FARGATE_SPOT, {HOSTILE}, arm64, az1, spot, instance-1",
    "radiant 0.1.0, image operator@sha256:1",
)


def try_line(code: str | None = "OutOfMemory") -> TryLine:
    one = a_try(code)
    return TryLine(TaskUsage("file:///work/import-vcf/r", "import-case", 900, one), TASK, 0.0123)


BILL = CaseBill(900, 3, 2, 195.0, 2048, 1500.0, {Capacity.FARGATE: 0.5, Capacity.FARGATE_SPOT: 0.2}, 0.3)


def test_the_overview_has_a_failed_case_s_reason_and_links_to_its_log_and_its_cost():
    found = check(overview_page(FRAME, Overview(COUNTS, (), (FailedImport(FAILED, TASK),))))
    assert "VcfTruncated" in found.text
    assert f"the file {HOSTILE} is cut. Copy it again" in found.text
    log = "/air/dags/import-vcf/runs/part_0__manual__2026-11-29T06%3A17%3A04%2B00%3A00__8d/tasks/import_case/mapped/5"
    assert log in found.links
    assert "/air/radiant/cases/900#cost" in found.links
    assert "9,876" in found.text
    assert "/air/radiant/cases?state=failed" in found.links


def test_a_page_with_something_that_runs_is_refreshed_and_no_other_is():
    running = RunningImport(ImportTask("r", 0, 7, "running", 1, NOW, None), READING)
    assert "data-refresh" in overview_page(FRAME, Overview(COUNTS, (running,), ()))
    assert "data-refresh" not in overview_page(FRAME, Overview(COUNTS, (), ()))
    assert "data-refresh" in case_page(FRAME, CasePage(900, whole(CaseState.IMPORTING), (), (), None, None))
    assert "data-refresh" not in case_page(FRAME, CasePage(900, whole(), (), (), None, None))


def test_without_a_registry_pages_have_its_notice_and_what_airflow_has():
    frame = Frame(base="/air/radiant", now=NOW, notices=("set RADIANT_UI__REGISTRY_URL <now>",))
    running = RunningImport(ImportTask("r", 0, 7, "running", 1, NOW, None), READING)
    overview = check(overview_page(frame, Overview(None, (running,), ())))
    assert "set RADIANT_UI__REGISTRY_URL <now>" in overview.text
    assert "/air/radiant/cases/7" in overview.links
    assert "set RADIANT_UI" in check(cases_page(frame, CasesPage(CaseFilter(), 1, None, {}))).text
    case = check(case_page(frame, CasePage(900, None, (TASK,), (try_line(),), BILL, None)))
    assert "OutOfMemory" in case.text
    assert TASK.run_id in case.text


def test_a_case_has_its_reason_cost_usage_history_and_console():
    console = Console("Pod", "https://console.example/?a=1&b=<c>", None)
    found = check(case_page(FRAME, CasePage(900, whole(), (TASK,), (try_line(), try_line(None)), BILL, console)))
    for text in ("$0.3000", "Fargate $0.5000, Spot $0.2000", "1.5 GiB used of 2.0 GiB requested", "5,000,000"):
        assert text in found.text
    for delay in ("1 min 00 s", "30 s", "10 s", "1 min 05 s", "2 min 10 s"):  # queued, waited, started, ran, CPU
        assert delay in found.text
    for used in USED:
        assert used in found.text
    assert console.url in found.links
    assert found.text.count(HOSTILE) >= 3


def test_a_failed_case_has_its_remedy_and_the_report_of_its_run():
    view = CasePage(900, whole(), (TASK,), (), None, None, report_of="manual__2026-11-29T06:17:04+00:00")
    found = check(case_page(FRAME, view))
    assert HINT_IF_PERMANENT in found.text
    assert found.links.count("/air/radiant/report?run_id=manual__2026-11-29T06%3A17%3A04%2B00%3A00") == 2
    assert not any(
        "report" in link for link in check(case_page(FRAME, CasePage(900, whole(), (TASK,), (), None, None))).links
    )


def test_a_local_case_s_cost_is_named_as_that_on_fargate():
    bill = CaseBill(900, 1, 0, 95.0, 2048, None, {Capacity.FARGATE: 0.5}, None)
    text = check(case_page(FRAME, CasePage(900, whole(), (), (try_line(None),), bill, None))).text
    assert "$0.5000 had it run on Fargate; a local process costs nothing" in text


def test_a_job_that_fits_no_fargate_task_has_a_page_too():
    bill = CaseBill(900, 1, 0, 95.0, 900_000, None, {}, None)
    assert "Case 900" in check(case_page(FRAME, CasePage(900, whole(), (), (try_line(None),), bill, None))).text


RUN_BILL = RunBill((BILL,), {Capacity.FARGATE: 1.5}, None, {Capacity.FARGATE: 0.25}, 3, {"local": 3}, 0, 0.5, 0.25)


def test_what_runs_has_its_progress():
    running = RunningImport(ImportTask("r", 0, 7, "running", 1, NOW - dt.timedelta(seconds=70), None), READING)
    text = check(overview_page(FRAME, Overview(COUNTS, (running,), ()))).text
    assert "43 % chr7:117,559,593, 58,200 records/s, 700 MiB, 1 min 35 s left" in text
    assert "1 min 10 s" in text


def run_view(verdict: Verdict | None, ended: dt.datetime | None = NOW) -> RunPage:
    facts = AirflowRun("import-radiant", HOSTILE, "failed", NOW, ended)
    return RunPage(facts, verdict, (RunningImport(TASK, None),), 3, 1_000, 4, RUN_BILL)


def test_a_run_names_what_is_not_imported_and_why_and_only_a_user_with_the_right_has_the_button():
    warned = CaseWarning(3, "sex: stated female, observed male")
    verdict = Verdict((1,), (), (FailedCase(900, "VcfTruncated", HOSTILE),), (), (f"trouble {HOSTILE}",), (warned,))
    html = run_page(MAY, run_view(verdict))
    text = check(html).text
    for shown in ("VcfTruncated", HOSTILE, f"trouble {HOSTILE}", "sex: stated female", "$1.50", "1,000", "and 3 more"):
        assert shown in text
    assert 'value="&lt;token&gt;"' in html
    assert 'name="cases" value="900"' in html
    for page in (
        run_page(FRAME, run_view(verdict)),
        overview_page(FRAME, Overview(COUNTS, (), (FailedImport(FAILED, TASK),))),
        case_page(FRAME, CasePage(900, whole(), (), (), None, None)),
    ):
        assert "<button" not in page


def test_a_run_is_refreshed_until_it_ends():
    assert "data-refresh" in run_page(FRAME, run_view(None, ended=None))
    assert "data-refresh" not in run_page(FRAME, run_view(None))


def test_a_month_has_its_cost_its_days_and_its_dearest_cases():
    days = tuple(DayOfTries(day, 3 if day == 29 else 0, 2 if day == 29 else 0) for day in range(1, 31))
    found = check(costs_page(FRAME, CostsPage("2026-11", "2026-10", None, RUN_BILL, days, f"Prices: {HOSTILE}.")))
    for shown in (
        "$1.50",
        "$0.2500",
        "2026-11-29: 3 tries, 2 failed",
        "50% of the core time",
        "25% of the memory",
        HOSTILE,
    ):
        assert shown in found.text
    assert "/air/radiant/costs?month=2026-10" in found.links
    empty = check(costs_page(FRAME, CostsPage("2026-11", "2026-10", "2026-12", None, days, "")))
    assert "No import of that month is stored." in empty.text
    assert "/air/radiant/costs?month=2026-12" in empty.links


def test_a_job_s_task_has_what_it_used_and_another_task_a_sentence():
    summary = JobSummary(
        "commit-part",
        Status.FAILED,
        None,
        {"occurrence": 12_345},
        65.0,
        3.0,
        100.0,
        512,
        "0.1",
        None,
        "C",
        HOSTILE,
        (a_try(), a_try(None)),
    )
    text = check(task_page(FRAME, TaskPage("import-vcf", "r", HOSTILE, -1, summary))).text
    for shown in (HOSTILE, "12,345", "1 min 05 s", "100 MiB used of 512 MiB requested", "Its last try", "Try 1", *USED):
        assert shown in text
    assert "has left no summary" in check(task_page(FRAME, TaskPage("d", "r", "t", -1, None))).text


def listed(page: int, total: int, **wanted) -> Checked:
    cases = CaseList((FAILED,), total)
    return check(cases_page(FRAME, CasesPage(CaseFilter(**wanted), page, cases, COUNTS)))


def test_a_list_links_to_the_pages_beside_it_and_keeps_state_and_text():
    found = listed(2, 150, state=CaseState.FAILED, text="a&b")
    assert "/air/radiant/cases?state=failed&q=a%26b&page=1" in found.links
    assert "/air/radiant/cases?state=failed&q=a%26b&page=3" in found.links
    assert "51 to 51 of 150" in found.text
    assert not [link for link in listed(3, 150).links if "page=4" in link]
    assert not [link for link in listed(1, 50).links if "page=" in link]


def test_each_state_has_a_word_and_a_symbol_of_its_own():
    text = listed(1, 1).text
    symbols = re.findall(r"(\S) (registered|assigned|importing|imported|failed|deleted)\b", text)
    assert len(dict(symbols)) == len(CaseState)
    assert {word for _, word in symbols} == {state.value for state in CaseState}


@pytest.mark.parametrize(
    ("found", "text"), [(CaseFilter(), "radiant cases add"), (CaseFilter(text="x"), "No case fits.")]
)
def test_an_empty_list_has_its_reason(found, text):
    assert text in check(cases_page(FRAME, CasesPage(found, 1, CaseList((), 0), COUNTS))).text


def test_a_message_is_escaped():
    assert HOSTILE in check(message_page(FRAME, "Not found", HOSTILE)).text
