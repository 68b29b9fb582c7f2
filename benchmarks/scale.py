"""`make bench-scale`: many cases in one run of `import-radiant` on the fake ECS or a real Kubernetes.

A real Airflow (standalone, SQLite, LocalExecutor, tasks deferred) and the real `radiant-worker` in every container; the
cases are trios of 20 records, so that the benchmark measures the system around the import. First the DAG
`airflow-alone` runs the same number of mapped tasks, which are deferred once and do nothing: Airflow's own cost. The
ideal of a run is the CPU time of Airflow alone, of the jobs and of the platform, by the operating system's accounting,
divided by the cores: no scheduler does better. Other processes of the machine have a row of their own. In the middle of
the run a case of priority `stat` is registered and `import-radiant` triggered for it.

Memory is the resident memory of each of Airflow's parts, highest in each tenth of the run: flat means that the last
tenth needs no more than the second.
"""

import argparse
import collections
import contextlib
import json
import os
import resource
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from scale_platforms import PLATFORMS, Platform

from radiant import storage
from radiant.cli.airflow_api import FINISHED_RUN, AirflowApi
from radiant.cli.standalone import Standalone
from radiant.domain.case import Priority
from radiant.errors import AirflowUnavailableError
from radiant.registry import Registration, Registry
from radiant.settings import Settings, load_settings

REPOSITORY = Path(__file__).parents[1]
RECORDS = 20
LOOK_S = 1.0
PARTS = {
    "airflow scheduler": "scheduler",
    "airflow triggerer": "triggerer",
    "airflow api": "api server",
    "airflow dag": "dag processor",
    "fakes.ecs": "platform",
    "radiant-worker": "jobs",
}
"""Part of the system by a word of the process's title; tasks have other titles."""
AIRFLOW = {"scheduler", "triggerer", "api server", "dag processor"}
CHILDREN_OF = {"scheduler": "tasks", "platform": "jobs"}
HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tC{0}\tM{0}\tF{0}
"""


def part_of(process: psutil.Process) -> str:
    """Return the part of the system that a process is; a psutil.Error for one that has ended."""
    title = " ".join(process.cmdline())
    return next((PARTS[word] for word in PARTS if word in title), "tasks")


@dataclass
class Sampler:
    """Samples the memory of Airflow's parts until it is stopped; one list of (seconds, bytes) per part."""

    seen: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: collections.defaultdict(list))
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        began = time.monotonic()
        while not self.stopped.wait(LOOK_S):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    name = part_of(process)
                    if name in AIRFLOW:
                        self.seen[name].append((time.monotonic() - began, process.memory_info().rss))

    def tenths(self, name: str) -> list[int]:
        """Return the highest MiB of each tenth of the time."""
        samples = self.seen.get(name, [])
        if not samples:
            return []
        end = samples[-1][0] + 1e-9
        highest = [0] * 10
        for at, size in samples:
            tenth = int(at / end * 10)
            highest[tenth] = max(highest[tenth], size)
        return [size >> 20 for size in highest]


def write_cases(folder: Path, registry: Registry, first: int, count: int, priority: Priority) -> None:
    """Write and register trios of unrelated people, in one partition as far as it has room."""
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        vcf, ped = folder / f"{number}.vcf", folder / f"{number}.ped"
        lines = [f"chr1\t{1000 + 10 * at}\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/0\t0/1\n" for at in range(RECORDS)]
        vcf.write_text(HEADER.format(number) + "".join(lines))
        people = [("C", f"F{number}", f"M{number}", 1, 2), ("M", "0", "0", 2, 1), ("F", "0", "0", 1, 1)]
        ped.write_text("".join(f"FAM{number}\t{p[0]}{number}\t" + "\t".join(map(str, p[1:])) + "\n" for p in people))
        registry.add(
            Registration(
                vcf_uri=storage.file_uri(vcf),
                ped_uri=storage.file_uri(ped),
                strategy="wxs",
                priority=priority,
                assembly="GRCh38",
                case_id=number,
            )
        )


