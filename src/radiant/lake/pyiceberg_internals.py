"""What radiant needs of PyIceberg that is not public: the only module that names it, pinned by one test.

`tests/unit/lake/test_pyiceberg_internals.py` fails where a version of PyIceberg has another form; `pyproject.toml`
keeps PyIceberg below the next minor version.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, cast

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import (
    DataFileContent,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriter,
    ManifestWriterV2,
)
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update import AddSnapshotUpdate, SetSnapshotRefUpdate, update_table_metadata
from pyiceberg.table.update.snapshot import (
    _FastAppendFiles,  # pyright: ignore[reportPrivateUsage]
    _OverwriteFiles,  # pyright: ignore[reportPrivateUsage]
    _SnapshotProducer,  # pyright: ignore[reportPrivateUsage]
)

from radiant.lake import manifest_cases
from radiant.lake.avro_blocks import header
from radiant.lake.damaged_files import FileInMemory, check_files_read_by_pyiceberg, content_of
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.manifest_encoding import BlockOutputFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import IcebergTables
    from pyiceberg.io import FileIO
    from pyiceberg.io.pyarrow import ArrowScan
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.partitioning import PartitionSpec
    from pyiceberg.table import FileScanTask, StagedTable
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.update import TableRequirement, TableUpdate
    from pyiceberg.typedef import Identifier


log = logging.getLogger("radiant.lake.metadata")

check_files_read_by_pyiceberg()

_AT_ONCE = 16
"""Manifests that are read at the same time."""

_BLOCKS_OF_VERSION = 2
"""The format of tables whose manifests are written here."""


class CheapTransaction(Transaction):
    """PyIceberg's transaction, which builds its metadata again only when something has changed, and copies no history.

    PyIceberg 0.12 copies the whole metadata, with each snapshot, whenever it is looked at: seventeen times in a commit.
    """

    _built: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with the updates so far; no part of it is ever changed in place."""
        base, updates = self._table.metadata, self._updates
        if not updates:
            return base
        if self._built is None or self._built[0] is not base or self._built[1] is not updates:
            self._built = base, updates, _updated(base, updates)
        return self._built[2]


def _updated(base: TableMetadata, updates: tuple[TableUpdate, ...]) -> TableMetadata:
    if not _only_add(updates):
        return update_table_metadata(base, updates)
    short = _without_history(base)
    return _with_history(update_table_metadata(short, updates), base, short)


def _only_add(updates: tuple[TableUpdate, ...]) -> bool:
    """Return whether updates only add snapshots: then no earlier one need be looked at."""
    return all(isinstance(one, (AddSnapshotUpdate, SetSnapshotRefUpdate)) for one in updates)


def _without_history(metadata: TableMetadata) -> TableMetadata:
    """Return metadata with those snapshots alone that a branch or a tag names."""
    named = {one.snapshot_id for one in metadata.refs.values()}
    snapshots = [one for one in metadata.snapshots if one.snapshot_id in named]
    return metadata.model_copy(update={"snapshots": snapshots, "snapshot_log": []})


def _with_history(updated: TableMetadata, base: TableMetadata, short: TableMetadata) -> TableMetadata:
    """Return `base` with what was added to `short`, which is `base` without its history."""
    added = updated.snapshots[len(short.snapshots) :]
    history = {"snapshots": [*base.snapshots, *added], "snapshot_log": [*base.snapshot_log, *updated.snapshot_log]}
    return updated.model_copy(update=history)


