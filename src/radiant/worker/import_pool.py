"""Several processes read one file: each gets shards, stages their rows, and returns their totals.

The parent process is one of them: a thread of it reads shards, while its main thread cuts the file into shards, hashes
it and merges results. A process for that alone would be idle most of the time, and cost its memory.

The child processes are started, not forked, as Arrow has threads. They end when the parent closes their pipe or dies.
Their only credentials are those for the files. `multiprocessing` would start one process more, its resource tracker.
"""

import contextlib
import ctypes
import gc
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Self

import pyarrow as pa

from radiant import lake, storage, vcf
from radiant.domain.case import Member
from radiant.errors import InputError, RadiantError
from radiant.settings import child_environment
from radiant.vcf import NeedsOneReaderError, Shard, ShardResult
from radiant.worker.without_pandas import hide_pandas

log = logging.getLogger("radiant.worker.import_pool")

_PR_SET_THP_DISABLE = 41
"""Of `linux/prctl.h`: no transparent huge pages in this process."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
"""Of glibc's `malloc.h`."""
_MOST_BYTES = (1 << 31) - 1
_MORE_BYTES = 16 << 20
"""The heap grows by at least so much."""
_SENT_BYTES = 256 << 10
_EXIT_S = 10.0
"""The longest time to wait for the exit code of a process that closed its pipe."""
_PROGRAM = f"import sys; from {__name__} import serve_process; serve_process(int(sys.argv[1]))"


class ReadingFailedError(NeedsOneReaderError):
    """A reading process failed for a reason that is not in the file; the message is a warning of the import's report.

    The message has no text of the file and no sample: of an error only its type and where it was raised.
    """


class ShardBugError(ReadingFailedError):
    """A reading process met an error that no rule explains: a bug of radiant, even if one reader reads the file."""


class ReadingEndedError(ReadingFailedError):
    """A reading process was ended from outside, or had no memory left."""


@dataclass(frozen=True, slots=True)
class ShardTask:
    """What every process is given before its first shard."""

    uri: str
    members: Sequence[Member] | None
    options: vcf.ReadOptions
    header: Sequence[bytes]
    """Lines of the file's header."""
    tables: dict[str, lake.TableRef]
    part: int
    case_id: int
    load_id: str
    run: str
    """Names the folder of the run's files."""
    file_prefix: str
    """What the names of all files begin with."""


_Worker = subprocess.Popen[bytes] | threading.Thread
"""A reader of shards: a child process, or the thread of this one."""


@dataclass(frozen=True, slots=True)
class StagedShard:
    """A shard whose rows are staged."""

    result: ShardResult
    staged: lake.Manifest
    digests: dict[str, lake.RowDigest]
    traffic: storage.Traffic
    """Of the process that staged it, for this shard."""


