"""DAG `import-radiant`: all cases that are due, partition by partition, the most urgent first."""

from airflow.sdk import DAG, TriggerRule, task

from radiant.operators.backend import job_operator
from radiant.operators.child_run import RunPartsOperator
from radiant.operators.leftovers import release_leftovers
from radiant.operators.mapping import part_confs
from radiant.operators.notify import check_notifiers, notify_failed
from radiant.operators.params import cases_param
from radiant.operators.report_task import name_report, report_after
from radiant.operators.retry import TASK_DEFAULTS
from radiant.operators.tenancy import tenant_params
from radiant.operators.verdict import deliver, judge_plan

JobOperator = job_operator()

with DAG(
    dag_id="import-radiant",
    description="Import every case that is due",
    doc_md="""
1. **plan** finds the cases that are due (new, changed, removed, or named below) and gives them partitions.
2. **import_part** runs `import-part` once per partition, the most urgent first.
3. **verdict** is red unless every case is imported, and names each that is not, with its reason.
4. **report** writes the report of the run, one HTML file; the log of **verdict** has its place.

`radiant cases list` shows the cases and their states. After a repair clear **import_part**: what is not imported is
read again, pedigrees included.
""",
    default_args=TASK_DEFAULTS,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    render_template_as_native_obj=True,
    tags=["radiant", "import"],
    params={
        **tenant_params(),
        "cases": cases_param(", imported even if unchanged. Empty: every case that is due."),
    },
):
    plan = JobOperator(
        task_id="plan",
        job="plan-import",
        arguments={"cases": "{{ params.cases }}"},
        on_execute_callback=check_notifiers,
    )
    import_part = RunPartsOperator.partial(
        task_id="import_part",
        map_index_template="part {{ task.confs | map(attribute='part') | join(', ') }}",
    ).expand(confs=task(part_confs, task_id="parts")(plan.output))

    @task(trigger_rule=TriggerRule.ALL_DONE, on_failure_callback=notify_failed)
    def verdict(planned: dict | None, parts: list[dict]) -> dict:
        """Fail unless every case is imported."""
        release_leftovers()
        name_report()
        return deliver(judge_plan(planned, parts or []))

    report_after(verdict(plan.output, import_part.output))
