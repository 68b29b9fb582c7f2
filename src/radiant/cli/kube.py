"""`radiant kube`: what connects Airflow with a Kubernetes cluster."""

import typer

from radiant.cli import kube_connection, kube_doctor, kube_render

app = typer.Typer(help="Connect Airflow with a Kubernetes cluster, and see what is amiss.", no_args_is_help=True)
app.command()(kube_connection.connection)
app.command()(kube_render.render)
app.command()(kube_doctor.doctor)
