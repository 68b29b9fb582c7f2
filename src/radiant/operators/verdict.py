"""What became of the cases of a run: which are imported, which are not and why.

The last task of each import DAG makes the verdict, keeps it as its XCom and fails with all reasons unless every case is
imported. A DAG that ran others adds up theirs.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, cast

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from radiant.operators.mapping import part_confs

log = logging.getLogger(__name__)


class FailedCase(TypedDict):
    """A case that is not imported."""

    case_id: int
    code: str
    reason: str


class CaseWarning(TypedDict):
    """What a person should look at in a case that is imported: sex or parentage that do not fit, a disomy."""

    case_id: int
    warning: str


class Verdict(TypedDict):
    """The outcome of the cases of a run."""

    imported: list[int]
    deleted: list[int]
    """Removed cases whose rows are gone."""
    failed: list[FailedCase]
    waiting: list[int]
    """Cases that a run of `import-vcf` left to another run, since Airflow maps a task over so many at most."""
    trouble: list[str]
    """What went wrong beside single cases, one sentence or more each."""
    warnings: list[CaseWarning]
    """Of imported cases; they do not make the verdict red."""


def judge_import(prepared: Mapping[str, Any] | None, committed: Mapping[str, Any] | None) -> Verdict:
    """Make the verdict of `import-vcf` from the XComs of `prepare` and `commit`; None where a task left none."""
    if not _succeeded(prepared):
        return only_trouble(f"no case was imported: {_why('prepare', prepared)}")
    claimed: Mapping[str, Any] = (prepared or {})["output"]
    refused = [_failed_case(case) for case in claimed["refused"]]
    waiting: list[int] = claimed["waiting"]
    if not _succeeded(committed):
        text = f"no case became visible, though some may have been read: {_why('commit', committed)}"
        return Verdict(imported=[], deleted=[], failed=refused, waiting=waiting, trouble=[text], warnings=[])
    output: Mapping[str, Any] = (committed or {})["output"]
    asked = {case["case_id"] for case in claimed["cases"] if case["load_id"] is not None}
    imported = [case["case_id"] for case in output["imported"]]
    failed = [_failed_case(case) for case in output["failed"]]
    silent = sorted(asked - set(imported) - {case["case_id"] for case in failed})
    trouble = [f"commit says nothing about {_cases(silent)}"] if silent else []
    warnings = [
        CaseWarning(case_id=case["case_id"], warning=warning)
        for case in output["imported"]
        for warning in case["warnings"]
    ]
    return Verdict(
        imported=imported,
        deleted=output["deleted"],
        failed=[*refused, *failed],
        waiting=waiting,
        trouble=trouble,
        warnings=warnings,
    )


def judge_plan(planned: Mapping[str, Any] | None, parts: Iterable[Verdict | None]) -> Verdict:
    """Make the verdict of `import-radiant` from the XCom of `plan` and the verdicts of its runs of `import-part`."""
    if not _succeeded(planned):
        return only_trouble(f"nothing was planned: {_why('plan', planned)}")
    output: Mapping[str, Any] = (planned or {})["output"]
    blocked = [f"{_cases(one['cases'])} cannot be imported: {one['reason']}" for one in output["blocked"]]
    total = add_up(parts, expected=len(part_confs(planned or {})))
    named = {*total["imported"], *total["deleted"], *total["waiting"], *(case["case_id"] for case in total["failed"])}
    silent = sorted({case for part in output["parts"] for case in part["cases"]} - named)
    # Where a run ended without a verdict, that is said already, and its cases are among these.
    unsaid = [f"no run says what became of {_cases(silent)}"] if silent and not total["trouble"] else []
    return {**total, "trouble": [*blocked, *total["trouble"], *unsaid]}


def add_up(verdicts: Iterable[Verdict | None], *, expected: int) -> Verdict:
    """Return the sum; a verdict that is missing of the expected number is trouble."""
    found = [verdict for verdict in verdicts if verdict]
    missing = expected - len(found)
    text = f"{missing} of {expected} runs ended without a verdict; the logs of the tasks that started them say why"
    return Verdict(
        imported=[case for verdict in found for case in verdict["imported"]],
        deleted=[case for verdict in found for case in verdict["deleted"]],
        failed=[case for verdict in found for case in verdict["failed"]],
        waiting=[case for verdict in found for case in verdict["waiting"]],
        trouble=[text for verdict in found for text in verdict["trouble"]] + ([text] if missing else []),
        warnings=[warning for verdict in found for warning in verdict["warnings"]],
    )


def deliver(verdict: Verdict) -> Verdict:
    """Keep the verdict as this task's XCom and return it, log its warnings; fail with every reason unless all is well.

    Raises:
        AirflowFailException: a case is not imported, or anything else went wrong.
    """
    for one in verdict["warnings"]:
        log.warning("case %d is imported, but look at it: %s", one["case_id"], _on_one_line(one["warning"]))
    context = cast("dict[str, Any]", get_current_context())
    fail_with(verdict, context["ti"])
    return verdict


def fail_with(verdict: Verdict, instance: Any) -> None:
    """Return when all is well; else log each reason on a line of its own and fail.

    The reasons come before the exception, whose traceback Airflow prints, and the verdict is kept as XCom, since a task
    that fails returns nothing: the DAG that started this run reads it there.

    Raises:
        AirflowFailException: a case is not imported, or anything else went wrong.
    """
    lines = describe(verdict).splitlines()
    if not lines:
        return
    for line in lines:
        log.error("%s", line)
    instance.xcom_push(key="return_value", value=verdict)
    msg = f"{lines[0]} The lines above say why."
    raise AirflowFailException(msg)


def describe(verdict: Verdict) -> str:
    """Return what went wrong, a line each, or nothing: how many cases are imported, then each case that is not."""
    lines = [f"case {case['case_id']}: {case['code']}: {_on_one_line(case['reason'])}" for case in verdict["failed"]]
    if verdict["waiting"]:
        lines.append(
            f"{_cases(verdict['waiting'])} not started: this run imports as many cases as Airflow maps a task over "
            "([core] max_map_length). Trigger import-vcf for them, or import-part, which does so by itself"
        )
    lines += map(_on_one_line, verdict["trouble"])
    if not lines:
        return ""
    total = len(verdict["imported"]) + len(verdict["failed"]) + len(verdict["waiting"])
    head = f"{len(verdict['imported'])} of {total} cases are imported and visible." if total else "No case is imported."
    return "\n".join((head, *lines))


def only_trouble(text: str) -> Verdict:
    """Return the verdict of a run that came to no case."""
    return Verdict(imported=[], deleted=[], failed=[], waiting=[], trouble=[text], warnings=[])


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _succeeded(job: Mapping[str, Any] | None) -> bool:
    return job is not None and job["status"] == "succeeded"


def _why(task_id: str, job: Mapping[str, Any] | None) -> str:
    if job is None:
        return f"task {task_id} did not come to an end; its log says why"
    return f"task {task_id} failed: {job['code']}: {job['reason']}"


def _failed_case(case: Mapping[str, Any]) -> FailedCase:
    return FailedCase(case_id=case["case_id"], code=case["code"], reason=case["reason"])


def _cases(ids: Iterable[int]) -> str:
    return "case(s) " + ", ".join(str(one) for one in ids)
