"""DAG runs of earlier starts in the SQLite database of `radiant run`'s own Airflow: ended, and known as dead."""

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from radiant.errors import AirflowError

_UNFINISHED_RUNS = "state IN ('queued', 'running')"
_UNFINISHED_TASKS = (
    "state IN ('scheduled', 'queued', 'running', 'restarting', 'deferred', 'up_for_retry', 'up_for_reschedule')"
)


def end_past_runs(database: Path) -> frozenset[tuple[str, str]]:
    """Mark all unfinished DAG runs as failed; only while no Airflow runs on this database.

    It is done in the database because through the API is too late: the scheduler goes on with the old runs seconds
    before the API answers, and so would import beside the new run.

    Returns:
        (dag_id, run_id) of every run there ever was: none of them is alive. Not only of those that were marked now: the
        start that marked them may have been killed before it gave back what they held.

    Raises:
        AirflowError: the database is not one of Airflow 3.3.
    """
    if not database.exists():
        return frozenset()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection, connection:
            known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not {"dag_run", "task_instance"} <= known:
                return frozenset()  # killed while the tables were being made: Airflow makes the rest
            connection.execute(
                f"UPDATE task_instance SET state = 'failed', end_date = ? WHERE {_UNFINISHED_TASKS}",  # noqa: S608 - constant
                (now,),
            )
            connection.execute(
                f"UPDATE dag_run SET state = 'failed', end_date = ? WHERE {_UNFINISHED_RUNS}",  # noqa: S608 - constant
                (now,),
            )
            return frozenset(connection.execute("SELECT dag_id, run_id FROM dag_run"))
    except sqlite3.Error as error:
        msg = (
            f"{database} is not usable as the database of Airflow 3.3: {error}. "
            "It holds Airflow's history only, no case: remove its folder to start afresh"
        )
        raise AirflowError(msg) from error
