"""`radiant report`: what a run did, what it used and what it cost, as one HTML file."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from radiant.cli.terminal import echo
from radiant.settings import load_settings


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run id, as Airflow's UI shows it.")],
    *,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="HTML file to write, - for standard output.")
    ] = "report.html",
) -> None:
    """Write the report of a run: one HTML file with verdicts, timeline, use, costs, failures and remedies.

    It is made from the documents below RADIANT_WORK_URI, of a run that is over or still going on. Each run of
    import-radiant leaves the same file in its folder.
    """
    from radiant.runs.make_report import make_report  # noqa: PLC0415 - loads fsspec and Jinja

    page = make_report(load_settings(), run, dt.datetime.now(dt.UTC))
    if output == "-":
        typer.echo(page, nl=False)
        return
    Path(output).write_text(page, encoding="utf-8")
    echo(f"{output}: the report of run {run}, {len(page) >> 10} KiB")
