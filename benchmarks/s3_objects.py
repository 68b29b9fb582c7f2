"""An S3 with many objects in memory: `python benchmarks/s3_objects.py`; prints its port.

It answers what radiant and PyIceberg ask for: HEAD, GET (whole or a range), PUT, DELETE, lists, deletions of many, and
uploads in parts. Each answer begins after a latency, 0 at first; `PUT /-/latency` with seconds in its body sets it, and
`GET /-/requests` returns how many requests there were by method since it was set.
"""

import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4
from xml.sax.saxutils import escape

_PAGE = 1000
_WRITTEN_AT = "2026-01-01T00:00:00.000Z"


@dataclass
class Objects:
    """What the server stores."""

    latency_s: float = 0.0
    content: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """By bucket and key."""
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict[str, dict[int, bytes]])
    requests: Counter[str] = field(default_factory=Counter[str])
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects = Objects()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        pass

    def _begin(self, *, is_list: bool = False) -> tuple[str, dict[str, str], bytes]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        key = unquote(parts.path).strip("/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if not key.startswith("-/"):
            store = self.server.objects
            with store.lock:
                store.requests["LIST" if is_list or "list-type" in query else self.command] += 1
            time.sleep(store.latency_s)
        return key, query, body

    def _send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _no_such_key(self) -> None:
        self._send(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")

    def do_HEAD(self) -> None:
        key, _, _ = self._begin()
        data = self.server.objects.content.get(key)
        if data is None:
            self._send(404)
            return
        self.send_response(200)
        self.send_header("ETag", _tag(data))
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()

    def do_GET(self) -> None:
        key, query, _ = self._begin()
        store = self.server.objects
        if key == "-/requests":
            self._send(200, json.dumps(store.requests).encode())
        elif "list-type" in query:
            self._list(key, query)
        elif (data := store.content.get(key)) is None:
            self._no_such_key()
        elif asked := self.headers.get("Range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop = (
                (int(first), min(int(last or len(data)) + 1, len(data)))
                if first
                else (len(data) - int(last), len(data))
            )
            self._send(206, data[start:stop], ETag=_tag(data), Content_Range=f"bytes {start}-{stop - 1}/{len(data)}")
        else:
            self._send(200, data, ETag=_tag(data))

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        start = f"{bucket}/{query.get('prefix', '')}"
        after = query.get("continuation-token") or f"{bucket}/{query.get('start-after', '')}"
        with self.server.objects.lock:
            names = sorted(name for name in self.server.objects.content if name.startswith(start) and name > after)
            page = [(name, self.server.objects.content[name]) for name in names[:_PAGE]]
        rows = "".join(
            f"<Contents><Key>{escape(name.partition('/')[2])}</Key><LastModified>{_WRITTEN_AT}</LastModified>"
            f"<ETag>{escape(_tag(data))}</ETag><Size>{len(data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for name, data in page
        )
        more = len(names) > _PAGE
        token = f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>" if more else ""
        text = (
            f"<ListBucketResult><Name>{bucket}</Name><KeyCount>{len(page)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        )
        self._send(200, text.encode(), Content_Type="application/xml")

    def do_PUT(self) -> None:
        key, query, body = self._begin()
        store = self.server.objects
        if key == "-/latency":
            with store.lock:
                store.latency_s = float(body)
                store.requests.clear()
        elif "uploadId" in query:
            store.uploads[query["uploadId"]][int(query["partNumber"])] = body
        elif "/" in key:
            with store.lock:
                store.content[key] = body
        self._send(200, ETag=_tag(body))

    def do_POST(self) -> None:
        key, query, body = self._begin()
        store = self.server.objects
        if "uploads" in query:
            upload = uuid4().hex
            store.uploads[upload] = {}
            name = escape(key.partition("/")[2])
            self._send(
                200,
                f"<InitiateMultipartUploadResult><Key>{name}</Key><UploadId>{upload}</UploadId>"
                "</InitiateMultipartUploadResult>".encode(),
            )
        elif "uploadId" in query:
            parts = store.uploads.pop(query["uploadId"])
            with store.lock:
                store.content[key] = b"".join(parts[number] for number in sorted(parts))
            self._send(200, b"<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>")
        else:
            for piece in body.decode().split("<Key>")[1:]:
                store.content.pop(f"{key}/{piece.partition('</Key>')[0]}", None)
            self._send(200, b"<DeleteResult></DeleteResult>")

    def do_DELETE(self) -> None:
        key, query, _ = self._begin()
        if "uploadId" in query:
            self.server.objects.uploads.pop(query["uploadId"], None)
        else:
            self.server.objects.content.pop(key, None)
        self._send(204)


def _tag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


if __name__ == "__main__":
    server = _Server()
    print(server.server_port, flush=True)
    sys.stdout.close()
    server.serve_forever()
