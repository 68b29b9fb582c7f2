import base64
import datetime as dt
import json
from pathlib import Path

import pytest

from certificates import NOW
from radiant.errors import ConfigError
from radiant.kubeconfig import Context, airflow_connection, embed, environment_line, kube_config
from radiant.kubeconfig.context import Entry

SERVER = {"server": "https://192.0.2.1:6443"}


def context_of(cluster=None, user=None, folder=Path("/")):
    entry = None if user is None else Entry("u", user, folder)
    return Context("c", Entry("c", {**SERVER, **(cluster or {})}, folder), entry, None, ())


def jwt(end):
    claims = base64.urlsafe_b64encode(json.dumps({"exp": end.timestamp()}).encode()).decode().rstrip("=")
    return f"aGVhZA.{claims}.c2ln"


def decoded(text):
    return base64.b64decode(text)


def test_files_are_embedded_from_where_the_kubeconfig_is(authority):
    certificate, key = authority.issue("client")
    access = embed(
        context_of(
            {"certificate-authority": "ca.crt", "extensions": [{"name": "x"}]},
            {"client-certificate": str(certificate), "client-key": "client.key"},
            authority.folder,
        )
    )
    assert set(access.cluster) == {"server", "certificate-authority-data"}
    assert decoded(access.cluster["certificate-authority-data"]) == authority.file.read_bytes()
    assert decoded(access.user["client-certificate-data"]) == certificate.read_bytes()
    assert decoded(access.user["client-key-data"]) == key.read_bytes()
    assert access.notes == ()


def test_data_is_stronger_than_a_file(authority):
    data = base64.b64encode(authority.file.read_bytes()).decode()
    access = embed(context_of({"certificate-authority": "/absent", "certificate-authority-data": data}, {"token": "t"}))
    assert access.cluster["certificate-authority-data"] == data


@pytest.mark.parametrize("name", ["certificate-authority", "client-certificate"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    values = {name: str(tmp_path / "gone.crt")}
    context = context_of(values, {"token": "t"}) if name == "certificate-authority" else context_of({}, values)
    with pytest.raises(ConfigError, match=rf"{name}: .*gone.crt: No such file.*minikube update-context"):
        embed(context)


def test_an_ended_client_certificate_says_when_and_how_to_renew(authority):
    certificate, key = authority.issue("client", until=dt.datetime(2024, 2, 3, 4, 5, tzinfo=dt.UTC))
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    with pytest.raises(ConfigError, match=r"client certificate has ended at 2024-02-03 04:05 UTC.*minikube start"):
        embed(context_of({}, user))


def test_an_ended_authority_is_refused(authority):
    with pytest.raises(ConfigError, match="certificate authority has ended"):
        embed(context_of({"certificate-authority": str(authority.file)}, {"token": "t"}), now=NOW + dt.timedelta(400))


def test_a_certificate_of_the_future_blames_the_clock(authority):
    certificate, key = authority.issue("client", since=NOW + dt.timedelta(days=2))
    with pytest.raises(ConfigError, match="Correct the clock"):
        embed(context_of({}, {"client-certificate": str(certificate), "client-key": str(key)}))


def test_a_certificate_that_ends_soon_is_noted(authority):
    certificate, key = authority.issue("client", until=NOW + dt.timedelta(days=3))
    access = embed(context_of({}, {"client-certificate": str(certificate), "client-key": str(key)}))
    assert "ends at" in access.notes[0]


def test_a_token_file_is_embedded_and_its_copy_noted(tmp_path):
    (tmp_path / "token").write_text("abc\n")
    access = embed(context_of({}, {"tokenFile": "token"}, tmp_path))
    assert access.user == {"token": "abc"}
    assert "copied" in access.notes[0]


def test_a_given_token_replaces_the_user_whatever_it_is():
    access = embed(context_of({}, {"exec": {"command": "aws"}}), token="abc\n")  # noqa: S106 - of this test alone
    assert access.user == {"token": "abc"}


def test_an_ended_token_is_refused_and_one_that_ends_soon_noted():
    with pytest.raises(ConfigError, match=r"the token has ended.*kubectl create token"):
        embed(context_of(), token=jwt(NOW - dt.timedelta(hours=1)))
    assert "the token ends at" in embed(context_of(), token=jwt(NOW + dt.timedelta(hours=1))).notes[0]
    assert embed(context_of(), token=jwt(NOW + dt.timedelta(days=30))).notes == ()


@pytest.mark.parametrize("token", ["", " \n", "two words", "error: not\nlogged in"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(ConfigError, match="empty or has white space"):
        embed(context_of(), token=token)


def test_a_user_of_eks_is_refused_with_its_command_and_the_ways_out():
    user = {"exec": {"command": "aws", "args": ["eks", "get-token", "--cluster-name", "prod"]}}
    with pytest.raises(ConfigError, match=r"`aws eks get-token --cluster-name prod`.*--token-file -.*in the cluster"):
        embed(context_of({}, user))


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"auth-provider": {"name": "gcp"}}, "auth provider 'gcp'"),
        ({"username": "a", "password": "b", "as": "root"}, "supports no impersonation"),
        ({}, "no certificate, token or password"),
        (None, "no user, so no credential"),
        ({"client-certificate-data": "!"}, "client-certificate-data is no base64"),
    ],
)
def test_a_user_that_airflow_cannot_be_is_refused(user, message):
    with pytest.raises(ConfigError, match=message):
        embed(context_of({}, user))


