"""The registry on SQLite and on PostgreSQL, with a clock that tests move."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from contract.registry_site import Clock, Files
from radiant.registry import Registry
from radiant.registry.model import SCHEMA_VERSION, Base, SchemaRow


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def postgresql(new_database) -> Iterator[sa.Engine]:
    engine = sa.create_engine(new_database("registry"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory) -> Path:
    """A registry without a case, to be copied: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("registry") / "registry.db"
    Registry(f"sqlite:///{path}")
    return path


@pytest.fixture
def new_url(backend, request, tmp_path) -> str:
    """A database without tables."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/new/registry.db"
    engine = request.getfixturevalue("postgresql")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    return shown(engine)


@pytest.fixture
def url(backend, request, tmp_path) -> str:
    """A registry without a case."""
    if backend == "sqlite":
        path = tmp_path / "registry.db"
        shutil.copyfile(request.getfixturevalue("sqlite"), path)
        return f"sqlite:///{path}"
    engine = request.getfixturevalue("postgresql")
    with engine.begin() as connection:
        made = sa.inspect(connection).has_table(SchemaRow.__tablename__)
        if made:
            tables = ", ".join(set(Base.metadata.tables) - {SchemaRow.__tablename__})
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
            connection.execute(sa.update(SchemaRow).values(version=SCHEMA_VERSION))
    if not made:
        Registry(shown(engine))
    return shown(engine)


def shown(engine: sa.Engine) -> str:
    # As people write it, without the driver.
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(url, clock) -> Registry:
    return Registry(url, clock=clock)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")
