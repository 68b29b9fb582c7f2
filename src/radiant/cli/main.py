"""The `radiant` command: puts its parts together and turns errors into exit codes."""

import signal
import sys
import traceback
from collections.abc import Iterator
from importlib import metadata
from types import FrameType
from typing import Annotated

import typer

from radiant.cli import (
    backup,
    cases,
    costs,
    demo,
    doctor,
    ecs,
    kube,
    maintain,
    poc,
    resources,
    run,
    run_report,
    setup,
    sql,
    tenants,
    upgrade,
    variants,
    vcf,
    watch_run,
)
from radiant.cli.terminal import echo
from radiant.errors import EXIT_BUG, EXIT_TRANSIENT, RadiantError
from radiant.jobs.catalogue import JOBS
from radiant.settings import PREFIX, effective_settings, load_installation

app = typer.Typer(
    name="radiant",
    help="Import the VCF files of clinical cases into Apache Iceberg, one container per case.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cases.app, name="cases")
app.add_typer(vcf.app, name="vcf")
app.add_typer(resources.app, name="resources")
app.add_typer(demo.app, name="demo")
app.add_typer(kube.app, name="kube")
app.add_typer(ecs.app, name="ecs")
app.add_typer(tenants.app, name="tenants")
app.command()(run.run)
app.command()(watch_run.watch)
app.command()(poc.poc)
app.command()(setup.setup)
app.command()(doctor.doctor)
app.command()(costs.costs)
app.command()(run_report.report)
app.command()(maintain.maintain)
app.command()(variants.tables)
app.command()(variants.variants)
app.command()(upgrade.upgrade)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(sql.sql)


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


@app.command()
def config() -> None:
    """Print the effective settings, one `NAME=value` a line, passwords masked."""
    catalogue = dict(_job_defaults())
    settings = load_installation()
    for name, value in effective_settings(settings.of_tenant(settings.tenant) if settings.tenant else settings):
        echo(f"{name}={value or catalogue.get(name, '')}")


def _job_defaults() -> Iterator[tuple[str, str]]:
    """Yield (variable, value) of the catalogue's numbers, which hold where the settings have none."""
    for job in JOBS.values():
        prefix = f"{PREFIX}JOBS__{job.name.replace('-', '_').upper()}__"
        yield f"{prefix}CPU", str(job.resources.cpu)
        yield f"{prefix}MEMORY_MIB", str(job.resources.memory_mib)
        yield f"{prefix}SCRATCH_GIB", str(job.resources.scratch_gib)
        yield f"{prefix}TIMEOUT_S", str(job.timeout_s)
        yield f"{prefix}RETRIES", str(job.retries)


def _terminate(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the cleaning up after the first
    sys.exit(128 + number)


def main() -> None:
    """Run the command; exit 65 for bad input, 75 for what may pass, 78 for a wrong setting, 70 for a bug."""
    # As Ctrl-C does: what is half written is cleaned up. `radiant run` has handlers of its own.
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except RadiantError as error:
        echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        # Of this machine, not of the program: a full disk, a right that is missing.
        echo(f"error: {error}. Fix it and run the command again", err=True)
        sys.exit(EXIT_TRANSIENT)
    except Exception as error:  # noqa: BLE001 - the last handler
        echo(traceback.format_exc().rstrip("\n"), err=True)
        text = f"error: {type(error).__name__}: {error}. This is a bug in radiant: report it with the lines above"
        echo(text, err=True)
        sys.exit(EXIT_BUG)


if __name__ == "__main__":
    main()
