"""`radiant costs`, on documents as operators and workers write them."""

import dataclasses
import datetime as dt
import os
import re
import time
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radiant.cli.costs import bill_of_month
from radiant.cli.kube_pod import TASKS
from radiant.cli.main import app
from radiant.cli.resources import OtherJob, other_jobs
from radiant.costs.container import Capacity
from radiant.costs.history import Ending
from radiant.costs.prices import built_in_prices
from radiant.domain.case import Priority
from radiant.domain.partition import PlannedPart
from radiant.errors import ConfigError, InputError
from radiant.jobs.catalogue import effective_job
from radiant.jobs.codec import to_json
from radiant.jobs.contracts import ImportArguments, PlanArguments, PlanOutput, PrepareArguments
from radiant.jobs.documents import Failure, Result, Status, decode_request, run_uri, task_uri
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times, Usage
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import new_request
from radiant.registry import Registry
from radiant.runs.attempts import attempts_in, attempts_of_run, cost_attempt, read_month
from radiant.runs.tries_document import write_tries
from radiant.settings import load_settings

RUN = "manual__2026-11-28T22:00:00+00:00"
BEGAN = dt.datetime(2026, 11, 28, 22, tzinfo=dt.UTC)
LOST = Failure("OutOfMemory", "killed", retryable=True, exit_code=None)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    return load_settings()


class Site:
    """Writes the documents of attempts with the operators' own functions."""

    def __init__(self, settings):
        self.settings = settings

    def attempt(  # noqa: PLR0913 - each is a fact of an attempt
        self, job, run, index, arguments, *, at, wall_s=None, memory_mib=2048, output=None, ended_at=None
    ):
        dag, task = TASKS[job]
        folder = run_uri(self.settings.effective_work_uri, dag, run)
        task_folder = TaskFolder(folder, task_uri(folder, task, index))
        spec = effective_job(job, self.settings)
        request = new_request(spec, to_json(arguments), task_folder, memory_mib=memory_mib, image=None)
        task_folder.write_request(request)
        usage = None if wall_s is None else Usage(wall_s, 1.5 * wall_s, 512.0, 1, 1)
        if usage is not None:
            result = Result(job, request.attempt, Status.SUCCEEDED, output=output, usage=usage)
        else:
            result = Result(job, request.attempt, Status.LOST, failure=LOST)
        if usage is not None or ended_at is not None:
            task_folder.write_outcome(result)
        files = Path(task_folder.uri.removeprefix("file://")) / request.attempt
        os.utime(files / "request.json", (at.timestamp(), at.timestamp()))
        if ended_at is not None:
            os.utime(files / "outcome.json", (ended_at.timestamp(), ended_at.timestamp()))
        return task_folder


@pytest.fixture
def site(settings):
    """Return a run of two cases: one lost its first attempt to its memory limit, the other is in a second block."""
    site = Site(settings)
    part = PlannedPart(1, Priority.ROUTINE, (7, 8))
    plan = to_json(PlanOutput((part,), ()))
    site.attempt(
        "plan-import",
        RUN,
        -1,
        PlanArguments(),
        at=BEGAN,
        wall_s=4,
        memory_mib=1024,
        output=plan,
    )
    child = part_run_id(RUN, 1, (7, 8))
    second = BEGAN + dt.timedelta(seconds=10)
    site.attempt("prepare-part", child, -1, PrepareArguments(1), at=second, wall_s=6, memory_mib=1024)
    for start, wall_s, memory_mib in ((20, None, 2048), (100, 200, 5000)):
        at = BEGAN + dt.timedelta(seconds=start)
        ended_at = at + dt.timedelta(seconds=70) if wall_s is None else None
        arguments = ImportArguments(7, "file:///case", "load")
        site.attempt(
            "import-case",
            child,
            0,
            arguments,
            at=at,
            wall_s=wall_s,
            memory_mib=memory_mib,
            ended_at=ended_at,
        )
    arguments = ImportArguments(8, "file:///case", "load")
    block = block_run_id(child, 2)
    site.attempt("import-case", block, 0, arguments, at=BEGAN, wall_s=100)
    site.attempt("import-case", "of another run", 0, arguments, at=BEGAN, wall_s=100)
    return site


