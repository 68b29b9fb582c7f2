from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from job_xcoms import imported_case, succeeded
from radiant.cli.summary import Summary, print_summary, read_summary
from radiant.jobs.contracts import FailedCase, ImportedCase, RecordCounts
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.run_ids import block_run_id, part_run_id

COUNTS = RecordCounts(read=5000, kept=4761, split=239, skipped=0, rejected=0)
ROWS = {"occurrence": 10427, "variant": 5254, "consequence": 20226, "compound_het": 266, "quarantine": 0}
GOOD = ImportedCase(1, COUNTS, ROWS, 26.84, 30.0, 232.4, ())
WARNED = ImportedCase(3, COUNTS, ROWS, 1.0, 1.0, 100, ("sex: stated female, observed male",))
BAD = FailedCase(2, "VcfTruncated", "file:///cases/a.vcf.gz: no BGZF end-of-file block [red]")


class FakeApi:
    def __init__(self, state, xcoms):
        self.state = state
        self.xcoms = xcoms

    def run_state(self, dag_id, run_id):
        assert (dag_id, run_id) == (IMPORT_RADIANT, "r")
        return self.state

    def task_instances(self, dag_id, run_id):
        raise AssertionError(dag_id, run_id)

    def xcom(self, dag_id, run_id, task_id, map_index=-1):
        assert map_index == -1
        return self.xcoms.get((dag_id, run_id, task_id))


def xcoms(verdict, *parts):
    planned = [{"part": part, "priority": "routine", "cases": [part]} for part, _ in parts]
    plan = succeeded({"parts": planned, "blocked": []})
    return {
        (IMPORT_RADIANT, "r", "plan"): plan,
        (IMPORT_RADIANT, "r", "verdict"): verdict,
        **{(IMPORT_VCF, part_run_id("r", part, [part]), "commit"): commit for part, commit in parts},
    }


def test_the_cases_of_all_blocks_of_a_part_are_added_up():
    """Airflow maps a task over a limited number of cases: a part is then imported by several runs."""
    verdict = {"imported": [1, 2, 3], "failed": [], "trouble": []}
    found = xcoms(verdict)
    found[IMPORT_RADIANT, "r", "plan"]["output"]["parts"] = [{"part": 7, "priority": "routine", "cases": [1, 2, 3]}]
    first = part_run_id("r", 7, [1, 2, 3])
    found[IMPORT_VCF, first, "commit"] = committed(1, 2)
    found[IMPORT_VCF, block_run_id(first, 2), "commit"] = committed(3)
    assert [case.case_id for case in read_summary(FakeApi("success", found), "r").imported] == [1, 2, 3]


def committed(*case_ids, deleted=()):
    imported = [imported_case(one) for one in case_ids]
    return succeeded({"part": 7, "imported": imported, "failed": [], "deleted": list(deleted)})


def test_the_cases_of_all_parts_are_added_up_by_number():
    verdict = {"imported": [5, 1, 3], "failed": [], "trouble": []}
    api = FakeApi("success", xcoms(verdict, (65536, committed(5)), (0, committed(3, 1, deleted=[9]))))
    summary = read_summary(api, "r")
    assert [case.case_id for case in summary.imported] == [1, 3, 5]
    assert summary.deleted == (9,)
    assert summary.exit_code == 0


def test_failures_come_from_the_verdict_so_that_refused_cases_are_there_too():
    verdict = {"imported": [], "failed": [{"case_id": 2, "code": "VcfFormat", "reason": "x"}], "trouble": []}
    summary = read_summary(FakeApi("failed", xcoms(verdict, (0, None))), "r")
    assert summary.failed == (FailedCase(2, "VcfFormat", "x"),)


def test_a_run_without_a_verdict_is_trouble():
    summary = read_summary(FakeApi("failed", {}), "r")
    (trouble,) = summary.trouble
    assert "verdict" in trouble
    assert summary.exit_code == 70


def test_a_red_run_with_a_good_verdict_is_trouble():
    summary = read_summary(FakeApi("failed", xcoms({"imported": [], "failed": [], "trouble": []})), "r")
    assert summary.exit_code == 70


@pytest.mark.parametrize(
    ("failed", "trouble", "code"),
    [
        ([], [], 0),
        (["VcfTruncated"], [], 65),
        (["BadInput", "SampleMismatch", "Pedigree", "VcfFormat"], [], 65),
        (["Bug"], [], 70),
        (["OutOfMemory"], [], 70),
        (["VcfTruncated", "Lost"], [], 70),
        (["VcfTruncated"], ["commit failed"], 70),
        ([], ["commit failed"], 70),
    ],
)
def test_the_exit_code_is_65_only_when_nothing_but_bad_input_failed(failed, trouble, code):
    cases = tuple(FailedCase(index, one, "") for index, one in enumerate(failed))
    assert Summary((), cases, (), tuple(trouble)).exit_code == code


def render(summary, **options):
    out = StringIO()
    print_summary(summary, Console(file=out, **options))
    return out.getvalue()


def test_a_line_per_case_holds_verdict_records_rows_seconds_and_memory():
    text = render(Summary((GOOD,), (BAD,), (), ()))
    line = next(line for line in text.splitlines() if line.split()[:2] == ["1", "imported"])
    assert line.split()[2:] == [
        "5,000",
        "4,761",
        "239",
        "0",
        "0",
        "10,427",
        "5,254",
        "20,226",
        *["266", "0", "26.8", "232"],
    ]
    assert "2  failed: VcfTruncated" in text


def test_a_reason_is_shown_in_full_and_never_as_markup():
    reason = BAD.reason + " " + "x" * 300
    text = render(Summary((), (FailedCase(2, "VcfTruncated", reason),), (), ()))
    assert f"case 2: VcfTruncated: {reason}\n" in text


def test_a_warning_is_loud_and_its_case_still_imported():
    text = render(Summary((WARNED,), (), (), ()))
    assert "imported, 1 warning" in text
    assert "case 3: warning: sex: stated female, observed male" in text
    assert Summary((WARNED,), (), (), ()).exit_code == 0


def test_a_narrow_terminal_shows_every_number_in_two_tables():
    text = render(Summary((GOOD,), (), (), ()), force_terminal=True, width=80, no_color=True)
    for number in ("5,000", "4,761", "239", "10,427", "5,254", "20,226", "266", "26.8", "232"):
        assert number in text
    assert "…" not in text
    assert max(len(line) for line in Text.from_ansi(text).plain.splitlines()) <= 80


def test_a_wide_terminal_shows_one_table():
    text = render(Summary((GOOD,), (), (), ()), force_terminal=True, width=160, no_color=True)
    assert text.count("verdict") == 1


def test_nothing_due_says_what_to_do():
    assert "radiant cases add" in render(Summary((), (), (), ()))


def test_trouble_is_shown():
    text = render(Summary((), (), (), ("commit failed: LakeConflict",)))
    assert "trouble: commit failed: LakeConflict" in text
    assert "the run is red" in text
