"""Jobs, maintenance and erasure with a call to the store broken: nothing is lost, and the repetition ends well.

Everything is on the S3 of a test, behind a proxy that breaks one call: its answer is lost, the store throttles, or the
process is as good as killed after it (no later call passes). `make test` breaks some calls, `make test-faults` every.
"""

import dataclasses
import datetime as dt
import itertools
import logging
import random
from collections.abc import Callable, Iterable, Iterator

import pytest
import s3fs

from kills import Backup
from lines import Fault, HttpLine
from radiant.errors import EXIT_OK, EXIT_TRANSIENT, RadiantError
from radiant.jobs.documents import Status, run_uri, task_uri
from radiant.registry import changes
from radiant.storage import read_ahead
from radiant.worker import main
from radiant.worker.erase_case import erase_case
from radiant.worker.maintain_tables import maintain
from s3_store import S3Store, s3_store
from store_site import StoreSite

log = logging.getLogger(__name__)

REASON = "consent withdrawn"
FAULTS = (Fault.LOST, Fault.SLOW_DOWN, Fault.GONE)
CASES = (1, 2)
ROWS = 16
"""Occurrences of each case: its child and its father carry each of eight variants."""


@pytest.fixture(scope="module")
def store() -> Iterator[S3Store]:
    with s3_store() as store:
        yield store


Chosen = Callable[[list[str]], Iterable[tuple[Callable[[str], bool], int]]]
"""Gets the calls of the work when none is broken; returns which to break: calls of which kind, and the number there."""


def every(_calls: list[str]) -> Iterable[tuple[Callable[[str], bool], int]]:
    """Choose each call; one whose number is too high ends the sweep."""
    return ((bool, number) for number in itertools.count(1))


