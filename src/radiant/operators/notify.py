"""Messages about failed verdicts, by Airflow's own notifiers; `RADIANT_NOTIFY` names them with their connections."""

import html
import importlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from radiant.jobs.contracts import Verdict, read_verdict
from radiant.jobs.message_text import without_paths
from radiant.operators.verdict import describe
from radiant.setting_types import NOTIFIERS, Notify
from radiant.settings import load_installation

log = logging.getLogger(__name__)

_MOST_LINES = 30
"""Lines of a message; the verdict's log has all."""
_STARTED_BY_ANOTHER_RUN = "operator_triggered"


def notify_failed(context: Any) -> None:
    """Send the verdict of a run that failed; the `on_failure_callback` of the task `verdict`.

    Airflow has stored the task's state before: a message that cannot be sent is a warning in the task's log and changes
    nothing. A run that another run started sends none, since that other run reports its cases.
    """
    try:
        settings = load_installation()
        if not settings.notify or context["dag_run"].run_type == _STARTED_BY_ANOTHER_RUN:
            return
        instance = context["ti"]
        xcom = instance.xcom_pull(task_ids=instance.task_id, key="return_value", map_indexes=-1)
        verdict = read_verdict(xcom, "the XCom of verdict")
        subject, lines = message(verdict, instance.dag_id, instance.run_id)
        for one in settings.notify:
            _send(one, subject, [*lines, f"Log: {instance.log_url}"], context)
    except Exception as error:  # noqa: BLE001 - a message is never the reason for another state
        log.warning("no message was sent about this verdict: %s", error)


def message(verdict: Verdict | None, dag_id: str, run_id: str) -> tuple[str, list[str]]:
    """Return subject and lines of a message: the reasons of a verdict, with numbers of cases and without paths.

    Example: the subject `import-radiant: 7 of 8 cases are imported and visible.`
    """
    found = [] if verdict is None else without_paths_each(verdict)
    first = found[0] if found else "The run failed without a verdict; its log has the reason."
    rest = found[1 : _MOST_LINES + 1]
    more = len(found) - 1 - len(rest)
    return f"{dag_id}: {first}", [*rest, *([f"... and {more} more"] if more > 0 else []), f"Run: {run_id}"]


def without_paths_each(verdict: Verdict) -> list[str]:
    """Return the lines of a verdict, each without paths."""
    return [without_paths(line) for line in describe(verdict).splitlines()]


def check_notifiers(_context: Any) -> None:
    """Log a warning for each notifier of the settings that could not send: its provider or its connection is missing.

    The `on_execute_callback` of a run's first task, so that a person sees it before a verdict fails.
    """
    for one in load_installation().notify:
        problem = problem_of(one)
        if problem:
            log.warning("RADIANT_NOTIFY: %s", problem)


def problem_of(one: Notify) -> str:
    """Return why a notifier cannot send, and what to do; empty where nothing is missing."""
    from airflow.sdk import Connection  # noqa: PLC0415 - asks Airflow

    kind = NOTIFIERS[one.scheme]
    try:
        importlib.import_module(kind.module)
    except ImportError as error:
        return f"{one.scheme} needs {kind.package} in Airflow ({error}): pip install {kind.package}"
    try:
        Connection.get(one.conn_id)
    except Exception as error:  # noqa: BLE001 - a secrets backend raises what it likes
        return f"Airflow has no connection {one.conn_id} ({error}): airflow connections add {one.conn_id} ..."
    return ""


def _send(one: Notify, subject: str, lines: list[str], context: Any) -> None:
    """Send a message; a failure is a warning, and the next notifier gets its turn.

    `notify` instead of calling the notifier: a call would render the text as a Jinja template, and a reason may quote
    a file.
    """
    kind = NOTIFIERS[one.scheme]
    try:
        notifier = getattr(importlib.import_module(kind.module), kind.name)
        notifier(**_ARGUMENTS[one.scheme](one, subject, lines)).notify(context)
    except ImportError as error:
        log.warning("no message by %s: install %s in Airflow (%s)", one.scheme, kind.package, error)
    except Exception as error:  # noqa: BLE001 - whatever the provider raises
        log.warning("no message by %s, connection %s: %s: %s", one.scheme, one.conn_id, type(error).__name__, error)
    else:
        log.info("a message about this verdict was sent by %s, connection %s", one.scheme, one.conn_id)


def _smtp(one: Notify, subject: str, lines: list[str]) -> dict[str, object]:
    rows = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    return {
        "smtp_conn_id": one.conn_id,
        "to": one.options["to"].split(","),
        "from_email": one.options.get("from"),
        "subject": subject,
        "html_content": f"<p><b>{html.escape(subject)}</b></p>{rows}",
    }


def _slack(one: Notify, subject: str, lines: list[str]) -> dict[str, object]:
    return {"slack_conn_id": one.conn_id, "channel": one.options["channel"], "text": _mrkdwn(subject, lines)}


def _slack_webhook(one: Notify, subject: str, lines: list[str]) -> dict[str, object]:
    return {"slack_webhook_conn_id": one.conn_id, "text": _mrkdwn(subject, lines)}


def _webhook(one: Notify, subject: str, lines: list[str]) -> dict[str, object]:
    return {
        "http_conn_id": one.conn_id,
        "endpoint": one.options.get("endpoint"),
        "headers": {"Content-Type": "application/json"},
        "json": {"subject": subject, "lines": lines},
    }


def _mrkdwn(subject: str, lines: list[str]) -> str:
    return "\n".join(html.escape(line, quote=False) for line in (f"*{subject}*", *lines))


_ARGUMENTS: Mapping[str, Callable[[Notify, str, list[str]], dict[str, object]]] = {
    "smtp": _smtp,
    "slack": _slack,
    "slackwebhook": _slack_webhook,
    "webhook": _webhook,
}