def costs(*arguments):
    result = CliRunner().invoke(app, ["costs", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def line(output, first):
    return re.search(rf"^{first}\b.*$", output, re.MULTILINE).group(0).split()


@pytest.mark.usefixtures("site")
def test_every_attempt_of_a_run_and_of_its_child_runs_counts_the_lost_one_too():
    output = costs("--run", RUN)
    # 2 vCPU and 4 GB for 70 s, then 2 vCPU and 5 GB for 30 s of start and 200 s of work.
    fargate = 0.09874 * 70 / 3600 + (2 * 0.04048 + 5 * 0.004445) * 230 / 3600
    assert line(output, "7")[:8] == ["7", "2", "1", "300", "5,000", "512", "-", f"${fargate:.4f}"]
    assert line(output, "8")[:5] == ["8", "1", "130", "2,048", "512"]
    assert line(output, "run")[:5] == ["run", "2", "70", "1,024", "512"]
    assert line(output, "total")[:4] == ["total", "5", "1", "500"]
    assert f"attempts that did not succeed cost ${0.09874 * 70 / 3600:.4f}" in output
    assert "1 attempts left no usage" in output
    assert "5 on local" in output


@pytest.mark.usefixtures("site")
def test_a_month_holds_the_attempts_that_were_requested_in_it(settings):
    Registry(settings.effective_registry_url)
    assert len(attempts_in(settings, *read_month("2026-11"))) == 6
    assert attempts_in(settings, *read_month("2026-10")) == attempts_in(settings, *read_month("2026-12")) == []
    assert line(costs("--month", "2026-11"), "total")[1] == "6"
    assert "No job ran in that time" in costs("--month", "2025-01")
    with pytest.raises(InputError, match=r"'November' is no month: .* 2026-11"):
        costs("--month", "November")


def a_try(attempt, case_id, *, at=BEGAN, seconds=100.0, code=None):
    start = at.timestamp()
    times = Times(asked_at=start, placed_at=start + 10, started_at=start + 40, ended_at=start + 10 + seconds)
    usage = None if code else Usage(seconds - 30, seconds, 512.0, 1, 1)
    one = JobTry(attempt, 1, code, times, Placement("ecs", capacity="FARGATE"), 2.0, 4096, 512.0, usage)
    return TaskUsage("file:///work/import-vcf/r", "import-case", case_id, one)


@pytest.mark.usefixtures("site")
def test_a_month_is_that_of_the_registry_with_the_documents_of_what_it_lacks(settings):
    registry = Registry(settings.effective_registry_url)
    documents = attempts_in(settings, *read_month("2026-11"))
    stored = [a_try(one.request.attempt, 7) for one in documents if one.case_id == 7]
    gone, earlier = a_try("gone", 9), a_try("earlier", 9, at=BEGAN - dt.timedelta(days=40))
    registry.record_usage([*stored, gone, earlier], keep_days=30)
    output = costs("--month", "2026-11")
    hour = 0.09874 / 3600
    assert line(output, "7")[:8] == [
        "7",
        "2",
        "200",
        "4,096",
        "512",
        f"${hour * 200:.4f}",
        f"${hour * 200:.4f}",
        f"${hour / 2 * 200:.4f}",
    ]
    assert line(output, "8")[:4] == ["8", "2", "260", "2,048"], "of documents: it is in no registry"
    assert line(output, "9")[:4] == ["9", "1", "100", "4,096"], "its documents are gone"
    assert line(output, "total")[1] == "7"
    assert "Found 3 tries of imports in the registry, and 4 attempts" in output
    assert "may be missing" not in output
    assert line(costs("--month", "2026-10"), "total")[1] == "1"


def test_of_many_cases_the_dearest_have_a_line_and_the_others_are_one(settings):
    registry = Registry(settings.effective_registry_url)
    registry.record_usage([a_try(f"a{case}", case, seconds=100.0 + case) for case in range(1, 34)], keep_days=30)
    output = costs("--month", "2026-11")
    assert line(output, "33")[1] == line(output, "4")[1] == "1"
    assert line(output, "3 others")[2:6] == ["3", "306", "4,096", "512"]
    assert not re.search(r"^3 +1 ", output, re.MULTILINE)
    assert line(output, "total")[1] == "33"
    assert line(costs("--month", "2026-11", "--all"), "3")[:2] == ["3", "1"]


def test_the_bill_of_a_month_takes_time_in_proportion_to_its_tries(settings):
    def billed(count):
        tries = [a_try(f"a{case}", case) for case in range(1, count + 1)]
        Registry(settings.effective_registry_url).record_usage(tries, keep_days=30)
        began = time.process_time()
        found = bill_of_month(settings, "2026-11", built_in_prices(), built_in_prices().node("m5.xlarge"))
        return found, time.process_time() - began

    _, few_s = billed(1000)
    found, many_s = billed(10_000)
    assert many_s < 50 * few_s, "ten times as many tries"
    assert (found.bill.attempts, len(found.bill.cases)) == (10_000, 10_000)
    assert found.bill.as_it_ran == pytest.approx(10_000 * 0.09874 * 100 / 3600)


@pytest.mark.usefixtures("site")
def test_the_other_jobs_are_advised_by_their_highest_peak(settings):
    now = BEGAN + dt.timedelta(days=1)
    plan, prepare = other_jobs(settings, built_in_prices(), now)
    hour, half = 0.5 * 0.04048 + 0.004445, 0.25 * 0.04048 + 0.004445
    costs = [pytest.approx(one / 60) for one in (hour, hour, half)]
    assert plan == OtherJob("plan-import", 1, 0.5, 1024, 512.0, 640, *costs)
    assert (prepare.job, prepare.ran) == ("prepare-part", 1)
    assert other_jobs(settings, built_in_prices(), BEGAN + dt.timedelta(days=40)) == []


def test_a_container_is_paid_for_from_its_start_and_while_it_runs(settings):
    site = Site(settings)
    arguments = ImportArguments(7, "file:///case", "load")
    ended = site.attempt("import-case", "r", 0, arguments, at=BEGAN, wall_s=100)
    running = site.attempt("import-case", "r", 1, arguments, at=BEGAN)
    for one in (ended, running):
        Path(one.uri.removeprefix("file://"), "container.json").write_text('{"platform": "ecs"}')
    now = BEGAN + dt.timedelta(seconds=45)
    found = sorted(
        (cost_attempt(one, settings, now) for one in attempts_of_run(settings, "r")), key=lambda one: one.ending
    )
    assert [(one.ending, one.container.seconds, one.backend) for one in found] == [
        (Ending.RUNNING, 45, "ecs"),
        (Ending.SUCCEEDED, 130, "ecs"),
    ]


def test_an_attempt_whose_capacity_was_taken_away_counts_until_the_next_one_was_requested(settings):
    site = Site(settings)
    arguments = ImportArguments(7, "file:///case", "load")
    for start, wall_s in ((0, None), (90, 100)):
        at = BEGAN + dt.timedelta(seconds=start)
        place = site.attempt("import-case", "r", 0, arguments, at=at, wall_s=wall_s)
    Path(place.uri.removeprefix("file://"), "container.json").write_text('{"platform": "ecs"}')
    much_later = BEGAN + dt.timedelta(days=9)
    first, second = (cost_attempt(one, settings, much_later) for one in attempts_of_run(settings, "r"))
    assert (first.ending, first.container.seconds, first.seconds_measured) == (Ending.LOST, 90, False)
    assert (second.ending, second.container.seconds, second.ran_on) == (Ending.SUCCEEDED, 130, Capacity.FARGATE)


def test_an_attempt_that_left_nothing_counts_no_longer_than_its_time_out(settings):
    arguments = ImportArguments(7, "file:///case", "load")
    Site(settings).attempt("import-case", "r", 0, arguments, at=BEGAN)
    (found,) = (cost_attempt(one, settings, BEGAN + dt.timedelta(days=9)) for one in attempts_of_run(settings, "r"))
    assert found.container.seconds == 4 * 3600 + 30


def test_what_the_operator_saw_of_each_try_counts_before_anything_else(settings):
    site = Site(settings)
    arguments = ImportArguments(7, "file:///case", "load")
    site.attempt("import-case", "r", 0, arguments, at=BEGAN)
    place = site.attempt("import-case", "r", 0, arguments, at=BEGAN + dt.timedelta(seconds=90), wall_s=100)
    folder = Path(place.uri.removeprefix("file://"))
    attempts = [decode_request(path.read_bytes(), str(path)).attempt for path in folder.glob("*/request.json")]
    times = {"asked_at": 0.0, "placed_at": 20.0, "started_at": 60.0}
    spot, demand = (Placement("ecs", capacity=name, architecture="x86_64") for name in ("FARGATE_SPOT", "FARGATE"))
    last = place.read_outcome(place_of(folder))
    first = next(attempt for attempt in attempts if attempt != last.attempt)
    tries = (
        JobTry(first, 1, "SpotInterrupted", Times(ended_at=65.0, **times), spot, 2.0, 4096, 300.0, None),
        JobTry(last.attempt, 1, None, Times(ended_at=170.0, **times), demand, 2.0, 4096, 512.0, last.usage),
    )
    place.write_outcome(dataclasses.replace(last, tries=tries))
    found = [cost_attempt(one, settings, BEGAN) for one in attempts_of_run(settings, "r")]
    assert [(one.container.seconds, one.ran_on, one.backend, one.peak_memory_mib) for one in found] == [
        (45, Capacity.FARGATE_SPOT, "ecs", 300),
        (150, Capacity.FARGATE, "ecs", 512),
    ]
    assert all(one.seconds_measured for one in found)
    assert line(costs("--run", "r"), "7")[6] == f"${(0.04937 * 60 + 0.09874 * 150) / 3600:.4f}", "a minute at least"


def test_a_try_that_is_started_again_within_its_task_counts_as_its_operator_saw_it(settings):
    site = Site(settings)
    arguments = ImportArguments(7, "file:///case", "load")
    place = site.attempt("import-case", "r", 0, arguments, at=BEGAN)
    first = place.read_request().attempt
    write_tries(place.uri, (a_try(first, 7, seconds=45.0, code="SpotInterrupted").job_try,))
    site.attempt("import-case", "r", 0, arguments, at=BEGAN + dt.timedelta(seconds=90))
    lost, running = (
        cost_attempt(one, settings, BEGAN + dt.timedelta(seconds=100)) for one in attempts_of_run(settings, "r")
    )
    assert (lost.ending, lost.reason, lost.container.seconds, lost.seconds_measured) == (
        Ending.LOST,
        "SpotInterrupted",
        45,
        True,
    )
    assert (running.ending, running.container.seconds) == (Ending.RUNNING, 10)


def place_of(folder):
    """Return the attempt of the task's last request."""
    return decode_request((folder / "request.json").read_bytes(), str(folder)).attempt


def test_a_run_without_documents_is_refused_with_what_to_check(settings):
    with pytest.raises(InputError, match=r"no job of run 'r'.*RADIANT_WORK_URI"):
        attempts_of_run(settings, "r")


@pytest.mark.usefixtures("settings")
def test_cases_are_compared_without_any_run():
    output = costs("--cases", "7300", "--per-day", "20")
    assert line(output, "Fargate")[:3] == ["Fargate", "$0.0038", "$2.33"]
    assert "mw1.medium instead of mw1.small" in output
    assert "a million records" in output
    assert "without a price: MWAA mw1.micro" in output
    cut = costs("--cases", "7300", "--per-day", "20", "--cpu", "1", "--memory-mib", "768", "--drop-vcf")
    assert line(cut, "MWAA workers")[2:4] == ["$0.00", "$0.00"]
    assert "0.84 GB a case (tables)" in cut


@pytest.mark.parametrize("arguments", [[], ["--cases", "1"], ["--run", "r", "--month", "2026-11"], ["--per-day", "1"]])
@pytest.mark.usefixtures("settings")
def test_what_contradicts_itself_is_refused(arguments):
    assert "give one of --run RUN" in " ".join(costs(*arguments).split())


@pytest.mark.usefixtures("settings")
def test_a_price_list_of_ones_own_replaces_the_built_in_one(tmp_path, monkeypatch):
    text = resources.files("radiant.costs").joinpath("prices.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(
        text.replace("x86_vcpu_hour = 0.04048", "x86_vcpu_hour = 0.08096").replace("us-east-1", "elsewhere")
    )
    monkeypatch.setenv("RADIANT_COSTS__PRICES", str(mine))
    output = costs("--cases", "7300", "--per-day", "20")
    case = 1.02 * ((2 * 0.08096 + 4 * 0.004445) * 84.6 / 3600 + 3.5 * (0.5 * 0.08096 + 0.004445) / 60)
    assert line(output, "Fargate")[2] == f"${case * 20 * 730 / 24:.2f}" == "$4.25"
    assert "Amazon Web Services, elsewhere" in output
    monkeypatch.setenv("RADIANT_COSTS__PRICES", str(tmp_path / "absent.toml"))
    with pytest.raises(ConfigError, match=r"RADIANT_COSTS__PRICES: .*absent\.toml"):
        costs("--cases", "1", "--per-day", "1")
