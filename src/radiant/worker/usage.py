"""Measures what the process and its children use."""

import contextlib
import resource
import sys
import threading
import time

import psutil

from radiant.jobs.documents import Usage

_MIB = 1 << 20
_INTERVAL_S = 0.1
_FIND_CHILDREN_EVERY = 5
"""In samples; finding children reads the list of all processes of the machine."""


class UsageMeter:
    """Samples memory every 100 ms from a thread of its own, between `start` and `stop`; finds children in 0.5 s."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="usage", daemon=True)
        self._peak_bytes = 0
        self._started = 0.0
        self._before = (0, 0)

    def start(self) -> None:
        """Begin to measure."""
        self._started = time.monotonic()
        self._before = self._bytes()
        self._thread.start()

    def stop(self) -> Usage:
        """End the thread and return the usage since `start`; CPU time counts from the start of the process."""
        self._stop.set()
        self._thread.join()
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Linux counts ru_maxrss in KiB, macOS in bytes.
        own_peak = own.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        read, written = self._bytes()
        return Usage(
            wall_s=round(time.monotonic() - self._started, 3),
            cpu_s=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 3),
            peak_memory_mib=round(max(self._peak_bytes, own_peak) / _MIB, 1),
            bytes_read=read - self._before[0],
            bytes_written=written - self._before[1],
        )

    def _sample(self) -> None:
        processes = [self._process]
        samples = 0
        while not self._stop.wait(_INTERVAL_S):
            total = 0
            with contextlib.suppress(psutil.Error):
                if samples % _FIND_CHILDREN_EVERY == 0:
                    processes = [self._process, *self._process.children(recursive=True)]
                for process in processes:
                    with contextlib.suppress(psutil.Error):
                        total += process.memory_info().rss
            self._peak_bytes = max(self._peak_bytes, total)
            samples += 1

    def _bytes(self) -> tuple[int, int]:
        """Return the bytes of all read and write calls; 0 where the system does not count them (macOS)."""
        with contextlib.suppress(AttributeError, psutil.Error):
            counters = self._process.io_counters()
            return int(counters.read_chars), int(counters.write_chars)
        return 0, 0
