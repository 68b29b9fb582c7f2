"""The worker's contract: stale result gone, a result document whatever happens, the exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from radiant import storage
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, decode_result

WORKER = Path(sys.executable).with_name("radiant-worker")


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def ask(folder: Path, job: str = "poc", attempt: str = "a1", **arguments) -> list[str]:
    request = Request(job=job, attempt=attempt, run_uri=storage.file_uri(folder), arguments=arguments)
    (folder / "request.json").write_bytes(encode(request))
    return [str(WORKER), job, "--request", f"{folder}/request.json", "--result", f"{folder}/result.json"]


def answer(folder: Path):
    return decode_result((folder / "result.json").read_bytes(), "result.json")


def test_poc_prints_ten_lines_and_returns_a_list(folder):
    done = subprocess.run(ask(folder, pause_s=0), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert [line.split("INFO ")[1][:13].strip(":") for line in done.stdout.splitlines()] == [
        f"progress {step}/10"[:13] for step in range(1, 11)
    ]
    result = answer(folder)
    assert result.status is Status.SUCCEEDED
    assert result.output == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]
    assert result.attempt == "a1"
    assert result.usage is not None
    assert result.usage.peak_memory_mib > 5


def test_bad_input_exits_65_and_says_so_in_the_result(folder):
    done = subprocess.run(ask(folder, pause_s="soon"), capture_output=True, text=True, check=False)
    assert done.returncode == 65
    failure = answer(folder).failure
    assert failure is not None
    assert (failure.code, failure.retryable, failure.exit_code) == ("BadInput", False, 65)
    assert "pause_s is 'soon'" in failure.message


def test_the_result_names_a_library_that_the_image_lacks(folder):
    (folder / "pyarrow.py").write_text("raise ImportError('libarrow_x.so: cannot open shared object file')")
    command = ask(folder, job="plan-import")
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, check=False)
    assert done.returncode == 70
    assert "ImportError (libarrow_x.so: cannot open shared object file) in " in answer(folder).failure.message


def test_a_stale_result_is_gone_before_the_work_begins(folder):
    command = ask(folder, attempt="new", pause_s=60)
    (folder / "result.json").write_text("stale")
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    assert not (folder / "result.json").exists()
    process.kill()
    process.communicate()


def test_a_worker_that_starts_after_its_attempt_was_replaced_does_nothing(folder):
    command = ask(folder, attempt="old", pause_s=60)
    path = folder / "request.json"
    document = json.loads(path.read_text()) | {"task_uri": f"file://{folder}/task"}
    path.write_text(json.dumps(document))
    (folder / "task").mkdir()
    (folder / "task" / "request.json").write_text(json.dumps(document | {"attempt": "new"}))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 75
    assert "attempt new of the same task has replaced it" in done.stdout
    assert not (folder / "result.json").exists()


def test_sigterm_leaves_a_result_that_may_be_tried_again(folder):
    process = subprocess.Popen(ask(folder, pause_s=60), stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 75
    failure = answer(folder).failure
    assert failure is not None
    assert (failure.code, failure.retryable) == ("Terminated", True)


def test_sigterm_while_a_line_of_the_log_is_written_stops_the_job(folder):
    code = (
        "import os, signal, sys\n"
        "class Output:\n"
        "    def write(self, text):\n"
        "        if 'progress 1/' in text: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    def flush(self): pass\n"
        "sys.stdout = Output()\n"
        "from radiant.worker.main import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", code, *ask(folder, pause_s=60)[1:]]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 75
    failure = answer(folder).failure
    assert failure is not None
    assert failure.code == "Terminated"


@pytest.mark.parametrize("content", ["", "[]", '{"protocol": 1}', '{"protocol": 2, "job": "poc"}'])
def test_an_unreadable_request_is_a_protocol_error_without_a_result(folder, content):
    command = ask(folder)
    (folder / "request.json").write_text(content)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "request.json" in done.stdout
    assert not (folder / "result.json").exists()


def test_a_request_for_another_job_is_refused(folder):
    command = ask(folder)
    document = json.loads((folder / "request.json").read_text())
    (folder / "request.json").write_text(json.dumps(document | {"job": "import-case"}))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 78


def test_a_misspelt_setting_exits_78_with_the_nearest_name(folder):
    done = subprocess.run(
        ask(folder), capture_output=True, text=True, check=False, env={"RADIANT_VCF__TOLERAT": "1", "PATH": "/usr/bin"}
    )
    assert done.returncode == 78
    assert "did you mean RADIANT_VCF__TOLERATE?" in done.stdout


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_a_bug_is_reported_by_its_line_and_its_text_is_logged_at_debug_alone(folder, level, shown):
    code = (
        "import sys, radiant.worker.poc as poc\n"
        "def handle(request, settings, meter): raise KeyError('NA12878')\n"
        "poc.handle = handle\n"
        "from radiant.worker.main import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", code, *ask(folder)[1:]]
    environment = {"RADIANT_LOG_LEVEL": level, "PATH": "/usr/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 70
    failure = answer(folder).failure
    assert failure is not None
    assert failure.message.startswith("KeyError in worker/main.py, line ")
    assert "NA12878" not in failure.message
    assert ("NA12878" in done.stdout) is shown
