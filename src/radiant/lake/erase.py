"""Erase a case from the tables: its rows, every snapshot that holds them, and each file that only those needed.

The order makes every step repeatable: rows leave the current snapshots, rows of `case_load` of other cases move off the
older snapshots that hold the case, these are expired, files go. What is deleted is reported before it is deleted.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.manifest import ManifestEntryStatus

from radiant import storage
from radiant.domain.tables import CASE_TABLES, TABLES
from radiant.errors import CommitConflictError, LakeError
from radiant.lake.avro_blocks import plain_blocks
from radiant.lake.case_load import visible_cases
from radiant.lake.catalog_errors import catalog_answers
from radiant.lake.commit import commit_part
from radiant.lake.content_errors import is_of_content
from radiant.lake.create import load_tables
from radiant.lake.digest import RowDigest
from radiant.lake.expire import expire, move_rows
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.filters import all_of, any_of, equal, none_of, one_of
from radiant.lake.references import CaseFiles, ManifestCache, case_files, files_of_snapshots, files_of_table, roots
from radiant.lake.scan import plan, scan_files
from radiant.lake.snapshot import live_file, rewrite_manifests
from radiant.lake.table_ref import TableRef

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from typing import IO, Protocol

    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

    class Deletion(Protocol):
        """Deletes files after it has stored a record of them."""

        def __call__(self, what: str, uris: Collection[str], unname: Callable[[], None] | None = None, /) -> None:
            """Call `unname` between record and deletion: it takes the files out of what names them."""


# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

log = logging.getLogger("radiant.lake.erase")

_HISTORY = "write.metadata.previous-versions-max"
_USUAL_HISTORY = "100"
"""As tables are created, `iceberg_schema.py`."""

_COLUMNS = {declared.name: [column.name for column in declared.columns] for declared in TABLES.values()}


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What was done to the tables."""

    snapshots: dict[str, int]
    """Snapshots that were expired, by `namespace.table`."""
    same_files: int
    """Other cases whose rows are in the same files as before."""
    rewritten: dict[int, dict[str, tuple[str, str]]] = field(default_factory=dict[int, "dict[str, tuple[str, str]]"])
    """Cases that shared a file with the case: digest of their rows before and after, by the table's short name."""


def erase_rows(  # noqa: PLR0913 - the whole of an erasure, each needed
    catalog: Catalog,
    namespace: str,
    case_id: int,
    *,
    part: int,
    begun_at: datetime,
    delete: Deletion,
) -> ErasedRows:
    """Erase a case from every table; other cases keep their rows and their order.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        case_id: No import of it is under way, and none can begin.
        part: Where its rows are.
        begun_at: When the erasure began: metadata of that time is removed.
        delete: Deletes files after it has stored a record of them: `delete("data files", uris)`.

    Raises:
        LakeError: a branch or a tag holds the case, other cases' rows would change, or the catalog does not answer.
        CommitConflictError: an import of another case is under way that needs a snapshot with this case; try again.
        StorageError: the store does not answer; try again.
    """
    with storage.answering(f"case {case_id} is not erased yet, files of the tables do not answer; repeat the command"):
        tables = load_tables(catalog, namespace)
        for table in tables.values():
            _refuse_named(table, case_id)
        before = {name: _current_files(table) for name, table in tables.items()}
        neighbours = _digests_of_neighbours(tables, before, visible_cases(catalog, namespace), case_id)
        try:
            commit_part(catalog, namespace, part, [], [], [case_id], f"erase-{case_id}-{begun_at:%Y%m%dT%H%M%S%f}")
            tables = load_tables(catalog, namespace)
            for table in tables.values():
                if _current_names_removed(table, case_id):
                    rewrite_manifests(table)
        except CommitConflictError as error:
            msg = (
                f"case {case_id} is not erased yet: another command, or a run, changed the tables at the same time. "
                "Repeat the command"
            )
            raise CommitConflictError(msg) from error
        after = {name: _current_files(table) for name, table in tables.items()}
        rewritten = {
            other: {name: (digest, _digest(tables[name], other)) for name, digest in digests.items()}
            for other, digests in neighbours.items()
        }
        doomed = {name: _snapshots_with(table, case_id) for name, table in tables.items()}
        named = move_rows(catalog, namespace, doomed) if any(doomed.values()) else {}
        for name, snapshots in doomed.items():
            if waiting := snapshots & named.get(name, frozenset()):
                msg = (
                    f"case {case_id} is still in {len(waiting)} snapshots of {namespace}.{name} that another case "
                    "is read "
                    "at, because its import is under way. Repeat the command after that import"
                )
                raise CommitConflictError(msg)
        for name, table in load_tables(catalog, namespace).items():
            _expire(table, doomed[name], delete)
            _delete_leftovers(table, case_id, delete)
            _delete_history(table, begun_at, delete)
        cases = {one for files in before.values() for one in files.of_one} - {case_id}
        return ErasedRows(
            {f"{namespace}.{name}": len(found) for name, found in doomed.items()},
            sum(all(before[name].of(one) == after[name].of(one) for name in before) for one in cases),
            rewritten,
        )


