"""The roles of deploy/postgresql on a real server: jobs need no more than one, readers change nothing."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from contract.registry_site import Files, import_all
from radiant.domain.case import CaseState
from radiant.errors import RadiantError
from radiant.registry import Registry
from radiant.registry.model import Base

ROLES = (Path(__file__).parents[3] / "deploy" / "postgresql" / "roles.sql").read_text()


@pytest.fixture(scope="module")
def urls(new_database):
    """The URL of the owner, of a member of each role, and of a login without a role."""
    owner = new_database("rights")
    Registry(owner)
    engine = sa.create_engine(owner, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for _ in range(2):  # again, as after an upgrade
            connection.exec_driver_sql(ROLES)
        for login, role in (("importer", "radiant_jobs"), ("viewer", "radiant_reader")):
            connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN PASSWORD 'hidden-word' IN ROLE {role}")
        connection.exec_driver_sql("CREATE ROLE stranger LOGIN PASSWORD 'hidden-word'")
    place = owner.rpartition("@")[2]
    logins = {login: f"postgresql://{login}:hidden-word@{place}" for login in ("importer", "viewer", "stranger")}
    yield {"owner": owner, **logins}
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP ROLE importer, viewer, stranger")
        connection.exec_driver_sql("DROP OWNED BY radiant_jobs, radiant_reader")
        connection.exec_driver_sql("DROP ROLE radiant_jobs, radiant_reader")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("rights") / "files")


def test_the_role_of_jobs_suffices_from_registration_to_removal(urls, files):
    registry = Registry(urls["importer"])
    case_id = registry.add(files.make("a")).case_id
    assert case_id in import_all(registry)
    assert registry.get(case_id).state is CaseState.IMPORTED
    assert registry.remove(case_id).state is CaseState.DELETED


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE mine (x int)", "DROP TABLE {table}", "ALTER TABLE {table} ADD x int"]
)
@pytest.mark.parametrize("login", ["importer", "viewer"])
def test_no_role_changes_the_tables_themselves(urls, login, statement):
    engine = sa.create_engine(urls[login].replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    table = min(Base.metadata.tables)
    with engine.begin() as connection, pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        connection.exec_driver_sql(statement.format(table=table))


def test_a_reader_sees_cases_and_changes_none(urls, files):
    Registry(urls["importer"]).add(files.make("b"))
    reader = Registry(urls["viewer"])
    before = reader.list_cases()
    assert before
    for change in (lambda: reader.add(files.make("c")), lambda: reader.remove(before[0].case.case_id)):
        with pytest.raises(RadiantError) as caught:
            change()
        assert "hidden-word" not in str(caught.value)
    assert reader.list_cases() == before


def test_a_login_without_a_role_sees_nothing_and_no_message_has_its_password(urls):
    with pytest.raises(RadiantError) as caught:
        Registry(urls["stranger"]).list_cases()
    assert "permission denied" in str(caught.value)
    assert "hidden-word" not in str(caught.value)
    with pytest.raises(RadiantError) as caught:
        Registry(urls["stranger"].replace("hidden-word", "wrong-word")).list_cases()
    assert "wrong-word" not in str(caught.value)
