"""Bring the small files of a part together, without losing the replacement of single cases.

A compacted file holds whole cases in the order of their numbers, and each row group holds rows of one case: bounds of
`case_id` in the file and in its row groups let a reader of one case skip the others. The next import of one of its
cases writes the file again without that case (`commit.py`); only small files are brought together, up to a target, so
that such a rewrite stays small.

Only rows that readers see are moved: files of the load that `case_load` names. The commit adds and removes no row, and
loses against any other commit that touches one of its cases.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyiceberg.manifest import ManifestContent

from radiant.errors import CommitConflictError, LakeError
from radiant.lake.case_load import visible_cases
from radiant.lake.commit import discard, file_writer, tasks_of
from radiant.lake.filters import rows_of
from radiant.lake.iceberg_schema import full_file_schema
from radiant.lake.scan import recast_batch, scan_files
from radiant.lake.snapshot import CommitKey, LiveFile, Replacement, commit_replacement, live_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

    from radiant.lake.case_load import VisibleCase
    from radiant.lake.datafile import StagedFile

log = logging.getLogger("radiant.lake.compact")

COMPACTED = "compacted"
"""Folder of a part with the files that are made here."""

_SMALL = 4
"""A file is small when it has less than the target divided by this: several fit."""
_FEWEST = 4
"""Files that are worth a commit."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """Files before and after, or those that would be brought together."""

    before: int = 0
    after: int = 0

    def __add__(self, other: Compacted) -> Compacted:
        """Return the sum, field by field."""
        return Compacted(self.before + other.before, self.after + other.after)


def compact(  # noqa: PLR0913 - what a compaction needs of catalog, registry and settings
    catalog: Catalog,
    namespace: str,
    table: IcebergTable,
    target_bytes: int,
    held_cases: Collection[int],
    *,
    dry_run: bool = False,
) -> Compacted:
    """Bring small files of each part of a table together.

    Args:
        catalog: Where the tables are.
        namespace: Of the tables.
        table: A case table.
        target_bytes: Size of a file that is made; files of less than a quarter are brought together.
        held_cases: Cases that an import holds: their files are left alone.
        dry_run: Change nothing.

    Raises:
        LakeError: the catalog does not answer.
        StorageError: the store does not answer; the files of the table are as they were.
    """
    done = Compacted()
    snapshot = table.current_snapshot()
    if snapshot is None or any(one.content == ManifestContent.DELETES for one in snapshot.manifests(table.io)):
        return done  # another engine marks rows as deleted: it has to apply these marks itself
    visible = visible_cases(catalog, namespace)
    for files in _groups(table, visible, target_bytes, held_cases):
        if dry_run:
            done += Compacted(len(files), 1)
            continue
        try:
            done += _bring_together(table, files)
        except CommitConflictError as error:
            log.info("left for another run: %s", error)
            table.refresh()
    return done


def _groups(
    table: IcebergTable, visible: Mapping[int, VisibleCase], target_bytes: int, held_cases: Collection[int]
) -> list[list[LiveFile]]:
    """Return small files of one part and neighbouring cases, as many as fit into a target."""
    small = sorted(
        (file for file in live_files(table) if _is_movable(file, visible, target_bytes, held_cases)),
        key=lambda file: (file.part, file.first_case or 0, file.data_file.file_path),
    )
    groups: list[list[LiveFile]] = []
    size = 0
    for file in small:
        size += file.data_file.file_size_in_bytes
        if not groups or groups[-1][0].part != file.part or size > target_bytes:
            groups.append([])
            size = file.data_file.file_size_in_bytes
        groups[-1].append(file)
    return [one for one in groups if len(one) >= _FEWEST]


def _is_movable(
    file: LiveFile, visible: Mapping[int, VisibleCase], target_bytes: int, held_cases: Collection[int]
) -> bool:
    if file.data_file.file_size_in_bytes * _SMALL >= target_bytes or file.first_case is None:
        return False
    if any(file.may_hold([case]) for case in held_cases):
        return False
    folders = file.data_file.file_path.split("/")
    case = visible.get(file.first_case)
    return file.holds_only([file.first_case]) and case is not None and folders[-2] == case.load_id


def _bring_together(table: IcebergTable, files: Sequence[LiveFile]) -> Compacted:
    part = files[0].part
    cases = sorted({file.first_case for file in files if file.first_case is not None})
    writer = file_writer(table, part, full_file_schema(table.schema()), COMPACTED)
    try:
        for case in cases:
            own = [file for file in files if file.first_case == case]
            for batch in scan_files(table, tasks_of(table, part, own), rows_of(part, [case])):
                writer.write(recast_batch(batch, writer.schema))
            writer.end_row_group()
        written = writer.close()
    except BaseException:
        writer.abort()
        raise
    _check(table, files, written)
    change = Replacement(
        remove=[file.data_file for file in files],
        add=[file.data_file() for file in written],
        claim=rows_of(part, cases),
        same_rows=True,
    )
    try:
        commit_replacement(table, change, CommitKey(uuid.uuid4().hex, "compaction"))
    except CommitConflictError:
        discard(table, written)
        raise
    return Compacted(len(files), len(written))


def _check(table: IcebergTable, files: Sequence[LiveFile], written: Sequence[StagedFile]) -> None:
    """Refuse a file with another number of rows than those it replaces.

    Raises:
        LakeError: as stated; nothing was committed.
    """
    before, after = sum(file.data_file.record_count for file in files), sum(file.record_count for file in written)
    if before != after:
        discard(table, written)
        msg = (
            f"{'.'.join(table.name())}: {len(files)} files with {before} rows were read as {after} rows. Nothing was "
            "committed. This is a bug in radiant: report it"
        )
        raise LakeError(msg)
