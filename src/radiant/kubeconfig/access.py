"""A context whose certificates, keys and tokens are in it, so that nothing has to be copied beside it."""

import base64
import binascii
import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from radiant.errors import ConfigError
from radiant.kubeconfig.certificate import token_expiry, validity
from radiant.kubeconfig.context import Context, Entry, KubeconfigObject

FILES = ("certificate-authority", "client-certificate", "client-key")
"""Keys that name a file; with `-data` appended the content itself, base64."""
_SOON = timedelta(days=7)
_IMPERSONATION = ("as", "as-groups", "as-uid", "as-user-extra")
"""What Airflow's Kubernetes client does not do: the connection would have other rights than kubectl."""


@dataclass(frozen=True, slots=True)
class Access:
    """A cluster and a credential."""

    name: str
    """Of the context."""
    cluster: KubeconfigObject
    user: KubeconfigObject
    namespace: str | None
    notes: tuple[str, ...] = ()
    """Notes for the user: a certificate that ends soon, a check that is off."""

    @property
    def server(self) -> str:
        """URL of the API server."""
        return str(self.cluster["server"])

    @property
    def authority(self) -> str | None:
        """PEM of the certificate authority, None where the cluster names none."""
        data = self.cluster.get("certificate-authority-data")
        return None if data is None else base64.b64decode(data).decode()

    def with_note(self, note: str) -> "Access":
        """Return it with one more note."""
        return dataclasses.replace(self, notes=(*self.notes, note))


def embed(
    context: Context,
    *,
    token: str | None = None,
    insecure: bool = False,
    namespace: str | None = None,
    now: datetime | None = None,
) -> Access:
    """Return the access of a context, every file that it names read.

    Args:
        context: of a kubeconfig.
        token: a bearer token to log in with instead of the context's user.
        insecure: do not check the server's certificate.
        namespace: instead of the context's.
        now: the time at which certificates must be valid.

    Raises:
        ConfigError: a file is missing, a certificate has ended, Airflow cannot log in the way the user does, or the
            kubeconfig turns the check of the server's certificate off and `insecure` is not set.
    """
    now = now or datetime.now(UTC)
    notes: list[str] = []
    cluster = _cluster(context.cluster, notes, insecure=insecure, now=now)
    user = _token_user(token, notes, now) if token is not None else _user(context, notes, now)
    return Access(context.name, cluster, user, namespace or context.namespace, tuple(notes))


def _cluster(entry: Entry, notes: list[str], *, insecure: bool, now: datetime) -> KubeconfigObject:
    values = {key: value for key, value in entry.values.items() if key != "extensions"}
    what = f"cluster {entry.name!r}"
    server = values.get("server")
    if not server or "://" not in str(server):
        msg = f"{what}: its server is {server!r}; it must be a URL such as https://192.168.49.2:8443"
        raise ConfigError(msg)
    if values.get("proxy-url"):
        msg = f"{what}: it is reached through the proxy {values['proxy-url']}, which Airflow's client does not use"
        raise ConfigError(msg)
    if values.pop("insecure-skip-tls-verify", False) and not insecure:
        msg = (
            f"{what}: the kubeconfig turns the check of the server's certificate off, so anybody on the way could read "
            "the credential. Give the cluster its certificate-authority, or ask for it by --insecure-skip-tls-verify"
        )
        raise ConfigError(msg)
    if insecure:
        for key in ("certificate-authority", "certificate-authority-data", "tls-server-name"):
            values.pop(key, None)
        values["insecure-skip-tls-verify"] = True
        return values
    content = _content(entry, "certificate-authority", what)
    values.pop("certificate-authority", None)
    if content is not None:
        _require_valid(content, f"{what}: its certificate authority", notes, now)
        values["certificate-authority-data"] = base64.b64encode(content).decode()
    return values


def _user(context: Context, notes: list[str], now: datetime) -> KubeconfigObject:
    entry = context.user
    if entry is None:
        msg = f"context {context.name!r} has no user, so no credential; name another context or give --token-file"
        raise ConfigError(msg)
    what = f"user {entry.name!r}"
    if ignored := [key for key in _IMPERSONATION if entry.values.get(key)]:
        msg = f"{what}: Airflow's Kubernetes client supports no impersonation (`{ignored[0]}`); use --token-file"
        raise ConfigError(msg)
    found = {**_certificate(entry, what, notes, now), **_login(entry, what, notes, now)}
    if not found and (entry.values.get("exec") or entry.values.get("auth-provider")):
        raise ConfigError(_by_program(what, entry.values))
    if not found:
        msg = f"{what}: there is no certificate, token or password in it; log in with your tool first, or --token-file"
        raise ConfigError(msg)
    return found


