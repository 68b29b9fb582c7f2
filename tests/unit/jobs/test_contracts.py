"""Arguments, outputs and XComs as types; those that radiant 0.1 wrote stay readable."""

import json

import pytest

from radiant.domain.case import Priority
from radiant.domain.partition import BlockedCases, PlannedPart
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.codec import to_json
from radiant.jobs.contracts import (
    CommitArguments,
    CommitOutput,
    FailedCase,
    ImportArguments,
    ImportedCase,
    ImportOutput,
    ImportParams,
    PlanArguments,
    PlanOutput,
    PrepareArguments,
    PreparedCase,
    PrepareOutput,
    RecordCounts,
    Verdict,
    arguments_of,
    output_of,
    read_import_params,
    read_verdict,
)
from radiant.jobs.documents import Status, Usage, decode_request, decode_result, read_job_summary

COUNTS = RecordCounts(read=5, kept=3, split=1, skipped=1, rejected=0)
PREPARED = PreparedCase(1, "file:///w/cases/1.json", "load1")


def request(arguments: str) -> bytes:
    """A request as radiant 0.1 wrote it."""
    return (
        '{"arguments": ' + arguments + ', "attempt": "a1", "cpu": 2, "image": null, "job": "j", "memory_mib": 2048, '
        '"protocol": 2, "radiant_version": "0.1.0", "run_uri": "file:///w", "task_uri": "file:///w/t", '
        '"trace_context": {"traceparent": "00-1-2-01"}}'
    ).encode()


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('{"cases": null}', PlanArguments()),
        ('{"cases": "1-3"}', PlanArguments("1-3")),
        ('{"part": 7, "cases": [1], "most": 1024}', PrepareArguments(7, [1], 1024)),
        ('{"case_id": 1, "case_uri": "file:///w/cases/1.json", "load_id": "load1"}', PREPARED),
        ('{"case_id": 1, "case_uri": "u", "load_id": null}', ImportArguments(1, "u", None)),
        (
            (
                '{"part": 7, "loads": [{"case_id": 1, "case_uri": "file:///w/cases/1.json", "load_id": "load1"}], '
                '"deleted": [9]}'
            ),
            CommitArguments(7, (PREPARED,), (9,)),
        ),
        ('{"part": 7, "loads": null, "deleted": null}', CommitArguments(7, None)),
    ],
)
def test_arguments_of_a_request_of_0_1_are_read(text, arguments):
    found = decode_request(request(text), "request.json")
    assert arguments_of(found, type(arguments)) == arguments


def test_the_imports_of_a_commit_of_0_1_are_those_of_the_task_import_case():
    old = arguments_of(decode_request(request('{"part": 7, "loads": []}'), "here"), CommitArguments)
    assert old.import_uri(3, "s3://b/run") == "s3://b/run/import_case/3"
    assert (
        CommitArguments(7, (), imports_uri="s3://b/run/imports").import_uri(3, "s3://b/run") == "s3://b/run/imports/3"
    )


def of_old_keys(written, old):
    """Return what is written of the keys that 0.1 had; a reader of 0.1 ignores a newer key."""
    if isinstance(old, dict):
        return {name: of_old_keys(written[name], value) for name, value in old.items()}
    if isinstance(old, list):
        return [of_old_keys(one, value) for one, value in zip(written, old, strict=True)]
    return written


def summary(output: str) -> dict:
    """An XCom as radiant 0.1 pushed it."""
    return json.loads(
        '{"job": "j", "status": "succeeded", "output": ' + output + ', "rows": {"variant": 2}, "seconds": 1.5, '
        '"cpu_s": 0.7, "peak_memory_mib": 81.2, "memory_limit_mib": 1024, "radiant_version": "0.1.0", "image": null}'
    )


