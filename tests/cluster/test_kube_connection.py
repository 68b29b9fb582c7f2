"""`radiant kube connection`: its output opens the cluster, through Airflow's own hook."""

import json
import shutil
from urllib.parse import urlsplit

import pytest
import yaml
from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from typer.testing import CliRunner
from urllib3.exceptions import HTTPError

from cluster.manifests import applied, token_of
from radiant.cli.main import app
from radiant.kubeconfig import embed, read_context

ELSEWHERE = "127.0.0.2"
"""This machine, by a name that no certificate holds: as host.docker.internal is for a container."""


@pytest.fixture
def kubeconfig(cluster, tmp_path):
    """Return a function that writes a kubeconfig whose authority is a file beside it."""
    access = embed(read_context([cluster.kubeconfig]))

    def write(host=None):
        url = urlsplit(access.server)
        server = access.server if host is None else f"https://{host}:{url.port}"
        (tmp_path / "ca.crt").write_text(access.authority or "")
        document = {
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": dict(access.user)}],
            "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "test",
        }
        path = tmp_path / "config"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


@pytest.fixture
def connect(monkeypatch):
    """Return a function that makes a connection with these arguments and opens it as Airflow does."""

    def connect(*arguments, change=None):
        result = CliRunner().invoke(app, ["kube", "connection", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        made = json.loads(result.stdout)
        if change is not None:
            config = json.loads(made["extra"]["kube_config"])
            change(config["clusters"][0]["cluster"])
            made["extra"]["kube_config"] = json.dumps(config)
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_CONN", json.dumps(made))
        return KubernetesHook(conn_id="kubernetes_conn"), result.stderr

    return connect


def pods(hook, namespace):
    return hook.core_v1_client.list_namespaced_pod(namespace, _request_timeout=10).items


def test_a_context_whose_authority_is_a_file_needs_no_file_any_more(cluster, kubeconfig, connect, tmp_path):
    hook, _ = connect("--kubeconfig", kubeconfig(), "--namespace", cluster.namespace)
    shutil.rmtree(tmp_path)
    assert isinstance(pods(hook, cluster.namespace), list)
    assert hook.get_namespace() == cluster.namespace


class TestMovedServer:
    @pytest.fixture(autouse=True)
    def on_this_machine(self, cluster):
        if not cluster.own:
            pytest.skip("the cluster of RADIANT_TEST_KUBECONFIG need not listen on this machine")

    def test_a_moved_server_is_reached_and_its_certificate_checked(self, cluster, kubeconfig, connect):
        hook, said = connect("--kubeconfig", kubeconfig("localhost"), "--host", ELSEWHERE)
        assert "is checked for the name 'localhost' (tls-server-name)" in said
        assert isinstance(pods(hook, cluster.namespace), list)

    @pytest.mark.parametrize("name", ["wrong.example", None])
    def test_another_name_than_the_certificate_holds_is_refused(self, cluster, kubeconfig, connect, name):
        def rename(values):
            values.pop("tls-server-name")
            if name is not None:
                values["tls-server-name"] = name

        hook, _ = connect("--kubeconfig", kubeconfig("localhost"), "--host", ELSEWHERE, change=rename)
        with pytest.raises(HTTPError, match="CERTIFICATE_VERIFY_FAILED"):
            pods(hook, cluster.namespace)

    @pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
    def test_an_unchecked_server_is_reached_only_when_asked_for(self, cluster, kubeconfig, connect):
        arguments = ("--kubeconfig", kubeconfig("localhost"), "--host", ELSEWHERE, "--insecure-skip-tls-verify")
        hook, said = connect(*arguments)
        assert "WARNING" in said
        assert isinstance(pods(hook, cluster.namespace), list)


def test_a_token_of_the_service_account_has_its_rights_and_no_more(cluster, kubeconfig, connect, tmp_path):
    from kubernetes.client import ApiException  # noqa: PLC0415

    with applied(cluster) as namespace:
        (tmp_path / "token").write_text(token_of(cluster, namespace, "radiant-airflow"))
        hook, _ = connect("--kubeconfig", kubeconfig(), "--token-file", tmp_path / "token", "--namespace", namespace)
        assert hook.core_v1_client.list_namespaced_event(namespace).items == []
        assert pods(hook, namespace) == []
        for denied in (hook.core_v1_client.list_namespaced_secret, hook.core_v1_client.list_namespaced_config_map):
            with pytest.raises(ApiException) as caught:
                denied(namespace)
            assert caught.value.status == 403
