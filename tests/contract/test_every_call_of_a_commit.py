"""A commit with each of its calls broken, one after the other: `make test-faults`.

`test_catalog_faults.py` breaks the first call of each kind, in `make test`.
"""

import itertools
import logging
from collections.abc import Iterator

import pytest
import s3fs

from contract.lake_site import LakeSite, lake_site
from contract.test_catalog_faults import ERRORS
from lines import Fault, Line
from radiant import lake, storage
from radiant.domain.tables import CASE_TABLES, KEY_COLUMNS
from radiant.errors import RadiantError
from radiant.lake.create import load_tables
from radiant.lake.filters import rows_of
from radiant.lake.references import ManifestCache, files_of_table
from radiant.lake.scan import plan
from radiant.lake.visible_rows import CaseTable
from staging import NAMESPACE, commit, stage

log = logging.getLogger(__name__)
"""`make test-faults ARGS="-n 0 -o log_cli=true --log-cli-level INFO"` shows each call."""

pytestmark = pytest.mark.every_call

UNSERVED = (Fault.AWAY, Fault.LOST, Fault.GONE)
BROKEN = [
    *(("sqlite-s3", "store", one) for one in ERRORS),
    *(("postgresql-files", "catalog", one) for one in UNSERVED),
    *(("postgresql-s3", "catalog", one) for one in UNSERVED),
    *(("postgresql-s3", "store", one) for one in (*UNSERVED, Fault.SLOW_DOWN)),
    *(("rest-s3", "catalog", one) for one in (*UNSERVED, Fault.SLOW_DOWN, Fault.FORBIDDEN)),
    *(("rest-s3", "store", one) for one in (*UNSERVED, Fault.SLOW_DOWN)),
]

Digests = dict[str, str]
"""Of a case's rows, by the table's short name."""


@pytest.fixture
def site(request, tmp_path, monkeypatch) -> Iterator[LakeSite]:
    """A site with lines, and clients that do not try again by themselves."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with lake_site(request.param, tmp_path, request.getfixturevalue, with_lines=True) as site:
        yield site


class Part:
    """A part, and its commits: each replaces case 1, brings one of cases 2 and 3 in and takes the other one out."""

    def __init__(self, site: LakeSite) -> None:
        self._site = site
        self._reader = site.open()
        self._refs = lake.ensure_tables(self._reader, NAMESPACE)
        self._number = 0
        self._before: dict[int, Digests] = {}
        self.stage()
        assert self.commit() is None

    def stage(self) -> None:
        """Stage the cases of the next commit."""
        self._number += 1
        coming, self._going = (2, 3) if self._number % 2 else (3, 2)
        rows = 3 + self._number
        self._staged = {case: stage(self._refs, case, f"load{self._number}", rows=rows) for case in (1, coming)}

    def commit(self) -> Exception | None:
        """Commit as a job does, with a catalog of its own; return how it failed."""
        try:
            with self._site.open() as catalog:
                commit(catalog, self._staged.values(), f"t{self._number}", deleted=[self._going])
        except Exception as error:  # noqa: BLE001 - an error of a library is what is looked for
            return error
        self._before = self._after
        return None

    @property
    def _after(self) -> dict[int, Digests]:
        return {case: manifest.digests for case, manifest in self._staged.items()}

    def is_whole(self) -> bool:
        """Return whether readers see the part as before the commit, without the removed case, or as after it."""
        without = {case: digests for case, digests in self._before.items() if case != self._going}
        return self.seen() in (self._before, without, self._after)

    def is_committed(self) -> bool:
        """Return whether readers see what the commit brought."""
        return self.seen() == self._after

    def seen(self) -> dict[int, Digests]:
        """Return the digests of the rows that readers see: of the rows, not those that `case_load` has."""
        found: dict[int, Digests] = {}
        tables = load_tables(self._reader, NAMESPACE)
        for case, visible in lake.visible_cases(self._reader, NAMESPACE).items():
            found[case] = {}
            for name, declared in CASE_TABLES.items():
                digest = lake.RowDigest()
                columns = [column.name for column in declared.columns if column.name not in KEY_COLUMNS]
                tasks = plan(tables[name], rows_of(visible.part, [case]), visible.snapshots[name])
                for batch in CaseTable(tables[name], visible, tuple(tasks)).rows(columns):
                    digest.update(batch)
                found[case][name] = digest.hexdigest()
        return found

    def cases(self) -> list[set[int]]:
        """Return the cases with rows in each table, visible or not."""
        tables = load_tables(self._reader, NAMESPACE)
        scans = (tables[name].scan(selected_fields=("case_id",)) for name in CASE_TABLES)
        return [set(scan.to_arrow()["case_id"].to_pylist()) for scan in scans]

    def missing_files(self) -> set[str]:
        """Return the files that a snapshot of a table names and that are gone."""
        there = {storage.canonical(uri) for uri in self._site.files()}
        named: set[str] = set()
        for table in load_tables(self._reader, NAMESPACE).values():
            old = {storage.canonical(one.metadata_file) for one in table.metadata.metadata_log}
            named |= files_of_table(table, ManifestCache(table)).keys() - old
        return named - there


@pytest.mark.parametrize(("site", "line", "fault"), BROKEN, indirect=["site"])
def test_a_commit_broken_at_every_call_shows_nothing_half_and_its_repetition_ends_in_the_same_rows(site, line, fault):
    broken: Line = site.lines[line]
    part = Part(site)
    problems: list[str] = []
    failures = 0
    for number in itertools.count(1):
        part.stage()
        broken.break_number(number, fault, writes if fault is Fault.FULL else bool)
        failed = part.commit()
        call = broken.broken
        broken.heal()
        if call is None:
            assert failed is None, failed
            break
        where = f"{fault} of call {number}, {call}: {type(failed).__name__}: {failed}"
        log.info("%s", where)
        failures += failed is not None
        with site.read_without_requests():
            if failed is not None:
                if not isinstance(failed, RadiantError) or type(failed).__name__ not in ERRORS[fault]:
                    problems.append(f"{where}: this is no error of ours for it")
                if not part.is_whole():
                    problems.append(f"{where}: half of the commit is visible")
                if (again := part.commit()) is not None:
                    problems.append(f"{where}: the repetition fails: {again!r}")
                    break
            if not part.is_committed():
                problems.append(f"{where}: the commit ended well, and its rows are not those that are visible")
    log.info("%s of %s: %d calls broken, %d commits failed", fault, line, number - 1, failures)
    assert problems == []
    with site.read_without_requests():
        assert part.is_committed()
        assert part.cases() == [{1, *part.seen()}] * len(CASE_TABLES)
        assert part.missing_files() == set()
    assert failures > number // 4, "hardly a call of a commit matters"


def writes(call: str) -> bool:
    return call.startswith(("PUT", "POST"))
