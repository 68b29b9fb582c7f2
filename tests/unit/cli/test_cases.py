"""`radiant cases`."""

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from radiant.cli.cases import app
from radiant.domain.case import CaseState, Priority, solo
from radiant.domain.partition import identities, plan
from radiant.errors import CaseNotFoundError, InputError, PedigreeError, SampleMismatchError
from radiant.registry import Registry

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{}\n"
TRIO_VCF = gzip.compress(HEADER.format("kid\tdad\tmum").encode())
TRIO = "f\tkid\tdad\tmum\t1\t2\nf\tdad\t0\t0\t1\t1\nf\tmum\t0\t0\t2\t1\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "a.vcf.gz").write_bytes(TRIO_VCF)
    (folder / "a.ped").write_text(TRIO)
    return folder


@pytest.fixture
def registry(folder):
    tmp_path = folder.parent
    return Registry(f"sqlite:///{tmp_path}/home/registry.db")


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_registered_case_is_changed_only_when_that_is_asked_for(registry):
    run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped", "--assembly", "hg19", "--priority", "stat")
    assert registry.get(1).case.assembly == "GRCh37"
    before = registry.get(1)
    for arguments in (["--vcf", "a.vcf.gz"], ["--case", "1"], ["--vcf", "a.vcf.gz", "--assembly", "b37"]):
        assert "unchanged" in run("add", *arguments).output
        assert registry.get(1) == before, "what is not given stays"
    with pytest.raises(InputError, match=r"assembly: GRCh37 -> GRCh38; .*|--replace") as raised:
        run("add", "--case", "1", "--assembly", "hg38", "--priority", "routine")
    assert "priority: stat -> routine; assembly: GRCh37 -> GRCh38. Give --replace" in str(raised.value)
    assert registry.get(1) == before
    changed = run("add", "--case", "1", "--assembly", "GRCh38.p14", "--replace").output
    assert "case 1: assembly: GRCh37 -> GRCh38" in changed
    case = registry.get(1).case
    assert (case.assembly, case.priority, case.members) == ("GRCh38", Priority.STAT, before.case.members)


def test_a_sheet_changes_no_registered_case_unless_asked_and_adds_the_others(folder, registry):
    run("add", "--vcf", "a.vcf.gz", "--priority", "stat")
    (folder / "b.vcf.gz").write_bytes(b"b")
    (folder / "cases.csv").write_text("vcf,priority\na.vcf.gz,routine\nb.vcf.gz,\n")
    with pytest.raises(InputError, match="line 2, case 1 is registered in another way and was left as it is: priority"):
        run("add", "--sheet", "cases.csv")
    assert [record.case.priority for record in registry.list_cases()] == [Priority.STAT, Priority.ROUTINE]
    run("add", "--sheet", "cases.csv", "--replace")
    assert registry.get(1).case.priority is Priority.ROUTINE


@pytest.mark.usefixtures("registry")
def test_programs_get_the_list_as_json_or_csv(folder):
    assert json.loads(run("list", "--format", "json").output) == []
    run("add", "--vcf", "a.vcf.gz")
    wanted = {
        "case": 1,
        "state": "registered",
        "part": None,
        "priority": "routine",
        "strategy": "wgs",
        "assembly": "GRCh38",
        "members": 0,
        "vcf": f"file://{folder}/a.vcf.gz",
        "reason": None,
    }
    assert json.loads(run("list", "--format", "json").output) == [wanted]
    (row,) = csv.DictReader(run("list", "--format", "csv").output.splitlines())
    assert row == {name: "" if value is None else str(value) for name, value in wanted.items()}


@pytest.mark.usefixtures("folder", "registry")
def test_no_cell_of_the_list_as_csv_is_a_formula(monkeypatch):
    strategies = {"=1+1": {"first_part": 131072, "tasks_per_part": 1000}}
    monkeypatch.setenv("RADIANT_REGISTRY__STRATEGIES", json.dumps(strategies))
    run("add", "--vcf", "a.vcf.gz", "--strategy", "=1+1")
    (row,) = csv.DictReader(run("list", "--format", "csv").output.splitlines())
    assert row["strategy"] == "'=1+1"


