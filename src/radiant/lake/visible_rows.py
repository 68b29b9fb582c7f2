"""Read a visible case: always through its `case_load` row, at the snapshots that row names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radiant.domain.tables import CASE_TABLES
from radiant.errors import LakeError
from radiant.lake.case_load import VisibleCase, visible_case
from radiant.lake.computed import columns_to_read, compute, with_computed
from radiant.lake.create import load_table
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.filters import all_of, rows_of
from radiant.lake.scan import plan, scan_files
from radiant.lake.snapshot import live_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable


@dataclass(frozen=True)
class CaseTable:
    """The rows of one case in one table, as its last complete import left them."""

    table: IcebergTable
    visible: VisibleCase
    tasks: tuple[FileScanTask, ...]
    """The data files that hold them, by path."""

    @property
    def mine(self) -> BooleanExpression:
        """The filter for the case's rows."""
        return rows_of(self.visible.part, [self.visible.case_id])

    def rows(
        self, columns: Sequence[str] | None = None, row_filter: BooleanExpression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the case's rows in the order they were imported.

        Args:
            columns: All when None; `locus` and `locus_hash`, which no file stores, are computed.
            row_filter: Beside the case, on stored columns; pushed down to files and row groups.
        """
        rows = self.mine if row_filter is None else all_of(self.mine, row_filter)
        wanted = with_computed(field.name for field in self.table.schema().fields) if columns is None else list(columns)
        for batch in scan_files(self.table, self.tasks, rows, columns_to_read(wanted)):
            yield compute(batch, wanted)


def case_rows(  # noqa: PLR0913, PLR0917 - what SQL needs five clauses for
    catalog: Catalog,
    namespace: str,
    case_id: int,
    short_name: str,
    columns: Sequence[str] | None = None,
    row_filter: BooleanExpression | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield a visible case's rows of one table, in the order they were imported; a few batches in memory.

    Raises:
        CaseNotFoundError: the case was never imported, or is deleted.
        LakeError: the table does not have as many rows as `case_load` states, or the catalog does not answer.
    """
    return case_table(catalog, namespace, visible_case(catalog, namespace, case_id), short_name).rows(
        columns, row_filter
    )


def case_table(catalog: Catalog, namespace: str, visible: VisibleCase, short_name: str) -> CaseTable:
    """Find a visible case's rows of one table.

    They are read at the snapshot that `case_load` names, so that a commit in progress does not show. Maintenance lets
    the row name another snapshot before it expires one; where another engine expired it, the current one is read.

    Raises:
        LakeError: the table does not have as many rows as `case_load` states, or the catalog does not answer.
    """
    declared = CASE_TABLES[short_name]
    table = load_table(catalog, namespace, declared)
    expected = visible.rows.get(short_name, 0)
    if table is None:
        why = (
            f"and case {visible.case_id} has {expected} rows in it. Restore it"
            if expected
            else "this version added it. The next import creates it"
        )
        msg = f"{namespace}.{declared.name} does not exist, {why}"
        raise LakeError(msg)
    named = visible.snapshots.get(short_name)
    if named is not None and table.snapshot_by_id(named) is None:
        visible = visible_case(catalog, namespace, visible.case_id)
        expected = visible.rows.get(short_name, 0)
        named = visible.snapshots.get(short_name)
        table = table.refresh()
    snapshot = named if named is not None and table.snapshot_by_id(named) is not None else None
    mine = rows_of(visible.part, [visible.case_id])
    tasks = tuple(plan(table, mine, snapshot))
    found = sum(_count(table, task, visible) for task in tasks)
    if found != expected:
        msg = (
            f"case {visible.case_id} has {found} rows in {namespace}.{declared.name}, its import left {expected}: "
            "something other than radiant changed its rows. Import the case again"
        )
        raise LakeError(msg)
    return CaseTable(table, visible, tasks)


def _count(table: IcebergTable, task: FileScanTask, visible: VisibleCase) -> int:
    """Count the case's rows in a file; from the manifest alone when the file holds nothing else."""
    if not task.delete_files and live_file(table, task.file).holds_only([visible.case_id]):
        return task.file.record_count
    mine = rows_of(visible.part, [visible.case_id])
    return sum(batch.num_rows for batch in scan_files(table, [task], mine, [CASE_COLUMN]))
