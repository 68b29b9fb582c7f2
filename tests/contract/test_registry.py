"""One behaviour of the registry, on SQLite and on PostgreSQL."""

import datetime as dt
import multiprocessing
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from radiant.domain.case import TRANSITIONS, CaseState, Priority
from radiant.domain.partition import plan
from radiant.errors import (
    CaseNotFoundError,
    CaseStateError,
    ConfigError,
    InputError,
    PedigreeError,
    RegistryUnavailableError,
)
from radiant.registry import Change, Claim, LoadStatus, Registration, Registry
from radiant.registry.model import SCHEMA_VERSION, Base, SchemaRow

DAY_0 = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
LEASE_S = 3600


class Clock:
    def __init__(self):
        self.now = DAY_0

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def postgresql(new_database) -> Iterator[sa.Engine]:
    engine = sa.create_engine(new_database("registry"))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory) -> Path:
    """A registry without a case, to be copied: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("registry") / "registry.db"
    Registry(f"sqlite:///{path}")
    return path


@pytest.fixture
def new_url(backend, request, tmp_path) -> str:
    """A database without tables."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/new/registry.db"
    engine = request.getfixturevalue("postgresql")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    return shown(engine)


@pytest.fixture
def url(backend, request, tmp_path) -> str:
    """A registry without a case."""
    if backend == "sqlite":
        path = tmp_path / "registry.db"
        shutil.copyfile(request.getfixturevalue("sqlite"), path)
        return f"sqlite:///{path}"
    engine = request.getfixturevalue("postgresql")
    with engine.begin() as connection:
        made = sa.inspect(connection).has_table(SchemaRow.__tablename__)
        if made:
            tables = ", ".join(set(Base.metadata.tables) - {SchemaRow.__tablename__})
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
            connection.execute(sa.update(SchemaRow).values(version=SCHEMA_VERSION))
    if not made:
        Registry(shown(engine))
    return shown(engine)


def shown(engine: sa.Engine) -> str:
    # As people write it, without the driver.
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def registry(url, clock) -> Registry:
    return Registry(url, clock=clock)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


