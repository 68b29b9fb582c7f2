"""The job `import-case` in this process, on files that a test makes: small chunks and shards, one process or two.

A second process of the job is a thread here, at the other end of the same pipe: what crosses it is pickled as between
processes, and no example waits for a Python to start. `test_import_together.py` starts real ones.
"""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from equivalence import without_fallback
from radiant import lake, storage, vcf
from radiant.domain.case import Case, Member, Priority
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError
from radiant.jobs.documents import Request
from radiant.settings import Settings, load_settings
from radiant.vcf.schema import arrow_schema
from radiant.worker import case_document, import_case, import_pool
from radiant.worker.case_document import CaseDocument, StagedDocument
from radiant.worker.memory import memory_meter
from radiant.worker.usage import UsageMeter
from slow_digest import slow_digest
from staging import NAMESPACE, as_read, case_load

PART = 1


@dataclass
class Imported:
    """The rows and the report of a job for a file."""

    case_id: int
    staged: StagedDocument | None
    tables: dict[str, pa.Table]
    """As the staged files hold them, without the key, with the columns that readers compute."""
    error: str | None
    output: dict | None = None

    @property
    def rows(self) -> dict[str, list[dict]]:
        """The rows of each table."""
        return {name: table.to_pylist() for name, table in self.tables.items()}


@dataclass
class Expected:
    """What the rules make of it, line by line."""

    rows: dict[str, list[dict]]
    digests: dict[str, str]
    report: dict | None
    error: str | None
    path: Path


class WholeJob:
    """A lake with its catalog, and jobs that import cases into it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._settings = load_settings({"RADIANT_HOME": str(folder)})
        self.catalog = lake.open_catalog(self._settings)
        self._tables = lake.ensure_tables(self.catalog, NAMESPACE)
        self._cases = 0
        patch.setattr(import_case, "SPLIT_FROM_BYTES", 0)
        self._patch = patch
        patch.setattr(import_case, "CHUNK_UNIT", 1)
        patch.setattr(import_case, "usable_cores", lambda _: 2)
        patch.setattr(import_case, "tune_process", lambda: None)
        patch.setattr(import_pool, "_started", _Thread)

    def run(  # noqa: PLR0913 - a case's facts
        self,
        path: Path,
        members: Sequence[Member] = (),
        *,
        assembly: str = "GRCh38",
        tolerate: int = 0,
        chunk_bytes: int = 8 << 20,
        shard_bytes: int = 1500,
        processes: int = 1,
    ) -> Imported:
        """Import a file as a new case; what it raises is kept."""
        self._patch.setattr(import_case, "SHARD_BYTES", shard_bytes)
        self._cases += 1
        number = self._cases
        case = Case(number, storage.file_uri(path), "wgs", Priority.ROUTINE, assembly, tuple(members))
        document = CaseDocument(case, PART, f"load{number}", tolerate, "MODERATE", None, self._tables)
        run_uri = storage.file_uri(self.folder / "run")
        uri = case_document.case_uri(run_uri, number)
        case_document.write_case(uri, document)
        request = Request(
            "import-case", "a", run_uri, {"case_id": number, "case_uri": uri, "load_id": document.load_id}
        )
        try:
            outcome = import_case.handle(request, self._with(chunk_bytes, processes), UsageMeter(memory_meter()))
        except RadiantError as error:
            return Imported(number, None, {}, f"{type(error).__name__}: {error}")
        staged = case_document.read_staged(case_document.staged_uri(run_uri, number, "a"))
        assert (outcome.rows, outcome.digests) == (staged.manifest.rows, staged.manifest.digests)
        return Imported(number, staged, _staged_tables(staged), None, outcome.output)

    def _with(self, chunk_bytes: int, processes: int) -> Settings:
        changed = {"chunk_mib": chunk_bytes, "processes": processes}
        return self._settings.model_copy(update={"vcf": self._settings.vcf.model_copy(update=changed)})

    def commit(self, imported: Sequence[Imported]) -> None:
        """Make cases visible, all in one commit."""
        manifests = [one.staged.manifest for one in imported]
        loads = [case_load(one.case_id) for one in imported]
        lake.commit_part(self.catalog, NAMESPACE, PART, manifests, loads, [], f"commit{self._cases}")

    def committed_tables(self, name: str) -> dict[int, pa.Table]:
        """All rows of a table as the catalog leads to them, by case, in the order of each case's files."""
        table = self.catalog.load_table((NAMESPACE, CASE_TABLES[name].name))
        found: dict[int, list[pa.Table]] = {}
        for task in sorted(table.scan().plan_files(), key=lambda task: task.file.file_path):
            rows = _read(task.file.file_path)
            found.setdefault(rows["case_id"][0].as_py(), []).append(_as_read_from_vcf(rows, name))
        return {case_id: pa.concat_tables(tables).combine_chunks() for case_id, tables in found.items()}


