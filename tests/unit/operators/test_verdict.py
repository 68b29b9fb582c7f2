import time

import pytest
from airflow.sdk.exceptions import AirflowFailException

from job_xcoms import failed, imported_case, prepared_case, succeeded
from radiant.jobs.codec import to_json
from radiant.jobs.contracts import CaseWarning, FailedCase, Verdict
from radiant.operators import verdict as module
from radiant.operators.mapping import import_arguments, map_limit, part_confs
from radiant.operators.tries import READY_AT
from radiant.operators.verdict import add_up, deliver, describe, judge_import, judge_part, judge_plan


def prepared_with(cases, refused=(), waiting=()):
    output = {
        "part": 7,
        "cases": [prepared_case(case) for case in cases],
        "deleted": [],
        "refused": list(refused),
        "waiting": list(waiting),
    }
    return succeeded(output, "prepare-part")


PREPARED = prepared_with([1, 2])
FAILED = failed("Storage", "disk full")


def committed(imported, failed=(), warnings=()):
    cases = [imported_case(case, warnings) for case in imported]
    return succeeded({"part": 7, "imported": cases, "failed": list(failed), "deleted": []}, "commit-part")


BAD = {"case_id": 2, "code": "VcfFormat", "reason": "line 17: POS is 0"}


def test_all_imported_is_well():
    found = judge_import(PREPARED, committed([1, 2]))
    assert found == Verdict(imported=(1, 2))
    assert describe(found) == ""


def test_a_failed_case_is_named_with_its_reason():
    found = judge_import(PREPARED, committed([1], [BAD]))
    assert found.failed == (FailedCase(**BAD),)
    assert describe(found) == "1 of 2 cases are imported and visible.\ncase 2: VcfFormat: line 17: POS is 0"


def test_a_warning_of_an_imported_case_stays_green_and_reaches_every_verdict(caplog, instance, monkeypatch):
    monkeypatch.setattr(module, "get_current_context", lambda: {"ti": instance})
    one = judge_import(prepared_with([1]), committed([1], warnings=["the stated sex does not fit"]))
    total = judge_plan(planned([1]), [to_json(one)])
    assert total.warnings == (CaseWarning(1, "the stated sex does not fit"),)
    assert deliver(total) == to_json(total)
    assert "case 1 is imported, but look at it: the stated sex does not fit" in caplog.text


def test_a_case_that_commit_does_not_list_is_trouble():
    assert "2" in describe(judge_import(PREPARED, committed([1])))


@pytest.mark.parametrize(
    ("prepared", "done", "words"),
    [
        (None, None, ["prepare", "did not come to an end"]),
        (FAILED, None, ["prepare", "Storage", "disk full"]),
        (PREPARED, None, ["commit", "did not come to an end"]),
        (PREPARED, FAILED, ["commit", "Storage", "disk full"]),
    ],
)
def test_a_stage_that_failed_is_named_with_its_reason(prepared, done, words):
    text = describe(judge_import(prepared, done))
    assert all(word in text for word in words), text


def test_an_import_that_only_deletes_is_well():
    assert describe(judge_import(prepared_with([]), committed([]))) == ""


def test_a_case_that_prepare_refused_is_named_with_its_reason():
    refused = {"case_id": 9, "code": "CaseState", "reason": "another run holds it"}
    for done in (committed([1]), FAILED):
        found = judge_import(prepared_with([1], [refused]), done)
        assert found.failed == (FailedCase(**refused),)
        assert "case 9: CaseState: another run holds it" in describe(found)


def planned(parts, blocked=()):
    output = {
        "parts": [{"part": p, "priority": "routine", "cases": [p]} for p in parts],
        "blocked": list(blocked),
    }
    return succeeded(output, "plan-import")


def test_the_plan_s_verdict_is_the_sum_of_its_parts():
    parts = [judge_import(PREPARED, committed([1, 2])), judge_import(PREPARED, committed([1], [BAD]))]
    found = judge_plan(planned([7, 8]), map(to_json, parts))
    assert (found.imported, found.failed) == ((1, 2, 1), (FailedCase(**BAD),))


