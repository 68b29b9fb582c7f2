"""Every setting, and the only reader of environment variables.

`RADIANT_<NAME>` sets a value, `RADIANT_<GROUP>__<NAME>` one inside a group. A `RADIANT_*` variable without a
setting is an error: a misspelt limit must not silently be no limit. `RADIANT_TEST_*` belongs to the tests and is
ignored. Iceberg catalogs are configured by PyIceberg's own variables and file (`PYICEBERG_CATALOG__<NAME>__*`,
`.pyiceberg.yaml`). An empty variable counts as unset.
"""

import difflib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from radiant.ecs_settings import Ecs
from radiant.errors import ConfigError
from radiant.setting_types import GROUP, Names, Notify, Objects, Strings, from_json, from_list, notify_from_uris
from radiant.vcf_settings import ProgressGroup, Vcf

PREFIX = "RADIANT_"
_OF_TESTS = "RADIANT_TEST_"


class _Group(BaseModel):
    model_config = GROUP


class JobOverrides(_Group):
    """Overrides of the catalogue's numbers for one job."""

    cpu: float | None = Field(default=None, ge=0.25)
    """Cores."""
    memory_mib: int | None = Field(default=None, ge=64)
    """Memory limit."""
    scratch_gib: int | None = Field(default=None, ge=1)
    """Temporary disk."""
    timeout_s: int | None = Field(default=None, ge=1)
    """Seconds after which the job is stopped."""
    retries: int | None = Field(default=None, ge=0)
    """How often a transient failure is retried."""


class ImportOverrides(JobOverrides):
    """Overrides of the job that reads a case's VCF."""

    sizing: Literal["request", "history"] = "request"
    """`history`: a case requests the memory that earlier imports of files and families like it needed, and one retry
    more; `request`, or as long as there are fewer than 20 earlier imports: MEMORY_MIB."""


class Jobs(_Group):
    """Overrides per job."""

    plan_import: JobOverrides = JobOverrides()
    prepare_part: JobOverrides = JobOverrides()
    import_case: ImportOverrides = ImportOverrides()
    commit_part: JobOverrides = JobOverrides()
    maintain_tables: JobOverrides = JobOverrides()
    run_report: JobOverrides = JobOverrides()
    poc: JobOverrides = JobOverrides()
    memory_cap_mib: int = Field(default=30 * 1024, ge=64)
    """Memory never grows beyond this after a job ran out of it."""


class ContainerGroup(_Group):
    """How jobs run as containers, on every platform."""

    deferrable: bool = True
    """Wait in Airflow's triggerer instead of a worker: a waiting task then holds no worker slot."""
    queue_timeout_s: int = Field(default=6 * 3600, ge=1)
    """How long a container may wait for room: a quota, a node, capacity."""
    start_timeout_s: int = Field(default=900, ge=1)
    """How long it may take to start once it has room: image, volumes, network."""
    patience_s: int = Field(default=900, ge=1)
    """How long the platform's API may leave requests unanswered; the container goes on meanwhile."""
    look_s: float = Field(default=3, ge=0.1, le=60)
    """Seconds between two looks at a container; its log is read as often."""
    restarts: int = Field(default=3, ge=0)
    """How often a container is started again, within one try, when its spot capacity was taken away."""


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


class PartRange(_Group):
    """The range of partitions of one experimental strategy."""

    first_part: int = Field(ge=0)
    """A multiple of 65536, from 131072; the range is 65536 parts wide."""
    tasks_per_part: int = Field(ge=1)
    """Soft limit of sequencing experiments in one part."""


def _check_path(value: Path | str | None) -> Path | str | None:
    # SQLAlchemy ends the path of a database at `?`, PyIceberg the path of a table at `?` and `#`: the registry of
    # /data/a?1 would be the file /data/a, shared with /data/a?2.
    if value is not None and (found := [one for one in "?#" if one in str(value)]):
        msg = f"a folder with {' or '.join(found)} in its name cannot be used, choose another"
        raise ValueError(msg)
    return value


class RegistryGroup(_Group):
    """The case registry."""

    url: str | None = None
    """SQLAlchemy URL; a SQLite file in the home folder when unset."""
    lease_s: int = Field(default=6 * 3600, ge=1)
    """Seconds until a case that a run claimed and did not finish is due again."""
    usage_days: int = Field(default=730, ge=1)
    """How long the registry keeps what each try of an import used."""
    strategies: Annotated[dict[str, PartRange], BeforeValidator(from_json)] = {}
    """Strategies beside wgs and wxs, as JSON: `{"panel": {"first_part": 131072, "tasks_per_part": 1000}}`."""


