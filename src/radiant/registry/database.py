"""Connections, transactions and errors of the registry's database: SQLite by default, PostgreSQL."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from radiant.errors import ConfigError, InputError, RegistryError, RegistryUnavailableError
from radiant.registry.model import SCHEMA_VERSION, UPGRADED_BY_NEW_TABLES, Base, SchemaRow
from radiant.storage.write_ahead import BUSY_TIMEOUT_S, cannot_grow, write_ahead

_PAGE_TIMEOUT_S = 5
_CREATE_LOCK = 0x7261_6469_616E_74  # "radiant": one process at a time makes the tables
_WRITES = "radiant_writes"
_TOO_LARGE = f"a number is too large: case numbers are whole numbers from 1 to {2**63 - 1}"


class Database:
    """One registry database, its tables made if missing: all of a new one, the new ones of an earlier version.

    Every transaction opens a connection of its own and closes it: transactions are few and short, and a process that
    forks shares none. There is one writer at a time, on SQLite by `BEGIN IMMEDIATE`, elsewhere by a lock on the row of
    `radiant_schema`; so what a writing transaction read is still true when it ends.

    Args:
        url: SQLAlchemy URL, `sqlite:////folder/registry.db` or `postgresql://user:password@host/database`.
        any_version: Neither make tables nor check their version.
        only_read: Make nothing, neither tables nor a file: the right to read is enough. Such a database has no `write`.

    Raises:
        ConfigError: the URL is malformed, its driver is not installed, or the registry is of another version, or, with
            `only_read`, not there.
        RegistryUnavailableError: the database does not answer.
    """

    def __init__(self, url: str, *, only_read: bool = False, any_version: bool = False) -> None:
        parsed = _parse(url)
        self.shown = _without_secrets(parsed)
        """The URL without secrets."""
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        try:
            # hide_parameters: an error must not print a patient's id; NullPool: see the class.
            # connect_timeout: a page waits for a server that does not answer no longer than a reader does.
            waits = {"connect_timeout": _PAGE_TIMEOUT_S} if only_read and not self._is_sqlite else {}
            engine = sa.create_engine(parsed, poolclass=NullPool, hide_parameters=True, connect_args=waits)
        except (ImportError, exc.ArgumentError) as error:
            msg = (
                f"the registry at {self.shown} needs a driver that is not here ({error}). "
                "Install radiant[postgres] for PostgreSQL; sqlite:////folder/registry.db needs nothing"
            )
            raise ConfigError(msg) from None
        if self._is_sqlite:
            if only_read and not Path(str(parsed.database)).exists():
                raise self._not_there()
            _prepare_sqlite(engine, parsed)
        else:
            # Before SQLAlchemy's own first look at a connection, which needs text.
            event.listen(engine, "connect", self._check_encoding, insert=True)
        self._reader = engine if self._is_sqlite else engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = engine.execution_options(**{_WRITES: True})
        if not any_version:
            self._open(only_read=only_read)

    @contextlib.contextmanager
    def read(self) -> Generator[Session]:
        """Open a session that reads one consistent state."""
        with self._errors(), Session(self._reader) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Generator[Session]:
        """Open the one writing session; commits when the block ends, rolls back when it raises."""
        with self._errors(), Session(self._writer) as session, session.begin():
            if not self._is_sqlite:
                session.execute(sa.select(SchemaRow.version).with_for_update())
            yield session

    def compact(self) -> None:
        """Write the files of SQLite again, without the rows that were deleted; a server does that by itself."""
        if not self._is_sqlite:
            return
        with self._errors(), self._reader.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is None:
                return
            connection.rollback()
            for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                raw.execute(statement).fetchall()

    def _open(self, *, only_read: bool) -> None:
        with self._errors():
            with self._reader.connect() as connection:
                found = _schema_versions(connection)
            if only_read and not found:
                raise self._not_there()
            if not only_read and UPGRADED_BY_NEW_TABLES.issuperset(found):
                with self._writer.begin() as connection:
                    found = self._make_tables(connection)
        if found != [SCHEMA_VERSION]:
            raise ConfigError(other_version(self.shown, max(found)))

    def _make_tables(self, connection: Connection) -> list[int]:
        """Make the tables that are missing and store the version; return it, or the one of a newer radiant."""
        if not self._is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATE_LOCK)))
        found = _schema_versions(connection)
        if not UPGRADED_BY_NEW_TABLES.issuperset(found):
            return found  # another process was faster
        Base.metadata.create_all(connection)
        if found:
            connection.execute(sa.update(SchemaRow).values(version=SCHEMA_VERSION))
        else:
            connection.execute(sa.insert(SchemaRow).values(version=SCHEMA_VERSION))
        return [SCHEMA_VERSION]

    def version(self) -> int | None:
        """Return the version of the tables, None where there are none."""
        with self._errors(), self._reader.connect() as connection:
            return max(_schema_versions(connection), default=None)

    @contextlib.contextmanager
    def exclusive(self) -> Generator[Connection]:
        """Open a transaction that makes or changes tables; commits when the block ends, rolls back when it raises."""
        with self._errors(), self._writer.begin() as connection:
            if not self._is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATE_LOCK)))
                if _schema_versions(connection):
                    connection.execute(sa.select(SchemaRow.version).with_for_update())
            yield connection

    @contextlib.contextmanager
    def _errors(self) -> Generator[None]:
        """Raise the driver's errors as `radiant.errors`, without password and without parameters."""
        try:
            yield
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
            cause = _first_line(error)
            if "no such table" in cause or "no such column" in cause:
                raise self._damaged(cause) from None
            if "readonly database" in cause or "unable to open" in cause:
                msg = (
                    f"the registry at {self.shown} cannot be opened for writing ({cause}). "
                    "Give the user that runs radiant the right to the file and its folder"
                )
                raise ConfigError(msg) from None
            if cannot_grow(getattr(error, "orig", None)):
                msg = f"the registry at {self.shown} cannot grow ({cause}): is its disk full? Free space and try again"
                raise RegistryUnavailableError(msg) from None
            msg = (
                f"the registry at {self.shown} does not answer ({cause}). "
                "Try again; if it stays so, check the server and RADIANT_REGISTRY__URL"
            )
            raise RegistryUnavailableError(msg) from None
        except OverflowError:
            raise InputError(_TOO_LARGE) from None
        except exc.SQLAlchemyError as error:
            if isinstance(error, exc.DataError) and "out of range" in _first_line(error):
                raise InputError(_TOO_LARGE) from None
            if "no schema has been selected" in _first_line(error):
                msg = (
                    f"the registry at {self.shown} has no schema of this name, or none that this user may use. "
                    "`radiant tenants sql TENANT` prints what makes it and its roles"
                )
                raise ConfigError(msg) from None
            if "not a database" in _first_line(error) or "malformed" in _first_line(error):
                raise self._damaged(_first_line(error)) from None
            msg = f"the registry at {self.shown} refused ({type(error).__name__}: {_first_line(error)})"
            raise RegistryError(msg) from None

    def _check_encoding(self, connection: Any, _record: Any) -> None:
        """Refuse a database that stores bytes of no encoding: its driver returns no text."""
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            connection.close()
            msg = (
                f"the registry at {self.shown} has the encoding SQL_ASCII, which stores bytes instead of text. Make "
                "the database with `CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0`; one that has a registry: "
                "`pg_dump`, then restore it into a database with that encoding"
            )
            raise ConfigError(msg)

    def _not_there(self) -> ConfigError:
        return ConfigError(f"there is no registry at {self.shown} yet; the first `radiant cases add` or run makes it")

    def _damaged(self, cause: str) -> RegistryError:
        msg = (
            f"the registry at {self.shown} is damaged ({cause}). "
            "Restore its file from a backup, or choose another RADIANT_REGISTRY__URL"
        )
        return RegistryError(msg)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except exc.ArgumentError:
        # The text is not repeated: it may hold a password.
        msg = (
            "RADIANT_REGISTRY__URL is not a SQLAlchemy URL. Write sqlite:////folder/registry.db or "
            "postgresql://user:password@host/database, special characters of the password percent-encoded"
        )
        raise ConfigError(msg) from None
    if backend == "postgres" or parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    elif backend not in {"sqlite", "postgresql"}:
        msg = f"the registry cannot be kept in {backend!r}: use SQLite or PostgreSQL in RADIANT_REGISTRY__URL"
        raise ConfigError(msg)
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        msg = "the registry cannot be in memory, several processes share it: name a file in RADIANT_REGISTRY__URL"
        raise ConfigError(msg)
    return parsed


