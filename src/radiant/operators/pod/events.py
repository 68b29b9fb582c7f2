"""What the cluster has noted about a pod."""

from typing import Any

from radiant.operators.pod.client import TIMEOUT_S, require_kind
from radiant.operators.pod.ending import PodEvent

_MOST = 50


def read_events(core: Any, namespace: str, name: str, uid: str) -> tuple[PodEvent, ...]:
    """Return a pod's events, oldest first.

    Args:
        core: `CoreV1Api`.
        namespace: The pod's.
        name: The pod's.
        uid: The pod's; events of another pod of the same name are left out.

    Raises:
        ApiException: the API server does not give them.
        PlatformUnavailableError: something else answers.
    """
    # By name and not by uid: the controller that acts on taints gives none.
    selector = f"involvedObject.kind=Pod,involvedObject.name={name}"
    found = core.list_namespaced_event(namespace, field_selector=selector, limit=_MOST, _request_timeout=TIMEOUT_S)
    require_kind(found, "list events", "EventList")
    mine = [one for one in found.items if one.involved_object.uid in {None, "", uid}]
    items: list[Any] = sorted(mine, key=lambda one: str(one.last_timestamp or one.event_time))
    return tuple(PodEvent(one.type, one.reason, one.message or "", one.count or 1) for one in items)
