"""The job `import-case`: reads the VCF of one case and stages its rows."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from radiant import lake, storage, vcf
from radiant.errors import CaseStateError
from radiant.jobs.documents import Request
from radiant.settings import Settings
from radiant.worker.case_document import Staged, read_case, staged_uri, write_staged
from radiant.worker.outcome import Outcome

log = logging.getLogger("radiant.worker.import_case")

_LOG_EVERY_S = 5.0


def handle(request: Request, settings: Settings) -> Outcome:
    """Read the case's VCF, stage its rows as Parquet files under the tables' locations, then write the manifest.

    Arguments of the request: `case_id`, `case_uri`, `load_id`. Holds neither registry nor catalog credentials: all it
    needs is in the case document. Nothing it writes is visible to a reader until `commit-part` commits the manifest; on
    failure it removes what it staged.

    Raises:
        InputError: the VCF breaks a rule, its samples are not the pedigree's, or it cannot be read.
        StorageError: files could not be read or written for a reason that may pass.
        CaseStateError: the case document is of another load than the request.
        SchemaMismatchError: a table's columns are not those this version writes.
    """
    del settings
    document = read_case(request.arguments["case_uri"])
    case = document.case
    if request.arguments["load_id"] != document.load_id:
        msg = f"case {case.case_id} was prepared again since this import was asked for: run the whole DAG run again"
        raise CaseStateError(msg)
    manifest_uri = staged_uri(request.run_uri, case.case_id)
    storage.delete_prefix(manifest_uri)
    options = vcf.ReadOptions(
        assembly=case.assembly,
        tolerate=document.tolerate,
        compound_het_impact=document.compound_het_impact,
        fasta=document.fasta,
    )
    # A file is often named after its sample, so its URI is no matter for the log.
    log.info("case %d: reading its VCF", case.case_id)
    log.debug("case %d: %s", case.case_id, case.vcf_uri)
    reader = vcf.read_case(case.vcf_uri, case.members or None, options)
    with lake.Stager(document.tables, document.part, case.case_id, document.load_id) as stager:
        for name, batch in _with_progress(reader):
            stager.write(name, batch)
        manifest = stager.finish()
        report = reader.report.to_json()
        write_staged(manifest_uri, Staged(manifest, report))
    for warning in report["warnings"]:
        log.warning("case %d: %s", case.case_id, warning)
    log.info("case %d: staged %s", case.case_id, manifest.rows)
    return Outcome(
        output={
            "case_id": case.case_id,
            "load_id": document.load_id,
            "records": records(report),
            "warnings": report["warnings"],
        },
        rows=manifest.rows,
        digests=manifest.digests,
    )


def records(report: dict[str, Any]) -> dict[str, int]:
    """Return the line counts of a report that a summary shows: read, kept, split, skipped, rejected."""
    lines = report["lines"]
    return {name: lines[name] for name in ("read", "kept", "split", "skipped", "rejected")}


def _with_progress(reader: vcf.CaseReader) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yield the reader's batches and log now and then how far it is."""
    started = told = time.monotonic()
    for item in reader.batches():
        now = time.monotonic()
        if now - told >= _LOG_EVERY_S:
            log.info("%d lines, %.0f lines/s", reader.lines_read, reader.lines_read / (now - started))
            told = now
        yield item
