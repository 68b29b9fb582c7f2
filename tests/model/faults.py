"""What goes wrong between Airflow and a platform: for a while, or for the next requests."""

import dataclasses
from collections.abc import Callable, Iterator

from model.clock import World

KINDS = (
    "refused",  # nothing listens
    "timeout",  # 20 s, then nothing; the request had no effect
    "lost",  # the request took effect, the answer never came
    "reset",  # the same, at once
    "429",
    "500",
    "503",
    "409",
    "401",
    "403-denied",
    "html-200",
    "html-404",
    "html-502",
    "html-403",
    "json-200",  # of another service
    "cut",  # half an answer
)


@dataclasses.dataclass
class Fault:
    kind: str
    what: str
    """The request it hits: any, or a verb (create, get, log, events, delete, list)."""
    until: float
    left: int | None = None
    """How many requests it hits at most."""


class Faults:
    """Those that are there now."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.active: list[Fault] = []
        self.hit: list[tuple[float, str, str]] = []
        self.on_hit: Callable[[str, str], None] = lambda _kind, _what: None

    def add(self, kind: str, what: str = "any", seconds: float = 1e9, count: int | None = None) -> None:
        self.active.append(Fault(kind, what, self.world.now + seconds, count))

    def find(self, what: str) -> str | None:
        """Return the kind of fault that hits this request."""
        self.active = list(self._alive())
        for one in self.active:
            if one.what in {"any", what}:
                if one.left is not None:
                    one.left -= 1
                self.hit.append((self.world.now, one.kind, what))
                self.on_hit(one.kind, what)
                return one.kind
        return None

    def _alive(self) -> Iterator[Fault]:
        for one in self.active:
            if one.until > self.world.now and one.left != 0:
                yield one

    def clear(self) -> None:
        self.active.clear()
