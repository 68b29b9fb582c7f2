"""Measure the importer beside its peers, in one run on this machine, and print a table.

    python benchmarks/run.py [--records N] [--peer-records N] [--out docs/performance-table.md]

Every contender is a process of its own; wall time, CPU time of it and its children, and the highest sum of their
resident memory are measured from outside. A peer that is not installed is left out (dependency group `bench`).
Records a second are those of wall time; on a machine with other work, compare CPU seconds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

HERE = Path(__file__).parent


@dataclass
class Measured:
    """One process."""

    name: str
    what: str
    """What it does, and what it leaves out."""
    records: int
    wall_s: float
    cpu_s: float
    peak_mib: float


def measure(name: str, what: str, argv: list[str], records: int) -> Measured | None:
    """Run a command; None when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - ours
    peak = 0
    me = psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        try:
            for one in (me, *me.children(recursive=True)):
                total += one.memory_info().rss
        except psutil.Error:
            pass
        peak = max(peak, total)
        time.sleep(0.05)
    before = _CPU["spent"]
    used = os.times()
    _CPU["spent"] = used.children_user + used.children_system
    if process.returncode:
        error = process.stderr.read().decode().strip().splitlines() if process.stderr else []
        print(f"{name}: left out ({error[-1] if error else process.returncode})", file=sys.stderr)
        return None
    return Measured(name, what, records, time.perf_counter() - started, _CPU["spent"] - before, peak / 2**20)


_CPU = {"spent": 0.0}


def demo(folder: Path, records: int) -> Path:
    """Make (or find) a demo family of so many records; return its folder."""
    family = folder / f"demo-{records}" / "FAM0001"
    if not (family / "FAM0001.ped").is_file():
        subprocess.run(  # noqa: S603 - ours
            [Path(sys.executable).with_name("radiant"), "demo", "make", family.parent, "--records", str(records),
             "--families", "1", "--seed", "1"], check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return family


def contenders(family: Path, few: Path, records: int, few_records: int, scratch: Path) -> list[Measured | None]:
    """Measure all of them: the importer on `family`, slow peers on the shorter `few`."""
    vcf, ped = str(family / "FAM0001.vcf.gz"), str(family / "FAM0001.ped")
    short, short_ped = str(few / "FAM0001.vcf.gz"), str(few / "FAM0001.ped")
    tool = [sys.executable, str(HERE / "contender.py")]
    for count in (1, 2):
        (scratch / str(count)).mkdir()
    everything = "all tables staged, checks, digests, report"
    found = [
        measure(f"radiant, {count} process{'es' if count > 1 else ''}", everything,
                [*tool, "radiant", vcf, ped, str(scratch / str(count)), str(count)], records)
        for count in (1, 2)
    ]  # fmt: skip
    found.append(
        measure("radiant, line by line", everything, [*tool, "straightforward", short, short_ped, str(scratch), "1"],
                few_records)
    )  # fmt: skip
    found.append(
        measure("cyvcf2 record loop", "the same three tables, no checks",
                [sys.executable, str(HERE / "cyvcf2_loop.py"), short, short_ped, str(scratch)], few_records)
    )  # fmt: skip
    found.append(measure("cyvcf2, empty loop", "reads, makes nothing", [*tool, "cyvcf2", short], few_records))
    found.append(measure("polars-bio", "reads INFO unsplit, makes nothing", [*tool, "polars-bio", short], few_records))
    found.append(measure("oxbow", "reads INFO, makes nothing", [*tool, "oxbow", short], few_records))
    if shutil.which("bcftools"):
        query = "%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/CSQ[\\t%GT\\t%AD]\\n"
        found.append(
            measure("bcftools query", "reads, prints text", ["bcftools", "query", "-f", query, short], few_records)
        )
    found.append(measure("floor: decompress", "isal, no parsing", [*tool, "decompress", vcf], records))
    found.append(
        measure("floor: write", "the finished rows to Parquet again", [*tool, "write", str(scratch / "1")], records)
    )
    return found


def table(found: list[Measured | None]) -> str:
    """Return a Markdown table."""
    rows = [one for one in found if one is not None]
    loop = next((one for one in rows if one.name == "cyvcf2 record loop"), None)
    lines = [
        "| contender | what it does | records | wall s | records/s | CPU s per million | peak MiB | x cyvcf2 loop |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in rows:
        rate = one.records / one.wall_s
        times = f"{rate / (loop.records / loop.wall_s):.1f}" if loop else ""
        lines.append(
            f"| {one.name} | {one.what} | {one.records:,} | {one.wall_s:.1f} | {rate:,.0f} | "
            f"{one.cpu_s / one.records * 1e6:.0f} | {one.peak_mib:.0f} | {times} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--peer-records", type=int, default=50_000, help="for peers that take minutes for a million")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "radiant-bench")
    parser.add_argument("--out", type=Path, help="write the table here, too")
    given = parser.parse_args()
    family, few = demo(given.data, given.records), demo(given.data, given.peer_records)
    with tempfile.TemporaryDirectory(dir=given.data) as scratch:
        found = contenders(family, few, given.records, given.peer_records, Path(scratch))
    text = table(found)
    print(text)
    print(json.dumps([vars(one) for one in found if one is not None]))
    if given.out:
        given.out.write_text(text)


if __name__ == "__main__":
    main()
