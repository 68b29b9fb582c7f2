"""Params that several DAGs share, with the rules that Airflow checks before a run starts."""

from airflow.sdk import Param


def part_param() -> Param:
    """Return the param `part`: one partition, required."""
    return Param(type="integer", minimum=0, title="Part", description="Partition that holds the cases.")


def cases_param(description: str) -> Param:
    """Return the param `cases`: case numbers, or none.

    Args:
        description: What the numbers do, and what happens without any.
    """
    return Param(
        None,
        type=["null", "array"],
        items={"type": "integer", "minimum": 1},
        minItems=1,
        uniqueItems=True,
        title="Cases",
        description=f"Case numbers, for example [1, 2]{description}",
    )
