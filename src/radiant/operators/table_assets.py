"""The tables as Airflow assets: a commit that changed them leaves an event for each, with rows and snapshot.

The events come through one alias, so that a commit without a case leaves none: a DAG that is scheduled on a table then
starts when the table has changed, and not otherwise.
"""

from typing import Any

from airflow.sdk import Asset, AssetAlias

from radiant.jobs.codec import JsonObject
from radiant.jobs.contracts import CommitOutput, output_of
from radiant.jobs.documents import read_job_summary
from radiant.operators.tenancy import run_settings
from radiant.settings import Settings

TABLES = AssetAlias("radiant-tables")
"""Outlet of the task that commits."""


def table_asset(table: str, settings: Settings) -> Asset:
    """Return the asset of a table.

    Example: `occurrence` is `radiant.occurrence`, at `radiant://default/radiant/occurrence`.

    Args:
        table: Its short name.
        settings: With the names of catalog and namespace.
    """
    lake = settings.lake
    return Asset(name=f"{lake.namespace}.{table}", uri=f"radiant://{lake.catalog}/{lake.namespace}/{table}")


def table_events(committed: object, settings: Settings) -> list[tuple[Asset, JsonObject]]:
    """Return the assets of the tables that a commit changed, each with the `extra` of its event.

    Args:
        committed: XCom of `commit-part`.
        settings: With the names of catalog and namespace.

    Raises:
        JobProtocolError: the XCom is not that of `commit-part`.
    """
    summary = read_job_summary(committed, "the XCom of commit")
    output = output_of(summary, CommitOutput)
    cases = [case.case_id for case in output.imported]
    return [
        (
            table_asset(table, settings),
            {
                "part": output.part,
                "rows": summary.rows.get(table, 0),
                # Numbers of 64 bits, which JavaScript rounds.
                "snapshot_id": None if snapshot is None else str(snapshot),
                "cases": cases,
                "deleted_cases": list(output.deleted),
            },
        )
        for table, snapshot in output.snapshots.items()
    ]


def announce_tables(context: Any, committed: object) -> None:
    """Add the events of the tables; runs after the task that commits, in its process."""
    for asset, extra in table_events(committed, run_settings(context)):
        context["outlet_events"][TABLES].add(asset, extra=extra)