class ImportPool:
    """A context manager: leaving the block ends all processes, and the thread as soon as it has finished a chunk."""

    def __init__(self, processes: int, task: ShardTask) -> None:
        self._count = processes
        self._task = task
        self._running: dict[Connection, _Worker] = {}
        self._for_thread: queue.SimpleQueue[Shard | None] = queue.SimpleQueue()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Start the processes and the thread."""
        for _ in range(self._count - 1):
            mine, other = Pipe()
            with other:
                self._running[mine] = _started(other)
            with contextlib.suppress(ConnectionError):  # it ended: `_send` finds out
                mine.send(self._task)
        mine, other = Pipe()
        thread = threading.Thread(
            target=_serve, args=(other, self._for_thread.get, self._task, self._ended), daemon=True
        )
        thread.start()
        self._running[mine] = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them: processes at once, even in the middle of a shard."""
        self._ended.set()
        self._for_thread.put(None)
        for connection, worker in self._running.items():
            connection.close()
            if isinstance(worker, subprocess.Popen):
                worker.kill()
        for worker in self._running.values():
            if isinstance(worker, subprocess.Popen):
                worker.wait()
            else:
                worker.join()
        self._running.clear()

    @property
    def processes(self) -> Iterator[subprocess.Popen[bytes]]:
        """The processes that were started."""
        yield from (worker for worker in self._running.values() if isinstance(worker, subprocess.Popen))

    def run(self, shards: Iterator[Shard]) -> Iterator[StagedShard]:
        """Hand out shards and yield them staged, in any order.

        Raises:
            NeedsOneReaderError: a shard cannot be read without the others.
            ReadingEndedError: a process was ended, or had no memory left.
            ShardBugError: a process met an error that is not about the input.
        """
        free = list(self._running)
        busy: list[Connection] = []
        shard = next(shards, None)
        while shard is not None or busy:
            if shard is not None and free:
                connection = free.pop()
                self._hand_out(shard, connection)
                busy.append(connection)
                shard = None  # not in memory while the next one is read
                shard = next(shards, None)
                continue
            for ready in wait(busy):
                connection = next(one for one in busy if one is ready)
                busy.remove(connection)
                free.append(connection)
                yield _received(connection, self._running[connection])

    def _hand_out(self, shard: Shard, connection: Connection) -> None:
        if isinstance(self._running[connection], threading.Thread):
            self._for_thread.put(shard)
        else:
            _send(connection, shard, self._running[connection])


def _started(end: Connection) -> subprocess.Popen[bytes]:
    """Start a process that has one end of a pipe."""
    # Like this process, and not by what lies in the current folder.
    argv = [sys.executable, "-P", "-c", _PROGRAM, str(end.fileno())]
    return subprocess.Popen(  # noqa: S603 - this program
        argv,
        stdin=subprocess.DEVNULL,
        pass_fds=[end.fileno()],
        env=child_environment({"TMPDIR": tempfile.gettempdir()}),
    )


def _send(connection: Connection, shard: Shard, worker: _Worker) -> None:
    try:
        # The blocks apart, as they are and a few at a time: pickled they would be in memory twice more.
        size = len(shard.blocks)
        connection.send((replace(shard, blocks=b""), size))
        for at in range(0, size, _SENT_BYTES):
            connection.send_bytes(shard.blocks[at : at + _SENT_BYTES])
    except OSError as error:
        # A process that failed sent the reason before it ended.
        _received(connection, worker)
        raise _ended(worker) from error


def _sent(connection: Connection) -> Shard:
    """Return the shard that `_send` was given at the other end."""
    shard, size = connection.recv()
    blocks = vcf.memory_for(size)
    while blocks.tell() < size:
        blocks.write(connection.recv_bytes())
    return replace(shard, blocks=blocks)


def _received(connection: Connection, worker: _Worker) -> StagedShard:
    try:
        answer = connection.recv()
    except (EOFError, OSError) as error:
        raise _ended(worker) from error
    if isinstance(answer, StagedShard):
        if isinstance(worker, subprocess.Popen):
            storage.add_traffic(answer.traffic)
        return answer
    raise answer


def _ended(worker: _Worker) -> ReadingFailedError:
    """Return the error for a process that ended without sending a reason."""
    code: int | None = None
    if isinstance(worker, subprocess.Popen):
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = worker.wait(_EXIT_S)
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        name = signal.Signals(-code).name
        msg = (
            f"a reading process was ended from outside ({name}), most often for want of memory: one process read the "
            "whole file, which takes longer. Give the job more memory, or set RADIANT_VCF__PROCESSES lower"
        )
        return ReadingEndedError(msg)
    how = (
        "closed its pipe"
        if code is None
        else f"ended by {signal.Signals(-code).name}"
        if code < 0
        else (f"ended with exit code {code}")
    )
    return ShardBugError(_bug(how))


def _bug(what: str) -> str:
    return (
        f"this is a bug of radiant, not of the file: a reading process {what}. One process read the whole file, which "
        "takes longer; the rows are complete. Report this line"
    )


