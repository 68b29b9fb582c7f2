"""The functions of `radiant.storage`."""

import contextlib
import errno
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import IO, Any, cast

import fsspec
from fsspec.core import url_to_fs

from radiant.errors import ConfigError, InputError, RadiantError, StorageError

_FILE = "file://"
_STORE_LIBRARIES = frozenset({"aiobotocore", "azure", "botocore", "gcsfs", "google"})
"""Clients of object stores whose own errors are no OSError, for example of a missing credential."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells cheaply whether a file changed, without reading it."""

    size: int
    """Bytes."""
    tag: str
    """ETag of an object store, else the modification time in nanoseconds."""


def to_uri(path: str, base: Path | None = None) -> str:
    r"""Return an absolute URI for a path or URI as a person wrote it.

    A relative path counts from `base` (the current folder when None).

    Raises:
        InputError: a Windows path (`C:\data\a.vcf`), which no machine that runs radiant can open.
    """
    if "://" in path:
        return path
    if PureWindowsPath(path).drive or "\\" in path:
        msg = (
            f"{path!r} is a Windows path, which cannot be opened here. "
            "Write it as seen by the machine that imports, for example /mnt/c/data/a.vcf.gz"
        )
        raise InputError(msg)
    return file_uri(((base or Path.cwd()) / Path(path).expanduser()).resolve())


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
    """Tell whether there is a file at this URI."""
    filesystem, path = _resolve(uri)
    with _named(uri):
        return bool(filesystem.isfile(path))


def fingerprint(uri: str) -> Fingerprint:
    """Return size and tag of a file.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    filesystem, path = _resolve(uri)
    with _named(uri):
        filesystem.invalidate_cache()
        info = filesystem.info(path)
        if info["type"] != "file":
            if info["type"] != "directory":
                msg = f"{uri}: is no regular file but a pipe or a device, which can be read only once. Write a file"
                raise InputError(msg)
            raise IsADirectoryError(errno.EISDIR, "is a folder", uri)
        if _is_local(filesystem):
            return Fingerprint(int(info["size"]), str(Path(path).stat().st_mtime_ns))
        return Fingerprint(int(info["size"]), str(info.get("ETag") or info.get("etag") or info.get("mtime")).strip('"'))


def open_read(uri: str) -> IO[bytes]:
    """Open a file for reading in ranges; the caller closes it.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    filesystem, path = _resolve(uri)
    with _named(uri):
        if _is_local(filesystem):
            return Path(path).open("rb")
        return cast("IO[bytes]", filesystem.open(path, "rb"))


def read_bytes(uri: str) -> bytes:
    """Return the content of a small file.

    Raises:
        InputError: no such file, a folder, or no permission.
        StorageError: the store does not answer.
    """
    with open_read(uri) as file, _named(uri):
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
        with _named(uri):
            upload = filesystem.open(path, "wb", autocommit=False)
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
        with _named(uri):
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
    with open_write(uri) as file:
        file.write(data)


def list_files(uri: str) -> list[str]:
    """Return the URIs of all files below a folder's URI, sorted; none when there is no such folder."""
    filesystem, path = _resolve(uri)
    with _named(uri):
        filesystem.invalidate_cache()
        if not filesystem.exists(path):
            return []
        found = filesystem.find(path)
    if _is_local(filesystem):
        return sorted(file_uri(Path(one)) for one in found)
    return sorted(filesystem.unstrip_protocol(one) for one in found)


def delete_prefix(uri: str) -> None:
    """Delete a file, or a folder with all it holds; nothing there is fine."""
    filesystem, path = _resolve(uri)
    with _named(uri):
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)


def _resolve(uri: str) -> tuple[Any, str]:
    if uri.startswith(_FILE):
        # Taken literally: fsspec would read `::` in the name of a file as a chain of file systems.
        return fsspec.filesystem("file"), uri.removeprefix(_FILE)
    try:
        filesystem, path = url_to_fs(uri)
    except (ValueError, ImportError) as error:
        msg = f"{uri}: {error}. Install the extra that knows this scheme, for example radiant[s3]"
        raise InputError(msg) from error
    return filesystem, path


def _is_local(filesystem: Any) -> bool:
    return isinstance(filesystem, fsspec.get_filesystem_class("file"))


@contextlib.contextmanager
def _named(uri: str) -> Generator[None]:
    """Turn the operating system's errors into ours, with the URI and the remedy."""
    try:
        yield
    except FileNotFoundError as error:
        msg = f"{uri}: no such file. Check the path, and that the machine that imports can see it"
        raise InputError(msg) from error
    except PermissionError as error:
        msg = f"{uri}: permission denied. Give the user that runs radiant the right to it"
        raise InputError(msg) from error
    except IsADirectoryError as error:
        msg = f"{uri}: is a folder, a file is needed"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{uri}: {error.strerror or error}"
        raise StorageError(msg) from error
    except Exception as error:
        if (ours := _store_error(uri, error)) is None:
            raise
        raise ours from error


def _store_error(uri: str, error: Exception) -> RadiantError | None:
    """Return what an object store's client means, None for an error that is none of its own."""
    classes = type(error).__mro__
    if not any(one.__module__.partition(".")[0] in _STORE_LIBRARIES for one in classes):
        return None
    names = " ".join(one.__name__ for one in classes)
    if "Credential" in names:
        return ConfigError(f"{uri}: {error}. Give the process credentials for this store, for example AWS_PROFILE")
    if "Validation" in names:
        return InputError(f"{uri}: {str(error).splitlines()[0]} Is it {uri.partition('://')[0]}://bucket/key?")
    return StorageError(f"{uri}: the store does not answer: {error}")
