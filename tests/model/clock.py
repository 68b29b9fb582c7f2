"""A virtual clock and the actors that live by it: everything happens in one thread, in an order that the test chooses.

An actor is a greenlet (Airflow has the library): a process of Airflow, a worker's container. It runs until it sleeps,
then the next event of the world is due. A killed actor is never resumed: none of its clean-up runs, as after SIGKILL.
"""

import datetime as dt
import heapq
import itertools
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import greenlet

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()

_INSTANT_S = 1e-5
"""No sleep is shorter: the time of a float this large would stand still."""


class OverError(BaseException):
    """The world has ended, or this actor is dead: whatever still runs must stop."""


class Actor:
    """One thing that runs and sleeps."""

    def __init__(self, world: "World", name: str, work: Callable[[], None]) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self.ended = False
        self._pending: BaseException | None = None
        self._wake = 0
        self._greenlet = greenlet.greenlet(lambda: self._run(work))

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OverError:
            pass
        except BaseException as error:  # noqa: BLE001 - shown by the world
            self.world.crashed(self, error)
        finally:
            self.ended = True

    @property
    def alive(self) -> bool:
        return not self.dead and not self.ended

    def kill(self) -> None:
        """End it as SIGKILL does."""
        self.dead = True
        self.world.graveyard.append(self)

    def throw(self, error: BaseException) -> None:
        """Raise an error where it sleeps, at once: a signal handler that raises."""
        if self.alive:
            self._pending = error
            self.world.at(0, self.resume)

    def resume(self, wake: int | None = None) -> None:
        if not self.alive or (wake is not None and wake != self._wake):
            return
        self._wake += 1
        before, self.world.current = self.world.current, self
        try:
            self._greenlet.switch()
        finally:
            self.world.current = before

    def sleep(self, seconds: float) -> None:
        wake = self._wake
        self.world.at(seconds, lambda: self.resume(wake))
        self._switch()

    def wait(self) -> None:
        """Sleep until `resume` is called."""
        self._switch()

    def _switch(self) -> None:
        self.world.hub.switch()
        if self.dead or self.world.over:
            raise OverError
        if self._pending is not None:
            error, self._pending = self._pending, None
            raise error


class World:
    """Time, what is due, and who acts now."""

    def __init__(self) -> None:
        self.hub = greenlet.getcurrent()
        self.now = BEGIN
        self.current: Actor | None = None
        self.over = False
        self.graveyard: list[Actor] = []
        self.crashes: list[str] = []
        self.history: list[str] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it after a number of seconds, from the hub."""
        heapq.heappush(self._due, (self.now + max(seconds, 0.0), next(self._order), call))

    def spawn(self, name: str, work: Callable[[], None], after: float = 0.0) -> Actor:
        actor = Actor(self, name, work)
        self.at(after, actor.resume)
        return actor

    def run(self, seconds: float) -> None:
        """Let the time pass, from the hub."""
        until = self.now + seconds
        while self._due and self._due[0][0] <= until:
            moment, _, call = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            call()
        self.now = until

    def sleep(self, seconds: float) -> None:
        """Sleep as `time.sleep` does."""
        if self.current is None or self.over:
            raise OverError
        self.current.sleep(max(seconds, _INSTANT_S))

    def say(self, text: str) -> None:
        """Add a line to what happened."""
        self.history.append(f"{self.now - BEGIN:9.2f} {text}")

    def crashed(self, actor: Actor, error: BaseException) -> None:
        logging.getLogger(__name__).error("%s", actor.name, exc_info=error)
        self.crashes.append(f"{actor.name}: {error!r}")

    def end(self) -> None:
        """Discard all actors."""
        self.over = True
        self._due.clear()
        self.graveyard.clear()

    def as_time_module(self) -> Any:
        """Return what a module sees as `time`."""
        return SimpleNamespace(
            time=lambda: self.now,
            monotonic=lambda: self.now - BEGIN + 1000.0,
            perf_counter=lambda: self.now - BEGIN,
            sleep=self.sleep,
        )

    def as_asyncio_module(self) -> Any:
        """Return what a trigger sees as `asyncio`: its coroutine is driven by one `send`, an await blocks the actor."""
        import asyncio  # noqa: PLC0415 - the true one, for its exception

        async def to_thread(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return call(*args, **kwargs)

        async def sleep(seconds: float) -> None:
            self.sleep(seconds)

        return SimpleNamespace(to_thread=to_thread, sleep=sleep, CancelledError=asyncio.CancelledError)
