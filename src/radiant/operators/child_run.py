"""Running other DAGs, one run after another, and waiting for their verdicts."""

import dataclasses
import datetime as dt
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, cast

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.triggers.external_task import DagStateTrigger
from airflow.sdk.exceptions import AirflowFailException

from radiant.domain.case import Priority
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.codec import JsonObject, to_json
from radiant.jobs.contracts import ImportParams, Verdict, read_import_params, read_verdict
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.operators.mapping import blocks
from radiant.operators.tenancy import tenant_conf
from radiant.operators.trace import with_trace
from radiant.operators.verdict import add_up, describe, fail_with

_POLL_S = 2
_A_RANK = dt.timedelta(days=366)
_OVER = ("success", "failed")


class RunDagOperator(TriggerDagRunOperator):
    """Starts runs of another DAG, one after another, and waits for each without holding a slot.

    A subclass names the runs. The scheduler starts waiting tasks of equal weight in the order of their runs' logical
    dates, so this date is the order of urgency: the `priority` in the params first, then the time at which the first
    run of all began, then the number of the run in this task, then the map index. The runs that the other run starts
    inherit it.

    The run ids make it repeatable: the task waits for a run that is under way, accepts one that succeeded, and clears
    one that failed, so that it runs again. So a retried or cleared task never starts a second run. The XCom is the sum
    of the verdicts of the other runs' tasks `verdict`, even if one failed.
    """

    template_fields = ("trigger_dag_id", "confs")
    template_fields_renderers = {"confs": "json"}  # noqa: RUF012 - Airflow declares it as an instance attribute

    def __init__(self, *, trigger_dag_id: str, confs: Sequence[Mapping[str, object]], **airflow_kwargs: Any) -> None:
        """Describe the task.

        Args:
            trigger_dag_id: The other DAG.
            confs: The params of each of its runs, templated, see `ImportParams`.
            airflow_kwargs: What every Airflow operator takes.
        """
        super().__init__(
            trigger_dag_id=trigger_dag_id,
            wait_for_completion=True,
            deferrable=True,
            poke_interval=_POLL_S,
            reset_dag_run=True,
            fail_when_dag_is_paused=True,
            **airflow_kwargs,
        )
        self.confs = confs

    def run_id_of(self, own_run_id: str, params: ImportParams, number: int) -> str:
        """Return the id of a run; the same for every try.

        Args:
            own_run_id: Of the run that starts it.
            params: Of the run.
            number: From 1, in this task.
        """
        raise NotImplementedError

    def split(self, params: ImportParams) -> list[ImportParams]:
        """Return the params of the runs that these params need."""
        return [params]

    def execute(self, context: Any) -> Any:
        """Start or adopt the first run that has not succeeded; deferred until it is over.

        Raises:
            AirflowFailException: a run failed; its reasons are in the log.
        """
        return self._go_on(context, after=None)

    def execute_complete(self, context: Any, event: tuple[str, JsonObject]) -> Any:
        """Go on with the next run; after the last return the sum of the verdicts.

        Raises:
            AirflowFailException: a run failed; its reasons are in the log.
        """
        (run_id,) = cast("list[str]", event[1]["run_ids"])
        return self._go_on(context, after=run_id)

    def _go_on(self, context: Any, after: str | None) -> JsonObject:
        """Walk over the runs: those up to `after` are over, the next that did not succeed is started or waited for."""
        instance = context["ti"]
        try:
            queue = deque(one for conf in self.confs for one in self.split(read_import_params(conf)))
        except (InputError, JobProtocolError) as error:
            raise AirflowFailException(str(error)) from None
        verdicts: list[Verdict] = []
        over = after is not None
        number = 0
        while queue:
            params = queue.popleft()
            number += 1
            run_id = self.run_id_of(instance.run_id, params, number)
            if not over:
                self._run(context, params, run_id, number)
            over = over and run_id != after
            verdict = self._verdict(instance, run_id)
            verdicts.append(dataclasses.replace(verdict, waiting=()))
            if verdict.waiting:
                self.log.info("run %s left %d cases to another run", run_id, len(verdict.waiting))
                queue.extendleft(reversed(self.split(dataclasses.replace(params, cases=verdict.waiting))))
        if over:
            msg = f"run {after} is none that this task would start: it is of another version. Clear the task"
            raise AirflowFailException(msg)
        total = add_up(verdicts, expected=len(verdicts))
        fail_with(total, instance)
        return to_json(total)

    def _run(self, context: Any, params: ImportParams, run_id: str, number: int) -> None:
        """Start or adopt a run, which ends this step by an exception; return when it has succeeded already."""
        instance = context["ti"]
        there = instance.get_dr_count(dag_id=self.trigger_dag_id, run_ids=[run_id])
        state = instance.get_dagrun_state(self.trigger_dag_id, run_id) if there else None
        if state == "success":
            self.log.info("%s run %s has succeeded already", self.trigger_dag_id, run_id)
            return
        if state in {"queued", "running"}:
            self.log.info("%s run %s is under way already: waiting for it", self.trigger_dag_id, run_id)
            self.defer(
                trigger=DagStateTrigger(self.trigger_dag_id, list(_OVER), run_ids=[run_id], poll_interval=_POLL_S),  # pyright: ignore[reportArgumentType]
                method_name="execute_complete",
            )
        how_many = "all cases that wait" if params.cases is None else f"{len(params.cases)} case(s)"
        self.log.info("%s run %s: part %d, %s", self.trigger_dag_id, run_id, params.part, how_many)
        offset = dt.timedelta(milliseconds=max(instance.map_index or 0, 0), microseconds=instance.try_number)
        own = context["dag_run"]
        self.conf = with_trace(to_json(params) | tenant_conf(context), context)
        self.trigger_run_id = run_id
        self.note = f"Part {params.part}, {how_many}, for run {instance.run_id} of {instance.dag_id}."
        self.run_after = own.run_after + offset
        # A second for each run before it in this task, and half a millisecond that no map index makes: no two runs of a
        # DAG may have the same date, and Airflow starts no task of a run whose date is to come.
        later = dt.timedelta(seconds=number - 1, microseconds=500 if number > 1 else 0)
        self.logical_date = later + offset + (own.logical_date or own.run_after - head_start(params.priority))
        super().execute(context)  # ends in an exception that starts the run and defers
        raise AssertionError

    def _verdict(self, instance: Any, run_id: str) -> Verdict:
        xcom = instance.xcom_pull(dag_id=self.trigger_dag_id, run_id=run_id, task_ids="verdict", map_indexes=-1)
        verdict = read_verdict(xcom, f"the verdict of run {run_id} of {self.trigger_dag_id}")
        state = instance.get_dagrun_state(self.trigger_dag_id, run_id)
        ended = f"run {run_id} of {self.trigger_dag_id} ended as {state}"
        if verdict is None:
            return Verdict(trouble=(f"{ended} without a verdict: look at its tasks",))
        if state != "success" and not describe(verdict) and not verdict.waiting:
            text = f"{ended}, though its verdict is good: look at its tasks"
            return dataclasses.replace(verdict, trouble=(*verdict.trouble, text))
        return verdict


