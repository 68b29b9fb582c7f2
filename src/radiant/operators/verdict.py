"""Verdicts: which cases of a run are imported, which are not, and why.

The last task of each import DAG makes the verdict, keeps it as its XCom and fails with all reasons unless every case is
imported. A DAG that ran others adds up theirs.
"""

import dataclasses
import logging
from collections.abc import Iterable
from typing import Any, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from radiant.jobs.codec import JsonObject, to_json
from radiant.jobs.contracts import (
    CaseWarning,
    CommitOutput,
    PlanOutput,
    PrepareOutput,
    Verdict,
    output_of,
    read_verdict,
)
from radiant.jobs.documents import Status, read_job_summary
from radiant.operators.mapping import part_confs

T = TypeVar("T")

log = logging.getLogger(__name__)


def judge_import(prepared: object, committed: object) -> Verdict:
    """Make the verdict of `import-vcf` from the XComs of `prepare` and `commit`; None where a task left none."""
    claimed = _output("prepare", prepared, PrepareOutput)
    if isinstance(claimed, str):
        return Verdict(trouble=(f"no case was imported: {claimed}",))
    output = _output("commit", committed, CommitOutput)
    if isinstance(output, str):
        text = f"no case became visible, though some may have been read: {output}"
        return Verdict(failed=claimed.refused, waiting=claimed.waiting, trouble=(text,))
    expected = {case.case_id for case in claimed.cases if case.load_id is not None}
    imported = tuple(case.case_id for case in output.imported)
    missing = sorted(expected - set(imported) - {case.case_id for case in output.failed})
    return Verdict(
        imported=imported,
        deleted=output.deleted,
        failed=(*claimed.refused, *output.failed),
        waiting=claimed.waiting,
        trouble=(f"commit reports nothing about {_cases(missing)}",) if missing else (),
        warnings=tuple(CaseWarning(case.case_id, warning) for case in output.imported for warning in case.warnings),
    )


def judge_part(imported: object) -> Verdict:
    """Make the verdict of `import-part` from the XCom of its runs of `import-vcf`; None where the task left none."""
    return add_up([read_verdict(imported, "the verdict of import-vcf")], expected=1)


def judge_plan(planned: object, parts: Iterable[object]) -> Verdict:
    """Make the verdict of `import-radiant` from the XCom of `plan` and those of its runs of `import-part`."""
    output = _output("plan", planned, PlanOutput)
    if isinstance(output, str):
        return Verdict(trouble=(f"nothing was planned: {output}",))
    blocked = tuple(f"{_cases(one.cases)} cannot be imported: {one.reason}" for one in output.blocked)
    verdicts = [read_verdict(part, "the verdict of import-part") for part in parts]
    total = add_up(verdicts, expected=len(part_confs(planned)))
    named = {*total.imported, *total.deleted, *total.waiting, *(case.case_id for case in total.failed)}
    missing = sorted({case for part in output.parts for case in part.cases} - named)
    # The trouble of a run that ended without a verdict covers its cases.
    unnamed = (f"no run reports the outcome of {_cases(missing)}",) if missing and not total.trouble else ()
    return dataclasses.replace(total, trouble=(*blocked, *total.trouble, *unnamed))


def add_up(verdicts: Iterable[Verdict | None], *, expected: int) -> Verdict:
    """Return the sum; a verdict that is missing of the expected number is trouble."""
    found = [verdict for verdict in verdicts if verdict is not None]
    missing = expected - len(found)
    text = f"{missing} of {expected} runs ended without a verdict; see the logs of the tasks that started them"
    return Verdict(
        imported=tuple(case for verdict in found for case in verdict.imported),
        deleted=tuple(case for verdict in found for case in verdict.deleted),
        failed=tuple(case for verdict in found for case in verdict.failed),
        waiting=tuple(case for verdict in found for case in verdict.waiting),
        trouble=(*(text for verdict in found for text in verdict.trouble), *([text] if missing else [])),
        warnings=tuple(warning for verdict in found for warning in verdict.warnings),
    )


def deliver(verdict: Verdict) -> JsonObject:
    """Return the verdict as this task's XCom and log its warnings; fail with every reason unless all is well.

    Raises:
        AirflowFailException: a case is not imported, or anything else went wrong.
    """
    for one in verdict.warnings:
        log.warning("case %d is imported, but look at it: %s", one.case_id, _on_one_line(one.warning))
    context: Any = get_current_context()
    fail_with(verdict, context["ti"])
    return to_json(verdict)


def fail_with(verdict: Verdict, instance: Any) -> None:
    """Return when all is well; else log each reason on a line of its own and fail.

    The reasons come before the exception, whose traceback Airflow prints. The verdict is pushed as XCom, since a task
    that fails returns nothing: the DAG that started this run reads it there.

    Raises:
        AirflowFailException: a case is not imported, or anything else went wrong.
    """
    lines = describe(verdict).splitlines()
    if not lines:
        return
    for line in lines:
        log.error("%s", line)
    instance.xcom_push(key="return_value", value=to_json(verdict))
    msg = f"{lines[0]} The lines above have the reasons."
    raise AirflowFailException(msg)


def describe(verdict: Verdict) -> str:
    """Return what went wrong, a line each, or nothing: how many cases are imported, then each case that is not."""
    lines = [f"case {case.case_id}: {case.code}: {_on_one_line(case.reason)}" for case in verdict.failed]
    if verdict.waiting:
        lines.append(
            f"{_cases(verdict.waiting)} not started: this run imports as many cases as Airflow maps a task over "
            "([core] max_map_length). Trigger import-vcf for them, or import-part, which does so by itself"
        )
    lines += map(_on_one_line, verdict.trouble)
    if not lines:
        return ""
    total = len(verdict.imported) + len(verdict.failed) + len(verdict.waiting)
    head = f"{len(verdict.imported)} of {total} cases are imported and visible." if total else "No case is imported."
    return "\n".join((head, *lines))


def _output(task_id: str, xcom: object, kind: type[T]) -> T | str:
    """Return the output of a task's job, or the sentence about why there is none."""
    if xcom is None:
        return f"task {task_id} did not come to an end; see its log"
    summary = read_job_summary(xcom, f"the XCom of {task_id}")
    if summary.status is not Status.SUCCEEDED:
        return f"task {task_id} failed: {summary.code}: {summary.reason}"
    return output_of(summary, kind)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _cases(ids: Iterable[int]) -> str:
    return "case(s) " + ", ".join(str(one) for one in ids)