_NAMES = ("patient_id", "experiment_id", "sample")


def names_of_rows(catalog: Catalog, namespace: str, case_id: int) -> dict[str, set[str]]:
    """Return the patients, experiments and samples that the rows of a case name, by column."""
    return _names(catalog, namespace, equal(CASE_COLUMN, case_id))


def names_of_other_rows(catalog: Catalog, namespace: str, case_id: int, names: Collection[str]) -> set[str]:
    """Return which of these names are patients, experiments or samples of other cases, too."""
    if not names:
        return set()
    wanted = any_of(*(one_of(column, names) for column in _NAMES))
    others = _names(catalog, namespace, all_of(none_of(CASE_COLUMN, [case_id]), wanted))
    return {name for found in others.values() for name in found} & set(names)


def _names(catalog: Catalog, namespace: str, rows: BooleanExpression) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in _NAMES}
    for table in load_tables(catalog, namespace).values():
        if not found.keys() <= set(table.schema().column_names):
            continue
        for batch in scan_files(table, plan(table, rows), rows, _NAMES):
            for name in _NAMES:
                found[name] |= {value for value in pc.unique(batch.column(name)).to_pylist() if value}
    return found


def table_roots(catalog: Catalog, namespace: str) -> list[str]:
    """Return the folders of all tables of a namespace."""
    return [root for table in load_tables(catalog, namespace).values() for root in roots(table)]


# --- Snapshots --------------------------------------------------------------------------------------------------------


def _refuse_named(table: IcebergTable, case_id: int) -> None:
    """Refuse a case in a snapshot that a branch or a tag names: a person put that there, and has to take it away."""
    current = table.current_snapshot()
    for name, ref in table.metadata.refs.items():
        snapshot = table.snapshot_by_id(ref.snapshot_id)
        if snapshot is None or (current is not None and snapshot.snapshot_id == current.snapshot_id):
            continue
        if case_files(table, ManifestCache(table), snapshot).of(case_id):
            msg = (
                f"{'.'.join(table.name())}: the {ref.snapshot_ref_type.value} {name!r} names a snapshot that may "
                "hold case "
                f"{case_id}. Remove it, then repeat the command; nothing was erased yet"
            )
            raise LakeError(msg)


def _current_files(table: IcebergTable) -> CaseFiles:
    snapshot = table.current_snapshot()
    return CaseFiles({}, ()) if snapshot is None else case_files(table, ManifestCache(table), snapshot)


def _snapshots_with(table: IcebergTable, case_id: int) -> frozenset[int]:
    """Return the snapshots, except the current one, that name a file that can hold the case, or that they took out."""
    cache, current = ManifestCache(table), table.current_snapshot()
    return frozenset(
        one.snapshot_id
        for one in table.snapshots()
        if current is not None
        and one.snapshot_id != current.snapshot_id
        and (case_files(table, cache, one).of(case_id) or _names_removed(table, one, case_id))
    )


def _current_names_removed(table: IcebergTable, case_id: int) -> bool:
    snapshot = table.current_snapshot()
    return snapshot is not None and _names_removed(table, snapshot, case_id)


def _names_removed(table: IcebergTable, snapshot: Snapshot, case_id: int) -> bool:
    """Return whether manifests of a snapshot name a file with the case as removed: with its path and its bounds."""
    return any(
        live_file(table, entry.data_file).may_hold([case_id])
        for manifest in snapshot.manifests(table.io)
        if manifest.deleted_files_count
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
        if entry.status == ManifestEntryStatus.DELETED
    )


