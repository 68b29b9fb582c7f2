import re
from pathlib import Path

import pytest

from radiant.errors import RadiantError
from radiant.jobs.documents import Failure, Request
from radiant.jobs.reasons import Reason, reason_named
from radiant.operators.ending import Ended, read_together
from radiant.operators.retry import decide_retry

REQUEST = Request(job="import-case", attempt="a1", run_uri="file:///w/r", radiant_version="1")
LIMITS = {"job": "import-case", "try_number": 1, "limit_mib": 2048, "peak_mib": None, "cap_mib": 30720}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence_and_a_hint_without_gaps(reason):
    ended = Ended(exit_code=-9, reason=reason, seconds=12.4, memory_limit_mib=2048, peak_memory_mib=None)
    failure = read_together(REQUEST, ended, None).failure
    assert (type(failure.code), failure.code) == (str, reason.value)
    hint = decide_retry(failure, **LIMITS).hint
    assert failure.message.startswith(reason.sentence.partition("{")[0])
    assert hint.startswith(reason.hint.partition("{")[0])
    for text in (failure.message, hint):
        assert re.search(r"\w+ \w+", text), "a sentence"
        assert not re.search(r"[{}]|None", text)


def test_a_pod_out_of_memory_reads_like_this():
    ended = Ended(
        exit_code=-9,
        reason="OutOfMemory",
        seconds=3.0,
        memory_limit_mib=64,
        peak_memory_mib=None,
        memory_asked_mib=512,
        detail="container worker: OOMKilled, exit code 137.",
    )
    failure = read_together(REQUEST, ended, None).failure
    assert failure.message == (
        "the job was killed because it exceeded its memory limit of 64 MiB; 512 MiB were asked for, something in the "
        "cluster (a webhook, a policy) changed it. container worker: OOMKilled, exit code 137."
    )
    assert decide_retry(failure, **(LIMITS | {"limit_mib": 64})).hint == (
        "Another try gets 96 MiB; set RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB to start with more"
    )


def test_a_reason_of_another_release_keeps_its_name():
    ended = Ended(exit_code=None, reason="Melted", seconds=3.0, memory_limit_mib=64, peak_memory_mib=None)
    failure = read_together(REQUEST, ended, None).failure
    assert reason_named("Melted") is None
    assert (failure.code, failure.message) == ("Melted", "the platform ended the job after 3 s (Melted).")


@pytest.mark.parametrize("retryable", [True, False])
def test_a_code_without_a_row_gets_the_hint_of_its_kind(retryable):
    found = decide_retry(Failure("VcfFormat", "line 3", retryable, None), **LIMITS)
    assert found.retry is retryable
    assert found.hint.startswith("This may pass" if retryable else "Trying again changes nothing: fix")


def test_the_documentation_names_no_reason_that_does_not_exist():
    page = (Path(__file__).parents[3] / "docs/kubernetes.md").read_text()
    table = page.split("## When a job fails")[1].split("|---|---|---|")[1].split("\n\n")[0]
    named = {name for row in table.strip().splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    codes = {one.code for one in _errors(RadiantError)}
    assert named
    assert {name for name in named if reason_named(name) is None} <= codes


def _errors(kind):
    yield kind
    for below in kind.__subclasses__():
        yield from _errors(below)
