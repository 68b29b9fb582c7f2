"""Starts `import-radiant` for cases, as Airflow's own trigger form does."""

from collections.abc import Sequence

from airflow.api.common.trigger_dag import trigger_dag
from airflow.exceptions import DagNotFound, DagRunAlreadyExists
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy.orm import Session

from radiant.errors import InputError
from radiant.jobs.dag_ids import IMPORT_RADIANT

MOST_CASES = 1000
"""In one form."""


def import_again(session: Session, case_ids: Sequence[int], form: str, user: str) -> str:
    """Start a run for cases; return its id. The same form sent twice is one run.

    Args:
        session: Of Airflow's database.
        case_ids: Their numbers.
        form: The number of the form.
        user: That asked for it.

    Raises:
        InputError: no case is named, or the DAG is not there.
    """
    if not case_ids or len(case_ids) > MOST_CASES:
        msg = f"choose the cases to import again, 1 to {MOST_CASES}"
        raise InputError(msg)
    run_id = f"manual__again_{form}"
    try:
        trigger_dag(
            IMPORT_RADIANT,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=user,
            run_id=run_id,
            conf={"cases": ", ".join(map(str, sorted(set(case_ids))))},
            session=session,
        )
    except DagRunAlreadyExists:
        pass
    except DagNotFound:
        msg = f"Airflow has no DAG {IMPORT_RADIANT}: put radiant's DAG files into its DAG bundle"
        raise InputError(msg) from None
    return run_id
