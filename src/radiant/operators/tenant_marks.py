"""What a container carries of its tenant: the variables by which it serves that tenant alone, labels and tags."""

import json

from radiant.settings import Settings
from radiant.tenant_settings import Tenant


def worker_variables(settings: Settings) -> dict[str, str]:
    """Return the variables of a container of a tenant; none without one.

    They hold no secret: a registry on a server is named by the container's own environment.
    """
    if settings.tenant is None:
        return {}
    url, entry = settings.effective_registry_url, settings.tenants[settings.tenant]
    own = Tenant(
        input_prefixes=settings.input_prefixes,
        work_uri=settings.effective_work_uri,
        registry_url=url if url.startswith("sqlite") else None,
        registry_schema=entry.registry_schema,
        catalog=settings.lake.catalog,
        namespace=settings.lake.namespace,
        warehouse=settings.lake.warehouse,
    )
    table = {settings.tenant: own.model_dump(mode="json", exclude_unset=True, exclude_none=True)}
    return {"RADIANT_TENANT": settings.tenant, "RADIANT_TENANTS": json.dumps(table)}


def cost_tags(settings: Settings, name: str) -> dict[str, str]:
    """Return the labels or tags of a container of a tenant; none without one.

    Args:
        settings: Of the tenant.
        name: Of the label that has the tenant's name.
    """
    own = settings.tenant_settings
    return {} if own is None else {**own.cost_tags, name: str(settings.tenant)}
