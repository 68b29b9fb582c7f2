"""OpenTelemetry spans and metrics of a job, by OTLP over HTTP; off, and not imported, unless a receiver is named.

The variables are OpenTelemetry's own (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_RESOURCE_ATTRIBUTES`, ...). A job's span is
a child of the span whose context is in the request; each phase of the job is a child of the job's span.
Attributes are jobs, attempts, case numbers and figures, never a sample, a person, a file or the text of an error.
"""

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from radiant.errors import TerminatedError
from radiant.jobs.documents import Request, Result, Status
from radiant.settings import otlp_is_on
from radiant.worker.metrics import JOB_LIMIT, JOB_MEMORY, METRICS, MIB, Instrument, Measurement, running_labels
from radiant.worker.usage import UsageMeter

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

log = logging.getLogger("radiant.worker.telemetry")

SERVICE = "radiant-worker"
"""Name of the service where `OTEL_SERVICE_NAME` has none."""
_TRACER: ContextVar["Tracer | None"] = ContextVar("tracer", default=None)

Report = Callable[[Result, Iterable[Measurement]], None]


@contextlib.contextmanager
def traced(request: Request, meter: UsageMeter) -> Generator[Report]:
    """Make a span around a job; yield the function that takes its result, and export all at the end.

    A receiver that does not answer costs the seconds of `OTEL_EXPORTER_OTLP_TIMEOUT` (10), after the result was
    written, and no job.

    Args:
        request: Of the attempt, with the context of its task's span.
        meter: Of the job: the memory in use is reported while it runs.
    """
    providers = _providers() if otlp_is_on() else None
    if providers is None:
        yield lambda _result, _measurements: None
        return
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - only if on

    tracer, meters = providers.traces.get_tracer("radiant"), providers.metrics.get_meter("radiant")
    _watch_memory(meters, request, meter)
    parent = TraceContextTextMapPropagator().extract(request.trace_context)
    token = _TRACER.set(tracer)
    try:
        # The text of an exception may quote a file: only its code is exported, with the result.
        with tracer.start_as_current_span(
            f"radiant {request.job}", parent, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attributes(_of_request(request))

            def report(result: Result, measured: Iterable[Measurement]) -> None:
                _describe(span, result)
                _record(meters, measured)

            yield report
    finally:
        _TRACER.reset(token)
        # The result is written by now: a signal that comes this late changes nothing.
        with contextlib.suppress(TerminatedError):
            providers.traces.shutdown()
            providers.metrics.shutdown()


@contextlib.contextmanager
def phase(name: str) -> Generator[None]:
    """Make a span around a phase of the running job, `read` or `commit`; nothing where telemetry is off."""
    tracer = _TRACER.get()
    if tracer is None:
        yield
        return
    with tracer.start_as_current_span(f"radiant {name}", record_exception=False, set_status_on_exception=False):
        yield


@dataclass(frozen=True, slots=True)
class _Providers:
    traces: "TracerProvider"
    metrics: "MeterProvider"


def _providers() -> _Providers | None:
    """Return the exporters that the environment asks for; None, with a warning, where the packages are missing."""
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - only if on
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above
        from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError as error:
        log.warning("OTEL_EXPORTER_OTLP_* is set and nothing is exported (%s): install radiant[otel]", error)
        return None
    resource = Resource.create({"service.version": metadata.version("radiant")})
    if str(resource.attributes.get("service.name", "")).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": SERVICE}))
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    # A job lives for minutes and exports once or a few times: its sums are what it adds, not what there is in all.
    deltas: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(preferred_temporality=deltas))
    return _Providers(traces, MeterProvider([reader], resource=resource, shutdown_on_exit=False))


def _watch_memory(meters: "Meter", request: Request, meter: UsageMeter) -> None:
    """Report the memory in use, and its limit, at each export while the job runs."""
    from opentelemetry.metrics import Observation  # noqa: PLC0415 - only if on

    labels = dict(running_labels(request))

    def used(_options: "CallbackOptions") -> "Iterable[Observation]":
        yield Observation(meter.used_mib * MIB, labels)

    def limit(_options: "CallbackOptions") -> "Iterable[Observation]":
        if request.memory_mib is not None:
            yield Observation(request.memory_mib * MIB, labels)

    for metric, look in ((JOB_MEMORY, used), (JOB_LIMIT, limit)):
        meters.create_observable_gauge(metric.name, [look], metric.unit, metric.meaning)


def _of_request(request: Request) -> dict[str, str | int]:
    found: dict[str, str | int] = {"radiant.job": request.job, "radiant.attempt": request.attempt}
    for name, key in (("radiant.case", "case_id"), ("radiant.part", "part")):
        if isinstance(value := request.arguments.get(key), int):
            found[name] = value
    return found


def _describe(span: "Span", result: Result) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - only if on

    span.set_attribute("radiant.status", result.status.value)
    if result.status is not Status.SUCCEEDED:
        code = result.failure.code if result.failure is not None else ""
        span.set_attribute("radiant.code", code)
        span.set_status(StatusCode.ERROR, code)
    if (usage := result.usage) is not None:
        span.set_attributes(
            {
                "radiant.cpu_s": usage.cpu_s,
                "radiant.peak_memory_mib": usage.peak_memory_mib,
                "radiant.records": usage.records,
                "radiant.rows": usage.rows,
            }
        )


def _record(meters: "Meter", measured: Iterable[Measurement]) -> None:
    counters = {
        one: meters.create_counter(one.name, one.unit, one.meaning) for one in METRICS if one.kind is Instrument.COUNTER
    }
    histograms = {
        one: meters.create_histogram(
            one.name, one.unit, one.meaning, explicit_bucket_boundaries_advisory=list(one.bounds)
        )
        for one in METRICS
        if one.kind is Instrument.HISTOGRAM
    }
    for one in measured:
        if one.metric.kind is Instrument.COUNTER:
            counters[one.metric].add(one.value, dict(one.labels))
        elif one.metric.kind is Instrument.HISTOGRAM:
            histograms[one.metric].record(one.value, dict(one.labels))
        else:
            meters.create_gauge(one.metric.name, one.metric.unit, one.metric.meaning).set(one.value, dict(one.labels))
