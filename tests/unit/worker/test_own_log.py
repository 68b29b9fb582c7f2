"""The worker's own log beside its result."""

import gzip
import logging
import time

import pytest

from radiant import storage
from radiant.errors import StorageError
from radiant.worker import own_log
from radiant.worker.own_log import OwnLog

log = logging.getLogger("radiant.test_own_log")


@pytest.fixture(autouse=True)
def level():
    log.setLevel(logging.INFO)


def keeper(path):
    return OwnLog(f"file://{path}", logging.Formatter("%(levelname)s %(message)s"))


def text_of(path):
    return gzip.decompress(path.read_bytes()).decode()


def wait_until(path, seconds=60):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_line_is_there_at_the_end(tmp_path):
    path = tmp_path / "worker.log.gz"
    with keeper(path):
        for number in range(1000):
            log.info("line %d é", number)
    log.info("after the end")
    assert text_of(path) == "".join(f"INFO line {number} é\n" for number in range(1000))


def test_a_killed_worker_leaves_what_it_had(tmp_path, monkeypatch):
    monkeypatch.setattr(own_log, "SAVE_S", 0.02)
    path = tmp_path / "worker.log.gz"
    with keeper(path):
        log.info("before")
        wait_until(path)
        assert text_of(path) == "INFO before\n", "complete gzip while the job runs"


def test_a_log_that_grows_without_end_is_kept_up_to_a_limit_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(own_log, "MOST_BYTES", 1000)
    path = tmp_path / "worker.log.gz"
    with keeper(path):
        for number in range(20_000):
            log.info("line %d", number)
    assert path.stat().st_size < 60_000
    assert "(the log goes on; its first " in text_of(path).splitlines()[-1]


def test_all_copies_together_are_linear_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(own_log, "SAVE_S", 0.001)
    monkeypatch.setattr(own_log, "_SMALL_BYTES", 500)
    sizes = []
    monkeypatch.setattr(storage, "write_bytes", lambda _uri, data: sizes.append(len(data)))
    with keeper(tmp_path / "x"):
        for number in range(10_000):
            log.info("line %d", number)
    assert sum(sizes) < 7 * sizes[-1]


def test_a_store_that_is_away_fails_no_job(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(own_log, "_FINAL_PAUSE_S", 0.0)

    def away(_uri, _data):
        msg = "the store is away"
        raise StorageError(msg)

    monkeypatch.setattr(storage, "write_bytes", away)
    with keeper(tmp_path / "x"):
        log.info("line")
    assert "could not be written" in caplog.text
