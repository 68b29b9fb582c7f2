"""The API of the cluster that an Airflow connection names: one client in a process, and the meaning of its errors."""

import contextlib
import json
import re
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast

from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from radiant.errors import JobRefusedError, PlatformUnavailableError
from radiant.jobs.reasons import Reason
from radiant.operators.pod.pod_status import KubernetesObject
from radiant.operators.shared import discard, shared

TIMEOUT_S = (5, 20)
"""To connect, and between two bytes of an answer."""
_KEEP_S = 600.0
"""After this long the connection is read again: it may have changed."""
_CLUSTER = "cluster"
_DENIED_S = 15.0
"""A server that has just started denies the start that it is about to allow: its rules are not loaded yet."""
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster, one credential."""

    api: Any
    """`CoreV1Api`; its annotations are of no use."""
    namespace: str | None
    """That of the connection."""
    opened_at: float


def cluster_of(conn_id: str) -> Cluster:
    """Return the cluster of an Airflow connection; all tasks of a triggerer share its few connections.

    Raises:
        JobRefusedError: there is no such connection, or it does not describe a cluster.
    """
    found = shared((_CLUSTER, conn_id), lambda: _open(conn_id))
    if time.monotonic() - found.opened_at <= _KEEP_S:
        return found
    discard(_CLUSTER, conn_id)
    return shared((_CLUSTER, conn_id), lambda: _open(conn_id))


def _open(conn_id: str) -> Cluster:
    # One thread at a time, see `shared`: the client library stores the credentials in a global of its own for a moment.
    hook = KubernetesHook(conn_id=conn_id)
    try:
        api = hook.core_v1_client
        namespace = hook.get_namespace()
    except AirflowNotFoundException:
        msg = (
            f"there is no Airflow connection {conn_id!r} (RADIANT_KUBERNETES__CONN_ID): make one of type kubernetes, "
            "for example from a kubeconfig"
        )
        raise JobRefusedError(msg) from None
    except (AirflowException, ConfigException, ValueError, OSError) as error:
        msg = f"the Airflow connection {conn_id!r} does not describe a cluster: {error}"
        raise JobRefusedError(msg) from error
    return Cluster(api, namespace, time.monotonic())


class Denials:
    """Since when the cluster denies each kind of request."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def over(self, what: str) -> None:
        """Record that it was allowed."""
        self._since.pop(what, None)

    def last(self, what: str) -> bool:
        """Return whether it has been denied for too long to be a server that is starting."""
        return time.monotonic() - self._since.setdefault(what, time.monotonic()) > _DENIED_S


@contextlib.contextmanager
def api_errors(what: str, conn_id: str, denials: Denials | None = None) -> Generator[None]:
    """Raise the errors of the client library as `radiant.errors`; a 404 and an admission's refusal pass as they are.

    Only an answer of Kubernetes itself passes: one that is none of its `Status` objects comes from something between (a
    load balancer, a proxy, a gateway) and is not about the pod.

    Args:
        what: the right that the call needs, for the message.
        conn_id: the Airflow connection.
        denials: of a start: nothing runs yet, so that a missing right ends the wait. None while a container may run.

    Raises:
        PlatformUnavailableError: the server does not answer, has more to do than it can, or does not accept the
            credential.
        JobRefusedError: the credential is not allowed to do this, for longer than a moment.
    """
    try:
        yield
    except ApiException as error:
        _judge(error, what, conn_id, denials)
        raise
    except (HTTPError, OSError) as error:
        msg = f"Kubernetes does not answer ({what}): {_short(error)}"
        raise PlatformUnavailableError(msg) from error
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        # The library makes its objects from whatever comes with a 200.
        raise foreign(what, type(error).__name__) from error
    if denials is not None:
        denials.over(what)


def _judge(error: ApiException, what: str, conn_id: str, denials: Denials | None) -> None:
    text = message_of(error)
    if error.status not in {None, 0} and status_of(error) is None:
        headers: Any = error.headers or {}
        raise foreign(
            what, f"{error.status} {error.reason}, {headers.get('Content-Type', 'no content type')}"
        ) from error
    if error.status == _UNAUTHORIZED:
        discard(_CLUSTER, conn_id)
        msg = f"Kubernetes does not accept the credential of the Airflow connection {conn_id!r} ({what}): {text}"
        raise PlatformUnavailableError(msg, reason=Reason.UNAUTHORIZED) from error
    if error.status == _FORBIDDEN and is_denied(text):
        discard(_CLUSTER, conn_id)
        msg = f"Kubernetes does not let the Airflow connection {conn_id!r} {what}: {text}"
        if denials is not None and denials.last(what):
            raise JobRefusedError(msg, reason=Reason.FORBIDDEN) from error
        raise PlatformUnavailableError(msg, reason=Reason.FORBIDDEN) from error
    if denials is not None:
        denials.over(what)
    # Everything that is not about this very request may pass: throttling (429), a server that starts or ends (5xx).
    if error.status is None or error.status in {0, 408, 429} or error.status >= 500:  # noqa: PLR2004 - HTTP
        msg = f"Kubernetes does not answer ({what}): {error.status} {text}"
        if error.status == 429:  # noqa: PLR2004 - HTTP
            raise PlatformUnavailableError(msg, reason=Reason.THROTTLED)
        raise PlatformUnavailableError(msg)


def foreign(what: str, found: str) -> PlatformUnavailableError:
    """Return the error of an answer that is not Kubernetes's."""
    msg = f"something else answers in place of Kubernetes ({what}): {found}. A proxy or load balancer before it?"
    return PlatformUnavailableError(msg)


def require_kind(found: Any, what: str, *kinds: str) -> None:
    """Return when the library has made an object of one of these kinds.

    Raises:
        PlatformUnavailableError: it is something else, so it came from something else.
    """
    if getattr(found, "kind", None) not in kinds:
        raise foreign(what, f"no {' or '.join(kinds)}")


def status_of(error: ApiException) -> KubernetesObject | None:
    """Return the `Status` object of an error, None when its body is something else."""
    try:
        found: Any = json.loads(error.body or "")
    except (ValueError, TypeError):
        return None
    if not isinstance(found, dict):
        return None
    status = cast("KubernetesObject", found)
    return status if status.get("kind") == "Status" and status.get("apiVersion") == "v1" else None


def is_denied(text: str) -> bool:
    """Return whether a 403 is a missing right, not the refusal of an admission controller (a quota, a policy)."""
    return re.search(r"\bcannot \w+ resource\b", text) is not None


def is_missing(error: ApiException, name: str) -> bool:
    """Return whether Kubernetes reports that there is no pod of this name."""
    status = status_of(error) or {}
    details: Any = status.get("details") or {}
    return (error.status, status.get("reason")) == (_NOT_FOUND, "NotFound") and details.get("name") == name


def message_of(error: ApiException) -> str:
    """Return the server's message, without the headers that the library's own text has."""
    return str((status_of(error) or {}).get("message") or error.reason or error.status)


def _short(error: Exception) -> str:
    """Return the innermost cause: the library wraps a refused connection in four layers of retries."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None)) is not None and isinstance(inner, BaseException):
        cause = inner
    return re.sub(r"<[^>]* object at 0x[0-9a-f]+>:? ?", "", str(cause))[:300] or type(cause).__name__
