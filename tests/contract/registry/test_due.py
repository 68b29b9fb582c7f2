"""What is due, and which part it goes to: on SQLite and on PostgreSQL."""

import pytest

from contract.registry_site import LEASE_S, assign_all, claim_all, due_ids, import_all, plan_due, state
from radiant.domain.case import CaseState, WaitingCases
from radiant.errors import (
    CaseNotFoundError,
)
from radiant.registry import Registry


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
        assert "its pedigree changed and breaks a rule. `radiant cases add --case 1`" in due.blocked[0].reason

    def test_a_pedigree_that_may_not_be_read_where_it_is_blocks_its_case_unread(self, url, registry, files, tmp_path):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        registry.add(files.make("a"))
        registry.add(files.make("b"))
        bounded = Registry(url, prefixes=[str(files.folder)])
        assert due_ids(bounded) == [1, 2]
        # A link may be turned after its case was registered.
        other = (files.folder / "a.ped").rename(elsewhere / "a.ped")
        other.write_text("a secret\n")
        (files.folder / "a.ped").symlink_to(other)
        due = bounded.due()
        assert [one.case.case_id for one in due.cases] == [2]
        (blocked,) = due.blocked
        assert "the pedigree of case 1 is below none of the places that RADIANT_INPUT_PREFIXES" in blocked.reason
        assert "secret" not in blocked.reason
        assert str(tmp_path) not in blocked.reason
        assert "breaks a rule" in registry.due().blocked[0].reason, "without the bound it is read"

    def test_an_imported_case_whose_files_may_not_be_read_any_more_is_not_due(self, url, registry, files, tmp_path):
        registry.add(files.make())
        import_all(registry)
        files.vcf(content="longer than before")
        assert due_ids(Registry(url, prefixes=[str(tmp_path / "elsewhere")])) == []

    def test_bad_input_is_due_again_only_when_changed_or_asked_for(self, registry, files):
        registry.add(files.make())
        assign_all(registry)
        registry.finish_failed(1, claim_all(registry).cases[0].load_id, "VcfFormat", "line 3: no", retryable=False)
        assert registry.get(1).failure.reason == "line 3: no"
        assert due_ids(registry) == []
        assert due_ids(registry, requested=[1]) == [1]
        files.vcf(content="fixed, longer")
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


def test_a_case_waits_from_its_registration_to_its_end_and_a_run_that_broke_off_changes_nothing(registry, files, clock):
    began = clock.now
    assert registry.waiting() == WaitingCases(0, None)
    registry.add(files.make())
    clock.forward(10)
    registry.add(files.make("b"))
    assert registry.waiting() == WaitingCases(2, began)
    assign_all(registry)
    claim_all(registry, run="gone")
    clock.forward(10)
    registry.release(["gone"])
    assert registry.waiting() == WaitingCases(2, began)
    import_all(registry)
    assert registry.waiting() == WaitingCases(0, None)
    clock.forward(10)
    assign_all(registry, requested=[2])
    assert registry.waiting() == WaitingCases(1, clock.now), "imported again: it waits from its new plan on"
