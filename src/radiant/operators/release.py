"""The end of a container's note and of what is left of the container on its platform."""

import dataclasses
import time

from radiant.errors import JobRefusedError, PlatformUnavailableError
from radiant.operators.note import Note
from radiant.operators.platform import Handle, Platform
from radiant.operators.request import TaskPlace

_RELEASE_PAUSES_S = (0.5, 2.0)
"""Between tries to remove an ended container."""


def let_go(platform: Platform, place: TaskPlace, note: Note) -> str:
    """Write down that the container's end has been judged, then remove what is left of it.

    Return what could not be removed and why, in a sentence; the empty text when nothing is left.

    Raises:
        StorageError: the note could not be written.
    """
    dataclasses.replace(note, closed=True).save(place)
    return release(platform, note)


def release(platform: Platform, note: Note) -> str:
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


def name_of(handle: Handle) -> str:
    """Return the name by which a person finds the container on its platform."""
    return str(handle.get("name") or handle.get("arn") or handle)
