import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from certificates import Authority, tls_server
from radiant.cli import kube_connection
from radiant.cli.main import app
from radiant.errors import ConfigError, PlatformUnavailableError


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def kubeconfig(authority, tmp_path, monkeypatch):
    """A kubeconfig with a context of files and one of EKS; returns a function that writes it for a port."""
    authority.issue("client")

    def write(port=8443, host="127.0.0.1"):
        path = tmp_path / "config"
        path.write_text(
            yaml.safe_dump(
                {
                    "clusters": [
                        {
                            "name": "c",
                            "cluster": {"server": f"https://{host}:{port}", "certificate-authority": "ca.crt"},
                        }
                    ],
                    "users": [
                        {"name": "u", "user": {"client-certificate": "client.crt", "client-key": "client.key"}},
                        {"name": "e", "user": {"exec": {"command": "aws", "args": ["eks", "get-token"]}}},
                    ],
                    "contexts": [
                        {"name": "minikube", "context": {"cluster": "c", "user": "u"}},
                        {"name": "eks", "context": {"cluster": "c", "user": "e"}},
                    ],
                    "current-context": "minikube",
                }
            )
        )
        monkeypatch.setenv("KUBECONFIG", str(path))
        return path

    return write


def run(*arguments, **kwargs):
    result = CliRunner().invoke(app, ["kube", "connection", *map(str, arguments)], **kwargs)
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_standard_output_is_the_json_form_alone_and_the_rest_is_said_beside_it(kubeconfig):
    kubeconfig()
    result = run("--namespace", "radiant")
    made = json.loads(result.stdout)
    assert made["conn_type"] == "kubernetes"
    config = json.loads(made["extra"]["kube_config"])
    assert config["contexts"][0]["context"]["namespace"] == made["extra"]["namespace"] == "radiant"
    assert "client-key-data" in config["users"][0]["user"]
    assert "context minikube, the current one; --context chooses another: eks" in result.stderr


def test_the_environment_form_names_the_connection(kubeconfig):
    kubeconfig()
    line = run("--form", "env", "--conn-id", "other").stdout
    assert line.startswith('AIRFLOW_CONN_OTHER={"conn_type":"kubernetes"')
    assert line.count("\n") == 1


def test_a_moved_server_says_the_name_that_is_checked(kubeconfig, authority):
    with tls_server(authority, ["localhost", "kubernetes"]) as port:
        kubeconfig(port)
        result = run("--host", "host.docker.internal")
    cluster = json.loads(json.loads(result.stdout)["extra"]["kube_config"])["clusters"][0]["cluster"]
    assert cluster["server"] == f"https://host.docker.internal:{port}"
    assert cluster["tls-server-name"] == "kubernetes"
    assert "checked for the name 'kubernetes' (tls-server-name), it holds localhost, kubernetes" in result.stderr


def test_a_server_that_is_off_is_named_with_the_option_that_does_without_it(kubeconfig):
    kubeconfig(1)
    with pytest.raises(PlatformUnavailableError, match=r"does not answer.*--tls-server-name localhost"):
        run("--host", "host.docker.internal")


def test_a_connection_for_a_cluster_that_is_off_is_checked_for_the_name_given(kubeconfig):
    kubeconfig(1)
    result = run("--host", "host.docker.internal", "--tls-server-name", "localhost")
    cluster = json.loads(json.loads(result.stdout)["extra"]["kube_config"])["clusters"][0]["cluster"]
    assert (cluster["server"], cluster["tls-server-name"]) == ("https://host.docker.internal:1", "localhost")
    assert "certificate-authority-data" in cluster
    assert "checked for the name 'localhost' (tls-server-name), the server was not asked" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--tls-server-name", "localhost"),
        ("--host", "a", "--insecure-skip-tls-verify", "--tls-server-name", "localhost"),
        ("--host", "a", "--tls-server-name", "a:1"),
    ],
)
def test_a_name_to_check_that_checks_nothing_is_refused(kubeconfig, words):
    kubeconfig(1)
    with pytest.raises(ConfigError, match="--tls-server-name"):
        run(*words)


def test_a_check_that_is_off_is_said_aloud_and_needs_no_server(kubeconfig):
    kubeconfig(1)
    result = run("--insecure-skip-tls-verify", "--host", "172.17.0.1")
    cluster = json.loads(json.loads(result.stdout)["extra"]["kube_config"])["clusters"][0]["cluster"]
    assert cluster == {"server": "https://172.17.0.1:1", "insecure-skip-tls-verify": True}
    assert "WARNING: the server's certificate is not checked" in result.stderr


def test_files_are_laid_out_where_airflow_will_see_them(kubeconfig, tmp_path):
    kubeconfig()
    result = run("--files", tmp_path / "dkr_fs")
    config = json.loads(json.loads(result.stdout)["extra"]["kube_config"])
    assert config["users"][0]["user"]["client-key"] == "/home/airflow/.minikube/client-key.key"
    assert (tmp_path / "dkr_fs/.minikube/client-key.key").exists()
    assert f"mount {tmp_path}/dkr_fs/.minikube at /home/airflow/.minikube in every container" in result.stderr
    docs = (Path(__file__).parents[3] / "docs" / "kubernetes.md").read_text()
    assert "`dkr_fs/.minikube` at `/home/airflow/.minikube` in every container of Airflow" in docs


def test_a_token_of_standard_input_stands_in_for_the_user_of_eks(kubeconfig):
    kubeconfig()
    with pytest.raises(ConfigError, match="aws eks get-token"):
        run("--context", "eks")
    config = json.loads(
        json.loads(run("--context", "eks", "--token-file", "-", input="abc\n").stdout)["extra"]["kube_config"]
    )
    assert config["users"][0]["user"] == {"token": "abc"}


def test_apply_puts_it_into_airflow_and_prints_no_credential(kubeconfig, monkeypatch):
    kubeconfig()
    applied = {}

    class Api:
        url = "http://airflow"

        def put_connection(self, conn_id, connection):
            applied[conn_id] = connection
            return True

    monkeypatch.setattr(kube_connection, "running_airflow", lambda *_, **__: Api())
    result = run("--apply")
    assert result.stdout == ""
    assert "connection kubernetes_conn of http://airflow is made: https://127.0.0.1:8443" in result.stderr
    assert "kube_config" in applied["kubernetes_conn"]["extra"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kubeconfig", "/absent"), "/absent: no such kubeconfig"),
        (("--namespace", "No"), "is no namespace"),
        (("--conn-id", "a b"), "it must be made of letters"),
        (("--conn-id", "a-b", "--form", "env"), "letters, digits and _"),
        (("--token-file", "/absent"), "--token-file /absent"),
        (("--user", "x"), "give --apply"),
        (("--apply", "--airflow", "host:1"), "is no URL"),
        (("--apply", "--user", "x"), "name it with --airflow"),
    ],
)
def test_a_wrong_option_is_refused_and_says_why(kubeconfig, arguments, message):
    kubeconfig()
    with pytest.raises(ConfigError, match=message):
        run(*arguments)


def test_apply_without_an_airflow_says_how_to_start_one(kubeconfig, tmp_path, monkeypatch):
    kubeconfig()
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=r"no Airflow runs for the home .*radiant run"):
        run("--apply")
