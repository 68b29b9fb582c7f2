"""Whether a file of a case changed since it was read, and the members that a pedigree file states."""

import hashlib
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage
from radiant.domain.case import Member
from radiant.domain.pedigree import MAX_BYTES, parse_pedigree
from radiant.domain.text import decode_text
from radiant.errors import InputError, PedigreeError, StorageError
from radiant.registry.records import CaseFile

_AT_ONCE = 16
"""Requests at a time: an object store answers in tens of milliseconds, and there may be thousands of cases."""
_CHUNK = 1 << 20


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
    return _if_outside(uri, prefixes) or _looked_at(uri)


def file_statuses(files: Iterable[CaseFile], prefixes: Collection[str] = ()) -> dict[str, FileStatus]:
    """Return the status of each file by URI, see `file_status`.

    Of many objects in one place of S3 listings show which are as they were stored and which are gone; any other has its
    own request. So a store whose listings have other tags than its objects costs requests, and no file is read for it.
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
    left = [uri for uri in stored if uri not in found]
    if left:
        with ThreadPoolExecutor(min(_AT_ONCE, len(left))) as pool:
            found |= zip(left, pool.map(_looked_at, left), strict=True)
    return found


def _if_outside(uri: str, prefixes: Collection[str]) -> FileStatus | None:
    try:
        storage.check_input_place(uri, prefixes)
    except InputError as error:
        return FileStatus(None, None, str(error), outside=True)
    return None


def _looked_at(uri: str) -> FileStatus:
    try:
        found = storage.fingerprint(uri)
    except InputError as error:
        return FileStatus(None, None, str(error))
    except StorageError as error:
        return FileStatus(None, None, str(error), may_pass=True)
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
