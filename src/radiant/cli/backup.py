"""`radiant backup` and `radiant restore`: registry and catalog together, the warehouse by reference."""

import gzip
import hashlib
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer

from radiant import storage
from radiant.cli.terminal import echo
from radiant.errors import InputError
from radiant.jobs.codec import decode, encode
from radiant.settings import Settings, load_settings

if TYPE_CHECKING:
    from radiant.lake import TablePointer

CONTENTS, ROWS, TABLES = "backup.json", "registry.jsonl.gz", "tables.json"
"""The files of a backup; the first is written last: where it is, the rest is whole."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds."""

    taken_at: str
    """UTC, when it began."""
    radiant_version: str
    registry_version: int
    """Of the registry's tables."""
    namespace: str
    """Of the lake's tables."""
    rows: int
    """Of the registry."""
    sha256: dict[str, str]
    """Of the other files, by name."""


def backup(
    target: Annotated[str, typer.Argument(help="Folder or URI (s3://...) without a backup; it is made.")],
) -> None:
    """Back up the registry and the catalog's pointers to the tables; the tables' own files are not copied.

    docs/backup.md says what else has to be kept.
    """
    from radiant import lake  # noqa: PLC0415 - heavy, only here
    from radiant.registry.dump import dump_registry  # noqa: PLC0415 - as above

    settings = load_settings()
    uri = storage.to_uri(target)
    if storage.exists(storage.join(uri, CONTENTS)):
        msg = f"{target} holds a backup: name a new folder, so that no backup is lost"
        raise InputError(msg)
    taken_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # The registry first: what the lake got since is imported again, and what it lost cannot be.
    version, lines = dump_registry(settings.effective_registry_url)
    rows = list(lines)
    with lake.open_catalog(settings) as catalog:
        pointers = lake.table_pointers(catalog, settings.lake.namespace)
    files = {
        ROWS: gzip.compress("".join(f"{row}\n" for row in rows).encode(), mtime=0),
        TABLES: encode(lake.TablePointers(tuple(pointers))),
    }
    for name, data in files.items():
        storage.write_bytes(storage.join(uri, name), data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    contents = Contents(taken_at, metadata.version("radiant"), version, settings.lake.namespace, len(rows), digests)
    storage.write_bytes(storage.join(uri, CONTENTS), encode(contents))
    echo(f"{target}: {len(rows)} rows of the registry, {len(pointers)} tables of namespace {settings.lake.namespace}")


def restore(
    source: Annotated[str, typer.Argument(help="Folder or URI of a backup.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Point tables that the catalog has back to the backup; their files stay.")
    ] = False,
    without_lost: Annotated[
        bool,
        typer.Option("--without-lost", help="Go on if data files are gone or cut off: their cases are imported again."),
    ] = False,
) -> None:
    """Restore the registry and the catalog's pointers from a backup; into a registry without cases."""
    from radiant import lake  # noqa: PLC0415 - heavy, only here
    from radiant.registry.dump import load_registry  # noqa: PLC0415 - as above

    settings = load_settings()
    uri = storage.to_uri(source)
    contents, rows, tables = _read(uri, source)
    with lake.open_catalog(settings) as catalog:
        lost = lake.lost_files(tables)
        if lost and not without_lost:
            names = "; ".join(f"{one.table}: {len(one.paths)}, first {one.paths[0]}" for one in lost)
            msg = (
                f"data files that the backup names are gone or cut off ({names}). Restore the warehouse, or restore "
                "with --without-lost: the cases of these files are imported again"
            )
            raise InputError(msg)
        changed = lake.pointers_to_change(catalog, contents.namespace, tables, replace=replace)
        count = load_registry(settings.effective_registry_url, contents.registry_version, rows)
        lake.register_pointers(catalog, contents.namespace, changed)
        cases = lake.drop_lost_cases(catalog, contents.namespace, lost) if lost else []
    _report(contents, settings, count, len(tables), cases)


def _read(uri: str, shown: str) -> tuple[Contents, list[str], "tuple[TablePointer, ...]"]:
    from radiant import lake  # noqa: PLC0415 - heavy, only here

    remedy = "Take another backup"
    try:
        data = storage.read_bytes(storage.join(uri, CONTENTS))
    except InputError as error:
        msg = f"{shown} holds no backup: {CONTENTS}, which is written last, is missing. Name a folder that holds one"
        raise InputError(msg) from error
    contents = decode(Contents, data, where=storage.join(uri, CONTENTS), what="a backup of this version", remedy=remedy)
    files = {name: storage.read_bytes(storage.join(uri, name)) for name in (ROWS, TABLES)}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != contents.sha256.get(name):
            msg = f"{shown}/{name} is not what the backup wrote: its sha256 differs. {remedy}"
            raise InputError(msg)
    where = storage.join(uri, TABLES)
    tables = decode(lake.TablePointers, files[TABLES], where=where, what="a backup of this version", remedy=remedy)
    return contents, gzip.decompress(files[ROWS]).decode().splitlines(), tables.tables


def _report(contents: Contents, settings: Settings, rows: int, tables: int, cases: list[int]) -> None:
    echo(f"restored as of {contents.taken_at}: {rows} rows of the registry, {tables} tables of {contents.namespace}")
    if contents.namespace != settings.lake.namespace:
        echo(f"RADIANT_LAKE__NAMESPACE is {settings.lake.namespace} here: set it to {contents.namespace}")
    if cases:
        numbers = ", ".join(map(str, cases))
        echo(f"imported again by the next run, since files of theirs are gone or cut off: cases {numbers}")
    echo("`radiant run` imports what changed since the backup")
