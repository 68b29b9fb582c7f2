"""Whether an attempt still counts: a container that starts late must not disturb the one that replaced it."""

from radiant import storage
from radiant.errors import InputError, TerminatedError
from radiant.jobs.documents import Request, decode_request


def require_current(request: Request) -> None:
    """Return when no later attempt of the same task instance was asked for.

    Raises:
        TerminatedError: another attempt has replaced this one.
        StorageError: the work URI does not answer.
        JobProtocolError: the task's request is of another version.
    """
    if not request.task_uri:
        return
    uri = storage.join(request.task_uri, "request.json")
    try:
        current = decode_request(storage.read_bytes(uri), uri)
    except InputError:
        return
    if current.attempt != request.attempt:
        msg = f"attempt {request.attempt} ends: attempt {current.attempt} of the same task has replaced it"
        raise TerminatedError(msg)
