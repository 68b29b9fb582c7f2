"""Where the container of an import is seen outside of Airflow: the console of ECS, a pod's page or `kubectl`."""

from radiant.jobs.dag_ids import IMPORT_VCF
from radiant.jobs.documents import run_uri, task_uri
from radiant.operators.container_record import read_record
from radiant.operators.platform import Handle
from radiant.operators.task_folder import TaskFolder
from radiant.settings import Settings
from radiant.ui.airflow_runs import IMPORT_TASK, ImportTask
from radiant.ui.pages import Console

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_ARN_PARTS = 6


def task_folder(task: ImportTask, settings: Settings) -> TaskFolder:
    """Return the folder of an import below the work URI."""
    run = run_uri(settings.effective_work_uri, IMPORT_VCF, task.run_id)
    return TaskFolder(run, task_uri(run, IMPORT_TASK, task.map_index))


def console_of(folder: TaskFolder, settings: Settings) -> Console | None:
    """Return where the last container of a task is seen, None for a local process, or where it left no record.

    Raises:
        StorageError: the work URI does not answer.
    """
    record = read_record(folder)
    return (
        None if record is None or record.handle is None else console_of_handle(record.platform, record.handle, settings)
    )


def console_of_handle(platform: str, handle: Handle, settings: Settings) -> Console | None:
    """Return where a container is seen.

    Args:
        platform: Name of the backend.
        handle: As the platform made it.
        settings: With the address of a pod's page.
    """
    if platform == "kubernetes":
        pod, namespace = str(handle.get("name")), str(handle.get("namespace"))
        url = settings.ui.pod_url
        shown = None if url is None else url.replace("{namespace}", namespace).replace("{pod}", pod)
        return Console("Pod", shown, f"kubectl -n {namespace} describe pod {pod}")
    arn = str(handle.get("arn", "")).split(":", _ARN_PARTS - 1)
    if platform != "ecs" or len(arn) < _ARN_PARTS or arn[1] not in _CONSOLES:
        return None
    _, cluster, task = arn[5].split("/", 2)
    region = arn[3]
    path = f"ecs/v2/clusters/{cluster}/tasks/{task}/configuration?region={region}"
    return Console("ECS task", f"https://{region}.{_CONSOLES[arn[1]]}/{path}")