def serve_process(descriptor: int) -> None:
    """Serve as a child process that reads shards.

    Args:
        descriptor: Of the pipe that gives the task, then shards.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    hide_pandas()
    tune_process()
    connection = Connection(descriptor)
    with contextlib.suppress(EOFError, ConnectionError):
        task = connection.recv()
        _serve(connection, partial(_sent, connection), task, threading.Event())


def _serve(
    connection: Connection, receive: Callable[[], Shard | None], task: ShardTask, ended: threading.Event
) -> None:
    """Read shards until there are none, the pipe is closed, or the pool has ended."""
    try:
        reader = vcf.ShardReader(task.uri, task.members, task.options, task.header)
        while (shard := receive()) is not None:
            connection.send(_stage_shard(reader, shard, task, ended))
    except (EOFError, ConnectionError):
        return
    except BaseException as error:  # the parent process raises it
        log.debug("a shard was not read", exc_info=True)
        with contextlib.suppress(OSError):  # the parent process may have ended
            connection.send(_explained(error))
    finally:
        connection.close()


def _explained(error: BaseException) -> NeedsOneReaderError:
    """Return what the parent process raises for an error of a reading process."""
    if isinstance(error, NeedsOneReaderError):
        return error
    if isinstance(error, InputError):
        return NeedsOneReaderError("the input is refused")
    if isinstance(error, RadiantError) and error.retryable:
        return NeedsOneReaderError(str(error))
    if isinstance(error, MemoryError):
        msg = (
            "a reading process had no memory left: one process read the whole file, which takes longer. Give the job "
            "more memory, or set RADIANT_VCF__PROCESSES lower"
        )
        return ReadingEndedError(msg)
    return ShardBugError(_bug(f"met {type(error).__name__} {_place(error)}"))


def _place(error: BaseException) -> str:
    """Return where an error was raised, as far as it is in our own code."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if f"{os.sep}radiant{os.sep}" in one.filename]
    if not frames:
        return "outside its own code"
    module = frames[-1].filename.rpartition(f"{os.sep}radiant{os.sep}")[2]
    return f"in {frames[-1].name}() of radiant/{module}, line {frames[-1].lineno}"


def _stage_shard(reader: vcf.ShardReader, shard: Shard, task: ShardTask, ended: threading.Event) -> StagedShard:
    stager = lake.Stager(
        task.tables,
        task.part,
        task.case_id,
        task.load_id,
        f"{task.file_prefix}-{shard.index:05d}",
        task.options.info.tables,
        run=task.run,
    )

    def write(name: str, batch: pa.RecordBatch) -> None:
        if ended.is_set():
            raise NeedsOneReaderError
        stager.write(name, batch)

    before = storage.traffic_so_far()
    try:
        result = reader.read(shard, write)
        staged = stager.finish()
        return StagedShard(result, staged, stager.row_digests, storage.traffic_so_far() - before)
    except BaseException:
        stager.abort()
        raise


def tune_process() -> None:
    """Set what an importing process needs of Arrow, the garbage collector and memory.

    One Arrow thread: the processes are the parallelism. Cycles are rare. The heap keeps freed memory: each chunk needs
    what the one before it freed, and pages that go back to the system come again one by one.
    """
    gc.freeze()
    gc.set_threshold(100_000)
    pa.set_cpu_count(1)
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        # numpy asks for huge pages where it has 4 MiB or more, and the heap keeps a page of which anything is used.
        zero, libc = ctypes.c_ulong(0), ctypes.CDLL(None)
        libc.prctl(_PR_SET_THP_DISABLE, ctypes.c_ulong(1), zero, zero, zero)
        if hasattr(libc, "mallopt"):  # glibc
            for parameter, value in (
                (_M_TRIM_THRESHOLD, _MOST_BYTES),
                (_M_MMAP_THRESHOLD, _MOST_BYTES),
                (_M_TOP_PAD, _MORE_BYTES),
                (_M_ARENA_MAX, 1),
            ):
                libc.mallopt(parameter, value)
