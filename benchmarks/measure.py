"""One process, measured from outside: wall time, CPU time and the highest memory, children included.

Memory is summed over the processes in two ways: as resident (pages shared by several processes count several times) and
as PSS, with shared pages counted once, as a container's limit does (measured less often, since it costs more).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import psutil

WITHOUT_PANDAS = {"PYTHONPATH": str(Path(__file__).parent / "without_pandas")}
"""Environment without pandas, which some peers need and Arrow loads where it is installed."""

_EVERY_S = 0.02
_PSS_EVERY_S = 0.25


@dataclass(frozen=True)
class Measured:
    """One process."""

    name: str
    what: str
    """Its work, and the parts that it leaves out."""
    records: int
    wall_s: float
    cpu_s: float
    """User and system time, children included."""
    peak_mib: float
    """Highest sum of resident memory."""
    pss_mib: float
    """The same with shared pages counted once."""
    printed: str
    """The last line of its standard output."""

    @property
    def rate(self) -> float:
        """Records a second of wall time."""
        return self.records / self.wall_s


def median(runs: Sequence[Measured]) -> Measured:
    """Return the run of the middle wall time (the slower of two), with the highest memory of all."""
    middle = sorted(runs, key=lambda one: one.wall_s)[len(runs) // 2]
    return replace(middle, peak_mib=max(one.peak_mib for one in runs), pss_mib=max(one.pss_mib for one in runs))


def measure(
    name: str, what: str, argv: list[str], records: int, environment: dict[str, str] | None = None
) -> Measured | None:
    """Run a command; None when it fails, or is not installed."""
    if shutil.which(argv[0]) is None:
        print(f"{name}: left out ({argv[0]} is not installed)", file=sys.stderr)
        return None
    before = os.times()
    started = time.perf_counter()
    # Files, not pipes: this process does not read while the other one runs.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as error:
        process = subprocess.Popen(argv, stdout=output, stderr=error, env={**os.environ, **(environment or {})})  # noqa: S603 - ours
        peak, pss = _peak(process)
        wall = time.perf_counter() - started
        printed, lines = (_last_line(file) for file in (output, error))
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if process.returncode:
        print(f"{name}: left out ({lines or process.returncode})", file=sys.stderr)
        return None
    return Measured(name, what, records, wall, cpu, peak / 2**20, pss / 2**20, printed)


def _last_line(file: IO[str]) -> str:
    file.seek(0)
    found = file.read().strip().splitlines()
    return found[-1] if found else ""


def _peak(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Wait for a process; return the highest sums of resident memory and of PSS."""
    me, peak, pss, looked = psutil.Process(process.pid), 0, 0, 0.0
    while process.poll() is None:
        family = _family(me)
        peak = max(peak, sum(_bytes(one, "rss") for one in family))
        if time.monotonic() - looked >= _PSS_EVERY_S:
            pss = max(pss, sum(_bytes(one, "pss") for one in family))
            looked = time.monotonic()
        time.sleep(_EVERY_S)
    return peak, pss


def _bytes(process: psutil.Process, kind: str) -> int:
    """Return a process's memory, 0 when it is gone or the system does not report it."""
    try:
        found = process.memory_full_info() if kind == "pss" else process.memory_info()
    except psutil.Error:
        return 0
    return int(getattr(found, kind, 0))


def _family(me: psutil.Process) -> list[psutil.Process]:
    try:
        return [me, *me.children(recursive=True)]
    except psutil.Error:
        return []
