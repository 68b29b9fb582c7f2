"""A thin client of Airflow's REST API, version 2.

Source: Airflow 3.3, "Airflow REST API"; the simple auth manager's `POST /auth/token`.
"""

import http.client
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from radiant.errors import AirflowError, AirflowUnavailableError

_PAGE = 100
"""Airflow's `[api] maximum_page_limit`."""
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_CONFLICT = 409
_SERVER_ERROR = 500
_PAUSES_S = (1.0, 2.0, 4.0, 8.0)
"""Before an unanswered start of a run is repeated."""

FINISHED_RUN = frozenset({"success", "failed"})
"""States in which a DAG run has ended."""
UNFINISHED_RUN = frozenset({"queued", "running"})
"""The other states of a DAG run."""
FINISHED_TASK = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
"""States in which a task instance has ended."""


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One task of one DAG run."""

    task_id: str
    map_index: int
    """-1 for a task that is not mapped, or whose mapping is not known yet."""
    state: str | None
    """None before the task is scheduled."""
    try_number: int
    """From 1; 0 before the first start."""
    start_date: datetime | None
    end_date: datetime | None


class AirflowApi:
    """One Airflow, one user.

    Every call raises:
        AirflowUnavailableError: no answer.
        AirflowError: the answer is an error; the message has its status and text.
    """

    def __init__(self, url: str, username: str, password: str, timeout_s: float = 30) -> None:
        """Store address and user; the first call logs in."""
        self.url = url.rstrip("/")
        self._login = {"username": username, "password": password}
        self._timeout_s = timeout_s
        self._token: str | None = None

    def version(self) -> str:
        """Return Airflow's version; needs no login, so it shows that the server is up."""
        return self._send("GET", "/api/v2/version")["version"]

    def parsed_dags(self) -> dict[str, datetime | None]:
        """Return when each DAG was last parsed, by DAG id."""
        return {dag["dag_id"]: _time(dag["last_parsed_time"]) for dag in self._pages("/api/v2/dags", "dags")}

    def most_runs(self) -> dict[str, int | None]:
        """Return how many runs of each DAG Airflow has at once (`max_active_runs`), by DAG id; None is no limit."""
        return {dag["dag_id"]: dag["max_active_runs"] or None for dag in self._pages("/api/v2/dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """Return the traceback of each DAG file that cannot be imported, by file name."""
        found = self._pages("/api/v2/importErrors", "import_errors")
        return {error["filename"]: error["stack_trace"] for error in found}

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG that was paused in the UI; runs of a paused DAG would wait for ever."""
        self._call("PATCH", f"/api/v2/dags/{quote(dag_id)}?update_mask=is_paused", {"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, object] | None = None) -> str:
        """Start a DAG run and return its id; a start without an answer is repeated, and never makes a second run."""
        run_id = f"manual__{datetime.now(UTC).isoformat()}_{secrets.token_hex(4)}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}}
        pauses_s = iter(_PAUSES_S)
        unanswered = False
        while True:
            try:
                return self._call("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body)["dag_run_id"]
            except AirflowUnavailableError:
                unanswered = True
                if (pause_s := next(pauses_s, None)) is None:
                    raise
                time.sleep(pause_s)
            except AirflowError as error:
                if unanswered and _status(error) == _CONFLICT:
                    return run_id
                raise

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a DAG run, None when there is no such run."""
        try:
            return self._call("GET", _run_path(dag_id, run_id))["state"]
        except AirflowError as error:
            if _status(error) == _NOT_FOUND:
                return None
            raise

    def latest_running(self, dag_id: str) -> str | None:
        """Return the id of the run that began last among those that run or wait to, None when there is none."""
        query = urlencode({"state": sorted(UNFINISHED_RUN), "order_by": "-run_after", "limit": 1}, doseq=True)
        found = self._call("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns?{query}")["dag_runs"]
        return str(found[0]["dag_run_id"]) if found else None

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return all task instances of a DAG run, none when there is no such run."""
        try:
            found = list(self._pages(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances"))
        except AirflowError as error:
            if _status(error) == _NOT_FOUND:
                return []
            raise
        return [
            TaskInstance(
                task_id=one["task_id"],
                map_index=one["map_index"],
                state=one["state"],
                try_number=one["try_number"],
                start_date=_time(one["start_date"]),
                end_date=_time(one["end_date"]),
            )
            for one in found
        ]

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> object:
        """Return what a task returned, None when it returned nothing."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/return_value"
        try:
            return self._call("GET", f"{path}?{urlencode({'map_index': map_index})}")["value"]
        except AirflowError as error:
            if _status(error) == _NOT_FOUND:
                return None
            raise

    def log_lines(
        self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, try_number: int = 1
    ) -> Iterator[str]:
        """Yield the messages of a task's log, in order."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{try_number}"
        query = urlencode({"map_index": map_index, "full_content": "true"})
        for line in self._call("GET", f"{path}?{query}")["content"]:
            yield line["event"] if isinstance(line, dict) else str(line)

    def connection_type(self, conn_id: str) -> str | None:
        """Return the type of a connection that Airflow's database holds, None when there is none of that id."""
        try:
            return self._call("GET", f"/api/v2/connections/{quote(conn_id)}")["conn_type"]
        except AirflowError as error:
            if _status(error) == _NOT_FOUND:
                return None
            raise

    def providers(self) -> frozenset[str]:
        """Return the distributions of Airflow's installed providers."""
        return frozenset(one["package_name"] for one in self._pages("/api/v2/providers", "providers"))

    def put_connection(self, conn_id: str, connection: Mapping[str, object]) -> bool:
        """Make a connection, or replace the one of that id; return whether it is new.

        Args:
            conn_id: its id.
            connection: in Airflow's JSON form: `conn_type`, `description`, `extra` as an object.
        """
        body = {**connection, "connection_id": conn_id, "extra": json.dumps(connection.get("extra", {}))}
        new = self.connection_type(conn_id) is None
        if new:
            self._call("POST", "/api/v2/connections", body)
        else:
            self._call("PATCH", f"/api/v2/connections/{quote(conn_id)}", body)
        return new

    def option(self, section: str, name: str) -> str | None:
        """Return an option of Airflow's configuration, None where Airflow does not show it (`[api] expose_config`)."""
        try:
            found = self._call("GET", f"/api/v2/config/section/{quote(section)}/option/{quote(name)}")
        except AirflowError as error:
            if _status(error) in {_FORBIDDEN, _NOT_FOUND}:
                return None
            raise
        return str(found["sections"][0]["options"][0]["value"])

    def pools(self) -> dict[str, int]:
        """Return the slots of each pool; -1 is no limit."""
        return {pool["name"]: pool["slots"] for pool in self._pages("/api/v2/pools", "pools")}

    def put_pool(self, name: str, slots: int) -> None:
        """Make a pool, or give an existing one this number of slots; its other properties stay."""
        if name in self.pools():
            # Airflow wants include_deferred to be there, and by the mask leaves it as it is.
            path = f"/api/v2/pools/{quote(name)}?update_mask=slots"
            self._call("PATCH", path, {"pool": name, "slots": slots, "include_deferred": False})
        else:
            self._call("POST", "/api/v2/pools", {"name": name, "slots": slots})

    def _pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._call("GET", f"{path}?{urlencode({'limit': _PAGE, 'offset': offset})}")
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        if self._token is None:
            self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        try:
            return self._send(method, path, body)
        except AirflowError as error:
            if _status(error) != _UNAUTHORIZED:
                raise
        # The token lives for a day, `radiant run` may live longer.
        self._token = self._send("POST", "/auth/token", self._login)["access_token"]
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the URL is the one this process gave to Airflow
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        if self._token is not None and path != "/auth/token":
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with _OPENER.open(request, timeout=self._timeout_s) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")[:2000]
            # 5xx: SQLite was locked for too long, mostly. It passes.
            kind = AirflowUnavailableError if error.code >= _SERVER_ERROR else AirflowError
            msg = f"Airflow refused {method} {path}: HTTP {error.code} {words}"
            raise kind(msg) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            msg = f"Airflow does not answer {method} {self.url}{path}: {error}"
            raise AirflowUnavailableError(msg) from error


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Airflow is on this machine: a proxy of the environment must not come between."""


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def _status(error: AirflowError) -> int | None:
    return error.__cause__.code if isinstance(error.__cause__, urllib.error.HTTPError) else None


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
