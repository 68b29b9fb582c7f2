"""The functions of `radiant.storage`."""

import contextlib
import datetime as dt
import errno
import os
import stat
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import IO, Any, cast

import fsspec
from fsspec.core import url_to_fs

from radiant.errors import InputError
from radiant.storage import read_ahead
from radiant.storage.store_errors import named

_FILE = "file://"
_UPLOAD_BYTES = 8 << 20
"""Bytes of one part of an upload, and of an open file in memory. S3 takes 5 MiB or more and 10,000 parts."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Size and tag: a cheap test whether a file changed, without reading it."""

    size: int
    """Bytes."""
    tag: str
    """ETag of an object store, else the modification time in nanoseconds."""


def to_uri(path: str, base: Path | None = None) -> str:
    r"""Return an absolute URI for a path or URI as a person wrote it.

    A relative path counts from `base` (the current folder when None).

    Raises:
        InputError: a Windows path (`C:\data\a.vcf`), which no machine that runs radiant can open; or a pipe or a device
            (`-`, `/dev/stdin`, `<(...)`).
    """
    if "://" in path:
        return path
    if PureWindowsPath(path).drive or "\\" in path:
        msg = (
            f"{path!r} is a Windows path, which cannot be opened here. "
            "Write it as seen by the machine that imports, for example /mnt/c/data/a.vcf.gz"
        )
        raise InputError(msg)
    written = (base or Path.cwd()) / Path(path).expanduser()
    _refuse_stream(path, "-" if path == "-" else written)
    return file_uri(written.resolve())


def _refuse_stream(uri: str, path: str | Path) -> None:
    """Refuse a pipe: its bytes pass by once.

    A case's bytes are read again after a fault, hashed and compared, and what ends a pipe is not known: a program that
    died looks like one that has finished. Opening a named pipe would wait for its writer.

    Raises:
        InputError: a pipe, a device or a socket; or `-`, the usual name of standard input.
    """
    if path != "-":
        try:
            mode = Path(path).stat().st_mode
        except OSError:
            return  # opening it says why
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return
    msg = (
        f"{uri}: is no regular file but a pipe or a device, which can be read only once and whose end does not prove "
        "that it is whole. Write a file first, for example ... | bgzip > case.vcf.gz, and give its path"
    )
    raise InputError(msg)


def file_uri(path: Path) -> str:
    """Return `file://` and the path as it is.

    Not percent-encoded, unlike `Path.as_uri`: fsspec and PyIceberg do not decode, so the encoded form would name
    another file.
    """
    return f"file://{path.absolute()}"


def local_path(uri: str) -> Path | None:
    """Return the path of a local file's URI, None for an object store."""
    filesystem, path = _resolve(uri)
    return Path(path) if _is_local(filesystem) else None


def join(uri: str, *parts: str) -> str:
    """Return the URI of something below a folder's URI."""
    return "/".join((uri.rstrip("/"), *parts))


def exists(uri: str) -> bool:
    """Return whether there is a file at this URI."""
    filesystem, path = _resolve(uri)
    with named(uri):
        return bool(filesystem.isfile(path))


def fingerprint(uri: str) -> Fingerprint:
    """Return size and tag of a file.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    filesystem, path = _resolve(uri)
    with named(uri):
        filesystem.invalidate_cache()
        info = filesystem.info(path)
        if info["type"] != "file":
            _refuse_stream(uri, path)
            raise IsADirectoryError(errno.EISDIR, "is a folder", uri)
        if _is_local(filesystem):
            return _of_local_file(Path(path).stat())
        return _of_object(info)


def modified_at(uri: str) -> dt.datetime:
    """Return when a file was written, in UTC.

    Raises:
        InputError: no such file.
        StorageError: the store does not answer.
    """
    filesystem, path = _resolve(uri)
    with named(uri):
        found: dt.datetime = filesystem.modified(path)
    return found.astimezone(dt.UTC)


def _of_local_file(status: os.stat_result) -> Fingerprint:
    return Fingerprint(status.st_size, str(status.st_mtime_ns))


def _of_object(info: Mapping[str, Any]) -> Fingerprint:
    return Fingerprint(int(info["size"]), str(info.get("ETag") or info.get("etag") or info.get("mtime")).strip('"'))


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
    filesystem, path = _resolve(uri)
    if _is_local(filesystem):
        _refuse_stream(uri, path)
    with named(uri):
        file = Path(path).open("rb") if _is_local(filesystem) else _open_object(filesystem, path, uri)  # noqa: SIM115
        if version is not None and version_of(file) != version:
            file.close()
            raise read_ahead.replaced(uri)
        return file


def _open_object(filesystem: Any, path: str, uri: str) -> IO[bytes]:
    options = {"uri": uri}
    return filesystem.open(
        path, "rb", block_size=read_ahead.RANGE_BYTES, cache_type=read_ahead.NAME, cache_options=options
    )


def version_of(file: IO[bytes]) -> Fingerprint:
    """Return the fingerprint that a file had when it was opened by `open_read`."""
    details = getattr(file, "details", None)
    if details is not None:
        return _of_object(details)
    try:
        return _of_local_file(os.fstat(file.fileno()))
    except OSError:  # a file in memory
        return Fingerprint(file.seek(0, os.SEEK_END) - file.seek(0), "")


def read_bytes(uri: str) -> bytes:
    """Return the content of a small file.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    with open_read(uri) as file, named(uri):
        return file.read()


