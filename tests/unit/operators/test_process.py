import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from radiant.operators import process
from radiant.operators.process import end_stray, run_process, start_time


def run(code, **limits):
    lines, pids = [], []
    wanted = {"memory_mib": 500, "timeout_s": 300, "should_stop": lambda: False, "on_line": lines.append} | limits
    ended = run_process([sys.executable, "-c", code], on_start=pids.append, **wanted)
    return ended, lines, pids[0]


def gone(pid, within_s=60.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if start_time(pid) is None:
            return True
        time.sleep(0.02)
    return False


def waits_for(gate):
    """Return lines of a job that goes on once a file is there."""
    return f"import pathlib, sys, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)"


def test_lines_of_both_streams_arrive_while_the_process_runs(tmp_path):
    gate, seen = tmp_path / "gate", []

    def take(line):
        seen.append(line)
        if line == "b":
            gate.touch()

    code = f"import sys\nprint('a',flush=True)\nprint('b',file=sys.stderr,flush=True)\n{waits_for(gate)}\nprint('c')"
    ended, _, _ = run(code, on_line=take)
    assert seen == ["a", "b", "c"]
    assert ended.reason is None


def test_a_last_line_without_newline_and_odd_bytes_are_kept():
    _, lines, _ = run(r"import sys; sys.stdout.buffer.write(b'caf\xc3\xa9\r\n\xff end')")
    assert lines == ["café", "\ufffd end"]


def test_a_very_long_line_comes_in_pieces_and_nothing_is_lost():
    _, lines, _ = run("print('x' * 5_000_000)")
    assert sum(map(len, lines)) == 5_000_000
    assert max(map(len, lines)) <= 16 * 1024


@pytest.mark.parametrize("code", [0, 65, 75])
def test_the_exit_code_is_the_process_s_own(code):
    ended, _, _ = run(f"raise SystemExit({code})")
    assert (ended.exit_code, ended.reason) == (code, None)


def test_memory_above_the_limit_kills_and_says_so():
    ended, _, _ = run("x = bytearray(200 << 20); import time; time.sleep(600)", memory_mib=100)
    assert (ended.reason, ended.exit_code) == ("OutOfMemory", -signal.SIGKILL)
    assert ended.peak_memory_mib > 100


def test_memory_counts_the_children_too():
    code = (
        "import subprocess, sys, time\n"
        "big = 'x = bytearray(60 << 20); import time; time.sleep(600)'\n"
        "[subprocess.Popen([sys.executable, '-c', big]) for _ in '123']\n"
        "time.sleep(600)"
    )
    ended, _, _ = run(code, memory_mib=150)
    assert ended.reason == "OutOfMemory"


def test_memory_below_the_limit_is_measured(tmp_path):
    gate, lines = tmp_path / "gate", []

    def go_on():
        """Let the job end after a look at its memory: each look is before this question."""
        if lines:
            gate.touch()
        return False

    code = f"x = bytearray(200 << 20)\nprint('up', flush=True)\n{waits_for(gate)}"
    ended, _, _ = run(code, on_line=lines.append, should_stop=go_on)
    assert ended.reason is None
    assert 200 < ended.peak_memory_mib < 300


def test_a_timeout_stops_the_process_even_when_it_ignores_sigterm():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # inherited: the process ignores it from its beginning on
    try:
        ended, _, _ = run("import time; time.sleep(600)", timeout_s=0.5)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (ended.reason, ended.exit_code) == ("Timeout", -signal.SIGKILL)


def test_a_stopped_process_gets_the_time_to_clean_up(monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 60.0)
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('cleaned'), sys.exit(75)))\n"
        "print('up', flush=True)\n"
        "time.sleep(600)"
    )
    lines = []
    ended, _, _ = run(code, on_line=lines.append, should_stop=lambda: lines == ["up"])
    assert (ended.reason, ended.exit_code, lines) == ("KilledByUser", 75, ["up", "cleaned"])


def test_children_left_behind_are_killed_when_the_process_ends():
    code = "import subprocess\np = subprocess.Popen(['sleep', '600'])\nprint(p.pid)"
    ended, lines, _ = run(code)
    assert (ended.exit_code, ended.reason) == (0, None)
    assert gone(int(lines[0]))


def test_an_exception_in_the_caller_leaves_nothing_running():
    pids = []

    def broken(line):
        raise ZeroDivisionError(line)

    code = "import time; print('a', flush=True); time.sleep(600)"
    with pytest.raises(ZeroDivisionError):
        run_process(
            [sys.executable, "-c", code],
            memory_mib=500,
            timeout_s=300,
            on_start=pids.append,
            on_line=broken,
            should_stop=lambda: False,
        )
    assert gone(pids[0])


TASK = """
import sys
from radiant.operators.process import run_process
run_process(
    [sys.executable, "-c", sys.argv[1]], memory_mib=500, timeout_s=300, on_start=lambda pid: print(pid, flush=True),
    on_line=lambda line: print(line, flush=True), should_stop=lambda: False,
)
"""


def test_a_job_and_its_children_die_when_the_process_of_the_task_is_killed():
    job = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", TASK, job], stdout=subprocess.PIPE) as task:
        pids = [int(task.stdout.readline()) for _ in ("the job", "its child")]
        assert all(start_time(pid) for pid in pids)
        task.kill()
    assert all(gone(pid) for pid in pids)


def test_no_guard_stays_after_a_job():
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    run("pass")
    assert {p.pid for p in psutil.Process().children(recursive=True)} == before


def test_a_stray_of_an_earlier_try_is_killed_with_its_group():
    stray = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert end_stray(stray.pid, start_time(stray.pid)) is True
    assert gone(stray.pid)
    stray.wait()


def test_another_process_with_the_number_of_a_stray_is_left_alone():
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        assert end_stray(other.pid, start_time(other.pid) - 100) is False
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_stray_that_ended_is_no_stray():
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert end_stray(ended.pid, 1.0) is False


def test_the_environment_is_handed_on(monkeypatch):
    monkeypatch.setenv("RADIANT_TEST_MARK", "here")
    _, lines, _ = run("import os; print(os.environ['RADIANT_TEST_MARK'])")
    assert lines == ["here"]


def test_the_job_has_a_session_of_its_own():
    _, lines, pid = run("import os; print(os.getsid(0))")
    assert int(lines[0]) == pid != os.getsid(0)