def test_blocked_cases_make_the_run_fail_with_their_reason():
    found = judge_plan(planned([], [{"cases": [4, 5], "reason": "patient P is in part 1 and 2"}]), [])
    assert describe(found).endswith("case(s) 4, 5 cannot be imported: patient P is in part 1 and 2")


def test_nothing_due_is_well():
    assert describe(judge_plan(planned([]), [])) == ""


def test_a_run_without_a_verdict_is_trouble():
    assert "1 of 2 runs" in describe(add_up([judge_import(PREPARED, committed([1, 2])), None], expected=2))
    assert "2 of 2 runs" in describe(judge_plan(planned([7, 8]), []))


def test_the_verdict_of_a_part_is_that_of_its_imports():
    one = judge_import(PREPARED, committed([1], [BAD]))
    assert judge_part(to_json(one)) == one
    assert "1 of 1 runs" in describe(judge_part(None))


def test_a_failed_plan_is_named():
    assert "disk full" in describe(judge_plan(FAILED, []))


def test_a_case_that_no_run_reports_is_trouble():
    found = judge_plan(planned([7, 8]), [to_json(judge_import(prepared_with([c]), committed([c]))) for c in (7, 9)])
    assert describe(found).endswith("no run reports the outcome of case(s) 8")


def test_cases_left_to_another_run_were_not_started():
    found = judge_import(prepared_with([1], waiting=[2, 3]), committed([1]))
    assert found.waiting == (2, 3)
    text = describe(found)
    assert text.startswith("1 of 3 cases are imported")
    assert "case(s) 2, 3 not started: " in text
    assert "Lost" not in text


def test_a_case_that_the_run_has_no_more_is_not_asked_for():
    prepared = prepared_with([1, 2])
    prepared["output"]["cases"][1]["load_id"] = None
    assert describe(judge_import(prepared, committed([1]))) == ""


def test_each_reason_is_one_line_of_the_log_before_the_task_fails(instance, monkeypatch, caplog):
    monkeypatch.setattr(module, "get_current_context", lambda: {"ti": instance})
    long = {"case_id": 3, "code": "Input", "reason": "the sheet has 2 problems:\n  line 2\n  line 3"}
    bad = judge_import(prepared_with([1, 2, 3]), committed([1], [BAD, long]))
    with pytest.raises(
        AirflowFailException, match=r"^1 of 3 cases are imported and visible\. The lines above have the reasons\.$"
    ):
        deliver(bad)
    assert caplog.messages == [
        "1 of 3 cases are imported and visible.",
        "case 2: VcfFormat: line 17: POS is 0",
        "case 3: Input: the sheet has 2 problems: line 2 line 3",
    ]
    assert instance.pushed == {"return_value": to_json(bad)}


def test_a_good_verdict_is_returned(instance, monkeypatch):
    monkeypatch.setattr(module, "get_current_context", lambda: {"ti": instance})
    good = judge_import(PREPARED, committed([1, 2]))
    assert deliver(good) == to_json(good)
    assert instance.pushed == {}


def test_each_case_becomes_one_request_and_each_part_one_run():
    before = time.time()
    (found,) = import_arguments(prepared_with([1]))
    assert before - 0.01 <= found.pop(READY_AT) <= time.time() + 0.01
    assert found == prepared_case(1)
    plan = succeeded({"parts": [{"part": 7, "priority": "stat", "cases": [1]}], "blocked": []})
    assert part_confs(plan) == [[{"part": 7, "cases": [1], "priority": "stat"}]]


def test_more_than_airflow_can_map_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "3")
    assert map_limit() == 3
    assert len(import_arguments(prepared_with([1, 2, 3]))) == 3
    with pytest.raises(AirflowFailException, match="AIRFLOW__CORE__MAX_MAP_LENGTH"):
        import_arguments(prepared_with([1, 2, 3, 4]))
