"""The Iceberg catalog: the one that PyIceberg is configured for, else a SQLite file in the home folder."""

import contextlib
import sqlite3
import time
from pathlib import Path

from pyiceberg.catalog import PY_CATALOG_IMPL, Catalog, load_catalog
from pyiceberg.exceptions import NoSuchPropertyException
from pyiceberg.io import FSSPEC_FILE_IO
from pyiceberg.utils.config import Config
from sqlalchemy.exc import ArgumentError, DBAPIError

from radiant.errors import ConfigError, LakeUnavailableError
from radiant.lake.catalog_errors import no_answer
from radiant.lake.pyiceberg_internals import CheapSqlCatalog, report_undeleted_metadata
from radiant.settings import Settings, mask_secret
from radiant.storage.write_ahead import BUSY_TIMEOUT_S, cannot_grow, is_busy, name_of, write_ahead

_TRIES = 5
"""Two processes that open a new catalog at once both try to create its tables: one of them fails, and retries."""


def open_catalog(settings: Settings) -> Catalog:
    """Open the catalog named `settings.lake.catalog`.

    PyIceberg's own configuration decides (`PYICEBERG_CATALOG__<NAME>__*`, then `.pyiceberg.yaml` in `PYICEBERG_HOME`,
    the home folder or the current folder); `settings.lake.warehouse` is the warehouse where it names none, except of
    a REST catalog, which has its own. Without a configuration for this name, a SQLite file `settings.catalog_file`
    with its tables under `settings.effective_warehouse`; several processes may use it at once.

    The caller closes the catalog (`with open_catalog(...) as catalog`, or `close()`).

    Raises:
        ConfigError: PyIceberg's configuration of this catalog is not usable, the catalog refuses its credentials, or
            the home folder cannot be written.
        LakeUnavailableError: the catalog does not answer.
    """
    name = settings.lake.catalog
    try:
        # Read now, not when PyIceberg was imported: a process may set its variables first.
        configured = Config().get_catalog_config(name)
        if configured:
            properties = {key: str(value) for key, value in configured.items()}
            if properties.get("type") != "rest" and settings.lake.warehouse:
                properties.setdefault("warehouse", settings.effective_warehouse)
            catalog = _configured_catalog(name, _file_io(properties.get("warehouse")) | properties)
            return report_undeleted_metadata(catalog)
    except (ValueError, NotImplementedError, ImportError, NoSuchPropertyException, ArgumentError) as error:
        msg = (
            f"PyIceberg cannot open the catalog {name!r} as configured: {mask_secret(str(error))}. "
            f"Fix PYICEBERG_CATALOG__{name.upper()}__* or .pyiceberg.yaml, "
            "or unset them for the built-in SQLite catalog"
        )
        raise ConfigError(msg) from error
    except TypeError as error:
        msg = (
            f"the catalog {name!r} cannot be opened: its database returns bytes instead of text ({error}), as one of "
            "the encoding SQL_ASCII does. Make it with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`"
        )
        raise ConfigError(msg) from error
    except Exception as error:
        what = f"the catalog {name!r} cannot be opened"
        raise no_answer(what, error) from error
    return report_undeleted_metadata(_embedded_catalog(name, settings.catalog_file, settings.effective_warehouse))


def _configured_catalog(name: str, properties: dict[str, str]) -> Catalog:
    """Open a catalog as PyIceberg does, with its rule for a missing type; one of SQL as `CheapSqlCatalog`."""
    uri, kind = properties.get("uri", ""), properties.get("type", "").lower()
    inferred = not kind and PY_CATALOG_IMPL not in properties and uri.startswith(("sqlite", "postgresql"))
    if uri and (kind == "sql" or inferred):
        return CheapSqlCatalog(name, **properties)
    return load_catalog(name, **properties)


def embedded_file(settings: Settings) -> Path | None:
    """Return the file of the built-in catalog, None where PyIceberg is configured; it may not exist yet."""
    configured = Config().get_catalog_config(settings.lake.catalog)
    return None if configured else settings.catalog_file


def _cannot_grow(database: Path, error: BaseException | None) -> LakeUnavailableError:
    msg = f"{database}: the catalog's file cannot be written ({error}): is its disk full? Free space and try again"
    return LakeUnavailableError(msg)


def _file_io(warehouse: str | None) -> dict[str, str]:
    """Read and write stores with the client that `radiant.storage` uses.

    PyIceberg's first choice, Arrow's own client, reads neither `AWS_ENDPOINT_URL` nor profiles with single sign-on, and
    asks Amazon for the region of a bucket that is not there. The warehouse of a REST catalog may be a name, and Glue
    needs none: their tables are in a store.
    """
    is_local = warehouse is not None and warehouse.startswith(("file:", "/"))
    return {} if is_local else {"py-io-impl": FSSPEC_FILE_IO}


def _make_file(database: Path) -> None:
    """Make the file of the embedded catalog unless it is there, and let several processes use it."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(database, timeout=BUSY_TIMEOUT_S)) as connection:
            write_ahead(connection)
    except sqlite3.Error as error:
        if cannot_grow(error):
            raise _cannot_grow(database, error) from error
        if is_busy(error):
            msg = f"{database}: another process holds the catalog's file for {BUSY_TIMEOUT_S} s. Try again"
            raise LakeUnavailableError(msg) from error
        remedy = "Set RADIANT_HOME to a folder that can be written"
        if name_of(error) in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
            remedy = "Restore it from a backup; without one, move it away: the next run imports all cases again"
        msg = f"{database}: the catalog's file cannot be opened: {error}. {remedy}"
        raise ConfigError(msg) from error
    except OSError as error:
        msg = (
            f"{database}: the catalog's file cannot be opened: {error}. "
            "Set RADIANT_HOME to a folder that can be written"
        )
        raise ConfigError(msg) from error


def _embedded_catalog(name: str, database: Path, warehouse: str) -> Catalog:
    _make_file(database)
    uri = f"sqlite:///{database}?timeout={BUSY_TIMEOUT_S}"
    for number in range(_TRIES):
        try:
            return CheapSqlCatalog(name, uri=uri, warehouse=warehouse, **_file_io(warehouse))
        except DBAPIError as error:
            if cannot_grow(error.orig):
                raise _cannot_grow(database, error.orig) from error
            if number == _TRIES - 1:
                msg = f"{database}: the catalog does not answer: {mask_secret(str(error))}"
                raise LakeUnavailableError(msg) from error
            time.sleep(0.1 * 2**number)
    raise AssertionError
