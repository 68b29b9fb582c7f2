"""The job `import-case`: reads the VCF of one case and stages its rows."""

import contextlib
import logging
from collections.abc import Callable
from functools import partial

from radiant import lake, storage, vcf
from radiant.errors import CaseStateError, InputError
from radiant.jobs.contracts import ImportArguments, ImportedFile, ImportOutput, arguments_of
from radiant.jobs.documents import Request
from radiant.settings import Settings
from radiant.vcf.report import Provenance
from radiant.worker.case_document import (
    CaseDocument,
    StagedDocument,
    StagedFacts,
    is_committing,
    read_case,
    staged_before,
    staged_uri,
    write_staged,
)
from radiant.worker.cores import usable_cores
from radiant.worker.handler import HandlerResult, require_current
from radiant.worker.import_pool import ImportPool, ReadingFailedError, ShardBugError, ShardTask, tune_process
from radiant.worker.own_places import require_own_tables
from radiant.worker.progress_report import ProgressReport
from radiant.worker.telemetry import phase
from radiant.worker.usage import UsageMeter
from radiant.worker.without_names import without_names

log = logging.getLogger("radiant.worker.import_case")

_BATCH_ROWS = 1 << 20
"""A chunk's rows at once: the stager makes row groups of its own."""
_MOST_PROCESSES = 64
CHUNK_UNIT = 1 << 20
"""Bytes of one unit of the setting `chunk_mib`."""
SHARD_BYTES = 8 << 20
"""Compressed bytes that a process reads at once, and that become one data file of a table."""
SPLIT_FROM_BYTES = 32 << 20
"""Smaller files are read before further processes have started."""

_Reports = Callable[[int], ProgressReport]
"""Makes the report of a reading by a number of processes."""


def handle(request: Request, settings: Settings, meter: UsageMeter) -> HandlerResult:
    """Read the case's VCF, stage its rows as Parquet files under the tables' locations, then write the manifest.

    The job has credentials of neither registry nor catalog: the case document has all that it needs. Readers see
    nothing that it writes before `commit-part` commits the manifest. On failure it removes what it staged.

    Raises:
        InputError: the VCF breaks a rule, its samples are not the pedigree's, or it cannot be read.
        StorageError: files could not be read or written for a reason that may pass.
        CaseStateError: the case was prepared again, or its failure recorded, after this import was requested.
        TerminatedError: another attempt has replaced this one.
        SchemaMismatchError: a table's columns are not those this version writes.
    """
    document = _document(request)
    require_own_tables(document.tables, settings)
    case = document.case
    if document.committed:
        return _imported_before(document, request)
    options = vcf.ReadOptions(
        assembly=case.assembly,
        tolerate=document.tolerate,
        compound_het_impact=document.compound_het_impact,
        fasta=document.fasta,
        info=document.info,
        chunk_bytes=settings.vcf.chunk_mib * CHUNK_UNIT,
        batch_rows=_BATCH_ROWS,
        dictionaries=True,
        owner=f"case:{case.case_id}",
    )
    log.info("case %d: reading its VCF", case.case_id)
    tune_process()
    processes = min(usable_cores(request.cpu), settings.vcf.processes or _MOST_PROCESSES)
    report = partial(ProgressReport, request, case.case_id, settings.progress, meter)
    with without_names(case):
        storage.check_input_place(case.vcf_uri, settings.input_prefixes)
        staged = _stage(request, document, options, processes, report)
    with phase("manifest"):
        write_staged(staged_uri(request.run_uri, case.case_id, request.attempt), staged)
    result = _result(document, staged)
    for warning in staged.facts().warnings:
        log.warning("case %d: %s", case.case_id, warning)
    log.info("case %d: staged %s", case.case_id, staged.manifest.rows)
    return result


def _document(request: Request) -> CaseDocument:
    """Return the case document of the load that is requested.

    Raises:
        CaseStateError: there is none any more, or it is of another load: the run has come further meanwhile.
    """
    arguments = arguments_of(request, ImportArguments)
    document: CaseDocument | None = None
    if arguments.load_id is not None:
        with contextlib.suppress(InputError):
            document = read_case(arguments.case_uri)
    if document is None or document.load_id != arguments.load_id:
        msg = (
            f"case {arguments.case_id} must be prepared before it can be read again: clear this task once more with "
            "Downstream chosen, so that Airflow clears prepare with it, or trigger import-radiant for the case"
        )
        raise CaseStateError(msg)
    return document


def _imported_before(document: CaseDocument, request: Request) -> HandlerResult:
    """Return what an earlier attempt of this load returned; its rows are visible, so nothing is read or staged again.

    Raises:
        CaseStateError: its manifest is gone.
    """
    case_id = document.case.case_id
    staged = staged_before(request.run_uri, case_id, document.load_id)
    if staged is None:
        msg = f"case {case_id} is imported, but its manifest is gone from the work URI: trigger import-radiant for it"
        raise CaseStateError(msg)
    write_staged(staged_uri(request.run_uri, case_id, request.attempt), staged)
    log.info("case %d: this run has imported it already and it has not changed: it stays", case_id)
    return _result(document, staged)