def expected_of(path: Path, members: Sequence[Member] = (), *, assembly: str = "GRCh38", tolerate: int = 0) -> Expected:
    """Read a file line by line."""
    options = vcf.ReadOptions(assembly=assembly, tolerate=tolerate, fast=False)
    reader = vcf.read_case(storage.file_uri(path), tuple(members) or None, options)
    batches = {name: [] for name in CASE_TABLES}
    try:
        for name, batch in reader.batches():
            batches[name].append(batch)
    except RadiantError as error:
        return Expected({}, {}, None, f"{type(error).__name__}: {error}", path)
    rows = {name: [row for batch in found for row in batch.to_pylist()] for name, found in batches.items()}
    digests = {name: slow_digest(found) for name, found in batches.items()}
    return Expected(rows, digests, reader.report.to_json(), None, path)


def error_of_job(error: str | None, path: Path, case_id: int) -> str | None:
    """What a job makes of a reader's error, which starts with the file: it names the case instead."""
    if error is None:
        return None
    uri = storage.file_uri(path)
    assert uri in error
    return error.replace(uri, f"the VCF of case {case_id}")


def assert_imported(found: Imported, expected: Expected) -> None:
    """Compare the staged rows with the file."""
    assert found.error == error_of_job(expected.error, expected.path, found.case_id)
    if found.error is not None:
        return
    assert found.rows == expected.rows
    assert found.staged.manifest.rows == {name: len(rows) for name, rows in expected.rows.items()}
    assert found.staged.manifest.digests == expected.digests
    assert without_fallback(found.staged.report) == without_fallback(expected.report)
    assert list(found.output.warnings) == expected.report["warnings"]


def _staged_tables(staged: StagedDocument) -> dict[str, pa.Table]:
    files = staged.manifest.files
    return {
        name: pa.concat_tables(
            [arrow_schema(table).empty_table(), *(_as_read_from_vcf(_read(file.path), name) for file in files[name])]
        ).combine_chunks()
        for name, table in CASE_TABLES.items()
    }


def _read(uri: str) -> pa.Table:
    return pq.ParquetFile(uri.removeprefix("file://")).read(use_threads=False)


def _as_read_from_vcf(rows: pa.Table, name: str) -> pa.Table:
    """Return the columns that a reader of VCF files yields, in its types: `locus` and its hash follow from others."""
    schema = arrow_schema(CASE_TABLES[name])
    return as_read(rows, name).cast(schema)


class _Thread(subprocess.Popen):
    """A thread that reads shards as a process would."""

    def __init__(self, end: Connection) -> None:
        self._child_created = False
        self.returncode = 0
        connection = Connection(os.dup(end.fileno()))
        self._thread = threading.Thread(target=_serve, args=(connection,), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Nothing: the thread ends when its pipe is closed."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the thread."""
        self._thread.join(timeout)
        return 0


def _serve(connection: Connection) -> None:
    with contextlib.suppress(EOFError, ConnectionError):
        task = connection.recv()
        import_pool._serve(connection, lambda: import_pool._sent(connection), task, threading.Event())


@contextlib.contextmanager
def whole_job(folder: Path) -> Iterator[WholeJob]:
    """A lake of its own."""
    with pytest.MonkeyPatch.context() as patch:
        job = WholeJob(folder, patch)
        yield job
        job.catalog.close()
