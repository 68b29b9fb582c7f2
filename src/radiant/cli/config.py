"""`radiant config`."""

import typer

from radiant.settings import effective_settings, load_settings


def config() -> None:
    """Print the effective settings, one `NAME=value` a line, passwords masked."""
    for name, value in effective_settings(load_settings()):
        typer.echo(f"{name}={value}")
