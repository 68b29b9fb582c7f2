import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from radiant.cli import airflow_api
from radiant.cli.airflow_api import AirflowApi
from radiant.errors import AirflowError, AirflowUnavailableError

TASKS = [
    {
        "task_id": "import_case",
        "map_index": index,
        "state": "success",
        "try_number": 1,
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": None,
    }
    for index in range(250)
]


class FakeAirflow(BaseHTTPRequestHandler):
    """Answers like Airflow's API server; `server.calls` records what was asked."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_PATCH(self):
        self.do_POST()

    def answer(self, body):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.server.calls.append((self.command, unquote(url.path), query, body))
        status, document = self.route(unquote(url.path), query, body)
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def route(self, path, query, body):
        if path == "/auth/token":
            good = body == {"username": "admin", "password": "secret"}
            return (201, {"access_token": self.server.token}) if good else (401, {"detail": "Invalid credentials"})
        if path == "/api/v2/version":
            return 200, {"version": "3.3.2"}
        if self.headers["Authorization"] != f"Bearer {self.server.token}":
            return 401, {"detail": "Unauthorized"}
        if path == "/api/v2/dags/d/dagRuns":
            return self.start(body["dag_run_id"])
        return self.authorized(path, query, body)

    def start(self, run_id):
        """Start the run, as the database does that the next of `server.starts` describes."""
        state = self.server.starts.pop(0) if self.server.starts else "well"
        if state == "locked":
            return 500, {"detail": {"reason": "Database error", "message": "database is locked"}}
        if run_id in self.server.runs:
            return 409, {"detail": {"reason": "Unique constraint violation"}}
        self.server.runs.append(run_id)
        return (200, {"dag_run_id": run_id}) if state == "well" else (502, {"detail": "the answer is lost"})

    def authorized(self, path, query, body):
        run = "/api/v2/dags/d/dagRuns/r+1:00"
        answers = {
            "/api/v2/dags/d": (200, {"is_paused": (body or {}).get("is_paused")}),
            run: (200, {"state": "running"}),
            f"{run}/taskInstances/t/xcomEntries/return_value": (200, {"value": {"case": query.get("map_index")}}),
            f"{run}/taskInstances/t/logs/1": (200, {"content": [{"event": "one"}, "two"]}),
            "/api/v2/dags/locked/dagRuns/r": (500, {"detail": "database is locked"}),
            "/api/v2/dags/garbled/dagRuns/r": (200, b"<html>"),
        }
        connections = self.server.connections
        if path.startswith("/api/v2/connections"):
            conn_id = path.removeprefix("/api/v2/connections").removeprefix("/") or body["connection_id"]
            if body is not None:
                connections[conn_id] = body
            return (200, connections[conn_id]) if conn_id in connections else (404, {"detail": "not found"})
        if path == "/api/v2/config/section/state_store/option/clear_on_success":
            option = {"key": "clear_on_success", "value": "True"}
            return 200, {"sections": [{"name": "state_store", "options": [option]}]}
        if path == "/api/v2/config/section/core/option/hidden":
            return 403, {"detail": "Your Airflow administrator chose not to expose the configuration"}
        if path == "/api/v2/pools":
            return 200, {"pools": [{"name": "default_pool", "slots": 128}], "total_entries": 1}
        if path == f"{run}/taskInstances":
            offset, limit = int(query["offset"]), int(query["limit"])
            return 200, {"task_instances": TASKS[offset : offset + limit], "total_entries": len(TASKS)}
        return answers.get(path, (404, {"detail": "not found"}))


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeAirflow)
    server.token = "token-1"  # noqa: S105 - of this test alone
    server.calls = []
    server.connections = {}
    server.runs = []
    server.starts = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def api(server):
    return AirflowApi(f"http://127.0.0.1:{server.server_port}", "admin", "secret", timeout_s=60)


def test_the_version_needs_no_login(api, server):
    assert api.version() == "3.3.2"
    assert [call[1] for call in server.calls] == ["/api/v2/version"]


def test_a_run_is_triggered_without_a_logical_date_with_an_id_of_its_own(api, server):
    run_id = api.trigger("d", {"cases": [1]})
    body = {"dag_run_id": run_id, "logical_date": None, "conf": {"cases": [1]}}
    assert server.calls[-1] == ("POST", "/api/v2/dags/d/dagRuns", {}, body)
    assert re.fullmatch(r"manual__\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00_[0-9a-f]{8}", run_id)
    assert api.trigger("d") != run_id


@pytest.mark.parametrize("starts", [["locked", "locked"], ["lost"], ["locked", "lost", "locked"]])
def test_a_start_without_an_answer_is_repeated_and_makes_one_run(api, server, monkeypatch, starts):
    monkeypatch.setattr(airflow_api, "_PAUSES_S", (0.0,) * 4)
    server.starts = starts
    assert [api.trigger("d")] == server.runs


def test_a_start_that_is_never_answered_is_given_up(api, server, monkeypatch):
    monkeypatch.setattr(airflow_api, "_PAUSES_S", (0.0,) * 4)
    server.starts = ["locked"] * 5
    with pytest.raises(AirflowUnavailableError, match="database is locked"):
        api.trigger("d")


def test_a_run_of_another_with_the_same_id_is_not_taken_for_the_own_one(api, monkeypatch):
    monkeypatch.setattr(airflow_api.secrets, "token_hex", lambda _: "same")
    monkeypatch.setattr(airflow_api, "datetime", SimpleNamespace(now=lambda _: datetime(2026, 1, 1, tzinfo=UTC)))
    api.trigger("d")
    with pytest.raises(AirflowError, match="409"):
        api.trigger("d")


def test_the_login_is_kept_for_later_calls(api, server):
    api.run_state("d", "r+1:00")
    api.run_state("d", "r+1:00")
    assert [call[1] for call in server.calls].count("/auth/token") == 1


def test_an_expired_token_is_renewed(api, server):
    assert api.run_state("d", "r+1:00") == "running"
    server.token = "token-2"  # noqa: S105 - as above
    assert api.run_state("d", "r+1:00") == "running"


def test_a_wrong_password_is_refused(server):
    api = AirflowApi(f"http://127.0.0.1:{server.server_port}", "admin", "wrong")
    with pytest.raises(AirflowError, match="401"):
        api.run_state("d", "r+1:00")


def test_a_run_that_does_not_exist_has_no_state_no_tasks_and_no_xcom(api):
    assert api.run_state("d", "other") is None
    assert api.task_instances("d", "other") == []
    assert api.xcom("d", "other", "t") is None


def test_all_pages_of_task_instances_are_read(api):
    found = api.task_instances("d", "r+1:00")
    assert [one.map_index for one in found] == list(range(250))
    assert found[0].start_date is not None
    assert found[0].start_date.utcoffset() is not None
    assert found[0].end_date is None


def test_an_xcom_is_read_by_map_index(api):
    assert api.xcom("d", "r+1:00", "t", 7) == {"case": "7"}


def test_the_log_is_read_line_by_line(api):
    assert list(api.log_lines("d", "r+1:00", "t")) == ["one", "two"]


def test_a_paused_dag_is_unpaused(api, server):
    api.unpause("d")
    assert server.calls[-1][2:] == ({"update_mask": "is_paused"}, {"is_paused": False})


def test_a_connection_is_made_once_and_then_replaced(api, server):
    connection = {"conn_type": "kubernetes", "extra": {"namespace": "radiant"}}
    assert api.connection_type("kubernetes_conn") is None
    assert api.put_connection("kubernetes_conn", connection) is True
    assert api.put_connection("kubernetes_conn", connection) is False
    assert api.connection_type("kubernetes_conn") == "kubernetes"
    assert [call[0] for call in server.calls if call[3] and "conn_type" in call[3]] == ["POST", "PATCH"]
    assert server.connections["kubernetes_conn"]["extra"] == '{"namespace": "radiant"}'


def test_an_option_of_the_configuration_is_read_where_airflow_shows_it(api):
    assert api.option("state_store", "clear_on_success") == "True"
    assert api.option("core", "hidden") is None


def test_the_slots_of_the_pools_are_read(api):
    assert api.pools() == {"default_pool": 128}


def test_a_refusal_names_the_status_and_airflows_words(api):
    with pytest.raises(AirflowError, match=r"404.*not found") as caught:
        api.trigger("unknown")
    assert not caught.value.retryable


def test_a_server_error_may_pass(api):
    with pytest.raises(AirflowUnavailableError, match="database is locked"):
        api.run_state("locked", "r")


def test_an_answer_that_is_no_json_may_pass(api):
    with pytest.raises(AirflowUnavailableError, match="does not answer"):
        api.run_state("garbled", "r")


def test_no_server_may_pass():
    with pytest.raises(AirflowUnavailableError, match="does not answer"):
        AirflowApi("http://127.0.0.1:1", "admin", "secret").version()


def test_a_proxy_of_the_environment_is_not_asked(api, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert api.version() == "3.3.2"
