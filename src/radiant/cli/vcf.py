"""`radiant vcf`: a VCF file without Airflow or Iceberg."""

from pathlib import Path
from typing import Annotated

import typer

from radiant.cli.terminal import echo
from radiant.errors import ConfigError, InputError, PedigreeError
from radiant.settings import load_settings

app = typer.Typer(help="Convert VCF files without Airflow or Iceberg.", no_args_is_help=True)


@app.callback()
def vcf() -> None:
    """Keep `convert` a command of its own: a group with one command would swallow its name."""


@app.command()
def convert(  # noqa: PLR0913 - one parameter per option of the command
    source: Annotated[str, typer.Argument(metavar="IN", help="VCF (bgzip, gzip or text) or BCF: a path or a URI.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the Parquet files and report.json; made if missing.")],
    ped: Annotated[
        str | None, typer.Option(help="PED file of the family. Without it every sample is a member of its own.")
    ] = None,
    proband: Annotated[str | None, typer.Option(help="The proband, where the pedigree does not name it.")] = None,
    assembly: Annotated[str | None, typer.Option(help="GRCh38 or GRCh37; the setting when not given.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on the first rejected line; same as --tolerate 0.")
    ] = False,
    tolerate: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Let up to N rejected lines go to quarantine.")
    ] = None,
    fasta: Annotated[
        str | None, typer.Option(help="Reference FASTA with .fai: checks REF and left-aligns indels.")
    ] = None,
) -> None:
    """Write occurrence, variant, consequence, compound_het and quarantine as Parquet, and report.json with the counts.

    All of it appears at the end, or nothing does. Exit code 65 when the file or the pedigree is refused.
    """
    from radiant import storage  # noqa: PLC0415 - loads fsspec
    from radiant.domain.pedigree import MAX_BYTES, parse_pedigree  # noqa: PLC0415 - only this command
    from radiant.domain.sheet import read_assembly  # noqa: PLC0415 - only this command
    from radiant.domain.text import decode_text  # noqa: PLC0415 - only this command
    from radiant.vcf import InfoOptions, ReadOptions, read_case  # noqa: PLC0415 - loads pyarrow
    from radiant.vcf.parquet import write_folder  # noqa: PLC0415 - loads pyarrow

    if strict and tolerate:
        msg = f"--strict and --tolerate {tolerate} contradict each other; give one of them"
        raise ConfigError(msg)
    if proband is not None and ped is None:
        msg = f"the proband {proband!r} needs a pedigree: give --ped"
        raise InputError(msg)
    settings = load_settings().vcf
    options = ReadOptions(
        assembly=settings.assembly if assembly is None else read_assembly(assembly),
        tolerate=0 if strict else settings.tolerate if tolerate is None else tolerate,
        compound_het_impact=settings.compound_het_impact,
        fasta=fasta or settings.fasta,
        info=InfoOptions.of(settings),
    )
    members = None
    if ped is not None:
        name = storage.to_uri(ped)
        members = parse_pedigree(decode_text(storage.read_bytes(name, MAX_BYTES), name, PedigreeError), name, proband)
    report = write_folder(read_case(storage.to_uri(source), members, options), out)
    lines = report.lines
    buckets = ("kept", "split", "skipped", "rejected")
    typer.echo(f"{lines.read} lines: " + ", ".join(f"{getattr(lines, name)} {name}" for name in buckets))
    typer.echo(", ".join(f"{count} {name} rows" for name, count in report.rows.items()) + f" in {out}")
    if report.fallback_note is not None:
        echo(report.fallback_note)
    for warning in report.warnings:
        echo(f"warning: {warning}", err=True)
