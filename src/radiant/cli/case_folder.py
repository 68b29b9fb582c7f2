"""What the folder of a running import shows, without Airflow's log: whether it waits, starts or reads, and how far."""

import json
from dataclasses import dataclass

from radiant import storage
from radiant.errors import InputError, JobProtocolError, StorageError
from radiant.jobs.documents import decode_request, request_uri
from radiant.jobs.reading_progress import ReadingProgress, decode_progress, progress_uri


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """The state of a task instance as its documents show it."""

    has_documents: bool = False
    """There is a request: without one this machine looks in another place than the task writes to."""
    waits_for_room: bool = False
    """Its container has no place to run yet."""
    reading: ReadingProgress | None = None
    """The latest progress of the attempt that counts; None where its worker wrote none yet."""


def read_case_folder(uri: str) -> CaseFolder:
    """Return what the folder of a task instance holds now.

    A document that is being replaced, or that the store does not give, counts as none: the next look finds it.

    Args:
        uri: As `radiant.jobs.documents.task_uri` makes it.
    """
    request = _read(request_uri(uri))
    if request is None:
        return CaseFolder()
    try:
        attempt = decode_request(request, uri).attempt
        document = _read(progress_uri(uri, attempt))
        if document is not None:
            return CaseFolder(has_documents=True, reading=decode_progress(document, uri).reading)
    except JobProtocolError:
        return CaseFolder(has_documents=True)
    return CaseFolder(has_documents=True, waits_for_room=_waits(_read(f"{uri}/container.json"), attempt))


def _waits(record: bytes | None, attempt: str) -> bool:
    """Return whether the record of a container says that it has no place yet; a local process has no record."""
    if record is None:
        return False
    try:
        found = json.loads(record)
        return bool(found["attempt"] == attempt and found["starting_since"] is None)
    except (ValueError, KeyError, TypeError):
        return False


def _read(uri: str) -> bytes | None:
    try:
        return storage.read_bytes(uri)
    except (InputError, StorageError):
        return None
