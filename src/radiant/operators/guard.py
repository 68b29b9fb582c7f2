"""Ends a job's process group when the process that started it dies; run as a script beside each local job.

Reads the group's number from standard input, then waits there: `done` means the job ended, end of file means that the
starting process is gone, however it died. Linux's PR_SET_PDEATHSIG would reach the job's first process only, not its
children, and no other system has it. Standard library only.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = 5.0


def main() -> None:
    """Wait for the end of the job or of the process that started it; kill the group in the second case."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    group = sys.stdin.readline().strip()
    if not group.isdigit() or sys.stdin.readline():
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(int(group), signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            os.killpg(int(group), 0)
            time.sleep(0.05)
        os.killpg(int(group), signal.SIGKILL)


if __name__ == "__main__":
    main()
