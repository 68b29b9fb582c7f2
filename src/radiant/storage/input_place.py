"""Which files may be the input of a case: a sheet comes from outside, and names what jobs read with their rights."""

from collections.abc import Collection
from pathlib import Path

from radiant.errors import InputError
from radiant.storage.bytes_at import to_uri

_OF_FILES = frozenset({"file", "local"})
_SCHEMES = _OF_FILES | frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Files and object stores. fsspec has clients for others, whose servers and arguments a URI chooses: `http://`, `zip://..::...`."""


def check_input_place(uri: str, prefixes: Collection[str] = ()) -> None:
    """Refuse the VCF or pedigree of a case that no sheet may name.

    Example: with the prefix `/data`, `file:///data/../etc/passwd` is refused, and so is `/data/a.vcf` if it is a
    symbolic link to `/etc/passwd`.

    Args:
        uri: An absolute URI (`to_uri`).
        prefixes: Folders and URIs below which it must be, as the setting has them; none allows every place.

    Raises:
        InputError: another scheme than a file's or an object store's, a chain of file systems (`::`), the parts `.` and
            `..` in an object's name, or a place below none of the prefixes. A symbolic link counts as its target.
    """
    scheme = uri.partition("://")[0]
    if scheme not in _SCHEMES:
        known = ", ".join(sorted(_SCHEMES))
        msg = f"{uri}: {scheme}:// is no place for the files of a case; they may be at {known}. Copy the file there"
        raise InputError(msg)
    path = _local(uri)
    if path is None and ("::" in uri or not {".", ".."}.isdisjoint(uri.split("/"))):
        msg = f"{uri}: an object's name has neither `::` nor the parts `.` and `..`. Write the name that it has"
        raise InputError(msg)
    if prefixes and not is_below(uri, prefixes):
        target = "" if path is None or path.resolve() == path else f" (a link to {path.resolve()})"
        msg = (
            f"{uri}{target}: is below none of the places that RADIANT_INPUT_PREFIXES allows: {', '.join(prefixes)}. "
            "Move the file there, or have its place added to the setting"
        )
        raise InputError(msg)


def is_below(uri: str, prefixes: Collection[str]) -> bool:
    """Return whether a file or folder is below one of some folders, or is one of them.

    A symbolic link counts as its target; an object's name with the parts `.` or `..` is below none.

    Args:
        uri: An absolute URI.
        prefixes: Folders, as paths or URIs.
    """
    path = _local(uri)
    if path is None and not {".", ".."}.isdisjoint(uri.split("/")):
        return False
    return any(_is_below(uri, path, prefix) for prefix in prefixes)


def _is_below(uri: str, path: Path | None, prefix: str) -> bool:
    folder = _local(to_uri(prefix))
    if path is not None and folder is not None:
        return path.resolve().is_relative_to(folder.resolve())
    return path is folder and f"{uri.rstrip('/')}/".startswith(f"{prefix.rstrip('/')}/")


def _local(uri: str) -> Path | None:
    scheme, _, path = uri.partition("://")
    return Path(path) if scheme in _OF_FILES else None
