"""Replace data files of some cases in one snapshot of one table, once per commit key."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.manifest import DataFile, DataFileContent, ManifestContent, ManifestFile
from pyiceberg.table.snapshots import Operation

from radiant import storage
from radiant.errors import CommitConflictError, CommitUnknownError, RadiantError
from radiant.lake import manifest_cases
from radiant.lake.catalog_errors import catalog_answers, refusal
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.pyiceberg_internals import CheapTransaction, CompactFiles, EntryReader, ReplaceFiles, RewriteManifests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

log = logging.getLogger("radiant.lake.snapshot")

FILES_OF_MANIFEST = RewriteManifests.FILES

TOKEN_PROPERTY = "radiant.commit-token"  # noqa: S105 - a name, no password
CONTENT_PROPERTY = "radiant.commit-content"


@dataclass(frozen=True, slots=True)
class CommitKey:
    """What makes two commits the same: repeating one changes nothing."""

    token: str
    """The caller's name of the commit."""
    content: str
    """What is committed: a digest of the names of the staged files and of the deleted cases."""

    @property
    def properties(self) -> dict[str, str]:
        """Keys of the snapshot summary."""
        return {TOKEN_PROPERTY: self.token, CONTENT_PROPERTY: self.content}


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A data file of a table's current snapshot."""

    data_file: DataFile
    part: int
    first_case: int | None
    """Smallest case id in it, None when its writer kept no bounds."""
    last_case: int | None
    """Largest case id in it."""

    def may_hold(self, cases: Sequence[int]) -> bool:
        """Return whether a row of one of these cases, ascending, can be in it."""
        if self.first_case is None or self.last_case is None:
            return True
        return manifest_cases.in_bounds((self.first_case, self.last_case), cases)

    def holds_only(self, cases: Collection[int]) -> bool:
        """Return whether all its rows are of one of these cases."""
        return self.first_case is not None and self.first_case == self.last_case and self.first_case in cases


@dataclass(frozen=True, slots=True)
class Replacement:
    """What one snapshot changes."""

    remove: list[DataFile] = field(default_factory=list[DataFile])
    add: list[DataFile] = field(default_factory=list[DataFile])
    claim: BooleanExpression | None = None
    """The rows this commit decides about: a concurrent commit that touches one of them is a conflict."""
    same_rows: bool = False
    """Whether the added files have exactly the rows of the removed ones: for other engines the table is unchanged."""


def live_files(table: IcebergTable) -> Iterator[LiveFile]:
    """Yield the data files of the current snapshot."""
    yield from _files_of(table, EntryReader(table.io), _data_manifests(table))


def files_of_cases(
    table: IcebergTable, cases: Sequence[int], reader: EntryReader, part: int | None = None
) -> list[LiveFile]:
    """Return the data files of the current snapshot that can hold a row of one of these cases, in any part.

    Args:
        table: The table.
        cases: Ascending.
        reader: What `commit_replacement` reads the same manifests with.
        part: All files of this part, too.
    """
    manifests = _data_manifests(table)
    wanted = [
        manifest
        for manifest, holds in zip(manifests, reader.may_hold(manifests, cases), strict=True)
        if holds or (part is not None and _may_hold_part(manifest, part))
    ]
    return [file for file in _files_of(table, reader, wanted) if file.may_hold(cases) or file.part == part]


def _data_manifests(table: IcebergTable) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    manifests = [] if snapshot is None else snapshot.manifests(table.io)
    return [one for one in manifests if one.content == ManifestContent.DATA]


def _files_of(table: IcebergTable, reader: EntryReader, manifests: Sequence[ManifestFile]) -> Iterator[LiveFile]:
    for entries in reader.read(manifests):
        for entry in entries:
            if entry.data_file.content == DataFileContent.DATA:
                yield live_file(table, entry.data_file)


def live_file(table: IcebergTable, data_file: DataFile) -> LiveFile:
    """Read which cases a data file can hold from its bounds."""
    bounds = manifest_cases.bounds_of(data_file, table.schema().find_field(CASE_COLUMN).field_id)
    return LiveFile(data_file, data_file.partition[0], *(bounds or (None, None)))


def files_of_all_snapshots(table: IcebergTable, part: int) -> set[str]:
    """Return the paths of the part's data files that any retained snapshot names, current or not."""
    manifests = {
        manifest.manifest_path: manifest
        for snapshot in table.snapshots()
        for manifest in snapshot.manifests(table.io)
        if _may_hold_part(manifest, part)
    }
    return {
        entry.data_file.file_path
        for manifest in manifests.values()
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    }


def _may_hold_part(manifest: ManifestFile, part: int) -> bool:
    summary = manifest.partitions[0] if manifest.partitions else None
    if summary is None or summary.lower_bound is None:
        return True
    return manifest_cases.number(summary.lower_bound) <= part <= manifest_cases.number(summary.upper_bound or b"")


def committed_snapshot(table: IcebergTable, key: CommitKey) -> int | None:
    """Return the snapshot that a commit made, None when there is none, or it is expired or was rolled back."""
    wanted = key.properties.items()
    for snapshot in _lineage(table):
        if snapshot.summary is not None and wanted <= snapshot.summary.additional_properties.items():
            return snapshot.snapshot_id
    return None


