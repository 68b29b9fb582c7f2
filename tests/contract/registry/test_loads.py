"""Claims, ends of loads, the gate of a commit, releases: on SQLite and on PostgreSQL."""

import datetime as dt
import os

import pytest

from contract.registry_site import DAY_0, LEASE_S, assign_all, claim_all, due_ids, import_all, state, unfinished_loads
from radiant.domain.case import CaseState, Priority
from radiant.domain.partition import Identity, Kind
from radiant.errors import (
    CaseNotFoundError,
    CaseStateError,
)
from radiant.registry import CaseFailure, Change, LoadStatus, Registry


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
        assert "case 1 is importing by run one until 2030-01-01 01:00 UTC" in second.refused[1].reason
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
            1: CaseFailure("CaseState", "case 1 belongs to part 0, not to part 5", retryable=False)
        }

    def test_a_case_without_a_part_is_refused(self, registry, files):
        registry.add(files.make())
        assert "no part yet" in registry.claim(0, [1], run="r", lease_s=LEASE_S).refused[1].reason

    def test_an_imported_case_can_be_claimed_by_number(self, registry, files):
        registry.add(files.make())
        import_all(registry)
        assert registry.claim(0, None, run="r", lease_s=LEASE_S).cases == ()
        assert [one.case.case_id for one in registry.claim(0, [1], run="r", lease_s=LEASE_S).cases] == [1]

    def test_a_pedigree_that_changed_since_it_was_planned_is_claimed_as_it_is_now(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        files.ped(patient="P-new")
        (claimed,) = registry.claim(0, [1], run="r", lease_s=LEASE_S).cases
        assert "P-new" in {member.patient_id for member in claimed.case.members}
        assert registry.get(1).case == claimed.case
        assert registry.placement().known[Identity(Kind.PATIENT, "P-new")] == 0, "the new id is the part's"
        registry.finish_imported(1, claimed.load_id)
        assert registry.get(1).state is CaseState.IMPORTED, "the import is of the pedigree as it is now"

    def test_a_pedigree_that_ties_a_case_to_another_part_is_refused_and_due_again(self, registry, files):
        registry.add(files.make("a"))
        registry.add(files.make("b", strategy="wxs"))
        import_all(registry)
        files.ped("a", patient="P-b")
        claim = registry.claim(0, [1], run="r", lease_s=LEASE_S)
        assert claim.cases == ()
        assert "ties it to a case in part 65536" in claim.refused[1].reason
        assert registry.get(1).state is CaseState.REGISTERED, "planning says which ids they share"

    def test_a_pedigree_that_became_wrong_is_refused_and_its_case_let_go(self, registry, files):
        registry.add(files.make())
        assign_all(registry, run="r")
        files.ped("a", extra="only two\n")
        claim = registry.claim(0, [1], run="r", lease_s=LEASE_S)
        assert claim.cases == ()
        assert "its pedigree changed and breaks a rule" in claim.refused[1].reason
        assert (claim.refused[1].code, claim.refused[1].retryable) == ("Pedigree", False)
        assert registry.get(1).state is CaseState.REGISTERED

    def test_a_pedigree_that_may_not_be_read_where_it_is_is_refused(self, url, registry, files, tmp_path):
        registry.add(files.make())
        assign_all(registry, run="r")
        files.ped(patient="P-new")
        bounded = Registry(url, prefixes=[str(tmp_path / "elsewhere")])
        claim = bounded.claim(0, [1], run="r", lease_s=LEASE_S)
        assert claim.cases == ()
        assert "is below none of the places" in claim.refused[1].reason
        assert "P-new" not in {member.patient_id for member in registry.get(1).case.members}

    def test_no_more_are_claimed_than_asked_for_and_the_others_are_left_as_they_were(self, registry, files):
        for name in "abcd":
            registry.add(files.make(name, priority=Priority.STAT if name == "c" else Priority.ROUTINE))
        assign_all(registry)
        claim = registry.claim(0, None, run="one", lease_s=LEASE_S, most=2)
        assert [one.case.case_id for one in claim.cases] == [3, 1]
        assert claim.waiting == (2, 4)
        assert {registry.get(case_id).state for case_id in claim.waiting} == {CaseState.ASSIGNED}
        again = registry.claim(0, None, run="one", lease_s=LEASE_S, again=[3, 1], most=2)
        assert {one.case.case_id for one in again.cases} == {1, 3}
        assert again.waiting == (2, 4)


class TestClaimAgain:
    """The same run claims again: a person repaired a case and cleared a task."""

    @pytest.fixture
    def claimed(self, registry, files):
        """Case 1 imported, case 2 failed, case 3 under way."""
        for name in "abc":
            registry.add(files.make(name))
        assign_all(registry)
        loads = {one.case.case_id: one.load_id for one in registry.claim(0, [1, 2, 3], run="r", lease_s=LEASE_S).cases}
        registry.finish_imported(1, loads[1])
        registry.finish_failed(2, loads[2], "VcfFormat", "line 3", retryable=False)
        return loads

    def again(self, registry, loads, **kwargs):
        facts = {"run": "r", "lease_s": LEASE_S, "again": [1, 2, 3], "visible": {1: loads[1]}} | kwargs
        return {one.case.case_id: one for one in registry.claim(0, [1, 2, 3], **facts).cases}

    def test_what_failed_gets_a_new_load_and_the_others_keep_theirs(self, registry, claimed, clock):
        clock.forward(LEASE_S - 1)
        found = self.again(registry, claimed)
        assert {case_id for case_id, one in found.items() if one.load_id == claimed[case_id]} == {1, 3}
        assert {case_id for case_id, one in found.items() if one.committed} == {1}
        assert registry.get(1).state is CaseState.IMPORTED
        assert registry.get(2).state is CaseState.IMPORTING
        clock.forward(LEASE_S - 1)
        assert "importing by run r" in registry.claim(0, [3], run="other", lease_s=LEASE_S).refused[3].reason

    @pytest.mark.parametrize("case_id", [1, 2, 3])
    def test_a_pedigree_that_changed_means_a_new_load(self, registry, files, claimed, case_id):
        files.ped("abc"[case_id - 1], patient="P-new")
        found = self.again(registry, claimed)
        assert found[case_id].load_id != claimed[case_id]
        assert "P-new" in {member.patient_id for member in found[case_id].case.members}
        registry.finish_imported(case_id, found[case_id].load_id)
        assert registry.get(case_id).state is CaseState.IMPORTED

    @pytest.mark.parametrize("case_id", [1, 3])
    def test_a_vcf_that_changed_means_a_new_load(self, registry, files, claimed, case_id):
        files.vcf("abc"[case_id - 1], "other")
        assert self.again(registry, claimed)[case_id].load_id != claimed[case_id]

    def test_a_vcf_that_is_gone_leaves_the_imported_case_its_load_and_what_is_known_of_the_file(
        self, registry, files, claimed
    ):
        vcf = files.folder / "a.vcf.gz"
        kept, times = vcf.read_bytes(), vcf.stat()
        vcf.unlink()
        found = self.again(registry, claimed)[1]
        assert (found.load_id, found.committed) == (claimed[1], True)
        assert registry.get(1).state is CaseState.IMPORTED
        vcf.write_bytes(kept)
        os.utime(vcf, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert 1 not in {one.case.case_id for one in registry.due().cases}, "the file is back, and as it was"

    @pytest.mark.parametrize("case_id", [1, 3])
    def test_another_assembly_means_a_new_load(self, registry, files, claimed, case_id):
        registry.add(files.registration("abc"[case_id - 1], assembly="GRCh37"))
        found = self.again(registry, claimed)[case_id]
        assert found.load_id != claimed[case_id]
        assert found.case.assembly == "GRCh37"

    def test_what_the_lake_shows_no_more_is_imported_again(self, registry, claimed):
        found = self.again(registry, claimed, visible={})
        assert found[1].load_id != claimed[1]
        assert not found[1].committed

    def test_another_run_keeps_nothing(self, registry, claimed, clock):
        clock.forward(LEASE_S)
        found = self.again(registry, claimed, run="other")
        assert {one.load_id for one in found.values()} & set(claimed.values()) == set()

    @pytest.mark.usefixtures("claimed")
    def test_a_removed_case_that_was_purged_stays_among_the_deleted(self, registry):
        registry.remove(1)
        registry.mark_purged([1])
        claim = registry.claim(0, [1, 2, 3], run="r", lease_s=LEASE_S, again=[1, 2, 3], visible={})
        assert claim.deleted == (1,)
        assert claim.refused == {}

    def test_which_loads_are_visible_is_known(self, registry, claimed):
        assert registry.committed(claimed.values()) == {claimed[1]}

    def test_an_unknown_number_is_an_error(self, registry):
        with pytest.raises(CaseNotFoundError, match="4"):
            registry.claim(0, [4], run="r", lease_s=LEASE_S)

    def test_a_purged_case_is_refused(self, registry, files):
        registry.add(files.make())
        registry.remove(1)
        assert "add it again" in registry.claim(0, [1], run="r", lease_s=LEASE_S).refused[1].reason


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
