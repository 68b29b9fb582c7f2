"""`radiant variants` and `radiant tables`: read the lake."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal

import typer

from radiant.cli.csv_cells import plain_text
from radiant.cli.terminal import TerminalBytes, printable
from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.errors import InputError, RadiantError
from radiant.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import pyarrow as pa

    from radiant.lake import VariantQuery
    from radiant.settings import Settings

DEFAULT_LIMIT = 100
"""Rows a terminal shows unless more are asked for."""


class OutputFormat(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"


def variants(  # noqa: PLR0913 - each is an option of the command
    *,
    case: Annotated[int, typer.Option("--case", help="Number of the case.", min=1)],
    origin: Annotated[
        list[str] | None, typer.Option(help="Parental origin: denovo, mother, father, both ... May be repeated.")
    ] = None,
    impact: Annotated[
        list[str] | None, typer.Option(help="HIGH, MODERATE, LOW or MODIFIER, of any VEP entry. May be repeated.")
    ] = None,
    gene: Annotated[
        list[str] | None, typer.Option(help="Symbol or gene id, of any VEP entry. May be repeated.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="chr1, chr1:1,000-2,000 or 1:1000; 1-based, inclusive.")] = None,
    max_af: Annotated[
        float | None,
        typer.Option(
            "--max-af",
            help="None of max_af, gnomade_af and gnomadg_af above this, from 0 to 1; alleles without a known frequency "
            "are shown.",
        ),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            help="Condition on columns of the variant table: \"info_cadd >= 20 and impact = 'HIGH'\"; a null fits none."
        ),
    ] = None,
    sample: Annotated[
        list[str] | None, typer.Option(help="Rows of this member instead of the proband's. May be repeated.")
    ] = None,
    all_members: Annotated[bool, typer.Option("--all-members", help="Rows of every member.")] = False,
    output_format: Annotated[
        OutputFormat, typer.Option("--format", help="How to write the rows.")
    ] = OutputFormat.TABLE,
    out: Annotated[str | None, typer.Option(help="File or URI to write to; standard output when not given.")] = None,
    limit: Annotated[
        int | None, typer.Option(help=f"At most this many rows; 0 for all. [table: {DEFAULT_LIMIT}, else all]", min=0)
    ] = None,
) -> None:
    """Show the variants of an imported case: the proband's unless members are named.

    Conditions of different kinds must all hold; repeated ones are alternatives. Impact and gene look at every entry of
    VEP, and the row shows the entry that matched.
    """
    from radiant import lake  # noqa: PLC0415 - heavy, only here
    from radiant.domain.region import parse_region  # noqa: PLC0415 - as above

    if output_format is OutputFormat.PARQUET and out is None:
        msg = "--format parquet needs --out FILE: Parquet is not text"
        raise InputError(msg)
    query = lake.VariantQuery(
        case_id=case,
        origins=tuple(word.lower() for word in origin or ()),
        impacts=tuple(word.upper() for word in impact or ()),
        genes=tuple(gene or ()),
        region=parse_region(region) if region else None,
        max_af=max_af,
        where=where,
        samples=tuple(sample or ()),
        all_members=all_members,
    )
    settings = load_settings()
    with lake.open_catalog(settings) as catalog:
        batches = lake.variants(catalog, settings.lake.namespace, query)
        if output_format is OutputFormat.TABLE:
            _write_table(batches, query, out, DEFAULT_LIMIT if limit is None else limit)
        else:
            _write_file(_first_rows(batches, limit or 0), lake.result_schema(), output_format, out)
        if lake.lacks_frequencies(catalog, settings.lake.namespace, query):
            typer.echo(
                f"warning: no variant of case {case} has a population frequency: max_af, gnomade_af and gnomadg_af are "
                "null, and a filter by them finds all variants or none. docs/vcf-reading.md lists the names that are "
                "read; RADIANT_VCF__GNOMADE_AF_NAMES and its like add others",
                err=True,
            )
    _warn_if_older(case, settings)


def _warn_if_older(case: int, settings: Settings) -> None:
    """Print to standard error when these rows are not of the case's newest files."""
    from radiant.domain.case import CaseState  # noqa: PLC0415 - only here
    from radiant.registry import Registry  # noqa: PLC0415 - loads SQLAlchemy

    try:
        record = Registry(settings.effective_registry_url).get(case)
    except RadiantError:
        return  # the lake may be read where the registry is out of reach
    if record.state is CaseState.IMPORTED:
        return
    why = f" ({record.failure.code})" if record.failure else ""
    text = f"warning: case {case} is {record.state}{why}: the rows are those of an earlier import. "
    typer.echo(f"{text}`radiant cases show {case}` shows more", err=True)


def _first_rows(batches: Iterator[pa.RecordBatch], limit: int) -> Iterator[pa.RecordBatch]:
    """Yield the first rows, all of them for 0."""
    left = limit
    for batch in batches:
        yield batch.slice(0, left) if limit else batch
        left -= batch.num_rows
        if limit and left <= 0:
            return


def _write_file(batches: Iterator[pa.RecordBatch], schema: pa.Schema, kind: OutputFormat, out: str | None) -> None:
    import pyarrow as pa  # noqa: PLC0415 - heavy, only here
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    with _output(out) as file:
        if kind is OutputFormat.PARQUET:
            with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                for batch in batches:
                    writer.write_batch(batch)
            return
        flat = pa.schema([field.with_type(pa.string() if _is_list(field) else field.type) for field in schema])
        with csv.CSVWriter(file, flat) as writer:
            for batch in batches:
                writer.write_batch(_flat(batch, flat))