def test_a_case_is_added_shown_listed_and_removed(folder, registry):
    added = run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped", "--priority", "stat", "--strategy", "wxs")
    assert added.output == f"case\tchange\tvcf\n1\tadded\tfile://{folder}/a.vcf.gz\n"
    assert registry.get(1).case.priority is Priority.STAT
    listed = run("list").output.splitlines()
    assert listed[1].split() == ["1", "registered", "stat", "wxs", "GRCh38", "3", f"file://{folder}/a.vcf.gz"]
    assert listed[0].index("vcf") == listed[1].index("file://"), "the columns are aligned"
    shown = run("show", "1").output
    assert "kid\tf\tdad\tmum\tmale\taffected\tyes\tf:kid\tf:kid" in shown
    assert "registered" in shown
    assert run("remove", "1").output == "case 1 is removed\n"
    assert len(run("list").output.splitlines()) == 1
    assert "deleted" in run("list", "--state", "deleted").output


def test_adding_twice_says_unchanged(folder):
    run("add", "--vcf", "a.vcf.gz")
    assert "1\tunchanged" in run("add", "--vcf", str(folder / "a.vcf.gz")).output


def test_the_number_and_the_proband_are_taken(registry):
    run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped", "--case", "12", "--proband", "mum", "--assembly", "grch37")
    record = registry.get(12)
    assert [member.sample for member in record.case.members if member.is_proband] == ["mum"]
    assert record.case.assembly == "GRCh37"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--vcf", "b.vcf.gz"], InputError, r"/data/b\.vcf\.gz: no such file"),
        (["--vcf", "."], InputError, "folder"),
        (["--vcf", "a.vcf.gz", "--ped", "b.ped"], InputError, r"b\.ped: no such file"),
        (["--vcf", "a.vcf.gz", "--ped", "bad.ped"], PedigreeError, r"bad\.ped, line 1: has 2 columns"),
        (["--vcf", "a.vcf.gz", "--ped", "a.ped", "--proband", "x"], PedigreeError, "'x' has no line"),
        (["--vcf", "a.vcf.gz", "--proband", "x"], InputError, "needs a pedigree"),
        (["--vcf", "a.vcf.gz", "--strategy", "wxz"], InputError, "did you mean wxs"),
        (["--vcf", "a.vcf.gz", "--priority", "sat"], InputError, "did you mean stat"),
        (["--vcf", "a.vcf.gz", "--assembly", "hg7"], InputError, "Known are GRCh38, GRCh37"),
        (["--vcf", r"C:\a.vcf"], InputError, "Windows path"),
        (["--sheet", "none.csv"], InputError, r"none\.csv: no such file"),
        (["--sheet", "a.ped"], InputError, "no column 'f'"),
    ],
)
def test_bad_input_is_refused_and_registers_nothing(folder, registry, arguments, error, said):
    (folder / "bad.ped").write_text("f kid\n")
    with pytest.raises(error, match=said):
        run("add", *arguments)
    assert registry.list_cases() == []


