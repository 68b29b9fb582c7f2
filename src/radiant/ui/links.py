"""Links on a task of radiant in Airflow's UI: the page of its case, and where its container is seen.

Airflow's API server makes them when a task is looked at, so they are there while the task runs.
"""

from typing import Any, ClassVar

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink
from airflow.utils.session import create_session

from radiant.errors import RadiantError
from radiant.jobs.documents import run_uri, task_uri
from radiant.operators.ecs import EcsJobOperator
from radiant.operators.kubernetes import KubernetesJobOperator
from radiant.operators.local import LocalJobOperator
from radiant.operators.task_folder import TaskFolder
from radiant.settings import load_installation, load_settings
from radiant.ui import airflow_runs
from radiant.ui.consoles import console_of
from radiant.ui.plugin import PREFIX

_OPERATORS = [LocalJobOperator, KubernetesJobOperator, EcsJobOperator]


class CaseLink(BaseOperatorLink):
    """The page of the case that a task imports: reason, usage, cost, history."""

    name = "Case in Radiant"  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]
    operators: ClassVar[list[type[Any]]] = _OPERATORS

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return its address, empty for a task that imports no case, or has not started."""
        del operator
        if load_installation().run_tenants:
            return ""  # the pages are one tenant's
        with create_session() as session:
            case_id = airflow_runs.case_of(session, ti_key.dag_id, ti_key.run_id, ti_key.task_id, ti_key.map_index)
        return "" if case_id is None else f"{_base()}/{PREFIX}/cases/{case_id}"


class ConsoleLink(BaseOperatorLink):
    """The page of a task's container in the console of its platform."""

    name = "Container"  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]
    operators: ClassVar[list[type[Any]]] = [KubernetesJobOperator, EcsJobOperator]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return its address, empty for a container that has none."""
        del operator
        try:
            settings = load_settings()
            run = run_uri(settings.effective_work_uri, ti_key.dag_id, ti_key.run_id)
            found = console_of(TaskFolder(run, task_uri(run, ti_key.task_id, ti_key.map_index)), settings)
        except RadiantError:
            return ""  # the work URI does not answer, or several tenants share this Airflow
        return "" if found is None else found.url or ""


def _base() -> str:
    return conf.get("api", "base_url", fallback="").rstrip("/")
