"""Which cluster and which credential: the options that the `radiant kube` commands share."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from radiant.cli.terminal import echo
from radiant.errors import ConfigError

if TYPE_CHECKING:
    from radiant.kubeconfig import Access, Context

KubeconfigOption = Annotated[
    str,
    typer.Option("--kubeconfig", metavar="FILE", envvar="KUBECONFIG", help="As kubectl has it: one file, or several."),
]
KUBECONFIG = "~/.kube/config"
ContextOption = Annotated[
    str | None, typer.Option("--context", metavar="NAME", help="Context of the kubeconfig.  [default: the current one]")
]
NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", metavar="NAME", help="Namespace of the pods.  [default: the context's]")
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Log in with the token of a service account (`kubectl create token`) instead of the context's user; "
        "- reads it from standard input.",
    ),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure-skip-tls-verify", help="Do not check the server's certificate. Never in production.")
]
ConnIdOption = Annotated[str, typer.Option("--conn-id", metavar="ID", help="Id of the Airflow connection.")]

CONN_ID = "kubernetes_conn"


def find_context(kubeconfig: str, context: str | None) -> "Context":
    """Return the context of the kubeconfig files; prints which one when there are others.

    Raises:
        ConfigError: there is none.
    """
    from radiant.kubeconfig import read_context  # noqa: PLC0415 - only here

    files = [Path(one).expanduser() for one in kubeconfig.split(os.pathsep) if one]
    found = read_context(files or [Path(KUBECONFIG).expanduser()], context)
    if context is None and found.others:
        print_line(f"context {found.name}, the current one; --context chooses another: {', '.join(found.others)}")
    return found


def open_access(context: "Context", *, token_file: Path | None, insecure: bool, namespace: str | None) -> "Access":
    """Return the access of a context, all that it names embedded.

    Raises:
        ConfigError: a file is missing, something has ended, or the server cannot be trusted.
        PlatformUnavailableError: a server that must be asked does not answer.
    """
    from radiant.kubeconfig import embed, require_trust  # noqa: PLC0415 - only here

    if namespace is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace):
        msg = f"--namespace {namespace!r} is no namespace: small letters, digits and -, at most 63 of them"
        raise ConfigError(msg)
    access = embed(context, token=_token(token_file), insecure=insecure, namespace=namespace)
    if access.authority is None and not insecure and urlsplit(access.server).scheme == "https":
        require_trust(access)
    return access


def print_line(text: str) -> None:
    """Print a message to standard error; standard output is for the result."""
    echo(text, err=True)


def _token(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--token-file {file}: {error}"
        raise ConfigError(msg) from error
