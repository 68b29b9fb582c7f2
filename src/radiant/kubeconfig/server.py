"""The API server by another host name, its certificate still checked."""

import dataclasses
import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.kubeconfig.access import Access

_TIMEOUT_S = 10
_USUAL = ("kubernetes.default.svc", "kubernetes", "localhost")
"""Names that the certificate of nearly every API server holds."""


@dataclass(frozen=True, slots=True)
class ServerNames:
    """What a certificate is for."""

    dns: tuple[str, ...]
    addresses: tuple[str, ...]

    def hold(self, host: str) -> bool:
        """Return whether a client that connects to this host accepts the certificate."""
        if (address := _address(host)) is not None:
            return any(_address(one) == address for one in self.addresses)
        _, _, parent = host.lower().partition(".")
        return any(name.lower() in {host.lower(), f"*.{parent}"} for name in self.dns)

    def __str__(self) -> str:
        return ", ".join((*self.dns, *self.addresses)) or "none"


def is_this_machine(host: str) -> bool:
    """Return whether a host name means the machine that uses it."""
    address = _address(host)
    if address is not None:
        return address.is_loopback or address.is_unspecified
    return host.lower() == "localhost" or host.lower().endswith(".localhost")


def ask_names(access: Access) -> ServerNames:
    """Ask the API server for its certificate and return the names in it.

    Raises:
        ConfigError: the certificate is not signed by the cluster's authority, or has ended.
        PlatformUnavailableError: the server does not answer.
    """
    url = _split(access.server)
    host, port = url.hostname or "", url.port or 443
    checked = ssl.create_default_context(cadata=access.authority)
    # The names are the question, so they are not checked here; the signature is.
    checked.check_hostname = False
    # Python 3.13 asks for extensions that the authorities of minikube and kubeadm of some years do not have.
    checked.verify_flags &= ~ssl.VERIFY_X509_STRICT
    name = str(access.cluster.get("tls-server-name") or host)
    try:
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT_S) as plain,
            checked.wrap_socket(plain, server_hostname=name) as tls,
        ):
            found = tls.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise ConfigError(_not_trusted(access, error)) from error
    except OSError as error:
        msg = (
            f"{access.server} does not answer: {error}. Is the cluster up? (`kubectl --context {access.name} version`)"
        )
        raise PlatformUnavailableError(msg) from error
    alternatives = [(str(one[0]), str(one[1])) for one in found.get("subjectAltName", ())]
    return ServerNames(
        tuple(value for kind, value in alternatives if kind == "DNS"),
        tuple(value for kind, value in alternatives if kind == "IP Address"),
    )


def choose_name(host: str, before: str, names: ServerNames) -> str | None:
    """Return the name to check the certificate for when the server is reached as `host`; None for the host itself.

    Names before addresses: of the names the one that the server had before, then those that do not change with the
    machine, then any.

    Raises:
        ConfigError: the certificate holds no name at all.
    """
    if names.hold(host):
        return None
    plain = [name for name in names.dns if "*" not in name]
    for name in (before, *_USUAL):
        if name in plain:
            return name
    if plain:
        return plain[0]
    if names.hold(before):
        return before
    if names.addresses:
        return names.addresses[0]
    msg = "the server's certificate holds no name; it must be made again with subject alternative names"
    raise ConfigError(msg)


_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
"""Of a host."""


def move_server(access: Access, host: str, names: ServerNames | None, *, checked_name: str | None = None) -> Access:
    """Return the access with the server's host replaced; a server that is not this machine stays as it is.

    Args:
        access: whose server is to be reached from elsewhere.
        host: by which Airflow reaches this machine: host.docker.internal, 172.17.0.1.
        names: in the server's certificate; None when it is not checked, or was not asked for.
        checked_name: for which the certificate is checked when the server was not asked.

    Raises:
        ConfigError: the host or the name is none, or the certificate holds no name.
    """
    if not _NAME.fullmatch(host) and _address(host) is None:
        msg = f"--host {host!r} is no host name; give a name or an address alone, the port stays as it is"
        raise ConfigError(msg)
    url = _split(access.server)
    before = url.hostname or ""
    if not is_this_machine(before):
        return access.with_note(f"the server is {before}, not this machine: --host {host} changes nothing")
    shown = f"[{host}]" if ":" in host else host
    location = shown if url.port is None else f"{shown}:{url.port}"
    cluster = {**access.cluster, "server": url._replace(netloc=location).geturl()}
    note = f"the server {before} is {host} for Airflow"
    if checked_name is not None:
        if not _NAME.fullmatch(checked_name) and _address(checked_name) is None:
            msg = f"--tls-server-name {checked_name!r} is no name of a server: a name or an address, without port"
            raise ConfigError(msg)
        cluster["tls-server-name"] = checked_name
        note += (
            f"; its certificate is checked for the name {checked_name!r} (tls-server-name), the server was not asked"
        )
    elif names is not None:
        kept = cluster.pop("tls-server-name", None)
        name = kept if kept is not None and names.hold(kept) else choose_name(host, before, names)
        if name is not None:
            cluster["tls-server-name"] = name
            note += f"; its certificate is checked for the name {name!r} (tls-server-name), it holds {names}"
        else:
            note += ", a name that its certificate holds"
    return dataclasses.replace(access, cluster=cluster).with_note(note)


def require_trust(access: Access) -> None:
    """Make sure that the server of a cluster without a certificate authority is trusted all the same.

    Raises:
        ConfigError: it is not; or its certificate is for another name.
        PlatformUnavailableError: the server does not answer.
    """
    if urlsplit(access.server).scheme != "https":
        return
    names = ask_names(access)
    name = str(access.cluster.get("tls-server-name") or urlsplit(access.server).hostname)
    if not names.hold(name):
        msg = (
            f"the certificate of {access.server} is for {names}, not for {name}: set tls-server-name in the kubeconfig"
        )
        raise ConfigError(msg)


def _not_trusted(access: Access, error: ssl.SSLCertVerificationError) -> str:
    reason = error.verify_message or str(error)
    if access.authority is None:
        return (
            f"the cluster of context {access.name!r} names no certificate-authority, and this machine does not trust "
            f"{access.server} ({reason}). Put the authority's certificate into the kubeconfig: "
            "`kubectl config set-cluster NAME --certificate-authority FILE --embed-certs`"
        )
    return (
        f"the certificate of {access.server} is not signed by the certificate-authority of context {access.name!r} "
        f"({reason}): the cluster was made again since, or another one answers. Write the kubeconfig again "
        "(minikube: `minikube update-context`)"
    )


def _split(server: str) -> SplitResult:
    try:
        url = urlsplit(server)
        _ = url.port
    except ValueError as error:
        msg = f"the server {server!r} is no URL: {error}"
        raise ConfigError(msg) from error
    return url


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
