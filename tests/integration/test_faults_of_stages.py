"""One import with a fault at each of its stages: each failure has a reason, no half import shows, a retry ends well.

Real jobs on a real S3 protocol, a real disk without room, a real PostgreSQL that goes away, real processes killed. The
table in docs/dags.md names these tests.
"""

import os
import re
import signal
import subprocess
import sysconfig
import threading
from pathlib import Path

import pytest
import s3fs
import sqlalchemy as sa

from contract.postgresql import stoppable_server
from radiant import lake, storage
from radiant.domain.case import Priority
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, task_uri
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from s3_jobs import job, prepared

FAMILY = "FAM0001"
STAGES = {
    "prepare": r"PUT .*/cases/\d+\.json",
    "reading": r"GET .*/in/.*\.vcf\.gz",
    "staging": r"(PUT|POST) .*\.parquet",
    "manifest": r"PUT .*\.staged\.json",
    "commit: reading the manifest": r"GET .*\.staged\.json",
    "commit: writing the snapshot": r"(PUT|POST) .*/metadata/.*\.avro",
    "commit: naming it": r"PUT .*/metadata/.*\.metadata\.json",
}
"""The request at which a stage can be caught."""


@pytest.fixture
def s3(s3, monkeypatch):
    """The store, with clients of few retries."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 2)
    s3fs.S3FileSystem.clear_instance_cache()
    return s3


def site(s3, demo, home, **variables):
    """Register one family whose files are on the store; return the settings."""
    places = {"RADIANT_WORK_URI": s3.uri("work"), "RADIANT_LAKE__WAREHOUSE": s3.uri("warehouse")}
    settings = load_settings({"RADIANT_HOME": str(home), **places, **variables})
    uris = [s3.put(f"in/{FAMILY}{end}", (demo / f"{FAMILY}{end}").read_bytes()) for end in (".vcf.gz", ".ped")]
    Registry(settings.effective_registry_url).add(
        Registration(
            vcf_uri=uris[0], ped_uri=uris[1], strategy="wgs", priority=Priority.ROUTINE, assembly="GRCh38", case_id=1
        )
    )
    return settings


def everything(settings):
    """Run all jobs as often as an Airflow task would; return the end of each try, in order."""
    ended = []

    def until_it_succeeds(name, task, top, **arguments):
        for turn in range(3):
            result = job(settings, name, f"{task}{turn}", top, **arguments)
            ended.append((name, result.status.value, result.failure.retryable if result.failure else None))
            if result.status is Status.SUCCEEDED:
                return result
            assert not visible(settings), "rows are visible of an import that failed"
        pytest.fail(f"{name} does not come back: {result.failure}")

    top = storage.join(settings.effective_work_uri, "import-vcf", "run1")
    (part,) = until_it_succeeds("plan-import", "plan", top, cases=None).output["parts"]
    cases = until_it_succeeds("prepare-part", "prepare", top, part=part["part"], cases=part["cases"]).output["cases"]
    (one,) = cases
    for turn in range(3):
        result = job(settings, "import-case", "import_case", top, **one)
        ended.append(("import-case", result.status.value, result.failure.retryable if result.failure else None))
        if result.status is Status.SUCCEEDED:
            break
        assert turn < 2, result.failure
    until_it_succeeds("commit-part", "commit", top, part=part["part"], loads=cases, deleted=[])
    return ended, result.digests


def visible(settings):
    """Return the digests that a reader sees, by case."""
    with lake.open_catalog(settings) as catalog:
        return {case: one.digests for case, one in lake.visible_cases(catalog, settings.lake.namespace).items()}


@pytest.fixture(scope="module")
def undisturbed(s3_server, demo, tmp_path_factory):
    """The digests of an import without a fault."""
    s3_server.trouble = None
    settings = site(s3_server, demo, tmp_path_factory.mktemp("undisturbed"))
    ended, digests = everything(settings)
    assert [status for _, status, _ in ended] == ["succeeded"] * 4
    return digests


@pytest.mark.parametrize(
    "fault",
    [
        *(("away", stage) for stage in STAGES),
        *(("slow down", stage) for stage in ("reading", "staging", "commit: naming it")),
    ],
    ids=": ".join,
)
def test_a_store_that_refuses_at_one_stage_fails_one_try_which_may_be_repeated(s3, undisturbed, demo, tmp_path, fault):
    trouble, stage = fault
    settings = site(s3, demo, tmp_path)
    hits = []

    def one_try_long(method, path):
        """Refuse every request of this stage until the job that makes them has ended."""
        if re.fullmatch(STAGES[stage], f"{method} {path}") and len(hits) < 2:
            hits.append(path)
            return trouble
        return ""

    s3.trouble = one_try_long
    ended, digests = everything(settings)
    assert hits, "the fault never happened"
    assert [one for one in ended if one[1:] == ("failed", False)] == [], "what may pass was called final"
    assert digests == undisturbed
    assert visible(settings) == {1: undisturbed}
    assert s3.unfinished_uploads() == []


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "commit: reading the manifest"])
def test_a_worker_killed_at_one_stage_leaves_nothing_visible_and_repeating_it_ends_in_the_same_rows(
    s3, undisturbed, demo, tmp_path, stage
):
    settings = site(s3, demo, tmp_path)
    killed = []

    def kill_who_asks(method, path):
        if worker and not killed and re.fullmatch(STAGES[stage], f"{method} {path}"):
            killed.append(path)
            worker[0].send_signal(signal.SIGKILL)
            return "away"
        return ""

    def real_worker(name, task, top, **arguments):
        """Run the job as the process that a container runs; kill it once at the stage."""
        place = task_uri(top, f"{task}-killed", 0)
        request = f"{place}/request.json"
        storage.write_bytes(request, encode(Request(name, f"{task}-killed", top, arguments)))
        program = Path(sysconfig.get_path("scripts")) / "radiant-worker"
        environment = os.environ | {
            "RADIANT_HOME": str(tmp_path),
            "RADIANT_WORK_URI": settings.effective_work_uri,
            "RADIANT_LAKE__WAREHOUSE": settings.effective_warehouse,
        }
        argv = [program, name, "--request", request, "--result", f"{place}/result.json"]
        worker.append(subprocess.Popen(argv, env=environment, stderr=subprocess.DEVNULL))
        code = worker[0].wait(600)
        worker.clear()
        return code

    worker: list[subprocess.Popen[bytes]] = []
    s3.trouble = kill_who_asks
    top, part, cases = prepared(settings) if stage != "prepare" else (None, None, None)
    if stage == "prepare":
        top = storage.join(settings.effective_work_uri, "import-vcf", "run1")
        (planned,) = job(settings, "plan-import", "plan", top, cases=None).output["parts"]
        assert real_worker("prepare-part", "prepare", top, **_chosen(planned)) == -signal.SIGKILL
        cases = job(settings, "prepare-part", "prepare", top, **_chosen(planned)).output["cases"]
        part = planned["part"]
    (one,) = cases
    if stage in {"reading", "staging", "manifest"}:
        assert real_worker("import-case", "import_case", top, **one) == -signal.SIGKILL
    assert not visible(settings)
    result = job(settings, "import-case", "import_case", top, **one)
    assert result.status is Status.SUCCEEDED, result.failure
    loads = {"part": part, "loads": cases, "deleted": []}
    if stage.startswith("commit"):
        assert real_worker("commit-part", "commit", top, **loads) == -signal.SIGKILL
        assert not visible(settings)
    committed = job(settings, "commit-part", "commit", top, **loads)
    assert committed.status is Status.SUCCEEDED, committed.failure
    assert killed, "nothing was killed"
    assert visible(settings) == {1: undisturbed}


def _chosen(planned):
    return {"part": planned["part"], "cases": planned["cases"]}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a disk of a few hundred kilobytes")
@pytest.mark.parametrize("stage", ["import-case", "commit-part"])
def test_a_full_disk_fails_one_try_and_the_import_ends_well_when_there_is_room(demo, undisturbed, tmp_path, stage):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=True)
    try:
        home = tmp_path / "home"
        settings = load_settings({"RADIANT_HOME": str(home), "RADIANT_LAKE__WAREHOUSE": storage.file_uri(disk)})
        Registry(settings.effective_registry_url).add(
            Registration(
                vcf_uri=storage.file_uri(demo / f"{FAMILY}.vcf.gz"),
                ped_uri=storage.file_uri(demo / f"{FAMILY}.ped"),
                strategy="wgs",
                priority=Priority.ROUTINE,
                assembly="GRCh38",
                case_id=1,
            )
        )
        top, part, cases = prepared(settings)
        work = {
            "import-case": cases[0],
            "commit-part": {"part": part, "loads": cases, "deleted": []},
        }
        for name, arguments in work.items():
            if name == stage:
                filler = disk / "filler"
                with pytest.raises(OSError, match="No space left"):
                    filler.write_bytes(bytes(8 << 20))
                failed = job(settings, name, name, top, **arguments)
                assert (failed.failure.code, failed.failure.retryable) == ("Storage", True), failed.failure
                assert "No space left" in failed.failure.message
                assert not visible(settings)
                filler.unlink()
            result = job(settings, name, "import_case" if name == "import-case" else name, top, **arguments)
            assert result.status is Status.SUCCEEDED, result.failure
        assert visible(settings) == {1: undisturbed}
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize("stage", ["plan", "prepare", "commit", "in the middle of the commit"])
def test_databases_that_went_away_fail_one_try_and_the_import_ends_well_when_they_are_back(  # noqa: PLR0913, PLR0917 - fixtures
    s3, demo, undisturbed, tmp_path, monkeypatch, stage
):
    with stoppable_server() as server:
        engine = sa.create_engine(server.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE catalog")
        monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__TYPE", "sql")
        monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__URI", server.url.removesuffix("postgres") + "catalog")
        monkeypatch.setenv("PYICEBERG_CATALOG__DEFAULT__WAREHOUSE", s3.uri("warehouse"))
        settings = site(s3, demo, tmp_path, RADIANT_REGISTRY__URL=server.url)

        def run(at, name, task, top, **arguments):
            if stage == at:
                server.stop()
                failed = job(settings, name, task, top, **arguments)
                assert failed.failure.retryable, failed.failure
                server.start()
                assert not visible(settings)
            result = job(settings, name, task, top, **arguments)
            assert result.status is Status.SUCCEEDED, result.failure
            return result

        top = storage.join(settings.effective_work_uri, "import-vcf", "run1")
        (part,) = run("plan", "plan-import", "plan", top, cases=None).output["parts"]
        cases = run("prepare", "prepare-part", "prepare", top, **_chosen(part)).output["cases"]
        assert run("import", "import-case", "import_case", top, **cases[0]).digests == undisturbed
        if stage == "in the middle of the commit":
            gone = threading.Event()

            def stop_at_the_second_snapshot(method, path):
                named = re.fullmatch(STAGES["commit: naming it"], f"{method} {path}") and "variant" in path
                if named and not gone.is_set():
                    gone.set()
                    server.stop()
                return ""

            s3.trouble = stop_at_the_second_snapshot
            failed = job(settings, "commit-part", "commit", top, part=part["part"], loads=cases, deleted=[])
            assert gone.is_set(), "nothing was stopped"
            assert failed.status is Status.FAILED
            s3.trouble = None
            server.start()
            assert not visible(settings)
        run("commit", "commit-part", "commit", top, part=part["part"], loads=cases, deleted=[])
        assert visible(settings) == {1: undisturbed}
