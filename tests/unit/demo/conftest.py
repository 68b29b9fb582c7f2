"""Demo families made once, and read with plain Python: no library of radiant's own takes part."""

import csv
import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from radiant.demo import make
from radiant.demo.families import Family, family

FAMILIES = 9
RECORDS = 3000


@dataclass(frozen=True)
class Record:
    """One VCF line, split."""

    contig: str
    position: int
    name: str
    reference: str
    alternates: list[str]
    quality: float
    verdict: str
    info: dict[str, str]
    samples: list[dict[str, str]]

    def calls(self, sample: int) -> list[int | None]:
        """Alleles of a sample, None for a missing one."""
        return [None if call == "." else int(call) for call in self.samples[sample]["GT"].split("/")]


@dataclass(frozen=True)
class Demo:
    """One family on disk, read."""

    family: Family
    vcf: Path
    ped: Path
    header: list[str]
    records: list[Record]
    truth: list[dict[str, str]]


def read_vcf(path: Path) -> tuple[list[str], list[Record]]:
    header: list[str] = []
    records: list[Record] = []
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        for line in file:
            if line.startswith("#"):
                header.append(line.rstrip("\n"))
                continue
            columns = line.rstrip("\n").split("\t")
            keys = columns[8].split(":")
            records.append(
                Record(
                    contig=columns[0],
                    position=int(columns[1]),
                    name=columns[2],
                    reference=columns[3],
                    alternates=columns[4].split(","),
                    quality=float(columns[5]),
                    verdict=columns[6],
                    info=dict(item.split("=", 1) for item in columns[7].split(";")),
                    samples=[dict(zip(keys, text.split(":"), strict=True)) for text in columns[9:]],
                )
            )
    return header, records


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("demo"), FAMILIES, RECORDS, 7).parent


@pytest.fixture(scope="session")
def demos(demo_folder: Path) -> list[Demo]:
    found = []
    for number in range(1, FAMILIES + 1):
        one = family(number)
        folder = demo_folder / one.name
        vcf = folder / f"{one.name}.vcf.gz"
        header, records = read_vcf(vcf)
        with (folder / f"{one.name}.truth.tsv").open(encoding="ascii", newline="") as file:
            truth = list(csv.DictReader(file, delimiter="\t"))
        found.append(Demo(one, vcf, folder / f"{one.name}.ped", header, records, truth))
    return found


@pytest.fixture(scope="session")
def bcftools() -> str:
    path = shutil.which("bcftools")
    if path is None:
        pytest.skip("bcftools is not installed")
    return path
