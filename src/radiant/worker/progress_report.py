"""Reports how far an import is: a line in the job's log and a small document beside its result, every few seconds."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from radiant import storage
from radiant.errors import RadiantError
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request
from radiant.jobs.reading_progress import (
    ProgressDocument,
    ReadingProgress,
    ReadSoFar,
    progress_uri,
    reading_progress,
)
from radiant.vcf_settings import ProgressGroup
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.progress")

_STOP_S = 5.0
"""How long the end of the job waits for a document that is being written."""


class ProgressReport:
    """A context manager around the reading of one file, by any number of processes.

    A thread writes lines and documents, so that reading waits for neither, and a reader that is stuck is seen, too. The
    first document comes at once: it shows that the job runs. A document that cannot be written fails no job.
    """

    def __init__(
        self, request: Request, case_id: int, settings: ProgressGroup, meter: UsageMeter, processes: int
    ) -> None:
        """Prepare; entering the block begins.

        Args:
            request: Of the attempt; without a task's folder there is no document.
            case_id: Of the case.
            settings: How often.
            meter: Of the job.
            processes: That read the file.
        """
        self._request = request
        self._case_id = case_id
        self._settings = settings
        self._meter = meter
        self._processes = processes
        self._so_far = ReadSoFar()
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._report, name="progress", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._began = time.monotonic()
        if self._settings.every_s:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread."""
        self._ended.set()
        if self._settings.every_s:
            self._thread.join(_STOP_S)

    def update(self, so_far: ReadSoFar) -> None:
        """Store what has been read by now."""
        self._so_far = so_far

    def now(self) -> ReadingProgress:
        """Return the progress at this moment."""
        return reading_progress(
            self._so_far,
            case_id=self._case_id,
            elapsed_s=time.monotonic() - self._began,
            memory_mib=self._meter.used_mib,
            memory_limit_mib=self._request.memory_mib,
            processes=self._processes,
        )

    def _report(self) -> None:
        uri = progress_uri(self._request.task_uri, self._request.attempt) if self._request.task_uri else None
        pause_s = self._settings.pause_between_documents(local=uri is not None and storage.local_path(uri) is not None)
        written_at = self._began
        if uri is not None:
            self._write(uri, self.now())
        while not self._ended.wait(self._settings.every_s):
            progress = self.now()
            log.info("%s", progress.to_line())
            # Half a line's pause of tolerance: with equal pauses each line has its document.
            if uri is not None and time.monotonic() - written_at >= pause_s - self._settings.every_s / 2:
                self._write(uri, progress)
                written_at = time.monotonic()

    def _write(self, uri: str, progress: ReadingProgress) -> None:
        try:
            storage.write_bytes(uri, encode(ProgressDocument(round(time.time(), 3), progress)))
        except RadiantError as error:
            log.debug("%s", error)
