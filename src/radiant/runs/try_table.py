"""The table of tries in a run's report: where each ran, the delays before it, and everything that it used, as text."""

from collections.abc import Sequence

from radiant.jobs.usage import Placement
from radiant.runs.run_facts import TryFacts
from radiant.runs.strips import size
from radiant.runs.timeline import span

MOST_TRIES = 500
"""Rows. Of more tries it has those that did not succeed and the longest."""
_SEEN_S = 0.05
TRY_COLUMNS = (
    "try",
    "outcome",
    "queued + waiting + starting",
    "ran",
    "user + system CPU",
    "peak of MiB",
    "read, requests",
    "written, requests",
    "scratch",
    "records",
    "rows",
    "stored",
    "place",
)


def shown_tries(tries: Sequence[TryFacts]) -> list[TryFacts]:
    """Return the tries that the table has, in their order."""
    if len(tries) <= MOST_TRIES:
        return list(tries)
    order = sorted(
        range(len(tries)),
        key=lambda index: (tries[index].job_try.code is None, -(tries[index].job_try.times.running_s or 0)),
    )
    return [tries[index] for index in sorted(order[:MOST_TRIES])]


def try_name(one: TryFacts) -> str:
    """Return what a try was for: `case 7` of an import, `prepare-part part 0` of another job."""
    return one.where if one.case_id is not None else f"{one.job} {one.where}".strip()


def try_cells(one: TryFacts) -> tuple[str, ...]:
    """Return the row of a try, see `TRY_COLUMNS`; a value that was not measured is empty."""
    job_try, usage = one.job_try, one.job_try.usage
    times = job_try.times
    peak = "" if job_try.peak_memory_mib is None else f"{job_try.peak_memory_mib:,.0f}"
    used = (
        ("",) * 7
        if usage is None
        else (
            _cpu(usage.user_s, usage.system_s, usage.cpu_s),
            _traffic(usage.bytes_read, usage.read_requests),
            _traffic(usage.bytes_written, usage.write_requests),
            _mib(usage.scratch_peak_mib),
            f"{usage.records:,}" if usage.records else "",
            f"{usage.rows:,}" if usage.rows else "",
            size(usage.bytes_stored) if usage.bytes_stored else "",
        )
    )
    cpu, *others = used
    return (
        str(job_try.try_number),
        "running" if one.running else job_try.code or "✓",
        " + ".join(map(_delay, (times.queued_s, times.waiting_s, times.starting_s))),
        "" if times.running_s is None else span(times.running_s),
        cpu,
        f"{peak} of {job_try.memory_limit_mib:,}",
        *others,
        place(job_try.placement),
    )


def place(where: Placement) -> str:
    """Return where a try ran, as far as its platform reports it; the name of a person's own machine is left out."""
    named = None if where.backend == "local" else where.node
    kind = {True: "spot", False: "on demand", None: None}[where.spot]
    parts = (where.backend, where.capacity, where.instance_type, where.architecture, where.zone, kind, named)
    return ", ".join(filter(None, parts))


def _cpu(user_s: float | None, system_s: float | None, cpu_s: float) -> str:
    return span(cpu_s) if user_s is None or system_s is None else f"{span(user_s)} + {span(system_s)}"


def _delay(seconds: float | None) -> str:
    return "?" if seconds is None else span(seconds) if seconds >= _SEEN_S else "0"


def _traffic(count: int, requests: int) -> str:
    return f"{size(count)}, {requests:,}" if requests else size(count)


def _mib(mib: float) -> str:
    return f"{mib:,.0f} MiB" if mib >= 1 else ""
