"""The backend `kubernetes`: a job is a pod."""

from collections.abc import Mapping
from typing import Any

from radiant.operators.container import ContainerJobOperator


class KubernetesJobOperator(ContainerJobOperator):
    """Runs a job as a pod, built by Airflow's `KubernetesPodOperator` from the settings (`RADIANT_KUBERNETES__*`).

    There is no XCom side-car: request and result are documents at the work URI, which the pod must be able to reach.
    """

    backend = "kubernetes"

    def __init__(self, *, job: str, arguments: Mapping[str, object], **airflow_kwargs: Any) -> None:
        """Describe the task, see `JobOperator`."""
        super().__init__(job=job, arguments=arguments, **airflow_kwargs)
