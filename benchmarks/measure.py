"""One process, measured from outside: wall time, CPU time and the highest sum of resident memory, children included."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

_EVERY_S = 0.02


@dataclass(frozen=True)
class Measured:
    """One process."""

    name: str
    what: str
    """What it does, and what it leaves out."""
    records: int
    wall_s: float
    cpu_s: float
    """User and system time, children included."""
    peak_mib: float
    said: str
    """The last line of its standard output."""

    @property
    def rate(self) -> float:
        """Records a second of wall time."""
        return self.records / self.wall_s


def measure(
    name: str, what: str, argv: list[str], records: int, environment: dict[str, str] | None = None
) -> Measured | None:
    """Run a command; None when it fails."""
    before = os.times()
    started = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 - ours
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, text=True
    ) as process:
        peak = _peak(process)
        wall = time.perf_counter() - started
        output, error = process.communicate()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if process.returncode:
        lines = error.strip().splitlines()
        print(f"{name}: left out ({lines[-1] if lines else process.returncode})", file=sys.stderr)
        return None
    said = output.strip().splitlines()
    return Measured(name, what, records, wall, cpu, peak / 2**20, said[-1] if said else "")


def _peak(process: subprocess.Popen[str]) -> int:
    """Wait for a process; return the highest sum of resident memory."""
    me, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        total = 0
        for one in _family(me):
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, total)
        time.sleep(_EVERY_S)
    return peak


def _family(me: psutil.Process) -> list[psutil.Process]:
    try:
        return [me, *me.children(recursive=True)]
    except psutil.Error:
        return []
