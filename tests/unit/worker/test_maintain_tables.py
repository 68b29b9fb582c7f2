"""The job `maintain-tables` and the command: registry, tables and documents together."""

import datetime as dt
import os

import pytest
from typer.testing import CliRunner

from radiant import storage
from radiant.cli.main import app
from radiant.jobs.documents import Request, task_uri
from radiant.jobs.documents import run_uri as run_folder
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from radiant.worker.maintain_tables import handle, maintain
from radiant.worker.run_documents import remove_run_folders, run_folders

LATER = dt.datetime.now(dt.UTC) + dt.timedelta(days=100)


@pytest.fixture
def settings(tmp_path):
    return load_settings({"RADIANT_HOME": str(tmp_path)})


def write_run(settings, run_id: str) -> str:
    run = run_folder(settings.effective_work_uri, "import-vcf", run_id)
    for name in ("request.json", "1234/result.json", "1234/worker.log.gz"):
        storage.write_bytes(f"{task_uri(run, 'prepare')}/{name}", b"{}")
    storage.write_bytes(f"{run}/cases/1.json", b"{}")
    return run


def case_held_by(settings, run: str, tmp_path) -> None:
    vcf = tmp_path / "one.vcf"
    vcf.write_text("##fileformat=VCFv4.2\n")
    registry = Registry(settings.effective_registry_url)
    case = registry.add(Registration(vcf.as_uri())).case_id
    due = registry.due([case], run=run)
    from radiant.domain.partition import plan  # noqa: PLC0415

    registry.assign(plan([one.case for one in due.cases], {}, {}), run=run, lease_s=3600)
    registry.claim(0, [case], run=run, lease_s=3600)


def test_documents_of_old_runs_go_and_those_of_a_run_with_a_case_under_way_stay(settings, tmp_path):
    running, ended = write_run(settings, "running"), write_run(settings, "ended")
    case_held_by(settings, running, tmp_path)
    output = maintain(settings, dry_run=False, now=LATER)
    assert (output.runs, output.documents) == (1, 4)
    assert storage.list_files(ended) == []
    assert len(storage.list_files(running)) == 4


def test_a_run_is_as_old_as_its_newest_document(settings):
    run = write_run(settings, "ended")
    for uri in storage.list_files(run)[1:]:
        os.utime(storage.local_path(uri), (0, 0))
    cutoff = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    assert remove_run_folders(settings.effective_work_uri, cutoff, (), dry_run=False) == []


def test_what_is_no_run_stays(settings):
    write_run(settings, "ended")
    storage.write_bytes(f"{settings.effective_work_uri}/import-history.json", b"{}")
    storage.write_bytes(f"{settings.effective_work_uri}/notes/of/mine.txt", b"")
    assert [one.uri.rpartition("/")[2] for one in run_folders(settings.effective_work_uri)] == ["ended"]
    maintain(settings, dry_run=False, now=LATER)
    assert len(storage.list_files(settings.effective_work_uri)) == 2


def test_the_job_reports_what_the_command_prints(settings, monkeypatch, tmp_path):
    run = write_run(settings, "ended")
    for uri in storage.list_files(run):
        os.utime(storage.local_path(uri), (0, 0))
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    shown = CliRunner().invoke(app, ["maintain", "--dry-run"], catch_exceptions=False)
    assert "documents of 1 finished runs: 4 files, 8 B\nWould free: 4 files, 8 B" in shown.output
    output = handle(Request("maintain-tables", "a", run, {"dry_run": False}), settings, None).output
    assert (output.runs, output.documents, output.document_bytes) == (1, 4, 8)
    assert storage.list_files(run) == []