def _result(document: CaseDocument, staged: StagedDocument) -> HandlerResult:
    facts = staged.facts()
    return HandlerResult(
        output=ImportOutput(
            document.case.case_id, document.load_id, facts.lines, facts.warnings, _file(facts.provenance)
        ),
        rows=staged.manifest.rows,
        digests=staged.manifest.digests,
        records=facts.lines.read,
        bytes_stored=staged.manifest.size_bytes,
    )


def _file(read: Provenance) -> ImportedFile:
    return ImportedFile(
        size_bytes=read.vcf_size,
        sha256=read.vcf_sha256,
        header_sha256=read.header_sha256,
        format=read.format,
        fileformat=read.fileformat,
        compression=read.compression,
        assembly=read.assembly,
        annotator=read.annotator,
        annotator_version=read.annotator_version,
    )


def _stage(
    request: Request, document: CaseDocument, options: vcf.ReadOptions, processes: int, report: _Reports
) -> StagedDocument:
    """Read and stage with several processes where the file is large enough, with one where they cannot read it.

    A failure of the processes that the file did not cause becomes a warning of the report; the rows are complete.
    """
    case = document.case
    if processes == 1 or storage.fingerprint(case.vcf_uri).size < SPLIT_FROM_BYTES:
        return _stage_alone(request, document, options, report)
    try:
        return _stage_together(request, document, options, processes, report)
    except vcf.NeedsOneReaderError as reason:
        log.info("case %d: read again by one process%s", case.case_id, f" ({reason})" if str(reason) else "")
        failed = reason if isinstance(reason, ReadingFailedError) else None
    if isinstance(failed, ShardBugError):
        log.error("case %d: %s", case.case_id, failed)
    require_current(request)
    staged = _stage_alone(request, document, options, report)
    return staged if failed is None else staged.with_warning(str(failed))


def _stager(request: Request, document: CaseDocument) -> lake.Stager:
    case = document.case

    def may_delete() -> bool:
        # Of this attempt only, and not what a commit takes: see `case_document`.
        require_current(request)
        return not is_committing(request.run_uri, document.load_id)

    return lake.Stager(
        document.tables,
        document.part,
        case.case_id,
        document.load_id,
        tables=document.info.tables,
        run=request.run_uri,
        may_delete=may_delete,
    )


def _stage_alone(
    request: Request, document: CaseDocument, options: vcf.ReadOptions, report: _Reports
) -> StagedDocument:
    """Read and stage with one reader."""
    case = document.case
    reader = vcf.read_case(case.vcf_uri, case.members or None, options)
    with report(1) as progress, _stager(request, document) as stager:
        with phase("read"):
            for name, batch in reader.batches():
                progress.update(reader.so_far)
                stager.write(name, batch)
        return _staged(request, document, stager, reader.report)


def _stage_together(
    request: Request, document: CaseDocument, options: vcf.ReadOptions, processes: int, report: _Reports
) -> StagedDocument:
    """Read and stage with several processes.

    Raises:
        NeedsOneReaderError: they cannot read the file, or one of them failed.
    """
    case = document.case
    members = case.members or None
    with report(processes) as progress, _stager(request, document) as stager:
        reader = vcf.ShardedReader(case.vcf_uri, members, options)
        task = ShardTask(
            case.vcf_uri,
            members,
            options,
            reader.header,
            document.tables,
            document.part,
            case.case_id,
            document.load_id,
            request.run_uri,
            stager.file_prefix,
        )
        with phase("read"), ImportPool(processes, task) as pool:
            # Without their results, which are merged as they come.
            pieces: dict[int, tuple[lake.Manifest, dict[str, lake.RowDigest]]] = {}
            for piece in pool.run(reader.shards(SHARD_BYTES, processes)):
                pieces[piece.result.index] = piece.staged, piece.digests
                for name, batch in reader.merge(piece.result):
                    stager.write(name, batch)
                progress.update(reader.so_far)
        for index in sorted(pieces):
            stager.adopt(*pieces[index])
        for name, batch in reader.finish():
            stager.write(name, batch)
        return _staged(request, document, stager, reader.report)


def _staged(request: Request, document: CaseDocument, stager: lake.Stager, report: vcf.ImportReport) -> StagedDocument:
    """Finish staging, and log how many lines were read one at a time and why."""
    if (note := report.fallback_note) is not None:
        log.info("%s", note)
    case = document.case
    facts = StagedFacts(case.strategy, case.assembly, max(len(case.members), 1), request.cpu, request.memory_mib)
    with phase("stage"):
        return StagedDocument(stager.finish(), report.to_json(), facts)
