"""The whole import in a real Airflow: standalone, SQLite, LocalExecutor, on a free port, with a home of its own.

One run of `import-radiant` imports demo families, real trios where the corpus is present, and one truncated file; in
the middle of it the process of one job and the process of one task are killed.
"""

import configparser
import contextlib
import gzip
import json
import os
import pty
import re
import signal
import subprocess
import sysconfig
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import jwt
import psutil
import pytest

from browser import browser
from mail_server import Mails, mail_server
from otlp_receiver import Receiver, otlp_receiver
from radiant import demo, lake, storage
from radiant.cli.airflow_api import FINISHED_RUN, AirflowApi, TaskInstance
from radiant.cli.standalone import Standalone
from radiant.domain.case import CaseState, Priority
from radiant.errors import AirflowError, AirflowUnavailableError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.jobs.documents import decode_request, read_job_summary, report_uri, request_uri, run_uri, task_uri
from radiant.jobs.reading_progress import decode_progress, parse_progress, progress_uri
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.operators.ecs_task.run_task import run_task_call
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.operators.pod.spec import build_pod
from radiant.operators.process import start_time
from radiant.operators.task_folder import TaskFolder
from radiant.registry import Registration, Registry
from radiant.settings import Settings, load_settings
from vcf_files import record, text, write

REPOSITORY = Path(__file__).parents[2]
CORPUS = REPOSITORY.parent / "shared" / "corpus"
TABLES = ("occurrence", "variant", "consequence")
BAD, KILLED_JOB, KILLED_TASK = 900, 50, 51
CORPUS_TRIOS = {101: ("clinical-trio-vep", "GRCh37"), 102: ("ashk-trio", "GRCh37"), 103: ("upd-trio", "GRCh37")}
URGENT = 1
HASTE = {"strategy": "wxs", "priority": Priority.STAT}
RUN_TIMEOUT_S = 1500
MOST_MAPPED = 14
"""The most items that this Airflow maps a task over: 1,024 by default."""

pytestmark = pytest.mark.timeout(3600)


@dataclass
class Site:
    """One Airflow with its registry and lake, and the results of the first run."""

    settings: Settings
    api: AirflowApi
    otlp: Receiver
    good: list[int]
    run_id: str = ""
    state: str = ""
    verdict: Any = None
    bad_vcf: Path = Path()
    whole: bytes = b""
    """What `bad_vcf` should hold."""
    killed: dict[int, int] = field(default_factory=dict)
    """Process id of the job that was running when its case was disturbed."""
    watched: tuple[int, str] = (0, "")
    """Exit code and output of `radiant watch` without a terminal, which watched the whole run."""
    interrupted: tuple[int, str] = (0, "")
    """Those of one on a terminal, which got Ctrl-C in the middle."""

    @property
    def registry(self) -> Registry:
        return Registry(self.settings.effective_registry_url)

    def add(self, case_id: int, vcf: Path, ped: Path | None, **facts: Any) -> None:
        wanted = {"strategy": "wgs", "priority": Priority.ROUTINE, "assembly": "GRCh38"} | facts
        ped_uri = None if ped is None else storage.file_uri(ped)
        self.registry.add(Registration(vcf_uri=storage.file_uri(vcf), ped_uri=ped_uri, case_id=case_id, **wanted))

    def wait(self, dag_id: str, run_id: str) -> str:
        deadline = time.monotonic() + RUN_TIMEOUT_S
        while (state := self.api.run_state(dag_id, run_id)) not in FINISHED_RUN:
            assert time.monotonic() < deadline, f"{dag_id} is {state} after {RUN_TIMEOUT_S} s"
            time.sleep(1)
        return str(state)

    def running_jobs(self) -> dict[int, int]:
        """Return the process id of every import that runs, by case."""
        found: dict[int, int] = {}
        for note in (self.settings.home_path / "work" / "import-vcf").glob("*/import_case/*/process.json"):
            try:
                process = json.loads(note.read_text())
                request = json.loads((note.parent / "request.json").read_text())
            except (OSError, ValueError):
                continue
            if start_time(process["pid"]) == process["started"]:
                found[request["arguments"]["case_id"]] = process["pid"]
        return found

    def part_runs(self) -> list[str]:
        """Return the run ids of `import-part` and `import-vcf`, which are the same."""
        return [part_run_id(self.run_id, part["part"], part["cases"]) for part in self.parts()]

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts of the first run, the most urgent first."""
        return [part for item in self.api.xcom("import-radiant", self.run_id, "parts") for part in item]

    def part_of(self, case_id: int) -> int:
        return next(part["part"] for part in self.parts() if case_id in part["cases"])

    def import_task(self, case_id: int) -> TaskInstance:
        for run_id in self.part_runs():
            for index, request in enumerate(self.api.xcom("import-vcf", run_id, "requests")):
                if request["case_id"] == case_id:
                    tasks = self.api.task_instances("import-vcf", run_id)
                    return next(t for t in tasks if (t.task_id, t.map_index) == ("import_case", index))
        raise LookupError(case_id)

    def rows(self, case_id: int) -> dict[str, list[Any]]:
        catalog = lake.open_catalog(self.settings)
        return {
            name: [
                row
                for batch in lake.case_rows(catalog, self.settings.lake.namespace, case_id, name)
                for row in batch.to_pylist()
            ]
            for name in TABLES
        }


HOLD = """
import json, pathlib, sys, time
if "import-case" in sys.orig_argv:
    request = pathlib.Path(sys.orig_argv[sys.orig_argv.index("--request") + 1].removeprefix("file://"))
    held = pathlib.Path(__file__).with_name(str(json.loads(request.read_text())["arguments"]["case_id"]))
    while held.exists():
        time.sleep(0.05)
