"""The HTTP side: every request is recorded, may meet a fault, and is answered here or by moto.

`/_fake/...` is the tests' own door, JSON in and out; everything else is AWS.
"""

import dataclasses
import io
import json
import socket
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from fakes.ecs import life
from fakes.ecs.calls import Call, CallRecord, parse_call
from fakes.ecs.errors import RefusedError, refuse
from fakes.ecs.faults import CALL_FAULTS, Fault, FaultPlan
from fakes.ecs.policy import Need, Policy, grants, needs_of
from fakes.ecs.stack import make_moto_keep_properties
from fakes.ecs.tasks import Tasks

StartResponse = Callable[..., Any]
DOOR = "/_fake/"
FOREIGN = {
    "page_404": (404, "text/html", b"<html><body>404 Not Found</body></html>"),
    "page_200": (200, "text/html", b"<html><body>Please log in</body></html>"),
    "other_json": (200, "application/json", b'{"message": "welcome"}'),
}
"""Status, content type and body of what answers in AWS's place."""
DEFAULTS: dict[str, Any] = {
    "pace_s": 0.02,
    "slots": 8,
    "longest_stop_s": 120.0,
    "retain_s": 3600.0,
    "environment": {},
    "images": {},
    "policies": {},
}
"""Options, see `life.Host`; `retain_s` is how long a stopped task is known, `policies` what each access key may do (IAM
documents; without one everything)."""


