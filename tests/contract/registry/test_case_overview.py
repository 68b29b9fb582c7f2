"""What pages read of a registry: on SQLite and on PostgreSQL."""

import datetime as dt

import pytest
import sqlalchemy as sa

from contract.registry_site import assign_all, claim_all, import_all
from radiant.domain.case import CaseState, Priority
from radiant.errors import CaseNotFoundError, ConfigError
from radiant.jobs.usage import JobTry, Placement, TaskUsage, Times
from radiant.registry import CaseFilter, CaseOverview


@pytest.fixture
def overview(url, registry) -> CaseOverview:
    del registry
    return CaseOverview(url)


@pytest.fixture
def failed(registry, files, clock):
    """Case 1 imported, 2 failed, 3 registered, each later than the one before."""
    for name in "ab":
        registry.add(files.make(name))
    assign_all(registry)
    loads = {one.case.case_id: one.load_id for one in claim_all(registry).cases}
    registry.begin_commit([(1, loads[1])], [], "t")
    registry.finish_imported(1, loads[1])
    clock.forward(10)
    registry.finish_failed(2, loads[2], "VcfTruncated", "cut at 50%_off\\", retryable=False)
    clock.forward(10)
    registry.add(files.make("c", priority=Priority.STAT))
    return loads


def ids(overview, offset=0, limit=50, **wanted):
    return [one.case_id for one in overview.cases(CaseFilter(**wanted), offset=offset, limit=limit).cases]


@pytest.mark.usefixtures("failed")
class TestList:
    def test_every_state_is_counted(self, overview):
        assert overview.counts() == dict.fromkeys(CaseState, 0) | {
            CaseState.IMPORTED: 1,
            CaseState.FAILED: 1,
            CaseState.REGISTERED: 1,
        }

    def test_a_page_has_the_cases_that_changed_last_first_and_the_number_of_all(self, overview):
        assert ids(overview) == [3, 2, 1]
        assert ids(overview, offset=1, limit=1) == [2]
        assert overview.cases(CaseFilter(), offset=1, limit=1).total == 3
        assert ids(overview, offset=3) == []

    def test_a_line_has_file_state_and_failure(self, overview, files):
        (line,) = overview.cases(CaseFilter(CaseState.FAILED), offset=0, limit=50).cases
        assert (line.case_id, line.state, line.vcf_uri) == (2, CaseState.FAILED, f"file://{files.folder}/b.vcf.gz")
        assert (line.failure.code, line.failure.retryable) == ("VcfTruncated", False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("7770001", [7770001]),
        ("777000", []),
        ("/qqx.VCF", [7770001]),
        ("P-qqy", [7770002]),
        (" mqqx ", [7770001]),
        ("qq", [7770001, 7770002]),
        ("q%x", []),
        ("q_x", []),
        ("\u00b2", []),
    ],
)
def test_a_text_is_a_whole_number_or_part_of_a_file_or_of_an_id(registry, overview, files, text, found):
    for case_id, name in ((7770001, "qqx"), (7770002, "qqy")):
        registry.add(files.make(name, case_id=case_id))
    assert sorted(ids(overview, text=text)) == found


def test_a_case_has_its_record_history_loads_and_usage(registry, overview, files):
    registry.add(files.make())
    loads = import_all(registry)
    job_try = JobTry("a", 1, None, Times(ended_at=5.0), Placement("local"), 1.0, 512, None, None)
    other = JobTry("b", 1, None, Times(ended_at=4.0), Placement("local"), 1.0, 512, None, None)
    stored = [TaskUsage("r", "import-case", 1, job_try), TaskUsage("r", "import-case", 2, other)]
    registry.record_usage(stored, keep_days=1)
    found = overview.case(1)
    assert found.record == registry.get(1)
    assert found.history == tuple(reversed(registry.history(1)))
    assert [one.load_id for one in found.loads] == [loads[1]]
    assert found.usages == (stored[0],)
    with pytest.raises(CaseNotFoundError):
        overview.case(2)
    assert sorted(overview.usage_of_runs(["r", "s"]), key=lambda one: one.job_try.attempt) == stored
    assert overview.usage_of_runs(["s"]) == []


def test_the_usage_of_a_time_is_what_was_requested_in_it_and_without_a_time_what_was_stored(registry, overview, clock):
    hour = dt.timedelta(hours=1)
    asked = Times(asked_at=(clock.now - hour).timestamp(), ended_at=clock.now.timestamp())
    for name, times in (("asked", asked), ("stored", Times())):
        one = JobTry(name, 1, None, times, Placement("local"), 1.0, 512, None, None)
        registry.record_usage([TaskUsage("r", "import-case", 1, one)], keep_days=1)

    def found(since, until):
        return [one.job_try.attempt for one in overview.usage(since=since, until=until)]

    assert found(clock.now - hour, clock.now) == ["asked"]
    assert found(clock.now, clock.now + hour) == ["stored"]
    assert found(clock.now - 2 * hour, clock.now - hour) == []
    assert found(clock.now + hour, clock.now + 2 * hour) == []
    assert sorted(found(clock.now - hour, clock.now + hour)) == ["asked", "stored"]


def test_a_registry_that_is_not_there_is_not_made(new_url, backend, tmp_path, request):
    with pytest.raises(ConfigError, match="there is no registry at"):
        CaseOverview(new_url)
    if backend == "sqlite":
        assert not (tmp_path / "new").exists()
    else:
        assert sa.inspect(request.getfixturevalue("postgresql")).get_table_names() == []


def test_the_right_to_read_is_enough(url, registry, files, backend, request):
    if backend == "sqlite":
        pytest.skip("SQLite has no users")
    registry.add(files.make())
    engine = request.getfixturevalue("postgresql")
    with engine.begin() as connection:
        for statement in (
            "DROP ROLE IF EXISTS reader",
            "CREATE ROLE reader LOGIN PASSWORD 'r'",
            "GRANT USAGE ON SCHEMA public TO reader",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
        ):
            connection.exec_driver_sql(statement)
    reader = sa.make_url(url).set(username="reader", password="r")  # noqa: S106 - of the test.render_as_string(hide_password=False)
    overview = CaseOverview(reader)
    assert ids(overview) == [1]
    assert overview.case(1).record.case.case_id == 1
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY reader")
        connection.exec_driver_sql("DROP ROLE reader")