@contextlib.contextmanager
def open_write(uri: str) -> Generator[IO[bytes]]:
    """Write a file that appears under its name only when the block ends without an error.

    Raises:
        StorageError: the disk is full or the store does not answer.
        InputError: no permission.
    """
    filesystem, path = _resolve(uri)
    if not _is_local(filesystem):
        # Object stores show an object only once its upload is complete. Not the filesystem's transaction: there is one
        # per filesystem, and several files may be open at once.
        with named(uri):
            upload = filesystem.open(path, "wb", block_size=_UPLOAD_BYTES, autocommit=False)
            try:
                yield cast("IO[bytes]", upload)
                upload.close()
                upload.commit()
            except BaseException:
                # Closed first: an open file would go on uploading when it is garbage-collected.
                with contextlib.suppress(Exception):
                    upload.close()
                upload.discard()
                raise
        return
    target = Path(path)
    hidden = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with named(uri):
            target.parent.mkdir(parents=True, exist_ok=True)
            with hidden.open("wb") as file:
                yield file
            hidden.replace(target)
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def write_bytes(uri: str, data: bytes) -> None:
    """Write a small file, whole or not at all.

    Raises:
        StorageError: the disk is full or the store does not answer.
        InputError: no permission.
    """
    filesystem, path = _resolve(uri)
    if not _is_local(filesystem):
        with named(uri):
            filesystem.pipe_file(path, data)
        return
    with open_write(uri) as file:
        file.write(data)


def list_files(uri: str) -> list[str]:
    """Return the URIs of all files below a folder's URI, sorted; none when there is no such folder."""
    filesystem, path = _resolve(uri)
    with named(uri):
        filesystem.invalidate_cache()
        if not filesystem.exists(path):
            return []
        found = filesystem.find(path)
    if _is_local(filesystem):
        return sorted(file_uri(Path(one)) for one in found)
    return sorted(filesystem.unstrip_protocol(one) for one in found)


def delete_prefix(uri: str) -> None:
    """Delete a file, or a folder with all it holds; nothing there is fine.

    Raises:
        InputError: the root of a disk or a whole bucket, which the store would delete with all that others keep there;
            or no permission.
        StorageError: the store does not answer.
    """
    filesystem, path = _resolve(uri)
    if _is_root(filesystem, path):
        msg = f"{uri}: is the root of its store and is never deleted as a whole. Name a folder in it"
        raise InputError(msg)
    with named(uri):
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)


def _resolve(uri: str) -> tuple[Any, str]:
    if uri.startswith(_FILE):
        # Taken literally: fsspec would read `::` in the name of a file as a chain of file systems.
        return fsspec.filesystem("file"), uri.removeprefix(_FILE)
    try:
        # Without a cache of listings: other processes write here, too.
        filesystem, path = url_to_fs(uri, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        msg = f"{uri}: {error}. Install the extra for this scheme, for example radiant[s3]"
        raise InputError(msg) from error
    return filesystem, path


def _is_root(filesystem: Any, path: str) -> bool:
    """Return whether a path is `/` of this machine, or a bucket without a key."""
    if _is_local(filesystem):
        resolved = Path(path).resolve()
        return resolved == resolved.parent
    return "/" not in path.strip("/")


def _is_local(filesystem: Any) -> bool:
    return isinstance(filesystem, fsspec.get_filesystem_class("file"))
