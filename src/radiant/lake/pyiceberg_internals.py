"""What radiant needs of PyIceberg that is not public: the only module that names it, pinned by one test.

`tests/unit/lake/test_pyiceberg_internals.py` fails where a version of PyIceberg has another form; `pyproject.toml`
keeps PyIceberg below the next minor version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestEntryStatus
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _FastAppendFiles, _OverwriteFiles  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyiceberg.io.pyarrow import ArrowScan
    from pyiceberg.table import FileScanTask


class ReplaceFiles(_OverwriteFiles):
    """PyIceberg's overwrite, without the manifests of which all entries are deleted.

    PyIceberg 0.12 carries those along for ever: each replaced case would make every later read slower.
    """

    def _existing_manifests(self) -> list[Any]:
        return [
            manifest
            for manifest in super()._existing_manifests()
            if manifest.has_added_files() or manifest.has_existing_files()
        ]


class CompactFiles(ReplaceFiles):
    """A replacement of files by others with the same rows: its operation is `replace`."""

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        return _replace(super()._summary(snapshot_properties or {}))


class RewriteManifests(_FastAppendFiles):
    """A commit that adds and removes no file: the same files in fewer manifests, which name no removed file.

    Manifests of one partition spec are brought together, files in the order of their partitions, `FILES` in each. Its
    operation is `replace`: a concurrent commit of an import is no conflict.
    """

    FILES = 1000

    def _existing_manifests(self) -> list[Any]:
        files: dict[int, list[Any]] = {}
        others: list[Any] = []
        for manifest in super()._existing_manifests():
            if manifest.content != ManifestContent.DATA:
                others.append(manifest)
                continue
            entries = self.fetch_manifest_entry(manifest, discard_deleted=True)
            files.setdefault(manifest.partition_spec_id, []).extend(entries)
        return [*(one for spec_id, entries in files.items() for one in self._written(spec_id, entries)), *others]

    def _written(self, spec_id: int, entries: list[Any]) -> Iterator[Any]:
        entries.sort(key=lambda entry: (str(entry.data_file.partition), entry.data_file.file_path))
        for start in range(0, len(entries), self.FILES):
            with self.new_manifest_writer(self.spec(spec_id)) as writer:
                for entry in entries[start : start + self.FILES]:
                    writer.add_entry(_existing(entry))
            yield writer.to_manifest_file()

    def _summary(self, snapshot_properties: dict[str, str] | None = None) -> Summary:
        return _replace(super()._summary(snapshot_properties or {}))


def _replace(summary: Summary) -> Summary:
    return Summary(operation=Operation.REPLACE, **summary.additional_properties)


def _existing(entry: Any) -> ManifestEntry:
    return ManifestEntry.from_args(
        status=ManifestEntryStatus.EXISTING,
        snapshot_id=entry.snapshot_id,
        sequence_number=entry.sequence_number,
        file_sequence_number=entry.file_sequence_number,
        data_file=entry.data_file,
    )


def batches_of(scan: ArrowScan, task: FileScanTask) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a data file without delete files as they are read.

    The public way (`ArrowScan.to_record_batches`) holds all batches of a file at once.
    """
    return scan._record_batches_from_scan_tasks_and_deletes([task], {})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
