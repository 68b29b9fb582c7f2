import dataclasses
import json
from importlib import metadata

import pytest

from radiant import storage
from radiant.errors import ConfigError, JobProtocolError
from radiant.jobs.catalogue import IMPORT_CASE, effective_job
from radiant.jobs.codec import encode
from radiant.jobs.documents import Result, Status, decode_request
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import new_request
from radiant.settings import load_settings


@pytest.fixture
def folder(context, tmp_path):
    return TaskFolder.of(context["ti"], f"file://{tmp_path}")


def test_the_folder_names_run_task_and_map_index_but_no_try(context, instance, folder, tmp_path):
    assert folder.uri == f"file://{tmp_path}/import-vcf/run%3A1/import_case/3"
    instance.try_number = 2
    assert TaskFolder.of(context["ti"], f"file://{tmp_path}") == folder


@pytest.mark.parametrize("index", [-1, None])
def test_a_task_that_is_not_mapped_has_no_index(context, instance, index):
    instance.map_index = index
    assert TaskFolder.of(context["ti"], "file:///w").uri.endswith("/import_case")


def test_what_another_attempt_wrote_is_neither_result_nor_outcome_of_this_one(folder):
    old = Result(job="import-case", attempt="old", status=Status.SUCCEEDED)
    folder.write_outcome(old)
    request = new_request(IMPORT_CASE, {"case_id": 1}, folder, memory_mib=100, image=None)
    folder.write_request(request)
    assert folder.read_result(request.attempt) is None
    assert folder.read_outcome(request.attempt) is None
    assert folder.read_outcome("old") == old


def test_an_attempt_reads_the_request_it_was_started_for_even_if_another_was_written_since(folder):
    requests = [new_request(IMPORT_CASE, {"case_id": case}, folder, memory_mib=100, image=None) for case in (1, 2)]
    for request in requests:
        folder.write_request(request)
    for request in requests:
        uri = folder.argv("import-case", request.attempt)[3]
        assert decode_request(storage.read_bytes(uri), uri) == request
    assert decode_request(storage.read_bytes(folder.request_uri), "the last") == requests[1]


def test_the_request_has_the_arguments_and_limits_of_the_try(folder, tmp_path):
    folder.write_request(new_request(IMPORT_CASE, {"case_id": 1}, folder, memory_mib=100, image="i@sha256:1"))
    path = tmp_path / "import-vcf/run%3A1/import_case/3/request.json"
    found = decode_request(path.read_bytes(), str(path))
    assert (found.job, found.arguments, found.memory_mib, found.image) == (
        "import-case",
        {"case_id": 1},
        100,
        "i@sha256:1",
    )
    assert found.run_uri == f"file://{tmp_path}/import-vcf/run%3A1"
    assert found.radiant_version == metadata.version("radiant")


def test_every_request_has_an_attempt_of_its_own(folder):
    one, two = (new_request(IMPORT_CASE, {}, folder, memory_mib=1, image=None) for _ in "12")
    assert one.attempt != two.attempt


def test_the_command_line_carries_uris_only(folder):
    own = f"{folder.uri}/a1"
    wanted = ["radiant-worker", "poc", "--request", f"{own}/request.json", "--result", f"{own}/result.json"]
    assert folder.argv("poc", "a1") == wanted


def test_an_unreadable_result_is_an_error_and_not_none(folder):
    answer = dataclasses.replace(Result(job="j", attempt="a", status=Status.SUCCEEDED), protocol=99)
    storage.write_bytes(folder.argv("j", "a")[5], encode(answer))
    assert isinstance(folder.read_result("a"), JobProtocolError)


def test_an_outcome_survives_writing_and_reading(folder):
    answer = Result(job="j", attempt="a", status=Status.SUCCEEDED, output=[1])
    folder.write_outcome(answer)
    assert folder.read_outcome("a") == answer
    assert json.loads(encode(answer))["status"] == "succeeded"


def test_memory_of_the_next_try_is_kept_beside_the_request(folder):
    assert folder.read_memory_mib() == 0
    folder.write_memory_mib(3072)
    assert folder.read_memory_mib() == 3072


def test_settings_override_the_catalogue():
    settings = load_settings(
        {"RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB": "4096", "RADIANT_JOBS__IMPORT_CASE__RETRIES": "0"}
    )
    job = effective_job("import-case", settings)
    assert (job.resources.memory_mib, job.retries) == (4096, 0)
    assert (job.resources.cpu, job.timeout_s) == (IMPORT_CASE.resources.cpu, IMPORT_CASE.timeout_s)


def test_an_unknown_job_is_refused():
    with pytest.raises(ConfigError, match="no job 'import'"):
        effective_job("import", load_settings({}))
