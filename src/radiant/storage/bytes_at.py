"""The functions of `radiant.storage`."""

import contextlib
import datetime as dt
import os
import re
from collections.abc import Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PureWindowsPath
from typing import IO, TYPE_CHECKING

from radiant.errors import InputError
from radiant.storage.local_files import (
    Fingerprint,
    KeptVersions,
    LocalFile,
    OldVersions,
    StoredFile,
    file_uri,
    of_local_file,
    refuse_stream,
)
from radiant.storage.store_errors import named

if TYPE_CHECKING:
    from radiant.storage.objects import StoredObject

_LOCAL = ("file://", "local://")

_SPELLINGS = (re.compile(r"^(?:file|local):/*"), "/"), (re.compile(r"^s3[an]://"), "s3://")

_AT_ONCE = 16
"""Files that are deleted at the same time: a store answers in tens of milliseconds."""


def to_uri(path: str, base: Path | None = None) -> str:
    r"""Return an absolute URI for a path or URI as a person wrote it.

    A relative path counts from `base` (the current folder when None).

    Raises:
        InputError: nothing, as an unset variable leaves it; a Windows path (`C:\data\a.vcf`), which no machine that
            runs radiant can open; or a pipe or a device (`-`, `/dev/stdin`, `<(...)`).
    """
    if not path.strip():
        msg = "a path is empty: is a variable of the shell unset? Name the file or the folder; . is the current one"
        raise InputError(msg)
    if "://" in path:
        return path
    if PureWindowsPath(path).drive or "\\" in path:
        msg = (
            f"{path!r} is a Windows path, which cannot be opened here. "
            "Write it as seen by the machine that imports, for example /mnt/c/data/a.vcf.gz"
        )
        raise InputError(msg)
    written = (base or Path.cwd()) / Path(path).expanduser()
    refuse_stream(path, "-" if path == "-" else written)
    return file_uri(written.resolve())


def canonical(uri: str) -> str:
    """Return one name for a file, however a program writes its URI: `file:/a`, `file:///a` and `/a` are one file."""
    for pattern, plain in _SPELLINGS:
        uri = pattern.sub(plain, uri)
    return uri


def local_path(uri: str) -> Path | None:
    """Return the path of a local file's URI, None for an object store."""
    return _at(uri).path


def join(uri: str, *parts: str) -> str:
    """Return the URI of something below a folder's URI."""
    return "/".join((uri.rstrip("/"), *parts))


def exists(uri: str) -> bool:
    """Return whether there is a file at this URI."""
    with named(uri):
        return _at(uri).exists()


def fingerprint(uri: str) -> Fingerprint:
    """Return size and tag of a file.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    with named(uri):
        return _at(uri).fingerprint()


def listed_fingerprints(uris: Collection[str]) -> dict[str, Fingerprint | None]:
    """Return size and tag of those files that listings show in fewer requests than one for each.

    Any other file is left out: of another place than S3, with too few others beside it, or in a bucket that may not be
    listed or does not answer. Its own request (`fingerprint`) has the answer, or the error.

    Example: of 10,000 objects in one folder and 3 in another bucket, the 10,000 are found by some 10 requests.

    Returns:
        By URI. None: there is no such object.
    """
    of_stores = [uri for uri in uris if not uri.startswith(_LOCAL) and "://" in uri]
    if not of_stores:
        return {}
    from radiant.storage import listings  # noqa: PLC0415 - loads fsspec, which no local file needs

    return listings.fingerprints(of_stores)


def modified_at(uri: str) -> dt.datetime:
    """Return when a file was written, in UTC.

    Raises:
        InputError: no such file.
        StorageError: the store does not answer.
    """
    with named(uri):
        return _at(uri).modified_at()


def open_read(uri: str, version: Fingerprint | None = None) -> IO[bytes]:
    """Open a file for reading; the caller closes it.

    An object of a store is read in ranges, the next ones ahead (see `read_ahead`); all are of the version that was
    opened, and reading raises our own errors.

    Args:
        uri: The file.
        version: What was opened before (`version_of`), when this must be the same.

    Raises:
        InputError: no such file, a folder, a pipe or a device, or no permission.
        StorageError: the store does not answer, or the file was replaced since.
    """
    with named(uri):
        return _at(uri).open_read(version)


def version_of(file: IO[bytes]) -> Fingerprint:
    """Return the fingerprint that a file had when it was opened by `open_read`."""
    details = getattr(file, "details", None)
    if details is not None:
        from radiant.storage.objects import of_object  # noqa: PLC0415 - loaded already: it opened the file

        return of_object(details)
    try:
        return of_local_file(os.fstat(file.fileno()))
    except OSError:  # a file in memory
        return Fingerprint(file.seek(0, os.SEEK_END) - file.seek(0), "")


def read_bytes(uri: str, most: int | None = None) -> bytes:
    """Return the content of a small file.

    Args:
        uri: The file.
        most: Bytes that it may have; None for one that radiant wrote itself.

    Raises:
        InputError: no such file, a folder, no permission, or too large.
        StorageError: the store does not answer.
    """
    if most is None:
        with named(uri):
            return _at(uri).read()
    with open_read(uri) as file, named(uri):
        data = file.read(most + 1)
    if len(data) > most:
        msg = f"{uri}: is larger than {most >> 20} MiB, so it is not what is read here. Check that it is the right file"
        raise InputError(msg)
    return data


@contextlib.contextmanager
def open_write(uri: str) -> Generator[IO[bytes]]:
    """Write a file that appears under its name only when the block ends without an error.

    Raises:
        StorageError: the disk is full or the store does not answer.
        InputError: no permission.
    """
    with _at(uri).open_write() as file:
        yield file


def write_bytes(uri: str, data: bytes) -> None:
    """Write a small file, whole or not at all.

    Raises:
        StorageError: the disk is full or the store does not answer.
        InputError: no permission.
    """
    with named(uri):
        _at(uri).write(data)


def list_files(uri: str) -> list[str]:
    """Return the URIs of all files below a folder's URI, sorted; none when there is no such folder."""
    with named(uri):
        return _at(uri).files()


