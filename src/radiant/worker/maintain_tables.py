"""The job `maintain-tables`: what no table, no reader and no running import needs goes."""

import datetime as dt
import logging

from radiant import lake, storage
from radiant.jobs.contracts import MaintainArguments, MaintainedTable, MaintainOutput, arguments_of
from radiant.jobs.documents import Request
from radiant.registry import Registry
from radiant.settings import Settings
from radiant.worker.handler import HandlerResult
from radiant.worker.run_documents import remove_run_folders
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.maintain_tables")


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Maintain all tables and remove the documents of old runs.

    Raises:
        LakeError: the catalog does not answer, or two tables share a folder.
        RegistryUnavailableError: the registry does not answer; nothing was deleted.
        StorageError: the store does not answer; another try goes on.
    """
    output = maintain(settings, dry_run=arguments_of(request, MaintainArguments).dry_run)
    for table in output.tables:
        log.info(
            "%s: %d snapshots expired, %d files (%d bytes) and %d orphans (%d bytes) deleted",
            *(table.name, table.snapshots, table.files, table.bytes, table.orphans, table.orphan_bytes),
        )
    if output.keeps_versions:
        log.warning("the store keeps older versions: what was deleted stays until its own rule removes them")
    log.info("documents of %d runs deleted: %d files", output.runs, output.documents)
    return HandlerResult(output)


def maintain(settings: Settings, *, dry_run: bool, now: dt.datetime | None = None) -> MaintainOutput:
    """Maintain the tables and the work URI of an installation; return what was done, or with `dry_run` would be.

    Args:
        settings: `settings.maintenance` has the ages.
        dry_run: Change nothing.
        now: UTC; the time of the machine when None.

    Raises:
        LakeError: the catalog does not answer, or two tables share a folder.
        RegistryUnavailableError: the registry does not answer; nothing was deleted.
        StorageError: the store does not answer; another try goes on.
    """
    rules, at = settings.maintenance, now or dt.datetime.now(dt.UTC)
    cutoffs = lake.Cutoffs(
        replaced=at - dt.timedelta(hours=rules.snapshot_hours), orphans=at - dt.timedelta(hours=rules.orphan_hours)
    )
    # Before any listing: an import that ends meanwhile is committed by then, or still counts as under way.
    in_use = Registry(settings.effective_registry_url).in_use(cutoffs.orphans)
    with lake.open_catalog(settings) as catalog:
        tables = lake.maintain_tables(
            catalog,
            settings.lake.namespace,
            cutoffs,
            in_use.loads,
            target_bytes=rules.compact_mib << 20,
            held_cases=in_use.cases,
            dry_run=dry_run,
        )
        places = [*lake.table_roots(catalog, settings.lake.namespace), settings.effective_work_uri]
    removed = remove_run_folders(
        settings.effective_work_uri, at - dt.timedelta(days=rules.document_days), in_use.runs, dry_run=dry_run
    )
    return MaintainOutput(
        dry_run=dry_run,
        tables=tuple(
            MaintainedTable(
                name=one.name,
                snapshots=one.snapshots,
                kept_snapshots=one.kept_snapshots,
                files=one.expired.files,
                bytes=one.expired.bytes,
                orphans=one.orphans.files,
                orphan_bytes=one.orphans.bytes,
                compacted=one.compacted.before,
                compacted_into=one.compacted.after,
                manifests=one.manifests,
                note=one.note,
            )
            for one in tables
        ),
        runs=len(removed),
        documents=sum(len(folder.files) for folder in removed),
        document_bytes=sum(folder.size_bytes for folder in removed),
        keeps_versions=storage.kept_versions(places).anywhere,
    )
