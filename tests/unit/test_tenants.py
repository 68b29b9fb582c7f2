"""The settings of a tenant: what is its own, what is the installation's, and which settings are refused."""

import json

import pytest

from radiant.errors import ConfigError, TenantError
from radiant.settings import effective_settings, load_installation, load_settings
from radiant.tenant_settings import Places, require_apart

NORTH = {"input_prefixes": "s3://north/vcf"}
SOUTH = {"input_prefixes": ["s3://south/vcf"]}


def environment(north=NORTH, south=SOUTH, **variables):
    return {"RADIANT_HOME": "/home", "RADIANT_TENANTS": json.dumps({"north": north, "south": south}), **variables}


def test_everything_of_a_tenant_is_below_the_installations_in_its_own_name():
    found = load_settings(environment(), tenant="north")
    assert found.tenant == "north"
    assert found.input_prefixes == ("s3://north/vcf",)
    assert found.effective_work_uri == "file:///home/work/north"
    assert found.effective_registry_url == "sqlite:////home/north/registry.db"
    assert found.effective_ui_registry_url == "sqlite:////home/north/registry.db"
    assert found.effective_warehouse == "file:///home/warehouse/north"
    assert str(found.catalog_file) == "/home/north/catalog.db"
    assert found.lake.namespace == "radiant_north"
    assert found.namespace_location is None, "the built-in catalog puts it below its warehouse"


def test_stores_of_the_installation_hold_a_folder_and_a_schema_for_each_tenant():
    found = load_settings(
        environment(
            RADIANT_WORK_URI="s3://work/radiant/",
            RADIANT_LAKE__WAREHOUSE="s3://lake",
            RADIANT_REGISTRY__URL="postgresql://jobs:secret@db/radiant?sslmode=require",
        ),
        tenant="south",
    )
    assert found.effective_work_uri == "s3://work/radiant/south"
    assert found.effective_warehouse == "s3://lake/south"
    assert found.namespace_location == "s3://lake/south/radiant_south"
    assert found.effective_registry_url.endswith("@db/radiant?sslmode=require&options=-csearch_path%3Dradiant_south")


def test_the_registry_of_a_server_may_be_another_database_or_schema():
    own = NORTH | {"registry_url": "postgresql://n@other/north", "registry_schema": "public"}
    found = load_settings(environment(own, RADIANT_REGISTRY__URL="postgresql://db/radiant"), tenant="north")
    assert found.effective_registry_url == "postgresql://n@other/north?options=-csearch_path%3Dpublic"


def test_what_a_tenant_names_itself_is_taken_as_it_is():
    own = NORTH | {
        "work_uri": "s3://north/work",
        "registry_url": "sqlite:////srv/north.db",
        "catalog": "glue",
        "namespace": "north",
        "warehouse": "s3://north/lake",
        "kubernetes_namespace": "radiant-north",
        "service_account": "north",
        "env_from": "secret/north",
        "ecs_stack": "radiant-north",
    }
    found = load_settings(environment(own), tenant="north")
    assert (found.work_uri, found.registry.url) == ("s3://north/work", "sqlite:////srv/north.db")
    assert (found.lake.catalog, found.lake.namespace, found.lake.warehouse) == ("glue", "north", "s3://north/lake")
    pods = found.kubernetes
    assert (pods.namespace, pods.service_account, pods.env_from) == ("radiant-north", "north", ("secret/north",))
    tasks = found.ecs
    assert (tasks.cluster, tasks.task_definition, tasks.log_group) == (
        "radiant-north",
        "radiant-north",
        "/radiant-north/jobs",
    )


def test_settings_of_one_tenant_hold_nothing_of_another():
    found = load_settings(environment(south=SOUTH | {"registry_url": "postgresql://south:pw@db/s"}), tenant="north")
    assert "south" not in found.model_dump_json()


def test_an_installation_without_tenants_is_as_it_was():
    found = load_settings({"RADIANT_HOME": "/home"})
    assert found == load_installation({"RADIANT_HOME": "/home"})
    assert (found.tenant, found.tenant_settings, found.run_tenants, found.namespace_location) == (None, None, (), None)
    assert found.effective_work_uri == "file:///home/work"
    assert str(found.catalog_file) == "/home/catalog.db"


