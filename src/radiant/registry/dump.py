"""The rows of a registry as JSON lines, for a backup that either database can take back."""

import datetime as dt
import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby

import sqlalchemy as sa

from radiant.errors import ConfigError, InputError
from radiant.registry.database import Database, other_version
from radiant.registry.model import SCHEMA_VERSION, Base, SchemaRow
from radiant.registry.schema_upgrade import REVISIONS, make_tables, run_revisions

_PREFIX = "radiant_"
_NOT_DUMPED = frozenset({"radiant_schema", REVISIONS})
"""Tables about versions: a restored registry has its own."""
_ROWS_AT_ONCE = 500


def dump_registry(url: str) -> tuple[int, Iterator[str]]:
    """Return the version of a registry's tables and its rows as of now: one JSON array `[table, row]` a line.

    Raises:
        ConfigError: the URL is wrong, or there is no registry of this version.
        RegistryUnavailableError: the database does not answer.
    """
    database = Database(url)
    return SCHEMA_VERSION, _lines(database)


def _lines(database: Database) -> Iterator[str]:
    with database.read() as session:
        for row in _rows(session.connection()):
            yield json.dumps(row, ensure_ascii=False)


def _rows(connection: sa.Connection) -> Iterator[tuple[str, dict[str, object]]]:
    for table in _tables(connection):
        for row in connection.execute(sa.select(table)).mappings():
            yield table.name, {name: _as_json(value) for name, value in row.items()}


def load_registry(url: str, version: int, lines: Iterable[str]) -> int:
    """Fill a registry that has no case with dumped rows, in one transaction; return the number of rows.

    Rows of an earlier version are put into tables of that version, which are then upgraded. A registry that has exactly
    these rows stays as it is: a restore that was cut short is repeated.

    Raises:
        InputError: the registry has other cases, or a line is not what `dump_registry` wrote.
        ConfigError: the URL is wrong, or the rows are of a newer version.
    """
    database = Database(url, any_version=True)
    if version > SCHEMA_VERSION:
        raise ConfigError(other_version("the backup", version))
    lines = list(lines)
    with database.exclusive() as connection:
        if (found := _case_count(connection)) > 0:
            there, wanted = _comparable(_rows(connection)), _comparable(_as_loaded(version, lines))
            if there == wanted:
                return len(wanted)
            msg = (
                f"the registry at {database.shown} has {found} cases: a backup is restored into a registry without "
                "any. Move the file away, or name another database in RADIANT_REGISTRY__URL"
            )
            raise InputError(msg)
        for table in reversed(_tables(connection, everything=True)):
            table.drop(connection)
        if version == SCHEMA_VERSION:
            Base.metadata.create_all(connection)
            connection.execute(sa.insert(SchemaRow).values(version=version))
        else:
            run_revisions(connection, str(version))
        count = _insert(connection, lines)
        if connection.dialect.name == "postgresql":
            last = "SELECT setval(pg_get_serial_sequence('radiant_history', 'entry'), max(entry)) FROM radiant_history"
            connection.execute(sa.text(last))
        if version != SCHEMA_VERSION:
            make_tables(connection, version)
    return count


def _as_loaded(version: int, lines: Iterable[str]) -> list[tuple[str, dict[str, object]]]:
    """Return the rows that a registry has after these were loaded."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/registry.db"
        load_registry(url, version, lines)
        with Database(url).read() as session:
            return list(_rows(session.connection()))


def _comparable(rows: Iterable[tuple[str, dict[str, object]]]) -> list[str]:
    """Return rows in an order of their own: databases differ in those of rows and columns."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def _insert(connection: sa.Connection, lines: Iterable[str]) -> int:
    tables = {table.name: table for table in _tables(connection)}
    count = 0
    for name, rows in groupby((_parsed(line) for line in lines if line.strip()), key=lambda one: one[0]):
        table = tables.get(name)
        if table is None:
            msg = f"the backup has rows of a table {name!r} that its version does not have. Take another backup"
            raise InputError(msg)
        values = [_as_stored(table, row) for _, row in rows]
        for start in range(0, len(values), _ROWS_AT_ONCE):
            connection.execute(sa.insert(table), values[start : start + _ROWS_AT_ONCE])
        count += len(values)
    return count


def _parsed(line: str) -> tuple[str, dict[str, object]]:
    try:
        name, row = json.loads(line)
    except ValueError as error:
        msg = f"a line of the backup is not a table's name and a row ({error}): it is damaged. Take another backup"
        raise InputError(msg) from error
    return name, row


def _tables(connection: sa.Connection, *, everything: bool = False) -> list[sa.Table]:
    """Return the registry's tables as the database has them, parents first."""
    metadata = sa.MetaData()
    metadata.reflect(connection, only=lambda name, _: name.startswith(_PREFIX))
    return [table for table in metadata.sorted_tables if everything or table.name not in _NOT_DUMPED]


def _case_count(connection: sa.Connection) -> int:
    tables = {table.name: table for table in _tables(connection)}
    case = tables.get("radiant_case")
    return 0 if case is None else connection.scalar(sa.select(sa.func.count()).select_from(case)) or 0


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _as_stored(table: sa.Table, row: dict[str, object]) -> dict[str, object]:
    return {
        name: dt.datetime.fromisoformat(value)
        if isinstance(value, str) and isinstance(table.c[name].type, sa.DateTime)
        else value
        for name, value in row.items()
    }
