"""A proxy before a real API server that answers in its place by script, rewrites what is created, and counts."""

import contextlib
import dataclasses
import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import yaml

UNAUTHORIZED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}
_HOP = {"transfer-encoding", "connection", "content-length", "host", "accept-encoding", "keep-alive"}


@dataclasses.dataclass
class Fault:
    """An answer in place of the API server's."""

    pattern: str
    """Of `METHOD /path?query`."""
    status: int
    body: bytes
    kind: str
    times: int | None
    until: float

    def wants(self, call: str) -> bool:
        return self.times != 0 and time.monotonic() < self.until and re.search(self.pattern, call) is not None


class ApiProxy:
    """One proxy on a free port of this machine."""

    def __init__(self, api: Any) -> None:
        self._client = api.api_client
        self.faults: list[Fault] = []
        self.calls: list[tuple[str, int]] = []
        """Each call and the bytes of its answer."""
        self.rewrite: Callable[[dict[str, Any]], None] | None = None
        """Changes each pod that is created, as an admission hook does."""
        self.cut: Callable[[str, bytes], bytes] | None = None
        """Returns what is left of the answer to a call, as when the API server loses the kubelet in the middle."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def fault(
        self,
        pattern: str,
        status: int,
        body: bytes | dict[str, Any],
        *,
        times: int | None = None,
        seconds: float = 3600,
    ) -> None:
        """Answer matching calls with this, `times` times or for some seconds."""
        is_page = isinstance(body, bytes)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/html" if is_page else "application/json"
        self.faults.append(Fault(pattern, status, content, kind, times, time.monotonic() + seconds))

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, call) is not None for call, _ in self.calls)

    def kubeconfig(self) -> str:
        """Return a configuration for this proxy, without any credential: the proxy has the administrator's."""
        return yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "proxy",
                "clusters": [{"name": "proxy", "cluster": {"server": self.url}}],
                "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
                "users": [{"name": "proxy", "user": {"token": "none"}}],
            }
        )

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        call = f"{method} {path}"
        fault = next((one for one in self.faults if one.wants(call)), None)
        if fault is not None:
            fault.times = None if fault.times is None else fault.times - 1
            self.calls.append((call, len(fault.body)))
            return fault.status, fault.kind, fault.body
        if self.rewrite is not None and method == "POST" and path.endswith("/pods"):
            pod = json.loads(body)
            self.rewrite(pod)
            body = json.dumps(pod).encode()
        self._client.update_params_for_auth(headers, [], ["BearerToken"])
        found = self._client.rest_client.pool_manager.request(
            method, f"{self._client.configuration.host}{path}", body=body or None, headers=headers, redirect=False
        )
        content = found.data if self.cut is None else self.cut(call, found.data)
        self.calls.append((call, len(content)))
        return found.status, found.headers.get("Content-Type", "text/plain"), content

    @contextlib.contextmanager
    def serving(self) -> Iterator["ApiProxy"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: ApiProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _HOP and name.lower() != "authorization"
        }
        try:
            status, kind, content = self.proxy.answer(self.command, self.path, headers, body)
        except Exception as error:  # noqa: BLE001 - the API server is away: so is its proxy
            status, kind, content = 502, "text/plain", str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _serve  # noqa: N815 - the standard library names them

    def log_message(self, *_: Any) -> None:
        pass
