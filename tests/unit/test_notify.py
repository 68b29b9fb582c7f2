"""Messages about failed verdicts: a real SMTP server and a real HTTP server of this machine receive them."""

import http.server
import json
import logging
import threading
from types import SimpleNamespace

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType  # what the context of a task has

from mail_server import mail_server
from radiant.errors import ConfigError
from radiant.jobs.codec import to_json
from radiant.jobs.contracts import FailedCase, Verdict
from radiant.operators.notify import check_notifiers, message, notify_failed
from radiant.settings import effective_settings, load_settings

REASON = "s3://bucket/Jane-Doe/a.vcf.gz: line {{ 7 * 7 }} of <b> is cut off. Copy it again"
VERDICT = Verdict(imported=(1, 2), failed=(FailedCase(5, "VcfTruncated", REASON),))


@pytest.fixture
def mails(monkeypatch):
    with mail_server() as mails:
        monkeypatch.setenv("AIRFLOW_CONN_MAIL", mails.connection)
        yield mails


@pytest.fixture
def posts(monkeypatch):
    received = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, json.loads(body)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", f"http://127.0.0.1:{server.server_port}")
    yield received
    server.shutdown()
    thread.join()
    server.server_close()


def context_of(xcom, run_type=DagRunType.MANUAL):
    instance = SimpleNamespace(
        task_id="verdict",
        dag_id="import-radiant",
        run_id="manual__1",
        log_url="http://airflow/log",
        xcom_pull=lambda **_: xcom,
    )
    return {"ti": instance, "dag_run": SimpleNamespace(run_type=run_type)}


def test_a_failed_verdict_is_one_mail_without_paths_and_with_its_text_as_it_is(mails, monkeypatch):
    monkeypatch.setenv("RADIANT_NOTIFY", "smtp://mail?to=one@centre.example,two@centre.example")
    notify_failed(context_of(to_json(VERDICT)))
    ((recipients, mail),) = mails.received
    assert recipients == ["one@centre.example", "two@centre.example"]
    assert mail["Subject"] == "import-radiant: 2 of 3 cases are imported and visible."
    assert mail["From"] == "radiant@centre.example"
    (part,) = mail.get_payload()
    text = part.get_payload(decode=True).decode()
    assert "case 5: VcfTruncated: [path]: line {{ 7 * 7 }} of &lt;b&gt; is cut off. Copy it again" in text
    assert "Log: http://airflow/log" in text
    assert "Jane" not in mail.as_string()


def test_a_webhook_receives_json(posts, monkeypatch):
    monkeypatch.setenv("RADIANT_NOTIFY", "webhook://hook?endpoint=radiant/failed")
    notify_failed(context_of(to_json(VERDICT)))
    ((path, body),) = posts
    assert path == "/radiant/failed"
    assert body["subject"] == "import-radiant: 2 of 3 cases are imported and visible."
    assert body["lines"][-2:] == ["Run: manual__1", "Log: http://airflow/log"]


def test_a_run_that_another_run_started_sends_nothing(mails, monkeypatch):
    monkeypatch.setenv("RADIANT_NOTIFY", "smtp://mail?to=one@centre.example")
    notify_failed(context_of(to_json(VERDICT), run_type=DagRunType.OPERATOR_TRIGGERED))
    assert mails.received == []


def test_a_notifier_that_fails_is_a_warning_and_the_next_one_sends(mails, monkeypatch, caplog):
    monkeypatch.setenv("RADIANT_NOTIFY", "smtp://absent?to=a@b.example slackwebhook://s smtp://mail?to=c@d.example")
    notify_failed(context_of(to_json(VERDICT)))
    assert [recipients for recipients, _ in mails.received] == [["c@d.example"]]
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert any("no message by smtp, connection absent" in one for one in warnings)
    assert any("install apache-airflow-providers-slack in Airflow" in one for one in warnings)


def test_a_verdict_that_cannot_be_read_is_a_warning(monkeypatch, caplog):
    monkeypatch.setenv("RADIANT_NOTIFY", "smtp://mail?to=a@b.example")
    notify_failed(context_of({"imported": "?"}))
    assert "no message was sent about this verdict" in caplog.text


def test_what_is_missing_is_named_when_a_run_starts(mails, monkeypatch, caplog):
    assert mails.received == []
    monkeypatch.setenv("RADIANT_NOTIFY", "smtp://mail?to=a@b.example smtp://absent?to=a@b.example slackwebhook://s")
    check_notifiers({})
    problems = [one.getMessage() for one in caplog.records if one.name == "radiant.operators.notify"]
    assert len(problems) == 2
    assert "no connection absent" in problems[0]
    assert "pip install apache-airflow-providers-slack" in problems[1]


def test_a_run_without_a_verdict_has_a_message_too():
    subject, lines = message(None, "import-radiant", "r")
    assert subject.startswith("import-radiant: The run failed without a verdict")
    assert lines == ["Run: r"]


def test_a_message_is_short_however_many_cases_failed():
    failed = tuple(FailedCase(number, "Lost", "gone") for number in range(1000))
    _, lines = message(Verdict(failed=failed), "import-radiant", "r")
    assert lines[-2:] == ["... and 970 more", "Run: r"]
    assert len(lines) == 32


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("mail://c?to=a", "one of smtp, slack, slackwebhook, webhook"),
        ("smtp://c", "smtp takes the options to, from; to is missing"),
        ("smtp://c?to=a&cc=b", "cc is not one of them"),
        ("smtp://?to=a", "the id of an Airflow connection"),
        ("slack://c?channel=#imports", "%23"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_what_to_write(value, text):
    with pytest.raises(ConfigError, match=text):
        load_settings({"RADIANT_NOTIFY": value})


def test_the_setting_is_shown():
    settings = load_settings({"RADIANT_NOTIFY": "slack://c?channel=%23imports"})
    assert '"channel": "#imports"' in dict(effective_settings(settings))["RADIANT_NOTIFY"]
