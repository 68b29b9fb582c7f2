"""Maintain the tables: expire snapshots, delete the files that they alone held, and delete orphans.

An orphan is a file below a table's location that neither its metadata nor one of its snapshots names. A file of an
import that may still be committed is none, however old it is: its load is in `HeldLoads`. Any other is deleted only
when it is older than a setting, since a commit writes its manifests before the catalog has them.

Each step may be cut short and repeated: a table never names a file that is deleted, and what a step leaves over is an
orphan of a later run.
"""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from radiant import storage
from radiant.domain.tables import CASE_TABLES
from radiant.errors import LakeError
from radiant.lake.compact import Compacted, compact
from radiant.lake.create import load_tables
from radiant.lake.expire import expire, move_rows, replaced_before
from radiant.lake.references import ManifestCache, files_of_snapshots, files_of_table, roots
from radiant.lake.snapshot import FILES_OF_MANIFEST, manifest_count, rewrite_manifests
from radiant.lake.stage import HANDED_OVER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

log = logging.getLogger("radiant.lake.maintain")

_MANY_MANIFESTS = 20
"""Each commit adds one, and each planning of a scan reads all; this number and more are brought together."""

_KEPT_NAMES = ("version-hint.text",)
"""Files of other engines that no metadata names."""


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Times before which something may go, UTC."""

    replaced: datetime
    """Snapshots that another one replaced before this."""
    orphans: datetime
    """Orphans that were written before this."""


@dataclass(frozen=True, slots=True)
class Freed:
    """Files that were deleted, or would be."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Freed) -> Freed:
        """Return the sum, field by field."""
        return Freed(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class TableMaintenance:
    """What maintenance did to a table, or would do."""

    name: str
    """`namespace.table`."""
    snapshots: int
    """Expired."""
    kept_snapshots: int
    """Still there."""
    expired: Freed
    """Files that only expired snapshots named."""
    orphans: Freed
    compacted: Compacted = dataclasses.field(default_factory=Compacted)
    manifests: int = 0
    """Manifests that were brought together in fewer."""
    note: str = ""
    """Why something was left, for a person."""


def maintain_tables(  # noqa: PLR0913 - what a maintenance needs of registry and settings
    catalog: Catalog,
    namespace: str,
    cutoffs: Cutoffs,
    held_loads: Collection[str],
    *,
    target_bytes: int = 0,
    held_cases: Collection[int] = (),
    dry_run: bool = False,
) -> list[TableMaintenance]:
    """Maintain every table of a namespace; return what was done to each, in commit order.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        cutoffs: What is old enough.
        held_loads: Imports whose staged files may still be committed; read before this is called.
        target_bytes: Size of the files that small ones are brought together in; 0 leaves these alone.
        held_cases: Cases that an import holds: their files are not brought together.
        dry_run: Change nothing; return what would be done.

    Raises:
        LakeError: the catalog does not answer, or two tables share a folder.
        CommitConflictError: other commits came first again and again; another try goes on.
        StorageError: the store does not answer.
    """
    with storage.answering(f"the tables of {namespace} are not maintained, their files do not answer; try again"):
        tables = load_tables(catalog, namespace)
        _check_roots(tables)
        doomed = {name: replaced_before(table, cutoffs.replaced) for name, table in tables.items()}
        named = move_rows(catalog, namespace, doomed, dry_run=dry_run) if any(doomed.values()) else {}
        done: list[TableMaintenance] = []
        for name, table in load_tables(catalog, namespace).items():
            gone = doomed.get(name, frozenset()) - named.get(name, frozenset())
            one = _maintain(table, gone, cutoffs, held_loads, dry_run=dry_run)
            if name in CASE_TABLES and target_bytes:
                found = compact(catalog, namespace, table, target_bytes, held_cases, dry_run=dry_run)
                one = dataclasses.replace(one, compacted=found)
            done.append(dataclasses.replace(one, manifests=_bring_manifests_together(table, dry_run=dry_run)))
        return done


def _bring_manifests_together(table: IcebergTable, *, dry_run: bool) -> int:
    before = manifest_count(table)
    snapshot = table.current_snapshot()
    files = int((snapshot.summary or {}).get("total-data-files") or 0) if snapshot is not None else 0
    if before < max(_MANY_MANIFESTS, 2 * files // FILES_OF_MANIFEST):
        return 0
    if not dry_run:
        rewrite_manifests(table)
    return before


def _check_roots(tables: Mapping[str, IcebergTable]) -> None:
    """Refuse tables whose folders are not their own: the files of one would be orphans of the other."""
    owners = [(f"{storage.canonical(root)}/", name) for name, table in tables.items() for root in roots(table)]
    for root, name in owners:
        for other, its_name in owners:
            if name != its_name and other.startswith(root):
                msg = (
                    f"{its_name} has files in {other}, which is in the folder of {name}: give each a folder of its own"
                )
                raise LakeError(msg)


def _maintain(
    table: IcebergTable, doomed: Collection[int], cutoffs: Cutoffs, held_loads: Collection[str], *, dry_run: bool
) -> TableMaintenance:
    name = ".".join(table.name())
    cache = ManifestCache(table)
    before = files_of_table(table, cache)
    listed = {storage.canonical(file.uri): file for root in roots(table) for file in storage.stored_files(root)}
    gone = [one for one in table.snapshots() if one.snapshot_id in doomed]
    kept = [one for one in table.snapshots() if one.snapshot_id not in doomed]
    if table.properties.get("gc.enabled", "true").lower() == "false":
        note = "the table's property gc.enabled is false: its files are left alone"
        return TableMaintenance(name, 0, len(table.snapshots()), Freed(), Freed(), note=note)
    still_named = files_of_snapshots(cache, kept)
    expiring = files_of_snapshots(cache, gone).keys() - still_named.keys()
    if gone and not dry_run:
        expire(table, doomed)
        expiring -= files_of_table(table, cache).keys()
        storage.delete_files([before[one] for one in sorted(expiring)])
    now = files_of_table(table.refresh(), cache).keys()
    orphans = [
        file
        for key, file in listed.items()
        if key not in before
        and key not in now
        and file.modified_at < cutoffs.orphans
        and not _is_held(key, held_loads)
        and not key.endswith(_KEPT_NAMES)
    ]
    orphans = _without_marks_in_use(orphans, now if not dry_run else still_named.keys())
    note = ""
    folders = tuple(f"{storage.canonical(root)}/" for root in roots(table))
    if missing := [key for key in before if key not in listed and key.startswith(folders)]:
        note = f"{len(missing)} files that the table names are not in the listing of its folder: no orphan was deleted"
        log.warning("%s: %s", name, note)
        orphans = []
    elif not dry_run:
        storage.delete_files([file.uri for file in orphans])
    return TableMaintenance(
        name,
        len(gone),
        len(kept),
        Freed(len(expiring), sum(listed[one].size for one in expiring if one in listed)),
        Freed(len(orphans), sum(file.size for file in orphans)),
        note=note,
    )


def _is_held(key: str, held_loads: Collection[str]) -> bool:
    """Return whether a file is staged by an import that may still be committed: its folder is named after the load."""
    folders = key.split("/")
    return len(folders) > 1 and folders[-2] in held_loads


def _without_marks_in_use(files: Iterable[storage.StoredFile], named: Collection[str]) -> list[storage.StoredFile]:
    """Leave out the marks of folders with files that a table names: they keep a late stager from deleting these."""
    in_use = {key.rpartition("/")[0] for key in named}
    return [
        file
        for file in files
        if not (file.uri.endswith(f"/{HANDED_OVER}") and storage.canonical(file.uri).rpartition("/")[0] in in_use)
    ]
