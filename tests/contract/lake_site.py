"""A catalog with its store, as a user configures them: by settings, PyIceberg's variables and those of the store."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import s3fs
import sqlalchemy as sa
from pyiceberg.catalog import Catalog

from lines import DatabaseLine, HttpLine, Line
from radiant import lake, storage
from radiant.settings import Settings, load_settings

SITES = ("sqlite-files", "sqlite-s3", "postgresql-files", "postgresql-s3", "rest-s3")
"""Each catalog with each store that can run here; the REST catalog has its tables in a store of its own."""

CATALOGS = ("sqlite-files", "postgresql-files", "rest-s3")
"""Each catalog once, with the store that answers fastest."""

_NUMBERS = itertools.count(1)


@dataclass
class LakeSite:
    """One installation: its variables are set, its tables do not exist yet."""

    variables: dict[str, str]
    """Of radiant, PyIceberg and the client of the store."""
    warehouse: str
    """URI of the folder with all files."""
    lines: dict[str, Line]
    """The lines to `catalog` and `store`, where a test breaks calls; empty where it does not."""
    read_without_requests: Callable[[], AbstractContextManager[None]] = nullcontext
    """Within, what this process reads costs no request, where the store can do that."""
    _opened: list[Catalog] = field(default_factory=list[Catalog])

    @property
    def settings(self) -> Settings:
        return load_settings({name: value for name, value in self.variables.items() if name.startswith("RADIANT_")})

    def open(self) -> Catalog:
        """Open the catalog as another process would."""
        catalog = lake.open_catalog(self.settings)
        self._opened.append(catalog)
        return catalog

    def files(self) -> set[str]:
        return set(storage.list_files(self.warehouse))

    def data_files(self) -> set[str]:
        return {uri for uri in self.files() if uri.endswith(".parquet")}

    @contextmanager
    def _in_use(self) -> "Iterator[LakeSite]":
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            s3fs.S3FileSystem.clear_instance_cache()
            try:
                yield self
            finally:
                for one in self._opened:
                    one.close()
                s3fs.S3FileSystem.clear_instance_cache()


@contextmanager
def lake_site(
    name: str, folder: Path, fixture: Callable[[str], Any], *, with_lines: bool = False
) -> Iterator[LakeSite]:
    """Make one of `SITES`; within, this process and those that it starts find it.

    Args:
        name: Of the site; or `glue-s3`, as far as moto goes.
        folder: For its files.
        fixture: Returns the servers: `catalog_database`, `s3_server`, `weed`.
        with_lines: Put a line before each server.
    """
    kind, _, store = name.partition("-")
    lines: dict[str, Line] = {}
    with ExitStack() as stack:

        def line_to(what: str, url: str, error: str = "xml", app: Any = None) -> str:
            if not with_lines:
                return url
            line = stack.enter_context(HttpLine(url, app=app, error=error).serving())
            lines[what] = line
            return line.url

        variables = {"RADIANT_HOME": str(folder / "home")}
        without_requests: Callable[[], AbstractContextManager[None]] = nullcontext
        if kind == "rest":
            weed = fixture("weed")
            warehouse = weed.new_warehouse(f"clinic-{next(_NUMBERS)}")
            variables |= _of_s3(line_to("store", weed.s3))
            uri = line_to("catalog", weed.catalog, "json")
            variables |= _of_catalog(
                type="rest",
                uri=uri,
                warehouse=warehouse,
                credential=weed.credential,
                oauth2_server_uri=f"{uri}/v1/oauth/tokens",
            )
        else:
            warehouse = f"file://{folder}/warehouse"
            if store == "s3":
                moto = fixture("s3_server")
                warehouse = moto.uri(f"{folder.name}-{next(_NUMBERS)}/warehouse")
                variables |= _of_s3(line_to("store", moto.endpoint, app=moto.answer))
                without_requests = moto.read_without_requests
            variables["RADIANT_LAKE__WAREHOUSE"] = warehouse
            if kind == "glue":
                variables |= _of_catalog(type="glue")
            if kind == "postgresql":
                url = sa.make_url(_emptied(fixture("catalog_database")))
                if with_lines:
                    lines["catalog"] = database = stack.enter_context(DatabaseLine(url.port or 0).serving())
                    url = url.set(port=database.port)
                uri = url.render_as_string(hide_password=False)
                variables |= _of_catalog(type="sql", uri=uri, warehouse=warehouse)
        with LakeSite(variables, warehouse, lines, without_requests)._in_use() as site:
            yield site


def _of_s3(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _of_catalog(**properties: str) -> dict[str, str]:
    return {f"PYICEBERG_CATALOG__DEFAULT__{name.upper()}": value for name, value in properties.items()}


def _emptied(url: str) -> str:
    """Return a database of a catalog without the tables of earlier tests."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in ("iceberg_tables", "iceberg_namespace_properties"):
            if sa.inspect(connection).has_table(table):
                connection.execute(sa.delete(sa.table(table)))
    return url
