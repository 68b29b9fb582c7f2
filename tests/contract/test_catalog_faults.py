"""A commit that fails at any of its calls: a typed error, nothing half visible; its repetition ends in the same rows.

Each catalog is a real one, and so is its store; a proxy counts the calls of a commit and breaks one of them.
"""

import re

import pytest
import s3fs

from contract.lake_site import lake_site
from lines import Fault, Line
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError
from staging import NAMESPACE, commit, counts, read, stage

UNANSWERED = {"LakeUnavailableError", "CommitUnknownError", "StorageError"}
ERRORS = {
    Fault.AWAY: UNANSWERED,
    Fault.LOST: UNANSWERED,
    Fault.GONE: UNANSWERED,
    Fault.SLOW_DOWN: {"LakeUnavailableError", "StorageError"},
    Fault.FORBIDDEN: {"ConfigError", "InputError"},
    Fault.FULL: {"StorageError"},
}
"""The errors that each may end in: only a right that is lost is one that no repetition passes."""

BROKEN = [
    *(("sqlite-s3", "store", one) for one in (Fault.LOST, Fault.GONE, Fault.SLOW_DOWN, Fault.FORBIDDEN, Fault.FULL)),
    *(("postgresql-files", "catalog", one) for one in (Fault.AWAY, Fault.LOST, Fault.GONE)),
    *(("postgresql-s3", line, Fault.LOST) for line in ("store", "catalog")),
    *(("rest-s3", "catalog", one) for one in (Fault.LOST, Fault.GONE, Fault.SLOW_DOWN, Fault.FORBIDDEN)),
    *(("rest-s3", "store", one) for one in (Fault.LOST, Fault.FULL)),
]


@pytest.fixture
def site(request, tmp_path, monkeypatch):
    """A site with lines, and clients that do not try again by themselves."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with lake_site(request.param, tmp_path, request.getfixturevalue, with_lines=True) as site:
        yield site


@pytest.mark.parametrize(("site", "line", "fault"), BROKEN, indirect=["site"])
def test_a_commit_broken_at_any_call_shows_nothing_half_and_its_repetition_ends_in_the_same_rows(site, line, fault):
    broken: Line = site.lines[line]
    reader = site.open()
    refs = lake.ensure_tables(reader, NAMESPACE)
    commit(reader, [stage(refs, 1, "load0", rows=rows_of_load(0))], "t0")
    load = 1
    staged = stage(refs, 1, "load1", rows=rows_of_load(1))
    broken.heal()
    assert attempt(site, staged, load) is None
    kinds = list(dict.fromkeys(map(kind, broken.calls)))
    visible, failures = load, 0
    for one in kinds:
        if fault is Fault.FULL and not one.startswith(("PUT", "POST")):
            continue
        call = failed = None
        while call is None:
            fresh = load == visible
            if fresh:
                load += 1
                staged = stage(refs, 1, f"load{load}", rows=rows_of_load(load))
            broken.break_call(lambda call, wanted=one: kind(call) == wanted, fault)
            failed = attempt(site, staged, load)
            call = broken.broken
            broken.heal()
            if call is None:  # the attempt before had landed in that table: another load has the call
                assert failed is None, (one, failed)
                assert not fresh, f"no call is {one}"
                visible = load
        if failed is not None:
            failures += 1
            assert type(failed).__name__ in ERRORS[fault], (call, failed)
        seen = lake.visible_case(reader, NAMESPACE, 1).load_id
        assert seen == f"load{load}" or (failed is not None and seen == f"load{visible}"), (call, failed)
        visible = int(seen.removeprefix("load"))
        assert len(read(reader, 1)) == rows_of_load(visible), (call, failed)
    assert failures > len(kinds) // 4, "hardly a call of a commit matters"
    assert attempt(site, staged, load) is None
    assert lake.visible_case(reader, NAMESPACE, 1).load_id == f"load{load}"
    for name in CASE_TABLES:
        assert counts(reader, name) == {(1, 1): rows_of_load(load)}
    assert not commit(reader, [staged], f"t{load}").changed


def rows_of_load(number: int) -> int:
    return 3 + number


def attempt(site, staged, load: int) -> RadiantError | None:
    """Commit as a job does, with a catalog of its own; return how it failed."""
    try:
        with site.open() as catalog:
            commit(catalog, [staged], f"t{load}")
    except RadiantError as error:
        return error
    return None


def kind(call: str) -> str:
    """Return what a call asks for, the same for each table of cases, and another for the gate."""
    gate = " of case_load" if "case_load" in call else ""
    method, _, rest = call.partition(" ")
    if "list-type" in rest:
        return f"{method} list{gate}"
    if method in {"GET", "HEAD", "PUT", "POST", "DELETE"}:
        last = re.sub(r"[0-9a-f]+", "#", re.sub(r"^snap-.*", "snap", rest.partition("?")[0].rpartition("/")[2]))
        name = re.sub(r"#[-#]*", "#", last)
        return f"{method} {'table' if 'germline' in name else name}{gate}"
    return re.sub(r"[^A-Za-z ]+.*", "", call[5:]).strip()[:40] + gate
