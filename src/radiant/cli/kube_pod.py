"""The pod of a job, as the Kubernetes backend builds it."""

import importlib
import os
import uuid
from typing import TYPE_CHECKING, Any, cast

from radiant import storage
from radiant.errors import ConfigError
from radiant.jobs.catalogue import Argv
from radiant.jobs.documents import run_uri, task_uri
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.jobs.catalogue import JobSpec
    from radiant.operators.platform import ContainerOrder
    from radiant.operators.pod.pod_status import KubernetesObject

TASKS = {
    "plan-import": ("import-radiant", "plan"),
    "prepare-part": ("import-vcf", "prepare"),
    "import-case": ("import-vcf", "import_case"),
    "commit-part": ("import-vcf", "commit"),
    "maintain-tables": ("maintain-tables", "maintain"),
    "run-report": ("import-radiant", "report"),
    "poc": ("POC-ecs-k8s-operators", "poc"),
}
"""DAG and task of each job, as in `dags/`."""


def require_kubernetes(settings: Settings) -> None:
    """Make sure that Airflow's side of the Kubernetes backend can be imported, and give Airflow a home.

    Raises:
        ConfigError: it is not installed.
    """
    settings.home_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Airflow writes its configuration into its home as soon as it is imported, and what it does to standard output.
    os.environ |= {"AIRFLOW_HOME": str(settings.home_path / "airflow"), "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
    try:
        importlib.import_module("radiant.operators.pod.spec")
    except ImportError as error:
        msg = f"the Kubernetes backend is not installed ({error}): install radiant[cli,kubernetes], or `make setup`"
        raise ConfigError(msg) from error


def order_of(job: "JobSpec", settings: Settings, *, run_id: str, attempt: str | None = None) -> "ContainerOrder":
    """Return what Airflow would ask for: the first try of the job's task in a run of that id."""
    from radiant.operators.platform import ContainerOrder, TaskFacts  # noqa: PLC0415 - imports Airflow

    dag_id, task_id = TASKS[job.name]
    map_index = 0 if job.name == "import-case" else -1
    place = task_uri(run_uri(settings.effective_work_uri, dag_id, run_id), task_id, map_index)
    attempt = attempt or str(uuid.uuid4())
    documents = (storage.join(place, attempt, "request.json"), storage.join(place, attempt, "result.json"))
    return ContainerOrder(
        job=job,
        argv=Argv(job.name, *documents).render(),
        attempt=attempt,
        memory_mib=job.resources.memory_mib,
        task=TaskFacts(dag_id, run_id, task_id, map_index, try_number=1, last_try=False),
        image=settings.image,
    )


def plain(resource: Any) -> "KubernetesObject":
    """Return an object of the Kubernetes client as the API has it."""
    from kubernetes.client import ApiClient  # noqa: PLC0415 - heavy, only here

    return cast("KubernetesObject", ApiClient().sanitize_for_serialization(resource))
