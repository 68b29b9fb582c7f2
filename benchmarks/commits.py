"""`make bench-commits`: a commit of a thousand staged cases, beside PyIceberg's `add_files`; and the planning of many.

Cases are staged as workers do, with 20 rows of each table, and their documents are those of a run. The job
`radiant-worker commit-part` is measured from the start of its process to its end, with everything on a local disk and
with everything on an S3 (`s3_objects.py`) whose answers begin after 20 ms. `add_files` gets the same rows in the same
number of files, in tables of their own, without field ids, which it refuses. `lake.commit_part` is measured beside it
in the same way.

The commits after many snapshots are of tables with as many live files of other cases; those snapshots are in the
tables' metadata, and share the last one's list of manifests.
"""

import argparse
import contextlib
import dataclasses
import gc
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from data import demo

from radiant import lake, storage, vcf
from radiant.domain.case import Priority
from radiant.domain.tables import CASE_TABLES
from radiant.jobs.codec import encode, to_json
from radiant.jobs.contracts import ImportOutput, PreparedCase
from radiant.jobs.documents import Request, Result, Status, decode_result, outcome_uri, run_uri, task_uri
from radiant.jobs.usage import Usage
from radiant.lake.create import load_tables
from radiant.lake.datafile import StagedFile
from radiant.lake.snapshot import CommitKey, Replacement, commit_replacement
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from radiant.worker.case_document import StagedDocument, StagedFacts, read_case, read_staged, staged_uri, write_staged
from radiant.worker.main import GC_THRESHOLD
from radiant.worker.main import run as run_job

LATENCY_S = 0.02
ROWS = 20
AT_ONCE = 8
TARGETS = {"S3": 30.0, "local disk": 10.0, "plan": 5.0}
FASTER = 20
FIRST_PART = 131072
PANEL = {"many": {"first_part": FIRST_PART, "tasks_per_part": 100_000}}
"""One part for all cases, so that one run commits them."""
EARLIER_PART = FIRST_PART + 1000
PER_PART = 100