class TestSamplesOfThePedigree:
    """They are compared with the header of the VCF when a case is added."""

    def test_a_pedigree_of_other_samples_is_refused_with_both_lists(self, folder, registry):
        (folder / "other.ped").write_text(TRIO.replace("kid", "child"))
        with pytest.raises(SampleMismatchError, match=r"does not have: child\. The VCF has: kid, dad, mum\."):
            run("add", "--vcf", "a.vcf.gz", "--ped", "other.ped")
        assert registry.list_cases() == []

    def test_a_sheet_names_each_line_and_adds_nothing(self, folder, registry):
        (folder / "other.ped").write_text(TRIO.replace("kid", "child"))
        (folder / "b.vcf").write_text(HEADER.format("S1"))
        (folder / "cases.csv").write_text("vcf,ped\na.vcf.gz,a.ped\na2.vcf.gz,other.ped\nb.vcf,a.ped\n")
        shutil.copy("a.vcf.gz", "a2.vcf.gz")
        with pytest.raises(InputError) as raised:
            run("add", "--sheet", "cases.csv")
        first, second, third = str(raised.value).splitlines()
        assert first == "2 problems, no case was added:"
        assert "cases.csv, line 3, column ped: " in second
        assert "does not have: child. The VCF has: kid, dad, mum." in second
        assert "cases.csv, line 4, column ped: " in third
        assert "does not have: kid, dad, mum. The VCF has: S1." in third
        assert registry.list_cases() == []

    def test_another_vcf_of_a_registered_case_must_have_the_samples_of_its_pedigree(self, folder, registry):
        run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped")
        (folder / "b.vcf").write_text(HEADER.format("S1"))
        with pytest.raises(SampleMismatchError, match=r"The VCF has: S1\."):
            run("add", "--case", "1", "--vcf", "b.vcf", "--replace")
        assert registry.get(1).case.vcf_uri.endswith("a.vcf.gz")

    @pytest.mark.parametrize("cut", ["not a VCF", "half a header", "no right to read"])
    def test_a_header_that_cannot_be_read_now_is_a_note_and_the_case_is_added(self, folder, registry, cut):
        if cut == "no right to read":
            if os.geteuid() == 0:
                pytest.skip("root may read every file")
            (folder / "a.vcf.gz").chmod(0)
        else:
            (folder / "a.vcf.gz").write_bytes(b"a" if cut == "not a VCF" else TRIO_VCF[:30])
        result = run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped")
        (note,) = result.stderr.splitlines()
        assert "samples of the pedigree are compared when the case is imported, not now: " in note
        assert "a.vcf.gz" in note
        assert [record.case.case_id for record in registry.list_cases()] == [1]

    def test_samples_that_the_pedigree_leaves_out_are_no_problem(self, folder, registry):
        (folder / "kid.ped").write_text("f\tkid\t0\t0\t1\t2\n")
        run("add", "--vcf", "a.vcf.gz", "--ped", "kid.ped")
        assert len(registry.get(1).case.members) == 1


class TestPatient:
    """A case without a pedigree may state the person."""

    @pytest.fixture(autouse=True)
    def single(self, folder):
        for name in ("s", "t"):
            (folder / f"{name}.vcf").write_text(HEADER.format("S1"))

    def test_two_cases_of_one_patient_share_it_and_each_has_its_own_experiment(self, folder, registry):
        (folder / "cases.csv").write_text("vcf,patient\ns.vcf,P1\nt.vcf,P1\n")
        run("add", "--sheet", "cases.csv")
        first, second = (registry.get(number).case for number in (1, 2))
        assert first.members == (solo("S1", "case:1", "P1"),)
        assert [member.patient_id for member in second.members] == ["P1"]
        assert {one.id for one in identities(first) & identities(second)} == {"P1"}

    def test_the_same_sample_of_two_patients_ties_nothing(self, folder, registry):
        (folder / "cases.csv").write_text("vcf,patient\ns.vcf,P1\nt.vcf,P2\n")
        run("add", "--sheet", "cases.csv")
        first, second = (registry.get(number).case for number in (1, 2))
        assert not identities(first) & identities(second)

    def test_what_is_not_given_stays_and_another_patient_needs_replace(self, registry):
        run("add", "--vcf", "s.vcf", "--patient", "P1")
        before = registry.get(1)
        for arguments in ([], ["--patient", "P1"]):
            assert "1\tunchanged" in run("add", "--vcf", "s.vcf", *arguments).output
            assert registry.get(1) == before
        with pytest.raises(InputError, match="patient: P1 -> P2"):
            run("add", "--vcf", "s.vcf", "--patient", "P2")
        assert registry.get(1) == before
        run("add", "--vcf", "s.vcf", "--patient", "P2", "--replace")
        assert [member.patient_id for member in registry.get(1).case.members] == ["P2"]
        assert registry.history(1)[-1].note == "patient changed"

    def test_a_registered_case_gets_its_patient_later(self, registry):
        run("add", "--vcf", "s.vcf")
        assert registry.get(1).case.members == ()
        run("add", "--case", "1", "--patient", "P1", "--replace")
        assert registry.get(1).case.members == (solo("S1", "case:1", "P1"),)

    def test_a_pedigree_takes_the_place_of_the_patient(self, folder, registry):
        run("add", "--vcf", "s.vcf", "--patient", "P1")
        (folder / "s.ped").write_text("f\tS1\t0\t0\t1\t2\n")
        with pytest.raises(InputError, match="patient: P1 -> none"):
            run("add", "--vcf", "s.vcf", "--ped", "s.ped")
        run("add", "--vcf", "s.vcf", "--ped", "s.ped", "--replace")
        assert [member.patient_id for member in registry.get(1).case.members] == ["f:S1"]
        with pytest.raises(InputError, match="state the patient there, in its column patient_id"):
            run("add", "--case", "1", "--patient", "P2", "--replace")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--vcf", "a.vcf.gz", "--patient", "P1"], "has 3 samples, and a patient is one person"),
            (["--vcf", "a.vcf.gz", "--patient", "P1", "--ped", "a.ped"], "--patient is for a case without a pedigree"),
            (["--vcf", "a.ped", "--patient", "P1"], "a.ped"),
        ],
    )
    def test_a_patient_needs_a_readable_vcf_of_one_sample(self, registry, arguments, said):
        with pytest.raises(InputError, match=said):
            run("add", *arguments)
        assert registry.list_cases() == []


