"""`radiant run`: everything on this machine, from nothing to imported cases."""

import contextlib
import signal
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from radiant.cli.terminal import printable
from radiant.cli.watch_run import follow
from radiant.errors import ConfigError, InputError
from radiant.jobs.dag_ids import IMPORT_DAGS, IMPORT_RADIANT
from radiant.jobs.documents import run_uri
from radiant.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from radiant.cli.standalone import Standalone
    from radiant.registry import Registry

_DEMO_FAMILIES = 2
_DEMO_RECORDS = 5000
_DEMO_SEED = 1
_POLL_S = 1.0


def run(  # noqa: PLR0913 - one parameter per option
    *,
    once: Annotated[bool, typer.Option("--once", help="Exit after the summary.")] = False,
    sheet: Annotated[
        str | None, typer.Option(help="Register the cases of this sample sheet first (see `radiant cases add`).")
    ] = None,
    families: Annotated[int | None, typer.Option(min=1, help="Make this many demo families.  [default: 2]")] = None,
    records: Annotated[int | None, typer.Option(min=500, help="VCF records per demo family.  [default: 5000]")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the UI.  [default: the first free one from 8080]")
    ] = None,
    dags: Annotated[Path | None, typer.Option(help="Folder of the DAGs.  [default: dags of the checkout]")] = None,
) -> None:
    """Start Airflow on this machine and import every case that is due; demo cases where none is registered.

    Runs until Ctrl-C, which ends everything it started. With --once the exit code is the result: 0 every case is
    imported, 65 a case failed by bad input and nothing else went wrong, 70 anything else failed, 75 Airflow stopped.
    """
    demo = None if families is None and records is None else (families or _DEMO_FAMILIES, records or _DEMO_RECORDS)
    if sheet is not None and demo is not None:
        message = "--sheet brings cases of your own; --families and --records make demo cases"
        raise typer.BadParameter(message)
    raise typer.Exit(_run(load_settings(), find_dags(dags), sheet=sheet, demo=demo, port=port, once=once))


def find_dags(given: Path | None) -> Path:
    """Return the folder of the DAG bundle: as given, or `dags` of the current folder or of the checkout.

    Raises:
        ConfigError: there is none.
    """
    checkout = Path(__file__).parents[3]
    for folder in [given] if given is not None else [Path("dags"), checkout / "dags"]:
        if (folder / "import_radiant.py").is_file():
            return folder.absolute()
    where = given or f"dags of {Path.cwd()} or of {checkout}"
    msg = f"{where}: no import_radiant.py there. Run in the checkout of radiant, or give its folder with --dags"
    raise ConfigError(msg)


def _run(  # noqa: PLR0913 - the options of the command
    settings: Settings, dags: Path, *, sheet: str | None, demo: tuple[int, int] | None, port: int | None, once: bool
) -> int:
    from rich.console import Console  # noqa: PLC0415 - heavy, only here

    from radiant.cli.standalone import USERNAME, Standalone  # noqa: PLC0415 - as above
    from radiant.cli.summary import print_summary, read_summary  # noqa: PLC0415 - as above
    from radiant.registry import Registry  # noqa: PLC0415 - as above

    console = Console(highlight=False)
    exit_code: int | None = None
    _make_home(settings.home_path)
    registry = Registry(settings.effective_registry_url)
    airflow = Standalone(settings, dags_folder=dags, port=port)
    with stop_signals() as stopped:
        try:
            if sheet is not None:
                _register(registry, sheet, settings, console)  # bad input is reported before Airflow is started for it
            airflow.start()
            # The leases of killed runs of this Airflow alone: another Airflow may share the registry.
            registry.release({run_uri(settings.effective_work_uri, *run) for run in airflow.past_runs})
            console.print(f"Starting Airflow, its log is {airflow.log_path}", soft_wrap=True)
            if demo is not None or (sheet is None and not registry.list_cases()):
                _register(registry, _make_demo(settings, demo, console), settings, console)
            airflow.wait_until_ready()
            login = f"{airflow.api.url} user {USERNAME} password {airflow.password}"
            console.print(f"Airflow is ready: {login}", soft_wrap=True)
            run_id = _import(airflow, settings, console)
            summary = read_summary(airflow.api, run_id)
            print_summary(summary, console)
            exit_code = summary.exit_code
            if not once:
                console.print(f"Airflow keeps running: {login}\nCtrl-C ends it.", soft_wrap=True)
                while True:
                    airflow.check()
                    time.sleep(_POLL_S)
        except KeyboardInterrupt:
            if exit_code is None:
                exit_code = 128 + stopped[-1]
            console.print("Ending Airflow")
        finally:
            airflow.stop()
    return exit_code


def _make_home(home: Path) -> None:
    """Make the home folder.

    Raises:
        ConfigError: it cannot be made, or nothing can be written there.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        msg = f"{home}: {error.strerror or error}. Set RADIANT_HOME to a folder that can be written"
        raise ConfigError(msg) from None


def _register(registry: "Registry", sheet: str, settings: Settings, console: "Console") -> None:
    """Register the cases of a sheet as `radiant cases add --sheet` does, with shorter output.

    Raises:
        InputError: all that is wrong with the sheet or its files; the good cases of a sheet that the registry refused
            in part stay registered.
    """
    from radiant.cli import register  # noqa: PLC0415 - heavy, only here

    wanted = register.from_sheet(sheet, settings)
    checked = register.check_files(wanted, registry)
    for note in checked.notes:
        console.print(printable(note), soft_wrap=True, markup=False)
    registered = register.register(registry, checked.wanted, settings, replace=False)
    if registered.refused:
        msg = "\n  ".join(("not registered:", *registered.refused))
        raise InputError(msg)
    count = len(registered.done)
    console.print(f"{count} case{'s' * (count != 1)} of {sheet} registered", soft_wrap=True)


def _make_demo(settings: Settings, wanted: tuple[int, int] | None, console: "Console") -> str:
    """Make demo cases unless they exist and no number was given; return their sheet."""
    sheet = settings.home_path / "demo" / "cases.csv"
    if wanted is None and sheet.exists():
        return str(sheet)
    families, records = wanted or (_DEMO_FAMILIES, _DEMO_RECORDS)
    console.print(f"Making {families} demo families of {records:,} records in {sheet.parent}", soft_wrap=True)
    from radiant import demo  # noqa: PLC0415 - heavy, only here

    return str(demo.make(sheet.parent, families, records, _DEMO_SEED))


def _import(airflow: "Standalone", settings: Settings, console: "Console") -> str:
    """Trigger `import-radiant`, show its progress until it has ended, and return the run's id.

    Raises:
        AirflowUnavailableError: a part of Airflow ended, or it does not answer for two minutes.
    """
    for dag_id in IMPORT_DAGS:
        airflow.api.unpause(dag_id)
    run_id = airflow.api.trigger(IMPORT_RADIANT)
    follow(airflow.api, settings, run_id, console, check=airflow.check)
    return run_id


@contextlib.contextmanager
def stop_signals() -> Generator[list[int]]:
    """Turn Ctrl-C, SIGTERM and a closed terminal into KeyboardInterrupt, and yield the list of those received."""
    received: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup radiant run` is to outlive its terminal
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
