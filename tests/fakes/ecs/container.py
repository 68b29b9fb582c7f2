"""A container as a process of this machine: its own session and folder, a memory limit, signals."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

_LOOK_S = 0.05
CACHE_BYTES = 4 << 30


class MissingCommandError(Exception):
    """The image has no such command."""


class Container:
    """One running process; `wait` returns its exit code as a container runtime counts it."""

    def __init__(
        self, argv: list[str], *, environment: Mapping[str, str], bin_folder: Path, on_output: Callable[[bytes], None]
    ) -> None:
        """Start it.

        Args:
            argv: its first word is looked for in `bin_folder`, then on the PATH of the environment.
            environment: all of it.
            bin_folder: the commands of the image.
            on_output: called with what it writes, in a thread.

        Raises:
            MissingCommandError: there is no such command.
        """
        path = os.pathsep.join((str(bin_folder), environment.get("PATH", os.defpath)))
        command = shutil.which(argv[0], path=path)
        if command is None:
            raise MissingCommandError(argv[0])
        self.killed_for_memory = False
        self.peak_mib = 0.0
        self._folder = tempfile.mkdtemp(prefix="fake-ecs-")
        self._process = subprocess.Popen(
            [command, *argv[1:]],
            env={**environment, "PATH": path, "HOME": self._folder, "TMPDIR": self._folder},
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(on_output,), daemon=True)
        self._reader.start()

    @property
    def session(self) -> int:
        return self._process.pid

    def stats(self) -> dict[str, Any]:
        """Return what the metadata endpoint answers, as far as it is about memory; the page cache is made up."""
        resident = round(_resident_mib({self.session}).get(self.session, 0.0) * (1 << 20))
        return {
            "memory_stats": {
                "usage": resident + CACHE_BYTES,
                "limit": 1 << 40,
                "stats": {"total_inactive_file": CACHE_BYTES, "total_rss": resident},
            }
        }

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code, None while it still runs; whatever it started ends with it."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._end_session()
        self._reader.join(timeout=60)
        shutil.rmtree(self._folder, ignore_errors=True)
        return 128 - code if code < 0 else code

    def terminate(self) -> None:
        """Send SIGTERM to its first process, as ECS does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._end_session()

    def kill_for_memory(self) -> None:
        self.killed_for_memory = True
        self.kill()

    def _end_session(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self, on_output: Callable[[bytes], None]) -> None:
        pipe = self._process.stdout
        if pipe is None:
            return
        with pipe:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                on_output(chunk)


class MemoryGuard:
    """Kills containers that use more than they may; looks at all of them together every 50 ms."""

    def __init__(self) -> None:
        self._limits: dict[Container, float] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    @contextlib.contextmanager
    def watching(self, container: Container, limit_mib: float):
        """Watch a container while the block runs."""
        with self._lock:
            self._limits[container] = limit_mib
        try:
            yield
        finally:
            with self._lock:
                self._limits.pop(container, None)

    def _run(self) -> None:
        while True:
            time.sleep(_LOOK_S)
            with self._lock:
                limits = dict(self._limits)
            if limits:
                used = _resident_mib({container.session for container in limits})
                for container, limit in limits.items():
                    mib = used.get(container.session, 0.0)
                    container.peak_mib = max(container.peak_mib, mib)
                    if mib > limit and not container.killed_for_memory:
                        container.kill_for_memory()


def _resident_mib(sessions: set[int]) -> dict[int, float]:
    """Return the resident memory of the processes of each session."""
    used: dict[int, float] = {}
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            session = os.getsid(pid)
            if session in sessions:
                used[session] = used.get(session, 0.0) + psutil.Process(pid).memory_info().rss / (1 << 20)
    return used


def default_bin_folder() -> Path:
    """Return the folder of the commands that were installed with this interpreter."""
    return Path(sys.executable).parent
