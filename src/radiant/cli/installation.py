"""What an installation has beside Airflow and a platform: registry, tables, documents. `radiant setup` makes it."""

import uuid
from collections.abc import Iterator
from pathlib import Path

from radiant import lake, storage
from radiant.cli.check_result import CheckResult, good, warning, wrong
from radiant.errors import ConfigError, InputError, LakeError, RegistryError, StorageError
from radiant.settings import Settings, mask_secret

_SETUP = "radiant setup"


def check_registry(settings: Settings, *, make: bool) -> Iterator[CheckResult]:
    """Open the registry; its tables are made, or upgraded, by opening it.

    Args:
        settings: where it is.
        make: make a registry in a file that does not exist; otherwise report that there is none.
    """
    from radiant.registry import Registry  # noqa: PLC0415 - heavy, only here

    shown = mask_secret(settings.effective_registry_url)
    if not make and _is_missing(settings.effective_registry_url):
        yield warning("registry", f"there is none at {shown} yet", _SETUP)
        return
    try:
        cases = len(Registry(settings.effective_registry_url).list_cases())
    except (RegistryError, ConfigError, InputError) as error:
        yield wrong(
            "registry", str(error), "do what the message says; otherwise look at RADIANT_REGISTRY__URL and its server"
        )
    else:
        yield good("registry", f"{shown}, {cases} cases")


def _is_missing(url: str) -> bool:
    """Return whether a registry is a SQLite file that does not exist."""
    return url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()


def check_tables(settings: Settings, *, make: bool) -> Iterator[CheckResult]:
    """Look at the Iceberg tables.

    Args:
        settings: catalog, namespace, and the columns that settings choose.
        make: make what is missing: the namespace, tables, columns.
    """
    from radiant.vcf import InfoOptions  # noqa: PLC0415 - heavy, only here

    group, wanted = settings.lake, InfoOptions.of(settings.vcf).tables
    file = lake.embedded_file(settings)
    if not make and file is not None and not file.exists():
        yield warning("tables", f"there is no catalog at {file} yet", _SETUP)
        return
    try:
        with lake.open_catalog(settings) as catalog:
            if make:
                lake.ensure_tables(catalog, group.namespace, wanted, settings.namespace_location)
            found = lake.table_overview(catalog, group.namespace)
    except (LakeError, ConfigError) as error:
        yield wrong("tables", str(error), "correct PYICEBERG_CATALOG__* and RADIANT_LAKE__*, or start the catalog")
        return
    missing = [one.name for one in found if not one.exists]
    if missing:
        text = f"{len(missing)} of {len(found)} are not made yet, such as {missing[0]}"
        yield warning("tables", text, f"{_SETUP}; the first import makes them, too")
    else:
        yield good("tables", f"{len(found)} in namespace {group.namespace} of catalog {group.catalog}")


def check_documents(settings: Settings) -> Iterator[CheckResult]:
    """Write, read and delete a document below the work URI, as Airflow and the jobs do."""
    work = settings.effective_work_uri
    uri, text = f"{work}/doctor-{uuid.uuid4()}", b"radiant"
    try:
        storage.write_bytes(uri, text)
        read = storage.read_bytes(uri)
        storage.delete_prefix(uri)
    except (StorageError, InputError, ConfigError) as error:
        yield wrong("documents", str(error), "correct RADIANT_WORK_URI and its credentials (AWS_*), from this machine")
        return
    if read == text:
        yield good("documents", f"written, read and deleted below {work}")
    else:
        yield wrong("documents", f"{uri} was read otherwise than it was written", "check the store")
