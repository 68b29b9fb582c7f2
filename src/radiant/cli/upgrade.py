"""`radiant upgrade`: bring the registry and the tables to this version."""

from typing import Annotated

import typer

from radiant.cli.terminal import echo
from radiant.domain.columns import chosen_columns
from radiant.domain.tables import with_chosen_columns
from radiant.settings import load_settings


def upgrade(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change, and change nothing.")] = False,
) -> None:
    """Bring the registry and the tables of an earlier version to this one; nothing is lost, and repeating is harmless.

    A registry in a SQLite file is copied first. Tables get the columns that they lack; columns of others stay.
    """
    from radiant import lake  # noqa: PLC0415 - heavy, only here
    from radiant.registry import upgrade_registry  # noqa: PLC0415 - as above

    settings = load_settings()
    would = "would be " if dry_run else ""
    done = upgrade_registry(settings.effective_registry_url, dry_run=dry_run)
    if done.found == done.now:
        echo(f"registry {done.shown}: version {done.now}, nothing to do")
    else:
        echo(f"registry {done.shown}: {would}upgraded from version {done.found} to {done.now}")
    if done.backup is not None:
        echo(f"registry as it was before: {done.backup}")
    declared = with_chosen_columns(chosen_columns(settings.vcf.info_columns))
    with lake.open_catalog(settings) as catalog:
        changes = lake.table_changes(catalog, settings.lake.namespace, declared)
        if not dry_run:
            lake.ensure_tables(catalog, settings.lake.namespace, declared, settings.namespace_location)
    for change in changes:
        steps = [] if change.exists else [f"{would}created"]
        if change.exists and change.added:
            steps.append(f"{would}given {', '.join(change.added)}")
        if change.made_optional:
            steps.append(f"{would}without a value in new rows: {', '.join(change.made_optional)}")
        if change.of_others:
            steps.append(f"columns of others stay: {', '.join(change.of_others)}")
        echo(f"table {change.name}: {'; '.join(steps) or 'nothing to do'}")
