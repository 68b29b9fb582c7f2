"""How large the tables are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radiant.domain.tables import TABLES
from radiant.lake.create import load_table
from radiant.lake.snapshot import live_files

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable


@dataclass(frozen=True, slots=True)
class TableOverview:
    """One table."""

    name: str
    """`namespace.table`."""
    doc: str
    """What a row is."""
    exists: bool
    """False when nothing created it yet; all numbers are 0 then."""
    rows: int
    files: int
    bytes: int
    """Of the data files of the current snapshot."""
    snapshots: int
    """Retained ones."""


def table_overview(catalog: Catalog, namespace: str) -> list[TableOverview]:
    """Return all tables in commit order, read from metadata alone.

    Raises:
        LakeError: the catalog does not answer.
    """
    overviews: list[TableOverview] = []
    for declared in TABLES.values():
        name = f"{namespace}.{declared.name}"
        table = load_table(catalog, namespace, declared)
        if table is None:
            overviews.append(TableOverview(name, declared.doc, exists=False, rows=0, files=0, bytes=0, snapshots=0))
            continue
        rows, files, size = _totals(table)
        overviews.append(
            TableOverview(
                name,
                declared.doc,
                exists=True,
                rows=rows,
                files=files,
                bytes=size,
                snapshots=len(table.snapshots()),
            )
        )
    return overviews


def _totals(table: IcebergTable) -> tuple[int, int, int]:
    """Return (rows, files, bytes): from the snapshot's summary, else (another engine's snapshot) from its manifests."""
    snapshot = table.current_snapshot()
    if snapshot is None:
        return 0, 0, 0
    summary = snapshot.summary
    totals = [
        summary.get(key) if summary else None for key in ("total-records", "total-data-files", "total-files-size")
    ]
    if None not in totals:
        rows, files, size = (int(total or 0) for total in totals)
        return rows, files, size
    found = [live.data_file for live in live_files(table)]
    return sum(one.record_count for one in found), len(found), sum(one.file_size_in_bytes for one in found)
