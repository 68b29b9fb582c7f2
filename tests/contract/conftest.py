"""Servers that the suites share: PostgreSQL for a session, with a database for each suite; stores for a module."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from contract.postgresql import postgresql_server
from seaweedfs import SeaweedFs, seaweedfs


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[..., str]]:
    """Make an empty database of that name and return its URL; skips where no server is installed."""
    with postgresql_server() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

        def create(name: str, options: str = "") -> str:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name} {options}")
            return url.removesuffix("postgres") + name

        yield create


@pytest.fixture(scope="session")
def catalog_database(new_database: Callable[..., str]) -> str:
    return new_database("catalog")


@pytest.fixture(scope="module")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFs]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server
