"""What a run left: containers and processes whose task is no more are ended and removed by the run's last task."""

import logging
import socket
import time
from typing import Any

from airflow.sdk import get_current_context

from radiant import storage
from radiant.errors import JobRefusedError, PlatformUnavailableError, RadiantError
from radiant.jobs.documents import run_uri
from radiant.operators.backend import platform_of
from radiant.operators.process import PROCESS_RECORD, ProcessRecord, end_stray
from radiant.operators.task_folder import read_document, run_key
from radiant.operators.tenancy import run_settings
from radiant.settings import Settings

log = logging.getLogger(__name__)

_PAUSES_S = (2.0, 5.0, 15.0, 30.0)
"""Between tries while the platform does not answer."""


def release_leftovers() -> None:
    """End and remove everything that jobs of the current run have left.

    For a task that runs when all tasks with jobs have ended: a triggerer or worker that was killed could not remove the
    container it followed, and a platform that was away may still run one whose last try was given up. Never fails: what
    it cannot remove is named in the log.
    """
    context: Any = get_current_context()
    instance = context["ti"]
    settings = run_settings(context)
    run = run_uri(settings.effective_work_uri, instance.dag_id, instance.run_id)
    try:
        found = end_processes(run) if settings.backend == "local" else sweep(settings.backend, run, settings)
    except RadiantError as error:
        log.warning("what this run may have left on %s could not be looked for: %s", settings.backend, error)
        return
    if found:
        log.warning(
            "this run had left %d on %s, ended and removed now: %s", len(found), settings.backend, ", ".join(found)
        )


def sweep(backend: str, run: str, settings: Settings) -> list[str]:
    """End and remove the containers of a run; return their names.

    Args:
        backend: as `RADIANT_BACKEND` names it.
        run: the run's folder.
        settings: describe the backend.

    Raises:
        PlatformUnavailableError: the platform does not answer for about a minute.
        JobRefusedError: the connection does not describe it.
    """
    platform = platform_of(backend, settings)
    for pause_s in (*_PAUSES_S, None):
        try:
            return platform.sweep(run_key(run))
        except (PlatformUnavailableError, JobRefusedError):
            if pause_s is None:
                raise
            time.sleep(pause_s)
    return []


def end_processes(run: str) -> list[str]:
    """End the processes that jobs of a run have left on this machine; return their numbers."""
    host, found = socket.gethostname(), []
    for uri in storage.list_files(run):
        record = read_document(uri, ProcessRecord) if uri.endswith(f"/{PROCESS_RECORD}") else None
        if record and record.host == host and end_stray(record.pid, record.started):
            found.append(str(record.pid))
    return found
