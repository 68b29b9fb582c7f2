"""Params that several DAGs share, with the rules that Airflow checks before a run starts."""

from airflow.sdk import Param

from radiant.domain.case_numbers import CASES_PATTERN
from radiant.settings import load_installation


def part_param() -> Param:
    """Return the param `part`: one partition, required."""
    return Param(type="integer", minimum=0, title="Part", description="Partition that holds the cases.")


def maintenance_schedule() -> str | None:
    """Return the schedule of `maintain-tables`, None for a DAG that is only triggered.

    Raises:
        ConfigError: a setting is wrong.
    """
    return load_installation().maintenance.schedule


def cases_param(description: str) -> Param:
    """Return the param `cases`: case numbers as a person types them, or none; see `read_case_numbers`.

    The form shows a text field, since text is the first type; a JSON list or a single number is taken as well.

    Args:
        description: What the numbers do, and what happens without any.
    """
    return Param(
        None,
        type=["null", "string", "integer", "array"],
        pattern=CASES_PATTERN,
        minimum=1,
        items={"type": "integer", "minimum": 1},
        minItems=1,
        title="Cases",
        description=f"Case numbers, for example 105 or 105, 106 or 100-120{description}",
    )
