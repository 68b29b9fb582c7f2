"""The settings of Kubernetes: the pods of all jobs, and of one."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator, model_validator

from radiant.job_settings import Jobs
from radiant.setting_types import GROUP, Names, Objects, Strings, from_json, from_list


class _Group(BaseModel):
    model_config = GROUP


class Mount(_Group):
    """A volume that a pod sees; exactly one of claim, host_path, secret and config_map names it."""

    path: str = Field(pattern="^/")
    """Where the job sees it."""
    claim: str | None = None
    """PersistentVolumeClaim."""
    host_path: str | None = None
    """Folder of the node."""
    secret: str | None = None
    config_map: str | None = None
    sub_path: str | None = None
    """Part of the volume."""
    read_only: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> "Mount":
        if sum(one is not None for one in (self.claim, self.host_path, self.secret, self.config_map)) != 1:
            msg = "a mount names exactly one of claim, host_path, secret and config_map"
            raise ValueError(msg)
        return self


class PodSettings(_Group):
    """Settings of a pod, for all jobs or for one."""

    image: str | None = None
    """Image of the worker when it is not `RADIANT_IMAGE`."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the node fetches the image; the cluster's rule when unset."""
    pull_secrets: Names = ()
    """Names of the secrets that open the registry, separated by commas."""
    service_account: str | None = None
    """Service account of the pod. Its token is not mounted; EKS mounts its own for IRSA."""
    node_selector: Strings = {}
    """Labels that a node must have, as JSON."""
    tolerations: Objects = ()
    """Taints that the pod tolerates, a JSON list in the form of the Kubernetes API."""
    priority_class: str | None = None
    """PriorityClass of the pod."""
    cpu_limit: Annotated[float, Field(ge=0.25)] | Literal["job"] | None = None
    """Cores that the pod may use at most; `job` for as many as the job requests. When unset that of the template, else
    none: the pod may use idle cores. A ResourceQuota with `limits.cpu` needs one."""
    labels: Strings = {}
    """More labels of the pod, as JSON."""
    annotations: Strings = {}
    """Annotations of the pod, as JSON."""
    env_from: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(secret|configmap)/.+")], ...], BeforeValidator(from_list)
    ] = ()
    """Sources of the worker's environment (RADIANT_*, PYICEBERG_*, AWS_*): `secret/NAME` or `configmap/NAME`, separated
    by commas; a later one overrides."""
    mounts: Annotated[tuple[Mount, ...], BeforeValidator(from_json)] = ()
    """Volumes, as JSON: `[{"path": "/data", "claim": "data"}]`; instead of `claim` `host_path`, `secret` or
    `config_map`, beside it `sub_path` and `read_only`."""
    template: Path | None = None
    """Pod template file (YAML) below the other settings: side-cars, affinity, users and groups, any field of a pod."""


class Kubernetes(PodSettings):
    """How jobs run as pods on Kubernetes."""

    conn_id: str = Field(default="kubernetes_conn", min_length=1)
    """Airflow connection of the cluster."""
    namespace: str | None = None
    """Namespace of the pods; that of the connection, else `default`, when unset."""
    grace_s: int = Field(default=30, ge=1)
    """Seconds between the two signals that stop a pod."""
    jobs: Annotated[dict[str, PodSettings], BeforeValidator(from_json)] = {}
    """Other values for single jobs, as JSON: `{"import-case": {"node_selector": {"disk": "fast"}}}`."""

    @field_validator("jobs")
    @classmethod
    def _known_jobs(cls, value: dict[str, PodSettings]) -> dict[str, PodSettings]:
        known = {name.replace("_", "-") for name in Jobs.model_fields if name != "memory_cap_mib"}
        if unknown := sorted(set(value) - known):
            msg = f"there is no job {unknown[0]!r}; the jobs are {', '.join(sorted(known))}"
            raise ValueError(msg)
        return value

    def of(self, job: str) -> PodSettings:
        """Return the settings of a job's pod."""
        own = self.jobs.get(job, PodSettings())
        return self.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
