"""Make staged cases visible, one snapshot per table and `case_load` last; delete staged files that no table took."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, TypeVar, cast

from radiant import storage
from radiant.domain.tables import CASE_LOAD, CASE_TABLES, TABLES
from radiant.errors import CommitConflictError, LakeError
from radiant.lake.case_load import CaseLoad, case_load_rows
from radiant.lake.create import load_table
from radiant.lake.datafile import DataFileWriter, StagedFile
from radiant.lake.file_layout import CASE_COLUMN, PARTITION_COLUMN
from radiant.lake.filters import any_of, equal, none_of, one_of, rows_of
from radiant.lake.iceberg_schema import full_file_schema
from radiant.lake.pyiceberg_internals import EntryReader
from radiant.lake.scan import plan, recast_batch, scan_files
from radiant.lake.snapshot import (
    CommitKey,
    LiveFile,
    Replacement,
    commit_replacement,
    committed_snapshot,
    files_of_all_snapshots,
    files_of_cases,
)
from radiant.lake.stage import missing_files, staged_folder
from radiant.lake.table_ref import TableRef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.io import FileIO
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

    from radiant.domain.columns import Table
    from radiant.lake.stage import Manifest

log = logging.getLogger("radiant.lake.commit")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CommitReport:
    """The result of a commit."""

    snapshots: dict[str, int | None]
    """Snapshot that holds the cases' rows, by the table's short name; None for a table that never had rows."""
    changed: bool
    """False when an earlier run of the same token had done everything."""


def commit_part(  # noqa: PLR0913, PLR0917 - the whole of a commit, each needed
    catalog: Catalog,
    namespace: str,
    part: int,
    manifests: Sequence[Manifest],
    case_loads: Sequence[CaseLoad],
    deleted_cases: Collection[int],
    token: str,
    *,
    files_are_there: bool = False,
) -> CommitReport:
    """Replace the rows of these cases by the staged ones, and remove the deleted cases.

    Deleted cases leave `case_load` first, so that they are invisible at once. Then each case table gets one snapshot,
    all tables at the same time: all rows of these cases, in whatever part, go, and the staged ones come. `case_load` is
    last, after all of them: until then readers see each case as it was. Every snapshot carries the token; a repeated
    call with the same manifests continues where an earlier one stopped and changes nothing that it did. One committer
    per part; those of different parts do not disturb each other.

    Args:
        catalog: From `open_catalog`.
        namespace: Of the tables.
        part: The partition of all manifests.
        manifests: One per case, from `Stager.finish`.
        case_loads: One per case, the same cases.
        deleted_cases: Cases to remove; none of them staged.
        token: Names this commit; the same work has the same token.
        files_are_there: The caller has just looked for all staged files (`missing_files`): they are not listed again.

    Raises:
        CommitConflictError: another commit touched the same cases; run this one again.
        CommitUnknownError: it is unknown whether a snapshot landed; run this again when the catalog answers.
        LakeError: the arguments contradict each other, a staged file is gone, or the catalog does not answer.
        StorageError: files could not be read or written for a reason that may pass; nothing of this case is visible
            that was not before.
    """
    with storage.answering(f"part {part} is not committed, its files could not be read or written; commit again"):
        staged = {manifest.case_id: manifest for manifest in manifests}
        loads = {load.case_id: load for load in case_loads}
        deleted = tuple(sorted(set(deleted_cases)))
        _check_arguments(part, manifests, staged, loads, deleted)
        tables = _at_once(lambda name: _table(catalog, namespace, TABLES[name]), TABLES)
        gate = tables.pop(CASE_LOAD.short_name)
        changed = False
        key = CommitKey(token, _content(manifests, deleted))
        if deleted:
            _, changed = _commit(gate, part, deleted, CommitKey(token, f"remove:{key.content}"))
        cases = {*staged, *deleted}
        files = {name: [file for manifest in manifests for file in manifest.files[name]] for name in tables}
        committed = _at_once(
            lambda name: _commit(tables[name], part, cases, key, files=files[name], files_are_there=files_are_there),
            tables,
        )
        snapshots = {name: snapshot for name, (snapshot, _) in committed.items()}
        changed |= any(landed for _, landed in committed.values())
        if staged:
            schema = TableRef.of(gate).file_schema(column.name for column in CASE_LOAD.columns)
            rows = case_load_rows(loads, staged, snapshots, token, datetime.now(UTC), schema)
            _, landed = _commit(gate, part, staged, key, rows=rows)
            changed |= landed
        return CommitReport(snapshots, changed)


def _at_once(work: Callable[[str], T], names: Iterable[str]) -> dict[str, T]:
    """Return what `work` returns for each table, all at the same time; all have ended before an error is raised."""
    wanted = list(names)
    with ThreadPoolExecutor(len(wanted), thread_name_prefix="tables") as pool:
        started = {name: pool.submit(work, name) for name in wanted}
    # `pool.map` would cancel a table that has not begun when another one fails.
    return {name: one.result() for name, one in started.items()}


def _content(manifests: Sequence[Manifest], deleted: Sequence[int]) -> str:
    """Return a digest of the files to commit: another import of a load has other files, so it is another commit.

    A commit that only deletes is never taken for an earlier one: the same case may come back and be deleted again.
    """
    if not manifests:
        return uuid.uuid4().hex
    paths = sorted(file.path for manifest in manifests for files in manifest.files.values() for file in files)
    loads = sorted((manifest.case_id, manifest.load_id) for manifest in manifests)
    return hashlib.sha256(json.dumps([paths, loads, list(deleted)]).encode()).hexdigest()


def _check_arguments(
    part: int,
    manifests: Sequence[Manifest],
    staged: Collection[int],
    loads: Collection[int],
    deleted: Collection[int],
) -> None:
    problems: list[str] = []
    if len(manifests) != len(staged):
        problems.append("a case is staged twice")
    if other := sorted({manifest.part for manifest in manifests} - {part}):
        problems.append(f"manifests are of part {other}")
    if set(staged) != set(loads):
        problems.append(f"manifests are of cases {sorted(staged)}, provenance of {sorted(loads)}")
    if both := sorted(set(staged) & set(deleted)):
        problems.append(f"cases {both} are both staged and deleted")
    if problems:
        msg = f"part {part} cannot be committed: {'; '.join(problems)}"
        raise LakeError(msg)


def _table(catalog: Catalog, namespace: str, declared: Table) -> IcebergTable:
    table = load_table(catalog, namespace, declared)
    if table is None:
        msg = f"{namespace}.{declared.name} does not exist. Run prepare-part first, it creates the tables"
        raise LakeError(msg)
    return table


def _commit(  # noqa: PLR0913 - as above
    table: IcebergTable,
    part: int,
    cases: Collection[int],
    key: CommitKey,
    *,
    files: Sequence[StagedFile] = (),
    files_are_there: bool = False,
    rows: pa.Table | None = None,
) -> tuple[int | None, bool]:
    """Commit one snapshot: the rows of `cases` go, `files` or `rows` come; return (its id, whether it was made now).

    With `rows`, all of the part's rows are brought together in one file. Files of other parts are left alone, even if
    their bounds include one of these cases, except those that hold one: a case that moved leaves its old part.
    """
    done = committed_snapshot(table, key)
    if done is not None:
        return done, False
    reader = EntryReader(table.io)
    old = files_of_cases(table, sorted(cases), reader, part=None if rows is None else part)
    if files and {file.data_file.file_path for file in old} == {file.path for file in files}:
        # Committed before, and the snapshot that carried the key is expired.
        return _current(table), False
    # Staged files that an earlier commit of other cases added stay where they are.
    there = {file.data_file.file_path for file in old}
    staged = {file.path for file in files}
    old = [file for file in old if file.data_file.file_path not in staged]
    files = [file for file in files if file.path not in there]
    if not files_are_there:
        _check_staged(table, files)
    gone = [file for file in old if file.holds_only(cases)]
    mixed = [
        file
        for file in old
        if not file.holds_only(cases) and ((rows is not None and file.part == part) or _holds(table, file, cases))
    ]
    written: list[StagedFile] = []
    try:
        for its_part in sorted({file.part for file in mixed} | ({part} if rows is not None else set[int]())):
            kept = [file for file in mixed if file.part == its_part]
            written += _rewrite(table, its_part, kept, cases, rows if its_part == part else None)
        touched = {part} | {file.part for file in (*gone, *mixed)}
        change = Replacement(
            remove=[file.data_file for file in (*gone, *mixed)],
            add=[file.data_file() for file in (*files, *written)],
            claim=any_of(
                *(rows_of(one, cases) if rows is None else equal(PARTITION_COLUMN, one) for one in sorted(touched))
            ),
        )
        snapshot = commit_replacement(table, change, key, reader)
    except CommitConflictError:
        discard(table, written)
        raise
    return snapshot, bool(change.add or change.remove)


def replace_case_loads(gate: IcebergTable, old: Sequence[LiveFile], part: int, rows: pa.Table) -> None:
    """Replace all rows of a part in `case_load` by others of the same cases.

    Args:
        gate: The table.
        old: The part's files that the rows were made from.
        part: The part.
        rows: With all columns of the table.

    Raises:
        CommitConflictError: the part has other files by now; nothing changed.
    """
    writer = file_writer(gate, part, full_file_schema(gate.schema()))
    for batch in rows.to_batches():
        writer.write(recast_batch(batch, writer.schema))
    written = writer.close()
    change = Replacement(
        remove=[file.data_file for file in old],
        add=[file.data_file() for file in written],
        claim=equal(PARTITION_COLUMN, part),
    )
    try:
        commit_replacement(gate, change, CommitKey(uuid.uuid4().hex, "case_load"))
    except CommitConflictError:
        discard(gate, written)
        raise


def _current(table: IcebergTable) -> int | None:
    snapshot = table.current_snapshot()
    return None if snapshot is None else snapshot.snapshot_id


def _check_staged(table: IcebergTable, files: Sequence[StagedFile]) -> None:
    """Check that the staged files are there: a table with one missing file cannot be read at all."""
    if problems := missing_files(files):
        some = "; ".join(list(problems.values())[:10])
        msg = f"{'.'.join(table.name())}: {some}. Nothing was committed; import the case again"
        raise LakeError(msg)


def _holds(table: IcebergTable, file: LiveFile, cases: Collection[int]) -> bool:
    batches = scan_files(table, tasks_of(table, file.part, [file]), one_of(CASE_COLUMN, cases), [CASE_COLUMN])
    return any(batch.num_rows for batch in batches)


def tasks_of(table: IcebergTable, part: int, files: Sequence[LiveFile]) -> list[FileScanTask]:
    """Return how to read these files: planned by PyIceberg, so that another engine's delete files count."""
    paths = {file.data_file.file_path for file in files}
    return [task for task in plan(table, equal(PARTITION_COLUMN, part)) if task.file.file_path in paths]


