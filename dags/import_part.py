"""DAG `import-part`: everything one partition needs."""

from airflow.sdk import DAG, Param, TriggerRule, task

from radiant.operators.child_run import RunDagOperator
from radiant.operators.params import cases_param, part_param
from radiant.operators.retry import TASK_DEFAULTS
from radiant.operators.verdict import Verdict, add_up, deliver

with DAG(
    dag_id="import-part",
    description="Import the cases of one partition",
    doc_md="""
Runs `import-vcf` for one partition and waits for it. **verdict** is red unless every case is imported, and names each
that is not, with its reason. `import-radiant` starts one such run per partition, the most urgent first.
""",
    default_args=TASK_DEFAULTS,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    render_template_as_native_obj=True,
    tags=["radiant", "import"],
    params={
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
    import_vcf = RunDagOperator(
        task_id="import_vcf",
        trigger_dag_id="import-vcf",
        trigger_run_id="{{ run_id }}",
        conf={"part": "{{ params.part }}", "cases": "{{ params.cases }}", "priority": "{{ params.priority }}"},
    )

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def verdict(imported: Verdict | None) -> Verdict:
        """Fail unless every case is imported."""
        return deliver(add_up([imported], expected=1))

    verdict(import_vcf.output)
