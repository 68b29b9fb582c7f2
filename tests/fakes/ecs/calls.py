"""Which call a request is, named as IAM names actions, and the record of all of them."""

import json
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl

SERVICES = {"monitoring": "cloudwatch"}
"""IAM's prefix of a service where its signing name is another."""


@dataclass
class Call:
    """One request to any service."""

    name: str
    """`ecs:RunTask`, `logs:GetLogEvents`, `s3:PutObject`."""
    parameters: dict[str, Any]
    who: str
    """Access key: `task-role` for what runs in a task."""
    region: str
    protocol: str = "json"
    """How its service writes an error: `json`, `query`, `ec2`, `s3`."""
    at: float = field(default_factory=time.time)
    needs: list[tuple[str, str]] = field(default_factory=list)
    """Every right it needs: action and resource."""
    outcome: str = ""
    """Empty when it was answered, else the name of the fault, or of the error."""


class CallRecord:
    """Every call since the last `clear`."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def all(self) -> list[Call]:
        with self._lock:
            return list(self._calls)


def parse_call(environ: dict[str, Any], body: bytes) -> Call:
    """Return the call of a WSGI request; most calls of S3 are named by their method and path, without `body`."""
    who, region, service = _credential(environ.get("HTTP_AUTHORIZATION", ""))
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    prefix = SERVICES.get(service, service)
    if target:
        return Call(f"{prefix}:{target.rpartition('.')[2]}", json.loads(body or b"{}"), who, region)
    if service == "s3":
        return _s3_call(environ, body, who, region)
    form = {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}
    if "Action" in form:
        return Call(f"{prefix}:{form.pop('Action')}", form, who, region, "ec2" if service == "ec2" else "query")
    return Call(f"{prefix}:{environ.get('PATH_INFO', '')}", {}, who, region)


def _s3_call(environ: dict[str, Any], body: bytes, who: str, region: str) -> Call:
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    asked: dict[str, Any] = {"path": environ.get("PATH_INFO", ""), "prefix": query.get("prefix", "")}
    if "delete" in query:
        asked["keys"] = re.findall("<Key>(.*?)</Key>", body.decode(errors="replace"))
    return Call(f"s3:{_s3_action(environ['REQUEST_METHOD'], asked['path'], query)}", asked, who, region, "s3")


def _credential(header: str) -> tuple[str, str, str]:
    try:
        key, _, region, service, _ = header.split("Credential=")[1].split(",", maxsplit=1)[0].split("/")
    except (IndexError, ValueError):
        return "anonymous", "us-east-1", "s3"
    return key, region, service


def _s3_action(method: str, path: str, query: dict[str, str]) -> str:
    """Return the right that the request needs: HeadObject needs GetObject, parts of an upload need PutObject."""
    if method == "POST" and "delete" in query:
        return "DeleteObject"
    if method == "DELETE" and "uploadId" in query:
        return "AbortMultipartUpload"
    if "/" in path.strip("/"):
        return {"GET": "GetObject", "HEAD": "GetObject", "DELETE": "DeleteObject"}.get(method, "PutObject")
    return {"GET": "ListBucket", "HEAD": "ListBucket", "DELETE": "DeleteBucket"}.get(method, "CreateBucket")
