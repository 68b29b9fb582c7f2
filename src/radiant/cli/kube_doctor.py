"""`radiant kube doctor`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from radiant.cli.check_result import CheckResult, Grade, end_with, print_results, summary, unknown, wrong
from radiant.cli.kube_access import (
    KUBECONFIG,
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
from radiant.errors import AirflowError, ConfigError
from radiant.settings import Settings, load_settings

WaitOption = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For the pod to start and end.")]
PodOption = Annotated[bool, typer.Option("--pod/--no-pod", help="Run a job in a pod.")]


@dataclass(frozen=True, slots=True)
class Credential:
    """Which cluster, and with which credential: the options that the connection was made with."""

    kubeconfig: str
    context: str | None
    namespace: str | None
    token_file: Path | None
    insecure: bool


def doctor(  # noqa: PLR0913 - one parameter per option
    *,
    kubeconfig: KubeconfigOption = KUBECONFIG,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    token_file: TokenOption = None,
    insecure: InsecureOption = False,
    wait: WaitOption = 120,
    pod: PodOption = True,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Look at all that jobs on Kubernetes need, report what is wrong and how to fix it.

    Give the options that the connection was made with: it is this credential that is looked at. The exit code is 0 when
    nothing is wrong, 78 otherwise. `radiant doctor` looks at registry, tables and documents as well.
    """
    settings = load_settings()
    credential = Credential(kubeconfig, context, namespace, token_file, insecure=insecure)
    results = print_results(check_cluster(settings, credential, wait_s=wait if pod else None))
    conn_id = settings.kubernetes.conn_id
    results += print_results(check_running_airflow(settings, airflow, user, password_file, conn_id=conn_id))
    typer.echo(summary(results))
    end_with(results)


def check_cluster(settings: Settings, credential: Credential, *, wait_s: float | None) -> Iterator[CheckResult]:
    """Look at access, rights, names and room, and run a job in a pod.

    Args:
        settings: image, namespace, and all that pods get.
        credential: of the connection.
        wait_s: seconds for the pod; no pod when None.

    Raises:
        ConfigError: the kubeconfig or a setting cannot be used.
        PlatformUnavailableError: a server that must be asked does not answer.
    """
    from radiant.cli.kube_pod import require_kubernetes  # noqa: PLC0415 - heavy, only here

    chosen = find_context(credential.kubeconfig, credential.context)
    access = open_access(
        chosen, token_file=credential.token_file, insecure=credential.insecure, namespace=credential.namespace
    )
    for note in access.notes:
        print_line(f"note: {note}")
    where = settings.kubernetes.namespace or access.namespace or "default"
    require_kubernetes(settings)
    from radiant.cli.kube_cluster_checks import open_client  # noqa: PLC0415 - heavy, only here

    yield from _cluster(open_client(access), access, where, settings, wait_s=wait_s)


def _cluster(
    client: Any, access: Any, namespace: str, settings: Settings, *, wait_s: float | None
) -> Iterator[CheckResult]:
    from radiant.cli import kube_cluster_checks as checks  # noqa: PLC0415 - heavy, only here
    from radiant.cli.kube_probe import check_pod  # noqa: PLC0415 - heavy, only here

    reached = True
    for one in checks.check_access(client, access):
        reached = reached and one.grade is not Grade.WRONG
        yield one
    if not reached:
        return
    allowed = True
    for one in checks.check_rights(client, namespace):
        allowed = allowed and one.grade is not Grade.WRONG
        yield one
    yield from checks.check_named(client, namespace, settings)
    yield from checks.check_room(client, namespace, settings)
    if wait_s is not None and allowed:
        yield from check_pod(client, namespace, settings, wait_s=wait_s)


def check_running_airflow(
    settings: Settings, url: str | None, user: str | None, password_file: Path | None, *, conn_id: str | None
) -> Iterator[CheckResult]:
    """Look at the Airflow that is named, else at the one of `radiant run`; none is unknown, not wrong.

    Raises:
        ConfigError: a named one cannot be asked.
    """
    from radiant.cli.airflow_checks import check_airflow, check_notify, check_parts  # noqa: PLC0415 - only here

    try:
        api = running_airflow(settings, url=url, user=user, password_file=password_file)
    except ConfigError as error:
        if url is not None:
            raise
        yield unknown("airflow", str(error))
        return
    try:
        yield from check_airflow(api, conn_id)
        yield from check_parts(api, settings)
        yield from check_notify(api, settings)
    except AirflowError as error:
        yield wrong("airflow", str(error), "is it up, and may this user read its settings?")