class Lake(_Group):
    """The Iceberg catalog and tables."""

    catalog: str = "default"
    """Name of the PyIceberg catalog; a SQLite catalog in the home folder when PyIceberg has no configuration for it."""
    namespace: str = "radiant"
    """Namespace of the tables."""
    warehouse: Annotated[str | None, AfterValidator(_check_path)] = None
    """Where the built-in catalog puts its tables; `<home>/warehouse` when unset."""


class Maintenance(_Group):
    """What `radiant maintain` and the DAG `maintain-tables` remove, and when."""

    schedule: str | None = None
    """When the DAG runs: a cron expression or `@daily`, `@weekly`; only when it is triggered, if unset."""
    snapshot_hours: int = Field(default=7 * 24, ge=1)
    """How long a snapshot can be read after another one replaced it: longer than any reader takes."""
    orphan_hours: int = Field(default=3 * 24, ge=24)
    """Age of a file that no table names and no running import needs, before it is deleted."""
    compact_mib: int = Field(default=64, ge=0)
    """Size of the files that small files of a part, of less than a quarter of it, are brought together in. 0 leaves
    them as they are."""
    document_days: int = Field(default=90, ge=1)
    """How long the documents and logs of a finished run stay at the work URI; `radiant costs` reads them."""


class Costs(_Group):
    """What `radiant costs` counts with."""

    prices: str | None = None
    """Price list of your own, a path or a URI of a TOML file with the keys of `radiant/costs/prices.toml`; the built-in
    one, AWS's list prices in us-east-1, when unset."""
    node: str = Field(default="m5.xlarge", min_length=1)
    """Kind of EC2 instance of the price list, for ECS on EC2 and EKS."""


class Ui(_Group):
    """The pages of radiant in Airflow's UI, read by Airflow's API server."""

    registry_url: str | None = None
    """SQLAlchemy URL by which the API server reads the registry, with the right to read alone; `RADIANT_REGISTRY__URL`
    when unset."""
    pod_url: str | None = None
    """Address of a pod's page in your cluster's console, with `{namespace}` and `{pod}`; none when unset."""


class Settings(_Group):
    """All settings, frozen."""

    home: Annotated[Path, AfterValidator(_check_path)] = Path(".radiant")
    """Folder of the embedded default: Airflow's home, registry, warehouse, work files."""
    backend: Literal["local", "kubernetes", "ecs"] = "local"
    """Where jobs run."""
    input_prefixes: Names = ()
    """Folders and URIs below which the VCF and pedigree of a case must be, separated by commas, for example
    `/data/cases,s3://bucket/cases`; anywhere when empty. A symbolic link counts as its target."""
    work_uri: str | None = None
    """Where request and result documents are; `<home>/work` when unset."""
    image: str | None = None
    """Image reference of the worker, recorded with every import; None for local processes."""
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"
    """Level of a job's log. DEBUG may show sample names and values of the files."""
    report: bool = True
    """Each run of `import-radiant` ends with a job that writes its report, `report.html`, into the run's folder."""
    notify: Annotated[tuple[Notify, ...], BeforeValidator(notify_from_uris)] = ()
    """Where a message goes when a run's verdict fails, URIs separated by blanks, each with the id of an Airflow
    connection: `smtp://CONNECTION?to=A@HOST,B@HOST`, `slack://CONNECTION?channel=%23imports`,
    `slackwebhook://CONNECTION`, `webhook://CONNECTION?endpoint=PATH`."""
    jobs: Jobs = Jobs()
    container: ContainerGroup = ContainerGroup()
    kubernetes: Kubernetes = Kubernetes()
    ecs: Ecs = Ecs()
    vcf: Vcf = Vcf()
    progress: ProgressGroup = ProgressGroup()
    registry: RegistryGroup = RegistryGroup()
    lake: Lake = Lake()
    maintenance: Maintenance = Maintenance()
    costs: Costs = Costs()
    ui: Ui = Ui()

    @property
    def home_path(self) -> Path:
        """The home folder, absolute."""
        return self.home.expanduser().absolute()

    @property
    def effective_work_uri(self) -> str:
        """Where request and result documents are."""
        return self.work_uri or f"file://{self.home_path}/work"

    @property
    def effective_registry_url(self) -> str:
        """SQLAlchemy URL of the registry."""
        return self.registry.url or f"sqlite:///{self.home_path / 'registry.db'}"

    @property
    def effective_ui_registry_url(self) -> str:
        """SQLAlchemy URL by which Airflow's API server reads the registry."""
        return self.ui.registry_url or self.effective_registry_url

    @property
    def effective_warehouse(self) -> str:
        """Where the built-in catalog puts its tables."""
        return self.lake.warehouse or f"file://{self.home_path}/warehouse"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment.

    Raises:
        ConfigError: a variable `RADIANT_*` without a setting (the message suggests the nearest name), or a value out of
            range.
    """
    given = os.environ if environment is None else environment
    names = {name: value for name, value in given.items() if not name.startswith(_OF_TESTS)}
    known = set(setting_names())
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else "`radiant config` lists all settings"
            msg = f"{name} is not a setting of radiant; {hint} Unset it or correct its name."
            raise ConfigError(msg)
    try:
        return Settings.model_validate(_nested(names))
    except ValidationError as error:
        problems = "; ".join(
            f"{_variable(item['loc'])}={item['input']!r}: {item['msg']}"
            if not _is_secret(str(item["loc"][-1]))
            else f"{_variable(item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        msg = f"a setting is out of range: {mask_secret(problems)}"
        raise ConfigError(msg) from None


def child_environment(
    values: Mapping[str, str], *, without: Collection[str] = (), path_first: Path | None = None
) -> dict[str, str]:
    """Return this process's environment for a process that it starts.

    Args:
        values: variables to set; they override.
        without: variables to leave out.
        path_first: a folder to put in front of PATH.
    """
    environment = {name: value for name, value in os.environ.items() if name not in without}
    if path_first is not None:
        environment["PATH"] = os.pathsep.join((str(path_first), environment.get("PATH", os.defpath)))
    return environment | dict(values)


def keep_numpy_to_one_thread() -> None:
    """Keep the library of linear algebra that numpy loads (OpenBLAS) to one thread; call it before numpy is imported.

    OpenBLAS starts a thread for each core as it is loaded. They wait in a loop for work that a job never has, which
    costs a small file time and memory. An environment that sets the variable keeps its own value.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def connection_in_environment(name: str) -> str | None:
    """Return an Airflow connection of this environment, as a URI or as JSON; it may hold secrets."""
    return os.environ.get(f"AIRFLOW_CONN_{name.upper()}") or None


