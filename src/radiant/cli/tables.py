"""`radiant tables`."""

import sys

from radiant.settings import load_settings

_WIDTH_OF_PIPES = 160
"""Columns of text where no terminal says its width."""


def tables() -> None:
    """List the Iceberg tables: rows, data files, size, snapshots; and how many cases are visible."""
    from rich.console import Console  # noqa: PLC0415 - heavy, only here
    from rich.filesize import decimal  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    from radiant import lake  # noqa: PLC0415 - as above

    settings = load_settings()
    with lake.open_catalog(settings) as catalog:
        overviews = lake.table_overview(catalog, settings.lake.namespace)
    view = Table(box=None, pad_edge=False)
    view.add_column("table", no_wrap=True)
    for name in ("rows", "files", "size", "snapshots"):
        view.add_column(name, justify="right")
    view.add_column("one row per", overflow="fold")
    for one in overviews:
        doc = one.doc.removeprefix("One row per ").rstrip(".")
        if one.exists:
            view.add_row(one.name, f"{one.rows:,}", f"{one.files:,}", decimal(one.bytes), f"{one.snapshots:,}", doc)
        else:
            view.add_row(one.name, "-", "-", "-", "-", f"{doc} (not created yet)")
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_PIPES)
    console.print(view)
    cases = overviews[-1].rows
    console.print(
        f"\n{cases} {'case is' if cases == 1 else 'cases are'} visible. `radiant variants --case N` reads one."
    )
