"""The record of an erasure while it is under way: what is deleted is written down first, so that it can be repeated."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage
from radiant.errors import InputError
from radiant.jobs.codec import decode, encode

_AT_ONCE = 8
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DeletedObject:
    """One file or object."""

    what: str
    """Which kind of file, and of which table."""
    uri: str
    bytes: int
    sha256: str
    """Of its bytes before it was deleted, lower-case hexadecimal."""
    deleted_at: str = ""
    """ISO 8601, UTC; empty before it is deleted."""


@dataclass(frozen=True, slots=True)
class RewrittenDocument:
    """A document or log of several cases, out of which the lines about this one were taken."""

    uri: str
    sha256_before: str
    sha256_after: str
    removed: int
    """Lines of a log, values of a document."""
    rewritten_at: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class ErasureRecord:
    """What was done so far; holds no patient, experiment or sample."""

    case_id: int
    reason: str
    begun_at: str
    """ISO 8601, UTC."""
    objects: tuple[DeletedObject, ...] = ()
    documents: tuple[RewrittenDocument, ...] = ()
    snapshots: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    """Snapshots expired by `namespace.table`."""
    same_files: int = 0
    """Other cases whose rows are in the files in which they were."""
    rewritten_cases: dict[str, dict[str, tuple[str, str]]] = dataclasses.field(
        default_factory=dict[str, dict[str, tuple[str, str]]]
    )
    """Row digests before and after by case and table, of cases that shared a file with this one."""
    registry_rows: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    """Rows deleted by table of the registry."""


class ErasureJournal:
    """Stores the record at a URI after each step, and deletes files."""

    def __init__(self, uri: str, record: ErasureRecord) -> None:
        """Continue the record at `uri`, or begin this one."""
        self._uri = uri
        try:
            data = storage.read_bytes(uri)
        except InputError:
            self.record = record
        else:
            what, remedy = "the record of an erasure of this version", "Finish it with the radiant that began it"
            self.record = decode(ErasureRecord, data, where=uri, what=what, remedy=remedy)
            self._finish_deletions()

    def delete(self, what: str, uris: Collection[str], unname: Callable[[], None] | None = None) -> None:
        """Store size and digest of files, then delete them; a file that is gone is left out.

        Args:
            what: Which files.
            uris: Where they are.
            unname: Called in between: takes them out of what names them, and may delete them.

        Raises:
            StorageError: the store does not answer; the deletion can be repeated.
        """
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="digest") as pool:
            found = [one for one in pool.map(_described, uris) if one is not None]
        known = {one.uri: one for one in self.record.objects}
        known |= {uri: DeletedObject(what, uri, size, digest) for uri, size, digest in found}
        if found:
            self.change(objects=tuple(known.values()))
        if unname is not None:
            unname()
        self._finish_deletions()

    def change(self, **values: object) -> None:
        """Store the record with other values of some fields."""
        self.record = dataclasses.replace(self.record, **values)  # type: ignore[arg-type]
        storage.write_bytes(self._uri, encode(self.record))

    def _finish_deletions(self) -> None:
        waiting = [one.uri for one in self.record.objects if not one.deleted_at]
        if not waiting:
            return
        storage.delete_files(waiting)
        at = timestamp()
        done = (one if one.deleted_at else dataclasses.replace(one, deleted_at=at) for one in self.record.objects)
        self.change(objects=tuple(done))


def timestamp() -> str:
    """Return the time, ISO 8601 in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def digest_of(chunks: Iterable[bytes]) -> str:
    """Return the sha256 of bytes, lower-case hexadecimal."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _described(uri: str) -> tuple[str, int, str] | None:
    size = 0
    digest = hashlib.sha256()
    try:
        with storage.open_read(uri) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
    except InputError:
        return None
    return uri, size, digest.hexdigest()
