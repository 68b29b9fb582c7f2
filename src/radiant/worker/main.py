"""`radiant-worker <job> --request URI --result URI`: the same command line on every backend.

Deletes a stale result, works, then writes the result by rename, even if the job failed. The log goes to standard output
and, compressed, beside the result. Exit code 0, or 65 bad input, 70 bug, 75 transient, 78 configuration. Without a
readable request there is no attempt to write a result for: the log and the exit code alone have the error.
"""

import argparse
import datetime as dt
import gc
import importlib
import logging
import os
import platform
import signal
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from types import FrameType
from typing import TextIO

from radiant import storage
from radiant.errors import EXIT_BUG, EXIT_OK, EXIT_TRANSIENT, ConfigError, RadiantError, TerminatedError
from radiant.jobs.catalogue import find_job
from radiant.jobs.codec import encode
from radiant.jobs.documents import Failure, Request, Result, Status, decode_request, log_uri
from radiant.settings import Settings, ecs_metadata_uri, keep_numpy_to_one_thread, load_installation
from radiant.worker.handler import Handler, HandlerResult, require_current
from radiant.worker.memory import memory_meter
from radiant.worker.metrics import measurements
from radiant.worker.own_log import OwnLog
from radiant.worker.own_places import require_own
from radiant.worker.telemetry import Report, phase, traced
from radiant.worker.usage import UsageMeter
from radiant.worker.without_pandas import hide_pandas

log = logging.getLogger("radiant.worker")

RESULT_PAUSES_S = (1.0, 4.0, 15.0)
"""Before each further try to write the result: all the work is in it."""
GC_THRESHOLD = 100_000
"""New objects between two collections of cycles, which are rare here."""
_FORMAT = "%(asctime)s %(levelname)s %(message)s"

HANDLERS = {
    "plan-import": "radiant.worker.plan_import",
    "prepare-part": "radiant.worker.prepare_part",
    "import-case": "radiant.worker.import_case",
    "commit-part": "radiant.worker.commit_part",
    "maintain-tables": "radiant.worker.maintain_tables",
    "run-report": "radiant.worker.run_report",
    "poc": "radiant.worker.poc",
}
"""Module of each job's `handle`, imported when its job runs: no job loads the libraries of another."""


class Output(logging.StreamHandler[TextIO]):
    """Writes the log. `logging` drops an error that is raised in a write; the one of SIGTERM must stop the job."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Raise the error of SIGTERM again."""
        if isinstance(sys.exc_info()[1], TerminatedError):
            raise  # noqa: PLE0704 - called within the handling of the error
        super().handleError(record)


def main(argv: list[str] | None = None) -> None:
    """Run one job and exit."""
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    # Importing makes objects that stay: the collector would walk through all of them again and again.
    gc.set_threshold(GC_THRESHOLD)
    keep_numpy_to_one_thread()
    hide_pandas()
    # Every line is written at once and in order: a job that is killed leaves nothing but its log.
    logging.basicConfig(handlers=[Output(sys.stdout)], level=logging.INFO, format=_FORMAT)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        installation = load_installation()
        logging.getLogger("radiant").setLevel(installation.log_level)
        find_job(arguments.job)
        request = decode_request(storage.read_bytes(arguments.request), arguments.request)
        if request.job != arguments.job:
            msg = f"{arguments.request} asks for {request.job}, the command line for {arguments.job}"
            raise ConfigError(msg)
        settings = installation.of_run(request.tenant or None)
        require_own(request, settings, arguments.request, arguments.result)
        with ThreadPoolExecutor(1, thread_name_prefix="stale") as pool:
            # Beside the next request: neither needs the other.
            deletion = pool.submit(storage.delete_prefix, arguments.result)
            require_current(request)
            deletion.result()
    except RadiantError as error:
        log.error("%s: %s", error.code, error)  # noqa: TRY400 - the message is for people, a traceback is not
        sys.exit(error.exit_code)
    with OwnLog(log_uri(arguments.result), logging.Formatter(_FORMAT)):
        code = run(request, settings, arguments.result)
    sys.exit(code)


