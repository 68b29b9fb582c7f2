"""One trace for a run and all the runs that it starts: the context of its span goes with their params.

    dag_run import-radiant > task import_part > radiant case 105 > radiant import-case > radiant read, stage, ...

Airflow makes a trace for each DAG run. So that a case is found below the run that a person started, `import-radiant`
gives the context of its task's span to the runs below it, and a task of theirs makes its span a child of that one, with
a link to Airflow's span of the task itself. Nothing is recorded unless Airflow's own tracing is on.
"""

import contextlib
from collections.abc import Generator, Mapping
from typing import Any, cast

from opentelemetry import propagate, trace

from radiant.jobs.codec import JsonObject

KEY = "trace_context"
"""Of the params of a run that another run starts."""


def trace_of_run(context: Any) -> dict[str, str]:
    """Return the trace context that a run above gave to this run, empty where a person started it.

    Args:
        context: Of Airflow.
    """
    conf: object = getattr(context.get("dag_run"), "conf", None)
    given = cast("Mapping[str, object]", conf).get(KEY) if isinstance(conf, Mapping) else None
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): value for name, value in cast("Mapping[object, object]", given).items() if isinstance(value, str)
    }


def with_trace(conf: JsonObject, context: Any) -> JsonObject:
    """Return the params of a run that this task starts, with the trace context where this run is traced."""
    carrier = trace_of_run(context)
    if not carrier and trace.get_current_span().get_span_context().trace_flags.sampled:
        propagate.inject(carrier)
    return conf | ({KEY: carrier} if carrier else {})


@contextlib.contextmanager
def request_span(context: Any, job: str, arguments: Mapping[str, object]) -> Generator[None]:
    """Make the span below which the job of this task works; it ends when the request is made.

    Args:
        context: Of Airflow.
        job: Name of the job.
        arguments: Of the job; its case and part number become attributes, nothing else.
    """
    own = trace.get_current_span().get_span_context()
    above = trace_of_run(context)
    case = arguments.get("case_id")
    numbers = {f"radiant.{name}": arguments.get(key) for name, key in (("case", "case_id"), ("part", "part"))}
    with trace.get_tracer("radiant").start_as_current_span(
        f"radiant case {case}" if isinstance(case, int) else f"radiant task {job}",
        context=propagate.extract(above) if above else None,
        links=[trace.Link(own)] if above and own.is_valid else None,
        attributes={"radiant.job": job} | {name: value for name, value in numbers.items() if isinstance(value, int)},
    ):
        yield