def _rewrite(
    table: IcebergTable, part: int, files: Sequence[LiveFile], without: Collection[int], rows: pa.Table | None
) -> tuple[StagedFile, ...]:
    """Write what these files hold of other cases, then `rows`, into new files.

    Columns that another engine added stay, null in `rows`. Without such files they are left out: every reader sees null
    where a file lacks a column, but PyIceberg 0.12 shows a null list or map of structs as an empty one.
    """
    schema = full_file_schema(table.schema()) if rows is None or files else rows.schema
    writer = file_writer(table, part, schema)
    try:
        for batch in scan_files(table, tasks_of(table, part, files) if files else (), none_of(CASE_COLUMN, without)):
            writer.write(recast_batch(batch, writer.schema))
        for batch in rows.to_batches() if rows is not None else ():
            writer.write(recast_batch(batch, schema))
        return writer.close()
    except BaseException:
        writer.abort()
        raise


def file_writer(table: IcebergTable, part: int, schema: pa.Schema, folder: str = "rewritten") -> DataFileWriter:
    """Return a writer of new data files of a part, below a folder of it, with the catalog's own credentials."""
    ref = TableRef.of(table)
    prefix = f"{ref.data_location}/part={part}/{folder}/{uuid.uuid4().hex}-"
    return DataFileWriter(schema, ref.spec_id, prefix, part, _opener(table.io))


