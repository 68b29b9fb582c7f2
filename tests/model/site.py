"""Puts the model beneath the real operators: clock, store, API and worker."""

import dataclasses
import functools
import importlib
import itertools
import json
import logging
import pkgutil
import shutil
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kubernetes import client

from model import container
from model.aws import EcsTask, Region, Wire, hook
from model.clock import World
from model.container import Container, Plan
from model.faults import Faults
from model.kube import Cluster, Pod
from model.task import Task
from radiant import operators, storage
from radiant.errors import StorageError
from radiant.jobs.documents import run_uri
from radiant.operators import leftovers
from radiant.operators import task_folder as operators_folder
from radiant.operators.ecs import EcsJobOperator
from radiant.operators.ecs_task import api as ecs_api
from radiant.operators.ecs_task.cloudwatch import ReadPace
from radiant.operators.ecs_task.reads import TaskReader
from radiant.operators.kubernetes import KubernetesJobOperator
from radiant.operators.platform import ContainerOrder
from radiant.operators.pod import client as pod_client
from radiant.operators.pod import spec as pod_spec
from radiant.operators.shared import discard
from radiant.settings import load_settings

LOOK_S = 5.0
PATIENCE_S = 240
QUEUE_S = 600
START_S = 120
JOB_S = 400


_PODS: dict[str, str] = {}
true_build_pod = pod_spec.build_pod
_REAL_TIME = {"radiant.operators.process", "radiant.operators.guard"}


class Site:
    """One task, the containers that were started for it, and all that lies between them."""

    backend: str
    requests_a_minute: float
    operator_class: Any
    cluster: Any

    def __init__(self, monkeypatch: Any, *, deferrable: bool) -> None:
        self.monkeypatch = monkeypatch
        shm = Path("/dev/shm")  # noqa: S108 - documents of a test: memory is quicker than a disk
        self.folder = Path(tempfile.mkdtemp(prefix="radiant-model-", dir=shm if shm.is_dir() else None))
        self.world = World()
        self.faults = Faults(self.world)
        self.plans: list[Plan] = []
        self.containers: list[Container] = []
        self.readers = 1
        self.job_s = JOB_S
        self.run_uri = run_uri(f"file://{self.folder}/work", "import-vcf", "run:1")
        self.on_create: Callable[[Container], None] = lambda _box: None
        values = {
            "RADIANT_HOME": str(self.folder / "home"),
            "RADIANT_WORK_URI": f"file://{self.folder}/work",
            "RADIANT_BACKEND": self.backend,
            "RADIANT_IMAGE": "radiant:test",
            "RADIANT_CONTAINER__DEFERRABLE": str(deferrable),
            "RADIANT_CONTAINER__LOOK_S": str(LOOK_S),
            "RADIANT_CONTAINER__PATIENCE_S": str(PATIENCE_S),
            "RADIANT_CONTAINER__QUEUE_TIMEOUT_S": str(QUEUE_S),
            "RADIANT_CONTAINER__START_TIMEOUT_S": str(START_S),
            "RADIANT_JOBS__IMPORT_CASE__TIMEOUT_S": str(JOB_S),
        }
        for name, value in (values | self.environment()).items():
            monkeypatch.setenv(name, value)
        for name in ("airflow", "airflow.task", "radiant", "radiant.worker"):
            monkeypatch.setattr(logging.getLogger(name), "level", logging.CRITICAL)
        give_time(monkeypatch, self.world)
        settings = load_settings()
        for module in modules():
            for name in ("load_settings", "load_installation"):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, lambda **_: settings)
        container.install(monkeypatch, self.world, self.containers)
        self.store_away_until = 0.0
        monkeypatch.setattr(operators_folder, "storage", self._store())
        self.connect()
        self.cluster.on_create = lambda one: self.on_create(one.container)
        self.new_process()
        self.task = Task(self.world, self.operator_class, self.new_process)

    def _store(self) -> Any:
        """Return what Airflow's processes have as `storage`: it may be away, for the workers it is there."""

        def unless_away(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*args: Any, **more: Any) -> Any:
                if self.world.now < self.store_away_until:
                    self.world.say(f"{call.__name__}: the store is away")
                    msg = "the store does not answer"
                    raise StorageError(msg)
                return call(*args, **more)

            return wrapped

        calls = {name: getattr(storage, name) for name in storage.__all__}
        away = {name: unless_away(calls[name]) for name in ("read_bytes", "write_bytes", "delete_prefix", "exists")}
        return SimpleNamespace(**calls | away)

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def connect(self) -> None:
        raise NotImplementedError

    def new_process(self) -> None:
        """Begin a process without the state of others."""
        raise NotImplementedError

    def lost(self, box: Container) -> bool:
        """Whether nothing reaches it any more, though it runs."""
        raise NotImplementedError

    def not_released(self) -> list[str]:
        raise NotImplementedError

    @property
    def shortage(self) -> str:
        """Why nothing can be started at the moment, or nothing."""
        raise NotImplementedError

    @property
    def requests(self) -> list[tuple[float, str]]:
        return self.cluster.requests

    def log_bytes(self) -> int:
        return self.cluster.log_bytes

    def next_plan(self) -> Plan:
        return self.plans.pop(0) if self.plans else Plan()

    def heal(self) -> None:
        self.faults.clear()
        self.store_away_until = 0.0

    def sweep(self) -> list[str]:
        """Do what the run's last task does: end and remove what is left."""
        found: list[str] = []
        self.new_process()
        settings = load_settings()
        self.world.spawn(
            "the run's last task", lambda: found.extend(leftovers.sweep(self.backend, self.run_uri, settings))
        )
        self.world.run(300)
        return found

    def close(self) -> None:
        self.world.end()
        shutil.rmtree(self.folder, ignore_errors=True)


