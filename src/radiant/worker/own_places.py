"""What a job of a tenant may be asked for: documents and tables of its own centre."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from radiant import storage
from radiant.errors import TenantError
from radiant.jobs.documents import Request
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.lake import TableRef


def require_own(request: Request, settings: Settings, *documents: str) -> None:
    """Refuse a request that names documents of another tenant; an installation without tenants has none.

    Args:
        request: Its folders, and each argument whose name ends in `_uri`, are compared.
        settings: Of the tenant.
        documents: Where request and result are.

    Raises:
        TenantError: a place is not below the tenant's work URI.
    """
    if settings.tenant is not None:
        named = (request.run_uri, request.task_uri, *_uris(request.arguments))
        _require_below(settings, "documents", settings.effective_work_uri, [*documents, *filter(None, named)])


def require_own_tables(tables: Mapping[str, "TableRef"], settings: Settings) -> None:
    """Refuse tables that are not below the tenant's warehouse, where the settings name one.

    Args:
        tables: By short name.
        settings: Of the tenant.

    Raises:
        TenantError: a table is elsewhere.
    """
    if settings.tenant is not None and settings.lake.warehouse is not None:
        places = [place for one in tables.values() for place in (one.location, one.data_location)]
        _require_below(settings, "tables", settings.lake.warehouse, places)


def _require_below(settings: Settings, what: str, folder: str, places: Iterable[str]) -> None:
    for place in places:
        if not storage.is_below(place, [folder]):
            msg = (
                f"{place}: the {what} of tenant {settings.tenant!r} are below {folder}. Run the job for the tenant "
                "whose place it is, or correct RADIANT_TENANTS"
            )
            raise TenantError(msg)


def _uris(value: object, name: str = "") -> Iterator[str]:
    """Yield each text below a name that ends in `_uri`."""
    if isinstance(value, str):
        if name.endswith("_uri") and value:
            yield value
    elif isinstance(value, Mapping):
        for key, one in cast("Mapping[str, object]", value).items():
            yield from _uris(one, key)
    elif isinstance(value, Sequence):
        for one in cast("Sequence[object]", value):
            yield from _uris(one, name)
