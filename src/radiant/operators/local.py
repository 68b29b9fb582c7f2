"""The embedded default backend: a job is a process on the machine of the Airflow worker."""

import dataclasses
import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from radiant.errors import ConfigError
from radiant.jobs.catalogue import effective_job
from radiant.jobs.reasons import Reason
from radiant.jobs.usage import Placement, Times
from radiant.operators.ending import Ended
from radiant.operators.job import JobOperator
from radiant.operators.process import PROCESS_RECORD, ProcessRecord, end_stray, run_process, start_time
from radiant.operators.retry import AirflowArguments
from radiant.operators.task_run import TaskRun
from radiant.settings import load_installation

_MIB = 1 << 20
_ARCHITECTURES = {"aarch64": "arm64"}
"""The name that clouds use, where the system has another."""


class LocalJobOperator(JobOperator):
    """Runs a job as a process: the same command line, documents and limits as in a container.

    Memory is the sum over all processes of the job, sampled every 100 ms; CPU and disk are not limited. As many tasks
    of one kind run at once (over all runs of the DAG) as the machine's cores and memory allow by the job's numbers,
    at least one; `max_active_tis_per_dag` overrides that.
    """

    def __init__(self, *, job: str, arguments: Mapping[str, object], **airflow_kwargs: Any) -> None:
        """Describe the task, see `JobOperator`."""
        super().__init__(job=job, arguments=arguments, **airflow_kwargs)

    @classmethod
    def airflow_defaults(cls, job: str) -> AirflowArguments:
        """Add how many may run at once on this machine."""
        wanted = effective_job(job, load_installation()).resources
        fit = min(_cores() / wanted.cpu, psutil.virtual_memory().total / _MIB / wanted.memory_mib)
        return {**super().airflow_defaults(job), "max_active_tis_per_dag": max(1, int(fit))}

    def run_job(self, run: TaskRun) -> Ended:
        """Run the job as a process, after ending one that an earlier try left behind.

        Raises:
            ConfigError: the worker is not installed beside this interpreter.
        """
        host = socket.gethostname()
        earlier = run.folder.read_document(PROCESS_RECORD, ProcessRecord)
        if earlier and earlier.host == host and end_stray(earlier.pid, earlier.started):
            self.log.warning("process %d of an earlier try was still running and has been killed", earlier.pid)

        def started(pid: int) -> None:
            run.folder.write_document(PROCESS_RECORD, ProcessRecord(host, pid, start_time(pid)))

        asked_at = time.time()
        command, *arguments = run.folder.argv(run.job.name, run.request.attempt)
        ended = run_process(
            [str(executable(command)), *arguments],
            memory_mib=run.request.memory_mib or run.job.resources.memory_mib,
            timeout_s=run.job.timeout_s,
            on_start=started,
            on_line=self.log_line,
            should_stop=lambda: self.stop_requested,
        )
        architecture = _ARCHITECTURES.get(platform.machine(), platform.machine())
        ended = dataclasses.replace(
            ended,
            times=Times(asked_at=asked_at, placed_at=asked_at, started_at=asked_at, ended_at=time.time()),
            placement=Placement("local", node=host, architecture=architecture),
        )
        # The job has gone either way: a process does not outlive its task.
        return dataclasses.replace(ended, reason=self.stop_reason(run)) if ended.reason == Reason.KILLED else ended


def executable(name: str) -> Path:
    """Return the command that was installed with this interpreter; PATH may hold another version.

    Raises:
        ConfigError: it is not there.
    """
    path = Path(sys.executable).parent / name
    if not os.access(path, os.X_OK):
        msg = f"{path} does not exist: install radiant[airflow,worker] into the environment of Airflow"
        raise ConfigError(msg)
    return path


def _cores() -> int:
    """Return the cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