"""
"""A `sitecustomize.py`: a job waits before it begins while a file beside this one has the number of its case."""


def disturb(site: Site, holds: Path) -> None:
    """Kill the job of one case and the task's own process of another, each once, before they have begun."""
    deadline = time.monotonic() + RUN_TIMEOUT_S
    while len(site.killed) < 2 and time.monotonic() < deadline:
        for case_id, pid in site.running_jobs().items():
            if case_id in {KILLED_JOB, KILLED_TASK} and case_id not in site.killed:
                process = psutil.Process(pid)
                victim = process if case_id == KILLED_JOB else process.parent()
                victim.send_signal(signal.SIGKILL)
                site.killed[case_id] = pid
        time.sleep(0.1)
    (holds / str(KILLED_JOB)).unlink()


def watch(home: Path, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start `radiant watch`."""
    command = [Path(sysconfig.get_path("scripts")) / "radiant", "watch", *arguments]
    return subprocess.Popen(command, env=os.environ | {"RADIANT_HOME": str(home), "TERM": "xterm"}, **streams)


def interrupt(home: Path, run_id: str) -> tuple[int, str]:
    """Watch a run on a terminal, and send Ctrl-C once its cases are on the screen; return exit code and screen."""
    ours, theirs = pty.openpty()
    watcher = watch(home, run_id, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    screen = b""
    asked = False
    with contextlib.suppress(OSError):  # the end of a terminal
        while more := os.read(ours, 1 << 16):
            screen += more
            if not asked and b"records/s" in screen:
                asked = True
                watcher.send_signal(signal.SIGINT)
    os.close(ours)
    return watcher.wait(), screen.decode()


@pytest.fixture(scope="module")
def mails():
    with mail_server() as mails:
        yield mails


@pytest.fixture(scope="module")
def site(tmp_path_factory, mails):
    home = tmp_path_factory.mktemp("home")
    settings = load_settings({"RADIANT_HOME": str(home)})
    holds = tmp_path_factory.mktemp("holds")
    (holds / "sitecustomize.py").write_text(HOLD)
    for case_id in (KILLED_JOB, KILLED_TASK):
        (holds / str(case_id)).touch()
    airflow = Standalone(settings, dags_folder=REPOSITORY / "dags")
    with contextlib.ExitStack() as stack:
        otlp = stack.enter_context(otlp_receiver())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", str(MOST_MAPPED))
            patch.setenv("AIRFLOW__TRACES__OTEL_ON", "True")
            patch.setenv("AIRFLOW_CONN_MAIL", mails.connection)
            patch.setenv("RADIANT_NOTIFY", "slackwebhook://absent smtp://mail?to=on-call@centre.example")
            patch.setenv("RADIANT_PROGRESS__EVERY_S", "0.05")
            patch.setenv("PYTHONPATH", str(holds), prepend=os.pathsep)
            for name, value in otlp.environment.items():
                patch.setenv(name, value)
            airflow.start()
        stack.callback(airflow.stop)
        airflow.wait_until_ready()
        site = Site(settings, airflow.api, otlp, good=[])
        demo.make(home / "demo", 3, 1500, 1)
        families = zip(sorted((home / "demo").rglob("*.vcf.gz")), sorted((home / "demo").rglob("*.ped")), strict=True)
        for case_id, (vcf, ped) in zip((URGENT, KILLED_JOB, KILLED_TASK), families, strict=True):
            site.add(case_id, vcf, ped, **(HASTE if case_id == URGENT else {}))
            site.good.append(case_id)
        # The last family once more, the file cut in the middle.
        site.whole = vcf.read_bytes()
        site.bad_vcf = home / "cut.vcf.gz"
        site.bad_vcf.write_bytes(site.whole[: len(site.whole) // 2])
        site.add(BAD, site.bad_vcf, ped)
        for case_id, (name, assembly) in CORPUS_TRIOS.items():
            if (CORPUS / f"{name}.vcf.gz").exists():
                ped = CORPUS / f"{name}.ped"
                site.add(case_id, CORPUS / f"{name}.vcf.gz", ped if ped.exists() else None, assembly=assembly)
                site.good.append(case_id)
        site.run_id = site.api.trigger("import-radiant")
        output = home / "watched.txt"
        with output.open("wb") as file:
            watcher = watch(home, stdout=file, stderr=subprocess.STDOUT)
        stack.callback(watcher.kill)
        disturb(site, holds)
        site.interrupted = interrupt(home, site.run_id)
        (holds / str(KILLED_TASK)).unlink()  # the run goes on until its watcher was interrupted
        site.state = site.wait("import-radiant", site.run_id)
        site.verdict = site.api.xcom("import-radiant", site.run_id, "verdict")
        site.watched = watcher.wait(300), output.read_text()
        yield site


def test_the_run_is_red_and_names_the_bad_case_with_its_reason(site):
    assert site.state == "failed"
    (failed,) = site.verdict["failed"]
    assert (failed["case_id"], failed["code"]) == (BAD, "VcfTruncated")
    assert site.verdict["trouble"] == []


def test_watching_the_latest_run_ends_with_it_and_has_its_result(site):
    exit_code, text = site.watched
    assert exit_code == 65, text
    assert "importing: " in text
    assert f"case {BAD}: failed, VcfTruncated: " in text
    assert f"Cases: {len(site.good)} imported, 1 failed." in text


def test_ctrl_c_ends_the_watching_and_leaves_the_run_alone(site):
    exit_code, screen = site.interrupted
    assert exit_code == 130, screen
    assert "case" in screen
    assert "The run goes on" in screen
    assert sorted(site.verdict["imported"]) == sorted(site.good)


def test_without_a_run_or_with_an_unknown_one_there_is_nothing_to_watch(site):
    for arguments, words in (((), b"no run of import-radiant is running"), (("nowhere",), b"has no run 'nowhere'")):
        watcher = watch(site.settings.home_path, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = watcher.communicate(timeout=300)
        assert (watcher.returncode, words in output) == (65, True), output


def test_the_progress_of_an_import_is_in_its_task_s_log_and_beside_its_result(site):
    run_id = site.part_runs()[0]
    lines = [parse_progress(line) for line in site.api.log_lines("import-vcf", run_id, "import_case", 0)]
    found = [one for one in lines if one is not None]
    assert found
    assert {one.case_id for one in found} == {URGENT}
    task = task_uri(run_uri(site.settings.effective_work_uri, "import-vcf", run_id), "import_case", 0)
    attempt = decode_request(storage.read_bytes(request_uri(task)), task).attempt
    document = decode_progress(storage.read_bytes(progress_uri(task, attempt)), task)
    assert document.reading in found


def test_one_trace_leads_from_the_run_through_part_and_case_to_the_phases_of_the_job(site):
    otlp = site.otlp
    (plan,) = otlp.named("radiant plan-import")
    run = otlp.root_of(plan.trace_id)
    assert run.attributes["airflow.dag_id"] == "import-radiant", run
    jobs = {span.attributes["radiant.case"]: span for span in otlp.named("radiant import-case") if span.error is None}
    assert set(site.good) <= set(jobs), sorted({span.name for span in otlp.spans})
    for case_id in site.good:
        case, part, *_ = otlp.above(jobs[case_id])
        assert (case, part.partition("[")[0]) == (f"radiant case {case_id}", "worker.import_part")
        assert jobs[case_id].trace_id == plan.trace_id, "that of the run of import-radiant"
        phases = {span.name for span in otlp.spans if span.parent_id == jobs[case_id].span_id}
        assert {"radiant read", "radiant stage", "radiant manifest", "radiant result"} <= phases
        (own,) = next(span for span in otlp.spans if span.span_id == jobs[case_id].parent_id).linked
        assert own != plan.trace_id, "that of the run of import-vcf"


def test_spans_and_metrics_have_case_numbers_and_no_person_and_no_file(site):
    ours = [span for span in site.otlp.spans if span.name.startswith("radiant ")]
    text = repr([(span.name, span.attributes, span.error) for span in ours]) + repr(site.otlp.points)
    for word in ("FAM0", ".vcf", "file://", "home"):
        assert word not in text
    outcomes = {(labels["outcome"], labels["code"]) for name, labels, _ in site.otlp.points if name == "radiant.cases"}
    assert {("imported", ""), ("failed", "VcfTruncated")} <= outcomes


def path_of(dag_id: str, run_id: str, task_id: str) -> str:
    return f"/api/v2/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}"


def test_every_level_is_red_with_the_reason_in_its_log(site):
    (run_id,) = [run for run in site.part_runs() if site.api.run_state("import-part", run) == "failed"]
    assert site.api.run_state("import-vcf", run_id) == "failed"
    for dag_id, run in (("import-radiant", site.run_id), ("import-part", run_id), ("import-vcf", run_id)):
        log = site.api._call("GET", f"{path_of(dag_id, run, 'verdict')}/logs/1?full_content=true&map_index=-1")
        assert f"case {BAD}: VcfTruncated" in json.dumps(log), dag_id


def token_of(site: Site, role: str | None) -> str:
    """Return a login of this Airflow for a user with a role, signed as Airflow signs its own."""
    config = configparser.RawConfigParser(strict=False)
    config.read(site.settings.home_path / "airflow" / "airflow.cfg")
    now = int(time.time())
    claims = {"sub": "someone", "role": role, "teams": [], "aud": "apache-airflow", "nbf": now, "iat": now}
    with warnings.catch_warnings():  # the key that Airflow makes is shorter than this library likes
        warnings.simplefilter("ignore")
        return jwt.encode(claims | {"exp": now + 600}, config["api_auth"]["jwt_secret"], "HS512", {"kid": "not-used"})


def ask(site: Site, path: str, login: str | None, form: dict[str, str] | None = None) -> tuple[int, str]:
    """Return status and text of a page; with a form it is posted."""
    headers = {} if login is None else {"Cookie": f"_token={login}"}
    with httpx.Client(trust_env=False, base_url=site.api.url, headers=headers, timeout=60) as client:
        answer = client.post(path, data=form) if form else client.get(path)
        return answer.status_code, answer.text


PAGES = ("/radiant/", "/radiant/cases?state=failed", f"/radiant/cases/{BAD}")
WITHOUT_A_REASON = ("/radiant/costs", "/radiant/costs?month=2026-01", "/radiant/run?dag_id=x&run_id=y")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_a_login_and_the_right_to_read_the_dag(site, path):
    assert ask(site, path, None)[0] == 401
    assert ask(site, path, "not a token")[0] in {401, 403}
    refused, text = ask(site, path, token_of(site, None))
    assert refused == 403
    assert "VcfTruncated" not in text
    status, text = ask(site, path, token_of(site, "viewer"))
    assert status == 200
    assert "VcfTruncated" in text


def test_the_other_pages_and_the_form_need_their_rights_too(site):
    for path in (
        *WITHOUT_A_REASON,
        "/radiant/task?dag_id=x&run_id=y&task_id=z",
        "/radiant/worker-log?run_id=x&map_index=0",
    ):
        assert ask(site, path, None)[0] == 401, path
        assert ask(site, path, token_of(site, None))[0] == 403, path
        assert ask(site, path, token_of(site, "viewer"))[0] in {200, 404}, path
    form = {"cases": str(BAD), "token": "guessed"}
    assert ask(site, "/radiant/import-again", None, form)[0] == 401
    assert ask(site, "/radiant/import-again", token_of(site, "viewer"), form)[0] == 403
    status, text = ask(site, "/radiant/import-again", token_of(site, "user"), form)
    assert (status, "This form was not made by this page" in text) == (403, True)
    assert "Import the chosen cases again" in ask(site, "/radiant/", token_of(site, "user"))[1]
    assert "Import the chosen cases again" not in ask(site, "/radiant/", token_of(site, "viewer"))[1]


def test_the_tabs_of_a_run_and_of_a_task_have_the_cases_and_a_task_links_to_its_case(site):
    viewer = token_of(site, "viewer")
    for dag_id, run_id in (("import-radiant", site.run_id), ("import-part", site.part_runs()[1])):
        status, text = ask(site, f"/radiant/run?{urlencode({'dag_id': dag_id, 'run_id': run_id})}", viewer)
        assert (status, "VcfTruncated" in text, f"/cases/{KILLED_JOB}" in text) == (200, True, True), dag_id
    assert (
        "/radiant/report?run_id="
        in ask(site, f"/radiant/run?dag_id=import-radiant&run_id={quote(site.run_id)}", viewer)[1]
    )
    status, text = ask(site, f"/radiant/report?run_id={quote(site.run_id)}", viewer)
    assert (status, "VcfTruncated" in text) == (200, True)
    assert ask(site, f"/radiant/report?run_id={quote(site.run_id)}", token_of(site, None))[0] == 403
    task = site.import_task(BAD)
    run_id = site.part_runs()[1]
    query = {"dag_id": "import-vcf", "run_id": run_id, "task_id": "import_case", "map_index": task.map_index}
    assert f"Case {BAD}" in ask(site, f"/radiant/task?{urlencode(query)}", viewer)[1]
    assert (
        "commit-part"
        in ask(site, f"/radiant/task?{urlencode(query | {'task_id': 'commit', 'map_index': '{MAP_INDEX}'})}", viewer)[1]
    )
    log = ask(site, f"/radiant/worker-log?{urlencode({'run_id': run_id, 'map_index': task.map_index})}", viewer)
    assert (log[0], "truncated" in log[1]) == (200, True)
    links = site.api._call("GET", f"{path_of('import-vcf', run_id, 'import_case')}/links?map_index={task.map_index}")
    assert links["extra_links"]["Case in Radiant"].endswith(f"/radiant/cases/{BAD}")


def test_each_table_is_an_asset_whose_event_has_its_rows_and_its_snapshot(site):
    events = site.api._call("GET", "/api/v2/assets/events?order_by=timestamp")["asset_events"]
    found = [one for one in events if one["source_run_id"] == site.part_runs()[0]]
    assert {one["name"] for one in found} >= {f"radiant.{name}" for name in TABLES}
    (occurrence,) = [one for one in found if one["name"] == "radiant.occurrence"]
    assert occurrence["extra"]["cases"] == [URGENT]
    assert occurrence["extra"]["rows"] == len(site.rows(URGENT)["occurrence"])
    assert int(occurrence["extra"]["snapshot_id"]) > 0


def test_a_page_that_does_not_exist_is_not_found(site):
    viewer = token_of(site, "viewer")
    for path in ("/radiant/cases/123456", "/radiant/cases/0", "/radiant/cases/" + "9" * 30, "/radiant/nothing"):
        assert ask(site, path, viewer)[0] == 404, path
    assert ask(site, "/radiant/cases?state=odd", viewer)[0] == 422
    assert ask(site, "/radiant/static/..%2fplugin.py", None)[0] == 404


IN_FRAME = "document.querySelector('iframe')?.contentDocument"


def test_from_airflow_s_first_page_a_failed_case_s_reason_is_one_click_away_its_log_and_cost_two(site):
    with browser(site.api.url, token_of(site, "admin")) as page:
        page.resize(1400, 900)
        for link, shown in (
            ("[href$='#cost']", f"{IN_FRAME}?.querySelector('#cost dd')?.textContent.includes('$')"),
            ("[data-airflow]", "document.body.innerText.includes('VcfTruncated')"),
        ):
            page.open(f"{site.api.url}/")
            page.click("document.querySelector('a[href*=\"plugin/radiant\"]')")
            assert "Copy it again" in page.wait(f"{IN_FRAME}?.querySelector('.failures')?.textContent")
            page.click(f'{IN_FRAME}.querySelector(".failures a{link}")')
            page.wait(shown)
        assert "/tasks/import_case/mapped/" in page.value("location.pathname")


@pytest.mark.parametrize("width", [1400, 400])
def test_no_page_is_wider_than_its_window_and_none_breaks_its_own_policy(site, width):
    with browser(site.api.url, token_of(site, "admin")) as page:
        page.resize(width, 900)
        for path in (*PAGES, *WITHOUT_A_REASON):
            page.open(site.api.url + path)
            page.wait("document.readyState === 'complete' && document.querySelector('main')")
            assert page.value("document.documentElement.scrollWidth") <= width, path
            assert page.value("getComputedStyle(document.querySelector('header')).display") == "flex", path
            theme = "localStorage.setItem('theme', 'dark'); theme(); document.documentElement.dataset.theme"
            assert page.value(theme) == "dark"
        assert page.errors == []


def log_of(site: Site, task_id: str) -> str:
    path = f"{path_of('import-radiant', site.run_id, task_id)}/logs/1?full_content=true&map_index=-1"
    return json.dumps(site.api._call("GET", path))


def mails_of(site: Site, mails: Mails) -> list[tuple[list[str], str, str]]:
    """Return recipients, subject and text of each mail about the first run or a run that it started."""
    found = [
        (to, mail["Subject"], mail.get_payload(0).get_payload(decode=True).decode()) for to, mail in mails.received
    ]
    return [one for one in found if site.run_id in one[2]]


def test_a_red_run_sends_one_mail_and_a_notifier_that_cannot_send_changes_nothing(site, mails):
    deadline = time.monotonic() + 120  # it is sent after the verdict's state is stored
    while not mails_of(site, mails) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert site.state == "failed"
    ((recipients, subject, text),) = mails_of(site, mails)
    assert recipients == ["on-call@centre.example"]
    assert subject == f"import-radiant: {len(site.good)} of {len(site.good) + 1} cases are imported and visible."
    assert f"case {BAD}: VcfTruncated: the VCF of case {BAD}: ends at byte" in text
    assert str(site.settings.home_path) not in text
    assert "tasks/verdict" in text
    assert "install apache-airflow-providers-slack" in log_of(site, "verdict")
    assert "pip install apache-airflow-providers-slack" in log_of(site, "plan")


def test_the_run_leaves_its_report_and_its_verdict_s_log_names_it(site):
    uri = report_uri(run_uri(site.settings.effective_work_uri, "import-radiant", site.run_id))
    assert uri in log_of(site, "verdict")
    tasks = {one.task_id: one.state for one in site.api.task_instances("import-radiant", site.run_id)}
    assert (tasks["verdict"], tasks["report"], site.state) == ("failed", "success", "failed")
    page = Path(uri.removeprefix("file://")).read_text()
    assert f"{len(site.good)} of {len(site.good) + 1} cases are imported and visible, 1 failed." in page
    assert f'Case {BAD} <span class="code">VcfTruncated' in page
    assert page.count("try that did not succeed (Lost)") >= 2, "the two that were killed"


def test_the_most_urgent_part_comes_first(site):
    parts = site.parts()
    assert (parts[0]["priority"], parts[0]["cases"]) == ("stat", [URGENT])
    dates = {
        run["dag_run_id"]: run["logical_date"] for run in site.api._pages("/api/v2/dags/import-vcf/dagRuns", "dag_runs")
    }
    urgent, routine = (dates[run] for run in site.part_runs())
    assert urgent < routine


def test_the_good_cases_are_imported_and_visible(site):
    assert sorted(site.verdict["imported"]) == sorted(site.good)
    for case_id in site.good:
        rows = site.rows(case_id)
        assert rows["occurrence"], case_id
        assert rows["variant"], case_id


def test_no_row_of_the_bad_case_is_visible(site):
    with pytest.raises(Exception, match=str(BAD)):
        site.rows(BAD)


def test_the_registry_has_the_outcome_of_each_case(site):
    states = {record.case.case_id: record.state for record in site.registry.list_cases()}
    assert states.pop(BAD) is CaseState.FAILED
    assert set(states.values()) == {CaseState.IMPORTED}


def test_the_bad_case_was_tried_once(site):
    task = site.import_task(BAD)
    assert (task.state, task.try_number) == ("failed", 1)


@pytest.mark.parametrize("case_id", [KILLED_JOB, KILLED_TASK])
def test_what_was_killed_is_tried_again_and_succeeds(site, case_id):
    assert case_id in site.killed, "the import was over before it could be killed"
    task = site.import_task(case_id)
    assert (task.state, task.try_number) == ("success", 2)
    assert start_time(site.killed[case_id]) is None


def test_the_xcom_and_the_registry_have_what_the_try_of_an_import_used(site):
    run_id = site.part_runs()[0]
    (one,) = read_job_summary(site.api.xcom("import-vcf", run_id, "import_case", 0), "the XCom").tries
    assert one.usage.records > 0
    assert one.usage.bytes_stored > 0
    assert one.placement.backend == "local"
    assert 0 <= one.times.queued_s < 600
    assert one.times.running_s >= one.usage.wall_s - 0.5
    stored = {known.job_try.attempt: known for known in site.registry.usage()}
    assert (stored[one.attempt].case_id, stored[one.attempt].job_try) == (URGENT, one)


def test_an_import_by_hand_leaves_the_same_rows_as_the_disturbed_one(site):
    before = {case_id: site.rows(case_id) for case_id in site.killed}
    run_id = site.api.trigger("import-vcf", {"part": site.part_of(KILLED_JOB), "cases": sorted(site.killed)})
    assert site.wait("import-vcf", run_id) == "success"
    for case_id, rows in before.items():
        assert site.rows(case_id) == rows


def test_the_summary_of_a_case_is_its_task_s_xcom_and_the_task_shows_its_number(site):
    run_id = site.part_runs()[0]
    summary = site.api.xcom("import-vcf", run_id, "import_case", 0)
    assert summary["status"] == "succeeded"
    assert summary["rows"]["occurrence"] == len(site.rows(URGENT)["occurrence"])
    assert summary["peak_memory_mib"] > 10
    task = site.api._call("GET", f"{path_of('import-vcf', run_id, 'import_case')}/0")
    assert task["rendered_map_index"] == f"case {URGENT}"


@pytest.mark.parametrize(
    ("dag_id", "conf"),
    [
        ("import-vcf", {}),
        ("import-vcf", {"part": "seven"}),
        ("import-vcf", {"part": 1, "cases": [0]}),
        ("import-part", {"part": -1}),
        ("import-radiant", {"cases": "the first"}),
        ("import-radiant", {"cases": "105,106,O7"}),
    ],
)
def test_wrong_params_are_refused_when_a_run_is_triggered(site, dag_id, conf):
    with pytest.raises(AirflowError, match="HTTP 4"):
        site.api.trigger(dag_id, conf)


def test_a_case_that_is_not_registered_is_named(site):
    run_id = site.api.trigger("import-radiant", {"cases": [123456]})
    assert site.wait("import-radiant", run_id) == "failed"
    verdict = site.api.xcom("import-radiant", run_id, "verdict")
    assert "123456" in verdict["trouble"][0]


def test_a_start_whose_answer_is_lost_makes_one_run_and_nothing_due_is_green(site, monkeypatch):
    send, lost = site.api._send, []

    def lossy(method, path, body=None):
        answer = send(method, path, body)
        if path.endswith("/dagRuns") and not lost:
            lost.append(answer["dag_run_id"])
            msg = "the answer is lost"
            raise AirflowUnavailableError(msg)
        return answer

    monkeypatch.setattr(site.api, "_send", lossy)
    run_id = site.api.trigger("import-radiant")
    assert lost == [run_id]
    assert site.wait("import-radiant", run_id) == "success"
    assert site.api.xcom("import-radiant", run_id, "verdict") == {
        "imported": [],
        "deleted": [],
        "failed": [],
        "waiting": [],
        "trouble": [],
        "warnings": [],
    }


def test_the_poc_prints_ten_lines_and_returns_a_list(site):
    run_id = site.api.trigger("POC-ecs-k8s-operators")
    assert site.wait("POC-ecs-k8s-operators", run_id) == "success"
    assert len(site.api.xcom("POC-ecs-k8s-operators", run_id, "poc")["output"]) == 10
    lines = list(site.api.log_lines("POC-ecs-k8s-operators", run_id, "poc"))
    assert sum("progress" in line for line in lines) == 10


def test_the_dag_maintain_tables_reports_what_it_would_do_and_does_it(site):
    case = site.good[0]
    before = site.rows(case)
    for dry_run in (True, False):
        run_id = site.api.trigger("maintain-tables", {"dry_run": dry_run})
        assert site.wait("maintain-tables", run_id) == "success"
        output = site.api.xcom("maintain-tables", run_id, "maintain")["output"]
        assert output["dry_run"] is dry_run
        assert {f"radiant.germline_snv_{name}" for name in TABLES} < {table["name"] for table in output["tables"]}
        assert all(table["kept_snapshots"] and not table["snapshots"] for table in output["tables"]), "nothing is old"
        assert site.rows(case) == before


def test_marking_a_task_failed_stops_its_job(site):
    run_id = site.api.trigger("POC-ecs-k8s-operators")
    folder = site.settings.home_path / "work" / "POC-ecs-k8s-operators"
    deadline = time.monotonic() + 300
    while not (notes := list(folder.glob(f"{quote(run_id, safe='')}/poc/process.json"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    job = json.loads(notes[0].read_text())
    site.api._call("PATCH", path_of("POC-ecs-k8s-operators", run_id, "poc"), {"new_state": "failed"})
    while start_time(job["pid"]) == job["started"]:
        assert time.monotonic() < deadline, "the job outlived its task"
        time.sleep(0.1)
    assert site.wait("POC-ecs-k8s-operators", run_id) == "failed"


TINY = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1
chr1\t{position}\t.\tA\tG\t50\tPASS\t.\tGT\t0/1
"""
MANY = range(500, 500 + MOST_MAPPED + 2)


@pytest.fixture(scope="module")
def many(site):
    """Two cases more than Airflow maps a task over, imported by one run; return its id."""
    folder = site.settings.home_path / "many"
    folder.mkdir()
    for number in MANY:
        vcf = folder / f"{number}.vcf"
        vcf.write_text(TINY.format(position=number))
        site.add(number, vcf, None)
    run_id = site.api.trigger("import-radiant", {"cases": f"{MANY[0]}-{MANY[-1]}"})
    assert site.wait("import-radiant", run_id) == "success"
    return run_id


def test_more_cases_than_airflow_maps_a_task_over_are_all_imported_in_blocks(site, many):
    assert site.api.xcom("import-radiant", many, "verdict")["imported"] == list(MANY)
    assert {site.registry.get(number).state for number in MANY} == {CaseState.IMPORTED}
    ((part,),) = site.api.xcom("import-radiant", many, "parts")
    first = part_run_id(many, part["part"], part["cases"])
    sizes = [len(site.api.xcom("import-vcf", block_run_id(first, block), "requests")) for block in (1, 2)]
    assert sizes == [MOST_MAPPED, 2]
    for number in (MANY[0], MANY[-1]):
        (row,) = site.rows(number)["occurrence"]
        assert row["start"] == number


@pytest.mark.usefixtures("many")
def test_cases_beyond_the_limit_of_one_run_by_hand_are_not_started_and_are_listed(site):
    before = {number: site.registry.get(number).load_id for number in MANY}
    part = site.registry.get(MANY[0]).part
    run_id = site.api.trigger("import-vcf", {"part": part, "cases": f"{MANY[0]}-{MANY[-1]}"})
    assert site.wait("import-vcf", run_id) == "failed"
    verdict = site.api.xcom("import-vcf", run_id, "verdict")
    assert verdict["waiting"] == list(MANY[-2:])
    assert (verdict["failed"], verdict["trouble"]) == ([], [])
    log = "\n".join(site.api.log_lines("import-vcf", run_id, "verdict"))
    assert f"case(s) {MANY[-2]}, {MANY[-1]} not started" in log
    assert "Lost" not in log
    after = {number: site.registry.get(number) for number in MANY[-2:]}
    assert {(record.state, record.load_id == before[number]) for number, record in after.items()} == {
        (CaseState.IMPORTED, True)
    }


def clear(site, dag_id, run_id, task_id, map_index=None):
    """Clear a task as the UI does, with its downstream tasks."""
    task = task_id if map_index is None else [task_id, map_index]
    wanted = {"dag_run_id": run_id, "task_ids": [task], "include_downstream": True, "only_failed": False}
    answer = site.api._call("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", wanted | {"dry_run": False})
    time.sleep(2)
    return sorted({(one["task_id"], one["map_index"]) for one in answer["task_instances"]})


def test_a_corrected_case_is_imported_by_clearing_the_task_that_failed(site):
    run_id = site.api.trigger("import-part", {"part": site.part_of(BAD), "cases": f"{BAD}"})
    assert site.wait("import-part", run_id) == "failed"
    site.bad_vcf.write_bytes(site.whole)
    clear(site, "import-part", run_id, "import_vcf")
    assert site.wait("import-part", run_id) == "success"
    assert site.rows(BAD)["variant"]
    runs = [run["dag_run_id"] for run in site.api._pages("/api/v2/dags/import-vcf/dagRuns", "dag_runs")]
    assert runs.count(run_id) == 1
    assert len(runs) == len(set(runs))


STEPS = [
    ("import-vcf", "prepare"),
    ("import-vcf", "requests"),
    ("import-vcf", "import_case"),
    ("import-vcf", "commit"),
    ("import-vcf", "verdict"),
    ("import-part", "import_vcf"),
    ("import-part", "verdict"),
    ("import-radiant", "plan"),
    ("import-radiant", "parts"),
    ("import-radiant", "import_part"),
    ("import-radiant", "verdict"),
]
"""Every task of every import DAG that a worker runs."""
ONLY_JUDGES = {
    ("import-vcf", "commit"),
    ("import-vcf", "verdict"),
    ("import-part", "verdict"),
    ("import-radiant", "verdict"),
}
REPAIR = 200


@pytest.fixture(scope="module")
def repairs(site):
    """A family for each step, each with a pedigree that names a sample the VCF does not have."""
    cases: dict[tuple[str, str], tuple[int, Path, str]] = {}
    folder = site.settings.home_path / "repairs"
    folder.mkdir()
    vcf = min((site.settings.home_path / "demo").rglob("*.vcf.gz"))
    good = next(vcf.parent.glob("*.ped")).read_text()
    family, child = good.split("\t")[:2]
    ped = own = ""
    for number, step in enumerate(STEPS):
        # A family of its own, so that the cases are independent of each other.
        own = "\n".join(line.replace(family, f"R{number}", 1) for line in good.splitlines())
        ped = folder / f"{number}.ped"
        ped.write_text(own.replace(child, "mistyped"))
        site.add(REPAIR + number, vcf, ped)
        cases[step] = (REPAIR + number, ped, own)
    run_id = site.api.trigger("import-radiant", {"cases": f"{REPAIR}-{REPAIR + len(STEPS) - 1}, {URGENT}"})
    assert site.wait("import-radiant", run_id) == "failed"
    assert {site.registry.get(case_id).state for case_id, *_ in cases.values()} == {CaseState.FAILED}
    return run_id, cases


@pytest.mark.parametrize("step", STEPS, ids=" ".join)
def test_clearing_a_task_after_a_repair_imports_the_case_with_the_pedigree_as_it_is_now(site, repairs, step):
    run_id, cases = repairs
    case_id, ped, good = cases[step]
    dag_id, task_id = step
    imported = {
        record.case.case_id: record.load_id
        for record in site.registry.list_cases(CaseState.IMPORTED)
        if record.case.case_id >= REPAIR
    }
    part = site.registry.get(case_id).part
    planned = next(one for one in site.api.xcom("import-radiant", run_id, "parts") if one[0]["part"] == part)
    below = part_run_id(run_id, part, planned[0]["cases"])
    dag_run = run_id if dag_id == "import-radiant" else below
    index = None
    if task_id == "import_case":
        requests = site.api.xcom("import-vcf", below, "requests")
        index = next(place for place, one in enumerate(requests) if one["case_id"] == case_id)
    ped.write_text(good)
    cleared = clear(site, dag_id, dag_run, task_id, index)
    site.wait(dag_id, dag_run)
    if step in ONLY_JUDGES:
        assert ("import_case", 0) not in cleared
        assert site.registry.get(case_id).state is CaseState.FAILED
        return
    assert site.registry.get(case_id).state is CaseState.IMPORTED
    samples = {line.split("\t")[1] for line in good.splitlines()}
    assert {row["sample"] for row in site.rows(case_id)["occurrence"]} <= samples
    assert {member.sample for member in site.registry.get(case_id).case.members} == samples
    now = {record.case.case_id: record for record in site.registry.list_cases() if record.case.case_id >= REPAIR}
    assert not [number for number, record in now.items() if record.run], "held by a run that is over"
    if task_id != "plan":  # it plans the requested cases again
        assert {number: now[number].load_id for number in imported} == imported, "imported again"


def test_the_form_of_the_failures_starts_a_run_for_its_cases_and_sent_twice_it_is_one_run(site):
    user = token_of(site, "user")
    _, text = ask(site, f"/radiant/cases/{BAD}", user)
    if "Import it again" not in text:  # repaired by now: the overview has a form as long as any case failed
        _, text = ask(site, "/radiant/", user)
    (token, *_) = re.findall(r'name="token" value="([^"]+)"', text)
    form = {"cases": str(URGENT), "token": token}
    with httpx.Client(
        trust_env=False, base_url=site.api.url, headers={"Cookie": f"_token={user}"}, timeout=60
    ) as client:
        foreign = client.post("/radiant/import-again", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        first, second = (client.post("/radiant/import-again", data=form) for _ in range(2))
        assert (first.status_code, first.headers["location"]) == (303, second.headers["location"])
        assert client.get(first.headers["location"]).status_code == 200
        assert client.post("/radiant/import-again", data={"token": token}).status_code == 400
        assert client.post("/radiant/import-again", data={"token": token, "cases": "1; drop"}).status_code == 400
    run_id = parse_qs(urlsplit(first.headers["location"]).query)["run_id"][0]
    found = site.api._call("GET", f"/api/v2/dags/import-radiant/dagRuns/{quote(run_id)}")
    assert (found["conf"], found["triggering_user_name"]) == ({"cases": str(URGENT)}, "someone")


# --- Names of people and files ----------------------------------------------------------------------------------------


MARK = "QZmark"
"""Part of each name of a sample, family, patient, experiment, file and folder below."""
MARKED, MISMATCHED, REJECTED, CUT = 700, 701, 702, 703
HOLDS_NAMES = {
    r"registry\.db.*": "the registry lists members and files of cases",
    r"warehouse/.*/data/.*\.parquet": "the rows of members name their samples",
    r"work/import-vcf/[^/]+/cases/\d+\.json": "the case document: what an import needs instead of the registry",
    r"work/import-vcf/[^/]+/cases/\d+\.[^/]+\.staged\.json": "bounds of the columns of staged files, for the commit",
}
"""Files below the home that hold names, by pattern, and why; `SECURITY.md` has the same list."""


def names_in(path: Path) -> bool:
    data = path.read_bytes()
    return MARK.encode().lower() in (gzip.decompress(data) if path.suffix == ".gz" else data).lower()


@pytest.fixture(scope="module")
def marked(site, tmp_path_factory):
    """Four cases of which each name has the mark: one is imported, three fail, each in another way."""
    folder = tmp_path_factory.mktemp("inputs") / f"{MARK}-folder"
    folder.mkdir()
    people = [f"{MARK}-kid", f"{MARK}-dad", f"{MARK}-mum"]
    head = "#family_id\tindividual\tfather\tmother\tsex\tphenotype\tpatient_id\texperiment_id"
    parents = {people[0]: (people[1], people[2])}
    for case_id in (MARKED, MISMATCHED, REJECTED, CUT):
        facts = {one: [*parents.get(one, "00"), sex, "1"] for one, sex in zip(people, "112", strict=True)}
        lines = [
            "\t".join([f"{MARK}-family", one, *rest, f"{MARK}-p{one}", f"{MARK}-e{case_id}{one}"])
            for one, rest in facts.items()
        ]
        (folder / f"{MARK}-{case_id}.ped").write_text("\n".join([head, *lines]) + "\n")
        samples = [*people[:2], f"{MARK}-other"] if case_id == MISMATCHED else people
        records = [record("0/1", "0/1", "0/0"), record("0/1", "0/0", "0/1", pos="x" if case_id == REJECTED else 2000)]
        file = write(folder / f"{MARK}-{case_id}.bgz", text(records, samples))
        if case_id == CUT:
            file.write_bytes(file.read_bytes()[:-28])
        site.add(case_id, file, folder / f"{MARK}-{case_id}.ped")
    run_id = site.api.trigger("import-radiant", {"cases": f"{MARKED},{MISMATCHED},{REJECTED},{CUT}"})
    assert site.wait("import-radiant", run_id) == "failed"
    return site.api.xcom("import-radiant", run_id, "verdict")


def test_a_reason_names_the_case_and_neither_people_nor_files(site, marked):
    assert marked["imported"] == [MARKED]
    reasons = {one["case_id"]: (one["code"], one["reason"]) for one in marked["failed"]}
    assert {case_id: code for case_id, (code, _) in reasons.items()} == {
        MISMATCHED: "SampleMismatch",
        REJECTED: "VcfFormat",
        CUT: "VcfTruncated",
    }
    for case_id, (_, reason) in reasons.items():
        assert f"the VCF of case {case_id}" in reason or f"the pedigree of case {case_id}" in reason
        assert MARK not in reason
    assert any(MARK in row["sample"] for row in site.rows(MARKED)["occurrence"])


@pytest.mark.usefixtures("marked")
def test_names_of_people_and_files_are_nowhere_but_where_they_must_be(site):
    home = site.settings.home_path
    files = {str(path.relative_to(home)): path for path in home.rglob("*") if path.is_file()}
    assert any("logs/" in name for name in files), "the logs of Airflow are below the home"
    assert any(name.endswith("airflow.db") for name in files), "its database, with XComs, is below the home"
    assert [name for name in files if MARK.lower() in name.lower()] == []
    found = {name for name, path in files.items() if path != site.bad_vcf and names_in(path)}
    allowed = {pattern: {name for name in found if re.fullmatch(pattern, name)} for pattern in HOLDS_NAMES}
    assert sorted(found.difference(*allowed.values())) == []
    assert [pattern for pattern, names in allowed.items() if not names] == [], "a place that holds no names any more"


@pytest.mark.usefixtures("marked")
def test_spans_metrics_labels_and_tags_hold_no_names(site):
    cases = {MARKED, MISMATCHED, REJECTED, CUT}

    def seen() -> set[Any]:
        return {span.attributes.get("radiant.case") for span in site.otlp.named("radiant import-case")}

    deadline = time.monotonic() + 60
    while not cases <= seen() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert cases <= seen()
    exported = [(one.name, one.attributes, one.resource, one.error) for one in list(site.otlp.spans)]
    assert MARK.lower() not in repr(exported + list(site.otlp.points)).lower()
    imports = 0
    for file in (site.settings.home_path / "work" / "import-vcf").glob("*/import_case/*/request.json"):
        request = decode_request(file.read_bytes(), str(file))
        if request.arguments["case_id"] in cases:
            imports += 1
            facts = TaskFacts("import-vcf", file.parts[-4], "import_case", int(file.parts[-2]), 1, last_try=False)
            argv = TaskFolder(request.run_uri, request.task_uri).argv(request.job, request.attempt)
            order = ContainerOrder(IMPORT_CASE, argv, request.attempt, 1024, facts, image="worker:1")
            environment = {
                "RADIANT_ECS__SUBNETS": "s",
                "RADIANT_KUBERNETES__MOUNTS": '[{"path": "/", "host_path": "/"}]',
            }
            settings = load_settings(environment)
            made = (build_pod(order, settings, namespace="here").to_dict(), run_task_call(order, settings))
            assert MARK.lower() not in repr(made).lower()
    assert imports == len(cases)


def test_the_threat_model_lists_the_places_that_hold_names():
    page = (REPOSITORY / "SECURITY.md").read_text()
    assert [reason for reason in HOLDS_NAMES.values() if reason not in page] == []
