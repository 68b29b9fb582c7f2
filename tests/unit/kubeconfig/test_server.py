import base64
import json

import pytest

from certificates import Authority, tls_server
from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.kubeconfig import Access, ServerNames, ask_names, choose_name, is_this_machine, kube_config, move_server
from radiant.kubeconfig.server import require_trust

MINIKUBE = ServerNames(
    ("minikubeCA", "control-plane.minikube.internal", "kubernetes.default.svc", "kubernetes.default", "localhost"),
    ("192.168.49.2", "10.96.0.1", "127.0.0.1"),
)


def access_to(port, authority=None, host="localhost", **cluster):
    values = {"server": f"https://{host}:{port}", **cluster}
    if authority is not None:
        values["certificate-authority-data"] = base64.b64encode(authority.file.read_bytes()).decode()
    return Access("minikube", values, {"token": "t"}, None)


def test_the_server_says_which_names_its_certificate_holds(authority):
    with tls_server(authority, ["localhost", "kubernetes", "127.0.0.1"]) as port:
        names = ask_names(access_to(port, authority))
    assert names == ServerNames(("localhost", "kubernetes"), ("127.0.0.1",))


def test_a_certificate_of_another_authority_is_not_accepted(authority, tmp_path):
    other = Authority(tmp_path, "other")
    with tls_server(other, ["localhost"]) as port, pytest.raises(ConfigError, match=r"not signed by.*made again"):
        ask_names(access_to(port, authority))


def test_a_cluster_without_an_authority_that_is_trusted_fails_with_the_way_to_add_it(authority):
    with (
        tls_server(authority, ["localhost"]) as port,
        pytest.raises(ConfigError, match=r"names no certificate-auth.*set-cluster"),
    ):
        require_trust(access_to(port))


def test_a_server_that_does_not_answer_may_later():
    with pytest.raises(PlatformUnavailableError, match=r"does not answer.*Is the cluster up\?"):
        ask_names(access_to(1))


def test_a_server_with_another_name_is_refused_without_a_chosen_one(authority):
    with tls_server(authority, ["kubernetes"]) as port:
        with pytest.raises(ConfigError, match="is for kubernetes, not for localhost"):
            require_trust(access_to(port, authority))
        require_trust(access_to(port, authority, **{"tls-server-name": "kubernetes"}))


@pytest.mark.parametrize(
    ("host", "before", "names", "chosen"),
    [
        ("localhost", "127.0.0.1", MINIKUBE, None),  # the certificate holds the host itself
        ("192.168.49.2", "127.0.0.1", MINIKUBE, None),
        ("host.docker.internal", "localhost", MINIKUBE, "localhost"),
        ("host.docker.internal", "127.0.0.1", MINIKUBE, "kubernetes.default.svc"),
        ("172.17.0.1", "127.0.0.1", ServerNames(("own.name", "*.other"), ("127.0.0.1",)), "own.name"),
        ("172.17.0.1", "127.0.0.1", ServerNames((), ("10.0.0.1", "127.0.0.1")), "127.0.0.1"),
        ("172.17.0.1", "localhost", ServerNames((), ("10.0.0.1",)), "10.0.0.1"),
        ("a.docker.internal", "localhost", ServerNames(("*.docker.internal",), ()), None),
        ("a.b.docker.internal", "localhost", ServerNames(("*.docker.internal", "x"), ()), "x"),
    ],
)
def test_the_name_to_check_is_one_that_the_certificate_holds(host, before, names, chosen):
    assert choose_name(host, before, names) == chosen


def test_a_certificate_without_names_is_refused():
    with pytest.raises(ConfigError, match="holds no name"):
        choose_name("a", "b", ServerNames((), ()))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "x.localhost"])  # noqa: S104 - names, not a bind
def test_these_are_this_machine(host):
    assert is_this_machine(host)


@pytest.mark.parametrize("host", ["192.168.49.2", "localhost.example", "kubernetes", ""])
def test_these_are_not(host):
    assert not is_this_machine(host)


def test_a_moved_server_keeps_its_port_and_is_checked_by_a_reported_name():
    moved = move_server(access_to(8443, host="127.0.0.1"), "host.docker.internal", MINIKUBE)
    assert moved.server == "https://host.docker.internal:8443"
    assert moved.cluster["tls-server-name"] == "kubernetes.default.svc"
    assert "'kubernetes.default.svc' (tls-server-name)" in moved.notes[0]
    assert json.loads(json.dumps(kube_config(moved)))["clusters"][0]["cluster"] == dict(moved.cluster)


def test_a_name_that_the_kubeconfig_chose_is_kept_while_the_certificate_holds_it():
    for chosen, expected in (("minikubeCA", "minikubeCA"), ("gone", "kubernetes.default.svc")):
        access = access_to(8443, host="127.0.0.1", **{"tls-server-name": chosen})
        assert move_server(access, "172.17.0.1", MINIKUBE).cluster["tls-server-name"] == expected


def test_a_host_that_the_certificate_holds_needs_no_other_name():
    assert "tls-server-name" not in move_server(access_to(1), "192.168.49.2", MINIKUBE).cluster


def test_an_address_of_version_6_is_put_in_brackets():
    assert move_server(access_to(1), "fd00::1", MINIKUBE).server == "https://[fd00::1]:1"


def test_a_server_elsewhere_stays_where_it_is():
    moved = move_server(access_to(1, host="192.168.49.2"), "host.docker.internal", MINIKUBE)
    assert moved.server == "https://192.168.49.2:1"
    assert "changes nothing" in moved.notes[0]


@pytest.mark.parametrize("host", ["", "https://a", "a:1", "a b", "-a", "a/b"])
def test_what_is_no_host_is_refused(host):
    with pytest.raises(ConfigError, match="is no host name"):
        move_server(access_to(1), host, MINIKUBE)