def _without_secrets(url: URL) -> str:
    # A password may also be in the query (`?password=`), so none of the query is shown.
    return url.set(query={}).render_as_string(hide_password=True)


def _first_line(error: exc.SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    return str(cause).strip().split("\n", maxsplit=1)[0]


def other_version(shown: str, found: int) -> str:
    """Return the message of a registry of another version, with the way on."""
    has = f"the registry at {shown} has tables of version {found}, this radiant reads version {SCHEMA_VERSION}"
    if found < SCHEMA_VERSION:
        return f"{has}: run `radiant upgrade`, which keeps everything and copies a SQLite file first"
    return (
        f"{has}: a newer radiant upgraded it. Use that one here, too; or put back the copy that its `radiant upgrade` "
        "made beside a SQLite file (docs/backup.md), or choose another RADIANT_REGISTRY__URL"
    )


def _schema_versions(connection: Connection) -> list[int]:
    if not sa.inspect(connection).has_table(SchemaRow.__tablename__):
        return []
    return list(connection.scalars(sa.select(SchemaRow.version)))


def _prepare_sqlite(engine: sa.Engine, url: URL) -> None:
    folder = Path(str(url.database)).absolute().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the registry's folder {folder} cannot be made: {error.strerror}. Choose another RADIANT_REGISTRY__URL"
        raise ConfigError(msg) from None

    def connect(connection: Any, _record: Any) -> None:
        # The driver begins no transactions of its own: `begin` below decides which kind.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()
        write_ahead(connection)

    def begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes can fail at once with "database is locked", whatever the
        # busy timeout; IMMEDIATE waits at its start instead.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", begin)