class Application:
    """One WSGI application for all services."""

    def __init__(self) -> None:
        self.host = life.Host()
        self.tasks = Tasks(self.host)
        self.faults = FaultPlan()
        self.record = CallRecord()
        self.policies: dict[str, Policy] = {}
        """IAM policy by access key; a caller without one may do everything."""
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(DOOR):
            return self._admin(path.removeprefix(DOOR), environ, start_response)
        if path.startswith("/v4/"):
            return self._metadata(path.removeprefix("/v4/"), start_response)
        if path.startswith("/moto-api"):
            return self._moto(environ, start_response)
        body = b"" if _is_object(environ) else _take_body(environ)
        call = parse_call(environ, body)
        if call.name == "logs:GetLogEvents":
            self.host.delivery.catch_up()
        needs = needs_of(call)
        call.needs = [(need.action, need.resource) for need in needs]
        self.record.add(call)
        policy = self.policies.get(call.who)
        if policy is not None and (denied := [need for need in needs if not grants(policy, need)]):
            call.outcome = "denied"
            return _deny(call, denied[0], start_response)
        faults = {fault.kind: fault for fault in self.faults.take(call.name, json.dumps(call.parameters), call.who)}
        return self._answer(call, faults, environ, start_response)

    def _answer(
        self, call: Call, faults: dict[str, Fault], environ: dict[str, Any], start_response: StartResponse
    ) -> Iterable[bytes]:
        call.outcome = next((kind for kind in faults if kind in CALL_FAULTS), "")
        if "drop" in faults:
            return _hang_up(environ, start_response)
        if "slow" in faults:
            time.sleep(faults["slow"].delay_s)
        if page := next((FOREIGN[kind] for kind in faults if kind in FOREIGN), None):
            return _foreign(start_response, *page)
        try:
            _refuse(call, faults)
            found = _empty_page(call) if "empty_page" in faults else self._own_answer(call, faults)
        except RefusedError as error:
            call.outcome = call.outcome or error.code
            return _reply(start_response, error.status, error.body(call.protocol))
        except Exception:
            traceback.print_exc(file=sys.stderr)
            raise
        if found is None:
            chunks = list(self._moto(environ, start_response if "lose_reply" not in faults else _ignore))
            return _hang_up(environ, start_response) if "lose_reply" in faults else chunks
        if "lose_reply" in faults:
            return _hang_up(environ, start_response)
        return _reply(start_response, 200, json.dumps(found).encode())

    def _own_answer(self, call: Call, faults: dict[str, Fault]) -> dict[str, Any] | None:
        if call.name == "servicequotas:GetServiceQuota" and call.parameters["ServiceCode"] == "fargate":
            return {"Quota": {"ServiceCode": "fargate", "QuotaCode": call.parameters["QuotaCode"], "Value": 4000.0}}
        return self.tasks.answer(call, faults) if call.name.startswith("ecs:") else None

    def _metadata(self, path: str, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the task metadata endpoint, version 4."""
        name, _, what = path.partition("/")
        container = self.host.containers.get(name)
        if container is None or what != "stats":
            return _reply(start_response, 404, b'"no such container"')
        return _reply(start_response, 200, json.dumps(container.stats()).encode())

    def _admin(self, path: str, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = json.loads(_take_body(environ) or b"{}")
        try:
            found = getattr(self, f"do_{path}")(**asked)
        except Exception as error:  # noqa: BLE001 - returned to the caller
            return _reply(start_response, 400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return _reply(start_response, 200, json.dumps(found).encode())

    def do_fault(self, **fields: Any) -> None:
        self.faults.add(Fault(**fields))

    def do_clear_faults(self) -> None:
        self.faults.clear()

    def do_calls(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(call) for call in self.record.all()]

    def do_clear_calls(self) -> None:
        self.record.clear()

    def do_tasks(self) -> list[dict[str, Any]]:
        return [task.shown(with_tags=True) for task in self.tasks.all()]

    def do_expire(self, arn: str) -> None:
        self.tasks.expire(arn)

    def do_interrupt(self, arn: str) -> None:
        self.tasks.interrupt(arn, life.SPOT)

    def do_retire(self, arn: str) -> None:
        self.tasks.interrupt(arn, life.RETIRED)

    def do_options(self, **options: Any) -> None:
        """Set options by their names; a new value replaces the old one."""
        for name, value in options.items():
            if name not in DEFAULTS:
                msg = f"there is no option {name!r}; there are {', '.join(DEFAULTS)}"
                raise ValueError(msg)
            setattr({"retain_s": self.tasks, "policies": self}.get(name, self.host), name, value)

    def do_clear_tasks(self) -> None:
        self.tasks.clear()

    def do_reset(self, *, services: bool = False) -> None:
        """Remove tasks, faults, calls and options; with `services` also the content of moto."""
        self.faults.clear()
        self.tasks.clear()
        self.do_options(**DEFAULTS)
        if services:
            requests.post(f"{self.host.endpoint}/moto-api/reset", timeout=30)
        self.record.clear()


class _Quiet(WSGIRequestHandler):
    def log(self, _type: str, message: str, *args: Any) -> None:
        del message, args


def make(address: str, port: int) -> tuple[Application, BaseWSGIServer]:
    """Return the application and its server, which is not serving yet."""
    make_moto_keep_properties()
    application = Application()
    server = make_server(address, port, application, threaded=True, request_handler=_Quiet)
    application.host.endpoint = f"http://{address}:{server.server_port}"
    return application, server


def _refuse(call: Call, faults: dict[str, Fault]) -> None:
    if "throttle" in faults:
        refuse("Rate exceeded", "ThrottlingException")
    if "unavailable" in faults:
        text = "Service Unavailable. Please try again later."
        refuse(faults["unavailable"].detail or text, "ServerException", status=500)
    if "deny" in faults:
        refuse(_no_right(call.name, "*"), "AccessDeniedException")


def _no_right(action: str, resource: str) -> str:
    user = "arn:aws:iam::123456789012:user/airflow"
    text = f"User: {user} is not authorized to perform: {action} on resource: {resource}"
    return f"{text} because no identity-based policy allows the {action} action"


def _deny(call: Call, need: Need, start_response: StartResponse) -> list[bytes]:
    code = "AccessDeniedException" if call.protocol == "json" else "AccessDenied"
    error = RefusedError(code, _no_right(need.action, need.resource), status=403 if call.protocol == "s3" else 400)
    return _reply(start_response, error.status, error.body(call.protocol))


def _empty_page(call: Call) -> dict[str, Any]:
    token = call.parameters.get("nextToken", f"f/{-1:056d}")
    return {"events": [], "nextForwardToken": token, "nextBackwardToken": token.replace("f/", "b/")}


def _is_object(environ: dict[str, Any]) -> bool:
    """Return whether the body is data of S3, which may be large and goes on to moto unread."""
    return "/s3/aws4_request" in environ.get("HTTP_AUTHORIZATION", "/s3/aws4_request") and not (
        environ["REQUEST_METHOD"] == "POST" and environ.get("QUERY_STRING", "").startswith("delete")
    )


def _take_body(environ: dict[str, Any]) -> bytes:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _reply(start_response: StartResponse, status: int, body: bytes) -> list[bytes]:
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", str(uuid.uuid4())),
    ]
    start_response(f"{status} X", headers)
    return [body]


def _foreign(start_response: StartResponse, status: int, kind: str, body: bytes) -> list[bytes]:
    """Answer as something that is not AWS: without a request id."""
    start_response(f"{status} X", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]


def _hang_up(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return _reply(start_response, 500, b"")


def _ignore(*_: Any) -> Callable[[bytes], None]:
    return lambda _body: None
