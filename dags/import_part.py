"""DAG `import-part`: everything one partition needs."""

from airflow.sdk import DAG, Param, TriggerRule, task

from radiant.operators.child_run import RunBlocksOperator
from radiant.operators.notify import notify_failed
from radiant.operators.params import cases_param, part_param
from radiant.operators.retry import TASK_DEFAULTS
from radiant.operators.tenancy import tenant_params
from radiant.operators.verdict import deliver, judge_part

with DAG(
    dag_id="import-part",
    description="Import the cases of one partition",
    doc_md="""
Runs `import-vcf` for one partition and waits for it; several times, one after another, where the partition has more
cases than Airflow maps a task over. **verdict** is red unless every case is imported, and names each that is not, with
its reason. `import-radiant` starts one such run per partition, the most urgent first.

After a repair clear **import_vcf**: what is not imported is read again, pedigrees included.
""",
    default_args=TASK_DEFAULTS,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    render_template_as_native_obj=True,
    tags=["radiant", "import"],
    params={
        **tenant_params(),
        "part": part_param(),
        "cases": cases_param(". Empty: every case assigned to the part."),
        "priority": Param(
            "routine",
            enum=["stat", "asap", "urgent", "routine"],
            title="Priority",
            description="Imports of a more urgent run go before those of others that wait.",
        ),
    },
):
    import_vcf = RunBlocksOperator(
        task_id="import_vcf",
        confs=[{"part": "{{ params.part }}", "cases": "{{ params.cases }}", "priority": "{{ params.priority }}"}],
    )

    @task(trigger_rule=TriggerRule.ALL_DONE, on_failure_callback=notify_failed)
    def verdict(imported: dict | None) -> dict:
        """Fail unless every case is imported."""
        return deliver(judge_part(imported))

    verdict(import_vcf.output)
