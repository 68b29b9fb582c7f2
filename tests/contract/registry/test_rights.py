"""The roles of deploy/postgresql and of tenants on a real server: jobs need one, readers change nothing."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from contract.registry_site import Files, import_all
from radiant.cli.tenant_grants import registry_sql
from radiant.domain.case import CaseState
from radiant.errors import RadiantError
from radiant.registry import Registry
from radiant.registry.model import Base
from radiant.settings import load_settings

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
def centres(new_database):
    """The registry's URL of two tenants, for the owner and for a login with the role of the tenant's jobs."""
    base = new_database("centres")
    names = ("north", "south")
    tenants = {"RADIANT_TENANTS": json.dumps({name: {"input_prefixes": f"/{name}"} for name in names})}
    engine = sa.create_engine(base, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    found: dict[str, str] = {}
    with engine.connect() as connection:
        for name in names:
            own = load_settings({**tenants, "RADIANT_REGISTRY__URL": base}, tenant=name)
            found[f"{name} owner"] = own.effective_registry_url
            connection.exec_driver_sql(registry_sql(own))
            Registry(own.effective_registry_url)
            connection.exec_driver_sql(registry_sql(own))  # again, as after an upgrade
            connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD 'hidden-word' IN ROLE radiant_{name}_jobs")
            url = f"postgresql://{name}:hidden-word@{base.rpartition('@')[2]}"
            found[name] = load_settings({**tenants, "RADIANT_REGISTRY__URL": url}, tenant=name).effective_registry_url
    yield found
    with engine.connect() as connection:
        for name in names:
            roles = f"radiant_{name}_jobs, radiant_{name}_reader"
            connection.exec_driver_sql(f"DROP OWNED BY {roles}")
            connection.exec_driver_sql(f"DROP ROLE {name}, {roles}")


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


def test_the_role_of_a_tenants_jobs_suffices_in_its_own_registry(centres, files):
    for name in ("north", "south"):
        registry = Registry(centres[name])
        case_id = registry.add(files.make(f"of-{name}")).case_id
        assert case_id == 1
        assert case_id in import_all(registry)
    (north,), (south,) = (Registry(centres[f"{name} owner"]).list_cases() for name in ("north", "south"))
    assert (north.case.vcf_uri, south.case.vcf_uri) == tuple(
        files.make(f"of-{name}").vcf_uri for name in ("north", "south")
    )


@pytest.mark.parametrize("login", ["north", "south"])
def test_a_tenants_role_neither_reads_nor_writes_the_registry_of_another(centres, login):
    other = {"north": "south", "south": "north"}[login]
    with pytest.raises(RadiantError) as caught:
        Registry(centres[login].replace(f"radiant_{login}", f"radiant_{other}"))
    assert "radiant tenants sql" in str(caught.value)
    assert "hidden-word" not in str(caught.value)
    url = centres[login].replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    table = sa.Table(min(Base.metadata.tables), sa.MetaData(), sa.Column("x", sa.Integer), schema=f"radiant_{other}")
    for statement in (sa.select(sa.func.count()).select_from(table), sa.delete(table), sa.schema.CreateTable(table)):
        with engine.begin() as connection, pytest.raises(ProgrammingError, match="permission denied for schema"):
            connection.execute(statement)
