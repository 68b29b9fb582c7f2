"""`make bench`: the importer beside other readers, the floor, and every target, on files made here.

Every contender is a process of its own, measured from outside, its start included: wall time, CPU time of it and its
children, and the highest sum of their memory, resident and with shared pages counted once. Our own times are the median
of three runs in turns, with the highest memory of the three. Ours is the job `radiant-worker import-case`; its tables
and documents are made before. Each kind of file (`varied.py` describes them) is imported with one process and with two,
beside `bcftools view -H` of the same file; the targets are those of the genome. Ours starts from compiled modules, as
in the image. A peer that is not installed is left out (dependency group `bench`). Records a second are those of wall
time; on a machine with other work, compare CPU seconds.
"""

import argparse
import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import data
import odd_lines
import panels
from measure import WITHOUT_PANDAS, Measured, measure, median
from plot import plot
from targets import EVERYTHING, KINDS, bcftools, by_kind, imported, markdown, targets

import radiant

HERE = Path(__file__).parent
TOOL = [sys.executable, str(HERE / "contender.py")]
POLARS_BIO = [str(HERE.parent / ".venv-polars-bio" / "bin" / "python"), str(HERE / "contender.py")]
"""It requires an older Arrow than ours, so it has an environment of its own."""
BANDWIDTH = 20e6
"""Bytes a second at which S3 and a slow disk are compared."""
TIMES = 3
"""Runs of our own times that targets compare, in turns: machines have slow minutes."""