class CheapSqlCatalog(SqlCatalog):
    """PyIceberg's SQL catalog, which reads each metadata file once, and copies no history in a commit.

    PyIceberg 0.12 reads and checks the whole metadata again in each commit, and copies it. A metadata file never
    changes: where the database names the file that was read last, the table is as it was.
    """

    def __init__(self, name: str, **properties: str) -> None:
        self._read: dict[str, tuple[str, TableMetadata]] = {}
        """The newest metadata of each table that was read, with its file."""
        super().__init__(name, **properties)

    def _convert_orm_to_iceberg(self, orm_table: IcebergTables) -> Table:
        location = orm_table.metadata_location
        name = f"{orm_table.table_namespace}.{orm_table.table_name}"
        known, metadata = self._read.get(name, (None, None))
        if location is None or metadata is None or known != location:
            table = super()._convert_orm_to_iceberg(orm_table)
            self._read[name] = table.metadata_location, table.metadata
            return table
        identifier = (*self.identifier_to_tuple(orm_table.table_namespace), orm_table.table_name)
        return Table(identifier, metadata, location, self._load_file_io(metadata.properties, location), self)

    def _update_and_stage_table(
        self,
        current_table: Table | None,
        table_identifier: Identifier,
        requirements: tuple[TableRequirement, ...],
        updates: tuple[TableUpdate, ...],
    ) -> StagedTable:
        if current_table is None or not _only_add(updates):
            return super()._update_and_stage_table(current_table, table_identifier, requirements, updates)
        base = current_table.metadata
        short = _without_history(base)
        table = Table(table_identifier, short, current_table.metadata_location, current_table.io, self)
        staged = super()._update_and_stage_table(table, table_identifier, requirements, updates)
        staged.metadata = _with_history(staged.metadata, base, short)
        return staged


def report_undeleted_metadata(catalog: Catalog) -> Catalog:
    """Let a catalog log in our words which earlier metadata files of a table it could not delete after a commit.

    PyIceberg 0.12 shows Python's own warning for it, without the table. Such a file is an orphan: no table names it.
    """

    def delete(io: FileIO, base: TableMetadata, metadata: TableMetadata) -> None:
        files = _Deletions(io)
        type(catalog)._delete_old_metadata(cast("FileIO", files), base, metadata)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        for uri, error in files.failed.items():
            log.warning(
                "the commit to the table at %s landed, but its earlier metadata file %s could not be deleted: %s: %s. "
                "Nothing is lost and nothing is to be done: maintenance (radiant maintain) deletes the file once it "
                "is RADIANT_MAINTENANCE__ORPHAN_HOURS old",
                *(metadata.location, uri, type(error).__name__, error),
            )

    catalog._delete_old_metadata = delete  # type: ignore[method-assign]  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return catalog


class _Deletions:
    """Deletes files, and collects those that could not be deleted."""

    def __init__(self, io: FileIO) -> None:
        self._io = io
        self.failed: dict[str, Exception] = {}

    def delete(self, location: str) -> None:
        try:
            self._io.delete(location)
        except FileNotFoundError:
            pass
        except Exception as error:  # noqa: BLE001 - the commit landed, and each client of a store has its own
            self.failed[location] = error


class EntryReader:
    """Reads manifests, several at a time, and each once: none ever changes."""

    def __init__(self, io: FileIO) -> None:
        self._io = io
        self._files: dict[str, bytes] = {}
        self._entries: dict[str, tuple[ManifestEntry, ...]] = {}

    def read(self, manifests: Sequence[ManifestFile]) -> list[tuple[ManifestEntry, ...]]:
        """Return the entries of each manifest that name files as present."""
        self._fetch(manifests)
        return [self._decoded(one) for one in manifests]

    def may_hold(self, manifests: Sequence[ManifestFile], cases: Sequence[int]) -> list[bool]:
        """Return of each manifest whether a file of it can hold a row of one of these cases, by its header.

        Args:
            manifests: Of data files.
            cases: Ascending.
        """
        self._fetch(manifests)
        headers = [header(self._files[one.manifest_path])[0] for one in manifests]
        said = [one.get(manifest_cases.HEADER_KEY.encode()) for one in headers]
        return [one is None or manifest_cases.may_hold(one, cases) for one in said]

    def _fetch(self, manifests: Sequence[ManifestFile]) -> None:
        missing = [one for one in manifests if one.manifest_path not in self._files]
        if missing:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="manifests") as pool:
                found = pool.map(self._content, missing)
                self._files |= {one.manifest_path: content for one, content in zip(missing, found, strict=True)}

    def _content(self, manifest: ManifestFile) -> bytes:
        return content_of(self._io.new_input(manifest.manifest_path), manifest.manifest_length)

    def _decoded(self, manifest: ManifestFile) -> tuple[ManifestEntry, ...]:
        path = manifest.manifest_path
        if path not in self._entries:
            fetched = cast("FileIO", FileInMemory(path, self._files[path]))
            self._entries[path] = tuple(manifest.fetch_manifest_entry(fetched, discard_deleted=True))
        return self._entries[path]


