"""`radiant tenants`: the centres that share the installation, and what keeps them apart on each platform."""

from typing import Annotated

import typer
from rich.table import Table

from radiant.cli.costs import console_of
from radiant.cli.tenant_grants import kustomization, registry_sql, s3_policy
from radiant.settings import load_installation, mask_secret

app = typer.Typer(help="The centres that share this installation, and what keeps them apart.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(metavar="TENANT", help="A name of RADIANT_TENANTS.")]


@app.command("list")
def list_tenants() -> None:
    """Show where everything of each tenant is."""
    installation = load_installation()
    table = Table(box=None, pad_edge=False)
    for column in ("tenant", "input files", "tables", "registry", "documents", "jobs"):
        table.add_column(column, overflow="fold")
    for name, own in sorted(installation.tenants.items()):
        one = installation.of_tenant(name)
        registry = mask_secret(one.effective_registry_url).partition("?options=-csearch_path%3D")
        table.add_row(
            name,
            "\n".join(one.input_prefixes),
            f"{one.lake.namespace} of {one.lake.catalog}\n{one.effective_warehouse}",
            ", schema ".join(filter(None, (registry[0], registry[2]))),
            one.effective_work_uri,
            str(own.most_jobs or ""),
        )
    console_of().print(table)


@app.command()
def sql(tenant: _Name) -> None:
    """Print the SQL that makes a tenant's schema in the registry's PostgreSQL, with roles that reach no other."""
    typer.echo(registry_sql(load_installation().of_tenant(tenant)), nl=False)


@app.command()
def s3(tenant: _Name) -> None:
    """Print the IAM policy of a tenant's jobs: read its input files, write its documents and tables."""
    typer.echo(s3_policy(load_installation().of_tenant(tenant)), nl=False)


@app.command()
def kubernetes(
    tenant: _Name,
    base: Annotated[str, typer.Option(help="The folder deploy/kubernetes/base, as seen from the overlay's.")] = (
        "../deploy/kubernetes/base"
    ),
    airflow: Annotated[
        str, typer.Option(help="Namespace of the service account radiant-airflow that the connection uses.")
    ] = "radiant",
) -> None:
    """Print the kustomization of a tenant's namespace: its quota, service account, network rules, Airflow's rights."""
    typer.echo(kustomization(load_installation().of_tenant(tenant), base, airflow), nl=False)
