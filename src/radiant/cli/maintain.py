"""`radiant maintain`: delete what no table, no reader and no running import needs."""

from typing import TYPE_CHECKING, Annotated

import typer

from radiant.cli.terminal import echo
from radiant.settings import load_settings

if TYPE_CHECKING:
    from radiant.jobs.contracts import MaintainOutput

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def maintain(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; print what would be deleted.")] = False
) -> None:
    """Expire old snapshots, and delete files and documents that are needed no more.

    It may run beside imports, and may be interrupted and repeated. RADIANT_MAINTENANCE__* has the ages; the DAG
    maintain-tables does the same.
    """
    from radiant.worker import maintain_tables  # noqa: PLC0415 - heavy, only here

    for line in report(maintain_tables.maintain(load_settings(), dry_run=dry_run)):
        echo(line)


def report(output: "MaintainOutput") -> list[str]:
    """Return what maintenance did, or would do, as lines for a person."""
    header = ("table", "snapshots expired", "kept", "their files", "orphans")
    rows = [
        (
            table.name,
            f"{table.snapshots:,}",
            f"{table.kept_snapshots:,}",
            _amount(table.files, table.bytes),
            _amount(table.orphans, table.orphan_bytes),
        )
        for table in output.tables
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    lines += [
        f"{table.name}: {table.compacted:,} small files into {table.compacted_into:,}"
        for table in output.tables
        if table.compacted
    ]
    lines += [f"{table.name}: {table.manifests:,} manifests into fewer" for table in output.tables if table.manifests]
    lines += [f"{table.name}: {table.note}" for table in output.tables if table.note]
    lines.append(f"documents of {output.runs:,} finished runs: {_amount(output.documents, output.document_bytes)}")
    files = sum(table.files + table.orphans for table in output.tables) + output.documents
    freed = sum(table.bytes + table.orphan_bytes for table in output.tables) + output.document_bytes
    lines.append(f"{'Would free' if output.dry_run else 'Freed'}: {_amount(files, freed)}")
    if output.keeps_versions:
        lines.append("The store keeps older versions of objects: the space is free once its own rule removes these")
    return [line.rstrip() for line in lines]


def _amount(files: int, size: int) -> str:
    """Return a number of files and their bytes: `3 files, 1.2 MiB`."""
    if not files:
        return "none"
    shown, unit = float(size), 0
    while shown >= _STEP and unit < len(_UNITS) - 1:
        shown, unit = shown / _STEP, unit + 1
    text = f"{size:,} B" if unit == 0 else f"{shown:,.1f} {_UNITS[unit]}"
    return f"{files:,} file{'' if files == 1 else 's'}, {text}"