class _LeavesManifests(_SnapshotProducer[Any]):
    """A commit that deletes no manifest which the catalog may name.

    PyIceberg 0.12 takes the refusal (409) of its last try as proof that no try landed, and deletes the manifests of
    all. But a proxy, and the client of AWS Glue, repeat a request whose answer was lost, and then the second answer to
    a commit that landed is a refusal. Where PyIceberg finds the snapshot, it deletes the manifests of all tries but the
    last, even if an earlier one landed late. What is left over here is an orphan, which maintenance deletes.
    """

    def _clean_all_uncommitted(self) -> None:
        """Delete nothing."""

    def _cleanup_uncommitted(self) -> None:
        """Delete what earlier attempts wrote, where the table names the list of the last one."""
        table = self._transaction._table  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        snapshot = table.metadata.snapshot_by_id(self._snapshot_id)
        if snapshot is not None and snapshot.manifest_list == self._written_manifest_lists[-1]:
            super()._cleanup_uncommitted()


class _BlockManifestWriter(ManifestWriterV2):
    """PyIceberg's writer of a manifest, with many entries in a block, and the bounds of their cases in the header."""

    def __enter__(self) -> Self:
        """Open the file."""
        super().__enter__()
        self._case_field = self._schema.find_field(CASE_COLUMN).field_id
        self._bounds: list[manifest_cases.Bounds | None] = []
        return self

    def add_entry(self, entry: ManifestEntry) -> Self:
        """Add an entry."""
        super().add_entry(entry)
        if entry.status != ManifestEntryStatus.DELETED:
            self._bounds.append(manifest_cases.bounds_of(entry.data_file, self._case_field))
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write the file."""
        known = [one for one in self._bounds if one is not None]
        if len(known) == len(self._bounds):
            self._writer.metadata[manifest_cases.HEADER_KEY] = manifest_cases.encode(known)
        super().__exit__(exc_type, exc_value, traceback)

    def new_writer(self) -> BlockOutputFile:
        schema = self._with_partition(self.version)
        return BlockOutputFile(self._output_file, schema, "manifest_entry", record_schema=schema, metadata=self._meta)


class _WritesBlocks(_SnapshotProducer[Any]):
    def new_manifest_writer(self, spec: PartitionSpec) -> ManifestWriter:
        """Return what writes a manifest; of a table of another version than 2 as PyIceberg writes it."""
        if self._transaction.table_metadata.format_version != _BLOCKS_OF_VERSION:
            return super().new_manifest_writer(spec)
        return _BlockManifestWriter(
            spec, self.schema(), self.new_manifest_output(), self._snapshot_id, self._compression
        )


class ReplaceFiles(_LeavesManifests, _WritesBlocks, _OverwriteFiles):
    """PyIceberg's overwrite with manifests that stay few, each of which is read once.

    PyIceberg 0.12 reads the manifests one after the other, twice; carries along for ever those of which all entries are
    deleted; and each commit leaves one more. So each commit would be slower than the one before. Here `MERGED` small
    manifests are brought together by the commit that finds them.
    """

    MERGED = 20
    FULL = 1000
    """Files of a manifest that is large enough."""

    reader: EntryReader | None = None
    """What has been read of the manifests already."""

    def _read(self, manifests: Sequence[Any]) -> list[tuple[ManifestEntry, ...]]:
        if self.reader is None:
            self.reader = EntryReader(self._io)
        return self.reader.read(manifests)

    def _parents(self) -> tuple[list[Any], list[Any]]:
        """Return the manifests of the parent snapshot: those that may name a file to delete, and the others."""
        parent = self._parent_snapshot_id
        snapshot = None if parent is None else self._transaction.table_metadata.snapshot_by_id(parent)
        if snapshot is None:
            return [], []
        all_manifests = snapshot.manifests(self._io)
        if not self._deleted_data_files:
            return [], list(all_manifests)
        concerned: list[Any] = []
        others: list[Any] = []
        evaluators = {
            one: self._build_manifest_evaluator(one) for one in {one.partition_spec_id for one in all_manifests}
        }
        for one in all_manifests:
            may_name = evaluators[one.partition_spec_id](one)
            (concerned if may_name and one.content == ManifestContent.DATA else others).append(one)
        return concerned, others

    def _deleted_entries(self) -> list[ManifestEntry]:
        concerned, _ = self._parents()
        found = [
            _with_status(entry, ManifestEntryStatus.DELETED, self._snapshot_id)
            for entries in self._read(concerned)
            for entry in entries
            if entry.data_file.content == DataFileContent.DATA and entry.data_file in self._deleted_data_files
        ]
        self._validate_required_deletes(found)
        return found

    def _existing_manifests(self) -> list[Any]:
        concerned, others = self._parents()
        kept = [one for one in others if one.has_added_files() or one.has_existing_files()]
        changed: dict[int, list[ManifestEntry]] = {}
        for manifest, entries in zip(concerned, self._read(concerned), strict=True):
            left = [entry for entry in entries if entry.data_file not in self._deleted_data_files]
            if len(left) == len(entries):
                kept += [manifest] if entries else []
            else:
                changed.setdefault(manifest.partition_spec_id, []).extend(left)
        return [*self._merged(kept, changed)]

    def _merged(self, kept: list[Any], changed: dict[int, list[ManifestEntry]]) -> Iterator[Any]:
        """Yield manifests with the same files and those of manifests that lost some; many small ones become few."""
        small: dict[int, list[Any]] = {}
        for one in kept:
            if one.content == ManifestContent.DATA and _files(one) < self.FULL // 2:
                small.setdefault(one.partition_spec_id, []).append(one)
        merged = {spec_id: found for spec_id, found in small.items() if len(found) >= self.MERGED}
        for spec_id, found in merged.items():
            changed.setdefault(spec_id, []).extend(entry for entries in self._read(found) for entry in entries)
        gone = {one.manifest_path for found in merged.values() for one in found}
        yield from (one for one in kept if one.manifest_path not in gone)
        for spec_id, entries in changed.items():
            yield from _written(self, spec_id, entries, self.FULL)


class CompactFiles(ReplaceFiles):
    """A replacement of files by others with the same rows: its operation is `replace`."""

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        return _replace(super()._summary(snapshot_properties or {}))


class RewriteManifests(_LeavesManifests, _WritesBlocks, _FastAppendFiles):
    """A commit that adds and removes no file: the same files in fewer manifests, which name no removed file.

    Manifests of one partition spec are brought together, files in the order of their partitions, `FILES` in each. Its
    operation is `replace`: a concurrent commit of an import is no conflict.
    """

    FILES = ReplaceFiles.FULL

    def _existing_manifests(self) -> list[Any]:
        files: dict[int, list[Any]] = {}
        others: list[Any] = []
        for manifest in super()._existing_manifests():
            if manifest.content != ManifestContent.DATA:
                others.append(manifest)
                continue
            entries = self.fetch_manifest_entry(manifest, discard_deleted=True)
            files.setdefault(manifest.partition_spec_id, []).extend(entries)
        written = (one for spec_id, found in files.items() for one in _written(self, spec_id, found, self.FILES))
        return [*written, *others]

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        return _replace(super()._summary(snapshot_properties or {}))


def _replace(summary: Summary) -> Summary:
    return Summary(operation=Operation.REPLACE, **summary.additional_properties)


def _files(manifest: ManifestFile) -> int:
    """Return how many files a manifest names as present; many where it does not say."""
    added, existing = manifest.added_files_count, manifest.existing_files_count
    return ReplaceFiles.FULL if added is None or existing is None else added + existing


def _written(producer: Any, spec_id: int, entries: list[Any], most: int) -> Iterator[Any]:
    """Write entries as those of files that were there before, by partition and path, `most` in a manifest."""
    entries.sort(key=lambda entry: (str(entry.data_file.partition), entry.data_file.file_path))
    for start in range(0, len(entries), most):
        with producer.new_manifest_writer(producer.spec(spec_id)) as writer:
            for entry in entries[start : start + most]:
                writer.add_entry(_with_status(entry, ManifestEntryStatus.EXISTING, entry.snapshot_id))
        yield writer.to_manifest_file()


def _with_status(entry: ManifestEntry, status: ManifestEntryStatus, snapshot_id: int | None) -> ManifestEntry:
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=snapshot_id,
        sequence_number=entry.sequence_number,
        file_sequence_number=entry.file_sequence_number,
        data_file=entry.data_file,
    )


def batches_of(scan: ArrowScan, task: FileScanTask) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a data file without delete files as they are read.

    The public way (`ArrowScan.to_record_batches`) holds all batches of a file at once.
    """
    return scan._record_batches_from_scan_tasks_and_deletes([task], {})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
