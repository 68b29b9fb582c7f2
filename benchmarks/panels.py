"""100 cases of 500 records, one job after another: `python benchmarks/panels.py`, and a part of `make bench`.

Each job is the real `radiant-worker import-case` on local files, measured from the start of its process to its end as
the kernel counts it (`wait4`), with its children. Tables, case documents and requests are made before, by
another process: the kernel counts the memory of the process that starts a job as the job's until its program begins.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from targets import Target, markdown

RECORDS = 500
CASES = 100
WALL_S, PEAK_MIB = 1.0, 150


@dataclass(frozen=True)
class Job:
    """One job."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    """Highest resident memory of one of its processes; a small file has one."""


def prepare(folder: Path, cases: int) -> None:
    """Make families, tables, case documents and requests below a folder."""
    from radiant import lake, storage
    from radiant.demo.make import make
    from radiant.domain.case import Case, Priority
    from radiant.domain.pedigree import parse_pedigree
    from radiant.jobs.codec import encode, to_json
    from radiant.jobs.contracts import ImportArguments
    from radiant.jobs.documents import Request
    from radiant.settings import load_settings
    from radiant.worker import case_document

    make(folder / "families", cases, RECORDS, 1)
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(folder)})) as catalog:
        tables = lake.ensure_tables(catalog, "radiant")
    run = storage.file_uri(folder / "run")
    for number, family in enumerate(sorted((folder / "families").glob("FAM*")), 1):
        ped = family / f"{family.name}.ped"
        members = tuple(parse_pedigree(ped.read_text(), str(ped), None))
        vcf = storage.file_uri(family / f"{family.name}.vcf.gz")
        case = Case(number, vcf, "wxs", Priority.ROUTINE, "GRCh38", members)
        uri = case_document.case_uri(run, number)
        case_document.write_case(uri, case_document.CaseDocument(case, 0, "load", 0, "MODERATE", None, tables))
        arguments = to_json(ImportArguments(number, uri, "load"))
        request = Request("import-case", "a", run, arguments)
        storage.write_bytes(f"{run}/import_case/{number}/request.json", encode(request))


def run(request: str, result: str, environment: dict[str, str]) -> Job:
    """Run one job.

    Raises:
        SystemExit: it failed.
    """
    argv = [str(Path(sys.executable).with_name("radiant-worker")), "import-case"]
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - ours
        [*argv, "--request", request, "--result", result], stdout=subprocess.DEVNULL, env=environment
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{request}: exit code {process.returncode}")
    wall_s = time.perf_counter() - started
    return Job(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)))


def measure(cases: int = CASES) -> list[Job]:
    """Import that many cases, one after another, after one that is not counted and warms the disk's cache."""
    with tempfile.TemporaryDirectory(prefix="radiant-panels-") as folder:
        subprocess.run([sys.executable, __file__, "--cases", str(cases), "--prepare", folder], check=True)  # noqa: S603 - ours
        environment = {**os.environ, "RADIANT_HOME": folder}
        places = [f"file://{folder}/run/import_case/{number}" for number in (1, *range(1, cases + 1))]
        return [run(f"{one}/request.json", f"{one}/result.json", environment) for one in places][1:]


def targets(jobs: list[Job]) -> list[Target]:
    """Judge the median and show the worst."""
    wall, cpu, peak = ([getattr(job, name) for job in jobs] for name in ("wall_s", "cpu_s", "peak_mib"))
    what = f"{len(jobs)} cases of {RECORDS} records"
    median_s = statistics.median(wall)
    return [
        Target(
            f"{what}: start to end",
            f"{WALL_S} s",
            f"median {median_s:.2f} s, worst {max(wall):.2f} s",
            median_s <= WALL_S,
        ),
        Target(f"{what}: CPU", "", f"median {statistics.median(cpu):.2f} s, worst {max(cpu):.2f} s", None),
        Target(
            f"{what}: memory",
            f"{PEAK_MIB} MiB",
            f"median {statistics.median(peak):.0f} MiB, worst {max(peak):.0f} MiB",
            max(peak) <= PEAK_MIB,
        ),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--prepare", type=Path, metavar="FOLDER", help="only make the files")
    parser.add_argument("--json", action="store_true", help="print the targets as JSON")
    given = parser.parse_args()
    if given.prepare:
        prepare(given.prepare, given.cases)
        return
    found = targets(measure(given.cases))
    print(json.dumps([vars(one) for one in found]) if given.json else markdown(found))


def in_a_process() -> list[Target]:
    """Measure in a process of its own, which is small; return the judgement."""
    done = subprocess.run([sys.executable, __file__, "--json"], check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return [Target(**one) for one in json.loads(done.stdout)]


if __name__ == "__main__":
    main()
