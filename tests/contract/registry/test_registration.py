"""Cases are added, changed and looked at: on SQLite and on PostgreSQL."""

import pytest

from contract.registry_site import DAY_0, assign_all, claim_all, due_ids, import_all, state
from radiant.domain.case import CaseState, Priority
from radiant.errors import (
    CaseNotFoundError,
    InputError,
    PedigreeError,
)
from radiant.registry import Change, Registration


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
        files.ped(extra="# seen by a reader\n")
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
