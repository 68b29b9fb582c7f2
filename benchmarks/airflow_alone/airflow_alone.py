"""DAG `airflow-alone`: mapped tasks that do nothing, each deferred once and resumed; their number is a param.

What it takes is Airflow's own cost of a task: `benchmarks/scale.py` runs it before it measures radiant.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator, task


class Deferred(BaseOperator):
    """Waits in the triggerer once, for no time."""

    def __init__(self, *, number: int, **airflow_kwargs: Any) -> None:
        super().__init__(**airflow_kwargs)
        self.number = number

    def execute(self, context: Any) -> None:
        del context
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=0)), method_name="resume")

    def resume(self, context: Any, event: Any) -> int:
        del context, event
        return self.number


with DAG(dag_id="airflow-alone", schedule=None, catchup=False, is_paused_upon_creation=False, params={"tasks": 10}):

    @task
    def numbers(params: dict[str, Any] | None = None) -> list[int]:
        """Return one number per task."""
        return list(range((params or {})["tasks"]))

    Deferred.partial(task_id="deferred").expand(number=numbers())
