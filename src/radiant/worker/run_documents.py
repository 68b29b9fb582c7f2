"""The documents of finished runs below the work URI: which are there, and removing those of long ago."""

import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass

from radiant import storage

log = logging.getLogger("radiant.worker.run_documents")

_REQUEST = "request.json"
"""Each task of a run has one: a folder without it is not a run's."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run, `<work URI>/<dag>/<run>`."""

    uri: str
    files: tuple[storage.StoredFile, ...]

    @property
    def last_written(self) -> dt.datetime:
        """When its newest document was written, UTC."""
        return max(file.modified_at for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Bytes of all its documents."""
        return sum(file.size for file in self.files)


def run_folders(work_uri: str) -> list[RunFolder]:
    """Return the folders of all runs below a work URI.

    Raises:
        StorageError: the store does not answer.
    """
    start = f"{storage.canonical(work_uri).rstrip('/')}/"
    found: dict[str, list[storage.StoredFile]] = {}
    for file in storage.stored_files(work_uri):
        dag, _, rest = storage.canonical(file.uri).removeprefix(start).partition("/")
        run, _, below = rest.partition("/")
        if below:
            found.setdefault(storage.join(work_uri, dag, run), []).append(file)
    return [
        RunFolder(uri, tuple(files))
        for uri, files in found.items()
        if any(file.uri.endswith(f"/{_REQUEST}") for file in files)
    ]


def remove_run_folders(
    work_uri: str, cutoff: dt.datetime, held_runs: Collection[str], *, dry_run: bool
) -> list[RunFolder]:
    """Delete the folders of runs that ended long ago; return them.

    A run has ended when no case waits for it and its newest document was written before `cutoff`.

    Args:
        work_uri: Where the runs are.
        cutoff: UTC.
        held_runs: Folders of the runs that have a case or a load under way.
        dry_run: Delete nothing; return what would go.

    Raises:
        StorageError: the store does not answer.
    """
    held = {storage.canonical(run) for run in held_runs}
    old = [
        folder
        for folder in run_folders(work_uri)
        if folder.last_written < cutoff and storage.canonical(folder.uri) not in held
    ]
    for folder in old if not dry_run else ():
        storage.delete_prefix(folder.uri)
    return old
