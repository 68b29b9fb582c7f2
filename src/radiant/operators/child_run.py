"""Running another DAG and waiting for its verdict."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.triggers.external_task import DagStateTrigger
from airflow.sdk.exceptions import AirflowFailException

from radiant.domain.case import Priority
from radiant.operators.verdict import Verdict, describe

_POLL_S = 2
_A_RANK = dt.timedelta(days=366)
_OVER = ("success", "failed")


class RunDagOperator(TriggerDagRunOperator):
    """Starts a run of another DAG under a run id of the caller's choice and waits for it without holding a slot.

    The scheduler takes waiting tasks of equal weight in the order of their runs' logical dates, so this date is the
    order of urgency: the `priority` in `conf` first, then the time at which the first run of all began, then the map
    index (not who was quicker to start its run). It is handed down to the runs that the other run starts.

    The run id makes it repeatable: a run of that id that is under way is waited for, one that succeeded is taken as it
    is, one that failed is cleared and runs again (that is what clearing the task is for). So a retried or cleared task
    never starts a second run. The XCom is the verdict of the other run's task `verdict`, also when it failed.
    """

    def __init__(
        self,
        *,
        trigger_dag_id: str,
        trigger_run_id: str,
        conf: Mapping[str, Any],
        **airflow_kwargs: Any,
    ) -> None:
        """Describe the task.

        Args:
            trigger_dag_id: the other DAG.
            trigger_run_id: id of its run, templated; must be the same for every try.
            conf: its params, templated.
            airflow_kwargs: what every Airflow operator takes.
        """
        super().__init__(
            trigger_dag_id=trigger_dag_id,
            trigger_run_id=trigger_run_id,
            conf=conf,  # pyright: ignore[reportArgumentType] - the provider annotates dict, and changes it for OpenLineage
            wait_for_completion=True,
            deferrable=True,
            poke_interval=_POLL_S,
            reset_dag_run=True,
            fail_when_dag_is_paused=True,
            **airflow_kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Start or adopt the run; deferred until it is over.

        Raises:
            AirflowFailException: the other run failed; the message has its reasons.
        """
        instance = context["ti"]
        run_id = str(self.trigger_run_id)
        there = instance.get_dr_count(dag_id=self.trigger_dag_id, run_ids=[run_id])
        state = instance.get_dagrun_state(self.trigger_dag_id, run_id) if there else None
        if state == "success":
            self.log.info("%s run %s has succeeded already", self.trigger_dag_id, run_id)
            return self._verdict(context, run_id, state)
        if state in {"queued", "running"}:
            self.log.info("%s run %s is under way already: waiting for it", self.trigger_dag_id, run_id)
            self.defer(
                trigger=DagStateTrigger(self.trigger_dag_id, list(_OVER), run_ids=[run_id], poll_interval=_POLL_S),  # pyright: ignore[reportArgumentType]
                method_name="execute_complete",
            )
        offset = dt.timedelta(milliseconds=max(instance.map_index or 0, 0), microseconds=instance.try_number)
        own = context["dag_run"]
        self.run_after = own.run_after + offset
        self.logical_date = offset + (own.logical_date or own.run_after - head_start(self.conf.get("priority")))  # pyright: ignore[reportOptionalMemberAccess, reportUnknownVariableType]
        super().execute(context)  # ends in an exception that starts the run and defers
        raise AssertionError

    def execute_complete(self, context: Any, event: tuple[str, dict[str, Any]]) -> Any:
        """Return the `Verdict` of the run that is over.

        Raises:
            AirflowFailException: it failed; the message has its reasons.
        """
        data = event[1]
        (run_id,) = data["run_ids"]
        self.trigger_run_id = run_id
        return self._verdict(context, run_id, data[run_id])

    def _verdict(self, context: Any, run_id: str, state: str) -> Verdict:
        instance = context["ti"]
        verdict: Verdict | None = instance.xcom_pull(
            dag_id=self.trigger_dag_id, run_id=run_id, task_ids="verdict", map_indexes=-1
        )
        if verdict is None:
            msg = f"run {run_id} of {self.trigger_dag_id} ended as {state} without a verdict: look at its tasks"
            raise AirflowFailException(msg)
        if state != "success":
            instance.xcom_push(key="return_value", value=verdict)
            msg = f"run {run_id} of {self.trigger_dag_id} {state}. {describe(verdict)}"
            raise AirflowFailException(msg)
        return verdict


def head_start(priority: str | None) -> dt.timedelta:
    """Return by how much the logical date of a run moves into the past.

    A year for each rank above `routine`: what is stat goes before all that is not, however long that has waited.
    """
    return (Priority.ROUTINE.rank - Priority(priority or Priority.ROUTINE).rank) * _A_RANK
