"""`radiant cases`: register cases, look at them, remove them."""

import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radiant.cli.csv_cells import plain_text
from radiant.cli.terminal import echo, printable
from radiant.domain.case import CaseState
from radiant.errors import EXIT_BUG, InputError
from radiant.settings import load_settings

if TYPE_CHECKING:
    from radiant.registry import CaseRecord, Registry

app = typer.Typer(help="Register cases, look at them, remove them.", no_args_is_help=True)

_LISTED = ("case", "state", "part", "priority", "strategy", "assembly", "members", "vcf", "reason")
"""Columns of `radiant cases list`."""


_NARROW = frozenset(_LISTED) - {"vcf"}
"""Columns that keep their width on a narrow terminal."""


class Format(StrEnum):
    """How `radiant cases list` prints."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


CaseNumber = Annotated[int, typer.Argument(metavar="CASE", min=1, help="Number of the case.")]


@app.command()
def add(  # noqa: PLR0913 - one option per column of a sheet
    *,
    vcf: Annotated[str | None, typer.Option(help="VCF or BCF of the case: a path or a URI.")] = None,
    ped: Annotated[
        str | None, typer.Option(help="PED file of the family. Without it every sample is a member of its own.")
    ] = None,
    case: Annotated[
        int | None, typer.Option(min=1, help="Number of the case; else the case of this VCF, or the next number.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(help="wgs, wxs or a configured one. Default: wgs.")] = None,
    priority: Annotated[str | None, typer.Option(help="stat, asap, urgent or routine. Default: routine.")] = None,
    assembly: Annotated[str | None, typer.Option(help="GRCh38 or GRCh37. Default: RADIANT_VCF__ASSEMBLY.")] = None,
    proband: Annotated[str | None, typer.Option(help="Individual id of the proband in the PED file.")] = None,
    patient: Annotated[
        str | None, typer.Option(help="The person, across cases; for a case without --ped, of one sample.")
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="CSV with the columns case, vcf, ped, strategy, priority, assembly, proband, patient."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Change cases that are registered in another way; else they are named.")
    ] = False,
) -> None:
    """Register one case (--vcf), or all of a sheet (--sheet). Adding the same twice changes nothing.

    A case that is registered already keeps what is not given; what differs is shown, and changed with --replace.
    """
    from radiant.cli import register  # noqa: PLC0415 - heavy, only here

    options = {
        "ped": ped,
        "strategy": strategy,
        "priority": priority,
        "assembly": assembly,
        "proband": proband,
        "patient": patient,
    }
    settings = load_settings()
    if sheet is not None:
        given = [f"--{name}" for name, value in {"vcf": vcf, "case": case, **options}.items() if value is not None]
        if given:
            message = f"--sheet cannot be combined with {', '.join(given)}; the sheet has a column for each"
            raise typer.BadParameter(message)
        wanted = register.from_sheet(sheet, settings)
    elif vcf is not None or case is not None:
        vcf = vcf or _registry().get(case or 0).case.vcf_uri
        wanted = [register.from_options(vcf, case, options, settings)]
    else:
        message = "give --vcf for one case (or --case for one that is registered), or --sheet for many"
        raise typer.BadParameter(message)
    registry = _registry()
    checked = register.check_files(wanted, registry, settings.input_prefixes)
    for note in checked.notes:
        typer.echo(printable(note), err=True)
    registered = register.register(registry, checked.wanted, settings, replace=replace)
    if registered.done:
        _print_table(
            ("case", "change", "vcf"),
            [(str(outcome.case_id), str(outcome.change), stated.vcf_uri) for outcome, stated in registered.done],
        )
    for outcome, _ in registered.done:
        for difference in outcome.differences:
            typer.echo(f"case {outcome.case_id}: {printable(difference)}")
    if registered.refused:
        message = "\n  ".join(["not added:", *registered.refused] if registered.done else registered.refused)
        raise InputError(message)


@app.command("list")
def list_cases(
    *,
    state: Annotated[CaseState | None, typer.Option(help="Only the cases in this state.")] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="table for people; csv or json, a list of objects, for programs.")
    ] = Format.TABLE,
) -> None:
    """Print one line per case. Removed cases are shown only with --state deleted."""
    records = [
        record for record in _registry().list_cases(state) if state is not None or record.state is not CaseState.DELETED
    ]
    facts = [_listed(record) for record in records]
    if format_ is Format.JSON:
        typer.echo(json.dumps(facts, indent=1))
        return
    if format_ is Format.CSV:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(_LISTED)
        for one in facts:
            writer.writerow([_csv_cell(one[name]) for name in _LISTED])
        return
    rows = [
        ["as in VCF" if name == "members" and not one[name] else str(one[name] or "") for name in _LISTED]
        for one in facts
    ]
    for row, one in zip(rows, facts, strict=True):
        row[2] = "" if one["part"] is None else str(one["part"])
    if rows and not _is_terminal():
        widths = [max(map(len, column)) for column in zip(_LISTED, *rows, strict=True)]
        for row in [_LISTED, *rows]:
            cells = [printable(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
            typer.echo("  ".join(cells).rstrip())
        return
    if not rows:
        typer.echo("no case; `radiant cases add` registers one")
        return
    _print_table(_LISTED, rows)


@app.command()
def show(case: CaseNumber) -> None:
    """Print a case: members, files, state, history, and why it failed."""
    registry = _registry()
    record = registry.get(case)
    if (erasure := registry.erasure(case)) is not None:
        ended = (
            f"{erasure.finished_at:%Y-%m-%d %H:%M} UTC" if erasure.finished_at else "not finished: repeat the command"
        )
        typer.echo(f"case {case} was erased ({ended}): {printable(erasure.reason)}")
        return
    typer.echo(f"case {case}")
    for name, value in _facts(record):
        typer.echo(f"  {name:<10}{printable(value)}")
    typer.echo("\nmembers")
    _print_table(
        ("sample", "family", "father", "mother", "sex", "affected", "proband", "patient", "experiment"),
        [
            (
                member.sample,
                member.family_id,
                member.father or "0",
                member.mother or "0",
                str(member.sex),
                str(member.affected),
                "yes" if member.is_proband else "",
                member.patient_id,
                member.experiment_id,
            )
            for member in record.case.members
        ],
        empty="every sample of the VCF is a member of its own",
    )
    parts = registry.parts_of(record.case)
    if set(parts.values()) - {record.part}:
        typer.echo("\nids and the parts that they are in; a case is planned where all of its ids are in one")
        _print_table(("kind", "id", "part"), sorted((str(one.kind), one.id, str(part)) for one, part in parts.items()))
    typer.echo("\nhistory")
    _print_table(
        ("at (UTC)", "from", "to", "what"),
        [
            (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.from_state or "", str(entry.to_state), entry.note)
            for entry in registry.history(case)
        ],
    )


@app.command()
def remove(case: CaseNumber) -> None:
    """Remove a case: the next run deletes its rows from every table. Its number and history stay."""
    record = _registry().remove(case)
    typer.echo(f"case {case} is removed" if record.purged else f"case {case} is removed; the next run deletes its rows")


@app.command()
def erase(
    case: CaseNumber,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the certificate, without a name: consent withdrawn.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for a copy of the certificate; made if missing.")] = None,
) -> None:
    """Erase a case for good, for a withdrawn consent: rows, snapshots, files, documents, log lines, registration.

    Ends with a certificate. It may be interrupted and repeated. The VCF itself is not touched. Exit code 70 when
    something of the case is found afterwards, or a file is damaged and could not be searched.
    """
    from radiant import storage  # noqa: PLC0415 - heavy, only here
    from radiant.worker.erase_case import erase_case  # noqa: PLC0415 - heavy, only here
    from radiant.worker.erasure_certificate import certificate_text  # noqa: PLC0415 - heavy, only here

    settings = load_settings()
    if not reason.strip():
        msg = "--reason is empty, and the certificate states it: name one without a name, as in 'consent withdrawn'"
        raise InputError(msg)
    if out is not None:
        _require_writable(out)  # before anything is erased
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Erase case {case} for good? It cannot be brought back", abort=True)
    try:
        erased = erase_case(settings, case, reason)
    except KeyboardInterrupt:
        echo(f"Stopped: case {case} may be half erased. The same command goes on where it stopped", err=True)
        raise
    echo(certificate_text(erased.certificate, with_files=False))
    places = [erased.uris.certificate, erased.uris.text]
    if out is not None:
        for uri in places:
            (out / f"case-{case}-{uri.rpartition('/')[2]}").write_bytes(storage.read_bytes(uri))
    echo(f"The certificate, with a list of each deleted file: {' and '.join(places)}")
    for uri in erased.sources:
        echo(f"Not touched, a file of its owner: {uri}")
    if not erased.certificate.complete:
        raise typer.Exit(EXIT_BUG)


def _require_writable(folder: Path) -> None:
    """Make a folder unless it is there, and raise the operating system's error where it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def _listed(record: "CaseRecord") -> dict[str, str | int | None]:
    """Return the list's columns of a case, by `_LISTED`; `members` is 0 where they are as in the VCF."""
    return {
        "case": record.case.case_id,
        "state": str(record.state),
        "part": record.part,
        "priority": str(record.case.priority),
        "strategy": record.case.strategy,
        "assembly": record.case.assembly,
        "members": len(record.case.members),
        "vcf": record.case.vcf_uri,
        "reason": None if record.failure is None else record.failure.code,
    }


