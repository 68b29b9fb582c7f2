"""`radiant config`."""

from collections.abc import Iterator

import typer

from radiant.jobs.catalogue import JOBS
from radiant.settings import PREFIX, effective_settings, load_settings


def config() -> None:
    """Print the effective settings, one `NAME=value` a line, passwords masked."""
    catalogue = dict(_job_defaults())
    for name, value in effective_settings(load_settings()):
        typer.echo(f"{name}={value or catalogue.get(name, '')}")


def _job_defaults() -> Iterator[tuple[str, str]]:
    """Yield (variable, value) of the catalogue's numbers, which hold where the settings have none."""
    for job in JOBS.values():
        prefix = f"{PREFIX}JOBS__{job.name.replace('-', '_').upper()}__"
        yield f"{prefix}CPU", str(job.resources.cpu)
        yield f"{prefix}MEMORY_MIB", str(job.resources.memory_mib)
        yield f"{prefix}SCRATCH_GIB", str(job.resources.scratch_gib)
        yield f"{prefix}TIMEOUT_S", str(job.timeout_s)
        yield f"{prefix}RETRIES", str(job.retries)
