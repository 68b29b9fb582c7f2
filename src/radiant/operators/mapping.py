"""Turning the output of one job into the requests of a mapped task."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException


def mapped(items: list[Any], what: str) -> list[Any]:
    """Return the items to map a task over.

    Raises:
        AirflowFailException: there are more than Airflow maps a task over (`core.max_map_length`).
    """
    limit = conf.getint("core", "max_map_length", fallback=1024)
    if len(items) > limit:
        msg = (
            f"{len(items)} {what} in one run, and Airflow maps a task over {limit} at most: set "
            f"AIRFLOW__CORE__MAX_MAP_LENGTH={len(items)} or more, or trigger the run for fewer cases at a time"
        )
        raise AirflowFailException(msg)
    return items


def import_requests(prepared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one `import-case` request for each case that `prepare-part` claimed, in its order."""
    return mapped(prepared["output"]["cases"], "cases")


def part_confs(planned: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the params of one `import-part` run for each part that `plan-import` found, most urgent first."""
    keys = ("part", "cases", "priority")
    return mapped([{key: part[key] for key in keys} for part in planned["output"]["parts"]], "parts")
