"""What a handler returns to `worker/main.py`."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The job's own part of the result document."""

    output: Any
    """JSON; small, it becomes the XCom."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows per table (short names), for jobs that make rows."""
    digests: dict[str, str] = field(default_factory=dict)
    """sha256 by name, for what must be comparable between runs."""
