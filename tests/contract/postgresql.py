"""A private PostgreSQL server, where one is installed."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

_DEBIAN = Path("/usr/lib/postgresql")


def _server_binaries() -> Path | None:
    """The folder of initdb and postgres, None where they are absent."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    if _DEBIAN.is_dir():
        candidates += [folder / "bin" for folder in sorted(_DEBIAN.iterdir(), reverse=True)]
    return next((one for one in candidates if (one / "initdb").exists() and (one / "postgres").exists()), None)


@contextlib.contextmanager
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL server of our own on a free port; yields the URL of its database `postgres`."""
    with stoppable_server() as server:
        yield server.url


@contextlib.contextmanager
def stoppable_server() -> "Iterator[Server]":
    """The same, as a server that a test may stop and start again."""
    binaries = _server_binaries()
    if binaries is None:
        pytest.skip("the PostgreSQL server (initdb, postgres) is not installed")
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    user: dict[str, int] = {}
    if os.getuid() == 0:
        # The server refuses to run as root.
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("running as root, and there is no user postgres to run the server")
        user = {"user": account.pw_uid, "group": account.pw_gid}
    # Not pytest's own folder: what is below it is closed to other users.
    with tempfile.TemporaryDirectory(prefix="radiant-postgresql-") as name:
        if user:
            os.chown(name, user["user"], user["group"])
        yield from _run(binaries, Path(name), user)


class Server:
    """One server, its data kept while it is stopped."""

    def __init__(self, binaries: Path, folder: Path, user: dict[str, int], environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._binaries, self._folder, self._user, self._environment = binaries, folder, user, environment
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://radiant:s3cret-word@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers."""
        argv = [self._binaries / "postgres", "-D", self._folder / "data", "-h", "127.0.0.1", "-p", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, "-k", "", "-F"], stdout=log, stderr=log, env=self._environment, cwd=self._folder, **self._user
            )
        ready = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        for _ in range(600):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.1)
        pytest.fail(f"PostgreSQL did not start: {(self._folder / 'log').read_text()}")

    def stop(self) -> None:
        """End it at once, with every connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None


def _run(binaries: Path, folder: Path, user: dict[str, int]) -> Iterator[Server]:
    data = folder / "data"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    password = folder / "password"
    password.write_text("s3cret-word\n")
    password.chmod(0o644)
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "radiant", "-A", "scram-sha-256", f"--pwfile={password}", "-N"],
        check=True,
        capture_output=True,
        env=environment,
        cwd=folder,
        **user,
    )
    server = Server(binaries, folder, user, environment)
    server.start()
    try:
        yield server
    finally:
        server.stop()
