"""The `radiant` command: puts its parts together and turns errors into exit codes."""

import sys
from importlib import metadata
from typing import Annotated

import typer

from radiant.cli import cases, config, demo, run, tables, variants, vcf
from radiant.errors import RadiantError

app = typer.Typer(
    name="radiant",
    help="Import the VCF files of clinical cases into Apache Iceberg, one container per case.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cases.app, name="cases")
app.add_typer(vcf.app, name="vcf")
app.add_typer(demo.app, name="demo")
app.command()(run.run)
app.command()(tables.tables)
app.command()(variants.variants)
app.command()(config.config)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer passes a flag's value by position
    if wanted:
        typer.echo(f"radiant {metadata.version('radiant')}")
        raise typer.Exit


@app.callback()
def radiant(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""
    del version


def main() -> None:
    """Run the command; exit 65 for bad input, 75 for what may pass, 78 for a wrong setting, 70 for a bug."""
    try:
        app()
    except RadiantError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
