import gzip

import pytest

from radiant.jobs.documents import Request
from radiant.operators.task_folder import TaskFolder
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
