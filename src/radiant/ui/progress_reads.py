"""The progress of imports that run, from the documents that their workers write."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from radiant.errors import RadiantError
from radiant.jobs.reading_progress import ReadingProgress
from radiant.runs.case_folder import read_case_folder
from radiant.settings import Settings
from radiant.ui.airflow_runs import ImportTask
from radiant.ui.consoles import task_folder
from radiant.ui.pages import RunningImport

_MOST_PROGRESS = 20
"""Running imports whose progress is read for one page: each costs two requests to the store, three until it reads."""
_AT_ONCE = 8


def progress_of(tasks: Sequence[ImportTask], settings: Settings) -> tuple[RunningImport, ...]:
    """Return imports with their progress, of those that run; None where an import has written none."""
    running = [one for one in tasks if one.is_running][:_MOST_PROGRESS]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="progress") as pool:
        found = dict(zip(running, pool.map(partial(_progress, settings=settings), running), strict=True))
    return tuple(RunningImport(one, found.get(one)) for one in tasks)


def _progress(task: ImportTask, settings: Settings) -> ReadingProgress | None:
    try:
        return read_case_folder(task_folder(task, settings).uri, task.try_number).reading
    except RadiantError:
        return None  # a right is missing: the page has the rest
