"""The output of one job as the items of a mapped task, never more than Airflow maps a task over."""

import time
from collections.abc import Sequence

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException

from radiant.jobs.codec import JsonObject, to_json
from radiant.jobs.contracts import ImportParams, PlanOutput, PrepareOutput, output_of
from radiant.jobs.documents import read_job_summary
from radiant.operators.tries import READY_AT


def map_limit() -> int:
    """Return the greatest number of items of a mapped task, `[core] max_map_length`."""
    return conf.getint("core", "max_map_length", fallback=1024)


def import_arguments(prepared: object) -> list[JsonObject]:
    """Return the arguments of `import-case` for each case that `prepare-part` claimed, in its order.

    Each has the time from which on its import can start, which the operator takes out.

    `prepare-part` was given the limit, so there are too many only where the processes of one Airflow are configured
    differently.

    Args:
        prepared: XCom of the task `prepare`.

    Raises:
        AirflowFailException: there are more than Airflow maps a task over.
        JobProtocolError: the XCom is not that of `prepare-part`.
    """
    cases = output_of(read_job_summary(prepared, "the XCom of prepare"), PrepareOutput).cases
    limit = map_limit()
    if len(cases) > limit:
        msg = (
            f"{len(cases)} cases were prepared and this process maps a task over {limit} at most: give every "
            "process of Airflow the same AIRFLOW__CORE__MAX_MAP_LENGTH, then clear prepare"
        )
        raise AirflowFailException(msg)
    ready = {READY_AT: round(time.time(), 3)}
    return [to_json(one) | ready for one in cases]


def part_confs(planned: object) -> list[list[JsonObject]]:
    """Return the params of one `import-part` run for each part that `plan-import` found, most urgent first.

    Each item is the parts that one mapped task runs, one after another: a single part, and several only where there are
    more parts than Airflow maps a task over.

    Args:
        planned: XCom of the task `plan`.

    Raises:
        JobProtocolError: the XCom is not that of `plan-import`.
    """
    parts = output_of(read_job_summary(planned, "the XCom of plan"), PlanOutput).parts
    confs = [to_json(ImportParams(part.part, part.cases, part.priority)) for part in parts]
    limit = map_limit()
    return [confs[first::limit] for first in range(min(limit, len(confs)))]


def blocks(cases: Sequence[int] | None) -> list[tuple[int, ...] | None]:
    """Return the cases in blocks that Airflow can map a task over; None (all of a part) is one block."""
    if cases is None:
        return [None]
    limit = map_limit()
    return [tuple(cases[first : first + limit]) for first in range(0, len(cases), limit)]
