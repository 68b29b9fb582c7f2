import pytest

from radiant.errors import TenantError
from radiant.operators.task_folder import task_folder_uri
from radiant.operators.tenancy import run_settings, tenant_conf, tenant_of

TENANTS = '{"north": {"input_prefixes": "/n"}, "south": {"input_prefixes": "/s"}}'


@pytest.mark.parametrize(
    ("params", "tenant"),
    [
        ({"tenant": "north"}, "north"),
        ({"tenant": None}, None),
        ({"tenant": ""}, None),
        ({"part": 7}, None),
        (None, None),
    ],
)
def test_the_tenant_of_a_run_is_its_param_and_goes_to_the_runs_that_it_starts(params, tenant):
    context = {} if params is None else {"params": params}
    assert tenant_of(context) == tenant
    assert tenant_conf(context) == ({"tenant": tenant} if tenant else {})


def test_a_run_has_the_settings_of_its_tenant(monkeypatch, tmp_path):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    assert run_settings({"params": {}}).tenant is None
    monkeypatch.setenv("RADIANT_TENANTS", TENANTS)
    assert run_settings({"params": {"tenant": "south"}}).lake.namespace == "radiant_south"
    for params in ({"tenant": "west"}, {}):
        with pytest.raises(TenantError):
            run_settings({"params": params})
    monkeypatch.setenv("RADIANT_TENANT", "north")
    assert run_settings({"params": {}}).tenant == "north"
    with pytest.raises(TenantError):
        run_settings({"params": {"tenant": "south"}})


def test_the_folder_of_a_task_is_its_tenants(monkeypatch, tmp_path):
    class Instance:
        dag_id, run_id = "import-vcf", "r"

    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    monkeypatch.setenv("RADIANT_TENANTS", TENANTS)
    assert task_folder_uri(Instance, "import_case", "north") == f"file://{tmp_path}/work/north/import-vcf/r/import_case"
