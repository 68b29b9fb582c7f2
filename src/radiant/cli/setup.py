"""`radiant setup`: all that a new installation needs before its first case."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radiant.cli.airflow_checks import POOL, SLOTS, check_airflow
from radiant.cli.check_result import CheckResult, end_with, good, print_results, unknown, wrong
from radiant.cli.running_airflow import AirflowOption, PasswordOption, UserOption, running_airflow
from radiant.errors import AirflowError, ConfigError
from radiant.settings import Settings, load_settings

if TYPE_CHECKING:
    from radiant.cli.airflow_api import AirflowApi

_DEFAULT_SLOTS = 128
"""Airflow's own number for a new pool."""


def setup(
    *,
    slots: Annotated[
        int | None,
        typer.Option(min=1, help=f"Slots of the pool {POOL}: how many tasks run at once.  [default: as it is]"),
    ] = None,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Make registry, tables and pool, check documents and connection, and print what to do next.

    It may be repeated: what exists stays. The exit code is 0 when nothing is wrong, 78 otherwise.
    """
    from radiant.cli.installation import check_documents, check_registry, check_tables  # noqa: PLC0415 - heavy

    settings = load_settings()
    settings.home_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    results = print_results(check_registry(settings, make=True))
    results += print_results(check_tables(settings, make=True))
    results += print_results(check_documents(settings))
    results += print_results(_airflow(settings, airflow, user, password_file, slots))
    typer.echo(_next_steps(settings))
    end_with(results)


def _airflow(
    settings: Settings, url: str | None, user: str | None, password_file: Path | None, slots: int | None
) -> Iterator[CheckResult]:
    try:
        api = running_airflow(settings, url=url, user=user, password_file=password_file)
    except ConfigError as error:
        if url is not None or slots is not None:
            raise
        yield unknown("airflow", str(error))
        return
    try:
        yield from _pool(api, slots)
        yield from check_airflow(api, settings.kubernetes.conn_id if settings.backend == "kubernetes" else None)
    except AirflowError as error:
        yield wrong("airflow", str(error), "is it up, and may this user change pools?")


def _pool(api: "AirflowApi", wanted: int | None) -> Iterator[CheckResult]:
    """Give the pool its slots: as many as are wanted, else Airflow's own number where it has too few."""
    found = api.pools().get(POOL)
    if wanted is None and (found is None or 0 <= found < SLOTS):
        wanted = _DEFAULT_SLOTS
    if wanted is not None and wanted != found:
        api.put_pool(POOL, wanted)
        yield good("airflow", f"pool {POOL} now has {wanted} slots; it had {found or 'none'}")


def _next_steps(settings: Settings) -> str:
    place = {"local": "on this machine", "kubernetes": "as pods", "ecs": "as tasks on ECS"}[settings.backend]
    return f"""
Jobs run {place} (RADIANT_BACKEND={settings.backend}). Next:
  radiant doctor                              checks all of it again, a job on the platform included
  radiant cases add --sheet cases.csv         registers cases; `radiant demo make DIR` writes some to try
  then trigger the DAG import-radiant         in Airflow's UI
  radiant cases list                          shows what became visible, and why the rest did not
  radiant variants --case 1 --origin denovo   reads it"""