class Store:
    """The places of one benchmark: a local disk, or the S3."""

    found: dict[str, int]
    """Requests of the last measured job."""
    cpu_s: float
    """Its CPU time."""

    def __init__(self, name: str, folder: Path, port: int | None) -> None:
        self.name, self._port = name, port
        self.folder = folder
        top = f"s3://bench/{folder.name}" if port else storage.file_uri(folder / "store")
        self.environment = {
            "RADIANT_HOME": str(folder),
            "RADIANT_WORK_URI": f"{top}/work",
            "RADIANT_LAKE__WAREHOUSE": f"{top}/warehouse",
            "RADIANT_REGISTRY__STRATEGIES": json.dumps(PANEL),
        }
        self.input = f"{top}/in"
        self.settings = load_settings(self.environment)
        self.registry = Registry(self.settings.effective_registry_url)

    def latency(self, seconds: float) -> None:
        """Let each answer of the S3 begin after this time, and count its requests from now on."""
        if self._port:
            url = f"http://127.0.0.1:{self._port}/-/latency"
            urllib.request.urlopen(urllib.request.Request(url, str(seconds).encode(), method="PUT")).close()

    def requests(self) -> dict[str, int]:
        """Return the requests by method since the latency was set."""
        if not self._port:
            return {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/requests") as answer:
            return json.load(answer)

    def job(self, name: str, task: str, top: str, **arguments: object) -> Result:
        """Run a job in this process."""
        place = task_uri(top, task)
        request = Request(name, task, top, arguments)
        run_job(request, self.settings, outcome_uri(place, task))
        result = decode_result(storage.read_bytes(outcome_uri(place, task)), place)
        if result.failure is not None:
            msg = f"{name}: {result.failure.message}"
            raise SystemExit(msg)
        return result

    def measured_job(self, name: str, task: str, top: str, **arguments: object) -> tuple[float, Result]:
        """Run a job as a process; return the seconds from its start to its end."""
        place = task_uri(top, task)
        request = Request(name, "m", top, arguments, task_uri=place)
        for uri in (f"{place}/m/request.json", f"{place}/request.json"):
            storage.write_bytes(uri, encode(request))
        self.latency(LATENCY_S)
        began = time.perf_counter()
        subprocess.run(  # noqa: S603 - ours
            [Path(sys.executable).with_name("radiant-worker"), name, "--request", f"{place}/m/request.json",
             "--result", f"{place}/m/result.json"],
            check=True, env=os.environ | self.environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        self.found = self.requests()
        self.latency(0)
        result = decode_result(storage.read_bytes(f"{place}/m/result.json"), place)
        self.cpu_s = result.usage.cpu_s
        return seconds, result


@contextlib.contextmanager
def s3() -> Iterator[int]:
    """Run the S3; yield its port."""
    with subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, Path(__file__).with_name("s3_objects.py")], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int(process.stdout.readline())
            os.environ |= {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "bench",
                "AWS_SECRET_ACCESS_KEY": "bench",
                "AWS_DEFAULT_REGION": "us-east-1",
            }
            yield port
        finally:
            process.kill()


def staged_run(store: Store, vcf_file: Path, ped: Path, count: int, first: int, turn: str) -> dict[str, object]:
    """Register, prepare and stage cases; return the arguments of their commit."""
    inputs = [(f"{store.input}/{one.name}", one) for one in (vcf_file, ped)]
    for uri, file in inputs:
        storage.write_bytes(uri, file.read_bytes())
    store.registry.add(
        Registration(
            vcf_uri=inputs[0][0],
            strategy="many",
            priority=Priority.ROUTINE,
            assembly="GRCh38",
            ped_uri=inputs[1][0],
            case_id=first,
        )
    )
    copy_case(store, first, range(first + 1, first + count))
    top = run_uri(store.settings.effective_work_uri, "import-vcf", turn)
    plan = store.job("plan-import", "plan", top, cases=list(range(first, first + count)))
    (part,) = plan.output["parts"]
    prepared = store.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"]).output["cases"]
    document = read_case(prepared[0]["case_uri"])
    reader = vcf.read_case(
        storage.file_uri(vcf_file), document.case.members, vcf.ReadOptions(document.case.assembly, dictionaries=True)
    )
    rows: dict[str, pa.RecordBatch] = {}
    for name, batch in reader.batches():
        rows.setdefault(name, batch.slice(0, ROWS))
    report = reader.report.to_json()

    def stage(index: int) -> None:
        one = PreparedCase(**prepared[index])
        with lake.Stager(
            document.tables, document.part, one.case_id, one.load_id, tables=document.info.tables, run=top
        ) as stager:
            for name, batch in rows.items():
                stager.write(name, batch)
            manifest = stager.finish()
        facts = StagedFacts("many", "GRCh38", 3, 2.0, 2048)
        write_staged(staged_uri(top, one.case_id, "a"), StagedDocument(manifest, report, facts))
        lines = StagedDocument(manifest, report).facts().lines
        place = task_uri(top, "import_case", index)
        request = encode(Request("import-case", "a", top, to_json(one), task_uri=place))
        storage.write_bytes(f"{place}/a/request.json", request)
        storage.write_bytes(f"{place}/request.json", request)
        result = Result(
            "import-case", "a", Status.SUCCEEDED,
            output=to_json(ImportOutput(one.case_id, one.load_id, lines, ())), usage=Usage(1.0, 1.0, 100.0, 1, 1),
        )  # fmt: skip
        for name in ("result.json", "outcome.json"):
            storage.write_bytes(f"{place}/a/{name}", encode(result))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(stage, range(count)))
    return {
        "top": top, "part": part["part"], "loads": prepared, "deleted": [], "imports_uri": task_uri(top, "import_case")
    }  # fmt: skip


def commit(store: Store, arguments: dict[str, object]) -> float:
    """Commit staged cases; return the seconds of the job."""
    arguments = dict(arguments)
    seconds, result = store.measured_job("commit-part", "commit", arguments.pop("top"), **arguments)
    done = len(result.output["imported"])
    if done != len(arguments["loads"]):
        msg = f"{done} of {len(arguments['loads'])} cases were committed: {result.output['failed'][:1]}"
        raise SystemExit(msg)
    return seconds


def commit_alone(store: Store, arguments: dict[str, object]) -> float:
    """Commit the staged cases to tables of another namespace by `lake.commit_part`; return the seconds.

    As `add_files` is measured: in a process that has loaded all libraries, without documents and registry.
    """
    top = arguments["top"]
    with lake.open_catalog(store.settings) as catalog, ThreadPoolExecutor(AT_ONCE) as pool:
        lake.ensure_tables(catalog, "alone")
        uris = [staged_uri(top, one["case_id"], "a") for one in arguments["loads"]]
        documents = list(pool.map(read_staged, uris))
        loads = [
            lake.CaseLoad(one.manifest.case_id, "many", "GRCh38", f"{store.input}/1.vcf.gz", "0", one.report)
            for one in documents
        ]
        manifests = [one.manifest for one in documents]
        store.latency(LATENCY_S)
        began = time.perf_counter()
        lake.commit_part(catalog, "alone", arguments["part"], manifests, loads, [], "alone")
        seconds = time.perf_counter() - began
        store.latency(0)
        return seconds


