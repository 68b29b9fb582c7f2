import base64
import stat
from pathlib import Path

import pytest

from radiant.errors import ConfigError
from radiant.kubeconfig import Context, embed, lay_out
from radiant.kubeconfig.context import Entry
from radiant.kubeconfig.layout import place


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("/home/alice/.minikube/profiles/minikube/client.key", ".minikube/profiles/minikube/client.key"),
        ("/Users/alice/.minikube/ca.crt", ".minikube/ca.crt"),
        ("/root/.minikube/ca.crt", ".minikube/client-key.crt"),
        ("/etc/kubernetes/pki/admin.pem", ".minikube/client-key.pem"),
    ],
)
def test_a_file_keeps_its_place_below_the_home_folder(path, relative):
    assert place(Path(path), "client-key") == relative


def context_of(authority, certificate, key):
    cluster = {"server": "https://a", "certificate-authority": str(authority.file)}
    user = {"client-certificate": str(certificate), "client-key": str(key)}
    return Context("c", Entry("c", cluster, Path("/")), Entry("u", user, Path("/")), None, ())


def test_the_files_are_copied_and_named_as_airflow_sees_them(authority, tmp_path):
    certificate, key = authority.issue("client")
    context, folder = context_of(authority, certificate, key), tmp_path / "dkr_fs"
    for _ in range(2):  # the second time replaces the files
        access = lay_out(context, embed(context), folder)
    assert access.cluster == {
        "server": "https://a",
        "certificate-authority": "/home/airflow/.minikube/certificate-authority.crt",
    }
    assert access.user == {
        "client-certificate": "/home/airflow/.minikube/client-certificate.crt",
        "client-key": "/home/airflow/.minikube/client-key.key",
    }
    copied = folder / ".minikube/client-key.key"
    assert copied.read_bytes() == key.read_bytes()
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600


def test_only_what_the_context_names_is_copied(authority, tmp_path):
    certificate, key = authority.issue("client")
    (authority.folder / "ca.key").write_text("of the authority")
    context = context_of(authority, certificate, key)
    lay_out(context, embed(context), tmp_path / "dkr_fs")
    copied = {path.name for path in (tmp_path / "dkr_fs").rglob("*") if path.is_file()}
    assert copied == {"certificate-authority.crt", "client-certificate.crt", "client-key.key"}


def test_what_is_embedded_stays_embedded(authority, tmp_path):
    data = base64.b64encode(authority.file.read_bytes()).decode()
    cluster = Entry("c", {"server": "https://a", "certificate-authority-data": data}, Path("/"))
    context = Context("c", cluster, Entry("u", {"token": "t"}, Path("/")), None, ())
    access = embed(context)
    assert lay_out(context, access, tmp_path / "dkr_fs") == access
    assert not (tmp_path / "dkr_fs").exists()


def test_a_token_that_replaces_the_user_copies_no_key_of_it(authority, tmp_path):
    certificate, key = authority.issue("client")
    context = context_of(authority, certificate, key)
    access = lay_out(context, embed(context, token="t"), tmp_path / "dkr_fs")  # noqa: S106 - of this test alone
    assert access.user == {"token": "t"}
    assert not list((tmp_path / "dkr_fs").rglob("client-key*"))


def test_a_folder_that_cannot_be_written_is_named(authority, tmp_path):
    (tmp_path / "dkr_fs").write_text("a file")
    context = context_of(authority, *authority.issue("client"))
    with pytest.raises(ConfigError, match="--files DIR"):
        lay_out(context, embed(context), tmp_path / "dkr_fs")