@pytest.mark.parametrize(("name", "wanted"), [("hg19", "GRCh37"), ("b37", "GRCh37"), ("GRCh38.p14", "GRCh38")])
def test_the_setting_of_the_assembly_takes_the_names_that_the_option_takes(registry, monkeypatch, name, wanted):
    monkeypatch.setenv("RADIANT_VCF__ASSEMBLY", name)
    run("add", "--vcf", "a.vcf.gz")
    assert registry.get(1).case.assembly == wanted


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "--sheet"), (["--sheet", "x.csv", "--vcf", "a.vcf.gz", "--priority", "stat"], "--vcf, --priority")],
)
def test_wrong_usage_is_reported(arguments, said):
    result = run("add", *arguments)
    assert result.exit_code == 2
    assert said in result.output


class TestSheet:
    def test_paths_count_from_the_sheets_folder(self, folder, registry, tmp_path):
        (folder / "sub").mkdir()
        shutil.copy(folder / "a.vcf.gz", folder / "sub" / "b.vcf.gz")
        sheet = tmp_path / "data" / "sub" / "cases.csv"
        sheet.write_text("case;vcf;ped\r\n5;b.vcf.gz;../a.ped\r\n;../a.vcf.gz;\r\n", encoding="utf-8-sig", newline="")
        assert run("add", "--sheet", "sub/cases.csv").output.splitlines()[1:] == [
            f"5\tadded\tfile://{folder}/sub/b.vcf.gz",
            f"6\tadded\tfile://{folder}/a.vcf.gz",
        ]
        assert len(registry.get(5).case.members) == 3

    def test_files_at_other_places_than_those_of_cases_are_refused_with_line_and_column(
        self, folder, registry, monkeypatch
    ):
        monkeypatch.setenv("RADIANT_INPUT_PREFIXES", str(folder))
        (folder / "link.ped").symlink_to("/etc/passwd")
        sheet = folder / "cases.csv"
        sheet.write_text(
            "vcf,ped\n../../../../../../../../etc/group,\nfile:///etc/passwd,\nhttp://169.254.169.254/x,\n"
            "a.vcf.gz,link.ped\n"
        )
        with pytest.raises(InputError) as caught:
            run("add", "--sheet", "cases.csv")
        first, *problems = str(caught.value).splitlines()
        assert first == "4 problems, no case was added:"
        for line, column, problem in zip((2, 3, 4, 5), ("vcf", "vcf", "vcf", "ped"), problems, strict=True):
            assert f"line {line}, column {column}: " in problem
            assert "is no place for" in problem if line == 4 else "RADIANT_INPUT_PREFIXES" in problem
            assert "root:" not in problem
        assert registry.list_cases() == []

    def test_one_wrong_file_adds_no_case_and_all_are_listed(self, folder, registry):
        (folder / "bad.ped").write_text("f kid\n")
        (folder / "cases.csv").write_text("vcf,ped\na.vcf.gz,bad.ped\nmissing.vcf,a.ped\n")
        with pytest.raises(InputError) as caught:
            run("add", "--sheet", "cases.csv")
        first, second, third = str(caught.value).splitlines()
        assert first == "2 problems, no case was added:"
        assert "cases.csv, line 2, column ped: " in second
        assert "bad.ped, line 1" in second
        assert "cases.csv, line 3, column vcf: " in third
        assert registry.list_cases() == []

    def test_one_wrong_pedigree_keeps_its_own_error(self, folder):
        (folder / "bad.ped").write_text("f kid\n")
        (folder / "cases.csv").write_text("vcf,ped\na.vcf.gz,bad.ped\n")
        with pytest.raises(PedigreeError, match=r"cases\.csv, line 2, column ped: .*bad\.ped, line 1"):
            run("add", "--sheet", "cases.csv")

    def test_what_the_registry_refuses_is_named_and_the_rest_is_added(self, folder, registry):
        run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped")
        (folder / "b.ped").write_text(TRIO.replace("f\t", "g\t"))
        (folder / "b.vcf").write_bytes(TRIO_VCF)
        (folder / "cases.csv").write_text("vcf,ped\na.vcf.gz,b.ped\nb.vcf,b.ped\n")
        with pytest.raises(InputError, match=r"cases\.csv, line 2, .*is the VCF of case 1 with the family f"):
            run("add", "--sheet", "cases.csv")
        assert [record.case.case_id for record in registry.list_cases()] == [1, 2]

    def test_a_configured_strategy_is_known(self, folder, registry, monkeypatch):
        monkeypatch.setenv("RADIANT_REGISTRY__STRATEGIES", '{"panel": {"first_part": 131072, "tasks_per_part": 1000}}')
        (folder / "cases.csv").write_text("vcf,strategy\na.vcf.gz,panel\n")
        run("add", "--sheet", "cases.csv")
        assert registry.get(1).case.strategy == "panel"


