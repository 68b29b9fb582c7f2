"""What `radiant kube doctor` checks in the cluster: access, rights, what the pods name, room."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from radiant.cli.check_result import CheckResult, good, unknown, warning, wrong
from radiant.errors import JobRefusedError, RadiantError
from radiant.jobs.catalogue import JOBS, effective_job
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.jobs.catalogue import JobSpec
    from radiant.kubeconfig import Access

TIMEOUT_S = (5, 20)
"""To connect, and between two bytes of an answer."""
RIGHTS = (
    ("pods", None, "create"),
    ("pods", None, "get"),
    ("pods", None, "list"),
    ("pods", None, "delete"),
    ("pods", "log", "get"),
    ("events", None, "list"),
)
"""Resource, subresource and verb of all that the operator does: the Role in `deploy/kubernetes/base`."""
_APPLY = "kubectl apply -k deploy/kubernetes/base"
_FORBIDDEN, _NOT_FOUND, _UNAUTHORIZED = 403, 404, 401


def open_client(access: "Access") -> Any:
    """Return the client that Airflow would make of the connection, with its first error its last."""
    from kubernetes import client, config  # noqa: PLC0415 - heavy, only here

    from radiant.kubeconfig import kube_config  # noqa: PLC0415 - only here

    wanted = client.Configuration()
    wanted.retries = cast("Any", 0)
    return config.new_client_from_config_dict(kube_config(access), client_configuration=wanted, persist_config=False)


def check_access(api: Any, access: "Access") -> Iterator[CheckResult]:
    """Check that the API server answers and accepts the credential."""
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    checked = "" if access.cluster.get("insecure-skip-tls-verify") else ", its certificate checked"
    try:
        version: Any = client.VersionApi(api).get_code(_request_timeout=TIMEOUT_S)
        _review(api, "default", ("pods", None, "get"))
    except client.ApiException as error:
        message = message_from(error)
        if error.status == _UNAUTHORIZED:
            yield wrong(
                "access", f"{access.server} does not accept the credential", "log in again, or make a new token"
            )
        else:
            yield wrong("access", f"{access.server}: {message}", "ask who runs the cluster")
        return
    except Exception as error:  # noqa: BLE001 - any error of the client library means no proper answer
        yield wrong("access", f"{access.server}: {_innermost(error)}", "is it up, and is this its name for Airflow?")
        return
    yield good("access", f"{access.server}, Kubernetes {version.git_version}{checked}")
    if not checked:
        yield warning("access", "the server's certificate is not checked", "leave --insecure-skip-tls-verify out")


def check_rights(api: Any, namespace: str) -> Iterator[CheckResult]:
    """Look whether the credential may do what jobs need, and not much more."""
    missing = [_spoken(right) for right in RIGHTS if not _review(api, namespace, right)]
    if missing:
        yield wrong(
            "rights",
            f"may not {', '.join(missing)} in namespace {namespace}",
            f"{_APPLY}, and use the token of radiant-airflow: --token-file",
        )
    else:
        yield good("rights", f"all {len(RIGHTS)} that jobs need in namespace {namespace}")
    if _review(api, namespace, ("secrets", None, "get")):
        yield warning(
            "rights",
            "the credential may also read secrets: Airflow needs no such right",
            f"kubectl -n {namespace} create token radiant-airflow | radiant kube connection --token-file -",
        )


def check_named(api: Any, namespace: str, settings: Settings) -> Iterator[CheckResult]:
    """Look whether all that the settings name is there: namespace, service account, priority class, secrets."""
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    core, scheduling = client.CoreV1Api(api), client.SchedulingV1Api(api)
    wanted = settings.kubernetes
    named: list[tuple[str, str | None, Callable[..., Any]]] = [
        ("namespace", namespace, core.read_namespace),
        ("service account", wanted.service_account, partial(core.read_namespaced_service_account, namespace=namespace)),
        ("priority class", wanted.priority_class, scheduling.read_priority_class),
    ]
    named += [
        ("pull secret", name, partial(core.read_namespaced_secret, namespace=namespace)) for name in wanted.pull_secrets
    ]
    kinds = {"secret": core.read_namespaced_secret, "configmap": core.read_namespaced_config_map}
    for source in wanted.env_from:
        kind, _, name = source.partition("/")
        named.append((kind, name, partial(kinds[kind], namespace=namespace)))
    for what, name, read in named:
        if not name:
            continue
        try:
            read(name, _request_timeout=TIMEOUT_S)
        except client.ApiException as error:
            if error.status == _NOT_FOUND:
                yield wrong("cluster", f"there is no {what} {name}", f"make it, or correct the setting; {_APPLY}")
            elif error.status == _FORBIDDEN:
                yield unknown("cluster", f"{what} {name}: the credential may not look (nor need it)")
            else:
                yield unknown("cluster", f"{what} {name}: {message_from(error)}")
        else:
            yield good("cluster", f"{what} {name} is there")


def check_room(api: Any, namespace: str, settings: Settings) -> Iterator[CheckResult]:
    """Look whether quota, limits and nodes have room for the largest job."""
    from kubernetes import client  # noqa: PLC0415 - heavy, only here
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 - heavy, only here

    def number(text: str) -> float:
        return float(parse_quantity(text))

    jobs = [effective_job(name, settings) for name in JOBS]
    core = client.CoreV1Api(api)
    limit = partial(_cpu_limit, settings=settings, number=number, default=_default_cpu_limit(core, namespace))
    looks: list[tuple[str, Callable[..., Any], Callable[..., Iterator[CheckResult]]]] = [
        ("quota", partial(core.list_namespaced_resource_quota, namespace), partial(_judge_quotas, cpu_limit=limit)),
        ("limits", partial(core.list_namespaced_limit_range, namespace), _judge_limits),
        ("nodes", core.list_node, _judge_nodes),
    ]
    for about, read, judge in looks:
        try:
            found: Any = read(_request_timeout=TIMEOUT_S)
        except client.ApiException as error:
            text = "the credential may not look (nor need it)" if error.status == _FORBIDDEN else message_from(error)
            yield unknown(about, text, "run this as the cluster's administrator to check it")
        else:
            yield from judge(found.items, jobs, number)


def _default_cpu_limit(core: Any, namespace: str) -> bool:
    """Return whether a LimitRange gives a CPU limit to containers without one."""
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    try:
        ranges: Any = core.list_namespaced_limit_range(namespace, _request_timeout=TIMEOUT_S)
    except client.ApiException:
        return False
    return any("cpu" in (limit.default or {}) for one in ranges.items for limit in one.spec.limits)


def _cpu_limit(job: "JobSpec", *, settings: Settings, number: Callable[[str], float], default: bool) -> float | None:
    """Return the CPU limit of a job's pod in cores, 0 for one that the namespace gives, None for none."""
    from radiant.cli.kube_pod import order_of  # noqa: PLC0415 - imports Airflow
    from radiant.operators.pod.spec import resources_of  # noqa: PLC0415 - imports Airflow

    try:
        found: Any = resources_of(order_of(job, settings, run_id="doctor"), settings.kubernetes.of(job.name))
    except JobRefusedError:  # building the pod, next, raises the same error
        return None
    limits: dict[str, str] = found.limits or {}
    return number(limits["cpu"]) if "cpu" in limits else 0.0 if default else None


