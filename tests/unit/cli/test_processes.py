import os
import signal
import subprocess
import sys
import time

import pytest

from radiant.cli import processes
from radiant.cli.processes import children, end_marked, find_marked, state

NAME = "RADIANT_TEST_MARK"
SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
"""Prints its number when its environment can be read, which is a moment after it was started."""
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
time.sleep(600)
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


@pytest.fixture
def start_and_wait(start):
    """Start a process, and wait until its environment can be read."""

    def start_and_wait(code):
        process = start(code)
        assert int(process.stdout.readline()) == process.pid
        return process

    return start_and_wait


def test_a_process_is_found_by_its_mark_and_no_other(start_and_wait, mark):
    process = start_and_wait(SLEEP)
    assert find_marked(mark) == [process.pid]
    assert find_marked((NAME, mark[1] + "0")) == []
    assert find_marked((NAME, mark[1][:-1])) == []


def test_a_grandchild_in_its_own_session_ends_though_its_parent_was_killed(start, mark):
    parent = start(PARENT)
    orphan = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert find_marked(mark) == [orphan]
    assert end_marked(mark, grace_s=60) == 1
    assert find_marked(mark) == []


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(start_and_wait, mark):
    process = start_and_wait(STUBBORN)
    began = time.monotonic()
    end_marked(mark, grace_s=0.5)
    assert time.monotonic() - began >= 0.5
    assert process.wait() == -signal.SIGKILL


def test_the_last_one_hears_only_when_the_others_are_gone(start_and_wait, mark):
    last = start_and_wait(SLEEP)
    start_and_wait(STUBBORN)
    end_marked(mark, 0.5, last=last.pid)
    assert last.wait() == -signal.SIGKILL, "a SIGTERM during the grace would have ended it"

    last, other = start_and_wait(SLEEP), start_and_wait(SLEEP)
    end_marked(mark, 60.0, last=last.pid)
    assert (last.wait(), other.wait()) == (-signal.SIGTERM, -signal.SIGTERM)


def test_a_second_ctrl_c_kills_at_once(start_and_wait, mark, monkeypatch):
    process = start_and_wait(STUBBORN)
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
    deadline = time.monotonic() + 60
    while state(process.pid) != "Z" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state(process.pid) == "Z"
    assert process.pid not in children(os.getpid())
    assert find_marked(mark) == []


def test_children_are_listed_with_their_command(start_and_wait):
    process = start_and_wait(SLEEP)
    assert SLEEP in children(os.getpid())[process.pid]
