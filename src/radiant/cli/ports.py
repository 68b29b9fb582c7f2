"""Free TCP ports that stay ours until Airflow listens on them.

Airflow listens seconds after its port was chosen. A lock file for each chosen port keeps a second `radiant run` on the
same machine from choosing it meanwhile.
"""

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

from radiant.errors import ConfigError

_SEARCH = 200
"""How many ports above the preferred one are tried."""
_HIGHEST = 65535


@contextlib.contextmanager
def reserved_ports(*preferred: int) -> Generator[tuple[int, ...]]:
    """Yield one free port for each preferred one, itself or the next free one above; reserved inside the block.

    Raises:
        ConfigError: 200 ports in a row are taken.
    """
    with contextlib.ExitStack() as locks:
        yield tuple(_reserve(locks, first) for first in preferred)


def is_free(port: int) -> bool:
    """Return whether nothing listens on this port, on any address of this machine."""
    addresses = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "")]
    if socket.has_dualstack_ipv6():
        addresses.append((socket.AF_INET6, "::"))
    for family, host in addresses:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As the servers do: a connection of an ended server that lingers in TIME_WAIT does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def _reserve(locks: contextlib.ExitStack, first: int) -> int:
    for port in range(first, min(first + _SEARCH, _HIGHEST + 1)):
        file = _lock(port)
        if file is None:
            continue
        if is_free(port):
            locks.callback(os.close, file)
            return port
        os.close(file)
    msg = f"no TCP port is free between {first} and {first + _SEARCH - 1}; end what holds them, or give --port"
    raise ConfigError(msg)


def _lock(port: int) -> int | None:
    """Return the locked file of a port, None when another process holds it."""
    path = Path(tempfile.gettempdir()) / f"radiant-port-{port}.lock"
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # another user's
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
