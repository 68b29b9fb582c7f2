"""`radiant watch`: the running cases of a run, live; `radiant run` follows its own run in the same way."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from radiant.cli.running_airflow import AirflowOption, PasswordOption, UserOption, running_airflow
from radiant.cli.terminal import printable
from radiant.errors import AirflowUnavailableError, InputError
from radiant.jobs.dag_ids import IMPORT_RADIANT
from radiant.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from radiant.cli.airflow_api import AirflowApi

_T = TypeVar("_T")
_POLL_S = 1.0
_PATIENCE_S = 120
"""How long Airflow may leave requests unanswered, as on a busy machine."""
EXIT_INTERRUPTED = 130
"""Of Ctrl-C, as shells have it."""


def watch(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help=f"Run of {IMPORT_RADIANT}.  [default: the latest one that runs]"),
    ] = None,
    *,
    airflow: AirflowOption = None,
    user: UserOption = None,
    password_file: PasswordOption = None,
) -> None:
    """Show the running cases of a run until it ends: percent, position, records, rate, time left, memory.

    Ctrl-C ends the watching and leaves the run alone. Without a terminal lines are printed. The exit code is the run's
    result: 0 every case is imported, 65 a case failed by bad input and nothing else went wrong, 70 anything else
    failed; 75 Airflow does not answer, 130 Ctrl-C.
    """
    from rich.console import Console  # noqa: PLC0415 - heavy, only here

    from radiant.cli.summary import print_summary, read_summary  # noqa: PLC0415 - as above

    settings = load_settings()
    api = running_airflow(settings, url=airflow, user=user, password_file=password_file)
    api.version()  # an address where no Airflow is ends the command at once
    run_id = _patiently(lambda: _chosen(api, run))
    console = Console(highlight=False)
    try:
        follow(api, settings, run_id, console)
    except KeyboardInterrupt:
        console.print(f"The run goes on; radiant watch {printable(run_id)} shows it again.", soft_wrap=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    summary = _patiently(lambda: read_summary(api, run_id))
    print_summary(summary, console)
    raise typer.Exit(summary.exit_code)


def follow(
    api: "AirflowApi",
    settings: Settings,
    run_id: str,
    console: "Console",
    check: Callable[[], None] = lambda: None,
) -> None:
    """Show a run of `import-radiant` until it has ended.

    Args:
        api: Of its Airflow.
        settings: With the work URI, where the documents of running imports are.
        run_id: Of the run.
        console: Where it is shown.
        check: Called at each look; raises when the watching cannot go on.

    Raises:
        AirflowUnavailableError: Airflow does not answer for two minutes.
    """
    from radiant.cli.progress import RunProgress  # noqa: PLC0415 - heavy, only here
    from radiant.cli.progress_view import shown  # noqa: PLC0415 - as above

    run = RunProgress(api, run_id, settings.effective_work_uri)
    with shown(console, f"{IMPORT_RADIANT} {printable(run_id)}") as show:
        while True:
            progress = _patiently(run.read, check)
            show(progress)
            if progress.phase == "finished":
                return
            check()
            time.sleep(_POLL_S)


def _patiently(ask: Callable[[], _T], check: Callable[[], None] = lambda: None) -> _T:
    """Return an answer of Airflow; ask again while it gives none, for two minutes."""
    began = time.monotonic()
    while True:
        try:
            return ask()
        except AirflowUnavailableError:
            check()
            if time.monotonic() - began > _PATIENCE_S:
                raise
        time.sleep(_POLL_S)


def _chosen(api: "AirflowApi", run: str | None) -> str:
    """Return the id of the run to watch.

    Raises:
        InputError: there is no such run, or none runs.
    """
    if run is not None:
        if api.run_state(IMPORT_RADIANT, run) is None:
            msg = (
                f"{IMPORT_RADIANT} has no run {run!r}. Copy the run id from the UI, or leave it out for the latest one"
            )
            raise InputError(msg)
        return run
    found = api.latest_running(IMPORT_RADIANT)
    if found is None:
        msg = f"no run of {IMPORT_RADIANT} is running. Name the run to see how it ended: radiant watch RUN"
        raise InputError(msg)
    return found
