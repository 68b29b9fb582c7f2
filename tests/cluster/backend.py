"""The backend `kubernetes` under test: a job is a pod whose worker is a few lines of Python in the node's folder."""

import json
import os
import stat
from pathlib import Path
from typing import Any, ClassVar

import yaml

from backends import WORKER, Backend
from radiant.jobs.reasons import Reason
from radiant.operators.kubernetes import KubernetesJobOperator


class PodBackend(Backend):
    """A job is a pod of the real image, with the test's worker first in its PATH."""

    operator_class = KubernetesJobOperator
    timeout_reason: ClassVar[str] = Reason.DEADLINE_EXCEEDED

    def __init__(self, folder: Path, monkeypatch: Any, ground: Any = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder, monkeypatch, ground)
        self.site = ground
        self.set(**ground.environment())
        self.set(
            RADIANT_WORK_URI=f"file://{folder}/work",
            RADIANT_KUBERNETES__MOUNTS=json.dumps([{"path": str(folder), "host_path": str(folder)}]),
        )
        self.template()

    def set(self, **values: str) -> None:
        """Set environment variables."""
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)

    def template(self, **spec: Any) -> None:
        """Make these parts of a pod's spec the template, beside what the test's worker needs."""
        worker = {
            "name": "worker",
            "env": [{"name": "PATH", "value": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin"}],
        }
        wanted = {
            # Process 1 of a pod cannot be killed from inside; the worker's own image does not need it.
            "shareProcessNamespace": True,
            # It writes to the folder of the test.
            "securityContext": {"runAsUser": os.geteuid(), "runAsNonRoot": os.geteuid() != 0},
            "containers": [worker],
        }
        path = self.folder / "template.yaml"
        path.write_text(yaml.safe_dump({"kind": "Pod", "spec": wanted | spec}))
        self.set(RADIANT_KUBERNETES__TEMPLATE=str(path))

    def install(self, body: str) -> Path:
        path = self.folder / "bin" / "radiant-worker"
        path.parent.mkdir(exist_ok=True)
        path.write_text(WORKER.format(python="/usr/bin/env python3") + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def has_begun(self) -> bool:
        return any(pod.status.phase not in {"Pending", "Unknown"} for pod in self.site.pods())


class DeferrablePodBackend(PodBackend):
    """The same, with tasks that wait in the triggerer."""

    deferrable = True
