"""The job `commit-part`: makes the staged cases of one partition visible and records what became of each."""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from radiant import lake, storage
from radiant.domain.case import Case
from radiant.errors import CaseStateError, InputError, RadiantError
from radiant.jobs.documents import (
    Failure,
    Request,
    Result,
    Status,
    decode_request,
    decode_result,
    outcome_uri,
    task_uri,
)
from radiant.registry import Registry
from radiant.settings import Settings
from radiant.worker.case_document import Staged, read_case, read_staged, staged_uri
from radiant.worker.outcome import Outcome

log = logging.getLogger("radiant.worker.commit_part")

IMPORT_TASK = "import_case"
"""Task id of the mapped imports in DAG `import-vcf`; their documents are below the run's folder under this name."""

_NO_RESULT = Failure(
    "Lost", "the import ended without a result; its task's log says how far it came", retryable=True, exit_code=None
)
_NOT_STARTED = Failure(
    "NotStarted",
    "not started: Airflow ran no import_case task for it; the logs of requests and of the scheduler say why",
    retryable=True,
    exit_code=None,
)
_NOT_READ_AGAIN = Failure(
    "NotReadAgain",
    "its files or its registration changed after this run had read it; clear its import_case",
    retryable=True,
    exit_code=None,
)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the task of one case did last."""

    load_id: str | None
    """The load that it was asked to import."""
    result: Result | None
    """What counts of it, None where it ended without a word."""


@dataclass(frozen=True, slots=True)
class _Load:
    """One case of the part, with what its import left."""

    case_id: int
    load_id: str
    case_uri: str
    committed: bool
    """Its rows are visible: there is nothing to commit."""
    case: Case | None
    """None when the import failed."""
    staged: Staged | None
    """None when the import failed; `failure` says why."""
    result: Result | None
    failure: Failure | None


def handle(request: Request, settings: Settings) -> Outcome:
    """Commit what succeeded, record every case, and list both; a failed case never stops the others.

    Arguments of the request: `part`, `loads` (the `cases` that `prepare-part` returned), `deleted` (case ids). A case
    counts as staged only with a succeeded result of this very load and its manifest. The commit's token is a digest of
    the part and the load ids, so that repeating the job changes nothing; loads that are visible already are not
    committed again. The document of a case that failed is removed once the failure is recorded: from then on only
    `prepare-part` can make the case importable in this run.

    The output lists `imported` (per case: `records`, `rows`, `seconds`, `cpu_s`, `peak_memory_mib`, `warnings`),
    `failed` (`case_id`, `code`, `reason`) and `deleted`.

    Raises:
        CaseStateError: `prepare-part` did not succeed.
        CommitConflictError: another commit touched the same cases; nothing landed in the table that it names.
        CommitUnknownError: the catalog did not say whether a snapshot landed.
        RegistryUnavailableError: the registry does not answer; what was committed is found again by its token.
    """
    part: int = request.arguments["part"]
    registry = Registry(settings.effective_registry_url)
    if request.arguments["loads"] is None:
        msg = "prepare did not succeed, so there is nothing to commit: clear prepare"
        raise CaseStateError(msg)
    prepared = [one for one in request.arguments["loads"] if one["load_id"] is not None]
    committed = registry.committed(one["load_id"] for one in prepared)
    reads = _reads(request.run_uri)
    loads = [
        _load(one, reads.get(one["case_id"]), request.run_uri, committed=one["load_id"] in committed)
        for one in prepared
    ]
    visible = [load for load in loads if load.failure is None and load.committed]
    staged = [load for load in loads if load.failure is None and not load.committed]
    deleted: list[int] = request.arguments.get("deleted") or []
    token = _token(part, [load.load_id for load in staged], deleted)
    gate = registry.begin_commit([(load.case_id, load.load_id) for load in staged], deleted, token=token)
    current = [load for load in staged if load.load_id in gate.loads]
    refused = {
        case_id: Failure(CaseStateError.code, reason, retryable=False, exit_code=None)
        for case_id, reason in gate.refused.items()
    }
    if current or gate.deleted:
        _commit(settings, part, current, gate.deleted, token)
    registry.mark_purged(gate.deleted)

    imported: list[dict[str, Any]] = [_summary(load) for load in visible]
    for load in current:
        try:
            registry.finish_imported(load.case_id, load.load_id, vcf_sha256=_provenance(load)["vcf_sha256"])
        except CaseStateError as error:
            refused[load.case_id] = Failure(error.code, str(error), retryable=False, exit_code=None)
        else:
            imported.append(_summary(load))
    failed: list[dict[str, Any]] = []
    for load in loads:
        failure = load.failure or refused.get(load.case_id)
        if failure is None:
            continue
        if load.failure is not None:
            _record_failure(registry, load, load.failure)
        failed.append({"case_id": load.case_id, "code": failure.code, "reason": failure.message})
        log.warning("case %d failed: %s: %s", load.case_id, failure.code, failure.message)
    failed += [
        {"case_id": case_id, "code": failure.code, "reason": failure.message}
        for case_id, failure in refused.items()
        if case_id in deleted
    ]
    log.info("part %d: %d cases imported, %d failed, %d deleted", part, len(imported), len(failed), len(gate.deleted))
    return Outcome(
        output={"part": part, "imported": imported, "failed": failed, "deleted": list(gate.deleted)},
        rows=_sum(one["rows"] for one in imported),
    )


def _load(prepared: Mapping[str, Any], read: _Read | None, run_uri: str, *, committed: bool) -> _Load:
    """Bring together what is known of one case: its document, its result, its manifest."""
    case_id, load_id, case_uri = prepared["case_id"], prepared["load_id"], prepared["case_uri"]
    result = read.result if read is not None and read.load_id == load_id else None
    failure = _why_not_read(read, load_id) if result is None else result.failure
    if result is None or failure is not None:
        return _Load(case_id, load_id, case_uri, committed, None, None, result, failure)
    staged: Staged | None = None
    case: Case | None = None
    try:
        staged = read_staged(staged_uri(run_uri, case_id, result.attempt))
        if staged.manifest.load_id != load_id:
            failure = Failure("Lost", "the manifest is of another import", retryable=True, exit_code=None)
        elif not committed and (gone := staged.manifest.missing_files()):
            failure = Failure("Lost", f"staged files are gone: {'; '.join(gone)}", retryable=True, exit_code=None)
        else:
            case = read_case(case_uri).case
    except InputError as error:
        failure = Failure("Lost", f"the import's documents are gone: {error}", retryable=True, exit_code=None)
    return _Load(case_id, load_id, case_uri, committed, case, staged if failure is None else None, result, failure)


def _why_not_read(read: _Read | None, load_id: str) -> Failure:
    """Return why there is no result of this load: never started, ended without a word, or not read again."""
    if read is None:
        return _NOT_STARTED
    if read.load_id == load_id:
        return _NO_RESULT
    if read.result is None or read.result.failure is None:
        return _NOT_READ_AGAIN
    before = read.result.failure
    text = f"{before.message.strip().rstrip('.')}. It was not read again: clear its import_case"
    return Failure(before.code, text, before.retryable, before.exit_code)


def _reads(run_uri: str) -> dict[int, _Read]:
    """Return, by case, what the tasks of this run's imports did last.

    The request that was written last names the attempt that counts; its outcome is what the operator judged, so that
    neither a container that ends late nor one that the operator has given up is believed.
    """
    found: dict[int, _Read] = {}
    imports = task_uri(run_uri, IMPORT_TASK)
    files = set(storage.list_files(imports))
    for uri in sorted(files):
        folder, _, name = uri.rpartition("/")
        # Those of single attempts are a folder further down.
        if name != "request.json" or folder.removeprefix(f"{imports}/").count("/"):
            continue
        asked = decode_request(storage.read_bytes(uri), uri)
        judged = outcome_uri(folder, asked.attempt)
        result: Result | None = None
        if judged in files:
            answered = decode_result(storage.read_bytes(judged), judged)
            if answered.attempt == asked.attempt and (answered.failure is None) == (
                answered.status is Status.SUCCEEDED
            ):
                result = answered
        found[asked.arguments["case_id"]] = _Read(asked.arguments["load_id"], result)
    return found


def _commit(settings: Settings, part: int, loads: list[_Load], deleted: Iterable[int], token: str) -> None:
    staged = [(load, load.staged, load.case) for load in loads if load.staged is not None and load.case is not None]
    with lake.open_catalog(settings) as catalog:
        lake.commit_part(
            catalog,
            settings.lake.namespace,
            part,
            manifests=[one.manifest for _, one, _ in staged],
            case_loads=[_case_load(load, one, case) for load, one, case in staged],
            deleted_cases=list(deleted),
            token=token,
        )


def _case_load(load: _Load, staged: Staged, case: Case) -> lake.CaseLoad:
    provenance = staged.report["provenance"]
    return lake.CaseLoad(
        case_id=load.case_id,
        strategy=case.strategy,
        assembly=case.assembly,
        vcf_uri=provenance["vcf_uri"],
        vcf_size=provenance["vcf_size"],
        vcf_sha256=provenance["vcf_sha256"],
        header_sha256=provenance["header_sha256"],
        caller=provenance["caller"],
        vep_version=provenance["vep_version"],
        radiant_version=provenance["radiant_version"],
        image=load.result.image if load.result else None,
        report=staged.report,
    )


def _record_failure(registry: Registry, load: _Load, failure: Failure) -> None:
    try:
        registry.finish_failed(load.case_id, load.load_id, failure.code, failure.message, retryable=failure.retryable)
    except CaseStateError as error:
        # Another run has taken the case over: its word counts, this run's failure stays in this run's verdict.
        log.warning("case %d: %s", load.case_id, error)
    storage.delete_prefix(load.case_uri)


def _summary(load: _Load) -> dict[str, Any]:
    if load.staged is None or load.result is None or load.result.usage is None:
        msg = f"case {load.case_id} passed as imported without a manifest. This is a bug in radiant"
        raise RadiantError(msg)
    usage = load.result.usage
    return {
        "case_id": load.case_id,
        "records": load.result.output["records"],
        "rows": load.staged.manifest.rows,
        "seconds": usage.wall_s,
        "cpu_s": usage.cpu_s,
        "peak_memory_mib": usage.peak_memory_mib,
        "warnings": load.result.output["warnings"],
    }


def _provenance(load: _Load) -> Mapping[str, Any]:
    provenance: Mapping[str, Any] = load.staged.report["provenance"] if load.staged else {}
    return provenance


def _token(part: int, load_ids: Iterable[str], deleted: Iterable[int]) -> str:
    content = json.dumps([part, sorted(load_ids), sorted(deleted)])
    return hashlib.sha256(content.encode()).hexdigest()


def _sum(rows: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in rows:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total
