"""How many requests an import and a commit send to the store, where each comes from, and that none grows unseen."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from radiant import lake, storage
from radiant.demo.make import make
from radiant.domain.case import Priority
from radiant.domain.tables import CASE_TABLES, TABLES
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, decode_result, run_uri, task_uri
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from radiant.worker import import_case, main
from random_rows import batch
from s3_jobs import job
from s3_store import S3Store, s3_store
from staging import case_load

FAMILIES = 2
"""Files of the demo, which the cases share: only requests count here."""

KINDS = (
    ("vcf range", "GET", r"/in/.*\.vcf\.gz bytes="),
    ("vcf size", "HEAD", r"/in/.*\.vcf\.gz"),
    ("data file", "PUT|POST", r"\.parquet"),
    ("deleted", "DELETE", r"\.parquet|/cases/\d+\.json"),
    ("stale result", "POST", r"^/clinic/? $"),
    ("list", "GET", r"^/clinic/? $"),
    ("progress", "PUT", r"/progress\.json"),
    ("log", "PUT", r"/worker\.log\.gz"),
    ("case", "GET", r"/cases/\d+\.json"),
    ("staged", "GET|PUT", r"/cases/.*\.staged\.json"),
    ("outcome", "GET", r"/outcome\.json"),
    ("request", "GET", r"/request\.json"),
    ("result", "PUT", r"/result\.json"),
    ("committing", "GET|PUT", r"/committing\.json"),
    ("history", "GET|PUT", r"/import-history\.json"),
    ("table", "HEAD|GET", r"/metadata/.*\.metadata\.json"),
    ("table", "PUT", r"/metadata/.*\.metadata\.json"),
    ("manifests", "HEAD|GET|PUT", r"/metadata/.*\.avro"),
    ("case_load", "HEAD|GET|PUT", r"/case_load/data/.*\.parquet"),
)
"""Where a request comes from: name, methods, path and range."""


def kinds(requests: list[tuple[str, str, str]]) -> Counter:
    """Requests by where they come from; one that is of no kind fails."""
    found = Counter()
    for method, path, asked in requests:
        names = [
            name
            for name, methods, pattern in KINDS
            if re.fullmatch(methods, method) and re.search(pattern, f"{path} {asked}")
        ]
        assert names, f"a new kind of request: {method} {path} {asked}"
        found[names[-1]] += 1
    return found


@dataclass
class Site:
    """A registry, a lake and a work folder on S3, whose requests are counted."""

    s3: S3Store
    home: Path
    files: list[tuple[str, str]]

    def __post_init__(self) -> None:
        self.settings = load_settings(
            {
                "RADIANT_HOME": str(self.home),
                "RADIANT_WORK_URI": self.s3.uri(f"{self.home.name}/work"),
                "RADIANT_LAKE__WAREHOUSE": self.s3.uri(f"{self.home.name}/warehouse"),
            }
        )
        self.registry = Registry(self.settings.effective_registry_url)
        self._runs = itertools.count(1)
        self._numbers = itertools.count(1)

    def add(self, count: int) -> list[int]:
        numbers = [next(self._numbers) for _ in range(count)]
        for number in numbers:
            vcf, ped = self.files[number % FAMILIES]
            self.registry.add(
                Registration(
                    vcf_uri=vcf,
                    ped_uri=ped,
                    strategy="wgs",
                    priority=Priority.ROUTINE,
                    assembly="GRCh38",
                    case_id=number,
                )
            )
        return numbers

    def worker(self, name: str, task: str, index: int = -1, attempt: str = "a", **arguments: object) -> Counter:
        """Run a job as its container does, from reading its request to its end; return its requests."""
        place = task_uri(self.top, task, index)
        request = Request(name, attempt, self.top, arguments, task_uri=place, cpu=1.0, memory_mib=1000)
        folder = f"{place}/{attempt}"
        for uri in (f"{folder}/request.json", f"{place}/request.json"):
            storage.write_bytes(uri, encode(request))
        self.s3.requests.clear()
        arguments = [name, "--request", f"{folder}/request.json", "--result", f"{folder}/result.json"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(main, "load_installation", lambda: self.settings)
            patch.setattr(main.signal, "signal", lambda *_: None)
            with pytest.raises(SystemExit) as ended:
                main.main(arguments)
        found = kinds(list(self.s3.requests))
        document = storage.read_bytes(f"{folder}/result.json")
        result = decode_result(document, folder)
        assert (ended.value.code, result.status) == (0, Status.SUCCEEDED), result.failure
        storage.write_bytes(f"{folder}/outcome.json", document)  # the operator writes the same after a good end
        self.output = result.output
        return found

    def begin(self, numbers: list[int]) -> list[dict]:
        """Plan and prepare a run; return the arguments of its imports."""
        self.top = run_uri(self.settings.effective_work_uri, "import-vcf", f"run{next(self._runs)}")
        plan = job(self.settings, "plan-import", "plan", self.top, cases=numbers)
        (part,) = plan.output["parts"]
        self.part = part["part"]
        return job(self.settings, "prepare-part", "prepare", self.top, part=self.part, cases=part["cases"]).output[
            "cases"
        ]

    def commit(self, cases: list[dict], attempt: str = "c") -> Counter:
        return self.worker(
            "commit-part",
            "commit",
            attempt=attempt,
            part=self.part,
            loads=cases,
            deleted=[],
            imports_uri=task_uri(self.top, "import_case"),
        )

    def run(self, count: int) -> Counter:
        """Import cases in one run; return the requests of its commit."""
        cases = self.begin(self.add(count))
        for index, one in enumerate(cases):
            self.worker("import-case", "import_case", index, **one)
        found = self.commit(cases)
        assert len(self.output["imported"]) == count, self.output
        return found

    def grow(self, commits: int) -> None:
        """Make the history of a table longer: commits of a case each, in the same part."""
        with lake.open_catalog(self.settings) as catalog:
            refs = lake.ensure_tables(catalog, self.settings.lake.namespace)
            for number in range(commits):
                case_id = 100_000 + next(self._numbers)
                with lake.Stager(refs, self.part, case_id, f"h{case_id}") as stager:
                    stager.write("occurrence", batch("occurrence", 3, case_id))
                    manifest = stager.finish()
                lake.commit_part(
                    catalog,
                    self.settings.lake.namespace,
                    self.part,
                    [manifest],
                    [case_load(case_id)],
                    [],
                    f"history{case_id}-{number}",
                )


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    make(folder, FAMILIES, 500, 7)
    return folder


@pytest.fixture
def site(tmp_path, demo) -> Iterator[Site]:
    with s3_store() as s3:
        files = [
            tuple(s3.put(f"in/{name}{end}", (demo / name / f"{name}{end}").read_bytes()) for end in (".vcf.gz", ".ped"))
            for name in (f"FAM{number:04d}" for number in range(1, FAMILIES + 1))
        ]
        yield Site(s3, tmp_path, files)
        s3.empty()  # the stand-ins of a process share their objects


MOST_PER_IMPORT = 12
"""Beside the ranges of the VCF and the files that an import writes."""
MOST_OF_A_TABLE = 60
"""Of a commit, for each table: its metadata, its list of manifests and at most twenty small ones of these."""

WRITTEN = ("progress", "staged", "result", "log")


def test_an_import_sends_few_requests_beside_the_vcf_and_its_files(site):
    (one,) = site.begin(site.add(1))
    found = site.worker("import-case", "import_case", 0, **one)
    assert found["vcf range"] >= 1
    assert sum(found[name] for name in WRITTEN) == len(WRITTEN)
    assert 1 <= found["data file"] <= len(CASE_TABLES), "a small file is written in one request"
    others = found.total() - found["vcf range"] - found["data file"] - sum(found[name] for name in WRITTEN)
    assert others <= MOST_PER_IMPORT, found


def test_an_import_by_two_processes_sends_as_few(site, monkeypatch):
    monkeypatch.setattr(import_case, "SPLIT_FROM_BYTES", 0)
    monkeypatch.setattr(import_case, "usable_cores", lambda _: 2)
    (one,) = site.begin(site.add(1))
    found = site.worker("import-case", "import_case", 0, **one)
    others = found.total() - found["vcf range"] - found["data file"] - sum(found[name] for name in WRITTEN)
    assert others <= MOST_PER_IMPORT, found


def test_a_commit_sends_two_requests_for_each_case_and_few_others_however_long_the_history(site):
    few, many = site.run(3), site.run(12)
    of_tables = ("manifests", "case_load")
    assert {name: many[name] - few[name] for name in many if name not in of_tables} == {
        name: 9 if name in {"outcome", "staged"} else 0 for name in many if name not in of_tables
    }
    site.grow(12)
    later = site.run(3)
    assert {name: count for name, count in later.items() if name not in of_tables} == {
        name: count for name, count in few.items() if name not in of_tables
    }
    site.grow(12)
    for found in (few, many, later, site.run(3)):
        assert sum(found[name] for name in of_tables) <= MOST_OF_A_TABLE * len(TABLES), found


def test_a_case_that_was_tried_again_takes_one_request_more(site):
    (one,) = site.begin(site.add(1))
    for attempt in ("first", "second"):
        found = site.worker("import-case", "import_case", 0, attempt, **one)
    assert found["deleted"] >= 1, "the second attempt deletes what the first staged"
    committed = site.commit([one])
    assert len(site.output["imported"]) == 1
    assert (committed["outcome"], committed["staged"], committed["request"]) == (1, 1, 3)


def test_an_import_that_runs_again_after_its_commit_deletes_nothing_of_it(site):
    (one,) = site.begin(site.add(1))
    site.worker("import-case", "import_case", 0, "first", **one)
    site.commit([one])
    found = site.worker("import-case", "import_case", 0, "second", **one)
    assert "deleted" not in found
    with lake.open_catalog(site.settings) as catalog:
        rows = list(lake.case_rows(catalog, site.settings.lake.namespace, one["case_id"], "occurrence"))
    assert sum(batch.num_rows for batch in rows) > 0


def test_a_commit_takes_nothing_of_a_load_whose_import_was_requested_again(site):
    """The other half of the agreement in `case_document`: the later attempt may delete what the first staged."""
    (one,) = site.begin(site.add(1))
    site.worker("import-case", "import_case", 0, "first", **one)
    place = task_uri(site.top, "import_case", 0)
    again = Request("import-case", "second", site.top, one, task_uri=place)
    for uri in (f"{place}/second/request.json", f"{place}/request.json"):
        storage.write_bytes(uri, encode(again))
    site.commit([one])
    (failed,) = site.output["failed"]
    assert "ended without a result" in failed["reason"]
