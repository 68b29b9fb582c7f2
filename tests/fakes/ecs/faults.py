"""Faults by script: a fault matches calls and determines their outcome."""

import dataclasses
import fnmatch
import threading
import time
from dataclasses import dataclass

CALL_FAULTS = {
    "throttle": "refused with ThrottlingException",
    "unavailable": "refused with ServerException, HTTP 500",
    "deny": "refused with AccessDeniedException",
    "drop": "the connection closes, nothing is done",
    "lose_reply": "it is done, then the connection closes",
    "slow": "answered `delay_s` later",
    "page_404": "a load balancer answers in AWS's place: 404 with HTML",
    "page_200": "a proxy answers in AWS's place: its login page, 200 with HTML",
    "other_json": "a gateway answers in AWS's place: 200 with JSON of its own",
    "missing": "DescribeTasks does not find the task (yet)",
    "empty_page": "GetLogEvents answers an empty page with a token that leads on",
}
"""Faults of a call, whatever it is."""

_DONE = {"slow", "lose_reply"}
"""Faults of a call that is done nevertheless."""

TASK_FAULTS = {
    "capacity": "RunTask starts nothing and names `detail` among its failures",
    "start_failed": "the task stops before it runs, with stopCode TaskFailedToStart and `detail` as its reason",
    "hold": "the task stays PROVISIONING for `delay_s` seconds",
    "oom": "the container is killed as one that ran out of memory, `delay_s` after its start",
    "spot": "the task is interrupted as on Fargate Spot, `delay_s` after its start",
    "retire": "the task is stopped for maintenance of its host, `delay_s` after its start",
    "late_logs": "the log's lines arrive `delay_s` late",
}
"""Faults of the tasks that a RunTask starts."""

DETAILS = {
    "capacity": "Capacity is unavailable at this time. Please try again later or in a different availability zone",
    "start_failed": (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        "failed to resolve ref {image}: {image}: not found"
    ),
}
"""What AWS says where a fault has no `detail`."""


@dataclass
class Fault:
    """One fault, until it has happened often or long enough."""

    kind: str
    call: str = "ecs:*"
    """Pattern of the calls it is meant for, named as IAM names actions."""
    times: int | None = 1
    """How many calls; None for all."""
    seconds: float | None = None
    """How long from now on; None for ever."""
    match: str = ""
    """Only calls whose parameters hold this text: an ARN, a capacity provider, a command."""
    detail: str = ""
    """Replaces the service's words."""
    delay_s: float = 0.0
    who: str = "*"
    """Pattern of the access key of the caller: `task-role` for the containers themselves."""
    since: float = dataclasses.field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.kind not in CALL_FAULTS | TASK_FAULTS:
            msg = f"there is no fault {self.kind!r}; there are {', '.join(CALL_FAULTS | TASK_FAULTS)}"
            raise ValueError(msg)
        if self.kind in TASK_FAULTS:
            self.call = "ecs:RunTask"

    def wants(self, name: str, text: str, who: str) -> bool:
        if self.times == 0 or (self.seconds is not None and time.monotonic() - self.since > self.seconds):
            return False
        return fnmatch.fnmatch(name, self.call) and fnmatch.fnmatch(who, self.who) and self.match in text

    def words(self, **values: str) -> str:
        """Return what the service says, for instance of this `image`."""
        return (self.detail or DETAILS.get(self.kind, "")).format(**values)


class FaultPlan:
    """The faults still to come, in the order they were planned."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, name: str, text: str, who: str) -> list[Fault]:
        """Return what happens to this call: the first fault of the call, and every one of the tasks it starts."""
        with self._lock:
            wanted = [fault for fault in self._faults if fault.wants(name, text, who)]
            of_call = next((fault for fault in wanted if fault.kind in CALL_FAULTS), None)
            found = [] if of_call is None else [of_call]
            if of_call is None or of_call.kind in _DONE:
                found += {fault.kind: fault for fault in reversed(wanted) if fault.kind in TASK_FAULTS}.values()
            for fault in found:
                if fault.times is not None:
                    fault.times -= 1
            return found
