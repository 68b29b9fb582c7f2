"""SQLite files that several processes use at once: registry and built-in catalog."""

import sqlite3
import time

BUSY_TIMEOUT_S = 60
"""A writer waits this long for another one, which holds the file for milliseconds."""
_PAUSE_S = 0.05


def write_ahead(connection: sqlite3.Connection, patience_s: float = BUSY_TIMEOUT_S) -> None:
    """Turn write-ahead logging on: readers and one writer do not block each other.

    The mode stays in the file. Switching it needs the file alone: of three processes that made a file at once, one was
    refused in spite of the connection's timeout, so a refused one asks again.

    Raises:
        sqlite3.Error: of another kind, or the file is still locked after `patience_s`.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def is_busy(error: BaseException) -> bool:
    """Return whether another process holds the file."""
    return name_of(error).startswith("SQLITE_BUSY")


def cannot_grow(error: BaseException | None) -> bool:
    """Return whether the file, or one that SQLite has beside it, cannot grow: mostly, the disk is full."""
    return name_of(error).startswith(("SQLITE_FULL", "SQLITE_IOERR"))


def name_of(error: BaseException | None) -> str:
    """Return SQLite's name of an error, the empty text for an error of anything else."""
    return str(getattr(error, "sqlite_errorname", ""))
