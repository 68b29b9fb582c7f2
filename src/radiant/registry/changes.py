"""Has a file changed since it was read? And what a pedigree file says now."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage
from radiant.domain.case import Member
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.text import decode_text
from radiant.errors import InputError, PedigreeError, StorageError
from radiant.registry.records import CaseFile

_AT_ONCE = 16
"""Look-ups at a time: an object store answers in tens of milliseconds, and there may be thousands of cases."""
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is now."""

    size: int | None
    """Bytes; None when it cannot be seen."""
    tag: str | None
    """ETag or modification time; None when it cannot be seen."""
    problem: str | None = None
    """Why it cannot be seen."""
    may_pass: bool = False
    """Whether the problem is the store's and not the file's."""


def look(uri: str) -> Seen:
    """Return size and tag of a file, or why it cannot be seen; never raises."""
    try:
        found = storage.fingerprint(uri)
    except InputError as error:
        return Seen(None, None, str(error))
    except StorageError as error:
        return Seen(None, None, str(error), may_pass=True)
    return Seen(found.size, found.tag)


def look_at_all(uris: list[str]) -> dict[str, Seen]:
    """Return what each file is like now, several looked up at a time."""
    unique = list(dict.fromkeys(uris))
    if not unique:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(unique))) as pool:
        return dict(zip(unique, pool.map(look, unique), strict=True))


def has_changed(known: CaseFile, seen: Seen) -> bool:
    """Return whether a file's content differs from the stored one.

    Size and tag decide when they are equal; otherwise the content does, if its sha256 was known. A file that is gone
    has not changed: what was imported from it stays valid, and there is nothing to import again.

    Raises:
        InputError: the file vanished or became unreadable meanwhile.
        StorageError: the store does not answer.
    """
    if seen.size is None or (seen.size, seen.tag) == (known.size, known.tag):
        return False
    if known.sha256 is None or (known.size is not None and seen.size != known.size):
        return True
    return sha256(known.uri) != known.sha256


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
    return parse_pedigree(decode_text(storage.read_bytes(uri), name, PedigreeError), name, proband)
