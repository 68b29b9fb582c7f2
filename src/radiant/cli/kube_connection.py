"""`radiant kube connection`."""

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from radiant.cli.kube_access import (
    CONN_ID,
    KUBECONFIG,
    ConnIdOption,
    ContextOption,
    InsecureOption,
    KubeconfigOption,
    NamespaceOption,
    TokenOption,
    find_context,
    open_access,
    print_line,
)
from radiant.cli.running_airflow import AirflowOption, PasswordOption, UserOption, running_airflow
from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.settings import load_settings

if TYPE_CHECKING:
    from radiant.kubeconfig import Access


class OutputForm(StrEnum):
    """How the connection is printed."""

    JSON = "json"
    ENV = "env"


def connection(  # noqa: PLR0913 - one parameter per option
    *,
    kubeconfig: KubeconfigOption = KUBECONFIG,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    token_file: TokenOption = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="By which name Airflow reaches this machine, when it runs in a container and the cluster is on "
            "localhost: host.docker.internal, 172.17.0.1. The server's certificate is still checked.",
        ),
    ] = None,
    tls_server_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --host: for which name the server's certificate is checked, instead of asking the server, which "
            "may be off. One that the certificate holds: localhost, kubernetes.",
        ),
    ] = None,
    insecure: InsecureOption = False,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Copy certificates and keys into this folder (dkr_fs), whose .minikube is mounted at "
            "/home/airflow/.minikube, instead of embedding them.",
        ),
    ] = None,
    conn_id: ConnIdOption = CONN_ID,
    form: Annotated[
        OutputForm, typer.Option(help="json: Airflow's JSON form. env: AIRFLOW_CONN_<ID>=<JSON>, for an env file.")
    ] = OutputForm.JSON,
    apply: Annotated[
        bool, typer.Option("--apply", help="Put it into the running Airflow instead of printing it.")
    ] = False,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Turn a context of a kubeconfig into the Airflow connection of the jobs.

    What is printed holds a credential: keep it as you keep a password. Certificates and keys that the kubeconfig names
    as files are embedded, so nothing has to be copied.
    """
    from radiant.kubeconfig import airflow_connection, environment_line, lay_out, mounts  # noqa: PLC0415 - only here

    _require_conn_id(conn_id, form)
    if not apply and (airflow or user or password_file):
        msg = "--airflow, --user and --password-file are options of --apply; give --apply with them"
        raise ConfigError(msg)
    if tls_server_name is not None and (host is None or insecure):
        msg = "--tls-server-name goes with --host, and not with --insecure-skip-tls-verify, which checks no name"
        raise ConfigError(msg)
    chosen = find_context(kubeconfig, context)
    access = open_access(chosen, token_file=token_file, insecure=insecure, namespace=namespace)
    if host is not None:
        access = _moved(access, host, insecure=insecure, name=tls_server_name)
    if files is not None:
        access = lay_out(chosen, access, files)
        for source, target in mounts(access, files):
            print_line(f"certificates and keys: mount {source} at {target} in every container of Airflow")
    for note in access.notes:
        print_line(f"note: {note}")
    if insecure:
        unchecked = "the server's certificate is not checked: any machine in between can read and change everything"
        print_line(f"WARNING: {unchecked}")
    made = airflow_connection(access)
    if apply:
        api = running_airflow(load_settings(), url=airflow, user=user, password_file=password_file)
        new = api.put_connection(conn_id, made)
        print_line(f"connection {conn_id} of {api.url} is {'made' if new else 'replaced'}: {access.server}")
    elif form is OutputForm.ENV:
        typer.echo(environment_line(conn_id, made))
    else:
        typer.echo(json.dumps(made, indent=2))


def _moved(access: "Access", host: str, *, insecure: bool, name: str | None) -> "Access":
    from radiant.kubeconfig import ask_names, is_this_machine, move_server  # noqa: PLC0415 - only here

    url = urlsplit(access.server)
    checked = not insecure and url.scheme == "https" and is_this_machine(url.hostname or "")
    try:
        names = ask_names(access) if checked and name is None else None
    except PlatformUnavailableError as error:
        remedy = "To make the connection while it is off, name what its certificate holds: --tls-server-name localhost"
        msg = f"{error} {remedy}"
        raise PlatformUnavailableError(msg) from error
    return move_server(access, host, names, checked_name=name)


def _require_conn_id(conn_id: str, form: OutputForm) -> None:
    """Make sure that Airflow takes the id.

    Raises:
        ConfigError: it does not.
    """
    # Airflow's own rule; a variable of the environment has fewer characters to choose from.
    rule, text = (
        (r"\w+", "letters, digits and _") if form is OutputForm.ENV else (r"[\w.-]+", "letters, digits, _, . and -")
    )
    if not re.fullmatch(rule, conn_id, re.ASCII):
        msg = f"--conn-id {conn_id!r}: it must be made of {text}"
        raise ConfigError(msg)
