"""Small VCF files for tests, and a reader's output as plain rows."""

import gzip
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pysam

from radiant import vcf
from radiant.domain.case import Affected, Member, Sex
from radiant.domain.tables import CASE_TABLES

HEADER = """##fileformat=VCFv4.2
##FILTER=<ID=LowQual,Description="Low quality">
##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">
##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">
##INFO=<ID=AN,Number=1,Type=Integer,Description="Alleles">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##INFO=<ID=CADD,Number=1,Type=Integer,Description="A score that no column shows">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=AO,Number=A,Type=Integer,Description="Alternate observations">
##FORMAT=<ID=RO,Number=1,Type=Integer,Description="Reference observations">
##FORMAT=<ID=DPR,Number=R,Type=Integer,Description="Observations per allele">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
##contig=<ID=chr1,length=248956422>
##contig=<ID=chrX,length=156040895>
##contig=<ID=chrY,length=57227415>
##contig=<ID=chrM,length=16569>
"""
FIRST = HEADER.count("\n") + 2
"""Line number of the first record under it."""
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"


def record(  # noqa: PLR0913 - one per column
    *samples: str,
    chrom: str = "chr1",
    pos: object = 1000,
    ref: str = "A",
    alt: str = "G",
    id_: str = ".",
    qual: str = "50",
    filter_: str = "PASS",
    info: str = ".",
    format_: str = "GT",
) -> str:
    """Return a data line; the samples' columns come first as arguments, `0/1` alone when there are none."""
    fixed = [chrom, str(pos), id_, ref, alt, qual, filter_, info, format_]
    return "\t".join([*fixed, *(samples or ("0/1",))])


def text(records: Iterable[str], samples: Sequence[str] = ("S1",), header: str = HEADER) -> str:
    """Return a VCF file's text."""
    columns = COLUMNS + ("\tFORMAT\t" + "\t".join(samples) if samples else "")
    return header + "\n".join([columns, *records]) + "\n"


def write(path: Path, content: str | bytes) -> Path:
    """Write text (or bytes) as it is, gzipped (`.gz`) or bgzipped (`.bgz`)."""
    data = content.encode() if isinstance(content, str) else content
    if path.suffix == ".bgz":
        with pysam.BGZFile(str(path), "wb") as file:
            file.write(data)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(data))
    else:
        path.write_bytes(data)
    return path


def other_warnings(report: dict[str, Any]) -> list[str]:
    """Return a report's warnings without the one of every file that has no population frequencies."""
    return [one for one in report["warnings"] if not one.startswith("no allele has a population frequency")]


class Read:
    """The output of a reader: rows per table (as dicts by attribute, as Arrow in `arrow`), and the report."""

    def __init__(self, path: Path, members: Sequence[Member] | None = None, **options: object) -> None:
        reader = vcf.read_case(f"file://{path}", members, vcf.ReadOptions(**options))
        batches: dict[str, list[pa.RecordBatch]] = {name: [] for name in CASE_TABLES}
        self.batch_rows: list[int] = []
        for name, batch in reader.batches():
            batches[name].append(batch)
            self.batch_rows.append(batch.num_rows)
        self.arrow = {
            name: pa.Table.from_batches(batches[name], vcf.arrow_schema(table)) for name, table in reader.tables.items()
        }
        self.json = reader.report.to_json()

    @property
    def tables(self) -> dict[str, list[dict[str, object]]]:
        """All rows of all tables."""
        return {name: table.to_pylist() for name, table in self.arrow.items()}

    def __getattr__(self, name: str) -> list[dict[str, object]]:
        """Return the rows of a table."""
        return self.arrow[name].to_pylist()

    def counts(self, table: str, column: str) -> Counter[object]:
        """Count the values of a column."""
        return Counter(self.arrow[table][column].to_pylist())


def member(  # noqa: PLR0913 - one per field
    sample: str,
    *,
    father: str | None = None,
    mother: str | None = None,
    sex: Sex = Sex.FEMALE,
    affected: Affected = Affected.UNAFFECTED,
    is_proband: bool = False,
) -> Member:
    """Return a member of the family F."""
    return Member(sample, "F", father, mother, sex, affected, f"F:{sample}", f"F:{sample}", is_proband)


TRIO = (
    member("kid", father="dad", mother="mum", sex=Sex.MALE, affected=Affected.AFFECTED, is_proband=True),
    member("dad", sex=Sex.MALE),
    member("mum"),
)