class KubeSite(Site):
    """The job is a pod."""

    backend = "kubernetes"
    requests_a_minute = 150
    operator_class = KubernetesJobOperator

    def environment(self) -> dict[str, str]:
        return {
            "RADIANT_KUBERNETES__NAMESPACE": "cases",
            "RADIANT_KUBERNETES__MOUNTS": f'[{{"path": "{self.folder}", "host_path": "{self.folder}"}}]',
        }

    def connect(self) -> None:
        cluster = self.cluster = Cluster(self.world, self.faults, self.next_plan, self.containers)
        configuration = client.Configuration()
        configuration.host = "https://kube"
        # The library copies its configuration for every object that it makes: half of all the time of these tests.
        self.monkeypatch.setattr(client.Configuration, "get_default_copy", lambda: configuration)

        class Hook:
            def __init__(self, conn_id: str) -> None:
                del conn_id
                api = client.ApiClient(configuration)
                api.rest_client.pool_manager = SimpleNamespace(request=cluster.request)
                self.core_v1_client = client.CoreV1Api(api)

            def get_namespace(self) -> str:
                return "cases"

        self.monkeypatch.setattr(pod_client, "KubernetesHook", Hook)
        self.monkeypatch.setattr(pod_spec, "build_pod", self.build_pod)

    def build_pod(self, order: ContainerOrder, settings: Any, *, namespace: str) -> Any:
        """Build as the operator does, the same order once: building a pod takes longer than all its requests."""
        own = {order.attempt: "{attempt}", str(self.folder): "{folder}"}
        if getattr(order, "run", ""):
            own[order.run] = "{run}"
        key = repr(dataclasses.replace(order, asked_at=0.0, refusals=0))
        for text, name in own.items():
            key = key.replace(text, name)
        if key not in _PODS:
            body = json.dumps(
                client.ApiClient().sanitize_for_serialization(true_build_pod(order, settings, namespace=namespace))
            )
            for text, name in own.items():
                body = body.replace(text, name)
            _PODS[key] = body
        body = _PODS[key]
        for text, name in own.items():
            body = body.replace(name, text)
        return json.loads(body)

    def new_process(self) -> None:
        discard()

    def pod_of(self, box: Container) -> Pod:
        return next(pod for pod in self.cluster.all if pod.container is box)

    def lost(self, box: Container) -> bool:
        return self.pod_of(box).node in self.cluster.dead_nodes

    @property
    def shortage(self) -> str:
        return "full" if self.cluster.full else "quota" if self.cluster.quota_full else ""

    def heal(self) -> None:
        super().heal()
        self.cluster.full = self.cluster.quota_full = False
        for pod in self.cluster.all:
            pod.finalizer = False

    def not_released(self) -> list[str]:
        return [
            f"pod {pod.name} of {pod.container.name} ({pod.phase}) is still there and nothing deletes it"
            for pod in self.cluster.live()
            if pod.deleted_at is None
        ]


class EcsSite(Site):
    """The job is a task of ECS."""

    backend = "ecs"
    requests_a_minute = 150
    operator_class = EcsJobOperator

    def environment(self) -> dict[str, str]:
        return {"RADIANT_ECS__SUBNETS": "subnet-1", "RADIANT_ECS__CAPACITY_PROVIDER": "FARGATE_SPOT"}

    def connect(self) -> None:
        region = self.cluster = Region(self.world, self.faults, self.next_plan, self.containers)
        self.monkeypatch.setattr(Wire, "region", region)
        self.monkeypatch.setattr(ecs_api, "EcsHook", hook("ecs"))
        self.monkeypatch.setattr(ecs_api, "AwsLogsHook", hook("logs"))
        clock = self.world.as_time_module().monotonic
        for kind in (TaskReader, ReadPace):
            self.monkeypatch.setitem(kind.__init__.__kwdefaults__, "clock", clock)

    def new_process(self) -> None:
        discard()

    def task_of(self, box: Container) -> EcsTask:
        return next(task for task in self.cluster.tasks.values() if task.container is box)

    def lost(self, box: Container) -> bool:
        return self.task_of(box).cut_off

    @property
    def shortage(self) -> str:
        return "full" if self.cluster.full else "no capacity" if self.cluster.no_capacity else ""

    def heal(self) -> None:
        super().heal()
        self.cluster.full = self.cluster.no_capacity = False

    def not_released(self) -> list[str]:
        return [
            f"{task.container.name} ({task.status}) still runs and nothing stops it"
            for task in self.cluster.live()
            if not task.stopping
        ]

    def close(self) -> None:
        super().close()
        discard()


@functools.cache
def modules() -> list[Any]:
    """Return the modules of the operators, and the worker's that the model runs."""
    found = [
        importlib.import_module(info.name) for info in pkgutil.walk_packages(operators.__path__, "radiant.operators.")
    ]
    return [*found, container.worker_main]


def give_time(monkeypatch: Any, world: World) -> None:
    """Give every module of the operators the virtual clock in place of `time`, and the trigger its `asyncio`."""
    numbers = itertools.count(1)
    stand_ins = {
        "time": world.as_time_module(),
        "asyncio": world.as_asyncio_module(),
        "uuid": SimpleNamespace(uuid4=lambda: uuid.UUID(int=next(numbers) << 96)),
        "random": SimpleNamespace(uniform=lambda low, high: (low + high) / 2),
    }
    for module in modules():
        for name, stand_in in stand_ins.items():
            if hasattr(module, name) and module.__name__ not in _REAL_TIME:
                monkeypatch.setattr(module, name, stand_in)
