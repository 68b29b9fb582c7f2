"""An S3 with one object and a given bandwidth: `python benchmarks/s3_server.py FILE BYTES_PER_S`; prints its port.

Answers HEAD and GET of a range with `If-Match`: reading needs no other call. All connections share the bandwidth; each
answer begins after 20 ms, as Amazon's do.
"""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_LATENCY_S = 0.02
_PIECE = 64 << 10


class _Store(ThreadingHTTPServer):
    def __init__(self, file: Path, bytes_per_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = file.read_bytes()
        self._second = 1 / bytes_per_s
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait_for(self, size: int) -> None:
        """Wait until this many bytes have passed the simulated wire."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size * self._second
            wait = self._free_at - time.monotonic()
        time.sleep(max(0.0, wait))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Store

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._headers(200, len(self.server.data))

    def do_GET(self) -> None:
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        body = memoryview(self.server.data)[int(first) : int(last) + 1]
        time.sleep(_LATENCY_S)
        self._headers(206, len(body))
        for at in range(0, len(body), _PIECE):
            self.server.wait_for(len(body[at : at + _PIECE]))
            self.wfile.write(body[at : at + _PIECE])

    def _headers(self, status: int, size: int) -> None:
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(size))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()


if __name__ == "__main__":
    server = _Store(Path(sys.argv[1]), float(sys.argv[2]))
    print(server.server_port, flush=True)
    server.serve_forever()
