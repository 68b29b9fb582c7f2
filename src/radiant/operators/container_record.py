"""The record of a task's container, `container.json` beside the request: a later try or process finds it there."""

import contextlib
import dataclasses
import time
from dataclasses import dataclass

from radiant.errors import JobRefusedError, PlatformUnavailableError
from radiant.jobs.codec import exact
from radiant.jobs.documents import Request
from radiant.jobs.reasons import Reason
from radiant.operators.ending import Ended
from radiant.operators.platform import Handle, Platform
from radiant.operators.task_folder import TaskFolder

_NAME = "container.json"
_RELEASE_PAUSES_S = (0.5, 2.0)
"""Between tries to remove an ended container."""


@exact
@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """One container of a task instance, from before it is started until its end has been judged."""

    attempt: str
    """The attempt of the request it was started for."""
    platform: str
    """Name of the backend."""
    asked_at: float
    """Since when a container was wanted, in seconds since the epoch."""
    handle: Handle | None = None
    """None until the platform answered the start; it may have started without an answer."""
    starting_since: float | None = None
    """Since when it has a node or an instance to run on."""
    unsure: bool = False
    """A start of this attempt was not answered: its container may run although there is no handle."""
    refusals: int = 0
    """How often the platform refused this attempt for lack of room."""
    restarts: int = 0
    """How often it was started again because its capacity was taken away."""
    log_cursor: str = ""
    """The log of try `log_try` has its lines up to here."""
    log_try: int = 0
    held_by: int = 0
    """The try that follows the container: the one that started it, or the last one that adopted it."""
    ended: Ended | None = None
    """Its end, by which it may be judged even when the container has been removed."""
    closed: bool = False
    """Its end has been judged, or it was stopped for a person: the next try starts another container."""

    def save(self, folder: TaskFolder) -> None:
        """Write it.

        Raises:
            StorageError: it could not be written.
        """
        folder.write_document(_NAME, self)


def new_record(request: Request, platform: str, try_number: int) -> ContainerRecord:
    """Return the record of a container before its start."""
    return ContainerRecord(attempt=request.attempt, platform=platform, asked_at=time.time(), held_by=try_number)


def read_record(folder: TaskFolder) -> ContainerRecord | None:
    """Return the record of the last container, None where there is none that this version can read."""
    return folder.read_document(_NAME, ContainerRecord)


def may_adopt(record: ContainerRecord, stored: Request | None, request: Request, platform: str) -> bool:
    """Return whether the container of an earlier try has the arguments of this try: its end may then be this try's end.

    Args:
        record: of the earlier try.
        stored: the request that was written last.
        request: of this try.
        platform: name of the backend of this try.
    """
    return (
        not record.closed
        and record.platform == platform
        and stored is not None
        and stored.attempt == record.attempt
        and (stored.job, stored.arguments, stored.radiant_version, stored.image)
        == (request.job, request.arguments, request.radiant_version, request.image)
    )


def close_container(platform: Platform, folder: TaskFolder, record: ContainerRecord) -> str:
    """Record that the container's end has been judged, then remove what is left of it.

    Return what could not be removed and why, in a sentence; the empty text when nothing is left.

    Raises:
        StorageError: the record could not be written.
    """
    dataclasses.replace(record, closed=True).save(folder)
    return release(platform, record)


def release(platform: Platform, record: ContainerRecord) -> str:
    """Remove what is left of an ended container; return what could not be removed and why, or the empty text."""
    if record.handle is None:
        return ""
    for pause_s in (*_RELEASE_PAUSES_S, None):
        try:
            platform.release(record.handle)
        except (PlatformUnavailableError, JobRefusedError) as error:
            if pause_s is None:
                what = f"{platform.noun} {name_of(record.handle)}"
                return f"{what} could not be removed, the last task of the run tries again: {error}"
            time.sleep(pause_s)
        else:
            break
    return ""


def stop_if_replaced(platform: Platform, folder: TaskFolder, handle: Handle, attempt: str) -> None:
    """Stop a container whose attempt another process of the task has replaced or judged while it was started.

    A stop that the platform does not take is not repeated: the worker finds its attempt replaced, and ends.
    """
    found = read_record(folder)
    if found is not None and (found.closed or found.attempt != attempt):
        with contextlib.suppress(PlatformUnavailableError, JobRefusedError):
            platform.stop(handle, Reason.SUPERSEDED)


def name_of(handle: Handle) -> str:
    """Return the name by which a person finds the container on its platform."""
    return str(handle.get("name") or handle.get("arn") or handle)
