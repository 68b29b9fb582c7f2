"""States in the database, several processes, opening: on SQLite and on PostgreSQL."""

import datetime as dt
import multiprocessing
import threading

import pytest
import sqlalchemy as sa

from contract.registry_site import LEASE_S, assign_all, claim_all, import_all
from radiant.domain.case import CaseState
from radiant.errors import (
    ConfigError,
    RegistryUnavailableError,
)
from radiant.jobs.usage import JobTry, MemorySource, Placement, TaskUsage, Times, Usage
from radiant.registry import CaseOverview, Registry
from radiant.registry.lifecycle import TRANSITIONS


class TestStates:
    def test_every_step_in_every_history_is_one_that_the_state_machine_allows(self, registry, files, clock):
        for name in "abcd":
            registry.add(files.make(name))
        import_all(registry)
        files.vcf("a", "other content")
        registry.remove(2)
        assign_all(registry)
        claim = claim_all(registry)
        registry.finish_failed(1, claim.cases[0].load_id, "Storage", "later", retryable=True)
        registry.mark_purged(claim.deleted)
        registry.add(files.registration("b"))
        assign_all(registry)
        clock.forward(LEASE_S)
        import_all(registry)
        for record in registry.list_cases():
            for entry in registry.history(record.case.case_id):
                if entry.from_state is not None and entry.from_state != entry.to_state:
                    step = (entry.from_state, entry.to_state)
                    assert any(step[0] in one.of and step[1] is one.to for one in TRANSITIONS)
        assert {record.state for record in registry.list_cases()} == {CaseState.IMPORTED}


def _claim_in_process(url, number, start, answers):
    registry = Registry(url)
    start.wait(30)
    answers.put([one.case.case_id for one in registry.claim(0, None, run=f"run-{number}", lease_s=LEASE_S).cases])


def _open_in_process(url, start, answers):
    start.wait(30)
    try:
        Registry(url).list_cases()
    except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
        answers.put(repr(error))
    else:
        answers.put("opened")


