"""What deploys: the chart's values name settings that exist and hold no secret; workflows and bases are pinned."""

import re
from pathlib import Path

import pytest
import yaml

from radiant.settings import setting_names

REPOSITORY = Path(__file__).parents[2]
VALUES = yaml.safe_load((REPOSITORY / "deploy" / "helm" / "values.yaml").read_text())
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yaml"))


def test_the_values_name_settings_that_exist():
    names = {one["name"] for one in VALUES["env"] if one["name"].startswith("RADIANT_")}
    assert names
    assert names <= set(setting_names())


def test_the_chart_installs_the_version_of_airflow_that_the_image_has():
    locked = re.search(r"^apache-airflow==(\S+)", (REPOSITORY / "requirements/airflow.txt").read_text(), re.MULTILINE)
    assert locked
    assert VALUES["airflowVersion"] == locked[1]


def test_no_default_password_of_the_chart_is_used():
    assert VALUES["createUserJob"] == {"enabled": False}
    assert VALUES["postgresql"] == {"enabled": False}
    assert VALUES["data"] == {"metadataSecretName": "airflow-metadata"}
    assert all(VALUES[name] for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"))


def test_tasks_reach_the_api_server_through_its_network_policy():
    peers = VALUES["apiServer"]["networkPolicy"]["ingress"]["from"]
    assert {"podSelector": {"matchLabels": {"tier": "airflow", "release": "airflow"}}} in peers


def test_the_overlay_names_the_accounts_that_run_tasks_and_triggers():
    overlay = (REPOSITORY / "deploy" / "kubernetes" / "helm" / "kustomization.yaml").read_text()
    for part in ("scheduler", "triggerer"):
        assert f"name: {VALUES[part]['serviceAccount']['name']}, namespace: airflow" in overlay


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_pinned_by_commit_and_a_workflow_has_no_right_by_default(workflow):
    text = workflow.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}|\./\.github/workflows/\w+\.yaml", one) for one in used)
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_a_base_image_is_that_of_its_dockerfile():
    bases = dict(re.findall(r"^([A-Z_]+)=([^@\n]+)", (REPOSITORY / "docker/bases.env").read_text(), re.MULTILINE))
    named = {}
    for file in REPOSITORY.glob("docker/*.Dockerfile"):
        named |= dict(re.findall(r"^ARG ([A-Z]+_IMAGE)=(\S+)", file.read_text(), re.MULTILINE))
    assert bases == named
