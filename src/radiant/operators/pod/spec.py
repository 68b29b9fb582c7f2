"""Makes the `V1Pod` of a job from an order and the settings; sends no request to the cluster."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, cast

import yaml
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value
from airflow.sdk.exceptions import AirflowException
from kubernetes.client import models as k8s
from kubernetes.utils.quantity import parse_quantity

from radiant.errors import JobRefusedError
from radiant.kubernetes_settings import Mount, PodSettings
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.operators.pod.pod_status import CONTAINER, RUN_LABEL, KubernetesObject, pod_name
from radiant.operators.tenant_marks import cost_tags, worker_variables
from radiant.settings import Settings

SCRATCH = "/scratch"
"""The only folder that a job may write to; its `HOME`, `TMPDIR` and working directory."""
_USER = _GROUP = 10001
"""User and group of the image. A pod that names no group is in group 0; one with a group and no user is refused."""
_SCRATCH_REQUEST_GIB = 1
"""Disk that a node must have free for a pod; the limit is the job's own number. The request is small, since only a BCF
from an object store needs scratch. A pod that is evicted from a full disk is started again."""
_FILE = "file://"


def build_pod(order: ContainerOrder, settings: Settings, *, namespace: str) -> k8s.V1Pod:
    """Return the pod that runs an order.

    It is merged from three sources, a later one over an earlier one: what a worker needs (a user and a group that are
    not root, a root file system that cannot be written, no capabilities, no token of the service account, a scratch
    volume), the pod template file, and the order with the settings. `KubernetesPodOperator` merges them. Airflow's
    `pod_mutation_hook` may change the result, as it may any pod of Airflow.

    Raises:
        JobRefusedError: there is no image, the template file is no pod, or the pod cannot see the work URI.
    """
    wanted = settings.kubernetes.of(order.job.name)
    image = wanted.image or order.image
    if not image:
        msg = "no image is set: RADIANT_IMAGE names the image of the worker"
        raise JobRefusedError(msg)
    pod = KubernetesPodOperator(
        task_id="pod",
        name=pod_name(order.attempt),
        random_name_suffix=False,
        namespace=namespace,
        pod_template_dict=_merged(_defaults(order), _template(wanted.template)),
        base_container_name=CONTAINER,
        image=image,
        image_pull_policy=wanted.pull_policy,
        image_pull_secrets=[k8s.V1LocalObjectReference(name=name) for name in wanted.pull_secrets],
        cmds=order.argv,
        env_vars={
            "RADIANT_IMAGE": image,
            "RADIANT_LOG_LEVEL": settings.log_level,
            **worker_variables(settings),
            **_trace(order.trace_context),
        },
        env_from=[_env_source(one) for one in wanted.env_from],
        container_resources=resources_of(order, wanted),
        volumes=[_volume(f"mount-{i}", mount) for i, mount in enumerate(wanted.mounts)],
        volume_mounts=[_volume_mount(f"mount-{i}", mount) for i, mount in enumerate(wanted.mounts)],
        labels={
            **wanted.labels,
            **cost_tags(settings, "tenant"),
            **labels_of(order.job.name, order.task),
            **_run_label(order),
        },
        annotations=dict(wanted.annotations),
        service_account_name=wanted.service_account,
        node_selector=dict(wanted.node_selector),
        tolerations=cast("Any", list(wanted.tolerations)),
        priority_class_name=wanted.priority_class,
        termination_grace_period=settings.kubernetes.grace_s,
        # Ends the job even without Airflow. It counts from the node's acceptance, the time-out from the job's start.
        active_deadline_seconds=order.job.timeout_s + settings.container.start_timeout_s,
        do_xcom_push=False,
    )
    try:
        built = pod.build_pod_request_obj(dry_run=True)
    except (AirflowException, ValueError, TypeError, AttributeError) as error:
        msg = f"the pod cannot be built: {error}; look at RADIANT_KUBERNETES__* and the pod template file"
        raise JobRefusedError(msg) from error
    _require_documents(order.argv, built)
    return built


def labels_of(job: str, task: TaskFacts) -> dict[str, str]:
    """Return the labels by which a person finds a pod: `kubectl get pods -l dag_id=import-vcf`.

    A value that is no valid label is shortened and gets a hash, as in the labels of Airflow's own pods. Where nothing
    is left before the hash, an `x` is put there: a label begins with a letter or a digit.
    """
    found = {"dag_id": task.dag_id, "run_id": task.run_id, "task_id": task.task_id, "job": job}
    if task.map_index >= 0:
        found["map_index"] = str(task.map_index)
    safe = {name: _label(make_safe_label_value(value)) for name, value in found.items()}
    return {"app.kubernetes.io/name": "radiant", "app.kubernetes.io/managed-by": "airflow", **safe}


def _label(value: str) -> str:
    return f"x{value}" if value.startswith("-") else value


def resources_of(order: ContainerOrder, wanted: PodSettings) -> k8s.V1ResourceRequirements:
    """Return the requests and limits of the worker; those that only the template names (a GPU, a CPU limit) stay.

    Raises:
        JobRefusedError: the CPU limit is below what the job asks for, or the template file is no pod.
    """
    containers: Any = (_template(wanted.template).get("spec") or {}).get("containers") or [{}]
    first: Any = containers[0] if isinstance(containers, list) else {}
    given: Any = first.get("resources") or {}
    memory, cores = f"{order.memory_mib}Mi", order.job.resources.cpu
    # The request of memory is the limit, so that a node never promises more than it has. CPU has no limit unless a
    # quota demands one: a job may use idle cores, and starts faster by them.
    requests = {"cpu": _millicores(cores), "memory": memory, "ephemeral-storage": f"{_SCRATCH_REQUEST_GIB}Gi"}
    # One GiB more, for the log, which is on the node's disk.
    limits = {"memory": memory, "ephemeral-storage": f"{order.job.resources.scratch_gib + 1}Gi"}
    if wanted.cpu_limit is not None:
        limits["cpu"] = _millicores(cores if wanted.cpu_limit == "job" else wanted.cpu_limit)
    limits = {**(given.get("limits") or {}), **limits}
    if "cpu" in limits and parse_quantity(str(limits["cpu"])) < parse_quantity(requests["cpu"]):
        msg = (
            f"{order.job.name} asks for {cores:g} cores and its pod is limited to {limits['cpu']}: raise "
            "RADIANT_KUBERNETES__CPU_LIMIT (`job`: as many as the job asks for) or the template's limits.cpu, or lower "
            f"RADIANT_JOBS__{order.job.name.replace('-', '_').upper()}__CPU"
        )
        raise JobRefusedError(msg)
    return k8s.V1ResourceRequirements(requests={**(given.get("requests") or {}), **requests}, limits=limits)


def _millicores(cores: float) -> str:
    return f"{round(cores * 1000)}m"


def _run_label(order: ContainerOrder) -> dict[str, str]:
    return {RUN_LABEL: order.run} if order.run else {}


def _defaults(order: ContainerOrder) -> KubernetesObject:
    """Return the pod that a template file is merged over."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _GROUP,
                "fsGroup": _GROUP,
                # A volume that has the group already is not changed file by file.
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": f"{order.job.resources.scratch_gib}Gi"}}],
            "containers": [
                {
                    "name": CONTAINER,
                    "workingDir": SCRATCH,
                    "env": [{"name": "HOME", "value": SCRATCH}, {"name": "TMPDIR", "value": SCRATCH}],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
                }
            ],
        },
    }


