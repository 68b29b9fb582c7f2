"""Where a catalog's tables point: what a backup of a catalog holds, and what is registered again from it.

The files of the warehouse stay where they are and are not copied. A table's metadata file is small and is held whole,
since a catalog deletes old ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import StaticTable
from pyiceberg.table.metadata import TableMetadataUtil

from radiant import storage
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import CommitConflictError, InputError, LakeError
from radiant.lake.case_load import load_rows
from radiant.lake.catalog_errors import catalog_answers
from radiant.lake.commit import replace_case_loads
from radiant.lake.create import load_table
from radiant.lake.damaged_files import is_of_a_file
from radiant.lake.file_layout import CASE_COLUMN, PARTITION_COLUMN
from radiant.lake.filters import all_of
from radiant.lake.scan import plan
from radiant.lake.snapshot import live_file, live_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable


@dataclass(frozen=True, slots=True)
class TablePointer:
    """One table of a catalog. Crosses as JSON."""

    name: str
    """Without its namespace."""
    metadata_location: str
    """URI of the metadata file."""
    metadata: str
    """That file, JSON."""


@dataclass(frozen=True, slots=True)
class TablePointers:
    """The tables of a catalog, as a backup holds them. Crosses as JSON."""

    tables: tuple[TablePointer, ...]


@dataclass(frozen=True, slots=True)
class LostFiles:
    """Data files that a pointer's snapshot names and that are gone, or have another size than it states."""

    table: str
    paths: tuple[str, ...]
    cases: frozenset[int] | None
    """Cases with rows in them; None where a file may hold rows of any."""


def table_pointers(catalog: Catalog, namespace: str) -> list[TablePointer]:
    """Return where the tables of a namespace point now; `case_load` first, so that the others have all that it names.

    Raises:
        LakeError: the catalog or the store does not answer.
    """
    found: list[TablePointer] = []
    for declared in (CASE_LOAD, *CASE_TABLES.values()):
        table = load_table(catalog, namespace, declared)
        if table is not None:
            text = storage.read_bytes(table.metadata_location).decode()
            found.append(TablePointer(declared.name, table.metadata_location, text))
    return found


def lost_files(pointers: Sequence[TablePointer]) -> list[LostFiles]:
    """Return the data files that pointers name and that are gone or cut; writes metadata that is gone or damaged.

    Raises:
        LakeError: a list of files (manifest) is gone or damaged, which no backup of a catalog can replace.
    """
    found: list[LostFiles] = []
    for pointer in pointers:
        if not _has_metadata(pointer):
            storage.write_bytes(pointer.metadata_location, pointer.metadata.encode())
        table = StaticTable.from_metadata(pointer.metadata_location)
        try:
            files = [task.file for task in plan(table, all_of())]
        except FileNotFoundError as error:
            msg = (
                f"{pointer.name}: the backup's snapshot names {error.filename or error}, which is gone. Restore the "
                "warehouse as it was at the time of this backup, or take a later backup"
            )
            raise LakeError(msg) from error
        there = {_path(one.uri): one.size for one in storage.stored_files(f"{table.location().rstrip('/')}/")}
        gone = [file for file in files if there.get(_path(file.file_path)) != file.file_size_in_bytes]
        if gone:
            live = [live_file(table, file) for file in gone]
            known = all(one.first_case is not None and one.first_case == one.last_case for one in live)
            cases = frozenset(one.first_case for one in live if one.first_case is not None) if known else None
            found.append(LostFiles(pointer.name, tuple(file.file_path for file in gone), cases))
    return found


def _has_metadata(pointer: TablePointer) -> bool:
    """Return whether the metadata file is as it was: no commit ever changes one."""
    try:
        return storage.read_bytes(pointer.metadata_location) == pointer.metadata.encode()
    except InputError:
        return False


def pointers_to_change(
    catalog: Catalog, namespace: str, pointers: Sequence[TablePointer], *, replace: bool = False
) -> list[TablePointer]:
    """Return the pointers of a backup that a catalog has not; changes nothing.

    Args:
        catalog: Where.
        namespace: Of the tables.
        pointers: Of the backup.
        replace: Whether tables that exist may be pointed elsewhere.

    Raises:
        InputError: a table exists and points elsewhere, and `replace` is not set, or no way leads back that keeps its
            files.
        LakeError: the catalog does not answer, or a table's metadata is damaged and `replace` is not set.
    """
    changed: list[TablePointer] = []
    for pointer in pointers:
        identifier = _identifier(catalog, namespace, pointer)
        name = f"{namespace}.{pointer.name}"
        try:
            with catalog_answers(name):
                table = catalog.load_table(identifier) if catalog.table_exists(identifier) else None
        except LakeError as error:
            if not is_of_a_file(error) or not replace or not _drop_keeps_files(catalog):
                raise
            changed.append(pointer)
            continue
        if table is not None and _is_as_in(table, pointer):
            continue
        if table is not None and not replace:
            msg = (
                f"{name} exists and points to {table.metadata_location}, the backup to {pointer.metadata_location}. "
                "--replace points it back; its files stay"
            )
            raise InputError(msg)
        if table is not None and not _drop_keeps_files(catalog) and _snapshot_to_roll_back_to(table, pointer) is None:
            msg = (
                f"{name} does not have the backup's snapshot any more, so it can only be dropped and registered again, "
                "and this catalog may delete the files of a table that is dropped. Nothing was changed. Copy the "
                "table's folder to another place, drop the table in the catalog, put back what is missing in the "
                "folder, and restore again"
            )
            raise InputError(msg)
        changed.append(pointer)
    return changed