def wait(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Wait for the end of a run and return its state."""
    state = None
    while state not in FINISHED_RUN:
        time.sleep(1)
        with contextlib.suppress(AirflowUnavailableError):  # busy
            state = api.run_state(dag_id, run_id)
    return str(state)


Cpu = collections.Counter[str]
"""CPU seconds by part."""


def cpu_by_part(platform: Platform) -> Cpu:
    """Return the CPU seconds of Airflow's parts and its tasks, of the platform and its jobs, and of this process."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    found: Cpu = collections.Counter(
        {"benchmark": sum(own[:2]), "tasks": sum(ended[:2]), "platform": platform.own_cpu()}
    )
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            part, times = part_of(process), process.cpu_times()
            found[part] += times.user + times.system
            found[CHILDREN_OF.get(part, part)] += times.children_user + times.children_system
    return found


def cpu_of_machine() -> float:
    """Return the CPU seconds that the machine was busy."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - times.guest - times.guest_nice


def rows_of(home: Path, query: str) -> list[tuple[Any, ...]]:
    """Query Airflow's own database."""
    with contextlib.closing(sqlite3.connect(f"file:{home / 'airflow' / 'airflow.db'}?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


def middle(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})" if values else "none"


def task_seconds(home: Path) -> list[float]:
    """Return the seconds of each task of `import_case`, its time in the triggerer included."""
    query = """select (julianday(end_date) - julianday(start_date)) * 86400
               from task_instance where task_id = 'import_case' and state = 'success'"""
    return [seconds for (seconds,) in rows_of(home, query)]


def start_of_last(home: Path, asked: datetime) -> tuple[float, int]:
    """Return when the import of the last run began, in seconds after a moment, and how many others began between."""
    began = "from task_instance where task_id = 'import_case' and start_date"
    last = """(select start_date from task_instance where task_id = 'import_case' and run_id =
               (select run_id from task_instance where task_id = 'import_case' and start_date is not null
                group by run_id having count(*) = 1 order by min(start_date) desc limit 1))"""
    since = asked.strftime("%Y-%m-%d %H:%M:%S.%f")
    ((seconds, others),) = rows_of(
        home,
        f"select (julianday({last}) - julianday('{since}')) * 86400, "
        f"(select count(*) {began} > '{since}' and start_date < {last})",
    )
    return seconds, others


def measure(given: argparse.Namespace, home: Path, platform: Platform) -> list[tuple[str, str]]:
    """Run everything and return the rows of the table."""
    os.environ |= platform.environment | {
        "RADIANT_HOME": str(home),
    }
    settings = load_settings()
    registry = Registry(settings.effective_registry_url)
    write_cases(home / "cases", registry, 1, given.cases, Priority.ROUTINE)
    dags = home / "dags"
    shutil.copytree(REPOSITORY / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(__file__).parent / "airflow_alone" / "airflow_alone.py", dags)
    with Standalone(settings, dags_folder=dags, parallelism=given.slots) as airflow:
        alone = run_alone(airflow.api, given.cases, platform)
        return run_cases(given, settings, airflow.api, platform, registry, alone)


def run_alone(api: AirflowApi, tasks: int, platform: Platform) -> tuple[float, Cpu]:
    """Return wall and CPU seconds of Airflow with the same number of tasks that do nothing."""
    began, before = time.monotonic(), cpu_by_part(platform)
    state = wait(api, "airflow-alone", api.trigger("airflow-alone", {"tasks": tasks}))
    if state != "success":
        sys.exit(f"airflow-alone ended {state}")
    spent = cpu_by_part(platform)
    spent.subtract(before)
    return time.monotonic() - began, spent


def run_cases(
    given: argparse.Namespace,
    settings: Settings,
    api: AirflowApi,
    platform: Platform,
    registry: Registry,
    alone: tuple[float, Cpu],
) -> list[tuple[str, str]]:
    """Import the cases, one of them urgent and late, and return the rows of the table."""
    home = settings.home_path
    platform.clear_calls()
    sampler = Sampler()
    thread = threading.Thread(target=sampler.run, daemon=True)
    thread.start()
    began, before, machine = time.monotonic(), cpu_by_part(platform), cpu_of_machine()
    run = api.trigger("import-radiant")
    done = "select count(*) from task_instance where task_id = 'import_case' and state = 'success'"
    while rows_of(home, done)[0][0] < given.cases // 2 and api.run_state("import-radiant", run) not in FINISHED_RUN:
        time.sleep(LOOK_S)
    stat = given.cases + 1
    write_cases(home / "stat", registry, stat, 1, Priority.STAT)
    waiting = given.cases - rows_of(home, done)[0][0]
    asked, asked_at = time.monotonic(), datetime.now(UTC)
    stat_state = wait(api, "import-radiant", api.trigger("import-radiant", {"cases": [stat]}))
    stat_s = time.monotonic() - asked
    first_s, between = start_of_last(home, asked_at)
    state = wait(api, "import-radiant", run)
    wall = time.monotonic() - began
    spent, machine = cpu_by_part(platform), cpu_of_machine() - machine
    spent.subtract(before)
    sampler.stopped.set()
    thread.join()
    verdict = api.xcom("import-radiant", run, "verdict")
    calls = platform.calls()
    jobs_cpu = sum(row["cpu_s"] for row in summaries(home))
    if not platform.jobs_are_children:
        spent["jobs"] += jobs_cpu
    cores = len(os.sched_getaffinity(0))
    airflow_alone = sum(alone[1][part] for part in [*AIRFLOW, "tasks"])
    ideal = (airflow_alone + spent["jobs"] + spent["platform"]) / cores
    xcom = rows_of(home, "select dag_id, task_id, count(*), sum(length(value)) from xcom group by 1, 2 order by 4 desc")
    return [
        ("cases, running at once, worker slots, cores", f"{given.cases}, {given.running}, {given.slots}, {cores}"),
        ("verdict", f"{state}; {len(verdict['imported'])} imported, {len(verdict['failed'])} failed"),
        ("Airflow alone, as many tasks", f"{alone[0]:.0f} s, {airflow_alone / given.cases:.2f} CPU s a task"),
        ("makespan", f"{wall:.0f} s, {wall / given.cases:.2f} s a case"),
        ("ideal: CPU of Airflow alone, the jobs and the platform / cores", f"{ideal:.0f} s"),
        ("makespan / ideal", f"{wall / ideal:.2f} (target 1.1)"),
        *(
            (f"CPU of {part}; in Airflow alone", f"{spent[part]:.0f} s; {alone[1][part]:.0f} s")
            for part in sorted(spent)
        ),
        ("CPU of jobs, as they measured it", f"{jobs_cpu:.0f} s"),
        ("CPU of other processes of the machine", f"{machine - spent.total():.0f} s"),
        ("a task of import_case: start to end", middle(task_seconds(home))),
        ("stat case in the middle", f"{stat_state} after {stat_s:.0f} s; its import began after {first_s:.0f} s"),
        ("routine cases: waiting then; begun before it", f"{waiting}; {between}"),
        *((f"calls a case: {name}", f"{count / given.cases:.2f}") for name, count in sorted(calls.items())),
        *((f"memory of the {name}, MiB, by tenths", " ".join(map(str, sampler.tenths(name)))) for name in sampler.seen),
        *((f"XCom of {dag} {task}", f"{size / count:.0f} bytes each, {count}") for dag, task, count, size in xcom[:6]),
        ("documents a case", documents(settings, given.cases)),
    ]


def summaries(home: Path) -> list[dict[str, Any]]:
    """Return the XComs of all jobs with a CPU time."""
    texts = rows_of(home, "select value from xcom where key = 'return_value' and typeof(value) = 'text'")
    found = [json.loads(text) for (text,) in texts]
    return [one for one in found if isinstance(one, dict) and one.get("cpu_s") is not None]


def documents(settings: Settings, cases: int) -> str:
    """Return files and bytes below the work URI."""
    folder = storage.local_path(settings.effective_work_uri) or settings.home_path
    files = [one for one in folder.rglob("*") if one.is_file()]
    return f"{len(files) / cases:.1f} files, {sum(one.stat().st_size for one in files) / cases:.0f} bytes"


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--running", type=int, default=50, help="tasks or pods that the platform runs at once")
    parser.add_argument("--platform", choices=sorted(PLATFORMS), default="ecs")
    parser.add_argument(
        "--slots",
        type=int,
        default=2 * len(os.sched_getaffinity(0)),
        help="processes of tasks that Airflow has at once",
    )
    given = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY / "tests"))
    with tempfile.TemporaryDirectory(prefix="radiant-scale-") as scratch:
        Path(scratch).chmod(0o755)
        home = Path(scratch) / "home"
        home.mkdir()
        with PLATFORMS[given.platform](home, given.running) as platform:
            rows = measure(given, home, platform)
    print("| what | seen |\n|---|---|")
    for what, seen in rows:
        print(f"| {what} | {seen} |")


if __name__ == "__main__":
    main()
