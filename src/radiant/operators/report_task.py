"""The report of a run: the task that writes it, and the line of the verdict's log that names it."""

import logging
from typing import Any

from airflow.sdk import get_current_context

from radiant.jobs.documents import report_uri, run_uri
from radiant.operators.backend import job_operator
from radiant.operators.tenancy import run_settings
from radiant.settings import load_installation

log = logging.getLogger(__name__)


def report_after(verdict: Any) -> None:
    """Add the task `report` after a DAG's verdict, unless RADIANT_REPORT is false.

    It is a teardown: it runs whatever the verdict is, and Airflow judges the run without it, so a report that fails
    neither turns a green run red nor hides a red verdict.
    """
    if load_installation().report:
        operator: Any = job_operator()
        report = operator(task_id="report", job="run-report", arguments={"run_id": "{{ run_id }}"})
        verdict.set_downstream(report.as_teardown())


def name_report() -> None:
    """Log where the report of the current run will be."""
    if load_installation().report:
        context: Any = get_current_context()
        settings = run_settings(context)
        instance = context["ti"]
        run = run_uri(settings.effective_work_uri, instance.dag_id, instance.run_id)
        log.info("the task report writes the report of this run: %s", report_uri(run))
