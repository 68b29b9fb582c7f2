"""`radiant poc`: the quickest check of an installation."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radiant.cli.run import find_dags, stop_signals
from radiant.cli.terminal import echo
from radiant.errors import EXIT_BUG, EXIT_OK, AirflowUnavailableError
from radiant.jobs.dag_ids import POC
from radiant.jobs.documents import read_job_summary
from radiant.settings import load_settings

if TYPE_CHECKING:
    from radiant.cli.airflow_api import AirflowApi
    from radiant.cli.standalone import Standalone

_TASK = "poc"
_Shown = tuple[int, Counter[str]]
"""The try, and how often each line of its log was printed."""
_POLL_S = 1.0
_PATIENCE_S = 120
"""How long Airflow may leave requests unanswered while its processes run."""


def poc(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep Airflow running, to look at log and XCom in its UI.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the UI.  [default: the first free one from 8080]")
    ] = None,
    dags: Annotated[Path | None, typer.Option(help="Folder of the DAGs.  [default: dags of the checkout]")] = None,
) -> None:
    """Run the DAG POC-ecs-k8s-operators on the backend that RADIANT_BACKEND names, and show its log and its output.

    The exit code is 0 when it is green, 70 when it failed, 75 when Airflow stopped.
    """
    from radiant.cli.standalone import USERNAME, Standalone  # noqa: PLC0415 - heavy, only here

    settings = load_settings()
    settings.home_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    airflow = Standalone(settings, dags_folder=find_dags(dags), dag_ids=(POC,), port=port)
    exit_code: int | None = None
    with stop_signals() as stopped:
        try:
            airflow.start()
            typer.echo(f"Starting Airflow, its log is {airflow.log_path}")
            airflow.wait_until_ready()
            airflow.api.unpause(POC)
            run_id = airflow.api.trigger(POC)
            typer.echo(f"Running {POC}: {settings.backend}")
            exit_code = EXIT_OK if _follow(airflow, run_id) == "success" else EXIT_BUG
            if keep:
                typer.echo(f"Airflow keeps running: {airflow.api.url} user {USERNAME} password {airflow.password}")
                typer.echo("Ctrl-C ends it.")
                while True:
                    airflow.check()
                    time.sleep(_POLL_S)
        except KeyboardInterrupt:
            if exit_code is None:
                exit_code = 128 + stopped[-1]
            typer.echo("Ending Airflow")
        finally:
            airflow.stop()
    raise typer.Exit(exit_code)


def _follow(airflow: "Standalone", run_id: str) -> str:
    """Print the task's log as it comes, then its output; return the state of the run.

    Raises:
        AirflowUnavailableError: a part of Airflow ended, or it does not answer for two minutes.
    """
    shown: _Shown = (0, Counter())
    answered = time.monotonic()
    while True:
        try:
            state = airflow.api.run_state(POC, run_id)
            shown = _show_log(airflow.api, run_id, shown)
        except AirflowUnavailableError:
            airflow.check()
            if time.monotonic() - answered > _PATIENCE_S:
                raise
        else:
            answered = time.monotonic()
            if state in {"success", "failed"}:
                break
        time.sleep(_POLL_S)
    xcom = airflow.api.xcom(POC, run_id, _TASK)
    output = None if xcom is None else read_job_summary(xcom, f"the XCom of {_TASK} of run {run_id}").output
    typer.echo(f"{POC}: {state}, answer {json.dumps(output)}")
    return str(state)


def _show_log(api: "AirflowApi", run_id: str, shown: _Shown) -> _Shown:
    """Print the new lines of the log, and return all lines of this try that were printed.

    Lines are compared by content, not by number: Airflow sorts the parts of a log (worker, triggerer) by time, so a new
    line may stand before an old one.
    """
    found = [one for one in api.task_instances(POC, run_id) if one.task_id == _TASK and one.try_number]
    if not found:
        return shown
    number = found[0].try_number
    printed = shown[1] if shown[0] == number else Counter[str]()
    lines: Counter[str] = Counter()
    for line in api.log_lines(POC, run_id, _TASK, try_number=number):
        lines[line] += 1
        if lines[line] > printed[line]:
            echo(f"  {line}")
    return number, printed | lines
