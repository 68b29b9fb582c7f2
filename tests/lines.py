"""The line to a server: a proxy that counts the calls, and breaks one of them on demand.

A broken call fails before the server gets it (`AWAY`), after the server did it (`LOST`), or by the answer of a server
that refuses. The client's own repetitions of the call fail in the same way, so that the caller has to deal with it.
"""

import contextlib
import enum
import http.client
import http.server
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from werkzeug.test import EnvironBuilder, run_wsgi_app


class Fault(enum.StrEnum):
    """How a call fails."""

    AWAY = "away"
    """The connection is cut before the server gets the call."""
    LOST = "lost reply"
    """The server does what it was asked, and the connection is cut before the answer."""
    GONE = "gone after it"
    """As `LOST`, and no later call is answered: the server died in the middle."""
    SLOW_DOWN = "slow down"
    """503, the store throttles."""
    FORBIDDEN = "forbidden"
    """403, a right is lost."""
    FULL = "full"
    """507, the store has no room."""
    TWICE = "sent twice"
    """The server gets the call twice, and the caller the second answer: a proxy lost the first one."""
    LATE = "late"
    """409 before the server gets the call, which it gets directly before the next one."""


_ANSWERS = {
    Fault.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
    Fault.FORBIDDEN: (403, "AccessDenied", "Access Denied"),
    Fault.FULL: (507, "StorageFull", "Storage backend has reached its minimum free drive threshold."),
    Fault.LATE: (409, "CommitFailedException", "another commit of the table is under way"),
}
_WRITES = ("PUT", "POST")


class Line:
    """Counts calls and decides which of them fails; one at a time is broken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.calls: list[str] = []
        """Each call since the line was healed."""
        self._breaks: Callable[[str], bool] | None = None
        self._fault = Fault.AWAY
        self.broken: str | None = None
        """The call that failed, None when there was none such."""
        self.late: bytes | None = None
        """What a late call sends."""

    def break_call(self, breaks: Callable[[str], bool], fault: Fault) -> None:
        """Let the first call of which `breaks` is true fail from now on."""
        with self._lock:
            self.calls, self._breaks, self._fault, self.broken = [], breaks, fault, None

    def break_number(self, number: int, fault: Fault, counts: Callable[[str], bool] = bool) -> None:
        """Let the call of this number (from 1) fail from now on; a call that `counts` is false of has no number."""
        numbers = itertools.count(1)
        self.break_call(lambda call: counts(call) and next(numbers) == number, fault)

    def heal(self) -> None:
        """Let every call pass."""
        with self._lock:
            self.calls, self._breaks, self.broken, self.late = [], None, None, None

    def fault_of(self, call: str) -> Fault | None:
        """Count a call and return how it fails."""
        with self._lock:
            self.calls.append(call)
            if self._breaks is None:
                return None
            if self.broken is None:
                if not self._breaks(call):
                    return None
                self.broken = call
                return Fault.LOST if self._fault is Fault.GONE else self._fault
            if self._fault is Fault.GONE:
                return Fault.AWAY
            return self._fault if call == self.broken else None


# --- HTTP -------------------------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """What a server answers to a call."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes


class HttpLine(Line):
    """A proxy before a server that speaks HTTP: a store, or a REST catalog.

    A server of this process, given by its WSGI application, gets the calls without a connection of its own.
    """

    def __init__(self, server: str, *, app: Any = None, error: str = "xml") -> None:
        super().__init__()
        self.host = urlsplit(server).netloc
        self.app = app
        self.change: Callable[[str, bytes], bytes] | None = None
        """Gets a call and its answer, and returns what the client gets."""
        self._error = error
        handler = type("Handler", (_Handler,), {"line": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def error(self, fault: Fault) -> tuple[int, str, bytes]:
        """Return status, content type and body of a refusal."""
        status, code, text = _ANSWERS[fault]
        if self._error == "json":
            body = f'{{"error": {{"code": {status}, "type": "{code}", "message": "{text}"}}}}'
            return status, "application/json", body.encode()
        return status, "application/xml", f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()

    @contextlib.contextmanager
    def serving(self) -> Iterator["HttpLine"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """A client that went away is no failure of a test."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    line: HttpLine

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(self.line.host, timeout=60)

    def finish(self) -> None:
        self._upstream.close()
        with contextlib.suppress(OSError):
            super().finish()

    def _serve(self) -> None:
        body = self._body()
        call = f"{self.command} {self.path}"
        fault = self.line.fault_of(call)
        if fault is Fault.AWAY:
            self._cut()
            return
        if fault is Fault.LATE and self.line.late is not None:
            self._ask(self.line.late)
        elif fault in _ANSWERS:
            self.line.late = body
            status, kind, text = self.line.error(fault)
            self._answer(Answer(status, [("Content-Type", kind)], text))
            return
        if fault is Fault.TWICE:
            self._ask(body)
        answer = self._ask(body)
        if fault is Fault.LOST:
            self._cut()
            return
        if self.line.change is not None:
            content = self.line.change(call, answer.content)
            others = [one for one in answer.headers if one[0].lower() != "content-length"]
            answer = Answer(answer.status, others, content)
        self._answer(answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _ask(self, body: bytes) -> Answer:
        if self.line.app is None:
            return self._ask_by_connection(body)
        wanted = EnvironBuilder(self.path, method=self.command, headers=self._headers(), data=body)
        content, status, headers = run_wsgi_app(self.line.app, wanted.get_environ(), buffered=True)
        return Answer(int(status.split()[0]), list(headers), b"".join(content))

    def _headers(self) -> list[tuple[str, str]]:
        own = {"connection", "expect", "transfer-encoding", "content-length"}
        return [one for one in self.headers.items() if one[0].lower() not in own]

    def _ask_by_connection(self, body: bytes) -> Answer:
        for first in (True, False):
            try:
                self._upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self._headers():
                    self._upstream.putheader(name, value)
                if body or self.command in _WRITES:
                    self._upstream.putheader("Content-Length", str(len(body)))
                self._upstream.endheaders(body or None)
                answer = self._upstream.getresponse()
                return Answer(answer.status, answer.getheaders(), answer.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # The server closed a connection that was idle.
                self._upstream.close()
                if not first:
                    raise
        raise AssertionError

    def _answer(self, answer: Answer) -> None:
        own = {"transfer-encoding", "connection"}
        headers = [one for one in answer.headers if one[0].lower() not in own]
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(answer.content))))
        self.send_response_only(answer.status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the standard library names them

    def log_message(self, *_: object) -> None:
        pass


# --- A database -------------------------------------------------------------------------------------------------------


class DatabaseLine(Line):
    """A proxy before a database server. What a client sends until the server answers is a call."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()

    @contextlib.contextmanager
    def serving(self) -> Iterator["DatabaseLine"]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            self._listener.close()
            for one in [*self._open]:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for one in self._threads:
                one.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._relay, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            self._open |= {client, server}
            lost = threading.Event()
            back = threading.Thread(target=self._relay_back, args=(server, client, lost), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(1 << 16):
                    fault = self.fault_of(_shown(data))
                    if fault is Fault.AWAY:
                        break
                    if fault is Fault.LOST:
                        lost.set()
                    server.sendall(data)
            for one in (server, client):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            back.join()
            self._open -= {client, server}

    @staticmethod
    def _relay_back(server: socket.socket, client: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                if lost.is_set():
                    break  # the server did it
                client.sendall(data)
        for one in (server, client):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _shown(data: bytes) -> str:
    """Return the text of a query, for the message of a test."""
    return "".join(chr(one) if chr(one).isprintable() and one < 128 else " " for one in data[:120])
