"""DAG `POC-ecs-k8s-operators`: one job on the chosen backend, the quickest check of an installation."""

from airflow.sdk import DAG

from radiant.operators.backend import job_operator
from radiant.operators.tenancy import tenant_params

JobOperator = job_operator()

with DAG(
    dag_id="POC-ecs-k8s-operators",
    description="One job that prints ten lines and returns a list",
    doc_md="""
Runs the job `poc` where `RADIANT_BACKEND` says. Green means: Airflow can start a job there, its log arrives line by
line in the task's log, and its answer arrives as the task's XCom (`output` is a list).
""",
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    tags=["radiant", "poc"],
    params=tenant_params(),
):
    JobOperator(task_id="poc", job="poc", arguments={})
