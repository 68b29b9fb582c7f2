"""The files that a table's snapshots and metadata name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radiant import storage
from radiant.lake.snapshot import live_file
from radiant.lake.table_ref import TableRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

_AT_ONCE = 16
"""Manifests that are read at the same time."""


def roots(table: IcebergTable) -> list[str]:
    """Return the URIs of the folders that hold all files of a table; none is below another."""
    ref = TableRef.of(table)
    metadata = table.properties.get("write.metadata.path", f"{ref.location}/metadata").rstrip("/")
    found = sorted({ref.location, ref.data_location, metadata})
    return [one for one in found if not any(one.startswith(f"{other}/") for other in found)]


@dataclass(slots=True)
class ManifestCache:
    """The content of manifests by path: a manifest never changes, and each is read once."""

    table: IcebergTable
    _files: dict[str, tuple[DataFile, ...]] = field(default_factory=dict[str, "tuple[DataFile, ...]"])
    _lists: dict[int, tuple[ManifestFile, ...]] = field(default_factory=dict[int, "tuple[ManifestFile, ...]"])

    def manifests(self, snapshots: Iterable[Snapshot]) -> dict[str, ManifestFile]:
        """Return the manifests of snapshots by path."""
        wanted = list(snapshots)
        missing = [one for one in wanted if one.snapshot_id not in self._lists]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="manifests") as pool:
            found = pool.map(self._read_list, missing)
            self._lists |= {one.snapshot_id: manifests for one, manifests in zip(missing, found, strict=True)}
        return {manifest.manifest_path: manifest for one in wanted for manifest in self._lists[one.snapshot_id]}

    def files(self, manifests: Collection[ManifestFile]) -> list[DataFile]:
        """Return the data and delete files that manifests name as present."""
        missing = [one for one in manifests if one.manifest_path not in self._files]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="manifests") as pool:
            found = pool.map(self._read_manifest, missing)
            self._files |= {one.manifest_path: files for one, files in zip(missing, found, strict=True)}
        return [file for one in manifests for file in self._files[one.manifest_path]]

    def _read_list(self, snapshot: Snapshot) -> tuple[ManifestFile, ...]:
        return tuple(snapshot.manifests(self.table.io))

    def _read_manifest(self, manifest: ManifestFile) -> tuple[DataFile, ...]:
        entries = manifest.fetch_manifest_entry(self.table.io, discard_deleted=True)
        return tuple(entry.data_file for entry in entries)


def files_of_snapshots(cache: ManifestCache, snapshots: Collection[Snapshot]) -> dict[str, str]:
    """Return the URIs of the files that snapshots are made of, by `storage.canonical`: lists, manifests, data."""
    manifests = cache.manifests(snapshots)
    uris = [one.manifest_list for one in snapshots if one.manifest_list]
    uris += manifests
    uris += [file.file_path for file in cache.files(list(manifests.values()))]
    return {storage.canonical(uri): uri for uri in uris}


def files_of_table(table: IcebergTable, cache: ManifestCache) -> dict[str, str]:
    """Return the URIs of all files that a table needs, by `storage.canonical`."""
    metadata = table.metadata
    uris = [table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)]
    uris += [one.statistics_path for one in (*metadata.statistics, *metadata.partition_statistics)]
    return files_of_snapshots(cache, metadata.snapshots) | {storage.canonical(uri): uri for uri in uris}


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The files of one snapshot by the cases that they can hold."""

    of_one: dict[int, frozenset[str]]
    """Files with rows of one case alone."""
    of_several: tuple[tuple[int | None, int | None, str], ...]
    """First and last case of the others, None where a file has no bounds; and another engine's delete files."""

    def of(self, case_id: int) -> frozenset[str]:
        """Return the paths of the files that can hold rows of a case, or hide some of them."""
        shared = {
            path for first, last, path in self.of_several if first is None or last is None or first <= case_id <= last
        }
        return self.of_one.get(case_id, frozenset()) | shared


def case_files(table: IcebergTable, cache: ManifestCache, snapshot: Snapshot) -> CaseFiles:
    """Return which files of a snapshot can hold which case."""
    own: dict[int, set[str]] = {}
    shared: list[tuple[int | None, int | None, str]] = []
    for file in cache.files(list(cache.manifests([snapshot]).values())):
        if file.content.value:
            shared.append((None, None, file.file_path))
            continue
        live = live_file(table, file)
        if live.first_case is not None and live.first_case == live.last_case:
            own.setdefault(live.first_case, set()).add(file.file_path)
        else:
            shared.append((live.first_case, live.last_case, file.file_path))
    return CaseFiles({case_id: frozenset(paths) for case_id, paths in own.items()}, tuple(shared))
