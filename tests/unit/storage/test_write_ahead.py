import contextlib
import sqlite3
import threading

import pytest

from radiant.storage.write_ahead import is_busy, write_ahead


@pytest.fixture
def held(tmp_path):
    """A new file that another connection writes: the connection and its path."""
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("CREATE TABLE a (b)")
        writer.execute("BEGIN EXCLUSIVE")
        yield writer, path


def test_a_file_that_another_process_writes_is_waited_for(held):
    writer, path = held
    other = threading.Timer(0.5, writer.execute, ["COMMIT"])
    other.start()
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        write_ahead(connection)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.join()


def test_a_file_that_stays_locked_is_an_error_of_its_own_kind(held):
    _, path = held
    with contextlib.closing(sqlite3.connect(path, timeout=0)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked") as raised:
            write_ahead(connection, patience_s=0.2)
        assert is_busy(raised.value)
    assert not is_busy(sqlite3.OperationalError("disk I/O error"))
