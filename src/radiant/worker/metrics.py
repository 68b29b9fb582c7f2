"""The metrics of jobs: their names, units and labels, and what a job's end adds to them. Nothing of OpenTelemetry.

Labels are jobs, reasons, platforms and, while a job runs, its case number: never a sample, a person or a file.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from radiant.domain.case import WaitingCases
from radiant.jobs.contracts import CommitOutput
from radiant.jobs.documents import Request, Result
from radiant.jobs.usage import JobTry

MIB = 1 << 20

Labels = Mapping[str, str | int | bool]


class Instrument(StrEnum):
    """What an instrument does with its values."""

    COUNTER = "counter"
    """Adds them up."""
    HISTOGRAM = "histogram"
    """Counts them by size."""
    GAUGE = "gauge"
    """Has the latest one."""


@dataclass(frozen=True, slots=True)
class Metric:
    """An instrument."""

    name: str
    kind: Instrument
    unit: str
    meaning: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()
    """Of a histogram's buckets."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value."""

    metric: Metric
    value: float
    labels: Labels


_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0)
_SHARES = (0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
_OF_JOB = ("job", "status")
_OF_TRY = ("backend", "spot", "code")

JOBS = Metric(
    "radiant.jobs", Instrument.COUNTER, "{job}", "Attempts of jobs that left a result", ("job", "status", "code")
)
JOB_TIME = Metric(
    "radiant.job.duration", Instrument.HISTOGRAM, "s", "From the start of a job's process", _OF_JOB, _SECONDS
)
JOB_CPU = Metric("radiant.job.cpu", Instrument.COUNTER, "s", "CPU time of jobs", _OF_JOB)
JOB_RECORDS = Metric("radiant.job.records", Instrument.COUNTER, "{record}", "VCF records that jobs read", _OF_JOB)
JOB_ROWS = Metric("radiant.job.rows", Instrument.COUNTER, "{row}", "Rows that jobs made or committed", _OF_JOB)
JOB_READ = Metric("radiant.job.read", Instrument.COUNTER, "By", "Bytes that jobs read", _OF_JOB)
JOB_WRITTEN = Metric("radiant.job.written", Instrument.COUNTER, "By", "Bytes that jobs wrote", _OF_JOB)
JOB_MEMORY = Metric("radiant.job.memory", Instrument.GAUGE, "By", "Memory that a running job uses now", ("job", "case"))
JOB_LIMIT = Metric("radiant.job.memory.limit", Instrument.GAUGE, "By", "Memory limit of a running job", ("job", "case"))
CASES = Metric("radiant.cases", Instrument.COUNTER, "{case}", "Cases by how their import ended", ("outcome", "code"))
TRIES = Metric("radiant.import.tries", Instrument.COUNTER, "{try}", "Tries of imports, spot losses among them", _OF_TRY)
WAITING = Metric(
    "radiant.import.waiting", Instrument.HISTOGRAM, "s", "From when an import could start to its process", ("backend",),
    _SECONDS,
)  # fmt: skip
SHARE = Metric(
    "radiant.import.memory.share", Instrument.HISTOGRAM, "1", "Peak memory of a try by its limit", ("backend",), _SHARES
)
QUEUE = Metric(
    "radiant.cases.waiting", Instrument.GAUGE, "{case}", "Cases that wait for their import, or are in it", ()
)
QUEUE_SINCE = Metric(
    "radiant.cases.waiting.since", Instrument.GAUGE, "s", "Unix time from which the first of them waits, else now", (),
)  # fmt: skip
METRICS = (
    JOBS, JOB_TIME, JOB_CPU, JOB_RECORDS, JOB_ROWS, JOB_READ, JOB_WRITTEN, JOB_MEMORY, JOB_LIMIT, CASES, TRIES, WAITING,
    SHARE, QUEUE, QUEUE_SINCE,
)  # fmt: skip
"""All of them; docs/telemetry.md has the same table."""


def measurements(
    result: Result, output: object, tries: tuple[JobTry, ...] = (), waiting: WaitingCases | None = None
) -> Iterator[Measurement]:
    """Yield what the end of a job adds.

    Args:
        result: Of the attempt.
        output: What its handler returned; that of `commit-part` has the outcomes of its cases.
        tries: Of imports whose end the job has read: a container that was killed reports nothing itself.
        waiting: The cases that wait at the end of the job; None where it exports none.
    """
    of_job = {"job": result.job, "status": result.status.value}
    code = result.failure.code if result.failure is not None else ""
    yield Measurement(JOBS, 1, of_job | {"code": code})
    if (usage := result.usage) is not None:
        for metric, value in (
            (JOB_TIME, usage.wall_s),
            (JOB_CPU, usage.cpu_s),
            (JOB_RECORDS, usage.records),
            (JOB_ROWS, usage.rows),
            (JOB_READ, usage.bytes_read),
            (JOB_WRITTEN, usage.bytes_written),
        ):
            yield Measurement(metric, value, of_job)
    if isinstance(output, CommitOutput):
        yield Measurement(CASES, len(output.imported), {"outcome": "imported", "code": ""})
        yield Measurement(CASES, len(output.deleted), {"outcome": "deleted", "code": ""})
        for failed in output.failed:
            yield Measurement(CASES, 1, {"outcome": "failed", "code": failed.code})
    for one in tries:
        yield from _of_try(one)
    if waiting is not None:
        yield Measurement(QUEUE, waiting.count, {})
        yield Measurement(QUEUE_SINCE, (waiting.since or dt.datetime.now(dt.UTC)).timestamp(), {})


def running_labels(request: Request) -> Labels:
    """Return the labels of a job that runs."""
    case = request.arguments.get("case_id")
    return {"job": request.job} | ({"case": case} if isinstance(case, int) else {})


def _of_try(one: JobTry) -> Iterator[Measurement]:
    backend = one.placement.backend
    yield Measurement(TRIES, 1, {"backend": backend, "spot": bool(one.placement.spot), "code": one.code or ""})
    delays = (one.times.queued_s, one.times.waiting_s, one.times.starting_s)
    if any(delay is not None for delay in delays):
        yield Measurement(WAITING, sum(delay or 0.0 for delay in delays), {"backend": backend})
    if one.peak_memory_mib is not None and one.memory_limit_mib:
        yield Measurement(SHARE, one.peak_memory_mib / one.memory_limit_mib, {"backend": backend})