class Bench:
    """Measures contenders and stores the results by name."""

    def __init__(self, given: argparse.Namespace, scratch: Path) -> None:
        self.given = given
        self.scratch = scratch
        self.runs: dict[str, list[Measured | None]] = {}

    @property
    def seen(self) -> dict[str, Measured | None]:
        """The results: the median of several runs, None where one failed."""
        return {
            name: None if None in runs else median([one for one in runs if one is not None])
            for name, runs in self.runs.items()
        }

    def run(self, name: str, what: str, argv: list[str], records: int, **environment: str) -> None:
        """Measure a command."""
        done = measure(name, what, argv, records, {**WITHOUT_PANDAS, **environment})
        self.runs.setdefault(name, []).append(done)
        if done is not None:
            print(
                f"{name}: {done.wall_s:.1f} s, {done.cpu_s:.1f} s of CPU, {done.peak_mib:.0f} MiB",
                file=sys.stderr,
            )

    def home(self, family: Path, vcf: str | None = None, *more: str) -> Path:
        """Make tables and the documents of an import in a folder of its own, unmeasured; `more` as `prepare` takes."""
        folder = self.scratch / f"home-{len(list(self.scratch.iterdir()))}"
        folder.mkdir()
        given = vcf or str(family / "FAM0001.vcf.gz")
        argv = [*TOOL, "prepare", given, str(family / "FAM0001.ped"), str(folder), *more]
        subprocess.run(argv, check=True)  # noqa: S603 - ours
        return folder

    def radiant(
        self, name: str, family: Path, records: int, processes: int = 1, what: str = EVERYTHING, kind: str = "radiant"
    ) -> Path:
        """Measure an import and return its folder; its staged files stay until the end."""
        folder = self.home(family)
        self.run(name, what, [*TOOL, *kind.split(), str(folder)], records, RADIANT_VCF__PROCESSES=str(processes))
        return folder

    def peers(self, family: Path, records: int) -> None:
        """Measure other readers on the same file."""
        short, ped = str(family / "FAM0001.vcf.gz"), str(family / "FAM0001.ped")
        self.radiant("radiant, line by line", family, records, kind="line-by-line")
        self.run(
            "cyvcf2 record loop", "the same three tables, no checks",
            [sys.executable, str(HERE / "cyvcf2_loop.py"), short, ped, str(self.scratch)], records,
        )  # fmt: skip
        self.run("cyvcf2, empty loop", "reads, makes nothing", [*TOOL, "cyvcf2", short], records)
        self.run(
            "polars-bio",
            "reads INFO unsplit, makes nothing",
            [*POLARS_BIO, "polars-bio", short],
            records,
            PYTHONPATH="",
        )
        self.run("oxbow", "reads INFO, makes nothing", [*TOOL, "oxbow", short], records, PYTHONPATH="")
        if shutil.which("bcftools"):
            query = "%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/CSQ[\\t%GT\\t%AD]\\n"
            self.run(
                "bcftools query",
                "reads, prints text",
                ["bcftools", "query", "-o", os.devnull, "-f", query, short],
                records,
            )

    def kind(self, kind: str, family: Path, records: int) -> Path:
        """Measure imports of a kind of file, and `bcftools view` of it; return the folder of an import."""
        for _ in range(TIMES):
            staged = self.radiant(imported(kind, 1), family, records, 1)
            self.radiant(imported(kind, 2), family, records, 2)
            if shutil.which("bcftools"):
                argv = ["bcftools", "view", "-H", "-o", os.devnull, str(family / "FAM0001.vcf.gz")]
                self.run(bcftools(kind), "reads, prints text", argv, records)
        return staged

    def odd(self, folder: Path, records: int) -> None:
        """Measure an import of a genome's file with odd lines, to compare with that of the genome's own file."""
        for kind in odd_lines.KINDS:
            family = data.varied(folder, "genome", records, kind)
            for _ in range(TIMES):
                self.radiant(f"genome, 10 % odd {kind}, 2 processes", family, records, 2)

    def reference(self, folder: Path, records: int) -> None:
        """Measure imports of a genome's file with a reference FASTA, and of the same file without one."""
        family, fasta = data.with_reference(folder, records)
        homes = {"a reference FASTA": self.home(family, None, "GRCh38", "HIGH", str(fasta)), "none": self.home(family)}
        for _ in range(TIMES):
            for name, home in homes.items():
                argv = [*TOOL, "radiant", str(home)]
                what = "REF compared, indels moved to their leftmost place" if name != "none" else EVERYTHING
                self.run(f"genome, {name}, 2 processes", what, argv, records, RADIANT_VCF__PROCESSES="2")

    def s3(self, family: Path, records: int) -> None:
        """Measure an import from S3 and from a disk of the same bandwidth."""
        at = f"{BANDWIDTH / 1e6:.0f} MB/s"
        self.radiant("slow disk", family, records, 2, f"all tables staged, file at {at}", f"slow-disk {BANDWIDTH}")
        vcf, home = str(family / "FAM0001.vcf.gz"), self.home(family, "s3://bucket/FAM0001.vcf.gz")
        server = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, str(HERE / "s3_server.py"), vcf, str(BANDWIDTH)], stdout=subprocess.PIPE, text=True
        )
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            self.run(
                "S3", f"all tables staged, object at {at}, 20 ms to the first byte",
                [*TOOL, "radiant", str(home)], records,
                RADIANT_VCF__PROCESSES="2", AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
                **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"), "x"),
            )  # fmt: skip
        finally:
            server.terminate()
            server.wait()

    def files(self) -> dict[str, tuple[Path, int]]:
        """Return the folder and the records of each kind of file."""
        given = self.given
        records = {kind: given.records if kind in {"genome", "demo"} else given.other_records for kind in KINDS}
        return {
            kind: (data.demo(given.data, count) if kind == "demo" else data.varied(given.data, kind, count), count)
            for kind, count in records.items()
        }

    def everything(self) -> None:
        """Measure all."""
        files = self.files()
        staged = {kind: self.kind(kind, family, records) for kind, (family, records) in files.items()}
        self.floor(*files["genome"], staged["genome"])
        for _ in range(TIMES):
            self.s3(*files["genome"])
        self.peers(data.demo(self.given.data, self.given.peer_records), self.given.peer_records)
        self.odd(self.given.data, self.given.other_records)
        self.reference(self.given.data, self.given.other_records)
        self.odd_sizes()

    def floor(self, family: Path, records: int, staged: Path) -> None:
        """Measure what no import can do without."""
        argv = [*TOOL, "decompress", str(family / "FAM0001.vcf.gz")]
        self.run("floor: decompress", "isal, no parsing", argv, records)
        self.run("floor: write", "the finished rows to Parquet again", [*TOOL, "write", str(staged)], records)

    def odd_sizes(self) -> None:
        """Measure imports of files that are small, long, wide or have few variants, once each."""
        given, folder = self.given, self.given.data
        self.radiant("10,000 records", data.demo(folder, 10_000), 10_000, 2)
        self.radiant("lines of 5 MB, 100 samples, 200 CSQ fields", data.long_lines(folder, 200, 5), 200)
        lines = 2 * given.records
        self.radiant("gVCF", data.gvcf(folder, lines), lines, what="counts reference blocks, stages the rest")
        lines = max(100, given.records // 150)
        for members in (3, 30, 300):
            family = data.cohort(folder, lines, 2504, members)
            self.radiant(f"cohort, {members} of 2,504", family, lines)
        home = self.home(data.demo(folder, 10_000))
        self.run("start-up", "three times; the median", [*TOOL, "start-up", str(home)], 1)
        if given.ten_million:
            self.radiant("10 M records", data.demo(folder, 10_000_000), 10_000_000, 2)


def table(found: list[Measured]) -> str:
    """Return a Markdown table."""
    loop = next((one for one in found if one.name == "cyvcf2 record loop"), None)
    lines = [
        "| contender | what it does | records | wall s | records/s | CPU s/M | MiB | PSS MiB | x cyvcf2 loop |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        times = f"{one.rate / loop.rate:.1f}" if loop else ""
        lines.append(
            f"| {one.name} | {one.what} | {one.records:,} | {one.wall_s:.1f} | {one.rate:,.0f} | "
            f"{one.cpu_s / one.records * 1e6:.0f} | {one.peak_mib:.0f} | {one.pss_mib:.0f} | {times} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=600_000, help="of the genome and the demo")
    parser.add_argument("--other-records", type=int, default=300_000, help="of the exome and the joint caller's file")
    parser.add_argument("--peer-records", type=int, default=50_000, help="for peers that take minutes for a million")
    parser.add_argument(
        "--ten-million",
        action="store_true",
        help="also import 10 M records: 1.7 GB of disk, about half an hour",
    )
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "radiant-bench")
    parser.add_argument("--out", type=Path, help="a folder for the tables (bench.md), the figures and the plot")
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    compileall.compile_dir(Path(radiant.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory(dir=given.data) as scratch:
        bench = Bench(given, Path(scratch))
        bench.everything()
    found = [one for one in bench.seen.values() if one is not None and one.name != "start-up"]
    shown = [one for one in found if one.records in {given.records, given.peer_records} and one.name != "slow disk"]
    load = "load average at the end: " + " ".join(f"{one:.1f}" for one in os.getloadavg())
    judged = markdown([*targets(bench.seen), *panels.in_a_process()])
    text = "\n".join((by_kind(bench.runs), table(found), judged, load, ""))
    print(text)
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "bench.md").write_text(text)
        (given.out / "bench.json").write_text(json.dumps([vars(one) for one in found], indent=1))
        plot(shown, given.out / "bench.svg")


if __name__ == "__main__":
    main()