def _expire(table: IcebergTable, doomed: Collection[int], delete: Deletion) -> None:
    cache = ManifestCache(table)
    gone = files_of_snapshots(cache, [one for one in table.snapshots() if one.snapshot_id in doomed])
    kept = files_of_snapshots(cache, [one for one in table.snapshots() if one.snapshot_id not in doomed])
    alone = gone.keys() - kept.keys()
    if not gone:
        return
    expire(table, doomed)
    alone -= files_of_table(table, cache).keys()
    delete(f"{'.'.join(table.name())}: files of expired snapshots", [gone[key] for key in sorted(alone)])


# --- Files that no snapshot names -------------------------------------------------------------------------------------


def _delete_leftovers(table: IcebergTable, case_id: int, delete: Deletion) -> None:
    """Delete the files with the case that the table does not name: staged ones, and those of commits cut short."""
    named = files_of_table(table, ManifestCache(table)).keys()
    own = f"/case={case_id}/"
    for root in roots(table):
        unnamed = [file.uri for file in storage.stored_files(root) if storage.canonical(file.uri) not in named]
        found = [uri for uri in unnamed if own in uri or _holds_case(uri, case_id)]
        delete(f"{'.'.join(table.name())}: staged and left over", found)
    folder = storage.local_path(TableRef.of(table).data_location)
    for pattern in (f"part=*/case={case_id}", f"part=*/run=*/case={case_id}"):
        for empty in () if folder is None else list(folder.glob(pattern)):
            storage.delete_prefix(storage.file_uri(empty))


def _holds_case(uri: str, case_id: int) -> bool:
    if uri.endswith(".parquet"):
        with storage.open_read(uri) as file:
            return parquet_holds(file, case_id)
    if uri.endswith(".avro"):
        return any(f"/case={case_id}/".encode() in block for block, _ in plain_blocks(storage.read_bytes(uri)))
    return False


def parquet_holds(file: IO[bytes], case_id: int) -> bool:
    """Return whether a Parquet file has a row of a case, read without the table; of a damaged file, what can be read.

    The search at the end of an erasure names a damaged file.
    """
    try:
        reader = pq.ParquetFile(file)
        if CASE_COLUMN not in reader.schema_arrow.names:
            return False
        return any(
            pc.any(pc.equal(batch.column(0), case_id)).as_py() for batch in reader.iter_batches(columns=[CASE_COLUMN])
        )
    except (pa.ArrowInvalid, OSError) as error:
        if not is_of_content(error):
            raise
        return False


def _delete_history(table: IcebergTable, begun_at: datetime, delete: Deletion) -> None:
    """Delete the metadata files of the time before the erasure: Iceberg's own limit of their number takes them out."""
    old = [one for one in table.metadata.metadata_log if one.timestamp_ms <= begun_at.timestamp() * 1000]
    limit = table.properties.get(_HISTORY, _USUAL_HISTORY)
    if limit == "1":  # an erasure that was cut short set it
        limit = _USUAL_HISTORY

    def unname() -> None:
        try:
            for value in ("1", limit):
                with catalog_answers(".".join(table.name())), table.transaction() as transaction:
                    transaction.set_properties({_HISTORY: value})
        except CommitFailedException as error:
            msg = f"{'.'.join(table.name())}: another commit came first. Repeat the command"
            raise CommitConflictError(msg) from error

    delete(f"{'.'.join(table.name())}: earlier metadata", [one.metadata_file for one in old], unname)


# --- Other cases ------------------------------------------------------------------------------------------------------


def _digests_of_neighbours(
    tables: Mapping[str, IcebergTable], before: Mapping[str, CaseFiles], cases: Collection[int], case_id: int
) -> dict[int, dict[str, str]]:
    """Return the digests of the rows of cases that share a file with the case."""
    found: dict[int, dict[str, str]] = {}
    for name, files in before.items():
        shared = {path for _, _, path in files.of_several} & files.of(case_id)
        for other in cases if shared and name in CASE_TABLES else ():
            if other != case_id and shared & files.of(other):
                found.setdefault(other, {})[name] = _digest(tables[name], other)
    return found


def _digest(table: IcebergTable, case_id: int) -> str:
    mine = equal(CASE_COLUMN, case_id)
    columns = [name for name in _COLUMNS[table.name()[-1]] if name in table.schema().column_names]
    digest = RowDigest()
    for batch in scan_files(table, plan(table, mine), mine, columns):
        digest.update(batch)
    return digest.hexdigest()
