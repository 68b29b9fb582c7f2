"""Delete staged files that no table ever took."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from radiant import storage
from radiant.domain.tables import CASE_TABLES
from radiant.lake.reference import TableRef
from radiant.lake.snapshot import files_of_all_snapshots
from radiant.lake.stage import staged_folder
from radiant.lake.tables import load_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

log = logging.getLogger("radiant.lake.clean")


def delete_staged(catalog: Catalog, namespace: str, part: int, case_id: int, load_id: str) -> int:
    """Delete the data files of an import that did not become visible; return how many files went.

    A file that any snapshot of its table names stays: a commit that was cut short may have put it there, and a table
    that names a missing file cannot be read. The next commit of the case takes such a file out of the table.

    Raises:
        LakeError: the catalog does not answer.
        StorageError: files could not be listed or deleted for a reason that may pass.
    """
    deleted = 0
    for declared in CASE_TABLES.values():
        table = load_table(catalog, namespace, declared)
        if table is None:
            continue
        folder = staged_folder(TableRef.of(table), part, case_id, load_id)
        staged = storage.list_files(folder)
        if not staged:
            continue
        named = files_of_all_snapshots(table, part)
        if any(path.startswith(f"{folder}/") for path in named):
            log.info("case %d: files of load %s stay, a snapshot of %s names them", case_id, load_id, declared.name)
            continue
        storage.delete_prefix(folder)
        deleted += sum(uri.endswith(".parquet") for uri in staged)
    return deleted
