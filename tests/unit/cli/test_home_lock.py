import os
import signal
import subprocess
import sys

import pytest

from radiant.cli.home_lock import home_lock
from radiant.errors import ConfigError

HOLDER = """
import sys, time
from pathlib import Path
from radiant.cli.home_lock import home_lock
with home_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_held_home_is_refused_with_the_holders_process_id(tmp_path):
    with (
        home_lock(tmp_path),
        pytest.raises(ConfigError, match=rf"process {os.getpid()}\).*RADIANT_HOME"),
        home_lock(tmp_path),
    ):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    home = tmp_path / "new"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match=f"process {holder.pid}"), home_lock(home):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with home_lock(home):
        assert (home / "run.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_is_given_back(tmp_path):
    for _ in range(2):
        with home_lock(tmp_path):
            pass
