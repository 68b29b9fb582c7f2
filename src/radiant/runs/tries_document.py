"""The tries of a task so far, `tries.json` beside its request: written by its operator, read by it, reports and bills.

An outcome has the tries up to it, for jobs that read one document of a task. This one has those of a task that has no
outcome yet, too: of a container that is started again within a try.
"""

from dataclasses import dataclass

from radiant import storage
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.codec import decode, encode
from radiant.jobs.usage import JobTry

TRIES = "tries.json"


@dataclass(frozen=True, slots=True)
class _Tries:
    tries: tuple[JobTry, ...] = ()


def read_tries(task_uri: str) -> tuple[JobTry, ...]:
    """Return the tries of a task so far, oldest first; none where there are none that this version can read.

    Args:
        task_uri: Folder of the task instance.

    Raises:
        StorageError: the store does not answer.
    """
    uri = f"{task_uri}/{TRIES}"
    try:
        return decode(_Tries, storage.read_bytes(uri), where=uri, what="the tries of a task", remedy="").tries
    except (InputError, JobProtocolError):
        return ()


def write_tries(task_uri: str, tries: tuple[JobTry, ...]) -> None:
    """Store the tries of a task for the next one.

    Raises:
        StorageError: they could not be written.
    """
    storage.write_bytes(f"{task_uri}/{TRIES}", encode(_Tries(tries)))
