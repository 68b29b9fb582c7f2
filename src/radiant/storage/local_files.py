"""A file or folder of this machine; the standard library alone, so that a job on local files loads no client."""

import contextlib
import datetime as dt
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from radiant.errors import InputError
from radiant.storage.store_errors import named, replaced


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Size and tag: a cheap test whether a file changed, without reading it."""

    size: int
    """Bytes."""
    tag: str
    """ETag of an object store, else the modification time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of a listing."""

    uri: str
    size: int
    """Bytes."""
    modified_at: dt.datetime
    """When it was written, UTC."""


@dataclass(frozen=True, slots=True)
class OldVersions:
    """Older versions of files, which some stores keep."""

    versioned: bool | None
    """Whether the store keeps them; None where it does not say."""
    deleted: int = 0
    kept: int = 0
    """Those that the store refused to delete."""


@dataclass(frozen=True, slots=True)
class KeptVersions:
    """Which stores keep older versions of files."""

    by_store: dict[str, bool | None]
    """By bucket; None where a store does not say."""

    @property
    def anywhere(self) -> bool:
        """Return whether one of the stores keeps them."""
        return any(self.by_store.values())


class LocalFile:
    """A path, and the URI that messages name it by; `bytes_at` has the rules of each method."""

    def __init__(self, uri: str, path: Path) -> None:
        self._uri = uri
        self.path = path

    def exists(self) -> bool:
        """Return whether there is a file."""
        return self.path.is_file()

    def fingerprint(self) -> Fingerprint:
        """Return size and time of change."""
        status = self.path.stat()
        if not stat.S_ISREG(status.st_mode):
            refuse_stream(self._uri, self.path)
            raise IsADirectoryError(errno.EISDIR, "is a folder", self._uri)
        return of_local_file(status)

    def modified_at(self) -> dt.datetime:
        """Return when the file was written."""
        return dt.datetime.fromtimestamp(self.path.stat().st_mtime, dt.UTC)

    def open_read(self, version: Fingerprint | None) -> IO[bytes]:
        """Open for reading."""
        refuse_stream(self._uri, self.path)
        file = self.path.open("rb")
        if version is not None and of_local_file(os.fstat(file.fileno())) != version:
            file.close()
            raise replaced(self._uri)
        return file

    def read(self) -> bytes:
        """Return the content."""
        with self.open_read(None) as file:
            return file.read()

    @contextlib.contextmanager
    def open_write(self) -> Generator[IO[bytes]]:
        """Write under a hidden name, which becomes the file's own at the end of the block."""
        hidden = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex}.part")
        try:
            with named(self._uri):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with hidden.open("wb") as file:
                    yield file
                hidden.replace(self.path)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise

    def write(self, data: bytes) -> None:
        """Write a small file."""
        with self.open_write() as file:
            file.write(data)

    def files(self) -> list[str]:
        """Return the URIs of all files below this folder; a file is the only one below itself."""
        if self.path.is_file():
            return [file_uri(self.path)]
        return sorted(f"file://{entry.path}" for entry in _entries(self.path))

    def stored_files(self) -> list[StoredFile]:
        """Return the files below this folder with size and time; one that goes meanwhile is left out."""
        if self.path.is_file():
            status = self.path.stat()
            return [StoredFile(file_uri(self.path), status.st_size, _modified(status))]
        found: list[StoredFile] = []
        for entry in _entries(self.path):
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat()
                found.append(StoredFile(f"file://{entry.path}", status.st_size, _modified(status)))
        return sorted(found, key=lambda one: one.uri)

    def delete_file(self) -> None:
        """Delete the file, and its folder where nothing else is in it."""
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def keeps_versions(self) -> bool:
        """Return that a file system keeps none."""
        return False

    def delete_old_versions(self) -> OldVersions:
        """Return that a file system keeps none."""
        return OldVersions(versioned=False)

    def delete(self) -> None:
        """Delete the file, or the folder with all that it holds."""
        resolved = self.path.resolve()
        if resolved == resolved.parent:
            msg = f"{self._uri}: is the root of its store and is never deleted as a whole. Name a folder in it"
            raise InputError(msg)
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)


def file_uri(path: Path) -> str:
    """Return `file://` and the path as it is.

    Not percent-encoded, unlike `Path.as_uri`: fsspec and PyIceberg do not decode, so the encoded form would name
    another file.
    """
    return f"file://{path.absolute()}"


def of_local_file(status: os.stat_result) -> Fingerprint:
    """Return the fingerprint in a file's status."""
    return Fingerprint(status.st_size, str(status.st_mtime_ns))


def refuse_stream(uri: str, path: str | Path) -> None:
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
            return  # opening it raises the error
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
            return
    msg = (
        f"{uri}: is no regular file but a pipe or a device, which can be read only once and whose end does not prove "
        "that it is whole. Write a file first, for example ... | bgzip > case.vcf.gz, and give its path"
    )
    raise InputError(msg)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the files below a folder, none when there is no such folder; a link to a folder is not followed."""
    folders = [str(folder.absolute())]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not (entry.is_symlink() and Path(entry.path).is_dir()):
                    yield entry


def _modified(status: os.stat_result) -> dt.datetime:
    return dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
