"""Expire the snapshots that no reader needs any more, and delete the files that they alone held.

A snapshot is kept

- while it is current, or a branch or a tag names it;
- for a time after another one replaced it, so that a reader which opened the table before reads to its end;
- while a row of `case_load` names it. The row is first moved to the current snapshot, where the case's rows there are
  the same: the files are, or, after a compaction, each cell is.

The catalog gives the snapshots up first, the files go after that. A process that is killed in between leaves files that
no snapshot names; `maintain.py` finds them.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.exceptions import CommitFailedException

from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import CommitConflictError
from radiant.lake.case_load import load_rows
from radiant.lake.catalog_errors import catalog_answers
from radiant.lake.commit import replace_case_loads
from radiant.lake.create import load_table
from radiant.lake.digest import RowDigest
from radiant.lake.filters import rows_of
from radiant.lake.references import CaseFiles, ManifestCache, case_files
from radiant.lake.scan import plan, scan_files
from radiant.lake.snapshot import live_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.snapshots import Snapshot

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

log = logging.getLogger("radiant.lake.expire")

_TRIES = 5
"""Commits of running imports may come first; each try begins from the table as it is then."""

Snapshots = frozenset[int]


def replaced_before(table: IcebergTable, cutoff: datetime) -> Snapshots:
    """Return the snapshots that another one replaced before a time, without those that a branch or a tag names.

    Example: a snapshot of last year that was current until a minute ago was replaced a minute ago.
    """
    successor = {one.parent_snapshot_id: one for one in table.snapshots() if one.parent_snapshot_id is not None}
    named = {ref.snapshot_id for ref in table.metadata.refs.values()}
    limit = cutoff.timestamp() * 1000
    return frozenset(
        one.snapshot_id
        for one in table.snapshots()
        if one.snapshot_id not in named and successor.get(one.snapshot_id, one).timestamp_ms < limit
    )


def expire(table: IcebergTable, doomed: Collection[int]) -> None:
    """Take snapshots out of a table; those that are gone already are no error.

    Raises:
        CommitConflictError: other commits came first, five times.
        LakeUnavailableError: the catalog does not answer; the snapshots may be gone.
    """
    name = ".".join(table.name())
    for _ in range(_TRIES):
        try:
            with catalog_answers(name):
                table.refresh()
                there = [one.snapshot_id for one in table.snapshots() if one.snapshot_id in doomed]
                if there:
                    table.maintenance.expire_snapshots().by_ids(there).commit()
        except CommitFailedException:
            continue
        return
    msg = f"{name}: other commits came first {_TRIES} times, no snapshot was expired. Try again"
    raise CommitConflictError(msg)


# --- The rows of case_load that name snapshots ------------------------------------------------------------------------


def named_snapshots(catalog: Catalog, namespace: str) -> dict[str, Snapshots]:
    """Return the snapshots that rows of `case_load` name, by the table's short name."""
    gate = load_table(catalog, namespace, CASE_LOAD)
    named: dict[str, set[int]] = {name: set() for name in CASE_TABLES}
    for row in [] if gate is None else load_rows(gate).to_pylist():
        for name, snapshot in json.loads(row["snapshots"]).items():
            if snapshot is not None:
                named.setdefault(name, set()).add(snapshot)
    return {name: frozenset(found) for name, found in named.items()}


