"""`radiant tenants`: the centres that share the installation, and what keeps them apart on each platform."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.table import Table

from radiant.cli.costs import bill_of_month, console_of
from radiant.cli.tenant_grants import kustomization, registry_sql, s3_policy
from radiant.costs.bill_text import CAPACITIES
from radiant.costs.container import Capacity
from radiant.costs.history import CaseBill
from radiant.costs.prices import dollars
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
def costs(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A month (UTC).")],
    node: Annotated[
        str | None, typer.Option(help="EC2 instance of the price list. [default: RADIANT_COSTS__NODE]")
    ] = None,
) -> None:
    """Show what the jobs of each tenant cost in a month; `radiant costs --month` has one tenant's cases.

    It reads each tenant's registry and documents, so it needs credentials for all of them.
    """
    from radiant.runs.run_bill import prices_of  # noqa: PLC0415 - loads fsspec

    installation = load_installation()
    prices = prices_of(installation)
    chosen = prices.node(node or installation.costs.node)
    columns = ("tenant", "cases", "attempts", "as it ran", *CAPACITIES.values())
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column == "tenant" else "right", no_wrap=True)
    bills = {
        name: bill_of_month(installation.of_tenant(name), month, prices, chosen).bill
        for name in sorted(installation.tenants)
    }
    for name, one in bills.items():
        table.add_row(name, *_amounts(one.cases, one.attempts, one.as_it_ran, one.total))
    ran = [one.as_it_ran for one in bills.values() if one.as_it_ran is not None]
    total = {capacity: sum(one.total.get(capacity, 0.0) for one in bills.values()) for capacity in CAPACITIES}
    cases = [case for one in bills.values() for case in one.cases]
    attempts = sum(one.attempts for one in bills.values())
    table.add_row("total", *_amounts(cases, attempts, sum(ran) if ran else None, total))
    console_of().print(table)


def _amounts(
    cases: Sequence[CaseBill], attempts: int, as_it_ran: float | None, total: Mapping[Capacity, float]
) -> list[str]:
    numbered = sum(one.case_id is not None for one in cases)
    amounts = (dollars(total.get(capacity)) for capacity in CAPACITIES)
    return [f"{numbered:,}", f"{attempts:,}", dollars(as_it_ran), *amounts]


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
