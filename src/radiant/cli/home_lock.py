"""One `radiant run` for each home folder."""

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path

from radiant.errors import ConfigError


@contextlib.contextmanager
def home_lock(home: Path) -> Generator[None]:
    """Hold a home folder; the kernel gives it back when this process ends, however it ends.

    Raises:
        ConfigError: another process holds it; its id is in the message.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "run.lock"
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "unknown"
            msg = (
                f"{home} is in use by another `radiant run` (process {holder}). "
                "End that one with Ctrl-C, or choose another home with RADIANT_HOME"
            )
            raise ConfigError(msg) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield
