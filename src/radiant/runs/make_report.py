"""The report of a run from its documents: for the job `run-report` and for `radiant report`."""

import datetime as dt
from importlib import metadata

from radiant.runs.attempts import attempts_of_run
from radiant.runs.report_page import report_page
from radiant.runs.run_bill import bill_attempts, prices_of
from radiant.runs.run_facts import run_facts, without_report
from radiant.settings import Settings


def make_report(settings: Settings, run_id: str, now: dt.datetime) -> str:
    """Return the report of a run and of the runs that it started, as HTML.

    Raises:
        InputError: there is no such run below the work URI.
        JobProtocolError: a document is of another version.
        ConfigError: the price list cannot be read.
    """
    attempts = without_report(attempts_of_run(settings, run_id))
    prices = prices_of(settings)
    node = prices.node(settings.costs.node)
    return report_page(
        run_facts(run_id, attempts),
        bill_attempts(attempts, settings, prices, node, now),
        prices,
        node,
        made_at=now,
        made_by=metadata.version("radiant"),
    )
