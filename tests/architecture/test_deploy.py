"""What deploys: the chart's values name settings that exist and hold no secret; workflows and bases are pinned."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from radiant.settings import load_settings, setting_names

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


def test_the_workflow_renders_the_chart_that_the_values_are_for():
    values = (REPOSITORY / "deploy" / "helm" / "values.yaml").read_text()
    workflow = (REPOSITORY / ".github" / "workflows" / "test.yaml").read_text()
    (version,) = set(re.findall(r"--version (\S+)", values))
    assert f"--version {version} --values deploy/helm/values.yaml" in workflow
    assert f"(apache-airflow/airflow {version})" in values


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


class CloudFormation(yaml.SafeLoader):
    """Reads a template: its functions become the values that they are given."""


def _value(loader, _, node):
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node)


CloudFormation.add_multi_constructor("!", _value)


def rights(policy):
    """Return the actions of each statement of an IAM policy that concerns S3, by its name."""
    by_name = {one["Sid"]: one["Action"] for one in policy["Statement"]}
    actions = {name: {one} if isinstance(one, str) else set(one) for name, one in by_name.items()}
    return {name: found for name, found in actions.items() if all(one.startswith("s3:") for one in found)}


def policy(path):
    return json.loads((REPOSITORY / "deploy" / path).read_text())


def test_the_rights_on_eks_are_those_that_jobs_on_ecs_were_tested_with():
    template = yaml.load((REPOSITORY / "deploy/ecs/template.yaml").read_text(), CloudFormation)  # noqa: S506 - a SafeLoader
    (jobs,) = [
        one["PolicyDocument"]
        for resource in template["Resources"].values()
        for one in resource.get("Properties", {}).get("Policies", [])
        if one["PolicyName"] == "read-vcf-write-work"
    ]
    assert rights(policy("eks/jobs-policy.json")) == rights(jobs)
    assert rights(policy("eks/airflow-policy.json")) == rights(policy("ecs/airflow-policy.json"))


FOLDERS = ("vcf", "work", "warehouse")


def test_a_policy_of_eks_names_one_bucket_and_its_three_folders():
    for name in ("jobs", "airflow"):
        text = (REPOSITORY / "deploy" / "eks" / f"{name}-policy.json").read_text()
        places = set(re.findall(r"arn:aws:s3:::([^\"]+)", text)) | set(re.findall(r'"s3:prefix": "([^"]+)"', text))
        assert places <= {"BUCKET", *(f"{start}{one}/*" for start in ("BUCKET/", "") for one in FOLDERS)}


def kustomized(overlay):
    """Return the objects of an overlay by kind and name."""
    folder = REPOSITORY / "deploy" / "kubernetes" / overlay
    text = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=True).stdout
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_overlay_for_eks_adds_one_policy_to_the_base_and_changes_nothing_of_it():
    base, eks = kustomized("base"), kustomized("eks")
    added = ("NetworkPolicy", "radiant-pod-identity")
    assert eks == base | {added: eks[added]}
    (egress,) = eks[added]["spec"]["egress"]
    assert egress["ports"] == [{"port": 80, "protocol": "TCP"}]
    assert eks[added]["metadata"]["namespace"] == base["NetworkPolicy", "radiant-jobs"]["metadata"]["namespace"]


def test_the_nodes_that_the_cluster_makes_for_jobs_are_those_that_the_guide_s_settings_choose():
    groups = yaml.safe_load((REPOSITORY / "deploy/eks/cluster.yaml").read_text())["managedNodeGroups"]
    (jobs,) = [one for one in groups if one["name"] == "jobs"]
    guide = dict(re.findall(r"^(RADIANT_\w+)='?(.*?)'?$", (REPOSITORY / "docs/eks.md").read_text(), re.MULTILINE))
    wanted = load_settings({name: guide[name] for name in guide if name.startswith("RADIANT_KUBERNETES__")}).kubernetes
    assert dict(wanted.node_selector) == jobs["labels"]
    assert list(wanted.tolerations) == jobs["taints"]
    accounts = re.findall(r"--service-account-name (\S+)", (REPOSITORY / "docs/eks.md").read_text())
    assert accounts[0] == wanted.service_account
