"""`deploy/kubernetes/eks`, which has the base, with the overlays of the two guides, applied to a cluster."""

import json
import os
import re
import subprocess

import pytest
import yaml

from cluster.site import REPOSITORY
from radiant.cli.tenant_grants import kustomization
from radiant.settings import load_settings

OVERLAYS = REPOSITORY / "deploy" / "kubernetes"
PAGES = [REPOSITORY / "docs" / name for name in ("kubernetes.md", "eks.md")]


def examples():
    """Return the overlays of the pages: every YAML block with patches."""
    pages = "".join(page.read_text() for page in PAGES)
    blocks = re.findall(r"^( *)```yaml\n(.*?)^\1```", pages, re.DOTALL | re.MULTILINE)
    found = [yaml.safe_load(re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)) for indent, text in blocks]
    return [one for one in found if "patches" in one]


@pytest.fixture(scope="module")
def deployed(cluster, tmp_path_factory):
    """All examples in one overlay, in a namespace of its own."""
    folder = tmp_path_factory.mktemp("overlay")
    with cluster.own_namespace() as namespace:
        overlay = {
            "resources": [os.path.relpath(OVERLAYS / "eks", folder.resolve())],
            "namespace": namespace,
            "patches": [patch for one in examples() for patch in one["patches"]],
        }
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
        cluster.kubectl("apply", "-k", str(folder))
        yield namespace


def read(cluster, namespace, kind, name):
    return json.loads(cluster.kubectl("-n", namespace, "get", kind, name, "-o", "json"))


def test_the_examples_of_the_pages_have_their_effect(cluster, deployed):
    assert len(examples()) == 2
    assert read(cluster, deployed, "resourcequota", "radiant-jobs")["spec"]["hard"]["limits.memory"] == "2000Gi"
    account = read(cluster, deployed, "serviceaccount", "radiant-worker")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].endswith(":role/radiant-jobs")
    policy = read(cluster, deployed, "networkpolicy", "radiant-jobs")
    assert {"port": 9000, "protocol": "TCP"} in policy["spec"]["egress"][1]["ports"]
    agent = read(cluster, deployed, "networkpolicy", "radiant-pod-identity")
    assert agent["spec"]["egress"][0]["ports"] == [{"port": 80, "protocol": "TCP"}]


def test_the_overlay_of_a_tenant_is_a_namespace_with_a_quota_where_airflow_has_its_rights(cluster, tmp_path):
    entry = {"input_prefixes": "/n", "kubernetes_namespace": "radiant-north", "most_jobs": 7, "most_memory_gib": 9}
    settings = load_settings({"RADIANT_TENANTS": json.dumps({"north": entry})}, tenant="north")
    base = os.path.relpath(OVERLAYS / "base", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(kustomization(settings, base, "radiant"))
    made = {one["kind"]: one for one in yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path)))}
    assert made["Namespace"]["metadata"]["name"] == "radiant-north"
    assert made["ResourceQuota"]["metadata"]["namespace"] == "radiant-north"
    hard = made["ResourceQuota"]["spec"]["hard"]
    assert (hard["pods"], hard["limits.memory"]) == ("7", "9Gi")
    names = [(one["name"], one["namespace"]) for one in made["RoleBinding"]["subjects"]]
    assert names == [("radiant-airflow", "radiant-north"), ("radiant-airflow", "radiant")]


def test_the_parts_of_the_chart_get_the_role(cluster):
    rendered = cluster.kubectl("kustomize", str(OVERLAYS / "helm"))
    (binding,) = [
        one
        for one in yaml.safe_load_all(rendered)
        if (one["kind"], one["metadata"]["name"]) == ("RoleBinding", "radiant-airflow")
    ]
    names = [(one["name"], one["namespace"]) for one in binding["subjects"]][1:]
    assert names == [("airflow-scheduler", "airflow"), ("airflow-triggerer", "airflow")]


def refused(cluster, *words, stdin=None):
    with pytest.raises(subprocess.CalledProcessError) as error:
        cluster.kubectl(*words, stdin=stdin)
    return error.value.stderr


def a_pod(memory):
    container = {"name": "c", "image": "none", "resources": {"limits": {"memory": memory}}}
    spec = {"containers": [container], "priorityClassName": "radiant-jobs", "serviceAccountName": "radiant-worker"}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})


def test_quota_limits_and_priority_hold_and_no_token_is_mounted(cluster, deployed):
    create = ("-n", deployed, "create", "--dry-run=server", "-o", "json", "-f", "-")
    pod = json.loads(cluster.kubectl(*create, stdin=a_pod("30Gi")))["spec"]
    assert (pod["priority"], pod["preemptionPolicy"]) == (-1, "Never")
    assert "volumeMounts" not in pod["containers"][0]
    assert "maximum memory usage per Container is 32Gi" in refused(cluster, *create, stdin=a_pod("33Gi"))
    service = ("-n", deployed, "create", "service", "loadbalancer", "s", "--tcp=80", "--dry-run=server")
    assert "exceeded quota" in refused(cluster, *service)