def ecs_metadata_uri() -> str | None:
    """Return the task metadata endpoint, version 4, that ECS gives each of its containers; None elsewhere."""
    return os.environ.get("ECS_CONTAINER_METADATA_URI_V4") or None


def otlp_is_on() -> bool:
    """Return whether OpenTelemetry's own variables name a receiver of spans and metrics."""
    named = any(os.environ.get(f"OTEL_EXPORTER_OTLP_{one}ENDPOINT") for one in ("", "TRACES_", "METRICS_"))
    return named and os.environ.get("OTEL_SDK_DISABLED", "").lower() != "true"


def setting_names() -> Iterator[str]:
    """Yield the environment variable of every setting, in the order of this file."""
    yield from _names(Settings, PREFIX)


def effective_settings(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield (variable, value) for every setting, defaults filled in and passwords replaced by `***`."""
    filled = {
        "RADIANT_HOME": str(settings.home_path),
        "RADIANT_WORK_URI": settings.effective_work_uri,
        "RADIANT_REGISTRY__URL": settings.effective_registry_url,
        "RADIANT_LAKE__WAREHOUSE": settings.effective_warehouse,
    }
    for name in setting_names():
        value: Any = settings
        for part in name.removeprefix(PREFIX).lower().split("__"):
            value = getattr(value, part)
        yield name, mask_secret(filled.get(name, _shown(value)))


def mask_secret(text: str) -> str:
    """Replace the passwords of a URL by `***`: before its last `@`, and in its query (`?password=`)."""
    text = re.sub(r"(://[^:/@\s]*:)\S*@", r"\1***@", text)
    return re.sub(r"(?i)([?&][^=&\s]*(?:pass|pwd|secret|token|key)[^=&\s]*=)[^&\s]*", r"\1***", text)


def _shown(value: Any) -> str:
    if isinstance(value, tuple) and all(isinstance(one, str) for one in cast("tuple[Any, ...]", value)):
        return ",".join(cast("tuple[str, ...]", value))
    if isinstance(value, dict | tuple):
        return json.dumps(value, default=lambda one: one.model_dump(mode="json", exclude_unset=True))
    return "" if value is None else str(value)


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _names(kind, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def _nested(names: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in names.items():
        if name.startswith(PREFIX) and value:
            *groups, last = name.removeprefix(PREFIX).lower().split("__")
            node = tree
            for group in groups:
                node = node.setdefault(group, {})
            node[last] = value
    return tree


def _variable(location: tuple[int | str, ...]) -> str:
    return PREFIX + "__".join(str(part).upper() for part in location)


def _is_secret(name: str) -> bool:
    return name.endswith("url")
