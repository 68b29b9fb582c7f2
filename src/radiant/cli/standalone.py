"""The Airflow that `radiant run` starts, watches and ends: `airflow standalone` with a home of its own.

SQLite metadata, LocalExecutor, simple auth manager with the user `admin`, bound to 127.0.0.1. Each of its processes has
a mark in its environment. `stop` ends all processes with that mark, so none is left.
"""

import contextlib
import json
import os
import secrets
import subprocess
import sysconfig
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from radiant.cli import processes
from radiant.cli.airflow_api import AirflowApi
from radiant.cli.home_lock import home_lock
from radiant.cli.ports import reserved_ports
from radiant.cli.unfinished_runs import end_past_runs
from radiant.errors import AirflowError, AirflowUnavailableError, ConfigError
from radiant.jobs.dag_ids import ALL_DAGS
from radiant.settings import Settings, child_environment

USERNAME = "admin"
_MARK = "AIRFLOW_STARTED_BY_RADIANT"
_PORTS = (8080, 8793, 8794)
"""Airflow's default ports: API server and UI, the scheduler's log server, the triggerer's log server."""
_PARTS = ("scheduler", "dag-processor", "api-server", "triggerer")
_START_TIMEOUT_S = 300
_GRACE_S = 10
_STEP_S = 0.25
_LOG_LINES = 30


