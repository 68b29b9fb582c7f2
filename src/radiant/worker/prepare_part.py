"""The job `prepare-part`: claims the cases of one partition and writes a case document for each."""

import logging
from collections.abc import Sequence

from radiant import lake, storage
from radiant.domain.case_numbers import read_case_numbers
from radiant.jobs.contracts import FailedCase, PrepareArguments, PreparedCase, PrepareOutput, arguments_of
from radiant.jobs.documents import Request
from radiant.registry import ClaimedCase, Registry
from radiant.settings import Settings
from radiant.vcf import InfoOptions
from radiant.worker.case_document import (
    CaseDocument,
    PreparedCases,
    case_uri,
    read_prepared,
    write_case,
    write_prepared,
)
from radiant.worker.handler import HandlerResult
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.prepare_part")


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Claim the part's cases, make sure that the tables exist and write what each import needs.

    Staged files of earlier imports of these cases that never became visible are deleted.

    A repetition in the same run, as when a person repairs a case and clears a task, reads pedigrees and registrations
    again: a case that this run has imported and that has not changed stays, one that is under way and has not changed
    goes on, any other gets a new load. A case whose pedigree cannot be read is refused and due again; the others go on.
    Cases keep their places in the list, since the mapped tasks are numbered by it.

    Raises:
        InputError: `cases` is not case numbers.
        CaseNotFoundError: a case number is not registered.
        ConfigError: a setting of INFO columns cannot be used.
        LakeError: the catalog does not answer.
    """
    arguments = arguments_of(request, PrepareArguments)
    part, requested = arguments.part, read_case_numbers(arguments.cases)
    registry = Registry(settings.effective_registry_url, prefixes=settings.input_prefixes)
    namespace = settings.lake.namespace
    before = read_prepared(request.run_uri)
    info = InfoOptions.of(settings.vcf)
    with lake.open_catalog(settings) as catalog:
        tables = lake.ensure_tables(catalog, namespace, info.tables, settings.namespace_location)
        visible = lake.visible_loads(catalog, namespace) if before.cases else {}
        claim = registry.claim(
            part,
            requested,
            run=request.run_uri,
            lease_s=settings.registry.lease_s,
            again=[*before.cases, *before.deleted],
            visible=visible,
            most=arguments.most,
        )
        for load in claim.unfinished:
            lake.delete_staged(catalog, namespace, load.part, load.case_id, load.load_id, load.run)
    registry.mark_cleaned(load.load_id for load in claim.unfinished)
    claimed = {one.case.case_id: one for one in claim.cases}
    slots = list(dict.fromkeys([*before.cases, *claimed]))
    # Before the documents: even if this job ends here, a repetition gives each case the index that it has now.
    write_prepared(request.run_uri, PreparedCases(tuple(slots), tuple(claim.deleted)))
    for case_id, one in claimed.items():
        document = CaseDocument(
            case=one.case,
            part=part,
            load_id=one.load_id,
            tolerate=settings.vcf.tolerate,
            compound_het_impact=settings.vcf.compound_het_impact,
            fasta=settings.vcf.fasta,
            tables=tables,
            committed=one.committed,
            info=info,
        )
        write_case(case_uri(request.run_uri, case_id), document)
    for case_id in before.cases:
        if case_id not in claimed:
            storage.delete_prefix(case_uri(request.run_uri, case_id))
    output = PrepareOutput(
        part=part,
        cases=tuple(
            PreparedCase(
                case_id=case_id,
                case_uri=case_uri(request.run_uri, case_id),
                load_id=claimed[case_id].load_id if case_id in claimed else None,
                vcf_bytes=claimed[case_id].vcf_bytes if case_id in claimed else None,
                samples=max(len(claimed[case_id].case.members), 1) if case_id in claimed else None,
            )
            for case_id in slots
        ),
        deleted=tuple(claim.deleted),
        refused=tuple(
            FailedCase(case_id, one.code, one.reason, one.retryable) for case_id, one in sorted(claim.refused.items())
        ),
        waiting=tuple(claim.waiting),
    )
    for one in output.refused:
        # The reason may quote a pedigree: it is for the result document, not for the log.
        log.warning("case %d is refused, the reason is in the verdict", one.case_id)
    if before.cases:
        _log_repetition(claim.cases)
    if claim.waiting:
        log.warning("part %d: %d cases are left to another run", part, len(claim.waiting))
    to_import = sum(not one.committed for one in claim.cases)
    log.info("part %d: %d cases to import, %d to delete", part, to_import, len(claim.deleted))
    return HandlerResult(output)


def _log_repetition(cases: Sequence[ClaimedCase]) -> None:
    """Log what a repetition found, so that a person who cleared a task sees which cases are read again."""
    kept = [one.case.case_id for one in cases if one.committed]
    others = [one.case.case_id for one in cases if not one.committed]
    log.info("this run was prepared before: pedigrees and registrations of its cases were read again")
    if kept:
        log.info("imported by this run and unchanged, so they stay: cases %s", ", ".join(map(str, kept)))
    if others:
        log.info("prepared again, as they are now: cases %s", ", ".join(map(str, others)))
