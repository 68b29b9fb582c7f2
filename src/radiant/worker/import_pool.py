"""Several processes read one file: each gets segments, stages their rows, and answers with counts.

The processes are started anew (not forked: Arrow has threads), end when this one closes their pipe or dies, and hold no
credentials but those for the files.
"""

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from radiant import lake, vcf
from radiant.domain.case import Member
from radiant.vcf import Answer, NeedsOneReaderError, Segment

log = logging.getLogger("radiant.worker.import_pool")


@dataclass(frozen=True, slots=True)
class PieceTask:
    """What every process must know."""

    uri: str
    members: Sequence[Member] | None
    options: vcf.ReadOptions
    tables: dict[str, lake.TableRef]
    part: int
    case_id: int
    load_id: str
    attempt: str
    """What the names of all files begin with."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment, read and staged."""

    answer: Answer
    staged: lake.Manifest
    digests: dict[str, lake.RowDigest]


class ImportPool:
    """A context manager: leaving the block ends all processes."""

    def __init__(self, processes: int, task: PieceTask) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._count = processes
        self._task = task
        self._running: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Self:
        """Start the processes."""
        for _ in range(self._count):
            mine, other = self._context.Pipe()
            process = self._context.Process(target=_serve, args=(other, self._task), daemon=True)
            process.start()
            other.close()
            self._running[mine] = process
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them: at once, whatever they do."""
        for connection, process in self._running.items():
            connection.close()
            process.kill()
        for process in self._running.values():
            process.join()
        self._running.clear()

    @property
    def processes(self) -> Iterator[BaseProcess]:
        """The processes that were started."""
        yield from self._running.values()

    def run(self, segments: Iterator[Segment]) -> Iterator[Piece]:
        """Hand out segments and yield what comes back, in any order.

        Raises:
            NeedsOneReaderError: one of them cannot be read without the others, or its process failed.
        """
        free = list(self._running)
        busy: list[Connection] = []
        segment = next(segments, None)
        while segment is not None or busy:
            if segment is not None and free:
                connection = free.pop()
                _send(connection, segment)
                busy.append(connection)
                segment = next(segments, None)
                continue
            for ready in wait(busy):
                connection = next(one for one in busy if one is ready)
                busy.remove(connection)
                free.append(connection)
                yield _received(connection)


def _send(connection: Connection, segment: Segment) -> None:
    try:
        connection.send(segment)
    except OSError as error:
        msg = "a reading process ended"
        raise NeedsOneReaderError(msg) from error


def _received(connection: Connection) -> Piece:
    try:
        answer = connection.recv()
    except (EOFError, OSError) as error:
        msg = "a reading process ended, perhaps for want of memory"
        raise NeedsOneReaderError(msg) from error
    if isinstance(answer, Piece):
        return answer
    raise NeedsOneReaderError(str(answer))


def _serve(connection: Connection, task: PieceTask) -> None:
    """Read segments until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tune_arrow()
    try:
        reader = vcf.SegmentReader(task.uri, task.members, task.options)
        while True:
            segment = connection.recv()
            connection.send(_piece(reader, segment, task))
    except (EOFError, BrokenPipeError):
        return
    except NeedsOneReaderError as error:
        connection.send(str(error))
    except Exception as error:  # noqa: BLE001 - one reader will find the words, or fail for all to see
        connection.send(f"{type(error).__name__}: {error}")


def _piece(reader: vcf.SegmentReader, segment: Segment, task: PieceTask) -> Piece:
    stager = lake.Stager(task.tables, task.part, task.case_id, task.load_id, f"{task.attempt}-{segment.index:05d}")
    try:
        for name, batch in reader.read(segment):
            stager.write(name, batch)
        return Piece(reader.answer, stager.finish(), stager.row_digests)
    except BaseException:
        stager.abort()
        raise


def tune_arrow() -> None:
    """One thread, and memory that goes back to the system: the processes are the parallelism."""
    import pyarrow as pa  # noqa: PLC0415 - loaded by then

    pa.set_cpu_count(1)
    pa.set_memory_pool(pa.system_memory_pool())
