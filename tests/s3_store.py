"""An S3 of a test: moto's server in a thread, with faults on demand, found through the standard AWS variables."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
import s3fs
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import S3Backend, s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

Fault = Callable[[list[bytes], dict[str, Any]], Iterator[bytes]]
"""Gets the body of a response and the request; yields the bytes that are sent instead."""


_REFUSALS = {
    "slow down": ("503 Slow Down", "SlowDown", "Please reduce your request rate."),
    "forbidden": ("403 Forbidden", "AccessDenied", "Access Denied"),
    "no upload": ("404 Not Found", "NoSuchUpload", "The specified upload does not exist."),
}


class _Silent(WSGIRequestHandler):
    def log_request(self, *_args: object) -> None:
        pass


class _Body:
    """The body of an answer, as s3fs reads it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self) -> bytes:
        return self._data

    def close(self) -> None:
        pass


def _backend() -> S3Backend:
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


class S3Store:
    """A running server with one bucket."""

    bucket = "clinic"

    def __init__(self) -> None:
        self._of_bucket = create_backend_app("s3")
        self._of_others = DomainDispatcherApplication(create_backend_app)
        """Looks in moto's folders which service a request is for."""
        self._server = make_server("127.0.0.1", 0, self.answer, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._turn = threading.Lock()
        """Moto's objects are not made for requests at the same time; it has answered one of thousands by 500."""
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.requests: list[tuple[str, str, str]] = []
        """Method, path, range of each request."""
        self.fault: Fault | None = None
        """For answers to requests of ranges."""
        self.fault_of_whole: Fault | None = None
        """For answers to requests of whole objects."""
        self.trouble: Callable[[str, str], str] | None = None
        """Gets method and path of each request; returns `away`, a key of `_REFUSALS`, or nothing for an answer."""

    def answer(self, environ, start_response):
        """Answer a request, as a WSGI application."""
        wanted = environ.get("HTTP_RANGE", "")
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], wanted))
        trouble = self.trouble(environ["REQUEST_METHOD"], environ["PATH_INFO"]) if self.trouble else ""
        if trouble in _REFUSALS:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            status, code, text = _REFUSALS[trouble]
            start_response(status, [("Content-Type", "application/xml")])
            return [f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()]
        if trouble == "away":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start_response("500 Unread", [])
            return []
        app = self._of_bucket if environ["PATH_INFO"].startswith(f"/{self.bucket}") else self._of_others
        with self._turn:
            body = app(environ, start_response)
        whole = environ["REQUEST_METHOD"] == "GET" and not wanted and environ["PATH_INFO"].count("/") > 1
        fault = self.fault if wanted else self.fault_of_whole if whole else None
        return body if fault is None else fault(list(body), environ)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, data: bytes) -> str:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return self.uri(key)

    def names(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def empty(self) -> None:
        while names := self.names():
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": name} for name in names]})

    def unfinished_uploads(self) -> list[dict[str, Any]]:
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def copy(self) -> dict[str, bytes]:
        """Return all objects."""
        return {name: self._object(name) for name in self.names()}

    def _object(self, name: str) -> bytes:
        found = _backend().get_object(self.bucket, name)
        if found is None:
            raise FileNotFoundError(name)
        return found.value

    @contextmanager
    def read_without_requests(self) -> Iterator[None]:
        """Within, s3fs of this process reads objects from moto's memory: a test that checks much does so in no time."""
        real = s3fs.S3FileSystem._call_s3

        async def call(filesystem: s3fs.S3FileSystem, method: str, *options: Any, **arguments: Any) -> dict[str, Any]:
            if method == "head_object":
                return {"ContentLength": len(self._object(arguments["Key"]))}
            if method == "get_object":
                data = self._object(arguments["Key"])
                first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", arguments.get("Range", "bytes=0-")).groups()
                return {"Body": _Body(data[int(first) : int(last) + 1 if last else None])}
            return await real(filesystem, method, *options, **arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(s3fs.S3FileSystem, "_call_s3", call)
            yield

    def restore(self, objects: dict[str, bytes]) -> None:
        """Let the bucket have these objects alone, and no upload that was begun."""
        self._drop()
        self.client.create_bucket(Bucket=self.bucket)
        backend = _backend()
        for name, data in objects.items():
            backend.put_object(self.bucket, name, data)

    def _drop(self) -> None:
        """Delete the bucket with all it has: the servers of one process share moto's objects."""
        _backend().buckets.pop(self.bucket, None)
        s3_backends.bucket_accounts.pop(self.bucket, None)

    def start(self) -> None:
        self._drop()
        self._thread.start()
        self.client = boto3.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket=self.bucket)

    def stop(self) -> None:
        self.client.close()
        self._drop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def s3_store() -> Iterator[S3Store]:
    """Run a server; within, `s3://` is this one, for this process and those it starts."""
    with pytest.MonkeyPatch.context() as patch:
        store = S3Store()
        patch.setenv("AWS_ENDPOINT_URL", store.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        store.start()
        try:
            yield store
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            store.stop()