class TestShow:
    def test_a_failure_is_shown_with_its_reason_and_what_happens_next(self, registry):
        run("add", "--vcf", "a.vcf.gz")
        due = registry.due()
        registry.assign(plan([one.case for one in due.cases], {}, {}), run="r", lease_s=60)
        assert "as in VCF" in run("list", "--state", "assigned").output
        load = registry.claim(0, None, run="r", lease_s=60).cases[0]
        registry.finish_failed(1, load.load_id, "VcfFormat", "line 7: POS is 'x'", retryable=False)
        shown = run("show", "1").output
        assert "VcfFormat: line 7: POS is 'x'" in shown
        assert "when a file of it changes, or when asked for" in shown
        assert registry.get(1).state is CaseState.FAILED

    @pytest.mark.parametrize("command", ["show", "remove"])
    def test_an_unknown_case_is_an_error(self, command):
        with pytest.raises(CaseNotFoundError, match="no case 4 "):
            run(command, "4")

    def test_a_name_cannot_command_the_terminal_or_break_a_line(self, folder):
        (folder / "a.ped").write_text("f\tkid\x1b[2J[bold]\t0\t0\t1\t1\n")
        (folder / "a.vcf.gz").write_bytes(gzip.compress(HEADER.format("kid\x1b[2J[bold]").encode()))
        run("add", "--vcf", "a.vcf.gz", "--ped", "a.ped")
        shown = run("show", "1").output
        assert "\x1b" not in shown
        assert "[bold]" in shown

    def test_a_terminal_gets_a_table(self, monkeypatch):
        run("add", "--vcf", "a.vcf.gz")
        monkeypatch.setattr("radiant.cli.cases._is_terminal", lambda: True)
        listed = run("list").output
        assert "\t" not in listed
        assert "registered" in listed


def test_the_group_imports_no_database_before_it_is_needed():
    # In a process of its own: this one has imported everything.
    code = "import sys, radiant.cli.cases; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