def register_pointers(catalog: Catalog, namespace: str, changed: Sequence[TablePointer]) -> None:
    """Point the tables of `pointers_to_change` to what they pointed to in the backup, `case_load` last.

    Their files stay, of both states. A REST catalog may delete the files of a table that is dropped (SeaweedFS deletes
    all of them, even if asked not to), so there the table is rolled back to the backup's snapshot.

    Raises:
        CommitConflictError: another commit changed a table meanwhile.
        LakeError: the catalog does not answer.
    """
    catalog.create_namespace_if_not_exists(namespace)
    for pointer in reversed(changed):
        identifier = _identifier(catalog, namespace, pointer)
        with catalog_answers(f"{namespace}.{pointer.name}"):
            if not _exists(catalog, identifier):
                catalog.register_table(identifier, pointer.metadata_location)
            elif _drop_keeps_files(catalog):
                catalog.drop_table(identifier)
                catalog.register_table(identifier, pointer.metadata_location)
            else:
                _roll_back(catalog.load_table(identifier), pointer)


def _exists(catalog: Catalog, identifier: tuple[str, ...]) -> bool:
    try:
        return catalog.table_exists(identifier)
    except LakeError as error:
        if is_of_a_file(error):
            return True
        raise


def _drop_keeps_files(catalog: Catalog) -> bool:
    """Return whether PyIceberg's `drop_table` deletes nothing but the entry: of a database, of AWS Glue, of Hive."""
    return isinstance(catalog, MetastoreCatalog)


def _is_as_in(table: IcebergTable, pointer: TablePointer) -> bool:
    snapshot = table.current_snapshot()
    if table.metadata_location == pointer.metadata_location:
        return True
    return snapshot is not None and snapshot.snapshot_id == _snapshot_to_roll_back_to(table, pointer)


def _snapshot_to_roll_back_to(table: IcebergTable, pointer: TablePointer) -> int | None:
    """Return the backup's snapshot, None where the table has it no more or is another one of the same name."""
    backed_up = TableMetadataUtil.parse_raw(pointer.metadata)
    snapshot_id = backed_up.current_snapshot_id
    if snapshot_id is None or backed_up.table_uuid != table.metadata.table_uuid:
        return None
    return None if table.snapshot_by_id(snapshot_id) is None else snapshot_id


def _roll_back(table: IcebergTable, pointer: TablePointer) -> None:
    name = ".".join(table.name())
    snapshot_id = _snapshot_to_roll_back_to(table, pointer)
    try:
        with table.manage_snapshots() as change:
            change.set_current_snapshot(snapshot_id=snapshot_id)
    except (CommitFailedException, ValueError) as error:
        msg = f"{name}: was changed while it was restored: {error}. Stop what commits to it, and restore again"
        raise CommitConflictError(msg) from error


def _identifier(catalog: Catalog, namespace: str, pointer: TablePointer) -> tuple[str, ...]:
    return (*catalog.identifier_to_tuple(namespace), pointer.name)


def drop_lost_cases(catalog: Catalog, namespace: str, lost: Sequence[LostFiles]) -> list[int]:
    """Delete the rows in `case_load` of cases whose files are gone, so that planning imports them again.

    A lost file that may hold rows of any case costs all of them. Returns the cases, ascending.
    """
    table = load_table(catalog, namespace, CASE_LOAD)
    if table is None:
        return []
    rows = load_rows(table)
    of_rows = list(zip(rows[PARTITION_COLUMN].to_pylist(), rows[CASE_COLUMN].to_pylist(), strict=True))
    visible = {case for _, case in of_rows}
    gone = visible if any(one.cases is None for one in lost) else {case for one in lost for case in one.cases or ()}
    files = list(live_files(table))
    for part in sorted({part for part, case in of_rows if case in gone}):
        kept = rows.filter(pa.array([its_part == part and case not in gone for its_part, case in of_rows]))
        replace_case_loads(table, [file for file in files if file.part == part], part, kept)
    return sorted(gone & visible)


def _path(uri: str) -> str:
    return uri.removeprefix("file://")
