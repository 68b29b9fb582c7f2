"""`radiant demo`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Simulated families to try radiant with.", no_args_is_help=True)


@app.callback()
def demo() -> None:
    """Keep `make` a command of its own: typer would merge a group of one."""


@app.command()
def make(
    directory: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder to write to, made if missing; or a URI: s3://bucket/folder.")
    ],
    families: Annotated[int, typer.Option(help="How many families: trios, quads, duos, solos in turn.")] = 2,
    records: Annotated[int, typer.Option(help="VCF records per family, from 500.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
) -> None:
    """Write VEP-annotated family VCFs with pedigrees, an index, a sample sheet and the truth."""
    from radiant import demo as package  # noqa: PLC0415 - numpy and pysam cost start-up time

    if "://" in directory:
        with tempfile.TemporaryDirectory() as folder:
            package.make(Path(folder), families, records, seed)
            sheet = _copy(Path(folder), directory)
    else:
        sheet = str(package.make(Path(directory), families, records, seed))
    typer.echo(f"{families} families of {records:,} records: {sheet}")
    typer.echo(f"Register them: radiant cases add --sheet {sheet}")


def _copy(folder: Path, uri: str) -> str:
    """Copy all files of a folder below a URI and return the sheet's place; it names its files relative to itself."""
    from radiant import storage  # noqa: PLC0415 - fsspec costs start-up time

    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        storage.write_bytes(storage.join(uri, file.relative_to(folder).as_posix()), file.read_bytes())
    return storage.join(uri, "cases.csv")
