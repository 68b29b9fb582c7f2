"""Measures what the process and its children use."""

import contextlib
import os
import resource
import shutil
import tempfile
import threading
import time
from pathlib import Path

import psutil

from radiant import storage
from radiant.jobs.usage import MemorySource, Usage
from radiant.worker.memory import MemoryMeter, peak_of_own_process

_MIB = 1 << 20
_LOOK_AT_SCRATCH_S = 1.0
_BLOCK = 512
"""Bytes of a block of `st_blocks`, on every file system."""
_START_FIELD = 19
"""Of `/proc/<pid>/stat` after the name: the start of the process, in clock ticks since the machine's."""
_LOADED = time.monotonic()


class UsageMeter:
    """Samples memory and scratch disk from a thread of its own, between `start` and `stop`.

    Makes a folder for the job's temporary files, below the one of the system, which `stop` removes.
    """

    def __init__(self, memory: MemoryMeter) -> None:
        self._memory = memory
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="usage", daemon=True)
        self._used_bytes = self._peak_bytes = self._peak_scratch = 0
        self._files_before = (0, 0)
        self._scratch = Path()
        self._scratch_above: str | None = None

    @property
    def used_mib(self) -> float:
        """The memory in use when it was sampled last."""
        return self._used_bytes / _MIB

    def start(self) -> None:
        """Begin to measure."""
        self._files_before = self._file_bytes()
        self._scratch_above = tempfile.tempdir
        self._scratch = Path(tempfile.mkdtemp(prefix="radiant-"))
        tempfile.tempdir = str(self._scratch)
        self._thread.start()

    def stop(self, *, records: int = 0, rows: int = 0, bytes_stored: int = 0) -> Usage:
        """End the thread and return the usage: bytes of files since `start`, all else since the process began.

        Args:
            records: Data lines that the job read.
            rows: Rows that the job made.
            bytes_stored: Bytes of data files that the job wrote.
        """
        self._stop.set()
        self._thread.join()
        self._look_at_memory()
        self._look_at_scratch()
        if self._memory.source is MemorySource.PROCESSES:
            self._peak_bytes = max(self._peak_bytes, peak_of_own_process())
        tempfile.tempdir = self._scratch_above
        shutil.rmtree(self._scratch, ignore_errors=True)
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        user_s, system_s = own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime
        (read, written), stores = self._file_bytes(), storage.traffic_so_far()
        return Usage(
            wall_s=round(_age_s(), 3),
            cpu_s=round(user_s + system_s, 3),
            peak_memory_mib=round(self._peak_bytes / _MIB, 1),
            bytes_read=read - self._files_before[0] + stores.bytes_read,
            bytes_written=written - self._files_before[1] + stores.bytes_written,
            user_s=round(user_s, 3),
            system_s=round(system_s, 3),
            memory_source=self._memory.source,
            read_requests=stores.read_requests,
            write_requests=stores.write_requests,
            scratch_peak_mib=round(self._peak_scratch / _MIB, 1),
            records=records,
            rows=rows,
            bytes_stored=bytes_stored,
        )

    def _sample(self) -> None:
        looked_at_scratch = 0.0
        while not self._stop.wait(self._memory.every_s):
            self._look_at_memory()
            if (now := time.monotonic()) - looked_at_scratch >= _LOOK_AT_SCRATCH_S:
                self._look_at_scratch()
                looked_at_scratch = now

    def _look_at_memory(self) -> None:
        self._used_bytes = self._memory.used_bytes()
        self._peak_bytes = max(self._peak_bytes, self._used_bytes)

    def _look_at_scratch(self) -> None:
        self._peak_scratch = max(self._peak_scratch, _size_of(self._scratch))

    def _file_bytes(self) -> tuple[int, int]:
        """Return the bytes of all read and write calls; 0 where the system does not count them (macOS)."""
        with contextlib.suppress(AttributeError, psutil.Error):
            counters = self._process.io_counters()
            return int(counters.read_chars), int(counters.write_chars)
        return 0, 0


def _size_of(folder: Path) -> int:
    """Return the bytes that a folder's files take on the disk."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # removed since
                total += Path(place, name).stat().st_blocks * _BLOCK
    return total


def _age_s() -> float:
    """Return the seconds since this process began; since this module was loaded where the system has no `/proc`."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[_START_FIELD])
    except OSError:
        return time.monotonic() - _LOADED
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK"))
