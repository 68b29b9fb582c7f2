"""Which user may see the pages, and which may start an import: Airflow's own rights on the DAG `import-radiant`.

A page needs the right to read the DAG's task instances, the button of the failures the right to trigger it. Both are
the checks of Airflow's REST API: a request without a login is answered with 401, a user without the right with 403.
"""

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.dag import DagModel
from fastapi import Depends

from radiant.jobs.dag_ids import IMPORT_RADIANT

MAY_READ = Depends(requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE, IMPORT_RADIANT))
MAY_READ_LOGS = Depends(requires_access_dag("GET", DagAccessEntity.TASK_LOGS, IMPORT_RADIANT))
MAY_TRIGGER = Depends(requires_access_dag("POST", DagAccessEntity.RUN, IMPORT_RADIANT))


def may_trigger(user: BaseUser) -> bool:
    """Return whether a user may trigger `import-radiant`; to others a page shows no button."""
    details = DagDetails(id=IMPORT_RADIANT, team_name=DagModel.get_team_name(IMPORT_RADIANT))
    manager = get_auth_manager()
    return manager.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user)
