"""The job `run-report`: writes the report of a run into the run's folder."""

import datetime as dt
import logging

from radiant import storage
from radiant.jobs.contracts import ReportArguments, ReportOutput, arguments_of
from radiant.jobs.documents import Request, report_uri
from radiant.runs.make_report import make_report
from radiant.settings import Settings
from radiant.worker.handler import HandlerResult
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.run_report")


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Write the report; it has credentials of neither registry nor catalog, since the run's documents have it all.

    Raises:
        JobProtocolError: a document of the run is of another version.
        StorageError: a document could not be read, or the report not written.
    """
    run_id = arguments_of(request, ReportArguments).run_id
    page = make_report(settings, run_id, dt.datetime.now(dt.UTC)).encode()
    uri = report_uri(request.run_uri)
    storage.write_bytes(uri, page)
    log.info("the report of run %s is %s, %d KiB", run_id, uri, len(page) >> 10)
    return HandlerResult(ReportOutput(uri=uri, size_bytes=len(page)))
