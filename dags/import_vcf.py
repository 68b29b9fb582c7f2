"""DAG `import-vcf`: the cases of one partition, one container each, then one commit."""

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule, task

from radiant.operators.backend import job_operator
from radiant.operators.leftovers import release_leftovers
from radiant.operators.mapping import import_arguments, map_limit
from radiant.operators.notify import notify_failed
from radiant.operators.params import cases_param, part_param
from radiant.operators.retry import TASK_DEFAULTS
from radiant.operators.table_assets import TABLES, announce_tables
from radiant.operators.task_folder import task_folder_uri
from radiant.operators.tenancy import tenant_params
from radiant.operators.verdict import deliver, judge_import

JobOperator = job_operator()

with DAG(
    dag_id="import-vcf",
    description="Import the VCF files of one partition's cases: one container per case, then one commit",
    doc_md="""
1. **prepare** claims the cases, makes missing tables and writes one document per case.
2. **import_case** reads one VCF each; nothing is visible yet. A case that fails does not stop the others.
3. **commit** makes the good cases visible in one step and records why the others failed.
4. **verdict** is red unless every case is imported, and names each that is not, with its reason.

Correct what the verdict names, then clear the **import_case** that failed, or trigger `import-radiant` for its case.
Clearing import_case runs prepare again: pedigrees and registrations are read again. What is imported stays.
""",
    default_args=TASK_DEFAULTS,
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    render_template_as_native_obj=True,
    tags=["radiant", "import"],
    user_defined_macros={"task_folder": task_folder_uri},
    params={**tenant_params(), "part": part_param(), "cases": cases_param(". Empty: every case assigned to the part.")},
):
    prepare = JobOperator(
        task_id="prepare",
        job="prepare-part",
        arguments={"part": "{{ params.part }}", "cases": "{{ params.cases }}", "most": map_limit()},
    )
    requests = task(import_arguments, task_id="requests")(prepare.output)
    import_case = JobOperator.partial(
        task_id="import_case",
        job="import-case",
        priority_weight=1,
        map_index_template="case {{ task.arguments['case_id'] }}",
    ).expand(arguments=requests)
    commit = JobOperator(
        task_id="commit",
        job="commit-part",
        arguments={
            "part": "{{ params.part }}",
            "loads": "{{ (ti.xcom_pull('prepare')['output'] or {}).get('cases') }}",
            "deleted": "{{ (ti.xcom_pull('prepare')['output'] or {}).get('deleted') }}",
            "imports_uri": "{{ task_folder(ti, 'import_case', params.get('tenant')) }}",
        },
        # Whatever happened to the cases, but not when prepare failed: then nothing at all succeeded.
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
        outlets=[TABLES],
        post_execute=announce_tables,
    )

    @task(trigger_rule=TriggerRule.ALL_DONE, on_failure_callback=notify_failed)
    def verdict(prepared: dict | None, committed: dict | None) -> dict:
        """Fail unless every case is imported."""
        release_leftovers()
        return deliver(judge_import(prepared, committed))

    [prepare >> EmptyOperator(task_id="prepared"), import_case] >> commit
    # Airflow clears the setup tasks of a task with it: clearing import_case makes the case documents again. The
    # teardown ends their scope after commit, so that clearing verdict only judges again.
    done = EmptyOperator(task_id="done").as_teardown(setups=[prepare, requests.operator])
    commit >> [verdict("{{ ti.xcom_pull('prepare') }}", commit.output), done]
