"""The settings of a tenant: one centre of an installation that several centres share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from radiant.errors import ConfigError
from radiant.setting_types import GROUP, Names, Strings, from_list

NAME = re.compile(r"[a-z][a-z0-9]{0,29}")
"""Letters and digits: the same spelling is a label, an Iceberg namespace, a PostgreSQL schema and role, a folder, a
Kubernetes namespace and a part of an AWS name. None of them needs another form, so two names never meet in one."""
_IDENTIFIER = r"^[a-z][a-z0-9_]{0,62}$"
_TAG_KEY = re.compile(r"([a-z0-9.-]{1,120}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_TAG_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
"""What both a label of Kubernetes and a tag of AWS may be."""


def check_name(name: str) -> str:
    """Return a tenant's name.

    Raises:
        ValueError: it is none.
    """
    if NAME.fullmatch(name) is None:
        msg = f"{name!r} is no name of a tenant: 1 to 30 lower-case letters and digits, a letter first, such as `north`"
        raise ValueError(msg)
    return name


def _check_tags(tags: dict[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if _TAG_KEY.fullmatch(key) is None or key.startswith("aws") or _TAG_VALUE.fullmatch(value) is None:
            msg = (
                f"{key}={value} is no label of Kubernetes and tag of AWS: 63 letters and digits at most, `-`, `_` and "
                "`.` between them, and no key that begins with `aws`"
            )
            raise ValueError(msg)
    return tags


TenantName = Annotated[str, AfterValidator(check_name)]


class Tenant(BaseModel):
    """What differs for one centre; everything else is the installation's."""

    model_config = GROUP

    input_prefixes: Annotated[Names, Field(min_length=1)]
    """Folders and URIs below which the VCF and pedigree of its cases must be. Required."""
    work_uri: str | None = None
    """Where its documents are; the folder `<tenant>` below `RADIANT_WORK_URI` when unset."""
    registry_url: str | None = None
    """Database of its registry, when it is not `RADIANT_REGISTRY__URL`. A SQLite file is the tenant's alone; without
    one the file of the installation in a folder `<tenant>` beside it."""
    registry_schema: Annotated[str | None, Field(pattern=_IDENTIFIER)] = None
    """Schema of its registry in PostgreSQL; `radiant_<tenant>` when unset."""
    catalog: str | None = None
    """Its PyIceberg catalog, when it is not `RADIANT_LAKE__CATALOG`."""
    namespace: Annotated[str | None, Field(pattern=_IDENTIFIER)] = None
    """Namespace of its tables; that of `RADIANT_LAKE__NAMESPACE` and `_<tenant>` when unset."""
    warehouse: str | None = None
    """Where its tables are; the folder `<tenant>` below `RADIANT_LAKE__WAREHOUSE` when unset."""
    most_jobs: Annotated[int | None, Field(ge=1)] = None
    """Its jobs at a time, no limit when unset: on Kubernetes the pods of the ResourceQuota that
    `radiant tenants kubernetes` prints, on ECS counted in its own stack before each start. On `local` the machine is
    the limit."""
    most_cpu: Annotated[float | None, Field(ge=0.25)] = None
    """Cores that its jobs request at a time, in the same way."""
    most_memory_gib: Annotated[int | None, Field(ge=1)] = None
    """Memory that its jobs request at a time, in the same way."""
    cost_tags: Annotated[Strings, AfterValidator(_check_tags)] = {}
    """More labels of its pods and tags of its ECS tasks, such as `{"cost-center": "4711"}`."""
    kubernetes_namespace: str | None = None
    """Namespace of its pods, when it is not `RADIANT_KUBERNETES__NAMESPACE`."""
    service_account: str | None = None
    """Service account of its pods, when it is not `RADIANT_KUBERNETES__SERVICE_ACCOUNT`."""
    env_from: Annotated[
        tuple[Annotated[str, Field(pattern=r"^(secret|configmap)/.+")], ...] | None, BeforeValidator(from_list)
    ] = None
    """Sources of its workers' environment, instead of `RADIANT_KUBERNETES__ENV_FROM`: its own credentials."""
    ecs_stack: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = None
    """Its stack of `radiant ecs deploy`, with a cluster, task definitions, task role and log group of its own; those of
    `RADIANT_ECS__*` when unset."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything of one tenant is."""

    tables: str
    """Catalog and namespace."""
    registry: str
    """URL without its password."""
    folders: tuple[str, ...]
    """Of documents, tables and input files."""


def require_apart(places: Mapping[str, Places]) -> None:
    """Refuse two tenants of which one could reach what is the other's.

    Example: the folders `s3://data/north` and `s3://data/north/vcf` of two tenants are refused, `s3://data/north` and
    `s3://data/north1` are not.

    Args:
        places: By the tenant's name.

    Raises:
        ConfigError: two have the same tables or registry, or a folder of one is below a folder of the other.
    """
    seen: dict[str, str] = {}
    for name, one in sorted(places.items()):
        folders = [f"{folder.removeprefix('file://').rstrip('/')}/" for folder in one.folders]
        own = (f"tables {one.tables}", f"registry {one.registry}", *folders)
        for place in own:
            for other, whose in seen.items():
                nested = place.endswith("/") and (place.startswith(other) or other.startswith(place))
                if place == other or nested:
                    msg = (
                        f"RADIANT_TENANTS: {place} of {name!r} and {other} of {whose!r} are one place, or one is below "
                        "the other. Give each tenant places of its own"
                    )
                    raise ConfigError(msg)
        seen |= dict.fromkeys(own, name)


def below(uri: str, name: str | None) -> str:
    """Return the folder of that name below a URI, the URI itself without a name."""
    return f"{uri.rstrip('/')}/{name}" if name else uri


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are set."""
    return {name: value for name, value in values.items() if value is not None}


def registry_of(url: str, tenant: str, own: Tenant) -> str:
    """Return the URL of a tenant's registry: a schema in PostgreSQL, or a SQLite file in a folder of its own.

    A `registry_url` of its own that is a SQLite file stays as it is.

    Raises:
        ConfigError: the URL has `options`, which name a schema already.
    """
    if url.startswith("sqlite"):
        folder, _, file = url.rpartition("/")
        return url if own.registry_url else f"{folder}/{tenant}/{file}"
    if "options=" in url:
        msg = (
            f"the registry of tenant {tenant!r} is a schema, and its URL has `options`, which may name another one. "
            "Leave them out; the tenant's registry_schema in RADIANT_TENANTS names the schema"
        )
        raise ConfigError(msg)
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{own.registry_schema or f'radiant_{tenant}'}"