def test_a_certificate_without_its_key_and_a_key_that_is_none_are_refused(authority):
    certificate, key = authority.issue("client")
    with pytest.raises(ConfigError, match="belong together"):
        embed(context_of({}, {"client-certificate": str(certificate)}))
    key.write_text("nothing")
    with pytest.raises(ConfigError, match="no PEM private key"):
        embed(context_of({}, {"client-certificate": str(certificate), "client-key": str(key)}))


def test_the_check_of_the_server_is_off_only_when_asked(authority):
    off = {"insecure-skip-tls-verify": True}
    with pytest.raises(ConfigError, match=r"turns the check.*off.*--insecure-skip-tls-verify"):
        embed(context_of(off, {"token": "t"}))
    on = {"certificate-authority": str(authority.file), "tls-server-name": "x"}
    for cluster in (off, on):
        access = embed(context_of(cluster, {"token": "t"}), insecure=True)
        assert access.cluster == {**SERVER, "insecure-skip-tls-verify": True}


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"server": None}, "it must be a URL"),
        ({"server": "host:1"}, "it must be a URL"),
        ({"proxy-url": "socks5://p"}, "through the proxy socks5://p"),
    ],
)
def test_a_cluster_that_airflow_cannot_reach_is_refused(cluster, message):
    with pytest.raises(ConfigError, match=message):
        embed(context_of(cluster, {"token": "t"}))


def test_no_message_shows_a_credential(authority):
    certificate, key = authority.issue("client", until=NOW - dt.timedelta(days=1))
    with pytest.raises(ConfigError) as caught:
        embed(context_of({}, {"client-certificate": str(certificate), "client-key": str(key), "token": "s3cr3t"}))
    assert "s3cr3t" not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


def test_the_connection_is_airflows_json_form_with_the_kubeconfig_as_text():
    access = embed(context_of({}, {"token": "t"}), namespace="radiant")
    made = airflow_connection(access)
    assert made["conn_type"] == "kubernetes"
    assert made["extra"]["namespace"] == "radiant"
    document = json.loads(made["extra"]["kube_config"])
    assert document == kube_config(access)
    assert document["current-context"] == "c"
    assert document["contexts"] == [{"name": "c", "context": {"cluster": "c", "user": "c", "namespace": "radiant"}}]


def test_the_environment_form_is_one_line_that_holds_the_same():
    made = airflow_connection(embed(context_of({}, {"token": "t"})))
    name, _, value = environment_line("kubernetes_conn", made).partition("=")
    assert name == "AIRFLOW_CONN_KUBERNETES_CONN"
    assert "\n" not in value
    assert json.loads(value) == made
