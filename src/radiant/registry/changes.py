"""Whether a file of a case changed since it was read, and the members that a pedigree file states."""

import hashlib
import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from radiant import storage
from radiant.domain.case import Member
from radiant.domain.pedigree import MAX_BYTES, parse_pedigree
from radiant.domain.text import decode_text
from radiant.errors import InputError, PedigreeError, RadiantError, StorageError
from radiant.registry.records import CaseFile

_AT_ONCE = 16
"""Requests at a time: an object store answers in tens of milliseconds, and there may be thousands of cases."""
_CHUNK = 1 << 20

PAUSES_S = (2.0, 8.0, 30.0)
"""Before files are looked at again whose store did not answer: together as long as a job waits for its third try."""
PATIENCE_S = 60.0
"""After which no file is looked at again: where a look takes that long, the client of the store waited itself."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

log = logging.getLogger(__name__)


def patiently(items: Iterable[K], look: Callable[[K], V], at_once: int = _AT_ONCE) -> dict[K, V | RadiantError]:
    """Look at each item; where its store does not answer, again after a pause.

    All items share the pauses. So a store that is away for a moment costs no case its run, and one that is away for
    good costs the other cases a minute.

    Args:
        items: What is looked at.
        look: Looks at one, in a thread; raises `InputError` or `StorageError`.
        at_once: Items that are looked at at the same time.

    Returns:
        By item: what `look` returned, or the error that it raised last.
    """
    found: dict[K, V | RadiantError] = {}
    left = list(dict.fromkeys(items))
    began = time.monotonic()

    def tried(item: K) -> V | RadiantError:
        try:
            return look(item)
        except (InputError, StorageError) as error:
            return error

    for pause_s in (*PAUSES_S, None):
        if left:
            with ThreadPoolExecutor(min(at_once, len(left)), thread_name_prefix="look") as pool:
                found |= zip(left, pool.map(tried, left), strict=True)
        left = [one for one in left if isinstance(found[one], StorageError)]
        if not left or pause_s is None or time.monotonic() - began > PATIENCE_S:
            break
        log.warning("the store of %d files does not answer: they are looked at again in %.0f s", len(left), pause_s)
        time.sleep(pause_s)
    return found


@dataclass(frozen=True, slots=True)
class FileStatus:
    """Size and tag of a file now."""

    size: int | None
    """Bytes; None when the file cannot be read."""
    tag: str | None
    """ETag or modification time; None when the file cannot be read."""
    problem: str | None = None
    """Why there is no status."""
    may_pass: bool = False
    """Whether the problem is the store's and not the file's."""
    outside: bool = False
    """It is where no file of a case may be: it was not looked at."""


def file_status(uri: str, prefixes: Collection[str] = ()) -> FileStatus:
    """Return size and tag of a file, or why there is none; never raises.

    Args:
        uri: Of the file.
        prefixes: Where it may be, see `storage.check_input_place`.
    """
    if (outside := _if_outside(uri, prefixes)) is not None:
        return outside
    try:
        return _status(storage.fingerprint(uri))
    except (InputError, StorageError) as error:
        return _status(error)


def file_statuses(files: Iterable[CaseFile], prefixes: Collection[str] = ()) -> dict[str, FileStatus]:
    """Return the status of each file by URI, see `file_status`.

    Of many objects in one place of S3 listings show which are as they were stored and which are gone; any other has its
    own request. So a store whose listings have other tags than its objects costs requests, and no file is read for it.
    Where a store does not answer, its files are looked at again, see `patiently`.
    """
    stored: dict[str, set[tuple[int | None, str | None]]] = {}
    for file in files:
        stored.setdefault(file.uri, set()).add((file.size, file.tag))
    found = {uri: outside for uri in stored if (outside := _if_outside(uri, prefixes)) is not None}
    for uri, listed in storage.listed_fingerprints(stored.keys() - found.keys()).items():
        if listed is None:
            found[uri] = FileStatus(None, None, storage.no_such_file(uri))
        elif stored[uri] == {(listed.size, listed.tag)}:
            found[uri] = FileStatus(listed.size, listed.tag)
    looked_at = patiently((uri for uri in stored if uri not in found), storage.fingerprint)
    return found | {uri: _status(one) for uri, one in looked_at.items()}


def _if_outside(uri: str, prefixes: Collection[str]) -> FileStatus | None:
    try:
        storage.check_input_place(uri, prefixes)
    except InputError as error:
        return FileStatus(None, None, str(error), outside=True)
    return None


def _status(found: storage.Fingerprint | RadiantError) -> FileStatus:
    if isinstance(found, RadiantError):
        return FileStatus(None, None, str(found), may_pass=isinstance(found, StorageError))
    return FileStatus(found.size, found.tag)


def has_changed(stored: CaseFile, now: FileStatus) -> bool:
    """Return whether a file's content differs from its stored state.

    Equal size and tag mean that it does not; otherwise the sha256 decides, where one is stored. A file that is gone has
    not changed: what was imported from it stays valid, and there is nothing to import again.

    Raises:
        InputError: the file vanished or became unreadable meanwhile.
        StorageError: the store does not answer.
    """
    if now.size is None or (now.size, now.tag) == (stored.size, stored.tag):
        return False
    if stored.sha256 is None or (stored.size is not None and now.size != stored.size):
        return True
    return sha256(stored.uri) != stored.sha256


def sha256(uri: str) -> str:
    """Return the digest of a file's bytes, in lower-case hexadecimal.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    digest = hashlib.sha256()
    with storage.open_read(uri) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_pedigree(uri: str, proband: str | None) -> tuple[Member, ...]:
    """Read a PED file.

    Raises:
        PedigreeError: it breaks a rule; the message names file and line.
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    path = storage.local_path(uri)
    name = uri if path is None else str(path)
    return parse_pedigree(decode_text(storage.read_bytes(uri, MAX_BYTES), name, PedigreeError), name, proband)


def outside_text(case_id: int) -> str:
    """Return why the pedigree of a case is not read where it is; without its place."""
    return (
        f"the pedigree of case {case_id} is below none of the places that RADIANT_INPUT_PREFIXES, or the tenant's "
        "input_prefixes, allow. Move it there and register the case again with --replace, or have its place added"
    )


def read_pedigree_again(case_id: int, uri: str, proband: str | None) -> tuple[Member, ...]:
    """Read the PED file of a registered case in a job, whose messages name neither people nor files.

    Raises:
        PedigreeError: it breaks a rule.
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    try:
        return read_pedigree(uri, proband)
    except PedigreeError:
        msg = (
            f"its pedigree changed and breaks a rule. `radiant cases add --case {case_id}` reads it "
            "again and shows line and rule"
        )
        raise PedigreeError(msg) from None
    except (InputError, StorageError) as error:
        raise type(error)(without_place(str(error), uri, f"the pedigree of case {case_id}")) from error.__cause__


def without_place(text: str, uri: str, name: str) -> str:
    """Return a message about a file with another name in place of its URI and path, which may name people.

    Example: `no such file: /data/Doe.ped` becomes `no such file: the pedigree of case 42`.
    """
    path = uri.partition("://")[2]
    return text.replace(uri, path).replace(path, name)
