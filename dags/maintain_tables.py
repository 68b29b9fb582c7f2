"""DAG `maintain-tables`: one job that deletes what no table, no reader and no running import needs."""

from airflow.sdk import DAG, Param

from radiant.operators.backend import job_operator
from radiant.operators.params import maintenance_schedule
from radiant.operators.retry import TASK_DEFAULTS
from radiant.operators.tenancy import for_each_tenant

JobOperator = job_operator()

with DAG(
    dag_id="maintain-tables",
    description="Expire snapshots, delete files and documents that are needed no more",
    doc_md="""
Expires the snapshots that were replaced long ago and deletes the files that they alone held; deletes files that no
table names, and the documents of old runs. Nothing that a running import or a reader needs: `RADIANT_MAINTENANCE__*`
has the ages. It may run beside imports, and may be stopped and started again at any time.

It runs when it is triggered, and on the schedule `RADIANT_MAINTENANCE__SCHEDULE`. The XCom `output` of **maintain**
lists what was deleted from each table, or, with `dry_run`, what would be.
""",
    default_args=TASK_DEFAULTS,
    schedule=maintenance_schedule(),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    render_template_as_native_obj=True,
    tags=["radiant", "maintenance"],
    params={
        "dry_run": Param(default=False, type="boolean", title="Dry run", description="Delete nothing; only report."),
    },
):
    for_each_tenant(JobOperator, "maintain", "maintain-tables", {"dry_run": "{{ params.dry_run }}"})
