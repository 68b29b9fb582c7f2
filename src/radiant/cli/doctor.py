"""`radiant doctor`: looks at the whole installation, on every backend."""

from collections.abc import Iterator
from typing import Annotated

import typer

from radiant.cli import ecs, kube_doctor
from radiant.cli.check_result import CheckResult, end_with, good, print_results, summary, wrong
from radiant.cli.kube_access import (
    KUBECONFIG,
    ContextOption,
    InsecureOption,
    KubeconfigOption,
    NamespaceOption,
    TokenOption,
)
from radiant.cli.running_airflow import AirflowOption, PasswordOption, UserOption
from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.settings import Settings, load_settings


def doctor(  # noqa: PLR0913 - one parameter per option
    *,
    kubeconfig: KubeconfigOption = KUBECONFIG,
    context: ContextOption = None,
    namespace: NamespaceOption = None,
    token_file: TokenOption = None,
    insecure: InsecureOption = False,
    wait: kube_doctor.WaitOption = 120,
    pod: kube_doctor.PodOption = True,
    platform: Annotated[
        bool, typer.Option("--platform/--no-platform", help="Look at the platform that RADIANT_BACKEND names, too.")
    ] = True,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Look at registry, tables, documents, the platform of the jobs and Airflow; report what is wrong and the fix.

    Nothing is changed. The options of a cluster are those of `radiant kube doctor`. The exit code is 0 when nothing is
    wrong, 78 otherwise.
    """
    from radiant.cli.installation import check_documents, check_registry, check_tables  # noqa: PLC0415 - heavy

    settings = load_settings()
    results = print_results(check_registry(settings, make=False))
    results += print_results(check_tables(settings, make=False))
    results += print_results(check_documents(settings))
    if platform:
        credential = kube_doctor.Credential(kubeconfig, context, namespace, token_file, insecure=insecure)
        results += print_results(_platform(settings, credential, wait_s=wait if pod else None))
    conn_id = settings.kubernetes.conn_id if settings.backend == "kubernetes" else None
    results += print_results(kube_doctor.check_running_airflow(settings, airflow, user, password_file, conn_id=conn_id))
    typer.echo(summary(results))
    end_with(results)


def _platform(settings: Settings, credential: kube_doctor.Credential, *, wait_s: float | None) -> Iterator[CheckResult]:
    """Yield what the doctor of the backend finds; one that cannot begin is wrong, and ends no other check."""
    try:
        if settings.backend == "kubernetes":
            yield from kube_doctor.check_cluster(settings, credential, wait_s=wait_s)
        elif settings.backend == "ecs":
            yield from ecs.check_account(settings)
        else:
            yield good("platform", "jobs are processes of this machine: RADIANT_BACKEND=local")
    except (ConfigError, PlatformUnavailableError) as error:
        yield wrong("platform", str(error), f"correct it; RADIANT_BACKEND is {settings.backend}")
