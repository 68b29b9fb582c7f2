import pytest

from radiant import storage
from radiant.costs.sizing import Observation
from radiant.jobs.catalogue import effective_job
from radiant.jobs.import_history import ImportHistory, decode_history, encode_history, history_uri
from radiant.operators.sizing import wanted_memory
from radiant.settings import load_settings

LIKE = {"case_id": 1, "vcf_bytes": 1 << 20, "samples": 3}
HISTORY = ImportHistory((Observation(1 << 20, 3, 5000, 400.0, 2.0, 3.0),) * 20)


@pytest.fixture
def settings(tmp_path):
    environment = {"RADIANT_HOME": str(tmp_path), "RADIANT_JOBS__IMPORT_CASE__SIZING": "history"}
    settings = load_settings(environment)
    storage.write_bytes(history_uri(settings.effective_work_uri), encode_history(HISTORY))
    return settings


def test_a_case_like_those_before_requests_what_they_needed(settings):
    assert wanted_memory("import-case", LIKE, settings, 0) == 512  # 400 x 1.25


@pytest.mark.parametrize(
    ("job", "arguments", "grown_mib", "wanted"),
    [
        ("import-case", LIKE, 900, 2048),
        ("import-case", LIKE, 3072, 3072),
        ("import-case", {"case_id": 1}, 0, 2048),
        ("import-case", LIKE | {"vcf_bytes": 2 << 20}, 0, 2048),
        ("import-case", LIKE | {"samples": 5}, 0, 2048),
        ("import-case", LIKE | {"samples": None}, 0, 2048),
        ("commit-part", LIKE, 0, 1024),
    ],
    ids=["after out of memory", "after more of it", "unknown size", "larger file", "larger family", "no family", "job"],
)
def test_any_other_case_requests_what_the_settings_say(settings, job, arguments, grown_mib, wanted):
    assert wanted_memory(job, arguments, settings, grown_mib) == wanted


def test_without_the_setting_the_history_changes_nothing(settings, tmp_path):
    plain = load_settings({"RADIANT_HOME": str(tmp_path)})
    assert wanted_memory("import-case", LIKE, plain, 0) == 2048
    assert effective_job("import-case", settings).retries == effective_job("import-case", plain).retries + 1


@pytest.mark.parametrize("found", [b"", b"not JSON", encode_history(ImportHistory(HISTORY.imports[1:]))])
def test_a_history_that_is_too_short_or_broken_leaves_the_request_as_it_is(settings, found):
    storage.write_bytes(history_uri(settings.effective_work_uri), found)
    assert wanted_memory("import-case", LIKE, settings, 0) == 2048
    storage.delete_prefix(history_uri(settings.effective_work_uri))
    assert wanted_memory("import-case", LIKE, settings, 0) == 2048


def test_the_history_keeps_the_latest_imports():
    history = ImportHistory()
    for number in range(7):
        history = history.with_more(tuple(Observation(number, 1, 1, 1.0, 1.0, 1.0) for _ in range(100)))
    assert [one.vcf_bytes for one in history.imports] == [number for number in range(2, 7) for _ in range(100)]
    assert decode_history(encode_history(history), "here") == history