def add_files(store: Store, arguments: dict[str, object], count: int) -> float:
    """Add the files of the first cases to tables of another namespace by PyIceberg; return the seconds."""
    top = arguments["top"]
    with lake.open_catalog(store.settings) as catalog:
        lake.ensure_tables(catalog, "peer")
        tables = load_tables(catalog, "peer")
        paths: dict[str, list[str]] = {name: [] for name in CASE_TABLES}
        for prepared in arguments["loads"][:count]:
            staged = json.loads(storage.read_bytes(staged_uri(top, prepared["case_id"], "a")))
            for name, files in staged["manifest"]["files"].items():
                for file in files:
                    paths[name].append(_without_field_ids(tables[name], file["path"]))
        store.latency(LATENCY_S)
        began = time.perf_counter()
        for name, found in paths.items():
            if found:
                tables[name].add_files(found)
        seconds = time.perf_counter() - began
        store.latency(0)
        return seconds


def _without_field_ids(table: object, path: str) -> str:
    with storage.open_read(path) as file:
        rows = pq.read_table(pa.BufferReader(file.read()))
    schema = pa.schema([pa.field(one.name, one.type, one.nullable) for one in _plain(rows.schema)])
    uri = f"{table.location()}/data/{uuid.uuid4().hex}.parquet"
    with storage.open_write(uri) as file:
        pq.write_table(rows.cast(schema), file, store_schema=False)
    return uri


def _plain(schema: pa.Schema) -> pa.Schema:
    def plain(type_: pa.DataType) -> pa.DataType:
        if pa.types.is_list(type_):
            return pa.list_(pa.field("element", plain(type_.value_type), type_.value_field.nullable))
        if pa.types.is_map(type_):
            return pa.map_(plain(type_.key_type), pa.field("value", plain(type_.item_type), type_.item_field.nullable))
        return type_

    return pa.schema([pa.field(one.name, plain(one.type), one.nullable) for one in schema])