class Standalone:
    """One Airflow on this machine for one home folder; also a context manager.

    `with Standalone(settings, dags_folder=...) as airflow:` starts it, waits until it is ready, and ends it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        dags_folder: Path,
        dag_ids: Sequence[str] = ALL_DAGS,
        port: int | None = None,
        parallelism: int | None = None,
    ) -> None:
        """Store the arguments.

        Args:
            settings: its home folder holds Airflow's.
            dags_folder: where the DAG files are.
            dag_ids: the DAGs that must have been read before Airflow counts as ready.
            port: of the UI and the API; the first free one from 8080 when None.
            parallelism: greatest number of tasks at once; twice the cores when None. (The DAG limits how many of them
                import cases; the others wait or are short.)
        """
        self._settings = settings
        self._dags_folder = dags_folder.absolute()
        self._dag_ids = frozenset(dag_ids)
        self._port = port
        self._parallelism = parallelism or 2 * len(os.sched_getaffinity(0))
        self._home = settings.home_path / "airflow"
        self._mark = (_MARK, str(settings.home_path))
        self._open = contextlib.ExitStack()
        self._may_run = False
        self._process: subprocess.Popen[bytes] | None = None
        self._parts: dict[int, str] = {}
        self._started_at = datetime.now(UTC)
        self._api: AirflowApi | None = None
        self.password = ""
        """Of the user `admin`; stored in the home."""
        self.past_runs: frozenset[tuple[str, str]] = frozenset()
        """(dag_id, run_id) of this Airflow's runs before this start; none of them goes on."""

    @property
    def api(self) -> AirflowApi:
        """Its REST API; raises AirflowUnavailableError when it was not started."""
        if self._api is None:
            msg = "Airflow was not started"
            raise AirflowUnavailableError(msg)
        return self._api

    @property
    def log_path(self) -> Path:
        """Where Airflow's own output goes."""
        return self._home / "standalone.log"

    def __enter__(self) -> Self:
        """Start and wait until ready."""
        try:
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self.stop()

    def start(self) -> None:
        """Start the processes, after ending those of a killed run.

        Raises:
            ConfigError: another `radiant run` has this home, Airflow is not installed, no port is free.
        """
        processes.require_proc()
        program = Path(sysconfig.get_path("scripts")) / "airflow"
        if not program.exists():
            msg = f"{program}: no such program. Install Airflow beside radiant: `make setup`, or radiant[airflow]"
            raise ConfigError(msg)
        self._open.enter_context(home_lock(self._settings.home_path))
        processes.end_marked(self._mark, _GRACE_S)
        self._home.mkdir(mode=0o700, exist_ok=True)
        self.past_runs = end_past_runs(self._home / "airflow.db")
        self.password = _password(self._home / "passwords.json")
        api_port, *log_ports = self._open.enter_context(reserved_ports(self._port or _PORTS[0], *_PORTS[1:]))
        if self._port not in {None, api_port}:
            msg = f"port {self._port} is taken; leave --port out to use the next free one"
            raise ConfigError(msg)
        values = airflow_environment(
            home=self._home,
            dags_folder=self._dags_folder,
            ports=(api_port, *log_ports),
            parallelism=self._parallelism,
        ) | {
            _MARK: self._mark[1],
            "RADIANT_HOME": str(self._settings.home_path),
        }
        environment = child_environment(values, without=("PYTHONDONTWRITEBYTECODE",), path_first=program.parent)
        self._started_at = datetime.now(UTC)
        self._may_run = True
        with contextlib.suppress(FileNotFoundError):
            self.log_path.replace(self.log_path.with_suffix(".previous.log"))
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [str(program), "standalone"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C in the terminal must reach this process alone, which then ends Airflow.
                start_new_session=True,
            )
        url = f"http://127.0.0.1:{api_port}"
        (self._home / "url").write_text(f"{url}\n")  # for other commands
        self._api = AirflowApi(url, USERNAME, self.password)

    def wait_until_ready(self) -> None:
        """Wait until the API answers and the DAGs, as they are on disk now, can be triggered.

        Raises:
            AirflowError: a DAG file cannot be imported.
            AirflowUnavailableError: a part ended, or it took too long.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            self.check()
            if time.monotonic() > deadline:
                msg = f"Airflow was not ready after {_START_TIMEOUT_S} s.{self.log_tail()}"
                raise AirflowUnavailableError(msg)
            time.sleep(_STEP_S)
        if self._process is not None:
            self._parts = processes.children(self._process.pid)
        self.check()

    def check(self) -> None:
        """Make sure that all parts of Airflow still run; `airflow standalone` itself does not check that.

        Raises:
            AirflowUnavailableError: a part ended; the last lines of the log are in the message.
        """
        if self._process is None or self._process.poll() is not None:
            code = None if self._process is None else self._process.returncode
            msg = f"Airflow ended with exit code {code}.{self.log_tail()}"
            raise AirflowUnavailableError(msg)
        for pid, command in self._parts.items():
            if processes.state(pid) in "ZX ":
                name = next((part for part in _PARTS if part.replace("-", "_") in command.replace("-", "_")), command)
                msg = (
                    f"Airflow's {name} ended (process {pid}), so the import cannot go on. "
                    f"Run the same command again: it starts over where this one stopped.{self.log_tail()}"
                )
                raise AirflowUnavailableError(msg)

    def stop(self) -> None:
        """End everything that was started, whatever session or process group it is in; may be called twice."""
        if self._may_run:
            # The parent last: it reads the output of the parts, and a part whose output is not read hangs at its end.
            parent = None if self._process is None else self._process.pid
            processes.end_marked(self._mark, _GRACE_S, last=parent)
            self._may_run = False
        if self._process is not None:
            self._process.wait()
            self._process = None
        self._parts = {}
        self._open.close()

    def log_tail(self) -> str:
        """Return the path and the last lines of the log, to be appended to a message."""
        try:
            lines = self.log_path.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        except OSError:
            return ""
        return "\n".join((f" The last lines of {self.log_path}:", *(f"  {line}" for line in lines)))

    def _is_ready(self) -> bool:
        try:
            self.api.version()
            parsed = self.api.parsed_dags()
        except AirflowUnavailableError:
            return False
        missing = {
            dag_id for dag_id in self._dag_ids if (when := parsed.get(dag_id)) is None or when < self._started_at
        }
        if missing and (errors := self.api.import_errors()):
            reasons = "\n".join(f"{file}:\n{trace}" for file, trace in errors.items())
            msg = f"Airflow cannot read the DAGs {', '.join(sorted(missing))}.\n{reasons}"
            raise AirflowError(msg)
        return not missing


def airflow_environment(*, home: Path, dags_folder: Path, ports: tuple[int, ...], parallelism: int) -> dict[str, str]:
    """Return the environment variables that configure Airflow.

    Args:
        home: AIRFLOW_HOME.
        dags_folder: the DAG bundle.
        ports: API server, scheduler's log server, triggerer's log server.
        parallelism: how many tasks run at once.

    Source: Airflow 3.3, "Configuration Reference".
    """
    api_port, scheduler_log_port, triggerer_log_port = ports
    url = f"http://127.0.0.1:{api_port}"
    bundle = {
        "name": "radiant",
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(dags_folder), "refresh_interval": 30},
    }
    options = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": str(parallelism),
            "dags_folder": str(dags_folder),
            "load_examples": "False",
            "dags_are_paused_at_creation": "False",
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": f"{USERNAME}:admin",
            "simple_auth_manager_all_admins": "False",
            "simple_auth_manager_passwords_file": str(home / "passwords.json"),
            "execution_api_server_url": f"{url}/execution/",
            # The API shows no credential of a Kubernetes connection; without this Airflow hides its tokens only.
            "sensitive_var_conn_names": "kube_config",
        },
        # A busy machine may hold SQLite's lock for longer than the 5 s that a request waits for it by default.
        "database": {
            "sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}?timeout=20",
            "load_default_connections": "False",
        },
        # This machine alone: the simple auth manager is not made for a network.
        "api": {
            "host": "127.0.0.1",
            "port": str(api_port),
            "base_url": url,
            "workers": "1",
            "instance_name": "radiant",
            # `radiant kube doctor` reads it; Airflow masks secrets.
            "expose_config": "True",
        },
        "dag_processor": {
            "dag_bundle_config_list": json.dumps([bundle]),
            "dag_bundle_storage_path": str(home / "bundles"),
            # A changed file is read at once. Reading unchanged ones every 30 s, the default, costs a core.
            "min_file_process_interval": "300",
            "bundle_refresh_check_interval": "5",
            "print_stats_interval": "0",
        },
        # A task that a user clears starts over instead of finding the state of its last success.
        "state_store": {"clear_on_success": "True"},
        "scheduler": {"scheduler_idle_sleep_time": "0.5"},
        # The end of a process may be noticed at the next heartbeat only, by default 5 s later.
        "workers": {"min_heartbeat_interval": "1"},
        "logging": {
            "base_log_folder": str(home / "logs"),
            "worker_log_server_port": str(scheduler_log_port),
            "trigger_log_server_port": str(triggerer_log_port),
        },
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section, values in options.items()
        for name, value in values.items()
    }
    # SPT_NOENV: setproctitle must not overwrite the environment, by which processes are found.
    return variables | {"AIRFLOW_HOME": str(home), "SPT_NOENV": "1", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


def _password(path: Path) -> str:
    """Return the password of the user, made at the first start; the file is readable by its owner only."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads(path.read_text())[USERNAME]
    password = secrets.token_urlsafe(12)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({USERNAME: password}, file)
    return password