def run(request: Request, settings: Settings, result_uri: str) -> int:
    """Run the job, write its result document and return the exit code."""
    meter = UsageMeter(memory_meter(ecs_metadata_uri()))
    with traced(request, meter) as report:
        return _run(request, settings, result_uri, meter, report)


def _run(request: Request, settings: Settings, result_uri: str, meter: UsageMeter, report: Report) -> int:
    started = _now()
    meter.start()
    returned = HandlerResult(output=None)
    failure: Failure | None = None
    try:
        handler: Handler = importlib.import_module(HANDLERS[request.job]).handle
        returned = handler(request, settings, meter)
    except RadiantError as error:
        failure = Failure(error.code, str(error), error.retryable, error.exit_code)
        log.error("%s: %s", error.code, error)  # noqa: TRY400 - the message is for people, a traceback is not
    except MemoryError:
        failure = Failure("OutOfMemory", "the job ran out of memory", retryable=True, exit_code=EXIT_TRANSIENT)
        log.exception("OutOfMemory")
    except Exception as error:  # noqa: BLE001 - no caller is left that could report it
        # Without the error's own text, which may quote a value of the file, an identifier among them; that of an import
        # names the library that the image lacks.
        detail = f" ({error})" if isinstance(error, ImportError) else ""
        message = (
            f"{type(error).__name__}{detail} {_place_of(error)}. This is a bug in radiant: report it with the log above"
        )
        failure = Failure("Bug", message, retryable=False, exit_code=EXIT_BUG)
        log.error("Bug: %s\n%s", message, "".join(traceback.format_tb(error.__traceback__)).rstrip())  # noqa: TRY400 - as above
        log.debug("%s", error)
    result = Result(
        job=request.job,
        attempt=request.attempt,
        status=Status.FAILED if failure else Status.SUCCEEDED,
        failure=failure,
        output=returned.output,
        rows=returned.rows,
        digests=returned.digests,
        usage=meter.stop(
            records=returned.records, rows=sum(returned.rows.values()), bytes_stored=returned.bytes_stored
        ),
        radiant_version=metadata.version("radiant"),
        image=settings.image,
        python_version=platform.python_version(),
        started_at=started,
        finished_at=_now(),
    )
    report(result, measurements(result, returned.output, returned.import_tries, returned.waiting))
    try:
        with phase("result"):
            _write(result_uri, result)
    except RadiantError as error:
        log.error("%s: the result could not be written: %s", error.code, error)  # noqa: TRY400 - for a person
        return error.exit_code
    return EXIT_OK if failure is None else failure.exit_code or EXIT_BUG


def _write(uri: str, result: Result) -> None:
    """Write the result; retry transient errors."""
    for pause_s in RESULT_PAUSES_S:
        try:
            storage.write_bytes(uri, encode(result))
        except RadiantError as error:
            if not error.retryable:
                raise
            log.warning("%s; trying again in %g s", error, pause_s)
            time.sleep(pause_s)
        else:
            return
    storage.write_bytes(uri, encode(result))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="radiant-worker", description="Run one job of radiant.")
    parser.add_argument("job", choices=sorted(HANDLERS))
    parser.add_argument("--request", required=True, metavar="URI", help="where the request document is")
    parser.add_argument("--result", required=True, metavar="URI", help="where to write the result document")
    return parser.parse_args(argv)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    # A second SIGTERM must not interrupt the clean-up after the first.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    msg = f"process {os.getpid()} was asked to stop (SIGTERM); nothing it staged is visible, another try starts over"
    raise TerminatedError(msg)


def _place_of(error: Exception) -> str:
    """Return the line of our own code that was running."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}radiant{os.sep}" in frame.filename] or frames
    path = ours[-1].filename.rpartition(f"{os.sep}radiant{os.sep}")[2]
    return f"in {path}, line {ours[-1].lineno}, {ours[-1].name}"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


if __name__ == "__main__":
    main()
