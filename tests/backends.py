"""Backends under test: each runs a job whose worker is a few lines of Python, in an Airflow context without a database.

A backend that joins the contract needs a class like `LocalBackend` and its name in `BACKENDS`.
"""

import datetime as dt
import json
import stat
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from radiant.jobs.documents import Request, Result, decode_request, decode_result
from radiant.operators.local import LocalJobOperator
from radiant.operators.request import TaskPlace
from radiant.settings import load_settings

WORKER = '''#!{python}
"""Stands in for radiant-worker: reads the request, runs the lines of a test, which call `answer` or `fail`."""
import json, os, signal, sys, time
job, _, request_uri, _, result_uri = sys.argv[1:]
request = json.load(open(request_uri.removeprefix("file://")))
result = dict(
    job=job, attempt=request["attempt"], status="succeeded", failure=None, output=None, rows={{}}, digests={{}},
    usage=None, radiant_version="9.9", image=None, python_version="", started_at="", finished_at="", protocol=1,
)
def answer(output=None, **changes):
    path = result_uri.removeprefix("file://")
    open(path, "w").write(json.dumps(result | dict(output=output) | changes))
def fail(code, message, retryable, exit_code):
    answer(status="failed", failure=dict(code=code, message=message, retryable=retryable, exit_code=exit_code))
    sys.exit(exit_code)
'''


class Instance(SimpleNamespace):
    """The part of a task instance that operators use."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def get_task_states(self, *, dag_id: str, map_index: int, task_ids: list[str], run_ids: list[str]) -> Any:
        """Answer as the server does: a person changes the state of a task, a drained worker does not."""
        assert (dag_id, map_index, task_ids, run_ids) == (self.dag_id, self.map_index, [self.task_id], [self.run_id])
        return {self.run_id: {f"{self.task_id}_{map_index}": self.state}}


def airflow_context(**instance: Any) -> dict[str, Any]:
    facts = {"dag_id": "import-vcf", "run_id": "run:1", "task_id": "import_case", "map_index": 3, "try_number": 1}
    facts |= {"max_tries": 2, "state": "running"}
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return {
        "ti": Instance(**(facts | instance), pushed={}),
        "dag_run": SimpleNamespace(logical_date=None, run_after=now),
    }


class LocalBackend:
    """A job is a process of this machine."""

    operator_class = LocalJobOperator

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("RADIANT_HOME", str(folder / "home"))

    def install(self, body: str) -> None:
        """Make these lines the worker."""
        path = self._folder / "bin" / "radiant-worker"
        path.parent.mkdir(exist_ok=True)
        path.write_text(WORKER.format(python=sys.executable) + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self._monkeypatch.setattr("radiant.operators.local.executable", lambda _name: path)

    def run(
        self, body: str, *, context: dict[str, Any], kill_after_s: float | None = None, job: str = "import-case"
    ) -> Any:
        """Run the operator with these lines as its worker."""
        self.install(body)
        operator = self.operator_class(task_id=context["ti"].task_id, job=job, request={"case_id": 17})
        if kill_after_s is None:
            return execute(operator, context)
        timer = threading.Timer(kill_after_s, operator.on_kill)
        timer.start()
        try:
            return execute(operator, context)
        finally:
            timer.join()

    def place(self, context: dict[str, Any]) -> TaskPlace:
        return TaskPlace.of(context, load_settings().effective_work_uri)

    def request(self, context: dict[str, Any]) -> Request:
        path = Path(self.place(context).request_uri.removeprefix("file://"))
        return decode_request(path.read_bytes(), "request")

    def result(self, context: dict[str, Any]) -> Result:
        path = Path(self.place(context).result_uri.removeprefix("file://"))
        return decode_result(path.read_bytes(), "result")


def execute(operator: Any, context: dict[str, Any]) -> Any:
    """Call `execute` as Airflow does, without its check that only Airflow does."""
    return type(operator).execute.__wrapped__(operator, context)


BACKENDS = {"local": LocalBackend}