class RunPartsOperator(RunDagOperator):
    """Runs `import-part` for some parts, one after another: most often for one."""

    def __init__(self, *, confs: Sequence[Mapping[str, object]], **airflow_kwargs: Any) -> None:
        """Describe the task, see `RunDagOperator`."""
        super().__init__(trigger_dag_id="import-part", confs=confs, **airflow_kwargs)

    def run_id_of(self, own_run_id: str, params: ImportParams, number: int) -> str:
        """Return the id of the run of one part."""
        del number
        return part_run_id(own_run_id, params.part, params.cases or ())


class RunBlocksOperator(RunDagOperator):
    """Runs `import-vcf` for the cases of a part, in blocks that Airflow can map a task over: most often in one."""

    def __init__(self, *, confs: Sequence[Mapping[str, object]], **airflow_kwargs: Any) -> None:
        """Describe the task, see `RunDagOperator`."""
        super().__init__(trigger_dag_id="import-vcf", confs=confs, **airflow_kwargs)

    def run_id_of(self, own_run_id: str, params: ImportParams, number: int) -> str:
        """Return the id of the run of one block."""
        del params
        return block_run_id(own_run_id, number)

    def split(self, params: ImportParams) -> list[ImportParams]:
        """Return the params of one run for each block of the cases."""
        return [dataclasses.replace(params, cases=block) for block in blocks(params.cases)]


def head_start(priority: Priority) -> dt.timedelta:
    """Return by how much the logical date of a run moves into the past.

    A year for each rank above `routine`: what is stat goes before all that is not, however long that has waited.
    """
    return (Priority.ROUTINE.rank - priority.rank) * _A_RANK
