"""Reads what the imports of a part left behind: for each load `Staged` or `NotStaged`.

The request that was written last names the attempt that counts; its `outcome.json` is what the operator judged. So a
container that ends late counts as little as one that the operator has given up.
"""

import dataclasses
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from radiant import storage
from radiant.domain.case import Case
from radiant.errors import InputError, RadiantError
from radiant.jobs.contracts import CommitArguments, ImportArguments, arguments_of
from radiant.jobs.documents import (
    Failure,
    Request,
    Result,
    Status,
    Usage,
    decode_request,
    decode_result,
    outcome_uri,
    request_uri,
)
from radiant.jobs.usage import JobTry
from radiant.worker.case_document import (
    CaseDocument,
    ReportFacts,
    StagedDocument,
    read_case,
    read_staged,
    staged_uri,
)

_AT_ONCE = 16
"""Documents that are read at the same time."""

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
class Staged:
    """A load whose import succeeded."""

    case_id: int
    load_id: str
    case_uri: str
    case: Case
    """As the import read it."""
    document: StagedDocument
    facts: ReportFacts
    """Of the document's report."""
    usage: Usage
    image: str | None
    """Image that imported it, None for a local process."""
    cpu: float | None
    """Cores that the import requested."""
    memory_mib: int | None
    """Memory that it requested."""
    tries: tuple[JobTry, ...] = ()
    """Of its import, as the operator saw them."""


@dataclass(frozen=True, slots=True)
class NotStaged:
    """A load that cannot be committed."""

    case_id: int
    load_id: str
    case_uri: str
    failure: Failure
    tries: tuple[JobTry, ...] = ()
    """Of its import, as the operator saw them; none where none was judged."""


@dataclass(frozen=True, slots=True)
class _Reads:
    """The reads of one load's documents, under way or done."""

    case_id: int
    load_id: str
    case_uri: str
    request: Request | None
    """Last request of the load's import, None where none was written."""
    result: Future[Result | None]
    staged: Future[StagedDocument | None]
    case: Future[CaseDocument]
    committed: bool
    """The rows of the load are visible."""


def read_loads(arguments: CommitArguments, run_uri: str, visible: Collection[str]) -> list[Staged | NotStaged]:
    """Return what the import of each prepared load left behind, in the order of `arguments.loads`.

    Several documents are read at the same time. Of one load, outcome and manifest wait for the request, which names
    their attempt.

    Args:
        arguments: Of `commit-part`; the index of a load is the index of its mapped task.
        run_uri: Folder of the run.
        visible: Loads whose rows are visible: their staged files may be gone.

    Raises:
        StorageError: the work URI does not answer.
        JobProtocolError: a document is of another version.
    """
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="documents") as pool:
        begun = [
            (one, one.load_id, folder, pool.submit(read_request, folder), pool.submit(read_case, one.case_uri))
            for index, one in enumerate(arguments.loads or ())
            if one.load_id is not None and (folder := arguments.import_uri(index, run_uri))
        ]
        reads = [
            _Reads(
                one.case_id,
                load_id,
                one.case_uri,
                last := request.result(),
                pool.submit(read_result, folder, last),
                pool.submit(_read_staged, run_uri, one.case_id, last),
                case,
                load_id in visible,
            )
            for one, load_id, folder, request, case in begun
        ]
        # Each waits for reads that were submitted before it, so it never takes the last thread from one of them.
        return list(pool.map(_judge, reads))


def read_request(import_uri: str) -> Request | None:
    """Return the last request of an import task, None where none was written."""
    uri = request_uri(import_uri)
    try:
        return decode_request(storage.read_bytes(uri), uri)
    except InputError:
        return None


def read_result(import_uri: str, request: Request | None) -> Result | None:
    """Return the result that counts for a request of an import task, None where there is none."""
    if request is None:
        return None
    uri = outcome_uri(import_uri, request.attempt)
    try:
        result = decode_result(storage.read_bytes(uri), uri)
    except InputError:
        return None
    whole = (result.failure is None) == (result.status is Status.SUCCEEDED)
    return result if whole and result.attempt == request.attempt else None


def _read_staged(run_uri: str, case_id: int, request: Request | None) -> StagedDocument | None:
    return None if request is None else read_staged(staged_uri(run_uri, case_id, request.attempt))


def _judge(reads: _Reads) -> Staged | NotStaged:
    """Return whether a load is staged, with the tries of its import."""
    result = reads.result.result()
    return dataclasses.replace(_judge_documents(reads), tries=() if result is None else result.tries)


def _judge_documents(reads: _Reads) -> Staged | NotStaged:
    """Return whether a load is staged: a succeeded result of this very load, its manifest, its files, its case."""
    result = _succeeded(reads)
    if isinstance(result, Failure):
        return NotStaged(reads.case_id, reads.load_id, reads.case_uri, result)
    try:
        document = reads.staged.result()
        if document is None or document.manifest.load_id != reads.load_id:
            lost = "the manifest is of another import"
        elif not reads.committed and (gone := document.manifest.missing_files()):
            lost = f"staged files are gone: {'; '.join(gone)}"
        else:
            return _staged(reads, result, document, reads.case.result().case)
    except InputError as error:
        lost = f"the import's documents are gone: {error}"
    return NotStaged(
        reads.case_id, reads.load_id, reads.case_uri, Failure("Lost", lost, retryable=True, exit_code=None)
    )


def _succeeded(reads: _Reads) -> Result | Failure:
    """Return the result of a load's import that succeeded, or why there is none."""
    last = None if reads.request is None else arguments_of(reads.request, ImportArguments)
    if last is None or last.case_id != reads.case_id:
        return _NOT_STARTED
    result = reads.result.result()
    if last.load_id != reads.load_id:
        return _not_read_again(result)
    return _NO_RESULT if result is None else result.failure or result


def _staged(reads: _Reads, result: Result, document: StagedDocument, case: Case) -> Staged:
    if result.usage is None:
        msg = f"the result of case {reads.case_id} has no usage. This is a bug in radiant"
        raise RadiantError(msg)
    return Staged(
        case_id=reads.case_id,
        load_id=reads.load_id,
        case_uri=reads.case_uri,
        case=case,
        document=document,
        facts=document.facts(),
        usage=result.usage,
        image=result.image,
        cpu=reads.request.cpu if reads.request else None,
        memory_mib=reads.request.memory_mib if reads.request else None,
    )


def _not_read_again(before: Result | None) -> Failure:
    """Return the failure of a load whose task last imported another load of the case, which ended in this result."""
    if before is None or before.failure is None:
        return _NOT_READ_AGAIN
    text = f"{before.failure.message.strip().rstrip('.')}. It was not read again: clear its import_case"
    return dataclasses.replace(before.failure, message=text)
