import datetime as dt
import gzip

import pytest

from radiant.jobs.documents import Request
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times, Usage
from radiant.operators.task_folder import TaskFolder
from radiant.registry import Registry
from radiant.settings import load_settings
from radiant.ui.gather import costs, open_sources, worker_log


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/registry.db", "there is no registry at sqlite:////nowhere/registry.db"),
        ("postgresql://reader:s3cret@127.0.0.1:9/radiant", "does not answer"),
        ("mysql://host/radiant", "cannot be kept in 'mysql'"),
    ],
)
def test_a_registry_that_cannot_be_read_is_one_notice_with_its_setting_and_no_password(url, words):
    sources = open_sources(load_settings({"RADIANT_UI__REGISTRY_URL": url}), None)
    assert sources.registry is None
    (notice,) = sources.notices
    assert words in notice
    assert "RADIANT_UI__REGISTRY_URL" in notice
    assert "s3cret" not in notice


def test_without_a_setting_of_its_own_the_pages_read_the_jobs_registry():
    settings = load_settings({"RADIANT_REGISTRY__URL": "sqlite:////a/b.db"})
    assert settings.effective_ui_registry_url == "sqlite:////a/b.db"
    assert costs(open_sources(settings, None), None, None) is None


def test_a_worker_s_log_is_that_of_the_last_attempt_even_if_it_was_cut(tmp_path):
    settings = load_settings({"RADIANT_WORK_URI": f"file://{tmp_path}"})
    assert worker_log(settings, "r", 0) is None
    run = f"file://{tmp_path}/import-vcf/r"
    folder = TaskFolder(run, f"{run}/import_case/0")
    folder.write_request(Request("import-case", "one", run))
    assert worker_log(settings, "r", 0) is None
    log = tmp_path / "import-vcf" / "r" / "import_case" / "0" / "one" / "worker.log.gz"
    log.write_bytes(gzip.compress(b"line\n" * 1000)[:-9])
    assert worker_log(settings, "r", 0).startswith(b"line\nline\n")


def test_the_costs_of_a_month_are_those_of_the_tries_requested_in_it(tmp_path):
    settings = load_settings({"RADIANT_REGISTRY__URL": f"sqlite:///{tmp_path}/registry.db"})

    def a_try(name, day, code=None):
        asked_at = dt.datetime(2026, 11, day, 23, 59, tzinfo=dt.UTC).timestamp()
        times = Times(asked_at=asked_at, placed_at=asked_at + 10, started_at=asked_at + 40, ended_at=asked_at + 110)
        placement = Placement("ecs", capacity="FARGATE")
        usage = Usage(70.0, 100.0, 512.0, 1, 1) if code is None else None
        return TaskUsage("run", "import-case", 7, JobTry(name, 1, code, times, placement, 2.0, 4096, None, usage))

    tries = [a_try("a", 29, "SpotInterrupted"), a_try("b", 30)]
    Registry(settings.effective_registry_url).record_usage(tries, keep_days=30)
    now = dt.datetime(2026, 12, 5, tzinfo=dt.UTC)
    found = costs(open_sources(settings, None), now - dt.timedelta(days=10), now)
    assert found.bill.as_it_ran == pytest.approx(2 * 0.09874 * 100 / 3600)
    assert found.bill.cases[0].not_succeeded == 1
    assert [(one.tries, one.failed) for one in found.days[-3:]] == [(0, 0), (1, 1), (1, 0)], (
        "the last ended in December"
    )
    assert costs(open_sources(settings, None), now, now).bill is None