def stored_files(uri: str) -> list[StoredFile]:
    """Return all files below a folder's URI with size and time, sorted; none when there is no such folder.

    One request for each thousand objects of a store.
    """
    with named(uri):
        return _at(uri).stored_files()


def delete_files(uris: Collection[str]) -> None:
    """Delete files, several at a time; a file that is gone is fine.

    Each has a request of its own: in the answer to S3's request for a thousand, s3fs overlooks what was refused.

    Raises:
        InputError: no permission.
        StorageError: the store does not answer; some of the files may be deleted.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="delete") as pool:
        for _ in pool.map(_delete_file, uris):
            pass


def _delete_file(uri: str) -> None:
    with named(uri):
        _at(uri).delete_file()


def kept_versions(uris: Collection[str]) -> KeptVersions:
    """Return which stores of these files keep older versions of what is deleted or written again.

    One request for each bucket. The answer is for the work at hand: a bucket may be set to keep versions later.

    Raises:
        StorageError: a store does not answer.
    """
    return KeptVersions({store: _keeps_versions(uri) for store, uri in {_store(one): one for one in uris}.items()})


def _keeps_versions(uri: str) -> bool | None:
    with named(uri):
        return _at(uri).keeps_versions()


def _store(uri: str) -> str:
    """Return the bucket of a URI, the empty text for a file of this machine: versions are kept by buckets."""
    name = canonical(uri)
    return "/".join(name.split("/")[:3]) if "://" in name else ""


def delete_old_versions(uris: Collection[str], kept: KeptVersions) -> OldVersions:
    """Delete the older versions of files that were deleted or written again, where the store keeps such.

    A store that refuses is no error: the result counts what is left.

    Args:
        uris: The files.
        kept: What `kept_versions` returned for their stores.

    Raises:
        StorageError: the store does not answer.
    """

    def delete(uri: str) -> OldVersions:
        versioned = kept.by_store[_store(uri)]
        if not versioned:
            return OldVersions(versioned)
        with named(uri):
            return _at(uri).delete_old_versions()

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="versions") as pool:
        found = list(pool.map(delete, sorted(set(uris))))
    known = {one.versioned for one in found}
    return OldVersions(
        versioned=True if True in known else None if None in known else False,
        deleted=sum(one.deleted for one in found),
        kept=sum(one.kept for one in found),
    )


def delete_prefix(uri: str) -> None:
    """Delete a file, or a folder with all it holds; nothing there is fine.

    Raises:
        InputError: the root of a disk or a whole bucket, which the store would delete with all that others keep there;
            or no permission.
        StorageError: the store does not answer.
    """
    with named(uri):
        _at(uri).delete()


def _at(uri: str) -> "LocalFile | StoredObject":
    """Return what is at a URI.

    A path is taken literally: fsspec would read `::` in the name of a file as a chain of file systems.

    Raises:
        InputError: no client for the scheme is installed.
    """
    for scheme in _LOCAL:
        if uri.startswith(scheme):
            return LocalFile(uri, Path(uri.removeprefix(scheme)))
    if "://" not in uri:
        return LocalFile(uri, Path(uri).expanduser().absolute())
    from radiant.storage.objects import StoredObject  # noqa: PLC0415 - loads fsspec, which no local file needs

    return StoredObject(uri)
