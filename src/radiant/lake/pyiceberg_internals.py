"""What radiant needs of PyIceberg that is not public: the only module that names it, pinned by one test.

`tests/unit/lake/test_pyiceberg_internals.py` fails where a version of PyIceberg has another form; `pyproject.toml`
keeps PyIceberg below the next minor version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyiceberg.table.update.snapshot import _OverwriteFiles  # pyright: ignore[reportPrivateUsage]

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


def batches_of(scan: ArrowScan, task: FileScanTask) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a data file without delete files as they are read.

    The public way (`ArrowScan.to_record_batches`) holds all batches of a file at once.
    """
    return scan._record_batches_from_scan_tasks_and_deletes([task], {})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
