"""`radiant kube`: what connects Airflow with a Kubernetes cluster."""

import typer

from radiant.cli import kube_connection

app = typer.Typer(help="Connect Airflow with a Kubernetes cluster, and see what is amiss.", no_args_is_help=True)
app.command()(kube_connection.connection)
