"""The record of a task's container, `container.json` beside the request: a later try or process finds it there."""

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from radiant import storage
from radiant.errors import InputError, JobProtocolError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.codec import JsonObject
from radiant.jobs.documents import Request, decode_request
from radiant.operators.platform import Handle, Platform
from radiant.operators.reasons import Reason
from radiant.operators.request import TaskPlace

_NAME = "container.json"
_RELEASE_PAUSES_S = (0.5, 2.0)
"""Between tries to remove an ended container."""


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
    """Since when it has a place to run."""
    unsure: bool = False
    """A start of this attempt went unanswered: its container may be there although there is no handle."""
    refusals: int = 0
    """How often the platform refused this attempt for lack of room."""
    restarts: int = 0
    """How often it was started again because its capacity was taken away."""
    log_cursor: str = ""
    """Up to where its log is in the log of try `log_try`."""
    log_try: int = 0
    held_by: int = 0
    """The try that holds it: a try that began later has adopted the container."""
    ended: JsonObject | None = None
    """Its end, `Ended.to_json`: it may be judged by this even when the container has been removed."""
    closed: bool = False
    """Its end has been judged, or it was stopped for a person: the next try starts another container."""

    def save(self, place: TaskPlace) -> None:
        """Write it.

        Raises:
            StorageError: it could not be written.
        """
        place.write(_NAME, dataclasses.asdict(self))


def new_record(request: Request, platform: str, try_number: int) -> ContainerRecord:
    """Return the record of a container before its start."""
    return ContainerRecord(attempt=request.attempt, platform=platform, asked_at=time.time(), held_by=try_number)


def read_record(place: TaskPlace) -> ContainerRecord | None:
    """Return the record of the last container, None where there is none that this version can read."""
    raw: dict[str, Any] | None = place.read(_NAME)
    if raw is None:
        return None
    try:
        return ContainerRecord(**raw)
    except TypeError:
        return None


def request_on_file(place: TaskPlace) -> Request | None:
    """Return the request that was written last, None where there is none that this version can read."""
    try:
        return decode_request(storage.read_bytes(place.request_uri), place.request_uri)
    except (InputError, JobProtocolError):
        return None


def may_adopt(note: ContainerRecord, on_file: Request | None, wanted: Request, platform: str) -> bool:
    """Return whether the container of an earlier try has the arguments of this try: its end may then be this try's end.

    Args:
        note: record of the earlier try.
        on_file: the request that was written last.
        wanted: the request of this try.
        platform: name of the backend of this try.
    """
    return (
        not note.closed
        and note.platform == platform
        and on_file is not None
        and on_file.attempt == note.attempt
        and (on_file.job, on_file.arguments, on_file.radiant_version, on_file.image)
        == (wanted.job, wanted.arguments, wanted.radiant_version, wanted.image)
    )


def close_container(platform: Platform, place: TaskPlace, note: ContainerRecord) -> str:
    """Record that the container's end has been judged, then remove what is left of it.

    Return what could not be removed and why, in a sentence; the empty text when nothing is left.

    Raises:
        StorageError: the record could not be written.
    """
    dataclasses.replace(note, closed=True).save(place)
    return release(platform, note)


def release(platform: Platform, note: ContainerRecord) -> str:
    """Remove what is left of an ended container; return what could not be removed and why, or the empty text."""
    if note.handle is None:
        return ""
    for pause_s in (*_RELEASE_PAUSES_S, None):
        try:
            platform.release(note.handle)
        except (PlatformUnavailableError, JobRefusedError) as error:
            if pause_s is None:
                what = f"{platform.noun} {name_of(note.handle)}"
                return f"{what} could not be removed, the last task of the run tries again: {error}"
            time.sleep(pause_s)
        else:
            break
    return ""


def stop_if_replaced(platform: Platform, place: TaskPlace, handle: Handle, attempt: str) -> None:
    """Stop a container whose attempt another process of the task has replaced or judged while it was started.

    A stop that the platform does not take is not repeated: the worker finds its attempt replaced, and ends.
    """
    found = read_record(place)
    if found is not None and (found.closed or found.attempt != attempt):
        with contextlib.suppress(PlatformUnavailableError, JobRefusedError):
            platform.stop(handle, Reason.SUPERSEDED)


def name_of(handle: Handle) -> str:
    """Return the name by which a person finds the container on its platform."""
    return str(handle.get("name") or handle.get("arn") or handle)