def move_rows(
    catalog: Catalog, namespace: str, doomed: Mapping[str, Snapshots], *, dry_run: bool = False
) -> dict[str, Snapshots]:
    """Let the rows of `case_load` that name doomed snapshots name the current ones; return what rows still name.

    A row stays where the case's rows differ in the current snapshot: a commit of the case is under way, or was cut
    short.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        doomed: Snapshots by the table's short name.
        dry_run: Change nothing; return what rows would still name.
    """
    for number in range(_TRIES):
        gate = load_table(catalog, namespace, CASE_LOAD)
        if gate is None or gate.current_snapshot() is None:
            return {name: frozenset() for name in doomed}
        files = list(live_files(gate))
        moved = _moved(catalog, namespace, load_rows(gate), doomed)
        if dry_run:
            return moved.named
        try:
            for part in sorted(moved.parts):
                rows = moved.rows.filter(pc.equal(moved.rows["part"], part))
                replace_case_loads(gate, [file for file in files if file.part == part], part, rows)
        except CommitConflictError:
            log.info("case_load changed meanwhile, try %d of %d", number + 1, _TRIES)
            continue
        return named_snapshots(catalog, namespace)
    log.warning("case_load changed %d times meanwhile: its rows name the snapshots that they named", _TRIES)
    return named_snapshots(catalog, namespace)


@dataclass(frozen=True, slots=True)
class _Moved:
    """Rows of `case_load` as they shall be."""

    rows: pa.Table
    parts: frozenset[int]
    """The parts in which a row differs from before."""
    named: dict[str, Snapshots]
    """The snapshots that the rows name, by the table's short name."""


def _moved(catalog: Catalog, namespace: str, rows: pa.Table, doomed: Mapping[str, Snapshots]) -> _Moved:
    comparers = {
        name: _Comparer(table, tuple(column.name for column in declared.columns))
        for name, declared in CASE_TABLES.items()
        if (table := load_table(catalog, namespace, declared)) is not None
    }
    texts: list[str] = []
    parts: set[int] = set()
    named: dict[str, set[int]] = {name: set() for name in CASE_TABLES}
    for row in rows.select(["part", "case_id", "snapshots"]).to_pylist():
        snapshots: dict[str, int | None] = json.loads(row["snapshots"])
        for name, snapshot in snapshots.items():
            if snapshot is not None and name in comparers and snapshot in doomed.get(name, ()):
                current = comparers[name].current_if_same(row["part"], row["case_id"], snapshot)
                if current not in {None, snapshot}:
                    snapshots[name] = current
                    parts.add(row["part"])
            if (now := snapshots[name]) is not None:
                named.setdefault(name, set()).add(now)
        texts.append(json.dumps(snapshots, sort_keys=True, separators=(",", ":")))
    column = rows.schema.get_field_index("snapshots")
    changed = rows.set_column(column, rows.schema.field(column), pa.array(texts, rows.schema.field(column).type))
    return _Moved(changed, frozenset(parts), {name: frozenset(found) for name, found in named.items()})


class _Comparer:
    """Compares the rows of cases in two snapshots of one table."""

    def __init__(self, table: IcebergTable, declared: Collection[str]) -> None:
        self._table = table
        self._cache = ManifestCache(table)
        self._columns = [name for name in declared if name in set(table.schema().column_names)]
        self._files: dict[int, CaseFiles] = {}

    def current_if_same(self, part: int, case_id: int, snapshot_id: int) -> int | None:
        """Return the current snapshot where it has the same rows of a case, in the same order; else None."""
        named, current = self._table.snapshot_by_id(snapshot_id), self._table.current_snapshot()
        if named is None or current is None:
            return None
        same_files = self._files_of(named).of(case_id) == self._files_of(current).of(case_id)
        if same_files or self._digest(part, case_id, named) == self._digest(part, case_id, current):
            return current.snapshot_id
        return None

    def _files_of(self, snapshot: Snapshot) -> CaseFiles:
        if snapshot.snapshot_id not in self._files:
            self._files[snapshot.snapshot_id] = case_files(self._table, self._cache, snapshot)
        return self._files[snapshot.snapshot_id]

    def _digest(self, part: int, case_id: int, snapshot: Snapshot) -> str:
        mine = rows_of(part, [case_id])
        digest = RowDigest()
        for batch in scan_files(self._table, plan(self._table, mine, snapshot.snapshot_id), mine, self._columns):
            digest.update(batch)
        return digest.hexdigest()
