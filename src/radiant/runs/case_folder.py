"""What the folder of a running import shows, without Airflow's log: whether it waits, starts or reads, and how far."""

import json
from dataclasses import dataclass

from radiant import storage
from radiant.errors import InputError, JobProtocolError, StorageError
from radiant.jobs.documents import decode_request, outcome_uri, request_uri
from radiant.jobs.reading_progress import ReadingProgress, decode_progress, progress_uri


@dataclass(frozen=True, slots=True)
class CaseFolder:
    """The state of a task instance as its documents show it."""

    has_documents: bool = False
    """There is a request. A task without one has just begun, or writes to another place than this machine looks at."""
    waits_for_room: bool = False
    """Its container has no place to run yet."""
    reading: ReadingProgress | None = None
    """The latest progress of the attempt that counts; None where its worker wrote none yet."""


def has_request(uri: str) -> bool:
    """Return whether a task instance has left a request in its folder."""
    return _read(request_uri(uri)) is not None


def read_case_folder(uri: str, try_number: int) -> CaseFolder:
    """Return what the folder of a task instance holds now.

    A document that is being replaced, or that the store does not give, counts as none: the next look finds it. Until a
    further try has written its request, the folder has that of the try before, whose progress does not count: it has
    an outcome. A container that the further try follows has none.

    Args:
        uri: As `radiant.jobs.documents.task_uri` makes it.
        try_number: Of the running try, from 1.
    """
    request = _read(request_uri(uri))
    if request is None:
        return CaseFolder()
    try:
        attempt = decode_request(request, uri).attempt
        if try_number > 1 and _read(outcome_uri(uri, attempt)) is not None:
            return CaseFolder(has_documents=True)
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