class TestSeveralProcesses:
    def test_each_case_goes_to_exactly_one_of_the_runs_that_claim_at_once(self, url, registry, files):
        for number in range(12):
            registry.add(files.make(f"f{number}"))
        assign_all(registry)
        context = multiprocessing.get_context("spawn")
        start, answers = context.Event(), context.Queue()
        processes = [
            context.Process(target=_claim_in_process, args=(url, number, start, answers)) for number in range(3)
        ]
        for process in processes:
            process.start()
        start.set()
        claimed = [case_id for _ in processes for case_id in answers.get(timeout=300)]
        for process in processes:
            process.join()
        assert sorted(claimed) == list(range(1, 13))

    def test_several_processes_may_make_the_tables_at_once(self, new_url):
        context = multiprocessing.get_context("spawn")
        start, answers = context.Event(), context.Queue()
        processes = [context.Process(target=_open_in_process, args=(new_url, start, answers)) for _ in range(4)]
        for process in processes:
            process.start()
        start.set()
        assert [answers.get(timeout=300) for _ in processes] == ["opened"] * 4
        for process in processes:
            process.join()

    def test_numbers_are_given_once_when_several_add_at_once(self, url, files):
        registrations = [files.make(f"f{number}") for number in range(16)]
        given, errors = [], []

        def add(mine):
            registry = Registry(url)
            for registration in mine:
                try:
                    given.append(registry.add(registration).case_id)
                except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                    errors.append(error)

        threads = [threading.Thread(target=add, args=(registrations[start::4],)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert sorted(given) == list(range(1, 17))


class TestOpening:
    def test_what_was_stored_is_there_when_opened_again(self, new_url, files):
        Registry(new_url).add(files.make())
        assert Registry(new_url).get(1).state is CaseState.REGISTERED

    def test_tables_of_another_version_are_refused(self, url, registry):
        with registry._database.write() as session:
            session.execute(sa.text("UPDATE radiant_schema SET version = 99"))
        with pytest.raises(ConfigError, match="version 99"):
            Registry(url)

    def test_a_server_that_does_not_answer_is_transient_and_its_password_stays_secret(self):
        with pytest.raises(RegistryUnavailableError) as caught:
            Registry("postgresql://radiant:hush-hush@127.0.0.1:1/radiant?password=hush-hush&connect_timeout=2")
        assert "hush" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert "127.0.0.1" in str(caught.value)

    @pytest.mark.parametrize(
        "wrong",
        ["postgresql:/hush@hush", "nothing hush", "mysql://a:hush@b/c", "sqlite://", "sqlite:///:memory:", "", "x://y"],
    )
    def test_a_wrong_url_is_a_setting_to_fix_and_is_not_repeated(self, wrong):
        with pytest.raises(ConfigError) as caught:
            Registry(wrong)
        assert "hush" not in str(caught.value)

    def test_a_file_that_is_no_database_is_refused(self, tmp_path):
        (tmp_path / "registry.db").write_text("not a database, and long enough to be looked at" * 50)
        with pytest.raises(Exception, match="not a database") as caught:
            Registry(f"sqlite:///{tmp_path}/registry.db")
        assert caught.value.code == "Registry"


def a_try(attempt: str, *, code: str | None = None, usage: Usage | None = None) -> JobTry:
    times = Times(ready_at=1_790_000_000.125, asked_at=1_790_000_001.0, ended_at=1_790_000_009.5)
    placement = Placement("ecs", "i-1", "m7g.large", "eu-west-1a", "arm64", "FARGATE_SPOT", spot=True)
    return JobTry(attempt, 2, code, times, placement, 2.0, 2048, 700.5, usage, "1", "image:1")


USED = Usage(9.5, 8.25, 650.5, 5 << 40, 7, 8.0, 0.25, MemorySource.CGROUP2, 3, 4, 1.5, 500, 3121, 177_810)


class TestUsage:
    def test_a_try_comes_back_as_it_was_stored(self, registry):
        stored = [
            TaskUsage("file:///w/run1", "import-case", 7, a_try("a", code="SpotInterrupted")),
            TaskUsage("file:///w/run1", "import-case", 7, a_try("b", usage=USED)),
        ]
        registry.record_usage(stored, keep_days=30)
        assert registry.usage() == stored
        assert registry.usage(run="file:///w/run1") == stored
        assert registry.usage(run="file:///w/run2") == []

    def test_storing_a_try_again_replaces_it(self, registry):
        for code in ("Lost", None):
            registry.record_usage([TaskUsage("r", "import-case", 7, a_try("a", code=code))], keep_days=30)
        assert [one.job_try.code for one in registry.usage()] == [None]

    def test_a_try_of_long_ago_is_deleted_with_the_next_record(self, registry, clock):
        registry.record_usage([TaskUsage("r", "import-case", 7, a_try("old"))], keep_days=30)
        clock.forward(31 * 86_400)
        later = clock()
        registry.record_usage([TaskUsage("r", "import-case", 7, a_try("new"))], keep_days=30)
        assert [one.job_try.attempt for one in registry.usage()] == ["new"]
        assert registry.usage(since=later + dt.timedelta(seconds=1)) == []

    def test_a_registry_of_before_gets_the_table_and_keeps_its_cases(self, url, registry, files):
        case = registry.add(files.make()).case_id
        with registry._database.write() as session:
            session.execute(sa.text("DROP TABLE radiant_task_usage"))
            session.execute(sa.text("UPDATE radiant_schema SET version = 1"))
        upgraded = Registry(url)
        upgraded.record_usage([TaskUsage("r", "import-case", case, a_try("a", usage=USED))], keep_days=30)
        assert [one.job_try.usage for one in Registry(url).usage()] == [USED]
        assert Registry(url).get(case).state is CaseState.REGISTERED


def test_a_database_that_stores_bytes_instead_of_text_is_refused_with_the_way_out(new_database):
    url = new_database("bytes", "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    for opened in (lambda: Registry(url), lambda: CaseOverview(url)):
        with pytest.raises(ConfigError, match=r"SQL_ASCII.*ENCODING 'UTF8' TEMPLATE template0"):
            opened()
