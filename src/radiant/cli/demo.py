"""`radiant demo`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Simulated families to try radiant with.", no_args_is_help=True)


@app.callback()
def demo() -> None:
    """Keep `make` a command of its own: typer would merge a group of one."""


@app.command()
def make(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; made if missing.")],
    families: Annotated[int, typer.Option(help="How many families: trios, quads, duos, solos in turn.")] = 2,
    records: Annotated[int, typer.Option(help="VCF records per family, from 500.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Write VEP-annotated family VCFs with pedigrees, an index, a sample sheet and the truth."""
    from radiant import demo as package  # noqa: PLC0415 - numpy and pysam cost start-up time

    sheet = package.make(directory, families, records, seed)
    typer.echo(f"{families} families of {records:,} records: {sheet}")
    typer.echo(f"Register them: radiant cases add --sheet {sheet}")
