"""`radiant kube doctor`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from radiant.cli.check_result import CheckResult, Grade, print_results, unknown, wrong
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
from radiant.errors import EXIT_CONFIG, AirflowError, ConfigError
from radiant.settings import Settings, load_settings


def doctor(  # noqa: PLR0913 - one parameter per option
    *,
    kubeconfig: KubeconfigOption = KUBECONFIG,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    token_file: TokenOption = None,
    insecure: InsecureOption = False,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="For the pod to start and end.")] = 120,
    pod: Annotated[bool, typer.Option("--pod/--no-pod", help="Run a job in a pod.")] = True,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Look at all that jobs on Kubernetes need, report what is wrong and how to fix it.

    Give the options that the connection was made with: it is this credential that is looked at. The exit code is 0 when
    nothing is wrong, 78 otherwise.
    """
    from radiant.cli.kube_pod import require_kubernetes  # noqa: PLC0415 - heavy, only here

    settings = load_settings()
    chosen = find_context(kubeconfig, context)
    access = open_access(chosen, token_file=token_file, insecure=insecure, namespace=namespace)
    for note in access.notes:
        print_line(f"note: {note}")
    where = settings.kubernetes.namespace or access.namespace or "default"
    require_kubernetes(settings)
    from radiant.cli.kube_cluster_checks import open_client  # noqa: PLC0415 - heavy, only here

    client = open_client(access)
    results = print_results(_cluster(client, access, where, settings, wait_s=wait if pod else None))
    results += print_results(_airflow(settings, airflow, user, password_file))
    counts = {grade: sum(one.grade is grade for one in results) for grade in Grade}
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))
    if counts[Grade.WRONG]:
        raise typer.Exit(EXIT_CONFIG)


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


def _airflow(
    settings: Settings, url: str | None, user: str | None, password_file: Path | None
) -> Iterator[CheckResult]:
    from radiant.cli.airflow_checks import check_airflow  # noqa: PLC0415 - only here

    try:
        api = running_airflow(settings, url=url, user=user, password_file=password_file)
    except ConfigError as error:
        if url is not None:
            raise
        yield unknown("airflow", str(error))
        return
    try:
        yield from check_airflow(api, settings.kubernetes.conn_id)
    except AirflowError as error:
        yield wrong("airflow", str(error), "is it up, and may this user read its settings?")
