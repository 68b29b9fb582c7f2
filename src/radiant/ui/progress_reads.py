"""The progress of imports that run, from the documents that their workers write."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from radiant import storage
from radiant.errors import RadiantError
from radiant.jobs.reading_progress import ReadingProgress, decode_progress, progress_uri
from radiant.settings import Settings
from radiant.ui.airflow_runs import ImportTask
from radiant.ui.consoles import task_folder
from radiant.ui.pages import RunningImport

_MOST_PROGRESS = 20
"""Running imports whose progress is read for one page: each costs two requests to the store."""
_AT_ONCE = 8


def progress_of(tasks: Sequence[ImportTask], settings: Settings) -> tuple[RunningImport, ...]:
    """Return imports with their progress, of those that run; None where an import has written none."""
    running = [one for one in tasks if one.is_running][:_MOST_PROGRESS]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="progress") as pool:
        found = dict(zip(running, pool.map(partial(_progress, settings=settings), running), strict=True))
    return tuple(RunningImport(one, found.get(one)) for one in tasks)


def _progress(task: ImportTask, settings: Settings) -> ReadingProgress | None:
    folder = task_folder(task, settings)
    try:
        request = folder.read_request()
        if request is None:
            return None
        if task.try_number > 1 and folder.read_outcome(request.attempt) is not None:
            return None  # of the try before: this one has written no request yet
        uri = progress_uri(folder.uri, request.attempt)
        return decode_progress(storage.read_bytes(uri), uri).reading
    except RadiantError:
        return None  # none was written yet, or the store does not answer: the page has the rest
