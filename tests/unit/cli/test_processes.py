import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from radiant.cli import processes
from radiant.cli.processes import children, end_marked, find_marked, state

NAME = "RADIANT_TEST_MARK"
SLEEP = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
CHILD = f"import os; print(os.getpid(), flush=True); {SLEEP}"
"""Says who it is when its environment can be read, which is a moment after it was started."""
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=True)
time.sleep(60)
"""


@pytest.fixture
def mark(tmp_path):
    mark = (NAME, str(tmp_path))
    yield mark
    for pid in find_marked(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(mark):
    started = []

    def start(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | {mark[0]: mark[1]}, stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_process_is_found_by_its_mark_and_no_other(start, mark):
    process = start(SLEEP)
    assert find_marked(mark) == [process.pid]
    assert find_marked((NAME, mark[1] + "0")) == []
    assert find_marked((NAME, mark[1][:-1])) == []


def test_a_grandchild_in_its_own_session_ends_though_its_parent_was_killed(start, mark):
    parent = start(PARENT)
    orphan = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert find_marked(mark) == [orphan]
    assert end_marked(mark, grace_s=5) == 1
    assert find_marked(mark) == []


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(start, mark):
    process = start(STUBBORN)
    assert process.stdout.readline() == b"up\n"
    began = time.monotonic()
    end_marked(mark, grace_s=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert process.wait() == -signal.SIGKILL


def test_the_last_one_hears_only_when_the_others_are_gone(start, mark):
    last = start(SLEEP)
    other = start(STUBBORN)
    other.stdout.readline()
    waiting = threading.Thread(target=end_marked, args=(mark, 1.0), kwargs={"last": last.pid})
    waiting.start()
    time.sleep(0.5)
    assert last.poll() is None
    waiting.join()
    assert last.wait() == -signal.SIGKILL

    last, other = start(SLEEP), start(SLEEP)
    end_marked(mark, 10.0, last=last.pid)
    assert (last.wait(), other.wait()) == (-signal.SIGTERM, -signal.SIGTERM)


def test_a_second_ctrl_c_kills_at_once(start, mark, monkeypatch):
    process = start(STUBBORN)
    process.stdout.readline()
    sleep = time.sleep

    def interrupted(_):
        monkeypatch.setattr(processes.time, "sleep", sleep)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes.time, "sleep", interrupted)
    end_marked(mark, grace_s=60)
    assert process.wait() == -signal.SIGKILL


def test_the_own_process_is_never_ended(monkeypatch, mark):
    monkeypatch.setenv(*mark)  # changes os.environ, not /proc; the process id must be excluded all the same
    assert os.getpid() not in find_marked(mark)


def test_nothing_to_end_is_fine(mark):
    assert end_marked(mark, grace_s=5) == 0


def test_a_zombie_is_no_living_child(start, mark):
    process = start("pass")
    process.stdout.read()
    deadline = time.monotonic() + 10
    while state(process.pid) != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state(process.pid) == "Z"
    assert process.pid not in children(os.getpid())
    assert find_marked(mark) == []


def test_children_are_listed_with_their_command(start):
    process = start(SLEEP)
    assert SLEEP in children(os.getpid())[process.pid]