def _template(path: Path | None) -> KubernetesObject:
    """Return a pod template file.

    Raises:
        JobRefusedError: it cannot be read, or is no pod.
    """
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        msg = f"RADIANT_KUBERNETES__TEMPLATE={path} cannot be read: {error}"
        raise JobRefusedError(msg) from error
    if not isinstance(found, dict) or cast("KubernetesObject", found).get("kind", "Pod") != "Pod":
        msg = f"RADIANT_KUBERNETES__TEMPLATE={path} is no pod: it must be a YAML file with `kind: Pod`"
        raise JobRefusedError(msg)
    return cast("KubernetesObject", found)


_BY_NAME = {"volumes": "name", "env": "name", "volumeMounts": "mountPath"}
"""Lists whose items are merged by a key of theirs."""


def _merged(below: KubernetesObject, above: KubernetesObject) -> KubernetesObject:
    """Return two objects of the Kubernetes API merged; the second is stronger."""
    found = dict(below)
    for key, value in above.items():
        under = found.get(key)
        if isinstance(under, dict) and isinstance(value, dict):
            found[key] = _merged(cast("KubernetesObject", under), cast("KubernetesObject", value))
        elif key == "containers" and isinstance(under, list) and isinstance(value, list) and value:
            # The worker is the template's first container, whatever its name; the others are side-cars.
            first: KubernetesObject = {**value[0], "name": CONTAINER}
            found[key] = [_merged(cast("list[KubernetesObject]", under)[0], first), *value[1:]]
        elif (by := _BY_NAME.get(key)) and isinstance(under, list) and isinstance(value, list):
            named = {one[by]: one for one in cast("list[KubernetesObject]", [*under, *value])}
            found[key] = list(named.values())
        else:
            found[key] = value
    return found


def _trace(context: Mapping[str, str]) -> dict[str, str]:
    return {name.upper(): value for name, value in context.items()}


def _env_source(source: str) -> k8s.V1EnvFromSource:
    kind, _, name = source.partition("/")
    if kind == "secret":
        return k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))
    return k8s.V1EnvFromSource(config_map_ref=k8s.V1ConfigMapEnvSource(name=name))


def _volume(name: str, mount: Mount) -> k8s.V1Volume:
    if mount.claim is not None:
        claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=mount.claim, read_only=mount.read_only)
        return k8s.V1Volume(name=name, persistent_volume_claim=claim)
    if mount.host_path is not None:
        return k8s.V1Volume(name=name, host_path=k8s.V1HostPathVolumeSource(path=mount.host_path, type="Directory"))
    if mount.secret is not None:
        return k8s.V1Volume(name=name, secret=k8s.V1SecretVolumeSource(secret_name=mount.secret))
    return k8s.V1Volume(name=name, config_map=k8s.V1ConfigMapVolumeSource(name=mount.config_map))


def _volume_mount(name: str, mount: Mount) -> k8s.V1VolumeMount:
    return k8s.V1VolumeMount(
        name=name, mount_path=mount.path, sub_path=mount.sub_path, read_only=mount.read_only or None
    )


def _require_documents(argv: Sequence[str], pod: k8s.V1Pod) -> None:
    """Make sure that a request in a file is in a folder that the pod mounts."""
    mounts = cast("Any", pod).spec.containers[0].volume_mounts or []
    folders = [PurePosixPath(one.mount_path) for one in mounts]
    for uri in argv:
        path = PurePosixPath(uri.removeprefix(_FILE))
        if uri.startswith(_FILE) and not any(path.is_relative_to(folder) for folder in folders):
            msg = (
                f"{uri} is a file that no pod sees: set RADIANT_WORK_URI to an object store (s3://...), or mount the "
                "folder in the pods at the same path by RADIANT_KUBERNETES__MOUNTS"
            )
            raise JobRefusedError(msg)
