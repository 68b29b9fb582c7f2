"""Reads what the pages of a run and of a task show."""

from collections.abc import Iterable

from radiant import storage
from radiant.costs.history import RunBill, bill
from radiant.errors import InputError, JobProtocolError, RadiantError
from radiant.jobs.billing import attempts_of_tries
from radiant.jobs.codec import from_json
from radiant.jobs.contracts import ImportParams, Verdict, read_verdict
from radiant.jobs.dag_ids import IMPORT_PART, IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import report_uri, run_uri
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.settings import Settings
from radiant.ui import airflow_runs, bills
from radiant.ui.gather import Sources
from radiant.ui.pages import RunPage, TaskPage
from radiant.ui.progress_reads import progress_of

_MOST_LISTED = 300
_ORDER = ("failed", "upstream_failed", "running", "deferred", "up_for_retry", "queued", "success")


def run(sources: Sources, dag_id: str, run_id: str) -> RunPage | None:
    """Read the page of a run; None where Airflow has none of that id, or it is of no import."""
    found = airflow_runs.dag_run(sources.session, dag_id, run_id)
    if found is None or dag_id not in {IMPORT_RADIANT, IMPORT_PART, IMPORT_VCF}:
        return None
    children = _import_runs(sources, dag_id, run_id)
    imports, waiting = airflow_runs.imports_of_runs(sources.session, children)
    ordered = sorted(imports, key=lambda one: (_ORDER.index(one.state) if one.state in _ORDER else 0, one.case_id))
    return RunPage(
        run=found,
        verdict=_verdict(sources, dag_id, run_id),
        imports=progress_of(ordered[:_MOST_LISTED], sources.settings),
        not_listed=max(0, len(ordered) - _MOST_LISTED),
        succeeded=sum(one.state == "success" for one in imports),
        waiting=waiting,
        bill=_bill(sources, children),
        has_report=_has_report(sources.settings, dag_id, run_id),
    )


def task(sources: Sources, dag_id: str, run_id: str, task_id: str, map_index: int) -> TaskPage:
    """Read the page of a task that is no import: its tries, by its summary."""
    summary = airflow_runs.summary_of_task(sources.session, dag_id, run_id, task_id, map_index)
    return TaskPage(dag_id, run_id, task_id, map_index, summary)


def report(settings: Settings, run_id: str) -> bytes | None:
    """Return the report of a run of `import-radiant`, None where it has left none.

    Raises:
        StorageError: the work URI does not answer.
    """
    try:
        return storage.read_bytes(_report_uri(settings, run_id))
    except InputError:
        return None


def _report_uri(settings: Settings, run_id: str) -> str:
    return report_uri(run_uri(settings.effective_work_uri, IMPORT_RADIANT, run_id))


def _has_report(settings: Settings, dag_id: str, run_id: str) -> bool:
    try:
        return dag_id == IMPORT_RADIANT and storage.exists(_report_uri(settings, run_id))
    except RadiantError:
        return False  # the page is shown without it where the work URI cannot be read


def _import_runs(sources: Sources, dag_id: str, run_id: str) -> list[str]:
    """Return the ids of the runs of `import-vcf` that belong to a run."""
    if dag_id == IMPORT_VCF:
        return [run_id]
    parts = [run_id] if dag_id == IMPORT_PART else list(_part_runs(sources, run_id))
    found: list[str] = []
    block = 1
    while parts:
        wanted = {block_run_id(part, block): part for part in parts}
        there = airflow_runs.existing_runs(sources.session, IMPORT_VCF, list(wanted))
        found += there
        parts = [wanted[one] for one in there]
        block += 1
    return found


def _part_runs(sources: Sources, run_id: str) -> Iterable[str]:
    confs = airflow_runs.xcom(sources.session, IMPORT_RADIANT, run_id, "parts")
    for conf in [one for item in confs for one in item] if isinstance(confs, list) else []:
        try:
            part = from_json(ImportParams, conf, where="the XCom of parts", what="params of import-part", remedy="")
        except JobProtocolError:
            continue  # of another release
        yield part_run_id(run_id, part.part, part.cases or ())


def _verdict(sources: Sources, dag_id: str, run_id: str) -> Verdict | None:
    try:
        return read_verdict(airflow_runs.xcom(sources.session, dag_id, run_id, "verdict"), "the verdict")
    except JobProtocolError:
        return None


def _bill(sources: Sources, runs: Iterable[str]) -> RunBill | None:
    """Return the bill of the imports that the registry has; None without any."""
    if sources.registry is None:
        return None
    uris = [run_uri(sources.settings.effective_work_uri, IMPORT_VCF, one) for one in runs]
    usages = sources.registry.usage_of_runs(uris)
    if not usages:
        return None
    book = bills.price_book(sources.settings)
    return bill(attempts_of_tries(usages, sources.settings), book.prices, book.node)
