"""A receiver of OTLP over HTTP: keeps the spans and metrics that it is sent, as opentelemetry-proto parses them."""

import contextlib
import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReceivedSpan:
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    linked: frozenset[str]
    """Trace ids."""
    error: str | None
    """Description of a status that is an error."""
    events: int


@dataclass
class Receiver:
    url: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    points: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)
    """Metric, labels, value; of a histogram the number of values."""
    units: dict[str, str] = field(default_factory=dict)
    deltas: dict[str, bool] = field(default_factory=dict)
    """Of sums and histograms, by metric."""

    @property
    def environment(self) -> dict[str, str]:
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_TRACES_EXPORTER": "otlp_proto_http"}

    def named(self, name: str) -> list[ReceivedSpan]:
        return [one for one in self.spans if one.name == name]

    def root_of(self, trace_id: str, seconds: float = 60) -> ReceivedSpan:
        """Wait for the span that all others of a trace are below: Airflow sends that of a run seconds after its end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for one in list(self.spans):
                if one.trace_id == trace_id and not one.parent_id:
                    return one
            time.sleep(0.2)
        msg = f"no root span of {trace_id} in {seconds} s: {sorted({span.name for span in self.spans})}"
        raise AssertionError(msg)

    def above(self, span: ReceivedSpan) -> list[str]:
        """Return the names of a span's ancestors, the nearest first."""
        by_id = {one.span_id: one for one in self.spans}
        names = []
        while (span := by_id.get(span.parent_id)) is not None:
            names.append(span.name)
        return names

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _plain(group.resource.attributes)
                for scope in group.scope_spans:
                    self.spans += [_span(one, resource) for one in scope.spans]
        elif path == "/v1/metrics":
            for group in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in group.scope_metrics:
                    for one in scope.metrics:
                        self._take_metric(one)

    def _take_metric(self, one: Any) -> None:
        kind = one.WhichOneof("data")
        data = getattr(one, kind)
        self.units[one.name] = one.unit
        if kind != "gauge":
            self.deltas[one.name] = data.aggregation_temporality == 1
        for point in data.data_points:
            value = point.count if kind == "histogram" else getattr(point, point.WhichOneof("value"))
            self.points.append((one.name, _plain(point.attributes), value))


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in attributes}


def _span(one: Any, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        one.name,
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        _plain(one.attributes),
        resource,
        frozenset(link.trace_id.hex() for link in one.links),
        one.status.message if one.status.code == one.status.STATUS_CODE_ERROR else None,
        len(one.events),
    )


@contextlib.contextmanager
def otlp_receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    """Receive on a free port of this machine, at one of its addresses."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(self.path, gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    receiver = Receiver(f"http://{host}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