def _opener(io: FileIO) -> Callable[[str], AbstractContextManager[IO[bytes]]]:
    """Return how to write with the catalog's own credentials."""

    @contextlib.contextmanager
    def open_output(uri: str) -> Generator[IO[bytes]]:
        with io.new_output(uri).create() as stream:
            yield cast("IO[bytes]", stream)

    return open_output


def discard(table: IcebergTable, files: Sequence[StagedFile]) -> None:
    """Delete files that no commit took, as far as the store answers; what stays is an orphan."""
    for file in files:
        with contextlib.suppress(OSError):
            table.io.delete(file.path)


# --- Staged, and not visible --------------------------------------------------------------------------------------


def delete_staged(  # noqa: PLR0913, PLR0917 - what names the files
    catalog: Catalog, namespace: str, part: int, case_id: int, load_id: str, run: str = ""
) -> int:
    """Delete the data files of an import that did not become visible; return how many files went.

    A file that any snapshot of its table names stays: a commit that was cut short may have put it there, and a table
    that names a missing file cannot be read. The next commit of the case takes such a file out of the table.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        part: Of the import.
        case_id: Of the import.
        load_id: Of the import.
        run: Of the import; files of an earlier version, which made no folder for it, are found, too.

    Raises:
        LakeError: the catalog does not answer.
        StorageError: files could not be listed or deleted for a reason that may pass.
    """
    deleted = 0
    for declared in CASE_TABLES.values():
        table = load_table(catalog, namespace, declared)
        if table is None:
            continue
        folders = {staged_folder(TableRef.of(table), part, case_id, load_id, one) for one in ("", run)}
        staged = {folder: found for folder in sorted(folders) if (found := storage.list_files(folder))}
        named = files_of_all_snapshots(table, part) if staged else set[str]()
        for folder, found in staged.items():
            if any(path.startswith(f"{folder}/") for path in named):
                log.info("case %d: files of load %s stay, a snapshot of %s names them", case_id, load_id, declared.name)
                continue
            storage.delete_prefix(folder)
            deleted += sum(uri.endswith(".parquet") for uri in found)
    return deleted