def _judge_quotas(
    quotas: list[Any],
    jobs: "list[JobSpec]",
    number: Callable[[str], float],
    *,
    cpu_limit: Callable[["JobSpec"], float | None],
) -> Iterator[CheckResult]:
    if not quotas:
        yield warning("quota", "there is none: jobs may take the whole cluster", _APPLY)
    for quota in quotas:
        hard: dict[str, str] = quota.status.hard or quota.spec.hard or {}
        used: dict[str, str] = quota.status.used or {}
        never = [job.name for job in jobs if _over(job, hard, number)]
        name = quota.metadata.name
        if "limits.cpu" in hard:
            limits = {job.name: cpu_limit(job) for job in jobs}
            if without := [one for one, cores in limits.items() if cores is None]:
                yield wrong(
                    "quota",
                    f"{name} requires a CPU limit, and pods of {', '.join(without)} have none: it refuses each of them",
                    "RADIANT_KUBERNETES__CPU_LIMIT=job, or limits.cpu in the pod template",
                )
                continue
            never += [one for one, cores in limits.items() if (cores or 0) > number(hard["limits.cpu"])]
        if never:
            yield wrong(
                "quota",
                f"{name} can never hold {', '.join(dict.fromkeys(never))}",
                "raise it, or lower RADIANT_JOBS__*__MEMORY_MIB / CPU",
            )
            continue
        counts = [key for key in ("pods", "count/pods", "requests.memory", "requests.cpu", "limits.cpu") if key in hard]
        state = ", ".join(f"{used.get(key, '0')} of {hard[key]} {key}" for key in counts)
        if any(number(used.get(key, "0")) >= number(hard[key]) for key in counts):
            yield warning("quota", f"{name} is used up ({state}): jobs wait", "wait, or raise it")
        else:
            yield good("quota", f"{name}: {state} in use")


