"""Turning the output of one job into the items of a mapped task, never more than Airflow maps a task over."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException


def map_limit() -> int:
    """Return how many items Airflow maps a task over at most, `[core] max_map_length`."""
    return conf.getint("core", "max_map_length", fallback=1024)


def import_requests(prepared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one `import-case` request for each case that `prepare-part` claimed, in its order.

    `prepare-part` was given the limit, so that there are never too many, unless the processes of one Airflow are
    configured differently.

    Raises:
        AirflowFailException: there are more than Airflow maps a task over.
    """
    requests: list[dict[str, Any]] = prepared["output"]["cases"]
    limit = map_limit()
    if len(requests) > limit:
        msg = (
            f"{len(requests)} cases were prepared and this process maps a task over {limit} at most: give every "
            "process of Airflow the same AIRFLOW__CORE__MAX_MAP_LENGTH, then clear prepare"
        )
        raise AirflowFailException(msg)
    return requests


def part_confs(planned: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """Return the params of one `import-part` run for each part that `plan-import` found, most urgent first.

    Each item is the parts that one mapped task runs, one after another: a single part, and several only where there are
    more parts than Airflow maps a task over.
    """
    keys = ("part", "cases", "priority")
    parts = [{key: part[key] for key in keys} for part in planned["output"]["parts"]]
    limit = map_limit()
    return [parts[first::limit] for first in range(min(limit, len(parts)))]


def blocks(cases: Sequence[int] | None) -> list[list[int] | None]:
    """Return the cases in blocks that Airflow can map a task over; None (all of a part) is one block."""
    if cases is None:
        return [None]
    limit = map_limit()
    return [list(cases[first : first + limit]) for first in range(0, len(cases), limit)]
