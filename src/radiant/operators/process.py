"""One job as a local process: its output line by line, its memory and time limited, nothing left behind."""

import collections
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from radiant.jobs.reasons import Reason
from radiant.operators import guard
from radiant.operators.ending import LAST_LINES, Ended
from radiant.operators.log_line import cut

TICK_S = 0.1
"""Between two checks of memory, time and `should_stop`."""
GRACE_S = 3.0
"""Between SIGTERM and SIGKILL; Airflow kills the task's own process 5 s after its SIGTERM."""
_LINE_BYTES = 16 * 1024
_MIB = 1 << 20
PROCESS_RECORD = "process.json"
"""Name of the document with a `ProcessRecord`, in the folder of a task."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """The process of a try, by which the next try and the last task of the run find it."""

    host: str
    pid: int
    """Also the number of its group."""
    started: float | None
    """As `start_time` returned it; None when it had ended by then."""


def run_process(  # noqa: PLR0913 - all by name
    argv: Sequence[str],
    *,
    memory_mib: int,
    timeout_s: float,
    on_start: Callable[[int], None],
    on_line: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> Ended:
    """Run a command to its end and return how it ended.

    The command gets this process's environment and a session of its own; standard output and error come as one stream
    in the order of writing. All processes that it started are killed when it ends, when this function raises, and when
    this process itself dies.

    Args:
        argv: the command, its first item an absolute path.
        memory_mib: the sum of the resident memory of all its processes; above it they are killed.
        timeout_s: after this many seconds it gets SIGTERM, then SIGKILL.
        on_start: called with the process id right after the start.
        on_line: called with every line of output, without its end. A longer line than 16 KiB comes in pieces.
        should_stop: called every 100 ms; True stops the command.
    """
    started = time.monotonic()
    peak = 0
    reason: str | None = None
    with contextlib.ExitStack() as stack:
        write_guard = stack.enter_context(_guarded())
        process = subprocess.Popen(  # noqa: S603 - the argv is ours: radiant-worker and three words
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        stack.callback(_kill_and_reap, process)
        output = stack.enter_context(contextlib.closing(_Output(process, on_line)))
        write_guard(process.pid)
        on_start(process.pid)
        while reason is None and not _has_ended(process.pid):
            output.read(TICK_S)
            peak = max(peak, used := _resident_bytes(process.pid))
            if used > memory_mib * _MIB:
                reason = Reason.OUT_OF_MEMORY
            elif should_stop():
                reason = Reason.KILLED
            elif time.monotonic() - started > timeout_s:
                reason = Reason.TIMEOUT
        if reason in {Reason.KILLED, Reason.TIMEOUT}:
            _ask_to_stop(process.pid, output)
        _kill_and_reap(process)
        output.finish()
    return Ended(
        exit_code=process.returncode,
        reason=reason,
        seconds=time.monotonic() - started,
        memory_limit_mib=memory_mib,
        peak_memory_mib=round(peak / _MIB, 1) if peak else None,
        last_lines=tuple(output.last_lines),
    )


def end_stray(pid: int, started: float | None) -> bool:
    """Kill the process group of an earlier try if it still runs; return whether it did.

    Args:
        pid: process id, and so the number of its group.
        started: its start as `start_time` returned it; another process that got the same number is left alone.
    """
    if started is None or start_time(pid) != started:
        return False
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        process = psutil.Process(pid)
        os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(GRACE_S)
    return True


def start_time(pid: int) -> float | None:
    """Return when the process started, in seconds since the epoch, None when there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


class _Output:
    """Reads a process's output; no read waits for longer than its argument."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
        stream = process.stdout
        if stream is None:  # pragma: no cover - Popen was given PIPE
            msg = "the process has no output pipe"
            raise ValueError(msg)
        self.last_lines: collections.deque[str] = collections.deque(maxlen=LAST_LINES)
        self._stream = stream
        self._on_line = on_line
        self._pending = b""
        self._open = True
        os.set_blocking(stream.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(stream, selectors.EVENT_READ)

    def read(self, wait_s: float) -> bool:
        """Pass on the new lines, waiting up to `wait_s` for output; return whether there was any."""
        if not self._open:
            time.sleep(wait_s)
            return False
        if not self._selector.select(wait_s):
            return False
        data = os.read(self._stream.fileno(), 64 * 1024)
        if not data:
            self._open = False
            return False
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._pending) > _LINE_BYTES:
            # The last piece waits for the rest of its last character.
            *pieces, self._pending = cut(self._pending, _LINE_BYTES)
            for piece in pieces:
                self._emit(piece)
        return True

    def finish(self) -> None:
        """Pass on the rest. All writers are dead by now, so it has an end."""
        while self.read(0):
            pass
        if self._pending:
            self._emit(self._pending)
            self._pending = b""

    def close(self) -> None:
        """Close the pipe."""
        self._selector.close()
        self._stream.close()

    def _emit(self, line: bytes) -> None:
        for piece in cut(line, _LINE_BYTES):
            text = piece.decode("utf-8", "replace").rstrip("\r")
            if text:
                self.last_lines.append(text)
            self._on_line(text)


@contextlib.contextmanager
def _guarded() -> Generator[Callable[[int], None]]:
    """Run `guard` beside the block; yield a function that sends it the group to kill if this process dies."""
    # Before the job and in a session of its own: it must outlive whatever kills this process.
    watchdog = subprocess.Popen(  # noqa: S603 - our own script, our own interpreter
        [sys.executable, "-I", "-S", str(Path(guard.__file__))],
        stdin=subprocess.PIPE,
        start_new_session=True,
        text=True,
        bufsize=1,
    )

    def write(word: object) -> None:
        if watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                watchdog.stdin.write(f"{word}\n")

    try:
        yield write
    finally:
        write("done")
        with contextlib.suppress(BrokenPipeError):
            watchdog.communicate()


def _has_ended(pid: int) -> bool:
    """Return whether the process ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _resident_bytes(pid: int) -> int:
    """Return the resident memory of a process and its descendants; a shared page counts once for each of them."""
    total = 0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _ask_to_stop(pid: int, output: _Output) -> None:
    """Send SIGTERM to the group and give its first process the time to clean up."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline and not _has_ended(pid):
        output.read(TICK_S)


def _kill_and_reap(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group; a second call does nothing."""
    if process.returncode is not None:
        return
    # Before the first process is reaped, so that the number of its group cannot be another process's.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
