"""The platforms of `make bench-scale`: the fake ECS, and a real Kubernetes with its API server seen through a proxy."""

import collections
import contextlib
import json
import os
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from radiant.jobs.catalogue import JOBS

Calls = collections.Counter[str]
"""Requests of Airflow to the platform, by name."""
CLUSTER = {"kube-apiserver", "kube-scheduler", "kube-controller", "kubelet", "etcd", "containerd", "containerd-shim"}
"""Processes of the machine that are the cluster; the kernel keeps 15 characters of a name."""


@dataclass(frozen=True)
class Platform:
    """One platform that is ready for a run."""

    environment: dict[str, str]
    calls: Callable[[], Calls]
    clear_calls: Callable[[], None]
    own_cpu: Callable[[], float]
    """CPU seconds so far of its processes that are no children of the benchmark."""
    jobs_are_children: bool


@contextlib.contextmanager
def ecs(home: Path, running: int) -> Generator[Platform]:
    """Start the fake AWS, with room for a number of tasks at once."""
    from fakes.ecs import fake_ecs

    with fake_ecs() as aws:
        environment = [{"name": "RADIANT_HOME", "value": str(home)}]
        ground = aws.provision(families={f"radiant-{job}": {"environment": environment} for job in JOBS})
        aws.options(slots=running)
        values = {
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "RADIANT_BACKEND": "ecs",
            "RADIANT_ECS__CLUSTER": ground.cluster,
            "RADIANT_ECS__SUBNETS": ",".join(ground.subnets),
            "RADIANT_ECS__SECURITY_GROUPS": ",".join(ground.security_groups),
            "RADIANT_ECS__LOG_GROUP": ground.log_group,
        }
        yield Platform(
            environment=aws.environment() | values,
            calls=lambda: collections.Counter(call.name for call in aws.calls(who="airflow")),
            clear_calls=aws.clear_calls,
            own_cpu=float,
            jobs_are_children=True,
        )


@contextlib.contextmanager
def kubernetes(home: Path, running: int) -> Generator[Platform]:
    """Make a namespace in the cluster of the tests (`tests/cluster/site.py`), with room for a number of pods at once.

    Airflow reaches the API server through a proxy of this process, which counts the requests, and requests less CPU
    for each pod than any setting allows; its CPU is in the row of the benchmark.
    """
    from cluster.api_proxy import ApiProxy
    from cluster.site import site

    with site() as found, ApiProxy(found.api).serving() as proxy:
        worker = {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": "worker"},
            "data": {"RADIANT_HOME": str(home)},
        }
        found.kubectl("-n", found.namespace, "apply", "-f", "-", stdin=json.dumps(worker))
        proxy.rewrite = lambda pod: request_cpu(pod, len(os.sched_getaffinity(0)) / running)
        template = home / "template.yaml"
        user = {"runAsUser": os.geteuid(), "runAsNonRoot": os.geteuid() != 0}
        template.write_text(yaml.safe_dump({"kind": "Pod", "spec": {"securityContext": user}}))
        connection = {
            "conn_type": "kubernetes",
            "extra": {"kube_config": proxy.kubeconfig(), "namespace": found.namespace},
        }
        values = {
            "AIRFLOW_CONN_KUBERNETES_CONN": json.dumps(connection),
            "RADIANT_BACKEND": "kubernetes",
            "RADIANT_IMAGE": found.image,
            "RADIANT_KUBERNETES__NAMESPACE": found.namespace,
            "RADIANT_KUBERNETES__ENV_FROM": "configmap/worker",
            "RADIANT_KUBERNETES__MOUNTS": json.dumps([{"path": str(home.parent), "host_path": str(home.parent)}]),
            "RADIANT_KUBERNETES__TEMPLATE": str(template),
        }
        yield Platform(
            environment=values,
            calls=lambda: collections.Counter(kind_of(call) for call, _ in proxy.calls),
            clear_calls=proxy.calls.clear,
            own_cpu=cluster_cpu,
            jobs_are_children=False,
        )


def request_cpu(pod: dict[str, Any], cores: float) -> None:
    """Make each container of a pod request this many cores."""
    for container in pod["spec"]["containers"]:
        container["resources"]["requests"]["cpu"] = f"{cores:.3f}"


def kind_of(call: str) -> str:
    """Return the name of a request without the names of objects.

    >>> kind_of("GET /api/v1/namespaces/n/pods/import-case-1/log?follow=False")
    'GET pods/*/log'
    """
    method, path = call.split(" ", 1)
    words = re.sub(r"^/apis?/(?:[^/]+/)?v1[^/]*/(?:namespaces/[^/]+/)?", "", path.split("?")[0]).split("/")
    return f"{method} " + "/".join("*" if at == 1 else word for at, word in enumerate(words))


def cluster_cpu() -> float:
    """Return the CPU seconds of the cluster's processes so far."""
    total = 0.0
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"].startswith(tuple(CLUSTER)):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


PLATFORMS = {"ecs": ecs, "kubernetes": kubernetes}
