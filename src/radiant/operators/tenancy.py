"""The tenant of a run: the param `tenant`, which the runs that a run starts inherit."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from airflow.sdk import Param

from radiant.jobs.codec import JsonObject
from radiant.settings import Settings, load_installation, load_settings

KEY = "tenant"
"""Of the params of a run."""
_TEXT = "The centre whose cases, tables and documents the run works on."


def tenant_params() -> dict[str, Param]:
    """Return the param `tenant` of a DAG: none where the installation has no tenants, or serves one alone.

    Airflow refuses a run without it, and one with the name of no tenant.

    Raises:
        ConfigError: a setting is wrong.
    """
    names = load_installation().run_tenants
    return {KEY: Param(type="string", enum=list(names), title="Tenant", description=_TEXT)} if names else {}


def for_each_tenant(operator: Callable[..., Any], task_id: str, job: str, arguments: Mapping[str, object]) -> None:
    """Add a job's task to a DAG whose runs name no tenant: one for each tenant, `<task_id>_<tenant>`.

    Where the installation has no tenants, or serves one alone, it is one task of the plain name.

    Args:
        operator: The class of the backend.
        task_id: Of the task without tenants.
        job: Its job.
        arguments: Of the job.

    Raises:
        ConfigError: a setting is wrong.
    """
    names = load_installation().run_tenants
    for name in names:
        own = {KEY: Param(name, type="string", enum=[name], title="Tenant", description=_TEXT)}
        operator(task_id=f"{task_id}_{name}", job=job, arguments=arguments, params=own)
    if not names:
        operator(task_id=task_id, job=job, arguments=arguments)


def tenant_of(context: Any) -> str | None:
    """Return the tenant that a run names, None where it names none.

    Args:
        context: Of Airflow.
    """
    params: object = context.get("params")
    found = cast("Mapping[str, object]", params).get(KEY) if isinstance(params, Mapping) else None
    return str(found) if found else None


def run_settings(context: Any) -> Settings:
    """Return the settings of a run: those of its tenant, where the installation has tenants.

    Args:
        context: Of Airflow.

    Raises:
        TenantError: the run names no tenant, an unknown one, or another than that of the installation.
        ConfigError: a setting is wrong.
    """
    return load_settings(tenant=tenant_of(context))


def tenant_conf(context: Any) -> JsonObject:
    """Return the param that a run passes to the runs that it starts; nothing where it names no tenant.

    Args:
        context: Of Airflow.
    """
    name = tenant_of(context)
    return {KEY: name} if name else {}