def test_the_variable_names_the_tenant_of_a_process():
    here = environment(RADIANT_TENANT="north")
    assert load_settings(here).tenant == "north"
    assert load_settings(here, tenant="north").tenant == "north"
    assert load_installation(here).run_tenants == ()
    assert load_installation(environment()).run_tenants == ("north", "south")


@pytest.mark.parametrize(
    ("variables", "tenant", "text"),
    [
        ({}, None, "none is named: give a run the param `tenant`, a command the variable RADIANT_TENANT"),
        ({}, "nroth", "there is no tenant 'nroth': RADIANT_TENANTS has north, south"),
        ({"RADIANT_TENANT": "west"}, None, "there is no tenant 'west'"),
        ({"RADIANT_TENANT": "north"}, "south", "this process serves 'north' alone"),
    ],
)
def test_a_tenant_is_named_known_and_that_of_the_process(variables, tenant, text):
    with pytest.raises(TenantError, match=text):
        load_settings(environment(**variables), tenant=tenant)


def test_a_tenant_without_any_entry_is_refused():
    with pytest.raises(TenantError, match="RADIANT_TENANTS has none"):
        load_settings({"RADIANT_TENANT": "north"})


@pytest.mark.parametrize("name", ["North", "north-west", "north_west", "1north", "n" * 31, "a/b", "..", "", "nörd"])
def test_a_name_is_a_label_a_namespace_a_schema_and_a_folder_at_once(name):
    with pytest.raises(ConfigError, match="is no name of a tenant"):
        load_settings({"RADIANT_TENANTS": json.dumps({name: NORTH})})


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({}, "INPUT_PREFIXES"),
        ({"input_prefixes": ""}, "INPUT_PREFIXES"),
        (NORTH | {"namespace": "a.b"}, "NAMESPACE"),
        (NORTH | {"cost_tags": {"aws:x": "1"}}, "aws:x=1"),
        (NORTH | {"cost_tags": {"centre": "a b"}}, "centre=a b"),
        (NORTH | {"prefix": "x"}, "PREFIX"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused_by_name(entry, text):
    with pytest.raises(ConfigError, match=text):
        load_settings(environment(entry))


@pytest.mark.parametrize(
    "south",
    [
        {"input_prefixes": "s3://north/vcf/south"},
        {"input_prefixes": "s3://north"},
        SOUTH | {"work_uri": "/home/work/north"},
        SOUTH | {"warehouse": "s3://north/vcf"},
        SOUTH | {"namespace": "radiant_north"},
        SOUTH | {"registry_url": "sqlite:////home/north/registry.db"},
    ],
)
def test_two_tenants_share_no_place(south):
    with pytest.raises(ConfigError, match=r"of 'south' and .* of 'north' are one place, or one is below"):
        load_installation(environment(south=south))


def test_a_folder_whose_name_begins_like_anothers_is_another():
    places = {"north": Places("a", "b", ("s3://data/north",)), "north1": Places("c", "d", ("s3://data/north1",))}
    require_apart(places)


def test_a_registry_whose_url_names_a_schema_by_options_is_refused():
    with pytest.raises(ConfigError, match="registry_schema in RADIANT_TENANTS names the schema"):
        load_installation(environment(RADIANT_REGISTRY__URL="postgresql://h/d?options=-csearch_path%3Dx"))


def test_passwords_of_tenants_are_masked():
    north, south = (
        {**one, "registry_url": f"postgresql://u:{name}pw@db/{name}"} for one, name in ((NORTH, "n"), (SOUTH, "s"))
    )
    shown = "\n".join(value for _, value in effective_settings(load_installation(environment(north, south))))
    assert "npw" not in shown
    assert "spw" not in shown
    with pytest.raises(ConfigError) as failed:
        load_installation(environment(north | {"unknown": 1}, south | {"most_jobs": 0}))
    assert "npw" not in str(failed.value)
    assert "spw" not in str(failed.value)