def _facts(record: "CaseRecord") -> list[tuple[str, str]]:
    facts = [("state", str(record.state))]
    if record.failure is not None:
        facts.append(("failed", f"{record.failure.code}: {record.failure.reason}"))
        again = (
            "by itself, in the next run" if record.failure.retryable else "when a file of it changes, or when asked for"
        )
        facts.append(("again", again))
    if record.run is not None:
        facts.append(("run", f"{record.run} until {record.lease_until:%Y-%m-%d %H:%M} UTC"))
    if record.state is CaseState.DELETED:
        facts.append(("rows", "deleted" if record.purged else "deleted by the next run"))
    facts += [
        ("part", "not planned yet" if record.part is None else str(record.part)),
        ("priority", str(record.case.priority)),
        ("strategy", record.case.strategy),
        ("assembly", record.case.assembly),
    ]
    for file in record.files:
        facts.append((str(file.role), f"{file.uri} ({'not seen' if file.size is None else f'{file.size:,} bytes'})"))
        if file.sha256 is not None:
            facts.append(("sha256", file.sha256))
    if record.imported_at is not None:
        facts.append(("imported", f"{record.imported_at:%Y-%m-%d %H:%M:%S} UTC"))
    return facts


def _registry() -> "Registry":
    from radiant.registry import Registry  # noqa: PLC0415 - heavy, only here

    return Registry(load_settings().effective_registry_url)


def _csv_cell(cell: str | int | None) -> str | int | None:
    if not isinstance(cell, str):
        return cell
    return plain_text(printable(cell) if _is_terminal() else cell)


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "") -> None:
    """Print a table for a person at a terminal; tab-separated lines, header first, for a pipe."""
    if not _is_terminal():
        for row in [header, *rows]:
            typer.echo("\t".join(map(printable, row)))
        return
    if not rows:
        typer.echo(empty)
        return
    from rich.console import Console  # noqa: PLC0415 - heavy, only here
    from rich.table import Table  # noqa: PLC0415 - heavy, only here
    from rich.text import Text  # noqa: PLC0415 - heavy, only here

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, overflow="fold", no_wrap=name in _NARROW)
    for row in rows:
        # Text, not str: a sample's name may look like markup.
        table.add_row(*(Text(printable(value)) for value in row))
    Console().print(table)