@pytest.mark.parametrize(
    ("text", "output"),
    [
        (
            '{"parts": [{"part": 7, "priority": "stat", "cases": [1, 2]}], "blocked": [{"cases": [4], "reason": "x"}]}',
            PlanOutput((PlannedPart(7, Priority.STAT, (1, 2)),), (BlockedCases((4,), "x"),)),
        ),
        (
            (
                '{"part": 7, "cases": [{"case_id": 1, "case_uri": "file:///w/cases/1.json", "load_id": "load1"}], '
                '"deleted": [9], "refused": [{"case_id": 3, "code": "CaseState", "reason": "held"}], "waiting": [5]}'
            ),
            PrepareOutput(7, (PREPARED,), (9,), (FailedCase(3, "CaseState", "held"),), (5,)),
        ),
        (
            (
                '{"case_id": 1, "load_id": "load1", "records": {"read": 5, "kept": 3, "split": 1, "skipped": 1, '
                '"rejected": 0}, "warnings": ["w"]}'
            ),
            ImportOutput(1, "load1", COUNTS, ("w",)),
        ),
        (
            (
                '{"part": 7, "imported": [{"case_id": 1, "records": {"read": 5, "kept": 3, "split": 1, "skipped": 1, '
                '"rejected": 0}, "rows": {"variant": 2}, "seconds": 1.5, "cpu_s": 2, "peak_memory_mib": 80.5, '
                '"warnings": []}], "failed": [{"case_id": 2, "code": "Lost", "reason": "gone"}], "deleted": []}'
            ),
            CommitOutput(
                7, (ImportedCase(1, COUNTS, {"variant": 2}, 1.5, 2.0, 80.5, ()),), (FailedCase(2, "Lost", "gone"),), ()
            ),
        ),
    ],
)
def test_the_output_in_an_xcom_of_0_1_is_read_and_written_as_it_was(text, output):
    found = read_job_summary(summary(text), "the XCom")
    assert output_of(found, type(output)) == output
    assert of_old_keys(to_json(output), json.loads(text)) == json.loads(text)
    assert found.to_xcom() == summary(text)


def test_the_summary_of_a_job_that_failed_has_code_and_reason():
    xcom = summary("null") | {"status": "failed", "code": "VcfFormat", "reason": "line 3"}
    found = read_job_summary(xcom, "the XCom")
    assert (found.status, found.code, found.reason) == (Status.FAILED, "VcfFormat", "line 3")
    assert found.to_xcom() == xcom


def test_a_result_of_0_1_is_read():
    found = decode_result(
        b'{"attempt": "a1", "digests": {"variant": "ab"}, "failure": null, "image": null, "job": "import-case", '
        b'"finished_at": "2026-01-01T00:00:01.000+00:00", "started_at": "2026-01-01T00:00:00.000+00:00", '
        b'"output": {"case_id": 1}, "protocol": 2, "python_version": "3.11.9", "radiant_version": "0.1.0", '
        b'"rows": {"variant": 2}, "status": "succeeded", "usage": {"bytes_read": 1, "bytes_written": 2, "cpu_s": 3, '
        b'"peak_memory_mib": 4.5, "wall_s": 6.0}}',
        "result.json",
    )
    assert (found.status, found.output, found.usage) == (Status.SUCCEEDED, {"case_id": 1}, Usage(6.0, 3.0, 4.5, 1, 2))


def test_a_verdict_of_0_1_is_read():
    xcom = {
        "imported": [1],
        "deleted": [],
        "failed": [{"case_id": 2, "code": "Lost", "reason": "gone"}],
        "waiting": [],
        "trouble": ["x"],
        "warnings": [{"case_id": 1, "warning": "w"}],
    }
    found = read_verdict(xcom, "the verdict")
    assert found is not None
    assert found.failed == (FailedCase(2, "Lost", "gone"),)
    assert to_json(found) == xcom | {"failed": [{**xcom["failed"][0], "retryable": False}]}
    assert read_verdict(None, "the verdict") is None


def test_a_key_of_a_newer_release_is_ignored():
    xcom = {"imported": [1], "colour": "red"}
    assert read_verdict(xcom, "the verdict") == Verdict(imported=(1,))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"case_id": 1, "case_uri": "u"}', "load_id: Field required"),
        ('{"case_id": "1", "case_uri": "u", "load_id": "l"}', "case_id: Input should be a valid integer"),
        ('{"case_id": true, "case_uri": "u", "load_id": "l"}', "case_id: Input should be a valid integer"),
        ('{"case_id": 1, "case_uri": ["NA12878"], "load_id": 1}', "case_uri: .*; load_id: "),
    ],
)
def test_wrong_arguments_name_file_key_and_remedy_and_no_value(text, words):
    with pytest.raises(JobProtocolError, match=words) as raised:
        arguments_of(decode_request(request(text), "here"), ImportArguments)
    assert str(raised.value).startswith("file:///w/t/request.json: arguments is not an object that j takes: ")
    assert str(raised.value).endswith(". Run the same radiant version in Airflow and in the image")
    assert "NA12878" not in str(raised.value)


def test_params_of_a_run_take_cases_as_a_person_types_them():
    assert read_import_params({"part": 7, "cases": "1-3", "priority": "stat"}) == ImportParams(
        7, (1, 2, 3), Priority.STAT
    )
    assert read_import_params({"part": 7, "cases": ""}) == ImportParams(7)
    with pytest.raises(InputError, match="like 105"):
        read_import_params({"part": 7, "cases": "all"})