def _lineage(table: IcebergTable) -> Iterator[Snapshot]:
    """Yield the current snapshot and those it was made from, the newest first, as far as they are retained.

    PyIceberg's `ancestors_of` looks for each of them in the whole list.
    """
    by_id = {snapshot.snapshot_id: snapshot for snapshot in table.snapshots()}
    snapshot = table.current_snapshot()
    while snapshot is not None:
        yield snapshot
        snapshot = by_id.get(snapshot.parent_snapshot_id) if snapshot.parent_snapshot_id is not None else None


def commit_replacement(
    table: IcebergTable, change: Replacement, key: CommitKey, reader: EntryReader | None = None
) -> int | None:
    """Commit one snapshot under a key; return its id, or the current one when nothing changes.

    PyIceberg repeats the commit on top of a concurrent one (`commit.retry.*`) as long as that one did not touch the
    rows of `change.claim`.

    Raises:
        CommitConflictError: another commit touched the same rows, or won too often; nothing of this commit landed.
        CommitUnknownError: it is unknown whether it landed; nothing was deleted.
        StorageError: the new manifests, or the metadata file, could not be written; nothing landed.
        ConfigError: catalog or store refuse: a right is missing; nothing landed.
        LakeUnavailableError: the catalog throttles, or has no room; nothing landed.
    """
    name = ".".join(table.name())
    if not change.add and not change.remove:
        current = table.current_snapshot()
        return None if current is None else current.snapshot_id
    transaction = CheapTransaction(table)
    producer = (CompactFiles if change.same_rows else ReplaceFiles)(
        operation=_operation(change),
        transaction=transaction,
        io=table.io,
        snapshot_properties=key.properties,
    )
    producer.reader = reader
    if change.claim is not None:
        producer.delete_by_predicate(change.claim)
    for data_file in change.remove:
        producer.delete_data_file(data_file)
    for data_file in change.add:
        producer.append_data_file(data_file)
    try:
        # Writes the manifests; the catalog gets the commit in commit_transaction.
        with storage.answering(f"{name}: nothing of a commit landed, its manifests could not be written; commit again"):
            producer.commit()
    except ValidationException as error:
        raise CommitConflictError(_conflict(name, error)) from error
    try:
        transaction.commit_transaction()
    except Exception as error:
        try:
            landed = committed_snapshot(table.refresh(), key)
        except Exception as second:  # noqa: BLE001 - the first failure is the one to report
            log.warning("%s cannot be read after a failed commit: %s", name, second)
            raise _not_committed(table, key, error) from error
        if landed is None:
            # Without that look a refusal is no proof: see `_LeavesManifests`.
            if isinstance(error, (CommitFailedException, ValidationException)):
                raise CommitConflictError(_conflict(name, error)) from error
            raise _not_committed(table, key, error) from error
        log.warning("%s: the catalog's answer was lost, but the commit landed: %s", name, error)
        return landed
    return producer.snapshot_id


def _not_committed(table: IcebergTable, key: CommitKey, error: Exception) -> RadiantError:
    """Return what it means that a commit failed and that it cannot be found."""
    name = ".".join(table.name())
    nothing = f"{name}: nothing of a commit landed"
    if (refused := refusal(nothing, error)) is not None:
        return refused
    if _before_the_catalog(table, error):
        return storage.file_error(f"{nothing}, its metadata could not be written; commit again", error)
    msg = (
        f"{name}: it is unknown whether the commit {key.token} landed: {type(error).__name__}: {error}. "
        "Nothing was deleted. Check the catalog, then commit again: a commit that landed is found by its token"
    )
    return CommitUnknownError(msg)


def manifest_count(table: IcebergTable) -> int:
    """Return how many manifests the current snapshot has: every planning of a scan reads them."""
    snapshot = table.current_snapshot()
    return 0 if snapshot is None else len(snapshot.manifests(table.io))


def rewrite_manifests(table: IcebergTable) -> None:
    """Commit a snapshot with the same files in fewer manifests, without those that name removed files.

    Raises:
        CommitConflictError: other commits won too often; nothing changed.
        LakeUnavailableError: the catalog does not answer.
    """
    name = ".".join(table.name())
    transaction = table.transaction()
    producer = RewriteManifests(operation=Operation.APPEND, transaction=transaction, io=table.io)
    producer.commit()
    try:
        with catalog_answers(name):
            transaction.commit_transaction()
    except (CommitFailedException, ValidationException) as error:
        with catalog_answers(name):
            landed = table.refresh().snapshot_by_id(producer.snapshot_id)
        if landed is None:
            raise CommitConflictError(_conflict(name, error)) from error


def _before_the_catalog(table: IcebergTable, error: Exception) -> bool:
    """Return whether a commit failed before the catalog was asked.

    PyIceberg's SQL catalog writes the metadata file, then asks its database, whose errors are SQLAlchemy's. Any other
    catalog's error may look like a store's, and a lost connection may be the database's.
    """
    of_a_file = isinstance(error, OSError) and not isinstance(error, ConnectionError)
    return isinstance(table.catalog, SqlCatalog) and (of_a_file or storage.is_of_a_store(error))


def _operation(change: Replacement) -> Operation:
    if not change.remove:
        return Operation.APPEND
    return Operation.OVERWRITE if change.add else Operation.DELETE


def _conflict(name: str, error: Exception) -> str:
    return f"{name}: another writer committed first, nothing of this commit landed: {error}. Commit again"
