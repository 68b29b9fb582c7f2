"""The job `prepare-part`: claims the cases of one partition and writes a case document for each."""

import logging

from radiant import lake
from radiant.errors import CaseStateError
from radiant.jobs.documents import Request
from radiant.registry import Registry
from radiant.settings import Settings
from radiant.worker.case_document import CaseDocument, case_uri, write_case
from radiant.worker.outcome import Outcome

log = logging.getLogger("radiant.worker.prepare_part")


def handle(request: Request, settings: Settings) -> Outcome:
    """Claim the part's cases, make sure that the tables exist and write what each import needs.

    Arguments of the request: `part`, `cases` (ids; None for all that wait in this part). Staged files of earlier
    imports of these cases that never became visible are deleted. The output lists `cases` (`case_id`, `case_uri`,
    `load_id`), `deleted` (ids of removed cases whose rows must go) and `refused` (`case_id`, `code`, `reason`: cases of
    another part, or that another run holds).

    Raises:
        CaseNotFoundError: a case number is not registered.
        LakeError: the catalog does not answer.
    """
    part: int = request.arguments["part"]
    registry = Registry(settings.effective_registry_url)
    namespace = settings.lake.namespace
    with lake.open_catalog(settings) as catalog:
        tables = lake.ensure_tables(catalog, namespace)
        claim = registry.claim(
            part, request.arguments.get("cases"), run=request.run_uri, lease_s=settings.registry.lease_s
        )
        for load in claim.unfinished:
            lake.delete_staged(catalog, namespace, load.part, load.case_id, load.load_id)
    registry.mark_cleaned(load.load_id for load in claim.unfinished)
    cases: list[dict[str, object]] = []
    for claimed in claim.cases:
        case_id = claimed.case.case_id
        document = CaseDocument(
            case=claimed.case,
            part=part,
            load_id=claimed.load_id,
            tolerate=settings.vcf.tolerate,
            compound_het_impact=settings.vcf.compound_het_impact,
            fasta=settings.vcf.fasta,
            tables=tables,
        )
        uri = case_uri(request.run_uri, case_id)
        write_case(uri, document)
        cases.append({"case_id": case_id, "case_uri": uri, "load_id": claimed.load_id})
    refused = [
        {"case_id": case_id, "code": CaseStateError.code, "reason": reason}
        for case_id, reason in sorted(claim.refused.items())
    ]
    for one in refused:
        log.warning("case %d is refused: %s", one["case_id"], one["reason"])
    log.info("part %d: %d cases to import, %d to delete", part, len(cases), len(claim.deleted))
    return Outcome(output={"part": part, "cases": cases, "deleted": list(claim.deleted), "refused": refused})