def _judge_limits(ranges: list[Any], jobs: "list[JobSpec]", number: Callable[[str], float]) -> Iterator[CheckResult]:
    limits = [limit for one in ranges for limit in one.spec.limits if limit.type in {"Container", "Pod"}]
    most = min((number(one.max["memory"]) for one in limits if (one.max or {}).get("memory")), default=None)
    if most is None:
        return
    over = [job.name for job in jobs if _memory(job) > most]
    if over:
        yield wrong("limits", f"the LimitRange forbids the memory of {', '.join(over)}", "raise its max")
    else:
        yield good("limits", f"a pod may have {most / 2**20:.0f} MiB")


def _judge_nodes(nodes: list[Any], jobs: "list[JobSpec]", number: Callable[[str], float]) -> Iterator[CheckResult]:
    ready = [
        one
        for one in nodes
        if not one.spec.unschedulable
        and any(condition.type == "Ready" and condition.status == "True" for condition in one.status.conditions or ())
    ]
    sizes = [(number(one.status.allocatable["memory"]), number(one.status.allocatable["cpu"])) for one in ready]
    over = [
        job.name
        for job in jobs
        if not any(_memory(job) <= memory and job.resources.cpu <= cpu for memory, cpu in sizes)
    ]
    if over:
        yield warning(
            "nodes",
            f"no node that is ready has room for {', '.join(over)}",
            "fine where an autoscaler makes one; else a larger node, or a smaller RADIANT_JOBS__*",
        )
    else:
        yield good("nodes", f"{len(ready)} ready, the largest has {max(sizes)[0] / 2**30:.1f} GiB for pods")


def _over(job: "JobSpec", hard: dict[str, str], number: Callable[[str], float]) -> bool:
    wanted = {"requests.memory": _memory(job), "limits.memory": _memory(job), "memory": _memory(job)}
    wanted |= {"requests.cpu": job.resources.cpu, "cpu": job.resources.cpu, "pods": 1, "count/pods": 1}
    return any(key in hard and amount > number(hard[key]) for key, amount in wanted.items())


def _memory(job: "JobSpec") -> float:
    return job.resources.memory_mib * 2**20


def _review(api: Any, namespace: str, right: tuple[str, str | None, str]) -> bool:
    from kubernetes import client  # noqa: PLC0415 - heavy, only here

    resource, subresource, verb = right
    attributes = client.V1ResourceAttributes(namespace=namespace, resource=resource, subresource=subresource, verb=verb)
    review = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes))
    authorization = client.AuthorizationV1Api(api)
    answer: Any = authorization.create_self_subject_access_review(review, _request_timeout=TIMEOUT_S)
    return bool(answer.status.allowed)


def message_from(error: Any) -> str:
    """Return the API server's own message."""
    from radiant.operators.pod.client import message_of  # noqa: PLC0415 - imports Airflow

    return message_of(error)


def _spoken(right: tuple[str, str | None, str]) -> str:
    resource, subresource, verb = right
    return f"{verb} {resource}/{subresource}" if subresource else f"{verb} {resource}"


def _innermost(error: BaseException) -> str:
    if isinstance(error, RadiantError):
        return str(error)
    reason = getattr(error, "reason", None)
    while isinstance(reason, BaseException):
        error, reason = reason, getattr(reason, "reason", None)
    return str(error).rpartition(">: ")[2] or type(error).__name__
