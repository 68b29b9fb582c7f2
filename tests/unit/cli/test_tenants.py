"""`radiant tenants`: what it prints is made for the tenant alone, and is what each platform takes."""

import datetime as dt
import json

import pytest
import yaml
from typer.testing import CliRunner

from radiant.cli.tenants import app
from radiant.errors import ConfigError, TenantError
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times, Usage
from radiant.registry import Registry
from radiant.settings import load_settings

TENANTS = {
    "north": {
        "input_prefixes": ["s3://north-vcf", "s3://shared/north/"],
        "kubernetes_namespace": "radiant-north",
        "most_jobs": 20,
        "most_cpu": 40,
        "most_memory_gib": 100,
        "cost_tags": {"cost-center": "4711"},
    },
    "south": {"input_prefixes": "/data/south", "registry_schema": "southern"},
}


@pytest.fixture(autouse=True)
def installation(monkeypatch):
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps(TENANTS))
    monkeypatch.setenv("RADIANT_WORK_URI", "s3://genomics/work")
    monkeypatch.setenv("RADIANT_LAKE__WAREHOUSE", "s3://genomics/lake")
    monkeypatch.setenv("RADIANT_REGISTRY__URL", "postgresql://owner:hidden-word@db/radiant")


def printed(*arguments):
    found = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert found.exit_code == 0
    return found.output


def test_the_list_shows_where_everything_is_and_no_password():
    text = printed("list")
    for place in ("s3://north-vcf", "radiant_north", "schema southern", "s3://genomics/work/south", "20"):
        assert place in text
    assert "hidden-word" not in text


def test_the_policy_names_the_tenants_folders_alone():
    policy = json.loads(printed("s3", "north"))
    resources = [one for statement in policy["Statement"] for one in [statement["Resource"]]]
    flat = {one for group in resources for one in ([group] if isinstance(group, str) else group)}
    assert flat == {
        "arn:aws:s3:::north-vcf/*",
        "arn:aws:s3:::shared/north/*",
        "arn:aws:s3:::genomics/work/north/*",
        "arn:aws:s3:::genomics/lake/north/*",
        "arn:aws:s3:::north-vcf",
        "arn:aws:s3:::shared",
        "arn:aws:s3:::genomics",
    }
    listed = [one["Condition"]["StringLike"]["s3:prefix"] for one in policy["Statement"] if "Condition" in one]
    assert listed == ["*", "north/*", "work/north/*", "lake/north/*"]


def test_the_schema_and_the_roles_have_the_tenants_name():
    assert "CREATE SCHEMA IF NOT EXISTS radiant_north;" in printed("sql", "north")
    assert "CREATE ROLE southern_jobs NOLOGIN" in printed("sql", "south")
    assert "north" not in printed("sql", "south")


def test_the_overlay_has_the_tenants_namespace_and_quota_and_the_rights_of_airflow():
    overlay = yaml.safe_load(printed("kubernetes", "north", "--base", "../base", "--airflow", "airflow"))
    assert (overlay["namespace"], overlay["resources"]) == ("radiant-north", ["../base"])
    assert overlay["labels"] == [{"pairs": {"tenant": "north", "cost-center": "4711"}}]
    quota, binding = (json.loads(one["patch"]) for one in overlay["patches"])
    assert {one["path"].rpartition("/")[2]: one["value"] for one in quota} == {
        "pods": "20",
        "requests.cpu": "40",
        "requests.memory": "100Gi",
        "limits.memory": "100Gi",
    }
    assert binding[0]["value"] == {"kind": "ServiceAccount", "name": "radiant-airflow", "namespace": "airflow"}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (["s3", "west"], TenantError, "there is no tenant 'west'"),
        (["s3", "south"], ConfigError, "/data/south is not in S3"),
        (["kubernetes", "south"], ConfigError, "no Kubernetes namespace of its own"),
        (["kubernetes", "north", "--airflow", "radiant-north"], ConfigError, "no Kubernetes namespace of its own"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_the_setting_that_is_missing(arguments, error, text):
    with pytest.raises(error, match=text):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_registry_in_a_file_needs_no_sql(monkeypatch):
    monkeypatch.delenv("RADIANT_REGISTRY__URL")
    with pytest.raises(ConfigError, match="SQLite file"):
        CliRunner().invoke(app, ["sql", "north"], catch_exceptions=False)


def test_the_costs_of_a_month_are_added_up_by_tenant(monkeypatch, tmp_path):
    for name in ("RADIANT_WORK_URI", "RADIANT_LAKE__WAREHOUSE", "RADIANT_REGISTRY__URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    for name, hours in (("north", (1, 2)), ("south", (4,))):
        own = load_settings(tenant=name)
        tries = [tried(name, number, 3600.0 * one) for number, one in enumerate(hours)]
        Registry(own.effective_registry_url).record_usage(tries, keep_days=36500)
    rows = {line.split()[0]: line.split() for line in printed("costs", "2026-11").splitlines() if line.strip()}
    assert [rows[name][1:3] for name in ("north", "south", "total")] == [["2", "2"], ["1", "1"], ["3", "3"]]
    amounts = {name: float(rows[name][-1].lstrip("$")) for name in ("north", "south", "total")}
    assert amounts["south"] > amounts["north"] > 0
    assert amounts["total"] == pytest.approx(amounts["north"] + amounts["south"], abs=0.002)


def tried(tenant, number, seconds):
    began = dt.datetime(2026, 11, 3, tzinfo=dt.UTC).timestamp()
    times = Times(began, began, began, began, began + seconds)
    usage = Usage(seconds, seconds, 900.0, 1, 1)
    one = JobTry(f"{tenant}-{number}", 1, None, times, Placement("ecs", capacity="FARGATE"), 2.0, 2048, 900.0, usage)
    return TaskUsage(f"file:///run/{tenant}", "import-case", number + 1, one)
