"""The progress of running imports, from documents as operators and workers write them."""

import dataclasses
import datetime as dt

from radiant import storage
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Result, Status
from radiant.jobs.reading_progress import ProgressDocument, ReadingProgress, progress_uri
from radiant.settings import load_settings
from radiant.ui.airflow_runs import ImportTask
from radiant.ui.consoles import task_folder
from radiant.ui.progress_reads import progress_of

READING = ReadingProgress(
    case_id=7, contig="chr7", position=117559593, records=1000, records_per_s=100, percent=50.0, memory_mib=412,
    memory_limit_mib=2048, eta_s=10, processes=2,
)  # fmt: skip
FIRST = ImportTask("r", 0, 7, "running", 1, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None)
SECOND = dataclasses.replace(FIRST, try_number=2)


def begin(folder, attempt):
    """Write what a try leaves that reads."""
    folder.write_request(Request("import-case", attempt, folder.run_uri, task_uri=folder.uri))
    storage.write_bytes(progress_uri(folder.uri, attempt), encode(ProgressDocument(1.0, READING)))


def test_a_further_try_has_the_progress_of_its_own_attempt_or_of_the_container_that_it_follows(tmp_path):
    settings = load_settings({"RADIANT_HOME": str(tmp_path)})

    def shown(task):
        (found,) = progress_of([task], settings)
        return found.reading

    folder = task_folder(FIRST, settings)
    assert shown(FIRST) is None
    begin(folder, "first")
    assert shown(FIRST) == READING
    assert shown(SECOND) == READING, "without an outcome it is a container that the second try follows"
    folder.write_outcome(Result("import-case", "first", Status.LOST))
    assert shown(SECOND) is None
    begin(folder, "second")
    assert shown(SECOND) == READING
