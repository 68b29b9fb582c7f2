"""Several processes import a case exactly as one does."""

import itertools
import time

import pytest

from radiant import lake, storage
from radiant.domain.case import Case, Priority
from radiant.domain.pedigree import parse_pedigree
from radiant.errors import VcfFormatError
from radiant.jobs.documents import Request
from radiant.jobs.reading_progress import decode_progress, parse_progress, progress_uri
from radiant.settings import load_settings
from radiant.worker import case_document, import_case, import_pool
from radiant.worker.case_document import CaseDocument
from radiant.worker.memory import memory_meter
from radiant.worker.usage import UsageMeter


@pytest.fixture
def run(tmp_path, demo, monkeypatch):
    """Import a file with some number of processes."""
    monkeypatch.setattr(import_case, "SPLIT_FROM_BYTES", 0)
    monkeypatch.setattr(import_case, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(import_case, "usable_cores", lambda _: 2)
    settings = load_settings({"RADIANT_HOME": str(tmp_path)})
    catalog = lake.open_catalog(settings)
    tables = lake.ensure_tables(catalog, "radiant")
    members = parse_pedigree((demo / "FAM0001.ped").read_text(), "ped", None)

    def import_with(processes, vcf=None, progress_s=0.0):
        case = Case(1, f"file://{vcf or demo / 'FAM0001.vcf.gz'}", "wgs", Priority.ROUTINE, "GRCh38", tuple(members))
        document = CaseDocument(case, 0, f"load{processes}", 0, "MODERATE", None, tables)
        uri = f"file://{tmp_path}/run{processes}/cases/1.json"
        case_document.write_case(uri, document)
        request = Request(
            "import-case", "a", f"file://{tmp_path}/run{processes}",
            {"case_id": 1, "case_uri": uri, "load_id": f"load{processes}"}, memory_mib=2048, task_uri=f"file://{tmp_path}",
        )  # fmt: skip
        wanted = settings.model_copy(
            update={
                "vcf": settings.vcf.model_copy(update={"processes": processes, "chunk_mib": 1}),
                "progress": settings.progress.model_copy(update={"every_s": progress_s}),
            }
        )
        meter = UsageMeter(memory_meter())
        meter.start()
        try:
            outcome = import_case.handle(request, wanted, meter)
        finally:
            meter.stop()
        return outcome, case_document.read_staged(f"file://{tmp_path}/run{processes}/cases/1.a.staged.json")

    import_with.tables = tables
    catalog.close()
    return import_with


def test_rows_digests_and_report_are_the_same(run, caplog):
    caplog.set_level("INFO")
    one, staged_by_one = run(1)
    two, staged_by_two = run(2)
    assert "read again" not in caplog.text
    assert (one.rows, one.digests) == (two.rows, two.digests)
    assert staged_by_one.report == staged_by_two.report
    assert len(staged_by_two.manifest.files["occurrence"]) > 3
    assert all(storage.exists(file.path) for files in staged_by_two.manifest.files.values() for file in files)


def test_a_bad_line_has_the_words_of_one_reader_and_leaves_nothing(run, demo, tmp_path):
    import gzip  # noqa: PLC0415 - only here

    import pysam  # noqa: PLC0415 - only here

    lines = gzip.decompress((demo / "FAM0001.vcf.gz").read_bytes()).splitlines(keepends=True)
    columns = lines[-300].split(b"\t")
    columns[5] = b"x"
    lines[-300] = b"\t".join(columns)
    bad = tmp_path / "bad.vcf.gz"
    with pysam.BGZFile(str(bad), "wb") as file:
        file.write(b"".join(lines))
    with pytest.raises(VcfFormatError) as by_two:
        run(2, bad)
    with pytest.raises(VcfFormatError) as by_one:
        run(1, bad)
    assert str(by_one.value) == str(by_two.value)
    assert f"line {len(lines) - 299}:" in str(by_one.value)
    for name, table in run.tables.items():
        assert storage.list_files(table.data_location) == [], name


def test_a_process_that_dies_is_replaced_by_one_reader(run, monkeypatch, caplog):
    caplog.set_level("INFO")
    one, _ = run(1)
    start = import_pool.ImportPool.__enter__

    def start_and_kill(pool):
        start(pool)
        next(iter(pool.processes)).kill()
        return pool

    monkeypatch.setattr(import_pool.ImportPool, "__enter__", start_and_kill)
    two, staged = run(2)
    assert "read again" in caplog.text
    assert one.digests == two.digests
    (ended,) = set(two.output.warnings) - set(one.output.warnings)
    assert ended in staged.report["warnings"]
    assert "SIGKILL" in ended
    assert "RADIANT_VCF__PROCESSES" in ended
    assert "bug" not in ended
    folder = staged.manifest.files["occurrence"][0].path.rpartition("/")[0]
    assert storage.list_files(folder) == sorted(file.path for file in staged.manifest.files["occurrence"])


@pytest.mark.parametrize("processes", [1, 2])
def test_one_line_for_all_processes_and_a_document_report_how_far_the_job_is(
    run, monkeypatch, caplog, tmp_path, processes
):
    caplog.set_level("INFO")
    write, finish = lake.Stager.write, lake.Stager.finish

    def lines():
        return [record.getMessage() for record in caplog.records if record.name == "radiant.worker.progress"]

    def wait_for_lines(count):
        wanted, until = len(lines()) + count, time.monotonic() + 60
        while len(lines()) < wanted and time.monotonic() < until:
            time.sleep(0.005)

    def write_after_a_line(stager, name, batch):
        wait_for_lines(1)
        write(stager, name, batch)

    def finish_after_the_last_line(stager):
        wait_for_lines(2)  # the first one may be of before the last record
        return finish(stager)

    monkeypatch.setattr(lake.Stager, "write", write_after_a_line)
    monkeypatch.setattr(lake.Stager, "finish", finish_after_the_last_line)
    outcome, _ = run(processes, progress_s=0.02)
    found = [parse_progress(line) for line in lines()]
    assert len(found) > 3, caplog.text
    assert None not in found, lines()
    for before, after in itertools.pairwise(found):
        assert (before.records, before.percent) <= (after.records, after.percent)
    last = found[-1]
    assert (last.case_id, last.processes, last.memory_limit_mib) == (1, processes, 2048)
    assert (last.records, last.percent, last.eta_s) == (outcome.records, 100.0, 0)
    assert last.contig in {"chr22", "chrX", "chrY", "chrM"}
    assert last.memory_mib > 20
    uri = progress_uri(f"file://{tmp_path}", "a")
    document = decode_progress(storage.read_bytes(uri), uri)
    assert document.reading in found
    assert abs(document.written_at - time.time()) < 60


def test_without_an_interval_there_is_neither_line_nor_document(run, caplog, tmp_path):
    caplog.set_level("INFO")
    run(1, progress_s=0)
    assert "progress" not in [record.name.rpartition(".")[2] for record in caplog.records]
    assert not storage.exists(progress_uri(f"file://{tmp_path}", "a"))


def in_each_process(monkeypatch, statements: str) -> None:
    """Run statements in each started process before it serves."""
    monkeypatch.setattr(import_pool, "_PROGRAM", f"{statements}\n{import_pool._PROGRAM}")


FAIL = """
import radiant.worker.import_pool as pool
def fail(*_):
    raise {error}("text of the file")
pool._stage_shard = fail
"""


@pytest.mark.shard_bug
@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (FAIL.format(error="KeyError"), "met KeyError in _serve() of radiant/worker/import_pool.py, line"),
        (
            FAIL.format(error="pool.lake.LakeError").replace("pool.lake", "__import__('radiant.errors').errors"),
            "LakeError",
        ),
        (
            "import radiant.lake.digest as digest; digest._rows = lambda batch: batch.no",
            "in update() of radiant/lake/digest.py, line",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise SystemExit(3)", "ended with exit code 3"),
    ],
)
def test_an_error_that_is_not_about_the_input_is_a_bug_even_if_one_reader_saves_the_case(
    run, monkeypatch, caplog, statements, words
):
    one, _ = run(1)
    in_each_process(monkeypatch, statements)
    two, staged = run(2)
    assert (one.rows, one.digests) == (two.rows, two.digests)
    (bug,) = set(two.output.warnings) - set(one.output.warnings)
    assert bug in staged.report["warnings"]
    assert "this is a bug of radiant, not of the file" in bug
    assert words in bug
    assert "Report this line" in bug
    assert "text of the file" not in caplog.text
    assert bug in "".join(record.getMessage() for record in caplog.records if record.levelname == "ERROR")


@pytest.mark.shard_bug
def test_an_error_of_the_thread_that_reads_is_a_bug(run, monkeypatch):
    def fail(*_):
        raise ValueError

    monkeypatch.setattr(import_pool, "_stage_shard", fail)
    two, _ = run(2)
    assert any("met ValueError" in warning for warning in two.output.warnings)


@pytest.mark.parametrize(
    ("error", "words"),
    [("MemoryError", "had no memory left"), ("__import__('radiant.errors').errors.StorageError", None)],
)
def test_an_error_of_the_machine_is_no_bug(run, monkeypatch, error, words):
    one, _ = run(1)
    in_each_process(monkeypatch, FAIL.format(error=error))
    two, _ = run(2)
    assert (one.rows, one.digests) == (two.rows, two.digests)
    more = set(two.output.warnings) - set(one.output.warnings)
    assert len(more) == (words is not None)
    assert all(words in warning for warning in more)
