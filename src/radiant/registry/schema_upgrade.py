"""Bring a registry of an earlier version up to date, by Alembic's revisions; for the command `radiant upgrade` alone.

Jobs compare the number in `radiant_schema` (`registry/database.py`) and load no Alembic. That number is the version: a
revision sets it, and Alembic's own table is made to follow it.
"""

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from radiant.errors import ConfigError, StorageError
from radiant.registry.database import Database, other_version
from radiant.registry.model import SCHEMA_VERSION, Base, SchemaRow

REVISIONS = "radiant_revision"
"""Alembic's own table."""


@dataclass(frozen=True, slots=True)
class RegistryUpgrade:
    """What an upgrade of a registry did, or would do."""

    shown: str
    """Its URL without a password."""
    found: int
    """The version of its tables before."""
    now: int
    """And afterwards."""
    backup: Path | None = None
    """The copy of a SQLite file that was made first."""


def upgrade_registry(url: str, *, dry_run: bool = False) -> RegistryUpgrade:
    """Upgrade a registry in one transaction; a new one is made, one of this version stays as it is.

    A SQLite file is copied first, beside itself. An upgrade that fails changes nothing.

    Args:
        url: SQLAlchemy URL.
        dry_run: Report, and change nothing.

    Raises:
        ConfigError: the URL is wrong, or the registry is of a newer version.
        StorageError: the backup could not be written.
        RegistryUnavailableError: the database does not answer.
    """
    database = Database(url, any_version=True)
    found = database.version()
    if found is None:
        if not dry_run:
            Database(url)
        return RegistryUpgrade(database.shown, SCHEMA_VERSION, SCHEMA_VERSION)
    if found > SCHEMA_VERSION:
        raise ConfigError(other_version(database.shown, found))
    if found == SCHEMA_VERSION or dry_run:
        return RegistryUpgrade(database.shown, found, SCHEMA_VERSION)
    with database.exclusive() as connection:
        # No other process writes now: what is copied is what is upgraded.
        backup = _backup(url, found)
        make_tables(connection, found)
    return RegistryUpgrade(database.shown, found, SCHEMA_VERSION, backup)


def make_tables(connection: sa.Connection, found: int) -> None:
    """Bring tables of an earlier version to this one: by the revisions, then the whole tables that are missing.

    A version that adds whole tables and changes none needs no revision.
    """
    run_revisions(connection, "head", found)
    Base.metadata.create_all(connection)
    connection.execute(sa.update(SchemaRow).values(version=SCHEMA_VERSION))


def run_revisions(connection: sa.Connection, target: str, found: int | None = None) -> None:
    """Run Alembic's revisions up to a target (a version, or `head`), on a connection in a transaction.

    Args:
        connection: It stays open.
        target: The revision.
        found: The version of the tables; None where they follow from Alembic's own table, or there are none.
    """
    from alembic import command  # noqa: PLC0415 - takes 0.2 s, and jobs do without
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", "radiant.registry:migrations")
    config.attributes.update(connection=connection, version_table=REVISIONS)
    if found is not None:
        command.stamp(config, str(found), purge=True)
    command.upgrade(config, target)


def _backup(url: str, version: int) -> Path | None:
    """Copy a SQLite registry beside itself; return None for a server, whose backups are its own."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    path = Path(str(parsed.database))
    target = path.with_name(f"{path.name}.version-{version}.backup")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.version-{version}.backup-{number}")
    try:
        copy_sqlite(path, target)
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        msg = f"{target}: the registry's backup could not be written: {error}. Free space, then upgrade again"
        raise StorageError(msg) from error
    return target


def copy_sqlite(path: Path, target: Path) -> None:
    """Copy a SQLite database as its last committed transaction left it, while others use it."""
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    target.chmod(0o600)
