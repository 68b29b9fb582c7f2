"""The job `plan-import`: finds the cases that are due and gives them partitions and an order."""

import dataclasses
import logging

from radiant import lake
from radiant.domain.case import CaseState
from radiant.domain.case_numbers import read_case_numbers
from radiant.domain.partition import BlockedCases, plan
from radiant.jobs.contracts import PlanArguments, PlanOutput, arguments_of
from radiant.jobs.documents import Request
from radiant.registry import Registry, configured_strategies
from radiant.settings import Settings, otlp_is_on
from radiant.worker.handler import HandlerResult
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.plan_import")


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Plan the due cases and reserve them for this run (`assigned`); cases that are named are planned in any state.

    Raises:
        InputError: `cases` is not case numbers.
        CaseNotFoundError: a number is not registered.
        ConfigError: a configured strategy has no valid range.
        RegistryUnavailableError: the registry does not answer.
        LakeError: the catalog does not answer.
    """
    requested = read_case_numbers(arguments_of(request, PlanArguments).cases)
    strategies = configured_strategies(settings)
    registry = Registry(settings.effective_registry_url, prefixes=settings.input_prefixes)
    lost = _lost(registry, settings) if requested is None else ()
    due = registry.due(requested, run=request.run_uri, lost=lost)
    for one in due.cases:
        log.info("case %d is due: %s", one.case.case_id, one.reason)
    placement = registry.placement()
    planned = plan(
        [one.case for one in due.cases if one.state is not CaseState.DELETED],
        placement.known,
        placement.counts,
        removed={
            one.case.case_id: one.part for one in due.cases if one.state is CaseState.DELETED and one.part is not None
        },
        strategies=strategies,
    )
    refused = registry.assign(planned, run=request.run_uri, lease_s=settings.registry.lease_s)
    blocked = [
        *due.blocked,
        *planned.blocked,
        *(BlockedCases((case_id,), reason) for case_id, reason in sorted(refused.items())),
    ]
    parts = [
        dataclasses.replace(part, cases=tuple(case_id for case_id in part.cases if case_id not in refused))
        for part in planned.parts
    ]
    output = PlanOutput(tuple(part for part in parts if part.cases), tuple(blocked))
    for part in output.parts:
        log.info("part %d (%s): %d cases", part.part, part.priority, len(part.cases))
    for one in output.blocked:
        log.warning("blocked: cases %s: %s", ", ".join(map(str, one.cases)), one.reason)
    return HandlerResult(output, waiting=registry.waiting() if otlp_is_on() else None)


def _lost(registry: Registry, settings: Settings) -> set[int]:
    """Return the imported cases without visible rows: of a catalog that was deleted, or of another one.

    The registry is read first: a case that is `imported` there was committed before the catalog is read, so the result
    never has a case whose import is under way.
    """
    imported = registry.numbers(CaseState.IMPORTED)
    if not imported:
        return imported
    with lake.open_catalog(settings) as catalog:
        lost = imported - lake.visible_loads(catalog, settings.lake.namespace).keys()
    if lost:
        log.warning(
            "%d of %d imported cases have no rows in namespace %r of the catalog %r: they are imported again",
            len(lost),
            len(imported),
            settings.lake.namespace,
            settings.lake.catalog,
        )
    return lost