def spaced(most: int) -> Chosen:
    """Choose evenly spaced calls."""
    return lambda calls: [(bool, len(calls) * (at + 1) // (most + 1)) for at in range(most)]


def sample(writes: int | None, reads: int) -> Chosen:
    """Choose calls at random, the same in every run: that many which change the store, all for None, and others.

    A call that reads leaves what the change before it left. Threads make both, so that the numbers of writes and reads
    among all calls differ from run to run, and those among their kind do not.
    """

    def choose(calls: list[str]) -> list[tuple[Callable[[str], bool], int]]:
        found: list[tuple[Callable[[str], bool], int]] = []
        chance = random.Random(7)  # noqa: S311 - the same calls each time
        for kind, most in ((is_write, writes), (is_read, reads)):
            numbers = range(1, sum(map(kind, calls)) + 1)
            found += [(kind, one) for one in (numbers if most is None else sorted(chance.sample(numbers, most)))]
        return found

    return choose


def is_write(call: str) -> bool:
    return not is_read(call)


def is_read(call: str) -> bool:
    return call.startswith(("GET", "HEAD"))


@dataclasses.dataclass
class Broken:
    """A site whose calls to the store are broken, one after the other."""

    site: StoreSite
    line: HttpLine

    def each(self, fault: Fault, work: Callable[[], int], chosen: Chosen) -> Iterator[str]:
        """Do the work from the state of now again and again, with another call broken each time; yield which.

        At each yield the work has ended, and every call passes.
        """
        objects, home = self.site.store.copy(), Backup(self.site.folder / "home")
        self.line.heal()
        assert work() == EXIT_OK
        calls = [*self.line.calls]
        for counts, number in chosen(calls):
            self.site.store.restore(objects)
            home.restore()
            self.line.break_number(number, fault, counts)
            code = work()
            call = self.line.broken
            self.line.heal()
            total = sum(map(counts, calls))
            if call is None:
                assert code == EXIT_OK
                assert number > 0.95 * total, f"there is no call {number} of about {total}"
                if chosen is every:
                    break
                continue
            where = f"{fault} of call {number} of about {total}, {call}"
            assert code in {EXIT_OK, EXIT_TRANSIENT}, f"{where}: ends with {code}, as if no repetition would help"
            log.info("%s: exit code %d", where, code)
            yield where


@pytest.fixture
def broken(store, tmp_path, monkeypatch) -> Iterator[Broken]:
    """A site with two registered cases behind a line, with clients that do not try again by themselves."""
    monkeypatch.setattr(read_ahead, "PAUSES_S", ())
    monkeypatch.setattr(changes, "PAUSES_S", ())
    monkeypatch.setattr(main, "RESULT_PAUSES_S", ())
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    store.restore({})
    with HttpLine(store.endpoint, app=store.answer).serving() as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        s3fs.S3FileSystem.clear_instance_cache()
        site = StoreSite.on(store, tmp_path)
        for number in CASES:
            site.add(number)
        yield Broken(site, line)
        s3fs.S3FileSystem.clear_instance_cache()


def exit_code(work: Callable[[], object]) -> int:
    """Return the exit code of a command that does this; an error of a library is none of ours."""
    try:
        work()
    except RadiantError as error:
        return error.exit_code
    return EXIT_OK


EVERY_CALL = [pytest.param(one, every, id=f"{one} of every call", marks=pytest.mark.every_call) for one in FAULTS]
OF_AN_ERASURE = [
    pytest.param(Fault.GONE, sample(None, 40), id="gone after every write", marks=pytest.mark.every_call),
    *(pytest.param(one, sample(30, 30), id=f"{one} of 60 calls", marks=pytest.mark.every_call) for one in FAULTS[:2]),
]
"""An erasure makes about eight hundred calls, most of them when it searches every file for the case."""


def lost(most: int) -> object:
    return pytest.param(Fault.LOST, spaced(most), id=f"lost reply of {most} calls")


@pytest.mark.parametrize(("fault", "chosen"), EVERY_CALL)
def test_a_broken_call_of_prepare_leaves_nothing_behind_that_its_repetition_stumbles_over(broken, fault, chosen):
    site = broken.site
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
    (part,) = site.job("plan-import", "plan", top, cases=None).output["parts"]
    wanted = {"part": part["part"], "cases": part["cases"]}
    for where in broken.each(fault, lambda: site.run("prepare-part", "prepare-broken", top, **wanted), chosen):
        prepared = site.job("prepare-part", "prepare", top, **wanted)
        assert prepared.status is Status.SUCCEEDED, (where, prepared.failure)
        # A case whose pedigree did not answer is refused, the others go on: the repetition puts it at the end.
        assert sorted(one["case_id"] for one in prepared.output["cases"]) == [*CASES], where
        assert site.missing_files() == set(), where


@pytest.mark.parametrize(("fault", "chosen"), [lost(2), *EVERY_CALL])
def test_a_broken_call_of_an_import_shows_no_row_and_its_repetition_stages_the_same_rows(broken, fault, chosen):
    site = broken.site
    top, part, cases = prepared(site)
    other = site.job("import-case", "import_case", top, 1, **cases[1])
    digests: dict[str, str] | None = None
    for where in broken.each(fault, lambda: site.run("import-case", "broken", top, 0, **cases[0]), chosen):
        assert site.visible() == {}, where
        again = site.job("import-case", "import_case", top, 0, **cases[0])
        assert again.status is Status.SUCCEEDED, (where, again.failure)
        digests = digests or again.digests
        committed = site.job("commit-part", "commit", top, **loads(top, part, cases))
        assert committed.status is Status.SUCCEEDED, (where, committed.failure)
        assert site.visible() == {1: digests, 2: other.digests}, where
        assert [len(site.rows(case)["occurrence"]) for case in CASES] == [ROWS, ROWS], where


@pytest.mark.parametrize(("fault", "chosen"), EVERY_CALL)
def test_a_broken_call_of_a_commit_shows_all_of_its_cases_or_none_and_its_repetition_shows_all(broken, fault, chosen):
    site = broken.site
    top, part, cases = prepared(site)
    staged = [site.job("import-case", "import_case", top, at, **one) for at, one in enumerate(cases)]
    whole = {case: one.digests for case, one in zip(CASES, staged, strict=True)}
    arguments = loads(top, part, cases)
    for where in broken.each(fault, lambda: site.run("commit-part", "commit-broken", top, **arguments), chosen):
        assert site.visible() in ({}, whole), where
        committed = site.job("commit-part", "commit", top, **arguments)
        assert committed.status is Status.SUCCEEDED, (where, committed.failure)
        assert site.visible() == whole, where
        assert [len(site.rows(case)["occurrence"]) for case in CASES] == [ROWS, ROWS], where
        assert site.missing_files() == set(), where


@pytest.mark.parametrize(("fault", "chosen"), [lost(2), *EVERY_CALL])
def test_a_broken_call_of_maintenance_deletes_nothing_that_is_needed_and_its_repetition_frees_the_rest(
    broken, fault, chosen
):
    site = imported_twice(broken.site)
    before = [site.rows(case) for case in CASES]
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=2)

    def maintained() -> int:
        return exit_code(lambda: maintain(site.settings, dry_run=False, now=later))

    left: set[int] = set()
    for where in broken.each(fault, maintained, chosen):
        assert [site.rows(case) for case in CASES] == before, where
        assert site.missing_files() == set(), where
        with site.store.read_without_requests():
            assert maintained() == EXIT_OK, where
        assert [site.rows(case) for case in CASES] == before, where
        assert site.missing_files() == set(), where
        left.add(sum(name.endswith(".parquet") for name in site.store.names()))
        assert len(left) == 1, where


@pytest.mark.parametrize(("fault", "chosen"), [lost(1), *OF_AN_ERASURE])
def test_a_broken_call_of_an_erasure_is_passed_by_its_repetition_which_ends_with_the_certificate(broken, fault, chosen):
    site = imported_twice(broken.site)
    before = site.rows(2)
    for where in broken.each(fault, lambda: exit_code(lambda: erase_case(site.settings, 1, REASON)), chosen):
        assert site.rows(2) == before, where
        with site.store.read_without_requests():
            certificate = erase_case(site.settings, 1, REASON).certificate
        assert certificate.complete, (where, certificate.scan.hits)
        assert site.rows(2) == before, where
        assert site.missing_files() == set(), where
        kept = {name: data for name, data in site.store.copy().items() if not name.startswith("in/")}
        assert [name for name, data in kept.items() if b"child1" in data or "/case=1/" in name] == [], where


def test_an_erasure_asks_its_bucket_once_whether_it_keeps_older_versions(broken):
    site = imported_twice(broken.site)
    broken.line.heal()
    assert erase_case(site.settings, 1, REASON).certificate.complete
    calls = broken.line.calls
    assert sum("?versioning" in call for call in calls) == 1, len(calls)


def prepared(site: StoreSite) -> tuple[str, int, list[dict[str, object]]]:
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
    (part,) = site.job("plan-import", "plan", top, cases=None).output["parts"]
    found = site.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"])
    assert found.status is Status.SUCCEEDED, found.failure
    return top, part["part"], found.output["cases"]


def loads(top: str, part: int, cases: list[dict[str, object]]) -> dict[str, object]:
    return {"part": part, "loads": cases, "deleted": [], "imports_uri": task_uri(top, "import_case")}


def imported_twice(site: StoreSite) -> StoreSite:
    """Import both cases, and the first one again, so that older snapshots alone hold its first rows."""
    site.import_due()
    site.import_due([1])
    return site
