"""Reads what the imports of a part left behind: for each load `Staged` or `NotStaged`.

The request that was written last names the attempt that counts; its `outcome.json` is what the operator judged. So a
container that ends late counts as little as one that the operator has given up.

Of a load that was imported at the first attempt two documents are read: its outcome and what it staged. One listing of
the imports' folder shows that there is no other attempt, so the request needs no reading.
"""

import dataclasses
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from radiant import lake, storage
from radiant.errors import InputError, RadiantError
from radiant.jobs.codec import from_json
from radiant.jobs.contracts import CommitArguments, ImportArguments, ImportOutput, arguments_of
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
from radiant.jobs.run_ids import folder_name
from radiant.jobs.usage import JobTry
from radiant.worker.case_document import (
    ReportFacts,
    StagedDocument,
    StagedFacts,
    read_case,
    read_staged,
    staged_uri,
)

_AT_ONCE = 32
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
    case: StagedFacts
    """As the import read it."""
    document: StagedDocument
    facts: ReportFacts
    """Of the document's report."""
    usage: Usage
    image: str | None
    """Image that imported it, None for a local process."""
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
class _Load:
    """A prepared load, and what the listing shows of its import."""

    case_id: int
    load_id: str
    case_uri: str
    run_uri: str
    import_uri: str
    """Folder of the task instance that imported it."""
    attempts: Mapping[str, str | None]
    """URI of the outcome by the folder's name, None where there is none."""


def read_loads(arguments: CommitArguments, run_uri: str, visible: Collection[str]) -> list[Staged | NotStaged]:
    """Return what the import of each prepared load left behind, in the order of `arguments.loads`.

    Several loads are read at the same time.

    Args:
        arguments: Of `commit-part`; the index of a load is the index of its mapped task.
        run_uri: Folder of the run.
        visible: Loads whose rows are visible: their staged files may be gone.

    Raises:
        StorageError: the work URI does not answer.
        JobProtocolError: a document is of another version.
    """
    attempts = _attempts(arguments.imports_folder(run_uri))
    wanted = [
        _Load(
            one.case_id,
            one.load_id,
            one.case_uri,
            run_uri,
            arguments.import_uri(index, run_uri),
            attempts.get(str(index), {}),
        )
        for index, one in enumerate(arguments.loads or ())
        if one.load_id is not None
    ]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="documents") as pool:
        found = list(pool.map(_read_load, wanted))
    return _with_their_files(found, visible)


def _attempts(imports_uri: str) -> dict[str, dict[str, str | None]]:
    """Return, by index of the mapped task, the folders of its attempts with the URI of the outcome."""
    found: dict[str, dict[str, str | None]] = {}
    top = f"{storage.canonical(imports_uri).rstrip('/')}/"
    for uri in storage.list_files(imports_uri):
        index, _, below = storage.canonical(uri).removeprefix(top).partition("/")
        attempt, _, name = below.partition("/")
        if name:
            of_task = found.setdefault(index, {})
            of_task[attempt] = uri if name == "outcome.json" else of_task.get(attempt)
    return found


def _with_their_files(loads: list[Staged | NotStaged], visible: Collection[str]) -> list[Staged | NotStaged]:
    """Return the loads, those as `NotStaged` whose staged files are not there as they were written."""
    unseen = [one for one in loads if isinstance(one, Staged) and one.load_id not in visible]
    problems = lake.missing_files(chain.from_iterable(one.document.manifest.all_files for one in unseen))
    return [
        _lost(load, f"staged files are gone: {'; '.join(gone)}")
        if isinstance(load, Staged)
        and load.load_id not in visible
        and (gone := [problems[file.path] for file in load.document.manifest.all_files if file.path in problems])
        else load
        for load in loads
    ]


def _lost(load: "Staged | _Load", message: str, tries: tuple[JobTry, ...] | None = None) -> NotStaged:
    if tries is None:
        tries = load.tries if isinstance(load, Staged) else ()
    failure = Failure("Lost", message, retryable=True, exit_code=None)
    return NotStaged(load.case_id, load.load_id, load.case_uri, failure, tries)


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
    result = _outcome(outcome_uri(import_uri, request.attempt))
    return result if result is not None and result.attempt == request.attempt else None


def _outcome(uri: str) -> Result | None:
    try:
        result = decode_result(storage.read_bytes(uri), uri)
    except InputError:
        return None
    whole = (result.failure is None) == (result.status is Status.SUCCEEDED)
    return result if whole else None


def _read_load(load: _Load) -> Staged | NotStaged:
    """Return whether a load is staged: a succeeded result of this very load, and its manifest."""
    result = _only_outcome(load)
    if result is None or result.failure is not None or not _is_of(load, result):
        result, tries = _judged(load)
        if isinstance(result, Failure):
            return NotStaged(load.case_id, load.load_id, load.case_uri, result, tries)
    try:
        document = read_staged(staged_uri(load.run_uri, load.case_id, result.attempt))
        if document.manifest.load_id != load.load_id:
            return _lost(load, "the manifest is of another import", result.tries)
        return _staged(load, result, document)
    except InputError as error:
        return _lost(load, f"the import's documents are gone: {error}", result.tries)


def _only_outcome(load: _Load) -> Result | None:
    """Return the outcome of the only attempt of an import; None where there are several, or it has none."""
    (uri,) = load.attempts.values() if len(load.attempts) == 1 else (None,)
    result = None if uri is None else _outcome(uri)
    # An attempt in a folder of another's name would be a document that was copied.
    return result if result is not None and folder_name(result.attempt) in load.attempts else None


def _is_of(load: _Load, result: Result) -> bool:
    output = from_json(
        ImportOutput,
        result.output,
        where=f"the outcome of case {load.case_id}",
        what="an output of this version",
        remedy="Import the case again",
    )
    return (output.case_id, output.load_id) == (load.case_id, load.load_id)


def _judged(load: _Load) -> tuple[Result | Failure, tuple[JobTry, ...]]:
    """Return the result that counts by the last request, or why there is none; and the tries of the import."""
    request = read_request(load.import_uri)
    result = read_result(load.import_uri, request)
    tries = () if result is None else result.tries
    last = None if request is None else arguments_of(request, ImportArguments)
    if last is None or last.case_id != load.case_id:
        return _NOT_STARTED, tries
    if last.load_id != load.load_id:
        return _not_read_again(result), tries
    return _NO_RESULT if result is None else result.failure or result, tries


def _staged(load: _Load, result: Result, document: StagedDocument) -> Staged:
    if result.usage is None:
        msg = f"the result of case {load.case_id} has no usage. This is a bug in radiant"
        raise RadiantError(msg)
    return Staged(
        case_id=load.case_id,
        load_id=load.load_id,
        case_uri=load.case_uri,
        case=document.case or _facts_elsewhere(load),
        document=document,
        facts=document.facts(),
        usage=result.usage,
        image=result.image,
        tries=result.tries,
    )


def _facts_elsewhere(load: _Load) -> StagedFacts:
    """Return what an earlier version had in the case document and the request alone."""
    case, request = read_case(load.case_uri).case, read_request(load.import_uri)
    return StagedFacts(
        case.strategy,
        case.assembly,
        max(len(case.members), 1),
        request.cpu if request else None,
        request.memory_mib if request else None,
    )


def _not_read_again(before: Result | None) -> Failure:
    """Return the failure of a load whose task last imported another load of the case, which ended in this result."""
    if before is None or before.failure is None:
        return _NOT_READ_AGAIN
    text = f"{before.failure.message.strip().rstrip('.')}. It was not read again: clear its import_case"
    return dataclasses.replace(before.failure, message=text)
