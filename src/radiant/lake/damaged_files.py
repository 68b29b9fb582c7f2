"""A file of a table that is damaged or gone is named by its error: manifests, lists of manifests, metadata, data.

PyIceberg 0.12 raises the error of its decoder, without the file. And it takes a file that is cut off in a block for one
that ends before that block: the table would have fewer files, and a commit on top would lose them for good.
`check_files_read_by_pyiceberg` replaces what it reads these files by.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Self, TypeVar, cast

import pyiceberg.manifest
from pyiceberg.avro.file import AvroFile
from pyiceberg.manifest import ManifestFile
from pyiceberg.serializers import FromInputFile
from pyiceberg.typedef import StructProtocol

from radiant import storage
from radiant.errors import DamagedFileError, LakeUnavailableError, RadiantError
from radiant.lake.avro_blocks import require_whole

if TYPE_CHECKING:
    from pyiceberg.io import FileIO, InputFile
    from pyiceberg.manifest import ManifestEntry
    from pyiceberg.table.metadata import TableMetadata

    from radiant.errors import LakeError

Entry = TypeVar("Entry", bound=StructProtocol)

_COPY = "put the file back as it was from a copy of the store (an older version of the object, a snapshot of the disk)"
PUT_BACK = (
    f"{_COPY}; without one, go back to a backup from before (radiant restore --replace), and the next run imports what "
    "is missing since"
)
"""What to do about a file that no import writes again."""
PUT_BACK_OR_IMPORT = f"{_COPY}; without one, import its cases again: trigger import-radiant with their numbers"
"""What to do about a data file of cases."""

_METADATA_FOLDER = "/metadata/"


def damaged(uri: str, error: Exception | str) -> DamagedFileError:
    """Return the error for a file of a table that cannot be read whatever the store does.

    Args:
        uri: The file.
        error: What is wrong with it.
    """
    text = error if isinstance(error, str) else f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return DamagedFileError(f"{uri}: is damaged, so {_table(uri)} cannot be read: {text}. To go on, {PUT_BACK}")


def is_of_a_file(error: LakeError) -> bool:
    """Return whether an error of loading a table is that its metadata file is damaged or gone."""
    return isinstance(error, DamagedFileError) or isinstance(error.__cause__, FileNotFoundError)


class GoneFileError(FileNotFoundError):
    """A file that a table names is not there."""

    def __str__(self) -> str:
        """Return which file of which table, and what to do."""
        return _gone(str(self.filename))


def _gone(uri: str) -> str:
    return f"{uri}: no such file, and {_table(uri)} names it. Try again; if it is still gone, {PUT_BACK}"


def _table(uri: str) -> str:
    folder, inside, _ = uri.rpartition(_METADATA_FOLDER)
    return f"the table at {folder}" if inside else "its table"


class FileInMemory:
    """A whole file whose bytes are here, in the place of the store that PyIceberg reads it from."""

    def __init__(self, location: str, content: bytes) -> None:
        self.location = location
        self._content = content

    def new_input(self, _location: str) -> Self:
        """Return the file itself."""
        return self

    def open(self) -> io.BytesIO:
        """Return its bytes."""
        return io.BytesIO(self._content)


def content_of(file: InputFile, stated: int = 0) -> bytes:
    """Return the content of a manifest or a list of manifests, which is a whole Avro file.

    Args:
        file: Where it is.
        stated: The bytes that it has at least: a file that is cut off between two blocks is an Avro file, too.

    Raises:
        DamagedFileError: it is not whole; the message names it.
        GoneFileError: it is not there.
        OSError: the store does not answer.
    """
    try:
        with file.open() as stream:
            data = stream.read()
    except FileNotFoundError as error:
        raise GoneFileError(error.errno, error.strerror, file.location) from error
    try:
        require_whole(data)
    except ValueError as error:
        raise damaged(file.location, str(error)) from error
    if len(data) < stated:
        raise damaged(file.location, f"it has {len(data)} bytes, {stated} were written")
    return data


class WholeAvroFile(AvroFile[Entry]):
    """PyIceberg's reader of a manifest, or of a list of manifests, that is whole; any error names the file."""

    def __enter__(self) -> Self:
        """Open the file."""
        location = self.input_file.location
        if not isinstance(self.input_file, FileInMemory):
            self.input_file = cast("InputFile", FileInMemory(location, content_of(self.input_file)))
        try:
            super().__enter__()
        except Exception as error:
            raise damaged(location, error) from error
        return self

    def __next__(self) -> Entry:
        """Return the next entry."""
        try:
            return super().__next__()
        except (StopIteration, RadiantError):
            raise
        except Exception as error:
            raise damaged(self.input_file.location, error) from error


def _table_metadata(input_file: InputFile, encoding: str = "utf-8") -> TableMetadata:
    try:
        return _READ_METADATA(input_file, encoding)
    except FileNotFoundError as error:
        # As by an erasure, which deletes the one of before, or for good.
        raise LakeUnavailableError(_gone(input_file.location)) from error
    except Exception as error:
        if isinstance(error, OSError) or storage.is_of_a_store(error):
            raise
        raise damaged(input_file.location, error) from error


def _entries(manifest: ManifestFile, io: FileIO, discard_deleted: bool = True) -> list[ManifestEntry]:  # noqa: FBT001, FBT002 - as PyIceberg calls it
    path = manifest.manifest_path
    if not isinstance(io, FileInMemory):
        io = cast("FileIO", FileInMemory(path, content_of(io.new_input(path), manifest.manifest_length)))
    return _FETCH_ENTRIES(manifest, io, discard_deleted)


_READ_METADATA = FromInputFile.table_metadata
_FETCH_ENTRIES = ManifestFile.fetch_manifest_entry


def check_files_read_by_pyiceberg() -> None:
    """Let PyIceberg refuse damaged files, and name them, in this process."""
    pyiceberg.manifest.AvroFile = WholeAvroFile  # type: ignore[misc]
    ManifestFile.fetch_manifest_entry = _entries  # type: ignore[method-assign]
    FromInputFile.table_metadata = staticmethod(_table_metadata)  # type: ignore[method-assign]
