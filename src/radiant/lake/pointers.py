"""Where a catalog's tables point: what a backup of a catalog holds, and what is registered again from it.

The files of the warehouse stay where they are and are not copied. A table's metadata file is small and is held whole,
since a catalog deletes old ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.table import StaticTable

from radiant import storage
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import InputError, LakeError
from radiant.lake.case_load import visible_cases
from radiant.lake.create import load_table
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.filters import all_of, one_of
from radiant.lake.scan import plan
from radiant.lake.snapshot import live_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog


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
class LostFiles:
    """Data files that a pointer's snapshot names and that are gone."""

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
    """Return the data files that pointers name and that are gone; writes metadata files that are gone.

    Raises:
        LakeError: a list of files (manifest) is gone, which no backup of a catalog can replace.
    """
    found: list[LostFiles] = []
    for pointer in pointers:
        if not storage.exists(pointer.metadata_location):
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
        there = {_path(uri) for uri in storage.list_files(f"{table.location().rstrip('/')}/")}
        gone = [file for file in files if _path(file.file_path) not in there]
        if gone:
            live = [live_file(table, file) for file in gone]
            known = all(one.first_case is not None and one.first_case == one.last_case for one in live)
            cases = frozenset(one.first_case for one in live if one.first_case is not None) if known else None
            found.append(LostFiles(pointer.name, tuple(file.file_path for file in gone), cases))
    return found


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
        InputError: a table exists and points elsewhere, and `replace` is not set.
        LakeError: the catalog does not answer.
    """
    changed: list[TablePointer] = []
    for pointer in pointers:
        identifier = _identifier(catalog, namespace, pointer)
        found = catalog.load_table(identifier).metadata_location if catalog.table_exists(identifier) else None
        if found is not None and found != pointer.metadata_location and not replace:
            msg = (
                f"{namespace}.{pointer.name} exists and points to {found}, the backup to {pointer.metadata_location}. "
                "--replace points it back; its files stay"
            )
            raise InputError(msg)
        if found != pointer.metadata_location:
            changed.append(pointer)
    return changed


def register_pointers(catalog: Catalog, namespace: str, changed: Sequence[TablePointer]) -> None:
    """Point the tables of `pointers_to_change` to what they pointed to in the backup, `case_load` last.

    Their files stay, of both states.
    """
    catalog.create_namespace_if_not_exists(namespace)
    for pointer in reversed(changed):
        identifier = _identifier(catalog, namespace, pointer)
        if catalog.table_exists(identifier):
            catalog.drop_table(identifier)
        catalog.register_table(identifier, pointer.metadata_location)


def _identifier(catalog: Catalog, namespace: str, pointer: TablePointer) -> tuple[str, ...]:
    return (*catalog.identifier_to_tuple(namespace), pointer.name)


def drop_lost_cases(catalog: Catalog, namespace: str, lost: Sequence[LostFiles]) -> list[int]:
    """Delete the rows in `case_load` of cases whose files are gone, so that planning imports them again.

    A lost file that may hold rows of any case costs all of them. Returns the cases, ascending.
    """
    visible = set(visible_cases(catalog, namespace))
    gone = visible if any(one.cases is None for one in lost) else {case for one in lost for case in one.cases or ()}
    cases = sorted(gone & visible)
    table = load_table(catalog, namespace, CASE_LOAD)
    if cases and table is not None:
        table.delete(one_of(CASE_COLUMN, cases))
    return cases


def _path(uri: str) -> str:
    return uri.removeprefix("file://")