@contextlib.contextmanager
def _output(out: str | None) -> Generator[IO[bytes] | TerminalBytes]:
    from radiant import storage  # noqa: PLC0415 - heavy, only here

    if out is None and sys.stdout.isatty():
        yield TerminalBytes()
    elif out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with storage.open_write(storage.to_uri(out)) as file:
            yield file


def _is_list(field: pa.Field) -> bool:
    return str(field.type).startswith(("list", "large_list"))


def _flat(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Join lists by `;`, which CSV has none of, and keep texts from being formulas."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, only here

    columns = [
        pa.array([None if cell is None else _csv_text(cell) for cell in column.to_pylist()], pa.string())
        if pa.types.is_string(schema.field(index).type)
        else column
        for index, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _csv_text(cell: str | list[str]) -> str:
    return plain_text(cell if isinstance(cell, str) else ";".join(cell))


def _write_table(batches: Iterator[pa.RecordBatch], query: VariantQuery, out: str | None, limit: int) -> None:
    from rich.console import Console  # noqa: PLC0415 - heavy, only here
    from rich.table import Table  # noqa: PLC0415 - as above

    text = io.StringIO()
    to_terminal = out is None and sys.stdout.isatty()
    console = Console(width=None if to_terminal else _WIDTH_OF_PIPES, file=None if out is None else text)
    needed = {"sample"} if query.samples or query.all_members else set[str]()
    shown = [name for name in _COLUMNS if console.width >= _WIDE or name not in _ONLY_WIDE or name in needed]
    view = Table(box=None, pad_edge=False, row_styles=("", "dim"))
    for name in shown:
        view.add_column(name, justify=_COLUMNS[name], overflow="fold", no_wrap=name == "locus")
    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
    for row in itertools.islice(rows, limit or None):
        cells = _cells(row)
        view.add_row(*(_styled(_text(cells[name])) for name in shown))
    console.print(view)
    if out is None:
        console.print(_note(view.row_count, query, more=next(rows, None) is not None), highlight=False)
        if len(shown) < len(_COLUMNS):
            hidden = [name for name in _COLUMNS if name not in shown]
            console.print(f"{', '.join(hidden)}: in a terminal of {_WIDE} columns, or --format csv", style="dim")
        return
    with _output(out) as file:
        file.write(text.getvalue().encode())


def _note(rows: int, query: VariantQuery, *, more: bool) -> str:
    if more:
        return f"\nthe first {rows} rows; --limit 0 shows all, --format csv --out FILE writes them"
    if not rows and query.genes:
        return f"\n0 rows; no entry of VEP that fits names the gene {' or '.join(query.genes)}"
    return f"\n{rows} {'row' if rows == 1 else 'rows'}"


_WIDTH_OF_PIPES = 260
"""Columns of text for `variants` where no terminal has a width."""

_COLUMNS: dict[str, Literal["left", "right"]] = {
    "locus": "left",
    "gene": "left",
    "consequence": "left",
    "impact": "left",
    "HGVSc": "left",
    "HGVSp": "left",
    "sample": "left",
    "zyg": "left",
    "gq": "right",
    "dp": "right",
    "ad": "right",
    "filter": "left",
    "mother": "left",
    "father": "left",
    "origin": "left",
    "mode": "left",
    "comp het": "left",
    "max af": "right",
    "rs": "left",
}

_ONLY_WIDE = ("HGVSc", "sample", "filter", "mode", "rs")
"""Columns left out where there is no room for all."""

_WIDE = 160
"""Columns of text from which all are shown."""

_STYLES = {"HIGH": "bold red", "MODERATE": "yellow", "denovo": "bold magenta"}


def _cells(row: dict[str, Any]) -> dict[str, object]:
    ad = None if row["ad_ref"] is None and row["ad_alt"] is None else f"{_text(row['ad_ref'])},{_text(row['ad_alt'])}"
    return {
        "locus": row["locus"],
        "gene": row["symbol"] or row["gene_id"],
        "consequence": ", ".join(term.removesuffix("_variant") for term in row["consequences"] or ()),
        "impact": row["impact"],
        "HGVSc": row["hgvsc"],
        "HGVSp": _after_colon(row["hgvsp"]),
        "sample": row["sample"],
        "zyg": row["zygosity"],
        "gq": row["gq"],
        "dp": row["dp"],
        "ad": ad,
        "filter": ", ".join(row["filter"] or ()),
        "mother": row["mother_zygosity"],
        "father": row["father_zygosity"],
        "origin": row["parental_origin"],
        "mode": row["transmission_mode"],
        "comp het": row["compound_het"],
        "max af": _highest(row),
        "rs": ", ".join(row["rsnumber"] or ()),
    }


def _highest(row: dict[str, Any]) -> str | None:
    """Return the highest of a row's population frequencies, three digits of it."""
    known = [value for name in FREQUENCY_COLUMNS if (value := row[name]) is not None]
    return f"{max(known):.3g}" if known else None


def _text(cell: object) -> str:
    return "" if cell is None else printable(str(cell))


def _styled(text: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - heavy, only here

    style = _STYLES.get(text)
    return f"[{style}]{escape(text)}[/]" if style else escape(text)


def _after_colon(hgvs: str | None) -> str | None:
    """Return `p.Arg97Trp` of `ENSP00000269305.4:p.Arg97Trp`: the transcript is in HGVSc already."""
    return None if hgvs is None else hgvs.rpartition(":")[2]


# --- `radiant tables` -------------------------------------------------------------------------------------------------


_WIDTH_OF_OVERVIEW = 160
"""The same for `tables`."""


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
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_OVERVIEW)
    console.print(view)
    cases = overviews[-1].rows
    console.print(
        f"\n{cases} {'case is' if cases == 1 else 'cases are'} visible. `radiant variants --case N` reads one."
    )
