"""`radiant kube`: what connects Airflow with a Kubernetes cluster, and `radiant kube render`."""

from typing import Annotated

import typer

from radiant.cli import kube_connection, kube_doctor
from radiant.cli.kube_access import NamespaceOption
from radiant.jobs.catalogue import effective_job, find_job
from radiant.settings import load_settings

_ATTEMPT = "00000000-0000-0000-0000-000000000000"


def render(
    *,
    job: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="import-case, plan-import, prepare-part, commit-part, maintain-tables, run-report, poc.",
        ),
    ],
    namespace: NamespaceOption = None,
) -> None:
    """Print the pod that would run a job with the settings as they are, as YAML; no cluster is asked.

    Built by the very code that the tasks use. Only what differs from run to run (attempt, run) is made up.
    """
    import yaml  # noqa: PLC0415 - only here

    from radiant.cli.kube_pod import order_of, plain, require_kubernetes  # noqa: PLC0415 - heavy

    settings = load_settings()
    find_job(job)
    require_kubernetes(settings)
    from radiant.operators.pod.spec import build_pod  # noqa: PLC0415 - imports Airflow

    order = order_of(effective_job(job, settings), settings, run_id="manual__rendered", attempt=_ATTEMPT)
    where = namespace or settings.kubernetes.namespace or "default"
    typer.echo(yaml.safe_dump(plain(build_pod(order, settings, namespace=where)), sort_keys=False), nl=False)


app = typer.Typer(help="Connect Airflow with a Kubernetes cluster, and see what is amiss.", no_args_is_help=True)
app.command()(kube_connection.connection)
app.command()(render)
app.command()(kube_doctor.doctor)
