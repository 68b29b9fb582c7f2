"""`radiant variants`."""

from __future__ import annotations

import contextlib
import itertools
import sys
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from radiant.errors import InputError
from radiant.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import pyarrow as pa

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
        samples=tuple(sample or ()),
        all_members=all_members,
    )
    settings = load_settings()
    with lake.open_catalog(settings) as catalog:
        batches = lake.variants(catalog, settings.lake.namespace, query)
        if output_format is OutputFormat.TABLE:
            _write_table(batches, out, DEFAULT_LIMIT if limit is None else limit)
        else:
            _write_file(_first_rows(batches, limit or 0), lake.result_schema(), output_format, out)


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
def _output(out: str | None) -> Generator[IO[bytes]]:
    from radiant import storage  # noqa: PLC0415 - heavy, only here

    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with storage.open_write(storage.to_uri(out)) as file:
            yield file


def _is_list(field: pa.Field) -> bool:
    return str(field.type).startswith(("list", "large_list"))


def _flat(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Join lists by `;`: CSV has none."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, only here

    columns = [
        pa.array([None if cell is None else ";".join(cell) for cell in column.to_pylist()], pa.string())
        if _is_list(batch.schema.field(index))
        else column
        for index, column in enumerate(batch.columns)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _write_table(batches: Iterator[pa.RecordBatch], out: str | None, limit: int) -> None:
    from rich.console import Console  # noqa: PLC0415 - heavy, only here
    from rich.table import Table  # noqa: PLC0415 - as above

    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
    view = Table(box=None, pad_edge=False, row_styles=("", "dim"))
    for name, justify in _COLUMNS.items():
        view.add_column(name, justify=justify, overflow="fold", no_wrap=name == "locus")
    shown = 0
    more = False
    for row in rows:
        if limit and shown == limit:
            more = True
            break
        view.add_row(*_cells(row))
        shown += 1
    note = f"\n{shown} {'row' if shown == 1 else 'rows'}"
    if more:
        note = f"\nthe first {shown} rows; --limit 0 shows all, --format csv --out FILE writes them"
    if out is None:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_PIPES)
        console.print(view)
        console.print(note, highlight=False)
        return
    import io  # noqa: PLC0415 - only here

    text = io.StringIO()
    Console(file=text, width=_WIDTH_OF_PIPES).print(view)
    with _output(out) as file:
        file.write(text.getvalue().encode())


_WIDTH_OF_PIPES = 260
"""Columns of text where no terminal says its width."""

_COLUMNS: dict[str, Any] = {
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
    "mother": "left",
    "father": "left",
    "origin": "left",
    "mode": "left",
    "rs": "left",
}

_STYLES = {"HIGH": "bold red", "MODERATE": "yellow", "denovo": "bold magenta"}


def _cells(row: dict[str, Any]) -> list[str]:
    ad = "" if row["ad_ref"] is None and row["ad_alt"] is None else f"{_text(row['ad_ref'])},{_text(row['ad_alt'])}"
    cells = [
        row["locus"],
        row["symbol"] or row["gene_id"],
        ", ".join(term.removesuffix("_variant") for term in row["consequences"] or ()),
        row["impact"],
        row["hgvsc"],
        _after_colon(row["hgvsp"]),
        row["sample"],
        row["zygosity"],
        row["gq"],
        row["dp"],
        ad,
        row["mother_zygosity"],
        row["father_zygosity"],
        row["parental_origin"],
        row["transmission_mode"],
        ", ".join(row["rsnumber"] or ()),
    ]
    return [_styled(_text(cell)) for cell in cells]


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)


def _styled(text: str) -> str:
    from rich.markup import escape  # noqa: PLC0415 - heavy, only here

    style = _STYLES.get(text)
    return f"[{style}]{escape(text)}[/]" if style else escape(text)


def _after_colon(hgvs: str | None) -> str | None:
    """Return `p.Arg97Trp` of `ENSP00000269305.4:p.Arg97Trp`: the transcript is in HGVSc already."""
    return None if hgvs is None else hgvs.rpartition(":")[2]
