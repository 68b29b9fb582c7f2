"""Chooses where jobs run."""

import importlib
from typing import TYPE_CHECKING

from radiant.settings import Settings, load_installation

if TYPE_CHECKING:
    from radiant.operators.job import JobOperator
    from radiant.operators.platform import Platform

_CLASSES = {
    "local": ("radiant.operators.local", "LocalJobOperator"),
    "kubernetes": ("radiant.operators.kubernetes", "KubernetesJobOperator"),
    "ecs": ("radiant.operators.ecs", "EcsJobOperator"),
}
"""Module and class of each backend: only the chosen one is imported, a provider costs seconds at every DAG parse."""

_PLATFORMS = {
    "kubernetes": ("radiant.operators.pod.kubernetes_platform", "KubernetesPlatform"),
    "ecs": ("radiant.operators.ecs_task.ecs_platform", "EcsPlatform"),
}
"""Module and class of each platform that runs containers; imported only when a job runs there."""


def job_operator() -> "type[JobOperator]":
    """Return the operator class of the backend that `RADIANT_BACKEND` names.

    Every class has the constructor `(*, job, arguments, **airflow_kwargs)` and works with
    `.partial(job=...).expand(arguments=...)`, so that a DAG file is the same for each backend.

    Raises:
        ConfigError: a setting is wrong.
    """
    module, name = _CLASSES[load_installation().backend]
    found: type[JobOperator] = getattr(importlib.import_module(module), name)
    return found


def platform_of(backend: str, settings: Settings) -> "Platform":
    """Return the platform of a backend that runs containers, as the settings describe it."""
    module, name = _PLATFORMS[backend]
    found: Platform = getattr(importlib.import_module(module), name)(settings)
    return found