def _certificate(entry: Entry, what: str, notes: list[str], now: datetime) -> dict[str, str]:
    certificate, key = (_content(entry, name, what) for name in ("client-certificate", "client-key"))
    if certificate is None and key is None:
        return {}
    if certificate is None or key is None:
        msg = f"{what}: a client certificate and its key belong together; one of them is missing"
        raise ConfigError(msg)
    _require_valid(certificate, f"{what}: its client certificate", notes, now)
    if b"PRIVATE KEY-----" not in key:
        msg = f"{what}: its client key is no PEM private key"
        raise ConfigError(msg)
    return {
        "client-certificate-data": base64.b64encode(certificate).decode(),
        "client-key-data": base64.b64encode(key).decode(),
    }


def _login(entry: Entry, what: str, notes: list[str], now: datetime) -> dict[str, str]:
    """Return the token or the password; nothing where a program would have to be run for it."""
    values = entry.values
    if values.get("token"):
        return _token_user(str(values["token"]), notes, now)
    if values.get("tokenFile"):
        notes.append(f"{what}: its token is copied from {values['tokenFile']} as it is now; a renewed one is not seen")
        text = _read(entry.folder / str(values["tokenFile"]), f"{what}: tokenFile").decode(errors="replace")
        return _token_user(text, notes, now)
    if values.get("username"):
        return {name: str(values.get(name, "")) for name in ("username", "password")}
    return {}


def _by_program(what: str, values: KubeconfigObject) -> str:
    run: Any = values.get("exec") or {}
    provider: Any = values.get("auth-provider") or {}
    line = " ".join(map(str, [run.get("command", ""), *(run.get("args") or ())])).strip()
    how = f"by running `{line}`" if run else f"through the auth provider {provider.get('name')!r}"
    return (
        f"{what} logs in {how}: Airflow has neither that program nor your session. Give it a service account instead: "
        "`kubectl -n NAMESPACE create token radiant-airflow --duration 720h | radiant kube connection --token-file -`; "
        "or run Airflow in the cluster, where its own service account does (docs/kubernetes.md)"
    )


def _token_user(token: str, notes: list[str], now: datetime) -> dict[str, str]:
    token = token.strip()
    if not token or any(one.isspace() for one in token):
        msg = "the token is empty or has white space in it; it must be what `kubectl create token` prints"
        raise ConfigError(msg)
    end = token_expiry(token)
    if end is not None and end <= now:
        msg = f"the token has ended at {end:%Y-%m-%d %H:%M} UTC; make a new one: `kubectl create token`"
        raise ConfigError(msg)
    if end is not None and end - now < _SOON:
        notes.append(f"the token ends at {end:%Y-%m-%d %H:%M} UTC; the connection must be renewed before")
    return {"token": token}


def _content(entry: Entry, name: str, what: str) -> bytes | None:
    """Return the content of a file that is named or given as base64; the latter is stronger."""
    if data := entry.values.get(f"{name}-data"):
        try:
            return base64.b64decode("".join(str(data).split()), validate=True)
        except binascii.Error as error:
            msg = f"{what}: {name}-data is no base64: {error}"
            raise ConfigError(msg) from error
    path = entry.values.get(name)
    return _read(entry.folder / str(path), f"{what}: {name}") if path else None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = (
            f"{what}: {path}: {error.strerror or error}. The kubeconfig names this file: put it there, or write the "
            "kubeconfig again (minikube: `minikube update-context`; kind: `kind export kubeconfig`)"
        )
        raise ConfigError(msg) from error


def _require_valid(pem: bytes, what: str, notes: list[str], now: datetime) -> None:
    start, end = validity(pem, what)
    if now >= end:
        msg = (
            f"{what} has ended at {end:%Y-%m-%d %H:%M} UTC. Renew it (minikube: `minikube stop && minikube start`; "
            "kubeadm: `kubeadm certs renew all`) and run this again"
        )
        raise ConfigError(msg)
    if now < start:
        msg = f"{what} begins at {start:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M} UTC here. Correct the clock"
        raise ConfigError(msg)
    if end - now < _SOON:
        notes.append(f"{what} ends at {end:%Y-%m-%d %H:%M} UTC; the connection must be renewed then")
