"""The job `commit-part`: makes the staged cases of one partition visible and records the outcome of each."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence

from radiant import lake, storage
from radiant.costs.sizing import Observation
from radiant.errors import CaseStateError, InputError, RadiantError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.jobs.contracts import CommitArguments, CommitOutput, FailedCase, ImportedCase, arguments_of
from radiant.jobs.documents import Request
from radiant.jobs.import_history import ImportHistory, decode_history, encode_history, history_uri, work_uri_of
from radiant.jobs.usage import TaskUsage
from radiant.registry import FinishedImport, Registry
from radiant.settings import Settings, otlp_is_on
from radiant.worker.case_document import write_committing
from radiant.worker.handler import HandlerResult
from radiant.worker.import_outcome import NotStaged, Staged, read_loads
from radiant.worker.telemetry import phase
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.commit_part")


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Commit what succeeded, record every case, and list both; a failed case never stops the others.

    The commit's token is a digest of the part and the load ids, so that a repetition of the job changes nothing; loads
    that are visible already are not committed again. The document of a case that failed is removed once the failure is
    recorded: after that only `prepare-part` can make the case importable in this run.

    Raises:
        CaseStateError: `prepare-part` did not succeed.
        CommitConflictError: another commit touched the same cases; nothing landed in the table that it names.
        CommitUnknownError: the catalog did not say whether a snapshot landed.
        RegistryUnavailableError: the registry does not answer; what was committed is found again by its token.
    """
    arguments = arguments_of(request, CommitArguments)
    if arguments.loads is None:
        msg = "prepare did not succeed, so there is nothing to commit: clear prepare"
        raise CaseStateError(msg)
    part, deleted = arguments.part, arguments.deleted or ()
    registry = Registry(settings.effective_registry_url)
    # Before any of them is looked at: see `case_document`.
    write_committing(request.run_uri, [one.load_id for one in arguments.loads if one.load_id is not None])
    visible = registry.committed(one.load_id for one in arguments.loads if one.load_id is not None)
    with phase("outcomes"):
        loads = read_loads(arguments, request.run_uri, visible)
    staged = [load for load in loads if isinstance(load, Staged) and load.load_id not in visible]
    token = _token(part, [load.load_id for load in staged], deleted)
    gate = registry.begin_commit([(load.case_id, load.load_id) for load in staged], deleted, token=token)
    current = [load for load in staged if load.load_id in gate.loads]
    # Rows of cases that an earlier try of this job purged are gone already: its commit is not to be announced again.
    new = bool(current) or any(not registry.get(case_id).purged for case_id in gate.deleted)
    snapshots: dict[str, int | None] = {}
    if current or gate.deleted:
        with phase("commit"):
            found = _commit(settings, part, current, gate.deleted, token)
        snapshots = found if new else {}
    registry.mark_purged(gate.deleted)

    refused = {case_id: FailedCase(case_id, CaseStateError.code, reason) for case_id, reason in gate.refused.items()}
    finished = [FinishedImport(one.case_id, one.load_id, one.facts.provenance.vcf_sha256) for one in current]
    late = registry.finish_imports(finished)
    refused |= {case_id: FailedCase(case_id, CaseStateError.code, reason) for case_id, reason in late.items()}
    imported = [load for load in loads if isinstance(load, Staged) and load.load_id in visible]
    imported += [load for load in current if load.case_id not in refused]
    for load in loads:
        if isinstance(load, NotStaged):
            _record_failure(registry, load)
    storage.delete_files([load.case_uri for load in loads if isinstance(load, NotStaged)])
    failed = [failure for load in loads if (failure := _failure(load, refused)) is not None]
    for one in failed:
        log.warning("case %d failed: %s: %s", one.case_id, one.code, one.reason)
    failed += [one for case_id, one in refused.items() if case_id in deleted]
    registry.record_usage(
        [TaskUsage(request.run_uri, IMPORT_CASE.name, load.case_id, one) for load in loads for one in load.tries],
        keep_days=settings.registry.usage_days,
    )
    _store_history(request.run_uri, [load for load in current if load.case_id not in refused])
    log.info("part %d: %d cases imported, %d failed, %d deleted", part, len(imported), len(failed), len(gate.deleted))
    return HandlerResult(
        CommitOutput(part, tuple(map(_imported_case, imported)), tuple(failed), tuple(gate.deleted), snapshots),
        rows=_sum(load.document.manifest.rows for load in imported),
        import_tries=tuple(one for load in loads for one in load.tries),
        waiting=registry.waiting() if otlp_is_on() else None,
    )


