"""Read rows of chosen data files, one batch at a time, in the types of their table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyiceberg.io.pyarrow import ArrowScan

from radiant.domain.tables import CASE_LOAD
from radiant.errors import DamagedFileError, StorageError
from radiant.lake.damaged_files import PUT_BACK, PUT_BACK_OR_IMPORT
from radiant.lake.pyiceberg_internals import batches_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

_AT_ONCE = 16
"""Files that are read at the same time."""


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
        DamagedFileError: a file is cut off or overwritten.
    """
    schema = table.schema() if columns is None else table.schema().select(*columns)
    arrow_schema = schema.as_arrow()
    scan = ArrowScan(table.metadata, table.io, schema, row_filter)
    remedy = PUT_BACK if table.name()[-1] == CASE_LOAD.name else PUT_BACK_OR_IMPORT
    for task in tasks:
        where = f"{'.'.join(table.name())}: {task.file.file_path}"
        # Where another engine deleted rows by position, the public way holds all batches of a file at once.
        batches = scan.to_record_batches([task]) if task.delete_files else batches_of(scan, task)
        try:
            for batch in batches:
                # Files keep the order of columns they were written with, and plain or large strings as Arrow chose.
                yield recast_batch(batch, arrow_schema)
        except OSError as error:
            msg = f"{where} could not be read: {_text(error)}. Try again; if it fails again, {remedy}"
            raise StorageError(msg) from error
        except pa.ArrowInvalid as error:
            msg = f"{where} is damaged: {_text(error)}. To go on, {remedy}"
            raise DamagedFileError(msg) from error


def read_table(table: IcebergTable, row_filter: BooleanExpression, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the matching rows of a small table, its files read at the same time; arguments and errors as `scan_files`.

    By file, and in the order of each file.
    """
    schema = table.schema() if columns is None else table.schema().select(*columns)

    def read(task: FileScanTask) -> list[pa.RecordBatch]:
        return list(scan_files(table, [task], row_filter, columns))

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="rows") as pool:
        batches = [batch for found in pool.map(read, plan(table, row_filter)) for batch in found]
    return pa.Table.from_batches(batches, schema=schema.as_arrow())


def _text(error: Exception) -> str:
    return str(error).rstrip(".")


# --- Types ------------------------------------------------------------------------------------------------------------


def recast_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the columns of a schema, by name, in its types and order; null where the batch has none of that name."""
    given = set(batch.schema.names)
    columns = [
        recast(batch.column(field.name), field.type) if field.name in given else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def recast(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """Return the same values with small or large strings and lists, as the type has them.

    A struct that is null has null in each field, even in a required one, where Arrow's cast fails.
    """
    if array.type == type_:
        return array
    if pa.types.is_struct(type_):
        fields = [type_.field(index) for index in range(type_.num_fields)]
        values = [recast(array.field(index), field.type) for index, field in enumerate(fields)]
        return pa.StructArray.from_arrays(values, fields=fields, mask=array.is_null() if array.null_count else None)
    if pa.types.is_map(type_):
        return _relisted(array, type_, pa.struct([type_.key_field, type_.item_field]))
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _relisted(array, type_, type_.value_type)
    return array.cast(type_)


def _relisted(array: pa.Array, type_: pa.DataType, elements: pa.DataType) -> pa.Array:
    """Return lists or maps with elements of another type."""
    found, wanted = (np.int64 if pa.types.is_large_list(one) else np.int32 for one in (array.type, type_))
    offsets = np.frombuffer(array.buffers()[1], dtype=found)[array.offset : array.offset + len(array) + 1]
    valid = array.is_valid().buffers()[1] if array.null_count else None
    buffers = [valid, pa.py_buffer(offsets.astype(wanted))]
    children = [recast(array.values, elements)]
    return pa.Array.from_buffers(type_, len(array), buffers, array.null_count, 0, children)
