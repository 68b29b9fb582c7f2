"""An S3 of a test: moto's server in a thread, with faults on demand, found through the standard AWS variables."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
import s3fs
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

Fault = Callable[[list[bytes], dict[str, Any]], Iterator[bytes]]
"""Gets the body of a response and the request; yields the bytes that are sent instead."""


class _Silent(WSGIRequestHandler):
    def log_request(self, *_args: object) -> None:
        pass


class S3Store:
    """A running server with one bucket."""

    bucket = "clinic"

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Silent)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.requests: list[tuple[str, str, str]] = []
        """Method, path, range of each request."""
        self.fault: Fault | None = None
        """For answers to requests of ranges."""
        self.fault_of_whole: Fault | None = None
        """For answers to requests of whole objects."""
        self.trouble: Callable[[str, str], str] | None = None
        """Gets method and path of each request; returns `slow down`, `forbidden`, `away`, or nothing for an answer."""

    def _answer(self, environ, start_response):
        wanted = environ.get("HTTP_RANGE", "")
        self.requests.append((environ["REQUEST_METHOD"], environ["PATH_INFO"], wanted))
        trouble = self.trouble(environ["REQUEST_METHOD"], environ["PATH_INFO"]) if self.trouble else ""
        if trouble == "slow down":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
        if trouble == "forbidden":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("403 Forbidden", [("Content-Type", "application/xml")])
            return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]
        if trouble == "away":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start_response("500 Unread", [])
            return []
        body = self._app(environ, start_response)
        whole = environ["REQUEST_METHOD"] == "GET" and not wanted and environ["PATH_INFO"].count("/") > 1
        fault = self.fault if wanted else self.fault_of_whole if whole else None
        return body if fault is None else fault(list(body), environ)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, data: bytes) -> str:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)
        return self.uri(key)

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [one["Key"] for one in found]

    def empty(self) -> None:
        while names := self.names():
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": name} for name in names]})

    def unfinished_uploads(self) -> list[dict[str, Any]]:
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def start(self) -> None:
        self._thread.start()
        self.client = boto3.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket=self.bucket)

    def stop(self) -> None:
        self.client.close()
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
