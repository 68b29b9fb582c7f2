"""Demo families on disk: folders, pedigrees, truth, the sample sheet."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pysam

from radiant.demo.bgzf_writer import BgzfWriter
from radiant.demo.families import Family, family, ped_text
from radiant.demo.family_writer import FamilyWriter
from radiant.demo.header import header
from radiant.demo.record_positions import MAX_RECORDS, MIN_RECORDS
from radiant.errors import InputError, StorageError
from radiant.storage import file_uri, write_bytes

MAX_FAMILIES = 9999
"""Family names have four digits."""

_PRIORITIES = ("routine", "stat", "urgent", "asap")

_README = """\
Simulated families for trying and testing radiant. They describe no real person.

cases.csv                  the sample sheet: radiant cases add --sheet cases.csv
FAMnnnn/FAMnnnn.vcf.gz     GRCh38, annotated as VEP does, bgzip; .tbi is its index
FAMnnnn/FAMnnnn.ped        the pedigree; the proband comes first
FAMnnnn/FAMnnnn.truth.tsv  one row per ALT that the proband's genotype shows (`*` left out)

Columns of the truth
locus       chrom-pos-ref-alt in shortest form, chromosome without chr
gene        symbol, . between genes
origin      the simulated one: mother, father, both, denovo; stated even if that parent is not in the VCF
determined  yes: the called genotypes (no call missing or under 3 reads) leave no other origin possible
zygosity    HET, HOM, HEM; UNK where one of two calls is missing
kind        inherited, de_novo, x_linked, y_linked, mitochondrial
story       of a planted variant: recessive, compound_het, dominant, de_novo ...; . for any other
pair        name of the compound heterozygous pair, . without one
ad_alt      reads of the allele in the proband

Reference bases, rs numbers from 9000000000 on, and identifiers with 99 after their prefix are made up: a FASTA of
GRCh38 does not match REF. Made with seed {seed}; the same seed, families and records give the same bytes.
"""


def _check(families: int, records: int, seed: int) -> None:
    for name, value, least, most in (
        ("families", families, 1, MAX_FAMILIES),
        ("records", records, MIN_RECORDS, MAX_RECORDS),
        ("seed", seed, 0, 2**63 - 1),
    ):
        if not least <= value <= most:
            msg = f"{name} is {value}; it must be a whole number from {least} to {most}"
            raise InputError(msg)


@contextlib.contextmanager
def _locked(directory: Path) -> Generator[None]:
    """Lock a folder for this process, so that a leftover file is never one of a run that goes on."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        msg = f"{directory} cannot be used as a folder: {error.strerror}. Name a folder that can be written"
        raise InputError(msg) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another `radiant demo make` is writing to {directory}. Wait for it, or name another folder"
            raise InputError(msg) from error
        yield
    finally:
        os.close(handle)


def _write_family(one: Family, records: int, seed: int, directory: Path) -> None:
    """Write a family's files into a hidden folder, then move them to their final names."""
    hidden = directory / f".{one.name}.part"
    if hidden.exists():
        shutil.rmtree(hidden)
    hidden.mkdir()
    try:
        vcf = hidden / f"{one.name}.vcf.gz"
        with (
            vcf.open("wb") as file,
            BgzfWriter(file) as out,
            (hidden / f"{one.name}.truth.tsv").open("w", encoding="ascii", newline="\n") as truth,
        ):
            out.write(header(one, seed).encode("ascii"))
            for lines in FamilyWriter(one, records, seed).chunks():
                out.write(lines.vcf.encode("ascii"))
                truth.write(lines.truth)
        pysam.tabix_index(str(vcf), preset="vcf", force=True)
        (hidden / f"{one.name}.ped").write_text(ped_text(one.members), encoding="ascii")
        final = directory / one.name
        final.mkdir(exist_ok=True)
        for path in sorted(hidden.iterdir()):
            path.replace(final / path.name)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def make(directory: Path, families: int, records: int, seed: int) -> Path:
    """Write demo families and their sample sheet.

    The same arguments give the same bytes; a family's bytes depend on its number, `records` and `seed` alone. Memory
    stays under about 200 MB for any `records`. A file appears under its name only when it is whole, `cases.csv` last.

    Args:
        directory: Target folder, created if missing. Files of the same names are replaced.
        families: Number of families, 1 to 9,999.
        records: VCF records per family, 500 to 50,000,000.
        seed: From 0.

    Returns:
        Path of the sample sheet, `cases.csv`.

    Raises:
        InputError: An argument is out of range, or the folder cannot be written or is being written by another run.
        StorageError: The disk is full, or a file of an earlier run cannot be replaced.
    """
    _check(families, records, seed)
    with _locked(directory):
        sheet = directory / "cases.csv"
        sheet.unlink(missing_ok=True)
        rows = ["case,vcf,ped,strategy,priority\n"]
        for number in range(1, families + 1):
            one = family(number)
            try:
                _write_family(one, records, seed, directory)
            except OSError as error:
                msg = f"{directory / one.name} cannot be written: {error}. Free space or fix permissions, then repeat"
                raise StorageError(msg) from error
            priority = _PRIORITIES[(number - 1) % len(_PRIORITIES)]
            rows.append(f"{number},{one.name}/{one.name}.vcf.gz,{one.name}/{one.name}.ped,wgs,{priority}\n")
        write_bytes(file_uri(directory / "README.txt"), _README.format(seed=seed).encode("ascii"))
        write_bytes(file_uri(sheet), "".join(rows).encode("ascii"))
    return sheet
