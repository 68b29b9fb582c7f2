"""Claims, ends of loads, the gate of a commit, releases: on SQLite and on PostgreSQL."""

import datetime as dt

import pytest

from contract.registry_site import DAY_0, LEASE_S, assign_all, claim_all, due_ids, import_all, state, unfinished_loads
from radiant.domain.case import CaseState, Priority
from radiant.errors import (
    CaseNotFoundError,
    CaseStateError,
)
from radiant.registry import Change, LoadStatus


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
        assert unfinished_loads(registry, [1]) == []

    @pytest.mark.parametrize(("code", "listed"), [("CommitConflict", True), ("CommitUnknown", False), ("Lake", False)])
    def test_only_a_commit_that_surely_did_not_land_is_cleaned_up(self, registry, files, code, listed):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.begin_commit([(1, load_id)], [], "t")
        registry.finish_failed(1, load_id, code, "no", retryable=False)
        assert [load.load_id for load in unfinished_loads(registry, [1])] == ([load_id] if listed else [])

    def test_a_cleaned_load_is_not_listed_again(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        load_id = claim_all(registry).cases[0].load_id
        registry.finish_failed(1, load_id, "Storage", "later", retryable=True)
        assert [load.load_id for load in unfinished_loads(registry, [1])] == [load_id]
        registry.mark_cleaned([load_id])
        assert unfinished_loads(registry, [1]) == []


class TestRelease:
    def test_everything_a_dead_run_holds_is_due_again(self, registry, files):
        for name in "abc":
            registry.add(files.make(name))
        assign_all(registry)
        registry.claim(0, [1], run="dead", lease_s=LEASE_S)
        imported = registry.claim(0, [3], run="dead", lease_s=LEASE_S).cases[0].load_id
        registry.finish_imported(3, imported)
        assert registry.release({"dead", "plan"}) == [1, 2]
        assert due_ids(registry) == [1, 2]
        assert [load.code for load in unfinished_loads(registry, [1])] == ["Released"]

    def test_only_the_named_run_is_released(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        assign_all(registry)
        registry.claim(0, [1], run="one", lease_s=LEASE_S)
        registry.claim(0, [2], run="two", lease_s=LEASE_S)
        assert registry.release({"one", "never seen"}) == [1]
        assert state(registry, 2) is CaseState.IMPORTING
