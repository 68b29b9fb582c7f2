"""Read rows of chosen data files, one batch at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.io.pyarrow import ArrowScan

from radiant.errors import StorageError
from radiant.lake.recast import recast_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable


def plan(table: IcebergTable, row_filter: BooleanExpression, snapshot_id: int | None = None) -> list[FileScanTask]:
    """Return the data files that may hold matching rows, by path; of the current snapshot unless one is named."""
    tasks = table.scan(row_filter, snapshot_id=snapshot_id).plan_files()
    return sorted(tasks, key=lambda task: task.file.file_path)


def scan_files(
    table: IcebergTable,
    tasks: Iterable[FileScanTask],
    row_filter: BooleanExpression,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the matching rows of data files, file by file, rows in file order.

    Columns as the table has them now (those a file lacks are null), all of them when `columns` is None. Row groups
    whose bounds rule the filter out are not read. Memory: a few batches, never a whole file.

    Raises:
        StorageError: a file is gone or cannot be read.
    """
    schema = table.schema() if columns is None else table.schema().select(*columns)
    arrow_schema = schema.as_arrow()
    scan = ArrowScan(table.metadata, table.io, schema, row_filter)
    for task in tasks:
        if task.delete_files:
            # Another engine deleted rows by position: the public way, which holds all batches of a file at once.
            batches = scan.to_record_batches([task])
        else:
            batches = scan._record_batches_from_scan_tasks_and_deletes([task], {})  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        try:
            for batch in batches:
                # Files keep the order of columns they were written with, and plain or large strings as Arrow chose.
                yield recast_batch(batch, arrow_schema)
        except OSError as error:
            msg = f"{'.'.join(table.name())}: {task.file.file_path} could not be read: {error}"
            raise StorageError(msg) from error