def _failure(load: Staged | NotStaged, refused: Mapping[int, FailedCase]) -> FailedCase | None:
    """Return why a load is not imported, None for one that is."""
    if isinstance(load, NotStaged):
        return FailedCase(load.case_id, load.failure.code, load.failure.message, load.failure.retryable)
    return refused.get(load.case_id)


def _commit(
    settings: Settings, part: int, loads: Sequence[Staged], deleted: Iterable[int], token: str
) -> dict[str, int | None]:
    """Commit the loads; return the snapshots with the rows, by the table's short name."""
    with lake.open_catalog(settings) as catalog:
        report = lake.commit_part(
            catalog,
            settings.lake.namespace,
            part,
            manifests=[load.document.manifest for load in loads],
            case_loads=[_case_load(load) for load in loads],
            deleted_cases=list(deleted),
            token=token,
            files_are_there=True,  # `read_loads` has just found them
        )
    return report.snapshots


def _case_load(load: Staged) -> lake.CaseLoad:
    provenance = load.facts.provenance
    return lake.CaseLoad(
        case_id=load.case_id,
        strategy=load.case.strategy,
        assembly=load.case.assembly,
        vcf_uri=provenance.vcf_uri,
        vcf_size=provenance.vcf_size,
        vcf_sha256=provenance.vcf_sha256,
        header_sha256=provenance.header_sha256,
        caller=provenance.caller,
        vep_version=provenance.vep_version,
        radiant_version=provenance.radiant_version,
        image=load.image,
        report=load.document.report,
    )


def _record_failure(registry: Registry, load: NotStaged) -> None:
    failure = load.failure
    try:
        registry.finish_failed(load.case_id, load.load_id, failure.code, failure.message, retryable=failure.retryable)
    except CaseStateError as error:
        # Another run has taken the case over: the registry keeps that run's state, this run's verdict has the failure.
        log.warning("case %d: %s", load.case_id, error)


def _imported_case(load: Staged) -> ImportedCase:
    return ImportedCase(
        case_id=load.case_id,
        records=load.facts.lines,
        rows=load.document.manifest.rows,
        seconds=load.usage.wall_s,
        cpu_s=load.usage.cpu_s,
        peak_memory_mib=load.usage.peak_memory_mib,
        warnings=load.facts.warnings,
    )


def _store_history(run_uri: str, loads: Sequence[Staged]) -> None:
    """Add what the imports took to the history that later requests are sized by.

    The rows are committed and recorded: a history that cannot be read or written is a warning and no failure.
    """
    if not loads:
        return
    uri = history_uri(work_uri_of(run_uri))
    try:
        storage.write_bytes(uri, encode_history(_history(uri).with_more(tuple(map(_observation, loads)))))
    except RadiantError as error:
        log.warning("the history of imports was not stored, so later requests are not sized by these: %s", error)


def _history(uri: str) -> ImportHistory:
    try:
        return decode_history(storage.read_bytes(uri), uri)
    except InputError:
        return ImportHistory()


def _observation(load: Staged) -> Observation:
    return Observation(
        vcf_bytes=load.facts.provenance.vcf_size,
        samples=load.case.samples,
        records=load.facts.lines.read,
        peak_memory_mib=load.usage.peak_memory_mib,
        wall_s=load.usage.wall_s,
        cpu_s=load.usage.cpu_s,
        cpu=load.case.cpu,
        memory_mib=load.case.memory_mib,
    )


def _token(part: int, load_ids: Iterable[str], deleted: Iterable[int]) -> str:
    content = json.dumps([part, sorted(load_ids), sorted(deleted)])
    return hashlib.sha256(content.encode()).hexdigest()


def _sum(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in rows:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total