class Files:
    """Families on disk: one VCF and one PED each. Nobody reads these VCFs."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        self.ticks = 0

    def vcf(self, name="a", content="content") -> str:
        return self._write(self.folder / f"{name}.vcf.gz", content)

    def ped(self, name="a", *, family=None, extra="", patient=None) -> str:
        family = family or name
        patient = patient or f"P-{name}"
        text = (
            "#family_id\tindividual\tfather\tmother\tsex\tphenotype\tpatient_id\n"
            f"{family}\tC{name}\tF{name}\tM{name}\t1\t2\t{patient}\n"
            f"{family}\tF{name}\t0\t0\t1\t1\tF-{patient}\n"
            f"{family}\tM{name}\t0\t0\t2\t1\tM-{patient}\n{extra}"
        )
        return self._write(self.folder / f"{name}.ped", text)

    def _write(self, path, text):
        path.write_text(text)
        # Two writes within one tick of the file system's clock would look like one.
        self.ticks += 1
        os.utime(path, ns=(10**18 + self.ticks, 10**18 + self.ticks))
        return f"file://{path}"

    def registration(self, name="a", **changes) -> Registration:
        return Registration(
            **(
                {
                    "vcf_uri": f"file://{self.folder}/{name}.vcf.gz",
                    "strategy": "wgs",
                    "priority": Priority.ROUTINE,
                    "assembly": "GRCh38",
                    "ped_uri": f"file://{self.folder}/{name}.ped",
                }
                | changes
            )
        )

    def make(self, name="a", **changes) -> Registration:
        self.vcf(name)
        self.ped(name)
        return self.registration(name, **changes)


def plan_due(registry, run="plan", requested=None):
    due = registry.due(requested, run=run)
    known = registry.placement()
    return due, plan(
        [one.case for one in due.cases if one.state is not CaseState.DELETED],
        known.known,
        known.counts,
        removed={one.case.case_id: one.part for one in due.cases if one.state is CaseState.DELETED},
    )


def assign_all(registry, run="plan", requested=None):
    _, planned = plan_due(registry, run, requested)
    assert registry.assign(planned, run=run, lease_s=LEASE_S) == {}
    return planned


def claim_all(registry, run="part", part=0) -> Claim:
    return registry.claim(part, None, run=run, lease_s=LEASE_S)


def import_all(registry, sha256=None):
    assign_all(registry)
    claim = claim_all(registry)
    loads = [(one.case.case_id, one.load_id) for one in claim.cases]
    assert registry.begin_commit(loads, [], "t").refused == {}
    for case_id, load_id in loads:
        registry.finish_imported(case_id, load_id, vcf_sha256=sha256)
    return dict(loads)


def due_ids(registry, **arguments):
    return [one.case.case_id for one in registry.due(**arguments).cases]


def state(registry, case_id=1):
    return registry.get(case_id).state


class TestAdd:
    def test_a_new_case_is_registered_with_its_members_files_and_history(self, registry, files):
        outcome = registry.add(files.make("a", priority=Priority.STAT))
        record = registry.get(1)
        assert (outcome.case_id, outcome.change) == (1, Change.ADDED)
        assert record.state is CaseState.REGISTERED
        assert record.case.priority is Priority.STAT
        assert [member.sample for member in record.case.members] == ["Ca", "Fa", "Ma"]
        assert record.case.members[0].is_proband
        assert record.case.members[0].patient_id == "P-a"
        assert [(file.role, file.size) for file in record.files] == [("vcf", 7), ("ped", record.files[1].size)]
        assert [(entry.from_state, entry.to_state, entry.at) for entry in registry.history(1)] == [
            (None, CaseState.REGISTERED, DAY_0)
        ]

    def test_adding_twice_changes_nothing(self, registry, files):
        registry.add(files.make())
        before = (registry.get(1), registry.history(1))
        assert registry.add(files.registration()).change is Change.UNCHANGED
        assert (registry.get(1), registry.history(1)) == before
        assert len(registry.list_cases()) == 1

    def test_a_case_without_a_pedigree_has_no_members_yet(self, registry, files):
        registry.add(files.make(ped_uri=None))
        assert registry.get(1).case.members == ()

    def test_names_survive_in_any_script(self, registry, files):
        files.vcf()
        files.ped(extra="a\tÅsa-李 Ωm\t0\t0\t0\t0\n")
        registry.add(files.registration())
        assert registry.get(1).case.members[3].sample == "Åsa-李 Ωm"

    def test_the_next_number_follows_the_highest_ever_given(self, registry, files):
        assert registry.add(files.make("a", case_id=40)).case_id == 40
        registry.remove(40)
        assert registry.add(files.make("b")).case_id == 41

    def test_a_number_above_32_bits_fits(self, registry, files):
        assert registry.add(files.make("a", case_id=2**40)).case_id == 2**40

    @pytest.mark.parametrize("number", [0, -1, 2**63])
    def test_a_number_that_is_none_is_refused(self, registry, files, number):
        with pytest.raises(InputError, match="from 1"):
            registry.add(files.make(case_id=number))

    def test_a_missing_vcf_is_refused_with_its_path(self, registry, files):
        files.ped()
        with pytest.raises(InputError, match=r"a\.vcf\.gz: no such file"):
            registry.add(files.registration())
        assert registry.list_cases() == []

    @pytest.mark.parametrize("name", ["\udcc5.vcf", "a\0.vcf"])
    def test_a_file_name_that_cannot_be_stored_is_refused(self, registry, name):
        with pytest.raises(InputError, match="not UTF-8"):
            registry.add(Registration(f"file:///{name}", "wgs", Priority.STAT, "GRCh38"))

    def test_a_folder_is_no_vcf(self, registry, files):
        with pytest.raises(InputError, match="folder"):
            registry.add(files.registration(vcf_uri=f"file://{files.folder}", ped_uri=None))

    def test_a_pedigree_that_breaks_a_rule_registers_nothing(self, registry, files):
        files.vcf()
        files.ped(extra="a\tX\tX\t0\t1\t1\n")
        with pytest.raises(PedigreeError, match="own ancestor"):
            registry.add(files.registration())
        assert registry.list_cases() == []

    def test_a_vcf_of_two_families_needs_numbers(self, registry, files):
        registry.add(files.make("a"))
        files.ped("b")
        joint = files.registration("a", ped_uri=f"file://{files.folder}/b.ped")
        with pytest.raises(InputError, match=r"case 1 with the family a; this pedigree is of the family b.*--case"):
            registry.add(joint)
        numbered = files.registration("a", ped_uri=joint.ped_uri, case_id=2)
        assert registry.add(numbered).change is Change.ADDED
        with pytest.raises(InputError, match="cases 1, 2"):
            registry.add(files.registration("a"))

    @pytest.mark.parametrize("change", ["vcf", "ped", "strategy", "assembly", "place"])
    def test_a_change_of_what_was_read_makes_an_imported_case_due(self, registry, files, change):
        registry.add(files.make())
        import_all(registry)
        assert due_ids(registry) == []
        changed = {"case_id": 1}
        if change == "vcf":
            files.vcf(content="other!!")
        elif change == "ped":
            files.ped(patient="P-other")
        elif change == "place":
            changed["vcf_uri"] = files.vcf("elsewhere")
        else:
            changed[change] = {"strategy": "wxs", "assembly": "GRCh37"}[change]
        assert registry.add(files.registration(**changed)).change is Change.CHANGED
        assert state(registry) is CaseState.REGISTERED
        assert due_ids(registry) == [1]

    def test_another_priority_is_noted_and_imports_nothing(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        assert registry.add(files.registration(priority=Priority.STAT)).change is Change.CHANGED
        assert registry.get(1).case.priority is Priority.STAT
        assert due_ids(registry) == []

    def test_a_touched_file_of_known_content_has_not_changed(self, registry, files):
        registry.add(files.make())
        import_all(registry, sha256="ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73")
        files.vcf()
        assert registry.add(files.registration()).change is Change.UNCHANGED

    def test_a_comment_in_the_pedigree_is_no_change(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        files.ped(extra="# seen by somebody\n")
        assert registry.add(files.registration()).change is Change.UNCHANGED
        assert due_ids(registry) == []

    def test_a_removed_case_comes_back_under_its_number(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        registry.remove(1)
        outcome = registry.add(files.registration())
        assert (outcome.case_id, outcome.change) == (1, Change.CHANGED)
        assert state(registry) is CaseState.REGISTERED

    def test_a_failed_case_added_unchanged_stays_failed(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "VcfFormat", "line 3", retryable=False)
        assert registry.add(files.registration()).change is Change.UNCHANGED
        assert state(registry) is CaseState.FAILED


class TestLook:
    def test_an_unknown_number_is_named(self, registry):
        for method in (registry.get, registry.history, registry.remove):
            with pytest.raises(CaseNotFoundError, match="case 7 "):
                method(7)

    def test_cases_are_listed_by_number_and_by_state(self, registry, files):
        for name, number in (("a", 3), ("b", 1), ("c", 2)):
            registry.add(files.make(name, case_id=number))
        registry.remove(2)
        assert [record.case.case_id for record in registry.list_cases()] == [1, 2, 3]
        assert [record.case.case_id for record in registry.list_cases(CaseState.REGISTERED)] == [1, 3]


class TestDue:
    def test_a_registered_case_is_due_and_an_imported_one_is_not(self, registry, files):
        registry.add(files.make("a"))
        assert due_ids(registry) == [1]
        import_all(registry)
        registry.add(files.make("b"))
        assert due_ids(registry) == [2]

    def test_a_changed_vcf_makes_an_imported_case_due(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        files.vcf(content="longer than before")
        assert [(one.case.case_id, one.reason) for one in registry.due().cases] == [(1, "its VCF changed")]

    def test_a_touched_vcf_of_unknown_digest_is_due(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        files.vcf()
        assert due_ids(registry) == [1]

    def test_a_touched_vcf_of_the_same_digest_is_not_due(self, registry, files):
        registry.add(files.make())
        import_all(registry, sha256="ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73")
        files.vcf()
        assert due_ids(registry) == []
        files.vcf(content="c0ntent")
        assert due_ids(registry) == [1]

    def test_a_vcf_that_is_gone_does_not_make_an_imported_case_due(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        (files.folder / "a.vcf.gz").unlink()
        assert registry.due() == type(registry.due())((), ())

    def test_a_changed_pedigree_makes_an_imported_case_due_with_its_new_members(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        files.ped(extra="a\tSa\tFa\tMa\t2\t1\n")
        due = registry.due()
        assert [(one.case.case_id, one.reason) for one in due.cases] == [(1, "its pedigree changed")]
        assert [member.sample for member in due.cases[0].case.members] == ["Ca", "Fa", "Ma", "Sa"]
        assert len(registry.get(1).case.members) == 4

    def test_a_registered_case_is_planned_with_the_pedigree_as_it_is_now(self, registry, files):
        registry.add(files.make())
        files.ped(patient="P-corrected")
        assert registry.due().cases[0].case.members[0].patient_id == "P-corrected"

    def test_a_pedigree_that_became_wrong_blocks_its_case_only(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        files.ped("a", extra="a\tX\tX\t0\t1\t1\n")
        due = registry.due()
        assert [one.case.case_id for one in due.cases] == [2]
        assert [one.cases for one in due.blocked] == [(1,)]
        assert "own ancestor" in due.blocked[0].reason

    def test_bad_input_is_due_again_only_when_changed_or_asked_for(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "VcfFormat", "line 3: no", retryable=False)
        assert registry.get(1).failure.reason == "line 3: no"
        assert due_ids(registry) == []
        assert due_ids(registry, requested=[1]) == [1]
        files.vcf(content="mended, longer")
        assert due_ids(registry) == [1]

    def test_a_file_that_was_missing_and_came_back_is_due(self, registry, files):
        registry.add(files.make())
        (files.folder / "a.vcf.gz").unlink()
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "BadInput", "no such file", retryable=False)
        assert due_ids(registry) == []
        files.vcf()
        assert due_ids(registry) == [1]

    @pytest.mark.parametrize("may_pass", [True, False])
    def test_a_failure_that_may_pass_makes_the_case_due_again(self, registry, files, may_pass):
        registry.add(files.make())
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "Storage", "later", retryable=may_pass)
        assert due_ids(registry) == ([1] if may_pass else [])

    @pytest.mark.parametrize("step", ["assigned", "importing"])
    def test_a_held_case_is_due_when_its_lease_ends(self, registry, files, clock, step):
        registry.add(files.make())
        assign_all(registry)
        if step == "importing":
            claim_all(registry)
        clock.forward(LEASE_S - 1)
        assert due_ids(registry, run="other") == []
        clock.forward(1)
        assert due_ids(registry, run="other") == [1]

    def test_planning_can_be_repeated_by_its_own_run(self, registry, files):
        registry.add(files.make())
        first = assign_all(registry, run="mine")
        assert due_ids(registry, run="other") == []
        assert assign_all(registry, run="mine") == first

    def test_a_removed_case_is_due_until_its_rows_are_gone(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        registry.remove(1)
        due = registry.due()
        assert [(one.case.case_id, one.state, one.part) for one in due.cases] == [(1, CaseState.DELETED, 0)]
        assert claim_all(registry).deleted == (1,)
        registry.mark_purged([1])
        assert due_ids(registry) == []

    def test_a_case_that_was_never_claimed_is_removed_at_once(self, registry, files):
        registry.add(files.make())
        assert registry.remove(1).purged
        assert due_ids(registry) == []

    def test_asking_for_an_unknown_case_is_an_error_that_names_it(self, registry, files):
        registry.add(files.make())
        with pytest.raises(CaseNotFoundError, match="8, 9"):
            registry.due([1, 9, 8])

    def test_asking_for_an_imported_case_makes_it_due_alone(self, registry, files):
        registry.add(files.make("a"))
        import_all(registry)
        registry.add(files.make("b"))
        assert due_ids(registry, requested=[1]) == [1]

    def test_asking_for_a_case_that_another_run_holds_says_who(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        claim_all(registry, run="part-run")
        blocked = registry.due([1], run="other").blocked
        assert [one.cases for one in blocked] == [(1,)]
        assert "importing by run part-run until 2030-01-01 01:00 UTC" in blocked[0].reason

    def test_asking_for_a_purged_case_says_so(self, registry, files):
        registry.add(files.make())
        registry.remove(1)
        assert "add it again" in registry.due([1]).blocked[0].reason


class TestAssign:
    def test_ids_keep_their_part(self, registry, files):
        registry.add(files.make("a"))
        import_all(registry)
        files.vcf("b")
        files.ped("b", patient="P-a")
        registry.add(files.registration("b", strategy="wxs"))
        assert assign_all(registry).parts[0].part == 0
        registry.add(files.make("c", strategy="wxs"))
        assert [(part.part, part.cases) for part in assign_all(registry).parts] == [
            (0, (2,)),
            (0x10000, (3,)),
        ]
        assert registry.get(3).part == 0x10000

    def test_experiments_are_counted_per_part(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b", ped_uri=None))
        assign_all(registry)
        assert registry.placement().counts == {0: 4}

    def test_a_case_that_another_run_took_first_is_refused(self, registry, files):
        registry.add(files.make())
        _, slow = plan_due(registry, run="slow")
        assign_all(registry, run="fast")
        assert "by run fast" in registry.assign(slow, run="slow", lease_s=LEASE_S)[1]
        assert registry.get(1).run == "fast"

    def test_a_case_that_changed_while_it_was_planned_is_refused(self, registry, files):
        registry.add(files.make())
        _, planned = plan_due(registry)
        files.ped(patient="P-new")
        registry.add(files.registration())
        assert "changed while it was planned" in registry.assign(planned, run="plan", lease_s=LEASE_S)[1]

    def test_two_plans_cannot_part_what_belongs_together(self, registry, files):
        registry.add(files.make("a"))
        _, first = plan_due(registry, "one", [1])
        files.vcf("b")
        files.ped("b", patient="P-a")
        registry.add(files.registration("b", strategy="wxs"))
        _, second = plan_due(registry, "two", [2])
        assert second.parts[0].part == 0x10000
        assert registry.assign(first, run="one", lease_s=LEASE_S) == {}
        assert "run import-radiant again" in registry.assign(second, run="two", lease_s=LEASE_S)[2]
        assert state(registry, 2) is CaseState.REGISTERED

    def test_a_case_removed_while_it_was_planned_is_refused(self, registry, files):
        registry.add(files.make())
        _, planned = plan_due(registry)
        registry.remove(1)
        assert "removed" in registry.assign(planned, run="plan", lease_s=LEASE_S)[1]

    def test_ids_of_purged_cases_are_free_for_another_part(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        import_all(registry)
        registry.remove(1)
        claim_all(registry)
        registry.mark_purged([1])
        known = {one.id for one in registry.placement().known}
        assert not known & {"1", "a", "P-a"}
        assert {"2", "b", "P-b"} <= known
        registry.add(files.registration("a", strategy="wxs"))
        assert assign_all(registry).parts[0].part == 0x10000

    def test_ids_of_a_purged_case_that_another_case_has_stay(self, registry, files):
        registry.add(files.make("a"))
        files.vcf("b")
        files.ped("b", patient="P-a")
        registry.add(files.registration("b"))
        import_all(registry)
        registry.remove(1)
        registry.mark_purged([1])
        assert "P-a" in {one.id for one in registry.placement().known}


class TestClaim:
    def test_a_claim_hands_out_case_and_load(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        claim = claim_all(registry)
        record = registry.get(1)
        assert claim.cases[0].case == record.case
        assert claim.cases[0].load_id == record.load_id
        assert (record.state, record.run) == (CaseState.IMPORTING, "part")
        assert record.lease_until == DAY_0 + dt.timedelta(seconds=LEASE_S)

    def test_the_most_urgent_is_first(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b", priority=Priority.STAT))
        assign_all(registry)
        assert [one.case.case_id for one in claim_all(registry).cases] == [2, 1]

    def test_the_second_of_two_runs_is_refused_until_the_lease_ends(self, registry, files, clock):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        assign_all(registry)
        first = registry.claim(0, [1], run="one", lease_s=LEASE_S)
        second = registry.claim(0, [1, 2], run="two", lease_s=LEASE_S)
        assert [one.case.case_id for one in second.cases] == [2]
        assert "case 1 is importing by run one until 2030-01-01 01:00 UTC" in second.refused[1]
        clock.forward(LEASE_S)
        third = registry.claim(0, [1], run="two", lease_s=LEASE_S)
        assert third.cases[0].load_id != first.cases[0].load_id
        with pytest.raises(CaseStateError, match="not the current load"):
            registry.finish_failed(1, first.cases[0].load_id, "Lost", "late", retryable=True)

    def test_the_same_run_claims_again_with_a_new_load(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        first = claim_all(registry)
        again = registry.claim(0, [1], run="part", lease_s=LEASE_S)
        assert again.refused == {}
        assert again.cases[0].load_id != first.cases[0].load_id
        assert [(load.load_id, load.status) for load in again.unfinished] == [
            (first.cases[0].load_id, LoadStatus.FAILED)
        ]

    def test_a_case_of_another_part_is_refused(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        assert registry.claim(5, [1], run="r", lease_s=LEASE_S).refused == {
            1: "case 1 belongs to part 0, not to part 5"
        }

    def test_a_case_without_a_part_is_refused(self, registry, files):
        registry.add(files.make())
        assert "no part yet" in registry.claim(0, [1], run="r", lease_s=LEASE_S).refused[1]

    def test_an_imported_case_can_be_claimed_by_number(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        assert registry.claim(0, None, run="r", lease_s=LEASE_S).cases == ()
        assert [one.case.case_id for one in registry.claim(0, [1], run="r", lease_s=LEASE_S).cases] == [1]

    def test_a_case_whose_pedigree_changed_since_it_was_planned_is_refused(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        files.ped(patient="P-new")
        registry.add(files.registration())
        claim = claim_all(registry)
        assert claim.cases == ()
        assert "changed since it was planned" in claim.refused[1]

    def test_an_unknown_number_is_an_error(self, registry):
        with pytest.raises(CaseNotFoundError, match="4"):
            registry.claim(0, [4], run="r", lease_s=LEASE_S)

    def test_a_purged_case_is_refused(self, registry, files):
        registry.add(files.make())
        registry.remove(1)
        assert "add it again" in registry.claim(0, [1], run="r", lease_s=LEASE_S).refused[1]


class TestFinish:
    def test_an_imported_case_is_no_longer_held(self, registry, files, clock):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        clock.forward(10)
        registry.finish_imported(1, load_id, vcf_sha256="ab" * 32)
        record = registry.get(1)
        assert (record.state, record.run, record.lease_until) == (CaseState.IMPORTED, None, None)
        assert record.imported_at == DAY_0 + dt.timedelta(seconds=10)
        assert record.files[0].sha256 == "ab" * 32
        assert [entry.to_state for entry in registry.history(1)] == ["registered", "assigned", "importing", "imported"]

    def test_finishing_twice_changes_nothing(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        assign_all(registry)
        first, second = claim_all(registry).cases
        for _ in range(2):
            registry.finish_imported(1, first.load_id)
            registry.finish_failed(2, second.load_id, "VcfFormat", "no", retryable=False)
        assert [record.state for record in registry.list_cases()] == [CaseState.IMPORTED, CaseState.FAILED]
        assert [len(registry.history(case_id)) for case_id in (1, 2)] == [4, 4]

    def test_a_reason_may_quote_anything(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.finish_failed(1, load_id, "VcfFormat", "a\0b \udcff Ω" + "x" * 100_000, retryable=False)
        assert registry.get(1).failure.reason.startswith("a\\x00b \\udcff Ωxx")

    def test_a_new_import_clears_the_failure(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "Storage", "later", retryable=True)
        import_all(registry)
        assert registry.get(1).failure is None

    def test_a_committed_load_cannot_fail(self, registry, files):
        registry.add(files.make())
        load_id = import_all(registry)[1]
        with pytest.raises(CaseStateError):
            registry.finish_failed(1, load_id, "Bug", "late", retryable=False)
        assert state(registry) is CaseState.IMPORTED

    def test_a_load_of_another_case_is_refused(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        assign_all(registry)
        one, two = claim_all(registry).cases
        with pytest.raises(CaseStateError, match="another case"):
            registry.finish_imported(one.case.case_id, two.load_id)

    def test_a_case_that_changed_while_it_was_imported_is_due_again(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        files.vcf(content="newer, longer")
        assert registry.add(files.registration()).change is Change.CHANGED
        assert state(registry) is CaseState.IMPORTING
        registry.finish_imported(1, load_id, vcf_sha256="00" * 32)
        assert state(registry) is CaseState.REGISTERED
        assert registry.get(1).files[0].sha256 is None
        assert due_ids(registry) == [1]

    def test_a_case_removed_while_it_was_imported_stays_removed_and_is_purged_after(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.remove(1)
        assert "was removed" in registry.begin_commit([(1, load_id)], [], "t").refused[1]
        registry.mark_purged([1])
        with pytest.raises(CaseStateError, match="removed"):
            registry.finish_imported(1, load_id)
        assert due_ids(registry) == [1]

    def test_a_late_commit_of_an_old_load_makes_the_case_due_again(self, registry, files, clock):
        registry.add(files.make())
        assign_all(registry)
        old = claim_all(registry).cases[0].load_id
        clock.forward(LEASE_S)
        import_all(registry)
        with pytest.raises(CaseStateError, match="not the current load"):
            registry.finish_imported(1, old)
        assert state(registry) is CaseState.REGISTERED


class TestCommitGate:
    def test_a_current_load_passes_and_passes_again(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        for _ in range(2):
            assert registry.begin_commit([(1, load_id)], [], "t").loads == (load_id,)
        registry.finish_imported(1, load_id)
        assert registry.begin_commit([(1, load_id)], [], "t").loads == (load_id,)

    def test_a_superseded_load_does_not_pass(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        old = claim_all(registry).cases[0].load_id
        claim_all(registry)
        registry.claim(0, [1], run="part", lease_s=LEASE_S)
        gate = registry.begin_commit([(1, old)], [], "t")
        assert gate.loads == ()
        assert "not the current load" in gate.refused[1]

    def test_a_case_that_came_back_is_not_deleted(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        import_all(registry)
        registry.remove(1)
        registry.remove(2)
        claim_all(registry)
        registry.add(files.registration("a"))
        gate = registry.begin_commit([], [1, 2], "t")
        assert gate.deleted == (2,)
        assert "added again" in gate.refused[1]
        registry.mark_purged([1, 2])
        assert state(registry, 1) is CaseState.REGISTERED

    def test_files_of_a_load_whose_commit_was_begun_are_never_listed_for_deletion(self, registry, files, clock):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.begin_commit([(1, load_id)], [], "t")
        clock.forward(LEASE_S)
        assert claim_all(registry).unfinished == ()
        assert registry.unfinished_loads([1]) == []

    @pytest.mark.parametrize(("code", "listed"), [("CommitConflict", True), ("CommitUnknown", False), ("Lake", False)])
    def test_only_a_commit_that_surely_did_not_land_is_cleaned_up(self, registry, files, code, listed):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.begin_commit([(1, load_id)], [], "t")
        registry.finish_failed(1, load_id, code, "no", retryable=False)
        assert [load.load_id for load in registry.unfinished_loads([1])] == ([load_id] if listed else [])

    def test_a_cleaned_load_is_not_listed_again(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.finish_failed(1, load_id, "Storage", "later", retryable=True)
        assert [load.load_id for load in registry.unfinished_loads([1])] == [load_id]
        registry.mark_cleaned([load_id])
        assert registry.unfinished_loads([1]) == []


class TestRelease:
    def test_everything_a_dead_run_holds_is_due_again(self, registry, files):
        for name in "abc":
            registry.add(files.make(name))
        assign_all(registry)
        registry.claim(0, [1], run="dead", lease_s=LEASE_S)
        imported = registry.claim(0, [3], run="dead", lease_s=LEASE_S).cases[0].load_id
        registry.finish_imported(3, imported)
        assert registry.release() == [1, 2]
        assert due_ids(registry) == [1, 2]
        assert [load.code for load in registry.unfinished_loads([1])] == ["Released"]

    def test_only_the_named_run_is_released(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        assign_all(registry)
        registry.claim(0, [1], run="one", lease_s=LEASE_S)
        registry.claim(0, [2], run="two", lease_s=LEASE_S)
        assert registry.release("one") == [1]
        assert state(registry, 2) is CaseState.IMPORTING


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
                    assert entry.to_state in TRANSITIONS[entry.from_state]
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
        claimed = [case_id for _ in processes for case_id in answers.get(timeout=60)]
        for process in processes:
            process.join(30)
        assert sorted(claimed) == list(range(1, 13))

    def test_several_processes_may_make_the_tables_at_once(self, new_url):
        context = multiprocessing.get_context("spawn")
        start, answers = context.Event(), context.Queue()
        processes = [context.Process(target=_open_in_process, args=(new_url, start, answers)) for _ in range(4)]
        for process in processes:
            process.start()
        start.set()
        assert [answers.get(timeout=60) for _ in processes] == ["opened"] * 4
        for process in processes:
            process.join(30)

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
    def test_a_wrong_url_is_a_setting_to_mend_and_is_not_repeated(self, wrong):
        with pytest.raises(ConfigError) as caught:
            Registry(wrong)
        assert "hush" not in str(caught.value)

    def test_a_file_that_is_no_database_is_refused(self, tmp_path):
        (tmp_path / "registry.db").write_text("not a database, and long enough to be looked at" * 50)
        with pytest.raises(Exception, match="not a database") as caught:
            Registry(f"sqlite:///{tmp_path}/registry.db")
        assert caught.value.code == "Registry"
