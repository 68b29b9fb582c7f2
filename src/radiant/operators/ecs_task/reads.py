"""The descriptions of all tasks that one process waits for: one DescribeTasks for up to a hundred of them.

Hundreds of triggers step in a few threads. None waits for another: each names its task, one of them requests the
hundred tasks whose description is oldest, and the others use the last description.

ECS allows an account 20 DescribeTasks and ListTasks a second in a region, 100 at once.
Source: Amazon ECS API reference, "Request throttling for the Amazon ECS API".
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from radiant.errors import PlatformUnavailableError
from radiant.operators.ecs_task.task_status import AwsObject

BATCH = 100
"""ARNs of one DescribeTasks."""
GAP_S = 0.5
"""Between two calls of one process."""
_LONGEST_GAP_S = 30.0
"""Between two calls that are not answered."""
_UNUSED_S = 300.0
"""A task that no caller asked for in this time is not described any more."""
_STALE_S = 60.0
"""How old a description may be while ECS does not answer."""
_MISSES = 3
"""Answers in a row without a task after which it is gone: ECS's answers may lag behind its state."""

Describe = Callable[[str, list[str]], AwsObject]
"""Cluster and ARNs -> the answer of DescribeTasks."""


@dataclass(slots=True)
class CachedTask:
    """The last description of a task."""

    cluster: str
    asked_at: float = float("-inf")
    """When ECS was last asked."""
    seen_at: float | None = None
    """When ECS last answered; None before it ever did."""
    wanted_at: float = 0.0
    task: AwsObject | None = None
    misses: int = 0

    @property
    def gone(self) -> bool:
        """Whether ECS has no such task any more."""
        return self.misses >= _MISSES


class TaskReader:
    """The descriptions of one process; safe in threads."""

    def __init__(self, describe: Describe, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the arguments.

        Args:
            describe: asks ECS.
            clock: seconds, monotonic.
        """
        self._describe = describe
        self._clock = clock
        self._lock = threading.Lock()
        self._tasks: dict[str, CachedTask] = {}
        self._next_call_at = float("-inf")
        self._unanswered = 0
        self._error: PlatformUnavailableError | None = None

    def task(self, arn: str, cluster: str, *, fresh_s: float) -> CachedTask:
        """Return the last description of a task; one older than `fresh_s` is renewed where the pace allows a request.

        Raises:
            PlatformUnavailableError: ECS does not answer, and the last description is too old.
        """
        with self._lock:
            now = self._clock()
            cached = self._tasks.setdefault(arn, CachedTask(cluster))
            cached.wanted_at = now
            batch: list[str] = []
            if now - cached.asked_at >= fresh_s and now >= self._next_call_at:
                batch = self._choose(arn, now, fresh_s / 2)
                self._next_call_at = now + GAP_S
        if batch:
            self._ask(cluster, batch)
        with self._lock:
            old = cached.seen_at is None or self._clock() - cached.seen_at > _STALE_S
            if self._error is not None and old:
                raise self._error
            if cached.gone or (cached.task or {}).get("lastStatus") == "STOPPED":
                # Its end is final: another call begins with a new description.
                self._tasks.pop(arn, None)
            return cached

    def _choose(self, arn: str, now: float, older_s: float) -> list[str]:
        """Return the task and the 99 others whose description is oldest."""
        for name, cached in list(self._tasks.items()):
            if now - cached.wanted_at > _UNUSED_S:
                del self._tasks[name]
        cluster = self._tasks[arn].cluster
        others = [
            (cached.asked_at, name)
            for name, cached in self._tasks.items()
            if name != arn and cached.cluster == cluster and now - cached.asked_at >= older_s
        ]
        chosen = [arn, *(name for _, name in sorted(others)[: BATCH - 1])]
        for name in chosen:
            self._tasks[name].asked_at = now
        return chosen

    def _ask(self, cluster: str, arns: list[str]) -> None:
        try:
            answer = self._describe(cluster, arns)
        except PlatformUnavailableError as error:
            with self._lock:
                self._unanswered += 1
                pause_s = min(_LONGEST_GAP_S, GAP_S * 2**self._unanswered)
                self._next_call_at = self._clock() + pause_s * random.uniform(0.5, 1)  # noqa: S311 - not for secrets
                self._error = error
            raise
        seen = {task["taskArn"]: task for task in answer["tasks"]}
        with self._lock:
            self._unanswered, self._error = 0, None
            for arn in arns:
                cached = self._tasks.get(arn)
                if cached is None:
                    continue
                cached.seen_at = self._clock()
                cached.task = seen.get(arn, cached.task)
                cached.misses = 0 if arn in seen else cached.misses + 1
