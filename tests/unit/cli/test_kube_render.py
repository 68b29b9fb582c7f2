"""`radiant kube render`: the pod that would run, without a cluster."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from typer.testing import CliRunner

from radiant.cli.kube_pod import TASKS, order_of, plain
from radiant.cli.main import app
from radiant.errors import ConfigError, JobRefusedError
from radiant.jobs.catalogue import JOBS, effective_job
from radiant.operators.pod.spec import build_pod
from radiant.settings import load_settings

DAGS = Path(__file__).parents[3] / "dags"


@pytest.fixture(autouse=True)
def configured(monkeypatch, tmp_path):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    monkeypatch.setenv("RADIANT_IMAGE", "registry.example.org/radiant-operator:1")
    monkeypatch.setenv("RADIANT_WORK_URI", "s3://bucket/work")
    # The command gives Airflow a home; that of the tests stays.
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")


def render(job, *arguments):
    result = CliRunner().invoke(app, ["kube", "render", "--job", job, *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    # This process has imported Airflow before, with a log at INFO.
    return yaml.safe_load(result.stdout[result.stdout.index("apiVersion:") :])


@pytest.mark.parametrize("job", JOBS)
def test_every_job_can_be_shown_with_its_own_numbers(job):
    pod = render(job)
    (container,) = pod["spec"]["containers"]
    resources = JOBS[job].resources
    assert pod["kind"] == "Pod"
    assert container["command"][:2] == ["radiant-worker", job]
    assert container["image"] == "registry.example.org/radiant-operator:1"
    assert container["resources"]["limits"]["memory"] == f"{resources.memory_mib}Mi"
    assert pod["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] == f"{resources.scratch_gib}Gi"


def test_it_is_what_the_operator_builds(monkeypatch):
    monkeypatch.setenv("RADIANT_KUBERNETES__SERVICE_ACCOUNT", "radiant-worker")
    monkeypatch.setenv("RADIANT_JOBS__POC__MEMORY_MIB", "777")
    settings = load_settings()
    order = order_of(
        effective_job("poc", settings),
        settings,
        run_id="manual__rendered",
        attempt="00000000-0000-0000-0000-000000000000",
    )
    assert render("poc", "--namespace", "elsewhere") == plain(build_pod(order, settings, namespace="elsewhere"))


def test_standard_output_is_the_pod_alone():
    command = [Path(sys.executable).with_name("radiant"), "kube", "render", "--job", "poc"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("apiVersion: v1\n")
    assert yaml.safe_load(shown) == render("poc")


def test_a_job_is_shown_as_the_task_that_runs_it():
    bag = DagBag(str(DAGS))
    found = {}
    for dag in bag.dags.values():
        for task in dag.tasks:
            job = getattr(task, "partial_kwargs", {}).get("job") or getattr(task, "job", None)
            if job in JOBS:
                found[job] = (dag.dag_id, task.task_id)
    assert found == TASKS


def test_an_unknown_job_is_named_beside_those_there_are():
    with pytest.raises(ConfigError, match=r"no job 'import'; the jobs are .*import-case"):
        CliRunner().invoke(app, ["kube", "render", "--job", "import"], catch_exceptions=False)


def test_without_an_image_there_is_no_pod_to_show(monkeypatch):
    monkeypatch.delenv("RADIANT_IMAGE")
    with pytest.raises(JobRefusedError, match="RADIANT_IMAGE"):
        CliRunner().invoke(app, ["kube", "render", "--job", "poc"], catch_exceptions=False)
