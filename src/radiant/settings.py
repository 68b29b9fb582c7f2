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
)

from radiant.ecs_settings import Ecs
from radiant.errors import ConfigError, TenantError
from radiant.job_settings import Jobs
from radiant.kubernetes_settings import Kubernetes
from radiant.setting_types import GROUP, Names, Notify, from_json, notify_from_uris
from radiant.tenant_settings import Places, Tenant, TenantName, below, given, registry_of, require_apart
from radiant.vcf_settings import ProgressGroup, Vcf

PREFIX = "RADIANT_"
_OF_TESTS = "RADIANT_TEST_"


class _Group(BaseModel):
    model_config = GROUP


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
    """Where the built-in catalog puts its tables, `<home>/warehouse` when unset; also for a catalog of PyIceberg's
    configuration that names no `WAREHOUSE`, except a REST catalog."""


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
    tenant: TenantName | None = None
    """The tenant that this process serves, one of `RADIANT_TENANTS`. In Airflow's environment that of every run; when
    unset, each run names its own."""
    tenants: Annotated[dict[TenantName, Tenant], BeforeValidator(from_json)] = {}
    """The centres that share this installation, as JSON: `{"north": {"input_prefixes": "s3://north/vcf"}}`; see
    [a tenant](#a-tenant)."""
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
        return self.lake.warehouse or below(f"file://{self.home_path}/warehouse", self.tenant)

    @property
    def catalog_file(self) -> Path:
        """The file of the built-in catalog."""
        return self.home_path / (self.tenant or "") / "catalog.db"

    @property
    def namespace_location(self) -> str | None:
        """Where a catalog puts the tables of a tenant; None where that is the catalog's own choice."""
        warehouse = self.lake.warehouse if self.tenant else None
        return None if warehouse is None else below(warehouse, self.lake.namespace)

    @property
    def run_tenants(self) -> tuple[str, ...]:
        """The tenants of which a run names one; empty where there are none, or this process serves one alone."""
        return () if self.tenant else tuple(sorted(self.tenants))

    @property
    def tenant_settings(self) -> Tenant | None:
        """The entry of the tenant; None without one."""
        return self.tenants[self.tenant] if self.tenant else None

    def of_tenant(self, name: str) -> "Settings":
        """Return the settings of one tenant: those of the installation, with its own in their place.

        Raises:
            TenantError: there is no such tenant.
            ConfigError: its registry cannot follow from the installation's.
        """
        own = self.tenants.get(name)
        if own is None:
            known = ", ".join(sorted(self.tenants)) or "none"
            msg = f"there is no tenant {name!r}: RADIANT_TENANTS has {known}. Correct the name, or add the tenant there"
            raise TenantError(msg)
        pods = {"namespace": own.kubernetes_namespace, "service_account": own.service_account, "env_from": own.env_from}
        stack = own.ecs_stack
        tasks = {"cluster": stack, "task_definition": stack, "log_group": stack and f"/{stack}/jobs"}
        lake = {
            "catalog": own.catalog or self.lake.catalog,
            "namespace": own.namespace or f"{self.lake.namespace}_{name}",
            "warehouse": own.warehouse or (self.lake.warehouse and below(self.lake.warehouse, name)),
        }
        registry = own.registry_url or self.effective_registry_url
        pages = own.registry_url or self.effective_ui_registry_url
        return self.model_copy(
            update={
                "tenant": name,
                "tenants": {name: own},
                "input_prefixes": own.input_prefixes,
                "work_uri": own.work_uri or below(self.effective_work_uri, name),
                "registry": self.registry.model_copy(update={"url": registry_of(registry, name, own)}),
                "ui": self.ui.model_copy(update={"registry_url": registry_of(pages, name, own)}),
                "lake": self.lake.model_copy(update=lake),
                "kubernetes": self.kubernetes.model_copy(update=given(pods)),
                "ecs": self.ecs.model_copy(update=given(tasks)),
            }
        )

    def of_run(self, tenant: str | None) -> "Settings":
        """Return the settings of a run from those of the installation, as `load_settings` does."""
        name = tenant or self.tenant
        if self.tenant not in {None, name}:
            msg = (
                f"tenant {name!r} is asked for, and this process serves {self.tenant!r} alone (RADIANT_TENANT): use "
                f"the installation of {name!r}, or name no tenant"
            )
            raise TenantError(msg)
        if name is not None:
            return self.of_tenant(name)
        if self.tenants:
            msg = (
                "this installation has tenants, and none is named: give a run the param `tenant`, a command the "
                f"variable RADIANT_TENANT. There are {', '.join(sorted(self.tenants))}"
            )
            raise TenantError(msg)
        return self


def load_settings(environment: Mapping[str, str] | None = None, *, tenant: str | None = None) -> Settings:
    """Read the settings from the environment; where several centres share the installation, those of one of them.

    Args:
        environment: That of the process when None.
        tenant: Of a run; `RADIANT_TENANT` when None.

    Raises:
        TenantError: there are tenants and none is named, the one that is named is none of them, or `RADIANT_TENANT` is
            another one.
        ConfigError: a variable `RADIANT_*` without a setting (the message suggests the nearest name), or a value out of
            range.
    """
    return load_installation(environment).of_run(tenant)


def load_installation(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings that hold for every tenant: backend, limits of jobs, schedule.

    What belongs to one centre (registry, tables, documents, prefixes) is right only in `load_settings`.

    Raises:
        ConfigError: as `load_settings` has it, or two tenants share a place.
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
        settings = Settings.model_validate(_nested(names))
    except ValidationError as error:
        problems = "; ".join(
            f"{_variable(item['loc'])}={item['input']!r}: {item['msg']}"
            if not _is_secret(str(item["loc"][-1]))
            else f"{_variable(item['loc'])}: {item['msg']}"
            for item in error.errors()
        )
        msg = f"a setting is out of range: {mask_secret(problems)}"
        raise ConfigError(msg) from None
    require_apart({name: _places(settings.of_tenant(name)) for name in settings.tenants})
    return settings


def _places(settings: Settings) -> Places:
    folders = (settings.effective_work_uri, settings.effective_warehouse, *settings.input_prefixes)
    lake = settings.lake
    return Places(f"{lake.catalog}: {lake.namespace}", mask_secret(settings.effective_registry_url), folders)


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
