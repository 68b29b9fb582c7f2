"""`radiant kube doctor` on a real cluster: good parts pass, faults are found."""

import json
import os

import pytest
from kubernetes import client
from typer.testing import CliRunner

from cluster.manifests import applied, may, token_of
from cluster.site import wait_for
from radiant.cli.main import app
from radiant.errors import EXIT_CONFIG


@pytest.fixture(scope="module")
def namespace(cluster):
    with applied(cluster, "minikube") as name:
        yield name


@pytest.fixture
def doctor(cluster, namespace, monkeypatch, tmp_path_factory):
    """Return a function that runs it with these settings and arguments: (exit code, output)."""
    folder = cluster.folder / tmp_path_factory.mktemp("doctor").name
    folder.mkdir()
    monkeypatch.setenv("AIRFLOW_HOME", os.environ["AIRFLOW_HOME"])  # restored after the command
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    before = os.umask(0)  # the pod is another user of the same folder

    def run(*arguments, **settings):
        wanted = {
            "RADIANT_HOME": str(folder / "home"),
            "RADIANT_IMAGE": cluster.image,
            "RADIANT_WORK_URI": f"file://{folder}",
            "RADIANT_KUBERNETES__MOUNTS": json.dumps([{"path": str(folder), "host_path": str(folder)}]),
            "RADIANT_KUBERNETES__SERVICE_ACCOUNT": "radiant-worker",
            "RADIANT_KUBERNETES__PRIORITY_CLASS": "radiant-jobs",
            **settings,
        }
        for name, value in wanted.items():
            monkeypatch.setenv(name, value)
        words = [
            "kube",
            "doctor",
            "--kubeconfig",
            str(cluster.kubeconfig),
            "--namespace",
            namespace,
            *map(str, arguments),
        ]
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        return result.exit_code, result.stdout

    yield run
    os.umask(before)


def test_a_good_cluster_passes_and_keeps_no_pod(cluster, namespace, doctor):
    code, words = doctor()
    assert code == 0, words
    for about in ("access", "rights", "quota", "limits", "nodes", "image", "storage"):
        assert f"ok       {about}" in words
    assert "warning  rights" in words  # the administrator has more rights than jobs need
    wait_for(lambda: not cluster.pods(namespace), "the deletion of the pod")


def test_the_least_credential_passes_too(cluster, namespace, doctor, tmp_path):
    (tmp_path / "token").write_text(token_of(cluster, namespace, "radiant-airflow"))
    code, words = doctor("--token-file", tmp_path / "token")
    assert code == 0, words
    assert "ok       storage" in words
    assert "warning" not in words
    assert "unknown  quota       the credential may not look (nor need it)" in words


def test_the_missing_rights_of_a_credential_are_listed(cluster, namespace, doctor, tmp_path):
    assert not may(cluster, namespace, "radiant-worker", ("pods", None, "create"))
    (tmp_path / "token").write_text(token_of(cluster, namespace, "radiant-worker"))
    code, words = doctor("--token-file", tmp_path / "token")
    assert code == EXIT_CONFIG
    assert "may not create pods, get pods, list pods, delete pods, get pods/log, list events" in words
    assert "-> kubectl apply -k deploy/kubernetes/base" in words


def test_a_token_that_the_server_does_not_accept_is_refused_at_once(doctor, tmp_path):
    (tmp_path / "token").write_text("abc")
    code, words = doctor("--token-file", tmp_path / "token")
    assert code == EXIT_CONFIG
    assert "does not accept the credential" in words


def test_an_image_that_does_not_exist_is_found(doctor):
    code, words = doctor(RADIANT_IMAGE="localhost/absent:1", RADIANT_KUBERNETES__PULL_POLICY="Never")
    assert code == EXIT_CONFIG
    assert "wrong    image" in words


def test_a_registry_that_does_not_answer_is_reported_without_waiting(doctor):
    code, words = doctor("--wait", 3600, RADIANT_IMAGE="127.0.0.1:1/absent:1")
    assert code == EXIT_CONFIG
    assert "wrong    image" in words
    assert "connection refused" in words


def test_a_work_uri_that_the_pod_cannot_write_is_found(doctor, cluster, tmp_path_factory):
    folder = cluster.folder / tmp_path_factory.mktemp("closed").name
    folder.mkdir()
    mounts = json.dumps([{"path": str(folder), "host_path": str(folder), "read_only": True}])
    code, words = doctor(RADIANT_WORK_URI=f"file://{folder}", RADIANT_KUBERNETES__MOUNTS=mounts)
    assert code == EXIT_CONFIG
    assert "ok       image" in words
    assert "wrong    storage" in words


def test_a_quota_and_names_that_do_not_fit_are_found_without_a_pod(cluster, namespace, doctor):
    hard = {"hard": {"requests.memory": "1Gi"}}
    quota = client.V1ResourceQuota(metadata=client.V1ObjectMeta(name="small"), spec=hard)
    cluster.api.create_namespaced_resource_quota(namespace, quota)
    try:
        wait_for(
            lambda: cluster.api.read_namespaced_resource_quota("small", namespace).status.hard, "the quota's own status"
        )
        code, words = doctor("--no-pod", RADIANT_KUBERNETES__SERVICE_ACCOUNT="absent")
    finally:
        cluster.api.delete_namespaced_resource_quota("small", namespace)
    assert code == EXIT_CONFIG
    assert "small can never hold import-case" in words
    assert "there is no service account absent" in words
