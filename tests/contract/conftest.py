"""One PostgreSQL server for all suites of a session; each suite makes a database of its own."""

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from contract.postgresql import postgresql_server


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[str], str]]:
    """Make an empty database of that name and return its URL; skips where no server is installed."""
    with postgresql_server() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

        def create(name: str) -> str:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            return url.removesuffix("postgres") + name

        yield create
