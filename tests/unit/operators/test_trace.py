from types import SimpleNamespace

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from radiant.operators.trace import request_span, trace_of_run, with_trace

ABOVE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def run(conf=None):
    return {"dag_run": SimpleNamespace(conf=conf)}


@pytest.fixture
def recorded(monkeypatch):
    """A tracer that records, as Airflow's does with its tracing on."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.mark.parametrize("conf", [None, {}, {"trace_context": "x"}, {"trace_context": {"traceparent": 1}}])
def test_a_run_that_a_person_started_has_no_trace_of_a_run_above(conf):
    assert trace_of_run(run(conf)) == {}


def test_a_run_that_is_not_traced_gives_its_runs_nothing():
    assert with_trace({"part": 7}, run()) == {"part": 7}


def test_a_traced_run_gives_its_span_to_the_runs_below_and_these_give_it_on(recorded):
    with trace.get_tracer("airflow").start_as_current_span("worker.import_part"):
        conf = with_trace({"part": 7}, run())
    (part,) = recorded()
    assert f"{part.context.trace_id:032x}-{part.context.span_id:016x}" in conf["trace_context"]["traceparent"]
    with trace.get_tracer("airflow").start_as_current_span("worker.import_vcf"):
        assert with_trace({"part": 7}, run(conf))["trace_context"] == conf["trace_context"]


def test_the_span_of_a_request_is_below_the_run_above_and_linked_to_its_task(recorded):
    carrier = {}
    with (
        trace.get_tracer("airflow").start_as_current_span("worker.import_case"),
        request_span(run({"trace_context": ABOVE}), "import-case", {"case_id": 105, "case_uri": "file:///a.json"}),
    ):
        propagate.inject(carrier)
    case, task = recorded()
    assert case.name == "radiant case 105"
    assert (f"{case.parent.trace_id:032x}", f"{case.parent.span_id:016x}") == tuple(
        ABOVE["traceparent"].split("-")[1:3]
    )
    assert [link.context.span_id for link in case.links] == [task.context.span_id]
    assert dict(case.attributes) == {"radiant.job": "import-case", "radiant.case": 105}
    assert f"{case.context.span_id:016x}" in carrier["traceparent"]


def test_the_span_of_a_request_is_below_its_task_where_no_run_is_above(recorded):
    with (
        trace.get_tracer("airflow").start_as_current_span("worker.prepare"),
        request_span(run(), "prepare-part", {"part": 7}),
    ):
        pass
    request, task = recorded()
    assert (request.name, request.parent.span_id) == ("radiant task prepare-part", task.context.span_id)
    assert not request.links