def grow(store: Store, snapshots: int) -> None:
    """Let the tables have this many snapshots, and as many live files of other cases, `PER_PART` of them in a part."""
    with lake.open_catalog(store.settings) as catalog:
        for name, table in load_tables(catalog, store.settings.lake.namespace).items():
            template = _template(table)
            if template is None:
                continue
            per_file = PER_PART if name not in CASE_TABLES else 1
            files = [
                _moved(table, template, 1_000_000 + number * per_file, EARLIER_PART + number * per_file // PER_PART)
                for number in range(max(1, snapshots // per_file))
            ]
            for batch in (files[at : at + 1000] for at in range(0, len(files), 1000)):
                change = Replacement(add=[one.data_file() for one in batch])
                commit_replacement(table, change, CommitKey(uuid.uuid4().hex, "grown"))
                table.refresh()
            _with_snapshots(catalog, table, snapshots)


def _template(table: object) -> StagedFile | None:
    snapshot = table.current_snapshot()
    if snapshot is None:
        return None
    (entry, *_) = snapshot.manifests(table.io)[0].fetch_manifest_entry(table.io)
    file = entry.data_file

    def texts(bounds: dict[int, bytes] | None) -> dict[int, str]:
        return {one: value.hex() for one, value in (bounds or {}).items()}

    return StagedFile(
        file.file_path, file.record_count, file.file_size_in_bytes, file.partition[0], 0, dict(file.column_sizes or {}),
        dict(file.value_counts or {}), dict(file.null_value_counts or {}), texts(file.lower_bounds),
        texts(file.upper_bounds), tuple(file.split_offsets or ()),
    )  # fmt: skip


def _moved(table: object, file: StagedFile, case_id: int, part: int) -> StagedFile:
    ids = {name: table.schema().find_field(name).field_id for name in ("case_id", "part")}
    values = {ids["case_id"]: case_id.to_bytes(8, "little").hex(), ids["part"]: part.to_bytes(4, "little").hex()}
    path = f"{table.location()}/data/part={part}/case={case_id}/h/{uuid.uuid4().hex[:8]}-00000.parquet"
    return dataclasses.replace(
        file, path=path, part=part, lower_bounds=file.lower_bounds | values, upper_bounds=file.upper_bounds | values
    )


def _with_snapshots(catalog: object, table: object, count: int) -> None:
    """Write the table's metadata again with earlier snapshots before the current one, and point the catalog to it."""
    metadata = json.loads(storage.read_bytes(table.metadata_location))
    current = next(one for one in metadata["snapshots"] if one["snapshot-id"] == metadata["current-snapshot-id"])
    pick = random.Random(1)  # noqa: S311 - a benchmark
    ids = [pick.getrandbits(62) for _ in range(count - 1)]
    metadata["snapshots"] = [
        current
        | {
            "snapshot-id": one,
            "parent-snapshot-id": ids[at - 1] if at else None,
            "sequence-number": at + 1,
            "timestamp-ms": current["timestamp-ms"] - count + at,
        }
        for at, one in enumerate(ids)
    ]
    for one in metadata["snapshots"]:
        if one["parent-snapshot-id"] is None:
            del one["parent-snapshot-id"]
    last = current | {"sequence-number": count} | ({"parent-snapshot-id": ids[-1]} if ids else {})
    metadata["snapshots"].append(last)
    metadata["last-sequence-number"] = count
    metadata["snapshot-log"] = [
        {"snapshot-id": one["snapshot-id"], "timestamp-ms": one["timestamp-ms"]} for one in metadata["snapshots"]
    ]
    uri = table.metadata_location.rpartition("/")[0] + f"/{90000:05d}-{uuid.uuid4()}.metadata.json"
    storage.write_bytes(uri, json.dumps(metadata).encode())
    catalog.drop_table(table.name())
    catalog.register_table(table.name(), uri)


def plan_many(store: Store, vcf_file: Path, count: int, *, imported: bool) -> float:
    """Register cases with a VCF of their own; return the seconds of their planning."""
    data = vcf_file.read_bytes()[:1000]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: storage.write_bytes(f"{store.input}/{number}.vcf.gz", data), range(1, count + 1)))
    store.registry.add(_registration(store, 1))
    copy_case(store, 1, range(2, count + 1), own_vcf=True)
    if imported:
        with _database(store) as database:
            database.execute(f"UPDATE radiant_case SET state = 'imported', part = {FIRST_PART}")  # noqa: S608 - ours
    top = run_uri(store.settings.effective_work_uri, "import-radiant", f"plan{imported}")
    seconds, result = store.measured_job("plan-import", "plan", top, cases=None)
    planned = sum(len(one["cases"]) for one in result.output["parts"])
    if planned != (0 if imported else count):
        msg = f"{planned} of {count} cases were planned"
        raise SystemExit(msg)
    return seconds


def _registration(store: Store, number: int) -> Registration:
    return Registration(
        vcf_uri=f"{store.input}/{number}.vcf.gz",
        strategy="many",
        priority=Priority.ROUTINE,
        assembly="GRCh38",
        case_id=number,
    )


@contextlib.contextmanager
def _database(store: Store) -> Iterator[sqlite3.Connection]:
    path = store.settings.effective_registry_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        yield database


def copy_case(store: Store, of: int, numbers: Sequence[int], *, own_vcf: bool = False) -> None:
    """Register copies of a case by its rows, since `Registry.add` has a transaction for each."""
    uris = {one: f"{store.input}/{one}.vcf.gz" for one in numbers if own_vcf}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tags = dict(zip(uris, pool.map(lambda uri: storage.fingerprint(uri).tag, uris.values()), strict=True))
    with _database(store) as database:
        for table in ("radiant_case", "radiant_file", "radiant_member"):
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            rows = database.execute(f"SELECT {', '.join(names)} FROM {table} WHERE case_id = {of}").fetchall()  # noqa: S608
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            for number in numbers:
                changed = {"case_id": number}
                if own_vcf:
                    changed |= {"uri": uris[number], "tag": tags[number]}
                database.executemany(
                    statement,
                    [[changed.get(name, value) for name, value in zip(names, row, strict=True)] for row in rows],
                )


def visible(store: Store, count: int) -> None:
    """Commit cases without any row, so that planning finds each in `case_load`."""
    with lake.open_catalog(store.settings) as catalog:
        lake.ensure_tables(catalog, store.settings.lake.namespace)
        empty = dict.fromkeys(CASE_TABLES, 0)
        manifests = [
            lake.Manifest(FIRST_PART, number, f"l{number}", dict.fromkeys(CASE_TABLES, ()), empty, {})
            for number in range(1, count + 1)
        ]
        loads = [
            lake.CaseLoad(number, "many", "GRCh38", f"{store.input}/{number}.vcf.gz", "0", {})
            for number in range(1, count + 1)
        ]
        lake.commit_part(catalog, store.settings.lake.namespace, FIRST_PART, manifests, loads, [], "many")


def plot(found: Sequence[tuple[int, float]], cases: int, file: Path) -> None:
    """Write the seconds of a commit after many snapshots as SVG."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "radiant", "font.size": 9}
    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
    axes.plot([one for one, _ in found], [seconds for _, seconds in found], marker="o", color="#1f6f8b")
    for snapshots, seconds in found:
        axes.annotate(f"{seconds:.1f} s", (snapshots, seconds), textcoords="offset points", xytext=(0, 7), ha="center")
    axes.set_xscale("log")
    axes.set_xticks([one for one, _ in found], [f"{one:,}" for one, _ in found])
    axes.minorticks_off()
    axes.set_ylim(0, 1.5 * max(seconds for _, seconds in found))
    axes.set_xlabel("snapshots of each table before the commit (log)")
    axes.set_ylabel(f"s for {cases} cases")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:  # noqa: PLR0915 - one measurement after the other
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="committed at once")
    parser.add_argument("--peer-cases", type=int, default=1000, help="of which the files go through add_files, too")
    parser.add_argument("--snapshots", type=int, nargs="*", default=[100, 1000, 5000], help="before a commit")
    parser.add_argument("--later-cases", type=int, default=100, help="committed after these snapshots")
    parser.add_argument("--registered", type=int, default=10_000, help="cases that are planned")
    parser.add_argument("--out", type=Path, help="folder for the table and the plot")
    arguments = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="radiant-commits-"))
    os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "when_required"
    gc.set_threshold(GC_THRESHOLD)  # as a job does: for `lake.commit_part` alone and for `add_files`
    family = demo(work, 500)
    files = family / "FAM0001.vcf.gz", family / "FAM0001.ped"
    lines = ["| what | place | cases | s | CPU s | target | requests |", "|---|---|---:|---:|---:|---:|---|"]

    def row(what: str, store: Store, cases: int, seconds: float, target: str = "", *, job: bool = True) -> None:
        counted = ", ".join(f"{count:,} {name}" for name, count in sorted(store.found.items())) if job else ""
        cpu = f"{store.cpu_s:.1f}" if job else ""
        lines.append(f"| {what} | {store.name} | {cases:,} | {seconds:.1f} | {cpu} | {target} | {counted} |")
        print(lines[-1], flush=True)

    later: list[tuple[int, float]] = []
    try:
        with s3() as port:
            for name, of_s3 in (("local disk", None), ("S3", port)):
                store = Store(name, work / name.replace(" ", "-"), of_s3)
                staged = staged_run(store, *files, arguments.cases, 1, "run1")
                ours = commit(store, staged)
                row("commit-part", store, arguments.cases, ours, f"{TARGETS[name]:.0f} s")
                if arguments.peer_cases:
                    alone = commit_alone(store, staged)
                    row("lake.commit_part alone", store, arguments.cases, alone, job=False)
                    peer = add_files(store, staged, arguments.peer_cases)
                    row("PyIceberg's add_files", store, arguments.peer_cases, peer, job=False)
                    a_case = peer / arguments.peer_cases
                    for what, seconds in (("the job", ours), ("lake.commit_part", alone)):
                        times = a_case / (seconds / arguments.cases)
                        print(f"{what} {times:.1f} x faster than add_files, a case; target {FASTER} x", flush=True)
                for imported in (False, True) if arguments.registered else ():
                    other = Store(name, work / f"plan-{imported}-{name.replace(' ', '-')}", of_s3)
                    if imported:
                        visible(other, arguments.registered)
                    seconds = plan_many(other, files[0], arguments.registered, imported=imported)
                    what = "plan-import, imported and unchanged" if imported else "plan-import, new"
                    row(what, other, arguments.registered, seconds, f"{TARGETS['plan']:.0f} s")
            for snapshots in arguments.snapshots:
                store = Store("S3", work / f"after-{snapshots}", port)
                commit(store, staged_run(store, *files, 2, 1, "run1"))
                grow(store, snapshots)
                seconds = commit(store, staged_run(store, *files, arguments.later_cases, 10, "run2"))
                later.append((snapshots, seconds))
                row(f"commit-part after {snapshots:,} snapshots", store, arguments.later_cases, seconds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "commits.md").write_text("\n".join(lines) + "\n")
        if later:
            plot(later, arguments.later_cases, arguments.out / "commits.svg")


if __name__ == "__main__":
    main()
